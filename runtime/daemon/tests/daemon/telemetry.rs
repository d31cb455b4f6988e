//! Traces, read by a collector that speaks OTLP.

use crate::common::{World, serve};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use flow_daemon::config::{Config, Telemetry};
use flow_store::Role;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use std::sync::{Arc, Mutex};

type Received = Arc<Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>>;

async fn collect(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    received.lock().unwrap().push((headers, request));
    StatusCode::OK
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|a| a.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(n) => Some(n.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_turns_webhooks_and_models_are_one_trace_without_texts() {
    let received = Received::default();
    let collector = serve(
        Router::new()
            .route("/v1/traces", post(collect))
            .with_state(Arc::clone(&received)),
    )
    .await;
    let seen = Arc::new(Mutex::new(Vec::<HeaderMap>::new()));
    let headers = Arc::clone(&seen);
    let shop = Router::new().route(
        "/orders/{id}",
        get(move |given: HeaderMap| async move {
            headers.lock().unwrap().push(given);
            r#"{"id": "AB-123456", "status": "shipped", "total": {"amount": 84.5, "currency": "USD"}}"#
        }),
    );
    let model = Router::new().route(
        "/v1/chat/completions",
        post(|| async {
            let said = json!({"answer": "Within 30 days.", "citations": [], "answerable": true, "confidence": 0.9});
            axum::Json(json!({
                "choices": [{"message": {"role": "assistant", "content": said.to_string()}, "finish_reason": "stop"}],
                "usage": {"total_tokens": 77},
            }))
        }),
    );
    let mut world = World::new();
    world.shop(serve(shop).await);
    world.model(serve(model).await);
    world.set("TEST_COLLECTOR_KEY", "collector-key");
    let text = format!(
        "[telemetry]\nendpoint = \"http://{collector}/v1/traces\"\nservice_name = \"shop-bot\"\nheaders_env = {{ x-key = \"TEST_COLLECTOR_KEY\" }}"
    );
    let telemetry: Telemetry = Config::parse(&text).unwrap().telemetry.unwrap();
    world.config.telemetry = Some(telemetry);
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    ana.say("AB-123456").await;
    ana.hears("Order AB-123456 is shipped").await;
    ana.press("Ask anything").await;
    ana.say("how long may I keep a lamp before I return it?")
        .await;
    for _ in 0..200 {
        if flow.app().store.outbox().await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    flow.stop().await;

    let received = received.lock().unwrap();
    assert!(received.iter().all(|(h, _)| h["x-key"] == "collector-key"));
    let resources = received.iter().flat_map(|(_, r)| &r.resource_spans);
    let names: Vec<_> = resources
        .clone()
        .flat_map(|r| &r.resource.as_ref().unwrap().attributes)
        .filter(|a| a.key == "service.name")
        .map(|a| a.value.clone().unwrap().value.unwrap())
        .collect();
    assert!(
        !names.is_empty()
            && names
                .iter()
                .all(|n| *n == Value::StringValue("shop-bot".into()))
    );
    let spans: Vec<&Span> = resources
        .flat_map(|r| &r.scope_spans)
        .flat_map(|s| &s.spans)
        .collect();
    let of = |name: &str| {
        let found: Vec<&&Span> = spans.iter().filter(|s| s.name == name).collect();
        assert!(
            !found.is_empty(),
            "{name} in {:?}",
            spans.iter().map(|s| &s.name).collect::<Vec<_>>()
        );
        found
    };
    let parent = |span: &Span| {
        let found = spans.iter().find(|s| s.span_id == span.parent_span_id);
        let found = found.unwrap_or_else(|| panic!("{} has no parent", span.name));
        assert_eq!(found.trace_id, span.trace_id);
        assert!(found.start_time_unix_nano <= span.start_time_unix_nano);
        *found
    };
    for (child, with) in [
        ("webhook", ("flow.webhook", "find_order")),
        ("model", ("gen_ai.request.model", "test-1")),
    ] {
        let span = of(child)[0];
        assert_eq!(attribute(span, with.0).as_deref(), Some(with.1));
        assert_eq!(
            attribute(span, "http.response.status_code").as_deref(),
            Some("200")
        );
        let turn = parent(span);
        assert_eq!(turn.name, "turn");
        assert_eq!(attribute(turn, "flow.conversation"), Some(ana.id.clone()));
        let request = parent(turn);
        assert_eq!(request.name, "POST /v1/conversations/{id}/messages");
        assert_eq!(
            attribute(request, "http.route").as_deref(),
            Some("/v1/conversations/{id}/messages")
        );
        assert!(request.parent_span_id.is_empty());
    }
    assert_eq!(
        attribute(of("model")[0], "gen_ai.usage.total_tokens").as_deref(),
        Some("77")
    );
    // The shop can go on with the trace.
    let given = seen.lock().unwrap()[0]["traceparent"]
        .to_str()
        .unwrap()
        .to_owned();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let webhook = of("webhook")[0];
    assert_eq!(
        given,
        format!("00-{}-{}-01", hex(&webhook.trace_id), hex(&webhook.span_id))
    );
    // Nothing of what anybody said, of addresses or secrets.
    let all = format!("{spans:?}");
    for private in [
        "AB-123456",
        "lamp",
        "30 days",
        "shop-token",
        "llm-key",
        &ana.token,
        "127.0.0.1",
    ] {
        assert!(!all.contains(private), "{private}");
    }
}

/// All spans that were sent.
fn spans(received: &Received) -> Vec<Span> {
    let received = received.lock().unwrap();
    let resources = received.iter().flat_map(|(_, r)| &r.resource_spans);
    let scopes = resources.flat_map(|r| &r.scope_spans);
    scopes.flat_map(|s| s.spans.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_desk_decides_is_in_the_trace_of_what_caused_it() {
    let received = Received::default();
    let router = Router::new().route("/v1/traces", post(collect));
    let collector = serve(router.with_state(Arc::clone(&received))).await;
    let mut world = World::new();
    world.agent("leo", Role::Agent).await;
    let text = format!("[telemetry]\nendpoint = \"http://{collector}/v1/traces\"");
    world.config.telemetry = Config::parse(&text).unwrap().telemetry;
    let flow = world.start().await;
    let leo = flow.sign_in("leo").await;
    let mut stream = leo.comes().await;
    let mut ana = flow.open().await;
    ana.press("Talk to a human").await;
    let (_, offer) = stream.next("offer").await;
    let body = json!({"id": "1", "reservation": offer["reservation"]});
    let accepted = leo
        .post(&format!("/conversations/{}/accept", ana.id), body)
        .await;
    assert_eq!(accepted.status, 200, "{:?}", accepted.body);
    flow.stop().await;

    let spans = spans(&received);
    let parent = |span: &Span| spans.iter().find(|s| s.span_id == span.parent_span_id);
    let of_desk: Vec<&Span> = spans
        .iter()
        .filter(|s| attribute(s, "flow.cause").as_deref() == Some("desk"))
        .collect();
    // News of the queue and the offer follow from the customer's turn, being connected from the agent's request.
    let causes: Vec<String> = of_desk
        .iter()
        .filter_map(|s| parent(s))
        .map(|p| match p.name.as_str() {
            "turn" => attribute(p, "flow.cause").unwrap(),
            other => other.to_owned(),
        })
        .collect();
    assert!(causes.iter().any(|c| c == "customer"), "{causes:?}");
    let accept = "POST /v1/agent/conversations/{id}/accept";
    assert!(causes.iter().any(|c| c == accept), "{causes:?}");
    assert!(
        of_desk
            .iter()
            .all(|s| attribute(s, "flow.conversation") == Some(ana.id.clone())),
        "{of_desk:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_harms_nobody() {
    let mut world = World::new();
    let text = "[telemetry]\nendpoint = \"http://127.0.0.1:1/v1/traces\"";
    world.config.telemetry = Config::parse(text).unwrap().telemetry;
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.say("when are you open").await;
    ana.hears("We are always open.").await;
    flow.stop().await;
}
