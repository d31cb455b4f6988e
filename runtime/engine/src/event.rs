//! Everything that can happen to a conversation. Events are recorded; the same machine, state and events give the same effects.

use crate::signals::Signals;
use flow_compiler::value::{FileValue, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it arrived. Never earlier than the event before.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// How an agent, or the reason of a person's leaving, is known: sign-in name and display name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRef {
    /// Sign-in name.
    pub id: SmolStr,
    /// What the customer reads.
    pub name: SmolStr,
}

/// What is known of the visitor when a conversation opens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    /// Profile fields vouched for by the channel, or by a signed login.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub proven: BTreeMap<SmolStr, Value>,
    /// Profile fields that the visitor merely says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claimed: BTreeMap<SmolStr, Value>,
    /// The agent of an earlier conversation and when it ended, for continuity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_agent: Option<(AgentRef, Timestamp)>,
}

/// An answer of a model (or of the extractive answerer).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelAnswer {
    /// What it says.
    pub text: String,
    /// 0..1, calibrated; 0 when it failed to answer.
    pub confidence: f64,
    /// Passages it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// The parts of the confidence by name, for the log.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<SmolStr, f64>,
    /// It says that the customer's matter is settled.
    #[serde(default)]
    pub resolved: bool,
}

/// A passage that an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The knowledge file.
    pub source: SmolStr,
    /// Its heading, or its first words.
    pub title: SmolStr,
    /// The words quoted.
    pub quote: String,
}

/// A tool that a model wants to call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: SmolStr,
    /// The webhook's name.
    pub tool: SmolStr,
    /// Arguments by parameter name, checked against the webhook's types by the engine.
    pub args: BTreeMap<SmolStr, Value>,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The conversation opens.
    Opened {
        /// A declared channel.
        channel: SmolStr,
        /// The visitor's language if known (a declared one or `other`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<SmolStr>,
        /// The page on which the widget stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<SmolStr>,
        /// Who.
        #[serde(default)]
        visitor: Visitor,
    },
    /// The customer writes.
    Message {
        /// The sender's id of the message.
        id: SmolStr,
        /// The text.
        text: String,
        /// What understanding found.
        signals: Signals,
    },
    /// The customer presses a button that was sent.
    Pressed {
        /// The sender's id of the message.
        id: SmolStr,
        /// The button's id as sent.
        button: SmolStr,
    },
    /// The customer sends a file.
    File {
        /// The sender's id of the message.
        id: SmolStr,
        /// The file.
        file: FileValue,
    },
    /// The customer is gone (closed the chat).
    Left,
    /// A code was checked, or could not be sent.
    Verified {
        /// It was the right one.
        ok: bool,
        /// It was not, but another may still be: without this the verification failed for good.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// A webhook answered.
    WebhookDone {
        /// The call.
        call: u64,
        /// The value, or what went wrong.
        result: Result<Value, String>,
    },
    /// A model answered.
    ModelAnswered {
        /// The request; an old one is refused.
        request: u64,
        /// The answer.
        answer: ModelAnswer,
    },
    /// A model wants tools called.
    ModelCalledTools {
        /// The request.
        request: u64,
        /// The calls.
        calls: Vec<ToolCall>,
    },
    /// A model failed.
    ModelFailed {
        /// The request.
        request: u64,
        /// Why.
        error: String,
    },
    /// A timer that was set fires.
    Timer {
        /// Its id; a cancelled or unknown one is ignored.
        id: u64,
    },
    /// The desk's news of the place in the queue. The first one after `Enqueue` decides the handoff's plan: `unstaffed` (no staff), `full`, else `say`.
    Queue(QueueNews),
    /// The desk reserved an agent, who has not accepted yet.
    Reserved {
        /// Of which wish, as in the item.
        #[serde(default)]
        generation: u64,
        /// The reservation.
        reservation: u64,
        /// Whom.
        agent: AgentRef,
    },
    /// The reservation ended without acceptance.
    Unreserved {
        /// Of which wish, as in the item.
        #[serde(default)]
        generation: u64,
        /// The reservation.
        reservation: u64,
        /// `declined`, `timed_out`, `left`.
        reason: SmolStr,
    },
    /// An agent took the conversation.
    Accepted {
        /// Of which wish, as in the item.
        #[serde(default)]
        generation: u64,
        /// The reservation.
        reservation: u64,
        /// Who.
        agent: AgentRef,
        /// The team.
        team: SmolStr,
    },
    /// The team had no agent in time; the item went to the overflow team.
    Overflowed {
        /// Of which wish, as in the item.
        #[serde(default)]
        generation: u64,
        /// The team that now has it.
        team: SmolStr,
    },
    /// The agent writes to the customer.
    AgentMessage {
        /// Who.
        agent: SmolStr,
        /// The sender's id of the message.
        id: SmolStr,
        /// The text.
        text: String,
    },
    /// The agent writes a note that only people see.
    AgentNote {
        /// Who.
        agent: SmolStr,
        /// The sender's id.
        id: SmolStr,
        /// The text.
        text: String,
    },
    /// The agent confirms a reminder.
    AgentConfirmed {
        /// Who.
        agent: SmolStr,
        /// The reminder's index.
        reminder: u32,
    },
    /// The agent settled it.
    AgentResolved {
        /// Who.
        agent: SmolStr,
        /// What was done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
    },
    /// The agent gives it back to the bot.
    AgentReturned {
        /// Who.
        agent: SmolStr,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The agent passes it to a team.
    AgentTransferred {
        /// Who.
        agent: SmolStr,
        /// The team.
        team: SmolStr,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The agent vanished; the conversation is queued again with its first time.
    AgentLost {
        /// Of which wish, as in the item.
        #[serde(default)]
        generation: u64,
        /// Who.
        agent: SmolStr,
    },
    /// A team opened, or an agent became free: rules that were quiet may fire again.
    PeopleAvailable,
    /// Someone else's event, whose condition was not looked at yet.
    Triggered {
        /// The trigger's name.
        trigger: SmolStr,
        /// The payload.
        payload: BTreeMap<SmolStr, Value>,
    },
    /// The conversation moved to another version of the bot.
    Moved {
        /// From this version.
        from: SmolStr,
        /// To this one.
        to: SmolStr,
    },
}

impl EventKind {
    /// Of which wish for a person the desk speaks; `None`: it is not the desk that speaks.
    pub const fn generation_mut(&mut self) -> Option<&mut u64> {
        match self {
            Self::Queue(QueueNews { generation, .. })
            | Self::Reserved { generation, .. }
            | Self::Unreserved { generation, .. }
            | Self::Accepted { generation, .. }
            | Self::Overflowed { generation, .. }
            | Self::AgentLost { generation, .. } => Some(generation),
            _ => None,
        }
    }
}

/// The desk's news of the place in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueNews {
    /// Of which wish, as in the item.
    #[serde(default)]
    pub generation: u64,
    /// From 1; in true service order.
    pub position: u32,
    /// Items in the queue.
    pub length: u32,
    /// The estimate of the remaining wait, milliseconds; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<i64>,
    /// A range for people, p10 to p90, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(i64, i64)>,
    /// Agents of the team, or its overflow, who are present (full or not).
    pub staff: u32,
}
