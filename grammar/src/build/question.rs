//! Arms, targets, cells and the blocks of questions; and the helpers with which builders take their parts.

use super::words::{self, Words, nearest};
use super::{Builder, Pair, Rule};
use crate::ast::{Arm, ArmHead, BinaryOp, Escalate, QuestionBlock, Target, Then};
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::{Name, Span, Spanned};
use pest::iterators::Pairs;
use std::iter::Peekable;

/// The parts of a pair, taken in the order of the grammar.
pub(super) struct Parts<'i>(Peekable<Pairs<'i, Rule>>);

impl<'i> Parts<'i> {
    pub(super) fn of(pair: Pair<'i>) -> Self {
        Self(pair.into_inner().peekable())
    }

    pub(super) fn get(&mut self, rule: Rule) -> Option<Pair<'i>> {
        self.0.next_if(|p| p.as_rule() == rule)
    }

    pub(super) fn take_text_ref(&mut self) -> Option<Pair<'i>> {
        self.0
            .next_if(|p| matches!(p.as_rule(), Rule::text | Rule::path))
    }

    pub(super) fn peek(&mut self) -> Option<Rule> {
        self.0.peek().map(Pair::as_rule)
    }

    pub(super) fn row(&mut self) -> &mut Peekable<Pairs<'i, Rule>> {
        &mut self.0
    }
}

impl<'i> Iterator for Parts<'i> {
    type Item = Pair<'i>;

    fn next(&mut self) -> Option<Pair<'i>> {
        self.0.next()
    }
}

/// The words of an arm that are no labels, by the construct they stand in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heads {
    /// Labels, and these words.
    Labels(&'static [&'static str]),
    /// Only these words.
    Only(&'static [&'static str]),
}

