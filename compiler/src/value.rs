//! Values and types: what a slot can hold, what an expression yields.

use jiff::civil;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An amount in a currency. Amounts of two currencies neither compare nor add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The exact amount.
    pub amount: Decimal,
    /// Three letters, ISO 4217.
    pub currency: SmolStr,
}

/// A file that a customer sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileValue {
    /// Its name as sent.
    pub name: SmolStr,
    /// Where it can be fetched; empty where there is no copy.
    pub url: SmolStr,
    /// Its media type.
    pub mime: SmolStr,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A value at run time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "lowercase")]
pub enum Value {
    /// Not known (yet). Comparisons with it are unknown.
    #[default]
    Unknown,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A fraction: 70% is 0.7.
    Percent(f64),
    /// `text`, `email`, `phone`, `url`.
    Text(SmolStr),
    /// Milliseconds.
    Duration(i64),
    /// An amount.
    Money(Money),
    /// A day.
    Date(civil::Date),
    /// A time of day.
    Time(civil::Time),
    /// An instant.
    DateTime(jiff::Timestamp),
    /// A value of an enum, or of a built-in domain (intent, tier, language, channel, team, priority), by its name.
    Enum(SmolStr),
    /// A record.
    Record(Arc<BTreeMap<SmolStr, Value>>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A file.
    File(FileValue),
}

impl Value {
    /// A text.
    pub fn text(s: impl Into<SmolStr>) -> Self {
        Self::Text(s.into())
    }

    /// Whether it is known.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// Only `true` is true; unknown is not.
    #[must_use]
    pub const fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }
}

/// Built-in sets of names that behave like enums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Domain {
    /// The declared intents and `none`.
    Intent,
    /// The declared tiers.
    Tier,
    /// The declared languages and `other`.
    Language,
    /// The declared channels.
    Channel,
    /// The declared teams.
    Team,
    /// `standard medium high immediate`, in rising order.
    Priority,
    /// `low medium high`.
    Complexity,
    /// The declared rules' names.
    Rule,
}

/// A type. Whether a thing can be unknown is kept beside the type, not in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the simple types are named as in the language")]
pub enum Type {
    Text,
    Number,
    Bool,
    Percent,
    Duration,
    Date,
    Time,
    DateTime,
    Money,
    Email,
    Phone,
    Url,
    File,
    /// A declared enum, by index in the machine.
    Enum(EnumId),
    /// A declared record.
    Record(RecordId),
    /// `list of T`.
    List(Box<Type>),
    /// A built-in set of names.
    Domain(Domain),
    /// The whole profile, as a hook's argument.
    Customer,
    /// Something that failed to check; silences what follows from it.
    Error,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// An enum.
    EnumId,
    /// A record.
    RecordId,
    /// A slot.
    SlotId,
    /// A field of the customer profile.
    FieldId,
    /// A node.
    NodeId,
    /// A tier; ids rise with the ladder.
    TierId,
    /// An intent.
    IntentId,
    /// A text, named or inline.
    TextId,
    /// A segment.
    SegmentId,
    /// A threshold.
    ThresholdId,
    /// An escalation rule.
    RuleId,
    /// Opening hours; id 0 is the built-in `always`.
    HoursId,
    /// A team.
    TeamId,
    /// A webhook.
    WebhookId,
    /// A hook.
    HookId,
    /// A knowledge base.
    KnowledgeId,
    /// An operation of the state machine.
    OpId,
    /// A place where a conversation can wait.
    PlaceId,
    /// A `for` condition, tracked per conversation.
    TemporalId,
    /// A named result of a `call` inside one body (index into that code's locals).
    LocalId,
    /// A body of operations (a node, a handler, a block of a handoff).
    CodeId,
}
