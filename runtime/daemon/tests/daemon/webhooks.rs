//! Webhooks against a shop that behaves, and one that does not.

use crate::common::{World, serve};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ORDER: &str = r#"{"id": "AB-123456", "status": "shipped", "total": {"amount": 84.5, "currency": "USD"}, "more": 1}"#;

#[derive(Clone, Default)]
struct Shop {
    calls: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

async fn order(State(shop): State<Shop>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let call = shop.calls.fetch_add(1, Ordering::SeqCst);
    shop.seen.lock().unwrap().push((id.clone(), headers));
    match id.as_str() {
        // The first two attempts fail.
        "AB-000001" if call < 2 => StatusCode::BAD_GATEWAY.into_response(),
        "AB-000002" => {
            Redirect::temporary("http://169.254.169.254/latest/meta-data").into_response()
        }
        "AB-000003" => "{\"id\": 5".into_response(),
        "AB-000004" => {
            json!({"id": "x", "status": "lost", "total": {"amount": "1", "currency": "USD"}})
                .to_string()
                .into_response()
        }
        "AB-000005" => vec![b' '; 3 << 20].into_response(),
        "AB-000006" => {
            // One byte at a time, for ever.
            let drip = futures::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Some((Ok::<_, std::convert::Infallible>("1"), ()))
            });
            axum::body::Body::from_stream(drip).into_response()
        }
        "AB-000007" => StatusCode::NOT_FOUND.into_response(),
        // Down for the first eight calls.
        "AB-000008" if call < 8 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => ORDER.into_response(),
    }
}

