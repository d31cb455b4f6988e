//! Versions of bots.

use super::row::{collect, first, millis, natural, time, word};
use crate::{PackedProject, Program, StoreError, VersionInUse};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

fn read(r: &Row<'_>) -> Result<Program, StoreError> {
    Ok(Program {
        hash: word(r, "hash")?,
        project: PackedProject::stored(match super::row::get(r, "project")? {
            Value::Text(json) => json.into_bytes(),
            Value::Blob(bytes) => bytes,
            // A column that is never anything else.
            _ => Vec::new(),
        }),
        at: time(super::row::get(r, "at")?)?,
    })
}

pub(super) fn put(c: &Connection, p: &Program) -> Result<(), StoreError> {
    c.prepare_cached("INSERT OR IGNORE INTO program (hash, project, at) VALUES (?, ?, ?)")?
        .execute(params![p.hash.as_str(), p.project.bytes(), millis(p.at)])?;
    Ok(())
}

pub(super) fn get_by(
    c: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Option<Program>, StoreError> {
    first(c.prepare_cached(sql)?.query(params)?, read)
}

pub(super) fn get(c: &Connection, hash: &str) -> Result<Option<Program>, StoreError> {
    get_by(
        c,
        "SELECT hash, project, at FROM program WHERE hash = ?",
        [hash],
    )
}

pub(super) fn activate(c: &Connection, hash: &str) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE program SET active = (hash = ?)")?
        .execute([hash])?;
    Ok(())
}

pub(super) fn active(c: &Connection) -> Result<Option<Program>, StoreError> {
    get_by(
        c,
        "SELECT hash, project, at FROM program WHERE active LIMIT 1",
        [],
    )
}

pub(super) fn versions(c: &Connection) -> Result<Vec<VersionInUse>, StoreError> {
    let sql = "SELECT p.hash, p.at, p.active, (SELECT count(*) FROM conversation c WHERE c.version = p.hash AND c.stage <> 'closed') AS open \
               FROM program p WHERE p.active OR open > 0 ORDER BY p.at DESC";
    collect(c.prepare_cached(sql)?.query([])?, |r| {
        Ok(VersionInUse {
            version: word(r, "hash")?,
            current: super::row::get(r, "active")?,
            since: time(super::row::get(r, "at")?)?,
            open: natural(super::row::get(r, "open")?),
        })
    })
}

pub(super) fn prune(c: &Connection) -> Result<u64, StoreError> {
    // A closed conversation may reopen; it keeps its version for as long as the version is listed for it.
    let sql = "DELETE FROM program WHERE NOT active AND NOT EXISTS (SELECT 1 FROM conversation WHERE version = program.hash)";
    let removed = c.prepare_cached(sql)?.execute([])?;
    Ok(natural(i64::try_from(removed).unwrap_or(0)))
}
