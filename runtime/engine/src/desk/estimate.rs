//! Honest waiting times.
//!
//! `W(k) = sum over i=0..k of 1 / (slots / handle + i * theta)`: k items are ahead in true service order, slots are the units of present
//! agents times the share of their work that comes from this queue, handle is the smoothed handling time, theta the abandonments per waiting
//! second. A range is announced from the 10th to the 90th percentile of actual over predicted. Without slots there is no number.

use super::{Desk, DeskEffect, Item, ItemState};
use crate::event::QueueNews;
use jiff::Timestamp;
use smol_str::SmolStr;
use std::collections::VecDeque;

/// How often estimates are renewed while someone waits.
pub(super) const RENEW_MILLIS: i64 = 15_000;
/// So many at the front hear at once that they moved up. All others, and everybody of a length that changed behind them, hear when their
/// news is renewed: news is a turn of a conversation, and a thousand who wait must not mean a thousand turns for each who comes.
const NEAR: usize = 20;
/// Nobody's news is older than this.
const OLDEST_MILLIS: i64 = 60_000;
/// What a conversation is taken to need before one was measured: 8 minutes.
const USUAL_HANDLE: f64 = 480.0;
/// The weight of the newest measurement.
const SMOOTHING: f64 = 0.1;
/// Ratios remembered.
const RATIOS: usize = 200;

/// What was measured of a team.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Seconds per conversation, smoothed.
    handle: Option<f64>,
    /// Abandonments and seconds waited, decaying together.
    abandonments: f64,
    waited_seconds: f64,
    /// Actual over predicted.
    ratios: VecDeque<f64>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a wait are far below 2^52"
)]
impl Stats {
    /// A conversation took this long, milliseconds.
    pub fn handled(&mut self, millis: i64) {
        let seconds = (millis.max(1000) as f64) / 1000.0;
        self.handle = Some(
            self.handle
                .map_or(seconds, |h| h + SMOOTHING * (seconds - h)),
        );
    }

    /// Someone left after this long, milliseconds.
    pub fn abandoned(&mut self, millis: i64) {
        self.decay();
        self.abandonments += 1.0;
        self.waited_seconds += millis.max(0) as f64 / 1000.0;
    }

    /// Someone was served after this long, who had been told something else; milliseconds.
    pub fn waited(&mut self, promised: i64, actual: i64) {
        self.decay();
        self.waited_seconds += actual.max(0) as f64 / 1000.0;
        if promised > 0 {
            self.ratios
                .push_back(actual.max(0) as f64 / promised as f64);
            if self.ratios.len() > RATIOS {
                self.ratios.pop_front();
            }
        }
    }

    fn decay(&mut self) {
        self.abandonments *= 0.995;
        self.waited_seconds *= 0.995;
    }

    /// The expected wait with `ahead` items before one's own, seconds; `None` without slots.
    #[must_use]
    pub fn wait(&self, ahead: usize, slots: f64) -> Option<f64> {
        (slots > 0.0).then(|| self.waits(slots).take(ahead + 1).sum())
    }

    /// What each place adds to the wait, from the first on, seconds.
    fn waits(&self, slots: f64) -> impl Iterator<Item = f64> + use<> {
        let rate = slots / self.handle.unwrap_or(USUAL_HANDLE);
        let theta = if self.waited_seconds > 60.0 {
            self.abandonments / self.waited_seconds
        } else {
            0.0
        };
        (0_u32..).map(move |i| 1.0 / (rate + f64::from(i) * theta))
    }

    /// The 10th and 90th percentile of actual over predicted; wide before enough was measured.
    #[must_use]
    pub fn spread(&self) -> (f64, f64) {
        if self.ratios.len() < 10 {
            return (0.5, 1.5);
        }
        let mut sorted: Vec<f64> = self.ratios.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |p: usize| sorted.get(sorted.len() * p / 100).copied().unwrap_or(1.0);
        (at(10), at(90))
    }
}

