//! Events of other systems.

use crate::common::{Answer, Running, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flow_daemon::config::Identity;
use flow_daemon::delivery::signature::sign;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

/// A signed login, as the operator's site makes it.
fn login(email: &str, key: &[u8]) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let body = URL_SAFE_NO_PAD.encode(
        json!({"email": email, "exp": jiff::Timestamp::now().as_second() + 60}).to_string(),
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{head}.{body}").as_bytes());
    format!(
        "{head}.{body}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

async fn send(flow: &Running, id: &str, at: i64, signature: &str, body: &str) -> Answer {
    let request = flow
        .http
        .post(format!("{}/v1/triggers/crm/renewals", flow.base));
    let request = request
        .header("webhook-id", id)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", signature);
    Answer::of(request.body(body.to_owned()).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_reaches_the_customers_conversation_once() {
    let mut world = World::new();
    world
        .config
        .environment
        .set
        .insert("TEST_LOGIN_KEY".into(), "login-key".into());
    world.config.identity = Some(Identity {
        secret_env: "TEST_LOGIN_KEY".into(),
        audience: None,
        longest_hours: 24,
        single_use: false,
    });
    let flow = world.start().await;
    let ana = flow
        .open_with(json!({"identity": login("Ana@Example.com", b"login-key")}))
        .await;
    // One who merely says so is not told what another system knows.
    let bea = flow
        .open_with(json!({"visitor": {"claimed": {"email": "ana@example.com"}}}))
        .await;
    let forged = flow
        .post(
            "/v1/conversations",
            json!({"identity": login("ana@example.com", b"guessed")}),
        )
        .await;
    assert_eq!((forged.status, forged.code()), (401, "wrong_signature"));
    let body = r#"{"email": "ana@example.com", "days_left": 3}"#;
    let now = jiff::Timestamp::now().as_second();

    // Far too long: in the form of every error.
    let flood = send(&flow, "m0", now, "v1,AAAA", &"x".repeat(2 << 20)).await;
    assert_eq!((flood.status, flood.code()), (413, "too_large"));
    // Forged, stale, replayed with another body, not fitting: nothing is stored.
    let forged = send(&flow, "e1", now, "v1,AAAA", body).await;
    assert_eq!((forged.status, forged.code()), (401, "wrong_signature"));
    assert_eq!(
        send(
            &flow,
            "e1",
            now - 301,
            &sign("crm-key", "e1", now - 301, body.as_bytes()),
            body
        )
        .await
        .status,
        401
    );
    assert_eq!(
        flow.post("/v1/triggers/crm/renewals", json!({}))
            .await
            .status,
        401
    );
    let odd = r#"{"email": "ana@example.com"}"#;
    assert_eq!(
        send(
            &flow,
            "e0",
            now,
            &sign("crm-key", "e0", now, odd.as_bytes()),
            odd
        )
        .await
        .status,
        422
    );
    assert!(flow.app().store.deliveries().await.unwrap().is_empty());

    let good = sign("crm-key", "e1", now, body.as_bytes());
    let sent =
        futures::future::join_all((0..20).map(|_| send(&flow, "e1", now, &good, body))).await;
    assert!(sent.iter().all(|a| a.status == 202));
    assert_eq!(
        sent.iter().filter(|a| a.body["duplicate"] == false).count(),
        1
    );
    ana.stands("queued").await;
    let log = flow.app().store.log(&ana.id, 0, 100).await.unwrap();
    assert_eq!(
        log.iter()
            .filter(|r| r.record.contains("\"triggered\""))
            .count(),
        1
    );
    assert!(log.iter().any(|r| r.record.contains("Renewal in 3 days")));
    let other = body.replace('3', "4");
    let reused = send(
        &flow,
        "e1",
        now,
        &sign("crm-key", "e1", now, other.as_bytes()),
        &other,
    )
    .await;
    assert_eq!((reused.status, reused.code()), (422, "id_reused"));
    assert_eq!(bea.state().await["conversation"]["stage"], "scripted");
    flow.stop().await;
}
