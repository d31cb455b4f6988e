//! What expressions name: a thing, and fields of it.

use super::facts::{Base, Path};
use crate::checks::support::set::signal_may_be_unknown;
use crate::machine::{Expr, ExprKind, Signal, Var};
use crate::value::CodeId;
use smol_str::SmolStr;

/// Whether it matters of a signal that it is known: it may be unknown, or is known only of a running handoff.
#[inline]
pub(super) const fn is_told_apart(signal: Signal) -> bool {
    signal_may_be_unknown(signal)
        || matches!(
            signal,
            Signal::Priority
                | Signal::EscalationReason
                | Signal::EscalationRule
                | Signal::HandoffSummary
                | Signal::Team
        )
}

/// What a path begins with, and how many fields follow.
#[inline]
pub(super) fn base_of(code: Option<CodeId>, expr: &Expr) -> Option<(Base, usize)> {
    let (mut depth, mut at) = (0, expr);
    loop {
        let base = match &at.kind {
            ExprKind::Field(inner, _) => {
                depth += 1;
                at = inner;
                continue;
            }
            ExprKind::Slot(id) => Base::Var(Var::Slot(*id)),
            ExprKind::Customer(id) => Base::Var(Var::Customer(*id)),
            ExprKind::Local(id) => Base::Local(code?, *id),
            ExprKind::Signal(signal) => Base::Signal(*signal),
            _ => return None,
        };
        return Some((base, depth));
    }
}

/// Whether the last fields of a path are these.
#[inline]
pub(super) fn ends_in(expr: &Expr, fields: &[SmolStr]) -> bool {
    let mut at = expr;
    fields.iter().rev().all(|field| match &at.kind {
        ExprKind::Field(inner, name) if name == field => {
            at = inner;
            true
        }
        _ => false,
    })
}

pub(super) fn path_of(code: Option<CodeId>, expr: &Expr) -> Option<Path> {
    let (base, depth) = base_of(code, expr)?;
    let mut fields = Vec::with_capacity(depth);
    let mut at = expr;
    while let ExprKind::Field(inner, name) = &at.kind {
        fields.push(name.clone());
        at = inner;
    }
    fields.reverse();
    Some((base, fields))
}
