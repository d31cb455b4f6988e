//! F0704: a time when no team that a row can reach is open, and no `closed` plan stands.
//!
//! Hours are laid out over 400 days from the given date in their own time zones, holidays and clock changes included.

use super::support::analysis::Analysis;
use super::support::calendar::{gaps, horizon, open, show, staffed};
use super::support::syntax;
use crate::machine::Handoff;
use crate::value::{HoursId, TierId};
use flow_grammar::ast::{DeclKind, TierKind};
use flow_grammar::{Diagnostic, Loc, Severity, Span};

pub(super) const CHECK: super::Check = super::Check { code: "F0704", severity: Severity::Warning, title: "a time when nobody is there and nothing is planned", run };

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    for (tier, def) in (0u32..).map(TierId).zip(&machine.tiers) {
        if def.kind != TierKind::People {
            continue;
        }
        // The handoff without a condition stands for all: those with one take its plan over.
        let mine = || machine.handoffs.iter().filter(|h| h.tier == tier);
        let Some(handoff) = mine().find(|h| h.when.is_none()).or_else(|| mine().next()) else { continue };
        if handoff.closed.is_some() {
            continue;
        }
        let staffed = staffed(machine, tier);
        if staffed.is_empty() {
            continue;
        }
        let mut hours: Vec<HoursId> = staffed.iter().map(|(_, h)| *h).collect();
        hours.sort_unstable();
        hours.dedup();
        let Some(open) = open(machine, &hours, cx.date) else { continue };
        let Some((horizon, zone)) = horizon(machine, cx.date) else { continue };
        let gaps = gaps(&open, horizon);
        // The first whole gap says most; the one at the horizon's start may be cut.
        let Some((from, to)) = gaps.iter().find(|g| g.0 > horizon.0).or_else(|| gaps.first()) else { continue };
        let zone_name = &machine.bot.timezone;
        let mut finding = Diagnostic::warning("F0704", format!("nobody is there from {} to {}, and `handoff {}` has no `closed` plan", show(*from, &zone), show(*to, &zone), def.name), head(cx, handoff))
            .labelled(if gaps.len() > 1 { format!("the first of {} such gaps in 400 days ({zone_name})", gaps.len()) } else { format!("in {zone_name}") });
        for id in hours.iter().take(3) {
            if let Some(hours) = machine.hours_of(*id) {
                finding = finding.label(name_of(cx, hours.loc), "hours of a team that can be reached");
            }
        }
        finding = finding.help("say what happens then: `closed { say \"We are back {team.next_open}.\"; ticket within 4h of HOURS }`, or route to a team that is open");
        if let Some(DeclKind::Handoff(decl)) = syntax::decl(cx.sources, handoff.loc.decl).map(|d| &d.kind)
            && let Some(edit) = syntax::add_to_block(cx.sources, Loc::new(handoff.loc.decl, decl.span), "closed { say \"Our team is back {team.next_open}.\" }")
        {
            finding = finding.fix("add a `closed` plan", false, vec![edit]);
        }
        found.push(finding);
    }
}

/// The words `handoff TIER`.
pub(super) fn head(cx: &Analysis<'_>, handoff: &Handoff) -> Loc {
    name_of(cx, handoff.loc)
}

/// A declaration up to its brace.
fn name_of(cx: &Analysis<'_>, loc: Loc) -> Loc {
    let text = cx.sources.snippet(loc);
    let end = text.find(['{', '\n']).map_or(text.len(), |i| text.get(..i).unwrap_or_default().trim_end().len());
    Loc::new(loc.decl, Span::new(loc.span.start, loc.span.start + u32::try_from(end).unwrap_or(0)))
}
