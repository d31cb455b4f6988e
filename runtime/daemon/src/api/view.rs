//! A conversation as its customer sees it.

use crate::program::Program;
use crate::turns::summary::stage_word;
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

/// The view, as in the API's page.
#[must_use]
pub fn of(program: &Program, view: &View, summary: &Summary, news: Option<&QueueNews>) -> Value {
    let machine = program.engine.machine();
    let kind = machine.tiers.iter().find(|t| t.name == view.tier).map(|t| tier_kind(t.kind));
    // The menu's buttons come last and are always there.
    let menu = view.buttons.len().saturating_sub(machine.bot.menu.len());
    let (asked, menu) = view.buttons.split_at(menu);
    let ended = (view.stage == flow_engine::Stage::Closed)
        .then(|| json!({"resolved": view.resolved.unwrap_or(false), "reason": summary.reason}));
    let queue = view.position.map(|position| {
        let range = news.and_then(|n| n.range).map(|(low, high)| [low / 1000, high / 1000]);
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
        "asks": (!asked.is_empty()).then(|| json!({"kind": "choice", "buttons": asked})),
        "ended": ended,
    })
}
