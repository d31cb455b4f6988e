//! Names written with dashes: read with underscores, and reported.

use super::{Pass, span};
use crate::diagnostic::{Diagnostic, Edit};
use crate::lex::{Tok, Token};

/// The words after which a name stands, where they begin an item.
const BEFORE_A_NAME: [&str; 11] = [
    "ask", "call", "choose", "clear", "escalate", "form", "set", "start", "tag", "verify", "visit",
];

impl Pass<'_> {
    /// `track-order` where only a name can stand: nobody means a difference there.
    pub(super) fn dashed(&mut self, token: Token) {
        let bytes = self.source.as_bytes();
        let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
        if bytes.get(token.end) != Some(&b'-') || !letter(token.end + 1) || !self.name_expected() {
            return;
        }
        let mut end = token.end;
        while bytes.get(end) == Some(&b'-') && letter(end + 1) {
            end += 1;
            while bytes
                .get(end)
                .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
            {
                end += 1;
            }
        }
        let written = self.source.get(token.start..end).unwrap_or_default();
        let meant = written.replace('-', "_");
        for at in token.start..end {
            if bytes.get(at) == Some(&b'-') {
                self.put(at, b'_');
            }
        }
        let at = span(token.start, end);
        self.out.diagnostics.push(
            Diagnostic::error(
                "F0101",
                format!("`{written}` is no name: names have no `-`"),
                at,
            )
            .help(format!("write `{meant}`"))
            .fix(
                format!("write `{meant}`"),
                true,
                vec![Edit { at, text: meant }],
            ),
        );
    }

    /// Whether nothing but a name can stand after the last token: after the keyword of a declaration, an arrow, `visit` and the like.
    fn name_expected(&self) -> bool {
        let Some(last) = self.last else { return false };
        let word = self.source.get(last.start..last.end).unwrap_or_default();
        match last.tok {
            Tok::Word if self.out.head == Some((last.start, last.end)) => {
                crate::split::KEYWORDS.contains(&word)
            }
            Tok::Word => word == "intent" || (self.last_begins && BEFORE_A_NAME.contains(&word)),
            Tok::Punct(b'>') => self
                .before_last
                .is_some_and(|b| b.tok == Tok::Punct(b'-') && b.end == last.start),
            _ => false,
        }
    }
}
