//! Completion: names by what may stand at the cursor, and keywords.

use crate::bots::Bot;
use crate::features::expected::{expected, results, type_of};
use crate::features::navigation::type_name;
use crate::position::{Encoding, to_offset};
use flow_compiler::machine::Machine;
use flow_compiler::value::Type;
use gen_lsp_types::{CompletionItem, CompletionItemKind, Position};
use std::path::Path;

const DECLARATIONS: &[&str] = &[
    "assist",
    "bot",
    "channel",
    "customer",
    "enum",
    "escalate",
    "faq",
    "handoff",
    "hook",
    "hours",
    "include",
    "intent",
    "knowledge",
    "learn",
    "node",
    "on",
    "record",
    "route",
    "segment",
    "slots",
    "targets",
    "team",
    "test",
    "text",
    "threshold",
    "tier",
    "trigger",
    "use",
    "webhook",
];
const STEPS: &[&str] = &[
    "ask",
    "attempt",
    "back",
    "call",
    "callback",
    "choose",
    "clear",
    "confirm",
    "continue with",
    "end resolved",
    "end unresolved",
    "escalate",
    "form",
    "if",
    "listen",
    "match",
    "note",
    "otherwise",
    "say",
    "set",
    "survey",
    "tag",
    "ticket",
    "verify",
    "visit",
];
const SIGNALS: &[&str] = &[
    "intent",
    "message",
    "message.intent",
    "confidence",
    "sentiment",
    "mood",
    "asks_for_human",
    "shouting",
    "profanity",
    "negation",
    "repeated_question",
    "complexity",
    "language",
    "channel",
    "tier",
    "page",
    "turns",
    "failed_answers",
    "intent_repeats",
    "attempts.failed",
    "time in tier",
    "time in conversation",
    "now",
    "today",
    "queue.wait",
    "queue.position",
    "queue.length",
    "agent.name",
    "priority",
    "escalation.reason",
    "escalation.rule",
    "handoff.summary",
    "team",
];

/// What may stand at a position.
pub(crate) fn complete(
    bot: &Bot,
    path: &Path,
    position: Position,
    encoding: Encoding,
) -> Vec<CompletionItem> {
    let Some(file) = bot.file(path) else {
        return Vec::new();
    };
    let offset = to_offset(&file.text, position, encoding);
    let before = file.text.get(..offset).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let head = line.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    if let Some(owner) = head.strip_suffix('.') {
        let found = fields(bot, owner);
        return if found.is_empty() {
            of_folder(bot, before, owner)
        } else {
            found
        };
    }
    named(bot, before, head)
}

/// The names of a folder brought in by `use`, behind its own: of what may stand there, what is the folder's.
fn of_folder(bot: &Bot, before: &str, owner: &str) -> Vec<CompletionItem> {
    let folder = last_word(owner);
    let head = owner.strip_suffix(folder).unwrap_or_default();
    let all = named(bot, before, head).into_iter();
    all.filter_map(|item| {
        let name = item.label.strip_prefix(folder)?.strip_prefix('.')?;
        Some(CompletionItem {
            label: name.to_owned(),
            ..item
        })
    })
    .collect()
}

/// The word with which a text ends, dots aside.
pub(super) fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !(c.is_alphanumeric() || c == '_'))
        .next()
        .unwrap_or_default()
}

