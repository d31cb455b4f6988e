//! Words that the filter of profanity need not read again.
//!
//! The filter costs a tenth of a turn, and messages are made of few words that come again and again. A text of words none of which is
//! profane in any way is taken for clean; every other one is read by the filter as a whole, as it decides by what stands around a word.

use rustc_hash::FxHashMap;
use rustrict::{CensorStr, Type};
use std::sync::{LazyLock, PoisonError, RwLock};

/// How many words are remembered; then all are forgotten. Some megabytes.
const REMEMBERED: usize = 50_000;

/// A longer one is none, and is read with the whole text.
const LONGEST: usize = 24;

static KNOWN: LazyLock<RwLock<FxHashMap<Box<str>, bool>>> = LazyLock::new(RwLock::default);

/// Whether a text is made of plain words, each harmless by itself. Signs within a word and letters that stand alone side by side may
/// spell another word.
pub(super) fn words(text: &str) -> bool {
    let mut letter_before = false;
    text.split(' ').all(|word| {
        let word = word.trim_end_matches(['!', '?', '.', ',']);
        let letter = word.chars().nth(1).is_none();
        let spelt = letter && letter_before;
        letter_before = letter;
        !spelt && word.len() <= LONGEST && word.chars().all(char::is_alphabetic) && harmless(word)
    })
}

fn harmless(word: &str) -> bool {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(word) {
        return *known;
    }
    drop(known);
    let harmless = !word.is(Type::PROFANE);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(word.into(), harmless);
    harmless
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn what_may_be_profane_is_read_as_a_whole() {
        for text in [
            "where is my order",
            "Thanks, that helped!",
            "wo ist mein Paket",
            "",
        ] {
            assert!(words(text), "`{text}`");
            assert!(words(text), "and again `{text}`");
        }
        for text in [
            "what the fuck is this",
            "f u c k this",
            "f*ck this",
            "oh sh-it",
            "this is bullshit",
        ] {
            assert!(!words(text), "`{text}`");
            assert!(!words(text), "and again `{text}`");
        }
    }
}
