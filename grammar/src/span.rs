//! Places in source text.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A half-open byte range, **relative to the start of its declaration**.
///
/// Relative spans make the tree of a declaration independent of where in its file it stands, so a tree can be cached by
/// the hash of the declaration's text alone.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The same range seen from a text that starts `offset` bytes earlier.
    #[must_use]
    pub const fn shifted(self, offset: u32) -> Self {
        Self::new(self.start + offset, self.end + offset)
    }
}

/// A word of the author with its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The word as written.
    pub text: SmolStr,
    /// Where it stands.
    pub span: Span,
}

impl Name {
    /// The word as a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Anything with its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// The thing.
    pub node: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `node` at `span`.
    pub const fn new(node: T, span: Span) -> Self {
        Self { node, span }
    }
}

/// A place in a program: a declaration and a range in it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Loc {
    /// Index of the declaration in the program.
    pub decl: u32,
    /// Range relative to the declaration's start.
    pub span: Span,
}

impl Loc {
    /// `span` in declaration `decl`.
    #[must_use]
    pub const fn new(decl: u32, span: Span) -> Self {
        Self { decl, span }
    }
}
