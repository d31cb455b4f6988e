//! Values that a message names in the places of slots in an intent's examples.

use super::Run;
use crate::signals::{Entity, EntityKind, Signals};
use crate::values::{contains_words, folded};
use flow_compiler::machine::{ExamplePart, IntentExample, Var};
use flow_compiler::value::{SlotId, Type, Value};

impl Run<'_> {
    /// Fills the slots that the examples of an intent name, from the message that acted on it.
    pub(super) fn take_named(&mut self, intent: &str, text: &str, signals: &Signals) {
        for (var, value) in self.named(intent, text, signals) {
            self.set_var(var, value);
        }
    }

    /// The example whose slots the message fills best decides.
    fn named(&self, intent: &str, text: &str, signals: &Signals) -> Vec<(Var, Value)> {
        let examples = self
            .m
            .intents
            .iter()
            .find(|i| i.name == intent)
            .map_or(&[][..], |i| i.examples.as_slice());
        let said = folded(text);
        let rate = |example: &IntentExample| {
            let slots = example
                .parts
                .iter()
                .filter(|p| matches!(p, ExamplePart::Slot(_)))
                .count();
            if slots == 0 {
                return None;
            }
            let values = self.values_of(example, signals);
            let words = example
                .parts
                .iter()
                .filter_map(|p| match p {
                    ExamplePart::Text(words) => Some(words),
                    ExamplePart::Slot(_) => None,
                })
                .flat_map(|words| words.split_whitespace())
                .filter(|word| contains_words(&said, &folded(word)))
                .count();
            (!values.is_empty()).then_some(((values.len() == slots, values.len(), words), values))
        };
        examples
            .iter()
            .filter_map(rate)
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map(|(_, values)| values)
            .unwrap_or_default()
    }

    /// The values of a message in the order of an example's slots; none is taken twice.
    fn values_of(&self, example: &IntentExample, signals: &Signals) -> Vec<(Var, Value)> {
        let mut used: Vec<u32> = Vec::new();
        let mut out: Vec<(Var, Value)> = Vec::new();
        for part in &example.parts {
            let ExamplePart::Slot(id) = part else {
                continue;
            };
            let found = signals
                .entities
                .iter()
                .find(|e| !used.contains(&e.start) && self.fills(*id, e));
            if let Some(entity) = found {
                used.push(entity.start);
                let value = match (&entity.kind, &entity.value) {
                    (EntityKind::Enum(_), Value::Text(value)) => Value::Enum(value.clone()),
                    (_, value) => value.clone(),
                };
                out.push((Var::Slot(*id), value));
            }
        }
        out
    }

    fn fills(&self, slot: SlotId, entity: &Entity) -> bool {
        let Some(def) = self.m.slot(slot) else {
            return false;
        };
        if let EntityKind::Slot(name) = &entity.kind {
            return *name == def.name;
        }
        if def.matching.is_some() {
            return false;
        }
        match (&def.ty, &entity.kind) {
            (Type::Enum(id), EntityKind::Enum(name)) => {
                self.m.enum_def(*id).is_some_and(|def| def.name == *name)
            }
            (Type::Text, EntityKind::Name) => def.name.ends_with("name"),
            (ty, kind) => matches!(
                (ty, kind),
                (Type::Number, EntityKind::Number)
                    | (Type::Percent, EntityKind::Percent)
                    | (Type::Duration, EntityKind::Duration)
                    | (Type::Date, EntityKind::Date)
                    | (Type::Time, EntityKind::Time)
                    | (Type::DateTime, EntityKind::DateTime)
                    | (Type::Money, EntityKind::Money)
                    | (Type::Email, EntityKind::Email)
                    | (Type::Phone, EntityKind::Phone)
                    | (Type::Url, EntityKind::Url)
            ),
        }
    }
}
