//! Names and places in words.

use crate::checks::support::analysis::Analysis;
use crate::machine::{CodeOwner, Machine, Op, TextPart};
use crate::sources::Position;
use crate::value::{TextId, TierId};
use flow_grammar::Loc;

/// The first variant of a text; what is filled in is shown as `{..}`.
pub(super) fn text(machine: &Machine, id: TextId) -> String {
    let Some(text) = machine.text(id) else {
        return String::new();
    };
    let parts = text.variants.first().map_or(&[][..], |v| &v.parts);
    parts
        .iter()
        .map(|part| match part {
            TextPart::Str(s) => s.as_str(),
            TextPart::Expr(_) => "{..}",
        })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A place for people.
pub(super) fn at(cx: &Analysis<'_>, loc: Loc) -> Option<Position> {
    cx.sources.position(loc)
}

/// A tier's name.
pub(super) fn tier(machine: &Machine, id: TierId) -> &str {
    machine.tier(id).map_or("", |t| t.name.as_str())
}

/// Whose body an operation stands in: "node `greet`".
pub(super) fn owner(machine: &Machine, op: &Op) -> String {
    match machine.code(op.code).map(|c| c.owner) {
        Some(CodeOwner::Node(id)) => machine
            .node(id)
            .map_or_else(String::new, |n| format!("node `{}`", n.name)),
        Some(CodeOwner::Handler(_)) => "a handler".into(),
        Some(CodeOwner::Menu) => "the menu".into(),
        Some(CodeOwner::Handoff(..)) => "a handoff".into(),
        Some(CodeOwner::Trigger(i)) => machine
            .triggers
            .get(i as usize)
            .map_or_else(String::new, |t| format!("trigger `{}`", t.name)),
        Some(CodeOwner::Band(id)) => format!("tier `{}`", tier(machine, id)),
        None => String::new(),
    }
}
