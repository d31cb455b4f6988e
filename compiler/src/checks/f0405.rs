//! F0405: a question in a part of the flow that only rules can leave.
//!
//! Such a part waits for the customer again and again, and no answer ends it, reaches a person or leads elsewhere.

use super::support::analysis::Analysis;
use super::support::flow::{all_successors, by_customer, each_way, node_of, question};
use crate::machine::{CodeOwner, Op, OpKind};
use crate::value::OpId;
use flow_grammar::{Diagnostic, Severity};
use petgraph::graph::{DiGraph, NodeIndex};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0405",
    severity: Severity::Warning,
    title: "a question in a part that only rules can leave",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    // Where the menu and the customer's own handlers lead: out of every part but the one they lead into.
    let mut elsewhere = Vec::new();
    let own = machine.bot.menu.iter().map(|b| b.to).chain(
        machine
            .handlers
            .iter()
            .filter(|h| by_customer(h.event))
            .map(|h| h.entry),
    );
    for op in own {
        if leads_away(cx, op, &mut elsewhere) {
            return;
        }
    }
    let mut graph: DiGraph<OpId, ()> = DiGraph::with_capacity(machine.ops.len(), machine.ops.len());
    for id in (0u32..).map(OpId).take(machine.ops.len()) {
        graph.add_node(id);
    }
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        if flow.reaches(id) {
            let mut lead = |to: OpId| {
                graph.add_edge(NodeIndex::new(id.index()), NodeIndex::new(to.index()), ());
            };
            each_way(machine, op, &mut lead);
            returns(cx, op).into_iter().for_each(lead);
        }
    }
    let parts = petgraph::algo::kosaraju_scc(&graph);
    let mut part_of = vec![usize::MAX; machine.ops.len()];
    for (i, part) in parts.iter().enumerate() {
        for n in part {
            if let Some(slot) = part_of.get_mut(n.index()) {
                *slot = i;
            }
        }
    }
    for (i, part) in parts.iter().enumerate() {
        let members = || part.iter().filter_map(|n| graph.node_weight(*n)).copied();
        let closed = members().all(|id| {
            machine.op(id).is_some_and(|op| {
                all_successors(machine, op)
                    .iter()
                    .chain(&returns(cx, op))
                    .all(|to| part_of.get(to.index()) == Some(&i))
            })
        });
        // Without a way on, an operation is an end, a person or a return.
        let ends = members().any(|id| {
            machine.op(id).is_some_and(|op| {
                (all_successors(machine, op).is_empty() && returns(cx, op).is_empty())
                    || matches!(
                        op.kind,
                        // What could not be read may lead out.
                        OpKind::ContinueWith { .. } | OpKind::Offer { .. } | OpKind::Error { .. }
                    )
            })
        });
        if !closed
            || ends
            || elsewhere
                .iter()
                .any(|op: &OpId| part_of.get(op.index()) != Some(&i))
        {
            continue;
        }
        let mut questions: Vec<_> = members()
            .filter_map(|id| machine.op(id))
            .filter(|op| question(op).is_some())
            .collect();
        questions.sort_by_key(|op| op.loc);
        let Some((first, rest)) = questions.split_first() else {
            continue;
        };
        let mut finding = Diagnostic::warning(
            "F0405",
            "no answer leads out of here; only an escalation rule can",
            cx.line(first.loc),
        )
        .labelled("whatever the customer answers, they come back here");
        for op in rest.iter().take(4) {
            finding = finding.label(cx.line(op.loc), "or here");
        }
        found.push(
            finding.help(
                "give one of the answers a way out: another node, `escalate` or `end resolved`",
            ),
        );
    }
}

/// Where the end of a node leads that is only visited: to what follows the visits. Of one that is entered otherwise too, or that
/// something else than a node visits, nothing is said.
fn returns(cx: &Analysis<'_>, op: &Op) -> Vec<OpId> {
    let (machine, flow) = (cx.machine, cx.flow());
    if !matches!(op.kind, OpKind::Finish | OpKind::Back) {
        return Vec::new();
    }
    let Some(node) = machine.code(op.code).and_then(node_of) else {
        return Vec::new();
    };
    if flow.entered(machine, node) {
        return Vec::new();
    }
    let visits = || flow.visits(node).iter().filter_map(|v| machine.op(*v));
    let by_nodes = visits().all(|v| machine.code(v.code).and_then(node_of).is_some());
    if !by_nodes {
        return Vec::new();
    }
    visits()
        .filter_map(|v| match v.kind {
            OpKind::Visit { next, .. } => Some(next),
            _ => None,
        })
        .collect()
}

/// Whether a handler or button ends or escalates; where it goes is collected.
fn leads_away(cx: &Analysis<'_>, from: OpId, goes: &mut Vec<OpId>) -> bool {
    let machine = cx.machine;
    let mut seen = rustc_hash::FxHashSet::default();
    let mut todo = vec![from];
    while let Some(id) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(op) = machine.op(id) else { continue };
        match &op.kind {
            OpKind::Escalate(_)
            | OpKind::End { .. }
            | OpKind::ContinueWith { .. }
            | OpKind::Error { .. } => return true,
            OpKind::Goto { node } => {
                goes.extend(machine.node(*node).map(|n| n.entry));
                continue;
            }
            _ => {}
        }
        // A visited node of its own may end the conversation too.
        todo.extend(all_successors(machine, op).into_iter().filter(|to| {
            machine
                .op(*to)
                .and_then(|o| machine.code(o.code))
                .is_some_and(|c| !matches!(c.owner, CodeOwner::Menu) || *to == from)
        }));
    }
    false
}
