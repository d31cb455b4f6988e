//! A model provider that does what it is told, and remembers what it was asked.

use crate::flowd::{Place, serve};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the provider does next.
pub enum Next {
    Busy,
    Says(&'static str),
    /// This text without a quotation.
    Claims(String),
    Raw(&'static str),
    Tool(&'static str, &'static str),
    /// Answers so late.
    Late(Duration, &'static str),
    /// Promises more bytes than these and hangs up.
    Cut(&'static str),
}

#[derive(Clone, Default)]
pub struct Provider {
    pub next: Arc<Mutex<VecDeque<Next>>>,
    asked: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

fn completion(message: Value) -> Response {
    let finish = if message.get("tool_calls").is_some() {
        "tool_calls"
    } else {
        "stop"
    };
    Json(json!({"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": {"total_tokens": 100}})).into_response()
}

fn answers(answer: &str, citations: &Value) -> Response {
    let content = json!({"answer": answer, "citations": citations, "answerable": true, "confidence": 0.95, "resolved": false});
    completion(json!({"role": "assistant", "content": content.to_string()}))
}

fn says(answer: &str) -> Response {
    answers(
        answer,
        &json!([{"passage": "p1", "quote": "within 30 days of delivery"}]),
    )
}

fn cut(text: &'static str) -> Response {
    let bytes = futures::stream::iter([
        Ok(text),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    (
        [
            ("content-type", "application/json".to_owned()),
            ("content-length", (text.len() + 100).to_string()),
        ],
        Body::from_stream(bytes),
    )
        .into_response()
}

async fn complete(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    provider.asked.lock().unwrap().push((headers, body));
    let next = provider.next.lock().unwrap().pop_front();
    match next {
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Next::Busy) => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
        Some(Next::Says(text)) => says(text),
        Some(Next::Claims(text)) => answers(&text, &json!([])),
        Some(Next::Raw(text)) => ([("content-type", "application/json")], text).into_response(),
        Some(Next::Tool(name, arguments)) => {
            let call = json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}});
            completion(json!({"role": "assistant", "content": null, "tool_calls": [call]}))
        }
        Some(Next::Late(after, text)) => {
            tokio::time::sleep(after).await;
            says(text)
        }
        Some(Next::Cut(text)) => cut(text),
    }
}

pub const ANSWER: &str = "You can return anything within 30 days of delivery.";
pub const QUESTION: &str = "how long can I return a lamp?";

/// Starts one and names it in a place.
pub async fn provider(deadline: u32) -> (Place, Provider) {
    let provider = Provider::default();
    let mut place = Place::new();
    place.model(
        serve(
            Router::new()
                .route("/v1/chat/completions", post(complete))
                .with_state(provider.clone()),
        )
        .await,
        deadline,
    );
    (place, provider)
}

impl Provider {
    pub fn then(&self, next: impl IntoIterator<Item = Next>) {
        self.next.lock().unwrap().extend(next);
    }

    /// What it was asked since the last look.
    pub fn requests(&self) -> Vec<(HeaderMap, Value)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    pub fn asked(&self) -> usize {
        self.requests().len()
    }
}
