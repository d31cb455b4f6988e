//! The compiler of Flow: from the texts of a project to a [`Machine`](machine::Machine) and everything there is to say about it.
//!
//! What lives here: names, types, lowering, the analyses, the rendering of findings as data. What does not: files, clocks
//! (a check that counts from a date is given it), the run of a conversation.

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

pub mod checks;
pub mod diff;
pub mod machine;
pub mod sources;
pub mod value;

mod broken;
mod collect;
mod compile;
mod env;
mod graph;
pub mod index;
mod load;
mod lower;
pub mod mend;
mod paths;
mod place;
pub mod render;
pub mod report;
pub mod scripts;
mod signals;
mod silence;
mod types;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use compile::{Compilation, Compiler, Options};
pub use env::Def;
pub use lower::Reference;