/// What may stand behind the `head` of a line; `before` is all text up to the cursor.
fn named(bot: &Bot, before: &str, head: &str) -> Vec<CompletionItem> {
    let machine = &bot.compilation.machine;
    if let Some(found) = expected(machine, before, head) {
        return found;
    }
    let last = head.split_whitespace().last().unwrap_or_default();
    let previous = head.split_whitespace().rev().nth(1).unwrap_or_default();
    match (previous, last) {
        (_, "->") => {
            return nodes(machine)
                .chain(words(&[
                    "end resolved",
                    "end unresolved",
                    "escalate",
                    "back",
                ]))
                .collect();
        }
        (_, "visit" | "start") | ("node", "is") => return nodes(machine).collect(),
        ("continue", "with") | (_, "route" | "handoff" | "from" | "to") | ("tier", "is") => {
            return tiers(machine).chain(teams(machine)).collect();
        }
        (_, "by") => return rules(machine).collect(),
        ("intent", "is" | "not") | (_, "intent") => {
            return intents(machine).chain(words(&["none"])).collect();
        }
        ("is", "not") | (_, "is") => return values(machine, previous).collect(),
        (_, "priority") => return words(&["immediate", "high", "medium", "standard"]).collect(),
        (_, "during" | "outside" | "hours" | "of") => return hours(machine).collect(),
        (_, "say") => return texts(machine).chain(words(&["one of"])).collect(),
        (_, "call" | "mock") => return webhooks(machine).collect(),
        (_, "ask" | "set" | "clear" | "form" | "require" | "verify") => {
            return slots(machine).chain(words(&["customer"])).collect();
        }
        _ => {}
    }
    let depth = depth(before);
    if head.trim().is_empty() && depth == 0 {
        return words(DECLARATIONS).collect();
    }
    let mut out: Vec<CompletionItem> = Vec::new();
    let in_text = head.matches('"').count() % 2 == 1;
    if head.trim().is_empty() || (!in_text && head.trim_end().ends_with(['{', ';'])) {
        out.extend(words(STEPS));
        if last == "escalate" {
            out.extend(rules(machine));
        }
        return out;
    }
    if last == "escalate" {
        out.extend(rules(machine));
        out.extend(words(&["to", "priority", "because"]));
        return out;
    }
    let set = || machine.slots.iter().find(|s| s.name == previous);
    if last == "="
        && let Some(Type::Enum(_)) = set().map(|s| &s.ty)
    {
        out.extend(
            values(machine, previous).filter(|v| v.kind == Some(CompletionItemKind::EnumMember)),
        );
    }
    out.extend(slots(machine));
    out.extend(results(before));
    out.extend(
        machine
            .segments
            .iter()
            .map(|s| item(&s.name, CompletionItemKind::Variable, "segment")),
    );
    out.extend(
        machine
            .thresholds
            .iter()
            .map(|t| item(&t.name, CompletionItemKind::Constant, "threshold")),
    );
    out.extend(
        machine
            .hooks
            .iter()
            .map(|h| item(&h.name, CompletionItemKind::Function, "hook")),
    );
    out.extend(texts(machine));
    out.extend(hours(machine));
    out.extend(
        SIGNALS
            .iter()
            .map(|s| item(s, CompletionItemKind::Property, "signal")),
    );
    out.extend(words(&[
        "customer",
        "and",
        "or",
        "not",
        "is",
        "is not",
        "in",
        "is known",
        "is unknown",
        "contains",
        "contains any",
        "matches",
        "for",
        "during",
        "outside",
        "when",
        "because",
    ]));
    out
}

/// How many braces are open, strings and comments aside.
fn depth(text: &str) -> i64 {
    let (mut depth, mut quoted) = (0_i64, false);
    for line in text.lines() {
        let mut previous = ' ';
        for c in line.chars() {
            match c {
                '"' if previous != '\\' => quoted = !quoted,
                '/' if previous == '/' && !quoted => break,
                '{' if !quoted => depth += 1,
                '}' if !quoted => depth -= 1,
                _ => {}
            }
            previous = c;
        }
        quoted = false;
    }
    depth
}

pub(super) fn item(label: &str, kind: CompletionItemKind, detail: &str) -> CompletionItem {
    CompletionItem {
        label: label.to_owned(),
        kind: Some(kind),
        detail: Some(detail.to_owned()),
        ..CompletionItem::default()
    }
}

pub(super) fn words(words: &'static [&'static str]) -> impl Iterator<Item = CompletionItem> {
    words.iter().map(|w| CompletionItem {
        label: (*w).to_owned(),
        kind: Some(CompletionItemKind::Keyword),
        ..CompletionItem::default()
    })
}

