//! What one visitor or one address may take of the daemon.

use crate::common::{Answer, Customer, Stream, World};
use flow_store::Role;
use reqwest::StatusCode;
use serde_json::json;

async fn upload(who: &Customer, id: &str, bytes: usize) -> Answer {
    let url = who.url(&format!("/files?id={id}&name=a.png"));
    let request = who.http.post(url).bearer_auth(&who.token);
    let request = request
        .header("content-type", "image/png")
        .body(vec![1; bytes]);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_fills_no_disk() {
    let mut world = World::new();
    world.config.limits.upload_megabytes = 5;
    world.config.proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let flow = world.start().await;
    let (ana, bob) = (flow.open().await, flow.open().await);
    assert_eq!(upload(&ana, "f1", 3 << 20).await.status, 200);
    // In another conversation it is the same address.
    let much = upload(&bob, "f1", 3 << 20).await;
    assert_eq!((much.status, much.code()), (429, "too_many_requests"));
    assert!(much.headers.contains_key("retry-after"));
    assert_eq!(upload(&bob, "f2", 1 << 20).await.status, 200);
    // Another address has its own.
    let url = bob.url("/files?id=f3&name=a.png");
    let request = bob.http.post(url).bearer_auth(&bob.token);
    let request = request
        .header("x-forwarded-for", "203.0.113.9")
        .body(vec![1; 3 << 20]);
    assert_eq!(request.send().await.unwrap().status(), 200);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_leave_connections_for_others() {
    let mut world = World::new();
    // Half of them are for one address.
    world.config.connections = 8;
    let flow = world.start().await;
    let (ana, bob) = (flow.open().await, flow.open().await);
    let mut open: Vec<Stream> = Vec::new();
    for who in [&ana, &bob, &ana, &bob] {
        open.push(who.stream(None).await);
    }
    let one_more = async || {
        let request = ana.http.get(ana.url("/events")).bearer_auth(&ana.token);
        request.send().await.unwrap().status()
    };
    assert_eq!(one_more().await, StatusCode::TOO_MANY_REQUESTS);
    // Everything else goes on.
    assert_eq!(
        ana.post("/typing", json!({"typing": true})).await.status,
        204
    );
    // Who leaves makes room.
    open.pop();
    let mut status = StatusCode::TOO_MANY_REQUESTS;
    for _ in 0..200 {
        status = one_more().await;
        if status == StatusCode::OK {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(status, StatusCode::OK);
    drop(open);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_is_listened_to_by_a_visitors_windows_and_no_crowd() {
    let world = World::new();
    let flow = world.start().await;
    let ana = flow.open().await;
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..60 {
        let request = ana.http.get(ana.url("/events")).bearer_auth(&ana.token);
        let answer = request.send().await.unwrap();
        match answer.status() {
            StatusCode::OK => open.push(answer),
            _ => refused += 1,
        }
    }
    assert_eq!((open.len(), refused), (50, 10));
    let bob = flow.open().await;
    drop(bob.stream(None).await);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fetches_a_customers_file_is_noted() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let mut ana = flow.open().await;
    assert_eq!(upload(&ana, "f1", 100).await.status, 200);
    ana.press("Talk to a human").await;
    let state = ana.stands("queued").await.to_string();
    let file = state.split("/v1/files/").nth(1).unwrap();
    let file = file.split('"').next().unwrap();
    let leo = flow.sign_in("leo").await;
    let request = flow.http.get(format!("{}/v1/files/{file}", flow.base));
    let answer = request.header("cookie", &leo.cookie).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let audit = flow.app().store.audit_log(None, 1).await.unwrap();
    assert_eq!(
        (audit[0].action.as_str(), audit[0].actor.as_str()),
        ("view", "agent:leo")
    );
    assert_eq!(audit[0].target, Some(format!("conversation:{}", ana.id)));
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_name_is_one_that_can_be_shown() {
    let world = World::new();
    world.agent("ada", Role::Admin).await;
    let flow = world.start().await;
    let ada = flow.sign_in("ada").await;
    let put = async |name: &str| {
        let request = flow.http.put(format!("{}/v1/admin/agents/leo", flow.base));
        let request = request
            .header("cookie", &ada.cookie)
            .header("x-flow-csrf", &ada.csrf);
        let body = json!({"name": name, "password": "correct horse"});
        Answer::of(request.json(&body).send().await.unwrap()).await
    };
    for name in ["", "  ", "a\0b", "a\nb", &"x".repeat(101)] {
        let answer = put(name).await;
        assert_eq!(
            (answer.status, answer.code()),
            (422, "invalid_value"),
            "{name}"
        );
    }
    let good = put(" Le\u{202e}o <b>P</b> ").await;
    assert_eq!(
        (good.status, &good.body["agent"]["name"]),
        (200, &json!("Leo <b>P</b>"))
    );
    flow.stop().await;
}
