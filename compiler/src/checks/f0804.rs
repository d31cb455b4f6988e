//! F0804: a model tier can answer before the customer was told that it is an AI.

use super::support::analysis::Analysis;
use super::support::syntax;
use crate::machine::{BandAction, Machine, OfferKind, OpKind};
use crate::value::{OpId, TierId};
use flow_grammar::ast::{DeclKind, TierKind};
use flow_grammar::{Diagnostic, Loc, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0804",
    severity: Severity::Warning,
    title: "a model can answer before it was disclosed",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    if machine.bot.discloses.is_some() {
        return;
    }
    for (id, tier) in (0u32..).map(TierId).zip(&machine.tiers) {
        if tier.kind != TierKind::Model {
            continue;
        }
        let Some((at, how)) = entered(cx, id) else {
            continue;
        };
        let mut finding = Diagnostic::warning(
            "F0804",
            format!(
                "tier `{}` can answer before the customer was told that it is an AI",
                tier.name
            ),
            tier.name_loc,
        )
        .labelled("a model answers here");
        if at != tier.name_loc {
            finding = finding.label(at, how);
        }
        let item = "discloses \"You're chatting with our AI assistant.\"";
        finding = finding.help(format!(
            "add `{item}` to the bot: it is said once, before the first answer of a model"
        ));
        if let Some(DeclKind::Bot(bot)) =
            syntax::decl(cx.sources, machine.bot.loc.decl).map(|d| &d.kind)
            && let Some(edit) =
                syntax::add_to_block(cx.sources, Loc::new(machine.bot.loc.decl, bot.span), item)
        {
            finding = finding.fix("disclose it", false, vec![edit]);
        }
        found.push(finding);
    }
}

/// What hands over to a tier.
fn entered(cx: &Analysis<'_>, tier: TierId) -> Option<(Loc, &'static str)> {
    let machine = cx.machine;
    if tier.0 == 0 {
        return machine.tier(tier).map(|t| (t.name_loc, "the lowest tier"));
    }
    if let Some((_, cond)) = machine.bot.start_lines.iter().find(|(t, _)| *t == tier) {
        return Some((cond.loc, "a conversation may start there"));
    }
    if let Some(rule) = machine.rules.iter().find(|r| r.to == tier) {
        return Some((rule.name_loc, "this rule leads there"));
    }
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        if !cx.flow().reaches(id) {
            continue;
        }
        match &op.kind {
            OpKind::ContinueWith { tier: to, .. } if *to == tier => {
                return Some((op.loc, "this hands over to it"));
            }
            OpKind::Escalate(spec) if spec.to == Some(tier) => {
                return Some((op.loc, "this escalates to it"));
            }
            // The next tier up from a scripted tier below.
            OpKind::Escalate(spec)
                if spec.to.is_none() && spec.rule.is_none() && below_is_scripted(machine, tier) =>
            {
                return Some((op.loc, "this escalates to it"));
            }
            OpKind::Offer { offer, .. }
                if offer
                    .items
                    .iter()
                    .any(|i| matches!(i.kind, OfferKind::ContinueWith(t) if t == tier)) =>
            {
                return Some((op.loc, "this offers it"));
            }
            _ => {}
        }
    }
    let offered = machine
        .tiers
        .iter()
        .flat_map(|t| &t.bands)
        .find(|b| matches!(b.action, BandAction::Offer(t) if t == tier));
    offered.map(|b| (b.loc, "this band offers it"))
}

fn below_is_scripted(machine: &Machine, tier: TierId) -> bool {
    tier.0
        .checked_sub(1)
        .and_then(|t| machine.tier(TierId(t)))
        .is_some_and(|t| t.kind == TierKind::Scripted)
}
