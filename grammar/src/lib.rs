//! The grammar of Flow: from text to a tree that keeps every place, and back to well-formed text.
//!
//! What lives here: the splitter that cuts a file into declarations, the pest grammar of one declaration, the tree
//! ([`ast`]), syntax findings, the formatter, and the [`Diagnostic`] type that every later stage shares.
//! What does not: names, types, files and any IO.

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

pub mod ast;
mod build;
mod diagnostic;
mod format;
mod lex;
mod normal;
mod parse;
mod span;
mod split;
mod tree;

pub use build::parse_decl;
pub use diagnostic::{Diagnostic, Edit, Fix, Label, Severity};
pub use format::{format, same_meaning};
pub use parse::{Cache, parse, parse_uncached};
pub use span::{Loc, Name, Span, Spanned};
pub use split::{is_keyword, keyword, split};
pub use tree::{FileTree, ParsedDecl, PlacedDecl};
