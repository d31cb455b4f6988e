//! A conversation as its customer sees it.

use crate::program::Program;
use crate::turns::summary::stage_word;
use flow_compiler::machine::{Machine, OpKind, Var};
use flow_compiler::value::Type;
use flow_engine::View;
use flow_engine::effect::OutButton;
use flow_engine::event::{AgentRef, QueueNews};
use flow_grammar::ast::TierKind;
use flow_store::Summary;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use smol_str::SmolStr;

/// A conversation for its customer, as in the API's page.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "View")]
pub(crate) struct Shown<'a> {
    id: &'a str,
    /// The bot's.
    title: &'a str,
    channel: &'a str,
    language: &'a str,
    /// The tier that holds it.
    tier: &'a str,
    #[schemars(extend("enum" = ["scripted", "model", "people", null]))]
    tier_kind: Option<&'static str>,
    #[schemars(extend("enum" = ["new", "scripted", "model", "handoff_pending", "queued", "offered", "reviewing", "with_agent", "wrap_up", "closed"]))]
    stage: SmolStr,
    /// A model or a webhook is awaited.
    thinking: bool,
    /// Who serves it.
    #[schemars(with = "Option<flow_store::AgentName>")]
    agent: Option<&'a AgentRef>,
    queue: Option<QueuePlace>,
    /// Always in sight.
    #[schemars(with = "Vec<ButtonShown>")]
    menu: Vec<&'a OutButton>,
    asks: Option<Asks<'a>>,
    ended: Option<Ended<'a>>,
}

/// A button.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Button")]
pub(crate) struct ButtonShown {
    /// Comes back when it is pressed.
    id: SmolStr,
    /// What the customer reads.
    label: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct QueuePlace {
    position: u32,
    length: u32,
    /// The estimate; null: nobody knows.
    wait_seconds: Option<i64>,
    /// What to announce: from, to.
    range_seconds: Option<[i64; 2]>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Asks<'a> {
    #[schemars(extend("enum" = ["text", "choice", "file", "code", "survey"]))]
    kind: &'static str,
    #[schemars(with = "Vec<ButtonShown>")]
    buttons: Vec<&'a OutButton>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Ended<'a> {
    resolved: bool,
    /// `end`, `agent`, `abandoned`, `left`, `follow_up`.
    reason: Option<&'a SmolStr>,
}

/// A tier's kind in a word.
pub(crate) const fn tier_kind(kind: TierKind) -> &'static str {
    match kind {
        TierKind::Scripted => "scripted",
        TierKind::Model => "model",
        TierKind::People => "people",
    }
}

/// What kind of answer is waited for.
fn asks(machine: &Machine, view: &View, buttons: bool) -> Option<&'static str> {
    let place = view
        .place
        .as_ref()
        .and_then(|key| machine.names.places.get(key))
        .and_then(|id| machine.place(*id));
    let op = place
        .and_then(|place| machine.op(place.op))
        .map(|op| &op.kind);
    let is_file = |var: &Var| match var {
        Var::Slot(id) => machine.slot(*id).is_some_and(|f| f.ty == Type::File),
        Var::Customer(id) => machine
            .customer_field(*id)
            .is_some_and(|f| f.ty == Type::File),
    };
    match op {
        Some(OpKind::Verify { .. }) => Some("code"),
        Some(OpKind::Survey { .. }) => Some("survey"),
        Some(OpKind::Ask { var, .. }) if is_file(var) => Some("file"),
        _ if buttons => Some("choice"),
        Some(OpKind::ContinueWith { .. }) | None => None,
        Some(_) => Some("text"),
    }
}

/// Whether the code of a verification is waited for.
pub(crate) fn asks_code(machine: &Machine, view: &View) -> bool {
    asks(machine, view, false) == Some("code")
}

/// The view, as in the API's page.
#[must_use]
pub(crate) fn of(
    program: &Program,
    view: &View,
    summary: &Summary,
    news: Option<&QueueNews>,
) -> Value {
    let machine = program.engine.machine();
    let kind = machine
        .tiers
        .iter()
        .find(|t| t.name == view.tier)
        .map(|t| tier_kind(t.kind));
    let (menu, asked): (Vec<_>, Vec<_>) =
        view.buttons.iter().partition(|b| b.id.starts_with("menu."));
    let ended = (view.stage == flow_engine::Stage::Closed).then(|| Ended {
        resolved: view.resolved.unwrap_or(false),
        reason: summary.reason.as_ref(),
    });
    let queue = view.position.map(|position| {
        let range = news
            .and_then(|n| n.range)
            .map(|(low, high)| [low / 1000, high / 1000]);
        QueuePlace {
            position,
            length: news.map_or(position, |n| n.length),
            wait_seconds: news.and_then(|n| n.wait).map(|ms| ms / 1000),
            range_seconds: range,
        }
    });
    let has_agent = view.stage == flow_engine::Stage::WithAgent;
    json!(Shown {
        id: &summary.id,
        title: program.title(),
        channel: &view.channel,
        language: &view.language,
        tier: &view.tier,
        tier_kind: kind,
        stage: stage_word(view),
        thinking: view.busy,
        agent: view.agent.as_ref().filter(|_| has_agent),
        queue,
        menu,
        asks: asks(machine, view, !asked.is_empty()).map(|kind| Asks {
            kind,
            buttons: asked,
        }),
        ended,
    })
}
