//! What is to be delivered, and timers.

use super::row::{collect, first, get, millis, natural, number, time, word};
use crate::{OutboxRow, StoreError, TimerRow};
use jiff::Timestamp;
use rusqlite::{Connection, params};

const COLUMNS: &str = "id, conversation, seq, idx, kind, payload, due, attempts, last_error";

fn row(r: &rusqlite::Row<'_>) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        id: get(r, "id")?,
        conversation: get(r, "conversation")?,
        seq: natural(get(r, "seq")?),
        idx: get(r, "idx")?,
        kind: word(r, "kind")?,
        payload: get(r, "payload")?,
        due: time(get(r, "due")?)?,
        attempts: get(r, "attempts")?,
        last_error: get(r, "last_error")?,
    })
}

pub(super) fn pending(c: &Connection) -> Result<Vec<OutboxRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE state = 0 ORDER BY id");
    collect(c.prepare_cached(&sql)?.query([])?, row)
}

pub(super) fn begun(c: &Connection, id: i64) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?")?
        .execute([id])?;
    Ok(())
}

pub(super) fn defer(
    c: &Connection,
    id: i64,
    due: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE outbox SET due = ?, last_error = ? WHERE id = ?")?
        .execute(params![millis(due), error, id])?;
    Ok(())
}

pub(super) fn done(c: &Connection, id: i64) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM outbox WHERE id = ?")?
        .execute([id])?;
    Ok(())
}

pub(super) fn dead(c: &Connection, id: i64, error: &str) -> Result<(), StoreError> {
    c.prepare_cached(
        "UPDATE outbox SET state = 1, since = unixepoch() * 1000, last_error = ? WHERE id = ?",
    )?
    .execute(params![error, id])?;
    Ok(())
}

pub(super) fn taken(c: &Connection, id: i64, name: &[u8]) -> Result<(), StoreError> {
    c.prepare_cached(
        "UPDATE outbox SET state = 3, since = unixepoch() * 1000, sent_as = ? WHERE id = ?",
    )?
    .execute(params![name, id])?;
    Ok(())
}

pub(super) fn arrived(c: &Connection, name: &[u8]) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM outbox WHERE sent_as = ? AND state = 3")?
        .execute([name])?;
    Ok(())
}

pub(super) fn taken_as(
    c: &Connection,
    name: &[u8],
) -> Result<Option<(OutboxRow, Timestamp)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, since FROM outbox WHERE sent_as = ? AND state = 3");
    first(c.prepare_cached(&sql)?.query([name])?, |r| {
        Ok((row(r)?, time(get(r, "since")?)?))
    })
}

pub(super) fn missed(
    c: &Connection,
    name: &[u8],
    error: &str,
    again: Option<Timestamp>,
) -> Result<Option<OutboxRow>, StoreError> {
    let to = if again.is_some() {
        "state = 0, since = NULL, attempts = attempts + 1"
    } else {
        "state = 1, since = unixepoch() * 1000"
    };
    let sql = format!(
        "UPDATE outbox SET {to}, sent_as = NULL, last_error = ?2, due = coalesce(?3, due) WHERE sent_as = ?1 AND state = 3 RETURNING {COLUMNS}"
    );
    first(
        c.prepare_cached(&sql)?
            .query(params![name, error, again.map(millis)])?,
        row,
    )
}

pub(super) fn expire(
    c: &Connection,
    dead: Option<Timestamp>,
    taken: Timestamp,
) -> Result<u64, StoreError> {
    let remove = |state: i64, before: Option<Timestamp>| -> Result<u64, StoreError> {
        let removed = c
            .prepare_cached("DELETE FROM outbox WHERE state = ? AND since < ?")?
            .execute(params![state, before.map(millis)])?;
        Ok(natural(i64::try_from(removed).unwrap_or(0)))
    };
    remove(3, Some(taken))?;
    remove(1, dead)
}

pub(super) fn dead_letters(c: &Connection, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE state = 1 ORDER BY id DESC LIMIT ?");
    collect(c.prepare_cached(&sql)?.query([limit])?, row)
}

/// Asks the daemon, from beside it, to try deliveries again that were given up; one, or (with `None`) all of them. How many those are.
pub(super) fn ask_replay(c: &Connection, id: Option<i64>) -> Result<u64, StoreError> {
    let changed = c
        .prepare_cached("UPDATE outbox SET state = 2 WHERE state = 1 AND (?1 IS NULL OR id = ?1)")?
        .execute([id])?;
    Ok(natural(i64::try_from(changed).unwrap_or(0)))
}

pub(super) fn replays_asked(c: &Connection) -> Result<Vec<i64>, StoreError> {
    collect(
        c.prepare_cached("SELECT id FROM outbox WHERE state = 2 ORDER BY id")?
            .query([])?,
        |r| get(r, "id"),
    )
}

pub(super) fn replay(
    c: &Connection,
    id: i64,
    now: Timestamp,
) -> Result<Option<OutboxRow>, StoreError> {
    let sql = format!(
        "UPDATE outbox SET state = 0, since = NULL, due = ?, attempts = 0 WHERE id = ? AND state IN (1, 2) RETURNING {COLUMNS}"
    );
    first(
        c.prepare_cached(&sql)?.query(params![millis(now), id])?,
        row,
    )
}

pub(super) fn timers(c: &Connection, until: Timestamp) -> Result<Vec<TimerRow>, StoreError> {
    collect(
        // The whole table is looked through, now and then; an index would cost every turn that sets a timer.
        c.prepare_cached("SELECT conversation, id, at FROM timer WHERE at <= ? ORDER BY at")?
            .query([millis(until)])?,
        |r| {
            Ok(TimerRow {
                conversation: get(r, "conversation")?,
                id: natural(get(r, "id")?),
                at: time(get(r, "at")?)?,
            })
        },
    )
}

pub(super) fn remove_timer(c: &Connection, conversation: &str, id: u64) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM timer WHERE conversation = ? AND id = ?")?
        .execute(params![conversation, number(id)])?;
    Ok(())
}
