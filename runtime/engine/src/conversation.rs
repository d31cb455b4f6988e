//! The state of one conversation: everything that is stored of it between two turns. Names, not indices, wherever a later version of
//! the bot may read it; what is empty is not stored.

use crate::effect::{QueueItem, ToolResult};
use crate::event::ToolCall;
use crate::event::{AgentRef, Event, QueueNews};
use crate::fingerprint::Fingerprint;
use flow_compiler::machine::Priority;
use flow_compiler::value::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

macro_rules! state {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        $vis struct $name {
            $($(#[$fdoc])* #[serde(default, skip_serializing_if = "is_default")] pub(crate) $field: $ty,)*
        }
    };
}

state! {
    /// A conversation. Its log is kept elsewhere; this is what the next turn needs.
    pub struct Conversation {
        version: SmolStr,
        opened: Option<Timestamp>,
        last: Option<Timestamp>,
        /// The customer's last word.
        heard: Option<Timestamp>,
        channel: SmolStr,
        language: SmolStr,
        page: Option<SmolStr>,
        tier: SmolStr,
        /// Absent: since it opened.
        tier_since: Option<Timestamp>,
        slots: BTreeMap<SmolStr, Value>,
        customer: BTreeMap<SmolStr, Value>,
        proven: BTreeSet<SmolStr>,
        profile: Profile,
        last_agent: Option<(AgentRef, Timestamp)>,
        said: Option<Box<Said>>,
        confidence: Option<f64>,
        intent: Option<SmolStr>,
        /// How often each intent came.
        intents: BTreeMap<SmolStr, u32>,
        turns: u32,
        failed_answers: u32,
        failed_attempts: u32,
        mood: f64,
        /// Fingerprints of recent questions.
        asked: Vec<Fingerprint>,
        /// The message before was answered, not understood wrongly or refused: `negation` then is about that answer.
        answered: bool,
        temporals: BTreeMap<SmolStr, Memory>,
        /// Values of a first message that later questions may take.
        offered: BTreeMap<SmolStr, Value>,
        main: Thread,
        side: Vec<Thread>,
        /// The `continue with` under which the tier holds the conversation.
        held: Option<SmolStr>,
        calls: BTreeMap<u64, Caller>,
        deferred: Vec<Event>,
        model: Model,
        handoff: Option<Box<Handoff>>,
        fired: BTreeSet<SmolStr>,
        quiet: BTreeMap<SmolStr, Quiet>,
        attempts: Vec<Attempted>,
        tags: Vec<SmolStr>,
        notes: Vec<String>,
        disclosed: bool,
        resolved: Option<bool>,
        /// It was taken up again and has not come to the start yet.
        restart: bool,
        closed: Option<Closed>,
        silences: u32,
        timers: BTreeMap<u64, Timer>,
        ids: u64,
        messages: u64,
        epoch: u64,
        /// Wishes for a person so far: the number of the last.
        generation: u64,
    }
}

state! {
    /// A line of execution.
    pub(crate) struct Thread {
        frames: Vec<Frame>,
        locals: BTreeMap<SmolStr, Value>,
        node: Option<SmolStr>,
        at: At,
        /// The handler that runs, for lines beside the main one.
        handler: SmolStr,
    }
}

/// Where a thread stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum At {
    /// Nothing is pending.
    #[default]
    Idle,
    /// A question is.
    Question(Box<Pending>),
    /// A webhook was called by this operation.
    Call { call: u64, op: u32 },
    /// The profile is being loaded; afterwards the operation goes on, or the conversation starts.
    Profile { call: u64, op: Option<u32> },
    /// Over.
    Ended,
}

/// What is returned to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) back: Back,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) locals: BTreeMap<SmolStr, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<SmolStr>,
}

/// How a return goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Back {
    /// After the `visit` of this key.
    Visit(SmolStr),
    /// The interrupted question is asked again.
    Question(Box<Pending>),
    /// Nothing was pending.
    Idle,
}

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) ask: Ask,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) misses: u32,
    /// The values of a choice from a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<Value>,
    /// What was picked so far of a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) picked: Vec<Value>,
    /// What a form asks for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) var: Option<SmolStr>,
}

impl Pending {
    pub(crate) fn new(ask: Ask) -> Box<Self> {
        Box::new(Self {
            ask,
            misses: 0,
            options: Vec::new(),
            picked: Vec::new(),
            var: None,
        })
    }
}

/// What asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// A step, by its place's key.
    Place(SmolStr),
    /// A handoff that requires this value.
    Required(SmolStr),
    /// "Does that answer your question?"
    Helped(u32),
    /// "Would you like to talk to a person?": the tier.
    Climb(SmolStr),
    /// "May I do that?": the first of the model's waiting tool calls; a number tells two questions apart.
    Consent(u64),
    /// The address of a promised ticket or callback.
    Contact {
        kind: FollowKind,
        var: SmolStr,
        due: Option<Timestamp>,
    },
}

/// The kinds of follow-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FollowKind {
    Ticket,
    Callback,
}

impl FollowKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Callback => "callback",
        }
    }
}

/// Whether the profile was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    #[default]
    Unloaded,
    Loading,
    Loaded,
    Failed,
}

state! {
    /// The customer's last message.
    pub(crate) struct Said {
        text: SmolStr,
        intent: Option<SmolStr>,
        sentiment: f64,
        asks_for_human: bool,
        shouting: bool,
        profanity: bool,
        negation: bool,
        repeated: bool,
        complexity: u8,
    }
}

