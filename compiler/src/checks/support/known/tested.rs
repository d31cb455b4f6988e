//! What a bot tests for being known, which values it tests slots for, and where.

use super::either::{LIMIT, Wanted};
use super::facts::{FactId, Facts};
use super::values::{Tried, domain};
use crate::checks::support::flow::{Flow, node_of};
use crate::checks::support::formula::constant_of;
use crate::checks::support::reads::Reads;
use crate::checks::support::walk;
use crate::machine::{CellPattern, Expr, ExprKind, Machine, OpKind};
use crate::value::{CodeId, OpId, SlotId, Type, Value};
use flow_grammar::ast::BinaryOp;
use rustc_hash::{FxHashMap, FxHashSet};

/// Of so many tested things two at a time are taken together with a third.
const FEW: usize = 6;

/// By body, the facts that it tests; none is the body of what stands outside.
pub(super) struct Tested<'m> {
    machine: &'m Machine,
    flow: &'m Flow,
    by: FxHashMap<Option<CodeId>, Vec<FactId>>,
    /// By body, the values that it tests slots for.
    values: FxHashMap<Option<CodeId>, Vec<Tried>>,
}

impl<'m> Tested<'m> {
    pub(super) fn new(
        machine: &'m Machine,
        flow: &'m Flow,
        reads: &Reads<'_>,
        facts: &Facts,
    ) -> Self {
        let mut by: FxHashMap<Option<CodeId>, Vec<FactId>> = FxHashMap::default();
        let mut see = |code: Option<CodeId>, e: &Expr| {
            each_tested(machine, e, &mut |thing| {
                if let Some(fact) = facts.of(code, thing)
                    && !facts.holds_always(fact)
                {
                    let tested = by.entry(code).or_default();
                    if !tested.contains(&fact) {
                        tested.push(fact);
                    }
                }
            })
        };
        let code = |op: OpId| machine.op(op).map(|op| op.code);
        for (op, value) in reads.values() {
            see(code(*op), value);
        }
        for (op, text) in reads.filled() {
            walk::each_interpolation(machine, *text, &mut |e| see(code(*op), e));
        }
        for op in &machine.ops {
            if let OpKind::Match { subject, arms, .. } = &op.kind
                && arms
                    .iter()
                    .any(|a| a.patterns.contains(&CellPattern::Unknown))
                && let Some(fact) = facts.of(Some(op.code), subject)
            {
                by.entry(Some(op.code)).or_default().push(fact);
            }
        }
        let mut see = |code: Option<CodeId>, e: &Expr| {
            each_tested(machine, e, &mut |thing| {
                by.entry(code).or_default().extend(facts.of(code, thing));
            })
        };
        walk::exprs_outside_ops(machine, &mut |e| see(None, e));
        walk::texts_outside_ops(machine, &mut |text, _| {
            walk::each_interpolation(machine, text, &mut |e| see(None, e));
        });
        let values = tried(machine, reads);
        Self {
            machine,
            flow,
            by,
            values,
        }
    }

    /// The alternatives that could tell that a fact holds where a body needs it: with what is tested there, or where it is gone to.
    pub(super) fn alternatives(
        &self,
        facts: &Facts,
        code: Option<CodeId>,
        fact: FactId,
    ) -> Vec<Wanted> {
        if facts.holds_always(fact) {
            return Vec::new();
        }
        let mut tested: Vec<FactId> = self.by.get(&code).into_iter().flatten().copied().collect();
        let mut values: Vec<&Tried> = self.values.get(&code).into_iter().flatten().collect();
        for from in self.leading_to(code) {
            let others = self.by.get(&Some(from)).into_iter().flatten();
            tested.extend(others.filter(|f| !facts.is_local(**f)));
            values.extend(self.values.get(&Some(from)).into_iter().flatten());
        }
        let mut seen = FxHashSet::default();
        tested.retain(|f| *f != fact && !facts.holds_always(*f) && seen.insert(*f));
        let wanted = |known: Vec<FactId>, value: Option<Tried>| Wanted {
            doubt: (code, fact),
            code: code.filter(|_| known.iter().any(|f| facts.is_local(*f))),
            known,
            value,
        };
        let mut out: Vec<Wanted> = tested
            .iter()
            .map(|other| wanted(vec![fact, *other], None))
            .collect();
        out.extend(
            values
                .into_iter()
                .map(|value| wanted(vec![fact], Some(value.clone()))),
        );
        if tested.len() <= FEW {
            for (i, a) in tested.iter().enumerate() {
                for b in tested.iter().skip(i + 1) {
                    out.push(wanted(vec![fact, *a, *b], None));
                }
            }
        }
        out.truncate(LIMIT / 2);
        out
    }

