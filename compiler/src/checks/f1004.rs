//! F1004: a profile read before identity can have been proven.
//!
//! A webhook fills the profile once it is proven who writes. On WhatsApp and after a signed web login that is so from the start;
//! Messenger, Instagram, Telegram and Slack vouch for an account, not for a person: there only `verify` proves it.

use super::support::analysis::Analysis;
use super::support::flow::{RootKind, each_way, successors};
use super::support::walk::{
    each_expr, each_interpolation, exprs_of_op, exprs_outside_ops, texts_of_op, texts_outside_ops,
};
use crate::machine::{Expr, ExprKind, OpKind, Transition, Var};
use crate::value::{FieldId, OpId};
use flow_grammar::{Diagnostic, Loc, Severity};
use rustc_hash::FxHashSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F1004",
    severity: Severity::Error,
    title: "a profile read before identity can have been proven",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    let Some(profile) = &machine.profile else {
        return;
    };
    let vouches = |c: &str| !matches!(c, "messenger" | "instagram" | "telegram" | "slack");
    if machine.bot.channels.is_empty() || machine.bot.channels.iter().any(|c| vouches(c)) {
        return;
    }
    // What the flow itself collects is a claim, and read as one.
    let mut claimed: FxHashSet<FieldId> = FxHashSet::default();
    for op in &machine.ops {
        match &op.kind {
            OpKind::Ask {
                var: Var::Customer(f),
                ..
            }
            | OpKind::ChooseFrom {
                var: Var::Customer(f),
                ..
            }
            | OpKind::Set {
                slot: Var::Customer(f),
                ..
            } => {
                claimed.insert(*f);
            }
            OpKind::Form { vars, .. } => claimed.extend(vars.iter().filter_map(|v| {
                if let Var::Customer(f) = v {
                    Some(*f)
                } else {
                    None
                }
            })),
            _ => {}
        }
    }
    // Places that some way reaches after a proof.
    let mut proven = vec![false; machine.ops.len()];
    let mut todo: Vec<OpId> = Vec::new();
    let mut any = false;
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        if matches!(op.kind, OpKind::Verify { .. }) && flow.reaches(id) {
            any = true;
            todo.extend(
                successors(op)
                    .into_iter()
                    .filter(|(_, how)| *how == Transition::Next)
                    .map(|(to, _)| to),
            );
        }
    }
    if any {
        // Handlers may interrupt after the proof, and return to anywhere.
        todo.extend(
            flow.roots
                .iter()
                .filter(|r| r.kind != RootKind::Start)
                .map(|r| r.op),
        );
    }
    while let Some(id) = todo.pop() {
        match proven.get_mut(id.index()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let Some(op) = machine.op(id) else { continue };
        each_way(machine, op, |to| todo.push(to));
        // A visited node that proves it has proven it for its visitors.
        if matches!(op.kind, OpKind::Back | OpKind::Finish)
            && let Some(node) = machine
                .code(op.code)
                .and_then(super::support::flow::node_of)
        {
            for visitor in flow.visits(node) {
                todo.extend(
                    machine
                        .op(*visitor)
                        .into_iter()
                        .flat_map(successors)
                        .map(|(to, _)| to),
                );
            }
        }
    }
    let mut told: FxHashSet<Loc> = FxHashSet::default();
    let mut see = |expr: &Expr| {
        let ExprKind::Customer(field) = expr.kind else {
            return;
        };
        let Some(def) = machine.customer_field(field) else {
            return;
        };
        if def.identifies || claimed.contains(&field) || !told.insert(expr.loc) {
            return;
        }
        found.push(
            Diagnostic::error("F1004", format!("`customer.{}` is read before it can be proven who writes", def.name), expr.loc)
                .labelled("the profile is not loaded yet")
                .label(profile.loc, "loaded once identity is proven")
                .help("ask for an identifying field and prove it first: `verify customer.email \"We sent you a code.\" { failed -> .. }`"),
        );
    };
    // Rules, segments and all else outside the nodes may look at any time: in vain only where nothing ever proves it.
    if !any {
        exprs_outside_ops(machine, &mut |e| each_expr(machine, e, &mut see));
        let mut texts = Vec::new();
        texts_outside_ops(machine, &mut |t, _| texts.push(t));
        for text in texts {
            each_interpolation(machine, text, &mut |e| each_expr(machine, e, &mut see));
        }
    }
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        if !flow.reaches(id) || proven.get(id.index()) == Some(&true) {
            continue;
        }
        exprs_of_op(op, &mut |e| each_expr(machine, e, &mut see));
        let mut texts = Vec::new();
        texts_of_op(op, &mut |t, _| texts.push(t));
        for text in texts {
            each_interpolation(machine, text, &mut |e| each_expr(machine, e, &mut see));
        }
    }
}
