//! What is surely known where: a forward analysis over the whole machine.
//!
//! A *fact* says that a slot, a profile field, the result of a call or a field of one of them is known. A state is the set of
//! facts that hold on every way to an operation. Bodies that are visited are entered with what all their visitors know and
//! prove what holds at each of their ends.

mod bits;
mod either;
mod facts;
mod forgets;
mod narrow;
mod paths;
mod tested;
mod values;
mod vouched;

pub(crate) use bits::Bits;
pub(crate) use either::Wanted;
pub(crate) use facts::{FactId, Facts, var_name};

use super::flow::{Flow, RootKind, by_customer, each_successor, waiting, waits};
use super::reads::Reads;
use super::set::universe;
use crate::machine::{
    CellPattern, CodeOwner, Expr, ExprKind, Machine, Op, OpKind, Signal, Transition, Var,
};
use crate::value::{CodeId, NodeId, OpId};
use forgets::{fills_of, forgets, forgets_of};
use narrow::{Truth, with_fallback};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::sync::Arc;

/// What is surely known where.
#[derive(Debug)]
pub(crate) struct Knowledge {
    facts: Arc<Facts>,
    /// By operation: what is known before it; absent where no conversation comes.
    before: Vec<Option<Bits>>,
    /// By node: what is known at all its ends.
    at_end: Vec<Option<Bits>>,
    /// By node: what it, or a node that it visits, may forget.
    forgets: Vec<Bits>,
    /// By node: whether the conversation may wait in it, or in a node that it visits.
    waits: Vec<bool>,
    /// What may be forgotten while the conversation waits, by handlers that come back.
    interrupts: Bits,
    /// What is no longer sure once the conversation has waited: how long a queue is, who is there, what messages may fill anew.
    passing: Bits,
    /// Of that, what slots are: a message that leads to a handler fills them, too.
    named: Bits,
}

impl Knowledge {
    pub(crate) fn new(machine: &Machine, flow: &Flow, facts: Arc<Facts>) -> Self {
        let mut passing = facts.none();
        facts.mark_signals(&mut passing);
        let mut named = facts.none();
        facts.mark_named(machine, &mut named);
        passing.union(&named);
        let forgets = forgets(machine, flow, &facts, |_| facts.none());
        let mut this = Self {
            before: vec![None; machine.ops.len()],
            at_end: vec![None; machine.nodes.len()],
            forgets,
            waits: waiting(machine, flow),
            interrupts: facts.none(),
            passing,
            named,
            facts,
        };
        this.solve(machine, flow);
        // A handler interrupts whatever waits, so what handlers forget is known only when they were followed.
        if this.interrupted(machine, flow) {
            this.before.fill(None);
            this.at_end.fill(None);
            this.solve(machine, flow);
        }
        this
    }

    /// What to follow so that what is in doubt may turn out to be sure: by doubt, that is a fact and the body that needs it,
    /// alternatives with what is tested there. Doubts of which nothing is tested are left out.
    pub(crate) fn alternatives(
        &self,
        machine: &Machine,
        flow: &Flow,
        reads: &Reads<'_>,
        doubtful: impl IntoIterator<Item = (Option<CodeId>, FactId)>,
    ) -> Vec<Vec<Wanted>> {
        let mut tested: Option<tested::Tested<'_>> = None;
        let mut seen = FxHashSet::default();
        let mut out = Vec::new();
        for (code, fact) in doubtful.into_iter().filter(|d| seen.insert(*d)) {
            let tested = tested
                .get_or_insert_with(|| tested::Tested::new(machine, flow, reads, &self.facts));
            let wanted = tested.alternatives(&self.facts, code, fact);
            if !wanted.is_empty() {
                out.push(wanted);
            }
        }
        out
    }

    /// As this, and followed besides: that one of several things is so.
    pub(crate) fn with_alternatives(
        &self,
        machine: &Machine,
        flow: &Flow,
        wanted: &[Wanted],
    ) -> Self {
        let facts = Arc::new(self.facts.with_alternatives(machine, wanted));
        Self::new(machine, flow, facts)
    }

