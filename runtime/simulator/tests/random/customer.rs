//! The customer, who writes, presses and sends.

use crate::promises::seen;
use crate::schedule::{Case, Checked};
use flow_compiler::machine::{ExamplePart, IntentExample};
use flow_compiler::value::FileValue;
use flow_engine::event::EventKind;
use flow_engine::signals::Signals;
use flow_engine::{Stage, Turn, View};
use jiff::tz::TimeZone;
use smol_str::SmolStr;

impl Case<'_> {
    fn words(&mut self) -> String {
        const ANY: [&str; 14] = [
            "yes",
            "no",
            "1",
            "2",
            "hello there",
            "AB-123456",
            "ana@example.com",
            "agent please",
            "THIS IS USELESS!!",
            "quux flarp zork",
            "my name is Ana",
            "120 USD",
            "tomorrow at 9",
            "x",
        ];
        let machine = self.machine();
        let examples: Vec<&IntentExample> =
            machine.intents.iter().flat_map(|i| &i.examples).collect();
        match self.dice.pick(&examples) {
            Some(words) if self.dice.one_in(2) => example(words),
            _ => (*self.dice.pick(&ANY).unwrap()).to_owned(),
        }
    }

    pub(crate) fn signals(&self, text: &str) -> Signals {
        let view = self.view();
        let context = flow_understanding::Context {
            language: Some(view.language.as_str()),
            now: self.now,
            timezone: TimeZone::UTC,
            expecting: None,
        };
        self.program.understanding.signals(text, &context)
    }

    pub(crate) fn customer(&mut self) -> Checked {
        if self.dice.one_in(12) {
            let file = FileValue {
                name: "photo.jpg".into(),
                url: "file:photo".into(),
                mime: "image/jpeg".into(),
                bytes: 1000,
            };
            let id = self.fresh();
            return self.step(EventKind::File { id, file });
        }
        let text = self.words();
        let signals = self.signals(&text);
        let before = self.view();
        let id = self.fresh();
        let turn = self.take(EventKind::Message {
            id,
            text: text.clone(),
            signals,
        })?;
        self.not_alone(&before, &turn, &format!("`{text}`"))
    }

    pub(crate) fn press(&mut self) -> Checked {
        let shown: Vec<SmolStr> = self.view().buttons.into_iter().map(|b| b.id).collect();
        let all = if self.dice.one_in(4) {
            self.buttons.clone()
        } else {
            shown
        };
        let button = self
            .dice
            .pick(&all)
            .cloned()
            .unwrap_or_else(|| "b_9.9".into());
        let id = self.fresh();
        let before = self.view();
        let turn = self.take(EventKind::Pressed { id, button })?;
        self.not_alone(&before, &turn, "a button")
    }

    /// Whoever does something hears something, now or soon. A choice may lead to a tier that waits for the question.
    fn not_alone(&self, before: &View, turn: &Turn, what: &str) -> Checked {
        let alone = !before.busy
            && before.stage == self.view().stage
            && matches!(before.stage, Stage::Scripted | Stage::Model);
        if alone && turn.accepted.is_ok() && !turn.effects.iter().any(seen) {
            return Err(format!("{what} was met with silence"));
        }
        Ok(())
    }
}

/// An example's words, with an order's number for whatever stands in it.
fn example(example: &IntentExample) -> String {
    let parts = example.parts.iter().map(|part| match part {
        ExamplePart::Text(text) => text.as_str(),
        _ => "AB-123456",
    });
    parts.collect()
}
