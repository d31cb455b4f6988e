//! F0403: a loop without a step that surely waits: the bot would talk for ever.
//!
//! The graph of all ways on that are taken without waiting for the customer must be free of circles. A visit is passed without
//! waiting if the visited node can return without waiting; a `form` waits only while something is unknown; a question whether
//! something is known has the answer that the loop itself gives it; whether a call fails, or another condition changes from one
//! round to the next, cannot be known. Calling people leads on to the handoff's plan for when they
//! are closed, full or away; going on with a scripted tier begins it anew.

mod rounds;

use super::support::analysis::Analysis;
use super::support::calendar::with_overflow;
use super::support::flow::{Ways, each_successor, leads_to, node_of, passes_without_waiting};
use super::support::walk::each_expr;
use crate::machine::{CodeOwner, ExprKind, Machine, Op, OpKind};
use crate::value::{OpId, TierId};
use flow_grammar::ast::TierKind;
use flow_grammar::{Diagnostic, Severity};
use petgraph::graph::{DiGraph, NodeIndex};
use rounds::Round;
use std::collections::VecDeque;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0403",
    severity: Severity::Error,
    title: "a loop without a step that surely waits",
    run,
};

/// How many steps of a loop are shown.
const SHOWN: usize = 12;

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let passable = passable(cx);
    let absent = absent(machine);
    let mut edges: Vec<(OpId, OpId)> = Vec::with_capacity(machine.ops.len());
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        if cx.flow().reaches(id) {
            without_waiting(machine, op, &passable, |to| edges.push((id, to)));
            passed_on(machine, op, &absent, |to| edges.push((id, to)));
        }
    }
    // Without a circle, as in most bots, there is nothing to look for.
    if Ways::new(machine.ops.len(), &edges).is_acyclic() {
        return;
    }
    let mut graph: DiGraph<OpId, ()> = DiGraph::with_capacity(machine.ops.len(), edges.len());
    for id in (0u32..).map(OpId).take(machine.ops.len()) {
        graph.add_node(id);
    }
    for (from, to) in edges {
        graph.add_edge(NodeIndex::new(from.index()), NodeIndex::new(to.index()), ());
    }
    // The steps of a part, and a way round, where it is known that it can be taken.
    let mut loops: Vec<(Vec<OpId>, Option<Vec<OpId>>)> = Vec::new();
    for part in petgraph::algo::kosaraju_scc(&graph) {
        let alone = part.len() == 1
            && part
                .first()
                .is_some_and(|n| graph.find_edge(*n, *n).is_none());
        if alone {
            continue;
        }
        let members: Vec<OpId> = part
            .iter()
            .filter_map(|n| graph.node_weight(*n))
            .copied()
            .collect();
        if form_waits_again(machine, &members)
            || only_visits(machine, &members)
            || calls_when_open(machine, &members)
        {
            continue;
        }
        let leads = |from: OpId, f: &mut dyn FnMut(OpId)| {
            graph
                .neighbors(NodeIndex::new(from.index()))
                .filter_map(|n| graph.node_weight(n))
                .for_each(|to| f(*to));
        };
        match rounds::round(cx, &members, leads) {
            Round::Never => {}
            Round::Along(way) => loops.push((members, Some(way))),
            Round::Unsaid => loops.push((members, None)),
        }
    }
    loops.sort_by_key(|(members, _)| {
        members
            .iter()
            .filter_map(|id| machine.op(*id))
            .map(|o| o.loc)
            .min()
    });
    for (members, way) in loops {
        let way = way.or_else(|| shortest(machine, &graph, &members));
        found.extend(way.and_then(|way| report(cx, way, &passable)));
    }
}

/// A circle that is closed by visits alone is F0406's to report.
fn only_visits(machine: &Machine, members: &[OpId]) -> bool {
    let mut kinds = members
        .iter()
        .filter_map(|id| machine.op(*id))
        .map(|op| &op.kind);
    kinds.clone().any(|k| matches!(k, OpKind::Visit { .. }))
        && !kinds.any(|k| matches!(k, OpKind::Goto { .. } | OpKind::ContinueWith { .. }))
}

/// By tier, where its handoffs go on without the customer when nobody can take the conversation.
fn absent(machine: &Machine) -> Vec<Vec<OpId>> {
    let mut out: Vec<Vec<OpId>> = vec![Vec::new(); machine.tiers.len()];
    for handoff in &machine.handoffs {
        let Some(entries) = out.get_mut(handoff.tier.index()) else {
            continue;
        };
        entries.extend(
            handoff
                .closed
                .filter(|_| can_be_closed(machine, handoff.tier)),
        );
        entries.extend(handoff.full.as_ref().map(|(_, op)| *op));
        entries.extend(handoff.unstaffed);
    }
    out
}

/// Whether some team of a tier's matrix can be closed together with all to which it overflows.
fn can_be_closed(machine: &Machine, tier: TierId) -> bool {
    machine
        .routes
        .iter()
        .filter(|r| r.tier == tier)
        .flat_map(|r| &r.rows)
        .any(|row| {
            with_overflow(machine, [row.team])
                .iter()
                .all(|(_, hours)| machine.hours_of(*hours).is_some_and(|h| !h.always))
        })
}

