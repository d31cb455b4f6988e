//! F0401: a node that nothing leads to.
//!
//! Reported is where a forgotten part begins; what only that part leads to is named with it. Steps behind one that always leaves
//! are forgotten, too.

mod steps;

use super::support::analysis::Analysis;
use crate::value::NodeId;
use flow_grammar::{Diagnostic, Severity};
use petgraph::graph::{DiGraph, NodeIndex};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0401",
    severity: Severity::Warning,
    title: "a node, or a step, that nothing leads to",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    nodes(cx, found);
    steps::run(cx, found);
}

fn nodes(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    let lost: Vec<NodeId> = (0u32..)
        .map(NodeId)
        .zip(&machine.nodes)
        // A node of a folder that is brought in may be there for another bot.
        .filter(|(_, n)| !flow.reaches(n.entry) && !n.name.contains('.'))
        .map(|(id, _)| id)
        .collect();
    if lost.is_empty() {
        return;
    }
    let mut index = vec![None; machine.nodes.len()];
    let mut graph: DiGraph<NodeId, ()> = DiGraph::new();
    for id in &lost {
        if let Some(slot) = index.get_mut(id.index()) {
            *slot = Some(graph.add_node(*id));
        }
    }
    for op in &machine.ops {
        let Some(from) = machine
            .code(op.code)
            .and_then(super::support::flow::node_of)
            .and_then(|n| index.get(n.index()).copied().flatten())
        else {
            continue;
        };
        if let crate::machine::OpKind::Goto { node } | crate::machine::OpKind::Visit { node, .. } =
            &op.kind
            && let Some(to) = index.get(node.index()).copied().flatten()
        {
            graph.update_edge(from, to, ());
        }
    }
    let mut parts = petgraph::algo::kosaraju_scc(&graph);
    parts.iter_mut().for_each(|p| p.sort());
    let mut part_of = vec![0usize; graph.node_count()];
    for (i, part) in parts.iter().enumerate() {
        for n in part {
            if let Some(slot) = part_of.get_mut(n.index()) {
                *slot = i;
            }
        }
    }
    let of = |n: NodeIndex| part_of.get(n.index()).copied();
    let mut heads: Vec<(NodeId, Vec<NodeId>)> = Vec::new();
    for part in &parts {
        let entered = part.iter().any(|n| {
            graph
                .neighbors_directed(*n, petgraph::Direction::Incoming)
                .any(|m| of(m) != of(*n))
        });
        if entered {
            continue;
        }
        let Some(first) = part.first() else { continue };
        let mut followers = Vec::new();
        let mut dfs = petgraph::visit::Dfs::new(&graph, *first);
        while let Some(n) = dfs.next(&graph) {
            if n != *first
                && let Some(id) = graph.node_weight(n)
            {
                followers.push(*id);
            }
        }
        if let Some(id) = graph.node_weight(*first) {
            heads.push((*id, followers));
        }
    }
    heads.sort();
    for (id, mut followers) in heads {
        // Of one whose name is misspelt elsewhere that is told.
        let Some(node) = machine.node(id).filter(|n| !flow.perhaps_led_to(n)) else {
            continue;
        };
        let mut finding = Diagnostic::warning(
            "F0401",
            format!("nothing leads to node `{}`", node.name),
            node.name_loc,
        )
        .labelled("no step, button, handler or handoff goes or visits here");
        followers.sort();
        let names: Vec<String> = followers
            .iter()
            .filter_map(|f| machine.node(*f))
            .take(5)
            .map(|n| format!("`{}`", n.name))
            .collect();
        finding = finding.help(if names.is_empty() {
            format!(
                "lead to it with `-> {0}` or `visit {0}`, or remove it",
                node.name
            )
        } else {
            format!(
                "lead to it with `-> {0}` or `visit {0}`, or remove it; only it leads to {1}{2}",
                node.name,
                names.join(", "),
                if followers.len() > 5 {
                    " and others"
                } else {
                    ""
                }
            )
        });
        found.push(finding);
    }
}
