//! A dimension: what a condition depends on, cut into values between which nothing changes.

use crate::checks::support::set::{Interval, show_interval};
use crate::value::{Type, Value};
use rust_decimal::Decimal;
use std::rc::Rc;

/// A value of a dimension, as far as conditions can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Val {
    Unknown,
    Bool(bool),
    Name(String),
    Point(Decimal),
}

/// What a dimension can be.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Bool,
    Names,
    Ordered {
        ty: Type,
        like: Option<Value>,
        whole: bool,
    },
}

/// A dimension.
#[derive(Debug, Clone)]
pub(super) struct Dim {
    pub(super) key: Rc<str>,
    /// In the author's words.
    pub(super) label: String,
    pub(super) shape: Shape,
    /// Its values; the first is the quiet one.
    pub(super) values: Vec<Val>,
    /// By value, the interval that it stands for.
    pub(super) spans: Vec<Option<Interval>>,
    /// Of a field: the record that it is of, and whether it may be unknown although that is known.
    pub(super) part_of: Option<(Rc<str>, bool)>,
}

impl Dim {
    /// Some of its values in words; absent: all of them.
    pub(super) fn show(&self, chosen: &[usize]) -> Option<String> {
        if chosen.len() >= self.values.len() {
            return None;
        }
        let mut parts: Vec<String> = Vec::new();
        let mut intervals: Vec<Interval> = Vec::new();
        for i in chosen {
            match (self.values.get(*i), self.spans.get(*i).copied().flatten()) {
                (Some(Val::Unknown), _) => parts.push(format!("{} unknown", self.label)),
                (Some(Val::Bool(true)), _) => parts.push(self.label.clone()),
                (Some(Val::Bool(false)), _) => parts.push(format!("not {}", self.label)),
                // Nothing but whether there is a value matters.
                (Some(Val::Name(n)), _) if n.is_empty() && !self.names_any() => {
                    parts.push(format!("{} known", self.label))
                }
                (Some(Val::Name(n)), _) if n.is_empty() => {
                    parts.push(format!("{} anything else", self.label))
                }
                (Some(Val::Name(n)), _) => parts.push(format!("{} {n}", self.label)),
                (Some(Val::Point(_)), Some(span)) => intervals.push(span),
                _ => {}
            }
        }
        intervals.sort_by_key(|i| (i.low.is_some(), i.low.map(|l| (l.0, !l.1))));
        let mut merged: Vec<Interval> = Vec::new();
        let whole = matches!(self.shape, Shape::Ordered { whole: true, .. });
        for i in intervals {
            match merged.last_mut() {
                Some(last) if matches!((last.high, i.low), (Some(h), Some(l)) if (h.0 == l.0 && (h.1 || l.1)) || (whole && h.1 && l.1 && h.0 + Decimal::ONE == l.0)) => {
                    last.high = i.high
                }
                _ => merged.push(i),
            }
        }
        if let Shape::Ordered { ty, like, .. } = &self.shape {
            parts.extend(merged.iter().map(|i| match (i.low, i.high) {
                // Nothing but whether there is a value matters.
                (None, None) => format!("{} known", self.label),
                _ => format!("{} {}", self.label, span_words(ty, like.as_ref(), i)),
            }));
        }
        // One name before several values: "intent billing or refund".
        let prefix = format!("{} ", self.label);
        if parts.len() > 1 && parts.iter().all(|p| p.starts_with(&prefix)) {
            let rest: Vec<&str> = parts
                .iter()
                .filter_map(|p| p.strip_prefix(&prefix))
                .collect();
            return Some(format!("{prefix}{}", rest.join(" or ")));
        }
        Some(parts.join(" or "))
    }
}

impl Dim {
    /// Whether a value of it has a name.
    fn names_any(&self) -> bool {
        self.values
            .iter()
            .any(|v| matches!(v, Val::Name(n) if !n.is_empty()))
    }
}

/// An interval with ends that do not belong to it.
fn span_words(ty: &Type, like: Option<&Value>, i: &Interval) -> String {
    match (i.low, i.high) {
        (Some((a, x)), Some((b, y))) if a != b && (!x || !y) => {
            let low = show_interval(
                ty,
                like,
                &Interval {
                    low: Some((a, x)),
                    high: None,
                },
            );
            let high = show_interval(
                ty,
                like,
                &Interval {
                    low: None,
                    high: Some((b, y)),
                },
            );
            format!("{low} and {high}")
        }
        _ => show_interval(ty, like, i),
    }
}

pub(super) fn inside(i: &Interval, p: Decimal) -> bool {
    i.low.is_none_or(|(v, incl)| p > v || (incl && p == v))
        && i.high.is_none_or(|(v, incl)| p < v || (incl && p == v))
}
