//! Files as sequences of declarations, parsed one by one and cached by their text.

use crate::ast::Decl;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use smol_str::SmolStr;
use std::sync::Arc;

/// A declaration that was parsed by itself. All spans are relative to its first byte.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedDecl {
    /// The tree.
    pub decl: Decl,
    /// What did not fit (F0101), and what stands twice (F0202).
    pub diagnostics: Vec<Diagnostic<Span>>,
    /// `//` comments (not `///`) with their text after the slashes, for suppressions.
    pub comments: Vec<(Span, SmolStr)>,
    /// A hash of its text; equal texts have equal trees.
    pub hash: u64,
}

/// A declaration in its file.
#[derive(Debug, Clone)]
pub struct PlacedDecl {
    /// Byte offset of its first byte in the file. Doc comments and comments directly before a keyword belong to it.
    pub offset: u32,
    /// Length in bytes.
    pub len: u32,
    /// The tree, shared with the cache.
    pub tree: Arc<ParsedDecl>,
}

/// A parsed file: its declarations in order; together with the blank space between them they are the whole text.
#[derive(Debug, Clone, Default)]
pub struct FileTree {
    /// In order, text that belongs to no declaration included (as `DeclKind::Error` with its finding).
    pub decls: Vec<PlacedDecl>,
}