    /// Takes over what handlers that come back may have forgotten; whether that is anything.
    fn interrupted(&mut self, machine: &Machine, flow: &Flow) -> bool {
        let mut lost = self.facts.none();
        // A visited node that clears what it has itself collected is ready for its next visit; that is no loss to whom it interrupts.
        let spoils = forgets(machine, flow, &self.facts, |code| {
            fills_of(machine, flow, &self.facts, code)
        });
        // Only what the customer sets off comes between a question and its answer.
        let handlers = machine.handlers.iter().filter(|h| by_customer(h.event));
        for code in handlers.map(|h| h.code) {
            let mut known: Option<Bits> = None;
            let ends = flow.ops(code).iter().filter(|id| {
                machine
                    .op(**id)
                    .is_some_and(|op| matches!(op.kind, OpKind::Back | OpKind::Finish))
            });
            for bits in ends.filter_map(|id| self.before(*id)) {
                match &mut known {
                    Some(known) => {
                        known.intersect(bits);
                    }
                    None => known = Some(bits.clone()),
                }
            }
            // One that leaves for good leads to no question that waited.
            let Some(known) = known else { continue };
            let visited = |node: NodeId| spoils.get(node.index());
            let mut forgotten = forgets_of(machine, flow, &self.facts, code, visited);
            forgotten.remove_all(&known);
            lost.union(&self.facts.globals(&forgotten));
        }
        self.interrupts.union(&lost)
    }

    /// Whether a handler may make a fact unknown while the conversation waits for something else.
    pub(crate) fn interrupts(&self, fact: FactId) -> bool {
        self.interrupts.has(fact)
    }

    /// What is known before an operation; absent where no conversation comes.
    pub(crate) fn before(&self, op: OpId) -> Option<&Bits> {
        self.before.get(op.index())?.as_ref()
    }

    /// What is known where a conversation begins anew.
    pub(crate) fn nothing(&self) -> Bits {
        self.facts.always()
    }

    /// Adds what is known where a condition holds, or does not, outside all bodies.
    pub(crate) fn where_said(&self, machine: &Machine, cond: &Expr, holds: bool, bits: &mut Bits) {
        let truth = if holds { Truth::True } else { Truth::NotTrue };
        // Only results of calls belong to a body, and a condition outside of one names none.
        self.facts
            .assume(machine, CodeId(u32::MAX), cond, truth, bits);
    }

    /// Adds that a slot or a field of the profile is known.
    pub(crate) fn learn(&self, var: Var, bits: &mut Bits) {
        self.facts.learn_var(var, bits);
    }

    /// Whether it is told apart that an expression is known, and it is.
    pub(crate) fn is_known(&self, expr: &Expr, bits: &Bits) -> bool {
        self.facts.of(None, expr).is_some_and(|fact| bits.has(fact))
    }

    /// The fact in words: `customer.name`.
    pub(crate) fn name(&self, machine: &Machine, code: Option<CodeId>, fact: FactId) -> String {
        self.facts.name(machine, code, fact)
    }

    fn solve(&mut self, machine: &Machine, flow: &Flow) {
        let mut todo: VecDeque<OpId> = VecDeque::new();
        let mut queued = vec![false; machine.ops.len()];
        let mut arrivals: Vec<(OpId, Bits)> = Vec::new();
        for root in &flow.roots {
            let mut bits = self.facts.always();
            let op = machine.op(root.op);
            // Where a conversation begins, slots are as they are declared.
            if root.kind == RootKind::Start
                && let Some(op) = op
            {
                self.facts.begin(machine, op.code, &mut bits);
            }
            if let Some(op) = op
                && let Some(code) = machine.code(op.code)
                && let CodeOwner::Trigger(i) = code.owner
                && let Some(field) = machine.triggers.get(i as usize).and_then(|t| t.find_by)
            {
                self.facts.learn_var(Var::Customer(field), &mut bits);
            }
            arrivals.push((root.op, bits));
        }
        loop {
            for (to, mut bits) in arrivals.drain(..) {
                if let Some(op) = machine.op(to) {
                    self.facts.close(op.code, &mut bits);
                }
                let Some(slot) = self.before.get_mut(to.index()) else {
                    continue;
                };
                let changed = match slot {
                    Some(old) => old.intersect(&bits),
                    None => {
                        *slot = Some(bits);
                        true
                    }
                };
                if changed
                    && let Some(q) = queued.get_mut(to.index())
                    && !*q
                {
                    *q = true;
                    todo.push_back(to);
                }
            }
            let Some(id) = todo.pop_front() else { break };
            if let Some(q) = queued.get_mut(id.index()) {
                *q = false;
            }
            let Some(op) = machine.op(id) else { continue };
            let Some(bits) = self.before.get(id.index()).cloned().flatten() else {
                continue;
            };
            match &op.kind {
                OpKind::Goto { node } | OpKind::Visit { node, .. } => {
                    if let Some(node) = machine.node(*node) {
                        arrivals.push((node.entry, self.facts.globals(&bits)));
                    }
                }
                // What a node proves at each of its ends concerns whoever visits it.
                OpKind::Back | OpKind::Finish => {
                    if let Some(node) = machine.code(op.code).and_then(super::flow::node_of) {
                        self.ends(
                            flow,
                            node,
                            &self.facts.globals(&bits),
                            &mut todo,
                            &mut queued,
                        );
                    }
                }
                _ => {}
            }
            self.edges(machine, id, op, &bits, &mut |to, _, bits| {
                arrivals.push((to, bits))
            });
            // After a handler the question is asked again.
            if waits(op) {
                let mut again = bits;
                again.remove_all(&self.interrupts);
                again.remove_all(&self.named);
                arrivals.push((id, again));
            }
        }
    }

