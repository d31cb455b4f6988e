//! What a condition or a text can read of the conversation, by name.

use crate::machine::{Expr, ExprKind, Signal};
use crate::value::{Domain, Type, Value};
use flow_grammar::ast::BinaryOp;

/// Signals of one word.
pub(crate) const WORDS: [&str; 23] = [
    "intent",
    "confidence",
    "sentiment",
    "mood",
    "asks_for_human",
    "shouting",
    "profanity",
    "negation",
    "repeated_question",
    "complexity",
    "message",
    "language",
    "channel",
    "tier",
    "page",
    "turns",
    "failed_answers",
    "intent_repeats",
    "now",
    "today",
    "priority",
    "team",
    "customer",
];

/// Whether a word alone is a signal.
pub(crate) fn is_signal(word: &str) -> bool {
    signal(word, None).is_some()
}

/// A signal by its one or two words.
pub(crate) fn signal(first: &str, second: Option<&str>) -> Option<(Signal, Type)> {
    use Signal as S;
    Some(match (first, second) {
        ("intent", None) => (S::Intent, Type::Domain(Domain::Intent)),
        ("message", Some("intent")) => (S::MessageIntent, Type::Domain(Domain::Intent)),
        ("confidence", None) => (S::Confidence, Type::Percent),
        ("sentiment", None) => (S::Sentiment, Type::Percent),
        ("mood", None) => (S::Mood, Type::Percent),
        ("asks_for_human", None) => (S::AsksForHuman, Type::Bool),
        ("shouting", None) => (S::Shouting, Type::Bool),
        ("profanity", None) => (S::Profanity, Type::Bool),
        ("negation", None) => (S::Negation, Type::Bool),
        ("repeated_question", None) => (S::RepeatedQuestion, Type::Bool),
        ("complexity", None) => (S::Complexity, Type::Domain(Domain::Complexity)),
        ("message", None) => (S::Message, Type::Text),
        ("language", None) => (S::Language, Type::Domain(Domain::Language)),
        ("channel", None) => (S::Channel, Type::Domain(Domain::Channel)),
        ("tier", None) => (S::Tier, Type::Domain(Domain::Tier)),
        ("page", None) => (S::Page, Type::Text),
        ("turns", None) => (S::Turns, Type::Number),
        ("failed_answers", None) => (S::FailedAnswers, Type::Number),
        ("intent_repeats", None) => (S::IntentRepeats, Type::Number),
        ("attempts", Some("failed")) => (S::AttemptsFailed, Type::Number),
        ("now", None) => (S::Now, Type::DateTime),
        ("today", None) => (S::Today, Type::Date),
        ("queue", Some("wait")) => (S::QueueWait, Type::Duration),
        ("queue", Some("position")) => (S::QueuePosition, Type::Number),
        ("queue", Some("length")) => (S::QueueLength, Type::Number),
        ("agent", Some("name")) => (S::AgentName, Type::Text),
        ("priority", None) => (S::Priority, Type::Domain(Domain::Priority)),
        ("escalation", Some("reason")) => (S::EscalationReason, Type::Text),
        ("escalation", Some("rule")) => (S::EscalationRule, Type::Domain(Domain::Rule)),
        ("handoff", Some("summary")) => (S::HandoffSummary, Type::Text),
        ("team", None) => (S::Team, Type::Domain(Domain::Team)),
        _ => return None,
    })
}

/// The signal that is compared, also with something in its place where it is unknown: `confidence ?? 0%`. What stands in its place
/// outside of what the signal can be is meant to be told apart; that is no comparison of the signal.
pub(crate) fn compared(expr: &Expr) -> Option<Signal> {
    match &expr.kind {
        ExprKind::Signal(signal) => Some(*signal),
        ExprKind::Binary(BinaryOp::Coalesce, signal, fallback) => {
            let signal = compared(signal)?;
            let (low, high) = range(signal)?;
            match fallback.kind {
                ExprKind::Const(Value::Number(at) | Value::Percent(at))
                    if at >= low && high.is_none_or(|high| at <= high) =>
                {
                    Some(signal)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The values that a signal can have, as numbers (fractions, counts, milliseconds); `None` is open.
pub(crate) const fn range(signal: Signal) -> Option<(f64, Option<f64>)> {
    match signal {
        Signal::Confidence => Some((0.0, Some(1.0))),
        Signal::Sentiment | Signal::Mood => Some((-1.0, Some(1.0))),
        Signal::Turns
        | Signal::FailedAnswers
        | Signal::IntentRepeats
        | Signal::AttemptsFailed
        | Signal::QueuePosition
        | Signal::QueueLength
        | Signal::QueueWait
        | Signal::TimeInTier
        | Signal::TimeInConversation => Some((0.0, None)),
        _ => None,
    }
}
