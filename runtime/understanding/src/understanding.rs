//! All signals of a message, by models trained from one machine.

use crate::classifier::{Classifier, Meaning};
use crate::entities::{Finder, Scene};
use crate::fillers::is_filler;
use crate::knowledge::Knowledge;
use crate::normalise::{self, clip, is_placeholder, placeholder};
use crate::spec::{Example, Labelled, Part, Spec};
use crate::{answer, background, cues, language, sentiment, stem};
use flow_compiler::machine::Machine;
use flow_engine::effect::ModelRequest;
use flow_engine::event::ModelAnswer;
use flow_engine::signals::{Guess, Signals};
use jiff::{Timestamp, tz::TimeZone};
use rustc_hash::FxHasher;
use serde::Serialize;
use smol_str::SmolStr;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The share of an example that a message of fillers must say to mean the same.
const MOST_OF_AN_EXAMPLE: f32 = 0.6;
/// How many intents are named.
const GUESSES: usize = 5;

/// Something of everything that is looked for.
const WARM_UP: &str = "Hello, I was charged 20.50 EUR twice on 2026-03-02 at 10:30, tomorrow at 5pm for two hours: a 3rd of 15% is wrong! Call \
     +44 20 7946 0958 or write to ana@example.com, see https://example.com/a, wha*t a nuisance. Can I talk to a person?";

/// What is known when a message arrives.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The conversation's language so far; absent: the bot's default.
    pub language: Option<&'a str>,
    /// When the message arrived.
    pub now: Timestamp,
    /// Where days begin and end.
    pub timezone: TimeZone,
    /// The slot (`order_id`) or profile field (`customer.email`) that was asked for.
    pub expecting: Option<&'a str>,
}

/// What was learned from a machine.
#[derive(Debug)]
pub struct Understanding {
    languages: Vec<SmolStr>,
    classifier: Arc<Classifier>,
    /// Of what the classifier and the knowledge were made of.
    prints: [blake3::Hash; 2],
    finder: Finder,
    /// Names of intents, then of FAQs: the classifier's classes.
    names: Vec<SmolStr>,
    intents: usize,
    knowledge: Arc<Knowledge>,
}

impl Understanding {
    /// Learns from a machine.
    #[must_use]
    pub fn train(machine: &Machine) -> Self {
        Self::of(&Spec::of(machine))
    }

    /// Learns from a machine's next version. What does not differ from this one is shared with it instead of being learned again: most
    /// edits change neither examples nor knowledge.
    #[must_use]
    pub fn train_next(&self, machine: &Machine) -> Self {
        Self::after(Some(self), &Spec::of(machine))
    }

    /// Learns from the parts that matter.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        Self::after(None, spec)
    }

    fn after(before: Option<&Self>, spec: &Spec) -> Self {
        let all: Vec<&Labelled> = spec.intents.iter().chain(&spec.faqs).collect();
        let classes: Vec<Vec<Vec<String>>> = all
            .iter()
            .map(|l| l.examples.iter().map(example_words).collect())
            .collect();
        let prints = [
            print(&(&spec.languages, &classes)),
            print(&(&spec.languages, &spec.knowledge)),
        ];
        let [same_classes, same_knowledge] = [0, 1]
            .map(|part: usize| before.filter(|before| before.prints.get(part) == prints.get(part)));
        Self {
            languages: spec.languages.clone(),
            finder: Finder::of(spec),
            classifier: same_classes.map_or_else(
                || Arc::new(Classifier::train(&classes, &background(&spec.languages))),
                |before| Arc::clone(&before.classifier),
            ),
            names: all.iter().map(|l| l.name.clone()).collect(),
            intents: spec.intents.len(),
            knowledge: same_knowledge.map_or_else(
                || Arc::new(Knowledge::of(spec)),
                |before| Arc::clone(&before.knowledge),
            ),
            prints,
        }
    }

    /// The signals of one message.
    #[must_use]
    pub fn signals(&self, text: &str, context: &Context<'_>) -> Signals {
        let text = clip(text);
        let words = normalise::words(text);
        let language = language::detect(text, &words, &self.languages, context.language);
        let scene = Scene {
            language: &language,
            now: context.now,
            timezone: &context.timezone,
            expecting: context.expecting,
        };
        let entities = self.finder.find(text, &scene);
        let (intents, faq) = self.meaning(
            &words,
            &normalise::words(&self.finder.mask(text, &entities)),
        );
        let spoken = self.languages.iter().map(SmolStr::as_str);
        Signals {
            sentiment: sentiment::sentiment(text, &words),
            asks_for_human: cues::asks_for_human(&words),
            shouting: cues::shouts(text),
            profanity: cues::swears(text, &words),
            negation: cues::rejects(&words),
            yes_no: cues::yes_no(&words, std::iter::once(language.as_str()).chain(spoken)),
            questions: cues::questions(text),
            words: u32::try_from(words.len()).unwrap_or(u32::MAX),
            entities,
            fingerprint: fingerprint(&stem::content_stems(&words, &language)),
            language,
            intents,
            faq,
        }
    }

    /// Makes what is made when it is first needed: patterns, word lists, the filter against swearing, the forms of telephone numbers. It
    /// takes a quarter of a second, for which the first customers of a process would wait.
    pub fn warm_up(&self) {
        let context = Context {
            language: self.languages.first().map(SmolStr::as_str),
            now: Timestamp::UNIX_EPOCH,
            timezone: TimeZone::UTC,
            expecting: None,
        };
        std::hint::black_box(self.signals(WARM_UP, &context));
    }

    /// What the bot knows.
    #[must_use]
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Answers from the knowledge, word for word: for tiers without a model. The confidence is low where the knowledge does not
    /// cover the question, and 0 with an empty text where nothing fits or the tier must not talk about it.
    #[must_use]
    pub fn answer(&self, request: &ModelRequest) -> ModelAnswer {
        answer::answer(&self.knowledge, request)
    }

    /// Whether a message consists of words like "please" and "all", and is not most of an example either: which example they happen to
    /// stand in says nothing.
    fn says_nothing(&self, words: &[String], meaning: &Meaning) -> bool {
        let empty = words
            .iter()
            .all(|w| w.chars().all(is_placeholder) || is_filler(w, &self.languages));
        let class = meaning.guesses.first().map(|(class, _)| *class);
        meaning.score < 1.0
            && empty
            && class.is_none_or(|class| {
                words.len() < 2 || self.classifier.covered(words, class) < MOST_OF_AN_EXAMPLE
            })
    }

    fn meaning(&self, words: &[String], masked: &[String]) -> (Vec<Guess>, Option<Guess>) {
        // An example as it is written beats the same with its values taken out. A value alone ("AB-123456") says what something is, not
        // what is wanted, unless it is an example.
        let exact = self
            .classifier
            .exactly(words)
            .or_else(|| self.classifier.exactly(masked));
        let value_alone =
            !masked.is_empty() && masked.iter().all(|w| w.chars().all(is_placeholder));
        let meaning = match exact {
            Some(meaning) => meaning,
            None if value_alone => return (Vec::new(), None),
            None => self.classifier.classify(masked),
        };
        if !meaning.in_scope || self.says_nothing(masked, &meaning) {
            return (Vec::new(), None);
        }
        let guess = |class: usize, probability: f64| {
            self.names.get(class).map(|name| Guess {
                name: name.clone(),
                probability,
            })
        };
        let intents = meaning
            .guesses
            .iter()
            .filter(|(c, _)| *c < self.intents)
            .take(GUESSES)
            .filter_map(|(c, p)| guess(*c, *p))
            .collect();
        let faq = meaning
            .guesses
            .iter()
            .find(|(c, _)| *c >= self.intents)
            .and_then(|(c, p)| guess(*c, *p));
        (intents, faq)
    }
}

