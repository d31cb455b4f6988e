//! From a message to the value that a question wants.

use super::Run;
use crate::signals::{EntityKind, Signals};
use crate::tables::var_name;
use crate::values::{folded, in_words};
use flow_compiler::machine::{FieldDef, Var};
use flow_compiler::value::{EnumId, FileValue, Type, Value};
use std::sync::Arc;

/// What arrived.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input<'i> {
    Message(&'i str, &'i Signals),
    /// A button, by its index.
    Button(usize),
    File(&'i FileValue),
}

impl Run<'_> {
    /// A value of the message that fits a slot or field by itself: its pattern, its type, words of its enum. Free text does not.
    pub(super) fn fitting(&self, var: Var, text: &str, signals: &Signals) -> Option<Value> {
        let def = self.def(var)?;
        let name = var_name(self.m, var);
        for entity in &signals.entities {
            let same = match &entity.kind {
                EntityKind::Slot(slot) => *slot == name,
                EntityKind::Customer(field) => name.strip_prefix("customer.") == Some(field),
                _ => false,
            };
            if same
                && def
                    .matching
                    .as_ref()
                    .is_none_or(|p| matches!(&entity.value, Value::Text(t) if p.regex.is_match(t)))
            {
                return Some(entity.value.clone());
            }
        }
        if def.matching.is_some() {
            return self.e.tables.find(var, text).map(Value::Text);
        }
        if def.ty == Type::Text && name.ends_with("name") {
            let name = signals
                .entities
                .iter()
                .find(|e| e.kind == EntityKind::Name)
                .map(|e| e.value.clone())?;
            // A few bare words look like a name; words that a handler or FAQ surely knows are none.
            let bare = matches!(&name, Value::Text(name) if folded(name) == folded(text.trim_end_matches(['?', '!', '.'])));
            return (!bare || self.sure(signals).is_none()).then_some(name);
        }
        self.typed(&def.ty, text, signals)
    }

    fn typed(&self, ty: &Type, text: &str, signals: &Signals) -> Option<Value> {
        let entity = |kind: &EntityKind| {
            signals
                .entities
                .iter()
                .find(|e| e.kind == *kind)
                .map(|e| e.value.clone())
        };
        let word = text.trim();
        match ty {
            Type::Enum(id) => self.enum_value(*id, word, signals),
            Type::Bool => signals.yes_no.map(Value::Bool),
            Type::Number => entity(&EntityKind::Number).or_else(|| {
                word.parse()
                    .ok()
                    .filter(|n: &f64| n.is_finite())
                    .map(Value::Number)
            }),
            Type::Percent => entity(&EntityKind::Percent),
            Type::Duration => entity(&EntityKind::Duration),
            Type::Money => entity(&EntityKind::Money),
            Type::Date => entity(&EntityKind::Date)
                .or_else(|| match entity(&EntityKind::DateTime)? {
                    Value::DateTime(at) => {
                        Some(Value::Date(at.to_zoned(self.e.zone().clone()).date()))
                    }
                    _ => None,
                })
                .or_else(|| word.parse().ok().map(Value::Date)),
            Type::Time => entity(&EntityKind::Time).or_else(|| word.parse().ok().map(Value::Time)),
            Type::DateTime => entity(&EntityKind::DateTime).or_else(|| self.date_and_time(signals)),
            Type::Email => {
                entity(&EntityKind::Email).or_else(|| text.split_whitespace().find_map(email))
            }
            Type::Phone => entity(&EntityKind::Phone).or_else(|| phone(word)),
            Type::Url => entity(&EntityKind::Url).or_else(|| {
                text.split_whitespace()
                    .find(|w| w.starts_with("https://") || w.starts_with("http://"))
                    .map(Value::text)
            }),
            Type::List(of) => {
                let Type::Enum(id) = **of else { return None };
                let values = self.enum_values(id, word, signals);
                (!values.is_empty()).then(|| Value::List(Arc::new(values)))
            }
            _ => None,
        }
    }

    /// A day and a time of the same message.
    fn date_and_time(&self, signals: &Signals) -> Option<Value> {
        let date = signals.entities.iter().find_map(|e| {
            if let Value::Date(d) = e.value {
                Some(d)
            } else {
                None
            }
        })?;
        let time = signals.entities.iter().find_map(|e| {
            if let Value::Time(t) = e.value {
                Some(t)
            } else {
                None
            }
        })?;
        let at = date
            .to_datetime(time)
            .to_zoned(self.e.zone().clone())
            .ok()?;
        Some(Value::DateTime(at.timestamp()))
    }

    fn enum_value(&self, id: EnumId, word: &str, signals: &Signals) -> Option<Value> {
        match self.enum_values(id, word, signals).as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }

    /// The values of an enum that a message names: alone, by their number, or among other words.
    fn enum_values(&self, id: EnumId, word: &str, signals: &Signals) -> Vec<Value> {
        let Some(def) = self.m.enum_def(id) else {
            return Vec::new();
        };
        let said = folded(word);
        if let Some(value) = def.values.iter().find(|v| folded(v) == said) {
            return vec![Value::Enum(value.clone())];
        }
        if let Some(value) = said
            .parse::<usize>()
            .ok()
            .and_then(|n| def.values.get(n.checked_sub(1)?))
        {
            return vec![Value::Enum(value.clone())];
        }
        let mut found: Vec<Value> = Vec::new();
        for value in &def.values {
            let known = signals.entities.iter().any(|e| {
                matches!(&e.kind, EntityKind::Enum(name) if *name == def.name)
                    && matches!(&e.value, Value::Enum(v) | Value::Text(v) if v == value)
            });
            if known || crate::values::contains_words(&said, &folded(&in_words(value))) {
                found.push(Value::Enum(value.clone()));
            }
        }
        found
    }

    /// The value of an enum's button.
    pub(super) fn enum_button(&self, ty: &Type, index: usize) -> Option<Value> {
        match ty {
            Type::Enum(id) => self
                .m
                .enum_def(*id)?
                .values
                .get(index)
                .map(|v| Value::Enum(v.clone())),
            Type::Bool => match index {
                0 => Some(Value::Bool(true)),
                1 => Some(Value::Bool(false)),
                _ => None,
            },
            _ => None,
        }
    }

    /// A value that this very message has for a form, before it is asked for.
    pub(super) fn mentioned(&self, var: Var) -> Option<Value> {
        let (text, signals) = self.message?;
        let def = self.def(var)?;
        let clear = def.matching.is_some()
            || matches!(
                def.ty,
                Type::Enum(_)
                    | Type::Email
                    | Type::Phone
                    | Type::Date
                    | Type::DateTime
                    | Type::Money
            );
        if clear && self.d.taken_by.as_deref() != Some("button") {
            self.fitting(var, text, signals)
        } else {
            None
        }
    }

    /// A file for a slot of files; an error is what would be taken.
    pub(super) fn file_value(&self, def: &FieldDef, file: &FileValue) -> Result<Value, String> {
        let kind_fits =
            def.file_kinds.is_empty() || def.file_kinds.iter().any(|kind| is_of_kind(file, kind));
        let size_fits = def.max_bytes.is_none_or(|max| file.bytes <= max);
        if kind_fits && size_fits {
            return Ok(Value::File(file.clone()));
        }
        use crate::builtin_texts::Builtin;
        let language = self.scope().language();
        let kinds = if def.file_kinds.is_empty() {
            Builtin::AFile.get(language).to_owned()
        } else {
            def.file_kinds.join(", ")
        };
        let wanted = match def.max_bytes {
            Some(max) => {
                Builtin::UpTo.fill(language, &kinds, &(max / 1_000_000).max(1).to_string())
            }
            None => kinds,
        };
        Err(Builtin::InvalidFile.fill(language, &wanted, ""))
    }
}

fn is_of_kind(file: &FileValue, kind: &str) -> bool {
    let mime = file.mime.to_lowercase();
    let ending = file
        .name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    match kind {
        "image" | "video" | "audio" | "text" => mime.split('/').next() == Some(kind),
        _ => mime.rsplit('/').next() == Some(kind) || ending == kind,
    }
}

fn email(word: &str) -> Option<Value> {
    let word = word
        .trim_matches(|c: char| matches!(c, ',' | ';' | '<' | '>' | '(' | ')' | '.' | '!' | '?'));
    let (user, host) = word.split_once('@')?;
    let fine = !user.is_empty()
        && !host.contains('@')
        && host.split('.').count() >= 2
        && host.split('.').all(|part| !part.is_empty());
    fine.then(|| Value::text(word))
}

fn phone(word: &str) -> Option<Value> {
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    let plain = word
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/'));
    let number = if word.trim_start().starts_with('+') {
        format!("+{digits}")
    } else {
        digits.clone()
    };
    (plain && (7..=15).contains(&digits.len())).then(|| Value::text(number))
}
