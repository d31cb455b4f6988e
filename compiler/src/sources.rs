//! The texts of a project, and places in them.

use flow_grammar::{FileTree, Loc, Span};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// What the compiler is given: the files of a project as texts. Whoever reads the disk (or an editor's memory) builds it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Project {
    /// The bot's folder, relative to the project root, `/`-separated, empty for the root.
    pub root: SmolStr,
    /// `.flow` files, by path relative to the project root, sorted.
    pub flow_files: Vec<(SmolStr, Arc<str>)>,
    /// Other files that flow files may name (hook scripts, knowledge), by path relative to the project root, sorted.
    pub other_files: Vec<(SmolStr, Arc<str>)>,
    /// What could not be read: the path and why; the compiler reports it (F0204) at the place that
    /// named it, a `.flow` file at its own start, all else at the first file.
    pub unreadable: Vec<(SmolStr, String)>,
}

/// A flow file of a program, or a script of its hooks: then its tree is empty.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path relative to the project root.
    pub path: SmolStr,
    /// Its text.
    pub text: Arc<str>,
    /// Its tree.
    pub tree: FileTree,
    /// Byte offsets of line starts.
    pub line_starts: Vec<u32>,
    /// Index of its first declaration in the program.
    pub first_decl: u32,
}

/// All files of a program and the index of its declarations.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files.
    pub files: Vec<SourceFile>,
    /// For every declaration of the program: `(file, offset of the declaration in it)`.
    pub decls: Vec<(u32, u32)>,
    /// The scripts of hooks. A place in one is numbered as if the scripts were declarations that follow all others.
    pub scripts: Vec<SourceFile>,
}

/// A place for people: file, line and column from 1; the column counts characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The file.
    pub file: SmolStr,
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Sources {
    /// The file of a place and the absolute byte range in it.
    #[must_use]
    pub fn resolve(&self, loc: Loc) -> Option<(&SourceFile, std::ops::Range<usize>)> {
        let decl = loc.decl as usize;
        let (file, offset) = match self.decls.get(decl) {
            Some((file, offset)) => (self.files.get(*file as usize)?, *offset),
            None => (self.scripts.get(decl.checked_sub(self.decls.len())?)?, 0),
        };
        Some((
            file,
            (offset + loc.span.start) as usize..(offset + loc.span.end) as usize,
        ))
    }

    /// The word at a place in a hook's script: `line` from 1, `column` from 1 in characters.
    #[must_use]
    pub fn in_script(&self, path: &str, line: usize, column: usize) -> Option<Loc> {
        let number = self.scripts.iter().position(|s| s.path == path)?;
        let script = self.scripts.get(number)?;
        let start = *script.line_starts.get(line.checked_sub(1)?)? as usize;
        let rest = script.text.get(start..)?.lines().next().unwrap_or_default();
        let skipped: usize = rest
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum();
        let here = rest.get(skipped..).unwrap_or_default();
        let word: usize = here
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .map(char::len_utf8)
            .sum();
        let len = word.max(here.chars().next().map_or(0, char::len_utf8));
        let index = |n: usize| u32::try_from(n).ok();
        let at = start + skipped;
        Some(Loc::new(
            index(self.decls.len() + number)?,
            Span::new(index(at)?, index(at + len)?),
        ))
    }

    /// The text of a place.
    #[must_use]
    pub fn snippet(&self, loc: Loc) -> &str {
        self.resolve(loc)
            .and_then(|(file, range)| file.text.get(range))
            .unwrap_or_default()
    }

    /// The place in words.
    #[must_use]
    pub fn position(&self, loc: Loc) -> Option<Position> {
        let (file, range) = self.resolve(loc)?;
        Some(file.position(range.start))
    }
}

/// Byte offsets of the lines of a text.
pub(crate) fn line_starts(text: &str) -> Vec<u32> {
    let mut starts = vec![0];
    starts.extend(
        text.match_indices('\n')
            .filter_map(|(at, _)| u32::try_from(at + 1).ok()),
    );
    starts
}

impl SourceFile {
    /// Line and column of a byte offset.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let line = self
            .line_starts
            .partition_point(|&s| s as usize <= offset)
            .saturating_sub(1);
        let start = self.line_starts.get(line).copied().unwrap_or(0) as usize;
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |s| s.chars().count());
        Position {
            file: self.path.clone(),
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }
}
