//! What can be seen of a conversation from outside.

use crate::NoHooks;
use crate::conversation::{At, Conversation, Desk, Pending};
use crate::decision::Decision;
use crate::effect::OutButton;
use crate::engine::Engine;
use crate::eval::Scope;
use crate::event::AgentRef;
use crate::run::Run;
use crate::values;
use flow_compiler::machine::{Priority, Var};
use flow_compiler::value::{Type, Value};
use flow_grammar::ast::TierKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not opened yet.
    #[default]
    New,
    /// A scripted tier holds it.
    Scripted,
    /// A model tier holds it.
    Model,
    /// People were called, and are closed, full or absent: the customer has not yet chosen what to do.
    HandoffPending,
    /// It waits for an agent.
    Queued,
    /// An agent is asked to take it.
    Offered,
    /// An agent accepted and reads the card; the customer is not connected yet.
    Reviewing,
    /// An agent has it.
    WithAgent,
    /// Resolved; a survey, or what else follows, runs.
    WrapUp,
    /// Over.
    Closed,
}

/// What can be seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Where it stands.
    pub stage: Stage,
    /// The version of the bot.
    pub version: SmolStr,
    /// The tier that holds it.
    pub tier: SmolStr,
    /// The node whose steps run or wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<SmolStr>,
    /// The place at which it waits, by its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SmolStr>,
    /// Buttons that work now: those of the pending question, then the menu's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<OutButton>,
    /// The agent who has it, or to whom it is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRef>,
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<SmolStr>,
    /// The priority of the running handoff.
    #[serde(default)]
    pub priority: Priority,
    /// A declared language, or `other`.
    pub language: SmolStr,
    /// The channel.
    pub channel: SmolStr,
    /// The page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<SmolStr>,
    /// The latest intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<SmolStr>,
    /// One line for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// -1..1.
    #[serde(default)]
    pub mood: f64,
    /// Settled (`true`), given up (`false`), or still open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
    /// Place in the queue, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Whether a webhook or a model is awaited.
    #[serde(default)]
    pub busy: bool,
    /// When it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Timestamp>,
    /// The last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// When people were first called in the running handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated: Option<Timestamp>,
    /// Rises whenever a person takes or leaves the conversation.
    #[serde(default)]
    pub epoch: u64,
}

pub(crate) fn view(engine: &Engine, c: &Conversation) -> View {
    let now = c.last.or(c.opened).unwrap_or_default();
    let log = std::cell::RefCell::default();
    let scope = engine.scope(c, now, &NoHooks, &log);
    let handoff = c.handoff.as_deref();
    View {
        stage: stage(engine, c),
        version: c.version.clone(),
        tier: c.tier.clone(),
        node: c.main.node.clone(),
        place: c.place(),
        buttons: buttons(engine, c, now),
        agent: handoff.and_then(|h| h.desk.agent().cloned()),
        team: handoff.map(|h| h.team.clone()),
        priority: handoff.map(|h| h.priority).unwrap_or_default(),
        language: c.language.clone(),
        channel: c.channel.clone(),
        page: c.page.clone(),
        intent: c.intent.clone(),
        summary: if c.opened.is_some() {
            engine.summary(c, &scope)
        } else {
            String::new()
        },
        mood: c.mood,
        resolved: c.resolved,
        position: handoff
            .filter(|h| h.desk.waits())
            .and_then(|h| h.news.as_ref())
            .map(|n| n.position),
        busy: matches!(c.main.at, At::Call { .. } | At::Profile { .. })
            || c.model.request != 0
            || !c.calls.is_empty(),
        opened: c.opened,
        last: c.last,
        escalated: handoff.and_then(|h| h.since),
        epoch: c.epoch,
    }
}

impl Conversation {
    /// The place at which it waits, by its key: as in its [`View`].
    #[must_use]
    pub fn place(&self) -> Option<SmolStr> {
        let handoff = self.handoff.as_deref().and_then(|h| h.ask.as_ref());
        let asked = handoff.or(self.model.ask.as_ref());
        let pending = match &self.main.at {
            At::Question(pending) => asked.or(Some(pending)),
            _ => asked,
        };
        pending.map(|p| p.ask.key())
    }
}

