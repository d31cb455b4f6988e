//! What a part of a machine means, as a text that is the same in two versions exactly if they mean the same: numbers are replaced
//! by names, renamed things have their new name, places in the source are left out.
//!
//! It is made of the debug form, so that a field that is added to the machine is compared without anybody thinking of it.

use crate::machine::{Machine, TextPart};
use crate::value::{OpId, TemporalId, TextId};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::fmt::Debug;

/// Old names and what they are called now.
#[derive(Debug, Default)]
pub(super) struct Renames {
    pub(super) nodes: FxHashMap<SmolStr, SmolStr>,
    pub(super) slots: FxHashMap<SmolStr, SmolStr>,
    pub(super) fields: FxHashMap<SmolStr, SmolStr>,
}

impl Renames {
    pub(super) fn new(new: &Machine) -> Self {
        // A name that is used again means the new thing.
        let mut this = Self::default();
        for node in &new.nodes {
            if let Some(was) = node
                .was
                .as_ref()
                .filter(|w| !new.names.nodes.contains_key(*w))
            {
                this.nodes.insert(was.clone(), node.name.clone());
            }
        }
        for slot in &new.slots {
            if let Some(was) = slot
                .was
                .as_ref()
                .filter(|w| !new.names.slots.contains_key(*w))
            {
                this.slots.insert(was.clone(), slot.name.clone());
            }
        }
        for field in &new.customer {
            if let Some(was) = field
                .was
                .as_ref()
                .filter(|w| !new.names.customer.contains_key(*w))
            {
                this.fields.insert(was.clone(), field.name.clone());
            }
        }
        this
    }

    pub(super) fn get(map: &FxHashMap<SmolStr, SmolStr>, name: &str) -> SmolStr {
        map.get(name).cloned().unwrap_or_else(|| SmolStr::new(name))
    }
}

/// Prints parts of one machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canon<'m> {
    pub(super) machine: &'m Machine,
    /// Of the old version: what its names are now.
    pub(super) renames: Option<&'m Renames>,
}

/// Operations are numbered in the order in which they are met.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    of: FxHashMap<u32, usize>,
    order: Vec<OpId>,
}

impl<'m> Canon<'m> {
    /// What something means; operations that it names are told by what they do.
    pub(super) fn of(&self, part: &impl Debug) -> String {
        let mut numbers = Numbers::default();
        let mut out = self.read(&format!("{part:?}"), &mut numbers, 0);
        self.ops(&mut numbers, &mut out);
        out
    }

    /// A node's name as it is now.
    pub(super) fn node(&self, name: &SmolStr) -> String {
        self.renames.map_or_else(
            || name.to_string(),
            |r| Renames::get(&r.nodes, name).to_string(),
        )
    }

    /// What a body means.
    pub(super) fn body(&self, entry: OpId) -> String {
        self.of(&entry)
    }

    fn ops(&self, numbers: &mut Numbers, out: &mut String) {
        let mut at = 0;
        while let Some(id) = numbers.order.get(at).copied() {
            if let Some(op) = self.machine.op(id) {
                let text = self.read(&format!("{:?}", op.kind), numbers, 0);
                out.push_str(&format!("\n{at}: {text}"));
            }
            at += 1;
        }
    }

