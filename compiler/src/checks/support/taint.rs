//! Where private values may be: a forward analysis of what each slot may hold of private data.

mod holds;

use super::defaults::vars;
use super::flow::{Flow, each_successor, waiting, waits};
use super::walk;
use crate::machine::{
    CodeOwner, Expr, ExprKind, FieldDef, Machine, Op, OpKind, Signal, Transition, Var,
};
use crate::value::{CodeId, OpId, Type};
use rustc_hash::FxHashMap;
use std::collections::{BTreeSet, VecDeque};

pub(crate) use holds::Holds;
use holds::Space;

/// Where private values may be.
#[derive(Debug)]
pub(crate) struct Taint {
    before: Vec<Option<Holds>>,
    /// Where conversations come, if nothing private is copied at all; then `before` is empty.
    untouched: Vec<bool>,
    /// What slots may hold anywhere.
    anywhere: Holds,
    /// What the reason of an escalation may hold.
    reasons: BTreeSet<Var>,
    /// What slots and fields hold by their defaults, as long as nothing else is in them.
    defaults: Holds,
}

impl Taint {
    pub(crate) fn new(machine: &Machine, flow: &Flow) -> Self {
        let defaults: Vec<(Var, &Expr)> = vars(machine)
            .filter_map(|(var, field)| Some((var, field.default.as_ref()?)))
            .collect();
        let copies: Vec<(Var, &Expr)> = machine.ops.iter().filter_map(copy).collect();
        let holders = defaults.iter().chain(&copies).map(|(var, _)| *var);
        let private = vars(machine).filter(|(_, field)| field.private);
        let space = Space::new(holders.collect(), private.map(|(var, _)| var).collect());
        let nothing = Holds::nothing(space);
        let mut this = Self {
            before: Vec::new(),
            untouched: Vec::new(),
            anywhere: nothing.clone(),
            reasons: BTreeSet::new(),
            defaults: nothing.clone(),
        };
        this.defaults = this.closure(machine, &defaults, nothing);
        // What can be anywhere: all copies, in any order.
        this.anywhere = this.closure(machine, &copies, this.defaults.clone());
        let mut reasons = BTreeSet::new();
        let mut reason = |text: crate::value::TextId| {
            walk::each_interpolation(machine, text, &mut |e| {
                reasons.extend(this.of(machine, e, &this.anywhere))
            });
        };
        machine
            .rules
            .iter()
            .filter_map(|r| r.because)
            .for_each(&mut reason);
        for op in &machine.ops {
            if let OpKind::Escalate(spec) = &op.kind {
                spec.because.into_iter().for_each(&mut reason);
            }
        }
        this.reasons = reasons;
        this.solve(machine, flow);
        this
    }

    fn nothing(&self) -> Holds {
        self.defaults.like()
    }

    /// What variables hold after copies in any order.
    fn closure(&self, machine: &Machine, copies: &[(Var, &Expr)], mut holds: Holds) -> Holds {
        loop {
            let mut changed = false;
            for (var, value) in copies {
                let sources = self.of(machine, value, &holds);
                changed |= holds.add(*var, sources.into_iter().filter(|source| source != var));
            }
            if !changed {
                return holds;
            }
        }
    }

    /// What slots may hold before an operation; absent where no conversation comes.
    pub(crate) fn before(&self, op: OpId) -> Option<&Holds> {
        if self.untouched.get(op.index()) == Some(&true) {
            return Some(&self.anywhere);
        }
        self.before.get(op.index())?.as_ref()
    }

    /// What slots may hold anywhere.
    pub(crate) const fn anywhere(&self) -> &Holds {
        &self.anywhere
    }

