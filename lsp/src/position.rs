//! Positions as editors count them: VS Code and Neovim in UTF-16, Helix in bytes, Emacs in characters.

use flow_compiler::sources::SourceFile;
use gen_lsp_types::{Position, Range};

/// How columns are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16,
    Utf32,
}

impl Encoding {
    fn length(self, text: &str) -> usize {
        match self {
            Self::Utf8 => text.len(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Utf32 => text.chars().count(),
        }
    }

    /// The byte at a column of a line; a column past the end is the end, one inside a character its start.
    fn byte(self, line: &str, column: usize) -> usize {
        let mut seen = 0;
        for (at, c) in line.char_indices() {
            let width = match self {
                Self::Utf8 => c.len_utf8(),
                Self::Utf16 => c.len_utf16(),
                Self::Utf32 => 1,
            };
            if seen + width > column {
                return at;
            }
            seen += width;
        }
        line.len()
    }
}

/// Byte offsets of line starts.
pub(crate) fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.match_indices('\n').map(|(i, _)| i + 1))
        .collect()
}

/// A position as a byte offset; one past the text is its end.
pub(crate) fn to_offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let starts = line_starts(text);
    let Some(&start) = starts.get(position.line as usize) else {
        return text.len();
    };
    let end = starts
        .get(position.line as usize + 1)
        .copied()
        .unwrap_or(text.len());
    let line = text
        .get(start..end)
        .unwrap_or_default()
        .trim_end_matches(['\n', '\r']);
    start + encoding.byte(line, position.character as usize)
}

/// A byte offset as a position.
pub(crate) fn to_position(file: &SourceFile, offset: usize, encoding: Encoding) -> Position {
    let offset = offset.min(file.text.len());
    let line = file
        .line_starts
        .partition_point(|s| *s as usize <= offset)
        .saturating_sub(1);
    let start = file.line_starts.get(line).copied().unwrap_or(0) as usize;
    let column = file
        .text
        .get(start..offset)
        .map_or(0, |s| encoding.length(s));
    Position::new(
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}

/// A byte range as a range.
pub(crate) fn to_range(
    file: &SourceFile,
    range: &std::ops::Range<usize>,
    encoding: Encoding,
) -> Range {
    Range::new(
        to_position(file, range.start, encoding),
        to_position(file, range.end, encoding),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_the_editor_counts() {
        let text = "a\u{e9}\u{1f600}z\r\nb";
        let z = text.find('z').unwrap();
        for (encoding, column) in [
            (Encoding::Utf8, 7),
            (Encoding::Utf16, 4),
            (Encoding::Utf32, 3),
        ] {
            assert_eq!(to_offset(text, Position::new(0, column), encoding), z);
            let file = SourceFile {
                path: "f".into(),
                text: text.into(),
                tree: Default::default(),
                line_starts: vec![0, 10],
                first_decl: 0,
            };
            assert_eq!(to_position(&file, z, encoding), Position::new(0, column));
        }
        assert_eq!(
            to_offset(text, Position::new(0, 99), Encoding::Utf16),
            z + 1,
            "past the line is its end, before the line break"
        );
        assert_eq!(
            to_offset(text, Position::new(9, 0), Encoding::Utf16),
            text.len()
        );
    }
}
