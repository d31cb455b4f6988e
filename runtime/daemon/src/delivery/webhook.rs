//! Calls of webhooks: complete the request, send it within its time, read the answer as the type that was declared.

use super::client::{Incoming, LARGEST, Outgoing, SendError, retry_after};
use super::{backoff, millis, signature};
use crate::app::App;
use crate::config::Environment;
use crate::metrics::count;
use crate::telemetry::{STATUS, Timed};
use flow_compiler::value::Value;
use flow_engine::effect::{HttpRequest, RequestPart};
use flow_store::OutboxRow;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use smol_str::format_smolstr;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl App {
    pub(super) async fn call_webhook(
        self: &Arc<Self>,
        row: &OutboxRow,
        name: &str,
        request: &HttpRequest,
    ) -> Result<Value, String> {
        let attributes = [
            KeyValue::new("flow.webhook", name.to_owned()),
            KeyValue::new("flow.conversation", row.conversation.clone()),
            KeyValue::new("http.request.method", request.method.to_string()),
        ];
        let mut span = self
            .telemetry
            .begin("webhook", SpanKind::Client, attributes);
        let outcome = self.attempts(row, name, request, &mut span).await;
        if outcome.is_err() {
            span.fail("the webhook failed");
        }
        if let Err(error) = &outcome {
            count(&self.metrics.webhook_failures);
            tracing::warn!(
                webhook = name,
                conversation = row.conversation,
                error,
                "a webhook failed"
            );
        }
        outcome
    }

    async fn attempts(
        &self,
        row: &OutboxRow,
        name: &str,
        request: &HttpRequest,
        span: &mut Timed,
    ) -> Result<Value, String> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| "the method is unknown".to_owned())?;
        let repeatable = method.is_safe() || request.idempotency_key.is_some();
        if !repeatable {
            // Without a key the other side cannot tell a repetition. A call that may have arrived is not made again.
            if row.attempts > 0 {
                return Err("it is not known whether the call arrived before the restart, so it is not repeated".to_owned());
            }
            self.store
                .outbox_begun(row.id)
                .await
                .map_err(|e| e.to_string())?;
        }
        // The engine's key tells the calls of one conversation apart; another one may have opened in the same millisecond.
        let mut request = request.clone();
        if let Some(key) = &mut request.idempotency_key {
            *key = format_smolstr!("{}-{key}", row.conversation);
        }
        let answer = self.exchange(&request, &method, repeatable, span).await?;
        self.read(row, name, &answer.body).await
    }

    /// Sends a request as often as it may be sent within its time, until an answer is good.
    async fn exchange(
        &self,
        request: &HttpRequest,
        method: &Method,
        repeatable: bool,
        span: &mut Timed,
    ) -> Result<Incoming, String> {
        let deadline = Instant::now() + millis(request.timeout);
        let most = if repeatable { request.retry + 1 } else { 1 };
        let mut error = String::new();
        let mut attempt = 0;
        while attempt < most {
            // Whoever waits for another attempt keeps nobody from theirs.
            let permit = self.delivery.webhooks.acquire().await;
            let permit = permit.map_err(|_| "shutting down".to_owned())?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let mut outgoing = self.complete(request, method.clone(), left)?;
            span.inject(&mut outgoing.headers);
            let sent = self.send(outgoing).await;
            drop(permit);
            if let Err(rests @ SendError::Open { wait, .. }) = &sent {
                // Nothing was sent, and no attempt is spent.
                error = rests.to_string();
                if Instant::now() + *wait >= deadline {
                    break;
                }
                tokio::time::sleep(*wait).await;
                continue;
            }
            attempt += 1;
            count(&self.metrics.webhook_calls);
            span.set("flow.attempts", i64::from(attempt));
            let wait = match sent {
                Ok(answer) if answer.status.is_success() => {
                    span.set(STATUS, i64::from(answer.status.as_u16()));
                    return Ok(answer);
                }
                Ok(answer) => {
                    span.set(STATUS, i64::from(answer.status.as_u16()));
                    error = format!("it answered {}", answer.status.as_u16());
                    let again = answer.status.is_server_error()
                        || matches!(answer.status.as_u16(), 408 | 425 | 429);
                    if !again {
                        return Err(error);
                    }
                    retry_after(&answer.headers, Duration::from_secs(30))
                }
                Err(e) if !e.is_transient() => return Err(e.to_string()),
                Err(e) => {
                    error = e.to_string();
                    None
                }
            };
            if attempt < most {
                let wait = wait.unwrap_or_else(|| backoff(Duration::from_millis(100), attempt));
                if Instant::now() + wait >= deadline {
                    break;
                }
                tokio::time::sleep(wait).await;
            }
        }
        Err(if error.is_empty() {
            format!("no answer within {} ms", request.timeout)
        } else {
            error
        })
    }

    /// Calls a webhook that belongs to no conversation and whose answer nobody reads.
    pub(crate) async fn call_alert(&self, name: &str, request: &HttpRequest) -> Result<(), String> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| "the method is unknown".to_owned())?;
        let attributes = [KeyValue::new("flow.webhook", name.to_owned())];
        let mut span = self
            .telemetry
            .begin("webhook", SpanKind::Client, attributes);
        let repeatable = method.is_safe() || request.idempotency_key.is_some();
        let outcome = self.exchange(request, &method, repeatable, &mut span).await;
        outcome.map(drop).inspect_err(|_| {
            count(&self.metrics.webhook_failures);
            span.fail("the webhook failed");
        })
    }

    fn complete(
        &self,
        request: &HttpRequest,
        method: Method,
        timeout: Duration,
    ) -> Result<Outgoing, String> {
        let env = &self.config.environment;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let (name, value) = (fill(env, name)?, fill(env, value)?);
            let name = HeaderName::try_from(name.trim())
                .map_err(|_| "a header's name is not valid".to_owned())?;
            let mut value = HeaderValue::try_from(value)
                .map_err(|_| format!("the header `{name}` is not valid"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let body = request
            .body
            .as_ref()
            .map(|body| body.to_string().into_bytes());
        if body.is_some() {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        if let Some(key) = &request.idempotency_key {
            let value = HeaderValue::try_from(key.as_str())
                .map_err(|_| "the key is not valid".to_owned())?;
            headers.insert("idempotency-key", value);
        }
        if let Some(secret) = &request.signed {
            let id = request
                .idempotency_key
                .as_ref()
                .map_or_else(|| crate::app::random_name("msg_"), ToString::to_string);
            let at = self.clock.now().as_second();
            let secret = env.secret(secret)?;
            let signature = signature::sign(&secret, &id, at, body.as_deref().unwrap_or_default());
            for (name, value) in [
                ("webhook-id", id),
                ("webhook-timestamp", at.to_string()),
                ("webhook-signature", signature),
            ] {
                headers.insert(
                    name,
                    HeaderValue::try_from(value)
                        .map_err(|_| "the signature is not valid".to_owned())?,
                );
            }
        }
        Ok(Outgoing {
            method,
            url: fill(env, &request.url)?,
            headers,
            body,
            timeout,
            largest: LARGEST,
        })
    }

    /// Reads the answer as the webhook's declared type, in the version that the conversation runs.
    async fn read(&self, row: &OutboxRow, name: &str, body: &[u8]) -> Result<Value, String> {
        let (program, _, _) = self
            .snapshot(&row.conversation)
            .await
            .map_err(|e| e.to_string())?;
        let machine = program.engine.machine();
        let Some((ty, optional)) = machine
            .webhooks
            .iter()
            .find(|w| w.name == name)
            .and_then(|w| w.returns.clone())
        else {
            return Ok(Value::Unknown);
        };
        let json: serde_json::Value =
            serde_json::from_slice(body).map_err(|e| format!("the answer is no JSON: {e}"))?;
        if json.is_null() && optional {
            return Ok(Value::Unknown);
        }
        flow_engine::json::from_json(machine, &ty, &json)
            .map_err(|e| format!("the answer does not fit its type: {e}"))
    }
}

fn fill(environment: &Environment, parts: &[RequestPart]) -> Result<String, String> {
    parts.iter().try_fold(String::new(), |mut out, part| {
        match part {
            RequestPart::Text(text) => out.push_str(text),
            RequestPart::Env(name) => out.push_str(&environment.get(name)?),
            RequestPart::Secret(name) => out.push_str(&environment.secret(name)?),
        }
        Ok(out)
    })
}
