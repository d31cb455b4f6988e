//! What a condition teaches, and what an expression needs.

use super::bits::Bits;
use super::facts::{FactId, Facts};
use super::vouched::{phones, vouches};
use crate::checks::support::defaults::default_of;
use crate::checks::support::formula::constant_of;
use crate::checks::support::set::{point, signal_may_be_unknown};
use crate::checks::support::walk;
use crate::machine::{CodeOwner, Expr, ExprKind, Machine, Signal, Var};
use crate::value::{CodeId, Type, Value};
use flow_grammar::ast::BinaryOp;

/// What is assumed of a condition. It can be true, false or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    /// False or unknown.
    NotTrue,
    /// True or unknown.
    NotFalse,
}

impl Truth {
    const fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::NotTrue => Self::NotFalse,
            Self::NotFalse => Self::NotTrue,
        }
    }
}

impl Facts {
    /// Adds what follows from a condition.
    pub(super) fn assume(
        &self,
        machine: &Machine,
        code: CodeId,
        cond: &Expr,
        truth: Truth,
        bits: &mut Bits,
    ) {
        self.assume_within(machine, code, cond, truth, bits, 0);
    }

    fn assume_within(
        &self,
        machine: &Machine,
        code: CodeId,
        cond: &Expr,
        truth: Truth,
        bits: &mut Bits,
        depth: u32,
    ) {
        // Segments may (wrongly) name each other; long chains of `or` are possible. Nothing is lost by stopping.
        if depth > 200 {
            return;
        }
        let certain = matches!(truth, Truth::True | Truth::False);
        if !self.values.is_empty() {
            self.assume_values(code, cond, truth, bits);
        }
        match &cond.kind {
            ExprKind::Known { known, of }
                if *known == matches!(truth, Truth::True | Truth::NotFalse) =>
            {
                self.learn(machine, code, of, bits)
            }
            ExprKind::Known { of, .. } => self.miss(code, of, bits),
            ExprKind::Not(inner) => {
                self.assume_within(machine, code, inner, truth.negated(), bits, depth + 1)
            }
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                // Both hold for `and` that is (perhaps) true and for `or` that is (perhaps) false; else at least one of them.
                let both = (*op == BinaryOp::And) == matches!(truth, Truth::True | Truth::NotFalse);
                if both {
                    self.assume_within(machine, code, a, truth, bits, depth + 1);
                    self.assume_within(machine, code, b, truth, bits, depth + 1);
                } else {
                    let mut left = bits.clone();
                    self.assume_within(machine, code, a, truth, &mut left, depth + 1);
                    self.assume_within(machine, code, b, truth, bits, depth + 1);
                    self.close(code, &mut left);
                    self.close(code, bits);
                    bits.intersect(&left);
                }
            }
            // `q ?? false`, where it holds, is `q`.
            ExprKind::Binary(BinaryOp::Coalesce, thing, fallback) => {
                let holds = matches!(truth, Truth::True | Truth::NotFalse);
                if constant_of(fallback) == Some(Value::Bool(!holds)) {
                    let truth = if holds { Truth::True } else { Truth::False };
                    self.assume_within(machine, code, thing, truth, bits, depth + 1);
                }
            }
            ExprKind::Binary(_, a, b)
            | ExprKind::Is {
                left: a, right: b, ..
            }
            | ExprKind::In {
                left: a, right: b, ..
            }
            | ExprKind::ListContains { left: a, right: b } => {
                if certain {
                    self.learn(machine, code, a, bits);
                    self.learn(machine, code, b, bits);
                }
                // `(n ?? 0) > 3` cannot hold by its fallback: then it is `n` that is known.
                if matches!(truth, Truth::True | Truth::NotFalse) && is_on_vouching(machine, cond) {
                    phones(machine).for_each(|phone| self.learn_var(phone, bits));
                }
                if let Some((thing, by_fallback)) = told_by_fallback(cond)
                    && by_fallback != matches!(truth, Truth::True | Truth::NotFalse)
                {
                    self.learn(machine, code, thing, bits);
                }
            }
            ExprKind::Contains { left, .. } | ExprKind::Matches { left, .. } if certain => {
                self.learn(machine, code, left, bits)
            }
            ExprKind::Slot(_)
            | ExprKind::Customer(_)
            | ExprKind::Local(_)
            | ExprKind::Field(..)
                if certain =>
            {
                self.learn(machine, code, cond, bits)
            }
            ExprKind::Segment(id) => {
                if let Some(segment) = machine.segment(*id) {
                    self.assume_within(machine, code, &segment.when, truth, bits, depth + 10);
                }
            }
            ExprKind::AtLeast { count, conds } => {
                // So many parts are as wanted; what fewer than that many could be without is known.
                let all = conds.len();
                let so_many = if matches!(truth, Truth::True | Truth::NotFalse) {
                    *count as usize
                } else {
                    (all + 1).saturating_sub(*count as usize)
                };
                if so_many == 0 || so_many > all {
                    return;
                }
                let learned: Vec<Bits> = conds
                    .iter()
                    .map(|cond| {
                        let mut with = bits.clone();
                        self.assume_within(machine, code, cond, truth, &mut with, depth + 1);
                        self.close(code, &mut with);
                        with
                    })
                    .collect();
                bits.take_shared(&learned, all - so_many + 1);
            }
            _ => {}
        }
    }

    /// An expression was seen to have a value: so have the things that it is made of.
    pub(super) fn learn(&self, machine: &Machine, code: CodeId, expr: &Expr, bits: &mut Bits) {
        let mut todo = vec![expr];
        while let Some(expr) = todo.pop() {
            if let Some(fact) = self.of(Some(code), expr) {
                bits.insert(fact);
            }
            match &expr.kind {
                ExprKind::Field(inner, _) | ExprKind::Neg(inner) | ExprKind::Not(inner) => {
                    todo.push(inner)
                }
                ExprKind::Binary(
                    BinaryOp::Mul | BinaryOp::Div | BinaryOp::Add | BinaryOp::Sub,
                    a,
                    b,
                ) => {
                    todo.push(a);
                    todo.push(b);
                }
                _ => {}
            }
        }
        let _ = machine;
    }

    /// The first part that can be unknown and makes the whole unknown.
    pub(super) fn lacks<'e>(
        &self,
        machine: &Machine,
        code: Option<CodeId>,
        expr: &'e Expr,
        bits: &Bits,
    ) -> Option<(&'e Expr, Option<FactId>)> {
        self.lacks_within(machine, code, expr, bits, 0)
    }

    /// Whether a default can be without a value: a text needs all that it fills in.
    pub(super) fn default_lacks(
        &self,
        machine: &Machine,
        default: &Expr,
        bits: &Bits,
        depth: u32,
    ) -> bool {
        let lacks = |e: &Expr| self.lacks_within(machine, None, e, bits, depth).is_some();
        let ExprKind::Text(text) = default.kind else {
            return lacks(default);
        };
        let mut out = false;
        walk::each_interpolation(machine, text, &mut |e| out |= lacks(e));
        out
    }

    fn lacks_within<'e>(
        &self,
        machine: &Machine,
        code: Option<CodeId>,
        expr: &'e Expr,
        bits: &Bits,
        depth: u32,
    ) -> Option<(&'e Expr, Option<FactId>)> {
        let fact = self.of(code, expr);
        if fact.is_some_and(|f| bits.has(f)) {
            return None;
        }
        match &expr.kind {
            ExprKind::Const(Value::Unknown) => Some((expr, None)),
            ExprKind::Slot(_) | ExprKind::Customer(_) => match own_default(machine, expr) {
                // A default is read where the thing itself is unknown.
                Some(default)
                    if depth < DEFAULTS
                        && !self.default_lacks(machine, default, bits, depth + 1) =>
                {
                    None
                }
                _ => Some((expr, fact)),
            },
            ExprKind::Local(_) => Some((expr, fact)),
            ExprKind::Payload(Some(name)) if payload_is_optional(machine, code, name) => {
                Some((expr, None))
            }
            ExprKind::Field(inner, name) => self
                .lacks_within(machine, code, inner, bits, depth)
                .or_else(|| field_is_optional(machine, inner, name).then_some((expr, fact))),
            ExprKind::Not(inner) | ExprKind::Neg(inner) => {
                self.lacks_within(machine, code, inner, bits, depth)
            }
            ExprKind::Binary(BinaryOp::Coalesce, a, b) => self
                .lacks_within(machine, code, a, bits, depth)
                .and_then(|_| {
                    let without = self.where_missing(code, a, bits);
                    self.lacks_within(machine, code, b, &without, depth)
                }),
            // What the one side says decides whether the other side matters.
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => self
                .lacks_within(
                    machine,
                    code,
                    a,
                    &self.where_open(machine, code, *op, b, bits),
                    depth,
                )
                .or_else(|| {
                    self.lacks_within(
                        machine,
                        code,
                        b,
                        &self.where_open(machine, code, *op, a, bits),
                        depth,
                    )
                }),
            ExprKind::Binary(_, a, b)
            | ExprKind::Is {
                left: a, right: b, ..
            }
            | ExprKind::In {
                left: a, right: b, ..
            }
            | ExprKind::ListContains { left: a, right: b } => self
                .lacks_within(machine, code, a, bits, depth)
                .or_else(|| self.lacks_within(machine, code, b, bits, depth)),
            ExprKind::Contains { left, .. } | ExprKind::Matches { left, .. } => {
                self.lacks_within(machine, code, left, bits, depth)
            }
            ExprKind::Signal(signal) if signal_may_be_unknown(*signal) => Some((expr, None)),
            ExprKind::Hook(id, _) if machine.hook(*id).is_some_and(|h| h.optional) => {
                Some((expr, None))
            }
            _ => None,
        }
    }

    /// What is known where one side of `and` or `or` leaves it to the other.
    fn where_open(
        &self,
        machine: &Machine,
        code: Option<CodeId>,
        op: BinaryOp,
        side: &Expr,
        bits: &Bits,
    ) -> Bits {
        let open = if op == BinaryOp::And {
            Truth::NotFalse
        } else {
            Truth::NotTrue
        };
        let mut with = bits.clone();
        // Only results of calls belong to a body.
        self.assume(
            machine,
            code.unwrap_or(CodeId(u32::MAX)),
            side,
            open,
            &mut with,
        );
        with
    }

    /// What is known where the left of `??` has no value.
    fn where_missing(&self, code: Option<CodeId>, left: &Expr, bits: &Bits) -> Bits {
        let mut with = bits.clone();
        self.miss(code.unwrap_or(CodeId(u32::MAX)), left, &mut with);
        with
    }

    /// Every slot, field and result that is read and can be unknown; the left of `??` and what `is known` asks may be.
    pub(super) fn unknown_reads<'e>(
        &self,
        machine: &Machine,
        code: Option<CodeId>,
        expr: &'e Expr,
        bits: &Bits,
        f: &mut dyn FnMut(&'e Expr, Option<FactId>),
    ) {
        match &expr.kind {
            ExprKind::Slot(_)
            | ExprKind::Customer(_)
            | ExprKind::Local(_)
            | ExprKind::Payload(_)
            | ExprKind::Field(..) => {
                if let Some((part, fact)) = self.lacks(machine, code, expr, bits)
                    && !matches!(part.kind, ExprKind::Signal(_))
                {
                    f(part, fact);
                }
            }
            ExprKind::Neg(inner) | ExprKind::Not(inner) => {
                self.unknown_reads(machine, code, inner, bits, f)
            }
            ExprKind::Contains { left, .. } | ExprKind::Matches { left, .. } => {
                self.unknown_reads(machine, code, left, bits, f)
            }
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                let beside = self.where_open(machine, code, *op, b, bits);
                self.unknown_reads(machine, code, a, &beside, f);
                let beside = self.where_open(machine, code, *op, a, bits);
                self.unknown_reads(machine, code, b, &beside, f);
            }
            // The right side is taken only where the left is unknown; it must have a value itself.
            ExprKind::Binary(BinaryOp::Coalesce, a, b)
                if self.lacks(machine, code, a, bits).is_some() =>
            {
                self.unknown_reads(machine, code, b, &self.where_missing(code, a, bits), f)
            }
            ExprKind::Binary(BinaryOp::Coalesce, ..) => {}
            ExprKind::Binary(_, a, b)
            | ExprKind::Is {
                left: a, right: b, ..
            }
            | ExprKind::In {
                left: a, right: b, ..
            }
            | ExprKind::ListContains { left: a, right: b } => {
                self.unknown_reads(machine, code, a, bits, f);
                self.unknown_reads(machine, code, b, bits, f);
            }
            ExprKind::List(items) => items
                .iter()
                .for_each(|e| self.unknown_reads(machine, code, e, bits, f)),
            _ => {}
        }
    }
}

