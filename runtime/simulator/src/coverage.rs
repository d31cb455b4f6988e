//! What tests exercised: nodes, transitions, rules, matrix rows.

use flow_compiler::machine::{CodeOwner, Machine, OpKind, RuleOrigin};
use flow_compiler::sources::Position;
use flow_engine::Recorded;
use flow_grammar::Loc;
use std::collections::BTreeSet;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// A node that ran.
    Node,
    /// A way from one operation to another.
    Transition,
    /// A rule that escalated.
    Rule,
    /// A matrix row that routed.
    Row,
}

/// Places that were exercised.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    nodes: BTreeSet<usize>,
    /// By place: what the compiler added stands at the place of what it was added to.
    transitions: BTreeSet<(Position, Position)>,
    rules: BTreeSet<usize>,
    rows: BTreeSet<(usize, usize)>,
}

/// How much of a part was exercised, and what was not.
#[derive(Debug, Clone)]
pub struct Share {
    /// Of what.
    pub part: Part,
    /// Exercised.
    pub hit: usize,
    /// In all.
    pub of: usize,
    /// The others: in words, with their place.
    pub missed: Vec<(String, Loc)>,
}

impl Coverage {
    /// Of one conversation.
    #[must_use]
    pub fn of(machine: &Machine, history: &[Recorded]) -> Self {
        let mut out = Self::default();
        let mut last: Option<&Position> = None;
        for row in history {
            for step in &row.decision.steps {
                if let Some(from) = last {
                    out.transitions.insert((from.clone(), step.at.clone()));
                }
                last = Some(&step.at);
                if let Some(node) = step.node.as_ref().and_then(|n| machine.names.nodes.get(n)) {
                    out.nodes.insert(node.index());
                }
            }
            if let Some(rule) = row
                .decision
                .escalation
                .as_ref()
                .and_then(|e| e.rule.as_ref())
                .and_then(|r| machine.names.rules.get(r))
            {
                out.rules.insert(rule.index());
            }
            if let Some(found) = &row.decision.row {
                for (r, route) in machine.routes.iter().enumerate() {
                    if let Some(i) = route
                        .rows
                        .iter()
                        .position(|x| machine.sources.position(x.loc).as_ref() == Some(&found.at))
                    {
                        out.rows.insert((r, i));
                    }
                }
            }
        }
        out
    }

    /// Adds what another test exercised.
    pub fn add(&mut self, other: &Self) {
        self.nodes.extend(&other.nodes);
        self.transitions.extend(other.transitions.iter().cloned());
        self.rules.extend(&other.rules);
        self.rows.extend(&other.rows);
    }

    /// The shares of all parts.
    #[must_use]
    pub fn shares(&self, machine: &Machine) -> Vec<Share> {
        let nodes = machine
            .nodes
            .iter()
            .enumerate()
            .map(|(i, n)| (self.nodes.contains(&i), n.name.to_string(), n.name_loc));
        let rules = machine
            .rules
            .iter()
            .enumerate()
            .filter(|(_, r)| r.origin == RuleOrigin::Declared)
            .map(|(i, r)| (self.rules.contains(&i), r.name.to_string(), r.name_loc));
        let rows = machine.routes.iter().enumerate().flat_map(|(r, route)| {
            let tier = machine
                .tier(route.tier)
                .map(|t| t.name.clone())
                .unwrap_or_default();
            route
                .rows
                .iter()
                .enumerate()
                .map(move |(i, row)| {
                    (
                        self.rows.contains(&(r, i)),
                        format!("{tier} row {}", i + 1),
                        row.loc,
                    )
                })
                .collect::<Vec<_>>()
        });
        let transitions = self.transitions_of(machine);
        vec![
            share(Part::Node, nodes),
            share(Part::Transition, transitions.into_iter()),
            share(Part::Rule, rules),
            share(Part::Row, rows),
        ]
    }

    /// The ways out of operations that have a choice; a straight line is covered with its node.
    fn transitions_of(&self, machine: &Machine) -> Vec<(bool, String, Loc)> {
        let mut out = Vec::new();
        for from in machine.graph.node_indices() {
            let Some(op) = machine.ops.get(from.index()) else {
                continue;
            };
            let targets: BTreeSet<usize> =
                machine.graph.neighbors(from).map(petgraph_index).collect();
            if targets.len() < 2 || matches!(op.kind, OpKind::Visit { .. }) {
                continue;
            }
            let owner = match machine.code(op.code).map(|c| c.owner) {
                Some(CodeOwner::Node(id)) => machine
                    .node(id)
                    .map(|n| n.name.to_string())
                    .unwrap_or_default(),
                Some(CodeOwner::Handler(_)) => "a handler".to_owned(),
                _ => "a block".to_owned(),
            };
            for to in targets {
                let Some(target) = machine.ops.get(to) else {
                    continue;
                };
                // What the compiler added (an escalation after `retry`) has the question's own place and is not the author's to test.
                if target.loc == op.loc {
                    continue;
                }
                let covered = machine
                    .sources
                    .position(op.loc)
                    .zip(machine.sources.position(target.loc))
                    .is_some_and(|way| self.transitions.contains(&way));
                let words = machine
                    .sources
                    .snippet(target.loc)
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .chars()
                    .take(40)
                    .collect::<String>();
                out.push((covered, format!("{owner}: `{words}`"), target.loc));
            }
        }
        out
    }
}

fn petgraph_index(index: petgraph::graph::NodeIndex) -> usize {
    index.index()
}

fn share(part: Part, items: impl Iterator<Item = (bool, String, Loc)>) -> Share {
    let mut out = Share {
        part,
        hit: 0,
        of: 0,
        missed: Vec::new(),
    };
    for (hit, name, loc) in items {
        out.of += 1;
        if hit {
            out.hit += 1;
        } else {
            out.missed.push((name, loc));
        }
    }
    out
}
