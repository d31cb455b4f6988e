//! Alerts of targets.

use crate::common::{World, serve};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use flow_store::Role;
use serde_json::Value;
use std::sync::{Arc, Mutex};

type Calls = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

async fn called(
    State(calls): State<Calls>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> StatusCode {
    let mut calls = calls.lock().unwrap();
    calls.push((headers, body));
    // The first call fails.
    match calls.len() {
        1 => StatusCode::BAD_GATEWAY,
        _ => StatusCode::NO_CONTENT,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_called_once_until_it_has_ceased_to_hold() {
    let mut world = World::new();
    let calls = Calls::default();
    let router = Router::new()
        .route("/ops", post(called))
        .with_state(Arc::clone(&calls));
    let address = serve(router).await;
    world.set("TEST_OPS_URL", &format!("http://{address}"));
    world.set("TEST_OPS_TOKEN", "ops-token");
    world.config.egress.allow.push(address.to_string());
    world.add(
        r#"
webhook notify_ops() {
  post "{env.TEST_OPS_URL}/ops"
  header "Authorization" "Bearer {secret.TEST_OPS_TOKEN}"
  send { channel: "ops" }
  timeout 2s
}
targets { alert notify_ops when handoff_rate > 35% over 1h }
"#,
    );
    let flow = world.start().await;
    let mut ana = flow.open().await;
    flow.open().await;
    flow.app().look_at_targets().await;
    assert!(calls.lock().unwrap().is_empty());
    ana.press("Talk to a human").await;
    ana.stands("queued").await;
    // One of two. The call that failed is made again at the next look, the one that was taken is not.
    for expected in [1, 2, 2] {
        flow.app().look_at_targets().await;
        assert_eq!(calls.lock().unwrap().len(), expected);
    }
    let (headers, body) = calls.lock().unwrap()[1].clone();
    assert_eq!(headers["authorization"], "Bearer ops-token");
    assert_eq!(body["channel"], "ops");
    let alert = &body["alert"];
    assert_eq!(alert["metric"], "handoff_rate");
    assert_eq!(
        (alert["value"].as_f64(), alert["bound"].as_f64()),
        (Some(0.5), Some(0.35))
    );
    assert_eq!(alert["window_seconds"], 3600);
    flow.stop().await;

    // A restart calls nobody again; once it has ceased, it may begin anew.
    let flow = world.start().await;
    flow.app().look_at_targets().await;
    assert_eq!(calls.lock().unwrap().len(), 2);
    let mut bea = flow.open().await;
    flow.app().look_at_targets().await;
    bea.press("Talk to a human").await;
    bea.stands("queued").await;
    flow.app().look_at_targets().await;
    assert_eq!(calls.lock().unwrap().len(), 3);
    flow.stop().await;
}

/// The numbers that `targets` are held against, by the dashboard.
async fn numbers(mia: &crate::common::Person) -> Value {
    let answer = mia.get("/dashboard").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body
}

fn tier<'a>(numbers: &'a Value, name: &str) -> &'a Value {
    let tiers = numbers["tiers"].as_array().unwrap();
    tiers.iter().find(|t| t["tier"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_context_and_repetitions_are_measured_per_tier() {
    let mut world = World::new();
    let calls = Calls::default();
    let router = Router::new()
        .route("/ops", post(called))
        .with_state(Arc::clone(&calls));
    let address = serve(router).await;
    world.set("TEST_OPS_URL", &format!("http://{address}"));
    world.config.egress.allow.push(address.to_string());
    world.agent("mia", Role::Admin).await;
    // Another people tier, so that nobody takes the one's numbers for the other's; a customer may come back.
    world.edit(
        "tiers bot -> ai -> human",
        "tiers bot -> ai -> human -> experts\n  reopen within 1h",
    );
    world.edit(
        "handoff human {\n",
        "handoff human {\n  require customer.name, topic\n",
    );
    world.add(
        r#"
tier experts: people {}
route experts {
  | message | team    | priority |
  | _       | support | standard |
}
handoff experts { say "An expert comes."; resolved -> done; returned -> greet }
webhook notify_ops() { post "{env.TEST_OPS_URL}/ops"; send { channel: "ops" }; idempotent; retry 1 }
targets {
  alert notify_ops when first_reply of human > 1s
  alert notify_ops when first_reply of experts > 1s
  alert notify_ops when context_completeness < 60%
  alert notify_ops when repeat_rate >= 50%
}
"#,
    );
    let flow = world.start().await;
    let mia = flow.sign_in("mia").await;
    let mut stream = mia.comes().await;
    let body = serde_json::json!({"visitor": {"claimed": {"name": "Ana"}}});
    let mut ana = flow.open_with(body).await;
    let before = numbers(&mia).await;
    assert_eq!(tier(&before, "bot")["first_reply_seconds"]["p50"], 0.0);
    assert_eq!(
        tier(&before, "human")["first_reply_seconds"]["p50"],
        Value::Null
    );
    assert_eq!(before["context_completeness"], Value::Null);
    assert_eq!(before["repeat_rate"], 0.0);

    ana.press("Talk to a human").await;
    let (_, offer) = stream.next("offer").await;
    let at = |rest: &str| format!("/conversations/{}{rest}", ana.id);
    let accept = serde_json::json!({"id": "1", "reservation": offer["reservation"]});
    assert_eq!(mia.post(&at("/accept"), accept).await.status, 200);
    // What the bot says meanwhile is no reply of a person.
    ana.hears("You're now with Mia.").await;
    assert_eq!(
        tier(&numbers(&mia).await, "human")["first_reply_seconds"]["p50"],
        Value::Null
    );
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    for (id, text) in [("2", "Hello"), ("3", "Are you there?")] {
        let written = serde_json::json!({"id": id, "text": text});
        assert_eq!(mia.post(&at("/messages"), written).await.status, 200);
    }
    let now = numbers(&mia).await;
    let reply = tier(&now, "human")["first_reply_seconds"]["p50"]
        .as_f64()
        .unwrap();
    let wait = tier(&now, "human")["wait_seconds"]["p50"].as_f64().unwrap();
    assert!(reply >= wait + 1.2, "{reply} after {wait}");
    assert_eq!(tier(&now, "human")["handle_seconds"]["p50"], Value::Null);
    assert_eq!(
        tier(&now, "experts")["first_reply_seconds"]["p50"],
        Value::Null
    );
    // The name was known, the topic was not.
    assert_eq!(now["context_completeness"], 0.5);
    let confirm = serde_json::json!({"id": "4", "reminder": 0});
    assert_eq!(mia.post(&at("/confirm"), confirm).await.status, 200);
    let resolve = serde_json::json!({"id": "5"});
    assert_eq!(mia.post(&at("/resolve"), resolve).await.status, 200);
    ana.stands("closed").await;
    let now = numbers(&mia).await;
    let handled = tier(&now, "human")["handle_seconds"]["p50"]
        .as_f64()
        .unwrap();
    assert!(handled >= 1.2 && handled <= reply + 20.0, "{handled}");
    assert_eq!(now["repeat_rate"], 0.0);

    ana.say("one more thing").await;
    assert_eq!(numbers(&mia).await["repeat_rate"], 1.0);
    flow.app().look_at_targets().await;
    flow.stop().await;
    let calls = calls.lock().unwrap();
    let mut metrics: Vec<String> = calls
        .iter()
        .skip(1)
        .map(|(_, body)| {
            let alert = &body["alert"];
            format!(
                "{} {}",
                alert["metric"].as_str().unwrap(),
                alert["tier"].as_str().unwrap_or("-")
            )
        })
        .collect();
    metrics.sort();
    assert_eq!(
        metrics,
        [
            "context_completeness -",
            "first_reply human",
            "repeat_rate -"
        ]
    );
}
