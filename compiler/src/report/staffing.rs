//! The week of every row of every matrix: who is there when, overflow included, and when nobody is.

use super::words;
use crate::checks::support::analysis::Analysis;
use crate::checks::support::calendar::{self, Stretch};
use crate::machine::Machine;
use crate::sources::Position;
use crate::value::{HoursId, TeamId};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// A row of a matrix and its week.
#[derive(Debug, Clone, Serialize)]
pub struct Staffing {
    /// The tier of people.
    pub tier: SmolStr,
    /// The row, from 1.
    pub row: u32,
    /// The cells that are not `_`: "intent billing, refund".
    pub when: String,
    /// The team.
    pub team: SmolStr,
    /// The teams to which it overflows, in order of name.
    pub overflow: Vec<SmolStr>,
    /// Whether somebody is always there.
    pub always: bool,
    /// The seven days from the Monday of the report's week on.
    pub week: Vec<Day>,
    /// When nobody is there in that week: "Sat 2026-03-07 14:00 to Mon 2026-03-09 09:00".
    pub gaps: Vec<String>,
    /// The longest time without anybody within 400 days.
    pub longest_gap: Option<String>,
    /// Whether the handoff says what happens then.
    pub closed_plan: bool,
    /// The row.
    pub at: Option<Position>,
}

/// A day of a row.
#[derive(Debug, Clone, Serialize)]
pub struct Day {
    /// The day.
    pub date: jiff::civil::Date,
    /// When somebody is there: minutes from midnight, end excluded.
    pub open: Vec<(u16, u16)>,
}

pub(super) fn staffing(cx: &Analysis<'_>) -> Vec<Staffing> {
    let machine = cx.machine;
    let mut out = Vec::new();
    for route in &machine.routes {
        let mine = || machine.handoffs.iter().filter(|h| h.tier == route.tier);
        let plan = mine().find(|h| h.when.is_none()).or_else(|| mine().next());
        for (n, row) in (1u32..).zip(&route.rows) {
            let teams = calendar::with_overflow(machine, [row.team]);
            let mut hours: Vec<HoursId> = teams.iter().map(|(_, h)| *h).collect();
            hours.sort_unstable();
            hours.dedup();
            let name = |t| machine.team(t).map(|t| t.name.clone()).unwrap_or_default();
            let week = Week::new(cx, &hours);
            let when: Vec<String> = route
                .columns
                .iter()
                .zip(&row.cell_locs)
                .map(|(column, cell)| (cx.words(column.loc), cx.words(*cell)))
                .filter(|(_, cell)| cell != "_")
                .map(|(column, cell)| format!("{column} {cell}"))
                .collect();
            out.push(Staffing {
                tier: words::tier(machine, route.tier).into(),
                row: n,
                when: if when.is_empty() {
                    "everything else".into()
                } else {
                    when.join(", ")
                },
                team: name(row.team),
                overflow: overflow(machine, row.team).into_iter().map(name).collect(),
                always: week.open.is_none(),
                week: week.days(),
                gaps: week.gaps(),
                longest_gap: week.longest(),
                closed_plan: plan.is_some_and(|h| h.has_closed_plan(cx.machine)),
                at: words::at(cx, row.loc),
            });
        }
    }
    out
}

/// The teams to which a team overflows, and those to which these do, in the order in which they are asked.
fn overflow(machine: &Machine, team: TeamId) -> Vec<TeamId> {
    let mut seen = BTreeSet::from([team]);
    let mut next = vec![team];
    let mut out = Vec::new();
    while !next.is_empty() {
        let reached = next.iter().filter_map(|t| machine.team(*t));
        next = reached
            .flat_map(|t| &t.overflow)
            .map(|(t, _)| *t)
            .filter(|t| seen.insert(*t))
            .collect();
        out.extend_from_slice(&next);
    }
    out
}

/// The week of some hours.
pub(super) struct Week {
    /// Absent: always.
    open: Option<Vec<Stretch>>,
    span: Stretch,
    horizon: Stretch,
    monday: jiff::civil::Date,
    zone: TimeZone,
}

