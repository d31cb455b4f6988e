//! Faults 14, 15 and 35: model providers that are busy, broken, silent or late.

use crate::flowd::{Place, serve};
use crate::people::sign_in;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the provider does next.
enum Next {
    Busy,
    Says(&'static str),
    Raw(&'static str),
    Tool(&'static str, &'static str),
    /// Answers so late.
    Late(Duration, &'static str),
}

#[derive(Clone, Default)]
struct Provider {
    next: Arc<Mutex<VecDeque<Next>>>,
    asked: Arc<Mutex<u32>>,
}

fn completion(message: Value) -> Response {
    let finish = if message.get("tool_calls").is_some() {
        "tool_calls"
    } else {
        "stop"
    };
    Json(json!({"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": {"total_tokens": 100}})).into_response()
}

fn says(answer: &str) -> Response {
    let quote = json!({"passage": "p1", "quote": "within 30 days of delivery"});
    let content = json!({"answer": answer, "citations": [quote], "answerable": true, "confidence": 0.95, "resolved": false});
    completion(json!({"role": "assistant", "content": content.to_string()}))
}

async fn complete(State(provider): State<Provider>, Json(_): Json<Value>) -> Response {
    *provider.asked.lock().unwrap() += 1;
    let next = provider.next.lock().unwrap().pop_front();
    match next {
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Next::Busy) => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
        Some(Next::Says(text)) => says(text),
        Some(Next::Raw(text)) => ([("content-type", "application/json")], text).into_response(),
        Some(Next::Tool(name, arguments)) => {
            let call = json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}});
            completion(json!({"role": "assistant", "content": null, "tool_calls": [call]}))
        }
        Some(Next::Late(after, text)) => {
            tokio::time::sleep(after).await;
            says(text)
        }
    }
}

const ANSWER: &str = "You can return anything within 30 days of delivery.";
const QUESTION: &str = "how long can I return a lamp?";

async fn provider(deadline: u32) -> (Place, Provider) {
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
    fn then(&self, next: impl IntoIterator<Item = Next>) {
        self.next.lock().unwrap().extend(next);
    }

    fn asked(&self) -> u32 {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_a_busy_model_is_asked_again_and_malformed_answers_are_failures() {
    let (place, provider) = provider(8).await;
    let flow = place.start().await;
    let mut ana = flow.open().await;
    ana.press("Ask anything").await;
    provider.then([Next::Busy, Next::Busy, Next::Says(ANSWER)]);
    ana.say(QUESTION).await;
    ana.hears(ANSWER).await;
    assert_eq!(provider.asked(), 3);
    // Each of these in turn: nothing of it reaches the customer, and a person does.
    for broken in [
        || Next::Raw("{\"choices\": [{\"message\": {\"content\": \"{\\\"answer\\\": \\\"LEAKED"),
        || Next::Raw("{\"choices\": []}"),
        || Next::Raw("<html>LEAKED</html>"),
        || Next::Tool("find_order", "{\"order_id\": "),
        || Next::Tool("find_order", "[\"LEAKED\"]"),
        || Next::Tool("refund_everything", "{}"),
    ] {
        let mut bob = flow.open().await;
        bob.press("Ask anything").await;
        provider.then((0..3).map(|_| broken()));
        bob.say(QUESTION).await;
        let state = bob.stands("queued").await;
        assert!(!state.to_string().contains("LEAKED"));
        provider.next.lock().unwrap().clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_15_a_model_that_hangs_is_over_at_its_deadline_and_a_person_takes_over() {
    let (place, provider) = provider(2).await;
    let flow = place.start().await;
    let mut ana = flow.open().await;
    ana.press("Ask anything").await;
    provider.then((0..3).map(|_| Next::Late(Duration::from_secs(60), ANSWER)));
    let start = std::time::Instant::now();
    ana.say(QUESTION).await;
    ana.stands("queued").await;
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_35_a_late_answer_of_a_model_is_suppressed_once_a_person_has_it() {
    let (place, provider) = provider(10).await;
    place.agents(&["leo"]);
    let flow = place.start().await;
    let leo = sign_in(&flow, "leo").await;
    let mut stream = leo.comes().await;
    let mut ana = flow.open().await;
    ana.press("Ask anything").await;
    provider.then([Next::Late(Duration::from_secs(4), ANSWER)]);
    ana.say(QUESTION).await;
    ana.press("Talk to a human").await;
    let id = leo.accepts(&mut stream).await;
    ana.hears("You're now with").await;
    assert_eq!(
        leo.post(
            &format!("/conversations/{id}/messages"),
            json!({"id": "1", "text": "Hello, Leo here."})
        )
        .await
        .status,
        200
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(provider.asked(), 1);
    let state = ana.state().await;
    assert!(!state.to_string().contains(ANSWER), "{state:#}");
    let last = state["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["text"], "Hello, Leo here.");
}
