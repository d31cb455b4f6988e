//! Answers without a model: the sentences of the knowledge that fit a question best, word for word, with an honest confidence.

use crate::knowledge::{Knowledge, sentences};
use crate::normalise;
use crate::stem::content_stems;
use flow_engine::effect::ModelRequest;
use flow_engine::event::{Citation, ModelAnswer};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Passages that are weighed.
const CANDIDATES: usize = 6;
/// Sentences that are quoted at most.
const QUOTED: usize = 3;
/// Share of the best sentence's weight from which a neighbour is quoted too.
const NEIGHBOUR: f64 = 0.34;
/// Words that ask but name no thing.
const ASKING: &[&str] = &[
    "much",
    "many",
    "long",
    "take",
    "possible",
    "work",
    "able",
    "someone",
    "something",
    "anything",
    "give",
    "send",
    "us",
    "let",
    "could",
    "should",
    "sell",
    "offer",
    "make",
    "please",
    "question",
    "help",
    "cuanto",
    "cuanta",
    "tiempo",
];

/// The weights of the logistic that joins the parts.
const BIAS: f64 = -4.6;
const COVERAGE: f64 = 6.6;
const SENTENCE: f64 = 1.5;
const MARGIN: f64 = 0.7;

struct Scored {
    at: usize,
    coverage: f64,
    sentence: f64,
    value: f64,
}

/// Answers a request from the knowledge alone.
pub(crate) fn answer(knowledge: &Knowledge, request: &ModelRequest) -> ModelAnswer {
    let question = normalise::clip(&request.question);
    let nothing = |why: &'static str| ModelAnswer {
        text: String::new(),
        confidence: 0.0,
        citations: Vec::new(),
        parts: BTreeMap::from([(SmolStr::new_static(why), 1.0)]),
        resolved: false,
    };
    let words = normalise::words(question);
    let stems = content_stems(&words, &request.language);
    if forbidden(&stems, request) {
        return nothing("forbidden");
    }
    let passages = knowledge.search(&request.knowledge, question, &request.language, CANDIDATES);
    let wanted: Vec<(String, f64)> = telling(&words, &request.language)
        .into_iter()
        .map(|s| (s.clone(), knowledge.weight(&s)))
        .collect();
    let total: f64 = wanted.iter().map(|(_, w)| w).sum();
    // A number alone asks nothing, however often it stands in the knowledge.
    let asks = wanted
        .iter()
        .any(|(s, _)| s.chars().any(char::is_alphabetic));
    if passages.is_empty() || total <= 0.0 || !asks {
        return nothing("nothing_found");
    }
    let share = |stems: &FxHashSet<String>| {
        wanted
            .iter()
            .filter(|(s, _)| stems.contains(s))
            .map(|(_, w)| w)
            .sum::<f64>()
            / total
    };
    let top = passages
        .first()
        .map_or(1.0, |p| f64::from(p.score))
        .max(1e-6);
    let mut scored: Vec<Scored> = passages
        .iter()
        .enumerate()
        .map(|(at, p)| {
            let language = knowledge
                .language_of(&p.source)
                .unwrap_or(&request.language);
            let stems_of = |text: &str| -> FxHashSet<String> {
                content_stems(&normalise::words(text), language)
                    .into_iter()
                    .collect()
            };
            let coverage = share(&stems_of(&format!("{}\n{}", p.title, p.text)));
            let sentence = sentences(&p.text)
                .into_iter()
                .map(|s| share(&stems_of(&format!("{}\n{s}", p.title))))
                .fold(0.0, f64::max);
            Scored {
                at,
                coverage,
                sentence,
                value: f64::from(p.score) / top + coverage + sentence,
            }
        })
        .collect();
    scored.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.at.cmp(&b.at)));
    let (Some(best), second) = (scored.first(), scored.get(1)) else {
        return nothing("nothing_found");
    };
    let Some(passage) = passages.get(best.at) else {
        return nothing("nothing_found");
    };
    let margin = second.map_or(1.0, |s| {
        ((best.value - s.value) / best.value).clamp(0.0, 1.0)
    });
    let confidence = 1.0
        / (1.0
            + (-(BIAS + COVERAGE * best.coverage + SENTENCE * best.sentence + MARGIN * margin))
                .exp());
    let language = knowledge
        .language_of(&passage.source)
        .unwrap_or(&request.language);
    let quote = quote(&passage.text, &wanted, language);
    let parts = [
        ("coverage", best.coverage),
        ("sentence", best.sentence),
        ("margin", margin),
        ("score", f64::from(passage.score)),
    ];
    ModelAnswer {
        text: quote.clone(),
        confidence,
        citations: vec![Citation {
            source: passage.source.clone(),
            title: passage.title.clone(),
            quote,
        }],
        parts: parts
            .into_iter()
            .map(|(k, v)| (SmolStr::new_static(k), v))
            .collect(),
        resolved: false,
    }
}

/// The stems that say what is asked for; all of them if every word only asks.
fn telling(words: &[String], language: &str) -> Vec<String> {
    let content: Vec<String> = words
        .iter()
        .filter(|w| !ASKING.contains(&w.as_str()))
        .cloned()
        .collect();
    let mut stems = content_stems(&content, language);
    if stems.is_empty() {
        stems = content_stems(words, language);
    }
    stems.sort_unstable();
    stems.dedup();
    stems
}

/// Whether the question names what the tier must not talk about, with all its words.
fn forbidden(stems: &[String], request: &ModelRequest) -> bool {
    request.forbid.iter().any(|topic| {
        let topic = content_stems(&normalise::words(topic), &request.language);
        !topic.is_empty() && topic.iter().all(|t| stems.contains(t))
    })
}

/// The sentence that says most of what is asked, with the neighbours that belong to it; lists stay whole.
fn quote(text: &str, wanted: &[(String, f64)], language: &str) -> String {
    let all = sentences(text);
    let weights: Vec<f64> = all
        .iter()
        .map(|s| {
            let stems: FxHashSet<String> = content_stems(&normalise::words(s), language)
                .into_iter()
                .collect();
            wanted
                .iter()
                .filter(|(w, _)| stems.contains(w))
                .map(|(_, w)| w)
                .sum()
        })
        .collect();
    let best = weights.iter().copied().fold(0.0, f64::max);
    let listed = all.iter().filter(|s| is_item(s)).count();
    if best <= 0.0 || (listed >= 2 && listed == all.len()) {
        // The heading fits, not a sentence: its first sentences, or the list, answer.
        let n = if listed >= 2 { all.len() } else { QUOTED };
        return join(all.get(..n.min(all.len())).unwrap_or_default());
    }
    let at = weights.iter().position(|w| *w >= best).unwrap_or_default();
    let (mut start, mut end) = (at, at + 1);
    while end < all.len()
        && end - start < QUOTED
        && weights.get(end).is_some_and(|w| *w >= best * NEIGHBOUR)
    {
        end += 1;
    }
    while start > 0
        && end - start < QUOTED
        && weights
            .get(start - 1)
            .is_some_and(|w| *w >= best * NEIGHBOUR)
    {
        start -= 1;
    }
    // A sentence alone often leans on the next one.
    if end - start == 1 && end < all.len() {
        end += 1;
    }
    join(all.get(start..end).unwrap_or_default())
}

fn is_item(sentence: &str) -> bool {
    sentence.starts_with(['-', '*', '•'])
        || sentence
            .split_once(". ")
            .is_some_and(|(n, _)| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
}

fn join(sentences: &[&str]) -> String {
    let between = if sentences.iter().any(|s| is_item(s)) {
        "\n"
    } else {
        " "
    };
    sentences.join(between)
}
