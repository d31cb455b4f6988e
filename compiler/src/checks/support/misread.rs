//! Conditions that were found to compare a signal with what it can never be (F0604).
//!
//! What follows from such a comparison, that a rule never fires or beats every other, is not said as well.

use super::formula::constant_of;
use super::walk::parts;
use crate::machine::{Expr, ExprKind, Machine, Rule, Signal};
use crate::signals::range;
use crate::value::Value;
use flow_grammar::ast::BinaryOp;

/// Whether a part of a rule's conditions compares a signal with what it can never be.
pub(crate) fn misread(machine: &Machine, rule: &Rule) -> bool {
    in_condition(machine, &rule.when)
        || rule
            .unless
            .as_ref()
            .is_some_and(|unless| in_condition(machine, unless))
}

fn in_condition(machine: &Machine, expr: &Expr) -> bool {
    let here = match &expr.kind {
        ExprKind::Binary(
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge,
            left,
            right,
        )
        | ExprKind::Is { left, right, .. }
        | ExprKind::In { left, right, .. } => match (&left.kind, &right.kind) {
            (ExprKind::Signal(signal), _) => outside(machine, *signal, right),
            (_, ExprKind::Signal(signal)) => outside(machine, *signal, left),
            _ => false,
        },
        ExprKind::Temporal(id) => machine
            .temporal(*id)
            .is_some_and(|temporal| in_condition(machine, &temporal.cond)),
        _ => false,
    };
    let mut found = here;
    parts(expr, &mut |part| {
        found = found || in_condition(machine, part)
    });
    found
}

fn outside(machine: &Machine, signal: Signal, value: &Expr) -> bool {
    let Some((low, high)) = range(signal) else {
        return false;
    };
    match &value.kind {
        ExprKind::List(items) => items.iter().any(|item| outside(machine, signal, item)),
        ExprKind::Threshold(id) => machine.threshold(*id).is_some_and(|threshold| {
            std::iter::once(&threshold.default)
                .chain(threshold.lines.iter().map(|(value, _)| value))
                .any(|value| beyond(value, low, high))
        }),
        _ => beyond(value, low, high),
    }
}

fn beyond(value: &Expr, low: f64, high: Option<f64>) -> bool {
    match constant_of(value) {
        Some(Value::Number(at) | Value::Percent(at)) => {
            at < low || high.is_some_and(|high| at > high)
        }
        Some(Value::Duration(ms)) => ms < 0,
        _ => false,
    }
}
