//! Rules, thresholds, hours, teams, routing, handing over and what people see.

use super::question::{Heads, Parts, comparison};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::span::{Name, Spanned};
use smol_str::SmolStr;

const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Builder<'_> {
    pub(super) fn threshold(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `threshold NAME = 70%`";
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let assign = parts.get(Rule::assign);
        let default = parts.get(Rule::expr);
        if let Some(name) = name
            .as_ref()
            .filter(|_| assign.is_none() || default.is_none())
        {
            let end = assign
                .as_ref()
                .map_or(name.span.end as isize - self.base, |a| {
                    a.as_span().end() as isize
                });
            let what = if assign.is_none() { "`=`" } else { "a value" };
            self.expected_at(
                what,
                pair.get_input(),
                usize::try_from(end).unwrap_or_default(),
                USAGE,
            );
        }
        let default = default.map(|d| self.expr(d));
        self.header_junk(&mut parts, before);
        let mut lines = Vec::new();
        if let Some(block) = parts.get(Rule::thresholds) {
            self.walk(
                block.into_inner(),
                &words::THRESHOLD,
                Rule::threshold_item,
                &mut |b, line| {
                    let whole = line.clone();
                    let mut parts = Parts::of(line);
                    let Some(value) = parts.get(Rule::cvalue) else {
                        return;
                    };
                    let value = b.cell_value(value);
                    match parts.get(Rule::when).and_then(|when| b.when(when)) {
                        Some(cond) => lines.push((value, cond)),
                        None => b.expected("`when`", &whole, "write `VALUE when CONDITION`"),
                    }
                },
            );
        }
        self.decl_end(&mut parts);
        DeclKind::Threshold(ThresholdDecl {
            name,
            default,
            lines,
        })
    }

    pub(super) fn rule(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `escalate NAME [from TIER] to TIER { when CONDITION }`";
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let mut from = Vec::new();
        if let Some(part) = parts.get(Rule::from_names) {
            let item = part.clone();
            from = self.name_list(&mut Parts::of(part), "a tier", &item, USAGE);
        }
        let mut to = None;
        match parts.get(Rule::to_name) {
            Some(part) => {
                let item = part.clone();
                let tier = Parts::of(part).get(Rule::name);
                to = self.need_name(tier, "a tier", &item, USAGE);
            }
            None if self.diagnostics.len() == before => {
                let text = pair.as_str();
                let head = text.find(['{', '\n']).unwrap_or(text.len());
                let end =
                    pair.as_span().start() + text.get(..head).unwrap_or_default().trim_end().len();
                let end = name.as_ref().filter(|_| from.is_empty()).map_or(end, |n| {
                    usize::try_from(n.span.end as isize - self.base).unwrap_or(end)
                });
                self.expected_at("`to`", pair.get_input(), end, USAGE);
            }
            None => {}
        }
        let mut out = RuleDecl {
            name,
            from,
            to,
            when: None,
            unless: None,
            priority: None,
            say: None,
            because: None,
        };
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::rule_block, Rule::rule_item),
            &words::RULE,
            &mut |b, item| {
                let whole = item.clone();
                let mut parts = Parts::of(item);
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                match word.as_str() {
                    "when" => {
                        let cond = parts.get(Rule::expr);
                        out.when =
                            b.need_expr(cond, "a condition", &whole, "write `when CONDITION`");
                    }
                    "unless" => {
                        let cond = parts.get(Rule::expr);
                        out.unless =
                            b.need_expr(cond, "a condition", &whole, "write `unless CONDITION`");
                    }
                    "priority" => {
                        let name = parts.get(Rule::name);
                        out.priority = b.need_name(
                            name,
                            "a priority",
                            &whole,
                            "priorities are immediate, high, medium and standard",
                        );
                    }
                    "say" => {
                        let text = parts.take_text_ref();
                        out.say = b.need_text(text, &whole, "write `say \"text\"`");
                    }
                    _ => {
                        let text = parts.take_text_ref();
                        out.because = b.need_text(text, &whole, "write `because \"reason\"`");
                    }
                }
            },
        );
        DeclKind::EscalateRule(out)
    }

    pub(super) fn hours(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(
            &mut parts,
            &pair,
            "write `hours NAME { mon..fri 09:00-17:30 }`",
        );
        let mut out = HoursDecl {
            name,
            timezone: None,
            lines: Vec::new(),
            closed: Vec::new(),
        };
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::hours_block, Rule::hours_item),
            &words::HOURS,
            &mut |b, item| {
                let whole = item.clone();
                let rule = item.as_rule();
                let mut parts = Parts::of(item);
                match rule {
                    Rule::x_text => {
                        parts.get(Rule::kw);
                        let text = parts.take_text_ref().filter(|p| p.as_rule() == Rule::text);
                        out.timezone =
                            b.need_lit(text, &whole, "write `timezone \"Europe/London\"`");
                    }
                    Rule::closed_days => {
                        let mut any = false;
                        while let Some(day) = parts.get(Rule::closed_day) {
                            any = true;
                            let mut days = Parts::of(day);
                            let from = days.next().map(|d| b.word(&d));
                            let to = days.next().map(|d| b.word(&d));
                            if let Some(from) = from {
                                out.closed.push(ClosedDates { from, to });
                            }
                        }
                        b.list_end(
                            &mut parts,
                            !any,
                            "a date",
                            &whole,
                            "write `closed 2026-12-25, 2026-12-26`",
                        );
                    }
                    _ => {
                        if let Some(line) = b.hours_line(parts, &whole) {
                            out.lines.push(line);
                        }
                    }
                }
            },
        );
        DeclKind::Hours(out)
    }

    fn word(&self, pair: &Pair) -> Spanned<SmolStr> {
        Spanned::new(SmolStr::new(pair.as_str()), self.span(pair))
    }

    fn hours_line(&mut self, mut parts: Parts, item: &Pair) -> Option<HoursLine> {
        const USAGE: &str = "write `mon..fri 09:00-17:30`";
        let before = self.diagnostics.len();
        let mut days = Vec::new();
        while let Some(range) = parts.get(Rule::days) {
            let mut names = Parts::of(range);
            let Some(from) = names.get(Rule::name) else {
                continue;
            };
            let from = self.day(&from);
            let to = names
                .get(Rule::name)
                .map_or_else(|| from.clone(), |to| self.day(&to));
            days.push((from, to));
        }
        if self.diagnostics.len() > before {
            return None;
        }
        let mut times = Vec::new();
        while let Some(range) = parts.get(Rule::times) {
            let whole = range.clone();
            let mut ends = Parts::of(range);
            let from = ends.get(Rule::time).map(|t| self.word(&t))?;
            let Some(to) = ends.get(Rule::time) else {
                self.expected("a time", &whole, USAGE);
                return None;
            };
            times.push((from, self.word(&to)));
        }
        self.list_end(&mut parts, times.is_empty(), "times", item, USAGE);
        Some(HoursLine {
            days,
            times,
            span: self.span(item),
        })
    }

    fn day(&mut self, pair: &Pair) -> Name {
        let name = self.name(pair);
        if !DAYS.contains(&name.as_str()) {
            let help = match DAYS
                .iter()
                .find(|d| name.text.to_ascii_lowercase().starts_with(**d))
            {
                Some(day) => format!("write `{day}`"),
                None => "days are mon, tue, wed, thu, fri, sat and sun; `closed DATE` closes one"
                    .to_owned(),
            };
            self.error(format!("`{}` is no day", name.text), name.span, &help);
        }
        name
    }

    pub(super) fn team(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, "write `team NAME { hours HOURS }`");
        let mut out = TeamDecl {
            name,
            title: None,
            hours: None,
            skills: Vec::new(),
            languages: Vec::new(),
            capacity: None,
            assign: Vec::new(),
            overflow: Vec::new(),
        };
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::team_block, Rule::team_item),
            &words::TEAM,
            &mut |b, item| {
                b.team_item(item, &mut out);
            },
        );
        DeclKind::Team(out)
    }

    fn team_item(&mut self, pair: Pair, out: &mut TeamDecl) {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::capacity => {
                let number = parts.get(Rule::num);
                out.capacity = self.need_whole(number, &item, "write `capacity 4 per agent`");
            }
            Rule::assign_by => {
                while let Some(phrase) = parts.get(Rule::phrase) {
                    let mut name = self.name(&phrase);
                    if name.text.contains("  ") {
                        name.text = name
                            .text
                            .split_whitespace()
                            .collect::<Vec<_>>()
                            .join(" ")
                            .into();
                    }
                    out.assign.push(name);
                }
                self.list_end(
                    &mut parts,
                    out.assign.is_empty(),
                    "an order",
                    &item,
                    "write `assign least busy, longest idle`",
                );
            }
            Rule::overflow => {
                const USAGE: &str = "write `overflow TEAM after 3m`";
                while let Some(to) = parts.get(Rule::overflow_to) {
                    let mut inner = Parts::of(to);
                    let Some(team) = inner.get(Rule::path) else {
                        continue;
                    };
                    let team = self.path(&team);
                    let after = inner.get(Rule::after).and_then(|after| {
                        let whole = after.clone();
                        let number = Parts::of(after).get(Rule::num);
                        self.need_duration(number, &whole, USAGE)
                    });
                    out.overflow.push((team, after));
                }
                self.list_end(&mut parts, out.overflow.is_empty(), "a team", &item, USAGE);
            }
            _ => {
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                match word.as_str() {
                    "title" => {
                        let text = parts.take_text_ref();
                        out.title = self.need_text(text, &item, "write `title \"name\"`");
                    }
                    "hours" => {
                        let hours = parts.get(Rule::path);
                        out.hours =
                            self.need_path(hours, "the name of hours", &item, "write `hours NAME`");
                    }
                    "skills" => {
                        out.skills = self.name_list(
                            &mut parts,
                            "a skill",
                            &item,
                            "write `skills billing, refunds`",
                        )
                    }
                    _ => {
                        out.languages = self.name_list(
                            &mut parts,
                            "a language",
                            &item,
                            "write `languages en, es`",
                        )
                    }
                }
            }
        }
    }

    pub(super) fn route(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let tier = parts.get(Rule::name);
        let tier = self.need_name(
            tier,
            "a tier",
            &pair,
            "write `route TIER { | .. | team | }`",
        );
        let mut out = RouteDecl {
            tier,
            prefer_last_agent: None,
            columns: Vec::new(),
            rows: Vec::new(),
            span: self.span(&pair),
        };
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::route_block, Rule::route_item),
            &words::ROUTE,
            &mut |b, item| match item.as_rule() {
                Rule::header => b.header(item, &mut out),
                Rule::row => b.row(item, &mut out),
                _ => {
                    let whole = item.clone();
                    let within = Parts::of(item).get(Rule::within).and_then(|w| b.within(w));
                    match within {
                        Some(within) => out.prefer_last_agent = Some(within.millis),
                        None if !whole.as_str().contains("within") => {
                            b.expected("`within`", &whole, "write `prefer last agent within 7d`");
                        }
                        None => {}
                    }
                }
            },
        );
        DeclKind::Route(out)
    }

    fn header(&mut self, pair: Pair, out: &mut RouteDecl) {
        let mut parts = Parts::of(pair.clone());
        while let Some(cell) = parts.get(Rule::hcell) {
            let whole = cell.clone();
            let last = parts.peek().is_none();
            if cell.as_str().trim().is_empty() {
                if !last {
                    self.expected(
                        "a column",
                        &whole,
                        "write a signal or slot to match, or a result such as `team`",
                    );
                }
                continue;
            }
            if last {
                self.missing_bar(&whole);
            }
            let before = self.diagnostics.len();
            let mut inner = Parts::of(cell);
            if let Some(expr) = inner.get(Rule::expr) {
                let expr = self.expr(expr);
                out.columns.push(Column { expr });
            }
            if let Some(junk) = inner.get(Rule::cjunk)
                && self.diagnostics.len() == before
            {
                self.junk(&junk);
            }
        }
    }

    fn missing_bar(&mut self, pair: &Pair) {
        self.expected("`|`", pair, "a row begins and ends with `|`");
    }

    fn row(&mut self, pair: Pair, out: &mut RouteDecl) {
        let span = self.span(&pair);
        let mut cells = Vec::new();
        let before = self.diagnostics.len();
        let mut parts = Parts::of(pair.clone());
        while let Some(cell) = parts.get(Rule::rcell) {
            let last = parts.peek().is_none();
            if cell.as_str().trim().is_empty() {
                if !last {
                    self.expected("a cell", &cell, "write `_` for anything");
                    cells.push(vec![Cell::Error(self.span(&cell))]);
                }
                continue;
            }
            if last {
                self.missing_bar(&cell);
            }
            let found = self.cells(cell);
            cells.push(found);
        }
        if !out.columns.is_empty()
            && cells.len() != out.columns.len()
            && self.diagnostics.len() == before
        {
            let message = format!(
                "this row has {} cells, the table {} columns",
                cells.len(),
                out.columns.len()
            );
            self.push(
                Diagnostic::error("F0101", message, span)
                    .help("write one cell for each column; `_` stands for anything"),
            );
        }
        out.rows.push(Row { cells, span });
    }

    pub(super) fn handoff(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let tier = parts.get(Rule::name);
        let tier = self.need_name(tier, "a tier", &pair, "write `handoff TIER { .. }`");
        let when = parts.get(Rule::when).and_then(|when| self.when(when));
        let mut out = HandoffDecl {
            tier,
            when,
            require: Vec::new(),
            say: None,
            update: None,
            offers: Vec::new(),
            accept_within: None,
            review: None,
            connected: None,
            full: None,
            closed: None,
            unstaffed: None,
            resolved: None,
            returned: None,
            span: self.span(&pair),
        };
        let rules = (Rule::handoff_block, Rule::handoff_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::HANDOFF,
            &mut |b, item| {
                b.handoff_item(item, &mut out);
            },
        );
        DeclKind::Handoff(out)
    }

    fn handoff_item(&mut self, pair: Pair, out: &mut HandoffDecl) {
        let item = pair.clone();
        let rule = pair.as_rule();
        let before = self.diagnostics.len();
        if rule == Rule::offer {
            let offer = self.offer(pair);
            out.offers.push(offer);
            return;
        }
        if rule == Rule::x_arm {
            let arm = self.arm(pair, Heads::Only(&["resolved", "returned"]));
            if item.as_str().starts_with("resolved") {
                out.resolved = arm;
            } else {
                out.returned = arm;
            }
            return;
        }
        let mut parts = Parts::of(pair);
        match rule {
            Rule::update => {
                let number = parts.get(Rule::num);
                let every = self.need_duration(number, &item, "write `update every 60s \"text\"`");
                let text = self.optional_text(&mut parts);
                out.update = every.map(|every| (every, text));
            }
            Rule::full => {
                let when = parts.get(Rule::when);
                let cond = when.and_then(|when| self.when(when));
                if cond.is_none() && self.diagnostics.len() == before {
                    let at = item.as_span().start() + 4;
                    self.expected_at(
                        "`when`",
                        item.get_input(),
                        at,
                        "write `full when queue.length > 20 { .. }`",
                    );
                }
                self.header_junk(&mut parts, before);
                let body = parts.get(Rule::body);
                let body = self.need_body(body, &item, before);
                out.full = cond.map(|cond| (cond, body));
            }
            Rule::x_body => {
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                let body = parts.get(Rule::body);
                let body = self.need_body(body, &item, before);
                if word.as_str() == "closed" {
                    out.closed = Some(body);
                } else {
                    out.unstaffed = Some(body);
                }
            }
            _ => {
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                match word.as_str() {
                    "require" => {
                        out.require = self.path_list(
                            &mut parts,
                            "a field",
                            &item,
                            "write `require customer.name, SLOT`",
                        );
                    }
                    "say" => {
                        let text = parts.take_text_ref();
                        out.say = self.need_text(text, &item, "write `say \"text\"`");
                    }
                    "connected" => {
                        let text = parts.take_text_ref();
                        out.connected = self.need_text(
                            text,
                            &item,
                            "write `connected \"You're now with {agent.name}.\"`",
                        );
                    }
                    "accept" => {
                        out.accept_within =
                            self.lasting(parts, &item, "within", "write `accept within 30s`")
                    }
                    _ => out.review = self.lasting(parts, &item, "", "write `review 15s`"),
                }
            }
        }
    }

    pub(super) fn assist(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let mut items = Vec::new();
        let rules = (Rule::assist_block, Rule::assist_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::ASSIST,
            &mut |b, item| {
                if let Some(found) = b.assist_item(item) {
                    items.push(found);
                }
            },
        );
        DeclKind::Assist(AssistDecl { items })
    }

    fn assist_item(&mut self, pair: Pair) -> Option<AssistItem> {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::prompt => {
                let kind = parts.get(Rule::prompt_kind)?;
                let text = parts.take_text_ref();
                let text = self.need_text(text, &item, "write `remind \"text\" when CONDITION`")?;
                let when = parts.get(Rule::when).and_then(|when| self.when(when));
                let before = parts.get(Rule::before);
                if kind.as_str() == "remind" {
                    return Some(AssistItem::Remind {
                        text,
                        when,
                        before_resolve: before.is_some(),
                    });
                }
                if let Some(before) = before {
                    let at = self.span(&before);
                    self.error(
                        "an alert does not wait for `resolve`",
                        at,
                        "write `remind .. before resolve`",
                    );
                }
                Some(AssistItem::Alert { text, when })
            }
            Rule::template => {
                const USAGE: &str = "write `template NAME \"text\"`";
                let name = parts.get(Rule::name);
                let name = self.need_name(name, "a name", &item, USAGE)?;
                let text = parts.take_text_ref();
                Some(AssistItem::Template(
                    name,
                    self.need_text(text, &item, USAGE)?,
                ))
            }
            Rule::x_text => {
                parts.get(Rule::kw);
                let text = parts.take_text_ref();
                self.need_text(text, &item, "write `open \"text\"`")
                    .map(AssistItem::Open)
            }
            _ => {
                let word = parts.get(Rule::kw)?;
                let word = self.name(&word);
                let number = parts.get(Rule::num);
                let usage = format!("write `{} 3`", word.text);
                self.need_whole(number, &item, &usage)
                    .map(|n| AssistItem::Count(word, n))
            }
        }
    }

    pub(super) fn learn(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let mut out = LearnDecl {
            from: Vec::new(),
            review: None,
            tune: Vec::new(),
        };
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::learn_block, Rule::learn_item),
            &words::LEARN,
            &mut |b, item| {
                const USAGE: &str = "write `tune THRESHOLD by 5%`";
                let whole = item.clone();
                let rule = item.as_rule();
                let mut parts = Parts::of(item);
                match rule {
                    Rule::tune => {
                        let mut any = false;
                        while let Some(tuned) = parts.get(Rule::tuned) {
                            any = true;
                            let item = tuned.clone();
                            let mut inner = Parts::of(tuned);
                            let Some(path) = inner.get(Rule::path) else {
                                continue;
                            };
                            let path = b.path(&path);
                            match inner
                                .get(Rule::by)
                                .and_then(|by| Parts::of(by).get(Rule::num))
                            {
                                Some(number) => {
                                    if let Some(step) = b.percent(&number, USAGE) {
                                        out.tune.push((path, step));
                                    }
                                }
                                None => b.expected("`by` and a percentage", &item, USAGE),
                            }
                        }
                        b.list_end(&mut parts, !any, "a threshold", &whole, USAGE);
                    }
                    Rule::x_names => {
                        parts.get(Rule::kw);
                        out.from = b.name_list(&mut parts, "a tier", &whole, "write `from TIER`");
                    }
                    _ => {
                        parts.get(Rule::kw);
                        let team = parts.get(Rule::path);
                        out.review = b.need_path(team, "a team", &whole, "write `review TEAM`");
                    }
                }
            },
        );
        DeclKind::Learn(out)
    }

    pub(super) fn targets(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let mut items = Vec::new();
        let rules = (Rule::targets_block, Rule::target_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::TARGETS,
            &mut |b, item| {
                if let Some(found) = b.target_item(item) {
                    items.push(found);
                }
            },
        );
        DeclKind::Targets(TargetsDecl { items })
    }

    fn target_item(&mut self, pair: Pair) -> Option<TargetItem> {
        const USAGE: &str =
            "write `METRIC of TIER >= 60%` or `alert WEBHOOK when METRIC > 35% over 1h`";
        let item = pair.clone();
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let alert = parts
            .get(Rule::alert_on)
            .and_then(|a| Parts::of(a).get(Rule::path))
            .map(|p| self.path(&p));
        let metric = parts.get(Rule::name)?;
        let metric = self.name(&metric);
        let of = parts.get(Rule::of_tier).and_then(|of| {
            let whole = of.clone();
            let tier = Parts::of(of).get(Rule::name);
            self.need_name(tier, "a tier", &whole, USAGE)
        });
        let Some(op) = parts.get(Rule::cmp) else {
            let at = of.as_ref().map_or(metric.span, |of| of.span);
            self.expected_after("a comparison", at, item.get_input(), USAGE);
            return None;
        };
        let op = comparison(op.as_str());
        let Some(value) = parts.get(Rule::cvalue) else {
            self.expected("a value", &item, USAGE);
            return None;
        };
        let value = self.cell_value(value);
        let over = parts.get(Rule::over).and_then(|over| {
            let whole = over.clone();
            let number = Parts::of(over).get(Rule::num);
            self.need_duration(number, &whole, "write `over 1h`")
        });
        Some(TargetItem {
            alert,
            metric,
            of,
            op,
            value,
            over,
            span,
        })
    }
}
