//! Webhooks: the request, complete but for the environment, and what follows from its result.

use super::{Flow, Run};
use crate::conversation::{At, Caller, Profile, Thread};
use crate::effect::{Effect, HttpRequest, RequestPart};
use flow_compiler::machine::{Expr, ExprKind, Op, OpKind, TextPart, Webhook};
use flow_compiler::value::{OpId, TextId, Value, WebhookId};
use flow_grammar::ast::Method;
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;

impl Run<'_> {
    /// The step `call`. Its line waits for the result.
    pub(super) fn call(
        &mut self,
        at: OpId,
        webhook: WebhookId,
        args: &[Expr],
        failed: OpId,
    ) -> Flow {
        let args: Vec<Value> = args.iter().map(|arg| self.value(arg)).collect();
        let caller = match &self.side {
            Some(handler) => Caller::Side(handler.clone()),
            None => Caller::Main,
        };
        match self.call_webhook(webhook, &args, caller) {
            Some(call) => {
                self.c.main.at = At::Call { call, op: at.0 };
                Flow::Stop
            }
            None => Flow::Next(failed),
        }
    }

    /// Sends the request; the number of the call.
    pub(super) fn call_webhook(
        &mut self,
        id: WebhookId,
        args: &[Value],
        caller: Caller,
    ) -> Option<u64> {
        let webhook = self.m.webhook(id)?;
        let call = self.c.next_id();
        let request = self.request_of(webhook, args, call);
        let named: BTreeMap<SmolStr, Value> = webhook
            .params
            .iter()
            .zip(args)
            .map(|(p, v)| (p.name.clone(), v.clone()))
            .collect();
        self.c.calls.insert(call, caller);
        self.effects.push(Effect::CallWebhook {
            call,
            webhook: webhook.name.clone(),
            args: named,
            request,
        });
        Some(call)
    }

    fn request_of(&self, webhook: &Webhook, args: &[Value], call: u64) -> HttpRequest {
        let body = webhook.send.as_ref().map(|fields| {
            let mut scope = self.scope();
            scope.params = args;
            serde_json::Value::Object(
                fields
                    .iter()
                    .map(|(name, expr)| (name.to_string(), json(&scope.value(expr))))
                    .collect(),
            )
        });
        HttpRequest {
            method: SmolStr::new_static(method(webhook.method)),
            url: self.parts(webhook.url, args, true),
            headers: webhook
                .headers
                .iter()
                .map(|(name, value)| {
                    (
                        self.parts(*name, args, false),
                        self.parts(*value, args, false),
                    )
                })
                .collect(),
            body,
            timeout: webhook.timeout,
            retry: webhook.retry,
            idempotency_key: webhook.idempotent.then(|| self.idempotency_key(call)),
            signed: webhook.signed.clone(),
        }
    }

    /// The same for a call however often it is delivered. The daemon makes it unique among conversations.
    fn idempotency_key(&self, call: u64) -> SmolStr {
        let opened = self.c.opened.map_or(0, |at| at.as_millisecond());
        format_smolstr!("{opened}-{call}")
    }

    fn parts(&self, text: TextId, args: &[Value], encode: bool) -> Vec<RequestPart> {
        let mut scope = self.scope();
        scope.params = args;
        let mut parts: Vec<RequestPart> = Vec::new();
        let Some(variant) = self.m.text(text).and_then(|t| t.variants.first()) else {
            return parts;
        };
        for part in &variant.parts {
            let text = match part {
                TextPart::Str(text) => text.to_string(),
                TextPart::Expr(Expr {
                    kind: ExprKind::Env(name),
                    ..
                }) => {
                    parts.push(RequestPart::Env(name.clone()));
                    continue;
                }
                TextPart::Expr(Expr {
                    kind: ExprKind::Secret(name),
                    ..
                }) => {
                    parts.push(RequestPart::Secret(name.clone()));
                    continue;
                }
                TextPart::Expr(expr) => {
                    let text = plain(&scope.value(expr));
                    if encode {
                        percent_encoded(&text)
                    } else {
                        text.chars().filter(|c| !c.is_control()).collect()
                    }
                }
            };
            match parts.last_mut() {
                Some(RequestPart::Text(before)) => before.push_str(&text),
                _ => parts.push(RequestPart::Text(text)),
            }
        }
        parts
    }

    /// A webhook answered.
    pub(super) fn on_webhook(&mut self, call: u64, result: &Result<Value, String>) {
        let Some(caller) = self.c.calls.remove(&call) else {
            return;
        };
        if let Err(why) = result {
            self.remark(format!("a webhook failed: {why}"));
        }
        match caller {
            Caller::Main => self.resume_call(result),
            Caller::Side(_) => {
                let waiting = |t: &Thread| matches!(t.at, At::Call { call: of, .. } if of == call);
                if let Some(index) = self.c.side.iter().position(waiting) {
                    let thread = self.c.side.remove(index);
                    self.beside(thread, |run| run.resume_call(result));
                }
            }
            Caller::Profile => self.profile_loaded(result),
            Caller::Tool(tool) => {
                if self.tier_kind() == Some(flow_grammar::ast::TierKind::Model) {
                    self.on_tool_done(tool, result);
                } else {
                    self.remark("a tool's result came after the model's time");
                }
            }
        }
    }

    /// The current line goes on after its call.
    fn resume_call(&mut self, result: &Result<Value, String>) {
        let At::Call { op, .. } = std::mem::take(&mut self.c.main.at) else {
            return;
        };
        let m = self.m;
        let Some(Op {
            kind:
                OpKind::Call {
                    webhook,
                    local,
                    failed,
                    next,
                    ..
                },
            code,
            ..
        }) = m.op(OpId(op))
        else {
            return;
        };
        let needs_value = m
            .webhook(*webhook)
            .and_then(|w| w.returns.as_ref())
            .is_some_and(|(_, optional)| !optional);
        match result {
            Ok(value) if value.is_known() || !needs_value || local.is_none() => {
                let def = local.and_then(|id| m.code(*code)?.locals.get(id.index()));
                if let Some(def) = def {
                    self.c.main.locals.insert(def.name.clone(), value.clone());
                }
                self.exec(*next);
            }
            _ => self.exec(*failed),
        }
    }

    // The profile.

    /// Loads the profile once what it is found by is known and proven. Returns the call.
    pub(super) fn load_profile(&mut self) -> Option<u64> {
        let source = self.m.profile.as_ref()?;
        if self.c.profile != Profile::Unloaded {
            return None;
        }
        let mut proven = true;
        for arg in &source.args {
            crate::tables::any(
                self.m,
                arg,
                &mut |e| {
                    if let ExprKind::Customer(id) = e.kind {
                        proven &= self
                            .m
                            .customer_field(id)
                            .is_some_and(|d| self.c.proven.contains(&d.name));
                    }
                    false
                },
                16,
            );
        }
        let args: Vec<Value> = source.args.iter().map(|arg| self.value(arg)).collect();
        if !proven || args.iter().any(|v| !v.is_known()) {
            return None;
        }
        self.c.profile = Profile::Loading;
        self.call_webhook(source.webhook, &args, Caller::Profile)
    }

    fn profile_loaded(&mut self, result: &Result<Value, String>) {
        match result {
            Ok(Value::Record(fields)) => {
                self.c.profile = Profile::Loaded;
                for def in &self.m.customer {
                    let Some(value) = fields.get(&def.name).filter(|v| v.is_known()) else {
                        continue;
                    };
                    // What was proven stands; what the system knows replaces a claim.
                    if !self.c.proven.contains(&def.name) {
                        self.c.customer.insert(def.name.clone(), value.clone());
                        self.c.proven.insert(def.name.clone());
                    }
                }
            }
            Ok(_) => self.c.profile = Profile::Loaded,
            Err(_) => self.c.profile = Profile::Failed,
        }
        if let At::Profile { op, .. } = std::mem::take(&mut self.c.main.at) {
            match op {
                Some(op) => self.exec(OpId(op)),
                None => self.start(),
            }
        }
    }
}

const fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// A value as a URL or header carries it.
fn plain(value: &Value) -> String {
    match json(value) {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A value as JSON: money as `{ amount, currency }` with the amount as text, percents as fractions, durations in seconds.
pub(crate) fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Unknown => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => number(*n),
        Value::Percent(n) => serde_json::Number::from_f64(*n).map_or(Json::Null, Json::Number),
        Value::Text(text) | Value::Enum(text) => Json::String(text.to_string()),
        Value::Duration(millis) => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "durations are far below 2^53 milliseconds"
            )]
            let seconds = *millis as f64 / 1000.0;
            number(seconds)
        }
        Value::Money(money) => {
            serde_json::json!({ "amount": money.amount.to_string(), "currency": money.currency })
        }
        Value::Date(date) => Json::String(date.to_string()),
        Value::Time(time) => Json::String(time.to_string()),
        Value::DateTime(at) => Json::String(at.to_string()),
        Value::Record(fields) => Json::Object(
            fields
                .iter()
                .map(|(name, v)| (name.to_string(), json(v)))
                .collect(),
        ),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::File(file) => {
            serde_json::json!({ "name": file.name, "url": file.url, "mime": file.mime, "bytes": file.bytes })
        }
    }
}

/// Whole numbers are written without a fraction.
fn number(n: f64) -> serde_json::Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and small"
    )]
    let whole = (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64);
    whole.map_or_else(
        || {
            serde_json::Number::from_f64(n)
                .map_or(serde_json::Value::Null, serde_json::Value::Number)
        },
        serde_json::Value::from,
    )
}

fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte))
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_a_url_cannot_leave_their_place() {
        assert_eq!(
            percent_encoded("a/../b?x=1&é"),
            "a%2F..%2Fb%3Fx%3D1%26%C3%A9"
        );
    }

    #[test]
    fn numbers_are_written_plainly() {
        assert_eq!(plain(&Value::Number(3.0)), "3");
        assert_eq!(plain(&Value::Number(3.5)), "3.5");
        assert_eq!(plain(&Value::Duration(90_000)), "90");
    }
}
