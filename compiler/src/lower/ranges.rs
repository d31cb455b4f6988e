//! What signals can be, against what they are compared with (F0604).

use super::Lower;
use crate::machine::{Expr, ExprKind, Signal};
use crate::signals;
use crate::value::Value;
use flow_grammar::{Diagnostic, Span, Spanned, ast::BinaryOp};

/// A constant on the scale of the ranges: shares as numbers, durations in milliseconds.
fn constant(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Const(Value::Number(n) | Value::Percent(n)) => Some(*n),
        #[expect(
            clippy::cast_precision_loss,
            reason = "only compared with the ends of a range"
        )]
        ExprKind::Const(Value::Duration(ms)) => Some(*ms as f64),
        _ => None,
    }
}

const fn lies_between(low: f64, high: Option<f64>) -> &'static str {
    match high {
        Some(_) if low < 0.0 => "it lies between -100% and 100%",
        Some(_) => "it lies between 0% and 100%",
        None => "it is never below zero",
    }
}

impl Lower<'_> {
    /// A comparison of a signal with what it can never be (F0604).
    pub(super) fn in_range(&mut self, left: &Expr, right: &Expr) {
        for (one, other) in [(left, right), (right, left)] {
            let Some(signal) = signals::compared(one) else {
                continue;
            };
            if signals::range(signal).is_none() {
                continue;
            }
            match &other.kind {
                ExprKind::Threshold(id) => self.ranged.push((*id, signal)),
                _ => self.value_in_range(other, signal),
            }
        }
    }

    pub(super) fn value_in_range(&mut self, expr: &Expr, signal: Signal) {
        let Some((low, high)) = signals::range(signal) else {
            return;
        };
        let Some(value) = constant(expr) else {
            return;
        };
        if value >= low && high.is_none_or(|h| value <= h) {
            return;
        }
        let written = self.sources.snippet(expr.loc).to_owned();
        self.report(
            Diagnostic::error(
                "F0604",
                format!("`{written}` is outside what the signal can be"),
                expr.loc,
            )
            .help(lies_between(low, high)),
        );
    }

    /// A target or an alert beyond what its metric can be (F0604): it would always be met, or never.
    pub(super) fn metric_in_range(&mut self, metric: &str, op: BinaryOp, value: &Expr) {
        let (low, high, help) = match metric {
            "csat" | "handoff_score" => (1.0, Some(5.0), "customers answer 1 to 5"),
            "effort" => (1.0, Some(7.0), "customers answer 1 to 7"),
            "wait" | "first_reply" | "handle_time" | "cost" => (0.0, None, lies_between(0.0, None)),
            _ => (0.0, Some(1.0), lies_between(0.0, Some(1.0))),
        };
        let Some(at) = constant(value) else { return };
        let written = self.sources.snippet(value.loc).to_owned();
        let said = if at < low || high.is_some_and(|h| at > h) {
            format!("`{written}` is outside what `{metric}` can be")
        } else if op == BinaryOp::Gt && high == Some(at) {
            format!("`{metric}` can never be more than `{written}`")
        } else if op == BinaryOp::Lt && low == at {
            format!("`{metric}` can never be less than `{written}`")
        } else {
            return;
        };
        self.report(Diagnostic::error("F0604", said, value.loc).help(help));
    }

    /// `3 of [a, b]` never holds, `0 of [..]` always does (F0604).
    pub(super) fn count_in_range(&mut self, count: &Spanned<u32>, among: usize) {
        let help = match (count.node as usize, among) {
            (0, _) => "so many always hold: write how many have to hold, at least 1".to_owned(),
            (n, _) if n > among => {
                format!("so many never hold: write a number from 1 to {among}, or add conditions")
            }
            _ => return,
        };
        let conditions = if among == 1 {
            "condition"
        } else {
            "conditions"
        };
        self.report(
            Diagnostic::error(
                "F0604",
                format!("`{} of` a list of {among} {conditions}", count.node),
                self.loc(count.span),
            )
            .help(help),
        );
    }

    /// `mood > 100%` and `turns < 0`: the number can be, but nothing lies beyond it.
    pub(super) fn beyond_range(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) {
        let above = match op {
            BinaryOp::Gt => true,
            BinaryOp::Lt => false,
            _ => return,
        };
        let (signal, value, above) = match (signals::compared(left), signals::compared(right)) {
            (Some(signal), _) => (signal, constant(right), above),
            (_, Some(signal)) => (signal, constant(left), !above),
            _ => return,
        };
        if let Some(value) = value {
            self.nothing_beyond(signal, value, above, span);
        }
    }

    /// `> 100%` as a cell for `mood`: as [`Self::beyond_range`].
    pub(super) fn cell_beyond_range(
        &mut self,
        op: BinaryOp,
        subject: &Expr,
        value: &Value,
        span: Span,
    ) {
        let above = match op {
            BinaryOp::Gt => true,
            BinaryOp::Lt => false,
            _ => return,
        };
        let value = Expr {
            kind: ExprKind::Const(value.clone()),
            ty: subject.ty.clone(),
            loc: self.loc(span),
        };
        if let (ExprKind::Signal(signal), Some(value)) = (&subject.kind, constant(&value)) {
            self.nothing_beyond(*signal, value, above, span);
        }
    }

    fn nothing_beyond(&mut self, signal: Signal, value: f64, above: bool, span: Span) {
        let Some((low, high)) = signals::range(signal) else {
            return;
        };
        let end = if above { high } else { Some(low) };
        if end != Some(value) {
            return;
        }
        let at = self.loc(span);
        let written = self.sources.snippet(at).to_owned();
        self.report(
            Diagnostic::error("F0604", format!("`{written}` can never hold"), at)
                .help(lies_between(low, high)),
        );
    }
}
