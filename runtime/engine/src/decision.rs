//! Why the engine did what it did: data for people and for replay.

use flow_compiler::sources::Position;
use flow_compiler::value::Value;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A value that a condition read, by the name the author wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// `sentiment`, `customer.plan`, `sure_enough`.
    pub name: SmolStr,
    /// Its value then (a private one is redacted).
    pub value: Value,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleTrace {
    /// Its name.
    pub rule: SmolStr,
    /// Whether its condition held.
    pub fired: bool,
    /// Fired, yet did not act: `quiet`, `beaten by X`, `already fired`, `with a person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<SmolStr>,
    /// What it read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Read>,
    /// Where it is written.
    pub at: Position,
}

/// An escalation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EscalationTrace {
    /// The rule; absent: an `escalate` step, a band, a spent question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<SmolStr>,
    /// From which tier.
    pub from: SmolStr,
    /// To which.
    pub to: SmolStr,
    /// The priority.
    pub priority: SmolStr,
    /// All reasons.
    pub reasons: Vec<String>,
    /// Where it is written.
    pub at: Position,
}

/// The row that matched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowTrace {
    /// From 1.
    pub row: u32,
    /// The team.
    pub team: SmolStr,
    /// The priority of the row.
    pub priority: SmolStr,
    /// What the columns were.
    pub reads: Vec<Read>,
    /// Where it is written.
    pub at: Position,
}

/// One thing the engine did, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepTrace {
    /// In words: `say`, `ask order_id`, `call find_order`, `-> track`.
    pub what: SmolStr,
    /// The node, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<SmolStr>,
    /// Where it is written.
    pub at: Position,
}

/// Why a turn went as it went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The rules that were looked at (those that could fire here).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleTrace>,
    /// What took the message: `rule`, `button`, `answer`, `handler`, `faq`, `text`, `invalid`, `otherwise`, `model`, `agent`, `late`, `ignored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<SmolStr>,
    /// The confidence, as it was when rules read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The band of a model's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Position>,
    /// The escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationTrace>,
    /// The route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<RowTrace>,
    /// The steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepTrace>,
    /// Whatever else is worth knowing: a hook that failed, a step budget spent, a stale answer refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Hook results, in order of their calls, so that a replay needs no script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookTrace>,
}

/// A hook call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HookTrace {
    /// The hook.
    pub hook: SmolStr,
    /// The value, or why it failed (then the condition is false).
    pub result: Result<Value, String>,
}
