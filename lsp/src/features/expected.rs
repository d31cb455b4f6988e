//! What is expected at the cursor where more than the last words of its line decides: types, values, arms, cells of a matrix, items
//! that list names.

use super::completion::{
    hours, intents, item, last_word, slots, teams, texts, tiers, values, webhooks, words,
};
use super::navigation::type_name;
use flow_compiler::machine::{FieldDef, Machine};
use flow_compiler::value::Type;
use gen_lsp_types::{CompletionItem, CompletionItemKind};

const TYPES: &[&str] = &[
    "text", "number", "bool", "percent", "duration", "date", "time", "datetime", "money", "email",
    "phone", "url", "file", "list of",
];

/// What may stand behind the `head` of a line, `before` being all text up to the cursor. `None`: the line's last words decide.
pub(super) fn expected(m: &Machine, before: &str, head: &str) -> Option<Vec<CompletionItem>> {
    if head.matches('"').count() % 2 == 1 {
        return None;
    }
    if head.trim_start().starts_with('|') {
        return cell(m, before, head);
    }
    let open = head.trim_end();
    // The item that the cursor stands in.
    let begun = open
        .rsplit(['{', ';'])
        .next()
        .unwrap_or_default()
        .trim_start();
    let declaration = declaration(before);
    if types_here(declaration, open, begun) {
        return Some(types(m).collect());
    }
    if let Some(found) = named(m, before, declaration, begun) {
        return Some(found);
    }
    if let Some(found) = listed(m, declaration, begun) {
        return Some(found);
    }
    if matches!(declaration, "slots" | "customer" | "record")
        && let Some((_, ty)) = begun.rsplit_once(':')
    {
        let ty = ty.split_whitespace().next().unwrap_or_default();
        match last_word(open) {
            "ask" => return Some(texts(m).collect()),
            _ if open.ends_with('=') => {
                let of_type = enum_values(m, ty.trim_end_matches('?'));
                return (!of_type.is_empty()).then_some(of_type);
            }
            _ => {}
        }
    }
    if let Some((left, _)) = open
        .rsplit_once('[')
        .filter(|(_, list)| !list.contains(']'))
        && let Some(left) = left.trim_end().strip_suffix(" in")
    {
        let left = left.trim_end().strip_suffix(" not").unwrap_or(left);
        return Some(of_path(m, last_path(left)));
    }
    arm(m, before, begun)
}

/// What the words of an item so far ask for.
fn named(m: &Machine, before: &str, declaration: &str, begun: &str) -> Option<Vec<CompletionItem>> {
    let words_so_far: Vec<&str> = begun.split_whitespace().collect();
    Some(match (declaration, words_so_far.as_slice()) {
        ("bot", ["tiers"] | ["tiers", .., "->"]) => tiers(m).collect(),
        ("customer", ["customer", "from"]) => webhooks(m).collect(),
        (_, ["choose", .., "from"]) => slots(m)
            .chain(results(before))
            .chain(words(&["customer"]))
            .collect(),
        (_, ["survey", _]) => texts(m).collect(),
        _ => return None,
    })
}

/// Whether a type is written next.
fn types_here(declaration: &str, open: &str, begun: &str) -> bool {
    let signature = matches!(declaration, "webhook" | "hook")
        && (begun.starts_with("webhook") || begun.starts_with("hook"));
    let fields = matches!(declaration, "slots" | "customer" | "record" | "trigger");
    (signature || fields) && (open.ends_with(':') || open.ends_with(" list of"))
        || signature && open.ends_with("->")
}

fn types(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    let enums = m
        .enums
        .iter()
        .map(|e| item(&e.name, CompletionItemKind::Enum, "enum"));
    let records = m
        .records
        .iter()
        .map(|r| item(&r.name, CompletionItemKind::Struct, "record"));
    enums.chain(records).chain(words(TYPES))
}

