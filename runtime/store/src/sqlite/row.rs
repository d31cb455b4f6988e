//! Between Rust's values and SQLite's.

use crate::{Conversation, StoreError, Summary};
use flow_compiler::machine::Priority;
use flow_engine::event::AgentRef;
use jiff::Timestamp;
use rusqlite::{Row, types::FromSql};
use smol_str::SmolStr;

/// The columns of [`summary`], in any query.
pub(super) const SUMMARY: &str = "c.id, c.stage, c.tier, c.channel, c.language, c.customer, c.topic, c.team, c.priority, \
     c.mood, c.agent, c.agent_name, c.opened_at, c.escalated_at, c.queued_at, c.connected_at, c.closed_at, c.last_at, \
     c.due, c.last_text, c.last_from, c.seq, c.resolved, c.reason, c.people, c.version, c.item, c.reservation";

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(super) fn maybe(at: Option<Timestamp>) -> Option<i64> {
    at.map(millis)
}

pub(super) fn time(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// A number that is never negative here.
pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn natural(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(super) fn get<T: FromSql>(row: &Row<'_>, name: &str) -> Result<T, StoreError> {
    Ok(row.get(name)?)
}

pub(super) fn word(row: &Row<'_>, name: &str) -> Result<SmolStr, StoreError> {
    Ok(SmolStr::new(
        row.get_ref(name)?
            .as_str()
            .map_err(|e| StoreError::Corrupt(e.to_string()))?,
    ))
}

pub(super) fn words(row: &Row<'_>, name: &str) -> Result<Option<SmolStr>, StoreError> {
    Ok(get::<Option<String>>(row, name)?.map(SmolStr::from))
}

pub(super) fn at(row: &Row<'_>, name: &str) -> Result<Option<Timestamp>, StoreError> {
    get::<Option<i64>>(row, name)?.map(time).transpose()
}

pub(super) fn list(row: &Row<'_>, name: &str) -> Result<Vec<SmolStr>, StoreError> {
    Ok(serde_json::from_str(&get::<String>(row, name)?)?)
}

pub(super) fn summary(row: &Row<'_>) -> Result<Summary, StoreError> {
    let agent = words(row, "agent")?;
    let agent_name = words(row, "agent_name")?;
    Ok(Summary {
        id: get(row, "id")?,
        stage: word(row, "stage")?,
        tier: word(row, "tier")?,
        channel: word(row, "channel")?,
        language: word(row, "language")?,
        customer: get(row, "customer")?,
        topic: words(row, "topic")?,
        team: words(row, "team")?,
        priority: Priority::parse(&word(row, "priority")?).unwrap_or_default(),
        mood: get(row, "mood")?,
        agent: agent.map(|id| AgentRef {
            name: agent_name.unwrap_or_else(|| id.clone()),
            id,
        }),
        opened_at: at(row, "opened_at")?,
        escalated_at: at(row, "escalated_at")?,
        queued_at: at(row, "queued_at")?,
        connected_at: at(row, "connected_at")?,
        closed_at: at(row, "closed_at")?,
        last_at: at(row, "last_at")?,
        due: at(row, "due")?,
        last_text: get(row, "last_text")?,
        last_from: words(row, "last_from")?,
        seq: natural(get(row, "seq")?),
        resolved: get(row, "resolved")?,
        reason: words(row, "reason")?,
        people: get(row, "people")?,
        version: word(row, "version")?,
        item: get::<Option<String>>(row, "item")?
            .map(|json| serde_json::from_str(&json))
            .transpose()?,
        reservation: get::<Option<i64>>(row, "reservation")?.map(natural),
    })
}

pub(super) fn conversation(row: &Row<'_>) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        summary: summary(row)?,
        row: natural(get(row, "row")?),
        state: get(row, "state")?,
        token: get(row, "token")?,
    })
}

/// Collects rows through a function that can fail in its own way.
pub(super) fn collect<T>(
    mut rows: rusqlite::Rows<'_>,
    f: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(f(row)?);
    }
    Ok(out)
}

pub(super) fn first<T>(
    mut rows: rusqlite::Rows<'_>,
    f: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    rows.next()?.map(f).transpose()
}
