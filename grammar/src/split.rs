//! Cuts a file into declarations.
//!
//! The declaration is the unit of parsing, caching and error containment. One begins at a declaration keyword at the
//! start of a line outside all brackets; inside brackets too, where the line is not indented and has the shape of a
//! declaration, because then a closing brace is missing above.

use crate::lex::{Lexer, Tok, Token};
use std::ops::Range;

/// Every word that begins a declaration.
pub(crate) const KEYWORDS: &[&str] = &[
    "use",
    "include",
    "bot",
    "channel",
    "tier",
    "customer",
    "slots",
    "enum",
    "record",
    "segment",
    "knowledge",
    "intent",
    "on",
    "faq",
    "node",
    "text",
    "threshold",
    "escalate",
    "hours",
    "team",
    "route",
    "handoff",
    "assist",
    "learn",
    "targets",
    "webhook",
    "hook",
    "trigger",
    "test",
];

/// Whether a declaration of this keyword always has a block.
pub(crate) fn needs_block(keyword: &str) -> bool {
    !matches!(
        keyword,
        "use" | "include" | "segment" | "knowledge" | "on" | "hook" | "threshold" | "tier" | "team"
    )
}

/// Whether a declaration of this keyword can have a block.
pub(crate) fn may_have_block(keyword: &str) -> bool {
    needs_block(keyword) || matches!(keyword, "on" | "threshold" | "tier" | "team")
}

fn word_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest
        .bytes()
        .position(|b| !(b.is_ascii_alphanumeric() || b == b'_'))
        .unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// The name that begins a text, with the dashes that some write in names.
fn dashed_word(text: &str) -> &str {
    let mut end = word_at(text, 0).len();
    while end > 0
        && text.as_bytes().get(end) == Some(&b'-')
        && text
            .as_bytes()
            .get(end + 1)
            .is_some_and(u8::is_ascii_alphabetic)
    {
        end += 1 + word_at(text, end + 1).len();
    }
    text.get(..end).unwrap_or_default()
}

/// The word with which a declaration begins, after the comments before it; of what is no declaration, whatever stands there.
#[must_use]
pub fn keyword(decl: &str) -> &str {
    let mut lexer = Lexer::new(decl);
    let first =
        lexer.find(|t| !matches!(t.tok, Tok::Newline | Tok::Blank | Tok::Comment | Tok::Doc));
    first
        .and_then(|t| decl.get(t.start..t.end))
        .unwrap_or_default()
}

