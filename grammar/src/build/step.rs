//! Steps and bodies.

use super::question::{Heads, Parts};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::{
    Attachment, Body, Expr, ExprKind, Offer, OfferItem, OfferKind, Path, Step, StepKind,
    SurveyKind, TextRef, Then, Within,
};
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::{Span, Spanned};

const OTHERWISE: Heads = Heads::Only(&["otherwise"]);

impl Builder<'_> {
    pub(super) fn body(&mut self, pair: Pair) -> Body {
        let span = self.span(&pair);
        let mut steps = Vec::new();
        self.walk(
            pair.into_inner(),
            &words::STEPS,
            Rule::step,
            &mut |b, item| {
                let step = b.step(item);
                steps.push(step);
            },
        );
        Body { steps, span }
    }

    /// A body that must be there.
    pub(super) fn need_body(&mut self, body: Option<Pair>, item: &Pair, before: usize) -> Body {
        match body {
            Some(body) => self.body(body),
            None => {
                if self.diagnostics.len() == before {
                    self.expected("`{`", item, "a block of steps stands in braces");
                }
                let end = self.span(item).end;
                Body {
                    steps: Vec::new(),
                    span: Span::new(end, end),
                }
            }
        }
    }

    pub(super) fn step(&mut self, pair: Pair) -> Step {
        let span = self.span(&pair);
        let kind = self.step_kind(pair, span).unwrap_or(StepKind::Error);
        Step { kind, span }
    }

    fn step_kind(&mut self, pair: Pair, span: Span) -> Option<StepKind> {
        let item = pair.clone();
        let rule = pair.as_rule();
        let end = span.end;
        match rule {
            Rule::goto => return Some(StepKind::Goto(self.goto(pair))),
            Rule::escalate => return Some(StepKind::Escalate(self.escalate(pair))),
            Rule::end => return self.end(pair).map(StepKind::End),
            Rule::back => return Some(StepKind::Back),
            Rule::offer => return Some(StepKind::Offer(self.offer(pair))),
            Rule::if_step => return Some(self.if_step(pair)),
            Rule::say => return Some(self.say(pair)),
            _ => {}
        }
        let mut parts = Parts::of(pair);
        let kind = match rule {
            Rule::ask => {
                let slot = parts.get(Rule::path);
                let slot =
                    self.need_path(slot, "a slot", &item, "write `ask SLOT \"question\"`")?;
                let text = self.optional_text(&mut parts);
                let block = self.question(parts.get(Rule::qblock), OTHERWISE, end);
                StepKind::Ask { slot, text, block }
            }
            Rule::form => {
                let slots = self.path_list(&mut parts, "a slot", &item, "write `form SLOT, SLOT`");
                let block = self.question(parts.get(Rule::qblock), OTHERWISE, end);
                StepKind::Form { slots, block }
            }
            Rule::choose => return Some(self.choose(parts, &item, end)),
            Rule::confirm => {
                let text = parts.take_text_ref();
                let text = self.need_text(
                    text,
                    &item,
                    "write `confirm \"question\" { yes -> ..; no -> .. }`",
                );
                let block = self.question(
                    parts.get(Rule::qblock),
                    Heads::Only(&["yes", "no", "otherwise"]),
                    end,
                );
                StepKind::Confirm { text, block }
            }
            Rule::listen => {
                let block = parts.get(Rule::qblock);
                if block.is_none() {
                    self.expected(
                        "`{`",
                        &item,
                        "write `listen { intent NAME -> node; otherwise -> node }`",
                    );
                }
                StepKind::Listen {
                    block: self.question(block, Heads::Only(&["intent", "otherwise"]), end),
                }
            }
            Rule::set => return Some(self.set(parts, &item)),
            Rule::clear => {
                let slot = parts.get(Rule::path);
                StepKind::Clear(self.need_path(slot, "a slot", &item, "write `clear SLOT`")?)
            }
            Rule::match_step => {
                let before = self.diagnostics.len();
                let subject = match parts.get(Rule::expr) {
                    Some(subject) => self.expr(subject),
                    None => Expr {
                        kind: ExprKind::Error,
                        span,
                    },
                };
                self.header_junk(&mut parts, before);
                let Some(block) = parts.get(Rule::mblock) else {
                    if self.diagnostics.len() == before {
                        self.expected("`{`", &item, "write `match VALUE { a -> node; b -> node }`");
                    }
                    return Some(StepKind::Match {
                        subject,
                        arms: Vec::new(),
                        block_span: Span::new(end, end),
                    });
                };
                let block_span = self.span(&block);
                StepKind::Match {
                    subject,
                    arms: self.match_arms(block),
                    block_span,
                }
            }
            Rule::call => {
                let webhook = parts.get(Rule::path);
                let webhook = self.need_path(
                    webhook,
                    "a webhook",
                    &item,
                    "write `call WEBHOOK(..) as NAME { failed -> .. }`",
                )?;
                let args = match parts.get(Rule::args) {
                    Some(args) => self.args(args),
                    None => Vec::new(),
                };
                let binding = match parts.get(Rule::as_name) {
                    Some(part) => self.as_name(part),
                    None => None,
                };
                let block = self.question(parts.get(Rule::qblock), Heads::Only(&["failed"]), end);
                StepKind::Call {
                    webhook,
                    args,
                    binding,
                    arms: block.arms,
                }
            }
            Rule::visit => {
                let node = parts.get(Rule::path);
                StepKind::Visit(self.need_path(node, "a node", &item, "write `visit NODE`")?)
            }
            Rule::continue_with => {
                let tier = parts.get(Rule::name);
                let tier = self.need_name(tier, "a tier", &item, "write `continue with TIER`")?;
                let heads = Heads::Only(&["resolved", "failed", "returned", "otherwise"]);
                let block = self.question(parts.get(Rule::qblock), heads, end);
                StepKind::ContinueWith {
                    tier,
                    arms: block.arms,
                }
            }
            Rule::note => {
                let text = parts.take_text_ref();
                StepKind::Note(self.need_text(text, &item, "write `note \"text\"`")?)
            }
            Rule::tag => {
                let word = parts.get(Rule::name);
                StepKind::Tag(self.need_name(word, "a word", &item, "write `tag WORD`")?)
            }
            Rule::attempt => {
                let text = parts.take_text_ref();
                let text = self.need_text(text, &item, "write `attempt \"what was tried\"`")?;
                let block = self.question(
                    parts.get(Rule::qblock),
                    Heads::Only(&["worked", "declined", "otherwise"]),
                    end,
                );
                StepKind::Attempt {
                    text,
                    asks: block.present,
                    arms: block.arms,
                }
            }
            Rule::ticket | Rule::callback => {
                let within = match parts.get(Rule::within) {
                    Some(within) => self.within(within),
                    None => None,
                };
                let text = self.optional_text(&mut parts);
                if rule == Rule::ticket {
                    StepKind::Ticket { within, text }
                } else {
                    StepKind::Callback { within, text }
                }
            }
            Rule::verify => {
                let field = parts.get(Rule::path);
                let field = self.need_path(
                    field,
                    "a customer field",
                    &item,
                    "write `verify customer.email \"text\" { failed -> .. }`",
                )?;
                let text = self.optional_text(&mut parts);
                let block = self.question(parts.get(Rule::qblock), Heads::Only(&["failed"]), end);
                StepKind::Verify { field, text, block }
            }
            Rule::survey => {
                const USAGE: &str = "write `survey csat`, `survey effort` or `survey handoff`";
                let Some(word) = parts.get(Rule::name) else {
                    self.expected("`csat`, `effort` or `handoff`", &item, USAGE);
                    return None;
                };
                let at = self.span(&word);
                let kind = match word.as_str() {
                    "csat" => SurveyKind::Csat,
                    "effort" => SurveyKind::Effort,
                    "handoff" => SurveyKind::Handoff,
                    other => {
                        self.error(format!("there is no survey `{other}`"), at, USAGE);
                        return None;
                    }
                };
                StepKind::Survey {
                    kind: Spanned::new(kind, at),
                    text: self.optional_text(&mut parts),
                }
            }
            _ => return None,
        };
        Some(kind)
    }

    pub(super) fn optional_text(&mut self, parts: &mut Parts) -> Option<TextRef> {
        parts.take_text_ref().map(|part| self.text_ref(part))
    }

    pub(super) fn as_name(&mut self, pair: Pair) -> Option<crate::span::Name> {
        let item = pair.clone();
        let name = Parts::of(pair).get(Rule::name);
        self.need_name(name, "a name", &item, "write `as NAME`")
    }

    fn say(&mut self, pair: Pair) -> StepKind {
        const USAGE: &str = "write `say \"text\"` or `say one of [\"a\", \"b\"]`";
        let item = pair.clone();
        let mut parts = Parts::of(pair);
        let mut texts = Vec::new();
        let mut one_of = false;
        if let Some(choice) = parts.get(Rule::one_of) {
            one_of = true;
            self.closed(&choice, ']');
            let whole = choice.clone();
            for part in choice.into_inner() {
                match part.as_rule() {
                    Rule::stray => self.trailing_comma(&part),
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

    fn choose(&mut self, mut parts: Parts, item: &Pair, end: u32) -> StepKind {
        const USAGE: &str = "write `choose \"question\" { \"Label\" -> node }`";
        let heads = Heads::Labels(&["otherwise", "none"]);
        let Some(from) = parts.get(Rule::choose_from) else {
            let text = parts.take_text_ref();
            let text = self.need_text(text, item, USAGE);
            let block = parts.get(Rule::qblock);
            if block.is_none() && text.is_some() {
                self.expected("`{`", item, USAGE);
            }
            return StepKind::Choose {
                text,
                block: self.question(block, heads, end),
            };
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
        let list = match inner.get(Rule::source) {
            Some(source) => {
                let span = self.span(&source);
                let mut operand = Parts::of(source);
                match operand.next() {
                    Some(first) => self.operand(first, operand.row()),
                    None => Expr {
                        kind: ExprKind::Error,
                        span,
                    },
                }
            }
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
            from: list,
            text,
            block: self.question(parts.get(Rule::qblock), heads, end),
        }
    }

    fn set(&mut self, mut parts: Parts, item: &Pair) -> StepKind {
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

    fn if_step(&mut self, pair: Pair) -> StepKind {
        let item = pair.clone();
        let before = self.diagnostics.len();
        let mut parts = Parts::of(pair);
        let mut branches = Vec::new();
        let first = self.branch(&mut parts, &item, before);
        branches.push(first);
        let mut otherwise = None;
        while let Some(part) = parts.next() {
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

    /// `within 4h of office`.
    pub(super) fn within(&mut self, pair: Pair) -> Option<Within> {
        let item = pair.clone();
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let number = parts.get(Rule::num);
        let millis = self.need_duration(number, &item, "write `within 4h` or `within 4h of HOURS`");
        let of = match parts.get(Rule::within_of) {
            Some(of) => {
                let whole = of.clone();
                let hours = Parts::of(of).get(Rule::path);
                self.need_path(
                    hours,
                    "the name of hours",
                    &whole,
                    "write `within 4h of HOURS`",
                )
            }
            None => None,
        };
        millis.map(|millis| Within { millis, of, span })
    }

    pub(super) fn offer(&mut self, pair: Pair) -> Offer {
        let item = pair.clone();
        let span = self.span(&pair);
        let before = self.diagnostics.len();
        let mut parts = Parts::of(pair);
        let when = parts.get(Rule::when).and_then(|when| self.when(when));
        self.header_junk(&mut parts, before);
        let mut items = Vec::new();
        let block = parts.get(Rule::offer_block);
        if block.is_some() || self.diagnostics.len() == before {
            self.block(
                block,
                &item,
                &words::OFFER,
                Rule::offer_item,
                &mut |b, part| {
                    if let Some(found) = b.offer_item(part) {
                        items.push(found);
                    }
                },
            );
        }
        Offer { when, items, span }
    }

    fn offer_item(&mut self, pair: Pair) -> Option<OfferItem> {
        let item = pair.clone();
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if rule == Rule::arm {
            let arm = self.arm(pair, Heads::Labels(&[]))?;
            let label = match arm.head {
                crate::ast::ArmHead::Label(label) => label,
                _ => return None,
            };
            return match arm.then {
                Some(Then::Target(target)) => Some(OfferItem {
                    kind: OfferKind::Target(target),
                    label: Some(label),
                    span,
                }),
                Some(Then::Body(body)) => {
                    self.error(
                        "an offer takes no block",
                        body.span,
                        "lead to a node with `-> NODE`",
                    );
                    None
                }
                None => None,
            };
        }
        let mut parts = Parts::of(pair);
        let kind = match rule {
            Rule::callback => {
                OfferKind::Callback(parts.get(Rule::within).and_then(|w| self.within(w)))
            }
            Rule::ticket => OfferKind::Ticket(parts.get(Rule::within).and_then(|w| self.within(w))),
            Rule::o_continue => {
                let tier = parts.get(Rule::name);
                OfferKind::ContinueWith(self.need_name(
                    tier,
                    "a tier",
                    &item,
                    "write `continue with TIER \"label\"`",
                )?)
            }
            _ => OfferKind::Stay,
        };
        let label = self.optional_text(&mut parts);
        Some(OfferItem { kind, label, span })
    }

    /// `when COND`.
    pub(super) fn when(&mut self, pair: Pair) -> Option<Expr> {
        Parts::of(pair).get(Rule::expr).map(|cond| self.expr(cond))
    }
}
