//! The dashboard's numbers.
//!
//! Everything is counted in one pass over the conversations of the window. What is held meanwhile grows with tiers, teams, rules and hours,
//! not with conversations (but for eight bytes of each wait that is measured): SQLite's own grouping would keep all of them in memory.

use super::row::{get, millis, time, word};
use crate::{
    Dashboard, DashboardQuery, HourCount, Percentiles, RuleCount, Score, StoreError, TeamCount,
    TierCount,
};
use rusqlite::{Connection, Row};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};

/// Between the tiers of a conversation in one column; no name holds it.
const BETWEEN: char = '\n';
const HOUR: i64 = 3_600_000;

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
const fn wide(count: u64) -> f64 {
    count as f64
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        wide(part) / wide(whole)
    }
}

pub(super) fn dashboard(c: &Connection, query: &DashboardQuery) -> Result<Dashboard, StoreError> {
    let tx = c.unchecked_transaction()?;
    let since = millis(query.since);
    let mut counts = Counts::new(query);
    let sql = "SELECT c.stage = 'closed' AS closed, c.resolved, c.people, c.reason, c.opened_at, c.queued_at, c.connected_at, c.closed_at, c.team, \
                      (SELECT group_concat(t.tier, char(10)) FROM touched t WHERE t.conversation = c.id) AS tiers \
               FROM conversation c WHERE c.opened_at >= ?";
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([since])?;
    while let Some(row) = rows.next()? {
        counts.add(row)?;
    }
    counts.finish(rules(&tx, since)?, scores(&tx, since)?)
}

/// What one pass counts.
struct Counts<'a> {
    numbers: Dashboard,
    names: &'a [SmolStr],
    people: u64,
    abandoned: u64,
    waits: Vec<f64>,
    handled: Vec<f64>,
    teams: HashMap<SmolStr, u64>,
    /// By hour: opened, handed over.
    hours: BTreeMap<i64, (u64, u64)>,
}

impl<'a> Counts<'a> {
    fn new(query: &'a DashboardQuery) -> Self {
        let tier = |name: &SmolStr| TierCount {
            tier: name.clone(),
            ..TierCount::default()
        };
        Self {
            numbers: Dashboard {
                tiers: query.tiers.iter().map(tier).collect(),
                ..Dashboard::default()
            },
            names: &query.tiers,
            people: 0,
            abandoned: 0,
            waits: Vec::new(),
            handled: Vec::new(),
            teams: HashMap::new(),
            hours: BTreeMap::new(),
        }
    }

    fn add(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let closed: bool = get(row, "closed")?;
        let resolved = get::<Option<bool>>(row, "resolved")?.unwrap_or(false);
        let people: bool = get(row, "people")?;
        let moment = |name: &str| get::<Option<i64>>(row, name);
        let (queued, connected) = (moment("queued_at")?, moment("connected_at")?);
        let n = &mut self.numbers;
        n.conversations += 1;
        n.closed += u64::from(closed);
        n.resolved += u64::from(resolved);
        self.people += u64::from(people);
        let reason = row.get_ref("reason")?;
        let reason = reason.as_str_or_null().unwrap_or_default();
        self.abandoned += u64::from(matches!(reason, Some("abandoned" | "left")));
        self.waits.extend(seconds(queued, connected));
        self.handled
            .extend(seconds(connected, moment("closed_at")?));
        let team = row.get_ref("team")?;
        if let (Ok(Some(team)), Some(_)) = (team.as_str_or_null(), connected) {
            match self.teams.get_mut(team) {
                Some(handled) => *handled += 1,
                None => drop(self.teams.insert(team.into(), 1)),
            }
        }
        if let Some(opened) = moment("opened_at")? {
            let hour = self.hours.entry(opened - opened.rem_euclid(HOUR));
            let (all, handed_over) = hour.or_default();
            *all += 1;
            *handed_over += u64::from(people);
        }
        let tiers = row.get_ref("tiers")?;
        let tiers = tiers.as_str_or_null().unwrap_or_default();
        self.tiers(tiers.unwrap_or_default(), closed, resolved);
        Ok(())
    }

