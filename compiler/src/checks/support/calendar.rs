//! Opening hours as stretches of real time, over 400 days, in real time zones.

use super::analysis::Analysis;
use super::syntax;
use crate::machine::{Hours, Machine};
use crate::value::{HoursId, TeamId};
use flow_grammar::ast::DeclKind;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How far ahead hours are looked at.
const DAYS: i32 = 400;

/// A stretch of time in milliseconds, end excluded.
pub(crate) type Stretch = (i64, i64);

/// The time that is looked at, in the bot's time zone.
pub(crate) fn horizon(machine: &Machine, date: Date) -> Option<(Stretch, TimeZone)> {
    let zone = zone(&machine.bot.timezone);
    let from = date.to_zoned(zone.clone()).ok()?.timestamp();
    let to = date
        .checked_add(DAYS.days())
        .ok()?
        .to_zoned(zone.clone())
        .ok()?
        .timestamp();
    Some(((from.as_millisecond(), to.as_millisecond()), zone))
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// When any of these hours is open, merged. Absent: always.
pub(crate) fn open(machine: &Machine, hours: &[HoursId], date: Date) -> Option<Vec<Stretch>> {
    let mut all = Vec::new();
    for id in hours {
        let hours = machine.hours_of(*id)?;
        if hours.always {
            return None;
        }
        all.extend(stretches(hours, date));
    }
    all.sort_unstable();
    let mut merged: Vec<Stretch> = Vec::new();
    for (from, to) in all {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    Some(merged)
}

fn stretches(hours: &Hours, date: Date) -> Vec<Stretch> {
    let zone = zone(&hours.timezone);
    let mut out = Vec::new();
    // A span of the day before may run into the first day.
    let Ok(mut day) = date.checked_sub(2.days()) else {
        return out;
    };
    for _ in 0..DAYS + 4 {
        let closed = hours
            .closed
            .iter()
            .any(|(from, to)| *from <= day && day <= *to);
        let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
        if !closed {
            for (from, to) in hours.week.get(weekday).into_iter().flatten() {
                if let (Some(from), Some(to)) = (at(day, *from, &zone), at(day, *to, &zone))
                    && from < to
                {
                    out.push((from, to));
                }
            }
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    out
}

/// Minutes from midnight on a day, as an instant: on the clock, so that 09:00 is 09:00 on days that are 23 or 25 hours long.
fn at(day: Date, minutes: u16, zone: &TimeZone) -> Option<i64> {
    let day = day.checked_add(i32::from(minutes / 1440).days()).ok()?;
    let minutes = minutes % 1440;
    let time = Time::new(
        i8::try_from(minutes / 60).ok()?,
        i8::try_from(minutes % 60).ok()?,
        0,
        0,
    )
    .ok()?;
    Some(
        day.to_datetime(time)
            .to_zoned(zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

/// The gaps between stretches within a horizon.
pub(crate) fn gaps(open: &[Stretch], (from, to): Stretch) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut at = from;
    for (start, end) in open {
        if *end <= from {
            continue;
        }
        if *start >= to {
            break;
        }
        if *start > at {
            out.push((at, *start));
        }
        at = at.max(*end);
    }
    if at < to {
        out.push((at, to));
    }
    out
}

/// What two lists of stretches have in common.
pub(crate) fn common(a: &[Stretch], b: &[Stretch]) -> Vec<Stretch> {
    let mut out = Vec::new();
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let both = (x.0.max(y.0), x.1.min(y.1));
        if both.0 < both.1 {
            out.push(both);
        }
        if x.1 < y.1 {
            a.next();
        } else {
            b.next();
        }
    }
    out
}

/// The hours of every team that a tier's matrix can reach, overflow included, with the teams.
pub(crate) fn staffed(machine: &Machine, tier: crate::value::TierId) -> Vec<(TeamId, HoursId)> {
    with_overflow(
        machine,
        machine
            .routes
            .iter()
            .filter(|r| r.tier == tier)
            .flat_map(|r| &r.rows)
            .map(|row| row.team),
    )
}

/// Teams and all to which they overflow, with their hours.
pub(crate) fn with_overflow(
    machine: &Machine,
    teams: impl IntoIterator<Item = TeamId>,
) -> Vec<(TeamId, HoursId)> {
    let mut teams: Vec<TeamId> = teams.into_iter().collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    while let Some(id) = teams.pop() {
        if !seen.insert(id) {
            continue;
        }
        if let Some(team) = machine.team(id) {
            out.push((id, team.hours));
            teams.extend(team.overflow.iter().map(|(t, _)| *t));
        }
    }
    out.sort_unstable();
    out
}

/// Whether it is certain when these teams are open: neither their hours nor to whom they overflow was refused.
pub(crate) fn certain(cx: &Analysis<'_>, teams: &[(TeamId, HoursId)]) -> bool {
    teams.iter().all(|(team, hours)| {
        let hours = cx
            .machine
            .hours_of(*hours)
            .is_none_or(|h| h.always || cx.whole(h.loc.decl));
        let team = cx.machine.team(*team).is_none_or(|team| {
            let decl = team.loc.decl;
            let overflows = match syntax::decl(cx.sources, decl).map(|d| &d.kind) {
                Some(DeclKind::Team(tree)) => tree.overflow.len(),
                _ => team.overflow.len(),
            };
            !syntax::unread(cx.sources, decl) && overflows == team.overflow.len()
        });
        hours && team
    })
}

/// `Sat 2026-03-07 17:30` in a time zone.
pub(crate) fn show(millis: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(millis).map_or_else(
        |_| String::new(),
        |t| {
            t.to_zoned(zone.clone())
                .strftime("%a %Y-%m-%d %H:%M")
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests;
