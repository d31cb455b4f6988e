//! Rules, thresholds, hours, teams, routing, handing over and what people see.

use super::question::{Parts, comparison};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;

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
        DeclKind::EscalateRule(Box::new(out))
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
