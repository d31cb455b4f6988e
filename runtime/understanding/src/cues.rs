//! Plain signs in a message: a wish for a person, capitals, swearing, rejection, yes and no, questions.

mod harmless;

use crate::lexicon::{Phrases, one_typo, rows};
use crate::normalise::clip;
use rustc_hash::FxHashMap;
use rustrict::{CensorStr, Type};
use std::sync::LazyLock;

/// How many words may stand between a person and the verb that asks for one.
const NEAR: usize = 5;
/// The same for verbs that mean many other things too (`want`, `need`).
const CLOSE: usize = 3;
/// Bytes of a word in which one typing error is allowed.
const LONG: usize = 5;
/// Real words one typing error away from ours.
const NO_TYPO: &[&str] = &[
    "contract",
    "contracts",
    "sneak",
    "steak",
    "teach",
    "beach",
    "peach",
    "react",
    "parson",
    "gent",
    "connects",
    "humane",
    "contacts",
    "manages",
    "manage",
    "repeat",
    "represent",
    "prison",
    "aren",
    "agents",
    "urgent",
    "speed",
    "operate",
    "spear",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Strong,
    Weak,
}

#[derive(Default)]
struct Cues {
    person: Asking,
    contact: Asking,
    not_human: Phrases<()>,
    refuses_human: Phrases<()>,
    alone: Phrases<()>,
    negation: Phrases<()>,
    profanity: Phrases<()>,
    /// By language; a plain yes or no in a declared language only, since `no` and `si` differ.
    yes_no: FxHashMap<&'static str, Phrases<bool>>,
}

/// Phrases of a request for a person.
#[derive(Default)]
struct Asking {
    phrases: Phrases<Strength>,
    /// The strong single words that are long enough to be known with a typing error.
    long: Vec<String>,
}

impl Asking {
    fn finish(&mut self) {
        let strong = self.phrases.single_words();
        let strong = strong.filter(|(w, s)| **s == Strength::Strong && w.len() >= LONG);
        self.long = strong.map(|(w, _)| w.to_owned()).collect();
    }
}

static CUES: LazyLock<Cues> = LazyLock::new(|| {
    let mut out = Cues::default();
    for row in rows(include_str!("../data/cues.tsv")) {
        let [kind, language, list] = row.as_slice() else {
            continue;
        };
        match *kind {
            "person" => out.person.phrases.add_list(list, &Strength::Strong),
            "weak_person" => out.person.phrases.add_list(list, &Strength::Weak),
            "contact" => out.contact.phrases.add_list(list, &Strength::Strong),
            "weak_contact" => out.contact.phrases.add_list(list, &Strength::Weak),
            "human_alone" => out.alone.add_list(list, &()),
            "not_human" => out.not_human.add_list(list, &()),
            "refuses_human" => out.refuses_human.add_list(list, &()),
            "negation" => out.negation.add_list(list, &()),
            "profanity" => out.profanity.add_list(list, &()),
            "yes" => out
                .yes_no
                .entry(language)
                .or_default()
                .add_list(list, &true),
            "no" => out
                .yes_no
                .entry(language)
                .or_default()
                .add_list(list, &false),
            _ => {}
        }
    }
    out.person.finish();
    out.contact.finish();
    out
});

/// Whether the customer asks for a person.
#[must_use]
pub fn asks_for_human(words: &[String]) -> bool {
    let cues = &*CUES;
    let asked: Vec<String> = words
        .iter()
        .filter(|w| !POLITE.contains(&w.as_str()))
        .cloned()
        .collect();
    if (0..asked.len()).any(|i| {
        cues.alone
            .at(&asked, i)
            .is_some_and(|(n, ())| n == asked.len())
    }) {
        return true;
    }
    if cues.not_human.any_in(words) || cues.refuses_human.any_in(words) {
        return false;
    }
    let people = places(&cues.person, words);
    if people.is_empty() {
        return false;
    }
    let verbs = places(&cues.contact, words);
    people.iter().any(|(at, n, person)| {
        verbs.iter().any(|(verb_at, verb_n, verb)| {
            let (gap, before) = if verb_at + verb_n <= *at {
                (at - (verb_at + verb_n), true)
            } else if at + n <= *verb_at {
                (verb_at - (at + n), false)
            } else {
                return false;
            };
            match (person, verb) {
                (_, Strength::Strong) => gap <= NEAR,
                (Strength::Strong, Strength::Weak) => before && gap <= CLOSE,
                (Strength::Weak, Strength::Weak) => false,
            }
        })
    })
}

/// Words that change nothing about a request.
const POLITE: &[&str] = &[
    "please", "now", "por", "favor", "bitte", "graag", "hi", "hello", "hola", "the", "a", "an",
    "un", "una", "une", "ein", "eine", "einen", "een", "thanks", "gracias", "just", "i", "want",
    "need",
];

/// `(word, length in words, strength)` of each phrase found, one typing error allowed in long words.
fn places(asking: &Asking, words: &[String]) -> Vec<(usize, usize, Strength)> {
    let mut out = Vec::new();
    for (i, word) in words.iter().enumerate() {
        if let Some((n, strength)) = asking.phrases.at(words, i) {
            out.push((i, n, *strength));
        } else if word.len() >= LONG
            && !NO_TYPO.contains(&word.as_str())
            && asking.long.iter().any(|w| one_typo(w, word))
        {
            out.push((i, 1, Strength::Strong));
        }
    }
    out
}

