//! What one message says: intent, language, sentiment, entities and cues; and what the knowledge has to say about it.
//!
//! An [`Understanding`] is trained from a machine when it is loaded: no IO, no clock, no randomness; the same machine and message
//! always give the same [`Signals`].

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests"
    )
)]

mod answer;
pub mod classifier;
pub mod cues;
mod entities;
mod features;
mod fillers;
mod knowledge;
pub mod language;
mod lexicon;
pub mod normalise;
mod ridge;
pub mod sentiment;
pub mod spec;
mod stem;
mod understanding;

pub use knowledge::{Knowledge, Passage};
pub use understanding::{Context, Understanding};

use smol_str::SmolStr;

/// Sentences that mean nothing that a bot declares, by language; the classifier's background.
#[must_use]
pub fn background(languages: &[SmolStr]) -> Vec<Vec<String>> {
    lexicon::rows(include_str!("../data/background.tsv"))
        .filter_map(|row| match row.as_slice() {
            [language, text] if *language == "en" || languages.iter().any(|l| l == language) => {
                Some(normalise::words(text))
            }
            _ => None,
        })
        .collect()
}
