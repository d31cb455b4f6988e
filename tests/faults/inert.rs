//! Fault 36: markup in names, messages and file names stays text. What browsers make of it is seen in `tests/browser`.

use crate::flowd::{Answer, Place};
use crate::people::sign_in;
use serde_json::json;

const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "javascript:alert(3)",
    "\"><svg onload=alert(4)>",
    "{{constructor.constructor('alert(5)')()}}",
    "</script><!--",
];

fn is_inert(answer: &Answer, media_type: &str) {
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    assert_eq!(header("content-type"), media_type);
    assert_eq!(header("x-content-type-options"), "nosniff");
    let policy = header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_36_markup_in_names_messages_and_file_names_is_inert() {
    let place = Place::new();
    place.agents(&["leo"]);
    let flow = place.start().await;
    for hostile in HOSTILE {
        let opening = json!({"page": hostile, "visitor": {"claimed": {"name": hostile}}});
        let mut eve = flow.open_with(opening).await;
        eve.press("Repeat after me").await;
        let answer = eve.say(hostile).await;
        is_inert(&answer, "application/json");
        // It comes back as it was said: nothing is lost either.
        eve.hears(&format!("Echo: {hostile}.")).await;
        let unknown = Answer::of(
            eve.http
                .get(eve.url(&format!("/{}", hostile.replace('/', "%2F"))))
                .bearer_auth(&eve.token)
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(unknown.status, 404);
        is_inert(&unknown, "application/json");

        // A page as a file, under a hostile name: to be saved, never shown.
        let name: String = reqwest::Url::parse_with_params("http://x", [("n", hostile)])
            .unwrap()
            .query()
            .unwrap()[2..]
            .to_owned();
        let uploaded = Answer::of(
            eve.http
                .post(eve.url(&format!("/files?id=f&name={name}.html")))
                .bearer_auth(&eve.token)
                .header("content-type", "text/html")
                .body("<script>alert(6)</script>")
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(uploaded.status, 200, "{:?}", uploaded.body);
        let state = eve.state().await.to_string();
        let file = state
            .split("/v1/files/")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let file = Answer::of(
            eve.http
                .get(flow.url(&format!("/v1/files/{file}")))
                .bearer_auth(&eve.token)
                .send()
                .await
                .unwrap(),
        )
        .await;
        is_inert(&file, "application/octet-stream");
        let disposition = file.headers["content-disposition"].to_str().unwrap();
        assert!(
            disposition.starts_with("attachment;") && !disposition.contains(['<', '>', '"']),
            "{disposition}"
        );
        assert!(
            file.headers["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("sandbox")
        );
        eve.press("Talk to a human").await;
        eve.stands("queued").await;
    }
    // What agents read is JSON too, and a page that is no web address was not kept.
    let leo = sign_in(&flow, "leo").await;
    let queue = leo.get("/queue").await;
    is_inert(&queue, "application/json");
    let listed = leo.get("/conversations?view=queue").await;
    is_inert(&listed, "application/json");
    let conversations = listed.body["conversations"].as_array().unwrap();
    assert_eq!(conversations.len(), HOSTILE.len(), "{:#}", listed.body);
    for conversation in conversations {
        let id = conversation["id"].as_str().unwrap();
        let log = leo.get(&format!("/conversations/{id}/log")).await;
        is_inert(&log, "application/json");
        assert_eq!(
            log.body["log"][0]["event"]["page"],
            json!(null),
            "{:#}",
            log.body["log"][0]
        );
    }
    for page in ["/", "/inbox"] {
        is_inert(&flow.get(page).await, "text/html; charset=utf-8");
    }
}
