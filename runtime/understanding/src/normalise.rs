//! Words as the models see them: compatible forms, lower case, without accents, contractions taken apart.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Only so much of a message is read, in bytes; nobody says more that matters, and work stays bounded.
pub const READ_AT_MOST: usize = 8_000;

/// The first [`READ_AT_MOST`] bytes, cut between characters.
#[must_use]
pub fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(READ_AT_MOST))
        .unwrap_or(text)
}

/// Lower case without accents, straight quotes, compatible forms. Length may change.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
        return out;
    }
    for c in text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
    {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '\u{b4}' => out.push('\''),
            'ß' => out.push_str("ss"),
            'ø' => out.push('o'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ı' => out.push('i'),
            c if is_combining_mark(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// The folded words of a text. `I can't` is `i can not`, `l'ordre` is `l ordre`.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(clip(text));
    let mut out = Vec::new();
    for raw in folded.split(|c: char| !(c.is_alphanumeric() || c == '\'' || is_placeholder(c))) {
        push_word(raw.trim_matches('\''), &mut out);
    }
    out
}

/// Marks a masked value in examples and messages: one private-use character per slot.
#[must_use]
pub fn placeholder(slot: usize) -> char {
    u32::try_from(slot)
        .ok()
        .and_then(|s| char::from_u32(0xE000 + s % 6_000))
        .unwrap_or('\u{E000}')
}

/// Whether a character is a [`placeholder`].
#[must_use]
pub fn is_placeholder(c: char) -> bool {
    ('\u{E000}'..='\u{F8FF}').contains(&c)
}

fn push_word(word: &str, out: &mut Vec<String>) {
    if word.is_empty() {
        return;
    }
    let Some((stem, tail)) = word.rsplit_once('\'') else {
        out.extend(uncontracted(word).split(' ').map(str::to_owned));
        return;
    };
    match (stem, tail) {
        ("can", "t") => out.extend(["can".to_owned(), "not".to_owned()]),
        ("won", "t") => out.extend(["will".to_owned(), "not".to_owned()]),
        (s, "t") if s.ends_with('n') => {
            out.extend([s.trim_end_matches('n').to_owned(), "not".to_owned()])
        }
        (s, "m") => out.extend([s.to_owned(), "am".to_owned()]),
        (s, "re") => out.extend([s.to_owned(), "are".to_owned()]),
        (s, "ll") => out.extend([s.to_owned(), "will".to_owned()]),
        (s, "ve") => out.extend([s.to_owned(), "have".to_owned()]),
        (s, "s") => out.extend([s.to_owned(), "is".to_owned()]),
        (s, "d") => out.extend([s.to_owned(), "would".to_owned()]),
        (s, t) => {
            push_word(s, out);
            if !t.is_empty() {
                out.push(t.to_owned());
            }
        }
    }
}

/// Spellings that people type on a phone.
fn uncontracted(word: &str) -> &str {
    match word {
        "im" => "i am",
        "dont" => "do not",
        "cant" => "can not",
        "didnt" => "did not",
        "doesnt" => "does not",
        "isnt" => "is not",
        "wont" => "will not",
        "hasnt" => "has not",
        "havent" => "have not",
        "whats" => "what is",
        "wheres" => "where is",
        "u" => "you",
        "ur" => "your",
        "pls" | "plz" => "please",
        "thx" => "thanks",
        other => other,
    }
}

/// Whether a character only marks the one before.
#[must_use]
pub fn is_mark(c: char) -> bool {
    is_combining_mark(c)
}
