//! Conditions as formulas: what must be so for a condition to be true, false, or not true.
//!
//! A formula is a disjunction of *cases*; a case says of some things which values they have. Comparisons with constants become
//! sets of values; segments and thresholds are replaced by what they say; hooks, words in a message, and comparisons of two
//! changing things are free: any of their values may hold. Where a formula grows too large, nothing is said.

mod cases;
mod order;
mod print;

use self::cases::{constant, join};
use self::order::{EQUAL, LESS, MORE};
use self::print::print;
use super::analysis::Analysis;
use super::set::{Known, Set, Universe, point, signal_may_be_unknown, universe};
use crate::machine::{Expr, ExprKind, Held, HoursOf, HoursQuery, Signal};
use crate::value::{SegmentId, ThresholdId, Type, Value};
use flow_grammar::ast::BinaryOp;
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// What is asked of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Want {
    True,
    False,
    /// False or unknown.
    NotTrue,
    /// True or unknown.
    NotFalse,
}

impl Want {
    const fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::NotTrue => Self::NotFalse,
            Self::NotFalse => Self::NotTrue,
        }
    }
}

/// A thing that a case speaks of, by number.
type Key = u32;

/// What must hold together.
pub(crate) type Case = BTreeMap<Key, Set>;

/// Any of these cases. None: it can never be so. An empty case: it is always so.
pub(crate) type Dnf = Vec<Case>;

/// Builds formulas over common keys.
#[derive(Debug)]
pub(crate) struct Formulas<'a, 'm> {
    cx: &'a Analysis<'m>,
    keys: FxHashMap<String, Key>,
    universes: Vec<(Universe, bool)>,
    segments: FxHashMap<(SegmentId, Want), Option<Dnf>>,
    depth: u32,
}

impl<'a, 'm> Formulas<'a, 'm> {
    pub(crate) fn new(cx: &'a Analysis<'m>) -> Self {
        Self {
            cx,
            keys: FxHashMap::default(),
            universes: Vec::new(),
            segments: FxHashMap::default(),
            depth: 0,
        }
    }

    /// The formula that a bool signal is true.
    pub(crate) fn signal(&mut self, signal: Signal) -> Dnf {
        let expr = Expr {
            kind: ExprKind::Signal(signal),
            ty: Type::Bool,
            loc: flow_grammar::Loc::default(),
        };
        self.dnf(&expr, Want::True).unwrap_or_default()
    }

    /// The cases in which a condition is as wanted. Absent: too many to say.
    pub(crate) fn dnf(&mut self, expr: &Expr, want: Want) -> Option<Dnf> {
        if self.depth > 150 {
            return None;
        }
        self.depth += 1;
        let out = self.build(expr, want);
        self.depth -= 1;
        out
    }

