//! Values in a message.

mod amounts;
mod contacts;
mod declared;
mod moments;

use crate::normalise::{fold, is_placeholder, placeholder};
use crate::spec::Spec;
use declared::Declared;
use flow_compiler::value::{Type, Value};
use flow_engine::signals::{Entity, EntityKind};
use jiff::{Timestamp, tz::TimeZone};
use regex::Regex;
use smol_str::SmolStr;

/// Finds values; knows the bot's slots, fields and enums.
#[derive(Debug)]
pub(crate) struct Finder {
    declared: Declared,
}

/// What finding depends on besides the text.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// The message's language.
    pub(crate) language: &'a str,
    /// When it arrived.
    pub(crate) now: Timestamp,
    /// Where days begin and end.
    pub(crate) timezone: &'a TimeZone,
    /// The slot or profile field that was asked for.
    pub(crate) expecting: Option<&'a str>,
}

/// A word of a text with its place.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    start: usize,
    end: usize,
    folded: String,
}

/// The words of a text, folded, with their places.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = c.is_alphanumeric() || is_placeholder(c) || crate::normalise::is_mark(c);
        match (start, inside) {
            (None, true) => start = Some(i),
            (Some(s), false) => {
                out.push(Token {
                    start: s,
                    end: i,
                    folded: fold(text.get(s..i).unwrap_or_default()),
                });
                start = None;
            }
            _ => {}
        }
    }
    out
}

/// Entities found so far, and the spans that are spoken for.
#[derive(Debug, Default)]
struct Found {
    entities: Vec<Entity>,
    taken: Vec<(usize, usize)>,
}

impl Found {
    fn free(&self, start: usize, end: usize) -> bool {
        !self.taken.iter().any(|(s, e)| start < *e && *s < end)
    }

    /// Adds it and takes its span, unless that is spoken for.
    fn take(&mut self, kind: EntityKind, value: Value, start: usize, end: usize) {
        if self.free(start, end) {
            self.taken.push((start, end));
            self.add(kind, value, start, end);
        }
    }

    fn add(&mut self, kind: EntityKind, value: Value, start: usize, end: usize) {
        if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
            self.entities.push(Entity {
                kind,
                value,
                start,
                end,
            });
        }
    }
}

impl Finder {
    pub(crate) fn of(spec: &Spec) -> Self {
        Self {
            declared: Declared::of(spec),
        }
    }

    /// All values, by place.
    pub(crate) fn find(&self, text: &str, scene: &Scene<'_>) -> Vec<Entity> {
        let tokens = tokens(text);
        let mut found = Found::default();
        contacts::addresses(text, &mut found);
        self.declared.patterns(text, &mut found);
        moments::iso(text, scene, &mut found);
        contacts::phones(
            text,
            scene,
            self.declared.expects(scene.expecting) == Some(&Type::Phone),
            &mut found,
        );
        moments::find(text, scene, &mut found);
        amounts::find(text, scene.language, &mut found);
        self.declared.enums(&tokens, &mut found);
        contacts::names(text, scene.expecting, &mut found);
        self.declared.templates(text, &tokens, &mut found);
        self.declared.expected(scene.expecting, &mut found);
        let mut entities = found.entities;
        entities.sort_by_key(|e| (e.start, std::cmp::Reverse(e.end)));
        entities
    }

    /// The text with values of slots that occur in examples replaced by their placeholders.
    pub(crate) fn mask(&self, text: &str, entities: &[Entity]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for entity in entities {
            let Some(slot) = self.declared.masked_slot(&entity.kind) else {
                continue;
            };
            let (start, end) = (entity.start as usize, entity.end as usize);
            if start < at {
                continue;
            }
            out.push_str(text.get(at..start).unwrap_or_default());
            out.push(' ');
            out.push(placeholder(slot));
            out.push(' ');
            at = end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }
}

/// Whether a span stands by itself, not inside a longer word or number.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    let before = text.get(..start).and_then(|t| t.chars().next_back());
    let after = text.get(end..).and_then(|t| t.chars().next());
    !before.is_some_and(joins) && !after.is_some_and(joins)
}

/// A constant pattern.
#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, and each is compiled by the tests of this module"
)]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern compiles")
}

/// The kind of entity whose values have a type.
fn kind_of(ty: &Type, enums: &[(SmolStr, Vec<SmolStr>)]) -> Option<EntityKind> {
    Some(match ty {
        Type::Number => EntityKind::Number,
        Type::Percent => EntityKind::Percent,
        Type::Duration => EntityKind::Duration,
        Type::Date => EntityKind::Date,
        Type::Time => EntityKind::Time,
        Type::DateTime => EntityKind::DateTime,
        Type::Money => EntityKind::Money,
        Type::Email => EntityKind::Email,
        Type::Phone => EntityKind::Phone,
        Type::Url => EntityKind::Url,
        Type::Enum(id) => EntityKind::Enum(enums.get(id.index())?.0.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
