//! When hours and teams are open in one version and not in the other, over the days that the checks look at, in real time zones.

use crate::checks::support::calendar::{self, Stretch};
use crate::machine::Machine;
use crate::sources::Position;
use crate::value::HoursId;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// What happens so often is said once, by its days of the week.
const OFTEN: usize = 3;
/// Days that are told apart, at most, in each direction.
const SINGLE: usize = 8;

/// Hours, or a team, that are open at other times.
#[derive(Debug, Clone, Serialize)]
pub struct Times {
    /// `hours` or `team`.
    pub kind: &'static str,
    /// Its name.
    pub name: SmolStr,
    /// When it is open now and was not: "Sat 10:00-14:00", "Fri 2026-12-25 09:00-17:30".
    pub opens: Vec<String>,
    /// When it was open and is not now.
    pub closes: Vec<String>,
    /// The first moment at which the two differ.
    pub first: String,
    /// The time zone of the times.
    pub timezone: SmolStr,
    /// Where it stands in the new version.
    pub at: Option<Position>,
}

/// Everything that is open at other times, from a day on.
pub(super) fn times(old: &Machine, new: &Machine, date: Date) -> Vec<Times> {
    let mut out = Vec::new();
    let Some((horizon, _)) = calendar::horizon(new, date) else {
        return out;
    };
    let mut told = BTreeSet::new();
    for (id, hours) in (0u32..).map(HoursId).zip(&new.hours) {
        let before = (0u32..)
            .map(HoursId)
            .zip(&old.hours)
            .find(|(_, h)| h.name == hours.name && h.always == hours.always);
        if let Some((before, _)) = before
            && let Some(mut times) = compare((old, before), (new, id), date, horizon)
        {
            told.insert(hours.name.clone());
            times.kind = "hours";
            times.name.clone_from(&hours.name);
            times.at = new.sources.position(hours.loc);
            out.push(times);
        }
    }
    for team in &new.teams {
        let Some(before) = old.teams.iter().find(|t| t.name == team.name) else {
            continue;
        };
        let name = |m: &Machine, id| m.hours_of(id).map(|h| h.name.clone());
        let (was, is) = (name(old, before.hours), name(new, team.hours));
        // Its hours have said it.
        if was == is && is.is_some_and(|n| told.contains(&n)) {
            continue;
        }
        if let Some(mut times) = compare((old, before.hours), (new, team.hours), date, horizon) {
            times.kind = "team";
            times.name.clone_from(&team.name);
            times.at = new.sources.position(team.loc);
            out.push(times);
        }
    }
    out
}

fn compare(
    old: (&Machine, HoursId),
    new: (&Machine, HoursId),
    date: Date,
    horizon: Stretch,
) -> Option<Times> {
    let open = |(machine, id): (&Machine, HoursId)| {
        let always = vec![horizon];
        within(
            &calendar::open(machine, &[id], date).unwrap_or(always),
            horizon,
        )
    };
    let (was, is) = (open(old), open(new));
    // What the one has beyond the other is what of it lies in the other's gaps.
    let opens = both(&is, &calendar::gaps(&was, horizon));
    let closes = both(&was, &calendar::gaps(&is, horizon));
    let first = opens.iter().chain(&closes).map(|s| s.0).min()?;
    let hours = new.0.hours_of(new.1).filter(|h| !h.always);
    let hours = hours.or_else(|| old.0.hours_of(old.1))?;
    let zone = TimeZone::get(&hours.timezone).unwrap_or(TimeZone::UTC);
    Some(Times {
        kind: "",
        name: SmolStr::default(),
        opens: in_words(&opens, &zone),
        closes: in_words(&closes, &zone),
        first: calendar::show(first, &zone),
        timezone: hours.timezone.clone(),
        at: None,
    })
}

/// The parts of stretches that lie within a horizon.
fn within(open: &[Stretch], horizon: Stretch) -> Vec<Stretch> {
    both(open, &[horizon])
}

