//! The commit of a turn.

use super::row::{maybe, millis, number};
use crate::{Committed, Consumed, OutboxRow, StoreError, TurnCommit};
use rusqlite::{Connection, ToSql, params};

pub(super) fn commit(c: &Connection, turn: &TurnCommit) -> Result<Committed, StoreError> {
    let id = turn.conversation.summary.id.as_str();
    let seq = turn
        .events
        .last()
        .map_or(turn.conversation.summary.seq, |e| e.seq);
    if let Some(key) = &turn.message {
        match super::reads::message(c, id, &key.id)? {
            Some((hash, seq)) if hash == key.hash => return Ok(Committed::Duplicate(seq)),
            Some(_) => return Ok(Committed::IdReused),
            None => {}
        }
    }
    if !put(c, turn)? {
        return Ok(Committed::Conflict);
    }
    if let Some(key) = &turn.message {
        c.prepare_cached(
            "INSERT INTO message_id (conversation, id, hash, seq) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![id, key.id, key.hash, number(seq)])?;
    }
    match &turn.consumed {
        Some(Consumed::Outbox(row)) => super::outbox::done(c, *row)?,
        Some(Consumed::GivenUp { row, error }) => super::outbox::dead(c, *row, error)?,
        Some(Consumed::Timer(timer)) => super::outbox::remove_timer(c, id, *timer)?,
        None => {}
    }
    let mut positions = Vec::with_capacity(turn.events.len());
    for event in &turn.events {
        c.prepare_cached(
            "INSERT INTO event (conversation, seq, at, record, messages) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id,
            number(event.seq),
            millis(event.at),
            event.record,
            event.messages
        ])?;
        positions.push(c.last_insert_rowid());
    }
    for timer in &turn.cancelled {
        c.prepare_cached("DELETE FROM timer WHERE conversation = ? AND id = ?")?
            .execute(params![id, number(*timer)])?;
    }
    for (timer, at) in &turn.timers {
        c.prepare_cached("INSERT OR REPLACE INTO timer (conversation, id, at) VALUES (?, ?, ?)")?
            .execute(params![id, number(*timer), millis(*at)])?;
    }
    side_tables(c, turn, id, seq)?;
    super::service::put(c, id, seq, &turn.measures)?;
    let outbox = outbox(c, turn, id)?;
    Ok(Committed::Done {
        row: turn.conversation.row + 1,
        positions,
        outbox,
    })
}

/// The columns of a conversation, by the numbers of their parameters. (By name SQLite would be asked for each number, in every turn.)
const CREATE: &str = "INSERT INTO conversation (id, row, version, stage, agent, opened_at, state, token, tier, channel, language, customer, \
     topic, team, priority, mood, agent_name, escalated_at, queued_at, connected_at, closed_at, last_at, due, last_text, last_from, seq, \
     resolved, reason, people, item, reservation) VALUES (?1, ?2 + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
     ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31) ON CONFLICT (id) DO NOTHING";

/// What most turns change. The columns of the indexes are only compared here: SQLite rewrites an index's entry whenever one of its columns is
/// set, even to the value that it has.
const STAYS: &str = "UPDATE conversation SET row = ?2 + 1, state = ?7, token = ?8, tier = ?9, channel = ?10, language = ?11, customer = ?12, \
     topic = ?13, team = ?14, priority = ?15, mood = ?16, agent_name = ?17, escalated_at = ?18, queued_at = ?19, connected_at = ?20, \
     closed_at = ?21, last_at = ?22, due = ?23, last_text = ?24, last_from = ?25, seq = ?26, resolved = ?27, reason = ?28, people = ?29, \
     item = ?30, reservation = ?31 WHERE id = ?1 AND row = ?2 AND version = ?3 AND stage = ?4 AND agent IS ?5 AND opened_at IS ?6";

const MOVES: &str = "UPDATE conversation SET row = ?2 + 1, version = ?3, stage = ?4, agent = ?5, opened_at = ?6, state = ?7, token = ?8, \
     tier = ?9, channel = ?10, language = ?11, customer = ?12, topic = ?13, team = ?14, priority = ?15, mood = ?16, agent_name = ?17, \
     escalated_at = ?18, queued_at = ?19, connected_at = ?20, closed_at = ?21, last_at = ?22, due = ?23, last_text = ?24, \
     last_from = ?25, seq = ?26, resolved = ?27, reason = ?28, people = ?29, item = ?30, reservation = ?31 WHERE id = ?1 AND row = ?2";

