//! What the engine wants done. The store commits effects with the state; the daemon delivers them at least once.

use crate::event::AgentRef;
use flow_compiler::machine::Priority;
use flow_compiler::value::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The scripted bot, or the system.
    Bot,
    /// A model.
    Model,
    /// A person.
    Agent(AgentRef),
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutButton {
    /// Comes back in `Pressed`; names the place and the epoch, so an old button is recognised.
    pub id: SmolStr,
    /// What the customer reads.
    pub label: String,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "as in the language")]
pub enum OutAttachment {
    Image {
        url: String,
    },
    File {
        url: String,
    },
    Card {
        title: Option<String>,
        text: Option<String>,
        image: Option<String>,
        link: Option<String>,
    },
}

/// What a message is for; lets a channel and a reader tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MessageKind {
    Say,
    Question,
    Answer,
    Invalid,
    Handoff,
    QueueUpdate,
    Offer,
    Connected,
    Survey,
    Disclosure,
    Agent,
}

/// A message to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutMessage {
    /// Unique in the conversation; the idempotency key with its id.
    pub id: u64,
    /// Who speaks.
    pub from: Speaker,
    /// What for.
    pub kind: MessageKind,
    /// The text.
    pub text: String,
    /// Its language.
    pub language: SmolStr,
    /// Buttons of a question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<OutButton>,
    /// Attachments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<OutAttachment>,
    /// Sources of an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<crate::event::Citation>,
}

/// A request to a webhook, complete but for `env` and `secret`, which stand as `{env.X}` / `{secret.X}` in the parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET` and so on.
    pub method: SmolStr,
    /// The URL in parts.
    pub url: Vec<RequestPart>,
    /// Headers: name and value in parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(Vec<RequestPart>, Vec<RequestPart>)>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// Total deadline, milliseconds.
    pub timeout: i64,
    /// Further attempts.
    pub retry: u32,
    /// Sent as `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<SmolStr>,
    /// Signed with this secret (Standard Webhooks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SmolStr>,
}

/// A part of a URL or header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestPart {
    /// As is (a URL's interpolations are already percent-encoded).
    Text(String),
    /// From the daemon's environment.
    Env(SmolStr),
    /// From the daemon's environment, never stored or printed.
    Secret(SmolStr),
}

/// One line of what a model is told of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptLine {
    /// `customer`, `assistant`, `agent`, `tool`.
    pub who: SmolStr,
    /// The text; private values that are not shared are redacted.
    pub text: String,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRequest {
    /// Answers carry it; a newer request makes an older one void.
    pub request: u64,
    /// The tier's name.
    pub tier: SmolStr,
    /// The provider's name; absent: the extractive answerer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<SmolStr>,
    /// The persona.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// What it must not talk about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbid: Vec<SmolStr>,
    /// The language to answer in.
    pub language: SmolStr,
    /// The question: the customer's messages since the last answer, joined.
    pub question: String,
    /// The conversation before (empty unless the tier shares the transcript), newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PromptLine>,
    /// Known values that may be shared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<SmolStr, Value>,
    /// Names of knowledge bases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub knowledge: Vec<SmolStr>,
    /// Names of webhooks it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<SmolStr>,
    /// Results of tools it called for this question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_results: Vec<ToolResult>,
}

/// A tool's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The call as the model made it.
    pub call: crate::event::ToolCall,
    /// The value, or what went wrong (also: the customer declined).
    pub result: Result<Value, String>,
}

/// An item for the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueItem {
    /// Which of the conversation's wishes for a person this is, from 1. The desk's events name it, so that news of an earlier wish is
    /// recognised. The same number again changes what is asked; a higher one begins anew.
    #[serde(default)]
    pub generation: u64,
    /// The people tier.
    pub tier: SmolStr,
    /// The team.
    pub team: SmolStr,
    /// How urgent.
    pub priority: Priority,
    /// The customer's language.
    pub language: SmolStr,
    /// A demanded skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<SmolStr>,
    /// A demanded agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<SmolStr>,
    /// An agent to prefer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer: Option<SmolStr>,
    /// When it was first queued; kept across requeues.
    pub since: Timestamp,
    /// When an answer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Milliseconds an agent has to accept.
    pub accept_within: i64,
}

/// A promise to come back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// `ticket` or `callback`.
    pub kind: SmolStr,
    /// Due by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The address or number; a claim is marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<SmolStr>,
    /// Whether the contact is proven.
    pub proven: bool,
    /// The team it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<SmolStr>,
    /// One line for the people.
    pub summary: String,
}

/// What the engine wants done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// A message to the customer.
    Send(OutMessage),
    /// Call a webhook and answer with `WebhookDone`.
    CallWebhook {
        /// The call.
        call: u64,
        /// The webhook's name.
        webhook: SmolStr,
        /// The arguments by name, for mocks and the log (private ones redacted by the log).
        args: BTreeMap<SmolStr, Value>,
        /// The request.
        request: HttpRequest,
    },
    /// Ask a model and answer with `ModelAnswered`, `ModelCalledTools` or `ModelFailed`.
    AskModel(Box<ModelRequest>),
    /// Fire `Timer { id }` at a time.
    SetTimer {
        /// Its id, unique in the conversation.
        id: u64,
        /// When.
        at: Timestamp,
    },
    /// Forget a timer.
    CancelTimer {
        /// Its id.
        id: u64,
    },
    /// Put the conversation into a queue, or change what is asked of its item. The desk always answers with `Queue` news first (position, length, wait,
    /// staff), before any `Reserved`; so the handoff's `full`, `unstaffed` and `say` (which may read `queue.wait`) are decided when the first
    /// news arrives, `closed` already before.
    Enqueue(QueueItem),
    /// Take it out of the queue or from its agent.
    Dequeue {
        /// `abandoned`, `converted`, `resolved`, `returned`, `continued`, `transferred`.
        reason: SmolStr,
    },
    /// A ticket or a callback.
    FollowUp(FollowUp),
    /// Send a code to an address and answer with `Verified`.
    Verify {
        /// The profile field.
        field: SmolStr,
        /// The address or number.
        contact: SmolStr,
    },
    /// A code that the customer entered; answer with `Verified`.
    CheckCode {
        /// As entered.
        code: SmolStr,
    },
    /// Something to show to the people at the desk.
    Alert {
        /// What.
        text: String,
    },
    /// A survey was answered.
    Scored {
        /// `csat`, `effort`, `handoff`.
        survey: SmolStr,
        /// The score.
        score: u32,
    },
    /// The conversation ended.
    Closed {
        /// Settled or not.
        resolved: bool,
        /// `end`, `agent`, `abandoned`, `left`, `follow_up`.
        reason: SmolStr,
    },
}
