//! Syntax findings in an author's words.

use super::words::{self, nearest};
use super::{Builder, Pair};
use crate::diagnostic::{Diagnostic, Edit};
use crate::normal::{Normal, shorten};
use crate::span::Span;
use crate::split::KEYWORDS;
use rustc_hash::FxHashSet;

pub(super) const CODE: &str = "F0101";

/// One fault, one finding: on a line with a lexical fault (the first `lexical` findings) what the grammar found follows
/// from it. Sorts by place.
pub(crate) fn tidy(text: &str, lexical: usize, found: &mut Vec<Diagnostic<Span>>) {
    if found.len() < 2 {
        return;
    }
    let place = |d: &Diagnostic<Span>| d.labels.first().map_or(0, |l| l.at.start as usize);
    let mut keyed: Vec<(usize, bool, Diagnostic<Span>)> = found
        .drain(..)
        .enumerate()
        .map(|(n, d)| (place(&d), n < lexical, d))
        .collect();
    keyed.sort_by_key(|(at, ..)| *at);
    // Line numbers, counted on in one pass.
    let (mut line, mut from) = (0_usize, 0_usize);
    let mut lines = Vec::with_capacity(keyed.len());
    for (at, ..) in &keyed {
        line += text
            .as_bytes()
            .get(from..*at)
            .unwrap_or_default()
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        from = (*at).max(from);
        lines.push(line);
    }
    let faulty: FxHashSet<usize> = keyed
        .iter()
        .zip(&lines)
        .filter(|((_, lex, _), _)| *lex)
        .map(|(_, l)| *l)
        .collect();
    for ((_, is_lexical, finding), line) in keyed.into_iter().zip(lines) {
        if is_lexical || !faulty.contains(&line) {
            found.push(finding);
        }
    }
}

/// The first token of a piece of normalised text, as a byte length.
pub(super) fn token_len(rest: &str) -> usize {
    let first = rest.chars().next();
    match first {
        None => 0,
        Some('"') => rest
            .get(1..)
            .and_then(|r| r.find(['"', '\n']))
            .map_or(rest.len(), |n| {
                n + 1 + usize::from(rest.as_bytes().get(n + 1) == Some(&b'"'))
            }),
        Some(c) if c.is_ascii_alphanumeric() || c == '_' => rest
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'%')))
            .unwrap_or(rest.len()),
        Some('-' | '=') if rest.as_bytes().get(1) == Some(&b'>') => 2,
        Some(c) => c.len_utf8(),
    }
}

pub(super) fn ends_item(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['\n', '}'])
}

/// Length of the last token of a text.
pub(super) fn last_token(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.last() {
        None => 0,
        Some(b'"') => text
            .get(..text.len() - 1)
            .and_then(|t| t.rfind(['"', '\n']))
            .map_or(1, |at| text.len() - at),
        Some(b) if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'%') => bytes
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'%' | b'.'))
            .count(),
        Some(b'>') if text.ends_with("->") => 2,
        Some(b'?') if text.ends_with("??") => 2,
        Some(_) => text.chars().next_back().map_or(1, char::len_utf8),
    }
}

