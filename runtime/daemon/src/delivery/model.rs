//! Models: one structured call in the OpenAI protocol, tools as function calls, a deadline over all attempts, a budget per conversation.
//! Without a provider the knowledge itself answers.

use super::backoff;
use super::client::{LARGEST, Outgoing, SendError, retry_after};
use super::model_gates::{Grounds, Said, judge};
use super::model_prompt::{self, Source};
use crate::app::App;
use crate::config::Model;
use crate::metrics::count;
use crate::program::Program;
use crate::telemetry::{STATUS, Timed};
use flow_compiler::value::Value;
use flow_engine::effect::ModelRequest;
use flow_engine::event::{EventKind, ModelAnswer, ToolCall};
use flow_engine::json::{from_json, to_json};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Passages given to a model.
const PASSAGES: usize = 6;
#[derive(Debug, Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    total_tokens: u64,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Reply,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Vec<Called>,
}

#[derive(Debug, Deserialize)]
struct Called {
    id: SmolStr,
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: SmolStr,
    arguments: String,
}

/// Why an attempt failed, and whether another may go better.
struct Failed {
    why: String,
    again: bool,
    wait: Option<Duration>,
}

impl Failed {
    fn for_good(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            again: false,
            wait: None,
        }
    }

    fn for_now(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            again: true,
            wait: None,
        }
    }
}

