//! The machine as a graph: where each operation leads, where conversations enter, what they can reach.

use crate::machine::{
    BandAction, Code, CodeOwner, EscalateSpec, HandlerEvent, HandoffBlock, Machine, OfferKind, Op,
    OpKind, Question, Transition,
};
use crate::value::{CodeId, NodeId, OpId, TierId};
use flow_grammar::ast::TierKind;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

/// Why a conversation can be at an operation without having come from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RootKind {
    /// The opening node.
    Start,
    /// A handler, by index.
    Handler(u32),
    /// A button of the menu, by index.
    Menu(u32),
    /// A trigger, by index.
    Trigger(u32),
    /// A block of a handoff.
    Handoff(HandoffBlock),
    /// A band of a model tier.
    Band,
}

/// A place where a conversation enters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Root {
    pub(crate) op: OpId,
    pub(crate) kind: RootKind,
}

/// Who leads where.
#[derive(Debug)]
pub(crate) struct Flow {
    /// Where conversations enter.
    pub(crate) roots: Vec<Root>,
    /// By operation: whether a conversation can come there.
    pub(crate) reachable: Vec<bool>,
    /// By node: the reachable operations that visit it.
    pub(crate) visited_by: Vec<Vec<OpId>>,
    /// By node: the reachable operations that go to it.
    pub(crate) entered_by: Vec<Vec<OpId>>,
    /// By body: its reachable operations.
    pub(crate) ops_of: Vec<Vec<OpId>>,
    /// The names of nodes that there are not, to which steps lead.
    pub(crate) meant: Vec<SmolStr>,
}

impl Flow {
    pub(crate) fn new(machine: &Machine) -> Self {
        let roots = roots(machine);
        let mut reachable = vec![false; machine.ops.len()];
        let mut visited_by = vec![Vec::new(); machine.nodes.len()];
        let mut entered_by = vec![Vec::new(); machine.nodes.len()];
        let mut ops_of = vec![Vec::new(); machine.codes.len()];
        let mut todo: Vec<OpId> = roots.iter().rev().map(|r| r.op).collect();
        while let Some(id) = todo.pop() {
            match reachable.get_mut(id.index()) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let Some(op) = machine.op(id) else { continue };
            if let Some(ops) = ops_of.get_mut(op.code.index()) {
                ops.push(id);
            }
            let target = match &op.kind {
                OpKind::Visit { node, .. } => {
                    if let Some(by) = visited_by.get_mut(node.index()) {
                        by.push(id);
                    }
                    Some(*node)
                }
                OpKind::Goto { node } => {
                    if let Some(by) = entered_by.get_mut(node.index()) {
                        by.push(id);
                    }
                    Some(*node)
                }
                _ => None,
            };
            if let Some(node) = target.and_then(|n| machine.node(n)) {
                todo.push(node.entry);
            }
            let from = todo.len();
            each_successor(op, |to, _| todo.push(to));
            if let Some(added) = todo.get_mut(from..) {
                added.reverse();
            }
        }
        let meant = machine.ops.iter().filter_map(|op| match &op.kind {
            OpKind::Error { meant, .. } => meant.clone(),
            _ => None,
        });
        Self {
            roots,
            reachable,
            visited_by,
            entered_by,
            ops_of,
            meant: meant.collect(),
        }
    }

    /// Whether a step leads to a node that there is not, by a name that may well be meant for this one: misspelt, or its old one.
    pub(crate) fn perhaps_led_to(&self, node: &crate::machine::Node) -> bool {
        self.meant.iter().any(|meant| {
            node.was.as_ref() == Some(meant)
                || meant.rsplit('.').next() == Some(node.name.as_str())
                || crate::env::did_you_mean(meant, [node.name.as_str()]).is_some()
        })
    }

    /// Whether a conversation can come to an operation.
    pub(crate) fn reaches(&self, op: OpId) -> bool {
        self.reachable.get(op.index()).copied().unwrap_or(false)
    }

    /// The operations that visit a node.
    pub(crate) fn visits(&self, node: NodeId) -> &[OpId] {
        self.visited_by.get(node.index()).map_or(&[], Vec::as_slice)
    }

