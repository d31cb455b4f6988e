//! F0704: a time when no team that a row can reach is open, and no `closed` plan stands.
//!
//! Hours are laid out over 400 days from the given date in their own time zones, holidays and clock changes included.

use super::support::analysis::Analysis;
use super::support::calendar::{gaps, horizon, open, show, with_overflow};
use super::support::syntax;
use crate::machine::Handoff;
use crate::value::{HoursId, TierId};
use flow_grammar::ast::{DeclKind, TierKind};
use flow_grammar::{Diagnostic, Loc, Severity, Span};
use std::collections::BTreeSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0704",
    severity: Severity::Warning,
    title: "a time when nobody is there and nothing is planned",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    for (tier, def) in (0u32..).map(TierId).zip(&machine.tiers) {
        if def.kind != TierKind::People {
            continue;
        }
        // The handoff without a condition stands for all: those with one take its plan over.
        let mine = || machine.handoffs.iter().filter(|h| h.tier == tier);
        let Some(handoff) = mine().find(|h| h.when.is_none()).or_else(|| mine().next()) else {
            continue;
        };
        if handoff.closed.is_some() {
            continue;
        }
        let Some((horizon, zone)) = horizon(machine, cx.date) else {
            continue;
        };
        // The first row with a gap says enough: one plan mends all of them.
        let rows = machine
            .routes
            .iter()
            .filter(|r| r.tier == tier)
            .flat_map(|r| &r.rows);
        let mut seen = BTreeSet::new();
        let gap = rows.filter(|row| seen.insert(row.team)).find_map(|row| {
            let teams = with_overflow(machine, [row.team]);
            let mut hours: Vec<HoursId> = teams.iter().map(|(_, h)| *h).collect();
            hours.sort_unstable();
            hours.dedup();
            let gaps = gaps(&open(machine, &hours, cx.date)?, horizon);
            // The first whole gap says most; the one at the horizon's start may be cut.
            let first = gaps
                .iter()
                .find(|g| g.0 > horizon.0)
                .or_else(|| gaps.first())
                .copied()?;
            Some((row, hours, gaps.len(), first))
        });
        let Some((row, hours, count, (from, to))) = gap else {
            continue;
        };
        let zone_name = &machine.bot.timezone;
        let team = machine
            .team(row.team)
            .map(|t| t.name.as_str())
            .unwrap_or_default();
        let mut finding = Diagnostic::warning(
            "F0704",
            format!(
                "nobody is there for `{team}` from {} to {}, and `handoff {}` has no `closed` plan",
                show(from, &zone),
                show(to, &zone),
                def.name
            ),
            head(cx, handoff),
        )
        .labelled(if count > 1 {
            format!("the first of {count} such gaps in 400 days ({zone_name})")
        } else {
            format!("in {zone_name}")
        })
        .label(
            row.team_loc,
            "this row leads to a team that is closed then, overflow included",
        );
        for id in hours.iter().take(3) {
            if let Some(hours) = machine.hours_of(*id) {
                finding = finding.label(
                    name_of(cx, hours.loc),
                    "its hours, or those of its overflow",
                );
            }
        }
        finding = finding.help("say what happens then: `closed { say \"We are back {team.next_open}.\"; ticket within 4h of HOURS }`, or let the team overflow to one that is open");
        if let Some(DeclKind::Handoff(decl)) =
            syntax::decl(cx.sources, handoff.loc.decl).map(|d| &d.kind)
            && let Some(edit) = syntax::add_to_block(
                cx.sources,
                Loc::new(handoff.loc.decl, decl.span),
                "closed { say \"Our team is back {team.next_open}.\" }",
            )
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
    let end = text.find(['{', '\n']).map_or(text.len(), |i| {
        text.get(..i).unwrap_or_default().trim_end().len()
    });
    Loc::new(
        loc.decl,
        Span::new(
            loc.span.start,
            loc.span.start + u32::try_from(end).unwrap_or(0),
        ),
    )
}