impl Builder<'_> {
    // ---- parts with their "expected"

    /// `-> TARGET`.
    pub(super) fn goto(&mut self, pair: Pair) -> Target {
        let whole = pair.clone();
        let mut parts = Parts::of(pair);
        if let Some(wrong) = parts.get(Rule::wrong_arrow) {
            let at = self.span(&wrong);
            self.push(
                Diagnostic::error(
                    "F0101",
                    format!("an arrow is written `->`, found `{}`", wrong.as_str()),
                    at,
                )
                .help("write `->`")
                .fix(
                    "write `->`",
                    true,
                    vec![Edit {
                        at,
                        text: "->".to_owned(),
                    }],
                ),
            );
        }
        match parts.next() {
            Some(target) => self.target(target),
            None => {
                self.expected(
                    "a node",
                    &whole,
                    "an arrow leads to a node, `end resolved`, `end unresolved` or `escalate ..`",
                );
                Target::Error(self.span(&whole))
            }
        }
    }

    pub(super) fn target(&mut self, pair: Pair) -> Target {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::t_end => match self.end(pair) {
                Some(resolved) => Target::End(Spanned::new(resolved, span)),
                None => Target::Error(span),
            },
            Rule::escalate => Target::Escalate(Box::new(self.escalate(pair))),
            Rule::t_back => Target::Back(span),
            _ => Target::Node(self.path(&pair)),
        }
    }

    /// `end resolved`, `end unresolved`.
    pub(super) fn end(&mut self, pair: Pair) -> Option<bool> {
        const USAGE: &str = "write `end resolved` or `end unresolved`";
        let whole = pair.clone();
        let Some(word) = pair.into_inner().next() else {
            self.expected("`resolved` or `unresolved`", &whole, USAGE);
            return None;
        };
        match word.as_str() {
            "resolved" => Some(true),
            "unresolved" => Some(false),
            other => {
                let message =
                    format!("expected `resolved` or `unresolved` after `end`, found `{other}`");
                let at = self.span(&word);
                self.error(message, at, USAGE);
                None
            }
        }
    }

    pub(super) fn escalate(&mut self, pair: Pair) -> Escalate {
        let span = self.span(&pair);
        let mut out = Escalate {
            rule: None,
            to: None,
            priority: None,
            because: None,
            span,
        };
        let mut seen: Vec<(Rule, Span)> = Vec::new();
        for part in pair.into_inner() {
            let item = part.clone();
            self.once_here(&part, &mut seen);
            match part.as_rule() {
                Rule::path => out.rule = Some(self.path(&part)),
                Rule::esc_to => {
                    let name = Parts::of(part).get(Rule::name);
                    out.to = self.need_name(name, "a tier", &item, "write `escalate to TIER`");
                }
                Rule::esc_priority => out.priority = self.priority(part),
                _ => {
                    let text = Parts::of(part).take_text_ref();
                    out.because = self.need_text(text, &item, "write `because \"reason\"`");
                }
            }
        }
        out
    }

    /// Reports `because` and the like where they stand a second time.
    fn once_here(&mut self, part: &Pair, seen: &mut Vec<(Rule, Span)>) {
        let (rule, at) = (part.as_rule(), self.span(part));
        match seen.iter().find(|(r, _)| *r == rule) {
            Some((_, first)) => {
                let first = *first;
                let word = part.as_str().split(' ').next().unwrap_or_default();
                self.push(
                    Diagnostic::error("F0202", format!("`{word}` stands twice in one step"), at)
                        .labelled("again here")
                        .label(first, "first here")
                        .help(format!("keep one `{word}`")),
                );
            }
            None => seen.push((rule, at)),
        }
    }

    pub(super) fn priority(&mut self, pair: Pair) -> Option<Name> {
        let item = pair.clone();
        let name = Parts::of(pair).find(|p| p.as_rule() == Rule::name);
        self.need_name(
            name,
            "a priority",
            &item,
            "priorities are immediate, high, medium and standard",
        )
    }

    // ---- arms

    /// `-> TARGET`, `{ .. }`, or a target whose arrow was forgotten.
    pub(super) fn then(&mut self, part: Option<Pair>, item: &Pair) -> Option<Then> {
        let Some(part) = part else {
            self.expected(
                "`->` or a block",
                item,
                "say where it leads: `-> node`, or what happens: `{ .. }`",
            );
            return None;
        };
        match part.as_rule() {
            Rule::goto => Some(Then::Target(self.goto(part))),
            Rule::body => Some(Then::Body(self.body(part))),
            _ => {
                let at = self.span(&part);
                let text = self.source(at).to_owned();
                let target = part.clone().into_inner().next();
                let named = target.is_some_and(|t| t.as_rule() == Rule::path);
                let head = ["case", "when"].into_iter().find(|head| {
                    let rest = item.as_str().trim_start().strip_prefix(head);
                    rest.is_some_and(|rest| rest.starts_with(' '))
                });
                if let Some(head) = head.filter(|_| named) {
                    let start = self.span(item).start;
                    self.push(
                        Diagnostic::error(
                            "F0101",
                            format!("an arm begins with its value, found `{head}`"),
                            Span::new(start, start + 4),
                        )
                        .help(format!("write `{text}` alone"))
                        .fix(
                            format!("remove `{head}`"),
                            true,
                            vec![Edit {
                                at: Span::new(start, at.start),
                                text: String::new(),
                            }],
                        ),
                    );
                    return None;
                }
                if named && words::STEPS.list.contains(&text.as_str()) {
                    self.error(
                        format!("expected `->` or a block before `{text}`"),
                        at,
                        &format!("steps of an answer stand in braces: `{{ {text} .. }}`"),
                    );
                    return None;
                }
                self.push(
                    Diagnostic::error(
                        "F0101",
                        format!("expected `->` before `{}`", crate::normal::shorten(&text)),
                        at,
                    )
                    .help(format!("write `-> {}`", crate::normal::shorten(&text)))
                    .fix(
                        "write `->`",
                        true,
                        vec![Edit {
                            at: Span::new(at.start, at.start),
                            text: "-> ".to_owned(),
                        }],
                    ),
                );
                part.into_inner()
                    .next()
                    .map(|target| Then::Target(self.target(target)))
            }
        }
    }

    /// An arm; `None` if its head was none and has been reported.
    pub(super) fn arm(&mut self, pair: Pair, heads: Heads) -> Option<Arm> {
        let item = pair.clone();
        let span = self.span(&pair);
        let intent = pair.as_rule() == Rule::q_intent;
        let mut parts = Parts::of(pair);
        if intent {
            let intents = self.path_list(
                &mut parts,
                "an intent",
                &item,
                "write `intent NAME -> node`",
            );
            let head_span = intents
                .iter()
                .fold(Span::new(span.start, span.start + 6), |s, p| s.to(p.span));
            let then = if intents.is_empty() {
                None
            } else {
                self.then(parts.next(), &item)
            };
            return Some(Arm {
                head: ArmHead::Intent(intents),
                head_span,
                then,
                span,
            });
        }
        let head = parts.next()?;
        let head_span = self.span(&head);
        let known: &'static [&'static str] = match heads {
            Heads::Labels(words) | Heads::Only(words) => words,
        };
        let written = head.as_str();
        let is_name = matches!(head.as_rule(), Rule::path | Rule::kw);
        let mut word = if is_name && (written == "otherwise" || known.contains(&written)) {
            Some(written)
        } else {
            None
        };
        if is_name && written == "else" {
            self.otherwise_meant(head_span);
            word = Some("otherwise");
        }
        if word.is_none() && is_name && self.modifier_meant(written, head_span, parts.peek()) {
            return None;
        }
        if word.is_none() && is_name {
            let label = matches!(heads, Heads::Labels(_));
            let meant = nearest(written, known)
                .filter(|meant| !label || (meant.len() > 5 && written.len() > 5));
            if let Some(meant) = meant {
                self.push(
                    Diagnostic::error("F0101", format!("unknown item `{written}`"), head_span)
                        .labelled(format!("did you mean `{meant}`?"))
                        .help(format!("did you mean `{meant}`?"))
                        .fix(
                            format!("write `{meant}`"),
                            true,
                            vec![Edit {
                                at: head_span,
                                text: meant.to_owned(),
                            }],
                        ),
                );
                if meant == "intent" {
                    // What follows is the name of one.
                    return None;
                }
                word = Some(meant);
            } else if !label {
                let list = known
                    .iter()
                    .map(|w| format!("`{w}`"))
                    .collect::<Vec<_>>()
                    .join(", ");
                self.error(
                    format!("unexpected `{written}`"),
                    head_span,
                    &format!("here may stand {list}"),
                );
            }
        }
        let before = self.diagnostics.len();
        let head = match word {
            Some("otherwise") => ArmHead::Otherwise,
            Some(word) => ArmHead::Keyword(Name {
                text: word.into(),
                span: head_span,
            }),
            None if head.as_rule() == Rule::kw => ArmHead::Keyword(self.name(&head)),
            None => ArmHead::Label(self.text_ref(head)),
        };
        let then = if self.diagnostics.len() > before {
            None
        } else {
            self.then(parts.next(), &item)
        };
        Some(Arm {
            head,
            head_span,
            then,
            span,
        })
    }

    pub(super) fn question(
        &mut self,
        block: Option<Pair>,
        heads: Heads,
        end: u32,
    ) -> Box<QuestionBlock> {
        let Some(block) = block else {
            return Box::new(QuestionBlock {
                span: Span::new(end, end),
                ..QuestionBlock::default()
            });
        };
        let mut out = QuestionBlock {
            span: self.span(&block),
            present: true,
            ..QuestionBlock::default()
        };
        self.walk(
            block.into_inner(),
            &words::QUESTION,
            Rule::qitem,
            &mut |b, item| {
                let whole = item.clone();
                match item.as_rule() {
                    Rule::q_invalid => {
                        let text = Parts::of(item).take_text_ref();
                        out.invalid = b.need_text(text, &whole, "write `invalid \"text\"`");
                    }
                    Rule::q_label => {
                        let text = Parts::of(item).take_text_ref();
                        out.label = b.need_text(text, &whole, "write `label \"{it.name}\"`");
                    }
                    Rule::q_retry => {
                        let number = Parts::of(item).get(Rule::num);
                        out.retry = b.need_whole(number, &whole, "write `retry 2`");
                    }
                    _ => {
                        if let Some(arm) = b.arm(item, heads) {
                            out.arms.push(arm);
                        }
                    }
                }
            },
        );
        out.arms.shrink_to_fit();
        Box::new(out)
    }

    /// Reports `invalid`, `retry` and `label` where no answer is awaited.
    pub(super) fn asks_nothing(&mut self, block: &QuestionBlock, why: &str) {
        let parts = [
            ("invalid", block.invalid.as_ref().map(|t| t.span())),
            ("retry", block.retry.as_ref().map(|r| r.span)),
            ("label", block.label.as_ref().map(|t| t.span())),
        ];
        for (word, at) in parts {
            if let Some(at) = at {
                self.error(
                    format!("`{word}` has no meaning here"),
                    at,
                    &format!("remove it: {why}"),
                );
            }
        }
    }

    /// The arms of `match`.
    /// `rery 2`, `invlid "Again?"`, `ticet within 4h`: an item of a question that leads nowhere, misspelt.
    fn modifier_meant(&mut self, written: &str, at: Span, next: Option<Rule>) -> bool {
        const MODIFIERS: &[&str] = &[
            "invalid", "retry", "label", "callback", "ticket", "stay", "continue",
        ];
        let leads = matches!(next, Some(Rule::goto | Rule::body));
        let misspelt = nearest(written, MODIFIERS).filter(|meant| *meant != written);
        let Some(meant) = misspelt.filter(|_| !leads) else {
            return false;
        };
        self.push(
            Diagnostic::error("F0101", format!("unknown item `{written}`"), at)
                .labelled(format!("did you mean `{meant}`?"))
                .help(format!("did you mean `{meant}`?"))
                .fix(
                    format!("write `{meant}`"),
                    true,
                    vec![Edit {
                        at,
                        text: meant.to_owned(),
                    }],
                ),
        );
        true
    }

    fn otherwise_meant(&mut self, at: Span) {
        self.push(
            Diagnostic::error("F0101", "`else` is written `otherwise`", at)
                .help("write `otherwise`")
                .fix(
                    "write `otherwise`",
                    true,
                    vec![Edit {
                        at,
                        text: "otherwise".to_owned(),
                    }],
                ),
        );
    }

    pub(super) fn match_arms(&mut self, block: Pair) -> Vec<Arm> {
        let mut arms = Vec::new();
        self.walk(
            block.into_inner(),
            &words::MATCH,
            Rule::mitem,
            &mut |b, item| {
                let whole = item.clone();
                let span = b.span(&item);
                let mut parts = Parts::of(item);
                let Some(head) = parts.get(Rule::cells) else {
                    return;
                };
                let head_span = b.span(&head);
                if head.as_str().trim_end() == "else" {
                    b.otherwise_meant(head_span);
                }
                let before = b.diagnostics.len();
                let head = if matches!(head.as_str().trim_end(), "otherwise" | "else") {
                    ArmHead::Otherwise
                } else {
                    ArmHead::Values(b.cells(head))
                };
                let then = if b.diagnostics.len() > before {
                    None
                } else {
                    b.then(parts.next(), &whole)
                };
                arms.push(Arm {
                    head,
                    head_span,
                    then,
                    span,
                });
            },
        );
        arms.shrink_to_fit();
        arms
    }

    // ---- cells

    /// Takes a block's items.
    pub(super) fn block(
        &mut self,
        block: Option<Pair>,
        item: &Pair,
        words: &Words,
        rule: Rule,
        then: &mut dyn FnMut(&mut Self, Pair),
    ) {
        match block {
            Some(block) => self.walk(block.into_inner(), words, rule, then),
            None => self.expected("`{`", item, words.help),
        }
    }
}

pub(super) fn comparison(text: &str) -> BinaryOp {
    match text {
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        _ => BinaryOp::Ge,
    }
}
