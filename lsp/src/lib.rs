//! The language server of Flow: findings while typing, hover, definitions, rename, completion, formatting, fixes, outline.
//!
//! One loop takes one message after the other, so edits are applied in their order by construction. While more messages are waiting, nothing
//! is compiled: what is typed fast is checked once. What lives here: the protocol and only the protocol; every answer is read from the
//! compiler's own data.

mod bots;
mod features;
mod findings;
mod pages;
mod position;
mod server;
mod uri;

pub use server::{run, run_stdio};
