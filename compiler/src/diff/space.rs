//! The dimensions on which a question depends, cut where something can change: at the ends of ranges, at enum values, at the unknown.

use super::canon::Canon;
use super::dim::{Dim, Shape, Val, inside};
use super::keys::{constant, constants, contains, hours_key, label, plain_text, temporal, val};
use crate::checks::support::set::{
    Interval, Known, Universe, point, signal_may_be_unknown, universe,
};
use crate::machine::{CellPattern, Expr, ExprKind, HoursQuery, Machine, Signal};
use crate::value::{Type, Value};
use flow_grammar::ast::BinaryOp;
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A dimension in the making.
#[derive(Debug)]
struct Raw {
    /// In which order they were met.
    at: usize,
    label: String,
    universe: Universe,
    ty: Type,
    unknown: bool,
    names: BTreeSet<String>,
    cuts: BTreeSet<Decimal>,
    like: Option<Value>,
    quiet: Option<Val>,
    /// Of a field: its record, and whether it may be unknown although that is known.
    part_of: Option<(String, bool)>,
}

/// Collects dimensions of both versions.
#[derive(Debug, Default)]
pub(super) struct Space {
    raw: BTreeMap<String, Raw>,
}

impl Space {
    /// Notes on what an expression of a condition depends.
    pub(super) fn add(&mut self, canon: &Canon<'_>, expr: &Expr) {
        self.cond(canon, expr, 0);
    }

