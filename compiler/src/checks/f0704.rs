//! F0704: a time when no team that a row can reach is open, and no `closed` plan stands.
//!
//! Hours are laid out over 400 days from the given date in their own time zones, holidays and clock changes included. A row that
//! matches only while some hours are open, or only while they are closed, is looked at only then.

use super::support::analysis::Analysis;
use super::support::calendar::{
    Stretch, certain, common, gaps, horizon, open, show, with_overflow,
};
use super::support::syntax;
use crate::machine::{CellPattern, ExprKind, Handoff, HoursOf, HoursQuery, Route};
use crate::value::{HoursId, TierId, Value};
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
        // Of a block that could not be read it is not known what it says.
        let unread = || syntax::unread(cx.sources, handoff.loc.decl);
        if handoff.has_closed_plan(machine) || handoff.closed.is_some() && unread() {
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
            .flat_map(|route| (0..).zip(&route.rows).map(move |(i, row)| (route, i, row)));
        let mut seen = BTreeSet::new();
        let mut rows = rows.map(|(route, i, row)| (conditions(route, i), row));
        let gap = rows.find_map(|(conditions, row)| {
            if !seen.insert((row.team, conditions.clone())) {
                return None;
            }
            let teams = with_overflow(machine, [row.team]);
            if !certain(cx, &teams) {
                return None;
            }
            let mut hours: Vec<HoursId> = teams.iter().map(|(_, h)| *h).collect();
            hours.sort_unstable();
            hours.dedup();
            let mut gaps = gaps(&open(machine, &hours, cx.date)?, horizon);
            for (of, state) in conditions {
                gaps = while_so(cx, of, state, &gaps, horizon);
            }
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
                "nobody is there for `{team}` from {} to {}, and `handoff {}` {}",
                show(from, &zone),
                show(to, &zone),
                def.name,
                if handoff.closed.is_some() {
                    "has an empty `closed` block"
                } else {
                    "has no `closed` plan"
                }
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
        if handoff.closed.is_none()
            && let Some(DeclKind::Handoff(decl)) =
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

/// Hours, and whether they have to be open or closed.
type Condition = (HoursId, bool);

/// What a row demands of hours: its own cells, less what the rows above take.
fn conditions(route: &Route, row: usize) -> Vec<Condition> {
    let mut out = Vec::new();
    for (c, column) in route.columns.iter().enumerate() {
        let (hours, open_is) = match &column.kind {
            ExprKind::Hours(HoursOf::Hours(id), HoursQuery::Open) => (*id, true),
            ExprKind::During {
                during,
                hours: HoursOf::Hours(id),
            } => (*id, *during),
            _ => continue,
        };
        let takes = |i: usize, value: bool| {
            let cell = route.rows.get(i).and_then(|r| r.cells.get(c));
            cell.is_some_and(|cell| {
                cell.iter().any(|p| match p {
                    CellPattern::Any => true,
                    CellPattern::Value(Value::Bool(is)) => *is == value,
                    CellPattern::Not(values) => !values.contains(&Value::Bool(value)),
                    _ => false,
                })
            })
        };
        let matches = |value: bool| {
            takes(row, value)
                && !(0..row).any(|above| takes(above, value) && takes_all_of(route, above, row, c))
        };
        match (matches(true), matches(false)) {
            (true, false) => out.push((hours, open_is)),
            (false, true) => out.push((hours, !open_is)),
            _ => {}
        }
    }
    out
}

/// Whether a row takes everything of another one, a column aside.
fn takes_all_of(route: &Route, above: usize, row: usize, aside: usize) -> bool {
    let (Some(above), Some(row)) = (route.rows.get(above), route.rows.get(row)) else {
        return false;
    };
    let mut cells = above.cells.iter().zip(&row.cells).enumerate();
    cells.all(|(c, (a, b))| c == aside || a.contains(&CellPattern::Any) || a == b)
}

/// The parts of gaps in which hours are open, or closed.
fn while_so(
    cx: &Analysis<'_>,
    hours: HoursId,
    are_open: bool,
    within: &[Stretch],
    horizon: Stretch,
) -> Vec<Stretch> {
    match (open(cx.machine, &[hours], cx.date), are_open) {
        (Some(open), true) => common(within, &open),
        (Some(open), false) => common(within, &gaps(&open, horizon)),
        // They are always open.
        (None, true) => within.to_vec(),
        (None, false) => Vec::new(),
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
