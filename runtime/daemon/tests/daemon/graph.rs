//! Meta, as far as it is documented for messages and media: the Graph API, and signed notifications.

use crate::common::{Answer, PATIENCE, Running, World, serve};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use flow_daemon::config::Config;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const PHONE: &str = "16315551181";
pub(crate) const PICTURE: &[u8] = b"\x89PNG not really";

/// The Graph API, as far as it is documented for messages and media.
#[derive(Clone, Default)]
pub(crate) struct Graph {
    pub(crate) sent: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    pub(crate) next: Arc<Mutex<VecDeque<Response>>>,
    address: Arc<Mutex<Option<SocketAddr>>>,
}

async fn send(State(graph): State<Graph>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if let Some(refusal) = graph.next.lock().unwrap().pop_front() {
        return refusal;
    }
    let mut sent = graph.sent.lock().unwrap();
    sent.push((headers, body));
    let id = format!("wamid.sent{}", sent.len());
    Json(json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": PHONE, "wa_id": PHONE}],
        "messages": [{"id": id}],
    }))
    .into_response()
}

async fn media(State(graph): State<Graph>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if headers["authorization"] != "Bearer graph-token" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let address = graph.address.lock().unwrap().unwrap();
    Json(json!({
        "messaging_product": "whatsapp", "url": format!("http://{address}/download/{id}"),
        "mime_type": "image/png", "sha256": "x", "file_size": PICTURE.len(), "id": id,
    }))
    .into_response()
}

async fn download(headers: HeaderMap) -> Response {
    match headers["authorization"].to_str().unwrap() {
        "Bearer graph-token" => PICTURE.into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

pub(crate) fn refusal(status: u16, code: i64, message: &str) -> Response {
    let error = json!({"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}});
    (StatusCode::from_u16(status).unwrap(), Json(error)).into_response()
}

impl Graph {
    /// Waits for the n-th message that it took.
    pub(crate) async fn takes(&self, n: usize) -> Value {
        let found = async {
            loop {
                if let Some((_, body)) = self.sent.lock().unwrap().get(n) {
                    return body.clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(body) => body,
            Err(_) => panic!("no message {n}: {:#?}", self.sent.lock().unwrap()),
        }
    }

    /// Waits for a text from the n-th message on; its number.
    pub(crate) async fn tells(&self, from: usize, words: &str) -> usize {
        for n in from.. {
            if self.takes(n).await["text"]["body"] == words {
                return n;
            }
        }
        unreachable!()
    }

    pub(crate) fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

pub(crate) async fn world() -> (World, Graph) {
    let graph = Graph::default();
    let router = Router::new()
        .route("/v23.0/{id}/messages", post(send))
        .route("/v23.0/{id}", get(media))
        .route("/download/{id}", get(download))
        .with_state(graph.clone());
    let address = serve(router).await;
    *graph.address.lock().unwrap() = Some(address);
    let mut world = World::new();
    world.edit("channels web", "channels web, whatsapp");
    world.edit(
        "customer {\n",
        "channel whatsapp { window 24h; reopen template \"ticket_update\" }\n\ncustomer {\n  phone: phone private identifies\n",
    );
    world.add(
        r#"
on intent look_at -> show
intent look_at { "look at this picture please" }
slots { photo: file of image }
node show {
  ask photo "Send the picture." { otherwise -> end unresolved }
  choose "What is it?" { "A lamp" -> done; "A table" -> done; "A chair" -> done; "Something else" -> done; otherwise -> done }
}
"#,
    );
    world.set("TEST_GRAPH_TOKEN", "graph-token");
    world.set("TEST_APP_SECRET", "app-secret");
    world.set("TEST_VERIFY_TOKEN", "agreed word");
    world.config.egress.allow.push(address.to_string());
    let text = format!(
        r#"
[whatsapp]
phone_number_id = "106540352242922"
access_token_env = "TEST_GRAPH_TOKEN"
app_secret_env = "TEST_APP_SECRET"
verify_token_env = "TEST_VERIFY_TOKEN"
api_url = "http://{address}/v23.0"
"#
    );
    world.config.whatsapp = Config::parse(&text).unwrap().whatsapp;
    (world, graph)
}

/// A notification as it is documented.
pub(crate) fn notification(value: Value) -> Value {
    let mut whole = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
    });
    for (key, value) in value.as_object().unwrap() {
        whole[key] = value.clone();
    }
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"value": whole, "field": "messages"}]}],
    })
}

pub(crate) fn message(id: &str, at: i64, content: Value) -> Value {
    let mut message = json!({"from": PHONE, "id": id, "timestamp": at.to_string()});
    for (key, value) in content.as_object().unwrap() {
        message[key] = value.clone();
    }
    notification(json!({
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": PHONE}],
        "messages": [message],
    }))
}

pub(crate) async fn post_signed(flow: &Running, body: &Value, secret: &str) -> Answer {
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let request = flow
        .http
        .post(format!("{}/v1/channels/whatsapp", flow.base))
        .header("content-type", "application/json")
        .header("x-hub-signature-256", format!("sha256={signature}"));
    Answer::of(request.body(body).send().await.unwrap()).await
}

/// A customer's message now.
pub(crate) async fn says(flow: &Running, id: &str, content: Value) {
    let now = jiff::Timestamp::now().as_second();
    let answer = post_signed(flow, &message(id, now, content), "app-secret").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

pub(crate) fn text(body: &str) -> Value {
    json!({"type": "text", "text": {"body": body}})
}

pub(crate) async fn conversation(flow: &Running) -> String {
    let thread = flow.app().store.thread("whatsapp", PHONE).await.unwrap();
    thread.unwrap().conversation
}
