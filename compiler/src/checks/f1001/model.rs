//! What a model is told of slots: the values of all that are not private. A copy of a private value in one of them tells it, too.
//!
//! Looked at is where the flow itself hands over to the model. Rules may do so at any time, and then the runtime hides what it
//! recognises; to complain of every copy in a bot with such a rule would say nothing of the one that matters.

use super::{copy_of, let_share, list, name, unshared};
use crate::checks::support::analysis::Analysis;
use crate::checks::support::taint::Taint;
use crate::checks::support::walk::{each_expr, each_interpolation};
use crate::machine::{ExprKind, Machine, OfferKind, Op, OpKind, Shared, Tier, Var};
use crate::value::{OpId, SlotId, TierId};
use flow_grammar::ast::TierKind;
use flow_grammar::{Diagnostic, Loc};
use rustc_hash::FxHashSet;

pub(super) fn run(cx: &Analysis<'_>, taint: &Taint, found: &mut Vec<Diagnostic>) {
    // Where nothing private is copied at all, nothing is told.
    if taint.anywhere().is_empty() {
        return;
    }
    let machine = cx.machine;
    for (id, tier) in (0u32..).map(TierId).zip(&machine.tiers) {
        if tier.kind != TierKind::Model {
            continue;
        }
        // What its persona reads is reported there.
        let mut told: FxHashSet<SlotId> = FxHashSet::default();
        if let Some(persona) = tier.persona {
            each_interpolation(machine, persona, &mut |e| {
                each_expr(machine, e, &mut |e| {
                    if let ExprKind::Slot(slot) = e.kind {
                        told.insert(slot);
                    }
                });
            });
        }
        for (at, op) in (0u32..).map(OpId).zip(&machine.ops) {
            let Some(holds) = taint.before(at) else {
                continue;
            };
            if !leads_to(machine, op, id) {
                continue;
            }
            for (var, sources) in holds.all() {
                let Var::Slot(slot) = var else { continue };
                let is_told = machine.slot(slot).is_some_and(|f| !f.private)
                    && !tier.shares.contains(&Shared::Slot(slot));
                let missing = unshared(machine, &tier.shares, sources.clone());
                if !is_told || missing.is_empty() || !told.insert(slot) {
                    continue;
                }
                let made = sources
                    .iter()
                    .find_map(|source| copy_of(machine, var, *source, taint));
                found.push(describe(cx, tier, var, &missing, made, op.loc));
            }
        }
    }
}

/// Whether an operation hands over to a tier.
fn leads_to(machine: &Machine, op: &Op, tier: TierId) -> bool {
    match &op.kind {
        OpKind::ContinueWith { tier: to, .. } => *to == tier,
        OpKind::Escalate(spec) => {
            let by_rule = || Some(machine.rule(spec.rule?)?.to);
            spec.to.or_else(by_rule) == Some(tier)
        }
        OpKind::Offer { offer, .. } => offer
            .items
            .iter()
            .any(|i| matches!(i.kind, OfferKind::ContinueWith(to) if to == tier)),
        _ => false,
    }
}

fn describe(
    cx: &Analysis<'_>,
    tier: &Tier,
    slot: Var,
    missing: &[String],
    made: Option<Loc>,
    handed: Loc,
) -> Diagnostic {
    let slot = name(cx.machine, slot);
    let first = missing.first().map_or("", String::as_str);
    let mut finding = Diagnostic::error(
        "F1001",
        format!(
            "the model of tier `{}` is told `{slot}`, which holds private {}",
            tier.name,
            list(missing)
        ),
        made.unwrap_or(handed),
    );
    if made.is_some() {
        finding = finding
            .labelled("copied here")
            .label(cx.line(handed), "here the model may take over");
    } else {
        finding = finding.labelled("here the model may take over");
    }
    finding = finding
        .label(
            tier.name_loc,
            format!("add `shares {first}` here if it may"),
        )
        .help(format!("a model knows every slot that is not private: declare `{slot}` as `private`, `clear` it before, or name {first} in the tier (`shares {first}`)"));
    if let Some(edit) = let_share(cx, tier.name_loc.decl, missing) {
        finding = finding.fix(
            format!("let the model of `{}` have it", tier.name),
            false,
            vec![edit],
        );
    }
    finding
}
