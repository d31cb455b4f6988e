//! Values that the bot declares: patterns of slots and fields, values of enums, places of slots in examples.

use super::{Found, Token, kind_of, stands_alone, tokens};
use crate::spec::{Field, Part, Spec};
use flow_compiler::value::{Type, Value};
use flow_engine::signals::EntityKind;
use smol_str::SmolStr;

/// Shorter matches leave their span to other kinds too ("5" may be a slot's value and a number).
const TAKES_FROM: usize = 5;
/// The most words that a place in an example may hold.
const PLACE_WORDS: usize = 6;

/// What the bot declares.
#[derive(Debug)]
pub(super) struct Declared {
    slots: Vec<Field>,
    customer: Vec<Field>,
    enums: Vec<(SmolStr, Vec<SmolStr>)>,
    /// Enum values as words: `(enum, value, words)`.
    values: Vec<(usize, SmolStr, Vec<String>)>,
    /// Slots that occur in examples, and the kind that stands for one without a pattern.
    in_examples: Vec<(usize, Option<EntityKind>)>,
    /// `(slot, words before, words after)` of examples with one slot of plain text.
    templates: Vec<(usize, Vec<String>, Vec<String>)>,
}

impl Declared {
    pub(super) fn of(spec: &Spec) -> Self {
        let mut values = Vec::new();
        for (i, (_, names)) in spec.enums.iter().enumerate() {
            for value in names {
                values.push((
                    i,
                    value.clone(),
                    tokens(&value.replace('_', " "))
                        .into_iter()
                        .map(|t| t.folded)
                        .collect(),
                ));
            }
        }
        let mut out = Self {
            slots: spec.slots.clone(),
            customer: spec.customer.clone(),
            enums: spec.enums.clone(),
            values,
            in_examples: Vec::new(),
            templates: Vec::new(),
        };
        for example in spec
            .intents
            .iter()
            .chain(&spec.faqs)
            .flat_map(|l| &l.examples)
        {
            for part in &example.parts {
                if let Part::Slot(slot) = part
                    && !out.in_examples.iter().any(|(s, _)| s == slot)
                    && let Some(field) = spec.slots.get(*slot)
                {
                    let kind = if field.pattern.is_some() {
                        None
                    } else {
                        kind_of(&field.ty, &spec.enums)
                    };
                    out.in_examples.push((*slot, kind));
                }
            }
            out.template(&example.parts);
        }
        out
    }

    fn template(&mut self, parts: &[Part]) {
        let folded = |parts: &[Part]| -> Vec<String> {
            let text: String = parts
                .iter()
                .map(|p| {
                    if let Part::Text(t) = p {
                        t.as_str()
                    } else {
                        ""
                    }
                })
                .collect::<Vec<_>>()
                .join(" ");
            tokens(&text).into_iter().map(|t| t.folded).collect()
        };
        let mut slots = parts.iter().enumerate().filter_map(|(i, p)| {
            if let Part::Slot(s) = p {
                Some((i, *s))
            } else {
                None
            }
        });
        if let (Some((at, slot)), None) = (slots.next(), slots.next())
            && let Some(field) = self.slots.get(slot)
            && field.pattern.is_none()
            && field.ty == Type::Text
            && let (Some(before), Some(after)) = (parts.get(..at), parts.get(at + 1..))
        {
            let (before, after) = (folded(before), folded(after));
            if before.len() + after.len() >= 2 {
                self.templates.push((slot, before, after));
            }
        }
    }

    /// Text that fits the pattern of a slot or field; typed in small letters too, if it has a digit.
    pub(super) fn patterns(&self, text: &str, found: &mut Found) {
        let (upper, lower) = (text.to_ascii_uppercase(), text.to_ascii_lowercase());
        let slots = self.slots.iter().map(|f| (f, true));
        let mut spans = Vec::new();
        for (field, is_slot) in slots.chain(self.customer.iter().map(|f| (f, false))) {
            let Some(pattern) = &field.pattern else {
                continue;
            };
            for (variant, text) in [text, upper.as_str(), lower.as_str()]
                .into_iter()
                .enumerate()
            {
                let mut any = false;
                for m in pattern
                    .find_iter(text)
                    .filter(|m| !m.is_empty() && stands_alone(text, m.start(), m.end()))
                {
                    if variant > 0 && !m.as_str().contains(|c: char| c.is_ascii_digit()) {
                        continue;
                    }
                    any = true;
                    let kind = if is_slot {
                        EntityKind::Slot(field.name.clone())
                    } else {
                        EntityKind::Customer(field.name.clone())
                    };
                    found.add(kind, typed(&field.ty, m.as_str()), m.start(), m.end());
                    spans.push((m.start(), m.end()));
                }
                if any {
                    break;
                }
            }
        }
        found
            .taken
            .extend(spans.into_iter().filter(|(s, e)| e - s >= TAKES_FROM));
    }