/// How many defaults that read each other are followed.
const DEFAULTS: u32 = 16;

/// Of a comparison between `x ?? FALLBACK` and constants: `x`, and what the comparison says of the fallback.
fn told_by_fallback(cond: &Expr) -> Option<(&Expr, bool)> {
    match &cond.kind {
        ExprKind::Binary(op, a, b) => {
            let (thing, (x, y)) = match (with_fallback(a), with_fallback(b)) {
                (Some((thing, fallback)), None) => (thing, (fallback, constant_of(b)?)),
                (None, Some((thing, fallback))) => (thing, (constant_of(a)?, fallback)),
                _ => return None,
            };
            let order = order(&x, &y)?;
            let holds = match op {
                BinaryOp::Lt => order.is_lt(),
                BinaryOp::Le => order.is_le(),
                BinaryOp::Gt => order.is_gt(),
                BinaryOp::Ge => order.is_ge(),
                _ => return None,
            };
            Some((thing, holds))
        }
        ExprKind::Is {
            negated,
            left,
            right,
        } => {
            let (thing, fallback) = with_fallback(left)?;
            Some((thing, same(&fallback, &constant_of(right)?)? != *negated))
        }
        ExprKind::In {
            negated,
            left,
            right,
        } => {
            let (thing, fallback) = with_fallback(left)?;
            let ExprKind::List(items) = &right.kind else {
                return None;
            };
            let mut found = false;
            for item in items {
                found |= same(&fallback, &constant_of(item)?)?;
            }
            Some((thing, found != *negated))
        }
        _ => None,
    }
}