/// The hash of all that something is made of.
fn print(parts: &impl Serialize) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    match serde_json::to_writer(&mut hasher, parts) {
        Ok(()) => hasher.finalize(),
        // Strings can always be written down, and a hasher takes everything.
        Err(error) => blake3::hash(error.to_string().as_bytes()),
    }
}

/// An example's words; a slot in it is a placeholder.
fn example_words(example: &Example) -> Vec<String> {
    let text: String = example
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.to_string(),
            Part::Slot(slot) => format!(" {} ", placeholder(*slot)),
        })
        .collect();
    normalise::words(&text)
}

fn fingerprint(stems: &[String]) -> Vec<u32> {
    let mut out: Vec<u32> = stems
        .iter()
        .map(|stem| {
            let mut h = FxHasher::default();
            stem.hash(&mut h);
            // The upper bits of the product are the well-mixed ones.
            u32::try_from(h.finish() >> 32).unwrap_or_default()
        })
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(examples: &[&str], knowledge: &str) -> Spec {
        let examples = examples.iter().map(|e| Example::plain("en", e)).collect();
        let intent = Labelled {
            name: "track".into(),
            examples,
        };
        Spec {
            languages: vec!["en".into()],
            intents: vec![intent],
            knowledge: vec![("help".into(), vec![("a.md".into(), Arc::from(knowledge))])],
            ..Spec::default()
        }
    }

    #[test]
    fn what_did_not_change_is_not_learned_again() {
        let first = Understanding::of(&spec(&["where is my order"], "We ship daily."));
        let shares = |next: &Understanding| {
            (
                Arc::ptr_eq(&first.classifier, &next.classifier),
                Arc::ptr_eq(&first.knowledge, &next.knowledge),
            )
        };
        let mut same = spec(&["where is my order"], "We ship daily.");
        // Classes go by number: another name is the same class.
        same.intents.iter_mut().for_each(|i| i.name = "find".into());
        let same = Understanding::after(Some(&first), &same);
        assert_eq!(shares(&same), (true, true));
        assert_eq!(same.names, ["find"]);
        let examples = spec(&["where is my parcel"], "We ship daily.");
        let examples = Understanding::after(Some(&first), &examples);
        assert_eq!(shares(&examples), (false, true));
        let knowledge = spec(&["where is my order"], "We ship weekly.");
        let knowledge = Understanding::after(Some(&first), &knowledge);
        assert_eq!(shares(&knowledge), (true, false));
        let mut languages = spec(&["where is my order"], "We ship daily.");
        languages.languages.push("es".into());
        let languages = Understanding::after(Some(&first), &languages);
        assert_eq!(shares(&languages), (false, false));
    }
}
