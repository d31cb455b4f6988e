//! Syntax findings in an author's words.

use super::words::{self, Words, nearest};
use super::{Builder, FlowParser, Pair, Rule};
use crate::diagnostic::{Diagnostic, Edit};
use crate::normal::{Normal, shorten};
use crate::span::Span;
use crate::split::KEYWORDS;
use pest::Parser;
use rustc_hash::FxHashSet;

const CODE: &str = "F0101";

/// How deep corrected items are read inside corrected items.
const MAX_CORRECTIONS: u32 = 4;

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
fn token_len(rest: &str) -> usize {
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

fn ends_item(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['\n', '}'])
}

/// The small word that was misspelt before what follows it: `durng office`, `contains ay [..]`, `becuse "..".`
fn word_meant(word: &str, found: &str) -> Option<&'static str> {
    let before: &'static [&'static str] = match found {
        "high" | "medium" | "standard" | "immediate" => &["priority"],
        _ if found.starts_with('"') => &["because"],
        _ if found.starts_with('[') => &["any"],
        _ if found.starts_with(|c: char| c.is_ascii_lowercase()) => &["during", "outside"],
        _ => return None,
    };
    words::nearest(word, before).filter(|meant| *meant != word)
}

/// `USD 5` and `optional money`, the way that they are written here.
fn turned(word: &str, found: &str) -> Option<String> {
    let name = |w: &str| w.starts_with(|c: char| c.is_ascii_lowercase());
    let currency = word.len() == 3 && word.bytes().all(|b| b.is_ascii_uppercase());
    let amount = found
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'));
    match word {
        _ if currency && amount => Some(format!("{found} {word}")),
        "optional" | "nullable" if name(found) => Some(format!("{found}?")),
        _ => None,
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
    fn before(&self, at: Span) -> String {
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

    fn misspelled(&mut self, word: &str, keyword: &str, at: Span, what: &str) {
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

    /// Text after a complete item.
    pub(super) fn junk(&mut self, pair: &Pair) {
        let start = pair.as_span().start();
        let input = pair.get_input();
        let rest = pair.as_str();
        let here = self.place(start, start + token_len(rest).max(1));
        let found = shorten(self.source(here));
        let before = input.get(..start).unwrap_or_default().trim_end_matches(' ');
        if self.unit_apart(before, start, rest) {
            return;
        }
        let again = |d: &Diagnostic<Span>| d.message.starts_with("unexpected `=` after");
        if pair.as_rule() == Rule::ljunk
            && rest.starts_with('=')
            && self.diagnostics.last().is_some_and(again)
        {
            // `a = 1, b = 2`: the list has values of another kind, which is said once.
            return;
        }
        if let Some(after) = rest.strip_prefix(',') {
            // Before another item it stands for `;`.
            let (title, text) = match after.trim_start_matches(' ').is_empty() {
                true => ("remove `,`", ""),
                false => ("write `;`", ";"),
            };
            self.push(
                Diagnostic::error(CODE, "unexpected `,`", here)
                    .help("items end with their line or `;`; only lists of values take commas")
                    .fix(
                        title,
                        false,
                        vec![Edit {
                            at: here,
                            text: text.to_owned(),
                        }],
                    ),
            );
            return;
        }
        if let Some(good) = turned(
            &self.before(self.place(before.len() - last_token(before), before.len())),
            &found,
        ) {
            let at = self.place(before.len() - last_token(before), start + token_len(rest));
            let what = self.source(at).to_owned();
            self.push(
                Diagnostic::error(CODE, format!("`{what}` is written `{good}`"), at)
                    .help(format!("write `{good}`"))
                    .fix(
                        format!("write `{good}`"),
                        true,
                        vec![Edit { at, text: good }],
                    ),
            );
            return;
        }
        let field = pair.as_rule() == Rule::ljunk
            && rest
                .get(token_len(rest)..)
                .is_some_and(|after| after.trim_start().starts_with(':'));
        let help = match rest.as_bytes().first() {
            _ if field => "fields end with their line or `;`".to_owned(),
            _ if pair.as_rule() == Rule::ljunk => "values are separated by commas".to_owned(),
            Some(b'"') if before.ends_with('"') => "texts are separated by commas".to_owned(),
            Some(b'{') => "nothing here takes a block".to_owned(),
            Some(b'?' | b'!' | b'.') if before.ends_with(|c: char| c.is_alphanumeric()) => {
                "a text stands between `\"`".to_owned()
            }
            Some(b')' | b']') => format!("remove `{found}`"),
            _ => "one item ends with its line; on one line items are separated by `;`".to_owned(),
        };
        let after = last_token(before);
        let at_word = self.place(before.len() - after, before.len());
        let word = self.before(at_word);
        if let Some(meant) = word_meant(&word, &found) {
            self.push(
                Diagnostic::error(CODE, format!("`{word}` is written `{meant}`"), at_word)
                    .help(format!("write `{meant}`"))
                    .fix(
                        format!("write `{meant}`"),
                        true,
                        vec![Edit {
                            at: at_word,
                            text: meant.to_owned(),
                        }],
                    ),
            );
            return;
        }
        if word == "}" && matches!(found.as_str(), "elif" | "elsif" | "elseif") {
            self.push(
                Diagnostic::error(CODE, format!("`{found}` is written `else if`"), here)
                    .help("write `else if`")
                    .fix(
                        "write `else if`",
                        true,
                        vec![Edit {
                            at: here,
                            text: "else if".to_owned(),
                        }],
                    ),
            );
            return;
        }
        // The line above ends in an arrow, which takes the first word of this one as its target.
        let above = before.get(..before.len() - after).unwrap_or_default();
        let arrow = above.trim_end();
        if rest.starts_with("->") && arrow.ends_with("->") && above.contains('\n') {
            let at = self.place(arrow.len() - 2, arrow.len());
            self.push(
                Diagnostic::error(CODE, "expected a node after `->`", at)
                    .label(here, "the next line is read as its end, up to here")
                    .help("an arrow leads to a node, `end resolved`, `end unresolved` or `escalate ..`"),
            );
            return;
        }
        let mut finding =
            Diagnostic::error(CODE, format!("unexpected `{found}` after `{word}`"), here)
                .help(help);
        // `-> escalte to people` is no node.
        if matches!(found.as_str(), "to" | "priority" | "because")
            && word != "escalate"
            && words::nearest(&word, &["escalate"]).is_some()
        {
            self.push(finding.help("did you mean `escalate`?").fix(
                "write `escalate`",
                true,
                vec![Edit {
                    at: at_word,
                    text: "escalate".to_owned(),
                }],
            ));
            return;
        }
        if field || rest.starts_with("->") || words::STEPS.list.contains(&found.as_str()) {
            finding = finding.fix(
                "write `;` before it",
                false,
                vec![Edit {
                    at: self.place(before.len(), before.len()),
                    text: ";".to_owned(),
                }],
            );
        }
        self.push(finding);
    }

    /// `5 min`, `70 %`: a number and its unit stand apart.
    pub(super) fn unit_apart(&mut self, before: &str, start: usize, rest: &str) -> bool {
        let number = before
            .bytes()
            .rev()
            .take_while(|b| b.is_ascii_digit() || matches!(b, b'_' | b'.'))
            .count();
        let tail = before.get(before.len() - number..).unwrap_or_default();
        // The dots of a range are none of the number.
        let begins = before.len() - tail.trim_start_matches('.').len();
        if begins == before.len()
            || before
                .get(..begins)
                .is_some_and(|b| b.ends_with(|c: char| c.is_ascii_alphanumeric()))
        {
            return false;
        }
        let word = rest.get(..token_len(rest)).unwrap_or_default();
        let unit = match word.to_ascii_lowercase().as_str() {
            "ms" | "millisecond" | "milliseconds" => "ms",
            "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "m" | "min" | "mins" | "minute" | "minutes" => "m",
            "h" | "hr" | "hrs" | "hour" | "hours" => "h",
            "d" | "day" | "days" => "d",
            "%" | "percent" => "%",
            _ => return false,
        };
        let digits = before.get(begins..).unwrap_or_default();
        let good = format!("{digits}{unit}");
        let at = self.place(begins, start + word.len());
        // They stand together, and something else is wrong behind them: `50%x`.
        if self.source(at) == good {
            return false;
        }
        let what = if unit == "%" {
            "a percentage"
        } else {
            "a duration"
        };
        self.push(
            Diagnostic::error(
                CODE,
                format!("{what} is written `{good}`, found `{}`", self.source(at)),
                at,
            )
            .help(format!("write `{good}`"))
            .fix(
                format!("write `{good}`"),
                true,
                vec![Edit {
                    at,
                    text: good.clone(),
                }],
            ),
        );
        true
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

    /// An item that begins like nothing known here. Reads it as the item that was meant, where that is clear.
    pub(super) fn bad(
        &mut self,
        pair: &Pair,
        words: &Words,
        item: Rule,
        then: &mut dyn FnMut(&mut Self, Pair),
    ) {
        let text = pair.as_str();
        let start = pair.as_span().start();
        let len = token_len(text).max(text.chars().next().map_or(0, char::len_utf8));
        let at = self.place(start, start + len);
        let word = self.source(at).to_owned();
        let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_word && words.list.contains(&"set") && self.assignment(text, at, item, words, then) {
            return;
        }
        if let Some(keyword) = nearest(&word, words.list).filter(|_| is_word) {
            self.misspelled(&word, keyword, at, words.what);
            if self.corrections < MAX_CORRECTIONS {
                let rest = text.get(word.len()..).unwrap_or_default();
                let corrected = format!("{keyword}{rest}");
                let base = self.base;
                let (new, old) = (keyword.len(), start + word.len());
                self.base = base + isize::try_from(old).unwrap_or_default()
                    - isize::try_from(new).unwrap_or_default();
                self.corrections += 1;
                if let Ok(pairs) = FlowParser::parse(item, &corrected) {
                    self.walk(pairs, words, item, then);
                }
                self.corrections -= 1;
                self.base = base;
            }
            return;
        }
        if matches!(word.as_str(), "," | ")" | "]") {
            self.push(
                Diagnostic::error(CODE, format!("unexpected `{word}`"), at)
                    .help(format!("remove `{word}`"))
                    .fix(
                        format!("remove `{word}`"),
                        false,
                        vec![Edit {
                            at,
                            text: String::new(),
                        }],
                    ),
            );
            return;
        }
        let found = shorten(&word);
        self.push(
            Diagnostic::error(
                CODE,
                format!("expected {}, found `{found}`", words.article),
                at,
            )
            .help(words.help.to_owned()),
        );
    }

    /// `SLOT = VALUE` without its `set`.
    fn assignment(
        &mut self,
        text: &str,
        at: Span,
        item: Rule,
        words: &Words,
        then: &mut dyn FnMut(&mut Self, Pair),
    ) -> bool {
        let path = text
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
            .count();
        let rest = text.get(path..).unwrap_or_default().trim_start_matches(' ');
        if !rest.starts_with('=') || rest.starts_with("=>") || rest.starts_with("==") {
            return false;
        }
        let slot = text.get(..path).unwrap_or_default();
        self.push(
            Diagnostic::error(CODE, "a slot is filled with `set`", at)
                .help(format!("write `set {slot} = ..`"))
                .fix(
                    "write `set`",
                    true,
                    vec![Edit {
                        at: Span::new(at.start, at.start),
                        text: "set ".to_owned(),
                    }],
                ),
        );
        if self.corrections < MAX_CORRECTIONS {
            let base = self.base;
            self.base = isize::try_from(at.start).unwrap_or_default() - 4;
            self.corrections += 1;
            if let Ok(pairs) = FlowParser::parse(item, &format!("set {text}")) {
                self.walk(pairs, words, item, then);
            }
            self.corrections -= 1;
            self.base = base;
        }
        true
    }

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

/// Length of the last token of a text.
fn last_token(text: &str) -> usize {
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