impl Desk {
    /// Tells the waiting items of a team where they stand, if that changed and is due to be told.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a wait in milliseconds fits"
    )]
    pub(super) fn news(&mut self, team: &str, now: Timestamp, out: &mut Vec<DeskEffect>) {
        let order: Vec<SmolStr> = self
            .queue(team, now)
            .into_iter()
            .map(|(id, _)| id.clone())
            .collect();
        if order.is_empty() {
            return;
        }
        let length = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let slots = self.slots(team);
        let staff = self.staff(team);
        let free = self.agents.values().any(|a| {
            a.present && a.spec.teams.iter().any(|t| t == team) && a.in_use() < self.capacity_of(a)
        });
        let stats = self.stats.entry(team.into()).or_default();
        let (low, high) = stats.spread();
        let waits = stats.waits(slots).scan(0.0, |sum, more| {
            *sum += more;
            Some(*sum)
        });
        for ((ahead, conversation), wait) in order.into_iter().enumerate().zip(waits) {
            let Some(item) = self.items.get_mut(&conversation) else {
                continue;
            };
            let reserved = matches!(item.state, ItemState::Reserved { .. });
            let seconds = if reserved || (ahead == 0 && free) {
                Some(item.item.accept_within as f64 / 2000.0)
            } else {
                Some(wait).filter(|_| slots > 0.0)
            };
            let millis = |s: f64| (s * 1000.0) as i64;
            let news = QueueNews {
                generation: item.item.generation,
                position: u32::try_from(ahead + 1).unwrap_or(u32::MAX),
                length,
                wait: seconds.map(millis),
                range: seconds.map(|s| (millis(s * low), millis(s * high))),
                staff,
            };
            if item.promised.is_none() {
                item.promised = news.wait.map(|w| (now, w));
            }
            if is_due(item, &news, ahead, now) {
                item.news = Some(news.clone());
                item.told_at = Some(now);
                out.push(DeskEffect::News { conversation, news });
            }
        }
    }

    /// Units of present agents that this queue can count on.
    fn slots(&self, team: &str) -> f64 {
        self.agents
            .values()
            .filter(|a| a.present && a.spec.teams.iter().any(|t| t == team))
            .map(|a| {
                let here = f64::from(a.worked.get(team).copied().unwrap_or(0)) + 1.0;
                let all: f64 = a
                    .spec
                    .teams
                    .iter()
                    .map(|t| f64::from(a.worked.get(t).copied().unwrap_or(0)) + 1.0)
                    .sum();
                f64::from(self.capacity_of(a)) * here / all
            })
            .sum()
    }

    /// Present agents of a team and of the teams it overflows to.
    fn staff(&self, team: &str) -> u32 {
        let mut teams = vec![SmolStr::new(team)];
        let mut next = 0;
        while let Some(name) = teams.get(next).cloned() {
            next += 1;
            for (to, _) in self
                .teams
                .get(&name)
                .map(|t| t.overflow.as_slice())
                .unwrap_or_default()
            {
                if !teams.contains(to) {
                    teams.push(to.clone());
                }
            }
        }
        u32::try_from(
            self.agents
                .values()
                .filter(|a| a.present && a.spec.teams.iter().any(|t| teams.contains(t)))
                .count(),
        )
        .unwrap_or(u32::MAX)
    }
}

/// Whether an item is told now. The first news, and that people came or went, never wait.
fn is_due(item: &Item, new: &QueueNews, ahead: usize, now: Timestamp) -> bool {
    let (Some(old), Some(told_at)) = (&item.news, item.told_at) else {
        return true;
    };
    if (old.staff == 0) != (new.staff == 0) {
        return true;
    }
    let moved = old.position != new.position || wait_changed(old, new);
    if moved && ahead < NEAR {
        return true;
    }
    // The further back, the less a place more or less says.
    let steps = i64::try_from(ahead / 100).unwrap_or(i64::MAX);
    let pause = RENEW_MILLIS
        .saturating_mul(steps.saturating_add(1))
        .min(OLDEST_MILLIS);
    let renewed = now.as_millisecond() - told_at.as_millisecond() >= pause;
    renewed && (moved || old.length != new.length)
}

/// Whether people would call it another wait: it changed by a quarter.
fn wait_changed(old: &QueueNews, new: &QueueNews) -> bool {
    match (old.wait, new.wait) {
        (Some(a), Some(b)) => (a - b).abs() * 4 > a.max(4000),
        (a, b) => a != b,
    }
}
