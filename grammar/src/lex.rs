//! Coarse tokens: just enough to know where texts, comments, patterns and brackets begin and end.
//!
//! The splitter, the normaliser and the formatter share it, so they never disagree about what is inside a text. It is
//! iterative, linear and accepts everything.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tok {
    /// `\n`.
    Newline,
    /// Tabs and carriage returns (plain spaces are skipped).
    Blank,
    /// Letters, digits, underscores.
    Word,
    /// `"..."`; `closed` is false when the line ended first.
    Text { closed: bool },
    /// `"""..."""`.
    Block { closed: bool },
    /// `// ...`, without the newline.
    Comment,
    /// `/// ...`.
    Doc,
    /// `/.../`.
    Regex,
    /// `{`, `(`, `[`.
    Open(u8),
    /// `}`, `)`, `]`.
    Close(u8),
    /// `;`.
    Semi,
    /// Any other character.
    Punct(u8),
}

/// A token with its byte range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) tok: Tok,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What was seen inside texts since the last [`Marks::clear`].
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Escapes: a backslash and the byte after it.
    pub(crate) escapes: Vec<(usize, usize)>,
    /// `{` without a `}`.
    pub(crate) lone: Vec<usize>,
}

impl Marks {
    pub(crate) fn clear(&mut self) {
        self.escapes.clear();
        self.lone.clear();
    }
}

/// How deep texts may nest in interpolations of texts.
const TEXT_NESTING: u32 = 8;

/// An iterator over tokens.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    /// The last token that says something.
    last: Option<Token>,
    /// Up to here interpolations must close before the next quote, because one on this line did not close.
    simple_until: usize,
    pub(crate) marks: Marks,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            pos: 0,
            last: None,
            simple_until: 0,
            marks: Marks::default(),
        }
    }

    fn at(&self, i: usize) -> Option<u8> {
        self.text.as_bytes().get(i).copied()
    }

    /// Whether a pattern may begin here (otherwise `/` divides): after what a value follows.
    fn regex_ok(&self) -> bool {
        let Some(last) = self.last else { return false };
        match last.tok {
            Tok::Newline | Tok::Semi | Tok::Open(_) => true,
            Tok::Word => matches!(
                self.text.get(last.start..last.end),
                Some(
                    "matching"
                        | "matches"
                        | "and"
                        | "or"
                        | "not"
                        | "is"
                        | "in"
                        | "contains"
                        | "any"
                        | "when"
                        | "unless"
                        | "if"
                        | "match"
                )
            ),
            Tok::Punct(b) => matches!(
                b,
                b',' | b'=' | b'<' | b'>' | b'?' | b'|' | b'&' | b'!' | b'+' | b'-' | b'*'
            ),
            _ => false,
        }
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
    }

    /// The end of the text that begins at `start`, and whether it is closed.
    fn line_text(&mut self, start: usize) -> (usize, bool) {
        if start >= self.simple_until {
            let (escapes, lone) = (self.marks.escapes.len(), self.marks.lone.len());
            match text_end(self.text.as_bytes(), start, 0, &mut self.marks) {
                TextEnd::Closed(end) => return (end, true),
                TextEnd::Open(end) => return self.unclosed(start, end),
                TextEnd::BadInterpolation => {
                    self.marks.escapes.truncate(escapes);
                    self.marks.lone.truncate(lone);
                    self.simple_until = self.line_end(start);
                }
            }
        }
        let bytes = self.text.as_bytes();
        let mut i = start + 1;
        while let Some(b) = bytes.get(i).copied() {
            match b {
                b'\n' => break,
                b'"' => return (i + 1, true),
                b'\\' => i = escape(bytes, i, &mut self.marks),
                b'{' => {
                    let rest = bytes.get(i + 1..).unwrap_or_default();
                    let next = rest
                        .iter()
                        .position(|b| matches!(b, b'"' | b'{' | b'}' | b'\n'));
                    match next {
                        Some(n) if rest.get(n) == Some(&b'}') => i += n + 2,
                        _ => {
                            self.marks.lone.push(i);
                            i += 1;
                        }
                    }
                }
                _ => i += 1,
            }
        }
        self.unclosed(start, i)
    }

    /// The end of a text that its line ends.
    fn unclosed(&mut self, start: usize, end: usize) -> (usize, bool) {
        let end = self.before_brace(start, end);
        self.marks.lone.retain(|at| *at < end);
        self.marks.escapes.retain(|at| at.1 <= end);
        (end, false)
    }

    /// An unterminated text does not take the `{` that ends its line.
    fn before_brace(&self, start: usize, end: usize) -> usize {
        let Some(line) = self.text.get(start..end) else {
            return end;
        };
        match line.trim_end().strip_suffix(" {") {
            Some(head) => start + head.trim_end().len().max(1),
            None => start + line.trim_end().len().max(1),
        }
    }

    fn block_text(&mut self, start: usize) -> (usize, bool) {
        let bytes = self.text.as_bytes();
        let mut i = start + 3;
        // Where a declaration of one line seems to begin: the text ends there if it ends nowhere else.
        let mut one_line: Option<usize> = None;
        while let Some(b) = bytes.get(i).copied() {
            match b {
                b'"' if bytes.get(i..i + 3) == Some(b"\"\"\"") => return (i + 3, true),
                b'\\' => i = escape(bytes, i, &mut self.marks),
                b'{' => {
                    let escapes = self.marks.escapes.len();
                    if let Some(end) = interpolation_end(bytes, i, 0, &mut self.marks) {
                        i = end;
                    } else {
                        self.marks.escapes.truncate(escapes);
                        self.marks.lone.push(i);
                        i += 1;
                    }
                }
                b'\n' if crate::split::starts_declaration(self.text, i + 1, true) => {
                    if self.line_opens(i + 1) {
                        return (i, false);
                    }
                    one_line.get_or_insert(i);
                    i += 1;
                }
                _ => i += 1,
            }
        }
        if let Some(end) = one_line {
            self.marks.lone.retain(|at| *at < end);
            self.marks.escapes.retain(|at| at.1 <= end);
            return (end, false);
        }
        // The blank space at the end of a file belongs to nothing.
        (self.text.trim_end().len().max(start + 3), false)
    }

    fn line_opens(&self, from: usize) -> bool {
        self.text
            .get(from..self.line_end(from))
            .is_some_and(|line| line.trim_end().ends_with('{'))
    }

    fn regex(&self, start: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut i = start + 1;
        loop {
            match bytes.get(i)? {
                b'\n' => return None,
                b'/' => return Some(i + 1),
                b'\\' if bytes.get(i + 1) != Some(&b'\n') => i += 2,
                _ => i += 1,
            }
        }
    }
}

