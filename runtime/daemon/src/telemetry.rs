//! Traces for operators who have a collector: what a request, a turn, a webhook and a model took, and how they belong together. Texts of
//! messages, names, addresses and secrets are in none of it.

use crate::config;
use crate::config::Environment;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use reqwest::header::{HeaderMap, HeaderValue};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The attribute of an answer's status.
pub(crate) const STATUS: &str = "http.response.status_code";
/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where spans go; nowhere unless configured.
#[derive(Debug, Default)]
pub struct Telemetry {
    on: Option<(SdkTracerProvider, SdkTracer)>,
    /// The turns under way, by conversation: what they cause is drawn below them.
    turns: Mutex<HashMap<String, SpanContext>>,
}

/// Something that takes time. It ends when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Timed(Option<opentelemetry_sdk::trace::Span>);

impl Timed {
    /// Adds something that is known only now.
    pub(crate) fn set(&mut self, key: &'static str, value: impl Into<opentelemetry::Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Marks it as failed, with a word that tells nothing of anybody.
    pub(crate) fn fail(&mut self, why: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(why));
        }
    }

    /// The context for what happens inside of it.
    pub(crate) fn context(&self) -> Context {
        self.0.as_ref().map_or_else(Context::current, |span| {
            Context::current().with_remote_span_context(span.span_context().clone())
        })
    }

    /// Lets others continue the trace (W3C Trace Context).
    pub(crate) fn inject(&self, headers: &mut HeaderMap) {
        let Some(context) = self.0.as_ref().map(|s| s.span_context()) else {
            return;
        };
        let line = format!(
            "00-{}-{}-{:02x}",
            context.trace_id(),
            context.span_id(),
            context.trace_flags().to_u8()
        );
        if let Ok(value) = HeaderValue::try_from(line) {
            headers.insert("traceparent", value);
        }
    }
}

/// A turn under way.
pub(crate) struct Turn<'a> {
    telemetry: &'a Telemetry,
    conversation: &'a str,
    pub(crate) timed: Timed,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.timed.0.is_some() {
            self.telemetry.lock().remove(self.conversation);
        }
    }
}

impl Telemetry {
    /// From the configuration. Must run inside of tokio.
    ///
    /// # Errors
    /// If the endpoint is no address or a header's variable is not set.
    pub fn new(
        config: Option<&config::Telemetry>,
        environment: &Environment,
    ) -> Result<Self, String> {
        let Some(config) = config else {
            return Ok(Self::default());
        };
        let headers = config
            .headers_env
            .iter()
            .map(|(name, variable)| Ok((name.clone(), environment.secret(variable)?)))
            .collect::<Result<HashMap<_, _>, String>>()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new()?)
            .with_endpoint(config.endpoint.clone())
            .with_headers(headers)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|e| format!("[telemetry]: {e}"))?;
        let sampler =
            Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("flowd");
        Ok(Self {
            on: Some((provider, tracer)),
            turns: Mutex::default(),
        })
    }

    /// Whether anybody looks.
    pub(crate) const fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Begins a span below the one that this task is in.
    pub(crate) fn begin(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
    ) -> Timed {
        self.below(&Context::current(), name, kind, attributes)
    }

    fn below(
        &self,
        parent: &Context,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
    ) -> Timed {
        Timed(self.on.as_ref().map(|(_, tracer)| {
            tracer
                .span_builder(name)
                .with_kind(kind)
                .with_attributes(attributes)
                .start_with_context(tracer, parent)
        }))
    }

    /// Begins a turn below the span that this task is in.
    pub(crate) fn turn<'a>(&'a self, conversation: &'a str, cause: &'static str) -> Turn<'a> {
        self.turn_below(&Context::current(), conversation, cause)
    }

    /// Begins a turn that was caused elsewhere.
    pub(crate) fn turn_below<'a>(
        &'a self,
        parent: &Context,
        conversation: &'a str,
        cause: &'static str,
    ) -> Turn<'a> {
        let mut timed = Timed::default();
        if self.is_on() {
            let attributes = [
                KeyValue::new("flow.conversation", conversation.to_owned()),
                KeyValue::new("flow.cause", cause),
            ];
            timed = self.below(parent, "turn", SpanKind::Internal, attributes);
        }
        if let Some(span) = &timed.0 {
            let context = span.span_context().clone();
            self.lock().insert(conversation.to_owned(), context);
        }
        Turn {
            telemetry: self,
            conversation,
            timed,
        }
    }

    /// The context of the turn under way in a conversation, for what it causes.
    pub(crate) fn cause(&self, conversation: &str) -> Context {
        let turn = self
            .is_on()
            .then(|| self.lock().get(conversation).cloned())
            .flatten();
        turn.map_or_else(Context::new, |turn| {
            Context::new().with_remote_span_context(turn)
        })
    }

    /// What causes something here: the span that this task is in, else the conversation's turn under way.
    pub(crate) fn here(&self, conversation: &str) -> Context {
        let current = Context::current();
        if current.span().span_context().is_valid() {
            return current;
        }
        self.cause(conversation)
    }

    /// Sends what is left. Blocks: not for an async thread.
    pub fn end(&self) {
        if let Some((provider, _)) = &self.on
            && let Err(error) = provider.shutdown_with_timeout(PATIENCE)
        {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, SpanContext>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends from the exporter's own thread through the daemon's threads. The collector is the operator's: the egress rules are for addresses
/// that bots name.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: tokio::runtime::Handle,
    /// Whether the last attempt failed; said once, not with every batch.
    away: AtomicBool,
}

impl Client {
    fn new() -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(|e| e.to_string())?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|e| e.to_string())?;
        Ok(Self {
            http,
            runtime,
            away: AtomicBool::new(false),
        })
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let answer = http
                .request(parts.method, parts.uri.to_string())
                .headers(parts.headers)
                .body(body)
                .send()
                .await?;
            let mut out = Response::builder().status(answer.status());
            if let Some(headers) = out.headers_mut() {
                headers.extend(answer.headers().clone());
            }
            Ok::<_, HttpError>(out.body(answer.bytes().await?)?)
        });
        let answer = sent.await?;
        let why = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status().as_u16())),
            Err(_) => Some("it does not answer".to_owned()),
        };
        match (why, self.away.load(Ordering::Relaxed)) {
            (Some(why), false) => tracing::warn!(why, "the collector takes no traces"),
            (None, true) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        let taken = matches!(&answer, Ok(answer) if answer.status().is_success());
        self.away.store(!taken, Ordering::Relaxed);
        answer
    }
}
