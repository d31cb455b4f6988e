//! Signing in, staying signed in, and being signed out.

use crate::common::{Answer, PATIENCE, Person, Running, Stream, World};
use flow_store::{ApiKey, Role};
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};

/// Signs in as if from another address; the daemon takes us for its proxy.
async fn from(flow: &Running, address: &str, name: &str, password: &str) -> u16 {
    let request = flow.http.post(format!("{}/v1/agent/sign-in", flow.base));
    let request = request
        .header("x-forwarded-for", address)
        .json(&json!({"name": name, "password": password}));
    request.send().await.unwrap().status().as_u16()
}

fn behind_a_proxy() -> World {
    let mut world = World::new();
    world.config.proxies = vec!["127.0.0.1".parse().unwrap()];
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_elsewhere_locks_nobody_out() {
    let world = behind_a_proxy();
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    assert_eq!(
        from(&flow, "203.0.113.7", "leo", "correct horse").await,
        200
    );
    // Many addresses, one name.
    let mut answers = Vec::new();
    for n in 0..14 {
        let address = format!("198.51.100.{n}");
        answers.push(from(&flow, &address, "leo", "wrong").await);
    }
    assert_eq!(answers[..10], [401; 10]);
    assert_eq!(answers[10..], [429; 4], "guessing comes to an end");
    // Even the right password is not taken from where nobody knows them, or it could be found by guessing on.
    assert_eq!(from(&flow, "192.0.2.1", "leo", "correct horse").await, 429);
    // But from where they use to come.
    assert_eq!(
        from(&flow, "203.0.113.7", "leo", "correct horse").await,
        200
    );
    // There they have ten wrong ones themselves.
    for _ in 0..10 {
        assert_eq!(from(&flow, "203.0.113.7", "leo", "wrong").await, 401);
    }
    assert_eq!(
        from(&flow, "203.0.113.7", "leo", "correct horse").await,
        429
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_sign_in_from_one_office_are_not_taken_for_an_attack() {
    let world = behind_a_proxy();
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    for _ in 0..40 {
        assert_eq!(
            from(&flow, "203.0.113.7", "leo", "correct horse").await,
            200
        );
    }
    // Thirty wrong ones for any names are.
    let mut wrong = Vec::new();
    for n in 0..32 {
        let name = format!("nobody{n}");
        wrong.push(from(&flow, "198.51.100.1", &name, "wrong").await);
    }
    assert_eq!(wrong[..30], [401; 30]);
    assert_eq!(wrong[30..], [429; 2]);
    assert_eq!(from(&flow, "198.51.100.2", "nobody", "wrong").await, 401);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_has_a_network_of_ipv6_counts_once() {
    let mut world = behind_a_proxy();
    world.config.limits.conversations = 5;
    let flow = world.start().await;
    let open = async |address: String| {
        let request = flow.http.post(format!("{}/v1/conversations", flow.base));
        let request = request.header("x-forwarded-for", address).json(&json!({}));
        request.send().await.unwrap().status().as_u16()
    };
    let mut answers = Vec::new();
    for n in 0..8 {
        answers.push(open(format!("2001:db8:7:7:{n}::{n}")).await);
    }
    assert_eq!(answers, [201, 201, 201, 201, 201, 429, 429, 429]);
    assert_eq!(open("2001:db8:7:8::1".into()).await, 201);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_messaging_services_limit_lifts_nobodys() {
    let mut world = World::new();
    world.config.limits.requests = 20;
    let flow = world.start().await;
    let mut limited = 0;
    for _ in 0..60 {
        // Fills, if anything, the services' bucket.
        flow.get("/v1/channels/whatsapp").await;
        if flow.get("/v1/widget").await.status == 429 {
            limited += 1;
        }
    }
    assert!(limited >= 30, "{limited}");
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_and_a_wrong_password_look_the_same() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let of = async |name: &str| {
        let body = json!({"name": name, "password": "wrong"});
        let answer = flow.post("/v1/agent/sign-in", body).await;
        assert!(!answer.headers.contains_key("set-cookie"));
        (answer.status, answer.body)
    };
    let known = of("leo").await;
    assert_eq!(known.0, 401);
    assert_eq!(of("eve").await, known);
    assert_eq!(of("").await, known);
    assert_eq!(of(&"x".repeat(100_000)).await, known);
    assert_eq!(of("leo\0").await, known);
    // A name of any length leaves a line of bounded length.
    let audit = flow.app().store.audit_log(None, 10).await.unwrap();
    assert!(audit.iter().all(|l| l.actor.len() < 100));
    assert_eq!(
        audit
            .iter()
            .filter(|l| l.action == "sign_in_failed")
            .count(),
        5
    );
    flow.stop().await;
}

async fn ends(mut stream: Stream, why: &str) {
    let end = async { while stream.0.next().await.is_some() {} };
    let ended = tokio::time::timeout(PATIENCE, end).await;
    assert!(ended.is_ok(), "the stream goes on although {why}");
}

async fn listen(flow: &Running, who: &Person) -> Stream {
    let request = flow.http.get(format!("{}/v1/agent/stream", flow.base));
    let mut stream = Stream::open(request.header("cookie", &who.cookie)).await;
    stream.next("desk").await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_sign_in() {
    let world = World::new();
    for name in ["leo", "mia", "kim", "zoe"] {
        world.agent(name, Role::Lead).await;
    }
    world.agent("ada", Role::Admin).await;
    let flow = world.start().await;
    let ada = flow.sign_in("ada").await;
    let admin = async |method: Method, name: &str, body: Value| {
        let url = format!("{}/v1/admin/agents/{name}", flow.base);
        let request = flow.http.request(method, url);
        let request = request
            .header("cookie", &ada.cookie)
            .header("x-flow-csrf", &ada.csrf);
        request.json(&body).send().await.unwrap().status().as_u16()
    };

    let leo = flow.sign_in("leo").await;
    let stream = listen(&flow, &leo).await;
    assert_eq!(leo.post("/sign-out", json!({})).await.status, 204);
    ends(stream, "they signed out").await;

    let mia = flow.sign_in("mia").await;
    let stream = listen(&flow, &mia).await;
    assert_eq!(admin(Method::DELETE, "mia", json!({})).await, 204);
    ends(stream, "they were removed").await;
    assert_eq!(mia.get("/me").await.status, 401);

    let kim = flow.sign_in("kim").await;
    let stream = listen(&flow, &kim).await;
    // Another name changes nothing; another password everything.
    let mut change = json!({"name": "Kim", "role": "lead", "teams": ["support"]});
    assert_eq!(admin(Method::PUT, "kim", change.clone()).await, 200);
    assert_eq!(kim.get("/me").await.status, 200);
    change["password"] = json!("battery staple");
    assert_eq!(admin(Method::PUT, "kim", change).await, 200);
    ends(stream, "they have another password").await;
    assert_eq!(kim.get("/me").await.status, 401);

    // Beside the daemon, as `flowd agent remove` does it.
    let zoe = flow.sign_in("zoe").await;
    let stream = listen(&flow, &zoe).await;
    assert!(flow.app().store.remove_agent("zoe").await.unwrap());
    ends(stream, "they were removed beside it").await;

    let lines = flow.app().store.audit_log(None, 100).await.unwrap();
    let put = lines.iter().find(|l| l.action == "agent_put").unwrap();
    assert_eq!(put.actor, "agent:ada");
    assert_eq!(put.detail.as_deref(), Some("lead, new password"));
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sign_in_ends_the_one_before_and_cookies_are_the_browsers_alone() {
    let mut world = World::new();
    world.config.secure_cookie = true;
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let leo = flow.sign_in("leo").await;
    let request = flow.http.post(format!("{}/v1/agent/sign-in", flow.base));
    let request = request
        .header("cookie", &leo.cookie)
        .json(&json!({"name": "leo", "password": "correct horse"}));
    let again = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(again.status, 200);
    let cookie = again.headers["set-cookie"].to_str().unwrap();
    for word in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.starts_with(&leo.cookie), "it is a new one");
    assert_eq!(leo.get("/me").await.status, 401);
    // What is stored opens nothing: it is a hash.
    let bytes = std::fs::read(world.config.data.join("flow.db-wal")).unwrap();
    let value = cookie.split(['=', ';']).nth(1).unwrap();
    assert!(!bytes.windows(value.len()).any(|w| w == value.as_bytes()));
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_expired_opens_nothing() {
    let world = World::new();
    let flow = world.start().await;
    let now = jiff::Timestamp::now();
    for (secret, seconds) in [("fk_old", -1), ("fk_new", 3600)] {
        let key = ApiKey {
            id: format!("k_{secret}"),
            name: "test".into(),
            hash: flow_daemon::app::secret_hash(secret),
            scopes: vec!["admin".into()],
            created: now,
            expires: Some(now + jiff::SignedDuration::from_secs(seconds)),
        };
        flow.app().store.put_key(key).await.unwrap();
    }
    let ask = async |secret: &str| {
        let request = flow.http.get(format!("{}/v1/admin/audit", flow.base));
        let request = request.bearer_auth(secret).send().await.unwrap();
        request.status().as_u16()
    };
    assert_eq!(ask("fk_old").await, 401);
    assert_eq!(ask("fk_new").await, 200);
    assert!(flow.app().store.remove_key("k_fk_new").await.unwrap());
    assert_eq!(ask("fk_new").await, 401);
    flow.stop().await;
}
