//! Fault 31: messages that come late, twice, or all at once. The web channel has one order, that of arrival, and no edited messages.

use crate::flowd::Place;
use serde_json::json;
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn fault_31_the_log_has_the_order_of_arrival_and_what_comes_late_changes_nothing() {
    let place = Place::new();
    let flow = place.start().await;
    let mut ana = flow.open().await;
    let first = ana.state().await;
    let old_button = first["conversation"]["asks"]["buttons"][0]["id"].clone();
    ana.press("Repeat after me").await;
    // Thirty at once: every one gets a place of its own, and the log tells them in these places.
    let writes = (0..30).map(|n| {
        let ana = ana.clone();
        async move {
            let body = json!({"id": format!("m{n}"), "text": format!("word{n}x")});
            let answer = ana.post("/messages", body).await;
            assert_eq!(answer.status, 200, "{:?}", answer.body);
            (
                answer.body["seq"].as_u64().unwrap(),
                format!("Echo: word{n}x."),
            )
        }
    });
    let promised: BTreeMap<u64, String> = futures::future::join_all(writes)
        .await
        .into_iter()
        .collect();
    assert_eq!(promised.len(), 30);
    let state = ana.state().await;
    let echoes: Vec<&str> = state["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["text"].as_str())
        .filter(|t| t.starts_with("Echo: "))
        .collect();
    assert_eq!(echoes, promised.values().collect::<Vec<_>>());
    // One at a time on one connection: the order of writing.
    for n in 0..10 {
        ana.say(&format!("row{n}x")).await;
    }
    // An early message again, long after: its first place, no second answer.
    let (seq, echo) = promised.iter().next().unwrap();
    let word = echo.trim_start_matches("Echo: ").trim_end_matches('.');
    let id = format!("m{}", word.trim_start_matches("word").trim_end_matches('x'));
    let again = ana.post("/messages", json!({"id": id, "text": word})).await;
    assert_eq!(
        (
            again.status,
            &again.body["duplicate"],
            again.body["seq"].as_u64()
        ),
        (200, &json!(true), Some(*seq))
    );
    // A button of a question that is long over: recorded or refused, never obeyed.
    let late = ana
        .post("/messages", json!({"id": "late", "button": old_button}))
        .await;
    assert!(matches!(late.status, 200 | 409 | 422), "{:?}", late.body);
    let state = ana.state().await;
    let texts = state["messages"].to_string();
    assert!(!texts.contains("What's your order number?"), "{state:#}");
    assert_eq!(texts.matches(echo.as_str()).count(), 1);
    let rows: Vec<&str> = state["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["text"].as_str())
        .filter(|t| t.starts_with("Echo: row"))
        .collect();
    assert_eq!(
        rows,
        (0..10)
            .map(|n| format!("Echo: row{n}x."))
            .collect::<Vec<_>>()
    );
}
