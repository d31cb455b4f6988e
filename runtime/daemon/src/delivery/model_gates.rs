//! How sure an answer of a model is. Its own number is never enough: what cannot be found in its sources caps it, and what supports it raises it.

use super::model_prompt::Source;
use flow_engine::event::Citation;
use serde::Deserialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashSet};

/// What a model answers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Said {
    pub(super) answer: String,
    #[serde(default)]
    pub(super) citations: Vec<Quoted>,
    #[serde(default = "yes")]
    pub(super) answerable: bool,
    #[serde(default)]
    pub(super) confidence: Option<f64>,
    #[serde(default)]
    pub(super) resolved: bool,
}

const fn yes() -> bool {
    true
}

/// A quotation.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Quoted {
    pub(super) passage: String,
    pub(super) quote: String,
}

/// What an answer may rest on.
#[derive(Debug)]
pub(super) struct Grounds<'a> {
    pub(super) sources: &'a [Source],
    /// Results of tools, as the model saw them.
    pub(super) results: String,
    /// What the customer said.
    pub(super) words: String,
    /// A tool failed.
    pub(super) failed: bool,
}

/// The highest confidence of an answer that fails a gate.
const CAP: f64 = 0.2;

/// Letters and digits in lower case, everything else one blank.
fn plain(text: &str) -> String {
    let mapped: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    mapped
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Numbers, dates, amounts, ids and links: what must not be invented.
fn hard_facts(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '"'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| {
            word.chars().any(|c| c.is_ascii_digit()) || word.contains("://") || word.contains('@')
        })
        .map(plain)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether words stand in a text as whole words.
fn stands_in(words: &str, text: &str) -> bool {
    !words.is_empty() && format!(" {text} ").contains(&format!(" {words} "))
}

/// The share of the answer's sentences most of whose words are found in the grounds.
#[expect(clippy::cast_precision_loss, reason = "a few sentences")]
fn support(answer: &str, known: &HashSet<&str>) -> Option<f64> {
    let sentences: Vec<String> = answer
        .split(['.', '!', '?', '\n'])
        .map(plain)
        .filter(|s| s.split(' ').count() >= 3)
        .collect();
    if sentences.is_empty() {
        return None;
    }
    let supported = sentences.iter().filter(|s| {
        let words: Vec<&str> = s.split(' ').filter(|w| w.chars().count() > 3).collect();
        let found = words.iter().filter(|w| known.contains(*w)).count();
        words.is_empty() || found * 2 >= words.len()
    });
    Some(supported.count() as f64 / sentences.len() as f64)
}

/// The confidence, its parts, and the citations that hold.
pub(super) fn judge(
    said: &Said,
    grounds: &Grounds<'_>,
) -> (f64, BTreeMap<SmolStr, f64>, Vec<Citation>) {
    let mut parts = BTreeMap::new();
    let mut capped = false;
    let mut gate = |name: &'static str, held: bool| {
        parts.insert(SmolStr::new_static(name), f64::from(u8::from(held)));
        capped |= !held;
    };
    let mut citations = Vec::new();
    let mut quotes_hold = true;
    for quoted in &said.citations {
        let source = grounds.sources.iter().find(|s| s.id == quoted.passage);
        match source.filter(|s| stands_in(&plain(&quoted.quote), &plain(&s.text))) {
            Some(source) => citations.push(Citation {
                source: source.file.as_str().into(),
                title: source.title.as_str().into(),
                quote: quoted.quote.clone(),
            }),
            None => quotes_hold = false,
        }
    }
    gate("quotes", quotes_hold);
    let passages: String = grounds
        .sources
        .iter()
        .map(|s| format!("{} {} ", s.title, s.text))
        .collect();
    let all = plain(&format!("{passages} {} {}", grounds.results, grounds.words));
    gate(
        "facts",
        hard_facts(&said.answer)
            .iter()
            .all(|fact| stands_in(fact, &all)),
    );
    gate("tools", !(grounds.failed && claims_success(&said.answer)));
    gate(
        "answerable",
        said.answerable && !said.answer.trim().is_empty(),
    );

    let known: HashSet<&str> = all.split(' ').collect();
    // A part that is not known does not count as perfect: the others are weighed without it, and there is less to be had.
    let mut weighed = Vec::new();
    if let Some(own) = said.confidence {
        // Models say 0.9 whatever happens; buckets keep what little their number says.
        let bucket = if own >= 0.9 {
            0.9
        } else if own >= 0.7 {
            0.75
        } else if own >= 0.4 {
            0.5
        } else {
            0.2
        };
        parts.insert("stated".into(), own.clamp(0.0, 1.0));
        weighed.push((bucket, 1.0));
    }
    let grounded = f64::from(u8::from(
        !citations.is_empty() || !grounds.results.is_empty(),
    ));
    parts.insert("grounded".into(), grounded);
    weighed.push((0.5 + 0.5 * grounded, 1.5));
    if let Some(support) = support(&said.answer, &known) {
        parts.insert("support".into(), support);
        weighed.push((support, 1.5));
    }
    let total: f64 = weighed.iter().map(|(_, w)| w).sum();
    let mut confidence = weighed.iter().map(|(v, w)| v * w).sum::<f64>() / total.max(1.0);
    if grounded == 0.0 {
        confidence = confidence.min(0.5);
    }
    if capped {
        confidence = confidence.min(CAP);
    }
    (confidence.clamp(0.0, 1.0), parts, citations)
}