/// Whether a word begins declarations.
#[must_use]
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// Whether the line at `at` begins a declaration. `strict` asks for the whole shape of one, not only for its keyword.
pub(crate) fn starts_declaration(text: &str, at: usize, strict: bool) -> bool {
    let keyword = word_at(text, at);
    if keyword.is_empty() || !KEYWORDS.contains(&keyword) {
        return false;
    }
    let after_keyword = at + keyword.len();
    let rest = text.get(after_keyword..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let tail = line.trim_start();
    if !strict {
        return !tail.starts_with([':', ',', '.', '(']) && !tail.starts_with("->");
    }
    let name = dashed_word(tail);
    let after = tail.get(name.len()..).unwrap_or_default().trim_start();
    let next = word_at(after, 0);
    match keyword {
        "use" | "test" => tail.starts_with('"'),
        "include" => !name.is_empty() && after.is_empty(),
        "slots" | "assist" | "learn" | "targets" => tail.starts_with('{'),
        "customer" => tail.starts_with('{') || (name == "from" && !next.is_empty()),
        "on" => {
            matches!(name, "intent" | "silence") && !next.is_empty()
                || (!name.is_empty()
                    && (after.starts_with('{') || after.starts_with("->") || next == "visit"))
        }
        _ if name.is_empty() => false,
        "tier" => after.starts_with(':'),
        "threshold" => after.starts_with('='),
        "segment" => next == "when",
        "intent" => after.starts_with('{') || next == "regulated",
        "webhook" | "hook" => after.starts_with('('),
        "knowledge" | "trigger" => next == "from",
        "escalate" => !matches!(name, "to" | "priority" | "because") && line.contains('{'),
        "handoff" => after.starts_with('{') || next == "when",
        "node" => after.starts_with('{') || next == "was",
        _ => after.starts_with('{'),
    }
}

/// Whether the line at `at` begins with a keyword that begins declarations and nothing else, and a name: after a `}` in the margin
/// that is a declaration, whatever follows.
fn only_declares(text: &str, at: usize) -> bool {
    let keyword = word_at(text, at);
    let only = matches!(
        keyword,
        "enum"
            | "faq"
            | "hook"
            | "node"
            | "record"
            | "route"
            | "segment"
            | "team"
            | "threshold"
            | "tier"
            | "webhook"
    );
    let rest = text.get(at + keyword.len()..).unwrap_or_default();
    only && rest.starts_with(' ') && !word_at(rest.trim_start_matches(' '), 0).is_empty()
}

/// Whether nothing follows on a line, and the next one is indented.
pub(crate) fn body_follows(text: &str, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let mut lines = rest.split('\n');
    let here = lines.next().unwrap_or_default().trim_start();
    let next = lines.find(|l| !l.trim().is_empty()).unwrap_or_default();
    (here.is_empty() || here.starts_with("//")) && next.starts_with([' ', '\t'])
}

fn continues(text: &str, start: usize, end: usize) -> bool {
    matches!(
        text.get(start..end),
        Some("and" | "or" | "is" | "in" | "not" | "contains" | "matches")
    )
}

/// Whether a line that ends in this token goes on with the next.
pub(crate) fn ends_open(text: &str, tok: Tok, start: usize, end: usize) -> bool {
    match tok {
        Tok::Punct(b',' | b'=' | b'>' | b'<' | b'+' | b'-' | b'*' | b'/') => true,
        Tok::Punct(b'?') => start > 0 && text.as_bytes().get(start - 1) == Some(&b'?'),
        Tok::Word => continues(text, start, end),
        _ => false,
    }
}

/// Whether a line that begins with this token goes on from the one before.
pub(crate) fn begins_joined(
    text: &str,
    tok: Tok,
    start: usize,
    end: usize,
    last: Option<Tok>,
) -> bool {
    // No condition ends in a block.
    let after_block = matches!(last, Some(Tok::Close(b'}')));
    match tok {
        Tok::Word => match text.get(start..end) {
            Some("and" | "or") => !after_block,
            Some("else") => after_block,
            _ => false,
        },
        Tok::Punct(b'?') => !after_block && text.as_bytes().get(start + 1) == Some(&b'?'),
        Tok::Open(b'{') => true,
        _ => false,
    }
}

/// The declarations of a file as byte ranges, in order. Comments directly before a keyword belong to it; between the
/// ranges there is only blank space.
#[must_use]
pub fn split(text: &str) -> Vec<Range<usize>> {
    Splitter::default().run(text)
}

#[derive(Default)]
struct Splitter {
    out: Vec<Range<usize>>,
    /// The declaration that is being read.
    start: Option<usize>,
    /// One past its last token.
    end: usize,
    /// Comments that stand before the next declaration.
    lead: Option<usize>,
    lead_end: usize,
    depth: usize,
    /// A header whose `{` has not come yet.
    wants_block: bool,
    /// Its block may still come.
    may_open: bool,
    /// What is being read is no declaration.
    junk: bool,
    /// What is being read has no block.
    flat: bool,
    /// The `}` that closed it began its line, and that line was indented.
    early_close: bool,
    /// The last token was a `}` in the margin.
    margin_close: bool,
}

impl Splitter {
    fn finish(&mut self) {
        if let Some(start) = self.start.take() {
            self.out.push(start..self.end);
        }
        self.depth = 0;
        self.wants_block = false;
        self.junk = false;
        self.flat = false;
        self.early_close = false;
    }

    fn begin(&mut self, at: usize, keyword: Option<&str>) {
        self.finish();
        self.start = Some(self.lead.take().unwrap_or(at));
        self.wants_block = keyword.is_some_and(needs_block);
        self.may_open = keyword.is_some_and(may_have_block);
        self.junk = keyword.is_none();
        self.flat = keyword.is_some_and(|k| !may_have_block(k));
    }

    fn run(mut self, text: &str) -> Vec<Range<usize>> {
        let mut lexer = Lexer::new(text);
        let mut newline = true;
        let mut line_start = 0;
        let mut last: Option<(Tok, usize, usize)> = None;
        while let Some(token) = lexer.next() {
            lexer.marks.clear();
            let (start, end) = (token.start, token.end);
            match token.tok {
                Tok::Newline => {
                    newline = true;
                    line_start = end;
                    continue;
                }
                Tok::Blank => continue,
                Tok::Comment | Tok::Doc => {
                    self.comment(start, end, newline, start == line_start);
                    continue;
                }
                _ => {}
            }
            let first_on_line = newline;
            if newline {
                self.line(text, start, start == line_start, token.tok, end, last);
                newline = false;
            } else if self.start.is_none() {
                self.begin(start, None);
            } else if self.goes_on_with_another(text, &token, last) {
                self.begin(start, text.get(start..end));
            }
            self.lead = None;
            match token.tok {
                Tok::Open(b'{') => {
                    self.depth += 1;
                    self.wants_block = false;
                    self.may_open = false;
                }
                Tok::Open(_) => self.depth += 1,
                Tok::Close(b'}') if self.depth == 0 => {
                    // Behind a header it stands for the `{`.
                    let opens = self.wants_block && !first_on_line && body_follows(text, end);
                    self.depth = usize::from(opens);
                    self.wants_block = false;
                }
                Tok::Close(_) => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if token.tok == Tok::Close(b'}') && self.depth == 0 {
                self.early_close = first_on_line && start > line_start;
            }
            self.margin_close = token.tok == Tok::Close(b'}') && start == line_start;
            self.end = end;
            last = Some((token.tok, start, end));
        }
        self.finish();
        if let Some(lead) = self.lead {
            self.out.push(lead..self.lead_end);
        }
        self.out
    }

    /// Whether another declaration begins in the middle of a line: after a `;`, after a block that lacks one, or after what is none.
    fn goes_on_with_another(
        &self,
        text: &str,
        token: &Token,
        last: Option<(Tok, usize, usize)>,
    ) -> bool {
        let after_semi = last.is_some_and(|(tok, ..)| tok == Tok::Semi);
        let after_block = last.is_some_and(|(tok, ..)| tok == Tok::Close(b'}'));
        self.depth == 0
            && token.tok == Tok::Word
            && (after_semi || after_block || self.junk)
            && starts_declaration(text, token.start, !after_semi)
    }

    fn comment(&mut self, start: usize, end: usize, own_line: bool, column0: bool) {
        // In the margin it may belong to a declaration after a missing brace.
        if self.start.is_some() && (!own_line || (self.depth > 0 && !column0)) {
            self.end = end;
            return;
        }
        self.lead.get_or_insert(start);
        self.lead_end = end;
    }

    /// A line begins with a significant token.
    fn line(
        &mut self,
        text: &str,
        at: usize,
        column0: bool,
        tok: Tok,
        end: usize,
        last: Option<(Tok, usize, usize)>,
    ) {
        let keyword = if tok == Tok::Word {
            text.get(at..end)
        } else {
            None
        };
        if self.start.is_none() {
            let found = keyword.filter(|_| starts_declaration(text, at, false));
            self.begin(at, found);
            return;
        }
        if self.depth > 0 {
            let declares = starts_declaration(text, at, true)
                || (self.margin_close && only_declares(text, at));
            if column0 && tok == Tok::Word && declares {
                self.begin(at, keyword);
            } else {
                self.absorb_lead();
            }
            return;
        }
        let last_tok = last.map(|l| l.0);
        let joined = last.is_some_and(|(t, s, e)| ends_open(text, t, s, e))
            || ((self.may_open || tok != Tok::Open(b'{'))
                && begins_joined(text, tok, at, end, last_tok));
        let declares = tok == Tok::Word && starts_declaration(text, at, joined || self.wants_block);
        if declares {
            self.begin(at, keyword);
        } else if joined || self.wants_block || self.junk {
            if self.wants_block && !joined && !column0 && tok != Tok::Open(b'{') {
                // The header lacks its `{`, and this is the block.
                self.wants_block = false;
                self.depth = 1;
            }
            self.absorb_lead();
        } else if !column0 && self.flat {
            // An indented line after a declaration without a block is meant as its rest.
            self.absorb_lead();
        } else if !column0 && (self.early_close || (self.may_open && last_tok == Some(Tok::Word))) {
            // This line is indented, and the `}` above too, or there was none: a `{` is missing in between, the declaration goes on.
            self.depth = 1;
            self.absorb_lead();
        } else {
            self.begin(at, None);
        }
    }

    /// Comments inside a declaration are part of it.
    fn absorb_lead(&mut self) {
        if self.lead.take().is_some() {
            self.end = self.end.max(self.lead_end);
        }
    }
}
