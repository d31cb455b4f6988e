//! Which visits may come back, and where a conversation gets behind them: those of nodes that have a way to an end or to `back`.
//!
//! A node that always leaves (by `->`, `end`, `escalate`) returns to nobody, and neither does one that cannot pass a visit of such a
//! node. Nodes that visit each other in a circle are taken to return: what is wrong with them is F0406.

use super::flow::each_successor;
use super::set::universe;
use crate::machine::{Expr, Machine, MatchArm, OpKind};
use crate::value::{NodeId, OpId};
use rustc_hash::FxHashSet;

/// By node: whether a visit of it may come back. Of nodes that nothing visits it is not asked: they are taken to.
pub(crate) fn returns(machine: &Machine) -> Vec<bool> {
    let mut visited = vec![false; machine.nodes.len()];
    for op in &machine.ops {
        if let OpKind::Visit { node, .. } = &op.kind
            && let Some(seen) = visited.get_mut(node.index())
        {
            *seen = true;
        }
    }
    let mut search = Search {
        machine,
        returns: vec![true; machine.nodes.len()],
        blocked_by: vec![Vec::new(); machine.nodes.len()],
        seen: vec![0; machine.ops.len()],
        round: 0,
        todo: Vec::new(),
    };
    let mut open: Vec<NodeId> = (0u32..)
        .map(NodeId)
        .zip(&visited)
        .filter(|(_, visited)| **visited)
        .map(|(node, _)| node)
        .collect();
    while let Some(node) = open.pop() {
        if search.returns.get(node.index()) == Some(&true)
            && !search.comes_back(node)
            && let Some(returns) = search.returns.get_mut(node.index())
        {
            *returns = false;
            // Whoever got to an end by a visit of this one has to be looked at again.
            if let Some(again) = search.blocked_by.get_mut(node.index()) {
                open.append(again);
            }
        }
    }
    search.returns
}

/// The operations of a body to which a conversation comes that enters it there, if no visit is passed that never comes back.
pub(crate) fn reached_from(machine: &Machine, entry: OpId, returns: &[bool]) -> FxHashSet<OpId> {
    let mut seen = FxHashSet::default();
    let mut todo = vec![entry];
    while let Some(id) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(op) = machine.op(id) else { continue };
        if !matches!(&op.kind, OpKind::Visit { node, .. } if returns.get(node.index()) == Some(&false))
        {
            each_successor(op, |to, _| todo.push(to));
        }
    }
    seen
}

struct Search<'m> {
    machine: &'m Machine,
    returns: Vec<bool>,
    /// By node: visited nodes that passed a visit of it on their way.
    blocked_by: Vec<Vec<NodeId>>,
    /// By operation: the search that saw it last.
    seen: Vec<u32>,
    round: u32,
    todo: Vec<OpId>,
}

impl Search<'_> {
    /// Whether some way through a node ends, if visits return of which it is not known that they do not.
    fn comes_back(&mut self, node: NodeId) -> bool {
        let Some(entry) = self.machine.node(node).map(|n| n.entry) else {
            return true;
        };
        self.round += 1;
        self.todo.clear();
        self.todo.push(entry);
        while let Some(id) = self.todo.pop() {
            match self.seen.get_mut(id.index()) {
                Some(seen) if *seen != self.round => *seen = self.round,
                _ => continue,
            }
            let Some(op) = self.machine.op(id) else {
                continue;
            };
            match &op.kind {
                // Of what is wrong nothing is concluded.
                OpKind::Back | OpKind::Finish | OpKind::Error { .. } => return true,
                OpKind::Visit { node: to, .. } => {
                    if self.returns.get(to.index()) == Some(&false) {
                        continue;
                    }
                    if let Some(waiting) = self.blocked_by.get_mut(to.index())
                        && waiting.last() != Some(&node)
                    {
                        waiting.push(node);
                    }
                }
                OpKind::Match {
                    subject,
                    arms,
                    otherwise,
                } if !takes_all(self.machine, subject, arms) => self.todo.push(*otherwise),
                _ => {}
            }
            let todo = &mut self.todo;
            each_successor(op, |to, _| todo.push(to));
        }
        false
    }
}

/// Whether the arms of a `match` take every known value. Of one that leaves values out that is told (F0303), and with them it goes on to
/// what follows.
pub(crate) fn takes_all(machine: &Machine, subject: &Expr, arms: &[MatchArm]) -> bool {
    let universe = universe(machine, subject);
    let mut rest = universe.all(false);
    for pattern in arms.iter().flat_map(|arm| &arm.patterns) {
        if let Some(set) = universe.pattern(pattern) {
            rest = universe.meet(&rest, &universe.complement(&set));
        }
    }
    rest.unknown = false;
    universe.is_empty(&rest)
}