state! {
    /// What a condition with memory remembers.
    pub(crate) struct Memory {
        count: u32,
        since: Option<Timestamp>,
    }
}

/// Who waits for a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Caller {
    /// The main line.
    Main,
    /// A line beside it, by its handler.
    Side(SmolStr),
    /// The profile.
    Profile,
    /// The model, for this of its calls.
    Tool(ToolCall),
}

state! {
    /// What a model tier is doing.
    pub(crate) struct Model {
        /// The request that may still be answered.
        request: u64,
        /// The customer's messages since the last answer.
        question: Vec<String>,
        results: Vec<ToolResult>,
        /// Calls that wait for the customer's consent, or for their turn.
        wanted: Vec<ToolCall>,
        /// Rounds of tool calls for this question.
        rounds: u32,
        /// Answers in this stay.
        answers: u32,
        ask: Option<Box<Pending>>,
    }
}

/// How far a handoff is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Desk {
    /// A plan for closed hours runs; it is in no queue.
    #[default]
    Away,
    /// Queued, and the desk has not yet said how things are.
    Arriving,
    /// Queued.
    Queued,
    /// Asked of an agent.
    Offered { reservation: u64, agent: AgentRef },
    /// An agent reads the card.
    Review { agent: AgentRef },
    /// An agent has it.
    With { agent: AgentRef },
}

impl Desk {
    /// Whether it is in the queue and no agent has it.
    pub(crate) const fn waits(&self) -> bool {
        matches!(self, Self::Arriving | Self::Queued | Self::Offered { .. })
    }

    pub(crate) const fn agent(&self) -> Option<&AgentRef> {
        match self {
            Self::Offered { agent, .. } | Self::Review { agent } | Self::With { agent } => {
                Some(agent)
            }
            _ => None,
        }
    }
}

state! {
    /// A running handoff to people.
    pub(crate) struct Handoff {
        tier: SmolStr,
        from: SmolStr,
        rule: Option<SmolStr>,
        reasons: Vec<String>,
        priority: Priority,
        team: SmolStr,
        item: Option<QueueItem>,
        since: Option<Timestamp>,
        connected: Option<Timestamp>,
        desk: Desk,
        /// The highest reservation seen.
        reservation: u64,
        /// Which of the tier's handoffs, in order of declaration.
        plan: u32,
        news: Option<QueueNews>,
        news_at: Option<Timestamp>,
        ask: Option<Box<Pending>>,
        /// Required values that were given up.
        skipped: BTreeSet<SmolStr>,
        /// Offers that were made.
        offered: BTreeSet<u32>,
        /// A ticket or callback was promised.
        promised: bool,
        confirmed: BTreeSet<u32>,
        alerted: BTreeSet<u32>,
        /// What the customer was told when people were away.
        told: String,
    }
}

state! {
    /// Rules to a tier that keep quiet.
    pub(crate) struct Quiet {
        /// Until the intent is another one.
        intent: Option<SmolStr>,
        /// The standing promise.
        promise: String,
    }
}

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempted {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
    /// `worked`, `declined`, `unknown`.
    pub(crate) outcome: SmolStr,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub(crate) at: Timestamp,
    pub(crate) reason: SmolStr,
}

/// A timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    pub(crate) at: Timestamp,
    pub(crate) what: TimerFor,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimerFor {
    Silence,
    Abandon,
    Update,
    Review,
    Offer,
}

impl Conversation {
    /// A conversation that has not opened yet.
    #[must_use]
    pub fn new(version: impl Into<SmolStr>) -> Self {
        Self {
            version: version.into(),
            ..Self::default()
        }
    }

    /// The version of the bot that it runs.
    #[must_use]
    pub fn version(&self) -> &SmolStr {
        &self.version
    }

    /// Its language: a declared one, `other`, or empty before it opened.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// A slot's value.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&Value> {
        self.slots.get(name)
    }

    /// A profile field's value, proven or claimed.
    #[must_use]
    pub fn customer(&self, name: &str) -> Option<&Value> {
        self.customer.get(name)
    }

    /// Whether a profile field's value is proven.
    #[must_use]
    pub fn is_proven(&self, name: &str) -> bool {
        self.proven.contains(name)
    }

    /// Fills slots before the conversation opens, for tests and simulations.
    pub fn preset_slots(&mut self, slots: impl IntoIterator<Item = (SmolStr, Value)>) {
        self.slots.extend(slots);
    }

    /// Says before the conversation opens that the profile is complete and need not be loaded, for tests and simulations.
    pub fn preset_profile(&mut self) {
        self.profile = Profile::Loaded;
    }

    /// The timers that are set, by id.
    pub fn timers(&self) -> impl Iterator<Item = (u64, Timestamp)> + '_ {
        self.timers.iter().map(|(id, timer)| (*id, timer.at))
    }

    /// The agent who had the conversation last, and when.
    #[must_use]
    pub fn last_agent(&self) -> Option<&(AgentRef, Timestamp)> {
        self.last_agent.as_ref()
    }

    /// The number of the last wish for a person; 0: there was none.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// The agent who has it, or reads its card.
    pub(crate) fn agent(&self) -> Option<&AgentRef> {
        match &self.handoff.as_ref()?.desk {
            Desk::Review { agent } | Desk::With { agent } => Some(agent),
            _ => None,
        }
    }

    /// Whether a person writes to the customer now.
    pub(crate) fn with_agent(&self) -> bool {
        self.handoff
            .as_ref()
            .is_some_and(|h| matches!(h.desk, Desk::With { .. }))
    }
}
