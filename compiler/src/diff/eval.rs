//! Conditions in three values over a choice of values, as the engine evaluates them: a comparison with an unknown is unknown.

use super::canon::Canon;
use super::dim::Val;
use super::keys::{constant, contains_key, held_key, hours_key, plain_text, val};
use super::space::Assignment;
use crate::checks::support::set::point;
use crate::machine::{CellPattern, Expr, ExprKind, HoursOf, HoursQuery};
use crate::value::{SegmentId, ThresholdId, Value};
use flow_grammar::ast::BinaryOp;
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// What expressions are by themselves, by where they stand in memory: a comparison asks for it often, and it does not change.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Under which a value is given.
    keys: RefCell<FxHashMap<usize, Rc<str>>>,
    /// The value that is written; absent where none is.
    values: RefCell<FxHashMap<usize, Option<Rc<Val>>>>,
}

/// What thresholds and segments are under one choice of values: every rule may read them again.
#[derive(Debug, Default)]
pub(super) struct Memo {
    thresholds: RefCell<FxHashMap<ThresholdId, Option<Value>>>,
    segments: RefCell<FxHashMap<SegmentId, Option<bool>>>,
}

/// A version of the bot under one choice of values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'m> {
    pub(super) canon: Canon<'m>,
    pub(super) given: &'m Assignment,
    pub(super) keys: &'m Keys,
    pub(super) memo: &'m Memo,
}

