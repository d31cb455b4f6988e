//! The shortest way on which a thing stays unknown, and which of its turns matter.

use crate::checks::support::analysis::Analysis;
use crate::checks::support::flow::{all_successors, successors};
use crate::checks::support::known::FactId;
use crate::machine::{Machine, Op, OpKind, Transition};
use crate::value::OpId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// The ways on which a fact stays unknown up to a place.
pub(super) struct Way {
    parent: FxHashMap<OpId, Option<(OpId, Transition)>>,
    /// Operations from which the place is reached without the fact.
    lacking: FxHashSet<OpId>,
    /// Operations from which the place is reached at all.
    leading: FxHashSet<OpId>,
}

impl Way {
    pub(super) fn find(cx: &Analysis<'_>, at: OpId, fact: FactId) -> Self {
        let (machine, known) = (cx.machine, cx.known());
        let mut parent: FxHashMap<OpId, Option<(OpId, Transition)>> = FxHashMap::default();
        let mut before: FxHashMap<OpId, Vec<OpId>> = FxHashMap::default();
        let mut todo = VecDeque::new();
        for root in &cx.flow().roots {
            if known.before(root.op).is_some_and(|b| !b.has(fact)) && !parent.contains_key(&root.op)
            {
                parent.insert(root.op, None);
                todo.push_back(root.op);
            }
        }
        // Where it was known first, the way begins where it is lost.
        let mut losses = (0u32..).map(OpId).take(machine.ops.len());
        loop {
            let Some(id) = todo.pop_front() else {
                if parent.contains_key(&at) {
                    break;
                }
                let Some(id) = losses.next() else { break };
                if known.before(id).is_some_and(|b| b.has(fact))
                    && machine.op(id).is_some_and(|o| {
                        matches!(
                            o.kind,
                            OpKind::Clear { .. }
                                | OpKind::Set { .. }
                                | OpKind::Call { .. }
                                | OpKind::Visit { .. }
                        )
                    })
                {
                    todo.push_back(id);
                }
                continue;
            };
            let (Some(op), Some(bits)) = (machine.op(id), known.before(id)) else {
                continue;
            };
            let mut push = |to: OpId, how: Transition| {
                before.entry(to).or_default().push(id);
                if let std::collections::hash_map::Entry::Vacant(slot) = parent.entry(to) {
                    slot.insert(Some((id, how)));
                    todo.push_back(to);
                }
            };
            known.edges(machine, id, op, bits, &mut |to, how, after| {
                if !after.has(fact) {
                    push(to, how);
                }
            });
            if let OpKind::Goto { node } | OpKind::Visit { node, .. } = &op.kind
                && let Some(entry) = machine.node(*node).map(|n| n.entry)
                && !bits.has(fact)
            {
                push(entry, Transition::Goto);
            }
        }
        let lacking = backwards(at, |id| before.get(&id).cloned().unwrap_or_default());
        let mut all: Vec<Vec<OpId>> = vec![Vec::new(); machine.ops.len()];
        for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
            for to in all_successors(machine, op) {
                if let Some(list) = all.get_mut(to.index()) {
                    list.push(id);
                }
            }
        }
        let leading = backwards(at, |id| all.get(id.index()).cloned().unwrap_or_default());
        Self {
            parent,
            lacking,
            leading,
        }
    }

    /// The shortest way, from its beginning.
    pub(super) fn steps(&self, machine: &Machine, at: OpId) -> Vec<(OpId, Transition)> {
        let mut steps = Vec::new();
        let mut id = at;
        while let Some(Some((before, how))) = self.parent.get(&id) {
            steps.push((*before, how.clone()));
            id = *before;
            if steps.len() > machine.ops.len() {
                break;
            }
        }
        steps.reverse();
        steps
    }

    /// Whether another turn would have led to the place with the fact.
    pub(super) fn matters(&self, machine: &Machine, id: OpId, how: &Transition) -> bool {
        let Some(op) = machine.op(id) else {
            return false;
        };
        let ways = successors(op);
        ways.len() < 2
            || (passes(op, how) && matches!(op.kind, OpKind::Call { .. }))
            || ways.iter().any(|(to, other)| {
                other != how
                    && self.leading.contains(to)
                    && (!self.lacking.contains(to) || passes(op, other))
            })
    }
}

/// Whether the turn itself makes something known.
fn passes(op: &Op, how: &Transition) -> bool {
    *how == Transition::Next
        && (crate::checks::support::flow::question(op).is_some()
            || matches!(op.kind, OpKind::Call { .. }))
}

fn backwards(at: OpId, before: impl Fn(OpId) -> Vec<OpId>) -> FxHashSet<OpId> {
    let mut seen = FxHashSet::default();
    let mut todo = vec![at];
    while let Some(id) = todo.pop() {
        if seen.insert(id) {
            todo.extend(before(id));
        }
    }
    seen
}
