//! Steps with a shape of their own.

use super::question::{Heads, Parts};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::diagnostic::{Diagnostic, Edit};

impl Builder<'_> {
    pub(super) fn say(&mut self, pair: Pair) -> StepKind {
        const USAGE: &str = "write `say \"text\"` or `say one of [\"a\", \"b\"]`";
        let item = pair.clone();
        let mut parts = Parts::of(pair);
        let mut texts = Vec::with_capacity(1);
        let mut one_of = false;
        if let Some(choice) = parts.get(Rule::one_of) {
            one_of = true;
            let closed = self.closed(&choice, ']');
            let whole = choice.clone();
            for part in choice.into_inner() {
                match part.as_rule() {
                    Rule::stray => self.trailing_comma(&part),
                    Rule::ajunk if !closed => {}
                    Rule::ajunk => {
                        let at = part.as_span().start();
                        let input = part.get_input();
                        let before = input.get(..at).unwrap_or_default().trim_end().len();
                        self.expected_at("`,` or `]`", input, before, USAGE);
                    }
                    _ => {
                        let text = self.text_ref(part);
                        texts.push(text);
                    }
                }
            }
            if texts.is_empty() {
                self.expected("a text", &whole, USAGE);
            }
        } else if let Some(text) = parts.take_text_ref() {
            let text = self.text_ref(text);
            texts.push(text);
        } else {
            let at = item.as_span().start() + 3;
            self.expected_at("a text", item.get_input(), at, USAGE);
            return StepKind::Say {
                texts,
                one_of,
                attachments: Vec::new(),
            };
        }
        let mut attachments = Vec::new();
        if let Some(block) = parts.get(Rule::attachments) {
            self.walk(
                block.into_inner(),
                &words::ATTACHMENT,
                Rule::attachment,
                &mut |b, part| {
                    if let Some(found) = b.attachment(part) {
                        attachments.push(found);
                    }
                },
            );
        }
        StepKind::Say {
            texts,
            one_of,
            attachments,
        }
    }

    fn attachment(&mut self, pair: Pair) -> Option<Attachment> {
        let item = pair.clone();
        let span = self.span(&pair);
        if pair.as_rule() != Rule::card {
            let mut parts = Parts::of(pair);
            let image = parts.get(Rule::kw).is_some_and(|k| k.as_str() == "image");
            let url = parts.take_text_ref();
            let url = self.need_text(url, &item, "write its URL in quotes")?;
            return Some(if image {
                Attachment::Image(url)
            } else {
                Attachment::File(url)
            });
        }
        let (mut title, mut text, mut image, mut link) = (None, None, None, None);
        if !item.as_str().contains('{') {
            self.expected("`{`", &item, words::CARD.help);
        }
        self.walk(
            pair.into_inner(),
            &words::CARD,
            Rule::card_item,
            &mut |b, part| {
                let whole = part.clone();
                let mut parts = Parts::of(part);
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                let value = parts.take_text_ref();
                let value = b.need_text(value, &whole, "write a text in quotes");
                match word.as_str() {
                    "title" => title = value,
                    "text" => text = value,
                    "image" => image = value,
                    _ => link = value,
                }
            },
        );
        Some(Attachment::Card {
            title,
            text,
            image,
            link,
            span,
        })
    }

    pub(super) fn choose(&mut self, mut parts: Parts, item: &Pair, end: u32) -> StepKind {
        const USAGE: &str = "write `choose \"question\" { \"Label\" -> node }`";
        let heads = Heads::Labels(&["otherwise", "none"]);
        let Some(from) = parts.get(Rule::choose_from) else {
            let text = parts.take_text_ref();
            let text = self.need_text(text, item, USAGE);
            let block = parts.get(Rule::qblock);
            if block.is_none() && text.is_some() {
                self.expected("`{`", item, USAGE);
            }
            let before = self.diagnostics.len();
            let block = self.question(block, heads, end);
            if block.present && block.arms.is_empty() && self.diagnostics.len() == before {
                self.error("this choice offers nothing", block.span, USAGE);
            }
            if let Some(label) = &block.label {
                self.error(
                    "`label` has no meaning here",
                    label.span(),
                    "remove it: the buttons have their own; `label` is for `choose SLOT from LIST`",
                );
            }
            return StepKind::Choose { text, block };
        };
        let whole = from.clone();
        let mut inner = Parts::of(from);
        let slot = match inner.get(Rule::path) {
            Some(slot) => self.path(&slot),
            None => Path {
                segments: Vec::new(),
                span: self.span(&whole),
            },
        };
        let list = match inner.get(Rule::source).and_then(|s| s.into_inner().next()) {
            Some(source) => self.expr(source),
            None => {
                self.expected(
                    "a list",
                    &whole,
                    "write `choose SLOT from LIST \"question\" { label \"{it.name}\" }`",
                );
                Expr {
                    kind: ExprKind::Error,
                    span: slot.span,
                }
            }
        };
        let text = self.optional_text(&mut inner);
        StepKind::ChooseFrom {
            slot,
            from: Box::new(list),
            text,
            block: self.question(parts.get(Rule::qblock), heads, end),
        }
    }

    pub(super) fn set(&mut self, mut parts: Parts, item: &Pair) -> StepKind {
        const USAGE: &str = "write `set SLOT = VALUE`";
        let slot = parts.get(Rule::path);
        let Some(slot) = self.need_path(slot, "a slot", item, USAGE) else {
            return StepKind::Error;
        };
        let error = Expr {
            kind: ExprKind::Error,
            span: slot.span,
        };
        match parts.get(Rule::assign) {
            None => {
                let at = slot.span.end as isize - self.base;
                self.expected_at(
                    "`=`",
                    item.get_input(),
                    usize::try_from(at).unwrap_or_default(),
                    USAGE,
                );
                return StepKind::Set(slot, error);
            }
            Some(assign) if assign.as_str() != "=" => {
                let at = self.span(&assign);
                self.push(
                    Diagnostic::error("F0101", "expected `=`, found `to`", at)
                        .help(USAGE)
                        .fix(
                            "write `=`",
                            true,
                            vec![Edit {
                                at,
                                text: "=".to_owned(),
                            }],
                        ),
                );
            }
            Some(_) => {}
        }
        let value = parts.get(Rule::expr);
        let value = self
            .need_expr(value, "a value", item, USAGE)
            .unwrap_or(error);
        StepKind::Set(slot, value)
    }

    pub(super) fn if_step(&mut self, pair: Pair) -> StepKind {
        let item = pair.clone();
        let before = self.diagnostics.len();
        let mut parts = Parts::of(pair);
        let mut branches = Vec::new();
        let first = self.branch(&mut parts, &item, before);
        branches.push(first);
        let mut otherwise = None;
        for part in parts {
            let whole = part.clone();
            let before = self.diagnostics.len();
            let rule = part.as_rule();
            let mut inner = Parts::of(part);
            if rule == Rule::else_if {
                let branch = self.branch(&mut inner, &whole, before);
                branches.push(branch);
            } else {
                let body = inner.get(Rule::body);
                otherwise = Some(self.need_body(body, &whole, before));
            }
        }
        StepKind::If {
            branches,
            otherwise,
        }
    }

    fn branch(&mut self, parts: &mut Parts, item: &Pair, before: usize) -> (Expr, Body) {
        let span = self.span(item);
        let cond = match parts.get(Rule::expr) {
            Some(cond) => self.expr(cond),
            None => Expr {
                kind: ExprKind::Error,
                span,
            },
        };
        self.header_junk(parts, before);
        let body = parts.get(Rule::body);
        (cond, self.need_body(body, item, before))
    }
}