enum TextEnd {
    Closed(usize),
    Open(usize),
    BadInterpolation,
}

fn escape(bytes: &[u8], i: usize, marks: &mut Marks) -> usize {
    match bytes.get(i + 1) {
        Some(b'\n') | None => i + 1,
        Some(b) if b.is_ascii() => {
            marks.escapes.push((i, i + 2));
            i + 2
        }
        Some(_) => i + 1,
    }
}

fn text_end(bytes: &[u8], start: usize, depth: u32, marks: &mut Marks) -> TextEnd {
    let mut i = start + 1;
    while let Some(b) = bytes.get(i).copied() {
        match b {
            b'\n' => break,
            b'"' => return TextEnd::Closed(i + 1),
            b'\\' => i = escape(bytes, i, marks),
            b'{' => match interpolation_end(bytes, i, depth, marks) {
                Some(end) => i = end,
                None => return TextEnd::BadInterpolation,
            },
            _ => i += 1,
        }
    }
    TextEnd::Open(i)
}

/// One past the `}` of the interpolation at `start`; it stays on its line and holds no other brace outside texts.
fn interpolation_end(bytes: &[u8], start: usize, depth: u32, marks: &mut Marks) -> Option<usize> {
    let mut i = start + 1;
    loop {
        match bytes.get(i)? {
            b'\n' | b'{' => return None,
            b'}' => return Some(i + 1),
            b'"' if depth >= TEXT_NESTING => return None,
            b'"' => match text_end(bytes, i, depth + 1, marks) {
                TextEnd::Closed(end) => i = end,
                _ => return None,
            },
            _ => i += 1,
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let ahead = self.text.as_bytes().get(self.pos..).unwrap_or_default();
        self.pos += ahead.iter().position(|b| *b != b' ').unwrap_or(ahead.len());
        let start = self.pos;
        let first = self.at(start)?;
        let (tok, end) = match first {
            b'\n' => (Tok::Newline, start + 1),
            b'\t' | b'\r' => {
                let mut end = start + 1;
                while matches!(self.at(end), Some(b'\t' | b'\r')) {
                    end += 1;
                }
                (Tok::Blank, end)
            }
            b'/' if self.at(start + 1) == Some(b'/') => {
                let doc = self.at(start + 2) == Some(b'/') && self.at(start + 3) != Some(b'/');
                let mut end = self.line_end(start);
                if self.at(end - 1) == Some(b'\r') {
                    end -= 1;
                }
                (if doc { Tok::Doc } else { Tok::Comment }, end)
            }
            b'"' if self.text.as_bytes().get(start..start + 3) == Some(b"\"\"\"") => {
                let (end, closed) = self.block_text(start);
                (Tok::Block { closed }, end)
            }
            b'"' => {
                let (end, closed) = self.line_text(start);
                (Tok::Text { closed }, end)
            }
            b'/' if self.at(start + 1) != Some(b'*') && self.regex_ok() => {
                match self.regex(start) {
                    Some(end) => (Tok::Regex, end),
                    None => (Tok::Punct(b'/'), start + 1),
                }
            }
            b'{' | b'(' | b'[' => (Tok::Open(first), start + 1),
            b'}' | b')' | b']' => (Tok::Close(first), start + 1),
            b';' => (Tok::Semi, start + 1),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                let rest = self.text.as_bytes().get(start..).unwrap_or_default();
                let len = rest
                    .iter()
                    .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
                (Tok::Word, start + len.unwrap_or(rest.len()))
            }
            0..=127 => (Tok::Punct(first), start + 1),
            _ => {
                let mut end = start + 1;
                while self.at(end).is_some_and(|b| !b.is_ascii()) {
                    end += 1;
                }
                (Tok::Punct(0), end)
            }
        };
        self.pos = end;
        if !matches!(tok, Tok::Blank | Tok::Comment) {
            self.last = Some(Token { tok, start, end });
        }
        Some(Token { tok, start, end })
    }
}
