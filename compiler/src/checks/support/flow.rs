//! The machine as a graph: where each operation leads, where conversations enter, what they can reach.

use crate::machine::{
    BandAction, Code, CodeOwner, HandlerEvent, HandoffBlock, Machine, OfferKind, Op, OpKind,
    Question, Transition,
};
use crate::value::{CodeId, NodeId, OpId};
use rustc_hash::FxHashSet;

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
    /// Whether some operation failed to compile: then nothing can be said of what is missing.
    pub(crate) broken: bool,
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
            for (to, _) in successors(op).into_iter().rev() {
                todo.push(to);
            }
        }
        let broken = machine
            .ops
            .iter()
            .any(|op| matches!(op.kind, OpKind::Error { .. }));
        Self {
            roots,
            reachable,
            visited_by,
            entered_by,
            ops_of,
            broken,
        }
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
    let asks = |q: &Question, out: &mut Vec<(OpId, Transition)>| {
        out.push((q.otherwise, Transition::Otherwise))
    };
    let mut out = Vec::new();
    match &op.kind {
        OpKind::Say { next, .. }
        | OpKind::Set { next, .. }
        | OpKind::Clear { next, .. }
        | OpKind::Visit { next, .. }
        | OpKind::Note { next, .. }
        | OpKind::Tag { next, .. }
        | OpKind::Ticket { next, .. }
        | OpKind::Callback { next, .. }
        | OpKind::Error { next } => out.push((*next, Transition::Next)),
        OpKind::Ask { question, next, .. }
        | OpKind::Form { question, next, .. }
        | OpKind::Survey { question, next, .. } => {
            out.push((*next, Transition::Next));
            asks(question, &mut out);
        }
        OpKind::Choose { question, buttons } => {
            out.extend(buttons.iter().map(|b| (b.to, Transition::Label(b.label))));
            asks(question, &mut out);
        }
        OpKind::ChooseFrom {
            none,
            question,
            next,
            ..
        } => {
            out.push((*next, Transition::Next));
            out.extend(none.map(|op| (op, Transition::NoneLeft)));
            asks(question, &mut out);
        }
        OpKind::Confirm { question, yes, no } => {
            out.push((*yes, Transition::Yes));
            out.push((*no, Transition::No));
            asks(question, &mut out);
        }
        OpKind::Listen { question, arms } => {
            out.extend(
                (0u32..)
                    .zip(arms)
                    .map(|(i, (_, to))| (*to, Transition::Intent(i))),
            );
            asks(question, &mut out);
        }
        OpKind::Branch { arms, otherwise } => {
            out.extend(
                (0u32..)
                    .zip(arms)
                    .map(|(i, (_, to))| (*to, Transition::Then(i))),
            );
            out.push((*otherwise, Transition::Else));
        }
        OpKind::Match {
            arms, otherwise, ..
        } => {
            out.extend(
                (0u32..)
                    .zip(arms)
                    .map(|(i, arm)| (arm.to, Transition::Arm(i))),
            );
            // What no arm takes is F0303's; nothing else is said of it.
            if arms.is_empty() {
                out.push((*otherwise, Transition::Otherwise));
            }
        }
        OpKind::Call { failed, next, .. } => {
            out.push((*next, Transition::Next));
            out.push((*failed, Transition::Failed));
        }
        OpKind::Verify {
            question,
            failed,
            next,
            ..
        } => {
            out.push((*next, Transition::Next));
            out.push((*failed, Transition::Failed));
            asks(question, &mut out);
        }
        OpKind::ContinueWith {
            resolved,
            otherwise,
            ..
        } => {
            out.extend(resolved.map(|op| (op, Transition::Resolved)));
            out.extend(otherwise.map(|op| (op, Transition::Otherwise)));
        }
        OpKind::Attempt {
            question,
            worked,
            declined,
            ..
        } => {
            out.push((*worked, Transition::Worked));
            if let Some(question) = question {
                out.push((*declined, Transition::Declined));
                asks(question, &mut out);
            }
        }
        OpKind::Offer { offer, next, .. } => {
            for (i, item) in (0u32..).zip(&offer.items) {
                if let OfferKind::Target(to) = item.kind {
                    out.push((to, Transition::Offered(i)));
                }
            }
            out.push((*next, Transition::Next));
        }
        OpKind::Goto { .. }
        | OpKind::Back
        | OpKind::Finish
        | OpKind::Escalate(_)
        | OpKind::End { .. } => {}
    }
    out
}

/// Where an operation leads, into other nodes too.
pub(crate) fn all_successors(machine: &Machine, op: &Op) -> Vec<OpId> {
    let mut out: Vec<OpId> = successors(op).into_iter().map(|(to, _)| to).collect();
    if let OpKind::Goto { node } | OpKind::Visit { node, .. } = &op.kind
        && let Some(node) = machine.node(*node)
    {
        out.push(node.entry);
    }
    out
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