    /// The operations that go to a node.
    pub(crate) fn gotos(&self, node: NodeId) -> &[OpId] {
        self.entered_by.get(node.index()).map_or(&[], Vec::as_slice)
    }

    /// The reachable operations of a body.
    pub(crate) fn ops(&self, code: CodeId) -> &[OpId] {
        self.ops_of.get(code.index()).map_or(&[], Vec::as_slice)
    }

    /// Whether a node is entered other than by visits.
    pub(crate) fn entered(&self, machine: &Machine, node: NodeId) -> bool {
        machine.bot.start == node || !self.gotos(node).is_empty()
    }
}

fn roots(machine: &Machine) -> Vec<Root> {
    let mut roots = Vec::new();
    let mut seen = FxHashSet::default();
    // A handoff with a condition takes blocks over from the one without: one body, one root.
    let mut add = |op: OpId, kind: RootKind| {
        if seen.insert(op) {
            roots.push(Root { op, kind });
        }
    };
    if let Some(start) = machine.node(machine.bot.start) {
        add(start.entry, RootKind::Start);
    }
    for (i, button) in (0u32..).zip(&machine.bot.menu) {
        add(button.to, RootKind::Menu(i));
    }
    for (i, handler) in (0u32..).zip(&machine.handlers) {
        add(handler.entry, RootKind::Handler(i));
    }
    for (i, trigger) in (0u32..).zip(&machine.triggers) {
        add(trigger.entry, RootKind::Trigger(i));
    }
    for handoff in &machine.handoffs {
        if let Some((_, op)) = &handoff.full {
            add(*op, RootKind::Handoff(HandoffBlock::Full));
        }
        let blocks = [
            (handoff.closed, HandoffBlock::Closed),
            (handoff.unstaffed, HandoffBlock::Unstaffed),
            (handoff.resolved, HandoffBlock::Resolved),
            (handoff.returned, HandoffBlock::Returned),
        ];
        for (op, block) in blocks {
            if let Some(op) = op {
                add(op, RootKind::Handoff(block));
            }
        }
        for item in handoff.offers.iter().flat_map(|o| &o.items) {
            if let OfferKind::Target(op) = item.kind {
                add(op, RootKind::Handoff(HandoffBlock::Offer));
            }
        }
    }
    for band in machine.tiers.iter().flat_map(|t| &t.bands) {
        if let BandAction::Instead(op) = band.action {
            add(op, RootKind::Band);
        }
    }
    roots
}

/// Where an operation leads inside its body. A `Goto` leads out of it, a `Visit` to what follows the visit.
pub(crate) fn successors(op: &Op) -> Vec<(OpId, Transition)> {
    let mut out = Vec::new();
    each_successor(op, |to, how| out.push((to, how)));
    out
}

