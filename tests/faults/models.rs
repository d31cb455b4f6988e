//! Faults 13 to 15, 35 and 44: model providers that are cut off, busy, broken, silent, late or dear.

use crate::flowd::{Place, serve};
use crate::people::sign_in;
use crate::provider::{ANSWER, Next, QUESTION, provider};
use axum::Router;
use axum::routing::get;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A shop that counts its calls.
async fn counting_shop(place: &mut Place) -> Arc<AtomicU32> {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let order = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async {
            r#"{"id": "AB-123456", "status": "shipped", "total": {"amount": "30", "currency": "USD"}}"#
        }
    };
    place.shop(serve(Router::new().route("/orders/{id}", get(order))).await);
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_13_an_answer_that_is_cut_off_calls_no_tool_and_shows_nothing() {
    let (mut place, provider) = provider(8).await;
    let calls = counting_shop(&mut place).await;
    let flow = place.start().await;
    // The same tool, called whole, is called: what follows is about the cut alone.
    let mut ana = flow.open().await;
    ana.press("Ask anything").await;
    provider.then([
        Next::Tool("find_order", r#"{"order_id": "AB-123456"}"#),
        Next::Says(ANSWER),
    ]);
    ana.say(QUESTION).await;
    ana.hears(ANSWER).await;
    assert_eq!(calls.swap(0, Ordering::Relaxed), 1);
    provider.requests();
    let whole_tool = r#"{"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "find_order", "arguments": "{\"order_id\": \"AB-123456\"}"}}]}, "finish_reason": "tool_calls"}]"#;
    let half_tool = r#"{"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "find_order", "arguments": "{\"order_id\": \"AB-12"#;
    let half_text = r#"{"choices": [{"index": 0, "message": {"role": "assistant", "content": "{\"answer\": \"LEAKED within 30"#;
    for part in [whole_tool, half_tool, half_text] {
        // Once cut, then well: it is asked again and the customer sees one answer.
        let mut bob = flow.open().await;
        bob.press("Ask anything").await;
        provider.then([Next::Cut(part), Next::Says(ANSWER)]);
        bob.say(QUESTION).await;
        bob.hears(ANSWER).await;
        assert_eq!(provider.asked(), 2);
        // Always cut: a person takes over.
        let mut eve = flow.open().await;
        eve.press("Ask anything").await;
        provider.then((0..3).map(|_| Next::Cut(part)));
        eve.say(QUESTION).await;
        let state = eve.stands("queued").await;
        assert!(!state.to_string().contains("LEAKED"), "{state:#}");
        assert_eq!(provider.asked(), 3);
        assert!(!bob.state().await.to_string().contains("LEAKED"));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
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

#[tokio::test(flavor = "multi_thread")]
async fn fault_44_a_visitor_who_drains_the_token_budget_is_capped_and_others_are_unharmed() {
    let (mut place, provider) = provider(8).await;
    // Every answer of this provider counts 100 tokens.
    place.config.push_str("tokens_per_conversation = 250\n");
    let flow = place.start().await;
    let mut eve = flow.open().await;
    eve.press("Ask anything").await;
    provider.then((0..20).map(|_| Next::Says(ANSWER)));
    for _ in 0..6 {
        eve.say(QUESTION).await;
        while eve.state().await["conversation"]["thinking"] == true {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    eve.stands("queued").await;
    assert_eq!(
        provider.asked(),
        3,
        "two whole answers and the one that went over"
    );
    provider.next.lock().unwrap().clear();
    // Meanwhile somebody else is answered.
    let mut ana = flow.open().await;
    ana.press("Ask anything").await;
    provider.then([Next::Says(ANSWER)]);
    ana.say(QUESTION).await;
    ana.hears(ANSWER).await;
    assert_eq!(provider.asked(), 1);
}
