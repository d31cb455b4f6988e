//! The columns of a conversation after a turn.

use crate::turns::messages::Message;
use flow_compiler::value::Value;
use flow_engine::effect::Effect;
use flow_engine::event::EventKind;
use flow_engine::{Conversation, Recorded, View};
use flow_store::Summary;
use smol_str::SmolStr;

/// Characters of the last text that lists show.
const EXCERPT: usize = 160;

/// A stage's word, as in its JSON.
#[must_use]
pub(crate) fn stage_word(view: &View) -> SmolStr {
    match serde_json::to_value(view.stage) {
        Ok(serde_json::Value::String(word)) => word.into(),
        _ => "new".into(),
    }
}

/// Brings the columns up to date.
pub(crate) fn update(
    summary: &mut Summary,
    view: &View,
    conversation: &Conversation,
    records: &[Recorded],
    messages: &[Message],
) {
    summary.stage = stage_word(view);
    summary.tier = view.tier.clone();
    summary.channel = view.channel.clone();
    summary.language = view.language.clone();
    summary.topic = view.intent.clone();
    // The last team may still read what it had.
    summary.team = view.team.clone().or_else(|| summary.team.take());
    summary.priority = view.priority;
    summary.mood = view.mood;
    if view.agent.is_some()
        || !matches!(
            view.stage,
            flow_engine::Stage::WrapUp | flow_engine::Stage::Closed
        )
    {
        summary.agent = view.agent.clone();
    }
    summary.escalated_at = view.escalated.or(summary.escalated_at);
    summary.resolved = view.resolved;
    summary.version = conversation.version().clone();
    summary.customer = ["name", "email", "phone"]
        .into_iter()
        .find_map(|field| match conversation.customer(field) {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        });
    for record in records {
        let at = record.event.at;
        summary.last_at = Some(at);
        summary.seq = record.seq;
        match &record.event.kind {
            EventKind::Opened { .. } => summary.opened_at = Some(at),
            EventKind::Reserved { reservation, .. } => summary.reservation = Some(*reservation),
            EventKind::Overflowed { team, .. } => {
                if let Some(item) = &mut summary.item {
                    item.team = team.clone();
                }
            }
            EventKind::Accepted { .. } => {
                summary.connected_at.get_or_insert(at);
            }
            _ => {}
        }
        for effect in &record.effects {
            match effect {
                Effect::Enqueue(item) => {
                    if summary.item.is_none() {
                        summary.queued_at = Some(item.since);
                        summary.connected_at = None;
                    }
                    summary.people = true;
                    summary.due = item.due;
                    summary.item = Some(item.clone());
                }
                Effect::Dequeue { .. } => {
                    summary.item = None;
                    summary.due = None;
                }
                Effect::Closed { reason, .. } => {
                    summary.closed_at = Some(at);
                    summary.reason = Some(reason.clone());
                }
                _ => {}
            }
        }
    }
    if summary.stage != "closed" {
        summary.closed_at = None;
        summary.reason = None;
    }
    if let Some(message) = messages.iter().rev().find(|m| m.is_public()) {
        summary.last_text = Some(message.text.chars().take(EXCERPT).collect());
        summary.last_from = Some(message.from.who.clone());
    }
}