    /// The bodies from which a node is visited or gone to.
    fn leading_to(&self, code: Option<CodeId>) -> FxHashSet<CodeId> {
        let node = code
            .and_then(|c| self.machine.code(c))
            .and_then(node_of)
            .map(|n| n.index());
        let from = |by: &[Vec<OpId>]| -> Vec<OpId> {
            node.and_then(|n| by.get(n)).cloned().unwrap_or_default()
        };
        let ops = from(&self.flow.visited_by).into_iter();
        ops.chain(from(&self.flow.entered_by))
            .filter_map(|id| self.machine.op(id).map(|op| op.code))
            .collect()
    }
}

/// By body, the values that it tests slots for.
fn tried(machine: &Machine, reads: &Reads<'_>) -> FxHashMap<Option<CodeId>, Vec<Tried>> {
    let mut by: FxHashMap<Option<CodeId>, Vec<Tried>> = FxHashMap::default();
    let mut see = |code: CodeId, slot: SlotId, value: Value| {
        let of_code = by.entry(Some(code)).or_default();
        // What is none of the others is one of the rest.
        for value in domain(machine, slot).unwrap_or_else(|| vec![value]) {
            let tried = Tried { slot, value };
            if !of_code.contains(&tried) {
                of_code.push(tried);
            }
        }
    };
    let code = |op: OpId| machine.op(op).map(|op| op.code);
    for (op, value) in reads.values() {
        if let Some(code) = code(*op) {
            each_value(machine, value, &mut |slot, value| see(code, slot, value));
        }
    }
    for op in &machine.ops {
        let OpKind::Match { subject, arms, .. } = &op.kind else {
            continue;
        };
        let ExprKind::Slot(slot) = subject.kind else {
            continue;
        };
        for pattern in arms.iter().flat_map(|a| &a.patterns) {
            if let CellPattern::Value(value) = pattern {
                see(op.code, slot, value.clone());
            }
        }
    }
    by
}

/// Every value that an expression tests a slot for, and that segments in it do.
fn each_value(machine: &Machine, expr: &Expr, f: &mut impl FnMut(SlotId, Value)) {
    each_part(machine, expr, &mut |e| match &e.kind {
        ExprKind::Slot(slot) if e.ty == Type::Bool => f(*slot, Value::Bool(true)),
        ExprKind::Is { left, right, .. } => {
            if let (ExprKind::Slot(slot), Some(value)) = (&left.kind, constant_of(right)) {
                f(*slot, value);
            }
        }
        ExprKind::In { left, right, .. } => {
            if let (ExprKind::Slot(slot), ExprKind::List(items)) = (&left.kind, &right.kind) {
                for value in items.iter().filter_map(constant_of) {
                    f(*slot, value);
                }
            }
        }
        _ => {}
    });
}

/// Everything in an expression that it tests for being known: `x is known`, `x ?? y`, and what segments test.
fn each_tested(machine: &Machine, expr: &Expr, f: &mut impl FnMut(&Expr)) {
    each_part(machine, expr, &mut |e| match &e.kind {
        ExprKind::Known { of, .. } => f(of),
        ExprKind::Binary(BinaryOp::Coalesce, left, _) => f(left),
        _ => {}
    });
}

/// Every part of an expression, and of the segments that it names.
fn each_part(machine: &Machine, expr: &Expr, f: &mut impl FnMut(&Expr)) {
    let mut segments = Vec::new();
    walk::each_expr(machine, expr, &mut |e| {
        f(e);
        if let ExprKind::Segment(id) = e.kind {
            segments.push(id);
        }
    });
    for segment in segments.into_iter().filter_map(|id| machine.segment(id)) {
        walk::each_expr(machine, &segment.when, f);
    }
}
