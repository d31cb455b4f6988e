//! Parts that must be there, and lists of them.

use super::question::Parts;
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::{Name, Spanned};

impl Builder<'_> {
    pub(super) fn need_text(
        &mut self,
        part: Option<Pair>,
        item: &Pair,
        usage: &str,
    ) -> Option<TextRef> {
        match part {
            Some(part) => Some(self.text_ref(part)),
            None => {
                // It is missing before the block, however far down that ends.
                let block = item
                    .clone()
                    .into_inner()
                    .find(|p| p.as_str().starts_with('{'));
                let input = item.get_input();
                match block.and_then(|b| input.get(..b.as_span().start())) {
                    Some(head) => {
                        let end = head.trim_end_matches([' ', '\n']).len();
                        self.expected_at("a text", input, end, usage);
                    }
                    None => self.expected("a text", item, usage),
                }
                None
            }
        }
    }

    pub(super) fn need_lit(
        &mut self,
        part: Option<Pair>,
        item: &Pair,
        usage: &str,
    ) -> Option<TextLit> {
        match part {
            Some(part) => Some(self.text(part)),
            None => {
                self.expected("a text in quotes", item, usage);
                None
            }
        }
    }

    pub(super) fn need_path(
        &mut self,
        part: Option<Pair>,
        what: &str,
        item: &Pair,
        usage: &str,
    ) -> Option<Path> {
        match part {
            Some(part) => Some(self.path(&part)),
            None => {
                self.expected(what, item, usage);
                None
            }
        }
    }

    pub(super) fn need_name(
        &mut self,
        part: Option<Pair>,
        what: &str,
        item: &Pair,
        usage: &str,
    ) -> Option<Name> {
        match part {
            Some(part) => Some(self.name(&part)),
            None => {
                self.expected(what, item, usage);
                None
            }
        }
    }

    pub(super) fn need_expr(
        &mut self,
        part: Option<Pair>,
        what: &str,
        item: &Pair,
        usage: &str,
    ) -> Option<Expr> {
        match part {
            Some(part) => Some(self.expr(part)),
            None => {
                self.expected(what, item, usage);
                None
            }
        }
    }

    pub(super) fn need_duration(
        &mut self,
        part: Option<Pair>,
        item: &Pair,
        usage: &str,
    ) -> Option<Spanned<i64>> {
        match part {
            Some(part) => self.duration(&part, usage),
            None => {
                self.expected("a duration", item, usage);
                None
            }
        }
    }

    pub(super) fn need_whole(
        &mut self,
        part: Option<Pair>,
        item: &Pair,
        usage: &str,
    ) -> Option<Spanned<u32>> {
        match part {
            Some(part) => self.whole(&part, usage),
            None => {
                self.expected("a number", item, usage);
                None
            }
        }
    }

    /// Names separated by commas; at least one.
    pub(super) fn name_list(
        &mut self,
        parts: &mut Parts,
        what: &str,
        item: &Pair,
        usage: &str,
    ) -> Vec<Name> {
        let mut out = Vec::new();
        while let Some(part) = parts.get(Rule::name) {
            out.push(self.name(&part));
        }
        self.list_end(parts, out.is_empty(), what, item, usage);
        out
    }

    pub(super) fn path_list(
        &mut self,
        parts: &mut Parts,
        what: &str,
        item: &Pair,
        usage: &str,
    ) -> Vec<Path> {
        let mut out = Vec::new();
        while let Some(part) = parts.get(Rule::path) {
            out.push(self.path(&part));
        }
        self.list_end(parts, out.is_empty(), what, item, usage);
        out
    }

    pub(super) fn text_list(
        &mut self,
        parts: &mut Parts,
        item: &Pair,
        usage: &str,
    ) -> Vec<TextLit> {
        let mut out = Vec::new();
        while let Some(part) = parts.get(Rule::text) {
            out.push(self.text(part));
        }
        self.list_end(parts, out.is_empty(), "a text in quotes", item, usage);
        out
    }

    /// The small words between an item's keyword and what follows them, as `with` in `continue with ai`. Those that are
    /// missing are said at once, with the edit that inserts them.
    pub(super) fn small_words(&mut self, item: &Pair, words: &[&str], usage: &str) {
        let text = item.as_str();
        let word_len = |rest: &str| {
            rest.bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                .count()
        };
        let mut end = word_len(text);
        let mut missing: Vec<&str> = Vec::new();
        let mut edits: Vec<(usize, String)> = Vec::new();
        for word in words {
            let rest = text.get(end..).unwrap_or_default();
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            let next = rest.get(blanks..).unwrap_or_default();
            if next.get(..word_len(next)) == Some(*word) {
                end += blanks + word.len();
                continue;
            }
            let written = next.get(..word_len(next)).unwrap_or_default();
            if missing.is_empty() && super::words::alike(written, word) {
                let start = item.as_span().start() + end + blanks;
                let at = self.place(start, start + written.len());
                self.push(
                    Diagnostic::error("F0101", format!("`{written}` is written `{word}`"), at)
                        .help(usage)
                        .fix(
                            format!("write `{word}`"),
                            true,
                            vec![Edit {
                                at,
                                text: (*word).to_owned(),
                            }],
                        ),
                );
                return;
            }
            missing.push(word);
            match edits.last_mut() {
                Some((at, insert)) if *at == end => {
                    insert.push(' ');
                    insert.push_str(word);
                }
                _ => edits.push((end, format!(" {word}"))),
            }
        }
        let Some((first, _)) = edits.first() else {
            return;
        };
        let start = item.as_span().start();
        let words = missing.join(" ");
        let what = format!("`{words}`");
        self.expected_at(&what, item.get_input(), start + first, usage);
        let edits = edits.into_iter().map(|(at, text)| (start + at, text));
        let edits = edits.collect();
        self.insertion(&words, edits);
    }

    /// Adds to the last finding the repair that inserts these words, at positions of the normalised text.
    pub(super) fn insertion(&mut self, words: &str, edits: Vec<(usize, String)>) {
        let edits = edits
            .into_iter()
            .map(|(at, text)| Edit {
                at: self.place(at, at),
                text,
            })
            .collect();
        if let Some(finding) = self.diagnostics.pop() {
            self.push(finding.fix(format!("insert `{words}`"), true, edits));
        }
    }

    /// A comma at the end of a list, or an empty list.
    pub(super) fn list_end(
        &mut self,
        parts: &mut Parts,
        empty: bool,
        what: &str,
        item: &Pair,
        usage: &str,
    ) {
        if let Some(comma) = parts.get(Rule::stray) {
            let rest = comma
                .get_input()
                .get(comma.as_span().end()..)
                .unwrap_or_default()
                .trim_start_matches(' ');
            if rest.is_empty() || rest.starts_with(['\n', '}', '|']) {
                self.trailing_comma(&comma);
            } else {
                self.expected_at(what, comma.get_input(), comma.as_span().end(), usage);
            }
        } else if empty {
            self.expected(what, item, usage);
        }
    }

    /// Words in a declaration's or a step's header that do not fit.
    pub(super) fn header_junk(&mut self, parts: &mut Parts, before: usize) {
        if let Some(junk) = parts.get(Rule::hjunk)
            && self.diagnostics.len() == before
        {
            self.junk(&junk);
        }
    }
}