/// Calls `f` with the ways on that lead through another tier without waiting.
fn passed_on(machine: &Machine, op: &Op, absent: &[Vec<OpId>], mut f: impl FnMut(OpId)) {
    let tier = match &op.kind {
        OpKind::ContinueWith { tier, .. } => Some(*tier),
        // In the block of a handoff the people have been called already.
        OpKind::Escalate(spec) => match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Handoff(..)) => None,
            _ => leads_to(machine, spec),
        },
        _ => None,
    };
    let Some(tier) = tier else { return };
    match machine.tier(tier).map(|t| t.kind) {
        Some(TierKind::People) => absent
            .get(tier.index())
            .into_iter()
            .flatten()
            .for_each(|to| f(*to)),
        Some(TierKind::Scripted) => machine
            .node(machine.bot.start)
            .into_iter()
            .for_each(|n| f(n.entry)),
        _ => {}
    }
}

/// Whether a loop that calls people also looks at the time: then it may call them only when they are there.
fn calls_when_open(machine: &Machine, members: &[OpId]) -> bool {
    let ops = || members.iter().filter_map(|id| machine.op(*id));
    let calls =
        ops().any(|op| matches!(op.kind, OpKind::Escalate(_) | OpKind::ContinueWith { .. }));
    let mut looks = false;
    for op in ops().filter(|_| calls) {
        super::support::walk::exprs_of_op(op, &mut |expr| {
            each_expr(machine, expr, &mut |e| {
                looks |= matches!(
                    e.kind,
                    ExprKind::During { .. }
                        | ExprKind::Hours(..)
                        | ExprKind::Segment(_)
                        | ExprKind::Hook(..)
                );
            })
        });
    }
    looks
}

/// Calls `f` with the ways on that are taken without waiting.
fn without_waiting(machine: &Machine, op: &Op, passable: &[bool], mut f: impl FnMut(OpId)) {
    match &op.kind {
        OpKind::Visit { node, next } => {
            if passable.get(node.index()) == Some(&true) {
                f(*next);
            }
            machine.node(*node).into_iter().for_each(|n| f(n.entry));
        }
        OpKind::Goto { node } => machine.node(*node).into_iter().for_each(|n| f(n.entry)),
        OpKind::Error { .. } => {}
        _ => each_successor(op, |to, how| {
            if passes_without_waiting(op, &how) {
                f(to);
            }
        }),
    }
}

/// By node: whether it can return to a visitor without having waited.
fn passable(cx: &Analysis<'_>) -> Vec<bool> {
    let (machine, flow) = (cx.machine, cx.flow());
    let mut passable = vec![false; machine.nodes.len()];
    // Only nodes that are visited matter; those that visit one are looked at again when it turns out to be passable.
    let mut todo: VecDeque<usize> = (0u32..)
        .zip(&machine.nodes)
        .filter(|(id, _)| !flow.visits(crate::value::NodeId(*id)).is_empty())
        .map(|(id, _)| id as usize)
        .collect();
    while let Some(i) = todo.pop_front() {
        let Some(node) = machine.nodes.get(i) else {
            continue;
        };
        if passable.get(i) == Some(&true) || !flow.reaches(node.entry) {
            continue;
        }
        let mut seen: rustc_hash::FxHashSet<OpId> = rustc_hash::FxHashSet::default();
        let mut stack = vec![node.entry];
        let mut through = false;
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(op) = machine.op(id) else { continue };
            match &op.kind {
                OpKind::Back | OpKind::Finish => {
                    through = true;
                    break;
                }
                OpKind::Visit { node, next } => {
                    if passable.get(node.index()) == Some(&true) {
                        stack.push(*next);
                    }
                }
                OpKind::Goto { .. } | OpKind::Error { .. } => {}
                _ => each_successor(op, |to, how| {
                    if passes_without_waiting(op, &how) {
                        stack.push(to);
                    }
                }),
            }
        }
        if through {
            if let Some(p) = passable.get_mut(i) {
                *p = true;
            }
            let id = crate::value::NodeId(u32::try_from(i).unwrap_or(u32::MAX));
            for visitor in flow.visits(id) {
                if let Some(owner) = machine
                    .op(*visitor)
                    .and_then(|o| machine.code(o.code))
                    .and_then(node_of)
                {
                    todo.push_back(owner.index());
                }
            }
        }
    }
    passable
}

/// Whether a form in the loop may wait in every round, because the loop also clears what it asks for.
fn form_waits_again(machine: &Machine, members: &[OpId]) -> bool {
    let mut cleared = rustc_hash::FxHashSet::default();
    for op in members.iter().filter_map(|id| machine.op(*id)) {
        if let OpKind::Clear { slot, .. } = &op.kind {
            cleared.insert(*slot);
        }
    }
    !cleared.is_empty() && members.iter().filter_map(|id| machine.op(*id)).any(|op| matches!(&op.kind, OpKind::Form { vars, .. } if vars.iter().any(|v| cleared.contains(v))))
}

