//! Defaults that read other slots and fields: whenever the one is unknown, its default is read in its place.

use super::walk::each_expr;
use crate::machine::{Expr, ExprKind, FieldDef, Machine, Var};
use crate::value::{FieldId, SlotId};
use petgraph::graph::DiGraph;
use std::collections::BTreeMap;

/// All slots, then all fields of the profile.
pub(crate) fn vars(machine: &Machine) -> impl Iterator<Item = (Var, &FieldDef)> {
    let slots = (0u32..).map(|i| Var::Slot(SlotId(i)));
    let fields = (0u32..).map(|i| Var::Customer(FieldId(i)));
    slots
        .zip(&machine.slots)
        .chain(fields.zip(&machine.customer))
}

/// The default of a slot or field.
pub(crate) fn default_of(machine: &Machine, var: Var) -> Option<&Expr> {
    match var {
        Var::Slot(id) => machine.slot(id),
        Var::Customer(id) => machine.customer_field(id),
    }?
    .default
    .as_ref()
}

/// The slots and fields whose defaults read each other, by circle, each in the order of declaration.
pub(crate) fn circles(machine: &Machine) -> Vec<Vec<Var>> {
    let mut graph: DiGraph<Var, ()> = DiGraph::new();
    let mut nodes = BTreeMap::new();
    let mut edges = Vec::new();
    for (var, field) in vars(machine) {
        let Some(default) = &field.default else {
            continue;
        };
        each_expr(machine, default, &mut |e| match e.kind {
            ExprKind::Slot(id) => edges.push((var, Var::Slot(id))),
            ExprKind::Customer(id) => edges.push((var, Var::Customer(id))),
            _ => {}
        });
    }
    for (from, to) in edges {
        let from = *nodes.entry(from).or_insert_with(|| graph.add_node(from));
        let to = *nodes.entry(to).or_insert_with(|| graph.add_node(to));
        graph.add_edge(from, to, ());
    }
    let mut out = Vec::new();
    for part in petgraph::algo::kosaraju_scc(&graph) {
        let alone = part.len() == 1
            && part
                .first()
                .is_some_and(|n| graph.find_edge(*n, *n).is_none());
        if !alone {
            let mut vars: Vec<Var> = part
                .iter()
                .filter_map(|n| graph.node_weight(*n).copied())
                .collect();
            vars.sort_unstable();
            out.push(vars);
        }
    }
    out.sort_unstable();
    out
}
