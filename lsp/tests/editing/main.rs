//! What an editor asks and is answered, in the words of the protocol.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod completion;
mod editor;
mod hover;
mod shared_folder;
