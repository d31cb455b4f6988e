//! The card: everything a person needs who takes over, readable in ten seconds.

use crate::event::{AgentRef, Citation};
use flow_compiler::sources::Position;
use flow_compiler::value::{FileValue, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A line of the transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// `customer`, `bot`, `model`, `agent`, `note`, `system`.
    pub who: SmolStr,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRef>,
    /// The text.
    pub text: String,
    /// The customer's sentiment of this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<f64>,
    /// The answer's confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileValue>,
}

/// A known value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The slot or field.
    pub name: SmolStr,
    /// Its name in words.
    pub label: String,
    /// The value.
    pub value: Value,
    /// The value in words.
    pub text: String,
    /// `true`: proven or collected; `false`: a claim.
    pub proven: bool,
    /// Required by the handoff.
    pub required: bool,
    /// Personal data.
    pub private: bool,
}

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptLine {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// `worked`, `declined`, `unknown`.
    pub outcome: SmolStr,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiredLine {
    /// When.
    pub at: Timestamp,
    /// The rule.
    pub rule: SmolStr,
    /// Why, in words.
    pub because: String,
    /// What it read.
    pub reads: Vec<crate::decision::Read>,
    /// Where it is written.
    pub place: Position,
}

/// The card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// One line: who, what, how they feel.
    pub summary: String,
    /// The intent, in words.
    pub topic: Option<String>,
    /// -1..1.
    pub mood: f64,
    /// Mood in a word: `angry`, `unhappy`, `neutral`, `happy`.
    pub mood_word: SmolStr,
    /// The customer's sentiment, message by message.
    pub sentiment: Vec<(Timestamp, f64)>,
    /// The language.
    pub language: SmolStr,
    /// The channel.
    pub channel: SmolStr,
    /// The page.
    pub page: Option<SmolStr>,
    /// The priority.
    pub priority: SmolStr,
    /// The team.
    pub team: Option<SmolStr>,
    /// Why people were called.
    pub reasons: Vec<String>,
    /// Rules that fired.
    pub rules: Vec<FiredLine>,
    /// The row that routed.
    pub row: Option<crate::decision::RowTrace>,
    /// Profile fields that are known.
    pub profile: Vec<Fact>,
    /// Slots that are known.
    pub slots: Vec<Fact>,
    /// Required values that are still missing.
    pub missing: Vec<SmolStr>,
    /// Values found in messages.
    pub entities: Vec<crate::signals::Entity>,
    /// What was tried.
    pub attempts: Vec<AttemptLine>,
    /// Files.
    pub files: Vec<FileValue>,
    /// Knowledge that answers rested on.
    pub knowledge: Vec<Citation>,
    /// Tags.
    pub tags: Vec<SmolStr>,
    /// Notes.
    pub notes: Vec<String>,
    /// What to do next.
    pub suggestions: Vec<String>,
    /// A proposed first message.
    pub opening: Option<String>,
    /// Reminders that hold: index, text, must be confirmed before resolving, confirmed.
    pub reminders: Vec<ReminderLine>,
    /// Alerts that hold.
    pub alerts: Vec<String>,
    /// Templates: name and text.
    pub templates: Vec<(SmolStr, String)>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When people were called.
    pub escalated: Option<Timestamp>,
    /// The whole conversation.
    pub transcript: Vec<Line>,
}

/// A reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderLine {
    /// Its index.
    pub index: u32,
    /// The text.
    pub text: String,
    /// Must be confirmed before resolving.
    pub before_resolve: bool,
    /// Was confirmed.
    pub confirmed: bool,
}
