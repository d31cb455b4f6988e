//! One file per command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod graph;
pub(crate) mod lsp;
pub(crate) mod new;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod test;
