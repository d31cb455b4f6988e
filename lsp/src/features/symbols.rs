//! The outline of a file.

use crate::bots::Bot;
use crate::position::{Encoding, to_range};
use flow_grammar::Span;
use flow_grammar::ast::DeclKind;
use gen_lsp_types::SymbolKind;
use serde_json::{Value, json};
use std::path::Path;

/// The declarations of a file, in order.
pub(crate) fn outline(bot: &Bot, path: &Path, encoding: Encoding) -> Vec<Value> {
    let Some(file) = bot.file(path) else {
        return Vec::new();
    };
    file.tree
        .decls
        .iter()
        .filter_map(|placed| {
            let (word, name, kind) = named(&placed.tree.decl.kind)?;
            let whole = placed.tree.decl.span.shifted(placed.offset);
            let selected = name
                .map_or(placed.tree.decl.span, |n| n.1)
                .shifted(placed.offset);
            let range = |s: Span| to_range(file, &(s.start as usize..s.end as usize), encoding);
            Some(json!({
                "name": name.map_or(word, |n| n.0),
                "detail": word,
                "kind": u32::from(kind),
                "range": range(whole),
                "selectionRange": range(selected),
            }))
        })
        .collect()
}

type Named<'a> = (&'static str, Option<(&'a str, Span)>, SymbolKind);

fn named(kind: &DeclKind) -> Option<Named<'_>> {
    macro_rules! named {
        ($word:literal, $d:expr, $kind:ident) => {
            (
                $word,
                $d.name.as_ref().map(|n| (n.text.as_str(), n.span)),
                SymbolKind::$kind,
            )
        };
    }
    Some(match kind {
        DeclKind::Bot(d) => named!("bot", d, Module),
        DeclKind::Channel(d) => named!("channel", d, Interface),
        DeclKind::Tier(d) => named!("tier", d, Class),
        DeclKind::Enum(d) => named!("enum", d, Enum),
        DeclKind::Record(d) => named!("record", d, Struct),
        DeclKind::Segment(d) => named!("segment", d, Boolean),
        DeclKind::Knowledge(d) => named!("knowledge", d, File),
        DeclKind::Intent(d) => named!("intent", d, Event),
        DeclKind::Faq(d) => named!("faq", d, String),
        DeclKind::Node(d) => named!("node", d, Function),
        DeclKind::Text(d) => named!("text", d, String),
        DeclKind::Threshold(d) => named!("threshold", d, Constant),
        DeclKind::EscalateRule(d) => named!("escalate", d, Operator),
        DeclKind::Hours(d) => named!("hours", d, Constant),
        DeclKind::Team(d) => named!("team", d, Package),
        DeclKind::Webhook(d) => named!("webhook", d, Method),
        DeclKind::Hook(d) => named!("hook", d, Method),
        DeclKind::Trigger(d) => named!("trigger", d, Event),
        DeclKind::Route(d) => (
            "route",
            d.tier.as_ref().map(|n| (n.text.as_str(), n.span)),
            SymbolKind::Array,
        ),
        DeclKind::Handoff(d) => (
            "handoff",
            d.tier.as_ref().map(|n| (n.text.as_str(), n.span)),
            SymbolKind::Object,
        ),
        DeclKind::Customer(_) => ("customer", None, SymbolKind::Struct),
        DeclKind::Slots(_) => ("slots", None, SymbolKind::Struct),
        DeclKind::Assist(_) => ("assist", None, SymbolKind::Object),
        DeclKind::Learn(_) => ("learn", None, SymbolKind::Object),
        DeclKind::Targets(_) => ("targets", None, SymbolKind::Object),
        DeclKind::On(_) => ("on", None, SymbolKind::Event),
        DeclKind::Test(_) => ("test", None, SymbolKind::Method),
        DeclKind::Use(_) | DeclKind::Include(_) | DeclKind::Error => return None,
    })
}
