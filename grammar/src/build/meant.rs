//! What an author probably meant by what the grammar does not know.

use super::items::MAX_CORRECTIONS;
use super::report::{CODE, last_token, token_len};
use super::words::{self, Words, nearest};
use super::{Builder, FlowParser, Pair, Rule};
use crate::diagnostic::{Diagnostic, Edit};
use crate::normal::shorten;
use crate::span::Span;
use pest::Parser;

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
}
