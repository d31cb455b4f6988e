//! The grammar of Flow: from text to a tree that keeps every place, and back to well-formed text.
//!
//! What lives here: the splitter that cuts a file into declarations, the pest grammar of one declaration, the tree
//! ([`ast`]), syntax findings, the formatter, and the [`Diagnostic`] type that every later stage shares.
//! What does not: names, types, files and any IO.

pub mod ast;
mod diagnostic;
mod span;

pub use diagnostic::{Diagnostic, Edit, Fix, Label, Severity};
pub use span::{Loc, Name, Span, Spanned};

mod tree;
pub use tree::{FileTree, ParsedDecl, PlacedDecl};
