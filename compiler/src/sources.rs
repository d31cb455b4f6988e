//! The texts of a project, and places in them.

use flow_grammar::{FileTree, Loc};
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

/// A flow file of a program.
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
        let (file, offset) = *self.decls.get(loc.decl as usize)?;
        let file = self.files.get(file as usize)?;
        Some((
            file,
            (offset + loc.span.start) as usize..(offset + loc.span.end) as usize,
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