    /// The private values of which an expression may hold a copy. What a webhook makes of them is its own.
    pub(crate) fn of(&self, machine: &Machine, expr: &Expr, holds: &Holds) -> BTreeSet<Var> {
        let mut out = BTreeSet::new();
        let mut todo = vec![expr];
        while let Some(expr) = todo.pop() {
            match &expr.kind {
                ExprKind::Slot(id) => add(machine, Var::Slot(*id), holds, &mut out),
                ExprKind::Customer(id) => add(machine, Var::Customer(*id), holds, &mut out),
                ExprKind::CustomerAll => {
                    for i in (0u32..).take(machine.customer.len()) {
                        add(
                            machine,
                            Var::Customer(crate::value::FieldId(i)),
                            holds,
                            &mut out,
                        );
                    }
                }
                ExprKind::Signal(Signal::EscalationReason) => {
                    out.extend(self.reasons.iter().copied())
                }
                ExprKind::Text(text) => {
                    walk::each_interpolation(machine, *text, &mut |e| todo.push(e))
                }
                // Of a record that says what is private in it the rest is not.
                ExprKind::Field(inner, name) if !private_part(machine, inner, name) => {}
                ExprKind::Field(..) | ExprKind::Neg(_) | ExprKind::List(_) => {
                    walk::parts(expr, &mut |e| todo.push(e))
                }
                // What a hook makes of a value may still tell it; a yes or no, a choice or a number does not.
                ExprKind::Hook(_, args)
                    if !matches!(
                        expr.ty,
                        Type::Bool
                            | Type::Enum(_)
                            | Type::Domain(_)
                            | Type::Percent
                            | Type::Number
                            | Type::Error
                    ) =>
                {
                    todo.extend(args);
                }
                ExprKind::Binary(op, ..) => {
                    use flow_grammar::ast::BinaryOp as B;
                    // That something is so is not the thing itself.
                    if matches!(op, B::Coalesce | B::Mul | B::Div | B::Add | B::Sub) {
                        walk::parts(expr, &mut |e| todo.push(e));
                    }
                }
                _ => {}
            }
        }
        out
    }