fn nodes(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.nodes.iter().map(|n| {
        item(
            &n.name,
            CompletionItemKind::Function,
            n.doc.as_deref().unwrap_or("node"),
        )
    })
}

pub(super) fn tiers(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.tiers
        .iter()
        .map(|t| item(&t.name, CompletionItemKind::Class, "tier"))
}

pub(super) fn teams(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.teams
        .iter()
        .map(|t| item(&t.name, CompletionItemKind::Module, "team"))
}

fn rules(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.rules
        .iter()
        .filter(|r| !matches!(r.origin, flow_compiler::machine::RuleOrigin::Regulated(_)))
        .map(|r| item(&r.name, CompletionItemKind::Operator, "rule"))
}

pub(super) fn intents(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.intents
        .iter()
        .map(|i| item(&i.name, CompletionItemKind::Event, "intent"))
}

pub(super) fn texts(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.texts
        .iter()
        .filter_map(|t| t.name.as_ref())
        .map(|n| item(n, CompletionItemKind::Text, "text"))
}

pub(super) fn hours(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.hours
        .iter()
        .map(|h| item(&h.name, CompletionItemKind::Constant, "hours"))
}

pub(super) fn webhooks(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.webhooks
        .iter()
        .map(|w| item(&w.name, CompletionItemKind::Method, "webhook"))
}

pub(super) fn slots(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    m.slots
        .iter()
        .map(|s| item(&s.name, CompletionItemKind::Variable, &type_name(m, &s.ty)))
}

/// The values that something can be compared with: of an enum, else of everything that has values.
pub(super) fn values<'a>(
    m: &'a Machine,
    left: &str,
) -> Box<dyn Iterator<Item = CompletionItem> + 'a> {
    let known = words(&["known", "unknown", "not"]);
    match (left, type_of(m, left)) {
        ("language", _) => Box::new(
            m.bot
                .languages
                .iter()
                .map(|l| item(l, CompletionItemKind::Value, "language"))
                .chain(words(&["other"])),
        ),
        ("channel", _) => Box::new(
            m.bot
                .channels
                .iter()
                .map(|c| item(c, CompletionItemKind::Value, "channel")),
        ),
        (_, Some(Type::Enum(id))) => Box::new(
            m.enum_def(id)
                .into_iter()
                .flat_map(|e| e.values.iter())
                .map(|v| item(v, CompletionItemKind::EnumMember, "value"))
                .chain(known),
        ),
        _ => Box::new(
            known.chain(words(&["true", "false"])).chain(
                m.enums
                    .iter()
                    .flat_map(|e| e.values.iter())
                    .map(|v| item(v, CompletionItemKind::EnumMember, "value")),
            ),
        ),
    }
}

/// What may follow a dot.
fn fields(bot: &Bot, owner: &str) -> Vec<CompletionItem> {
    let m = &bot.compilation.machine;
    let word = last_word(owner);
    let whole = owner
        .rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .next()
        .unwrap_or_default();
    if word == "customer" {
        return m
            .customer
            .iter()
            .map(|f| item(&f.name, CompletionItemKind::Field, &type_name(m, &f.ty)))
            .collect();
    }
    if word == "slots" {
        return slots(m).collect();
    }
    let pairs: Vec<CompletionItem> = SIGNALS
        .iter()
        .filter_map(|s| s.strip_prefix(word)?.strip_prefix('.'))
        .map(|s| item(s, CompletionItemKind::Property, "signal"))
        .collect();
    if !pairs.is_empty() {
        return pairs;
    }
    if m.hours.iter().any(|h| h.name == whole) {
        return words(&["open", "text", "next_open"]).collect();
    }
    if m.teams.iter().any(|t| t.name == whole) {
        return words(&["open", "next_open"]).collect();
    }
    match type_of(m, whole) {
        Some(Type::Record(id)) => m
            .record_def(id)
            .map(|r| {
                r.fields
                    .iter()
                    .map(|f| item(&f.name, CompletionItemKind::Field, &type_name(m, &f.ty)))
                    .collect()
            })
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}
