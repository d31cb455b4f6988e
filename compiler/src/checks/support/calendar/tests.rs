#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use super::{gaps, stretches};
use crate::machine::Hours;
use flow_grammar::Loc;
use jiff::civil::{Date, date};

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
