//! Conditions that were found to compare a signal with what it can never be (F0604).
//!
//! What follows from such a comparison, that a rule never fires or beats every other, is not said as well.

use super::formula::constant_of;
use super::walk::parts;
use crate::machine::{Expr, ExprKind, Machine, Rule, Signal};
use crate::signals::{compared, range};
use crate::value::{SegmentId, Value};
use flow_grammar::ast::BinaryOp;

/// Whether a part of a rule's conditions compares a signal with what it can never be, or a segment that they name does.
pub(crate) fn misread(machine: &Machine, rule: &Rule) -> bool {
    let mut seen = Vec::new();
    let conditions = std::iter::once(&rule.when).chain(&rule.unless);
    conditions
        .into_iter()
        .any(|cond| in_condition(machine, cond) || in_segments(machine, cond, &mut seen))
}

/// Whether a segment that a condition names was found to compare so, or with what lies beyond all that a signal can be. Each is looked
/// at once.
fn in_segments(machine: &Machine, expr: &Expr, seen: &mut Vec<SegmentId>) -> bool {
    if let ExprKind::Segment(id) = &expr.kind
        && !seen.contains(id)
    {
        seen.push(*id);
        let Some(segment) = machine.segment(*id) else {
            return false;
        };
        return in_condition(machine, &segment.when)
            || holds_never(&segment.when)
            || in_segments(machine, &segment.when, seen);
    }
    let mut found = false;
    parts(expr, &mut |part| {
        found = found || in_segments(machine, part, seen);
    });
    found
}

/// Whether a part of a condition asks for more than a signal can be, or for more of a list than it has.
fn holds_never(expr: &Expr) -> bool {
    let end = |side: &Expr, value: &Expr, above: bool| {
        compared(side)
            .and_then(range)
            .is_some_and(|(low, high)| match constant_of(value) {
                Some(Value::Number(at) | Value::Percent(at)) => {
                    if above {
                        high == Some(at)
                    } else {
                        low == at
                    }
                }
                Some(Value::Duration(at)) => !above && at == 0,
                _ => false,
            })
    };
    let mut found = match &expr.kind {
        ExprKind::Binary(BinaryOp::Lt, a, b) => end(a, b, false) || end(b, a, true),
        ExprKind::Binary(BinaryOp::Gt, a, b) => end(a, b, true) || end(b, a, false),
        ExprKind::AtLeast { count, conds } => *count as usize > conds.len(),
        _ => false,
    };
    parts(expr, &mut |part| found = found || holds_never(part));
    found
}

fn in_condition(machine: &Machine, expr: &Expr) -> bool {
    let here = match &expr.kind {
        ExprKind::Binary(
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge,
            left,
            right,
        )
        | ExprKind::Is { left, right, .. }
        | ExprKind::In { left, right, .. } => match (compared(left), compared(right)) {
            (Some(signal), _) => outside(machine, signal, right),
            (_, Some(signal)) => outside(machine, signal, left),
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