/// Calls `f` with what [`successors`] gives, in its order.
pub(crate) fn each_successor(op: &Op, mut f: impl FnMut(OpId, Transition)) {
    let f = &mut f;
    let asks =
        |q: &Question, f: &mut dyn FnMut(OpId, Transition)| f(q.otherwise, Transition::Otherwise);
    match &op.kind {
        OpKind::Say { next, .. }
        | OpKind::Set { next, .. }
        | OpKind::Clear { next, .. }
        | OpKind::Visit { next, .. }
        | OpKind::Note { next, .. }
        | OpKind::Tag { next, .. }
        | OpKind::Ticket { next, .. }
        | OpKind::Callback { next, .. } => f(*next, Transition::Next),
        OpKind::Error { next, ways, .. } => {
            f(*next, Transition::Next);
            ways.iter().for_each(|way| f(*way, Transition::Next));
        }
        OpKind::Ask { question, next, .. }
        | OpKind::Form { question, next, .. }
        | OpKind::Survey { question, next, .. } => {
            f(*next, Transition::Next);
            asks(question, f);
        }
        OpKind::Choose { question, buttons } => {
            buttons
                .iter()
                .for_each(|b| f(b.to, Transition::Label(b.label)));
            asks(question, f);
        }
        OpKind::ChooseFrom {
            none,
            question,
            next,
            ..
        } => {
            f(*next, Transition::Next);
            none.iter().for_each(|op| f(*op, Transition::NoneLeft));
            asks(question, f);
        }
        OpKind::Confirm { question, yes, no } => {
            f(*yes, Transition::Yes);
            f(*no, Transition::No);
            asks(question, f);
        }
        OpKind::Listen { question, arms } => {
            (0u32..)
                .zip(arms)
                .for_each(|(i, (_, to))| f(*to, Transition::Intent(i)));
            asks(question, f);
        }
        OpKind::Branch { arms, otherwise } => {
            (0u32..)
                .zip(arms)
                .for_each(|(i, (_, to))| f(*to, Transition::Then(i)));
            f(*otherwise, Transition::Else);
        }
        OpKind::Match {
            arms, otherwise, ..
        } => {
            (0u32..)
                .zip(arms)
                .for_each(|(i, arm)| f(arm.to, Transition::Arm(i)));
            // What no arm takes is F0303's; nothing else is said of it.
            if arms.is_empty() {
                f(*otherwise, Transition::Otherwise);
            }
        }
        OpKind::Call { failed, next, .. } => {
            f(*next, Transition::Next);
            f(*failed, Transition::Failed);
        }
        OpKind::Verify {
            question,
            failed,
            next,
            ..
        } => {
            f(*next, Transition::Next);
            f(*failed, Transition::Failed);
            asks(question, f);
        }
        OpKind::ContinueWith {
            resolved,
            otherwise,
            ..
        } => {
            resolved.iter().for_each(|op| f(*op, Transition::Resolved));
            otherwise
                .iter()
                .for_each(|op| f(*op, Transition::Otherwise));
        }
        OpKind::Attempt {
            question,
            worked,
            declined,
            ..
        } => {
            f(*worked, Transition::Worked);
            if let Some(question) = question {
                f(*declined, Transition::Declined);
                asks(question, f);
            }
        }
        OpKind::Offer { offer, next, .. } => {
            for (i, item) in (0u32..).zip(&offer.items) {
                if let OfferKind::Target(to) = item.kind {
                    f(to, Transition::Offered(i));
                }
            }
            f(*next, Transition::Next);
        }
        OpKind::Goto { .. }
        | OpKind::Back
        | OpKind::Finish
        | OpKind::Escalate(_)
        | OpKind::End { .. } => {}
    }
}

/// Where an operation leads, into other nodes too.
pub(crate) fn all_successors(machine: &Machine, op: &Op) -> Vec<OpId> {
    let mut out = Vec::new();
    each_way(machine, op, |to| out.push(to));
    out
}

/// Calls `f` with what [`all_successors`] gives, in its order.
pub(crate) fn each_way(machine: &Machine, op: &Op, mut f: impl FnMut(OpId)) {
    each_successor(op, |to, _| f(to));
    if let OpKind::Goto { node } | OpKind::Visit { node, .. } = &op.kind
        && let Some(node) = machine.node(*node)
    {
        f(node.entry);
    }
}

/// For many vertices, the vertices to which each leads: all in one list, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// By vertex, where its part of `to` begins; one more at the end.
    starts: Vec<u32>,
    to: Vec<OpId>,
}

impl Ways {
    /// From pairs `(from, to)` over `count` vertices.
    pub(crate) fn new(count: usize, edges: &[(OpId, OpId)]) -> Self {
        let mut starts = vec![0u32; count + 1];
        for (from, _) in edges {
            if let Some(n) = starts.get_mut(from.index() + 1) {
                *n += 1;
            }
        }
        let mut sum = 0;
        for n in &mut starts {
            sum += *n;
            *n = sum;
        }
        let mut next = starts.clone();
        let mut to = vec![OpId(0); edges.len()];
        for (from, target) in edges {
            if let Some(at) = next.get_mut(from.index()) {
                if let Some(slot) = to.get_mut(*at as usize) {
                    *slot = *target;
                }
                *at += 1;
            }
        }
        Self { starts, to }
    }