    /// Replaces numbers by names and drops places.
    pub(super) fn read(&self, debug: &str, numbers: &mut Numbers, depth: u32) -> String {
        let mut out = String::with_capacity(debug.len());
        let mut rest = debug;
        while let Some(c) = rest.chars().next() {
            if c == '"' {
                let end = string_end(rest);
                out.push_str(rest.get(..end).unwrap_or(rest));
                rest = rest.get(end..).unwrap_or_default();
            } else if c.is_alphabetic() || c == '_' {
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                if word == "Loc" && after.starts_with(" {") {
                    rest = after.get(braces_end(after)..).unwrap_or_default();
                } else if let Some((shown, after)) = self.unordered(word, after, numbers, depth) {
                    out.push_str(&shown);
                    rest = after;
                } else if let Some((number, after)) = id(word, after) {
                    out.push_str(&self.name(word, number, numbers, depth));
                    rest = after;
                } else {
                    out.push_str(word);
                    rest = after;
                }
            } else {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        out
    }

    fn name(&self, kind: &str, number: u32, numbers: &mut Numbers, depth: u32) -> String {
        let m = self.machine;
        let i = number as usize;
        let (nodes, slots, fields) = match self.renames {
            Some(r) => (Some(&r.nodes), Some(&r.slots), Some(&r.fields)),
            None => (None, None, None),
        };
        let now = |map: Option<&FxHashMap<SmolStr, SmolStr>>, name: &SmolStr| {
            map.map_or_else(|| name.clone(), |m| Renames::get(m, name))
        };
        let name = match kind {
            "NodeId" => m.nodes.get(i).map(|x| now(nodes, &x.name)),
            "SlotId" => m.slots.get(i).map(|x| now(slots, &x.name)),
            "FieldId" => m.customer.get(i).map(|x| now(fields, &x.name)),
            "TierId" => m.tiers.get(i).map(|x| x.name.clone()),
            "IntentId" => m.intents.get(i).map(|x| x.name.clone()),
            "TeamId" => m.teams.get(i).map(|x| x.name.clone()),
            "RuleId" => m.rules.get(i).map(|x| x.name.clone()),
            "SegmentId" => m.segments.get(i).map(|x| x.name.clone()),
            "ThresholdId" => m.thresholds.get(i).map(|x| x.name.clone()),
            "WebhookId" => m.webhooks.get(i).map(|x| x.name.clone()),
            "HookId" => m.hooks.get(i).map(|x| x.name.clone()),
            "HoursId" => m.hours.get(i).map(|x| x.name.clone()),
            "KnowledgeId" => m.knowledge.get(i).map(|x| x.name.clone()),
            "EnumId" => m.enums.get(i).map(|x| x.name.clone()),
            "RecordId" => m.records.get(i).map(|x| x.name.clone()),
            "PlaceId" | "CodeId" => Some("_".into()),
            "TextId" => return self.text(TextId(number), numbers, depth),
            "TemporalId" => {
                return match m.temporal(TemporalId(number)) {
                    Some(t) if depth < 64 => {
                        let cond = self.read(&format!("{:?}", t.cond), numbers, depth + 1);
                        format!("Temporal({cond}, {:?})", t.held)
                    }
                    _ => String::new(),
                };
            }
            "OpId" => {
                let next = numbers.order.len();
                let number = *numbers.of.entry(number).or_insert_with(|| {
                    numbers.order.push(OpId(number));
                    next
                });
                return format!("->{number}");
            }
            _ => None,
        };
        name.map_or_else(|| format!("{kind}({number})"), |n| format!("{kind}:{n}"))
    }

    fn text(&self, id: TextId, numbers: &mut Numbers, depth: u32) -> String {
        match self.machine.text(id) {
            Some(text) => match &text.name {
                Some(name) => format!("text {name}"),
                None => self.variants(id, numbers, depth),
            },
            None => String::new(),
        }
    }

    /// All that a text says.
    pub(super) fn words(&self, id: TextId) -> String {
        self.variants(id, &mut Numbers::default(), 0)
    }

    fn variants(&self, id: TextId, numbers: &mut Numbers, depth: u32) -> String {
        let mut out = String::new();
        if depth > 64 {
            return out;
        }
        for variant in self.machine.text(id).into_iter().flat_map(|t| &t.variants) {
            out.push_str(&format!("[{:?} {:?}]", variant.language, variant.channel));
            for part in &variant.parts {
                match part {
                    TextPart::Str(s) => out.push_str(&format!("{s:?}")),
                    TextPart::Expr(e) => {
                        let inner = self.read(&format!("{e:?}"), numbers, depth + 1);
                        out.push_str(&format!("{{{inner}}}"));
                    }
                }
            }
        }
        out
    }
}

/// `(7)` after a word that is the name of an id.
fn id<'t>(word: &str, after: &'t str) -> Option<(u32, &'t str)> {
    if !word.ends_with("Id") {
        return None;
    }
    let inner = after.strip_prefix('(')?;
    let end = inner.find(')')?;
    let number = inner.get(..end)?.parse().ok()?;
    Some((number, inner.get(end + 1..)?))
}

/// Where a quoted string that starts here ends.
pub(super) fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where the braces that come first close.
fn braces_end(text: &str) -> usize {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}
