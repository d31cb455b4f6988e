//! Faults 28 to 30: events of other systems, forged, replayed, doubled.

use crate::flowd::{Answer, Customer, Flowd, Place};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

fn mac(key: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A customer of whom the shop's own login vouches.
async fn signed_in(flow: &Flowd, email: &str) -> Customer {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let body = URL_SAFE_NO_PAD.encode(json!({"email": email, "exp": now() + 60}).to_string());
    let signature = URL_SAFE_NO_PAD.encode(mac("login-key", &format!("{head}.{body}")));
    flow.open_with(json!({"identity": format!("{head}.{body}.{signature}")}))
        .await
}

fn sign(key: &str, id: &str, at: i64, body: &str) -> String {
    format!(
        "v1,{}",
        STANDARD.encode(mac(key, &format!("{id}.{at}.{body}")))
    )
}

async fn send(flow: &Flowd, id: &str, at: &str, signature: &str, body: &str) -> Answer {
    let request = flow.http.post(flow.url("/v1/triggers/crm/renewals"));
    let request = request
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature);
    Answer::of(request.body(body.to_owned()).send().await.unwrap()).await
}

const BODY: &str = r#"{"email": "ana@example.com", "days_left": 3}"#;

#[tokio::test(flavor = "multi_thread")]
async fn fault_28_a_forged_or_missing_signature_is_401_and_does_nothing() {
    let flow = Place::new().start().await;
    let ana = signed_in(&flow, "ana@example.com").await;
    let at = now();
    let good = sign("crm-key", "e1", at, BODY);
    let forged = [
        sign("other-key", "e1", at, BODY),
        sign("crm-key", "e2", at, BODY),
        sign("crm-key", "e1", at - 1, BODY),
        sign("crm-key", "e1", at, &BODY.replace('3', "9")),
        good.replace("v1,", "v1a,"),
        good.replace("v1,", ""),
        "v1,".to_owned(),
        String::new(),
        "x".repeat(4000),
    ];
    for signature in forged {
        let answer = send(&flow, "e1", &at.to_string(), &signature, BODY).await;
        assert_eq!(
            (answer.status, answer.code()),
            (401, "wrong_signature"),
            "{signature}"
        );
    }
    let bare = flow
        .post(
            "/v1/triggers/crm/renewals",
            json!({"email": "ana@example.com", "days_left": 3}),
        )
        .await;
    assert_eq!(bare.status, 401);
    assert_eq!(
        flow.post("/v1/triggers/nothing/here", json!({}))
            .await
            .status,
        404
    );
    // Nothing was stored: the true one is new.
    let answer = send(&flow, "e1", &at.to_string(), &good, BODY).await;
    assert_eq!(
        (answer.status, &answer.body["duplicate"]),
        (202, &json!(false))
    );
    ana.stands("queued").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_29_a_replay_in_the_window_has_no_effect_and_outside_it_is_401() {
    let flow = Place::new().start().await;
    let ana = signed_in(&flow, "ana@example.com").await;
    let at = now();
    let good = sign("crm-key", "e1", at, BODY);
    assert_eq!(
        send(&flow, "e1", &at.to_string(), &good, BODY).await.status,
        202
    );
    ana.stands("queued").await;
    let seq = ana.state().await["last_event_id"].clone();
    let again = send(&flow, "e1", &at.to_string(), &good, BODY).await;
    assert_eq!(
        (again.status, &again.body["duplicate"]),
        (202, &json!(true))
    );
    // A time to come has to stay too far off until the daemon reads it; the bound itself is pinned beside the code.
    for off in [-301, 360, -86_400] {
        let at = now() + off;
        let signature = sign("crm-key", "e9", at, BODY);
        assert_eq!(
            send(&flow, "e9", &at.to_string(), &signature, BODY)
                .await
                .status,
            401,
            "{off} s off"
        );
    }
    for odd in ["", "now", "-1", "99999999999999999999", "1e9"] {
        assert_eq!(
            send(&flow, "e9", odd, &good, BODY).await.status,
            401,
            "{odd}"
        );
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(ana.state().await["last_event_id"], seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_01_an_event_that_was_acknowledged_survives_a_kill_at_once_and_has_one_effect() {
    let place = Place::new();
    place.agents(&["leo"]);
    let mut flow = place.start().await;
    let mut ana = signed_in(&flow, "ana@example.com").await;
    let at = now();
    let rounds = if crate::flowd::full() { 20 } else { 4 };
    for n in 0..rounds {
        let id = format!("e{n}");
        let signature = sign("crm-key", &id, at, BODY);
        let answer = send(&flow, &id, &at.to_string(), &signature, BODY).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        // Whatever it was about to do with it.
        flow.kill_9();
        flow = place.start().await;
        ana.base.clone_from(&flow.base);
        // Its sender did not hear us, perhaps: it comes again.
        let again = send(&flow, &id, &at.to_string(), &signature, BODY).await;
        assert_eq!(
            (again.status, &again.body["duplicate"]),
            (202, &json!(true))
        );
    }
    ana.stands("queued").await;
    let leo = crate::people::sign_in(&flow, "leo").await;
    let path = format!("/conversations/{}/log", ana.id);
    let mut triggered = 0;
    for _ in 0..200 {
        let log = leo.get(&path).await;
        let rows = log.body["log"].as_array().unwrap();
        triggered = rows
            .iter()
            .filter(|r| r["event"]["event"] == "triggered")
            .count();
        if triggered >= rounds {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(triggered, rounds, "each of them once");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_30_one_delivery_fifty_times_at_once_has_one_effect() {
    let place = Place::new();
    place.agents(&["leo"]);
    let flow = place.start().await;
    let ana = signed_in(&flow, "ana@example.com").await;
    let at = now();
    let good = sign("crm-key", "e1", at, BODY);
    let stamp = at.to_string();
    let sent =
        futures::future::join_all((0..50).map(|_| send(&flow, "e1", &stamp, &good, BODY))).await;
    assert!(sent.iter().all(|a| a.status == 202), "{sent:#?}");
    assert_eq!(
        sent.iter().filter(|a| a.body["duplicate"] == false).count(),
        1
    );
    ana.stands("queued").await;
    let leo = crate::people::sign_in(&flow, "leo").await;
    let log = leo.get(&format!("/conversations/{}/log", ana.id)).await;
    let triggered = log.body["log"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["event"]["event"] == "triggered")
        .count();
    assert_eq!(triggered, 1, "{:#}", log.body);
    // The same id with another body is refused.
    let other = BODY.replace('3', "4");
    let reused = send(
        &flow,
        "e1",
        &stamp,
        &sign("crm-key", "e1", at, &other),
        &other,
    )
    .await;
    assert_eq!((reused.status, reused.code()), (422, "id_reused"));
}