    fn ends(
        &mut self,
        flow: &Flow,
        node: NodeId,
        bits: &Bits,
        todo: &mut VecDeque<OpId>,
        queued: &mut [bool],
    ) {
        let Some(end) = self.at_end.get_mut(node.index()) else {
            return;
        };
        let changed = match end {
            Some(old) => old.intersect(bits),
            None => {
                *end = Some(bits.clone());
                true
            }
        };
        if !changed {
            return;
        }
        for visitor in flow.visits(node) {
            if let Some(q) = queued.get_mut(visitor.index())
                && !*q
            {
                *q = true;
                todo.push_back(*visitor);
            }
        }
    }

    /// Calls `f` with every way on inside the body and what is known there.
    pub(crate) fn edges(
        &self,
        machine: &Machine,
        _id: OpId,
        op: &Op,
        bits: &Bits,
        f: &mut dyn FnMut(OpId, Transition, Bits),
    ) {
        let facts = &self.facts;
        match &op.kind {
            OpKind::Branch { arms, otherwise } => {
                let mut rest = bits.clone();
                for (i, (cond, to)) in (0u32..).zip(arms) {
                    let mut then = rest.clone();
                    facts.assume(machine, op.code, cond, Truth::True, &mut then);
                    f(*to, Transition::Then(i), then);
                    facts.assume(machine, op.code, cond, Truth::NotTrue, &mut rest);
                }
                f(*otherwise, Transition::Else, rest);
            }
            OpKind::Match {
                subject,
                arms,
                otherwise,
            } => {
                let mut rest = bits.clone();
                for (i, arm) in (0u32..).zip(arms) {
                    let mut then = rest.clone();
                    if arm
                        .patterns
                        .iter()
                        .all(|p| !matches!(p, CellPattern::Any | CellPattern::Unknown))
                    {
                        facts.learn(machine, op.code, subject, &mut then);
                    } else if arm.patterns.iter().all(|p| *p == CellPattern::Unknown) {
                        facts.miss(op.code, subject, &mut then);
                    }
                    if let [CellPattern::Value(crate::value::Value::Bool(truth))] =
                        arm.patterns.as_slice()
                    {
                        facts.assume(
                            machine,
                            op.code,
                            subject,
                            if *truth { Truth::True } else { Truth::False },
                            &mut then,
                        );
                    }
                    facts.assume_arm(op.code, subject, &arm.patterns, &mut then, &mut rest);
                    if matches!(subject.kind, ExprKind::Signal(Signal::Channel)) {
                        facts.learn_vouched(machine, &arm.patterns, &mut then);
                    }
                    // `match x ?? free`: what does not take the fallback is taken by `x` itself.
                    if let Some((thing, takes)) = fallback_in(machine, subject, &arm.patterns) {
                        let side = if takes { &mut rest } else { &mut then };
                        facts.learn(machine, op.code, thing, side);
                    }
                    f(arm.to, Transition::Arm(i), then);
                    if arm.patterns.contains(&CellPattern::Unknown) {
                        facts.learn(machine, op.code, subject, &mut rest);
                    }
                }
                if arms.is_empty() {
                    f(*otherwise, Transition::Otherwise, rest);
                }
            }
            OpKind::Visit { node, next } => {
                // A node that never returns leads nowhere here.
                if let Some(Some(end)) = self.at_end.get(node.index()) {
                    let mut after = bits.clone();
                    if let Some(forgets) = self.forgets.get(node.index()) {
                        after.remove_all(forgets);
                    }
                    if self.waits.get(node.index()) == Some(&true) {
                        after.remove_all(&self.interrupts);
                        after.remove_all(&self.passing);
                    }
                    after.union(end);
                    f(*next, Transition::Next, after);
                }
            }
            _ => {
                let waits = waits(op);
                each_successor(op, |to, how| {
                    let mut after = bits.clone();
                    if waits {
                        after.remove_all(&self.interrupts);
                        after.remove_all(&self.passing);
                    }
                    self.after(machine, op, &how, &mut after);
                    f(to, how, after);
                });
            }
        }
    }

