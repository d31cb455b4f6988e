//! The customer's side over real HTTP.

use crate::common::{Answer, World};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_and_repetitions_change_nothing() {
    let world = World::new();
    let flow = world.start().await;
    let mut ana = flow.open().await;
    let first = ana.say("when are you open").await;
    assert_eq!(first.body["messages"][1]["text"], "We are always open.");
    assert_eq!(first.body["messages"][0]["client_id"], "m1");
    let again = ana
        .post(
            "/messages",
            json!({"id": "m1", "text": "when are you open"}),
        )
        .await;
    assert_eq!(
        (again.status, &again.body["duplicate"]),
        (200, &json!(true))
    );
    assert_eq!(again.body["messages"], first.body["messages"]);
    let reused = ana
        .post("/messages", json!({"id": "m1", "text": "something else"}))
        .await;
    assert_eq!((reused.status, reused.code()), (422, "id_reused"));
    let texts: Vec<Value> = ana.state().await["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["text"].clone())
        .collect();
    assert_eq!(
        texts.iter().filter(|t| *t == "when are you open").count(),
        1
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong() {
    let world = World::new();
    let flow = world.start().await;
    let mut ana = flow.open().await;
    let bea = flow.open().await;

    // Another's token, no token, an unknown conversation.
    ana.token.clone_from(&bea.token);
    assert_eq!(
        ana.post("/messages", json!({"id": "1", "text": "a"}))
            .await
            .status,
        404
    );
    let bare = flow
        .post(
            &format!("/v1/conversations/{}/messages", bea.id),
            json!({"id": "1", "text": "a"}),
        )
        .await;
    assert_eq!((bare.status, bare.code()), (401, "wrong_token"));
    let unknown = flow
        .http
        .get(format!("{}/v1/conversations/c_none", flow.base))
        .bearer_auth("v_x")
        .send()
        .await
        .unwrap();
    assert_eq!(Answer::of(unknown).await.code(), "unknown_conversation");

    // Bodies.
    let send = |body: Vec<u8>, mime: &'static str| {
        let request = flow
            .http
            .post(bea.url("/messages"))
            .bearer_auth(&bea.token)
            .header("content-type", mime)
            .body(body);
        async { Answer::of(request.send().await.unwrap()).await }
    };
    for (body, mime, status, code) in [
        (b"{".to_vec(), "application/json", 400, "invalid_json"),
        (
            b"{\"id\":\"1\",\"text\":\"\xff\"}".to_vec(),
            "application/json",
            400,
            "invalid_utf8",
        ),
        (
            b"{\"id\":\"1\",\"text\":\"a\",\"more\":1}".to_vec(),
            "application/json",
            400,
            "invalid_request",
        ),
        (
            b"{\"id\":\"1\",\"text\":\"a\",\"button\":\"b\"}".to_vec(),
            "application/json",
            400,
            "invalid_request",
        ),
        (
            b"{\"id\":\"a b\",\"text\":\"a\"}".to_vec(),
            "application/json",
            400,
            "invalid_request",
        ),
        (
            b"{\"id\":\"1\",\"text\":\"a\\u0000\"}".to_vec(),
            "application/json",
            400,
            "invalid_request",
        ),
        (
            b"[\"1\", \"a\"]".to_vec(),
            "application/json",
            400,
            "invalid_request",
        ),
        (vec![b'['; 100_000], "application/json", 400, "invalid_json"),
        (
            "{\"id\":\"1\",\"text\":\"\u{200b} \u{2060}\"}".into(),
            "application/json",
            400,
            "invalid_request",
        ),
        (b"{}".to_vec(), "text/plain", 415, "unsupported_media_type"),
        (vec![b'a'; 10 << 20], "application/json", 413, "too_large"),
        (
            format!("{{\"id\":\"1\",\"text\":\"{}\"}}", "a".repeat(9000)).into_bytes(),
            "application/json",
            413,
            "too_large",
        ),
    ] {
        let answer = send(body, mime).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{:?}",
            answer.body
        );
        assert!(answer.body["error"]["message"].is_string());
    }
    let delete = Answer::of(flow.http.delete(bea.url("")).send().await.unwrap()).await;
    assert_eq!((delete.status, delete.code()), (405, "method_not_allowed"));
    assert_eq!(flow.get("/v1/nothing").await.code(), "not_found");
    let bytes = flow.get("/v1/conversations/%ff%fe").await;
    assert_eq!((bytes.status, bytes.code()), (400, "invalid_utf8"));
    // In the words of the API, not in those of its program.
    let kind = flow.post("/v1/conversations", json!({"visitor": 5})).await;
    let message = kind.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("expected an object"), "{message}");
    let channel = flow
        .post("/v1/conversations", json!({"channel": "pigeon"}))
        .await;
    assert_eq!((channel.status, channel.code()), (422, "invalid_value"));
    // Nothing of all that reached the conversation.
    assert_eq!(
        bea.state().await["last_event_id"]
            .as_str()
            .unwrap()
            .split('.')
            .next(),
        Some("1")
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_where_it_broke_off() {
    let world = World::new();
    let flow = world.start().await;
    let mut ana = flow.open().await;
    let mut stream = ana.stream(None).await;
    let (_, view) = stream.next("view").await;
    assert_eq!(view["title"], "Little Shop");
    let (_, hello) = stream.next("message").await;
    assert_eq!(hello["text"], "Hi there!");
    let (last, _) = stream.next("message").await;
    drop(stream);
    for _ in 0..5 {
        ana.say("when are you open").await;
    }
    let mut stream = ana.stream(Some(&last)).await;
    let mut seen = Vec::new();
    for _ in 0..15 {
        let (id, message) = stream.next("message").await;
        assert_eq!(id, message["id"].as_str().unwrap());
        seen.push(id);
        if seen.len() >= 10 {
            break;
        }
    }
    // Live ones follow without a gap.
    ana.say("when are you open").await;
    let all: Vec<String> = ana.state().await["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["id"].as_str().unwrap().to_owned())
        .collect();
    while seen.len() < all.len() - 2 {
        seen.push(stream.next("message").await.0);
    }
    assert_eq!(seen, all[2..]);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_sent_fifty_times_at_once_is_one_turn() {
    let world = World::new();
    let flow = world.start().await;
    let ana = flow.open().await;
    let sent = (0..50).map(|_| {
        ana.post(
            "/messages",
            json!({"id": "same", "text": "when are you open"}),
        )
    });
    let answers = futures::future::join_all(sent).await;
    assert!(answers.iter().all(|a| a.status == 200));
    assert_eq!(
        answers
            .iter()
            .filter(|a| a.body["duplicate"] == false)
            .count(),
        1
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_back_only_to_those_who_may_see_them() {
    let world = World::new();
    let flow = world.start().await;
    let ana = flow.open().await;
    let upload = |bytes: Vec<u8>, id: &str| {
        let url = ana.url(&format!("/files?id={id}&name=../x%3Cimg%3E.html"));
        let request = ana
            .http
            .post(url)
            .bearer_auth(&ana.token)
            .header("content-type", "text/html")
            .body(bytes);
        async { Answer::of(request.send().await.unwrap()).await }
    };
    let answer = upload(b"<script>alert(1)</script>".to_vec(), "f1").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let file = &answer.body["messages"][0]["attachments"][0];
    assert_eq!(file["name"], ".._x<img>.html");
    let url = format!("{}{}", flow.base, file["url"].as_str().unwrap());
    let fetched = flow
        .http
        .get(&url)
        .bearer_auth(&ana.token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        fetched.headers()["content-type"],
        "application/octet-stream"
    );
    assert!(
        fetched.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    assert_eq!(fetched.bytes().await.unwrap(), "<script>alert(1)</script>");
    let other = flow.open().await;
    assert_eq!(
        flow.http
            .get(&url)
            .bearer_auth(&other.token)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(upload(vec![0; (10 << 20) + 1], "f2").await.status, 413);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_limited() {
    let mut world = World::new();
    world.config.limits.messages = 5;
    let flow = world.start().await;
    let ana = flow.open().await;
    let mut refused = None;
    for i in 0..7 {
        let answer = ana
            .post("/messages", json!({"id": format!("m{i}"), "text": "hi"}))
            .await;
        if answer.status == 429 {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("the limit holds");
    assert!(
        refused.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    flow.stop().await;
}
