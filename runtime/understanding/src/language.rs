//! In which language a message is written.

use crate::cues;
use crate::lexicon::{Phrases, rows};
use crate::normalise::words;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::LazyLock;

/// From this many words on the detector is trusted; below, the conversation keeps its language unless common words say otherwise.
const TRUSTED_FROM: usize = 4;

struct Common {
    /// Languages in which a word is a common one.
    function: FxHashMap<String, Vec<&'static str>>,
    greetings: Phrases<&'static str>,
}

static COMMON: LazyLock<Common> = LazyLock::new(|| {
    let mut out = Common {
        function: FxHashMap::default(),
        greetings: Phrases::default(),
    };
    for row in rows(include_str!("../data/cues.tsv")) {
        match row.as_slice() {
            ["function", language, list] => {
                for word in list.split(',').flat_map(words) {
                    let languages = out.function.entry(word).or_default();
                    if !languages.contains(language) {
                        languages.push(language);
                    }
                }
            }
            ["greeting", language, list] => out.greetings.add_list(list, language),
            _ => {}
        }
    }
    out
});

/// Whether a word is a common one (an article, a pronoun, ..) in a language.
#[must_use]
pub fn is_common(word: &str, language: &str) -> bool {
    COMMON
        .function
        .get(word)
        .is_some_and(|l| l.contains(&language))
}

/// The declared language of a text, or `other`. `current` is the conversation's so far.
#[must_use]
pub fn detect(
    text: &str,
    words: &[String],
    declared: &[SmolStr],
    current: Option<&str>,
) -> SmolStr {
    let default = declared
        .first()
        .cloned()
        .unwrap_or_else(|| SmolStr::new_static("en"));
    let current = current.map_or(default, SmolStr::new);
    let letters: Vec<&String> = words
        .iter()
        .filter(|w| w.chars().all(char::is_alphabetic))
        .collect();
    if letters.is_empty() {
        return current;
    }
    if let Some(language) = greeting(words, declared, &current) {
        return language;
    }
    // "no" is a word of many languages: an answer in the conversation's own does not leave it.
    if cues::yes_no(words, std::iter::once(base(&current))).is_some() {
        return current;
    }
    let count = |language: &str| letters.iter().filter(|w| is_common(w, language)).count();
    if letters.len() < TRUSTED_FROM {
        let foreign = letters
            .iter()
            .any(|w| w.chars().any(|c| c.is_alphabetic() && !is_latin(c)))
            && !letters.iter().any(|w| w.is_ascii());
        if foreign {
            let found = two_letters(text);
            return if declared.iter().any(|d| base(d) == found) {
                pick(declared, found)
            } else {
                SmolStr::new_static("other")
            };
        }
        let mut best: Vec<(usize, &SmolStr)> =
            declared.iter().map(|d| (count(base(d)), d)).collect();
        best.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
        return match best.as_slice() {
            [(n, language), rest @ ..]
                if n * 2 >= letters.len()
                    && count(base(&current)) == 0
                    && rest.first().is_none_or(|(m, _)| m < n) =>
            {
                (*language).clone()
            }
            _ => current,
        };
    }
    let found = two_letters(text);
    if declared.iter().any(|d| base(d) == found) {
        return pick(declared, found);
    }
    // The detector names a language that the bot does not speak: believe it unless common words of a declared one outweigh it.
    let own = declared
        .iter()
        .map(|d| (count(base(d)), d))
        .max_by_key(|(n, _)| *n);
    match own {
        Some((n, language)) if n > 0 && n >= count(found) => language.clone(),
        Some(_)
            if count(found) == 0
                && is_latin_language(found)
                && COMMON.function.values().any(|l| l.contains(&found)) =>
        {
            current
        }
        _ => SmolStr::new_static("other"),
    }
}

/// A message that begins with a greeting of one declared language, and says little else.
fn greeting(words: &[String], declared: &[SmolStr], current: &SmolStr) -> Option<SmolStr> {
    let mut languages: Vec<&str> = Vec::new();
    let mut length = 0;
    for (n, language) in COMMON.greetings.all_at(words, 0) {
        if n >= length {
            length = n;
            languages.push(language);
        }
    }
    if length == 0 || words.len() > length + 1 {
        return None;
    }
    if languages.contains(&base(current)) {
        return Some(current.clone());
    }
    let mut spoken = declared.iter().filter(|d| languages.contains(&base(d)));
    match (spoken.next(), spoken.next()) {
        (Some(one), None) => Some(one.clone()),
        (None, _) => Some(SmolStr::new_static("other")),
        _ => None,
    }
}

fn pick(declared: &[SmolStr], found: &str) -> SmolStr {
    declared
        .iter()
        .find(|d| base(d) == found)
        .cloned()
        .unwrap_or_else(|| SmolStr::new_static("other"))
}

/// `pt` of `pt_br`.
fn base(language: &str) -> &str {
    language.split(['_', '-']).next().unwrap_or(language)
}

fn is_latin(c: char) -> bool {
    u32::from(c) < 0x250
}

fn is_latin_language(code: &str) -> bool {
    matches!(
        code,
        "en" | "es" | "fr" | "de" | "pt" | "it" | "nl" | "sv" | "tr" | "vi"
    )
}

fn two_letters(text: &str) -> &'static str {
    match whichlang::detect_language(text).three_letter_code() {
        "ara" => "ar",
        "cmn" => "zh",
        "deu" => "de",
        "eng" => "en",
        "fra" => "fr",
        "hin" => "hi",
        "ita" => "it",
        "jpn" => "ja",
        "kor" => "ko",
        "nld" => "nl",
        "por" => "pt",
        "rus" => "ru",
        "spa" => "es",
        "swe" => "sv",
        "tur" => "tr",
        "vie" => "vi",
        _ => "other",
    }
}
