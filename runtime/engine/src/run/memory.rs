//! What a message changes in what is known of the conversation: language, mood, intent, repetition, conditions with memory.

use super::Run;
use crate::conversation::Said;
use crate::fingerprint::Fingerprint;
use crate::signals::{EntityKind, Signals};
use flow_compiler::machine::Held;
use smol_str::{SmolStr, format_smolstr};

/// From this probability on a guess is the message's intent (acting on it by a handler takes `understands from`).
pub(super) const LIKELY: f64 = 0.5;
/// How much the newest message weighs in the mood.
const NEWEST: f64 = 0.4;
/// Questions that are remembered to recognise a repetition.
const REMEMBERED: usize = 5;
/// Characters of a message that are kept for conditions and routing.
const KEPT: usize = 1_000;

impl Run<'_> {
    /// Step 1 of a turn.
    pub(super) fn understand(&mut self, text: &str, signals: &Signals) {
        let c = &mut *self.c;
        if !signals.language.is_empty() {
            c.language = signals.language.clone();
        }
        c.mood = if c.turns == 0 {
            signals.sentiment
        } else {
            (1.0 - NEWEST) * c.mood + NEWEST * signals.sentiment
        };
        c.turns += 1;
        c.confidence = None;
        let intent = signals
            .intents
            .first()
            .filter(|g| g.probability >= LIKELY && g.name != "none")
            .map(|g| g.name.clone());
        if let Some(intent) = &intent {
            *c.intents.entry(intent.clone()).or_insert(0) += 1;
            c.quiet
                .retain(|_, quiet| quiet.intent.as_ref() == Some(intent));
            c.intent = Some(intent.clone());
        }
        let question = Fingerprint::new(&signals.fingerprint);
        let repeated = c.asked.iter().any(|earlier| earlier.is_same(&question));
        if c.answered {
            c.failed_answers = if signals.negation || repeated {
                c.failed_answers + 1
            } else {
                0
            };
            c.answered = false;
        }
        for entity in &signals.entities {
            let name = match &entity.kind {
                EntityKind::Slot(name) => name.clone(),
                EntityKind::Customer(name) => format_smolstr!("customer.{name}"),
                _ => continue,
            };
            c.offered.insert(name, entity.value.clone());
        }
        let complexity = match () {
            () if signals.questions >= 3 || signals.words > 60 || c.failed_answers >= 2 => 2,
            () if signals.questions == 2 || signals.words > 25 || c.failed_answers == 1 => 1,
            () => 0,
        };
        let kept = text
            .char_indices()
            .nth(KEPT)
            .map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
        c.said = Some(Box::new(Said {
            text: SmolStr::new(kept),
            intent,
            sentiment: signals.sentiment,
            asks_for_human: signals.asks_for_human,
            shouting: signals.shouting,
            profanity: signals.profanity,
            negation: signals.negation,
            repeated,
            complexity,
        }));
        self.update_memories(false, true);
    }

    /// Remembers a question, to recognise it when it comes again.
    pub(super) fn remember_question(&mut self) {
        let Some((_, signals)) = self.message else {
            return;
        };
        if signals.fingerprint.is_empty() {
            return;
        }
        if self.c.asked.len() >= REMEMBERED {
            self.c.asked.remove(0);
        }
        self.c.asked.push(Fingerprint::new(&signals.fingerprint));
    }

    /// Brings the conditions with memory up to date: those that read `confidence` once it is known, the others at once.
    pub(super) fn update_memories(&mut self, late: bool, message: bool) {
        for (index, temporal) in self.m.temporals.iter().enumerate() {
            if self
                .e
                .tables
                .temporal_late
                .get(index)
                .copied()
                .unwrap_or(false)
                != late
            {
                continue;
            }
            if matches!(temporal.held, Held::Messages(_)) && !message {
                continue;
            }
            let holds = self.holds(&temporal.cond);
            let now = self.now;
            if holds {
                let memory = self.c.temporals.entry(temporal.key.clone()).or_default();
                memory.count += 1;
                memory.since.get_or_insert(now);
            } else {
                self.c.temporals.remove(&temporal.key);
            }
        }
    }

    /// What came to hold in this turn holds from now on, and what ended in it must begin anew. A condition on the message stays as the
    /// message left it.
    pub(super) fn note_what_holds(&mut self) {
        for temporal in &self.m.temporals {
            if !matches!(temporal.held, Held::Millis(_)) {
                continue;
            }
            if self.holds(&temporal.cond) {
                let now = self.now;
                let memory = self.c.temporals.entry(temporal.key.clone()).or_default();
                memory.since.get_or_insert(now);
            } else if self.c.temporals.contains_key(&temporal.key) {
                let mut scope = self.scope();
                scope.fresh = true;
                if !scope.holds(&temporal.cond) {
                    self.c.temporals.remove(&temporal.key);
                }
            }
        }
    }
}
