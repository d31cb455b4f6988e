//! What goes into the store and comes out of it.

use crate::{Measures, PackedProject};
use flow_compiler::machine::Priority;
use flow_engine::effect::QueueItem;
use flow_engine::event::AgentRef;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A priority, in rising order.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Priority", rename_all = "lowercase")]
#[expect(missing_docs, reason = "named as in the language")]
pub enum PriorityWord {
    Standard,
    Medium,
    High,
    Immediate,
}

/// An agent, as others see them.
#[derive(Debug, JsonSchema)]
pub struct AgentName {
    /// Sign-in name.
    pub id: SmolStr,
    /// What customers read.
    pub name: SmolStr,
}

/// The columns by which conversations are listed and found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// The engine's word for where it stands.
    pub stage: SmolStr,
    /// The tier that holds it.
    pub tier: SmolStr,
    /// Its channel.
    pub channel: SmolStr,
    /// Its language.
    pub language: SmolStr,
    /// Who, in words: a name, else an address.
    pub customer: Option<String>,
    /// The intent.
    pub topic: Option<SmolStr>,
    /// The team of the running handoff.
    pub team: Option<SmolStr>,
    /// The priority of the running handoff.
    #[schemars(with = "PriorityWord")]
    pub priority: Priority,
    /// -1..1.
    pub mood: f64,
    /// The agent who has it, or to whom it is offered.
    #[schemars(with = "Option<AgentName>")]
    pub agent: Option<AgentRef>,
    /// When it opened.
    pub opened_at: Option<Timestamp>,
    /// When people were first called.
    pub escalated_at: Option<Timestamp>,
    /// Since when it is queued.
    pub queued_at: Option<Timestamp>,
    /// When an agent was connected.
    pub connected_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// The last event.
    pub last_at: Option<Timestamp>,
    /// When an answer is due.
    pub due: Option<Timestamp>,
    /// The last words.
    pub last_text: Option<String>,
    /// Whose they were: `customer`, `bot`, `model`, `agent`.
    pub last_from: Option<SmolStr>,
    /// The last event's number.
    pub seq: u64,
    /// Settled, given up, or still open.
    pub resolved: Option<bool>,
    /// Why it ended.
    pub reason: Option<SmolStr>,
    /// Whether people were ever called: agents may see it.
    #[serde(skip)]
    pub people: bool,
    /// The version of the bot.
    #[serde(skip)]
    pub version: SmolStr,
    /// The item in the queue.
    #[serde(skip)]
    pub item: Option<QueueItem>,
    /// The desk's number of the running reservation.
    #[serde(skip)]
    pub reservation: Option<u64>,
}

/// A conversation as the next turn needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its columns.
    pub summary: Summary,
    /// Counts commits.
    pub row: u64,
    /// The engine's state, JSON.
    pub state: String,
    /// BLAKE3 of the visitor's token.
    pub token: Vec<u8>,
}

/// What [`crate::Store::load`] returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The conversation.
    pub conversation: Conversation,
    /// The ids of the commands it took; what each said tells [`crate::Store::message`].
    pub messages: Vec<String>,
}

/// An event to be added to a log.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// From 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The engine's record, JSON.
    pub record: String,
    /// The messages that people read of it, JSON.
    pub messages: String,
}

/// An event of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Its place in the log of all conversations.
    pub position: i64,
    /// Whose.
    pub conversation: String,
    /// From 1, without gaps.
    pub seq: u64,
    /// The engine's record, JSON.
    pub record: String,
    /// The messages that people read of it, JSON.
    pub messages: String,
}

/// A version of the bot that somebody needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VersionInUse {
    /// The hash of its sources.
    pub version: SmolStr,
    /// Whether new conversations get it.
    pub current: bool,
    /// When it first ran here.
    pub since: Timestamp,
    /// Open conversations that have it.
    pub open: u64,
}

/// A command's id and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageKey {
    /// The sender's id; senders of different kinds do not share ids (`a:..` for agents).
    pub id: String,
    /// Hash of the body.
    pub hash: Vec<u8>,
}

/// Something to deliver.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOutbox {
    /// The turn that wants it.
    pub seq: u64,
    /// Its place among the turn's effects.
    pub idx: u32,
    /// `webhook`, `model`, `verify`, `code`, `message`, `alert`.
    pub kind: SmolStr,
    /// What the kind needs, JSON.
    pub payload: String,
    /// Not before.
    pub due: Timestamp,
}

/// Something to deliver, with its number.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
pub struct OutboxRow {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub conversation: String,
    /// The turn that wanted it.
    pub seq: u64,
    /// Its place among the turn's effects.
    pub idx: u32,
    /// What kind.
    pub kind: SmolStr,
    /// What the kind needs, JSON.
    #[serde(skip)]
    pub payload: String,
    /// Not before.
    pub due: Timestamp,
    /// How often it was begun.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// A timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerRow {
    /// Whose.
    pub conversation: String,
    /// Its id there.
    pub id: u64,
    /// When it fires.
    pub at: Timestamp,
}

