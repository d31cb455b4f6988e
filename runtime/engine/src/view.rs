//! What can be seen of a conversation from outside.

use crate::effect::OutButton;
use crate::event::AgentRef;
use flow_compiler::machine::Priority;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not opened yet.
    #[default]
    New,
    /// A scripted tier holds it.
    Scripted,
    /// A model tier holds it.
    Model,
    /// People were called, and are closed, full or absent: the customer has not yet chosen what to do.
    HandoffPending,
    /// It waits for an agent.
    Queued,
    /// An agent is asked to take it.
    Offered,
    /// An agent accepted and reads the card; the customer is not connected yet.
    Reviewing,
    /// An agent has it.
    WithAgent,
    /// Resolved; a survey, or what else follows, runs.
    WrapUp,
    /// Over.
    Closed,
}

/// What can be seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Where it stands.
    pub stage: Stage,
    /// The version of the bot.
    pub version: SmolStr,
    /// The tier that holds it.
    pub tier: SmolStr,
    /// The node whose steps run or wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<SmolStr>,
    /// The place at which it waits, by its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SmolStr>,
    /// Buttons that work now: those of the pending question, then the menu's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<OutButton>,
    /// The agent who has it, or to whom it is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRef>,
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<SmolStr>,
    /// The priority of the running handoff.
    #[serde(default)]
    pub priority: Priority,
    /// A declared language, or `other`.
    pub language: SmolStr,
    /// The channel.
    pub channel: SmolStr,
    /// The page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<SmolStr>,
    /// The latest intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<SmolStr>,
    /// One line for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// -1..1.
    #[serde(default)]
    pub mood: f64,
    /// Settled (`true`), given up (`false`), or still open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
    /// Place in the queue, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Whether a webhook or a model is awaited.
    #[serde(default)]
    pub busy: bool,
    /// When it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Timestamp>,
    /// The last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// When people were first called in the running handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated: Option<Timestamp>,
    /// Rises whenever a person takes or leaves the conversation.
    #[serde(default)]
    pub epoch: u64,
}
