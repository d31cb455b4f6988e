//! A conversation as its customer sees it.

use crate::program::Program;
use crate::turns::summary::stage_word;
use flow_compiler::machine::{Machine, OpKind, Var};
use flow_compiler::value::Type;
use flow_engine::View;
use flow_engine::event::QueueNews;
use flow_grammar::ast::TierKind;
use flow_store::Summary;
use serde_json::{Value, json};

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
    let ended = (view.stage == flow_engine::Stage::Closed)
        .then(|| json!({"resolved": view.resolved.unwrap_or(false), "reason": summary.reason}));
    let queue = view.position.map(|position| {
        let range = news
            .and_then(|n| n.range)
            .map(|(low, high)| [low / 1000, high / 1000]);
        json!({
            "position": position,
            "length": news.map_or(position, |n| n.length),
            "wait_seconds": news.and_then(|n| n.wait).map(|ms| ms / 1000),
            "range_seconds": range,
        })
    });
    json!({
        "id": summary.id,
        "title": program.title(),
        "channel": view.channel,
        "language": view.language,
        "tier": view.tier,
        "tier_kind": kind,
        "stage": stage_word(view),
        "thinking": view.busy,
        "agent": view.agent.as_ref().filter(|_| view.stage == flow_engine::Stage::WithAgent),
        "queue": queue,
        "menu": menu,
        "asks": asks(machine, view, !asked.is_empty()).map(|kind| json!({"kind": kind, "buttons": asked})),
        "ended": ended,
    })
}
