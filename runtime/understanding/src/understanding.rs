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
use smol_str::SmolStr;
use std::hash::{Hash, Hasher};

/// The share of an example that a message of fillers must say to mean the same.
const MOST_OF_AN_EXAMPLE: f32 = 0.6;
/// How many intents are named.
const GUESSES: usize = 5;

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
    classifier: Classifier,
    finder: Finder,
    /// Names of intents, then of FAQs: the classifier's classes.
    names: Vec<SmolStr>,
    intents: usize,
    knowledge: Knowledge,
}

impl Understanding {
    /// Learns from a machine.
    #[must_use]
    pub fn train(machine: &Machine) -> Self {
        Self::of(&Spec::of(machine))
    }

    /// Learns from the parts that matter.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        let all: Vec<&Labelled> = spec.intents.iter().chain(&spec.faqs).collect();
        let classes: Vec<Vec<Vec<String>>> = all
            .iter()
            .map(|l| l.examples.iter().map(example_words).collect())
            .collect();
        Self {
            languages: spec.languages.clone(),
            finder: Finder::of(spec),
            classifier: Classifier::train(&classes, &background(&spec.languages)),
            names: all.iter().map(|l| l.name.clone()).collect(),
            intents: spec.intents.len(),
            knowledge: Knowledge::of(spec),
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
