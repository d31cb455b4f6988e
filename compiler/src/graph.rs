//! The state machine as a graph: an edge for every way from one operation to another.

use crate::machine::{Node, Offer, OfferKind, Op, OpKind, Transition};
use crate::value::OpId;
use petgraph::graph::{DiGraph, NodeIndex};

/// Builds the graph; vertex `i` is operation `i`.
pub(crate) fn build(ops: &[Op], nodes: &[Node]) -> DiGraph<OpId, Transition> {
    let mut graph = DiGraph::with_capacity(ops.len(), ops.len() * 2);
    for i in 0..ops.len() {
        graph.add_node(OpId(u32::try_from(i).unwrap_or(u32::MAX)));
    }
    let entry = |node: crate::value::NodeId| nodes.get(node.index()).map(|n| n.entry);
    for (i, op) in ops.iter().enumerate() {
        let mut edge = |to: OpId, why: Transition| {
            if to.index() < ops.len() {
                graph.add_edge(NodeIndex::new(i), NodeIndex::new(to.index()), why);
            }
        };
        ways(&op.kind, &entry, &mut edge);
    }
    graph
}

/// Every way on from an operation. `entry` gives the first operation of a node.
fn ways(
    kind: &OpKind,
    entry: &impl Fn(crate::value::NodeId) -> Option<OpId>,
    edge: &mut impl FnMut(OpId, Transition),
) {
    use Transition as T;
    match kind {
        OpKind::Say { next, .. }
        | OpKind::Set { next, .. }
        | OpKind::Clear { next, .. }
        | OpKind::Note { next, .. }
        | OpKind::Tag { next, .. }
        | OpKind::Ticket { next, .. }
        | OpKind::Callback { next, .. } => edge(*next, T::Next),
        OpKind::Error { next, ways, .. } => {
            edge(*next, T::Next);
            ways.iter().for_each(|way| edge(*way, T::Next));
        }
        OpKind::Ask { question, next, .. }
        | OpKind::Form { question, next, .. }
        | OpKind::Survey { question, next, .. } => {
            edge(*next, T::Next);
            edge(question.otherwise, T::Otherwise);
        }
        OpKind::Choose { question, buttons } => {
            for button in buttons {
                edge(button.to, T::Label(button.label));
            }
            edge(question.otherwise, T::Otherwise);
        }
        OpKind::ChooseFrom {
            none,
            question,
            next,
            ..
        } => {
            edge(*next, T::Next);
            if let Some(none) = none {
                edge(*none, T::NoneLeft);
            }
            edge(question.otherwise, T::Otherwise);
        }
        OpKind::Confirm { question, yes, no } => {
            edge(*yes, T::Yes);
            edge(*no, T::No);
            edge(question.otherwise, T::Otherwise);
        }
        OpKind::Listen { question, arms } => {
            for (i, (_, to)) in (0..).zip(arms) {
                edge(*to, T::Intent(i));
            }
            edge(question.otherwise, T::Otherwise);
        }
        OpKind::Branch { arms, otherwise } => {
            for (i, (_, to)) in (0..).zip(arms) {
                edge(*to, T::Then(i));
            }
            edge(*otherwise, T::Else);
        }
        OpKind::Match {
            arms, otherwise, ..
        } => {
            for (i, arm) in (0..).zip(arms) {
                edge(arm.to, T::Arm(i));
            }
            edge(*otherwise, T::Otherwise);
        }
        OpKind::Call { failed, next, .. } => {
            edge(*next, T::Next);
            edge(*failed, T::Failed);
        }
        OpKind::Visit { node, next } => {
            if let Some(to) = entry(*node) {
                edge(to, T::Visit);
            }
            edge(*next, T::Next);
        }
        OpKind::Goto { node } => {
            if let Some(to) = entry(*node) {
                edge(to, T::Goto);
            }
        }
        OpKind::ContinueWith {
            resolved,
            otherwise,
            ..
        } => {
            if let Some(to) = resolved {
                edge(*to, T::Resolved);
            }
            if let Some(to) = otherwise {
                edge(*to, T::Otherwise);
            }
        }
        OpKind::Attempt {
            question,
            worked,
            declined,
            ..
        } => {
            edge(*worked, T::Worked);
            if let Some(question) = question {
                edge(*declined, T::Declined);
                edge(question.otherwise, T::Otherwise);
            }
        }
        OpKind::Verify {
            question,
            failed,
            next,
            ..
        } => {
            edge(*next, T::Next);
            edge(*failed, T::Failed);
            if question.otherwise != *failed {
                edge(question.otherwise, T::Otherwise);
            }
        }
        OpKind::Offer { offer, next, .. } => {
            offered(offer, edge);
            edge(*next, T::Next);
        }
        OpKind::Back | OpKind::Finish | OpKind::Escalate(_) | OpKind::End { .. } => {}
    }
}

fn offered(offer: &Offer, edge: &mut impl FnMut(OpId, Transition)) {
    for (i, item) in (0..).zip(&offer.items) {
        if let OfferKind::Target(to) = item.kind {
            edge(to, Transition::Offered(i));
        }
    }
}
