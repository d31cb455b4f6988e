//! Deliveries that were given up: seen and tried again, by the API and by the command beside the running daemon.

use crate::common::{Answer, PATIENCE, Running, World, serve};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use flow_store::{ApiKey, SqliteOptions, SqliteStore, Store};
use serde_json::Value;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TOLD: &str = r#"
webhook tell_crm(why: text) {
  post "{env.TEST_SHOP_URL}/escalations"
  send { why }
  idempotent
  timeout 2s
}
on escalate { call tell_crm(escalation.reason) { failed -> back } }
"#;

/// Another system that is away until it is told to come back.
#[derive(Clone, Default)]
struct Crm {
    there: Arc<AtomicBool>,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Crm {
    fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().clone()
    }
}

async fn crm(world: &mut World) -> Crm {
    let crm = Crm::default();
    let told = crm.clone();
    let router = Router::new().route(
        "/escalations",
        post(move |headers: HeaderMap| async move {
            let key = headers["idempotency-key"].to_str().unwrap().to_owned();
            told.keys.lock().unwrap().push(key);
            match told.there.load(Ordering::SeqCst) {
                true => StatusCode::NO_CONTENT,
                false => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }),
    );
    world.shop(serve(router).await);
    world.add(TOLD);
    crm
}

fn command(world: &World, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowd"));
    command.arg("dead-letters").args(words).arg("--data");
    command
        .arg(&world.config.data)
        .current_dir(world.dir.path());
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(all).unwrap()
}

async fn dead(flow: &Running) -> Vec<Value> {
    let request = flow
        .http
        .get(format!("{}/v1/admin/dead-letters", flow.base))
        .bearer_auth("fk_admin");
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["dead_letters"].as_array().unwrap().clone()
}

async fn until_dead(flow: &Running, count: usize) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let found = dead(flow).await;
        if found.len() == count {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_system_was_not_told_is_seen_and_told_again_with_the_same_key() {
    let mut world = World::new();
    let crm = crm(&mut world).await;
    let store = SqliteStore::open(&world.config.data, &SqliteOptions::default()).unwrap();
    let key = ApiKey {
        id: "k_1".to_owned(),
        name: "test".to_owned(),
        hash: flow_daemon::app::secret_hash("fk_admin"),
        scopes: vec!["admin".into()],
        created: jiff::Timestamp::now(),
        expires: None,
    };
    store.put_key(key).await.unwrap();
    drop(store);
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Talk to a human").await;
    let found = until_dead(&flow, 1).await;
    assert_eq!(found[0]["kind"], "webhook");
    assert_eq!(found[0]["conversation"], ana.id);
    assert_eq!(found[0]["last_error"], "it answered 500");
    // The customer does not wait for it.
    ana.stands("queued").await;
    let metrics = flow.get("/metrics").await.body;
    assert!(metrics.as_str().unwrap().contains("flow_outbox_dead 1"));
    let list = said(&command(&world, &["list"]));
    assert!(
        list.contains("webhook") && list.contains("it answered 500"),
        "{list}"
    );

    // Still away: it comes back as a dead letter.
    let id = found[0]["id"].to_string();
    let output = command(&world, &["replay", &id]);
    assert!(output.status.success(), "{}", said(&output));
    let start = Instant::now();
    while crm.keys().len() < 2 {
        assert!(start.elapsed() < PATIENCE, "{:?}", crm.keys());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    until_dead(&flow, 1).await;

    crm.there.store(true, Ordering::SeqCst);
    let output = command(&world, &["replay", "--all"]);
    assert_eq!(said(&output), "1 delivery is tried again\n");
    until_dead(&flow, 0).await;
    let start = Instant::now();
    while crm.keys().len() < 3 {
        assert!(start.elapsed() < PATIENCE, "{:?}", crm.keys());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let keys = crm.keys();
    assert!(keys.iter().all(|k| *k == keys[0]), "{keys:?}");
    let output = command(&world, &["replay", &id]);
    assert!(!output.status.success());
    assert_eq!(
        said(&output),
        format!("flowd: there is no dead letter `{id}`\n")
    );

    // By the API at once.
    crm.there.store(false, Ordering::SeqCst);
    let mut bea = flow.open().await;
    bea.press("Talk to a human").await;
    let found = until_dead(&flow, 1).await;
    crm.there.store(true, Ordering::SeqCst);
    let url = format!(
        "{}/v1/admin/dead-letters/{}/replay",
        flow.base, found[0]["id"]
    );
    let answer = flow
        .http
        .post(url)
        .bearer_auth("fk_admin")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    until_dead(&flow, 0).await;
    flow.stop().await;
}