/// A jump says less than a step that does something: a loop begins with one of those if there is one.
fn rank(machine: &Machine, id: OpId) -> Option<(bool, flow_grammar::Loc)> {
    let op = machine.op(id)?;
    let jumps = matches!(op.kind, OpKind::Goto { .. } | OpKind::Finish);
    Some((jumps, op.loc))
}

/// The shortest circle through the first step of the loop.
fn shortest(machine: &Machine, graph: &DiGraph<OpId, ()>, members: &[OpId]) -> Option<Vec<OpId>> {
    let inside: rustc_hash::FxHashSet<OpId> = members.iter().copied().collect();
    let start = members
        .iter()
        .copied()
        .min_by_key(|id| rank(machine, *id))?;
    let mut parent: rustc_hash::FxHashMap<OpId, OpId> = rustc_hash::FxHashMap::default();
    let mut todo = VecDeque::from([start]);
    let mut last = None;
    'search: while let Some(id) = todo.pop_front() {
        for next in graph
            .neighbors(NodeIndex::new(id.index()))
            .filter_map(|n| graph.node_weight(n))
        {
            if *next == start {
                last = Some(id);
                break 'search;
            }
            if inside.contains(next) && !parent.contains_key(next) {
                parent.insert(*next, id);
                todo.push_back(*next);
            }
        }
    }
    let mut path = vec![last?];
    while let Some(before) = path
        .last()
        .filter(|id| **id != start)
        .and_then(|id| parent.get(id))
    {
        path.push(*before);
    }
    path.reverse();
    Some(path)
}

/// Shows a circle, step by step.
fn report(cx: &Analysis<'_>, mut path: Vec<OpId>, passable: &[bool]) -> Option<Diagnostic> {
    let machine = cx.machine;
    let first = (0..path.len()).min_by_key(|i| path.get(*i).and_then(|id| rank(machine, *id)))?;
    path.rotate_left(first);
    let steps: Vec<&Op> = path.iter().filter_map(|id| machine.op(*id)).collect();
    let first = steps.first()?;
    let where_ = machine
        .code(first.code)
        .and_then(node_of)
        .and_then(|n| machine.node(n))
        .map(|n| format!(" in node `{}`", n.name))
        .unwrap_or_default();
    let mut finding = Diagnostic::error(
        "F0403",
        format!("a loop{where_} never waits for the customer"),
        cx.line(first.loc),
    )
    .labelled(format!("1. {}", tell(machine, first, passable)));
    for (i, op) in steps.iter().enumerate().skip(1).take(SHOWN - 1) {
        finding = finding.label(
            cx.line(op.loc),
            format!("{}. {}", i + 1, tell(machine, op, passable)),
        );
    }
    if steps.iter().any(|o| matches!(o.kind, OpKind::Form { .. })) {
        finding = finding.help("a `form` asks only what is unknown: use `ask`, `confirm` or `choose` in the loop, or leave it");
    } else {
        finding = finding.help("ask for something on every way round (`ask`, `choose`, `confirm`, `listen`), or leave the loop");
    }
    Some(finding)
}

fn tell(machine: &Machine, op: &Op, passable: &[bool]) -> String {
    match &op.kind {
        OpKind::Say { .. } => "says this".into(),
        OpKind::Goto { node } => machine
            .node(*node)
            .map_or_else(|| "goes on".into(), |n| format!("goes to `{}`", n.name)),
        OpKind::Visit { node, .. } => {
            let name = machine
                .node(*node)
                .map(|n| n.name.to_string())
                .unwrap_or_default();
            if passable.get(node.index()) == Some(&true) {
                format!("visits `{name}`, which can return without waiting")
            } else {
                format!("visits `{name}`")
            }
        }
        OpKind::Call { .. } => "calls, which does not wait for the customer".into(),
        OpKind::Form { .. } => "waits only if something is unknown".into(),
        OpKind::Branch { .. } => "decides without waiting".into(),
        OpKind::Match { .. } => "takes an arm that does not wait".into(),
        OpKind::Set { .. } => "fills a slot".into(),
        OpKind::Clear { .. } => "clears a slot".into(),
        OpKind::Note { .. } => "notes this".into(),
        OpKind::Tag { .. } => "tags the conversation".into(),
        OpKind::Attempt { .. } => "records this".into(),
        OpKind::Ticket { .. } => "opens a ticket".into(),
        OpKind::Callback { .. } => "books a callback".into(),
        OpKind::ChooseFrom { .. } => "is skipped when the list is empty".into(),
        OpKind::Escalate(_) => "calls people, who may not be there".into(),
        OpKind::ContinueWith { tier, .. } => match machine.tier(*tier) {
            Some(tier) if tier.kind == TierKind::People => {
                "calls people, who may not be there".into()
            }
            Some(tier) => format!("begins anew with tier `{}`", tier.name),
            None => "goes on".into(),
        },
        _ => "goes on".into(),
    }
}
