//! The commit of a turn.

use super::row::{maybe, millis, natural, number};
use crate::{Committed, Consumed, OutboxRow, StoreError, TurnCommit};
use rusqlite::{Connection, OptionalExtension, named_params, params};

pub(super) fn commit(c: &Connection, turn: &TurnCommit) -> Result<Committed, StoreError> {
    let id = turn.conversation.summary.id.as_str();
    let seq = turn
        .events
        .last()
        .map_or(turn.conversation.summary.seq, |e| e.seq);
    if let Some(key) = &turn.message {
        let known = c
            .prepare_cached("SELECT hash, seq FROM message_id WHERE conversation = ? AND id = ?")?
            .query_row(params![id, key.id], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        match known {
            Some((hash, seq)) if hash == key.hash => return Ok(Committed::Duplicate(natural(seq))),
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

const CREATE: &str = "INSERT INTO conversation (id, row, version, state, token, stage, tier, channel, language, customer, topic, team, \
     priority, mood, agent, agent_name, opened_at, escalated_at, queued_at, connected_at, closed_at, last_at, due, last_text, last_from, seq, \
     resolved, reason, people, item, reservation) VALUES (:id, :row + 1, :version, :state, :token, :stage, :tier, :channel, :language, \
     :customer, :topic, :team, :priority, :mood, :agent, :agent_name, :opened_at, :escalated_at, :queued_at, :connected_at, :closed_at, \
     :last_at, :due, :last_text, :last_from, :seq, :resolved, :reason, :people, :item, :reservation) ON CONFLICT (id) DO NOTHING";

/// What most turns change. The columns of the indexes are only compared here: SQLite rewrites an index's entry whenever one of its columns is
/// set, even to the value that it has.
const STAYS: &str = "UPDATE conversation SET row = :row + 1, state = :state, tier = :tier, channel = :channel, language = :language, \
     customer = :customer, topic = :topic, team = :team, priority = :priority, mood = :mood, agent_name = :agent_name, \
     escalated_at = :escalated_at, queued_at = :queued_at, connected_at = :connected_at, closed_at = :closed_at, last_at = :last_at, \
     due = :due, last_text = :last_text, last_from = :last_from, seq = :seq, resolved = :resolved, reason = :reason, people = :people, \
     item = :item, reservation = :reservation, token = :token WHERE id = :id AND row = :row AND version = :version AND stage = :stage \
     AND agent IS :agent AND opened_at IS :opened_at";

const MOVES: &str = "UPDATE conversation SET row = :row + 1, version = :version, state = :state, token = :token, stage = :stage, tier = :tier, \
     channel = :channel, language = :language, customer = :customer, topic = :topic, team = :team, priority = :priority, mood = :mood, \
     agent = :agent, agent_name = :agent_name, opened_at = :opened_at, escalated_at = :escalated_at, queued_at = :queued_at, \
     connected_at = :connected_at, closed_at = :closed_at, last_at = :last_at, due = :due, last_text = :last_text, \
     last_from = :last_from, seq = :seq, resolved = :resolved, reason = :reason, people = :people, item = :item, \
     reservation = :reservation WHERE id = :id AND row = :row";

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
    let changed = c.prepare_cached(sql)?.execute(named_params! {
        ":id": s.id,
        ":row": number(conversation.row),
        ":version": s.version.as_str(),
        ":state": conversation.state,
        ":token": conversation.token,
        ":stage": s.stage.as_str(),
        ":tier": s.tier.as_str(),
        ":channel": s.channel.as_str(),
        ":language": s.language.as_str(),
        ":customer": s.customer,
        ":topic": s.topic.as_deref(),
        ":team": s.team.as_deref(),
        ":priority": s.priority.as_str(),
        ":mood": s.mood,
        ":agent": s.agent.as_ref().map(|a| a.id.as_str()),
        ":agent_name": s.agent.as_ref().map(|a| a.name.as_str()),
        ":opened_at": maybe(s.opened_at),
        ":escalated_at": maybe(s.escalated_at),
        ":queued_at": maybe(s.queued_at),
        ":connected_at": maybe(s.connected_at),
        ":closed_at": maybe(s.closed_at),
        ":last_at": maybe(s.last_at).unwrap_or(0),
        ":due": maybe(s.due),
        ":last_text": s.last_text,
        ":last_from": s.last_from.as_deref(),
        ":seq": number(s.seq),
        ":resolved": s.resolved,
        ":reason": s.reason.as_deref(),
        ":people": s.people,
        ":item": item,
        ":reservation": s.reservation.map(number),
    })?;
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
