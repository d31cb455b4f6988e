//! What understanding finds in one message. Computed once, outside the engine, and recorded in the event, so that a replay reads the same.

use flow_compiler::value::Value;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What one message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// A declared language, or `other`.
    pub language: SmolStr,
    /// The best intents with calibrated probabilities, best first, at most five. Empty when the message is out of scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<Guess>,
    /// The best FAQ with its calibrated probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faq: Option<Guess>,
    /// -1..1.
    pub sentiment: f64,
    /// "talk to a person".
    #[serde(default)]
    pub asks_for_human: bool,
    /// Mostly capitals.
    #[serde(default)]
    pub shouting: bool,
    /// Swear words.
    #[serde(default)]
    pub profanity: bool,
    /// "no", "that's wrong", "not what I asked", "useless": rejects what was said.
    #[serde(default)]
    pub negation: bool,
    /// A plain yes (`true`) or no (`false`) in any declared language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yes_no: Option<bool>,
    /// How many questions the message asks.
    #[serde(default)]
    pub questions: u32,
    /// How many words it has.
    #[serde(default)]
    pub words: u32,
    /// Values found in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
    /// Hashes of its normalised content words, sorted: two messages that share most of them ask the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprint: Vec<u32>,
}

/// A name with a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// The intent's or FAQ's name.
    pub name: SmolStr,
    /// 0..1, calibrated; an exact example is 1.
    pub probability: f64,
}

/// What kind of value an entity is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// Text that fits a slot's or field's `matching` pattern, or follows from an example's `{slot}`; the value has the slot's type.
    Slot(SmolStr),
    /// Text that fits a profile field's pattern.
    Customer(SmolStr),
    /// A value of a declared enum, found by its words (`key_accounts`: "key accounts"); the enum's name.
    Enum(SmolStr),
    /// A number.
    Number,
    /// A percentage.
    Percent,
    /// An amount.
    Money,
    /// A day ("tomorrow" counts from the message's day).
    Date,
    /// A time of day.
    Time,
    /// An instant.
    DateTime,
    /// A span of time.
    Duration,
    /// An address.
    Email,
    /// A number, E.164.
    Phone,
    /// A link.
    Url,
    /// A person's name ("my name is Ana").
    Name,
}

/// A value found in a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// The value.
    pub value: Value,
    /// Byte range in the message.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}
