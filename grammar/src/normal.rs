//! Prepares the text of one declaration for the grammar, byte for byte at the same places.
//!
//! Comments become blanks, `;` a line end, free and continued line ends blanks, and what could mislead inside texts
//! (escapes, line ends, unclosed braces) a filler. So the grammar needs to know nothing of comments, continuation and
//! quoting, and every span in its result is a span of the author's text. Lexical faults are found here.

mod brackets;
mod names;
mod texts;

use crate::diagnostic::Diagnostic;
use crate::lex::{Lexer, Marks, Tok, Token};
use crate::span::Span;
use crate::split::{begins_joined, ends_open, needs_block};
use smol_str::SmolStr;

/// How deep brackets may nest.
pub(crate) const MAX_DEPTH: usize = 128;

/// Stands for a byte of a text that the grammar need not see.
const FILLER: u8 = 1;

/// A declaration ready for the grammar.
#[derive(Debug, Default)]
pub(crate) struct Normal {
    /// As long as the source.
    pub(crate) text: String,
    /// Lexical faults.
    pub(crate) diagnostics: Vec<Diagnostic<Span>>,
    /// `//` comments.
    pub(crate) comments: Vec<(Span, SmolStr)>,
    /// `///` comments.
    pub(crate) docs: Vec<Span>,
    /// The first significant token.
    pub(crate) head: Option<(usize, usize)>,
    /// Nesting beyond [`MAX_DEPTH`]: the grammar must not see it.
    pub(crate) too_deep: bool,
    /// An unclosed text swallowed a bracket, so brackets cannot be trusted.
    swallowed: bool,
}

pub(crate) fn span(start: usize, end: usize) -> Span {
    Span::new(
        u32::try_from(start).unwrap_or(u32::MAX),
        u32::try_from(end).unwrap_or(u32::MAX),
    )
}

struct Open {
    at: usize,
    byte: u8,
    /// Indentation of its line.
    indent: usize,
    /// Length of `joined` when it was opened.
    joined: usize,
    /// A line in it is indented more than its own.
    deeper: bool,
}

/// Normalises the text of one declaration.
pub(crate) fn normalise(source: &str) -> Normal {
    let mut first = Pass::new(source, false);
    first.run();
    if first.unclosed_brace() || first.extra_close {
        // Some brace is missing: look again, closing blocks where the indentation says that they end.
        let mut second = Pass::new(source, true);
        second.too_few = first.unclosed_brace();
        second.run();
        return second.done();
    }
    first.done()
}

struct Pass<'a> {
    source: &'a str,
    heal: bool,
    bytes: Vec<u8>,
    out: Normal,
    stack: Vec<Open>,
    /// Line ends since the last significant token.
    pending: Vec<usize>,
    /// Line ends that became blanks inside parentheses.
    joined: Vec<usize>,
    last: Option<Token>,
    /// The token before it.
    before_last: Option<Token>,
    /// Whether the last token began an item.
    last_begins: bool,
    indent: usize,
    wants_block: bool,
    healed: bool,
    /// More blocks were opened than closed.
    too_few: bool,
    /// More blocks were closed than opened.
    extra_close: bool,
    /// For each line of the block being read: indentation, the line end after it, its last token.
    lines: Vec<(usize, usize, Token)>,
    last_indent: usize,
}

impl<'a> Pass<'a> {
    fn new(source: &'a str, heal: bool) -> Self {
        Self {
            source,
            heal,
            bytes: source.as_bytes().to_vec(),
            out: Normal::default(),
            stack: Vec::new(),
            pending: Vec::new(),
            joined: Vec::new(),
            last: None,
            before_last: None,
            last_begins: false,
            indent: 0,
            wants_block: false,
            healed: false,
            too_few: false,
            extra_close: false,
            lines: Vec::new(),
            last_indent: 0,
        }
    }

    fn unclosed_brace(&self) -> bool {
        self.stack.iter().any(|o| o.byte == b'{')
    }

    fn put(&mut self, at: usize, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(at) {
            *slot = byte;
        }
    }

    fn blank(&mut self, start: usize, end: usize) {
        if let Some(range) = self.bytes.get_mut(start..end) {
            range.fill(b' ');
        }
    }

    fn run(&mut self) {
        let mut lexer = Lexer::new(self.source);
        let mut line_start = 0;
        while let Some(token) = lexer.next() {
            match token.tok {
                Tok::Newline => {
                    self.pending.push(token.start);
                    line_start = token.end;
                }
                Tok::Blank => self.blank(token.start, token.end),
                Tok::Comment => {
                    let text = self
                        .source
                        .get(token.start + 2..token.end)
                        .unwrap_or_default();
                    self.out
                        .comments
                        .push((span(token.start, token.end), SmolStr::new(text.trim())));
                    self.blank(token.start, token.end);
                }
                Tok::Doc => {
                    self.out.docs.push(span(token.start, token.end));
                    self.blank(token.start, token.end);
                }
                _ => {
                    let first_on_line = !self.pending.is_empty() || self.last.is_none();
                    if first_on_line {
                        self.last_indent = self.indent;
                        self.indent = token.start - line_start;
                        self.line(token);
                    }
                    if token.tok == Tok::Word {
                        self.dashed(token);
                    }
                    self.significant(token, first_on_line, &lexer.marks);
                    lexer.marks.clear();
                    self.pending.clear();
                    self.last_begins = first_on_line
                        || matches!(
                            self.last.map(|l| l.tok),
                            Some(Tok::Open(b'{') | Tok::Close(b'}') | Tok::Semi)
                        );
                    self.before_last = self.last;
                    self.last = Some(token);
                }
            }
        }
    }