impl Builder<'_> {
    pub(super) fn push(&mut self, finding: Diagnostic<Span>) {
        self.diagnostics.push(finding);
    }

    pub(super) fn error(&mut self, message: impl Into<String>, at: Span, help: &str) {
        self.push(Diagnostic::error(CODE, message, at).help(help));
    }

    /// Reports that `what` was expected where `pair` ends. `usage` shows the whole construct.
    pub(super) fn expected(&mut self, what: &str, pair: &Pair, usage: &str) {
        let at = pair.as_span();
        let whole = pair.as_str().trim_end_matches([' ', '\n']);
        // What is missing before a block of several lines is missing on its first.
        let before_the_block = whole.split_once('\n').and_then(|(first, _)| {
            let head = first.trim_end_matches(' ').strip_suffix('{')?;
            whole
                .ends_with('}')
                .then(|| head.trim_end_matches(' ').len())
        });
        let end = at.start() + before_the_block.unwrap_or(whole.len());
        self.expected_at(what, pair.get_input(), end, usage);
    }

    /// The same at a position of the normalised text.
    pub(super) fn expected_at(&mut self, what: &str, input: &str, end: usize, usage: &str) {
        let before = input.get(..end).unwrap_or_default();
        let rest = input.get(end..).unwrap_or_default();
        let next = rest.trim_start_matches(' ');
        let next_at = end + (rest.len() - next.len());
        let last = last_token(before);
        let last_span = self.place(end - last, end);
        let word = self.before(last_span);
        let after = if word.is_empty() {
            String::new()
        } else {
            format!(" after `{word}`")
        };
        let finding = if ends_item(next) {
            Diagnostic::error(CODE, format!("expected {what}{after}"), last_span)
        } else {
            let here = self.place(next_at, next_at + token_len(next));
            let found = shorten(self.source(here));
            Diagnostic::error(
                CODE,
                format!("expected {what}{after}, found `{found}`"),
                here,
            )
        };
        self.push(finding.help(usage));
    }

    /// The words at a place; at the start of a declaration's rest that is its keyword.
    pub(super) fn before(&self, at: Span) -> String {
        let text = self.source(at).trim();
        if !text.is_empty() {
            return shorten(text);
        }
        let head = self
            .src
            .get(..at.start as usize)
            .unwrap_or_default()
            .trim_end();
        let len = last_token(head);
        head.get(head.len() - len..).unwrap_or_default().to_owned()
    }

    /// What stands in place of a declaration. The keyword that was meant, where that is clear.
    pub(super) fn no_declaration(
        &mut self,
        normal: &Normal,
        start: usize,
        end: usize,
    ) -> Option<&'static str> {
        let at = crate::normal::span(start, end);
        let word = self.source(at).to_owned();
        let rest = normal
            .text
            .get(end..)
            .unwrap_or_default()
            .trim_start_matches(' ');
        if word == "}" {
            self.push(
                Diagnostic::error(CODE, "this `}` closes nothing", at)
                    .help("remove it, or look for a block above that closes too early")
                    .fix(
                        "remove `}`",
                        false,
                        vec![Edit {
                            at,
                            text: String::new(),
                        }],
                    ),
            );
            return None;
        }
        let declares =
            rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '{' | '"'));
        // Of two words that are alike, the one that a title follows.
        let test = rest
            .starts_with('"')
            .then(|| nearest(&word, &["test"]))
            .flatten();
        if declares && let Some(keyword) = test.or_else(|| nearest(&word, KEYWORDS)) {
            self.misspelled(&word, keyword, at, "declaration");
            return Some(keyword);
        }
        if word == "/" && rest.starts_with('*') {
            self.error(
                "a comment begins with `//` and ends with its line",
                at,
                "write `// ..`, on every line of the comment",
            );
            return None;
        }
        if words::STEPS.list.contains(&word.as_str()) {
            self.error(
                format!("`{word}` stands outside a node"),
                at,
                "steps belong into a `node NAME { .. }`; perhaps a `}` above closes it too early",
            );
            return None;
        }
        self.error(
            format!("expected a declaration, found `{}`", shorten(&word)),
            at,
            "a declaration begins with a keyword such as `node`, `intent` or `escalate`",
        );
        None
    }

    pub(super) fn misspelled(&mut self, word: &str, keyword: &str, at: Span, what: &str) {
        self.push(
            Diagnostic::error(CODE, format!("unknown {what} `{word}`"), at)
                .labelled(format!("did you mean `{keyword}`?"))
                .help(format!("did you mean `{keyword}`?"))
                .fix(
                    format!("write `{keyword}`"),
                    true,
                    vec![Edit {
                        at,
                        text: keyword.to_owned(),
                    }],
                ),
        );
    }

    pub(super) fn trailing_comma(&mut self, pair: &Pair) {
        let at = self.span(pair);
        self.push(
            Diagnostic::error(CODE, "a list does not end with a comma", at)
                .help("remove the comma, or write another value after it")
                .fix(
                    "remove `,`",
                    true,
                    vec![Edit {
                        at,
                        text: String::new(),
                    }],
                ),
        );
    }
}
