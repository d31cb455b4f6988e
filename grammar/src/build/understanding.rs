//! Understanding: segments, knowledge, intents, handlers and FAQs; nodes and texts.

use super::question::Parts;
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;

impl Builder<'_> {
    pub(super) fn segment(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `segment NAME when CONDITION`";
        let mut parts = Parts::of(pair.clone());
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let when = match parts.get(Rule::when) {
            Some(when) => self.when(when),
            None => {
                if let Some(name) = &name {
                    self.expected_after("`when`", name.span, pair.get_input(), USAGE);
                }
                None
            }
        };
        self.decl_end(&mut parts);
        DeclKind::Segment(SegmentDecl { name, when })
    }

    pub(super) fn knowledge(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `knowledge NAME from \"folder/*.md\"`";
        let mut parts = Parts::of(pair.clone());
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let mut from = Vec::new();
        match parts.get(Rule::from_texts) {
            Some(part) => {
                let item = part.clone();
                from = self.text_list(&mut Parts::of(part), &item, USAGE);
            }
            None => {
                if let Some(name) = &name {
                    self.expected_after("`from`", name.span, pair.get_input(), USAGE);
                }
            }
        }
        self.decl_end(&mut parts);
        DeclKind::Knowledge(KnowledgeDecl { name, from })
    }

    pub(super) fn intent(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(
            &mut parts,
            &pair,
            "write `intent NAME { \"example\", \"example\" }`",
        );
        let regulated = parts.get(Rule::regulated).is_some();
        let regulated_when = parts.get(Rule::when).and_then(|when| self.when(when));
        let mut examples = Vec::new();
        let rules = (Rule::examples, Rule::examples_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::EXAMPLES,
            &mut |b, line| {
                b.example(line, &mut examples);
            },
        );
        if examples.is_empty() && self.diagnostics.len() == before {
            let at = name.as_ref().map_or(self.span(&pair), |name| name.span);
            self.error(
                "this intent has no examples, so no message ever has it",
                at,
                "write what customers say: `intent NAME { \"example\", \"example\" }`",
            );
        }
        DeclKind::Intent(IntentDecl {
            name,
            regulated,
            regulated_when,
            examples,
        })
    }

    /// `en "a", "b"`.
    fn example(&mut self, pair: Pair, out: &mut Vec<Example>) {
        let item = pair.clone();
        let mut parts = Parts::of(pair);
        let language = parts.get(Rule::name).map(|name| self.name(&name));
        for text in self.text_list(
            &mut parts,
            &item,
            "write examples in quotes, separated by commas",
        ) {
            out.push(Example {
                language: language.clone(),
                text,
            });
        }
    }

    pub(super) fn faq(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(
            &mut parts,
            &pair,
            "write `faq NAME { ask \"..\"; answer \"..\" }`",
        );
        let mut out = FaqDecl {
            name,
            ask: Vec::new(),
            answer: None,
            link: None,
        };
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::faq_block, Rule::faq_item),
            &words::FAQ,
            &mut |b, item| {
                let whole = item.clone();
                let rule = item.as_rule();
                let mut parts = Parts::of(item);
                if rule == Rule::faq_ask {
                    match parts.next() {
                        Some(examples) => b.example(examples, &mut out.ask),
                        None => b.expected(
                            "a question",
                            &whole,
                            "write `ask \"question\", \"question\"`",
                        ),
                    }
                    return;
                }
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                let text = parts.take_text_ref();
                if word.as_str() == "answer" {
                    out.answer = b.need_text(text, &whole, "write `answer \"text\"`");
                } else {
                    out.link = b.need_text(text, &whole, "write `link \"https://..\"`");
                }
            },
        );
        if self.diagnostics.is_empty() {
            let at = out.name.as_ref().map_or(self.span(&pair), |name| name.span);
            let lacks = match (out.ask.is_empty(), out.answer.is_none()) {
                (true, true) => "question and no answer",
                (true, false) => "question",
                (false, true) => "answer",
                (false, false) => return DeclKind::Faq(out),
            };
            self.error(
                format!("this faq has no {lacks}"),
                at,
                "write `faq NAME { ask \"..\", \"..\"; answer \"..\" }`",
            );
        }
        DeclKind::Faq(out)
    }

    pub(super) fn on(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `on intent NAME ..`, `on silence 10m ..`, `on file ..` or an event such as `on escalate ..`";
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let mut event_span = self.span(&pair);
        let mut event = OnEvent::Error;
        match parts.row().next_if(|p| {
            matches!(
                p.as_rule(),
                Rule::on_intent | Rule::on_silence | Rule::on_word
            )
        }) {
            None => self.expected("an event", &pair, USAGE),
            Some(part) => {
                event_span = self.span(&part);
                event = self.event(part, USAGE);
            }
        }
        if let Some(junk) = parts.get(Rule::hjunk)
            && self.diagnostics.len() == before
        {
            const NEXT: &str = "write `visit NODE`, `-> NODE` or `{ .. }`";
            self.expected_after("`visit`, `->` or `{`", event_span, junk.get_input(), NEXT);
        }
        let then = match parts.row().next_if(|p| p.as_rule() != Rule::tail) {
            None => {
                if self.diagnostics.len() == before {
                    self.expected(
                        "what happens",
                        &pair,
                        "write `visit NODE`, `-> NODE` or `{ .. }`",
                    );
                }
                None
            }
            Some(part) => {
                let item = part.clone();
                match part.as_rule() {
                    Rule::visit => {
                        let node = Parts::of(part).get(Rule::path);
                        self.need_path(node, "a node", &item, "write `visit NODE`")
                            .map(OnThen::Visit)
                    }
                    Rule::goto => Some(OnThen::Target(self.goto(part))),
                    _ => Some(OnThen::Body(self.body(part))),
                }
            }
        };
        self.decl_end(&mut parts);
        DeclKind::On(OnDecl {
            event,
            event_span,
            then,
        })
    }

    fn event(&mut self, pair: Pair, usage: &str) -> OnEvent {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::on_intent => {
                let intent = parts.get(Rule::path);
                self.need_path(intent, "an intent", &item, usage)
                    .map_or(OnEvent::Error, OnEvent::Intent)
            }
            Rule::on_silence => {
                let number = parts.get(Rule::num);
                self.need_duration(number, &item, "write `on silence 10m ..`")
                    .map_or(OnEvent::Error, OnEvent::Silence)
            }
            _ => {
                const EVENTS: &[&str] = &[
                    "escalate",
                    "start",
                    "resolve",
                    "abandon",
                    "ticket",
                    "callback",
                    "connected",
                    "survey",
                ];
                let Some(word) = parts.get(Rule::name) else {
                    return OnEvent::Error;
                };
                let word = self.name(&word);
                if word.text == "file" {
                    return OnEvent::File;
                }
                if !EVENTS.contains(&word.as_str()) {
                    let message = format!("there is no event `{}`", word.text);
                    let help = words::nearest(word.as_str(), EVENTS).map_or_else(
                        || "events are intent, silence, file, escalate, start, resolve, abandon, ticket, callback, connected, survey".to_owned(),
                        |meant| format!("did you mean `{meant}`?"),
                    );
                    self.error(message, word.span, &help);
                    return OnEvent::Error;
                }
                OnEvent::Lifecycle(word)
            }
        }
    }

    pub(super) fn node(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, "write `node NAME { .. }`");
        let was = parts.get(Rule::was).and_then(|was| self.was(was));
        self.header_junk(&mut parts, before);
        let body = parts.get(Rule::body);
        let body = self.need_body(body, &pair, before);
        self.decl_end(&mut parts);
        DeclKind::Node(NodeDecl { name, was, body })
    }

    pub(super) fn text_decl(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `en \"..\"` or `en on CHANNEL \"..\"`";
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, "write `text NAME { en \"..\" }`");
        let mut variants = Vec::new();
        let rules = (Rule::variants, Rule::variant_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::VARIANT,
            &mut |b, item| {
                let whole = item.clone();
                let span = b.span(&item);
                let mut parts = Parts::of(item);
                let Some(language) = parts.get(Rule::name) else {
                    return;
                };
                let language = b.name(&language);
                let channel = parts.get(Rule::on_channel).and_then(|on| {
                    let item = on.clone();
                    let name = Parts::of(on).get(Rule::name);
                    b.need_name(name, "a channel", &item, USAGE)
                });
                let text = parts.get(Rule::text);
                if let Some(text) = b.need_lit(text, &whole, USAGE) {
                    variants.push(TextVariant {
                        language,
                        channel,
                        text,
                        span,
                    });
                }
            },
        );
        DeclKind::Text(TextDecl { name, variants })
    }
}
