//! What a condition teaches, and what an expression needs.

use super::facts::{Bits, FactId, Facts};
use crate::checks::support::set::signal_may_be_unknown;
use crate::machine::{Expr, ExprKind, Machine};
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
        match &cond.kind {
            ExprKind::Known { known, of }
                if *known == matches!(truth, Truth::True | Truth::NotFalse) =>
            {
                self.learn(machine, code, of, bits)
            }
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
                    bits.intersect(&left);
                }
            }
            ExprKind::Binary(_, a, b)
            | ExprKind::Is {
                left: a, right: b, ..
            }
            | ExprKind::In {
                left: a, right: b, ..
            }
            | ExprKind::ListContains { left: a, right: b }
                if certain =>
            {
                self.learn(machine, code, a, bits);
                self.learn(machine, code, b, bits);
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
            ExprKind::AtLeast { count, conds }
                if truth == Truth::True && *count as usize == conds.len() =>
            {
                for cond in conds {
                    self.assume_within(machine, code, cond, truth, bits, depth + 1);
                }
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
        let fact = self.of(code, expr);
        if fact.is_some_and(|f| bits.has(f)) {
            return None;
        }
        match &expr.kind {
            ExprKind::Const(Value::Unknown) => Some((expr, None)),
            ExprKind::Slot(_) | ExprKind::Customer(_) | ExprKind::Local(_) => Some((expr, fact)),
            ExprKind::Field(inner, name) => self
                .lacks(machine, code, inner, bits)
                .or_else(|| field_is_optional(machine, inner, name).then_some((expr, fact))),
            ExprKind::Not(inner) | ExprKind::Neg(inner) => self.lacks(machine, code, inner, bits),
            ExprKind::Binary(BinaryOp::Coalesce, a, b) => self
                .lacks(machine, code, a, bits)
                .and_then(|_| self.lacks(machine, code, b, bits)),
            ExprKind::Binary(BinaryOp::And | BinaryOp::Or, a, b) => self
                .lacks(machine, code, a, bits)
                .or_else(|| self.lacks(machine, code, b, bits)),
            ExprKind::Binary(_, a, b)
            | ExprKind::Is {
                left: a, right: b, ..
            }
            | ExprKind::In {
                left: a, right: b, ..
            }
            | ExprKind::ListContains { left: a, right: b } => self
                .lacks(machine, code, a, bits)
                .or_else(|| self.lacks(machine, code, b, bits)),
            ExprKind::Contains { left, .. } | ExprKind::Matches { left, .. } => {
                self.lacks(machine, code, left, bits)
            }
            ExprKind::Signal(signal) if signal_may_be_unknown(*signal) => Some((expr, None)),
            ExprKind::Hook(id, _) if machine.hook(*id).is_some_and(|h| h.optional) => {
                Some((expr, None))
            }
            _ => None,
        }
    }

    /// Every slot, field and result that is read and can be unknown; the left of `??` and what `is known` asks may be.
    pub(super) fn unknown_reads<'e>(
        &self,
        machine: &Machine,
        code: Option<CodeId>,
        expr: &'e Expr,
        bits: &Bits,
        f: &mut dyn FnMut(&'e Expr, FactId),
    ) {
        match &expr.kind {
            ExprKind::Slot(_)
            | ExprKind::Customer(_)
            | ExprKind::Local(_)
            | ExprKind::Field(..) => {
                if let Some((part, Some(fact))) = self.lacks(machine, code, expr, bits) {
                    f(part, fact);
                }
            }
            ExprKind::Neg(inner) => self.unknown_reads(machine, code, inner, bits, f),
            // The right side is taken only where the left is unknown; it must have a value itself.
            ExprKind::Binary(BinaryOp::Coalesce, a, b)
                if self.lacks(machine, code, a, bits).is_some() =>
            {
                self.unknown_reads(machine, code, b, bits, f)
            }
            ExprKind::Binary(
                BinaryOp::Mul | BinaryOp::Div | BinaryOp::Add | BinaryOp::Sub,
                a,
                b,
            ) => {
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