    fn build(&mut self, expr: &Expr, want: Want) -> Option<Dnf> {
        let machine = self.cx.machine;
        match &expr.kind {
            ExprKind::Const(Value::Bool(truth)) => Some(constant(
                *truth == matches!(want, Want::True | Want::NotFalse),
            )),
            // What is unknown is neither true nor false, as the condition of a rule without `when`.
            ExprKind::Const(Value::Unknown) => {
                Some(constant(matches!(want, Want::NotTrue | Want::NotFalse)))
            }
            ExprKind::Not(inner) => self.dnf(inner, want.negated()),
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                let both = (*op == BinaryOp::And) == matches!(want, Want::True | Want::NotFalse);
                let a = self.dnf(a, want)?;
                let b = self.dnf(b, want)?;
                if both { self.meet(&a, &b) } else { join(a, b) }
            }
            ExprKind::Binary(
                op @ (BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge),
                a,
                b,
            ) => self.compare(*op, a, b, want),
            ExprKind::Is {
                negated,
                left,
                right,
            } => {
                let want = if *negated { want.negated() } else { want };
                self.one_of(left, std::slice::from_ref(&**right), want, expr)
            }
            ExprKind::In {
                negated,
                left,
                right,
            } => {
                let want = if *negated { want.negated() } else { want };
                match &right.kind {
                    ExprKind::List(items) => self.one_of(left, items, want, expr),
                    _ => Some(self.free(expr, want)),
                }
            }
            ExprKind::Known { known, of } => {
                self.known(of, *known == matches!(want, Want::True | Want::NotFalse))
            }
            ExprKind::During { during, hours } => {
                let want = if *during { want } else { want.negated() };
                self.hours(*hours, want)
            }
            ExprKind::Hours(hours, HoursQuery::Open) => self.hours(*hours, want),
            ExprKind::Contains { left, any } => {
                let mut out: Option<Dnf> = None;
                for words in any {
                    let name = format!("{} contains {}", self.print(left), self.print(words));
                    let may = self.may_be_unknown(left);
                    let one = self.atom(name, may, want);
                    out = Some(match out {
                        None => one,
                        Some(so_far) if matches!(want, Want::True | Want::NotFalse) => {
                            join(so_far, one)?
                        }
                        Some(so_far) => self.meet(&so_far, &one)?,
                    });
                }
                out
            }
            ExprKind::Segment(id) => {
                if let Some(known) = self.segments.get(&(*id, want)) {
                    return known.clone();
                }
                let segment = machine.segment(*id)?;
                let out = self.dnf(&segment.when, want);
                self.segments.insert((*id, want), out.clone());
                out
            }
            ExprKind::Temporal(id) => {
                let temporal = machine.temporal(*id)?;
                // How long it has held so far: who has held for 3 messages has held for 2.
                let (unit, held, whole) = match temporal.held {
                    Held::Messages(n) => ("messages", i64::from(n), true),
                    Held::Millis(n) => ("ms", n, false),
                };
                let universe = Universe::Ordered {
                    low: Some(Decimal::ZERO),
                    high: None,
                    whole,
                };
                let long = universe.between(Some((Decimal::from(held), true)), None)?;
                let name = format!("({}) for so many {unit}", self.print(&temporal.cond));
                let key = self.key(name, universe, false);
                let held = self.literal(key, &long, want)?;
                // What has held for some time holds now; what has not may hold now all the same.
                if want == Want::True {
                    let now = self.dnf(&temporal.cond, Want::True)?;
                    self.meet(&held, &now)
                } else {
                    Some(held)
                }
            }
            ExprKind::AtLeast { count, conds } => self.at_least(*count as usize, conds, want),
            ExprKind::Binary(BinaryOp::Coalesce, ..) if constant_of(expr).is_none() => {
                let truth = universe(machine, expr).value(&Value::Bool(true))?;
                self.of_values(expr, &truth, want)
            }
            _ => Some(self.truth(expr, want)),
        }
    }

    /// `COUNT of [..]`: some choice of so many that all hold; else some choice of the others that all do not.
    fn at_least(&mut self, count: usize, conds: &[Expr], want: Want) -> Option<Dnf> {
        let holds = matches!(want, Want::True | Want::NotFalse);
        let size = if holds {
            count
        } else {
            (conds.len() + 1).checked_sub(count)?
        };
        if size > conds.len() {
            return Some(constant(false));
        }
        if conds.len() > 12 {
            return None;
        }
        let single: Vec<Dnf> = conds
            .iter()
            .map(|c| self.dnf(c, want))
            .collect::<Option<_>>()?;
        let mut out = Vec::new();
        for mask in 0u32..(1 << conds.len()) {
            if mask.count_ones() as usize != size {
                continue;
            }
            let mut all = constant(true);
            for (i, one) in single.iter().enumerate() {
                if mask & (1 << i) != 0 {
                    all = self.meet(&all, one)?;
                }
            }
            out = join(out, all)?;
        }
        Some(out)
    }

    fn compare(&mut self, op: BinaryOp, a: &Expr, b: &Expr, want: Want) -> Option<Dnf> {
        let flipped = match op {
            BinaryOp::Lt => BinaryOp::Gt,
            BinaryOp::Le => BinaryOp::Ge,
            BinaryOp::Gt => BinaryOp::Lt,
            _ => BinaryOp::Le,
        };
        match (&a.kind, &b.kind) {
            (ExprKind::Threshold(id), _) => self.against_threshold(flipped, b, *id, want),
            (_, ExprKind::Threshold(id)) => self.against_threshold(op, a, *id, want),
            _ => match (constant_of(a), constant_of(b)) {
                (None, Some(value)) => self.against(op, a, &value, want),
                (Some(value), None) => self.against(flipped, b, &value, want),
                (Some(x), Some(y)) => {
                    let (x, y) = (point(&x)?, point(&y)?);
                    let truth = match op {
                        BinaryOp::Lt => x < y,
                        BinaryOp::Le => x <= y,
                        BinaryOp::Gt => x > y,
                        _ => x >= y,
                    };
                    Some(constant(
                        truth == matches!(want, Want::True | Want::NotFalse),
                    ))
                }
                (None, None) => {
                    let which: &[&str] = match op {
                        BinaryOp::Lt => &[LESS],
                        BinaryOp::Le => &[LESS, EQUAL],
                        BinaryOp::Gt => &[MORE],
                        _ => &[EQUAL, MORE],
                    };
                    self.order(a, b, which, want)
                }
            },
        }
    }

    /// The cases in which a thing has one of these values. `x ?? 0` has them where `x` has them, or where `x` is unknown and 0 is
    /// one of them.
    fn of_values(&mut self, left: &Expr, set: &Set, want: Want) -> Option<Dnf> {
        let mine = universe(self.cx.machine, left);
        let set = mine.meet(set, &mine.all(true));
        if let ExprKind::Binary(BinaryOp::Coalesce, thing, fallback) = &left.kind
            && let Some(fallback) = constant_of(fallback)
        {
            let holds = matches!(want, Want::True | Want::NotFalse);
            let at = mine.value(&fallback)?;
            let by_fallback = mine.is_empty(&mine.meet(&set, &at)) != holds;
            let want = if holds { Want::True } else { Want::False };
            let known = self.of_values(thing, &set, want)?;
            return if by_fallback {
                let unknown = self.known(thing, false)?;
                join(known, unknown)
            } else {
                Some(known)
            };
        }
        let key = self.key_of(left);
        let out = self.literal(key, &set, want)?;
        if let ExprKind::Binary(..) | ExprKind::Neg(_) = &left.kind {
            return self.with_parts_known(left, out, want);
        }
        Some(match left.kind {
            ExprKind::Signal(Signal::MessageIntent) => self.intent_of_message(left, key, out),
            _ => out,
        })
    }

    /// What the intent of a message says of the conversation's: where it is not none, the two are one.
    fn intent_of_message(&mut self, message: &Expr, key: Key, cases: Dnf) -> Dnf {
        let of_conversation = self.key_of(&Expr {
            kind: ExprKind::Signal(Signal::Intent),
            ..message.clone()
        });
        let both = cases.into_iter().map(|mut case| {
            if let Some(set) = case.get(&key)
                && !Universe::has_name(set, "none")
                && !set.unknown
            {
                case.insert(of_conversation, set.clone());
            }
            case
        });
        both.collect()
    }

    /// The cases in which a thing is known, or is not.
    fn known(&mut self, of: &Expr, known: bool) -> Option<Dnf> {
        let key = self.key_of(of);
        let (universe, may) = self.universe(key)?.clone();
        if !may {
            return Some(constant(known));
        }
        let set = if known {
            universe.all(false)
        } else {
            Set {
                unknown: true,
                ..universe.nothing()
            }
        };
        Some(vec![Case::from([(key, set)])])
    }

    fn against(&mut self, op: BinaryOp, left: &Expr, value: &Value, want: Want) -> Option<Dnf> {
        let universe = universe(self.cx.machine, left);
        // Priorities, complexities and tiers stand in their order.
        if let (Value::Enum(name), Universe::Closed(all)) = (value, &universe) {
            let at = all.iter().position(|v| v == name)?;
            let holds = |i: usize| match op {
                BinaryOp::Lt => i < at,
                BinaryOp::Le => i <= at,
                BinaryOp::Gt => i > at,
                _ => i >= at,
            };
            let names = (0..).zip(all).filter(|(i, _)| holds(*i));
            let set = Set {
                known: Known::Names {
                    but: false,
                    names: names.map(|(_, v)| v.clone()).collect(),
                },
                unknown: false,
            };
            return self.of_values(left, &set, want);
        }
        let at = point(value)?;
        let set = match op {
            BinaryOp::Lt => universe.between(None, Some((at, false))),
            BinaryOp::Le => universe.between(None, Some((at, true))),
            BinaryOp::Gt => universe.between(Some((at, false)), None),
            _ => universe.between(Some((at, true)), None),
        }?;
        self.of_values(left, &set, want)
    }

    fn against_threshold(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        id: ThresholdId,
        want: Want,
    ) -> Option<Dnf> {
        let machine = self.cx.machine;
        let threshold = machine.threshold(id)?;
        let mut out = Vec::new();
        let mut so_far = constant(true);
        let lines = threshold
            .lines
            .iter()
            .map(|(v, c)| (v, Some(c)))
            .chain([(&threshold.default, None)]);
        for (value, cond) in lines {
            let here = match constant_of(value) {
                Some(value) => self.against(op, left, &value, want)?,
                None => return None,
            };
            let chosen = match cond {
                Some(cond) => {
                    let holds = self.dnf(cond, Want::True)?;
                    self.meet(&so_far, &holds)?
                }
                None => so_far.clone(),
            };
            let both = self.meet(&chosen, &here)?;
            out = join(out, both)?;
            if let Some(cond) = cond {
                let not = self.dnf(cond, Want::NotTrue)?;
                so_far = self.meet(&so_far, &not)?;
            }
        }
        Some(out)
    }

    fn one_of(&mut self, left: &Expr, values: &[Expr], want: Want, whole: &Expr) -> Option<Dnf> {
        let constants: Option<Vec<Value>> = values.iter().map(constant_of).collect();
        let Some(constants) = constants else {
            return match values {
                [value] if is_ordered(&left.ty) && is_ordered(&value.ty) => {
                    self.order(left, value, &[EQUAL], want)
                }
                _ => Some(self.free(whole, want)),
            };
        };
        if constant_of(left).is_some() {
            return Some(self.free(whole, want));
        }
        // `office.open is false` says what `not office.open` does.
        if let (Type::Bool, [Value::Bool(truth)]) = (&left.ty, constants.as_slice()) {
            return self.dnf(left, if *truth { want } else { want.negated() });
        }
        let universe = universe(self.cx.machine, left);
        let mut none = universe.all(true);
        for value in &constants {
            none = universe.meet(&none, &universe.complement(&universe.value(value)?));
        }
        let set = universe.meet(&universe.complement(&none), &universe.all(false));
        self.of_values(left, &set, want)
    }

    fn hours(&mut self, of: HoursOf, want: Want) -> Option<Dnf> {
        let hours = match of {
            HoursOf::Hours(id) => Some(id),
            HoursOf::Team(id) => self.cx.machine.team(id).map(|t| t.hours),
            HoursOf::RoutedTeam => None,
        };
        if hours
            .and_then(|h| self.cx.machine.hours_of(h))
            .is_some_and(|h| h.always)
        {
            return Some(constant(matches!(want, Want::True | Want::NotFalse)));
        }
        let name = hours.map_or_else(|| "team is open".to_owned(), |h| format!("hours {}", h.0));
        Some(self.atom(name, hours.is_none(), want))
    }

    /// A bool as it stands.
    fn truth(&mut self, expr: &Expr, want: Want) -> Dnf {
        let name = self.print(expr);
        let may = self.may_be_unknown(expr);
        self.atom(name, may, want)
    }

    /// A condition of which nothing is known; two that are written alike are alike.
    fn free(&mut self, expr: &Expr, want: Want) -> Dnf {
        let name = self.print(expr);
        self.atom(name, true, want)
    }

    fn atom(&mut self, name: String, may_be_unknown: bool, want: Want) -> Dnf {
        let universe = Universe::Closed(vec!["true".into(), "false".into()]);
        let truth = universe.value(&Value::Bool(true));
        let key = self.key(name, universe, may_be_unknown);
        truth
            .and_then(|t| self.literal(key, &t, want))
            .unwrap_or_default()
    }

    fn literal(&mut self, key: Key, set: &Set, want: Want) -> Option<Dnf> {
        let (universe, may) = self.universe(key)?.clone();
        let mut set = match want {
            Want::True | Want::NotFalse => set.clone(),
            Want::False | Want::NotTrue => universe.complement(set),
        };
        set.unknown = may && matches!(want, Want::NotTrue | Want::NotFalse);
        if universe.is_empty(&set) {
            Some(Vec::new())
        } else {
            Some(vec![Case::from([(key, set)])])
        }
    }

    fn universe(&self, key: Key) -> Option<&(Universe, bool)> {
        self.universes.get(key as usize)
    }

    fn key_of(&mut self, expr: &Expr) -> Key {
        let name = self.print(expr);
        let may = self.may_be_unknown(expr);
        self.key(name, universe(self.cx.machine, expr), may)
    }

    fn key(&mut self, name: String, universe: Universe, may_be_unknown: bool) -> Key {
        let next = u32::try_from(self.universes.len()).unwrap_or(u32::MAX);
        let universes = &mut self.universes;
        *self.keys.entry(name).or_insert_with(|| {
            universes.push((universe, may_be_unknown));
            next
        })
    }

    fn may_be_unknown(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Signal(signal) => signal_may_be_unknown(*signal),
            // A hook may fail.
            ExprKind::Hook(..) => true,
            _ => self
                .cx
                .may_be_unknown(None, expr, &self.cx.known().nothing()),
        }
    }

    fn print(&self, expr: &Expr) -> String {
        print(self.cx.machine, expr, 0)
    }
}

/// Whether of two values of a type one is less, or both are equal.
const fn is_ordered(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Number
            | Type::Percent
            | Type::Duration
            | Type::Money
            | Type::Date
            | Type::Time
            | Type::DateTime
    )
}

/// The value of a constant, a negated one included.
pub(crate) fn constant_of(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Const(value) if value.is_known() => Some(value.clone()),
        ExprKind::Neg(inner) => match constant_of(inner)? {
            Value::Number(v) => Some(Value::Number(-v)),
            Value::Percent(v) => Some(Value::Percent(-v)),
            Value::Duration(v) => Some(Value::Duration(-v)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
