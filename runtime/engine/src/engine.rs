//! The entry to the engine: a machine with the tables that turns look things up in.

use crate::Hooks;
use crate::card::Card;
use crate::conversation::Conversation;
use crate::event::Event;
use crate::turn::Turn;
use crate::view::View;
use crate::{Recorded, migrate, routing};
use flow_compiler::machine::{Expr, Machine};
use flow_compiler::value::TierId;
use jiff::Timestamp;
use std::sync::Arc;

/// A machine, prepared to run. Build it once per version and share it.
#[derive(Debug)]
pub struct Engine {
    machine: Arc<Machine>,
}

impl Engine {
    /// Prepares a machine that compiled without errors.
    #[must_use]
    pub fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// One turn. The conversation must be of this machine's version. A refused event changes nothing.
    pub fn step(&self, conversation: &mut Conversation, event: &Event, hooks: &dyn Hooks) -> Turn {
        let _ = (conversation, event, hooks);
        Turn {
            effects: Vec::new(),
            decision: crate::decision::Decision::default(),
            accepted: Ok(()),
        }
    }

    /// What can be seen of a conversation from outside.
    #[must_use]
    pub fn view(&self, conversation: &Conversation) -> View {
        let _ = conversation;
        View::default()
    }

    /// The card for the person who takes over; `history` is the conversation's log from its first event.
    #[must_use]
    pub fn card(
        &self,
        conversation: &Conversation,
        history: &[Recorded],
        hooks: &dyn Hooks,
    ) -> Option<Card> {
        let _ = (conversation, history, hooks);
        None
    }

    /// Whether a condition holds now; `None`: unknown.
    #[must_use]
    pub fn eval_condition(
        &self,
        conversation: &Conversation,
        condition: &Expr,
        now: Timestamp,
        hooks: &dyn Hooks,
    ) -> Option<bool> {
        let _ = (conversation, condition, now, hooks);
        None
    }

    /// The row that would route the conversation to people now; `None`: the tier has no matrix, or no row matches.
    #[must_use]
    pub fn route(
        &self,
        conversation: &Conversation,
        tier: TierId,
        now: Timestamp,
        hooks: &dyn Hooks,
    ) -> Option<routing::Routed> {
        let _ = (conversation, tier, now, hooks);
        None
    }

    /// What a model is told of the conversation before its question: the `history` of a [`crate::effect::ModelRequest`], which the
    /// effect leaves empty to stay small. Empty unless the tier shares the transcript; private values that are not shared are redacted.
    #[must_use]
    pub fn prompt_history(
        &self,
        conversation: &Conversation,
        tier: &str,
        history: &[Recorded],
    ) -> Vec<crate::effect::PromptLine> {
        let _ = (conversation, tier, history);
        Vec::new()
    }

    /// Moves a conversation of this engine's version to `new`, if its place, slots and facts fit there.
    ///
    /// # Errors
    /// Why it stays.
    pub fn can_move(
        &self,
        new: &Self,
        conversation: &Conversation,
    ) -> Result<Conversation, migrate::Stay> {
        let _ = (new, conversation);
        Err(migrate::Stay {
            reason: "moving is not possible yet".to_owned(),
        })
    }
}
