//! Opening hours: whether they are open, when they open next, and how time is counted that lies within them.

use flow_compiler::machine::Hours;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::RwLock;

/// How far ahead an opening is looked for.
const HORIZON_DAYS: i32 = 400;

/// From when, until when, and whether they are open all that time; milliseconds.
type Span = (i64, i64, bool);

/// Hours with their time zone.
#[derive(Debug)]
pub(crate) struct Calendar {
    /// The span that was looked at last: the next question is nearly always about the same.
    last: RwLock<Option<Span>>,
    /// The week in words, by language.
    texts: RwLock<BTreeMap<SmolStr, SmolStr>>,
    week: [Vec<(u16, u16)>; 7],
    closed: Vec<(Date, Date)>,
    zone: TimeZone,
    always: bool,
}

impl Calendar {
    pub(crate) fn new(hours: &Hours) -> Self {
        Self {
            last: RwLock::default(),
            texts: RwLock::default(),
            week: hours.week.clone(),
            closed: hours.closed.clone(),
            zone: zone(&hours.timezone),
            always: hours.always,
        }
    }

    /// The open spans that begin on a day, as instants.
    fn spans(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let closed = self
            .closed
            .iter()
            .any(|(first, last)| *first <= day && day <= *last);
        let index = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
        let spans = self
            .week
            .get(index)
            .filter(|_| !closed)
            .map_or(&[][..], Vec::as_slice);
        spans.iter().filter_map(move |(from, to)| {
            Some((self.instant(day, *from)?, self.instant(day, *to)?))
        })
    }

    fn instant(&self, day: Date, minutes: u16) -> Option<Timestamp> {
        let day = day.checked_add(i64::from(minutes / 1440).days()).ok()?;
        let minutes = minutes % 1440;
        let time = day.at(
            i8::try_from(minutes / 60).ok()?,
            i8::try_from(minutes % 60).ok()?,
            0,
            0,
        );
        Some(
            self.zone
                .to_ambiguous_zoned(time)
                .compatible()
                .ok()?
                .timestamp(),
        )
    }

    /// The end of the span that is open at `at`.
    fn open_until(&self, at: Timestamp) -> Option<Timestamp> {
        let today = at.to_zoned(self.zone.clone()).date();
        let days = [today.yesterday().ok(), Some(today)];
        days.into_iter()
            .flatten()
            .flat_map(|day| self.spans(day))
            .filter(|(from, to)| *from <= at && at < *to)
            .map(|(_, to)| to)
            .max()
    }

    pub(crate) fn is_open(&self, at: Timestamp) -> bool {
        if self.always {
            return true;
        }
        let millis = at.as_millisecond();
        let last = self.last.try_read().ok().and_then(|last| *last);
        if let Some((from, until, open)) = last
            && (from..until).contains(&millis)
        {
            return open;
        }
        let closing = self.open_until(at);
        let until = closing.or_else(|| self.opening_after(at));
        let until = until.map_or(i64::MAX, Timestamp::as_millisecond);
        if let Ok(mut last) = self.last.try_write() {
            *last = Some((millis, until, closing.is_some()));
        }
        closing.is_some()
    }

