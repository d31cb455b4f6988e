//! Stems of content words, by language.

use crate::language::is_common;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;
use tantivy::tokenizer::{
    Language, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, TokenStream,
};

static STEMMERS: LazyLock<FxHashMap<&'static str, TextAnalyzer>> = LazyLock::new(|| {
    const LANGUAGES: [(&str, Language); 17] = [
        ("ar", Language::Arabic),
        ("da", Language::Danish),
        ("nl", Language::Dutch),
        ("en", Language::English),
        ("fi", Language::Finnish),
        ("fr", Language::French),
        ("de", Language::German),
        ("el", Language::Greek),
        ("hu", Language::Hungarian),
        ("it", Language::Italian),
        ("no", Language::Norwegian),
        ("pt", Language::Portuguese),
        ("ro", Language::Romanian),
        ("ru", Language::Russian),
        ("es", Language::Spanish),
        ("sv", Language::Swedish),
        ("tr", Language::Turkish),
    ];
    LANGUAGES
        .into_iter()
        .map(|(code, language)| {
            let plain = TextAnalyzer::builder(RawTokenizer::default());
            let analyzer = match StopWordFilter::new(language) {
                Some(stop) => plain.filter(stop).filter(Stemmer::new(language)).build(),
                None => plain.filter(Stemmer::new(language)).build(),
            };
            (code, analyzer)
        })
        .collect()
});

/// Words that say nothing of what is asked, beyond the languages' usual lists.
const EMPTY: &[&str] = &[
    "please", "hi", "hello", "hey", "thanks", "thank", "want", "would", "like", "need", "tell",
    "know", "get", "just", "also", "so", "now", "well", "please", "am", "ok", "hola", "gracias",
    "quiero", "puedo", "bonjour", "merci", "hallo", "danke",
];

/// The stems of the words that carry meaning, in order.
#[must_use]
pub(crate) fn content_stems(words: &[String], language: &str) -> Vec<String> {
    let code = language.split(['_', '-']).next().unwrap_or(language);
    let mut analyzer = STEMMERS.get(code).cloned();
    let mut out = Vec::with_capacity(words.len());
    for word in words {
        if EMPTY.contains(&word.as_str())
            || is_common(word, code)
            || (word.len() < 2 && !word.chars().all(char::is_numeric))
        {
            continue;
        }
        match analyzer.as_mut() {
            Some(analyzer) => {
                let mut stream = analyzer.token_stream(word);
                if stream.advance() {
                    out.push(stream.token().text.clone());
                }
            }
            None => out.push(word.clone()),
        }
    }
    out
}
