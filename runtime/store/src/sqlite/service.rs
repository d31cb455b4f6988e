//! How well customers were served.

use super::row::{collect, get, maybe, millis, number, time, word};
use crate::{DashboardQuery, Measures, Percentiles, Service, StoreError, TierService, Verdict};
use rusqlite::{Connection, params};
use smol_str::SmolStr;
use std::collections::HashMap;

/// A customer who comes back within so many milliseconds comes back about the same.
const WEEK: i64 = 7 * 24 * 3600 * 1000;

pub(super) fn put(c: &Connection, id: &str, seq: u64, m: &Measures) -> Result<(), StoreError> {
    for t in &m.tiers {
        c.prepare_cached(
            "INSERT INTO touched (conversation, tier, since, connected, replied, done) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (conversation, tier) DO UPDATE SET since = coalesce(since, excluded.since), \
             connected = coalesce(connected, excluded.connected), replied = coalesce(replied, excluded.replied), \
             done = coalesce(excluded.done, done)",
        )?
        .execute(params![id, t.tier.as_str(), maybe(t.since), maybe(t.connected), maybe(t.replied), maybe(t.done)])?;
    }
    if let Some(at) = m.reopened {
        c.prepare_cached("INSERT OR IGNORE INTO reopening (conversation, at) VALUES (?, ?)")?
            .execute(params![id, millis(at)])?;
    }
    if let Some((known, required)) = m.context {
        c.prepare_cached(
            "INSERT OR REPLACE INTO context (conversation, seq, known, required) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![id, number(seq), known, required])?;
    }
    Ok(())
}

#[derive(Default)]
struct Times {
    waits: Vec<f64>,
    replies: Vec<f64>,
    handled: Vec<f64>,
}

pub(super) fn service(c: &Connection, query: &DashboardQuery) -> Result<Service, StoreError> {
    let tx = c.unchecked_transaction()?;
    let since = millis(query.since);
    let mut times: HashMap<SmolStr, Times> = HashMap::new();
    let sql = "SELECT t.tier, t.since, t.connected, t.replied, t.done FROM conversation c JOIN touched t ON t.conversation = c.id \
               WHERE c.opened_at >= ? AND t.since IS NOT NULL";
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([since])?;
    while let Some(row) = rows.next()? {
        let of = times.entry(word(row, "tier")?).or_default();
        let from: Option<i64> = get(row, "since")?;
        let connected: Option<i64> = get(row, "connected")?;
        of.waits.extend(seconds(from, connected));
        of.replies.extend(seconds(from, get(row, "replied")?));
        of.handled.extend(seconds(connected, get(row, "done")?));
    }
    let tiers = query.tiers.iter().map(|tier| {
        let of = times.remove(tier).unwrap_or_default();
        TierService {
            tier: tier.clone(),
            wait_seconds: Percentiles::of(of.waits),
            first_reply_seconds: Percentiles::of(of.replies),
            handle_seconds: Percentiles::of(of.handled),
        }
    });
    let tiers = tiers.collect();
    let context = tx
        .prepare_cached(
            "SELECT avg(x.known * 1.0 / x.required) FROM context x JOIN conversation c ON c.id = x.conversation \
             WHERE c.opened_at >= ? AND x.required > 0",
        )?
        .query_row([since], |r| r.get(0))?;
    let repeat_rate: Option<f64> = tx
        .prepare_cached(
            "SELECT avg(EXISTS (SELECT 1 FROM reopening r WHERE r.conversation = c.id) OR EXISTS ( \
               SELECT 1 FROM identity i \
               JOIN identity j ON j.field = i.field AND j.value = i.value AND j.conversation <> i.conversation AND j.proven \
               JOIN conversation o ON o.id = j.conversation \
               WHERE i.conversation = c.id AND i.proven AND o.opened_at < c.opened_at AND o.opened_at >= c.opened_at - ?2)) \
             FROM conversation c WHERE c.opened_at >= ?1",
        )?
        .query_row([since, WEEK], |r| r.get(0))?;
    Ok(Service {
        tiers,
        context_completeness: context,
        repeat_rate: repeat_rate.unwrap_or(0.0),
    })
}

/// Between two moments, if both were and the clock did not go back meanwhile.
fn seconds(from: Option<i64>, to: Option<i64>) -> Option<f64> {
    let passed = to?.checked_sub(from?).filter(|ms| *ms >= 0)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 milliseconds")]
    Some(passed as f64 / 1000.0)
}

pub(super) fn decide(c: &Connection, v: &Verdict) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO verdict (proposal, state, by, at) VALUES (?, ?, ?, ?)",
    )?
    .execute(params![v.proposal, v.state.as_str(), v.by, millis(v.at)])?;
    Ok(())
}

pub(super) fn verdicts(c: &Connection) -> Result<Vec<Verdict>, StoreError> {
    let sql = "SELECT proposal, state, by, at FROM verdict ORDER BY proposal";
    collect(c.prepare_cached(sql)?.query([])?, |r| {
        Ok(Verdict {
            proposal: get(r, "proposal")?,
            state: word(r, "state")?,
            by: get(r, "by")?,
            at: time(get(r, "at")?)?,
        })
    })
}