    /// Notes a column of a matrix with the cells that are asked of it.
    pub(super) fn add_cells<'c>(
        &mut self,
        canon: &Canon<'_>,
        column: &Expr,
        cells: impl Iterator<Item = &'c CellPattern>,
    ) {
        let mut plain = false;
        for cell in cells {
            match cell {
                CellPattern::Any => {}
                CellPattern::Words(words) => {
                    let (key, label) = contains(canon, column, words);
                    self.flag(key, label, false);
                }
                CellPattern::Unknown => {
                    plain = true;
                    self.term(canon, column);
                }
                CellPattern::Value(value) => {
                    plain = true;
                    self.value(canon, column, value);
                }
                CellPattern::Not(values) => {
                    plain = true;
                    values.iter().for_each(|v| self.value(canon, column, v));
                }
                CellPattern::Range { low, high, .. } => {
                    plain = true;
                    low.iter()
                        .chain(high)
                        .for_each(|v| self.value(canon, column, v));
                }
            }
        }
        if plain && column.ty == Type::Bool {
            self.cond(canon, column, 0);
        }
    }

    /// Notes a value that is known where it is asked for, with its bands.
    pub(super) fn known<'c>(
        &mut self,
        canon: &Canon<'_>,
        expr: &Expr,
        label: &str,
        cells: impl Iterator<Item = &'c CellPattern>,
    ) {
        self.term(canon, expr);
        self.add_cells(canon, expr, cells);
        if let Some(raw) = self.raw.get_mut(&canon.of(expr)) {
            label.clone_into(&mut raw.label);
            raw.unknown = false;
        }
    }

    /// A dimension of names that the caller evaluates itself.
    pub(super) fn names(&mut self, key: &str, label: &str, names: impl Iterator<Item = String>) {
        let at = self.raw.len();
        let raw = self
            .raw
            .entry(key.to_owned())
            .or_insert_with(|| Raw::new(at, label.to_owned(), Universe::Open, Type::Text));
        // What no version names cannot occur.
        raw.universe = Universe::Closed(Vec::new());
        for name in names {
            raw.quiet.get_or_insert_with(|| Val::Name(name.clone()));
            raw.names.insert(name);
        }
    }

    fn cond(&mut self, canon: &Canon<'_>, expr: &Expr, depth: u32) {
        if depth > 120 {
            return;
        }
        let m = canon.machine;
        match &expr.kind {
            ExprKind::Const(_) | ExprKind::Error => {}
            ExprKind::Not(inner) => self.cond(canon, inner, depth + 1),
            ExprKind::Binary(BinaryOp::And | BinaryOp::Or, a, b) => {
                self.cond(canon, a, depth + 1);
                self.cond(canon, b, depth + 1);
            }
            ExprKind::Binary(BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, a, b) => {
                match (constants(m, a), constants(m, b)) {
                    (Some(_), Some(_)) => self.thresholds(canon, a, b, depth),
                    (None, Some(values)) => {
                        values.iter().for_each(|v| self.value(canon, a, v));
                        self.thresholds(canon, a, b, depth);
                    }
                    (Some(values), None) => {
                        values.iter().for_each(|v| self.value(canon, b, v));
                        self.thresholds(canon, a, b, depth);
                    }
                    (None, None) => self.opaque(canon, expr),
                }
            }
            ExprKind::Is { left, right, .. } => {
                self.one_of(canon, left, std::slice::from_ref(&**right), expr)
            }
            ExprKind::In { left, right, .. } => match &right.kind {
                ExprKind::List(items) => self.one_of(canon, left, items, expr),
                _ => self.opaque(canon, expr),
            },
            ExprKind::Known { of, .. } => self.term(canon, of),
            ExprKind::During { hours, .. } | ExprKind::Hours(hours, HoursQuery::Open) => {
                if let Some((key, label)) = hours_key(m, *hours) {
                    self.flag(key, label, true);
                }
            }
            ExprKind::Contains { left, any } => {
                for word in any {
                    match &word.kind {
                        ExprKind::Const(Value::Text(w)) => {
                            let (key, label) = contains(canon, left, w);
                            self.flag(key, label, false);
                        }
                        _ => match plain_text(m, word) {
                            Some(w) => {
                                let (key, label) = contains(canon, left, &w);
                                self.flag(key, label, false);
                            }
                            None => self.opaque(canon, expr),
                        },
                    }
                }
            }
            ExprKind::Segment(id) => {
                if let Some(s) = m.segment(*id) {
                    self.cond(canon, &s.when, depth + 1);
                }
            }
            ExprKind::Temporal(id) => {
                if let Some(t) = m.temporal(*id) {
                    let (key, label) = temporal(canon, &t.cond, t.held);
                    self.flag(key, label, false);
                    self.cond(canon, &t.cond, depth + 1);
                }
            }
            ExprKind::AtLeast { conds, .. } => {
                conds.iter().for_each(|c| self.cond(canon, c, depth + 1))
            }
            ExprKind::Matches { .. } | ExprKind::ListContains { .. } => self.opaque(canon, expr),
            _ => self.term(canon, expr),
        }
    }

    fn thresholds(&mut self, canon: &Canon<'_>, a: &Expr, b: &Expr, depth: u32) {
        for side in [a, b] {
            if let ExprKind::Threshold(id) = &side.kind
                && let Some(t) = canon.machine.threshold(*id)
            {
                t.lines
                    .iter()
                    .for_each(|(_, cond)| self.cond(canon, cond, depth + 1));
            }
        }
    }

    fn one_of(&mut self, canon: &Canon<'_>, left: &Expr, items: &[Expr], whole: &Expr) {
        let values: Option<Vec<Value>> = items.iter().map(|e| constant(canon.machine, e)).collect();
        match values {
            Some(values) if constant(canon.machine, left).is_none() => {
                values.iter().for_each(|v| self.value(canon, left, v))
            }
            _ => self.opaque(canon, whole),
        }
    }

    fn value(&mut self, canon: &Canon<'_>, term: &Expr, value: &Value) {
        self.term(canon, term);
        if let Some(raw) = self.raw.get_mut(&canon.of(term)) {
            match (point(value), value) {
                (Some(at), _) => {
                    raw.cuts.insert(at);
                    raw.like.get_or_insert_with(|| value.clone());
                }
                (None, Value::Enum(n) | Value::Text(n)) => {
                    raw.names.insert(n.to_string());
                }
                _ => {}
            }
        }
    }

    /// Something that has a value.
    fn term(&mut self, canon: &Canon<'_>, expr: &Expr) {
        let m = canon.machine;
        let found = universe(m, expr);
        let at = self.raw.len();
        let raw = self
            .raw
            .entry(canon.of(expr))
            .or_insert_with(|| Raw::new(at, label(m, expr), found.clone(), expr.ty.clone()));
        if let Universe::Closed(names) = &found
            && expr.ty != Type::Bool
        {
            raw.names.extend(names.iter().map(ToString::to_string));
        }
        if let ExprKind::Field(base, name) = &expr.kind {
            let field = match &base.ty {
                Type::Record(id) => m.record_def(*id),
                _ => None,
            }
            .and_then(|r| r.fields.iter().find(|f| f.name == *name));
            let optional = field.is_none_or(|f| f.optional)
                || raw.part_of.as_ref().is_some_and(|(_, optional)| *optional);
            raw.part_of = Some((canon.of(base.as_ref()), optional));
        }
        let default = match &expr.kind {
            ExprKind::Slot(id) => m.slot(*id).map(|f| &f.default),
            ExprKind::Customer(id) => m.customer_field(*id).map(|f| &f.default),
            _ => None,
        };
        match (&expr.kind, default) {
            (_, Some(Some(default))) => {
                if let Some(value) = constant(m, default) {
                    raw.quiet = val(&value);
                    if let Some(at) = point(&value) {
                        raw.cuts.insert(at);
                        raw.like.get_or_insert(value);
                    }
                }
            }
            (_, Some(None)) => raw.unknown = true,
            (ExprKind::Signal(s), _) => {
                raw.unknown |= signal_may_be_unknown(*s);
                raw.quiet = quiet(m, *s);
            }
            (ExprKind::Hook(..), _) => {
                raw.unknown = true;
                raw.quiet = (expr.ty == Type::Bool).then_some(Val::Bool(false));
            }
            _ => raw.unknown = true,
        }
    }

    /// A condition of which only its own truth is known.
    fn opaque(&mut self, canon: &Canon<'_>, expr: &Expr) {
        let at = self.raw.len();
        let raw = self.raw.entry(canon.of(expr)).or_insert_with(|| {
            Raw::new(
                at,
                label(canon.machine, expr),
                Universe::Closed(Vec::new()),
                Type::Bool,
            )
        });
        raw.unknown = true;
        raw.quiet = Some(Val::Bool(false));
    }

    fn flag(&mut self, key: String, label: String, quiet: bool) {
        let at = self.raw.len();
        let raw = self
            .raw
            .entry(key)
            .or_insert_with(|| Raw::new(at, label, Universe::Closed(Vec::new()), Type::Bool));
        raw.quiet = Some(Val::Bool(quiet));
    }

    /// The dimensions, in the order in which conditions name them.
    pub(super) fn dims(self) -> Vec<Dim> {
        let mut raw: Vec<(String, Raw)> = self.raw.into_iter().collect();
        raw.sort_by_key(|(_, r)| r.at);
        raw.into_iter().map(|(key, raw)| raw.dim(key)).collect()
    }
}

