//! The card: everything a person needs who takes over, readable in ten seconds.

use crate::conversation::Conversation;
use crate::decision::RowTrace;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::eval::Scope;
use crate::event::{AgentRef, Citation, EventKind};
use crate::signals::Entity;
use crate::tables::{index_u32, reads, var_name};
use crate::{Hooks, Recorded, values};
use flow_compiler::machine::{FieldDef, Machine, Signal, TextPart, Var};
use flow_compiler::sources::Position;
use flow_compiler::value::{FieldId, FileValue, SlotId, TextId, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

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
    /// A proposed first message; absent: it names the agent, and there is none yet.
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

impl Engine {
    /// Of what the running handoff requires: how much is known, and how much there is. Absent without a handoff.
    #[must_use]
    pub fn required(&self, c: &Conversation) -> Option<(u32, u32)> {
        let handoff = c.handoff.as_deref()?;
        let m = self.machine();
        let tier = m.names.tiers.get(&handoff.tier)?;
        let mut plans = m.handoffs.iter().filter(|plan| plan.tier == *tier);
        let required = &plans.nth(handoff.plan as usize)?.require;
        let known = required
            .iter()
            .filter(|(var, _)| self.stored(c, *var).is_some());
        Some((index_u32(known.count()), index_u32(required.len())))
    }
}

pub(crate) fn build(
    engine: &Engine,
    c: &Conversation,
    history: &[Recorded],
    hooks: &dyn Hooks,
) -> Option<Card> {
    let opened = c.opened?;
    let m = engine.machine();
    let now = c.last.unwrap_or(opened);
    let log = std::cell::RefCell::default();
    let mut scope = engine.scope(c, now, hooks, &log);
    scope.on_card = true;
    let handoff = c.handoff.as_deref();
    let plan = handoff.and_then(|h| {
        let tier = m.names.tiers.get(&h.tier)?;
        m.handoffs
            .iter()
            .filter(|plan| plan.tier == *tier)
            .nth(h.plan as usize)
    });
    let required: Vec<Var> = plan
        .map(|plan| plan.require.iter().map(|(var, _)| *var).collect())
        .unwrap_or_default();
    let (profile, slots) = facts(engine, c, &scope, &required);
    let topic = c.intent.as_deref().map(values::in_words);
    let mood_word = mood_word(c.mood);
    let lines = crate::transcript(history);
    let reasons = handoff.map(|h| h.reasons.clone()).unwrap_or_default();
    let name = c
        .customer
        .get("name")
        .map(|v| scope.reader().value(v))
        .filter(|n| !n.is_empty());
    let found = Found::new(history);
    let missing: Vec<SmolStr> = required
        .iter()
        .filter(|var| engine.stored(c, **var).is_none())
        .map(|var| var_name(m, *var))
        .collect();
    let somebody = handoff.is_some_and(|h| h.desk.agent().is_some());
    Some(Card {
        summary: format!(
            "{}: {} ({mood_word})",
            name.as_deref().unwrap_or("Customer"),
            engine.summary(c, &scope)
        ),
        topic,
        mood: c.mood,
        mood_word: SmolStr::new_static(mood_word),
        sentiment: lines
            .iter()
            .filter_map(|l| Some((l.at, l.sentiment?)))
            .collect(),
        language: c.language.clone(),
        channel: c.channel.clone(),
        page: c.page.clone(),
        priority: SmolStr::new_static(handoff.map(|h| h.priority).unwrap_or_default().as_str()),
        team: handoff.map(|h| h.team.clone()),
        suggestions: suggestions(c, &missing, &reasons, mood_word),
        reasons,
        rules: found.rules,
        row: found.row,
        profile,
        slots,
        missing,
        entities: found.entities,
        attempts: c
            .attempts
            .iter()
            .map(|a| AttemptLine {
                at: a.at,
                text: a.text.clone(),
                outcome: a.outcome.clone(),
            })
            .collect(),
        files: found.files,
        knowledge: found.knowledge,
        tags: c.tags.clone(),
        notes: c.notes.clone(),
        opening: m
            .assist
            .open
            .filter(|text| somebody || !names_the_agent(m, *text))
            .map(|text| scope.render(text)),
        reminders: reminders(m, c, &scope),
        alerts: m
            .assist
            .alerts
            .iter()
            .filter(|(_, when)| when.as_ref().is_none_or(|when| scope.holds(when)))
            .map(|(text, _)| scope.render(*text))
            .collect(),
        templates: m
            .assist
            .templates
            .iter()
            .filter(|(_, text)| somebody || !names_the_agent(m, *text))
            .map(|(name, text)| (name.clone(), scope.render(*text)))
            .collect(),
        opened,
        escalated: handoff.and_then(|h| h.since),
        transcript: lines,
    })
}

/// Whether a text says who the agent is: it makes no sense before there is one.
fn names_the_agent(m: &Machine, text: TextId) -> bool {
    let reads_it =
        |part: &TextPart| matches!(part, TextPart::Expr(e) if reads(m, e, Signal::AgentName));
    m.text(text)
        .is_some_and(|t| t.variants.iter().flat_map(|v| &v.parts).any(reads_it))
}

const fn mood_word(mood: f64) -> &'static str {
    match mood {
        ..-0.5 => "angry",
        -0.5..-0.15 => "unhappy",
        0.3.. => "happy",
        _ => "neutral",
    }
}