/// Items that list names of one kind.
fn listed(m: &Machine, declaration: &str, begun: &str) -> Option<Vec<CompletionItem>> {
    let (first, rest) = begun.split_once(char::is_whitespace).unwrap_or((begun, ""));
    let more = rest.is_empty() || rest.trim_end().ends_with(',');
    Some(match (declaration, first) {
        _ if !more => return None,
        ("tier", "tools") => webhooks(m).collect(),
        ("tier", "knowledge") => m
            .knowledge
            .iter()
            .map(|k| item(&k.name, CompletionItemKind::File, "knowledge"))
            .collect(),
        ("tier" | "webhook", "shares") => {
            slots(m).chain(words(&["customer", "transcript"])).collect()
        }
        ("team", "overflow") | ("learn", "review") => teams(m).collect(),
        ("team", "hours") => hours(m).collect(),
        ("team" | "bot", "languages") => languages(m).collect(),
        ("learn", "tune") => m
            .thresholds
            .iter()
            .map(|t| item(&t.name, CompletionItemKind::Constant, "threshold"))
            .collect(),
        _ => return None,
    })
}

fn languages(m: &Machine) -> impl Iterator<Item = CompletionItem> {
    let all = m.bot.languages.iter();
    all.map(|l| item(l, CompletionItemKind::Value, "language"))
}

/// The cell of a matrix below the name of its column.
fn cell(m: &Machine, before: &str, head: &str) -> Option<Vec<CompletionItem>> {
    let column = head.matches('|').count();
    let above = before.lines().rev().skip(1);
    let header = above
        .take_while(|l| l.trim_start().starts_with('|'))
        .last()?;
    Some(match header.split('|').nth(column)?.trim() {
        "team" => teams(m).collect(),
        "priority" => words(&["immediate", "high", "medium", "standard", "_"]).collect(),
        "skill" | "agent" | "within" => Vec::new(),
        expression => {
            let mut found = of_path(m, expression);
            found.extend(words(&["_", "not"]));
            found
        }
    })
}

/// The arms of a question or `match` whose block the cursor stands in.
fn arm(m: &Machine, before: &str, begun: &str) -> Option<Vec<CompletionItem>> {
    let name = |w: &str| w.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !begun.split(',').all(|w| name(w.trim())) || !(begun.is_empty() || begun.ends_with(',')) {
        return None;
    }
    let head = enclosing(before)?;
    let (first, rest) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
    let words_of_head: Vec<&str> = head.split_whitespace().collect();
    match words_of_head.as_slice() {
        ["given", "slots"] => return Some(slots(m).collect()),
        ["given", "customer"] => return Some(fields(m, &m.customer)),
        ["mock", webhook, "returns"] => {
            let returns = &m.webhooks.iter().find(|w| w.name == *webhook)?.returns;
            let (Type::Record(id), _) = returns.as_ref()? else {
                return None;
            };
            return Some(fields(m, &m.record_def(*id)?.fields));
        }
        _ => {}
    }
    Some(match first {
        "match" => {
            let mut found = of_path(m, rest.trim());
            found.extend(words(&["otherwise", "unknown"]));
            found
        }
        "listen" => words(&["intent", "otherwise"]).collect(),
        "confirm" => words(&["yes", "no", "invalid", "retry", "otherwise"]).collect(),
        "attempt" => words(&["worked", "declined"]).collect(),
        "call" => words(&["failed"]).collect(),
        "choose" => {
            let label = words(&["otherwise", "invalid", "retry", "label", "none"]);
            label.chain(texts(m)).collect()
        }
        _ => return None,
    })
}

fn fields(m: &Machine, all: &[FieldDef]) -> Vec<CompletionItem> {
    let all = all.iter();
    all.map(|f| item(&f.name, CompletionItemKind::Field, &type_name(m, &f.ty)))
        .collect()
}

