//! One file per command.

pub mod check;
pub mod completions;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod lsp;
pub mod new;
pub mod run;
pub mod test;