/// Known profile fields and slots.
fn facts(
    engine: &Engine,
    c: &Conversation,
    scope: &Scope<'_>,
    required: &[Var],
) -> (Vec<Fact>, Vec<Fact>) {
    let m = engine.machine();
    let reader = scope.reader();
    let fact = |def: &FieldDef, value: Value, name: SmolStr, proven: bool, var: Var| Fact {
        label: values::in_words(&def.name),
        text: reader.value(&value),
        value,
        name,
        proven,
        required: required.contains(&var),
        private: def.private,
    };
    let profile = m.customer.iter().enumerate().filter_map(|(index, def)| {
        let id = FieldId(index_u32(index));
        let value = Some(scope.field(id)).filter(Value::is_known)?;
        // A default is no claim of the customer's.
        let proven = c.proven.contains(&def.name) || !c.customer.contains_key(&def.name);
        Some(fact(
            def,
            value,
            format_smolstr!("customer.{}", def.name),
            proven,
            Var::Customer(id),
        ))
    });
    let slots = m.slots.iter().enumerate().filter_map(|(index, def)| {
        let id = SlotId(index_u32(index));
        let value = Some(scope.slot(id)).filter(Value::is_known)?;
        Some(fact(def, value, def.name.clone(), true, Var::Slot(id)))
    });
    (profile.collect(), slots.collect())
}

/// What the log holds beside the transcript.
#[derive(Default)]
struct Found {
    rules: Vec<FiredLine>,
    row: Option<RowTrace>,
    entities: Vec<Entity>,
    files: Vec<FileValue>,
    knowledge: Vec<Citation>,
}

impl Found {
    fn new(history: &[Recorded]) -> Self {
        let mut found = Self::default();
        for recorded in history {
            let at = recorded.event.at;
            match &recorded.event.kind {
                EventKind::Message { signals, .. } => {
                    found.entities.extend(signals.entities.iter().cloned())
                }
                EventKind::File { file, .. } => found.files.push(file.clone()),
                _ => {}
            }
            let decision = &recorded.decision;
            for rule in decision.rules.iter().filter(|r| r.fired) {
                let escalation = decision
                    .escalation
                    .as_ref()
                    .filter(|e| e.rule.as_ref() == Some(&rule.rule));
                let because = escalation
                    .and_then(|e| e.reasons.first().cloned())
                    .unwrap_or_else(|| values::in_words(&rule.rule));
                found.rules.push(FiredLine {
                    at,
                    rule: rule.rule.clone(),
                    because,
                    reads: rule.reads.clone(),
                    place: rule.at.clone(),
                });
            }
            found.row = decision.row.clone().or(found.row);
            for effect in &recorded.effects {
                if let Effect::Send(message) = effect {
                    for citation in &message.citations {
                        if !found.knowledge.contains(citation) {
                            found.knowledge.push(citation.clone());
                        }
                    }
                }
            }
        }
        found
    }
}

fn reminders(m: &Machine, c: &Conversation, scope: &Scope<'_>) -> Vec<ReminderLine> {
    let confirmed = |index: u32| {
        c.handoff
            .as_ref()
            .is_some_and(|h| h.confirmed.contains(&index))
    };
    let due = m
        .assist
        .reminders
        .iter()
        .enumerate()
        .filter(|(_, r)| r.when.as_ref().is_none_or(|when| scope.holds(when)));
    due.map(|(index, r)| {
        let index = index_u32(index);
        ReminderLine {
            index,
            text: scope.render(r.text),
            before_resolve: r.before_resolve,
            confirmed: confirmed(index),
        }
    })
    .collect()
}

/// What to do next, from what is known.
fn suggestions(
    c: &Conversation,
    missing: &[SmolStr],
    reasons: &[String],
    mood_word: &str,
) -> Vec<String> {
    let mut out = Vec::new();
    if matches!(mood_word, "angry" | "unhappy") {
        out.push("Acknowledge what went wrong first".to_owned());
    }
    if let Some(name) = missing.first() {
        out.push(format!("Ask for the {}", values::lower_words(name)));
    }
    if let Some(attempt) = c.attempts.iter().rev().find(|a| a.outcome == "declined") {
        out.push(format!("Do not repeat what did not help: {}", attempt.text));
    }
    if let Some(reason) = reasons.first() {
        out.push(format!("Settle why a person was called: {reason}"));
    }
    out.truncate(4);
    out
}
