//! What bodies may forget, or fill.

use super::bits::Bits;
use super::facts::Facts;
use crate::checks::support::flow::Flow;
use crate::machine::{Machine, OpKind};
use crate::value::{CodeId, NodeId};

/// By node, the facts that it or a node that it visits may forget, but for those that are its own.
pub(super) fn forgets(
    machine: &Machine,
    flow: &Flow,
    facts: &Facts,
    own: impl Fn(CodeId) -> Bits,
) -> Vec<Bits> {
    let owned: Vec<Bits> = machine.nodes.iter().map(|n| own(n.code)).collect();
    let mut out: Vec<Bits> = Vec::with_capacity(machine.nodes.len());
    let mut visits: Vec<Vec<usize>> = vec![Vec::new(); machine.nodes.len()];
    for (i, node) in machine.nodes.iter().enumerate() {
        let mut bits = forgets_of(machine, flow, facts, node.code, |callee| {
            if let Some(by) = visits.get_mut(callee.index()) {
                by.push(i);
            }
            None
        });
        if let Some(own) = owned.get(i) {
            bits.remove_all(own);
        }
        out.push(bits);
    }
    let mut todo: Vec<usize> = (0..out.len()).collect();
    while let Some(i) = todo.pop() {
        let Some(bits) = out.get(i).cloned() else {
            continue;
        };
        for visitor in visits.get(i).into_iter().flatten() {
            let mut bits = bits.clone();
            if let Some(own) = owned.get(*visitor) {
                bits.remove_all(own);
            }
            if out.get_mut(*visitor).is_some_and(|b| b.union(&bits)) {
                todo.push(*visitor);
            }
        }
    }
    out
}

/// The facts about what a body fills by its own steps.
pub(super) fn fills_of(machine: &Machine, flow: &Flow, facts: &Facts, code: CodeId) -> Bits {
    let mut bits = facts.none();
    for op in flow.ops(code).iter().filter_map(|id| machine.op(*id)) {
        match &op.kind {
            OpKind::Set { slot, .. }
            | OpKind::Ask { var: slot, .. }
            | OpKind::ChooseFrom { var: slot, .. } => facts.mark_var(*slot, &mut bits),
            OpKind::Form { vars, .. } => vars.iter().for_each(|v| facts.mark_var(*v, &mut bits)),
            _ => {}
        }
    }
    facts.single(bits)
}

/// The facts that a body may forget, and those that what it visits may.
pub(super) fn forgets_of<'b>(
    machine: &Machine,
    flow: &Flow,
    facts: &Facts,
    code: CodeId,
    mut visited: impl FnMut(NodeId) -> Option<&'b Bits>,
) -> Bits {
    let mut bits = facts.none();
    for op in flow.ops(code).iter().filter_map(|id| machine.op(*id)) {
        match &op.kind {
            OpKind::Clear { slot, .. } => {
                facts.mark_var(*slot, &mut bits);
                facts.mark_values(*slot, &mut bits);
            }
            // A new value is known, its optional fields need not be.
            OpKind::Set { slot, .. }
            | OpKind::Ask { var: slot, .. }
            | OpKind::ChooseFrom { var: slot, .. } => {
                facts.mark_fields(*slot, &mut bits);
                facts.mark_values(*slot, &mut bits);
            }
            OpKind::Form { vars, .. } => {
                vars.iter().for_each(|v| facts.mark_values(*v, &mut bits));
            }
            OpKind::Visit { node, .. } => {
                if let Some(more) = visited(*node) {
                    bits.union(more);
                }
            }
            _ => {}
        }
    }
    bits
}
