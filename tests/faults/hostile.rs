//! Faults 16, 17, 32, 41, 42, 43: what clients send who mean no good.

use crate::flowd::{Answer, Place};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn fault_16_a_message_of_10_mb_is_413() {
    let flow = Place::new().start().await;
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    let huge = ana
        .post(
            "/messages",
            json!({"id": "huge", "text": "x".repeat(10 << 20)}),
        )
        .await;
    assert_eq!((huge.status, huge.code()), (413, "too_large"));
    // One that fits the body and not the limit of a text, too.
    let long = ana
        .post("/messages", json!({"id": "long", "text": "x".repeat(8001)}))
        .await;
    assert_eq!((long.status, long.code()), (413, "too_large"));
    let file = ana
        .http
        .post(ana.url("/files?id=f&name=a.png"))
        .bearer_auth(&ana.token)
        .header("content-type", "image/png")
        .body(vec![0; (10 << 20) + 1])
        .send()
        .await
        .unwrap();
    assert_eq!(file.status(), 413);
    assert!(
        ana.state().await["messages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|m| m["client_id"] != "huge" && m["client_id"] != "long")
    );
    ana.say("still there").await;
    ana.hears("Echo: still there.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_17_broken_and_hostile_text_is_400_or_shown_safely() {
    let flow = Place::new().start().await;
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    let raw = |body: Vec<u8>| {
        ana.http
            .post(ana.url("/messages"))
            .bearer_auth(&ana.token)
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    let invalid = Answer::of(
        raw(b"{\"id\": \"u\", \"text\": \"\xff\xfe\"}".to_vec())
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((invalid.status, invalid.code()), (400, "invalid_utf8"));
    let lone = Answer::of(
        raw(br#"{"id": "l", "text": "\ud800"}"#.to_vec())
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(lone.status, 400, "half a surrogate pair: {:?}", lone.body);
    assert_eq!(
        ana.post("/messages", json!({"id": "n", "text": "a\0b"}))
            .await
            .status,
        400
    );
    assert_eq!(
        ana.post("/messages", json!({"id": "e", "text": " \n "}))
            .await
            .status,
        400
    );
    assert_eq!(
        Answer::of(raw(b"[".repeat(100_000)).await.unwrap())
            .await
            .status,
        400,
        "deep nesting"
    );

    assert_eq!(
        ana.post(
            "/messages",
            json!({"id": "b", "text": "pay \u{202e}dlog\u{2066} now\u{7}"})
        )
        .await
        .status,
        200
    );
    ana.hears("Echo: pay dlog now.").await;
    let tower = format!("z{}", "\u{0301}".repeat(7_000));
    assert_eq!(
        ana.post("/messages", json!({"id": "c", "text": tower}))
            .await
            .status,
        200
    );
    let state = ana.state().await;
    let echo = state["messages"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .find(|m| m["text"].as_str().unwrap().starts_with("Echo: z"))
        .unwrap();
    assert!(
        echo["text"]
            .as_str()
            .unwrap()
            .chars()
            .filter(|c| *c == '\u{0301}')
            .count()
            <= 8
    );
    let tower = json!({"id": "d", "text": "\u{0301}".repeat(100_000)});
    assert_eq!(ana.post("/messages", tower).await.status, 413);
    // The stream carries it as one line of JSON, whatever it holds.
    assert_eq!(
        ana.post(
            "/messages",
            json!({"id": "s", "text": "a\r\ndata: forged\n\nevent: bye\n\n"})
        )
        .await
        .status,
        200
    );
    let mut stream = ana.stream(None).await;
    loop {
        let (_, message) = stream.next("message").await.unwrap();
        if message["client_id"] == "s" {
            assert_eq!(
                message["text"].as_str().unwrap().matches("forged").count(),
                1
            );
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_32_an_id_with_another_body_is_422() {
    let flow = Place::new().start().await;
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    let first = ana
        .post("/messages", json!({"id": "x", "text": "one"}))
        .await;
    assert_eq!(
        (first.status, &first.body["duplicate"]),
        (200, &json!(false))
    );
    let again = ana
        .post("/messages", json!({"id": "x", "text": "one"}))
        .await;
    assert_eq!(
        (again.status, &again.body["duplicate"], &again.body["seq"]),
        (200, &json!(true), &first.body["seq"])
    );
    let other = ana
        .post("/messages", json!({"id": "x", "text": "two"}))
        .await;
    assert_eq!((other.status, other.code()), (422, "id_reused"));
    let state = ana.state().await.to_string();
    assert_eq!(
        (
            state.matches("Echo: one.").count(),
            state.matches("Echo: two.").count()
        ),
        (1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_41_an_unknown_conversation_and_another_visitors_are_404_on_every_route() {
    let flow = Place::new().start().await;
    let (ana, bob) = (flow.open().await, flow.open().await);
    let file = ana
        .http
        .post(ana.url("/files?id=f&name=a.png"))
        .bearer_auth(&ana.token)
        .header("content-type", "image/png")
        .body(vec![0x89, b'P', b'N', b'G'])
        .send()
        .await
        .unwrap();
    assert_eq!(file.status(), 200);
    let state = ana.state().await.to_string();
    let file = state
        .split("/v1/files/")
        .nth(1)
        .and_then(|s| s.split(['"', '?']).next())
        .expect("the file has an address")
        .to_owned();
    for id in [
        ana.id.as_str(),
        "c_00000000000000000000000000000000",
        "..",
        "%00",
        "c_'--",
    ] {
        let routes: [(&str, String, Value); 7] = [
            ("GET", format!("/v1/conversations/{id}"), Value::Null),
            ("GET", format!("/v1/conversations/{id}/events"), Value::Null),
            (
                "POST",
                format!("/v1/conversations/{id}/messages"),
                json!({"id": "m", "text": "hello"}),
            ),
            (
                "POST",
                format!("/v1/conversations/{id}/typing"),
                json!({"typing": true}),
            ),
            (
                "POST",
                format!("/v1/conversations/{id}/leave"),
                json!({"id": "l"}),
            ),
            (
                "POST",
                format!("/v1/conversations/{id}/files?id=f&name=a.png"),
                json!({}),
            ),
            ("GET", format!("/v1/files/{file}"), Value::Null),
        ];
        for (method, path, body) in routes {
            for token in [Some(bob.token.as_str()), Some("v_guess"), None] {
                let mut request = flow.http.request(method.parse().unwrap(), flow.url(&path));
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                if method == "POST" {
                    request = request.json(&body);
                }
                let answer = Answer::of(request.send().await.unwrap()).await;
                assert!(
                    matches!(answer.status, 404 | 401),
                    "{method} {path} with {token:?}: {} {:?}",
                    answer.status,
                    answer.body
                );
                if token.is_some() && id == ana.id {
                    assert_eq!(answer.status, 404, "{method} {path}: {:?}", answer.body);
                }
            }
        }
    }
    assert!(!ana.state().await.to_string().contains("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_42_a_post_from_another_site_is_403() {
    let place = Place::new();
    place.agents(&["leo"]);
    let flow = place.start().await;
    let leo = crate::people::sign_in(&flow, "leo").await;
    let post = |origin: Option<&'static str>, path: &str| {
        let mut request = leo
            .request(reqwest::Method::POST, path)
            .json(&json!({"id": "x", "text": "hi"}));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request
    };
    for path in [
        "/conversations/c_1/messages",
        "/conversations/c_1/take",
        "/follow-ups/1/done",
        "/sign-out",
    ] {
        let foreign = Answer::of(
            post(Some("https://evil.example"), path)
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(
            (foreign.status, foreign.code()),
            (403, "forbidden_origin"),
            "{path}: {:?}",
            foreign.body
        );
        let opaque = Answer::of(post(Some("null"), path).send().await.unwrap()).await;
        assert_eq!(opaque.status, 403, "{path}");
    }
    // Without the second key the cookie alone does nothing.
    let forged = leo
        .request(reqwest::Method::POST, "/conversations/c_1/take")
        .header("x-flow-csrf", "")
        .json(&json!({"id": "x"}));
    let mut request = forged.build().unwrap();
    request.headers_mut().remove("x-flow-csrf");
    let answer = Answer::of(flow.http.execute(request).await.unwrap()).await;
    assert_eq!((answer.status, answer.code()), (403, "csrf"));
    assert_eq!(leo.get("/me").await.status, 200, "still signed in");
    let evil = flow
        .http
        .post(flow.url("/v1/agent/sign-in"))
        .header("origin", "https://evil.example")
        .json(&json!({"name": "leo", "password": "correct horse"}))
        .send()
        .await
        .unwrap();
    assert_eq!(evil.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_43_forged_forwarding_headers_do_not_lift_the_limit() {
    let mut place = Place::new();
    place.config = place
        .config
        .replace("conversations = 1000000", "conversations = 20");
    let flow = place.start().await;
    let mut limited = 0;
    for n in 0..40 {
        let request = flow
            .http
            .post(flow.url("/v1/conversations"))
            .header("x-forwarded-for", format!("203.0.113.{n}, 198.51.100.{n}"))
            .json(&json!({}));
        let answer = Answer::of(request.send().await.unwrap()).await;
        if answer.status == 429 {
            assert!(answer.headers.contains_key("retry-after"));
            limited += 1;
        } else {
            assert_eq!(answer.status, 201);
        }
    }
    assert!(limited >= 15, "{limited}");
}
