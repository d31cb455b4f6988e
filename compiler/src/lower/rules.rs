//! Thresholds, segments and escalation rules.

use super::Lower;
use super::thresholds::set;
use crate::load::decl as decl_of;
use crate::machine::{Expr, ExprKind, Priority, Rule, RuleOrigin, Signal};
use crate::value::{Domain, IntentId, RuleId, TierId, Type, Value};
use flow_grammar::{
    Diagnostic, Loc,
    ast::{self, BinaryOp, DeclKind, RuleDecl, TierKind},
};
use smol_str::SmolStr;
use std::cmp::Ordering;

impl Lower<'_> {
    pub(super) fn rules(&mut self) {
        let env = self.env;
        let first_people = env
            .tiers
            .iter()
            .position(|t| t.kind == TierKind::People)
            .map(|i| TierId(super::index(i)));
        for item in &env.rules {
            let Some(tree) = decl_of(self.sources, item.decl) else {
                continue;
            };
            let DeclKind::EscalateRule(rule) = &tree.kind else {
                continue;
            };
            self.enter(item.decl);
            let loc = self.loc(tree.span);
            let mut built = self.rule(rule, item.name.clone(), item.name_loc, loc);
            if !self.included(item.scope) {
                // It can still be a step; by itself it never fires.
                built.from.clear();
                built.from_written = true;
            }
            self.out.rules.push(built);
        }
        let Some(people) = first_people else {
            self.mark_confidence();
            return;
        };
        let below: Vec<TierId> = (0..people.0).map(TierId).collect();
        let at = self
            .out
            .bot
            .as_ref()
            .map_or_else(|| crate::load::whole(self.sources), |b| b.name_loc);
        if env.asked_for_human == Some(RuleId(super::index(self.out.rules.len()))) {
            self.out.rules.push(Rule {
                name: SmolStr::new_static("asked_for_human"),
                origin: RuleOrigin::AskedForHuman,
                from: below.clone(),
                from_written: false,
                to: people,
                when: Expr {
                    kind: ExprKind::Signal(Signal::AsksForHuman),
                    ty: Type::Bool,
                    loc: at,
                },
                unless: None,
                priority: Priority::High,
                say: None,
                because: None,
                reads_confidence: false,
                loc: at,
                name_loc: at,
            });
        }
        let regulated: Vec<Rule> = (0..)
            .zip(&self.out.intents)
            .filter_map(|(i, intent)| {
                let regulated = intent.regulated.as_ref()?;
                let at = intent.name_loc;
                let left = Expr {
                    kind: ExprKind::Signal(Signal::MessageIntent),
                    ty: Type::Domain(Domain::Intent),
                    loc: at,
                };
                let right = Expr {
                    kind: ExprKind::Const(Value::Enum(intent.name.clone())),
                    ty: Type::Domain(Domain::Intent),
                    loc: at,
                };
                let is = Expr {
                    kind: ExprKind::Is {
                        negated: false,
                        left: Box::new(left),
                        right: Box::new(right),
                    },
                    ty: Type::Bool,
                    loc: at,
                };
                let when = match &regulated.when {
                    Some(cond) => Expr {
                        kind: ExprKind::Binary(
                            flow_grammar::ast::BinaryOp::And,
                            Box::new(is),
                            Box::new(cond.clone()),
                        ),
                        ty: Type::Bool,
                        loc: at,
                    },
                    None => is,
                };
                Some(Rule {
                    name: SmolStr::new(format!("regulated_{}", intent.name)),
                    origin: RuleOrigin::Regulated(IntentId(i)),
                    from: below.clone(),
                    from_written: false,
                    to: people,
                    when,
                    unless: None,
                    priority: Priority::High,
                    say: None,
                    because: None,
                    reads_confidence: false,
                    loc: at,
                    name_loc: at,
                })
            })
            .collect();
        self.out.rules.extend(regulated);
        self.mark_confidence();
    }

    fn rule(&mut self, tree: &RuleDecl, name: SmolStr, name_loc: Loc, loc: Loc) -> Rule {
        let to = tree.to.as_ref().and_then(|t| self.tier_named(t));
        let mut from = Vec::new();
        for tier in &tree.from {
            let Some(id) = self.tier_named(tier) else {
                continue;
            };
            if let Some(to) = to.filter(|to| id >= *to) {
                let what = if id == to {
                    format!("rule `{name}` leads from `{}` to itself", tier.text)
                } else {
                    format!("rule `{name}` does not climb the ladder")
                };
                let ladder = self
                    .env
                    .tiers
                    .iter()
                    .map(|t| t.name.as_str())
                    .collect::<Vec<_>>()
                    .join(" -> ");
                self.report(
                    Diagnostic::error("F0603", what, self.loc(tier.span))
                        .help(format!("the ladder is `{ladder}`; to hand over downwards or to stay, use `continue with` in a node")),
                );
                continue;
            }
            if !from.contains(&id) {
                from.push(id);
            }
        }
        let top = TierId(super::index(self.env.tiers.len().saturating_sub(1)));
        let target = to.unwrap_or(top);
        if tree.from.is_empty() {
            from = (0..target.0).map(TierId).collect();
            if let (true, Some(word)) = (from.is_empty() && self.env.tiers.len() > 1, &tree.to) {
                self.report(
                    Diagnostic::error(
                        "F0603",
                        format!("rule `{name}` leads to `{}`, the lowest tier", word.text),
                        self.loc(word.span),
                    )
                    .help("rules climb the ladder; name a higher tier"),
                );
            }
        }
        if to.is_none() {
            // Where it leads is unknown and was reported; that it climbs is not in doubt.
            from.retain(|f| *f < target);
        }
        let when = match &tree.when {
            Some(when) => self.condition_of_rule(when),
            // A rule without a condition acts only as a step: what is unknown never fires.
            None => Expr {
                kind: ExprKind::Const(Value::Unknown),
                ty: Type::Bool,
                loc: name_loc,
            },
        };
        Rule {
            name,
            origin: RuleOrigin::Declared,
            from,
            from_written: !tree.from.is_empty() || to.is_none(),
            to: target,
            when,
            unless: tree.unless.as_ref().map(|u| self.cond(u)),
            priority: tree
                .priority
                .as_ref()
                .and_then(|p| self.priority(p))
                .unwrap_or_default(),
            say: self.text_opt(tree.say.as_ref()),
            because: self.text_opt(tree.because.as_ref()),
            reads_confidence: false,
            loc,
            name_loc,
        }
    }

    /// What a rule asks for. That `3 of [a, b]` or `turns < 0` keeps it from ever firing is said of the rule (F0601), not of the number.
    fn condition_of_rule(&mut self, when: &ast::Expr) -> Expr {
        let before = self.found.len();
        let when = self.cond(when);
        if self.found.len() > before {
            let mut todo = vec![&when];
            while let Some(expr) = todo.pop() {
                match &expr.kind {
                    ExprKind::Binary(BinaryOp::And, a, b) => todo.extend([&**a, &**b]),
                    ExprKind::AtLeast { count, conds } if *count as usize > conds.len() => {
                        let at = (expr.loc.decl, expr.loc.span.start);
                        let of_it = |d: &Diagnostic| {
                            let label = d.labels.first();
                            d.code == "F0604"
                                && label.is_some_and(|l| (l.at.decl, l.at.span.start) == at)
                        };
                        self.found.retain(|d| !of_it(d));
                    }
                    ExprKind::Binary(BinaryOp::Lt | BinaryOp::Gt, ..) => {
                        self.found.retain(|d| {
                            d.code != "F0604" || d.labels.first().is_none_or(|l| l.at != expr.loc)
                        });
                    }
                    _ => {}
                }
            }
        }
        when
    }

    /// Looks at a rule without keeping it.
    pub(super) fn rule_parts(&mut self, tree: &RuleDecl) {
        let name = tree
            .name
            .as_ref()
            .map(|n| n.text.clone())
            .unwrap_or_default();
        let at = self.loc(tree.name.as_ref().map(|n| n.span).unwrap_or_default());
        self.rule(tree, name, at, at);
    }

    /// Finds the rules that read `confidence`, themselves or through thresholds and segments.
    fn mark_confidence(&mut self) {
        let mut segments: Vec<Option<bool>> = vec![None; self.out.segments.len()];
        let mut thresholds: Vec<Option<bool>> = vec![None; self.out.thresholds.len()];
        // Circles were cut, so the longest chain is the number of both; few rounds settle ordinary programs.
        let reads = |expr: &Expr,
                     segments: &[Option<bool>],
                     thresholds: &[Option<bool>],
                     out: &super::Output| {
            let mut found = false;
            walk(expr, &out.temporals, &mut |e| {
                found |= match &e.kind {
                    ExprKind::Signal(Signal::Confidence) => true,
                    ExprKind::Segment(id) => {
                        segments.get(id.index()).copied().flatten().unwrap_or(false)
                    }
                    ExprKind::Threshold(id) => thresholds
                        .get(id.index())
                        .copied()
                        .flatten()
                        .unwrap_or(false),
                    _ => false,
                };
            });
            found
        };
        loop {
            let mut changed = false;
            for (i, segment) in self.out.segments.iter().enumerate() {
                if segments.get(i) != Some(&Some(true))
                    && reads(&segment.when, &segments, &thresholds, &self.out)
                {
                    set(&mut segments, i, Some(true));
                    changed = true;
                }
            }
            for (i, threshold) in self.out.thresholds.iter().enumerate() {
                let all = std::iter::once(&threshold.default)
                    .chain(threshold.lines.iter().flat_map(|(v, c)| [v, c]));
                if thresholds.get(i) != Some(&Some(true))
                    && all
                        .into_iter()
                        .any(|e| reads(e, &segments, &thresholds, &self.out))
                {
                    set(&mut thresholds, i, Some(true));
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let marks: Vec<bool> = self
            .out
            .rules
            .iter()
            .map(|r| {
                reads(&r.when, &segments, &thresholds, &self.out)
                    || r.unless
                        .as_ref()
                        .is_some_and(|u| reads(u, &segments, &thresholds, &self.out))
            })
            .collect();
        for (rule, mark) in self.out.rules.iter_mut().zip(marks) {
            rule.reads_confidence = mark;
        }
    }
}

/// Visits an expression and everything in it, conditions with memory included.
pub(crate) fn walk<'e>(
    expr: &'e Expr,
    temporals: &'e [crate::machine::Temporal],
    visit: &mut impl FnMut(&'e Expr),
) {
    let mut work = vec![expr];
    while let Some(e) = work.pop() {
        visit(e);
        match &e.kind {
            ExprKind::Field(of, _)
            | ExprKind::Not(of)
            | ExprKind::Neg(of)
            | ExprKind::Known { of, .. } => work.push(of),
            ExprKind::Hook(_, list)
            | ExprKind::List(list)
            | ExprKind::AtLeast { conds: list, .. } => work.extend(list),
            ExprKind::Binary(_, a, b)
            | ExprKind::Is {
                left: a, right: b, ..
            }
            | ExprKind::In {
                left: a, right: b, ..
            }
            | ExprKind::ListContains { left: a, right: b } => {
                work.push(a);
                work.push(b);
            }
            ExprKind::Contains { left, any } => {
                work.push(left);
                work.extend(any);
            }
            ExprKind::Matches { left, .. } => work.push(left),
            ExprKind::Temporal(id) => work.extend(temporals.get(id.index()).map(|t| &t.cond)),
            _ => {}
        }
    }
}

/// The order of two values of one type.
pub(crate) fn value_cmp(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) | (Value::Percent(a), Value::Percent(b)) => {
            a.partial_cmp(b)
        }
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Money(a), Value::Money(b)) if a.currency == b.currency => {
            Some(a.amount.cmp(&b.amount))
        }
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::DateTime(a), Value::DateTime(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