    /// A tier contained what ended and went no higher.
    fn tiers(&mut self, touched: &str, closed: bool, resolved: bool) {
        let mut highest = None;
        for name in touched.split(BETWEEN) {
            let Some(height) = self.names.iter().position(|tier| tier == name) else {
                continue;
            };
            highest = highest.max(Some(height));
            if let Some(tier) = self.numbers.tiers.get_mut(height) {
                tier.touched += 1;
            }
        }
        if let Some(tier) = highest.and_then(|height| self.numbers.tiers.get_mut(height)) {
            tier.contained += u64::from(closed);
            tier.resolved += u64::from(closed && resolved);
        }
    }

    fn finish(self, rules: Vec<RuleCount>, scores: Vec<Score>) -> Result<Dashboard, StoreError> {
        let mut n = self.numbers;
        n.open = n.conversations - n.closed;
        n.handoff_rate = share(self.people, n.conversations);
        n.abandonment = share(self.abandoned, n.conversations);
        n.wait_seconds = Percentiles::of(self.waits);
        n.handle_seconds = Percentiles::of(self.handled);
        for tier in &mut n.tiers {
            tier.containment = share(tier.contained, tier.touched);
            tier.resolution = share(tier.resolved, tier.touched);
        }
        let teams = self.teams.into_iter();
        n.teams = teams
            .map(|(team, handled)| TeamCount { team, handled })
            .collect();
        n.teams.sort_by(|a, b| {
            let most_first = b.handled.cmp(&a.handled);
            most_first.then_with(|| a.team.cmp(&b.team))
        });
        let hours = self.hours.into_iter();
        n.hours = hours
            .map(|(hour, (opened, handed_over))| {
                Ok(HourCount {
                    at: time(hour)?,
                    opened,
                    handed_over,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        n.rules = rules;
        n.scores = scores;
        Ok(n)
    }
}

/// From one moment to a later one.
#[expect(clippy::cast_precision_loss, reason = "milliseconds far below 2^52")]
fn seconds(from: Option<i64>, to: Option<i64>) -> Option<f64> {
    let passed = to? - from?;
    (passed >= 0).then_some(passed as f64 / 1000.0)
}

/// Rules by how often they fired, most first.
fn rules(c: &Connection, since: i64) -> Result<Vec<RuleCount>, StoreError> {
    let sql = "SELECT e.rule FROM conversation c JOIN escalation e ON e.conversation = c.id WHERE c.opened_at >= ?";
    let mut fired: HashMap<SmolStr, u64> = HashMap::new();
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query([since])?;
    while let Some(row) = rows.next()? {
        let rule = word(row, "rule")?;
        *fired.entry(rule).or_default() += 1;
    }
    let fired = fired.into_iter();
    let mut out: Vec<RuleCount> = fired
        .map(|(rule, fired)| RuleCount { rule, fired })
        .collect();
    out.sort_by(|a, b| {
        let most_first = b.fired.cmp(&a.fired);
        most_first.then_with(|| a.rule.cmp(&b.rule))
    });
    Ok(out)
}

/// Surveys by name.
fn scores(c: &Connection, since: i64) -> Result<Vec<Score>, StoreError> {
    let sql = "SELECT s.survey, s.score FROM conversation c JOIN score s ON s.conversation = c.id WHERE c.opened_at >= ?";
    let mut found: BTreeMap<SmolStr, (u64, f64)> = BTreeMap::new();
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query([since])?;
    while let Some(row) = rows.next()? {
        let (count, sum) = found.entry(word(row, "survey")?).or_default();
        *count += 1;
        *sum += get::<f64>(row, "score")?;
    }
    let found = found.into_iter();
    Ok(found
        .map(|(survey, (count, sum))| Score {
            survey,
            count,
            mean: sum / wide(count),
        })
        .collect())
}