/// Whether a condition, where it holds, says that the channel is one that vouches for the customer's number.
fn is_on_vouching(machine: &Machine, cond: &Expr) -> bool {
    let (left, right) = match &cond.kind {
        ExprKind::Is {
            negated: false,
            left,
            right,
        }
        | ExprKind::In {
            negated: false,
            left,
            right,
        } => (left, right),
        _ => return false,
    };
    let named = |e: &Expr| match constant_of(e) {
        Some(Value::Enum(name) | Value::Text(name)) => vouches(machine, &name),
        _ => false,
    };
    matches!(left.kind, ExprKind::Signal(Signal::Channel))
        && match &right.kind {
            ExprKind::List(items) => !items.is_empty() && items.iter().all(named),
            _ => named(right),
        }
}

/// `x ?? CONSTANT` in its two parts.
pub(super) fn with_fallback(expr: &Expr) -> Option<(&Expr, Value)> {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Coalesce, thing, fallback) => {
            Some((thing, constant_of(fallback)?))
        }
        _ => None,
    }
}

/// The default of what an expression names.
fn own_default<'m>(machine: &'m Machine, expr: &Expr) -> Option<&'m Expr> {
    default_of(
        machine,
        match expr.kind {
            ExprKind::Slot(id) => Var::Slot(id),
            ExprKind::Customer(id) => Var::Customer(id),
            _ => return None,
        },
    )
}

