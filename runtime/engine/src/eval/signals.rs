//! Signals and hours: what a condition can read beside values.

use super::{Scope, truth_value};
use crate::conversation::Desk;
use flow_compiler::machine::{HoursOf, HoursQuery, Signal};
use flow_compiler::value::{HoursId, Value};
use jiff::Timestamp;
use smol_str::{SmolStr, format_smolstr};

impl<'a> Scope<'a> {
    fn handoff<T>(&self, of: impl FnOnce(&crate::conversation::Handoff) -> Option<T>) -> Option<T> {
        self.state.handoff.as_deref().and_then(of)
    }

    pub(super) fn signal(&self, signal: Signal) -> Value {
        let state = self.state;
        let millis = |since: Option<Timestamp>| {
            since.map_or(Value::Unknown, |since| {
                Value::Duration(crate::calendar::millis_between(since, self.now))
            })
        };
        let text = |text: Option<&SmolStr>| {
            text.filter(|t| !t.is_empty())
                .map_or(Value::Unknown, |t| Value::Text(t.clone()))
        };
        let none = || SmolStr::new_static("none");
        match signal {
            Signal::Intent => Value::Enum(state.intent.clone().unwrap_or_else(none)),
            Signal::MessageIntent => Value::Enum(
                self.said()
                    .and_then(|s| s.intent.clone())
                    .unwrap_or_else(none),
            ),
            Signal::Confidence => state.confidence.map_or(Value::Unknown, Value::Percent),
            Signal::Sentiment => self
                .said()
                .map_or(Value::Unknown, |s| Value::Percent(s.sentiment)),
            Signal::Mood => Value::Percent(state.mood),
            Signal::AsksForHuman => self.flag(|s| s.asks_for_human),
            Signal::Shouting => self.flag(|s| s.shouting),
            Signal::Profanity => self.flag(|s| s.profanity),
            Signal::Negation => self.flag(|s| s.negation),
            Signal::RepeatedQuestion => self.flag(|s| s.repeated),
            Signal::Complexity => self.said().map_or(Value::Unknown, |s| {
                Value::Enum(SmolStr::new_static(
                    ["low", "medium", "high"]
                        .get(usize::from(s.complexity))
                        .copied()
                        .unwrap_or("high"),
                ))
            }),
            Signal::Message => self
                .said()
                .map_or(Value::Unknown, |s| Value::Text(s.text.clone())),
            Signal::Language => Value::Enum(state.language.clone()),
            Signal::Channel => Value::Enum(state.channel.clone()),
            Signal::Tier => Value::Enum(state.tier.clone()),
            Signal::Page => text(state.page.as_ref()),
            Signal::Turns => Value::Number(f64::from(state.turns)),
            Signal::FailedAnswers => Value::Number(f64::from(state.failed_answers)),
            Signal::IntentRepeats => Value::Number(
                state
                    .intent
                    .as_ref()
                    .and_then(|i| state.intents.get(i))
                    .map_or(0.0, |n| f64::from(n.saturating_sub(1))),
            ),
            Signal::AttemptsFailed => Value::Number(f64::from(state.failed_attempts)),
            Signal::TimeInTier => millis(state.tier_since.or(state.opened)),
            Signal::TimeInConversation => millis(state.opened),
            Signal::Now => Value::DateTime(self.now),
            Signal::Today => Value::Date(self.now.to_zoned(self.engine.zone().clone()).date()),
            Signal::QueueWait => self
                .handoff(|h| {
                    let (news, at) = (h.news.as_ref()?, h.news_at?);
                    Some(Value::Duration(
                        (news.wait? - crate::calendar::millis_between(at, self.now)).max(0),
                    ))
                })
                .unwrap_or_default(),
            Signal::QueuePosition => self
                .handoff(|h| {
                    h.news
                        .as_ref()
                        .map(|n| Value::Number(f64::from(n.position)))
                })
                .unwrap_or_default(),
            Signal::QueueLength => self
                .handoff(|h| h.news.as_ref().map(|n| Value::Number(f64::from(n.length))))
                .unwrap_or_default(),
            Signal::AgentName => text(
                self.handoff(|h| {
                    match &h.desk {
                        Desk::With { agent } | Desk::Review { agent } => Some(&agent.name),
                        Desk::Offered { agent, .. } if self.on_card => Some(&agent.name),
                        _ => None,
                    }
                    .cloned()
                })
                .as_ref(),
            ),
            Signal::Priority => self
                .handoff(|h| Some(Value::Enum(SmolStr::new_static(h.priority.as_str()))))
                .unwrap_or_default(),
            Signal::EscalationReason => self
                .handoff(|h| h.reasons.first().map(Value::text))
                .unwrap_or_default(),
            Signal::EscalationRule => self
                .handoff(|h| h.rule.clone().map(Value::Enum))
                .unwrap_or_default(),
            Signal::HandoffSummary => Value::text(self.engine.summary(state, self)),
            Signal::Team => self
                .handoff(|h| (!h.team.is_empty()).then(|| Value::Enum(h.team.clone())))
                .unwrap_or_default(),
        }
    }

