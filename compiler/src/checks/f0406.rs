//! F0406: a circle of visits, or `back` where nothing visits.
//!
//! `-> NODE` leaves everything that was visited, so a circle that passes an arrow piles up nothing, and behind an arrow there is
//! nothing to return to.

use super::support::analysis::Analysis;
use super::support::flow::node_of;
use crate::machine::{CodeOwner, OpKind};
use crate::value::{CodeId, NodeId, OpId};
use flow_grammar::{Diagnostic, Severity};
use petgraph::graph::{DiGraph, NodeIndex};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0406",
    severity: Severity::Error,
    title: "a circle of visits, or `back` where nothing visits",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    circles(cx, found);
    lost_backs(cx, found);
}

fn circles(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    let mut graph: DiGraph<NodeId, OpId> = DiGraph::new();
    for id in (0u32..).map(NodeId).take(machine.nodes.len()) {
        graph.add_node(id);
    }
    for id in (0u32..).map(NodeId).take(machine.nodes.len()) {
        for visit in flow.visits(id) {
            if let Some(from) = machine
                .op(*visit)
                .and_then(|o| machine.code(o.code))
                .and_then(node_of)
            {
                graph.add_edge(
                    NodeIndex::new(from.index()),
                    NodeIndex::new(id.index()),
                    *visit,
                );
            }
        }
    }
    for part in petgraph::algo::kosaraju_scc(&graph) {
        let mut visits: Vec<OpId> = Vec::new();
        for n in &part {
            for edge in graph.edges(*n) {
                if part.contains(&petgraph::visit::EdgeRef::target(&edge)) {
                    visits.push(*edge.weight());
                }
            }
        }
        visits.sort_by_key(|v| machine.op(*v).map(|o| o.loc));
        let Some((first, rest)) = visits.split_first() else {
            continue;
        };
        let Some(op) = machine.op(*first) else {
            continue;
        };
        let name = |id: OpId| match machine.op(id).map(|o| &o.kind) {
            Some(OpKind::Visit { node, .. }) => machine
                .node(*node)
                .map(|n| n.name.to_string())
                .unwrap_or_default(),
            _ => String::new(),
        };
        let message = if rest.is_empty() && part.len() == 1 {
            format!("node `{}` visits itself", name(*first))
        } else {
            "nodes visit each other in a circle".to_owned()
        };
        let mut finding = Diagnostic::error("F0406", message, op.loc)
            .labelled(format!("visits `{}`", name(*first)));
        for visit in rest.iter().take(8) {
            if let Some(op) = machine.op(*visit) {
                finding = finding.label(op.loc, format!("visits `{}`", name(*visit)));
            }
        }
        found.push(finding.help("a visit returns; to begin again, go there with `->`"));
    }
}

fn lost_backs(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    for (code, body) in (0u32..).map(CodeId).zip(&machine.codes) {
        if !matches!(body.owner, CodeOwner::Handoff(..)) {
            continue;
        }
        for op in flow.ops(code).iter().filter_map(|o| machine.op(*o)) {
            if matches!(op.kind, OpKind::Back) {
                found.push(
                    Diagnostic::error("F0406", "`back` in a handoff, which nothing visits", op.loc)
                        .labelled("there is nowhere to return to")
                        .help("leave it out (the steps may just end), or go on with `->`"),
                );
            }
        }
    }
    for (id, node) in (0u32..).map(NodeId).zip(&machine.nodes) {
        // An arrow leaves what was visited, that of a handler what it interrupted: only a visit of this very node can be
        // returned from.
        let visited = !flow.visits(id).is_empty();
        let arrow = flow.gotos(id).first().and_then(|g| machine.op(*g));
        if flow.perhaps_led_to(node) || (visited && !flow.entered(machine, id)) {
            continue;
        }
        for op in flow.ops(node.code).iter().filter_map(|o| machine.op(*o)) {
            if !matches!(op.kind, OpKind::Back) {
                continue;
            }
            let (name, message) = (
                &node.name,
                match visited {
                    true => format!(
                        "`back` in node `{}`, to which not only visits lead",
                        node.name
                    ),
                    false => format!("`back` in node `{}`, which nothing visits", node.name),
                },
            );
            let mut finding = Diagnostic::error("F0406", message, op.loc)
                .labelled("there is nowhere to return to");
            if let Some(arrow) = arrow {
                finding = finding.label(arrow.loc, "an arrow leaves; nothing returns here");
            }
            found.push(finding.help(format!("come here with `visit {name}`, or go on with `->`")));
        }
    }
}