impl Raw {
    fn new(at: usize, label: String, universe: Universe, ty: Type) -> Self {
        Self {
            at,
            label,
            universe,
            ty,
            unknown: false,
            names: BTreeSet::new(),
            cuts: BTreeSet::new(),
            like: None,
            quiet: None,
            part_of: None,
        }
    }

    fn dim(self, key: String) -> Dim {
        let mut values: Vec<(Val, Option<Interval>)> = Vec::new();
        let shape = if self.ty == Type::Bool {
            values.push((Val::Bool(false), None));
            values.push((Val::Bool(true), None));
            Shape::Bool
        } else if let Universe::Ordered { low, high, whole } = &self.universe {
            let mut from = low.map(|v| (v, true));
            let mut push = |low: Option<(Decimal, bool)>, high: Option<(Decimal, bool)>| {
                if let Some(Known::Spans(spans)) = self.universe.between(low, high).map(|s| s.known)
                {
                    values.extend(
                        spans
                            .into_iter()
                            .map(|i| (Val::Point(sample(&i, *whole)), Some(i))),
                    );
                }
            };
            for cut in &self.cuts {
                push(from, Some((*cut, false)));
                push(Some((*cut, true)), Some((*cut, true)));
                from = Some((*cut, false));
            }
            push(from, high.map(|v| (v, true)));
            Shape::Ordered {
                ty: self.ty.clone(),
                like: self.like.clone(),
                whole: *whole,
            }
        } else {
            values.extend(self.names.iter().map(|n| (Val::Name(n.clone()), None)));
            if matches!(self.universe, Universe::Open) {
                values.push((Val::Name(String::new()), None));
            }
            Shape::Names
        };
        if self.unknown {
            values.push((Val::Unknown, None));
        }
        let quiet = self.quiet.or(self.unknown.then_some(Val::Unknown));
        if let Some(quiet) = quiet {
            let at = values.iter().position(|(v, span)| {
                *v == quiet || matches!((&quiet, span), (Val::Point(p), Some(i)) if inside(i, *p))
            });
            if let Some(at) = at {
                let first = values.remove(at);
                values.insert(0, first);
            }
        }
        let (values, spans) = values.into_iter().unzip();
        Dim {
            key: key.into(),
            label: self.label,
            shape,
            values,
            spans,
            part_of: self.part_of.map(|(key, optional)| (key.into(), optional)),
        }
    }
}

/// A point inside an interval that is not empty.
fn sample(i: &Interval, whole: bool) -> Decimal {
    match (i.low, i.high) {
        (Some((a, true)), _) => a,
        (_, Some((b, true))) => b,
        (Some((a, _)), Some((b, _))) => {
            let mid = (a + b) / Decimal::TWO;
            if whole { mid.floor() } else { mid }
        }
        (Some((a, _)), None) => a + Decimal::ONE,
        (None, Some((b, _))) => b - Decimal::ONE,
        (None, None) => Decimal::ZERO,
    }
}

/// What a signal is when nothing is the matter.
fn quiet(m: &Machine, signal: Signal) -> Option<Val> {
    Some(match signal {
        Signal::Intent | Signal::MessageIntent => Val::Name("none".into()),
        Signal::Language => Val::Name(m.bot.languages.first()?.to_string()),
        Signal::Channel => Val::Name(m.bot.channels.first()?.to_string()),
        Signal::Tier => Val::Name(m.tiers.first()?.name.to_string()),
        Signal::Complexity => Val::Name("low".into()),
        Signal::Priority => Val::Name("standard".into()),
        Signal::Confidence => Val::Point(Decimal::ONE),
        Signal::Sentiment
        | Signal::Mood
        | Signal::FailedAnswers
        | Signal::IntentRepeats
        | Signal::AttemptsFailed
        | Signal::TimeInTier
        | Signal::TimeInConversation
        | Signal::Turns => Val::Point(Decimal::ZERO),
        Signal::AsksForHuman
        | Signal::Shouting
        | Signal::Profanity
        | Signal::Negation
        | Signal::RepeatedQuestion => Val::Bool(false),
        _ => return None,
    })
}

/// A choice of one value per dimension.
pub(super) type Assignment = FxHashMap<Rc<str>, Val>;
