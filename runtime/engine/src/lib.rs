//! The engine of Flow: one turn of one conversation, as a pure function.
//!
//! `step(machine, conversation, event, hooks) -> Turn`: no IO, no clock, no randomness; time comes in the event. The same machine, state
//! and events always give the same effects. What lives here: the turn, the rules, the steps, routing, handing over, the card, and the
//! [`desk`] (agents and queues across conversations, as pure as the rest). What does not: networks, stores, threads.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests"
    )
)]

mod builtin_texts;
pub mod calendar;
pub mod card;
pub mod conversation;
pub mod decision;
pub mod desk;
pub mod effect;
mod engine;
mod eval;
pub mod event;
mod fingerprint;
mod format;
pub mod json;
pub mod migrate;
mod prompt;
pub mod routing;
mod run;
pub mod signals;
mod tables;
mod text;
mod transcript;
pub mod turn;
mod values;
pub mod view;

pub use conversation::Conversation;
pub use engine::Engine;
pub use migrate::Stay;
pub use prompt::PROMPT_LINES;
pub use routing::Routed;
pub use transcript::transcript;
pub use turn::{Refusal, Turn};
pub use view::{Stage, View};

use decision::Decision;
use effect::Effect;
use event::Event;
use flow_compiler::value::Value;
use serde::{Deserialize, Serialize};

/// Hooks, as whoever runs the engine provides them.
pub trait Hooks {
    /// Calls a hook by its name.
    ///
    /// # Errors
    /// What went wrong, in words; the condition that called it is then unknown.
    fn call(&self, hook: &str, args: &[Value]) -> Result<Value, String>;
}

/// One row of a conversation's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// From 1, without gaps.
    pub seq: u64,
    /// What happened.
    pub event: Event,
    /// What was done.
    pub effects: Vec<Effect>,
    /// Why.
    pub decision: Decision,
    /// The version of the bot that decided.
    pub version: smol_str::SmolStr,
}

/// No hooks: every call fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn call(&self, hook: &str, _args: &[Value]) -> Result<Value, String> {
        Err(format!("hook `{hook}` is not available"))
    }
}