/// A promise to come back.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFollowUp {
    /// `ticket` or `callback`.
    pub kind: SmolStr,
    /// Due by.
    pub due: Option<Timestamp>,
    /// Address or number.
    pub contact: Option<SmolStr>,
    /// Whether it is proven.
    pub proven: bool,
    /// The team.
    pub team: Option<SmolStr>,
    /// One line.
    pub summary: String,
    /// When it was promised.
    pub at: Timestamp,
}

/// A promise to come back, with its number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FollowUpRow {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub conversation: String,
    /// `ticket` or `callback`.
    pub kind: SmolStr,
    /// Due by.
    pub due: Option<Timestamp>,
    /// Address or number.
    pub contact: Option<SmolStr>,
    /// Whether it is proven.
    pub proven: bool,
    /// The team.
    pub team: Option<SmolStr>,
    /// One line.
    pub summary: String,
    /// When it was promised.
    pub at: Timestamp,
    /// Whether somebody closed it.
    pub done: bool,
}

/// What a turn used up; it goes in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumed {
    /// A row of the outbox, whose result the turn is.
    Outbox(i64),
    /// A row of the outbox that was given up: the turn is told so, and the row stays as a dead letter.
    GivenUp {
        /// The row.
        row: i64,
        /// Why.
        error: String,
    },
    /// A timer that fired.
    Timer(u64),
}

/// A turn to commit.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnCommit {
    /// The conversation after the turn. `row` is the version expected before it; 0 creates the conversation.
    pub conversation: Conversation,
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// The command's id.
    pub message: Option<MessageKey>,
    /// What is to be delivered.
    pub outbox: Vec<NewOutbox>,
    /// Timers to set.
    pub timers: Vec<(u64, Timestamp)>,
    /// Timers to forget.
    pub cancelled: Vec<u64>,
    /// What it used up.
    pub consumed: Option<Consumed>,
    /// Promises.
    pub follow_ups: Vec<NewFollowUp>,
    /// Survey scores.
    pub scores: Vec<(SmolStr, u32)>,
    /// Rules that fired, with the tier they led to.
    pub rules: Vec<(SmolStr, SmolStr)>,
    /// Tiers that hold or held it in this turn.
    pub tiers: Vec<SmolStr>,
    /// Values by which the customer can be found: field, value, proven.
    pub identities: Vec<(SmolStr, String, bool)>,
    /// How the customer was served.
    pub measures: Measures,
}

/// The outcome of a commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Committed {
    /// Done.
    Done {
        /// The new row version.
        row: u64,
        /// The positions of the events.
        positions: Vec<i64>,
        /// The outbox rows with their numbers.
        outbox: Vec<OutboxRow>,
    },
    /// Somebody else committed a turn of this conversation first.
    Conflict,
    /// The command's id came before with the same body; the turn's number.
    Duplicate(u64),
    /// The command's id came before with another body.
    IdReused,
}

/// Which conversations a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// With this agent now.
    Agent(SmolStr),
    /// Of these teams.
    Teams(Vec<SmolStr>),
    /// Queued or offered, of these teams; `None`: of all.
    Queue(Option<Vec<SmolStr>>),
}

/// A list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Which.
    pub scope: Scope,
    /// Only open (`true`) or closed ones.
    pub open: Option<bool>,
    /// Only those that reached people.
    pub people: bool,
    /// Words in the customer's name or the last text.
    pub search: Option<String>,
    /// Only those last touched before (milliseconds) or at the same time with a smaller id.
    pub before: Option<(i64, String)>,
    /// At most.
    pub limit: u32,
}

/// Where a conversation of a messaging service goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The channel.
    pub channel: SmolStr,
    /// The customer's address there.
    pub address: String,
    /// The conversation.
    pub conversation: String,
    /// Its log up to this number is in the outbox.
    pub sent: u64,
    /// When the customer last wrote.
    pub heard_at: Timestamp,
    /// When a template was sent to get another word of theirs; absent: none since then.
    pub reopened_at: Option<Timestamp>,
}

/// A file of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its id.
    pub id: String,
    /// Whose.
    pub conversation: String,
    /// Its name as sent.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its content.
    pub data: Vec<u8>,
}

/// A code under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whose.
    pub conversation: String,
    /// The profile field.
    pub field: SmolStr,
    /// BLAKE3 of the code, keyed with the conversation.
    pub hash: Vec<u8>,
    /// Good until.
    pub expires: Timestamp,
    /// Wrong codes so far.
    pub attempts: u32,
}

/// An event of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The sender's id, with the trigger's path before it.
    pub id: String,
    /// Another name under which a repetition is known, where the sender's id is not signed.
    pub also: Option<String>,
    /// The trigger's name.
    pub trigger: SmolStr,
    /// The body, as sent.
    pub body: Vec<u8>,
    /// Hash of the body.
    pub hash: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

/// A version of a bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Hash of its sources.
    pub hash: SmolStr,
    /// Its texts.
    pub project: PackedProject,
    /// When it was first loaded.
    pub at: Timestamp,
}

/// Counts for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Conversations that are open.
    pub open: u64,
    /// Conversations that wait for people.
    pub queued: u64,
    /// Deliveries under way.
    pub outbox: u64,
    /// Deliveries given up.
    pub dead: u64,
    /// Timers set.
    pub timers: u64,
}