    /// Decides whether the line that begins with `next` goes on from the one before.
    fn line(&mut self, next: Token) {
        let Some(last) = self.last else {
            self.out.head = Some((next.start, next.end));
            let word = self.source.get(next.start..next.end).unwrap_or_default();
            self.wants_block = crate::split::KEYWORDS.contains(&word) && needs_block(word);
            return;
        };
        let in_parens = self.stack.last().is_some_and(|o| o.byte != b'{');
        let join = if in_parens {
            true
        } else {
            begins_joined(self.source, next.tok, next.start, next.end, Some(last.tok))
                || (ends_open(self.source, last.tok, last.start, last.end)
                    && !self.begins_item(last, next))
        };
        if join {
            for i in 0..self.pending.len() {
                if let Some(at) = self.pending.get(i).copied() {
                    self.put(at, b' ');
                    if in_parens {
                        self.joined.push(at);
                    }
                }
            }
            return;
        }
        // Indentation means nothing to the grammar: one run of line ends is quicker to skip.
        if let Some(first) = self.pending.first().copied()
            && let Some(blank) = self.bytes.get_mut(first..next.start)
        {
            blank.fill(b'\n');
        }
        if let Some(at) = self.pending.first().copied().filter(|_| self.heal) {
            self.lines.push((self.last_indent, at, last));
            if next.tok != Tok::Close(b'}') {
                self.close_above(at, next, last);
            }
        }
        if self.wants_block && self.stack.is_empty() && next.tok != Tok::Open(b'{') {
            self.missing_open(last);
        }
    }

    /// After an operator at the end of a line: whether the next line is surely an item of its own.
    fn begins_item(&self, last: Token, next: Token) -> bool {
        match next.tok {
            Tok::Close(b'}') => true,
            _ if last.tok == Tok::Punct(b',') => false,
            Tok::Punct(b'-') => self.source.as_bytes().get(next.end) == Some(&b'>'),
            Tok::Word => self
                .source
                .get(next.end..)
                .is_some_and(|rest| rest.starts_with(" \"") || self.begins_step(next, rest)),
            _ => false,
        }
    }

    /// `end resolved`: the word of a step and another word, which no operator joins, are no value.
    fn begins_step(&self, word: Token, rest: &str) -> bool {
        const OPERATORS: [&str; 8] = ["is", "in", "and", "or", "not", "for", "contains", "matches"];
        let first = self.source.get(word.start..word.end).unwrap_or_default();
        let rest = rest.strip_prefix(' ').unwrap_or_default();
        let second = rest
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .next()
            .unwrap_or_default();
        crate::build::words::STEPS.list.contains(&first)
            && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '{')
            && !OPERATORS.contains(&second)
    }

    fn significant(&mut self, token: Token, first_on_line: bool, marks: &Marks) {
        match token.tok {
            Tok::Open(byte) => {
                if byte == b'{' {
                    self.wants_block = false;
                }
                if self.stack.len() >= MAX_DEPTH {
                    if !self.out.too_deep {
                        self.out.too_deep = true;
                        self.out.diagnostics.push(
                            Diagnostic::error(
                                "F0101",
                                format!("brackets nest deeper than {MAX_DEPTH}"),
                                span(token.start, token.end),
                            )
                            .help("move the inner part to a node of its own"),
                        );
                    }
                    return;
                }
                self.stack.push(Open {
                    at: token.start,
                    byte,
                    indent: self.indent,
                    joined: self.joined.len(),
                    deeper: false,
                });
            }
            Tok::Close(byte) => self.close(token, byte, first_on_line),
            Tok::Semi if self.stack.last().is_none_or(|o| o.byte == b'{') => {
                self.put(token.start, b'\n');
            }
            // Where the bracket is never closed it ends an item after all.
            Tok::Semi => self.joined.push(token.start),
            Tok::Text { closed } => self.text(token, closed, marks),
            Tok::Block { closed } => self.block_text(token, closed, marks),
            Tok::Regex => self.pattern(token),
            _ => {}
        }
    }

    fn done(mut self) -> Normal {
        while self.stack.last().is_some_and(|o| o.byte != b'{') {
            self.unclosed_paren();
        }
        if let Some((at, indent)) = self
            .stack
            .iter()
            .rev()
            .find(|o| o.byte == b'{')
            .map(|o| (o.at, o.indent))
        {
            // Of several, the outermost is the one that a line of the margin fails to close.
            let (at, indent) = self
                .stack
                .first()
                .filter(|o| o.byte == b'{')
                .map_or((at, indent), |o| (o.at, o.indent));
            self.report_unclosed(at, self.last.map(|l| l.end), indent);
        }
        self.out.text =
            String::from_utf8(self.bytes).unwrap_or_else(|_| " ".repeat(self.source.len()));
        self.out
    }
}

/// The first words of a phrase, for messages.
pub(crate) fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    if line.chars().count() <= 40 {
        return line.to_owned();
    }
    let mut out: String = line.chars().take(37).collect();
    out.push_str("..");
    out
}
