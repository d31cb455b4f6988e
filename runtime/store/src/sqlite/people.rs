//! Agents, sessions, keys.

use super::row::{at, collect, first, get, list, maybe, millis, time, word};
use crate::{Agent, ApiKey, Role, Session, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use std::path::Path;

const AGENT: &str =
    "SELECT id, name, role, teams, skills, languages, capacity, available, password FROM agent";

fn read_agent(r: &Row<'_>) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: word(r, "id")?,
        name: word(r, "name")?,
        role: Role::parse(&word(r, "role")?).unwrap_or_default(),
        teams: list(r, "teams")?,
        skills: list(r, "skills")?,
        languages: list(r, "languages")?,
        capacity: get(r, "capacity")?,
        available: get(r, "available")?,
        password: get(r, "password")?,
    })
}

pub(super) fn put_agent(c: &Connection, a: &Agent) -> Result<(), StoreError> {
    // A new password is for those who have the old one: whoever signed in with it signs in again.
    c.prepare_cached(
        "DELETE FROM session WHERE agent = ?1 AND EXISTS (SELECT 1 FROM agent WHERE id = ?1 AND password <> ?2)",
    )?
    .execute(params![a.id.as_str(), a.password])?;
    c.prepare_cached(
        "INSERT INTO agent (id, name, role, teams, skills, languages, capacity, available, password) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, \
         teams = excluded.teams, skills = excluded.skills, languages = excluded.languages, capacity = excluded.capacity, \
         password = excluded.password",
    )?
    .execute(params![
        a.id.as_str(),
        a.name.as_str(),
        a.role.as_str(),
        serde_json::to_string(&a.teams)?,
        serde_json::to_string(&a.skills)?,
        serde_json::to_string(&a.languages)?,
        a.capacity,
        a.available,
        a.password
    ])?;
    Ok(())
}

pub(super) fn agents(c: &Connection) -> Result<Vec<Agent>, StoreError> {
    collect(
        c.prepare_cached(&format!("{AGENT} ORDER BY id"))?
            .query([])?,
        read_agent,
    )
}

pub(super) fn agent(c: &Connection, id: &str) -> Result<Option<Agent>, StoreError> {
    first(
        c.prepare_cached(&format!("{AGENT} WHERE id = ?"))?
            .query([id])?,
        read_agent,
    )
}

pub(super) fn remove_agent(c: &Connection, id: &str) -> Result<bool, StoreError> {
    Ok(c.prepare_cached("DELETE FROM agent WHERE id = ?")?
        .execute([id])?
        == 1)
}

pub(super) fn set_available(c: &Connection, id: &str, available: bool) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE agent SET available = ? WHERE id = ?")?
        .execute(params![available, id])?;
    Ok(())
}

pub(super) fn put_session(c: &Connection, s: &Session) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM session WHERE expires < unixepoch() * 1000")?
        .execute([])?;
    c.prepare_cached(
        "INSERT OR REPLACE INTO session (hash, agent, csrf, expires) VALUES (?, ?, ?, ?)",
    )?
    .execute(params![s.hash, s.agent.as_str(), s.csrf, millis(s.expires)])?;
    Ok(())
}

pub(super) fn session(
    c: &Connection,
    hash: &[u8],
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT hash, agent, csrf, expires FROM session WHERE hash = ? AND expires > ?";
    first(
        c.prepare_cached(sql)?.query(params![hash, millis(now)])?,
        |r| {
            Ok(Session {
                hash: get(r, "hash")?,
                agent: word(r, "agent")?,
                csrf: get(r, "csrf")?,
                expires: time(get(r, "expires")?)?,
            })
        },
    )
}

pub(super) fn remove_session(c: &Connection, hash: &[u8]) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM session WHERE hash = ?")?
        .execute([hash])?;
    Ok(())
}

const KEY: &str = "SELECT id, name, hash, scopes, created, expires FROM api_key";

fn read_key(r: &Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: get(r, "id")?,
        name: get(r, "name")?,
        hash: get(r, "hash")?,
        scopes: list(r, "scopes")?,
        created: time(get(r, "created")?)?,
        expires: at(r, "expires")?,
    })
}

pub(super) fn put_key(c: &Connection, k: &ApiKey) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO api_key (id, name, hash, scopes, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        k.id,
        k.name,
        k.hash,
        serde_json::to_string(&k.scopes)?,
        millis(k.created),
        maybe(k.expires)
    ])?;
    Ok(())
}

pub(super) fn key(
    c: &Connection,
    hash: &[u8],
    now: Timestamp,
) -> Result<Option<ApiKey>, StoreError> {
    first(
        c.prepare_cached(&format!(
            "{KEY} WHERE hash = ? AND (expires IS NULL OR expires > ?)"
        ))?
        .query(params![hash, millis(now)])?,
        read_key,
    )
}

pub(super) fn keys(c: &Connection) -> Result<Vec<ApiKey>, StoreError> {
    collect(
        c.prepare_cached(&format!("{KEY} ORDER BY created"))?
            .query([])?,
        read_key,
    )
}

pub(super) fn remove_key(c: &Connection, id: &str) -> Result<bool, StoreError> {
    let removed = c
        .prepare_cached("DELETE FROM api_key WHERE id = ?")?
        .execute([id])?;
    if removed == 1
        && let Some(folder) = c.path().map(Path::new).and_then(Path::parent)
    {
        super::backup::note_revoked(folder, id)?;
    }
    Ok(removed == 1)
}

/// The details of an agent's newest sign-ins: from where they were.
pub(super) fn sign_ins_of(
    c: &Connection,
    agent: &str,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT detail FROM audit WHERE actor = ? AND action = 'sign_in' AND detail IS NOT NULL ORDER BY id DESC LIMIT ?";
    collect(
        c.prepare_cached(sql)?
            .query(params![format!("agent:{agent}"), limit])?,
        |r| get(r, "detail"),
    )
}
