//! Reading conversations.

use super::row::{self, SUMMARY, collect, first, get, natural, number};
use crate::{EventRow, ListQuery, Loaded, Scope, StoreError, Summary};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params, params_from_iter};

pub(super) fn load(c: &Connection, id: &str) -> Result<Option<Loaded>, StoreError> {
    // One snapshot for both tables: a commit between the two reads must not show.
    let tx = c.unchecked_transaction()?;
    let sql =
        format!("SELECT {SUMMARY}, c.row, c.state, c.token FROM conversation c WHERE c.id = ?");
    let Some(conversation) = first(tx.prepare_cached(&sql)?.query([id])?, row::conversation)?
    else {
        return Ok(None);
    };
    let mut statement = tx.prepare_cached("SELECT id FROM message_id WHERE conversation = ?")?;
    let messages = collect(statement.query([id])?, |r| get(r, "id"))?;
    Ok(Some(Loaded {
        conversation,
        messages,
    }))
}

pub(super) fn message(
    c: &Connection,
    conversation: &str,
    id: &str,
) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
    let sql = "SELECT hash, seq FROM message_id WHERE conversation = ? AND id = ?";
    first(c.prepare_cached(sql)?.query([conversation, id])?, |r| {
        Ok((get(r, "hash")?, natural(get(r, "seq")?)))
    })
}

pub(super) fn summary(c: &Connection, id: &str) -> Result<Option<Summary>, StoreError> {
    let sql = format!("SELECT {SUMMARY} FROM conversation c WHERE c.id = ?");
    first(c.prepare_cached(&sql)?.query([id])?, row::summary)
}

fn event(r: &rusqlite::Row<'_>) -> Result<EventRow, StoreError> {
    Ok(EventRow {
        position: get(r, "position")?,
        conversation: get(r, "conversation")?,
        seq: natural(get(r, "seq")?),
        record: get(r, "record")?,
        messages: get(r, "messages")?,
    })
}

pub(super) fn log(
    c: &Connection,
    id: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<EventRow>, StoreError> {
    let sql = "SELECT position, conversation, seq, record, messages FROM event \
               WHERE conversation = ? AND seq > ? ORDER BY seq LIMIT ?";
    collect(
        c.prepare_cached(sql)?
            .query(params![id, number(after), limit])?,
        event,
    )
}

pub(super) fn events_after(
    c: &Connection,
    position: i64,
    limit: u32,
) -> Result<Vec<EventRow>, StoreError> {
    let sql = "SELECT position, conversation, seq, record, messages FROM event WHERE position > ? ORDER BY position LIMIT ?";
    collect(
        c.prepare_cached(sql)?.query(params![position, limit])?,
        event,
    )
}

pub(super) fn last_position(c: &Connection) -> Result<i64, StoreError> {
    Ok(
        c.prepare_cached("SELECT coalesce(max(position), 0) FROM event")?
            .query_row([], |r| r.get(0))?,
    )
}

pub(super) fn list(c: &Connection, query: &ListQuery) -> Result<Vec<Summary>, StoreError> {
    let mut sql = format!("SELECT {SUMMARY} FROM conversation c WHERE true");
    let mut values: Vec<Sql> = Vec::new();
    let in_list = |sql: &mut String, values: &mut Vec<Sql>, teams: &[smol_str::SmolStr]| {
        let marks = vec!["?"; teams.len()].join(", ");
        sql.push_str(&format!(" AND c.team IN ({marks})"));
        values.extend(teams.iter().map(|t| Sql::Text(t.to_string())));
    };
    match &query.scope {
        Scope::All => {}
        Scope::Agent(agent) => {
            sql.push_str(" AND c.agent = ? AND c.stage <> 'offered'");
            values.push(Sql::Text(agent.to_string()));
        }
        Scope::Teams(teams) => in_list(&mut sql, &mut values, teams),
        Scope::Queue(teams) => {
            sql.push_str(" AND c.stage IN ('queued', 'offered')");
            if let Some(teams) = teams {
                in_list(&mut sql, &mut values, teams);
            }
        }
    }
    match query.open {
        Some(true) => sql.push_str(" AND c.stage <> 'closed'"),
        Some(false) => sql.push_str(" AND c.stage = 'closed'"),
        None => {}
    }
    if query.people {
        sql.push_str(" AND c.people");
    }
    if let Some(search) = &query.search {
        sql.push_str(
            r" AND (c.customer LIKE ? ESCAPE '\' OR c.last_text LIKE ? ESCAPE '\' OR c.id = ?)",
        );
        let like = format!(
            "%{}%",
            search
                .replace('\\', r"\\")
                .replace('%', r"\%")
                .replace('_', r"\_")
        );
        values.extend([
            Sql::Text(like.clone()),
            Sql::Text(like),
            Sql::Text(search.clone()),
        ]);
    }
    if let Some((at, id)) = &query.before {
        sql.push_str(" AND (c.last_at, c.id) < (?, ?)");
        values.extend([Sql::Integer(*at), Sql::Text(id.clone())]);
    }
    sql.push_str(" ORDER BY c.last_at DESC, c.id DESC LIMIT ?");
    values.push(Sql::Integer(i64::from(query.limit)));
    collect(
        c.prepare_cached(&sql)?.query(params_from_iter(values))?,
        row::summary,
    )
}

pub(super) fn with_people(c: &Connection) -> Result<Vec<Summary>, StoreError> {
    let sql = format!(
        "SELECT {SUMMARY} FROM conversation c \
         WHERE c.stage IN ('handoff_pending', 'queued', 'offered', 'reviewing', 'with_agent') ORDER BY c.queued_at, c.id"
    );
    collect(c.prepare_cached(&sql)?.query([])?, row::summary)
}

pub(super) fn open_of_version(
    c: &Connection,
    version: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT id FROM conversation WHERE stage <> 'closed' AND (?1 IS NULL OR version = ?1)";
    collect(c.prepare_cached(sql)?.query([version])?, |r| get(r, "id"))
}

pub(super) fn conversations_of(
    c: &Connection,
    field: &str,
    value: &str,
    proven: bool,
    limit: u32,
) -> Result<Vec<Summary>, StoreError> {
    let sql = format!(
        "SELECT {SUMMARY} FROM identity i JOIN conversation c ON c.id = i.conversation \
         WHERE i.field = ? AND i.value = ? AND i.proven >= ? ORDER BY c.last_at DESC LIMIT ?"
    );
    collect(
        c.prepare_cached(&sql)?
            .query(params![field, value, proven, limit])?,
        row::summary,
    )
}
