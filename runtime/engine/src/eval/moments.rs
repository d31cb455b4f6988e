//! When a condition may change by time alone.

use super::Scope;
use crate::calendar::plus;
use crate::tables::any;
use flow_compiler::machine::{Expr, ExprKind, Held, Signal};
use flow_compiler::value::Value;
use flow_grammar::ast::BinaryOp;
use jiff::{Timestamp, ToSpan};

/// How deep a condition is looked into.
const DEPTH: u32 = 64;

impl Scope<'_> {
    /// The next moment at which a condition may have come to hold although nothing happened: where a time that it reads passes the bound
    /// that it is compared with, hours open or close, or what must hold for a while has done so. Times that are not compared plainly, as in
    /// sums, are not foreseen.
    pub(crate) fn next_moment(&self, condition: &Expr) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        let mut look = |expr: &Expr| {
            let soonest = self
                .moments(expr)
                .into_iter()
                .flatten()
                .filter(|at| *at > self.now)
                .min();
            next = next.into_iter().chain(soonest).min();
            false
        };
        any(self.engine.machine(), condition, &mut look, DEPTH);
        next
    }

    fn moments(&self, expr: &Expr) -> [Option<Timestamp>; 2] {
        match &expr.kind {
            ExprKind::Binary(BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, a, b) => {
                [self.passes(a, b), self.passes(b, a)]
            }
            ExprKind::During { hours: of, .. } | ExprKind::Hours(of, _) => {
                let calendar = self.hours_id(*of).and_then(|id| self.engine.calendar(id));
                [calendar.and_then(|c| c.next_change(self.now)), None]
            }
            ExprKind::Signal(Signal::Today) => {
                let today = self.now.to_zoned(self.engine.zone().clone());
                let midnight = today.tomorrow().and_then(|day| day.start_of_day());
                [midnight.ok().map(|day| day.timestamp()), None]
            }
            ExprKind::Temporal(id) => {
                let temporal = self.engine.machine().temporal(*id);
                let since = temporal.and_then(|t| {
                    let since = self.state.temporals.get(&t.key)?.since?;
                    match t.held {
                        Held::Millis(millis) => plus(since, millis),
                        Held::Messages(_) => None,
                    }
                });
                [since, None]
            }
            _ => [None, None],
        }
    }

    /// When a time passes a bound: a millisecond later it is beyond it.
    fn passes(&self, time: &Expr, bound: &Expr) -> Option<Timestamp> {
        let ExprKind::Signal(signal) = &time.kind else {
            return None;
        };
        let at = match (signal, self.value(bound)) {
            (Signal::TimeInTier, Value::Duration(millis)) => {
                plus(self.state.tier_since.or(self.state.opened)?, millis)
            }
            (Signal::TimeInConversation, Value::Duration(millis)) => {
                plus(self.state.opened?, millis)
            }
            (Signal::QueueWait, Value::Duration(millis)) => {
                let handoff = self.state.handoff.as_deref()?;
                let wait = handoff.news.as_ref()?.wait?;
                plus(handoff.news_at?, wait.checked_sub(millis)?)
            }
            (Signal::Now, Value::DateTime(at)) => Some(at),
            _ => None,
        };
        at?.checked_add(1.millisecond()).ok()
    }
}
