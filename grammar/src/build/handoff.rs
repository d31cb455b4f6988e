//! Handing over and the side panel.

use super::question::{Heads, Parts};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;

impl Builder<'_> {
    pub(super) fn handoff(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let tier = parts.get(Rule::name);
        let tier = self.need_name(tier, "a tier", &pair, "write `handoff TIER { .. }`");
        let when = parts.get(Rule::when).and_then(|when| self.when(when));
        let mut out = HandoffDecl {
            tier,
            when,
            require: Vec::new(),
            say: None,
            update: None,
            offers: Vec::new(),
            accept_within: None,
            review: None,
            connected: None,
            full: None,
            closed: None,
            unstaffed: None,
            resolved: None,
            returned: None,
            span: self.span(&pair),
        };
        let rules = (Rule::handoff_block, Rule::handoff_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::HANDOFF,
            &mut |b, item| {
                b.handoff_item(item, &mut out);
            },
        );
        DeclKind::Handoff(Box::new(out))
    }

    fn handoff_item(&mut self, pair: Pair, out: &mut HandoffDecl) {
        let item = pair.clone();
        let rule = pair.as_rule();
        let before = self.diagnostics.len();
        if rule == Rule::offer {
            let offer = self.offer(pair);
            out.offers.push(offer);
            return;
        }
        if rule == Rule::x_arm {
            let arm = self.arm(pair, Heads::Only(&["resolved", "returned"]));
            if item.as_str().starts_with("resolved") {
                out.resolved = arm;
            } else {
                out.returned = arm;
            }
            return;
        }
        let mut parts = Parts::of(pair);
        match rule {
            Rule::update => {
                let number = parts.get(Rule::num);
                const USAGE: &str = "write `update every 60s \"text\"`";
                let every = self.need_duration(number, &item, USAGE);
                if every.is_some() {
                    self.small_words(&item, &["every"], USAGE);
                }
                let text = self.optional_text(&mut parts);
                out.update = every.map(|every| (every, text));
            }
            Rule::full => {
                let when = parts.get(Rule::when);
                let cond = when.and_then(|when| self.when(when));
                if cond.is_none() && self.diagnostics.len() == before {
                    let at = item.as_span().start() + 4;
                    self.expected_at(
                        "`when`",
                        item.get_input(),
                        at,
                        "write `full when queue.length > 20 { .. }`",
                    );
                }
                self.header_junk(&mut parts, before);
                let body = parts.get(Rule::body);
                let body = self.need_body(body, &item, before);
                out.full = cond.map(|cond| (cond, body));
            }
            Rule::x_body => {
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                let body = parts.get(Rule::body);
                let body = self.need_body(body, &item, before);
                if word.as_str() == "closed" {
                    out.closed = Some(body);
                } else {
                    out.unstaffed = Some(body);
                }
            }
            _ => {
                let Some(word) = parts.get(Rule::kw) else {
                    return;
                };
                match word.as_str() {
                    "require" => {
                        out.require = self.path_list(
                            &mut parts,
                            "a field",
                            &item,
                            "write `require customer.name, SLOT`",
                        );
                    }
                    "say" => {
                        let text = parts.take_text_ref();
                        out.say = self.need_text(text, &item, "write `say \"text\"`");
                    }
                    "connected" => {
                        let text = parts.take_text_ref();
                        out.connected = self.need_text(
                            text,
                            &item,
                            "write `connected \"You're now with {agent.name}.\"`",
                        );
                    }
                    "accept" => {
                        out.accept_within =
                            self.lasting(parts, &item, "within", "write `accept within 30s`")
                    }
                    _ => out.review = self.lasting(parts, &item, "", "write `review 15s`"),
                }
            }
        }
    }

    pub(super) fn assist(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let mut items = Vec::new();
        let rules = (Rule::assist_block, Rule::assist_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::ASSIST,
            &mut |b, item| {
                if let Some(found) = b.assist_item(item) {
                    items.push(found);
                }
            },
        );
        DeclKind::Assist(AssistDecl { items })
    }

    fn assist_item(&mut self, pair: Pair) -> Option<AssistItem> {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::prompt => {
                let kind = parts.get(Rule::prompt_kind)?;
                let text = parts.take_text_ref();
                let text = self.need_text(text, &item, "write `remind \"text\" when CONDITION`")?;
                let when = parts.get(Rule::when).and_then(|when| self.when(when));
                let before = parts.get(Rule::before);
                if kind.as_str() == "remind" {
                    return Some(AssistItem::Remind {
                        text,
                        when,
                        before_resolve: before.is_some(),
                    });
                }
                if let Some(before) = before {
                    let at = self.span(&before);
                    self.error(
                        "an alert does not wait for `resolve`",
                        at,
                        "write `remind .. before resolve`",
                    );
                }
                Some(AssistItem::Alert { text, when })
            }
            Rule::template => {
                const USAGE: &str = "write `template NAME \"text\"`";
                let name = parts.get(Rule::name);
                let name = self.need_name(name, "a name", &item, USAGE)?;
                let text = parts.take_text_ref();
                Some(AssistItem::Template(
                    name,
                    self.need_text(text, &item, USAGE)?,
                ))
            }
            Rule::x_text => {
                parts.get(Rule::kw);
                let text = parts.take_text_ref();
                self.need_text(text, &item, "write `open \"text\"`")
                    .map(AssistItem::Open)
            }
            _ => {
                let word = parts.get(Rule::kw)?;
                let word = self.name(&word);
                let number = parts.get(Rule::num);
                let usage = format!("write `{} 3`", word.text);
                self.need_whole(number, &item, &usage)
                    .map(|n| AssistItem::Count(word, n))
            }
        }
    }
}