fn stage(engine: &Engine, c: &Conversation) -> Stage {
    if c.opened.is_none() {
        return Stage::New;
    }
    if c.closed.is_some() {
        return Stage::Closed;
    }
    match c.handoff.as_ref().map(|h| &h.desk) {
        Some(Desk::Away) => return Stage::HandoffPending,
        Some(Desk::Arriving | Desk::Queued) => return Stage::Queued,
        Some(Desk::Offered { .. }) => return Stage::Offered,
        Some(Desk::Review { .. }) => return Stage::Reviewing,
        Some(Desk::With { .. }) => return Stage::WithAgent,
        None => {}
    }
    if c.resolved.is_some() {
        return Stage::WrapUp;
    }
    let kind = engine
        .machine()
        .names
        .tiers
        .get(&c.tier)
        .and_then(|id| engine.machine().tier(*id))
        .map(|t| t.kind);
    if kind == Some(TierKind::Model) && !matches!(c.main.at, At::Question(_)) {
        Stage::Model
    } else {
        Stage::Scripted
    }
}

/// What can be pressed now: the pending question's buttons, offers that stand, the menu. With an agent and after the end only the
/// menu stays in sight, as long as it can be taken up again.
fn buttons(engine: &Engine, c: &Conversation, now: Timestamp) -> Vec<OutButton> {
    if c.opened.is_none() || (c.closed.is_some() && !crate::turn::can_reopen(engine, c, now)) {
        return Vec::new();
    }
    let mut copy = c.clone();
    let run = Run::new(
        engine,
        &mut copy,
        &NoHooks,
        now,
        Vec::new(),
        Decision::default(),
    );
    if c.closed.is_some() || c.with_agent() {
        return run.menu_buttons();
    }
    let mut buttons = Vec::new();
    for pending in [
        c.handoff.as_ref().and_then(|h| h.ask.as_ref()),
        c.model.ask.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        buttons.extend(run.buttons(pending));
    }
    if let At::Question(pending) = &c.main.at {
        buttons.extend(run.buttons(pending));
    }
    buttons.extend(run.made_offer_buttons());
    buttons.extend(run.menu_buttons());
    buttons
}

/// The labels of a pending question, as this version writes them.
pub(crate) fn labels(engine: &Engine, c: &Conversation, pending: &Pending) -> Vec<String> {
    let mut copy = c.clone();
    let run = Run::new(
        engine,
        &mut copy,
        &NoHooks,
        c.last.unwrap_or_default(),
        Vec::new(),
        Decision::default(),
    );
    run.buttons(pending).into_iter().map(|b| b.label).collect()
}

impl Engine {
    /// What it is about, in a few words; without private values.
    pub(crate) fn summary(&self, c: &Conversation, scope: &Scope<'_>) -> String {
        const WORDS: usize = 80;
        let topic = match (&c.intent, &c.said) {
            (Some(intent), _) => values::lower_words(intent),
            (None, Some(said)) if !said.text.is_empty() => {
                let end = said.text.char_indices().nth(WORDS).map(|(end, _)| end);
                end.map_or_else(
                    || said.text.to_string(),
                    |end| format!("{}...", said.text.get(..end).unwrap_or_default()),
                )
            }
            _ => c
                .handoff
                .as_ref()
                .and_then(|h| h.reasons.first())
                .map_or_else(
                    || values::lower_words(c.main.node.as_deref().unwrap_or("conversation")),
                    Clone::clone,
                ),
        };
        let reader = scope.reader();
        let facts = self
            .machine()
            .slots
            .iter()
            .filter(|def| !def.private && def.matching.is_some() && def.ty == Type::Text);
        let facts = facts.filter_map(|def| {
            Some(format!(
                "{} {}",
                values::lower_words(&def.name),
                reader.value(c.slots.get(&def.name)?)
            ))
        });
        std::iter::once(topic)
            .chain(facts.take(2))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// A slot's or field's stored value, by what it fills.
    pub(crate) fn stored<'c>(&self, c: &'c Conversation, var: Var) -> Option<&'c Value> {
        match var {
            Var::Slot(id) => c.slots.get(&self.machine().slot(id)?.name),
            Var::Customer(id) => c.customer.get(&self.machine().customer_field(id)?.name),
        }
    }
}
