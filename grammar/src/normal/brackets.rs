//! Brackets: which closes which, and where one is missing.
//!
//! A block whose `{` or `}` is missing is healed where the indentation says what was meant: the missing brace is put into
//! the blank space there, and reported.

use super::{Open, Pass, shorten, span};
use crate::diagnostic::{Diagnostic, Edit};
use crate::lex::{Tok, Token};

impl Pass<'_> {
    /// The header of a block ended without `{`: supply it in place of the line end.
    pub(super) fn missing_open(&mut self, last: Token) {
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
            deeper: false,
        });
        let head = self
            .source
            .get(self.out.head.map_or(0, |h| h.0)..last.end)
            .unwrap_or_default();
        self.report_open(head, last);
    }

    /// The header of a block ended with `}`: it stands for `{`.
    fn turned_open(&mut self, token: Token) {
        self.wants_block = false;
        self.put(token.start, b'{');
        self.stack.push(Open {
            at: token.start,
            byte: b'{',
            indent: 0,
            joined: self.joined.len(),
            deeper: false,
        });
        let head = self.out.head.map_or(0, |h| h.0)..token.start;
        let head = self.source.get(head).unwrap_or_default().trim_end();
        let at = span(token.start, token.end);
        self.out.diagnostics.push(
            Diagnostic::error(
                "F0101",
                format!("expected `{{` after `{}`, found `}}`", shorten(head)),
                at,
            )
            .help("open the block with `{`")
            .fix(
                "write `{`",
                true,
                vec![Edit {
                    at,
                    text: "{".to_owned(),
                }],
            ),
        );
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

    pub(super) fn close(&mut self, token: Token, byte: u8, first_on_line: bool) {
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
        } else if byte == b'}'
            && self.wants_block
            && self.stack.is_empty()
            && crate::split::body_follows(self.source, token.end)
        {
            self.turned_open(token);
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

    /// A line stands no further right than the one that opened the innermost block, which has something in it: the block ended
    /// with the line above.
    pub(super) fn close_above(&mut self, line_end: usize, next: Token, last: Token) {
        let indent = self.indent;
        // One line end has to stay.
        let mut room = line_end..next.start.saturating_sub(1);
        while self.too_few && self.stack.len() > 1 {
            let Some(open) = self.stack.last() else {
                return;
            };
            if open.byte != b'{' || open.indent < indent {
                break;
            }
            let filled = open.deeper || {
                let rest = self.source.get(open.at + 1..).unwrap_or_default();
                let rest = rest.split('\n').next().unwrap_or_default().trim_start();
                !rest.is_empty() && !rest.starts_with("//")
            };
            let (at, of_line) = (open.at, open.indent);
            let Some(spot) = room.next().filter(|_| filled) else {
                return;
            };
            self.stack.pop();
            self.put(spot, b'}');
            self.report_unclosed(at, Some(last.end), of_line);
        }
        if let Some(open) = self.stack.last_mut() {
            open.deeper |= indent > open.indent;
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
        // Without a line between them that is one brace too many, not one too few.
        if self.lines.last().is_some_and(|l| l.1 == at) {
            return;
        }
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
            deeper: false,
        });
        let head = self
            .source
            .get(..last.end)
            .and_then(|s| s.rsplit('\n').next())
            .unwrap_or_default();
        self.report_open(head, last);
    }

    pub(super) fn report_unclosed(&mut self, at: usize, insert: Option<usize>, indent: usize) {
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
            let one_line = !self.source.get(at..end).unwrap_or_default().contains('\n');
            let text = if one_line {
                " }".to_owned()
            } else {
                format!("\n{}}}", " ".repeat(indent))
            };
            finding = finding
                .label(span(end, end), "a `}` is missing after this")
                .fix(
                    "write `}`",
                    false,
                    vec![Edit {
                        at: span(end, end),
                        text,
                    }],
                );
        }
        self.out.diagnostics.push(finding);
    }

    /// A `(` or `[` whose closer did not come: the line ends inside it count again.
    pub(super) fn unclosed_paren(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        for at in self.joined.split_off(open.joined.min(self.joined.len())) {
            self.put(at, b'\n');
        }
    }
}
