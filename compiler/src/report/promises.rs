//! Every promise with the hours that back it.

use super::staffing::Week;
use super::words;
use crate::checks::support::analysis::Analysis;
use crate::checks::support::calendar::{staffed, with_overflow};
use crate::checks::support::set::show_duration;
use crate::machine::{CodeOwner, ExprKind, Machine, Offer, OfferKind, OpKind, Promise};
use crate::sources::Position;
use crate::value::{HoursId, TierId, Value};
use flow_grammar::Loc;
use flow_grammar::ast::TierKind;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// A promise and what stands behind it.
#[derive(Debug, Clone, Serialize)]
pub struct Promised {
    /// What is promised: "callback", "row 2 to `finance`", "reply of `ai`".
    pub what: String,
    /// In what time: "2h of office".
    pub within: String,
    /// The hours that back it, by name; `always` where a machine answers.
    pub hours: Vec<SmolStr>,
    /// Open minutes of these hours in the report's week.
    pub open_minutes: i64,
    /// Whether the hours back it at any time.
    pub kept: bool,
    /// Why, or when not.
    pub why: String,
    /// Where it is written.
    pub at: Option<Position>,
}

pub(super) fn promises(cx: &Analysis<'_>) -> Vec<Promised> {
    let machine = cx.machine;
    let mut out = Vec::new();
    for (id, tier) in (0u32..).map(TierId).zip(&machine.tiers) {
        let Some(millis) = tier.reply_within else {
            continue;
        };
        let what = format!("reply of `{}`", tier.name);
        if tier.kind == TierKind::People {
            out.push(by_people(
                cx,
                what,
                millis,
                None,
                &least_staffed(cx, id),
                id,
                tier.loc,
            ));
        } else {
            out.push(Promised {
                what,
                within: show_duration(millis),
                hours: vec!["always".into()],
                open_minutes: 7 * 24 * 60,
                kept: true,
                why: "a machine answers at any time".into(),
                at: words::at(cx, tier.loc),
            });
        }
    }
    for line in &machine.targets {
        if let ("wait" | "first_reply", Some(tier), ExprKind::Const(Value::Duration(millis))) =
            (line.metric.as_str(), line.of, &line.value.kind)
            && line.alert.is_none()
        {
            let what = format!(
                "target: {} of `{}`",
                line.metric,
                words::tier(machine, tier)
            );
            out.push(by_people(
                cx,
                what,
                *millis,
                None,
                &least_staffed(cx, tier),
                tier,
                line.loc,
            ));
        }
    }
    for route in &machine.routes {
        for (n, row) in (1u32..).zip(&route.rows) {
            let Some(promise) = row.within else { continue };
            let team = machine.team(row.team).map_or("", |t| t.name.as_str());
            let hours = sorted(
                with_overflow(machine, [row.team])
                    .into_iter()
                    .map(|(_, h)| h),
            );
            let what = format!("row {n} to `{team}`");
            out.push(by_people(
                cx,
                what,
                promise.millis,
                promise.of,
                &hours,
                route.tier,
                promise.loc,
            ));
        }
    }
    let all = sorted(
        (0u32..)
            .map(TierId)
            .take(machine.tiers.len())
            .flat_map(|t| hours_of(machine, t)),
    );
    // What a handoff promises its own people keep; who keeps what a node promises is not known.
    let of_tier = |tier: Option<TierId>| tier.map_or_else(|| all.clone(), |t| hours_of(machine, t));
    let mut seen = BTreeSet::new();
    let mut later = |what: &str, promise: &Promise, tier, out: &mut Vec<Promised>| {
        if seen.insert(promise.loc) {
            out.push(later(cx, what, promise, &of_tier(tier)));
        }
    };
    for op in &machine.ops {
        let tier = match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Handoff(i, _)) => machine.handoffs.get(i as usize).map(|h| h.tier),
            _ => None,
        };
        match &op.kind {
            OpKind::Ticket {
                promise: Some(p), ..
            } => later("ticket", p, tier, &mut out),
            OpKind::Callback {
                promise: Some(p), ..
            } => later("callback", p, tier, &mut out),
            OpKind::Offer { offer, .. } => {
                for (what, p) in of_offer(offer) {
                    later(what, p, tier, &mut out);
                }
            }
            _ => {}
        }
    }
    for handoff in &machine.handoffs {
        for (what, p) in handoff.offers.iter().flat_map(of_offer) {
            later(what, p, Some(handoff.tier), &mut out);
        }
    }
    out
}