impl Week {
    pub(super) fn new(cx: &Analysis<'_>, hours: &[HoursId]) -> Self {
        let back = i64::from(cx.date.weekday().to_monday_zero_offset());
        let monday = cx.date.checked_sub(back.days()).unwrap_or(cx.date);
        let (horizon, zone) =
            calendar::horizon(cx.machine, monday).unwrap_or(((0, 0), TimeZone::UTC));
        let end = monday
            .checked_add(7.days())
            .ok()
            .and_then(|d| d.to_zoned(zone.clone()).ok())
            .map_or(horizon.0, |z| z.timestamp().as_millisecond());
        Self {
            open: calendar::open(cx.machine, hours, monday),
            span: (horizon.0, end),
            horizon,
            monday,
            zone,
        }
    }

    /// Open minutes in the week.
    pub(super) fn minutes(&self) -> i64 {
        match &self.open {
            None => (self.span.1 - self.span.0) / 60_000,
            Some(open) => clip(open, self.span).map(|(a, b)| (b - a) / 60_000).sum(),
        }
    }

    /// The first whole gap of at least this length: its two ends.
    pub(super) fn gap_of(&self, millis: i64) -> Option<(String, String)> {
        let open = self.open.as_ref()?;
        calendar::gaps(open, self.horizon)
            .into_iter()
            .find(|(a, b)| *a > self.horizon.0 && *b < self.horizon.1 && b - a >= millis)
            .map(|(a, b)| (calendar::show(a, &self.zone), calendar::show(b, &self.zone)))
    }

    /// The first time of the horizon that lies in these hours and not in the others.
    pub(super) fn beyond(&self, other: &Self) -> Option<(String, String)> {
        let theirs = other.open.as_ref()?;
        let gaps = calendar::gaps(theirs, self.horizon);
        let mine = match &self.open {
            None => vec![self.horizon],
            Some(open) => open.clone(),
        };
        for gap in gaps {
            if let Some((a, b)) = clip(&mine, gap).find(|(a, b)| a < b) {
                return Some((calendar::show(a, &self.zone), calendar::show(b, &self.zone)));
            }
        }
        None
    }

    fn days(&self) -> Vec<Day> {
        (0i64..7)
            .filter_map(|n| {
                let date = self.monday.checked_add(n.days()).ok()?;
                let start = date.to_zoned(self.zone.clone()).ok()?.timestamp();
                let next = date.tomorrow().ok()?.to_zoned(self.zone.clone()).ok()?;
                let span = (start.as_millisecond(), next.timestamp().as_millisecond());
                let open = match &self.open {
                    None => vec![(0, 1440)],
                    Some(open) => clip(open, span)
                        .map(|(a, b)| {
                            let end = if b >= span.1 { 1440 } else { self.minute(b) };
                            (self.minute(a), end)
                        })
                        .collect(),
                };
                Some(Day { date, open })
            })
            .collect()
    }

    /// Minutes on the clock.
    fn minute(&self, millis: i64) -> u16 {
        Timestamp::from_millisecond(millis).map_or(0, |t| {
            let z = t.to_zoned(self.zone.clone());
            u16::try_from(i16::from(z.hour()) * 60 + i16::from(z.minute())).unwrap_or(0)
        })
    }

    fn gaps(&self) -> Vec<String> {
        let Some(open) = &self.open else {
            return Vec::new();
        };
        calendar::gaps(open, self.span)
            .into_iter()
            .map(|g| self.stretch(g))
            .collect()
    }

    fn longest(&self) -> Option<String> {
        calendar::gaps(self.open.as_ref()?, self.horizon)
            .into_iter()
            .max_by_key(|(a, b)| (b - a, std::cmp::Reverse(*a)))
            .map(|g| self.stretch(g))
    }

    fn stretch(&self, (a, b): Stretch) -> String {
        format!(
            "{} to {}",
            calendar::show(a, &self.zone),
            calendar::show(b, &self.zone)
        )
    }
}

fn clip(open: &[Stretch], (from, to): Stretch) -> impl Iterator<Item = Stretch> {
    open.iter()
        .map(move |(a, b)| (*a.max(&from), *b.min(&to)))
        .filter(|(a, b)| a < b)
}