/// How two values of one kind stand on their scale.
fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    let alike = match (a, b) {
        (Value::Money(a), Value::Money(b)) => a.currency == b.currency,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    };
    alike.then(|| Some(point(a)?.cmp(&point(b)?))).flatten()
}

fn same(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Enum(a), Value::Enum(b)) => Some(a == b),
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        _ => order(a, b).map(std::cmp::Ordering::is_eq),
    }
}

/// Whether a trigger may come without a value. Where its `when` reads the value, it has looked at it.
fn payload_is_optional(machine: &Machine, code: Option<CodeId>, name: &str) -> bool {
    let owner = code.and_then(|c| machine.code(c)).map(|c| c.owner);
    let Some(CodeOwner::Trigger(index)) = owner else {
        return false;
    };
    let Some(trigger) = machine.triggers.get(index as usize) else {
        return false;
    };
    let mut looked_at = false;
    if let Some(when) = &trigger.when {
        walk::each_expr(machine, when, &mut |e| {
            looked_at |= matches!(&e.kind, ExprKind::Payload(Some(field)) if field == name);
        });
    }
    !looked_at && trigger.payload.iter().any(|f| f.name == name && f.optional)
}

/// Whether a field of a record may be unknown although the record is known.
fn field_is_optional(machine: &Machine, inner: &Expr, name: &str) -> bool {
    let Type::Record(id) = inner.ty else {
        return false;
    };
    machine
        .record_def(id)
        .and_then(|r| r.fields.iter().find(|f| f.name == name))
        .is_some_and(|f| f.optional && f.default.is_none())
}