    pub(super) fn hours_id(&self, of: HoursOf) -> Option<HoursId> {
        let machine = self.engine.machine();
        match of {
            HoursOf::Hours(id) => Some(id),
            HoursOf::Team(team) => Some(machine.team(team)?.hours),
            HoursOf::RoutedTeam => {
                let team = self.handoff(|h| machine.names.teams.get(&h.team).copied())?;
                Some(machine.team(team)?.hours)
            }
        }
    }

    pub(super) fn open(&self, of: HoursOf) -> Option<bool> {
        let open = self.engine.calendar(self.hours_id(of)?)?.is_open(self.now);
        self.note(|| self.hours_name(of), || Value::Bool(open));
        Some(open)
    }

    pub(super) fn hours_name(&self, of: HoursOf) -> SmolStr {
        let machine = self.engine.machine();
        let name = match of {
            HoursOf::Hours(id) => machine.hours_of(id).map(|h| h.name.clone()),
            HoursOf::Team(id) => machine.team(id).map(|t| t.name.clone()),
            HoursOf::RoutedTeam => Some(SmolStr::new_static("team")),
        };
        format_smolstr!("{}.open", name.unwrap_or_default())
    }

    pub(super) fn hours(&self, of: HoursOf, query: HoursQuery) -> Value {
        let Some(calendar) = self.hours_id(of).and_then(|id| self.engine.calendar(id)) else {
            return Value::Unknown;
        };
        match query {
            HoursQuery::Open => truth_value(self.open(of)),
            HoursQuery::Text => Value::Text(calendar.text(self.language())),
            HoursQuery::NextOpen => calendar
                .next_open(self.now)
                .map_or(Value::Unknown, Value::DateTime),
        }
    }

    /// The language in which the customer reads: a declared one.
    pub(crate) fn language(&self) -> &'a str {
        let languages = &self.engine.machine().bot.languages;
        let declared = languages.iter().find(|l| **l == self.state.language);
        declared.or(languages.first()).map_or("en", SmolStr::as_str)
    }
}

/// A signal as the author writes it.
pub(super) const fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Intent => "intent",
        Signal::MessageIntent => "message.intent",
        Signal::Confidence => "confidence",
        Signal::Sentiment => "sentiment",
        Signal::Mood => "mood",
        Signal::AsksForHuman => "asks_for_human",
        Signal::Shouting => "shouting",
        Signal::Profanity => "profanity",
        Signal::Negation => "negation",
        Signal::RepeatedQuestion => "repeated_question",
        Signal::Complexity => "complexity",
        Signal::Message => "message",
        Signal::Language => "language",
        Signal::Channel => "channel",
        Signal::Tier => "tier",
        Signal::Page => "page",
        Signal::Turns => "turns",
        Signal::FailedAnswers => "failed_answers",
        Signal::IntentRepeats => "intent_repeats",
        Signal::AttemptsFailed => "attempts.failed",
        Signal::TimeInTier => "time in tier",
        Signal::TimeInConversation => "time in conversation",
        Signal::Now => "now",
        Signal::Today => "today",
        Signal::QueueWait => "queue.wait",
        Signal::QueuePosition => "queue.position",
        Signal::QueueLength => "queue.length",
        Signal::AgentName => "agent.name",
        Signal::Priority => "priority",
        Signal::EscalationReason => "escalation.reason",
        Signal::EscalationRule => "escalation.rule",
        Signal::HandoffSummary => "handoff.summary",
        Signal::Team => "team",
    }
}