    /// The next opening after `at`: an instant at which it is open and just before which it was not.
    pub(crate) fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        if self.always {
            return None;
        }
        self.opening_after(at)
    }

    fn opening_after(&self, at: Timestamp) -> Option<Timestamp> {
        let mut day = at.to_zoned(self.zone.clone()).date();
        for _ in 0..=HORIZON_DAYS {
            let mut starts: Vec<_> = self
                .spans(day)
                .filter(|(from, to)| *from > at && from < to)
                .map(|(from, _)| from)
                .collect();
            starts.sort_unstable();
            let opening = starts.into_iter().find(|start| {
                start
                    .checked_sub(1.millisecond())
                    .is_ok_and(|before| self.open_until(before).is_none())
            });
            if opening.is_some() {
                return opening;
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// When they close or open next after `at`.
    pub(crate) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        match self.open_until(at) {
            _ if self.always => None,
            Some(closing) => Some(closing),
            None => self.next_open(at),
        }
    }

    /// The instant at which `millis` of open time have passed since `from`.
    pub(crate) fn add_open(&self, from: Timestamp, millis: i64) -> Option<Timestamp> {
        if self.always {
            return plus(from, millis);
        }
        let (mut at, mut left) = (from, millis);
        for _ in 0..4 * HORIZON_DAYS {
            match self.open_until(at) {
                Some(until) => {
                    let open = millis_between(at, until);
                    if open >= left {
                        return plus(at, left);
                    }
                    left -= open;
                    at = until;
                }
                None => at = self.next_open(at)?,
            }
        }
        None
    }

    /// The week in the words of a language.
    pub(crate) fn text(&self, language: &str) -> SmolStr {
        let known = self.texts.read().ok();
        if let Some(text) = known.and_then(|texts| texts.get(language).cloned()) {
            return text;
        }
        let text = SmolStr::new(crate::format::week(self, language));
        if let Ok(mut texts) = self.texts.write() {
            texts.insert(language.into(), text.clone());
        }
        text
    }

    /// Open spans by weekday, Monday first; `None` when always open.
    pub(crate) fn week(&self) -> Option<&[Vec<(u16, u16)>; 7]> {
        (!self.always).then_some(&self.week)
    }
}

/// Whether hours are open at an instant.
#[must_use]
pub fn is_open_at(hours: &Hours, at: Timestamp) -> bool {
    Calendar::new(hours).is_open(at)
}

/// When hours open next after an instant; `None` if they are always open, or never within 400 days.
#[must_use]
pub fn opens_after(hours: &Hours, at: Timestamp) -> Option<Timestamp> {
    Calendar::new(hours).next_open(at)
}

/// A time zone by its name; an unknown one is UTC (the compiler has reported it).
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// `at` and some milliseconds more; `None` outside the calendar.
pub(crate) fn plus(at: Timestamp, millis: i64) -> Option<Timestamp> {
    at.checked_add(jiff::SignedDuration::from_millis(millis))
        .ok()
}

/// Milliseconds from one instant to another.
pub(crate) fn millis_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(week: [Vec<(u16, u16)>; 7], closed: Vec<(Date, Date)>) -> Calendar {
        Calendar {
            last: RwLock::default(),
            texts: RwLock::default(),
            week,
            closed,
            zone: zone("Europe/London"),
            always: false,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn office() -> Calendar {
        let day = vec![(540, 1050)];
        calendar(
            [
                day.clone(),
                day.clone(),
                day.clone(),
                day.clone(),
                day,
                vec![(600, 840)],
                vec![],
            ],
            vec![],
        )
    }

    #[test]
    fn a_closed_evening_opens_the_next_morning() {
        assert!(office().is_open(at("2026-03-02T10:00:00Z")));
        assert!(!office().is_open(at("2026-03-02T17:30:00Z")));
        assert_eq!(
            office().next_open(at("2026-03-02T18:00:00Z")),
            Some(at("2026-03-03T09:00:00Z"))
        );
    }

    #[test]
    fn summer_time_moves_the_opening() {
        assert_eq!(
            office().next_open(at("2026-03-28T20:00:00Z")),
            Some(at("2026-03-30T08:00:00Z"))
        );
    }

    #[test]
    fn a_night_shift_runs_past_midnight_and_into_a_closed_day() {
        let nights = calendar(
            std::array::from_fn(|_| vec![(1320, 1800)]),
            vec![("2026-12-25".parse().unwrap(), "2026-12-25".parse().unwrap())],
        );
        assert!(
            nights.is_open(at("2026-12-25T05:00:00Z")),
            "the shift of the day before"
        );
        assert!(!nights.is_open(at("2026-12-25T23:00:00Z")));
        assert_eq!(
            nights.next_open(at("2026-12-25T07:00:00Z")),
            Some(at("2026-12-26T22:00:00Z"))
        );
    }

    #[test]
    fn days_that_touch_are_one_opening() {
        let all = calendar(
            std::array::from_fn(|_| vec![(0, 1440)]),
            vec![("2026-12-25".parse().unwrap(), "2026-12-25".parse().unwrap())],
        );
        assert!(all.is_open(at("2026-03-02T23:59:30Z")));
        assert_eq!(
            all.next_open(at("2026-12-20T12:00:00Z")),
            Some(at("2026-12-26T00:00:00Z"))
        );
    }

    #[test]
    fn open_time_skips_the_night_and_the_weekend() {
        assert_eq!(
            office().add_open(at("2026-03-02T16:30:00Z"), 2 * 3_600_000),
            Some(at("2026-03-03T10:00:00Z"))
        );
        assert_eq!(
            office().add_open(at("2026-03-07T13:30:00Z"), 3_600_000),
            Some(at("2026-03-09T09:30:00Z"))
        );
        assert_eq!(
            calendar(std::array::from_fn(|_| vec![]), vec![])
                .add_open(at("2026-03-02T16:30:00Z"), 1),
            None
        );
    }

    #[test]
    fn what_is_remembered_agrees_with_what_is_looked_up() {
        let remembers = office();
        let mut now = at("2026-03-27T00:00:00Z");
        // Forwards over the change of clocks and a closed day, with jumps back.
        for step in 0..2_000_i64 {
            let minutes = if step % 7 == 0 { -200 } else { 47 };
            now = plus(now, minutes * 60_000).unwrap();
            assert_eq!(remembers.is_open(now), office().is_open(now), "{now}");
            assert_eq!(remembers.text("en"), office().text("en"));
        }
    }
}
