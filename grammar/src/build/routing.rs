//! Hours, teams and the routing matrix.

use super::question::Parts;
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::diagnostic::{Diagnostic, Edit, Label};
use crate::span::{Name, Span, Spanned};
use smol_str::SmolStr;

const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Builder<'_> {
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
            let finding =
                Diagnostic::error("F0101", format!("`{}` is no day", name.text), name.span);
            let day = DAYS
                .iter()
                .find(|d| name.text.to_ascii_lowercase().starts_with(**d));
            self.push(match day {
                Some(day) => finding.help(format!("write `{day}`")).fix(
                    format!("write `{day}`"),
                    true,
                    vec![Edit {
                        at: name.span,
                        text: (*day).to_owned(),
                    }],
                ),
                None => finding.help(
                    "days are mon, tue, wed, thu, fri, sat and sun; `closed DATE` closes one",
                ),
            });
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
        DeclKind::Team(Box::new(out))
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
        let mut bars = None;
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::route_block, Rule::route_item),
            &words::ROUTE,
            &mut |b, item| match item.as_rule() {
                Rule::header => b.header(item, &mut out, &mut bars),
                Rule::row => b.row(item, &mut out, &mut bars),
                _ => {
                    const USAGE: &str = "write `prefer last agent within 7d`";
                    let whole = item.clone();
                    let within = Parts::of(item).get(Rule::within).and_then(|w| b.within(w));
                    match within {
                        Some(within) => {
                            b.small_words(&whole, &["last", "agent"], USAGE);
                            out.prefer_last_agent = Some(within.millis);
                        }
                        None if !whole.as_str().contains("within") => {
                            b.expected("`within`", &whole, USAGE);
                        }
                        None => {}
                    }
                }
            },
        );
        if out.columns.is_empty() && self.diagnostics.is_empty() {
            let at = out.tier.as_ref().map_or(out.span, |tier| tier.span);
            self.error(
                "this matrix has no columns and no rows",
                at,
                "begin with the columns, `| intent | team |`, then write one row for each case: `| _ | TEAM |`",
            );
        }
        DeclKind::Route(Box::new(out))
    }

    fn header(&mut self, pair: Pair, out: &mut RouteDecl, bars: &mut Option<usize>) {
        self.outer_bars(&pair, bars);
        let all = self.diagnostics.len();
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
        if self.diagnostics.len() > all {
            // How many columns are meant, and which, is not known.
            out.columns.clear();
        }
    }

    /// A line without its first or last `|`: all such lines of a matrix are one finding, which is at `first`.
    fn outer_bars(&mut self, pair: &Pair, first: &mut Option<usize>) {
        let (span, text) = (self.span(pair), pair.as_str().trim_end_matches([' ', '\n']));
        let (begins, ends) = (text.starts_with('|'), text.ends_with('|'));
        if begins && ends {
            return;
        }
        let mut edits = Vec::new();
        if !begins {
            edits.push(Edit {
                at: Span::new(span.start, span.start),
                text: "| ".to_owned(),
            });
        }
        if !ends {
            edits.push(Edit {
                at: Span::new(span.end, span.end),
                text: " |".to_owned(),
            });
        }
        if let Some(earlier) = first.and_then(|at| self.diagnostics.get_mut(at)) {
            if let Some(fix) = earlier.fixes.first_mut() {
                fix.edits.append(&mut edits);
            }
            earlier.labels.push(Label {
                at: span,
                text: "here too".to_owned(),
            });
            return;
        }
        *first = Some(self.diagnostics.len());
        let what = match (begins, ends) {
            (true, _) => "this line of the matrix lacks its last `|`",
            (_, true) => "this line of the matrix lacks its first `|`",
            _ => "this line of the matrix lacks its outer `|`",
        };
        self.push(
            Diagnostic::error("F0101", what, span)
                .help("a line of the matrix begins and ends with `|`")
                .fix("write `|`", true, edits),
        );
    }

    /// A line of dashes under the columns, as other tables have it.
    fn rule_of_dashes(&mut self, pair: &Pair) -> bool {
        let text = pair.as_str().trim_end_matches([' ', '\n']);
        let dashes =
            text.contains("--") && text.bytes().all(|b| matches!(b, b'|' | b'-' | b':' | b' '));
        if dashes {
            let at = self.span(pair);
            self.push(
                Diagnostic::error("F0101", "a matrix has no line of dashes", at)
                    .help("remove the line: its first line names the columns, all others are rows")
                    .fix(
                        "remove the line",
                        true,
                        vec![Edit {
                            at,
                            text: String::new(),
                        }],
                    ),
            );
        }
        dashes
    }

    fn row(&mut self, pair: Pair, out: &mut RouteDecl, bars: &mut Option<usize>) {
        if self.rule_of_dashes(&pair) {
            return;
        }
        let span = self.span(&pair);
        self.outer_bars(&pair, bars);
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
}
