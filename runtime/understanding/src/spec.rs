//! What understanding learns from: the parts of a machine that concern it.

use flow_compiler::machine::{ExamplePart, FieldDef, IntentExample, Machine};
use flow_compiler::value::Type;
use regex::{Regex, RegexBuilder};
use smol_str::SmolStr;
use std::sync::Arc;

/// Everything understanding learns from.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// Declared languages; the first is the default.
    pub languages: Vec<SmolStr>,
    /// Intents with their examples.
    pub intents: Vec<Labelled>,
    /// FAQs with their questions.
    pub faqs: Vec<Labelled>,
    /// Slots.
    pub slots: Vec<Field>,
    /// Profile fields.
    pub customer: Vec<Field>,
    /// Enums: name and values.
    pub enums: Vec<(SmolStr, Vec<SmolStr>)>,
    /// Knowledge bases by name.
    pub knowledge: Vec<(SmolStr, Files)>,
}

/// `(path, text)`.
pub type Files = Vec<(SmolStr, Arc<str>)>;

/// An intent or FAQ.
#[derive(Debug, Clone, Default)]
pub struct Labelled {
    /// Its name.
    pub name: SmolStr,
    /// Its examples.
    pub examples: Vec<Example>,
}

/// An example message.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// Its language.
    pub language: SmolStr,
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Text(SmolStr),
    /// A value of a slot, by index in [`Spec::slots`].
    Slot(usize),
}

/// A slot or profile field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// `matching`.
    pub pattern: Option<Regex>,
}

impl Spec {
    /// From a compiled bot.
    #[must_use]
    pub fn of(machine: &Machine) -> Self {
        Self {
            languages: machine.bot.languages.clone(),
            intents: machine
                .intents
                .iter()
                .map(|i| labelled(&i.name, &i.examples))
                .collect(),
            faqs: machine
                .faqs
                .iter()
                .map(|f| labelled(&f.name, &f.questions))
                .collect(),
            slots: machine.slots.iter().map(field).collect(),
            customer: machine.customer.iter().map(field).collect(),
            enums: machine
                .enums
                .iter()
                .map(|e| (e.name.clone(), e.values.clone()))
                .collect(),
            knowledge: machine
                .knowledge
                .iter()
                .map(|k| (k.name.clone(), k.files.clone()))
                .collect(),
        }
    }
}

impl Example {
    /// Plain text, without slots.
    #[must_use]
    pub fn plain(language: &str, text: &str) -> Self {
        Self {
            language: language.into(),
            parts: vec![Part::Text(text.into())],
        }
    }
}

fn labelled(name: &SmolStr, examples: &[IntentExample]) -> Labelled {
    let examples = examples
        .iter()
        .map(|e| Example {
            language: e.language.clone(),
            parts: e.parts.iter().map(part).collect(),
        })
        .collect();
    Labelled {
        name: name.clone(),
        examples,
    }
}

fn part(part: &ExamplePart) -> Part {
    match part {
        ExamplePart::Text(text) => Part::Text(text.clone()),
        ExamplePart::Slot(id) => Part::Slot(id.index()),
    }
}

fn field(def: &FieldDef) -> Field {
    Field {
        name: def.name.clone(),
        ty: def.ty.clone(),
        pattern: def
            .matching
            .as_ref()
            .map(|p| within(&p.source).unwrap_or_else(|| p.regex.clone())),
    }
}

/// A pattern as it is written: the machine's own is anchored to the whole value, and a message holds more than that.
fn within(source: &str) -> Option<Regex> {
    const SIZE: usize = 1 << 20;
    RegexBuilder::new(source).size_limit(SIZE).build().ok()
}
