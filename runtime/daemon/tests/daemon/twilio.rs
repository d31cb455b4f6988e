//! Events that Twilio signs.

use crate::common::{Answer, Running, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flow_daemon::config::Identity;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};

const TOKEN: &str = "12345";

/// As Twilio's documentation says: the address, then names and values in their order.
fn signature(url: &str, sorted: &[(&str, &str)]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fn world() -> World {
    let mut world = World::new();
    world.set("TEST_TWILIO_TOKEN", TOKEN);
    world.set("TEST_LOGIN_KEY", "login-key");
    world.config.identity = Some(Identity {
        secret_env: "TEST_LOGIN_KEY".into(),
        audience: None,
        longest_hours: 24,
        single_use: false,
    });
    world.edit(
        "  email: email private identifies ask \"What is your email?\"\n",
        "  email: email private identifies ask \"What is your email?\"\n  phone: phone private identifies\n",
    );
    world.add(
        r#"
trigger texted from webhook "sms/inbound" signed twilio secret.TEST_TWILIO_TOKEN {
  payload { phone: phone, body: text, num_media: number }
  find customer by phone
  escalate to human because "A text: {payload.body}, {payload.num_media} files"
}
"#,
    );
    world
}

fn login(phone: &str) -> String {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let exp = jiff::Timestamp::now().as_second() + 60;
    let body = B64.encode(json!({"phone": phone, "exp": exp}).to_string());
    let text = format!("{}.{body}", B64.encode(r#"{"alg":"HS256"}"#));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"login-key").unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", B64.encode(mac.finalize().into_bytes()))
}

async fn post(flow: &Running, path: &str, kind: &str, signature: &str, body: String) -> Answer {
    let request = flow
        .http
        .post(format!("{}{path}", flow.base))
        .header("content-type", kind)
        .header("x-twilio-signature", signature);
    Answer::of(request.body(body).send().await.unwrap()).await
}

const FORM: &str = "application/x-www-form-urlencoded";
const FIELDS: [(&str, &str); 4] = [
    ("Body", "hello & goodbye"),
    ("From", "+14158675309"),
    ("MessageSid", "SM1"),
    ("NumMedia", "2"),
];

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_form_reaches_the_customer_once() {
    let flow = world().start().await;
    let ana = flow
        .open_with(json!({"identity": login("+14158675309")}))
        .await;
    let path = "/v1/triggers/sms/inbound?shop=1";
    let good = signature(&format!("{}{path}", flow.base), &FIELDS);
    let body = form(&FIELDS);

    for (path, kind, given, body) in [
        (path, FORM, "", body.clone()),
        (path, FORM, "AAAA", body.clone()),
        (
            "/v1/triggers/sms/inbound?shop=2",
            FORM,
            &*good,
            body.clone(),
        ),
        (path, FORM, &*good, body.replace("hello", "HELLO")),
        (path, "text/plain", &*good, body.clone()),
    ] {
        let answer = post(&flow, path, kind, given, body).await;
        assert_eq!((answer.status, answer.code()), (401, "wrong_signature"));
    }
    assert!(flow.app().store.deliveries().await.unwrap().is_empty());

    let mut turned = FIELDS;
    turned.reverse();
    for body in [body, form(&turned)] {
        let answer = post(&flow, path, FORM, &good, body).await;
        assert_eq!((answer.status, answer.body), (200, json!("<Response/>")));
        assert_eq!(answer.headers["content-type"], "text/xml");
    }
    ana.stands("queued").await;
    let log = flow.app().store.log(&ana.id, 0, 100).await.unwrap();
    let triggered = log.iter().filter(|r| r.record.contains("\"triggered\""));
    assert_eq!(triggered.count(), 1);
    let why = "A text: hello & goodbye, 2 files";
    assert!(log.iter().any(|r| r.record.contains(why)));
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_the_public_address_is_what_was_signed() {
    let mut world = world();
    world.config.public_url = Some("https://chat.example/".into());
    let flow = world.start().await;
    let path = "/v1/triggers/sms/inbound";
    let own = signature(&format!("{}{path}", flow.base), &FIELDS);
    let refused = post(&flow, path, FORM, &own, form(&FIELDS)).await;
    assert_eq!(refused.status, 401);
    let public = signature(&format!("https://chat.example{path}"), &FIELDS);
    let taken = post(&flow, path, FORM, &public, form(&FIELDS)).await;
    assert_eq!(taken.status, 200);
    // JSON: the body's hash stands in the address.
    let body = json!({"phone": "+14158675309", "body": "hi", "num_media": 0}).to_string();
    let hash: String = Sha256::digest(body.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let path = format!("{path}?bodySHA256={hash}");
    let signed = signature(&format!("https://chat.example{path}"), &[]);
    let kind = "application/json";
    let changed = body.replace("hi", "ho");
    assert_eq!(post(&flow, &path, kind, &signed, changed).await.status, 401);
    assert_eq!(post(&flow, &path, kind, &signed, body).await.status, 200);
    flow.stop().await;
}
