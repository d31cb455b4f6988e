//! Steps and bodies.

use super::question::{Heads, Parts};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::{
    Body, Expr, ExprKind, Offer, OfferItem, OfferKind, Path, Step, StepKind, SurveyKind, TextRef,
    Then, Within,
};
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
        // Bodies are many and keep their trees: no room is held ready in them.
        steps.shrink_to_fit();
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
            Rule::escalate => return Some(StepKind::Escalate(Box::new(self.escalate(pair)))),
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
                self.asks_nothing(&block, "a `call` asks nothing");
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
                const USAGE: &str = "write `continue with TIER`";
                let tier = self.need_name(tier, "a tier", &item, USAGE)?;
                self.small_words(&item, &["with"], USAGE);
                let heads = Heads::Only(&["resolved", "failed", "returned", "otherwise"]);
                let block = self.question(parts.get(Rule::qblock), heads, end);
                self.asks_nothing(&block, "`continue with` asks nothing");
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

    /// `within 4h of office`.
    pub(super) fn within(&mut self, pair: Pair) -> Option<Within> {
        let item = pair.clone();
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let number = parts.get(Rule::num);
        let millis = self.need_duration(number, &item, "write `within 4h` or `within 4h of HOURS`");
        let of = parts
            .get(Rule::within_of)
            .and_then(|of| self.within_of(of, "write `within 4h of HOURS`"));
        millis.map(|millis| Within { millis, of, span })
    }

    /// `of office`.
    pub(super) fn within_of(&mut self, pair: Pair, way_out: &str) -> Option<Path> {
        let item = pair.clone();
        let hours = Parts::of(pair).get(Rule::path);
        self.need_path(hours, "the name of hours", &item, way_out)
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
                const USAGE: &str = "write `continue with TIER \"label\"`";
                let tier = parts.get(Rule::name);
                let tier = self.need_name(tier, "a tier", &item, USAGE)?;
                self.small_words(&item, &["with"], USAGE);
                OfferKind::ContinueWith(tier)
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