fn of_offer(offer: &Offer) -> Vec<(&'static str, &Promise)> {
    offer
        .items
        .iter()
        .filter_map(|i| match &i.kind {
            OfferKind::Callback(Some(p)) => Some(("callback", p)),
            OfferKind::Ticket(Some(p)) => Some(("ticket", p)),
            _ => None,
        })
        .collect()
}

fn hours_of(machine: &Machine, tier: TierId) -> Vec<HoursId> {
    sorted(staffed(machine, tier).into_iter().map(|(_, h)| h))
}

fn sorted(hours: impl Iterator<Item = HoursId>) -> Vec<HoursId> {
    hours.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Of the rows to a tier, the hours of the one that is staffed least: a promise for all holds for it too.
fn least_staffed(cx: &Analysis<'_>, tier: TierId) -> Vec<HoursId> {
    cx.machine
        .routes
        .iter()
        .filter(|r| r.tier == tier)
        .flat_map(|r| &r.rows)
        .map(|row| {
            sorted(
                with_overflow(cx.machine, [row.team])
                    .into_iter()
                    .map(|(_, h)| h),
            )
        })
        .min_by_key(|hours| Week::new(cx, hours).minutes())
        .unwrap_or_default()
}

fn names(machine: &Machine, hours: &[HoursId]) -> Vec<SmolStr> {
    hours
        .iter()
        .filter_map(|h| machine.hours_of(*h))
        .map(|h| h.name.clone())
        .collect()
}

fn shown(machine: &Machine, millis: i64, of: Option<HoursId>) -> String {
    match of.and_then(|h| machine.hours_of(h)) {
        Some(hours) => format!("{} of {}", show_duration(millis), hours.name),
        None => show_duration(millis),
    }
}

/// What people answer while they are there; outside their hours the `closed` plan stands in, if there is one.
fn by_people(
    cx: &Analysis<'_>,
    what: String,
    millis: i64,
    of: Option<HoursId>,
    hours: &[HoursId],
    tier: TierId,
    loc: Loc,
) -> Promised {
    let machine = cx.machine;
    let week = Week::new(cx, hours);
    let plan = machine
        .handoffs
        .iter()
        .any(|h| h.tier == tier && h.when.is_none() && h.has_closed_plan(machine));
    let (kept, why) = match week.gap_of(0) {
        None => (true, "somebody is always there".to_owned()),
        Some((from, _)) if plan => (
            true,
            format!(
                "while somebody is there; when all are closed (first on {from}) the `closed` plan stands in"
            ),
        ),
        Some((from, to)) => (
            of.is_some(),
            format!("nobody is there from {from} to {to}, and there is no `closed` plan"),
        ),
    };
    Promised {
        what,
        within: shown(machine, millis, of),
        hours: names(machine, hours),
        open_minutes: week.minutes(),
        kept,
        why,
        at: words::at(cx, loc),
    }
}

/// What is promised for later: a callback, a ticket.
fn later(cx: &Analysis<'_>, what: &str, promise: &Promise, staff: &[HoursId]) -> Promised {
    let machine = cx.machine;
    let of: Vec<HoursId> = promise.of.into_iter().collect();
    let backing = if of.is_empty() { staff } else { &of };
    let week = Week::new(cx, backing);
    let people = Week::new(cx, staff);
    let (kept, why) = if staff.is_empty() {
        (false, "no matrix leads to a team".to_owned())
    } else if promise.of.is_some() {
        match week.beyond(&people) {
            None => (
                true,
                "counted in open time, in which a team is there".to_owned(),
            ),
            Some((from, to)) => (
                false,
                format!("these hours are open from {from} to {to}, when no team is there"),
            ),
        }
    } else {
        match week.gap_of(promise.millis) {
            None => (
                true,
                "a team is there in time, whenever it is promised".to_owned(),
            ),
            Some((from, to)) => (
                false,
                format!("promised on {from} it ends by {to}, when the first team opens"),
            ),
        }
    };
    Promised {
        what: what.to_owned(),
        within: shown(machine, promise.millis, promise.of),
        hours: names(machine, backing),
        open_minutes: week.minutes(),
        kept,
        why,
        at: words::at(cx, promise.loc),
    }
}