    fn solve(&mut self, machine: &Machine, flow: &Flow) {
        // Where nothing private is copied at all, nothing is to be followed.
        if self.anywhere.is_empty() {
            self.untouched.clone_from(&flow.reachable);
            return;
        }
        self.before = vec![None; machine.ops.len()];
        let mut todo: VecDeque<OpId> = VecDeque::new();
        let mut queued = vec![false; machine.ops.len()];
        // What a visited node may add, in any order, and what handlers may that come between.
        let adds = self.adds(machine, flow);
        let interrupts = self.interrupts(machine, flow, &adds);
        let may_wait = waiting(machine, flow);
        // By node, what it may change, and what may be where it returns.
        let touched = touched(machine, flow);
        let mut left: Vec<Holds> = vec![self.nothing(); machine.nodes.len()];
        let mut arrivals: Vec<(OpId, Holds)> = Vec::new();
        // Handlers, triggers and the like begin where a conversation rests, with what it holds there.
        let mut resting = self.defaults.clone();
        let mut begun = resting.clone();
        let (nodes, others): (Vec<OpId>, Vec<OpId>) =
            flow.roots.iter().map(|root| root.op).partition(|op| {
                machine
                    .op(*op)
                    .and_then(|o| machine.code(o.code))
                    .is_some_and(|c| matches!(c.owner, CodeOwner::Node(_)))
            });
        let begin = |ops: &[OpId], holds: &Holds| -> Vec<(OpId, Holds)> {
            ops.iter().map(|op| (*op, holds.clone())).collect()
        };
        arrivals.extend(begin(&nodes, &self.defaults));
        arrivals.extend(begin(&others, &resting));
        loop {
            for (to, holds) in arrivals.drain(..) {
                let Some(slot) = self.before.get_mut(to.index()) else {
                    continue;
                };
                let changed = match slot {
                    Some(old) => old.join(&holds),
                    None => {
                        *slot = Some(holds);
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
            let Some(id) = todo.pop_front() else {
                if !begun.join(&resting) {
                    break;
                }
                arrivals.extend(begin(&others, &begun));
                continue;
            };
            if let Some(q) = queued.get_mut(id.index()) {
                *q = false;
            }
            let Some(op) = machine.op(id) else { continue };
            let Some(mut before) = self.before.get(id.index()).cloned().flatten() else {
                continue;
            };
            // After a handler the question is asked again.
            if waits(op)
                && before.join(&interrupts)
                && let Some(slot) = self.before.get_mut(id.index())
            {
                *slot = Some(before.clone());
            }
            if !passes(machine, op) {
                resting.join(&before);
            }
            let mut after = before.clone();
            self.step(machine, op, &before, &mut after);
            match &op.kind {
                OpKind::Goto { node } => {
                    if let Some(node) = machine.node(*node) {
                        arrivals.push((node.entry, before.clone()));
                    }
                }
                OpKind::Visit { node, .. } => {
                    if let Some(node) = machine.node(*node) {
                        arrivals.push((node.entry, before.clone()));
                    }
                    // What the visited node may change is as it leaves it.
                    let at = node.index();
                    for var in touched.get(at).into_iter().flatten() {
                        if let Some(left) = left.get(at) {
                            after.take(*var, left);
                        }
                    }
                    if may_wait.get(at) == Some(&true) {
                        after.join(&interrupts);
                    }
                }
                OpKind::Back | OpKind::Finish => {
                    if let Some(CodeOwner::Node(node)) = machine.code(op.code).map(|c| c.owner)
                        && let Some(holds) = left.get_mut(node.index())
                        && holds.join(&before)
                    {
                        for visit in flow.visits(node) {
                            let seen = self.before.get(visit.index()).is_some_and(Option::is_some);
                            if seen
                                && let Some(q) = queued.get_mut(visit.index())
                                && !std::mem::replace(q, true)
                            {
                                todo.push_back(*visit);
                            }
                        }
                    }
                }
                _ => {}
            }
            each_successor(op, |to, how| {
                let mut after = after.clone();
                // An answer takes the place of the copy; an unanswered question leaves it.
                if how == Transition::Next {
                    match &op.kind {
                        OpKind::Ask { var, .. } => {
                            after.remove(*var);
                        }
                        OpKind::ChooseFrom { var, from, .. } => {
                            let sources = self.of(machine, from, &before);
                            after.put(*var, sources);
                        }
                        _ => {}
                    }
                }
                arrivals.push((to, after));
            });
        }
    }

    fn step(&self, machine: &Machine, op: &Op, before: &Holds, after: &mut Holds) {
        match &op.kind {
            OpKind::Set { slot, value, .. } => {
                let sources = self.of(machine, value, before);
                after.put(*slot, sources);
            }
            // What is cleared has its default again.
            OpKind::Clear { slot, .. } => {
                after.take(*slot, &self.defaults);
            }
            _ => {}
        }
    }

    /// Adds what an operation may copy, in whatever order. What is cleared has its default again.
    fn add_copies(&self, machine: &Machine, op: &Op, holds: &mut Holds) {
        let (var, sources) = match (copy(op), &op.kind) {
            (Some((var, value)), _) => (var, self.of(machine, value, &self.anywhere)),
            (None, OpKind::Clear { slot, .. }) => (*slot, self.defaults.of(*slot).collect()),
            _ => return,
        };
        holds.add(var, sources);
    }

    /// What handlers that come back may add while the conversation waits.
    fn interrupts(&self, machine: &Machine, flow: &Flow, adds: &[Holds]) -> Holds {
        let mut out = self.nothing();
        let handlers = (0u32..)
            .map(CodeId)
            .zip(&machine.codes)
            .filter(|(_, code)| matches!(code.owner, CodeOwner::Handler(_)));
        for (code, _) in handlers {
            let ops = || flow.ops(code).iter().filter_map(|id| machine.op(*id));
            if !ops().any(|op| matches!(op.kind, OpKind::Back | OpKind::Finish)) {
                continue;
            }
            for op in ops() {
                self.add_copies(machine, op, &mut out);
                if let OpKind::Visit { node, .. } = &op.kind
                    && let Some(added) = adds.get(node.index())
                {
                    out.join(added);
                }
            }
        }
        out
    }

    fn adds(&self, machine: &Machine, flow: &Flow) -> Vec<Holds> {
        let mut out: Vec<Holds> = vec![self.nothing(); machine.nodes.len()];
        let mut visitors: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (i, node) in machine.nodes.iter().enumerate() {
            for op in flow.ops(node.code).iter().filter_map(|id| machine.op(*id)) {
                if let Some(holds) = out.get_mut(i) {
                    self.add_copies(machine, op, holds);
                }
                if let OpKind::Visit { node, .. } = &op.kind {
                    visitors.entry(node.index()).or_default().push(i);
                }
            }
        }
        let mut todo: Vec<usize> = (0..out.len()).collect();
        while let Some(i) = todo.pop() {
            let Some(holds) = out.get(i).cloned() else {
                continue;
            };
            for visitor in visitors.get(&i).into_iter().flatten() {
                if out.get_mut(*visitor).is_some_and(|h| h.join(&holds)) {
                    todo.push(*visitor);
                }
            }
        }
        out
    }
}

/// By node, what it or a node that it visits sets, clears or asks for.
fn touched(machine: &Machine, flow: &Flow) -> Vec<BTreeSet<Var>> {
    let mut out: Vec<BTreeSet<Var>> = vec![BTreeSet::new(); machine.nodes.len()];
    let mut visitors: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for (i, node) in machine.nodes.iter().enumerate() {
        for op in flow.ops(node.code).iter().filter_map(|id| machine.op(*id)) {
            let vars = match &op.kind {
                OpKind::Set { slot: var, .. }
                | OpKind::Clear { slot: var, .. }
                | OpKind::Ask { var, .. }
                | OpKind::ChooseFrom { var, .. } => std::slice::from_ref(var),
                OpKind::Visit { node, .. } => {
                    visitors.entry(node.index()).or_default().push(i);
                    continue;
                }
                _ => continue,
            };
            if let Some(set) = out.get_mut(i) {
                set.extend(vars);
            }
        }
    }
    let mut todo: Vec<usize> = (0..out.len()).collect();
    while let Some(i) = todo.pop() {
        let Some(vars) = out.get(i).cloned() else {
            continue;
        };
        for visitor in visitors.get(&i).into_iter().flatten() {
            if let Some(set) = out.get_mut(*visitor) {
                let before = set.len();
                set.extend(&vars);
                if set.len() > before {
                    todo.push(*visitor);
                }
            }
        }
    }
    out
}

/// Whether a conversation goes on after an operation at once, so that no handler comes between: events come one by one. A visited
/// node returns to a step; who interrupts a conversation leaves it where it rests.
fn passes(machine: &Machine, op: &Op) -> bool {
    match op.kind {
        OpKind::Say { .. }
        | OpKind::Set { .. }
        | OpKind::Clear { .. }
        | OpKind::Branch { .. }
        | OpKind::Match { .. }
        | OpKind::Call { .. }
        | OpKind::Goto { .. }
        | OpKind::Visit { .. }
        | OpKind::Note { .. }
        | OpKind::Tag { .. } => true,
        OpKind::Back | OpKind::Finish => machine
            .code(op.code)
            .is_some_and(|c| matches!(c.owner, CodeOwner::Node(_))),
        _ => false,
    }
}

/// Whether a field of what is private may be private itself.
fn private_part(machine: &Machine, of: &Expr, name: &str) -> bool {
    let in_part = match &of.kind {
        ExprKind::Slot(slot) => machine.slot(*slot).is_some_and(|f| f.in_part),
        ExprKind::Customer(field) => machine.customer_field(*field).is_some_and(|f| f.in_part),
        // A record within one: its field was private, or holds what is.
        ExprKind::Field(inner, name) => field_of(machine, inner, name).is_some_and(|f| f.in_part),
        _ => false,
    };
    !in_part || field_of(machine, of, name).is_none_or(|f| f.private)
}

fn field_of<'m>(machine: &'m Machine, of: &Expr, name: &str) -> Option<&'m FieldDef> {
    let Type::Record(id) = of.ty else { return None };
    let record = machine.record_def(id)?;
    record.fields.iter().find(|f| f.name == name)
}

/// What an operation copies, and where to.
fn copy(op: &Op) -> Option<(Var, &Expr)> {
    match &op.kind {
        OpKind::Set { slot, value, .. } => Some((*slot, value)),
        OpKind::ChooseFrom { var, from, .. } => Some((*var, from)),
        _ => None,
    }
}

fn add(machine: &Machine, var: Var, holds: &Holds, out: &mut BTreeSet<Var>) {
    let private = match var {
        Var::Slot(id) => machine.slot(id),
        Var::Customer(id) => machine.customer_field(id),
    }
    .is_some_and(|f| f.private);
    if private {
        out.insert(var);
    }
    out.extend(holds.of(var));
}

#[cfg(test)]
mod tests;
