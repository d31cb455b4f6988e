//! F0707: a promise that the hours cannot keep, as `within 2h` at closing time without `of HOURS`.
//!
//! Made just before the longest gap, it would have to be kept inside the gap.

use super::support::analysis::Analysis;
use super::support::calendar::{gaps, horizon, open, show, staffed};
use super::support::set::show_duration;
use super::support::syntax;
use crate::machine::{Offer, OfferKind, OpKind, Promise};
use crate::value::{HoursId, TierId};
use flow_grammar::ast::TierKind;
use flow_grammar::{Diagnostic, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0707",
    severity: Severity::Warning,
    title: "a promise that the hours cannot keep",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut promises: Vec<Promise> = Vec::new();
    for op in &machine.ops {
        match &op.kind {
            OpKind::Ticket { promise, .. } | OpKind::Callback { promise, .. } => {
                promises.extend(*promise)
            }
            OpKind::Offer { offer, .. } => promises.extend(of_offer(offer)),
            _ => {}
        }
    }
    promises.extend(
        machine
            .handoffs
            .iter()
            .flat_map(|h| &h.offers)
            .flat_map(of_offer),
    );
    promises.retain(|p| p.of.is_none());
    promises.sort_by_key(|p| p.loc);
    promises.dedup_by_key(|p| p.loc);
    if promises.is_empty() {
        return;
    }
    let mut hours: Vec<HoursId> = (0u32..)
        .map(TierId)
        .zip(&machine.tiers)
        .filter(|(_, t)| t.kind == TierKind::People)
        .flat_map(|(id, _)| staffed(machine, id))
        .map(|(_, h)| h)
        .collect();
    hours.sort_unstable();
    hours.dedup();
    if hours.is_empty() {
        return;
    }
    let Some(open) = open(machine, &hours, cx.date) else {
        return;
    };
    let Some((horizon, zone)) = horizon(machine, cx.date) else {
        return;
    };
    let gaps = gaps(&open, horizon);
    let named = hours
        .iter()
        .find_map(|h| machine.hours_of(*h))
        .map(|h| h.name.to_string());
    for promise in promises {
        // Whole gaps only: what lies before the first day and after the last is not known.
        let Some((from, to)) = gaps
            .iter()
            .find(|(from, to)| *from > horizon.0 && *to < horizon.1 && to - from >= promise.millis)
        else {
            continue;
        };
        let within = show_duration(promise.millis);
        let mut finding = Diagnostic::warning(
            "F0707",
            format!("nobody can keep `within {within}` at closing time"),
            promise.loc,
        )
        .labelled(format!(
            "promised on {}, it ends before {}, when the first team opens",
            show(*from, &zone),
            show(*to, &zone)
        ));
        if let [only] = hours.as_slice()
            && let Some(hours) = machine.hours_of(*only)
        {
            finding = finding.label(hours.loc, "the hours");
        }
        if let Some(name) = &named {
            finding = finding.help(format!("count open time only: `within {within} of {name}`"));
            finding = finding.fix(
                format!("count the open time of `{name}`"),
                false,
                vec![syntax::add_after(promise.loc, format!(" of {name}"))],
            );
        }
        found.push(finding);
    }
}

fn of_offer(offer: &Offer) -> Vec<Promise> {
    offer
        .items
        .iter()
        .filter_map(|i| match i.kind {
            OfferKind::Callback(promise) | OfferKind::Ticket(promise) => promise,
            _ => None,
        })
        .collect()
}