/// Words that say that something was done.
fn claims_success(answer: &str) -> bool {
    let text = plain(answer);
    [
        "i have",
        "i ve",
        "has been",
        "was registered",
        "is registered",
        "done",
        "successfully",
        "he registrado",
        "se ha",
    ]
    .iter()
    .any(|claim| stands_in(claim, &text))
}

#[cfg(test)]
mod tests {
    use super::{Grounds, Quoted, Said, Source, judge};

    fn sources() -> Vec<Source> {
        vec![Source {
            id: "p1".into(),
            file: "kb/returns.md".into(),
            title: "Returns".into(),
            text: "You can return anything within 30 days of delivery. Sending it back is free."
                .into(),
        }]
    }

    fn said(answer: &str, quote: &str) -> Said {
        let citations = if quote.is_empty() {
            vec![]
        } else {
            vec![Quoted {
                passage: "p1".into(),
                quote: quote.into(),
            }]
        };
        Said {
            answer: answer.into(),
            citations,
            answerable: true,
            confidence: Some(0.95),
            resolved: false,
        }
    }

    fn confidence(said: &Said, failed: bool) -> f64 {
        let sources = sources();
        let grounds = Grounds {
            sources: &sources,
            results: String::new(),
            words: "can I return a lamp".into(),
            failed,
        };
        judge(said, &grounds).0
    }

    #[test]
    fn a_quoted_answer_is_sure() {
        let sure = confidence(
            &said(
                "You can return it within 30 days of delivery, sending it back is free.",
                "within 30 days of delivery",
            ),
            false,
        );
        assert!(sure >= 0.9, "{sure}");
    }

    #[test]
    fn what_is_invented_caps() {
        let quote = "within 30 days of delivery";
        for (answer, quote) in [
            ("You can return it within 45 days of delivery.", quote),
            ("You can return it within 30 days.", "within a month"),
            (
                "You can return it at https://evil.example/x within 30 days.",
                quote,
            ),
            ("", quote),
        ] {
            assert!(confidence(&said(answer, quote), false) <= 0.2, "{answer}");
        }
        let mut unanswerable = said("You can return it within 30 days.", quote);
        unanswerable.answerable = false;
        assert!(confidence(&unanswerable, false) <= 0.2);
    }

    #[test]
    fn success_after_a_failed_tool_caps() {
        assert!(confidence(&said("I have registered your return.", ""), true) <= 0.2);
    }

    #[test]
    fn its_own_number_alone_is_not_enough() {
        assert!(confidence(&said("Our lamps glow in a soft purple tone.", ""), false) <= 0.5);
    }
}