impl App {
    pub(super) async fn ask_model(
        self: &Arc<Self>,
        conversation: &str,
        mut request: ModelRequest,
    ) -> EventKind {
        let id = request.request;
        let fail = |error: String| {
            count(&self.metrics.model_failures);
            tracing::warn!(conversation, error, "a model gave no answer");
            EventKind::ModelFailed { request: id, error }
        };
        let (program, state, summary) = match self.snapshot(conversation).await {
            Ok(found) => found,
            Err(error) => return fail(error.to_string()),
        };
        let machine = program.engine.machine();
        if machine
            .tiers
            .iter()
            .any(|t| t.name == request.tier && t.shares_transcript)
        {
            let told = self.told(&program, &state, &summary, &request.tier).await;
            match told {
                Ok(lines) => request.history = lines,
                Err(error) => return fail(error.to_string()),
            }
        }
        let config = request
            .model
            .as_ref()
            .and_then(|name| self.config.models.get(name.as_str()))
            .cloned();
        let Some(config) = config else {
            // Searching takes a moment; the other turns of this thread are moved elsewhere meanwhile.
            let answer = tokio::task::block_in_place(|| program.understanding.answer(&request));
            return EventKind::ModelAnswered {
                request: id,
                answer,
            };
        };
        match self.store.spent(conversation).await {
            Ok(spent) if spent < config.tokens_per_conversation => {}
            Ok(_) => return fail("this conversation has used up its budget of tokens".to_owned()),
            Err(error) => return fail(error.to_string()),
        }
        let Ok(_permit) = self.delivery.models.acquire().await else {
            return fail("shutting down".to_owned());
        };
        let sources = sources(&program, &request);
        let body = model_prompt::body(&program, &config, &request, &sources)
            .to_string()
            .into_bytes();
        let attributes = [
            KeyValue::new("gen_ai.operation.name", "chat"),
            KeyValue::new("gen_ai.request.model", config.model.clone()),
            KeyValue::new("flow.conversation", conversation.to_owned()),
            KeyValue::new("flow.tier", request.tier.to_string()),
        ];
        let mut span = self.telemetry.begin("model", SpanKind::Client, attributes);
        let deadline = Instant::now() + Duration::from_secs(config.deadline_seconds);
        let mut last = String::new();
        for attempt in 1..=config.attempts.max(1) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            count(&self.metrics.model_calls);
            span.set("flow.attempts", i64::from(attempt));
            match self
                .one_attempt(
                    conversation,
                    &program,
                    &config,
                    &request,
                    &sources,
                    body.clone(),
                    left,
                    &mut span,
                )
                .await
            {
                Ok(kind) => return kind,
                Err(failed) => {
                    last = failed.why;
                    let wait = failed
                        .wait
                        .unwrap_or_else(|| backoff(Duration::from_millis(400), attempt));
                    if !failed.again || Instant::now() + wait >= deadline {
                        break;
                    }
                    tokio::time::sleep(wait).await;
                }
            }
        }
        span.fail("the model gave no answer");
        fail(if last.is_empty() {
            format!("no answer within {} s", config.deadline_seconds)
        } else {
            last
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    async fn one_attempt(
        &self,
        conversation: &str,
        program: &Program,
        config: &Model,
        request: &ModelRequest,
        sources: &[Source],
        body: Vec<u8>,
        timeout: Duration,
        span: &mut Timed,
    ) -> Result<EventKind, Failed> {
        let mut headers = HeaderMap::new();
        span.inject(&mut headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(name) = &config.api_key_env {
            let key = self
                .config
                .environment
                .secret(name)
                .map_err(Failed::for_good)?;
            let mut value = HeaderValue::try_from(format!("Bearer {key}"))
                .map_err(|_| Failed::for_good("the key is not valid"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let url = format!("{}/chat/completions", config.base_url.trim_end_matches('/'));
        let answer = self
            .send(Outgoing {
                method: Method::POST,
                url,
                headers,
                body: Some(body),
                timeout,
                largest: LARGEST,
            })
            .await;
        let answer = answer.map_err(|e: SendError| Failed {
            again: e.is_transient(),
            why: e.to_string(),
            wait: None,
        })?;
        span.set(STATUS, i64::from(answer.status.as_u16()));
        if !answer.status.is_success() {
            let again = answer.status.is_server_error()
                || matches!(answer.status.as_u16(), 408 | 409 | 429);
            let wait = retry_after(&answer.headers, Duration::from_secs(20));
            return Err(Failed {
                why: format!("the provider answered {}", answer.status.as_u16()),
                again,
                wait,
            });
        }
        let completion: Completion = serde_json::from_slice(&answer.body)
            .map_err(|e| Failed::for_now(format!("the provider's answer cannot be read: {e}")))?;
        let tokens = completion.usage.map_or(0, |u| u.total_tokens);
        // A provider that counts nothing is counted by length.
        let tokens = if tokens > 0 {
            tokens
        } else {
            answer.body.len() as u64 / 3
        };
        if let Err(error) = self.store.spend(conversation, tokens).await {
            return Err(Failed::for_good(format!(
                "the budget cannot be kept: {error}"
            )));
        }
        span.set(
            "gen_ai.usage.total_tokens",
            i64::try_from(tokens).unwrap_or(i64::MAX),
        );
        let choice = completion
            .choices
            .into_iter()
            .next()
            .ok_or_else(|| Failed::for_now("the provider's answer is empty"))?;
        if choice.finish_reason.as_deref() == Some("length") {
            return Err(Failed::for_good("the answer was cut off at max_tokens"));
        }
        if let Some(refusal) = choice.message.refusal {
            tracing::info!(conversation, "a model refused to answer");
            return Err(Failed::for_good(format!(
                "the model refused: {}",
                refusal.chars().take(200).collect::<String>()
            )));
        }
        if !choice.message.tool_calls.is_empty() {
            let calls = choice
                .message
                .tool_calls
                .into_iter()
                .map(|called| tool_call(program, request, called));
            let calls = calls
                .collect::<Result<Vec<_>, _>>()
                .map_err(Failed::for_now)?;
            return Ok(EventKind::ModelCalledTools {
                request: request.request,
                calls,
            });
        }
        let content = choice.message.content.unwrap_or_default();
        let said: Said = serde_json::from_str(unfenced(&content))
            .map_err(|e| Failed::for_now(format!("the answer has not the agreed form: {e}")))?;
        Ok(EventKind::ModelAnswered {
            request: request.request,
            answer: weigh(&said, request, sources),
        })
    }
}

/// The JSON inside a Markdown fence, which some models cannot help writing.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text
        .strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"))
        .and_then(|t| t.strip_suffix("```"));
    inner.unwrap_or(text).trim()
}

fn weigh(said: &Said, request: &ModelRequest, sources: &[Source]) -> ModelAnswer {
    let results = request
        .tool_results
        .iter()
        .filter_map(|r| r.result.as_ref().ok());
    let results = results
        .map(|value| to_json(value).to_string())
        .collect::<Vec<_>>()
        .join(" ");
    let customer = request
        .history
        .iter()
        .filter(|l| l.who == "customer")
        .map(|l| l.text.as_str());
    let facts = request.facts.values().map(|v| to_json(v).to_string());
    let words = customer
        .map(str::to_owned)
        .chain([request.question.clone()])
        .chain(facts)
        .collect::<Vec<_>>()
        .join(" ");
    let failed = request.tool_results.iter().any(|r| r.result.is_err());
    let (confidence, parts, citations) = judge(
        said,
        &Grounds {
            sources,
            results,
            words,
            failed,
        },
    );
    let resolved = said.resolved;
    ModelAnswer {
        text: said.answer.trim().to_owned(),
        confidence,
        citations,
        parts,
        resolved,
    }
}

/// Only declared tools of this tier, with arguments of their declared types.
fn tool_call(
    program: &Program,
    request: &ModelRequest,
    called: Called,
) -> Result<ToolCall, String> {
    let machine = program.engine.machine();
    let name = called.function.name;
    if !request.tools.contains(&name) {
        tracing::warn!(tool = %name, "a model wanted a tool that it does not have");
        return Err(format!(
            "the model called `{name}`, which is none of its tools"
        ));
    }
    let webhook = machine
        .webhooks
        .iter()
        .find(|w| w.name == name)
        .ok_or_else(|| format!("there is no webhook `{name}`"))?;
    let given: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&called.function.arguments)
            .map_err(|e| format!("the arguments of `{name}` are no JSON: {e}"))?;
    let mut args: BTreeMap<SmolStr, Value> = BTreeMap::new();
    for param in &webhook.params {
        match given.get(param.name.as_str()).filter(|v| !v.is_null()) {
            Some(json) => {
                let value = from_json(machine, &param.ty, json)
                    .map_err(|e| format!("`{name}` {}: {e}", param.name))?;
                args.insert(param.name.clone(), value);
            }
            None if param.optional => {}
            None => return Err(format!("`{name}` was called without `{}`", param.name)),
        }
    }
    Ok(ToolCall {
        id: called.id,
        tool: name,
        args,
    })
}

fn sources(program: &Program, request: &ModelRequest) -> Vec<Source> {
    let found = tokio::task::block_in_place(|| {
        program.understanding.knowledge().search(
            &request.knowledge,
            &request.question,
            &request.language,
            PASSAGES,
        )
    });
    found
        .into_iter()
        .enumerate()
        .map(|(i, passage)| Source {
            id: format!("p{}", i + 1),
            file: passage.source.to_string(),
            title: passage.title.to_string(),
            text: passage.text.to_string(),
        })
        .collect()
}
