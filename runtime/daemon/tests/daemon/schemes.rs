//! Events that GitHub, Slack and Meta sign.

use crate::common::{Answer, Customer, Running, World};
use flow_daemon::app::hex;
use flow_daemon::config::Identity;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

const BODY: &str = r#"{"email": "ana@example.com", "what": "a push"}"#;

fn mac(key: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn world() -> World {
    let mut world = World::new();
    for (name, value) in [
        ("TEST_HOOK_KEY", "hook-key"),
        ("TEST_EMPTY_KEY", ""),
        ("TEST_LOGIN_KEY", "login-key"),
        ("TEST_META_WORD", "agreed"),
    ] {
        world.set(name, value);
    }
    world.config.identity = Some(Identity {
        secret_env: "TEST_LOGIN_KEY".into(),
        audience: None,
        longest_hours: 24,
        single_use: false,
    });
    for (scheme, key) in [
        ("github", "HOOK"),
        ("slack", "HOOK"),
        ("meta", "HOOK"),
        ("stripe", "EMPTY"),
    ] {
        world.add(&format!(
            "trigger of_{scheme} from webhook \"of/{scheme}\" signed {scheme} secret.TEST_{key}_KEY {{\n  payload {{ email: email, what: text }}\n  \
             find customer by email\n  escalate to human because \"From {scheme}: {{payload.what}}\"\n}}\n"
        ));
    }
    world
}

async fn ana(flow: &Running) -> Customer {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let exp = jiff::Timestamp::now().as_second() + 60;
    let body = B64.encode(json!({"email": "ana@example.com", "exp": exp}).to_string());
    let text = format!("{}.{body}", B64.encode(r#"{"alg":"HS256"}"#));
    let login = format!("{text}.{}", B64.encode(mac("login-key", &text)));
    flow.open_with(json!({"identity": login})).await
}

async fn send(flow: &Running, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = flow.http.post(format!("{}/v1/triggers/{path}", flow.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(body.to_owned()).send().await.unwrap()).await
}

async fn triggered(flow: &Running, who: &Customer) -> usize {
    let log = flow.app().store.log(&who.id, 0, 1000).await.unwrap();
    log.iter()
        .filter(|row| row.record.contains("\"triggered\""))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_sent_once_has_no_effect_under_a_made_up_id() {
    let world = world();
    let flow = world.start().await;
    let ana = ana(&flow).await;
    let signature = format!("sha256={}", hex(&mac("hook-key", BODY)));
    let of = |id: &'static str| {
        [
            ("x-hub-signature-256", signature.clone()),
            ("x-github-delivery", id.to_owned()),
        ]
    };
    let post = async |id: &'static str, body: &str| {
        let headers = of(id);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
        send(&flow, "of/github", &headers, body).await
    };
    let first = post("d1", BODY).await;
    assert_eq!(
        (first.status, &first.body["id"], &first.body["duplicate"]),
        (202, &json!("d1"), &json!(false))
    );
    ana.stands("queued").await;
    for id in ["d1", "d2", "d3", ""] {
        let again = post(id, BODY).await;
        assert_eq!(
            (again.status, &again.body["duplicate"]),
            (202, &json!(true)),
            "{id}"
        );
    }
    let changed = BODY.replace("push", "pull");
    assert_eq!(post("d4", &changed).await.status, 401);
    assert_eq!(triggered(&flow, &ana).await, 1);
    assert!(flow.app().store.deliveries().await.unwrap().is_empty());
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_is_answered_its_question_and_its_forms_are_taken() {
    let world = world();
    let flow = world.start().await;
    let ana = ana(&flow).await;
    let time = jiff::Timestamp::now().as_second().to_string();
    let post = async |kind: &str, time: &str, body: &str| {
        let signature = format!("v0={}", hex(&mac("hook-key", &format!("v0:{time}:{body}"))));
        let headers = [
            ("content-type", kind),
            ("x-slack-request-timestamp", time),
            ("x-slack-signature", &signature),
        ];
        send(&flow, "of/slack", &headers, body).await
    };
    let question = r#"{"type": "url_verification", "challenge": "3eZb", "token": "x"}"#;
    let answer = post("application/json", &time, question).await;
    assert_eq!(
        (answer.status, &answer.body["challenge"]),
        (200, &json!("3eZb"))
    );
    // Nobody else is answered it.
    let unsigned = send(&flow, "of/slack", &[], question).await;
    assert_eq!((unsigned.status, unsigned.code()), (401, "wrong_signature"));
    assert!(
        unsigned.body["error"]["help"]
            .as_str()
            .unwrap()
            .contains("X-Slack-Signature")
    );

    let form = "application/x-www-form-urlencoded";
    for body in [
        "email=ana%40example.com&what=a+command",
        "payload=%7B%22email%22%3A%22ana%40example.com%22%2C%22what%22%3A%22a+button%22%7D",
    ] {
        let before = triggered(&flow, &ana).await;
        let answer = post(form, &time, body).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, Some("")),
            "{body}"
        );
        let again = post(form, &time, body).await;
        assert_eq!(again.status, 200);
        for _ in 0..400 {
            if triggered(&flow, &ana).await > before {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(triggered(&flow, &ana).await, before + 1, "{body}");
    }
    let old = (time.parse::<i64>().unwrap() - 301).to_string();
    assert_eq!(
        post(form, &old, "email=ana%40example.com&what=old")
            .await
            .status,
        401
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn meta_learns_whether_the_address_is_ours_only_with_the_word() {
    let mut world = world();
    let ask = async |flow: &Running, path: &str, word: &str| {
        let path = format!(
            "/v1/triggers/{path}?hub.mode=subscribe&hub.verify_token={word}&hub.challenge=4711"
        );
        flow.get(&path).await
    };
    let flow = world.start().await;
    let off = ask(&flow, "of/meta", "agreed").await;
    assert_eq!((off.status, off.code()), (404, "not_configured"));
    flow.stop().await;
    world.config.triggers.meta_verify_env = Some("TEST_META_WORD".into());
    let flow = world.start().await;
    let good = ask(&flow, "of/meta", "agreed").await;
    assert_eq!((good.status, &good.body), (200, &json!(4711)));
    for word in ["", "agree", "hook-key"] {
        let wrong = ask(&flow, "of/meta", word).await;
        assert_eq!((wrong.status, wrong.code()), (403, "not_allowed"), "{word}");
    }
    assert_eq!(ask(&flow, "of/github", "agreed").await.status, 404);
    let signature = format!("sha256={}", hex(&mac("hook-key", BODY)));
    let ana = ana(&flow).await;
    for (delivery, duplicate) in [("a", false), ("b", true)] {
        let headers = [
            ("x-hub-signature-256", signature.as_str()),
            ("x-github-delivery", delivery),
        ];
        let answer = send(&flow, "of/meta", &headers, BODY).await;
        assert_eq!(
            (answer.status, &answer.body["duplicate"]),
            (202, &json!(duplicate))
        );
    }
    ana.stands("queued").await;
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_empty_lets_nobody_in() {
    let mut world = world();
    world.set("TEST_CRM_KEY", "");
    world.set("TEST_LOGIN_KEY", "");
    let flow = world.start().await;
    let now = jiff::Timestamp::now().as_second();
    let stripe = format!("t={now},v1={}", hex(&mac("", &format!("{now}.{BODY}"))));
    let answer = send(&flow, "of/stripe", &[("stripe-signature", &stripe)], BODY).await;
    assert_eq!((answer.status, answer.code()), (401, "wrong_signature"));
    let body = r#"{"email": "ana@example.com", "days_left": 3}"#;
    use base64::Engine;
    let signature =
        base64::engine::general_purpose::STANDARD.encode(mac("", &format!("e1.{now}.{body}")));
    let headers = [
        ("webhook-id", "e1".to_owned()),
        ("webhook-timestamp", now.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = send(&flow, "crm/renewals", &headers, body).await;
    assert_eq!((answer.status, answer.code()), (401, "wrong_signature"));
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let claims = B64.encode(json!({"email": "ana@example.com", "exp": now + 60}).to_string());
    let text = format!("{}.{claims}", B64.encode(r#"{"alg":"HS256"}"#));
    let login = format!("{text}.{}", B64.encode(mac("", &text)));
    let opened = flow
        .post("/v1/conversations", json!({"identity": login}))
        .await;
    assert_eq!((opened.status, opened.code()), (401, "wrong_signature"));
    flow.stop().await;
}