/// Writes the conversation if its row version is the expected one.
fn put(c: &Connection, turn: &TurnCommit) -> Result<bool, StoreError> {
    if turn.conversation.row == 0 {
        return write(c, turn, CREATE);
    }
    Ok(write(c, turn, STAYS)? || write(c, turn, MOVES)?)
}

fn write(c: &Connection, turn: &TurnCommit, sql: &str) -> Result<bool, StoreError> {
    let conversation = &turn.conversation;
    let s = &conversation.summary;
    let item = s.item.as_ref().map(serde_json::to_string).transpose()?;
    let values: [&dyn ToSql; 31] = [
        &s.id,
        &number(conversation.row),
        &s.version.as_str(),
        &s.stage.as_str(),
        &s.agent.as_ref().map(|a| a.id.as_str()),
        &maybe(s.opened_at),
        &conversation.state,
        &conversation.token,
        &s.tier.as_str(),
        &s.channel.as_str(),
        &s.language.as_str(),
        &s.customer,
        &s.topic.as_deref(),
        &s.team.as_deref(),
        &s.priority.as_str(),
        &s.mood,
        &s.agent.as_ref().map(|a| a.name.as_str()),
        &maybe(s.escalated_at),
        &maybe(s.queued_at),
        &maybe(s.connected_at),
        &maybe(s.closed_at),
        &maybe(s.last_at).unwrap_or(0),
        &maybe(s.due),
        &s.last_text,
        &s.last_from.as_deref(),
        &number(s.seq),
        &s.resolved,
        &s.reason.as_deref(),
        &s.people,
        &item,
        &s.reservation.map(number),
    ];
    let changed = c.prepare_cached(sql)?.execute(&values[..])?;
    Ok(changed == 1)
}

fn side_tables(c: &Connection, turn: &TurnCommit, id: &str, seq: u64) -> Result<(), StoreError> {
    for f in &turn.follow_ups {
        c.prepare_cached(
            "INSERT INTO follow_up (conversation, kind, due, contact, proven, team, summary, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id,
            f.kind.as_str(),
            maybe(f.due),
            f.contact.as_deref(),
            f.proven,
            f.team.as_deref(),
            f.summary,
            millis(f.at)
        ])?;
    }
    for (survey, score) in &turn.scores {
        c.prepare_cached(
            "INSERT OR REPLACE INTO score (conversation, seq, survey, score) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![id, number(seq), survey.as_str(), score])?;
    }
    for (rule, tier) in &turn.rules {
        c.prepare_cached(
            "INSERT OR REPLACE INTO escalation (conversation, seq, rule, tier) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![id, number(seq), rule.as_str(), tier.as_str()])?;
    }
    for tier in &turn.tiers {
        c.prepare_cached("INSERT OR IGNORE INTO touched (conversation, tier) VALUES (?, ?)")?
            .execute(params![id, tier.as_str()])?;
    }
    for (field, value, proven) in &turn.identities {
        c.prepare_cached(
            "INSERT INTO identity (field, value, conversation, proven) VALUES (?, ?, ?, ?) \
             ON CONFLICT (field, value, conversation) DO UPDATE SET proven = max(proven, excluded.proven)",
        )?
        .execute(params![field.as_str(), value, id, proven])?;
    }
    Ok(())
}

fn outbox(c: &Connection, turn: &TurnCommit, id: &str) -> Result<Vec<OutboxRow>, StoreError> {
    let mut rows = Vec::with_capacity(turn.outbox.len());
    for o in &turn.outbox {
        c.prepare_cached("INSERT INTO outbox (conversation, seq, idx, kind, payload, due) VALUES (?, ?, ?, ?, ?, ?)")?
            .execute(params![id, number(o.seq), o.idx, o.kind.as_str(), o.payload, millis(o.due)])?;
        rows.push(OutboxRow {
            id: c.last_insert_rowid(),
            conversation: id.to_owned(),
            seq: o.seq,
            idx: o.idx,
            kind: o.kind.clone(),
            payload: o.payload.clone(),
            due: o.due,
            attempts: 0,
            last_error: None,
        });
    }
    Ok(rows)
}
