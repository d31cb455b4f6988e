//! Files, codes, promises, other systems' events, erasure, counts.

use super::row::{at, collect, first, get, maybe, millis, natural, time, word, words};
use crate::{Delivery, FollowUpRow, Stats, StoreError, StoredFile, Verification};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;

pub(super) fn put_file(c: &Connection, f: &StoredFile) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO file (id, conversation, name, mime, data) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![f.id, f.conversation, f.name, f.mime, f.data])?;
    Ok(())
}

pub(super) fn file(
    c: &Connection,
    conversation: &str,
    id: &str,
) -> Result<Option<StoredFile>, StoreError> {
    let sql =
        "SELECT id, conversation, name, mime, data FROM file WHERE conversation = ? AND id = ?";
    first(c.prepare_cached(sql)?.query([conversation, id])?, |r| {
        Ok(StoredFile {
            id: get(r, "id")?,
            conversation: get(r, "conversation")?,
            name: get(r, "name")?,
            mime: get(r, "mime")?,
            data: get(r, "data")?,
        })
    })
}

pub(super) fn put_verification(c: &Connection, v: &Verification) -> Result<(), StoreError> {
    c.prepare_cached("INSERT OR REPLACE INTO verification (conversation, field, hash, expires, attempts) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![v.conversation, v.field.as_str(), v.hash, millis(v.expires), v.attempts])?;
    Ok(())
}

pub(super) fn verification(
    c: &Connection,
    conversation: &str,
) -> Result<Option<Verification>, StoreError> {
    let sql = "SELECT conversation, field, hash, expires, attempts FROM verification WHERE conversation = ?";
    first(c.prepare_cached(sql)?.query([conversation])?, |r| {
        Ok(Verification {
            conversation: get(r, "conversation")?,
            field: word(r, "field")?,
            hash: get(r, "hash")?,
            expires: time(get(r, "expires")?)?,
            attempts: get(r, "attempts")?,
        })
    })
}

pub(super) fn remove_verification(c: &Connection, conversation: &str) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM verification WHERE conversation = ?")?
        .execute([conversation])?;
    Ok(())
}

pub(super) fn follow_ups(
    c: &Connection,
    done: Option<bool>,
    limit: u32,
) -> Result<Vec<FollowUpRow>, StoreError> {
    let sql = "SELECT id, conversation, kind, due, contact, proven, team, summary, at, done_at FROM follow_up \
               WHERE ?1 IS NULL OR (done_at IS NOT NULL) = ?1 ORDER BY due IS NULL, due, id LIMIT ?2";
    collect(
        c.prepare_cached(sql)?.query(params![done, limit])?,
        follow_up,
    )
}

pub(super) fn follow_up_of(c: &Connection, id: i64) -> Result<Option<FollowUpRow>, StoreError> {
    let sql = "SELECT id, conversation, kind, due, contact, proven, team, summary, at, done_at FROM follow_up WHERE id = ?";
    first(c.prepare_cached(sql)?.query([id])?, follow_up)
}

pub(super) fn follow_up(r: &Row<'_>) -> Result<FollowUpRow, StoreError> {
    Ok(FollowUpRow {
        id: get(r, "id")?,
        conversation: get(r, "conversation")?,
        kind: word(r, "kind")?,
        due: at(r, "due")?,
        contact: words(r, "contact")?,
        proven: get(r, "proven")?,
        team: words(r, "team")?,
        summary: get(r, "summary")?,
        at: time(get(r, "at")?)?,
        done: get::<Option<i64>>(r, "done_at")?.is_some(),
    })
}

pub(super) fn follow_up_done(
    c: &Connection,
    id: i64,
    by: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = c
        .prepare_cached(
            "UPDATE follow_up SET done_at = ?, done_by = ? WHERE id = ? AND done_at IS NULL",
        )?
        .execute(params![maybe(Some(at)), by, id])?;
    Ok(changed == 1)
}

