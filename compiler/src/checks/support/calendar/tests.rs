#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use super::{common, gaps, stretches};
use crate::machine::Hours;
use crate::testing::Dice;
use flow_grammar::Loc;
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};

fn hours(zone: &str, week: [Vec<(u16, u16)>; 7], closed: Vec<(Date, Date)>) -> Hours {
    Hours {
        name: "office".into(),
        timezone: zone.into(),
        week,
        closed,
        always: false,
        loc: Loc::default(),
    }
}

fn every_day(from: u16, to: u16) -> [Vec<(u16, u16)>; 7] {
    std::array::from_fn(|_| vec![(from, to)])
}

fn local(millis: i64, zone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(zone).unwrap();
    jiff::Timestamp::from_millisecond(millis)
        .unwrap()
        .to_zoned(zone)
        .strftime("%m-%d %H:%M")
        .to_string()
}

#[test]
fn nine_is_nine_on_the_days_when_clocks_change() {
    let open = stretches(
        &hours("Europe/London", every_day(9 * 60, 17 * 60), Vec::new()),
        date(2026, 3, 2),
    );
    for (from, to) in &open {
        assert!(local(*from, "Europe/London").ends_with("09:00"));
        assert!(local(*to, "Europe/London").ends_with("17:00"));
    }
    // The night of 29 March 2026 is an hour shorter.
    let night = |day: &str| {
        let i = open
            .iter()
            .position(|(from, _)| local(*from, "Europe/London").starts_with(day))
            .unwrap();
        open[i].0 - open[i - 1].1
    };
    assert_eq!(night("03-28"), 16 * 3_600_000);
    assert_eq!(night("03-29"), 15 * 3_600_000);
    assert_eq!(night("10-25"), 17 * 3_600_000);
}

#[test]
fn nights_and_days_that_meet_leave_no_gap() {
    let day = date(2026, 3, 2);
    let mut open = stretches(
        &hours("Europe/London", every_day(6 * 60, 22 * 60), Vec::new()),
        day,
    );
    open.extend(stretches(
        &hours("Europe/London", every_day(22 * 60, 30 * 60), Vec::new()),
        day,
    ));
    open.sort_unstable();
    let from = open[1].0;
    assert_eq!(gaps(&open, (from, from + 300 * 86_400_000)), []);
}

#[test]
fn a_closed_day_is_a_gap() {
    let closed = vec![(date(2026, 12, 25), date(2026, 12, 26))];
    let open = stretches(
        &hours("UTC", every_day(0, 24 * 60), closed),
        date(2026, 3, 2),
    );
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, to) in open {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => merged.push((from, to)),
        }
    }
    let from = merged[0].0;
    let found = gaps(&merged, (from, from + 390 * 86_400_000));
    assert_eq!(
        found
            .iter()
            .map(|(a, b)| (local(*a, "UTC"), local(*b, "UTC")))
            .collect::<Vec<_>>(),
        [("12-25 00:00".to_owned(), "12-27 00:00".to_owned())]
    );
}

/// What the sign at the door says at a minute: the spans of today, and what is left of yesterday's night.
fn sign(hours: &Hours, at: Timestamp) -> bool {
    let here = at.to_zoned(jiff::tz::TimeZone::get(&hours.timezone).unwrap());
    let minute = u16::try_from(here.hour()).unwrap() * 60 + u16::try_from(here.minute()).unwrap();
    let on = |day: Date, minute: u16| {
        let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap();
        !hours.closed.iter().any(|(a, b)| *a <= day && day <= *b)
            && hours.week[weekday]
                .iter()
                .any(|(from, to)| *from <= minute && minute < *to)
    };
    on(here.date(), minute) || on(here.date().yesterday().unwrap(), minute + 1440)
}

/// Hours whose ends lie outside the hour that clocks skip or repeat, so that the sign leaves no doubt.
fn any_hours(dice: &mut Dice) -> Hours {
    const ZONES: [&str; 5] = [
        "Europe/London",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "America/Santiago",
    ];
    let end = |dice: &mut Dice| u16::try_from(240 + 30 * dice.roll(36)).unwrap();
    let week = std::array::from_fn(|_| {
        let spans = (0..dice.roll(3)).map(|_| {
            let (from, to) = (end(dice), end(dice));
            // One that ends before it starts runs overnight.
            if to > from {
                (from, to)
            } else {
                (from, to + 1440)
            }
        });
        spans.collect()
    });
    let closed = (0..dice.roll(3)).map(|_| {
        let from = date(2026, 3, 2) + i64::try_from(dice.roll(400)).unwrap().days();
        (from, from + i64::try_from(dice.roll(4)).unwrap().days())
    });
    let closed = closed.collect();
    hours(ZONES[dice.roll(ZONES.len())], week, closed)
}

#[test]
fn stretches_agree_with_the_sign_at_the_door_minute_by_minute() {
    let mut dice = Dice(9);
    let from = date(2026, 3, 2)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap()
        .timestamp();
    let horizon = (
        from.as_millisecond(),
        from.as_millisecond() + 399 * 86_400_000,
    );
    let (mut open, mut closed) = (0, 0);
    for _ in 0..60 {
        let (a, b) = (any_hours(&mut dice), any_hours(&mut dice));
        let lay = |hours: &Hours| {
            let mut all = stretches(hours, date(2026, 3, 2));
            all.sort_unstable();
            all
        };
        let (in_a, in_b) = (lay(&a), lay(&b));
        let gaps_of_a = gaps(&in_a, horizon);
        let only_b = common(&gaps_of_a, &gaps(&gaps(&in_b, horizon), horizon));
        let has = |list: &[(i64, i64)], at: i64| list.iter().any(|(f, t)| *f <= at && at < *t);
        for _ in 0..300 {
            let minute = i64::try_from(dice.roll(399 * 1440)).unwrap();
            let at = horizon.0 + minute * 60_000;
            let time = Timestamp::from_millisecond(at).unwrap();
            let (sign_a, sign_b) = (sign(&a, time), sign(&b, time));
            assert_eq!(has(&in_a, at), sign_a, "{time} {a:?}");
            assert_eq!(has(&gaps_of_a, at), !sign_a, "{time} {a:?}");
            assert_eq!(has(&only_b, at), !sign_a && sign_b, "{time} {a:?} {b:?}");
            open += u32::from(sign_a);
            closed += u32::from(!sign_a);
        }
    }
    assert!(open > 2000 && closed > 2000, "{open} {closed}");
}