/// Whether most of it is in capitals: at least two words and eight letters, seven of ten letters capital. Order numbers do not count.
#[must_use]
pub fn shouts(text: &str) -> bool {
    let (mut upper, mut lower, mut loud_words) = (0u32, 0u32, 0u32);
    for word in clip(text)
        .split_whitespace()
        .filter(|w| !w.chars().any(|c| c.is_numeric() || c == '@'))
    {
        let u = word.chars().filter(|c| c.is_uppercase()).count() as u32;
        let l = word.chars().filter(|c| c.is_lowercase()).count() as u32;
        if u >= 2 && l == 0 {
            loud_words += 1;
        }
        upper += u;
        lower += l;
    }
    if loud_words < 2 {
        return false;
    }
    let letters = upper + lower;
    (letters >= 8 && upper * 10 >= letters * 7)
        || (upper >= 8 && loud_words >= 3 && upper * 5 >= letters * 2)
}

/// Whether it swears.
#[must_use]
pub fn swears(text: &str, words: &[String]) -> bool {
    if CUES.profanity.any_in(words) {
        return true;
    }
    // Digits and addresses make the filter see leetspeak, so it reads words only.
    let plain: String = clip(text)
        .split_whitespace()
        .filter(|w| {
            w.chars()
                .all(|c| c.is_alphabetic() || "'*!?.,-".contains(c))
        })
        .collect::<Vec<_>>()
        .join(" ");
    if harmless::words(&plain) {
        return false;
    }
    plain.is(Type::PROFANE & Type::SEVERE)
        || (plain.contains('*') && plain.is(Type::PROFANE & Type::MODERATE_OR_HIGHER))
}

/// Whether it rejects what was said. A message that is only "no" answers a question and counts too.
#[must_use]
pub fn rejects(words: &[String]) -> bool {
    CUES.negation.any_in(words)
}

/// A plain yes or no in one of the languages: the whole message says so, perhaps with a word of courtesy.
#[must_use]
pub fn yes_no<'a>(words: &[String], languages: impl Iterator<Item = &'a str>) -> Option<bool> {
    const COURTESY: &[&str] = &[
        "please", "thanks", "thank", "you", "it", "that", "por", "favor", "gracias", "muchas",
        "bitte", "danke", "merci", "obrigado", "obrigada", "grazie", "bedankt", "oh", "well", "i",
        "very", "much", "dank",
    ];
    if words.is_empty() || words.len() > 7 {
        return None;
    }
    for language in languages {
        let Some(phrases) = CUES.yes_no.get(language) else {
            continue;
        };
        let (mut at, mut answer) = (0, None);
        while at < words.len() {
            match phrases.at(words, at) {
                // "yes, no problem" is still a yes: the first word decides.
                Some((n, value)) => {
                    answer = answer.or(Some(*value));
                    at += n;
                }
                None if words
                    .get(at)
                    .is_some_and(|w| COURTESY.contains(&w.as_str())) =>
                {
                    at += 1
                }
                None => break,
            }
        }
        // What follows a clear yes or no may add a few words: "yes that helped me a lot".
        let first = phrases.at(words, 0);
        if at == words.len() && answer.is_some() {
            return answer;
        }
        if let Some((n, value)) = first
            && words.len() <= 5
            && (n >= 2 || words.first().is_some_and(|w| PLAIN.contains(&w.as_str())))
        {
            return Some(*value);
        }
    }
    None
}

/// Words that answer a question even when more follows.
const PLAIN: &[&str] = &[
    "yes", "yeah", "yep", "no", "nope", "si", "oui", "non", "ja", "nein", "nee", "sim", "nao",
];

/// First words of questions.
const ASKING: &[&str] = &[
    "what", "where", "when", "how", "why", "who", "which", "can", "could", "do", "does", "did",
    "is", "are", "will", "would", "has", "have", "may", "should", "am", "que", "donde", "cuando",
    "como", "quien", "cual", "cuanto", "cuanta", "cuantos", "puedo", "puedes", "pueden", "quand",
    "comment", "pourquoi", "quel", "quelle", "qui", "combien", "est", "puis", "was", "wo", "wann",
    "wie", "warum", "wer", "kann", "welche", "quando", "onde", "quanto", "qual", "dove", "come",
    "perche", "chi", "posso", "wat", "waar", "wanneer", "hoe", "waarom", "wie", "kan", "welke",
];

/// How many questions it asks: sentences that end in a question mark or begin like a question.
#[must_use]
pub fn questions(text: &str) -> u32 {
    let mut count = 0;
    let mut start = 0;
    let text = clip(text);
    for (i, c) in text.char_indices() {
        if matches!(c, '?' | '.' | '!' | '\n' | ';' | '？') {
            count += u32::from(is_question(
                text.get(start..i).unwrap_or_default(),
                matches!(c, '?' | '？'),
            ));
            start = i + c.len_utf8();
        }
    }
    count + u32::from(is_question(text.get(start..).unwrap_or_default(), false))
}

fn is_question(sentence: &str, marked: bool) -> bool {
    let words = crate::normalise::words(sentence);
    let Some(first) = words.first() else {
        return false;
    };
    marked || (words.len() >= 3 && ASKING.contains(&first.as_str()))
}
