//! From a turn to what the store is given.

use super::measures;
use super::messages::{self, Message};
use super::slots::State;
use super::summary;
use crate::program::Program;
use flow_compiler::value::Value;
use flow_engine::effect::Effect;
use flow_engine::{Conversation, Recorded, View};
use flow_store::{
    Consumed, MessageKey, NewEvent, NewFollowUp, NewOutbox, StoreError, Summary, TurnCommit,
};
use smol_str::SmolStr;

/// A turn, ready to be committed.
pub(super) struct Prepared {
    pub(super) commit: TurnCommit,
    pub(super) summary: Summary,
    pub(super) conversation: Conversation,
    pub(super) records: Vec<Recorded>,
    pub(super) messages: Vec<Vec<Message>>,
    pub(super) key: Option<MessageKey>,
}

/// `state` learns the labels of buttons that the turn sends; they are the same whether or not it is committed.
pub(super) fn prepare(
    state: &mut State,
    program: &Program,
    conversation: Conversation,
    view: &View,
    records: Vec<Recorded>,
    key: Option<MessageKey>,
    consumed: Option<Consumed>,
) -> Result<Prepared, StoreError> {
    let shown = view.buttons.iter();
    state
        .labels
        .extend(shown.map(|b| (b.id.clone(), b.label.clone())));
    let messages: Vec<Vec<Message>> = records
        .iter()
        .map(|r| messages::of(r, &mut state.labels))
        .collect();
    let mut columns = state.summary.clone();
    let all: Vec<Message> = messages.concat();
    let tier_before = columns.tier.clone();
    summary::update(&mut columns, view, &conversation, &records, &all);
    if let (Some(item), Some(team)) = (&mut columns.item, &columns.team) {
        item.team = team.clone();
    }
    let mut commit = TurnCommit {
        conversation: flow_store::Conversation {
            summary: columns.clone(),
            row: state.row,
            state: serde_json::to_string(&conversation)?,
            token: state.token.clone(),
        },
        events: Vec::with_capacity(records.len()),
        message: key.clone(),
        outbox: Vec::new(),
        timers: Vec::new(),
        cancelled: Vec::new(),
        consumed,
        follow_ups: Vec::new(),
        scores: Vec::new(),
        rules: Vec::new(),
        tiers: Vec::new(),
        identities: identities(program, &conversation),
        measures: measures::of(
            &mut state.measured,
            program,
            &state.summary,
            &conversation,
            view,
            &records,
            &messages,
        ),
    };
    // What the turn before stored already is not stored again.
    if tier_before != columns.tier {
        commit.tiers.push(columns.tier.clone());
    }
    if state.row > 0 && state.summary.version == program.version {
        let before = identities(program, &state.conversation);
        commit.identities.retain(|found| !before.contains(found));
    }
    for (record, messages) in records.iter().zip(&messages) {
        commit.events.push(NewEvent {
            seq: record.seq,
            at: record.event.at,
            record: serde_json::to_string(record)?,
            messages: serde_json::to_string(messages)?,
        });
        if let Some(escalation) = &record.decision.escalation {
            let rule = escalation
                .rule
                .clone()
                .unwrap_or_else(|| SmolStr::new_static("step"));
            commit.rules.push((rule, escalation.to.clone()));
            // A tier that was passed through inside one turn was touched too.
            commit.tiers.push(escalation.from.clone());
            commit.tiers.push(escalation.to.clone());
        }
        for (idx, effect) in record.effects.iter().enumerate() {
            add(
                &mut commit,
                record,
                u32::try_from(idx).unwrap_or(u32::MAX),
                effect,
            )?;
        }
    }
    Ok(Prepared {
        commit,
        summary: columns,
        conversation,
        records,
        messages,
        key,
    })
}

fn add(
    commit: &mut TurnCommit,
    record: &Recorded,
    idx: u32,
    effect: &Effect,
) -> Result<(), StoreError> {
    let kind = match effect {
        Effect::CallWebhook { .. } => "webhook",
        Effect::AskModel(_) => "model",
        Effect::Verify { .. } => "verify",
        Effect::CheckCode { .. } => "code",
        Effect::SetTimer { id, at } => {
            commit.cancelled.retain(|c| c != id);
            commit.timers.push((*id, *at));
            return Ok(());
        }
        Effect::CancelTimer { id } => {
            commit.timers.retain(|(t, _)| t != id);
            commit.cancelled.push(*id);
            return Ok(());
        }
        Effect::FollowUp(f) => {
            commit.follow_ups.push(NewFollowUp {
                kind: f.kind.clone(),
                due: f.due,
                contact: f.contact.clone(),
                proven: f.proven,
                team: f.team.clone(),
                summary: f.summary.clone(),
                at: record.event.at,
            });
            return Ok(());
        }
        Effect::Scored { survey, score } => {
            commit.scores.push((survey.clone(), *score));
            return Ok(());
        }
        // Read from the log by streams, or from the conversation's columns by the desk.
        Effect::Send(_)
        | Effect::Enqueue(_)
        | Effect::Dequeue { .. }
        | Effect::Alert { .. }
        | Effect::Closed { .. } => return Ok(()),
    };
    commit.outbox.push(NewOutbox {
        seq: record.seq,
        idx,
        kind: kind.into(),
        payload: serde_json::to_string(effect)?,
        due: record.event.at,
    });
    Ok(())
}

/// Values by which other systems' events and later visits find the customer.
fn identities(program: &Program, conversation: &Conversation) -> Vec<(SmolStr, String, bool)> {
    let machine = program.engine.machine();
    let wanted = |name: &SmolStr| {
        machine.triggers.iter().any(|t| {
            t.find_by
                .and_then(|f| machine.customer_field(f))
                .is_some_and(|f| f.name == *name)
        })
    };
    machine
        .customer
        .iter()
        .filter(|f| f.identifies || wanted(&f.name))
        .filter_map(|f| match conversation.customer(&f.name)? {
            Value::Text(text) => Some((
                f.name.clone(),
                text.trim().to_lowercase(),
                conversation.is_proven(&f.name),
            )),
            _ => None,
        })
        .collect()
}
