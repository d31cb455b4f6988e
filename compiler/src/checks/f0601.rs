//! F0601: a rule whose condition can never hold.
//!
//! Intervals, enums and bools are understood; hooks and words in a message are free.

use super::support::analysis::Analysis;
use super::support::contest::fires;
use super::support::formula::{Dnf, Formulas, Want};
use super::support::misread::misread;
use crate::machine::{Expr, ExprKind, Rule, RuleOrigin, Signal};
use crate::value::{Domain, Type, Value};
use flow_grammar::ast::BinaryOp;
use flow_grammar::{Diagnostic, Loc, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0601",
    severity: Severity::Error,
    title: "a rule whose condition can never hold",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let mut formulas = Formulas::new(cx);
    for rule in cx
        .machine
        .rules
        .iter()
        // One without `when` is meant to act only as a step or a button.
        .filter(|r| {
            r.origin == RuleOrigin::Declared
                && !misread(cx.machine, r)
                && !matches!(r.when.kind, ExprKind::Const(Value::Unknown))
        })
    {
        let Some(when) = formulas.dnf(&rule.when, Want::True) else {
            continue;
        };
        if when.is_empty() {
            found.push(
                contradiction(&mut formulas, rule)
                    .help("correct the condition, or remove the rule"),
            );
            continue;
        }
        if rule.from_written
            && !rule.from.is_empty()
            && let Some(from) = formulas.dnf(&in_its_tiers(cx, rule), Want::True)
            && !formulas.compatible(&when, &from)
        {
            found.push(
                Diagnostic::error(
                    "F0601",
                    format!("rule `{}` can never fire", rule.name),
                    rule.when.loc,
                )
                .labelled("this never holds in the tiers of its `from`")
                .help("correct the condition or `from`, or remove the rule"),
            );
            continue;
        }
        let Some(unless) = &rule.unless else { continue };
        if fires(&mut formulas, rule).is_some_and(|dnf| dnf.is_empty()) {
            found.push(
                Diagnostic::error(
                    "F0601",
                    format!("rule `{}` can never fire", rule.name),
                    rule.when.loc,
                )
                .labelled("whenever this holds")
                .label(unless.loc, "this holds too, and takes it back")
                .help("correct the exception, or remove the rule"),
            );
        }
    }
}

/// The conversation is in one of the tiers from which the rule leads.
fn in_its_tiers(cx: &Analysis<'_>, rule: &Rule) -> Expr {
    let ty = Type::Domain(Domain::Tier);
    let expr = |kind, ty| Expr {
        kind,
        ty,
        loc: rule.when.loc,
    };
    let tiers = rule.from.iter().filter_map(|id| cx.machine.tier(*id));
    let tiers = tiers
        .map(|t| expr(ExprKind::Const(Value::Enum(t.name.clone())), ty.clone()))
        .collect();
    expr(
        ExprKind::In {
            negated: false,
            left: Box::new(expr(ExprKind::Signal(Signal::Tier), ty.clone())),
            right: Box::new(expr(ExprKind::List(tiers), Type::List(Box::new(ty)))),
        },
        Type::Bool,
    )
}

/// Points at the parts that exclude each other, if they are joined by `and`.
fn contradiction(formulas: &mut Formulas<'_, '_>, rule: &Rule) -> Diagnostic {
    let finding =
        |at: Loc| Diagnostic::error("F0601", format!("rule `{}` can never fire", rule.name), at);
    let mut parts = Vec::new();
    let mut todo = vec![&rule.when];
    while let Some(expr) = todo.pop() {
        match &expr.kind {
            ExprKind::Binary(BinaryOp::And, a, b) => {
                todo.push(b);
                todo.push(a);
            }
            _ => parts.push(expr),
        }
    }
    let cases: Vec<(Loc, Dnf)> = parts
        .into_iter()
        .filter_map(|p| Some((p.loc, formulas.dnf(p, Want::True)?)))
        .collect();
    if let Some((at, _)) = cases.iter().find(|(_, dnf)| dnf.is_empty()) {
        return finding(*at).labelled("this can never hold");
    }
    for (i, (at, dnf)) in cases.iter().enumerate() {
        if let Some((other, _)) = cases
            .iter()
            .skip(i + 1)
            .find(|(_, other)| !formulas.compatible(dnf, other))
        {
            return finding(*at)
                .labelled("when this holds")
                .label(*other, "this cannot hold");
        }
    }
    finding(rule.when.loc).labelled("these can never hold together")
}
