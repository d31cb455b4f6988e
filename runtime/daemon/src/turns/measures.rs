//! What a turn tells about how its customer is served.

use super::messages::Message;
use crate::program::Program;
use flow_engine::effect::Effect;
use flow_engine::event::EventKind;
use flow_engine::{Conversation, Recorded, View};
use flow_grammar::ast::TierKind;
use flow_store::{Measures, Summary, TierTimes};
use jiff::Timestamp;
use smol_str::SmolStr;
use std::collections::HashSet;

/// Of which tiers it is stored already since when they owe an answer, and their first one, as far as that is known in memory: what is said
/// again changes nothing, but costs a write.
#[derive(Debug, Default)]
pub(super) struct Measured {
    since: HashSet<SmolStr>,
    replied: HashSet<SmolStr>,
}

/// `before` are the columns as the turn found them.
pub(super) fn of(
    measured: &mut Measured,
    program: &Program,
    before: &Summary,
    conversation: &Conversation,
    view: &View,
    records: &[Recorded],
    messages: &[Vec<Message>],
) -> Measures {
    let mut out = Measures::default();
    let mut tiers = Times {
        measured,
        program,
        out: Vec::new(),
    };
    for (record, messages) in records.iter().zip(messages) {
        let at = record.event.at;
        if before.stage == "closed" && view.stage != flow_engine::Stage::Closed {
            out.reopened = Some(at);
        }
        let had = if before.tier.is_empty() {
            &view.tier
        } else {
            &before.tier
        };
        let entered = before.tier != view.tier;
        if entered && tiers.is(&view.tier, TierKind::Scripted) {
            tiers.owes(&view.tier, at);
        }
        for effect in &record.effects {
            match effect {
                Effect::Enqueue(item) => tiers.owes(&item.tier, item.since),
                Effect::AskModel(_) => tiers.owes(&view.tier, at),
                Effect::Closed { .. }
                    if matches!(before.stage.as_str(), "reviewing" | "with_agent") =>
                {
                    tiers.of(had).done = Some(at);
                }
                _ => {}
            }
        }
        for message in messages {
            match message.from.who.as_str() {
                // Its last words may be followed by a way to another tier in the same turn.
                "model" if tiers.is(had, TierKind::Model) => tiers.replied(had, at),
                "model" => tiers.replied(&view.tier, at),
                "bot" if tiers.is(had, TierKind::Scripted) => tiers.replied(had, at),
                "bot" if tiers.is(&view.tier, TierKind::Scripted) => {
                    tiers.replied(&view.tier, at);
                }
                _ => {}
            }
        }
        match &record.event.kind {
            EventKind::Accepted { .. } => {
                tiers.of(had).connected = Some(at);
                out.context = program.engine.required(conversation);
            }
            EventKind::AgentMessage { .. } => tiers.replied(had, at),
            EventKind::AgentResolved { .. }
            | EventKind::AgentReturned { .. }
            | EventKind::AgentTransferred { .. } => tiers.of(had).done = Some(at),
            _ => {}
        }
    }
    out.tiers = tiers.out;
    out
}

struct Times<'a> {
    measured: &'a mut Measured,
    program: &'a Program,
    out: Vec<TierTimes>,
}

impl Times<'_> {
    fn is(&self, tier: &str, kind: TierKind) -> bool {
        let machine = self.program.engine.machine();
        machine
            .tiers
            .iter()
            .any(|t| t.name == tier && t.kind == kind)
    }

    fn of(&mut self, tier: &SmolStr) -> &mut TierTimes {
        let at = self.out.iter().position(|t| t.tier == *tier);
        let at = at.unwrap_or_else(|| {
            self.out.push(TierTimes {
                tier: tier.clone(),
                ..TierTimes::default()
            });
            self.out.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or added just now")]
        &mut self.out[at]
    }

    fn owes(&mut self, tier: &SmolStr, at: Timestamp) {
        if self.measured.since.insert(tier.clone()) {
            self.of(tier).since = Some(at);
        }
    }

    fn replied(&mut self, tier: &SmolStr, at: Timestamp) {
        if self.measured.replied.insert(tier.clone()) {
            self.of(tier).replied = Some(at);
        }
    }
}