pub(super) fn put_delivery(c: &Connection, d: &Delivery) -> Result<Option<Vec<u8>>, StoreError> {
    let known = c
        .prepare_cached("SELECT hash FROM delivery WHERE id = ?")?
        .query_row([&d.id], |r| r.get::<_, Vec<u8>>(0))
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    // A name that was taken before belongs to an event that is known, whatever id it comes under now.
    let insert = r#"INSERT INTO delivery (id, "trigger", body, hash, at, done) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"#;
    let (at, trigger) = (millis(d.at), d.trigger.as_str());
    let put = |id: &str, body: &[u8], done: bool| -> Result<bool, StoreError> {
        Ok(c.prepare_cached(insert)?
            .execute(params![id, trigger, body, d.hash, at, done])?
            == 1)
    };
    if let Some(also) = &d.also
        && !put(also, &[], true)?
    {
        // Its new id takes no room: whoever repeats it could make up any number of them.
        return Ok(Some(d.hash.clone()));
    }
    put(&d.id, &d.body, false)?;
    Ok(None)
}

pub(super) fn use_login(
    c: &Connection,
    hash: &[u8],
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    c.prepare_cached("DELETE FROM used_login WHERE until < ?")?
        .execute([millis(now)])?;
    let used = c
        .prepare_cached(
            "INSERT INTO used_login (hash, until) VALUES (?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![hash, millis(until)])?;
    Ok(used == 1)
}

pub(super) fn deliveries(c: &Connection) -> Result<Vec<Delivery>, StoreError> {
    let sql = r#"SELECT id, "trigger", body, hash, at FROM delivery WHERE done = 0 ORDER BY at"#;
    collect(c.prepare_cached(sql)?.query([])?, |r| {
        Ok(Delivery {
            id: get(r, "id")?,
            also: None,
            trigger: word(r, "trigger")?,
            body: get(r, "body")?,
            hash: get(r, "hash")?,
            at: time(get(r, "at")?)?,
        })
    })
}

pub(super) fn delivery_done(c: &Connection, id: &str) -> Result<(), StoreError> {
    // The id stays, so that a repetition has no effect; the body is not needed any more.
    c.prepare_cached("UPDATE delivery SET done = 1, body = x'' WHERE id = ?")?
        .execute([id])?;
    Ok(())
}

/// Erases a conversation. Its id is noted beside the database first, so that a backup that still has it is cleaned when it is restored.
pub(super) fn erase(c: &Connection, id: &str) -> Result<bool, StoreError> {
    if let Some(folder) = c.path().map(Path::new).and_then(Path::parent) {
        super::backup::note_erased(folder, id)?;
    }
    let erased = c
        .prepare_cached("DELETE FROM conversation WHERE id = ?")?
        .execute([id])?;
    Ok(erased == 1)
}

pub(super) fn stats(c: &Connection) -> Result<Stats, StoreError> {
    let count = |sql: &str| -> Result<u64, StoreError> {
        Ok(natural(c.prepare_cached(sql)?.query_row([], |r| r.get(0))?))
    };
    Ok(Stats {
        open: count("SELECT count(*) FROM conversation WHERE stage <> 'closed'")?,
        queued: count(
            "SELECT count(*) FROM conversation WHERE stage IN ('handoff_pending', 'queued', 'offered', 'reviewing', 'with_agent') \
             AND stage IN ('queued', 'offered')",
        )?,
        outbox: count("SELECT count(*) FROM outbox WHERE state = 0")?,
        dead: count("SELECT count(*) FROM outbox WHERE state = 1")?,
        timers: count("SELECT count(*) FROM timer")?,
    })
}

pub(super) fn check(c: &Connection) -> Result<(), StoreError> {
    // A write that changes nothing still needs the write lock and the log.
    c.prepare_cached("DELETE FROM timer WHERE conversation = ''")?
        .execute([])?;
    Ok(())
}
