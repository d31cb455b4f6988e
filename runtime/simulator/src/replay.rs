//! Replays a recorded conversation against a version of the bot, and tells where it decides otherwise.
//!
//! The record says what happened (words with their signals, buttons, results, people, timers); the engine decides anew. What the record
//! names by numbers of its own version (calls, requests, timers, buttons) is found again by name, label or time.

mod compare;
mod player;
mod record;

pub use compare::{Difference, words_of};
pub use player::{Replayed, ReplayedTurn, replay};
pub use record::{Recording, read_recordings};
