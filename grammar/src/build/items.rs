//! The items of a block, one after the other: which run on, come twice or end too early.

use super::report::{CODE, token_len};
use super::words::{Words, nearest};
use super::{Builder, FlowParser, Pair, Rule};
use crate::diagnostic::{Diagnostic, Edit};
use crate::normal::shorten;
use crate::span::Span;
use pest::Parser;

/// How deep corrected items are read inside corrected items.
pub(super) const MAX_CORRECTIONS: u32 = 4;

impl Builder<'_> {
    /// Goes through the items of a block; findings of an item silence what is left over after it.
    pub(super) fn walk<'i>(
        &mut self,
        pairs: impl Iterator<Item = Pair<'i>>,
        words: &Words,
        item: Rule,
        then: &mut dyn FnMut(&mut Self, Pair),
    ) {
        let mut faulty = false;
        let mut last = None;
        let mut seen: Vec<(&'static str, Span)> = Vec::new();
        for pair in pairs {
            if !words.once.is_empty() {
                self.once(&pair, words, &mut seen);
            }
            match pair.as_rule() {
                Rule::junk | Rule::ljunk => {
                    if !faulty {
                        self.junk(&pair);
                        if pair.as_rule() == Rule::junk {
                            self.run_on(&pair, words, item, then);
                        }
                    }
                }
                Rule::stray => self.trailing_comma(&pair),
                Rule::bad => {
                    let rest_of_it = faulty && last.is_some_and(|l| self.goes_on(l, &pair, words));
                    if !rest_of_it {
                        self.bad(&pair, words, item, then);
                    }
                }
                _ => {
                    let before = self.diagnostics.len();
                    last = Some(self.span(&pair).start as usize);
                    then(self, pair);
                    faulty = self.diagnostics.len() > before;
                }
            }
        }
    }

    /// What follows an item on its line where it should have ended, if that is an item of its own: only the `;` is missing.
    fn run_on(
        &mut self,
        pair: &Pair,
        words: &Words,
        item: Rule,
        then: &mut dyn FnMut(&mut Self, Pair),
    ) {
        let text = pair.as_str();
        let len = text
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        let word = text.get(..len).unwrap_or_default();
        let arrow = text.starts_with("->") && words.list.contains(&"say");
        if !(arrow || words.list.contains(&word)) || self.corrections >= MAX_CORRECTIONS {
            return;
        }
        let base = self.base;
        self.base = base + isize::try_from(pair.as_span().start()).unwrap_or_default();
        self.corrections += 1;
        if let Ok(pairs) = FlowParser::parse(item, text) {
            let before = self.diagnostics.len();
            self.walk(pairs, words, item, then);
            // What is not whole either is reported with the rest of the line.
            self.diagnostics.truncate(before);
        }
        self.corrections -= 1;
        self.base = base;
    }

    /// Whether a line that begins like nothing known is the rest of the faulty item above it: it is indented below that.
    fn goes_on(&self, above: usize, bad: &Pair, words: &Words) -> bool {
        let at = self.span(bad).start as usize;
        let indent = |at: usize| {
            let before = self.src.get(..at).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            line.trim().is_empty().then_some(line.len())
        };
        let deeper = match (indent(above), indent(at)) {
            (Some(above), Some(at)) => at > above,
            _ => false,
        };
        let word = bad
            .as_str()
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .next()
            .unwrap_or_default();
        deeper && nearest(word, words.list).is_none()
    }

    /// Reports an item that may stand once in its block and stood there before.
    fn once(&mut self, pair: &Pair, words: &Words, seen: &mut Vec<(&'static str, Span)>) {
        let text = pair.as_str();
        let len = text
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        let word = text.get(..len).unwrap_or_default();
        let Some(word) = words.once.iter().find(|w| **w == word) else {
            return;
        };
        // An answer may be called like an item.
        if matches!(pair.as_rule(), Rule::arm | Rule::limit | Rule::bad) {
            return;
        }
        let start = pair.as_span().start();
        let at = self.place(start, start + len);
        match seen.iter().find(|(before, _)| before == word) {
            Some((_, first)) => {
                let first = *first;
                self.push(
                    Diagnostic::error("F0202", format!("`{word}` stands twice in one block"), at)
                        .labelled("again here")
                        .label(first, "first here")
                        .help(format!("keep one `{word}`")),
                );
            }
            None => seen.push((word, at)),
        }
    }

    /// What is left after a whole declaration.
    pub(super) fn tail(&mut self, pair: &Pair) {
        if !self.diagnostics.is_empty() {
            return;
        }
        let text = pair.as_str();
        let skipped = text.len() - text.trim_start_matches([' ', '\n']).len();
        let rest = text.get(skipped..).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        let start = pair.as_span().start() + skipped;
        let here = self.place(start, start + token_len(rest).max(1));
        let found = shorten(self.source(here));
        if rest.starts_with('}') {
            self.push(
                Diagnostic::error(CODE, "this `}` closes nothing", here)
                    .help("remove it, or look for a block above that closes too early")
                    .fix(
                        "remove `}`",
                        false,
                        vec![Edit {
                            at: here,
                            text: String::new(),
                        }],
                    ),
            );
            return;
        }
        let input = pair.get_input();
        let before = input.get(..start).unwrap_or_default().trim_end_matches(' ');
        if self.unit_apart(before, start, rest) {
            return;
        }
        let end = before.trim_end_matches([' ', '\n']).len();
        if let Some(close) = end
            .checked_sub(1)
            .filter(|_| before.get(..end).is_some_and(|b| b.ends_with('}')))
        {
            let at = self.place(close, end);
            self.push(
                Diagnostic::error(
                    CODE,
                    format!("this `}}` ends the declaration, and `{found}` follows"),
                    at,
                )
                .label(here, "belongs to nothing")
                .help("remove the brace if it is one too many, or move what follows into the block")
                .fix(
                    "remove `}`",
                    false,
                    vec![Edit {
                        at,
                        text: String::new(),
                    }],
                ),
            );
            return;
        }
        if before.ends_with('\n') && rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.expected_at(
                "`{`",
                input,
                end,
                "what a declaration holds stands between `{` and `}`",
            );
            return;
        }
        self.error(
            format!("unexpected `{found}` after the declaration"),
            here,
            "a declaration ends with its block or its line",
        );
    }
}
