//! What is refused, and whether the answer says why.

use crate::common::{Answer, Running, World, serve};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flow_daemon::config::{Identity, Verification};
use flow_store::{ApiKey, Role};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn error<'a>(answer: &'a Answer, part: &str) -> &'a str {
    let found = answer.body.pointer(&format!("/error/{part}"));
    found.and_then(Value::as_str).unwrap_or_default()
}

async fn put_agent(flow: &Running, key: &str, id: &str, body: Value) -> Answer {
    let url = format!("{}/v1/admin/agents/{id}", flow.base);
    let request = flow.http.put(url).bearer_auth(key).json(&body);
    Answer::of(request.send().await.unwrap()).await
}

async fn delete(flow: &Running, key: &str, path: &str) -> Answer {
    let url = format!("{}{path}", flow.base);
    Answer::of(flow.http.delete(url).bearer_auth(key).send().await.unwrap()).await
}

async fn admin_key(flow: &Running) -> String {
    let secret = "fk_test".to_owned();
    let key = ApiKey {
        id: "k_test".into(),
        name: "test".into(),
        hash: flow_daemon::app::secret_hash(&secret),
        scopes: vec!["admin".into()],
        created: jiff::Timestamp::now(),
        expires: None,
    };
    flow.app().store.put_key(key).await.unwrap();
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_conversation_is_gone_at_once() {
    let world = World::new();
    let flow = world.start().await;
    let key = admin_key(&flow).await;

    // Through the daemon.
    let mut ana = flow.open().await;
    ana.say("when are you open").await;
    let path = format!("/v1/admin/conversations/{}", ana.id);
    assert_eq!(delete(&flow, &key, &path).await.status, 204);
    let gone = |rest: &str, who: &crate::common::Customer| {
        let request = flow.http.get(who.url(rest)).bearer_auth(&who.token);
        async { Answer::of(request.send().await.unwrap()).await }
    };
    let answer = gone("", &ana).await;
    assert_eq!(
        (answer.status, answer.code()),
        (404, "unknown_conversation")
    );
    assert_eq!(delete(&flow, &key, &path).await.status, 404);

    // Beside it, as `flowd erase` does: it is still in the daemon's memory.
    for first in ["", "/events"] {
        let mut bea = flow.open().await;
        bea.say("when are you open").await;
        assert!(flow.app().store.erase(&bea.id).await.unwrap());
        let answer = gone(first, &bea).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "unknown_conversation")
        );
        let typing = bea.post("/typing", json!({"typing": true})).await;
        assert_eq!(typing.status, 404);
    }
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_taken_only_while_one_is_asked_for() {
    let mut world = World::new();
    let sent: Arc<Mutex<Option<String>>> = Arc::default();
    let sender = Router::new().route(
        "/codes",
        post({
            let sent = Arc::clone(&sent);
            async move |Json(body): Json<Value>| {
                *sent.lock().unwrap() = body["code"].as_str().map(str::to_owned);
            }
        }),
    );
    let address = serve(sender).await;
    world.config.egress.allow.push(address.to_string());
    world.config.verification = Some(Verification {
        url: format!("http://{address}/codes"),
        secret_env: None,
        lifetime_seconds: 60,
    });
    world.edit(
        "node greet {",
        "node prove { verify customer.email \"We sent you a code.\" { failed -> greet }; say \"It is you.\"; -> greet }\nnode greet {",
    );
    world.edit(
        "\"Ask anything\"   -> ask_ai",
        "\"Ask anything\"   -> ask_ai\n    \"Prove it\" -> prove",
    );
    let flow = world.start().await;
    let mut ana = flow
        .open_with(json!({"visitor": {"claimed": {"email": "ana@example.com"}}}))
        .await;
    let before = ana.state().await;
    assert_eq!(before["conversation"]["asks"]["kind"], "choice");
    // It is no button, and no words of the customer's.
    let code = json!({"id": "c1", "code": "1"});
    let refused = ana.post("/messages", code).await;
    assert_eq!((refused.status, refused.code()), (409, "conflict"));
    assert!(
        error(&refused, "message").contains("no code"),
        "{refused:?}"
    );
    assert!(error(&refused, "help").contains("`text`"), "{refused:?}");
    assert_eq!(ana.state().await, before);

    // The same id is free for what is meant.
    let meant = ana
        .post(
            "/messages",
            json!({"id": "c1", "text": "when are you open"}),
        )
        .await;
    assert_eq!(
        (meant.status, &meant.body["duplicate"]),
        (200, &json!(false))
    );
    let wanted = ana.press("Prove it").await.body;
    assert_eq!(wanted["conversation"]["asks"]["kind"], "code");
    let code = loop {
        let code = sent.lock().unwrap().clone();
        match code {
            Some(code) => break code,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let taken = ana
        .post("/messages", json!({"id": "c2", "code": code}))
        .await;
    assert_eq!(taken.status, 200, "{taken:?}");
    ana.hears("It is you.").await;
    flow.stop().await;
}

/// A signed login with these claims.
fn login(mut claims: Value) -> String {
    claims["exp"] = json!(jiff::Timestamp::now().as_second() + 60);
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let body = URL_SAFE_NO_PAD.encode(claims.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(b"login-key").unwrap();
    mac.update(format!("{head}.{body}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{head}.{body}.{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_a_visitor_is_must_fit_the_profile() {
    let mut world = World::new();
    world.edit(
        "customer {",
        "enum plan { free, pro }\ncustomer {\n  plan: plan = free\n",
    );
    world.set("TEST_LOGIN_KEY", "login-key");
    world.config.identity = Some(Identity {
        secret_env: "TEST_LOGIN_KEY".into(),
        audience: None,
        longest_hours: 24,
        single_use: false,
    });
    let flow = world.start().await;
    let open = |body: Value| flow.post("/v1/conversations", body);

    for (claims, field) in [
        (json!({"email": "bad"}), "email"),
        (json!({"email": ["a@example.com"]}), "email"),
        (json!({"email": "a@example.com", "plan": "gold"}), "plan"),
    ] {
        let refused = open(json!({"identity": login(claims)})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_value"));
        let message = error(&refused, "message");
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
    // What a site does not know, and what is no field, is no fault.
    for claims in [
        json!({"email": "a@example.com", "plan": "pro", "sub": "u1", "name": null}),
        json!({"email": "", "name": "Ana"}),
    ] {
        let taken = open(json!({"identity": login(claims)})).await;
        assert_eq!(taken.status, 201, "{:?}", taken.body);
    }

    for (claimed, words) in [
        (json!({"nope": "x"}), "no profile field `nope`"),
        (json!({"plan": "pro"}), "`plan` cannot be claimed"),
        (json!({"email": "bad"}), "`email` is not valid"),
    ] {
        let refused = open(json!({"visitor": {"claimed": claimed}})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_value"));
        let message = error(&refused, "message");
        assert!(message.contains(words), "{message}");
    }
    let unknown = open(json!({"visitor": {"claimed": {"nope": "x"}}})).await;
    assert_eq!(error(&unknown, "help"), "a visitor can claim name, email");
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_told_what_is_wrong_with_their_requests() {
    let world = World::new();
    world.add("team billing { title \"Billing\" }");
    world.edit(
        "  | _       | support | standard |",
        "  | \"bill\" | billing | standard |\n  | _       | support | standard |",
    );
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let leo = flow.sign_in("leo").await;
    let mut stream = leo.comes().await;
    let mut ana = flow.open().await;
    ana.say("I want to talk to a human").await;
    let (_, offer) = stream.next("offer").await;
    let at = |rest: &str| format!("/conversations/{}{rest}", ana.id);
    let accept = json!({"id": "1", "reservation": offer["reservation"]});
    assert_eq!(leo.post(&at("/accept"), accept).await.status, 200);

    let none = leo
        .post(&at("/confirm"), json!({"id": "2", "reminder": 7}))
        .await;
    assert_eq!((none.status, none.code()), (422, "invalid_value"));
    assert!(
        error(&none, "message").contains("no reminder `7`"),
        "{none:?}"
    );
    let one = leo
        .post(&at("/confirm"), json!({"id": "3", "reminder": 0}))
        .await;
    assert_eq!(one.status, 200, "{one:?}");

    for cursor in ["zzz", "5", "5_", "x_c_1"] {
        let path = format!("/conversations?cursor={cursor}");
        let refused = leo.get(&path).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_request"));
    }
    let page = leo.get("/conversations?limit=1").await.body;
    let next = page["cursor"].as_str().unwrap();
    let next = leo.get(&format!("/conversations?cursor={next}")).await;
    assert_eq!(
        (next.status, &next.body["conversations"]),
        (200, &json!([]))
    );

    for id in ["zzz", "f_99", "f_x"] {
        let path = format!("/follow-ups/{id}/done");
        let refused = leo.post(&path, json!({"id": "4"})).await;
        assert_eq!((refused.status, refused.code()), (404, "not_found"));
        let message = error(&refused, "message");
        assert!(message.contains(&format!("follow-up `{id}`")), "{message}");
    }

    // To a team that is not theirs: it is out of sight, and the help is an agent's.
    let sent = leo
        .post(&at("/transfer"), json!({"id": "5", "team": "billing"}))
        .await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let body = json!({"id": "6", "text": "one more thing"});
    for refused in [
        leo.post(&at("/messages"), body).await,
        leo.get(&at("")).await,
    ] {
        assert_eq!(
            (refused.status, refused.code()),
            (404, "unknown_conversation")
        );
        let help = error(&refused, "help");
        assert!(help.contains("GET /v1/agent/conversations"), "{help}");
    }
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_stored_only_with_values_that_mean_something() {
    let world = World::new();
    let flow = world.start().await;
    let key = admin_key(&flow).await;
    let with = |more: Value| {
        let mut body = json!({"name": "Mia", "password": "correct horse"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (more, words) in [
        (json!({"languages": ["en", "xx"]}), "no language `xx`"),
        (json!({"capacity": 0}), "`capacity`"),
        (json!({"capacity": 101}), "`capacity`"),
        (json!({"role": "boss"}), "no role `boss`"),
        (json!({"teams": ["nope"]}), "no team `nope`"),
        (json!({"password": "short"}), "password"),
    ] {
        let refused = put_agent(&flow, &key, "mia", with(more)).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_value"));
        let message = error(&refused, "message");
        assert!(message.contains(words), "{message}");
    }
    let nobody = flow.app().store.agent("mia").await.unwrap();
    assert!(nobody.is_none(), "{nobody:?}");
    let good = json!({"languages": ["en"], "capacity": 1, "role": "lead", "teams": ["support"]});
    let stored = put_agent(&flow, &key, "mia", with(good)).await;
    assert_eq!(stored.status, 200, "{stored:?}");
    assert_eq!(stored.body["agent"]["role"], "lead");
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_writing_is_refused_unless_the_bot_reopens() {
    for reopens in [false, true] {
        let world = World::new();
        if reopens {
            world.edit(
                "abandon after 30m",
                "abandon after 30m\n  reopen within 48h",
            );
        }
        world.edit("\"Ask anything\"   -> ask_ai", "\"That is all\" -> done");
        let flow = world.start().await;
        let mut ana = flow.open().await;
        ana.press("That is all").await;
        ana.stands("closed").await;
        let more = ana
            .post("/messages", json!({"id": "x", "text": "one more thing"}))
            .await;
        if reopens {
            assert_eq!(more.status, 200, "{more:?}");
            assert_eq!(more.body["conversation"]["ended"], Value::Null);
        } else {
            assert_eq!((more.status, more.code()), (409, "conflict"));
            assert!(error(&more, "help").contains("POST /v1/conversations"));
        }
        flow.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_good_once_opens_one_conversation() {
    let mut world = World::new();
    world.set("TEST_LOGIN_KEY", "login-key");
    world.config.identity = Some(Identity {
        secret_env: "TEST_LOGIN_KEY".into(),
        audience: None,
        longest_hours: 1,
        single_use: true,
    });
    let flow = world.start().await;
    let open = |identity: String| flow.post("/v1/conversations", json!({"identity": identity}));
    let ana = |jti: &str| login(json!({"email": "ana@example.com", "jti": jti}));

    let nameless = open(login(json!({"email": "ana@example.com"}))).await;
    assert_eq!((nameless.status, nameless.code()), (401, "wrong_signature"));
    assert!(error(&nameless, "message").contains("it has no `jti`"));
    // One that is refused for something else is not used up.
    let bad = open(login(json!({"email": "bad", "jti": "1"}))).await;
    assert_eq!(bad.status, 422);
    // Fifty at once: one is first.
    let all = futures::future::join_all((0..50).map(|_| open(ana("1")))).await;
    let first = all.iter().filter(|a| a.status == 201).count();
    let rest = all.iter().filter(|a| a.status == 401).count();
    assert_eq!((first, rest), (1, 49));
    let again = open(ana("1")).await;
    assert!(
        error(&again, "message").contains("it was used before"),
        "{again:?}"
    );
    assert_eq!(open(ana("2")).await.status, 201);
    flow.stop().await;
    // Nor after a restart.
    let flow = world.start().await;
    let again = flow
        .post("/v1/conversations", json!({"identity": ana("2")}))
        .await;
    assert_eq!(again.status, 401);
    flow.stop().await;
}
