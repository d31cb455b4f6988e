//! Texts and patterns: what could mislead the grammar inside them becomes a filler.

use super::{FILLER, Pass, span};
use crate::diagnostic::{Diagnostic, Edit};
use crate::lex::{Marks, Token};

impl Pass<'_> {
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

    /// A pattern between slashes.
    pub(super) fn pattern(&mut self, token: Token) {
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

    pub(super) fn text(&mut self, token: Token, closed: bool, marks: &Marks) {
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
        let finding = Diagnostic::error(
            "F0101",
            "this text has no closing quote",
            span(token.start, token.end),
        );
        // What closes a block of this line, and a comment, belong behind the quote.
        let text = text.split(" //").next().unwrap_or_default().trim_end();
        let one_line = self
            .stack
            .last()
            .is_some_and(|o| !source.get(o.at..token.start).unwrap_or("\n").contains('\n'));
        let inside = if one_line {
            text.trim_end_matches([' ', '}', ')', ']'])
        } else {
            text
        };
        // `invalid A date, please."`
        let ends_a_text = source
            .get(..token.start)
            .and_then(|before| before.chars().next_back())
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '!' | '?' | '…'));
        self.out
            .diagnostics
            .push(if ends_a_text && !inside.is_empty() {
                finding.help("the text that ends here lacks its first quote")
            } else if one_line && inside.is_empty() {
                // It closes nothing that was meant: the quote before it, or one of those, is the one that has no partner.
                finding.help(
                "on this line a text before it lacks its closing quote, or this one is too many",
            )
            } else {
                let end = token.start + 1 + inside.len();
                finding
                    .help("close it with `\"`; a text of several lines stands between `\"\"\"`")
                    .fix(
                        "write `\"`",
                        false,
                        vec![Edit {
                            at: span(end, end),
                            text: "\"".to_owned(),
                        }],
                    )
            });
    }

    pub(super) fn block_text(&mut self, token: Token, closed: bool, marks: &Marks) {
        if !closed {
            self.unclosed_block_text(token);
            return;
        }
        self.inside_texts(marks);
        // Seen by the grammar as one plain text.
        let inner_end = token.end - 3;
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
        self.fill(inner_end, inner_end + 2);
    }

    /// What an unclosed block text has swallowed is no text: nothing is read in it, and nothing is said of it but that.
    fn unclosed_block_text(&mut self, token: Token) {
        self.fill(token.start + 1, token.end);
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
