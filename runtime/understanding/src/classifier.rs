//! Which intent or FAQ a message means: one linear model over all of them, with a background of sentences that mean none.
//!
//! Two numbers, not one. The *probability* is a softmax whose temperature is fitted on held-out predictions of the author's examples.
//! *Out of scope* is decided by the largest score before the temperature, because a softmax always picks somebody.

use crate::features::{Counts, Sparse, Vocabulary};
use crate::ridge::{self, Linear, Problem};
use rustc_hash::{FxHashMap, FxHashSet};

/// The strength of regularisation.
const LAMBDA: f32 = 0.3;
/// How much less than an author's example a background sentence counts.
const BACKGROUND_SLACK: f32 = 6.0;
/// How much of the background's score counts: at full weight it drowns polite requests where a class has few examples.
const BACKGROUND_SHARE: f32 = 0.4;
/// Below this best score a message is out of scope.
const IN_SCOPE_FROM: f32 = 0.17;
/// What the temperature is believed to be before any example was seen, and how many examples that belief is worth.
const PRIOR_TEMPERATURE: f32 = 0.06;
const PRIOR_EXAMPLES: f32 = 60.0;
/// How sure a message is that says an example whole among other words.
const CONTAINED: f64 = 0.86;

/// A trained classifier. Classes are numbered as they were given; the background comes last and is not shown.
#[derive(Debug, Clone, Default)]
pub struct Classifier {
    vocabulary: Vocabulary,
    linear: Linear,
    temperature: f32,
    classes: usize,
    exact: FxHashMap<String, usize>,
    phrases: Phrases,
}

/// What a message means.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// The best score before the temperature; about 1 for an example, about 0 for something else.
    pub score: f32,
    /// Whether it is about anything that was declared.
    pub in_scope: bool,
    /// `(class, probability)`, best first; the background's share is left out.
    pub guesses: Vec<(usize, f64)>,
}

impl Classifier {
    /// Learns. `classes` are the examples' words by class, `background` sentences that mean none of them.
    #[must_use]
    pub fn train(classes: &[Vec<Vec<String>>], background: &[Vec<String>]) -> Self {
        let mut exact = FxHashMap::default();
        let mut phrases = Phrases::default();
        let (mut counts, mut labels, mut slack) = (Vec::new(), Vec::new(), Vec::new());
        for (class, examples) in classes.iter().enumerate() {
            for words in examples.iter().filter(|w| !w.is_empty()) {
                exact.entry(words.join(" ")).or_insert(class);
                phrases.add(words, class);
                counts.push(Counts::of(words));
                labels.push(class);
                slack.push(1.0);
            }
        }
        if counts.is_empty() {
            return Self::default();
        }
        let authored = counts.len();
        for words in background {
            counts.push(Counts::of(words));
            labels.push(classes.len());
            slack.push(BACKGROUND_SLACK);
        }
        let vocabulary = Vocabulary::of(&counts);
        let rows: Vec<Sparse> = counts.iter().map(|c| vocabulary.vector(c)).collect();
        let problem = Problem {
            rows: &rows,
            labels: &labels,
            slack: &slack,
            classes: classes.len() + 1,
            features: vocabulary.len(),
            lambda: LAMBDA,
        };
        let (linear, held) = ridge::train(&problem);
        let held: Vec<(usize, Vec<f32>)> = held
            .into_iter()
            .filter(|(i, _)| *i < authored)
            .filter_map(|(i, s)| labels.get(i).map(|l| (*l, s)))
            .collect();
        let mut held = held;
        held.iter_mut()
            .for_each(|(_, scores)| weigh_background(scores));
        let temperature = fit_temperature(&held);
        phrases.finish();
        Self {
            vocabulary,
            linear,
            temperature,
            classes: classes.len(),
            exact,
            phrases,
        }
    }

    /// What a message means that is an example.
    #[must_use]
    pub fn exactly(&self, words: &[String]) -> Option<Meaning> {
        let class = self.exact.get(&words.join(" "))?;
        Some(Meaning {
            score: 1.0,
            in_scope: true,
            guesses: vec![(*class, 1.0)],
        })
    }

