//! Prepares the text of one declaration for the grammar, byte for byte at the same places.
//!
//! Comments become blanks, `;` a line end, free and continued line ends blanks, and what could mislead inside texts
//! (escapes, line ends, unclosed braces) a filler. So the grammar needs to know nothing of comments, continuation and
//! quoting, and every span in its result is a span of the author's text. Lexical faults are found here.

use crate::diagnostic::{Diagnostic, Edit};
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
}

/// Normalises the text of one declaration.
pub(crate) fn normalise(source: &str) -> Normal {
    let mut first = Pass::new(source, false);
    first.run();
    if first.unclosed_brace() || first.extra_close {
        // Some brace is missing: look again, closing blocks where the indentation says that they end.
        let mut second = Pass::new(source, true);
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
    indent: usize,
    wants_block: bool,
    healed: bool,
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
            indent: 0,
            wants_block: false,
            healed: false,
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
                    self.significant(token, first_on_line, &lexer.marks);
                    lexer.marks.clear();
                    self.pending.clear();
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
                .is_some_and(|rest| rest.starts_with(" \"")),
            _ => false,
        }
    }

    /// The header of a block ended without `{`: supply it in place of the line end.
    fn missing_open(&mut self, last: Token) {
        self.wants_block = false;
        let Some(at) = self.pending.first().copied() else {
            return;
        };
        self.put(at, b'{');
        self.stack.push(Open {
            at,
            byte: b'{',
            indent: 0,
            joined: self.joined.len(),
        });
        let head = self
            .source
            .get(self.out.head.map_or(0, |h| h.0)..last.end)
            .unwrap_or_default();
        self.report_open(head, last);
    }

    fn report_open(&mut self, head: &str, last: Token) {
        self.out.diagnostics.push(
            Diagnostic::error(
                "F0101",
                format!("expected `{{` after `{}`", shorten(head)),
                span(last.start, last.end),
            )
            .labelled("the block should open here")
            .help("open the block at the end of this line")
            .fix(
                "write `{`",
                true,
                vec![Edit {
                    at: span(last.end, last.end),
                    text: " {".to_owned(),
                }],
            ),
        );
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
                });
            }
            Tok::Close(byte) => self.close(token, byte, first_on_line),
            Tok::Semi if self.stack.last().is_none_or(|o| o.byte == b'{') => {
                self.put(token.start, b'\n');
            }
            Tok::Text { closed } => self.text(token, closed, marks),
            Tok::Block { closed } => self.block_text(token, closed, marks),
            Tok::Regex => {
                for at in token.start..token.end {
                    if matches!(self.bytes.get(at), Some(b'"' | b'{' | b'}' | b'\n' | b';')) {
                        self.put(at, FILLER);
                    }
                }
                // An escaped slash does not end the pattern.
                let mut at = token.start + 1;
                while at + 1 < token.end {
                    if self.source.as_bytes().get(at) == Some(&b'\\') {
                        self.fill(at, at + 2);
                        at += 2;
                    } else {
                        at += 1;
                    }
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, token: Token, byte: u8, first_on_line: bool) {
        let opener = match byte {
            b'}' => b'{',
            b')' => b'(',
            _ => b'[',
        };
        if byte == b'}' {
            while self.stack.last().is_some_and(|o| o.byte != b'{') {
                self.unclosed_paren();
            }
            if self.heal && first_on_line {
                self.heal(token);
            }
        }
        if self.stack.last().is_some_and(|o| o.byte == opener) {
            self.stack.pop();
        } else if byte == b'}' {
            self.extra_close = true;
        }
    }

    /// `}` stands left of the line that opened the innermost block and in line with an outer one: a `}` is missing.
    fn heal(&mut self, token: Token) {
        let indent = self.indent;
        if self.stack.last().is_some_and(|o| o.indent < indent) {
            self.heal_open(indent);
            return;
        }
        let fits = self
            .stack
            .iter()
            .rposition(|o| o.byte == b'{' && o.indent == indent);
        let Some(fits) = fits else { return };
        let gap = token.start.saturating_sub(self.last.map_or(0, |l| l.end));
        let mut spot = token.start;
        let mut left = gap;
        while self.stack.len() > fits + 1 && left > 0 {
            let Some(open) = self.stack.pop() else { return };
            spot -= 1;
            left -= 1;
            self.put(spot, b'}');
            self.report_unclosed(open.at, self.last.map(|l| l.end), open.indent);
        }
    }

    /// `}` stands right of the line that opened the innermost block: the line above it with its indentation lacks `{`.
    fn heal_open(&mut self, indent: usize) {
        let found = self
            .lines
            .iter()
            .rev()
            .take_while(|l| l.0 >= indent)
            .find(|l| l.0 == indent)
            .copied();
        let Some((indent, at, last)) = found else {
            return;
        };
        let taken = self.bytes.get(at) != Some(&b'\n');
        if taken || matches!(last.tok, Tok::Open(_) | Tok::Close(_)) {
            return;
        }
        self.lines.retain(|l| l.1 < at);
        self.put(at, b'{');
        self.stack.push(Open {
            at,
            byte: b'{',
            indent,
            joined: self.joined.len(),
        });
        let head = self
            .source
            .get(..last.end)
            .and_then(|s| s.rsplit('\n').next())
            .unwrap_or_default();
        self.report_open(head, last);
    }

    fn report_unclosed(&mut self, at: usize, insert: Option<usize>, indent: usize) {
        if self.healed || self.out.swallowed || self.out.too_deep {
            return;
        }
        self.healed = true;
        let line = self
            .source
            .get(..at)
            .and_then(|s| s.rsplit('\n').next())
            .unwrap_or_default()
            .trim();
        let message = if line.is_empty() {
            "this `{` is never closed".to_owned()
        } else {
            format!("the `{{` of `{}` is never closed", shorten(line))
        };
        let mut finding =
            Diagnostic::error("F0101", message, span(at, at + 1)).help("close it with `}`");
        if let Some(end) = insert {
            finding = finding
                .label(span(end, end), "a `}` is missing after this")
                .fix(
                    "write `}`",
                    false,
                    vec![Edit {
                        at: span(end, end),
                        text: format!("\n{}}}", " ".repeat(indent)),
                    }],
                );
        }
        self.out.diagnostics.push(finding);
    }

    /// A `(` or `[` whose closer did not come: the line ends inside it count again.
    fn unclosed_paren(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        for at in self.joined.split_off(open.joined.min(self.joined.len())) {
            self.put(at, b'\n');
        }
    }

    fn fill(&mut self, start: usize, end: usize) {
        for at in start..end {
            if self.bytes.get(at).is_some_and(u8::is_ascii) {
                self.put(at, FILLER);
            }
        }
    }

    fn inside_texts(&mut self, marks: &Marks) {
        for (start, end) in &marks.escapes {
            self.fill(*start, *end);
        }
        for at in &marks.lone {
            self.put(*at, FILLER);
            self.out.diagnostics.push(
                Diagnostic::error(
                    "F0101",
                    "this `{` in a text is never closed",
                    span(*at, at + 1),
                )
                .help("close the expression with `}`, or write `\\{` for a brace in the text")
                .fix(
                    "write `\\{`",
                    false,
                    vec![Edit {
                        at: span(*at, at + 1),
                        text: "\\{".to_owned(),
                    }],
                ),
            );
        }
    }

    fn text(&mut self, token: Token, closed: bool, marks: &Marks) {
        if closed {
            self.inside_texts(marks);
            return;
        }
        for (start, end) in &marks.escapes {
            self.fill(*start, *end);
        }
        for at in &marks.lone {
            self.put(*at, FILLER);
        }
        let source = self.source;
        let text = source.get(token.start + 1..token.end).unwrap_or_default();
        if text.contains(['{', '}']) {
            self.out.swallowed = true;
        }
        if self.bytes.get(token.end).is_some_and(|b| *b == b' ') {
            self.put(token.end, b'"');
        }
        self.out.diagnostics.push(
            Diagnostic::error(
                "F0101",
                "this text has no closing quote",
                span(token.start, token.end),
            )
            .help("close it with `\"`; a text of several lines stands between `\"\"\"`")
            .fix(
                "write `\"`",
                false,
                vec![Edit {
                    at: span(token.end, token.end),
                    text: "\"".to_owned(),
                }],
            ),
        );
    }

    fn block_text(&mut self, token: Token, closed: bool, marks: &Marks) {
        self.inside_texts(marks);
        // Seen by the grammar as one plain text.
        let inner_end = if closed { token.end - 3 } else { token.end };
        let interpolations = interpolations(self.source, &self.bytes, token.start + 3, inner_end);
        let mut at = token.start + 3;
        for (start, end) in interpolations.into_iter().chain([(inner_end, inner_end)]) {
            while at < start {
                if matches!(self.bytes.get(at), Some(b'"' | b'\n' | b'\r' | b'\t')) {
                    self.put(at, FILLER);
                }
                at += 1;
            }
            at = end;
        }
        self.fill(token.start + 1, token.start + 3);
        if closed {
            self.fill(inner_end, inner_end + 2);
            return;
        }
        self.out.swallowed = true;
        self.out.diagnostics.push(
            Diagnostic::error(
                "F0101",
                "this block text is never closed",
                span(token.start, token.start + 3),
            )
            .help("close it with `\"\"\"` on a line of its own"),
        );
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

/// The `{..}` of a block text, escapes and lone braces already filled.
fn interpolations(source: &str, bytes: &[u8], from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = from;
    while at < to {
        if bytes.get(at) == Some(&b'{') && source.as_bytes().get(at) == Some(&b'{') {
            let mut end = at + 1;
            let mut quoted = false;
            while end < to {
                match bytes.get(end) {
                    Some(b'"') => quoted = !quoted,
                    Some(b'}') if !quoted => break,
                    _ => {}
                }
                end += 1;
            }
            found.push((at, end));
            at = end;
        }
        at += 1;
    }
    found
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
