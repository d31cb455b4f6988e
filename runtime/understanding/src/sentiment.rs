//! How a message feels, after the idea of VADER: a lexicon of rated words and phrases, turned around by negation, strengthened by
//! intensifiers, capitals and exclamation marks, with what follows "but" counting more.

use crate::lexicon::{Phrases, rows};
use crate::normalise::{clip, words};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::LazyLock;

/// How far back a negation or intensifier reaches, in words.
const REACH: usize = 3;
/// What a negation leaves of a word, turned around.
const NEGATED: f64 = -0.74;
/// How much an intensifier adds, one word before; less from farther away.
const BOOST: f64 = 0.293;
/// How much capitals add.
const CAPITALS: f64 = 0.733;
/// How much an exclamation mark adds, four at most.
const EXCLAIM: f64 = 0.292;
/// The sum at which half of the scale is far behind.
const SATURATION: f64 = 15.0;

#[derive(Clone, Copy, PartialEq)]
enum Modifier {
    Not,
    Very,
    Bit,
    But,
}

struct Lexicon {
    valence: Phrases<f64>,
    modifiers: FxHashMap<String, Modifier>,
    emoji: FxHashMap<char, f64>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut out = Lexicon {
        valence: Phrases::default(),
        modifiers: FxHashMap::default(),
        emoji: FxHashMap::default(),
    };
    for row in rows(include_str!("../data/sentiment.tsv")) {
        let [_, valence, list] = row.as_slice() else {
            continue;
        };
        let Ok(valence) = valence.parse::<f64>() else {
            continue;
        };
        for entry in list.split(',').map(str::trim) {
            match entry.chars().next() {
                Some(c) if !c.is_alphanumeric() => drop(out.emoji.insert(c, valence)),
                _ => out.valence.add(entry, valence),
            }
        }
    }
    for row in rows(include_str!("../data/modifiers.tsv")) {
        let [kind, list] = row.as_slice() else {
            continue;
        };
        let modifier = match *kind {
            "not" => Modifier::Not,
            "very" => Modifier::Very,
            "bit" => Modifier::Bit,
            _ => Modifier::But,
        };
        for word in list.split(',').flat_map(words) {
            out.modifiers.entry(word).or_insert(modifier);
        }
    }
    out
});

/// -1 (furious) to 1 (delighted); near 0 where nothing is felt. `words` are the text's normalised words.
#[must_use]
pub fn sentiment(text: &str, words: &[String]) -> f64 {
    let text = clip(text);
    let lexicon = &*LEXICON;
    let capitals = capitals(text);
    let mut found: Vec<(usize, f64)> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some((length, valence)) = lexicon.valence.at(words, at) else {
            at += 1;
            continue;
        };
        if *valence != 0.0 {
            found.push((at, modified(*valence, words, at, length, &capitals)));
        }
        at += length;
    }
    if let Some(but) = words
        .iter()
        .rposition(|w| lexicon.modifiers.get(w) == Some(&Modifier::But))
    {
        for (at, v) in &mut found {
            *v *= if *at < but { 0.5 } else { 1.5 };
        }
    }
    let mut sum: f64 = found.iter().map(|(_, v)| v).sum();
    let (mut pleased, mut cross) = (0.0f64, 0.0f64);
    for v in text.chars().filter_map(|c| lexicon.emoji.get(&c)) {
        if *v > 0.0 {
            pleased = (pleased + v).min(6.0)
        } else {
            cross = (cross + v).max(-6.0)
        }
    }
    sum += pleased + cross + emoticons(text);
    if sum != 0.0 {
        let exclamations = text.matches('!').take(4).count() as f64 * EXCLAIM;
        let questions = match text.matches('?').count() {
            0 | 1 => 0.0,
            n => (n as f64 * 0.18).min(0.96),
        };
        let emphasis = if sum < 0.0 {
            exclamations + questions
        } else {
            exclamations
        };
        sum += emphasis.copysign(sum);
    }
    sum / (sum * sum + SATURATION).sqrt()
}

fn modified(
    valence: f64,
    words: &[String],
    at: usize,
    length: usize,
    capitals: &FxHashSet<String>,
) -> f64 {
    let lexicon = &*LEXICON;
    let mut v = valence;
    if words
        .get(at..at + length)
        .into_iter()
        .flatten()
        .any(|w| capitals.contains(w))
    {
        v += CAPITALS.copysign(v);
    }
    let mut negated = false;
    for back in 1..=REACH {
        let Some(before) = at.checked_sub(back).and_then(|i| words.get(i)) else {
            break;
        };
        let share = 1.0 - 0.05 * (back as f64 - 1.0);
        match lexicon.modifiers.get(before) {
            Some(Modifier::Not) => negated = true,
            Some(Modifier::Very) => v += (BOOST * share).copysign(v),
            Some(Modifier::Bit) => v -= (BOOST * share).copysign(v),
            Some(Modifier::But) => break,
            None => {}
        }
    }
    if negated { v * NEGATED } else { v }
}

/// The words written in capitals.
fn capitals(text: &str) -> FxHashSet<String> {
    let loud = |w: &&str| {
        w.chars().filter(|c| c.is_alphabetic()).count() > 1 && !w.chars().any(char::is_lowercase)
    };
    text.split_whitespace()
        .filter(loud)
        .flat_map(words)
        .collect()
}

fn emoticons(text: &str) -> f64 {
    let mut sum = 0.0;
    for word in text.split_whitespace() {
        sum += match word {
            ":)" | ":-)" | ":D" | ":-D" | ";)" | ";-)" | "=)" | "xD" | "XD" | "<3" | ":p"
            | ":P" | "=D" => 2.0,
            ":(" | ":-(" | ":'(" | ">:(" | "=(" | ":/" | ":-/" | ":|" | "D:" | "</3" => -2.0,
            _ => 0.0,
        };
    }
    sum
}
