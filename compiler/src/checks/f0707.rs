//! F0707: a promise that the hours cannot keep, as `within 2h` at closing time without `of HOURS`.
//!
//! Made just before the longest gap, it would have to be kept inside the gap. `of HOURS` counts the open time of these hours only; if
//! nobody is there for so much of it, the promise cannot be kept either.

use super::support::analysis::Analysis;
use super::support::calendar::{Stretch, certain, common, gaps, horizon, open, show, staffed};
use super::support::set::show_duration;
use super::support::syntax;
use crate::machine::{CodeOwner, Offer, OfferKind, OpKind, Promise};
use crate::value::{HoursId, TierId};
use flow_grammar::ast::TierKind;
use flow_grammar::{Diagnostic, Severity};
use std::collections::BTreeMap;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0707",
    severity: Severity::Warning,
    title: "a promise that the hours cannot keep",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let people: Vec<TierId> = (0u32..)
        .map(TierId)
        .zip(&machine.tiers)
        .filter(|(_, t)| t.kind == TierKind::People)
        .map(|(id, _)| id)
        .collect();
    // The people of a handoff's tier keep what it promises; who keeps what a node promises is not known.
    let mut promises: Vec<(Promise, Option<TierId>)> = Vec::new();
    for op in &machine.ops {
        let made: Vec<Promise> = match &op.kind {
            OpKind::Ticket { promise, .. } | OpKind::Callback { promise, .. } => {
                promise.iter().copied().collect()
            }
            OpKind::Offer { offer, .. } => of_offer(offer),
            _ => continue,
        };
        let by = match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Handoff(index, _)) => {
                machine.handoffs.get(index as usize).map(|h| h.tier)
            }
            _ => None,
        };
        promises.extend(made.into_iter().map(|p| (p, by)));
    }
    for handoff in &machine.handoffs {
        let made = handoff.offers.iter().flat_map(of_offer);
        promises.extend(made.map(|p| (p, Some(handoff.tier))));
    }
    promises.sort_by_key(|(p, _)| p.loc);
    promises.dedup_by_key(|(p, _)| p.loc);
    let mut by: BTreeMap<Option<TierId>, Vec<Promise>> = BTreeMap::new();
    for (promise, tier) in promises {
        by.entry(tier).or_default().push(promise);
    }
    for (tier, promises) in by {
        let tiers = tier.map_or_else(|| people.clone(), |t| vec![t]);
        unkept(cx, &tiers, promises, found);
    }
}

/// The promises that the people of these tiers cannot keep.
fn unkept(
    cx: &Analysis<'_>,
    tiers: &[TierId],
    promises: Vec<Promise>,
    found: &mut Vec<Diagnostic>,
) {
    let machine = cx.machine;
    let teams: Vec<_> = tiers.iter().flat_map(|id| staffed(machine, *id)).collect();
    if !certain(cx, &teams) {
        return;
    }
    let mut hours: Vec<HoursId> = teams.iter().map(|(_, h)| *h).collect();
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
    let hours_in_words = hours.iter().find_map(|h| machine.hours_of(*h));
    let named = |promise: &Promise| {
        hours_in_words.and_then(|h| syntax::called_at(machine, &h.name, h.loc, promise.loc))
    };
    let (by_the_clock, in_open_time): (Vec<Promise>, Vec<Promise>) =
        promises.into_iter().partition(|p| {
            // `of always` counts by the clock, too.
            p.of.is_none_or(|of| machine.hours_of(of).is_some_and(|h| h.always))
        });
    for promise in in_open_time {
        let Some(of) = promise.of.and_then(|of| machine.hours_of(of)) else {
            continue;
        };
        if let Some((from, to)) = nobody_in(cx, &gaps, horizon, &promise) {
            found.push(
                Diagnostic::warning(
                    "F0707",
                    format!(
                        "nobody can keep `within {} of {}`",
                        show_duration(promise.millis),
                        of.name
                    ),
                    promise.loc,
                )
                .labelled(format!(
                    "from {} to {} `{}` is open and no team is there",
                    show(from, &zone),
                    show(to, &zone),
                    of.name
                ))
                .label(of.loc, "the hours that are counted")
                .help(match named(&promise) {
                    Some(name) => {
                        format!("count the time in which a team is there, as `of {name}`")
                    }
                    None => "count the time in which a team is there".to_owned(),
                }),
            );
        }
    }
    for promise in by_the_clock {
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
            "promised on {}, it ends by {}, when the first team opens",
            show(*from, &zone),
            show(*to, &zone)
        ));
        if let [only] = hours.as_slice()
            && let Some(hours) = machine.hours_of(*only)
        {
            finding = finding.label(hours.loc, "the hours");
        }
        if let Some(name) = named(&promise) {
            finding = finding.help(format!("count open time only: `within {within} of {name}`"));
            if promise.of.is_none() {
                finding = finding.fix(
                    format!("count the open time of `{name}`"),
                    false,
                    vec![syntax::add_after(promise.loc, format!(" of {name}"))],
                );
            }
        }
        found.push(finding);
    }
}

/// The first gap in which as much open time of a promise's hours passes as it has, and when that begins and ends.
fn nobody_in(
    cx: &Analysis<'_>,
    gaps: &[Stretch],
    horizon: Stretch,
    promise: &Promise,
) -> Option<Stretch> {
    let hours = promise.of?;
    if !cx.whole(cx.machine.hours_of(hours)?.loc.decl) {
        return None;
    }
    let counted = open(cx.machine, &[hours], cx.date)?;
    let mut pieces = common(&counted, gaps).into_iter().peekable();
    for gap in gaps {
        let (mut passed, mut seen) = (0, None);
        while let Some((from, to)) = pieces.next_if(|(_, to)| *to <= gap.1) {
            passed += to - from;
            seen = Some((seen.map_or(from, |(first, _)| first), to));
        }
        // Whole gaps only: what lies before the first day and after the last is not known.
        if passed >= promise.millis && gap.0 > horizon.0 && gap.1 < horizon.1 {
            return seen;
        }
    }
    None
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
