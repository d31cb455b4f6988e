//! F0402: a path that ends without `->`, `end`, `escalate`, `continue with` or `back`: the customer is left hanging.
//!
//! Bodies that are only visited (nodes, handlers, blocks of a handoff) may just end: they return to what they interrupted. Behind a visit
//! of a node that always leaves nothing ends.

use super::support::analysis::Analysis;
use super::support::flow::each_successor;
use super::support::returns::{reached_from, returns};
use super::support::syntax;
use crate::machine::{Op, OpKind, Transition};
use crate::value::{NodeId, OpId};
use flow_grammar::{Diagnostic, Loc, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0402",
    severity: Severity::Error,
    title: "a path on which the customer is left hanging",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    // Whether visits come back is looked at only where something ends behind one.
    let mut visits: Option<Vec<bool>> = None;
    for (id, node) in (0u32..).map(NodeId).zip(&machine.nodes) {
        if !flow.reaches(node.entry) || !flow.entered(machine, id) {
            continue;
        }
        // Where each path ends, and by which edge.
        let mut ends: Vec<(OpId, Transition)> = Vec::new();
        let mut empty = false;
        for op_id in flow.ops(node.code) {
            let Some(op) = machine.op(*op_id) else {
                continue;
            };
            if matches!(op.kind, OpKind::Finish) && *op_id == node.entry {
                empty = true;
            }
            each_successor(op, |to, how| {
                if machine
                    .op(to)
                    .is_some_and(|o| matches!(o.kind, OpKind::Finish))
                    && !matches!(op.kind, OpKind::Error { .. })
                {
                    ends.push((*op_id, how));
                }
            });
        }
        if empty {
            found.push(
                Diagnostic::error(
                    "F0402",
                    format!("node `{}` does nothing", node.name),
                    node.name_loc,
                )
                .labelled("who comes here is left hanging")
                .help("say or ask something, then go on with `->`, `escalate` or `end resolved`"),
            );
            continue;
        }
        let is_visit = |op: &Op| matches!(op.kind, OpKind::Visit { .. });
        if !ends.is_empty()
            && let ops = flow.ops(node.code)
            && ops.iter().any(|op| machine.op(*op).is_some_and(is_visit))
        {
            let visits = visits.get_or_insert_with(|| returns(machine));
            let never = |op: OpId| matches!(machine.op(op).map(|o| &o.kind), Some(OpKind::Visit { node, .. }) if visits.get(node.index()) == Some(&false));
            if ops.iter().any(|op| never(*op)) {
                let reached = reached_from(machine, node.entry, visits);
                ends.retain(|(op, _)| reached.contains(op) && !never(*op));
            }
        }
        ends.sort_by_key(|(op, _)| machine.op(*op).map(|o| o.loc));
        let Some(((first, how), rest)) = ends.split_first() else {
            continue;
        };
        let Some(op) = machine.op(*first) else {
            continue;
        };
        let visitor = flow.visits(id).first().and_then(|v| machine.op(*v));
        let mut finding = Diagnostic::error(
            "F0402",
            format!(
                "a path through node `{}` ends and leaves the customer hanging",
                node.name
            ),
            cx.line(op.loc),
        )
        .labelled(why(op, how));
        for (other, how) in rest.iter().take(5) {
            if let Some(op) = machine.op(*other)
                && other != first
            {
                finding = finding.label(cx.line(op.loc), why(op, how));
            }
        }
        if let Some(visitor) = visitor {
            finding = finding.label(visitor.loc, "a visit returns from here");
            if let Some(goto) = flow.gotos(id).first().and_then(|g| machine.op(*g)) {
                finding = finding.label(goto.loc, "who comes this way has nowhere to return to");
            }
        }
        finding =
            finding.help("go on with `-> NODE`, `escalate`, `continue with` or `end resolved`");
        if let Some(flow_grammar::ast::DeclKind::Node(decl)) =
            syntax::decl(cx.sources, node.loc.decl).map(|d| &d.kind)
            && let Some(edit) = syntax::add_to_block(
                cx.sources,
                Loc::new(node.loc.decl, decl.body.span),
                "end resolved",
            )
        {
            finding = finding.fix(
                "end the conversation there with `end resolved`",
                false,
                vec![edit],
            );
        }
        found.push(finding);
    }
}

fn why(op: &Op, how: &Transition) -> String {
    let what = match how {
        Transition::Else => "when no condition holds, nothing follows",
        Transition::Then(_) => "after this branch, nothing follows",
        Transition::Arm(_) | Transition::Label(_) | Transition::Intent(_) => {
            "after this arm, nothing follows"
        }
        Transition::Otherwise => "after `otherwise`, nothing follows",
        Transition::Failed => "when it fails, nothing follows",
        Transition::Yes => "after `yes`, nothing follows",
        Transition::No => "after `no`, nothing follows",
        Transition::NoneLeft => "after `none`, nothing follows",
        Transition::Worked => "when it worked, nothing follows",
        Transition::Declined => "when it was declined, nothing follows",
        Transition::Resolved => "after `resolved`, nothing follows",
        _ => match &op.kind {
            OpKind::Ask { .. }
            | OpKind::Form { .. }
            | OpKind::Verify { .. }
            | OpKind::Survey { .. } => "once it is answered, nothing follows",
            OpKind::Call { .. } => "once it succeeded, nothing follows",
            OpKind::Visit { .. } => "after the visit, nothing follows",
            _ => "nothing follows",
        },
    };
    what.to_owned()
}