    /// Where a vertex leads, in the order of the pairs.
    pub(crate) fn of(&self, from: OpId) -> &[OpId] {
        let at = |i: usize| self.starts.get(i).map_or(0, |n| *n as usize);
        self.to
            .get(at(from.index())..at(from.index() + 1))
            .unwrap_or_default()
    }

    /// Whether no way leads in a circle.
    pub(crate) fn is_acyclic(&self) -> bool {
        let count = self.starts.len().saturating_sub(1);
        let mut arrivals = vec![0u32; count];
        for to in &self.to {
            if let Some(n) = arrivals.get_mut(to.index()) {
                *n += 1;
            }
        }
        let mut todo: Vec<OpId> = (0u32..)
            .zip(&arrivals)
            .filter(|(_, n)| **n == 0)
            .map(|(id, _)| OpId(id))
            .collect();
        let mut done = 0;
        while let Some(id) = todo.pop() {
            done += 1;
            for to in self.of(id) {
                if let Some(n) = arrivals.get_mut(to.index()) {
                    *n -= 1;
                    if *n == 0 {
                        todo.push(*to);
                    }
                }
            }
        }
        done == count
    }
}

/// The question of an operation that waits for the customer.
pub(crate) fn question(op: &Op) -> Option<&Question> {
    match &op.kind {
        OpKind::Ask { question, .. }
        | OpKind::Form { question, .. }
        | OpKind::Choose { question, .. }
        | OpKind::ChooseFrom { question, .. }
        | OpKind::Confirm { question, .. }
        | OpKind::Listen { question, .. }
        | OpKind::Verify { question, .. }
        | OpKind::Survey { question, .. } => Some(question),
        OpKind::Attempt { question, .. } => question.as_ref(),
        _ => None,
    }
}

/// Whether an edge is taken without waiting for the customer.
pub(crate) fn passes_without_waiting(op: &Op, how: &Transition) -> bool {
    match &op.kind {
        // A form waits only if something is unknown.
        OpKind::Form { .. } => *how == Transition::Next,
        OpKind::ChooseFrom { .. } => *how == Transition::NoneLeft,
        OpKind::ContinueWith { .. } | OpKind::Offer { .. } => false,
        _ => question(op).is_none(),
    }
}

/// Whether the conversation waits at an operation, so that a handler may come between.
pub(crate) fn waits(op: &Op) -> bool {
    question(op).is_some() || matches!(op.kind, OpKind::ContinueWith { .. })
}

/// By node, whether the conversation may wait in it or in what it visits.
pub(crate) fn waiting(machine: &Machine, flow: &Flow) -> Vec<bool> {
    let mut out = vec![false; machine.nodes.len()];
    let mut todo: Vec<NodeId> = Vec::new();
    for op in machine.ops.iter().filter(|op| waits(op)) {
        todo.extend(machine.code(op.code).and_then(node_of));
    }
    while let Some(node) = todo.pop() {
        match out.get_mut(node.index()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let visitors = flow.visits(node).iter().filter_map(|id| machine.op(*id));
        todo.extend(visitors.filter_map(|op| node_of(machine.code(op.code)?)));
    }
    out
}

/// The node whose body a body is.
pub(crate) fn node_of(code: &Code) -> Option<NodeId> {
    match code.owner {
        CodeOwner::Node(node) => Some(node),
        _ => None,
    }
}

/// Whether a customer (and not the system) sets off a handler.
pub(crate) const fn by_customer(event: HandlerEvent) -> bool {
    matches!(
        event,
        HandlerEvent::Intent(_) | HandlerEvent::File | HandlerEvent::Silence(_)
    )
}

/// Where a step escalates to: without a tier, to the next one up, if that is the same for every scripted tier.
pub(crate) fn leads_to(machine: &Machine, spec: &EscalateSpec) -> Option<TierId> {
    let named = spec
        .to
        .or_else(|| spec.rule.and_then(|r| machine.rule(r)).map(|r| r.to));
    named.or_else(|| {
        let mut scripted = (0u32..)
            .zip(&machine.tiers)
            .filter(|(_, t)| t.kind == TierKind::Scripted)
            .map(|(i, _)| TierId(i + 1));
        let up = scripted.next()?;
        scripted.next().is_none().then_some(up)
    })
}