    fn after(&self, machine: &Machine, op: &Op, how: &Transition, bits: &mut Bits) {
        let facts = &self.facts;
        let answered = *how == Transition::Next;
        match &op.kind {
            OpKind::Ask { var, .. } | OpKind::ChooseFrom { var, .. } if answered => {
                facts.forget_var(*var, bits);
                facts.learn_var(*var, bits);
                facts.put(op.code, *var, None, bits);
            }
            OpKind::Form { vars, .. } if answered => vars.iter().for_each(|v| {
                facts.learn_var(*v, bits);
                facts.put(op.code, *v, None, bits);
            }),
            OpKind::Verify { field, .. } if answered => {
                facts.learn_var(Var::Customer(*field), bits)
            }
            // What was meant is not known: it may have made anything known.
            OpKind::Error { .. } => bits.fill(),
            OpKind::Set { slot, value, .. } => {
                facts.assign(machine, op.code, *slot, value, bits);
                facts.put(op.code, *slot, Some(value), bits);
            }
            OpKind::Clear { slot, .. } => {
                facts.forget_var(*slot, bits);
                if let Var::Slot(slot) = slot {
                    facts.reset(machine, op.code, *slot, bits);
                }
            }
            OpKind::Call {
                local: Some(local), ..
            } => {
                facts.forget_local(op.code, *local, bits);
                let optional = machine
                    .code(op.code)
                    .and_then(|c| c.locals.get(local.index()))
                    .is_some_and(|l| l.optional);
                if answered && !optional {
                    facts.learn_local(op.code, *local, bits);
                }
            }
            _ => {}
        }
    }

    /// Whether an expression has a value for sure; else the first thing in it that can be unknown, and the fact that would help.
    pub(crate) fn lacks<'e>(
        &self,
        machine: &Machine,
        code: Option<CodeId>,
        expr: &'e crate::machine::Expr,
        bits: &Bits,
    ) -> Option<(&'e crate::machine::Expr, Option<FactId>)> {
        self.facts.lacks(machine, code, expr, bits)
    }

    /// Calls `f` with everything that a text, an argument or a `set` reads although it can be unknown.
    pub(crate) fn unknown_reads<'e>(
        &self,
        machine: &Machine,
        code: Option<CodeId>,
        expr: &'e crate::machine::Expr,
        bits: &Bits,
        f: &mut dyn FnMut(&'e crate::machine::Expr, Option<FactId>),
    ) {
        self.facts.unknown_reads(machine, code, expr, bits, f);
    }
}

/// Of `x ?? CONSTANT`: `x`, and whether the patterns take the constant.
fn fallback_in<'e>(
    machine: &Machine,
    subject: &'e Expr,
    patterns: &[CellPattern],
) -> Option<(&'e Expr, bool)> {
    let (thing, fallback) = with_fallback(subject)?;
    let universe = universe(machine, subject);
    let fallback = universe.value(&fallback)?;
    let mut takes = false;
    for pattern in patterns {
        let set = universe.pattern(pattern)?;
        takes |= !universe.is_empty(&universe.meet(&set, &fallback));
    }
    Some((thing, takes))
}

#[cfg(test)]
mod tests;