    /// What a message's words mean.
    #[must_use]
    pub fn classify(&self, words: &[String]) -> Meaning {
        if self.classes == 0 || words.is_empty() {
            return Meaning {
                score: 0.0,
                in_scope: false,
                guesses: Vec::new(),
            };
        }
        if let Some(meaning) = self.exactly(words) {
            return meaning;
        }
        let mut scores = self
            .linear
            .scores(&self.vocabulary.vector(&Counts::of(words)));
        weigh_background(&mut scores);
        let probabilities = softmax(&scores, self.temperature);
        let mut guesses: Vec<(usize, f64)> = probabilities
            .iter()
            .take(self.classes)
            .enumerate()
            .map(|(class, p)| (class, f64::from(*p)))
            .collect();
        guesses.sort_by(|a, b| b.1.total_cmp(&a.1));
        guesses.truncate(8);
        let best = scores
            .iter()
            .take(self.classes)
            .copied()
            .fold(f32::MIN, f32::max);
        let background = scores.get(self.classes).copied().unwrap_or(0.0);
        let mut in_scope = best >= IN_SCOPE_FROM && best > background;
        if let (Some(class), Some(first)) = (self.phrases.only_class_in(words), guesses.first_mut())
            && class == first.0
        {
            first.1 = first.1.max(CONTAINED);
            in_scope = true;
        }
        Meaning {
            score: best,
            in_scope,
            guesses,
        }
    }

    /// The greatest share of an example of a class that stands in a message.
    #[must_use]
    pub fn covered(&self, words: &[String], class: usize) -> f32 {
        self.exact
            .iter()
            .filter(|(_, of)| **of == class)
            .map(|(example, _)| {
                let (mut all, mut said) = (0.0f32, 0.0f32);
                for word in example.split(' ') {
                    all += 1.0;
                    if words.iter().any(|w| w == word) {
                        said += 1.0;
                    }
                }
                said / all
            })
            .fold(0.0, f32::max)
    }

    /// The fitted temperature, for the log.
    #[must_use]
    pub fn temperature(&self) -> f32 {
        self.temperature
    }
}

fn weigh_background(scores: &mut [f32]) {
    if let Some(last) = scores.last_mut() {
        *last *= BACKGROUND_SHARE;
    }
}

fn softmax(scores: &[f32], temperature: f32) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let exps: Vec<f32> = scores
        .iter()
        .map(|s| ((s - top) / temperature).exp())
        .collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}

/// The temperature under which the held-out examples are least surprising, drawn towards the prior where there are few.
fn fit_temperature(held: &[(usize, Vec<f32>)]) -> f32 {
    let surprise = |t: f32| -> f32 {
        let nll: f32 = held
            .iter()
            .map(|(label, scores)| {
                -softmax(scores, t)
                    .get(*label)
                    .copied()
                    .unwrap_or(0.0)
                    .max(1e-9)
                    .ln()
            })
            .sum();
        nll + PRIOR_EXAMPLES * (t / PRIOR_TEMPERATURE).ln().powi(2)
    };
    let (mut best, mut least) = (PRIOR_TEMPERATURE, f32::MAX);
    for step in 0..40 {
        let t = 0.02 * 1.08f32.powi(step);
        let s = surprise(t);
        if s < least {
            (best, least) = (t, s);
        }
    }
    best
}

/// Examples long enough to be recognised inside a longer message.
#[derive(Debug, Clone, Default)]
struct Phrases {
    by_first: FxHashMap<String, Vec<(Vec<String>, usize)>>,
    seen: FxHashSet<String>,
}

impl Phrases {
    fn add(&mut self, words: &[String], class: usize) {
        if let Some((first, rest)) = words.split_first()
            && words.len() >= 3
            && self.seen.insert(words.join(" "))
        {
            self.by_first
                .entry(first.clone())
                .or_default()
                .push((rest.to_vec(), class));
        }
    }

    fn finish(&mut self) {
        self.seen = FxHashSet::default();
    }

    /// The class whose examples stand in the message as they are, if it is only one.
    fn only_class_in(&self, words: &[String]) -> Option<usize> {
        let mut found = None;
        for (i, word) in words.iter().enumerate() {
            let rest = words.get(i + 1..).unwrap_or_default();
            for (phrase, class) in self.by_first.get(word).into_iter().flatten() {
                if rest.starts_with(phrase) {
                    match found {
                        Some(other) if other != *class => return None,
                        _ => found = Some(*class),
                    }
                }
            }
        }
        found
    }
}
