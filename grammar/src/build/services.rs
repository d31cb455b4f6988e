//! Webhooks, hooks and triggers.

use super::question::Parts;
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::span::Spanned;

impl Builder<'_> {
    fn params(&mut self, pair: Option<Pair>, item: &Pair, usage: &str) -> Vec<Param> {
        let Some(pair) = pair else {
            if self.diagnostics.is_empty() {
                let name = item.as_span().start() + item.as_str().len()
                    - item
                        .as_str()
                        .trim_start_matches(' ')
                        .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_')
                        .len();
                self.expected_at("`(`", item.get_input(), name, usage);
            }
            return Vec::new();
        };
        let closed = self.closed(&pair, ')');
        let mut out = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::param => {
                    let whole = part.clone();
                    let mut inner = Parts::of(part);
                    let Some(name) = inner.get(Rule::name) else {
                        continue;
                    };
                    let name = self.name(&name);
                    let colon = inner.get(Rule::colon).is_some();
                    let ty = inner.get(Rule::ty).map(|ty| self.ty(ty));
                    if colon && ty.is_none() {
                        self.expected("a type", &whole, usage);
                    }
                    out.push(Param { name, ty });
                }
                Rule::stray => self.trailing_comma(&part),
                _ if !closed => {}
                _ => {
                    let before = part
                        .get_input()
                        .get(..part.as_span().start())
                        .unwrap_or_default()
                        .trim_end()
                        .len();
                    self.expected_at("`,` or `)`", part.get_input(), before, usage);
                }
            }
        }
        out
    }

    fn returns(&mut self, pair: Option<Pair>) -> Option<TypeExpr> {
        let pair = pair?;
        let item = pair.clone();
        match Parts::of(pair).get(Rule::ty) {
            Some(ty) => Some(self.ty(ty)),
            None => {
                self.expected("a type", &item, "write `-> TYPE`");
                None
            }
        }
    }

    pub(super) fn webhook(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `webhook NAME(param: type) -> type { get \"https://..\" }`";
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let params = self.params(parts.get(Rule::params), &pair, USAGE);
        let returns = self.returns(parts.get(Rule::returns));
        let mut out = WebhookDecl {
            name,
            params,
            returns,
            request: None,
            headers: Vec::new(),
            send: None,
            timeout: None,
            retry: None,
            idempotent: None,
            signed: None,
            shares: Vec::new(),
            span: self.span(&pair),
        };
        let rules = (Rule::webhook_block, Rule::webhook_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::WEBHOOK,
            &mut |b, item| {
                b.webhook_item(item, &mut out);
            },
        );
        DeclKind::Webhook(Box::new(out))
    }

    fn webhook_item(&mut self, pair: Pair, out: &mut WebhookDecl) {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::http_header => {
                const USAGE: &str = "write `header \"Name\" \"value\"`";
                let name = parts.get(Rule::text);
                let Some(name) = self.need_lit(name, &item, USAGE) else {
                    return;
                };
                let value = parts.get(Rule::text);
                if let Some(value) = self.need_lit(value, &item, USAGE) {
                    out.headers.push((name, value));
                }
            }
            Rule::send => {
                let mut entries = Vec::new();
                let block = parts.get(Rule::send_block);
                self.block(
                    block,
                    &item,
                    &words::SEND,
                    Rule::send_item,
                    &mut |b, entry| {
                        let whole = entry.clone();
                        let mut inner = Parts::of(entry);
                        let Some(first) = inner.get(Rule::path) else {
                            return;
                        };
                        let path = b.path(&first);
                        let Some(key) = path.segments.last().cloned() else {
                            return;
                        };
                        if inner.get(Rule::colon).is_none() {
                            let span = path.span;
                            entries.push((
                                key,
                                Expr {
                                    kind: ExprKind::Path(path),
                                    span,
                                },
                            ));
                            return;
                        }
                        let value = inner.get(Rule::expr);
                        let value = b.value_or_error(value, &whole, "write `name: EXPRESSION`");
                        entries.push((key, value));
                    },
                );
                out.send = Some(entries);
            }
            _ => self.webhook_value(parts, &item, out),
        }
    }

    fn webhook_value(&mut self, mut parts: Parts, item: &Pair, out: &mut WebhookDecl) {
        let Some(word) = parts.get(Rule::kw) else {
            return;
        };
        let method = match word.as_str() {
            "get" => Method::Get,
            "post" => Method::Post,
            "put" => Method::Put,
            "patch" => Method::Patch,
            "delete" => Method::Delete,
            "timeout" => {
                out.timeout = self.lasting(parts, item, "", "write `timeout 2s`");
                return;
            }
            "retry" => {
                let number = parts.get(Rule::num);
                out.retry = self.need_whole(number, item, "write `retry 3`");
                return;
            }
            "idempotent" => {
                out.idempotent = Some(self.span(&word));
                return;
            }
            "signed" => {
                let secret = parts.get(Rule::path);
                out.signed = self.need_path(secret, "a secret", item, "write `signed secret.NAME`");
                return;
            }
            _ => {
                out.shares =
                    self.path_list(&mut parts, "a name", item, "write `shares customer.email`");
                return;
            }
        };
        let url = parts.take_text_ref().filter(|p| p.as_rule() == Rule::text);
        let at = self.span(&word);
        if let Some(url) = self.need_lit(url, item, "write the URL in quotes") {
            out.request = Some((Spanned::new(method, at), url));
        }
    }

    pub(super) fn hook(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `hook NAME(param) -> type from \"hooks/name.rhai\"`";
        let mut parts = Parts::of(pair.clone());
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let params = self.params(parts.get(Rule::params), &pair, USAGE);
        let returns = self.returns(parts.get(Rule::returns));
        let from = match parts.get(Rule::from_text) {
            Some(from) => {
                let item = from.clone();
                let text = Parts::of(from).get(Rule::text);
                self.need_lit(text, &item, USAGE)
            }
            None => {
                if self.diagnostics.is_empty() {
                    let end = parts
                        .get(Rule::tail)
                        .map_or(pair.as_span().end(), |t| t.as_span().start());
                    let end = pair
                        .get_input()
                        .get(..end)
                        .unwrap_or_default()
                        .trim_end()
                        .len();
                    self.expected_at("`from`", pair.get_input(), end, USAGE);
                }
                None
            }
        };
        self.decl_end(&mut parts);
        DeclKind::Hook(HookDecl {
            name,
            params,
            returns,
            from,
        })
    }

    pub(super) fn trigger(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `trigger NAME from webhook \"path\" signed secret.NAME { .. }`";
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let mut out = TriggerDecl {
            name,
            path: None,
            signed: None,
            scheme: None,
            payload: Vec::new(),
            find_by: None,
            when: None,
            then: None,
        };
        match parts.get(Rule::from_webhook) {
            Some(from) => {
                let item = from.clone();
                let text = Parts::of(from).get(Rule::text);
                out.path = self.need_lit(text, &item, USAGE);
                if out.path.is_some() {
                    self.small_words(&item, &["webhook"], USAGE);
                }
            }
            None if out.name.is_some() => {
                let at = out.name.as_ref().map_or(0, |n| n.span.end) as isize - self.base;
                self.expected_at(
                    "`from webhook`",
                    pair.get_input(),
                    usize::try_from(at).unwrap_or_default(),
                    USAGE,
                );
            }
            None => {}
        }
        if let Some(signed) = parts.get(Rule::signed) {
            let item = signed.clone();
            let mut inner = Parts::of(signed);
            out.scheme = inner.get(Rule::scheme).map(|s| self.name(&s));
            let secret = inner.get(Rule::path);
            out.signed = self.need_path(secret, "a secret", &item, USAGE);
        }
        let mut steps = Vec::new();
        let rules = (Rule::trigger_block, Rule::trigger_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::TRIGGER,
            &mut |b, item| {
                b.trigger_item(item, &mut out, &mut steps);
            },
        );
        if out.find_by.is_none() && self.diagnostics.is_empty() {
            let at = out.name.as_ref().map_or(self.span(&pair), |name| name.span);
            self.error(
                "this trigger finds nobody",
                at,
                "say whose conversation it moves: `find customer by FIELD`, with a field of the payload and the profile",
            );
        }
        out.then = match steps.pop() {
            Some(Step {
                kind: StepKind::Escalate(escalate),
                ..
            }) if steps.is_empty() => Some(TriggerThen::Escalate(*escalate)),
            Some(last) => {
                let span = steps.iter().fold(last.span, |s, step| s.to(step.span));
                steps.push(last);
                Some(TriggerThen::Body(Body { steps, span }))
            }
            None => None,
        };
        DeclKind::Trigger(Box::new(out))
    }

    fn trigger_item(&mut self, pair: Pair, out: &mut TriggerDecl, steps: &mut Vec<Step>) {
        let item = pair.clone();
        match pair.as_rule() {
            Rule::payload => match Parts::of(pair).get(Rule::fields) {
                Some(fields) => out.payload = self.field_block(fields),
                None => self.expected("`{`", &item, "write `payload { name: type }`"),
            },
            Rule::find => {
                let field = Parts::of(pair).get(Rule::path);
                const USAGE: &str = "write `find customer by FIELD`";
                out.find_by = self.need_path(field, "a field", &item, USAGE);
                if out.find_by.is_some() {
                    self.small_words(&item, &["customer", "by"], USAGE);
                }
            }
            Rule::x_expr => {
                let mut parts = Parts::of(pair);
                parts.get(Rule::kw);
                let cond = parts.get(Rule::expr);
                out.when = self.need_expr(cond, "a condition", &item, "write `when CONDITION`");
            }
            _ => {
                let step = self.step(pair);
                steps.push(step);
            }
        }
    }
}