async fn shop(world: &mut World) -> Shop {
    let shop = Shop::default();
    let address = serve(
        Router::new()
            .route("/orders/{id}", get(order))
            .with_state(shop.clone()),
    )
    .await;
    world.shop(address);
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_by_its_type_and_carries_the_secret() {
    let mut world = World::new();
    let shop = shop(&mut world).await;
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    ana.say("AB-123456").await;
    ana.hears("Order AB-123456 is shipped, 84.50 USD.").await;
    let (id, headers) = shop.seen.lock().unwrap()[0].clone();
    assert_eq!(
        (id.as_str(), headers["authorization"].to_str().unwrap()),
        ("AB-123456", "Bearer shop-token")
    );
    // Nowhere in the log.
    let log = flow.app().store.log(&ana.id, 0, 100).await.unwrap();
    assert!(log.iter().all(|row| !row.record.contains("shop-token")));
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_a_moment_is_tried_again() {
    let mut world = World::new();
    let shop = shop(&mut world).await;
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    ana.say("AB-000001").await;
    ana.hears("Order AB-123456 is shipped").await;
    assert_eq!(shop.calls.load(Ordering::SeqCst), 3);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_answers_are_failures_that_the_flow_sees() {
    let mut world = World::new();
    let shop = shop(&mut world).await;
    let flow = world.start().await;
    for (order, why) in [
        ("AB-000002", "it answered 307"),
        ("AB-000003", "no JSON"),
        ("AB-000004", "lost"),
        ("AB-000005", "larger than 1 MiB"),
        ("AB-000006", "no answer within"),
        ("AB-000007", "it answered 404"),
    ] {
        let mut ana = flow.open().await;
        ana.press("Track an order").await;
        ana.say(order).await;
        ana.stands("queued").await;
        let log = flow.app().store.log(&ana.id, 0, 100).await.unwrap();
        let done: Vec<Value> = log
            .iter()
            .map(|r| serde_json::from_str::<Value>(&r.record).unwrap())
            .filter(|r| r["event"]["event"] == "webhook_done")
            .collect();
        assert!(
            done[0]["event"]["result"]["Err"]
                .as_str()
                .unwrap()
                .contains(why),
            "{order}: {:#}",
            done[0]
        );
    }
    // Where it was led is noted, the host alone.
    let audit = flow.app().store.audit_log(None, 100).await.unwrap();
    let refused: Vec<_> = audit
        .iter()
        .filter(|l| l.action == "egress_refused")
        .collect();
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert_eq!(refused[0].target.as_deref(), Some("host:127.0.0.1"));
    let detail = refused[0].detail.as_deref().unwrap();
    assert!(
        detail.contains("`169.254.169.254`") && !detail.contains("meta-data"),
        "{detail}"
    );
    // A redirect was not followed, a 404 not repeated.
    assert_eq!(
        shop.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|(id, _)| id == "AB-000007")
            .count(),
        1
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_refused_unless_it_is_allowed() {
    let mut world = World::new();
    let shop = shop(&mut world).await;
    world.config.egress.allow.clear();
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    ana.say("AB-123456").await;
    ana.stands("queued").await;
    assert_eq!(shop.calls.load(Ordering::SeqCst), 0);
    let audit = flow.app().store.audit_log(None, 1).await.unwrap();
    assert_eq!(audit[0].action, "egress_refused");
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_rests_costs_no_attempt_and_no_other_service() {
    let mut world = World::new();
    let shop = shop(&mut world).await;
    // Long enough to wait for the end of the rest.
    world.edit("timeout 2s", "timeout 40s");
    let other = serve(Router::new().route("/ok", get(async || "{}"))).await;
    world.config.egress.allow.push(other.to_string());
    world.set("TEST_OTHER_URL", &format!("http://{other}"));
    world.add("webhook other() { get \"{env.TEST_OTHER_URL}/ok\"; timeout 1s }\n");
    world.edit(
        "\"Ask anything\"   -> ask_ai",
        "\"Ask anything\"   -> ask_ai\n    \"Ask another\" -> another",
    );
    world.edit(
        "node greet {",
        "node another { call other() { failed -> escalate to human because \"It rests too\" }; say \"It answered.\"; -> greet }\nnode greet {",
    );
    let flow = world.start().await;
    // Three attempts, three, and two: after eight failures in a row it rests.
    for n in 0..3 {
        let mut ana = flow.open().await;
        ana.press("Track an order").await;
        ana.say("AB-000008").await;
        if n < 2 {
            ana.stands("queued").await;
        }
    }
    for _ in 0..400 {
        if shop.calls.load(Ordering::SeqCst) >= 8 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let before = shop.calls.load(Ordering::SeqCst);
    let mut bea = flow.open().await;
    bea.press("Track an order").await;
    bea.say("AB-000008").await;
    // Another service of the same host is none of its business.
    let mut cid = flow.open().await;
    cid.press("Ask another").await;
    cid.hears("It answered.").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        shop.calls.load(Ordering::SeqCst),
        before,
        "nothing is sent meanwhile"
    );
    // What waits gets its answer after the rest, with the attempts that it had.
    bea.hears("Order AB-123456 is shipped").await;
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_calls_have_one_key_and_attempts_of_one_call_do() {
    let mut world = World::new();
    let keys: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let told = Arc::clone(&keys);
    let router = Router::new().route(
        "/told",
        axum::routing::post(move |headers: HeaderMap| async move {
            let of = |name: &str| headers[name].to_str().unwrap().to_owned();
            let key = of("idempotency-key");
            let mut keys = told.lock().unwrap();
            keys.push((key, of("webhook-id")));
            // Some fail and come again; too many in a row would make it rest.
            match keys.len() <= 3 {
                true => StatusCode::BAD_GATEWAY,
                false => StatusCode::NO_CONTENT,
            }
        }),
    );
    world.shop(serve(router).await);
    world.set("TEST_HOOK_KEY", "whsec_c2VjcmV0cw==");
    world.add(
        "webhook tell(what: text) { post \"{env.TEST_SHOP_URL}/told\"; send { what }; signed secret.TEST_HOOK_KEY; idempotent; timeout 5s; retry 2 }\n\
         on start { call tell(\"hello\") { failed -> back }; call tell(\"again\") { failed -> back } }\n",
    );
    let flow = world.start().await;
    // Many at once: some of them in the same millisecond.
    let opened = futures::future::join_all((0..20).map(|_| flow.open())).await;
    for _ in 0..400 {
        if keys.lock().unwrap().len() == 43 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let keys = keys.lock().unwrap().clone();
    assert_eq!(keys.len(), 43, "two calls of each, and three attempts more");
    assert!(keys.iter().all(|(key, id)| key == id));
    let mut different: Vec<_> = keys.iter().map(|(key, _)| key.as_str()).collect();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 40);
    for who in opened {
        assert_eq!(different.iter().filter(|k| k.contains(&who.id)).count(), 2);
    }
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_is_delivered_after_a_restart() {
    let mut world = World::new();
    // A shop that is not there yet: the call hangs in its retries while the daemon goes down.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    world.shop(address);
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    ana.say("AB-123456").await;
    assert_eq!(flow.app().store.outbox().await.unwrap().len(), 1);
    flow.stop().await;
    let shop = Shop::default();
    let router = Router::new()
        .route("/orders/{id}", get(order))
        .with_state(shop.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let flow = world.start().await;
    ana.base.clone_from(&flow.base);
    ana.hears("Order AB-123456 is shipped").await;
    assert!(flow.app().store.outbox().await.unwrap().is_empty());
    flow.stop().await;
}