/// The item whose block is the innermost open one.
fn enclosing(before: &str) -> Option<&str> {
    let mut open: Vec<usize> = Vec::new();
    let start = declaration_start(before);
    let mut line_start = start;
    for line in before.get(start..)?.split_inclusive('\n') {
        let (mut quoted, mut previous) = (false, ' ');
        for (at, c) in line.char_indices() {
            match c {
                '"' if previous != '\\' => quoted = !quoted,
                '/' if previous == '/' && !quoted => break,
                '{' if !quoted => open.push(line_start + at),
                '}' if !quoted => {
                    open.pop();
                }
                _ => {}
            }
            previous = c;
        }
        line_start += line.len();
    }
    let head = before.get(..*open.last()?)?;
    Some(
        head.rsplit(['\n', '{', ';'])
            .next()
            .unwrap_or_default()
            .trim(),
    )
}

/// Where the declaration that the cursor stands in begins.
fn declaration_start(before: &str) -> usize {
    let mut at = before.len();
    for line in before.split_inclusive('\n').rev() {
        at -= line.len();
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            return at;
        }
    }
    0
}

/// The word that begins the declaration that the cursor stands in.
fn declaration(before: &str) -> &str {
    let text = before.get(declaration_start(before)..).unwrap_or_default();
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .unwrap_or_default()
}

/// The results of calls that the declaration names before the cursor.
pub(super) fn results(before: &str) -> impl Iterator<Item = CompletionItem> {
    let text = before.get(declaration_start(before)..).unwrap_or_default();
    let mut names: Vec<&str> = text
        .split(" as ")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        })
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| item(name, CompletionItemKind::Variable, "result"))
}

/// The last dotted name of a text.
fn last_path(text: &str) -> &str {
    let name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    text.trim_end()
        .rsplit(|c: char| !name(c))
        .next()
        .unwrap_or_default()
}

/// The values that a dotted name can have, where they have names.
fn of_path(m: &Machine, path: &str) -> Vec<CompletionItem> {
    match path {
        "intent" | "message.intent" => intents(m).chain(words(&["none"])).collect(),
        "tier" => tiers(m).collect(),
        "complexity" => words(&["low", "medium", "high"]).collect(),
        "language" | "channel" => values(m, path).collect(),
        _ => match type_of(m, path) {
            Some(Type::Enum(id)) => m.enum_def(id).map_or_else(Vec::new, |e| members(&e.values)),
            Some(Type::Bool) => words(&["true", "false"]).collect(),
            _ => Vec::new(),
        },
    }
}

fn enum_values(m: &Machine, name: &str) -> Vec<CompletionItem> {
    let found = m.enums.iter().find(|e| e.name == name);
    found.map_or_else(Vec::new, |e| members(&e.values))
}

fn members<S: AsRef<str>>(values: &[S]) -> Vec<CompletionItem> {
    let all = values.iter();
    all.map(|v| item(v.as_ref(), CompletionItemKind::EnumMember, "value"))
        .collect()
}

/// The type of a dotted name: of a slot, a field of the profile, a result, or a field of one of them. Results of one name in
/// several nodes are taken for the same.
pub(super) fn type_of(m: &Machine, path: &str) -> Option<Type> {
    let mut parts = path.split('.');
    let first = parts.next()?;
    let field = |name: &str| {
        m.customer
            .iter()
            .find(|f| f.name == name)
            .map(|f| f.ty.clone())
    };
    let slot = |name: &str| {
        m.slots
            .iter()
            .find(|s| s.name == name)
            .map(|s| s.ty.clone())
    };
    let mut ty = match first {
        "customer" => field(parts.next()?)?,
        "slots" => slot(parts.next()?)?,
        name if m.segments.iter().any(|s| s.name == name) => Type::Bool,
        name => slot(name).or_else(|| {
            let mut locals = m.codes.iter().flat_map(|c| &c.locals);
            locals.find(|l| l.name == name).map(|l| l.ty.clone())
        })?,
    };
    for part in parts {
        let Type::Record(id) = ty else { return None };
        let fields = &m.record_def(id)?.fields;
        ty = fields.iter().find(|f| f.name == part)?.ty.clone();
    }
    Some(ty)
}