impl Scope<'_> {
    /// Only what is true holds.
    pub(super) fn holds(&self, expr: &Expr) -> bool {
        self.truth(expr, 0) == Some(true)
    }

    /// True, false, or unknown.
    fn truth(&self, expr: &Expr, depth: u32) -> Option<bool> {
        if depth > 120 {
            return None;
        }
        let m = self.canon.machine;
        match &expr.kind {
            ExprKind::Const(Value::Bool(b)) => Some(*b),
            ExprKind::Not(inner) => self.truth(inner, depth + 1).map(|b| !b),
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                let decides = *op == BinaryOp::Or;
                let first = self.truth(a, depth + 1);
                if first == Some(decides) {
                    return first;
                }
                match (first, self.truth(b, depth + 1)) {
                    (_, Some(y)) if y == decides => Some(decides),
                    (Some(_), Some(_)) => Some(!decides),
                    _ => None,
                }
            }
            ExprKind::Binary(
                op @ (BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge),
                a,
                b,
            ) => {
                if !self.written(a) && !self.written(b) {
                    return self.flag(&self.key(expr));
                }
                let (a, b) = (self.point(a, depth)?, self.point(b, depth)?);
                Some(match op {
                    BinaryOp::Lt => a < b,
                    BinaryOp::Le => a <= b,
                    BinaryOp::Gt => a > b,
                    _ => a >= b,
                })
            }
            ExprKind::Is {
                negated,
                left,
                right,
            } => self
                .one_of(left, std::slice::from_ref(&**right), expr)
                .map(|b| b != *negated),
            ExprKind::In {
                negated,
                left,
                right,
            } => match &right.kind {
                ExprKind::List(items) => self.one_of(left, items, expr).map(|b| b != *negated),
                _ => self.flag(&self.key(expr)),
            },
            ExprKind::Known { known, of } => Some((self.value(of) != Val::Unknown) == *known),
            ExprKind::During { during, hours } => self.open(*hours).map(|b| b == *during),
            ExprKind::Hours(hours, HoursQuery::Open) => self.open(*hours),
            ExprKind::Contains { left, any } => {
                let mut out = Some(false);
                for word in any {
                    let words = match &word.kind {
                        ExprKind::Const(Value::Text(w)) => Some(w.to_string()),
                        _ => plain_text(m, word),
                    };
                    let one = match words {
                        Some(w) => self.flag(&contains_key(&self.key(left), &w)),
                        None => self.flag(&self.key(expr)),
                    };
                    out = match (out, one) {
                        (Some(true), _) | (_, Some(true)) => Some(true),
                        (Some(false), Some(false)) => Some(false),
                        _ => None,
                    };
                }
                out
            }
            ExprKind::Segment(id) => {
                if let Some(known) = self.memo.segments.borrow().get(id) {
                    return *known;
                }
                let truth = self.truth(&m.segment(*id)?.when, depth + 1);
                self.memo.segments.borrow_mut().insert(*id, truth);
                truth
            }
            ExprKind::Temporal(id) => {
                let t = m.temporal(*id)?;
                // What has held for some time holds now.
                let held = self.flag(&held_key(&self.key(&t.cond), t.held))?;
                Some(held && self.truth(&t.cond, depth + 1) == Some(true))
            }
            ExprKind::AtLeast { count, conds } => {
                let (mut yes, mut perhaps) = (0, 0);
                for cond in conds {
                    match self.truth(cond, depth + 1) {
                        Some(true) => yes += 1,
                        None => perhaps += 1,
                        Some(false) => {}
                    }
                }
                if yes >= *count {
                    Some(true)
                } else if yes + perhaps >= *count {
                    None
                } else {
                    Some(false)
                }
            }
            _ => self.flag(&self.key(expr)),
        }
    }

    /// Under which a value of an expression of the machine is given.
    fn key(&self, expr: &Expr) -> Rc<str> {
        let at = std::ptr::from_ref(expr).addr();
        if let Some(key) = self.keys.keys.borrow().get(&at) {
            return Rc::clone(key);
        }
        let key: Rc<str> = self.canon.of(expr).into();
        self.keys.keys.borrow_mut().insert(at, Rc::clone(&key));
        key
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.given.get(key) {
            Some(Val::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    fn open(&self, of: HoursOf) -> Option<bool> {
        match hours_key(self.canon.machine, of) {
            Some((key, _)) => self.flag(&key),
            None => Some(true),
        }
    }

    fn written(&self, expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Threshold(_)) || self.constant(expr).is_some()
    }

    /// The value of something that is no condition.
    pub(super) fn value(&self, expr: &Expr) -> Val {
        match constant(self.canon.machine, expr) {
            Some(value) => val(&value).unwrap_or(Val::Unknown),
            None => self
                .given
                .get(&*self.key(expr))
                .cloned()
                .unwrap_or(Val::Unknown),
        }
    }

    fn point(&self, expr: &Expr, depth: u32) -> Option<Decimal> {
        if let ExprKind::Threshold(id) = &expr.kind {
            return self.threshold(*id, depth).and_then(|v| point(&v));
        }
        match self.value(expr) {
            Val::Point(p) => Some(p),
            _ => None,
        }
    }

    /// The value of a threshold: of the first line that holds.
    pub(super) fn threshold(&self, id: ThresholdId, depth: u32) -> Option<Value> {
        if let Some(known) = self.memo.thresholds.borrow().get(&id) {
            return known.clone();
        }
        let t = self.canon.machine.threshold(id)?;
        let line = t
            .lines
            .iter()
            .find(|(_, cond)| self.truth(cond, depth + 1) == Some(true));
        let value = constant(self.canon.machine, line.map_or(&t.default, |(v, _)| v));
        self.memo.thresholds.borrow_mut().insert(id, value.clone());
        value
    }

    fn one_of(&self, left: &Expr, items: &[Expr], whole: &Expr) -> Option<bool> {
        if self.constant(left).is_some() || items.iter().any(|e| self.constant(e).is_none()) {
            return self.flag(&self.key(whole));
        }
        match self.value(left) {
            Val::Unknown => None,
            here => Some(
                items
                    .iter()
                    .any(|e| self.constant(e).as_deref() == Some(&here)),
            ),
        }
    }

    /// The value that is written, if one is.
    fn constant(&self, expr: &Expr) -> Option<Rc<Val>> {
        let at = std::ptr::from_ref(expr).addr();
        if let Some(value) = self.keys.values.borrow().get(&at) {
            return value.clone();
        }
        let value = constant(self.canon.machine, expr)
            .and_then(|v| val(&v))
            .map(Rc::new);
        self.keys.values.borrow_mut().insert(at, value.clone());
        value
    }

    /// Whether a cell of a matrix takes what its column is.
    pub(super) fn fits(&self, column: &Expr, cell: &CellPattern) -> bool {
        let here = || {
            if column.ty == crate::value::Type::Bool {
                self.truth(column, 0).map_or(Val::Unknown, Val::Bool)
            } else {
                self.value(column)
            }
        };
        match cell {
            CellPattern::Any => true,
            CellPattern::Unknown => here() == Val::Unknown,
            CellPattern::Value(value) => val(value).is_some_and(|v| here() == v),
            CellPattern::Not(values) => {
                let here = here();
                here != Val::Unknown && values.iter().all(|v| val(v).as_ref() != Some(&here))
            }
            CellPattern::Range {
                low,
                low_included,
                high,
                high_included,
            } => {
                let Val::Point(p) = here() else { return false };
                let over = low
                    .as_ref()
                    .and_then(point)
                    .is_none_or(|l| p > l || (*low_included && p == l));
                let under = high
                    .as_ref()
                    .and_then(point)
                    .is_none_or(|h| p < h || (*high_included && p == h));
                over && under
            }
            CellPattern::Words(words) => {
                self.flag(&contains_key(&self.key(column), words)) == Some(true)
            }
        }
    }
}
