//! A rehearsal of a bot: one conversation, a desk, a clock that jumps, and nothing of the world but what the author says of it.
//!
//! What lives here: the simulated world ([`World`]), the tests of the language ([`run_tests`]) and their coverage. What does not: decisions of
//! the bot (the engine's), files and networks. `flowc test`, `flowc run` and replays stand on it.

mod coverage;
mod expect;
mod program;
mod replay;
mod runner;
mod world;

pub use coverage::{Coverage, Part, Share};
pub use program::Program;
pub use replay::{
    Difference, Recording, Replayed, ReplayedTurn, read_recordings, replay, words_of,
};
pub use runner::{Failure, TestResult, run_test, run_tests};
pub use world::{Mocks, Model, World, WorldError};