/// The time that two lists of stretches, each in order, have in common.
fn both(a: &[Stretch], b: &[Stretch]) -> Vec<Stretch> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut out = Vec::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let (from, to) = (x.0.max(y.0), x.1.min(y.1));
        if from < to {
            out.push((from, to));
        }
        if x.1 <= y.1 {
            a.next();
        } else {
            b.next();
        }
    }
    out
}

/// A stretch within one day of a zone.
struct Piece {
    day: Date,
    from: Time,
    /// Absent: midnight.
    to: Option<Time>,
}

/// Cut at midnight, as people read calendars.
fn pieces(stretch: Stretch, zone: &TimeZone) -> Vec<Piece> {
    let at = |millis| -> Option<Zoned> {
        Some(
            Timestamp::from_millisecond(millis)
                .ok()?
                .to_zoned(zone.clone()),
        )
    };
    let mut out = Vec::new();
    let (Some(mut from), Some(to)) = (at(stretch.0), at(stretch.1)) else {
        return out;
    };
    while from < to {
        let Some(midnight) = from
            .date()
            .tomorrow()
            .ok()
            .and_then(|d| d.to_zoned(zone.clone()).ok())
        else {
            break;
        };
        out.push(Piece {
            day: from.date(),
            from: from.time(),
            to: (to < midnight).then(|| to.time()),
        });
        from = midnight;
    }
    out
}

fn in_words(stretches: &[Stretch], zone: &TimeZone) -> Vec<String> {
    // By the times of a day, the days that have them.
    let mut by_time: BTreeMap<(Time, Option<Time>), Vec<Date>> = BTreeMap::new();
    for piece in stretches.iter().flat_map(|s| pieces(*s, zone)) {
        by_time
            .entry((piece.from, piece.to))
            .or_default()
            .push(piece.day);
    }
    let mut out = Vec::new();
    let mut single: Vec<(Date, String)> = Vec::new();
    for ((from, to), days) in by_time {
        let to = to.map_or_else(|| "24:00".to_owned(), |t| t.strftime("%H:%M").to_string());
        let span = format!("{}-{to}", from.strftime("%H:%M"));
        let mut by_weekday: BTreeMap<i8, Vec<Date>> = BTreeMap::new();
        for day in days {
            by_weekday
                .entry(day.weekday().to_monday_zero_offset())
                .or_default()
                .push(day);
        }
        let often: Vec<i8> = by_weekday
            .iter()
            .filter(|(_, days)| days.len() >= OFTEN)
            .map(|(weekday, _)| *weekday)
            .collect();
        if !often.is_empty() {
            out.push(format!("{} {span}", weekdays(&often)));
        }
        for (weekday, days) in by_weekday {
            if !often.contains(&weekday) {
                single.extend(
                    days.into_iter()
                        .map(|d| (d, format!("{} {span}", d.strftime("%a %Y-%m-%d")))),
                );
            }
        }
    }
    single.sort();
    let more = single.len().saturating_sub(SINGLE);
    out.extend(single.into_iter().take(SINGLE).map(|(_, text)| text));
    if more > 0 {
        out.push(format!("{more} more"));
    }
    out
}

/// `Mon-Fri, Sun`.
fn weekdays(days: &[i8]) -> String {
    let name = |day: i8| {
        let day = Weekday::from_monday_zero_offset(day).unwrap_or(Weekday::Monday);
        match day {
            Weekday::Monday => "Mon",
            Weekday::Tuesday => "Tue",
            Weekday::Wednesday => "Wed",
            Weekday::Thursday => "Thu",
            Weekday::Friday => "Fri",
            Weekday::Saturday => "Sat",
            Weekday::Sunday => "Sun",
        }
    };
    let mut out: Vec<String> = Vec::new();
    let mut rest = days;
    while let [first, ..] = rest {
        let run = rest
            .iter()
            .zip(*first..)
            .take_while(|(a, b)| **a == *b)
            .count();
        let (now, later) = rest.split_at(run);
        match now {
            [a, .., b] if run > 2 => out.push(format!("{}-{}", name(*a), name(*b))),
            few => out.extend(few.iter().map(|d| name(*d).to_owned())),
        }
        rest = later;
    }
    out.join(", ")
}