    /// Values of enums by their words, in singular or plural.
    pub(super) fn enums(&self, tokens: &[Token], found: &mut Found) {
        for (i, value, words) in &self.values {
            // "other" stands in too many sentences to mean a value.
            let bare = matches!(
                value.as_str(),
                "other" | "none" | "any" | "no" | "yes" | "unknown"
            );
            if words.is_empty() || (bare && tokens.len() > words.len() + 1) {
                continue;
            }
            let Some((name, _)) = self.enums.get(*i) else {
                continue;
            };
            for window in tokens.windows(words.len()) {
                if window
                    .iter()
                    .zip(words)
                    .all(|(t, w)| same_word(&t.folded, w))
                    && let (Some(first), Some(last)) = (window.first(), window.last())
                {
                    found.add(
                        EntityKind::Enum(name.clone()),
                        Value::Enum(value.clone()),
                        first.start,
                        last.end,
                    );
                    break;
                }
            }
        }
    }

    /// Text in the place of a slot in an example: "deliver to {city} please".
    pub(super) fn templates(&self, text: &str, tokens: &[Token], found: &mut Found) {
        for (slot, before, after) in &self.templates {
            let inner = tokens.len().saturating_sub(before.len() + after.len());
            if inner == 0 || inner > PLACE_WORDS {
                continue;
            }
            let fits = tokens.iter().zip(before).all(|(t, w)| t.folded == *w)
                && tokens
                    .iter()
                    .rev()
                    .zip(after.iter().rev())
                    .all(|(t, w)| t.folded == *w);
            let place = (
                tokens.get(before.len()),
                tokens.get(before.len() + inner - 1),
            );
            if let (true, (Some(first), Some(last)), Some(field)) =
                (fits, place, self.slots.get(*slot))
            {
                let value = Value::text(text.get(first.start..last.end).unwrap_or_default());
                found.add(
                    EntityKind::Slot(field.name.clone()),
                    value,
                    first.start,
                    last.end,
                );
                break;
            }
        }
    }

    /// The field that is asked for, and whether it is a slot.
    fn asked(&self, expecting: Option<&str>) -> Option<(&Field, bool)> {
        let name = expecting?;
        if let Some(field) = name.strip_prefix("customer.") {
            return self
                .customer
                .iter()
                .find(|f| f.name == field)
                .map(|f| (f, false));
        }
        let slot = self
            .slots
            .iter()
            .find(|f| f.name == name)
            .map(|f| (f, true));
        slot.or_else(|| {
            self.customer
                .iter()
                .find(|f| f.name == name)
                .map(|f| (f, false))
        })
    }

    /// The type that is asked for.
    pub(super) fn expects(&self, expecting: Option<&str>) -> Option<&Type> {
        self.asked(expecting).map(|(f, _)| &f.ty)
    }

    /// A value of the type that was asked for is a value of the slot.
    pub(super) fn expected(&self, expecting: Option<&str>, found: &mut Found) {
        let Some((field, is_slot)) = self.asked(expecting) else {
            return;
        };
        if field.pattern.is_some() {
            return;
        }
        let Some(kind) = kind_of(&field.ty, &self.enums) else {
            return;
        };
        if let Some(entity) = found.entities.iter().find(|e| e.kind == kind).cloned() {
            let kind = if is_slot {
                EntityKind::Slot(field.name.clone())
            } else {
                EntityKind::Customer(field.name.clone())
            };
            found.add(
                kind,
                entity.value,
                entity.start as usize,
                entity.end as usize,
            );
        }
    }

    /// The slot whose placeholder stands for an entity.
    pub(super) fn masked_slot(&self, kind: &EntityKind) -> Option<usize> {
        let by_name = match kind {
            EntityKind::Slot(name) => self.slots.iter().position(|f| f.name == *name),
            _ => None,
        };
        self.in_examples
            .iter()
            .find(|(slot, stands)| by_name == Some(*slot) || stands.as_ref() == Some(kind))
            .map(|(slot, _)| *slot)
    }
}

fn typed(ty: &Type, text: &str) -> Value {
    match ty {
        Type::Number => text
            .parse()
            .map_or_else(|_| Value::text(text), Value::Number),
        _ => Value::text(text),
    }
}

/// Equal up to the usual endings of a plural.
fn same_word(said: &str, value: &str) -> bool {
    if said == value {
        return true;
    }
    let stem = |w: &str| -> String {
        match w {
            w if w.len() > 4 && w.ends_with("ies") => format!("{}y", w.trim_end_matches("ies")),
            w if w.len() > 4
                && (w.ends_with("ses")
                    || w.ends_with("xes")
                    || w.ends_with("ches")
                    || w.ends_with("shes")) =>
            {
                w.trim_end_matches("es").to_owned()
            }
            w if w.len() > 3 && w.ends_with('s') && !w.ends_with("ss") => {
                w.trim_end_matches('s').to_owned()
            }
            w => w.to_owned(),
        }
    };
    said.len() > 2 && stem(said) == stem(value)
}
