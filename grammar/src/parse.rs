//! Whole files: split, then parse each declaration, or take its tree from the cache.

use crate::build::parse_decl;
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::Span;
use crate::split::{is_keyword, keyword, split};
use crate::tree::{FileTree, ParsedDecl, PlacedDecl};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The hash of a declaration's text.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    text.len().hash(&mut hasher);
    hasher.finish()
}

/// The trees of the declarations that were parsed lately, by their text.
///
/// What a call of [`parse`] does not use twice in a row is forgotten by [`Cache::sweep`].
#[derive(Debug, Default)]
pub struct Cache {
    trees: FxHashMap<u64, Entry>,
    round: u64,
}

#[derive(Debug)]
struct Entry {
    text: Box<str>,
    tree: Arc<ParsedDecl>,
    used: u64,
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many trees it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// The tree of a declaration's text, parsed if need be.
    pub fn decl(&mut self, text: &str) -> Arc<ParsedDecl> {
        let key = hash(text);
        if let Some(entry) = self.trees.get_mut(&key)
            && *entry.text == *text
        {
            entry.used = self.round;
            return Arc::clone(&entry.tree);
        }
        let tree = Arc::new(parse_decl(text));
        let entry = Entry {
            text: text.into(),
            tree: Arc::clone(&tree),
            used: self.round,
        };
        self.trees.insert(key, entry);
        tree
    }

    /// Begins a new round and forgets what was not used in the last `rounds` rounds.
    pub fn sweep(&mut self, rounds: u64) {
        self.round += 1;
        let oldest = self.round.saturating_sub(rounds);
        self.trees.retain(|_, entry| entry.used >= oldest);
    }
}

/// Parses a file; declarations whose text is known are not parsed again.
pub fn parse(text: &str, cache: &mut Cache) -> FileTree {
    assemble(text, |decl| cache.decl(decl))
}

/// Parses a file without a cache.
#[must_use]
pub fn parse_uncached(text: &str) -> FileTree {
    assemble(text, |decl| Arc::new(parse_decl(decl)))
}

fn assemble(text: &str, mut tree: impl FnMut(&str) -> Arc<ParsedDecl>) -> FileTree {
    let mut end = 0;
    let decls = split(text)
        .into_iter()
        .filter_map(|range| {
            let part = text.get(range.clone())?;
            let offset = u32::try_from(range.start).ok()?;
            let len = u32::try_from(range.len()).ok()?;
            let before = std::mem::replace(&mut end, range.end);
            let gap = text.get(before..range.start).unwrap_or_default();
            let parted = gap.contains('\n')
                || !text.get(..before).is_some_and(|t| t.ends_with('}'))
                || !is_keyword(keyword(part));
            let mut tree = tree(part);
            if !parted {
                Arc::make_mut(&mut tree).diagnostics.push(not_parted(part));
            }
            Some(PlacedDecl { offset, len, tree })
        })
        .collect();
    FileTree { decls }
}

/// What is said of a declaration that follows another one's block on its line.
fn not_parted(decl: &str) -> Diagnostic<Span> {
    let word = keyword(decl);
    let start = decl.find(word).unwrap_or_default();
    let at = crate::normal::span(start, start + word.len());
    Diagnostic::error("F0101", format!("unexpected `{word}` after `}}`"), at)
        .help("one declaration ends with its line; on one line they are separated by `;`")
        .fix(
            "write `;` before it",
            false,
            vec![Edit {
                at: Span::new(at.start, at.start),
                text: "; ".to_owned(),
            }],
        )
}
