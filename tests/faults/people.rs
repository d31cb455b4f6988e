//! Agents, as a console speaks for them.

use crate::flowd::{Answer, Flowd, Stream};
use serde_json::{Value, json};

/// An agent.
#[derive(Clone)]
pub struct Person {
    base: String,
    http: reqwest::Client,
    cookie: String,
    csrf: String,
}

pub async fn sign_in(flow: &Flowd, name: &str) -> Person {
    let answer = flow
        .post(
            "/v1/agent/sign-in",
            json!({"name": name, "password": "correct horse"}),
        )
        .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let cookie = answer.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let csrf = answer.body["csrf"].as_str().unwrap().to_owned();
    Person {
        base: flow.base.clone(),
        http: flow.http.clone(),
        cookie,
        csrf,
    }
}

impl Person {
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}/v1/agent{path}", self.base))
            .header("cookie", &self.cookie)
            .header("x-flow-csrf", &self.csrf)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(
            self.request(reqwest::Method::GET, path)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(
            self.request(reqwest::Method::POST, path)
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Opens the stream and switches to available.
    pub async fn comes(&self) -> Stream {
        let stream = Stream::open(self.request(reqwest::Method::GET, "/stream")).await;
        let switch = self
            .request(reqwest::Method::PUT, "/presence")
            .json(&json!({"available": true}))
            .send()
            .await
            .unwrap();
        assert_eq!(switch.status(), 200);
        stream
    }

    /// Takes what is offered to this agent next; the conversation's id.
    pub async fn accepts(&self, stream: &mut Stream) -> String {
        let (_, offer) = stream.next("offer").await.unwrap();
        let id = offer["conversation"]["id"].as_str().unwrap().to_owned();
        let answer = self.post(&format!("/conversations/{id}/accept"), json!({"id": format!("a{}", offer["reservation"]), "reservation": offer["reservation"]})).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        id
    }
}
