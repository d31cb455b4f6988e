//! Alerts of targets.

use crate::common::{World, serve};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
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
