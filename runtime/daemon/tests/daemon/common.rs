//! A daemon in this process with a real bot, and those around it: customers, agents, a shop, a model provider.
#![allow(unreachable_pub, reason = "a test program exports nothing")]

use axum::Router;
use eventsource_stream::Eventsource;
use flow_daemon::Daemon;
use flow_daemon::config::{Config, Environment, Model};
use flow_store::{Agent, Role, SqliteOptions, SqliteStore, Store};
use futures::StreamExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// A copy of the test bot, a data folder, and how to start a daemon on them.
pub struct World {
    pub dir: TempDir,
    pub config: Config,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bot"),
            &dir.path().join("project/bot"),
        );
        std::fs::write(dir.path().join("project/flow.toml"), "").unwrap();
        let mut config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: dir.path().join("data"),
            ..Config::default()
        };
        config.agents.grace_seconds = 1;
        config.agents.lost_seconds = 3;
        config.limits.requests = 100_000;
        config.limits.messages = 10_000;
        config.environment = Environment {
            set: BTreeMap::from([
                ("TEST_SHOP_URL".into(), "http://127.0.0.1:1".into()),
                ("TEST_SHOP_TOKEN".into(), "shop-token".into()),
                ("TEST_CRM_KEY".into(), "crm-key".into()),
                ("TEST_LLM_KEY".into(), "llm-key".into()),
            ]),
        };
        Self { dir, config }
    }

    pub fn bot(&self) -> PathBuf {
        self.dir.path().join("project/bot")
    }

    /// Changes the bot; what is replaced must be there.
    pub fn edit(&self, from: &str, to: &str) {
        let file = self.bot().join("bot.flow");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
    }

    /// Adds declarations to the bot.
    pub fn add(&self, text: &str) {
        let file = self.bot().join("bot.flow");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{before}\n{text}\n")).unwrap();
    }

    /// Sets a variable of the daemon's environment.
    pub fn set(&mut self, name: &str, value: &str) {
        let set = &mut self.config.environment.set;
        set.insert(name.to_owned(), value.to_owned());
    }

    /// Lets webhooks reach a server of this test.
    pub fn shop(&mut self, address: SocketAddr) {
        self.config
            .environment
            .set
            .insert("TEST_SHOP_URL".into(), format!("http://{address}"));
        self.config.egress.allow.push(address.to_string());
    }

    /// Names a model provider of this test.
    pub fn model(&mut self, address: SocketAddr) {
        let model = Model {
            base_url: format!("http://{address}/v1"),
            model: "test-1".into(),
            api_key_env: Some("TEST_LLM_KEY".into()),
            deadline_seconds: 5,
            max_tokens: 200,
            attempts: 3,
            tokens_per_conversation: 10_000,
        };
        self.config.models.insert("test_llm".into(), model);
        self.config.egress.allow.push(address.to_string());
    }

    pub async fn agent(&self, id: &str, role: Role) {
        let password = flow_daemon::auth::hash_password("correct horse").unwrap();
        let name = format!("{}{}", id[..1].to_uppercase(), &id[1..]);
        let agent = Agent {
            id: id.into(),
            name: name.into(),
            role,
            teams: vec!["support".into()],
            skills: vec![],
            languages: vec![],
            capacity: None,
            available: false,
            password,
        };
        let store = SqliteStore::open(&self.config.data, &SqliteOptions::default()).unwrap();
        store.put_agent(agent).await.unwrap();
    }

    pub async fn start(&self) -> Running {
        let daemon = flow_daemon::start(&self.bot(), self.config.clone())
            .await
            .unwrap();
        Running {
            base: format!("http://{}", daemon.address),
            http: client(),
            daemon: Some(daemon),
        }
    }
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A server of this test at the world's edge.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A running daemon.
pub struct Running {
    pub base: String,
    pub http: reqwest::Client,
    pub daemon: Option<Daemon>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
            headers,
        }
    }

    pub fn code(&self) -> &str {
        self.body
            .pointer("/error/code")
            .and_then(Value::as_str)
            .unwrap_or("")
    }
}

impl Running {
    pub async fn stop(mut self) {
        self.daemon.take().unwrap().stop().await;
    }

    pub fn app(&self) -> &std::sync::Arc<flow_daemon::app::App> {
        &self.daemon.as_ref().unwrap().app
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(
            self.http
                .get(format!("{}{path}", self.base))
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(
            self.http
                .post(format!("{}{path}", self.base))
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn open(&self) -> Customer {
        self.open_with(json!({})).await
    }

    pub async fn open_with(&self, body: Value) -> Customer {
        let answer = self.post("/v1/conversations", body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        Customer {
            base: self.base.clone(),
            http: self.http.clone(),
            id: answer.body["id"].as_str().unwrap().into(),
            token: answer.body["token"].as_str().unwrap().into(),
            next: 0,
        }
    }

    pub async fn sign_in(&self, name: &str) -> Person {
        let answer = self
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
            base: self.base.clone(),
            http: self.http.clone(),
            cookie,
            csrf,
        }
    }
}

/// A visitor.
#[derive(Clone)]
pub struct Customer {
    pub base: String,
    pub http: reqwest::Client,
    pub id: String,
    pub token: String,
    next: u32,
}

impl Customer {
    pub fn url(&self, rest: &str) -> String {
        format!("{}/v1/conversations/{}{rest}", self.base, self.id)
    }

    pub async fn post(&self, rest: &str, body: Value) -> Answer {
        Answer::of(
            self.http
                .post(self.url(rest))
                .bearer_auth(&self.token)
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Writes; the turn must be taken.
    pub async fn say(&mut self, text: &str) -> Answer {
        self.next += 1;
        let answer = self
            .post(
                "/messages",
                json!({"id": format!("m{}", self.next), "text": text}),
            )
            .await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer
    }

    /// Presses a button by its label: of the question, or of the menu.
    pub async fn press(&mut self, label: &str) -> Answer {
        let state = self.state().await;
        let view = &state["conversation"];
        let all = view["menu"]
            .as_array()
            .into_iter()
            .chain(view["asks"]["buttons"].as_array())
            .flatten();
        let button = all
            .into_iter()
            .find(|b| b["label"] == label)
            .unwrap_or_else(|| panic!("no button {label} in {view}"))["id"]
            .clone();
        self.next += 1;
        let answer = self
            .post(
                "/messages",
                json!({"id": format!("m{}", self.next), "button": button}),
            )
            .await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer
    }

    pub async fn state(&self) -> Value {
        let answer = Answer::of(
            self.http
                .get(self.url(""))
                .bearer_auth(&self.token)
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.body
    }

    /// Waits until the bot, a model or an agent has said something that holds these words.
    pub async fn hears(&self, words: &str) -> Value {
        let mut state = Value::Null;
        for _ in 0..400 {
            state = self.state().await;
            let found = state["messages"].as_array().unwrap().iter().find(|m| {
                m["from"]["who"] != "customer" && m["text"].as_str().unwrap().contains(words)
            });
            if let Some(found) = found {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never heard `{words}`: {state:#}");
    }

    /// Waits until the conversation stands there.
    pub async fn stands(&self, stage: &str) -> Value {
        let mut state = Value::Null;
        for _ in 0..400 {
            state = self.state().await;
            if state["conversation"]["stage"] == stage {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never came to `{stage}`: {state:#}");
    }

    pub async fn stream(&self, last: Option<&str>) -> Stream {
        let mut request = self
            .http
            .get(self.url(&format!("/events?token={}", self.token)));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Stream::open(request).await
    }
}

/// Server-sent events.
pub struct Stream(pub futures::stream::BoxStream<'static, eventsource_stream::Event>);

impl Stream {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self(
            response
                .bytes_stream()
                .eventsource()
                .filter_map(|e| async { e.ok() })
                .boxed(),
        )
    }

    /// The next event of this name; others are passed over.
    pub async fn next(&mut self, name: &str) -> (String, Value) {
        let next = async {
            loop {
                let event = self
                    .0
                    .next()
                    .await
                    .unwrap_or_else(|| panic!("the stream ended before `{name}`"));
                if event.event == name {
                    return (event.id, serde_json::from_str(&event.data).unwrap());
                }
            }
        };
        tokio::time::timeout(PATIENCE, next)
            .await
            .unwrap_or_else(|_| panic!("no `{name}` came"))
    }
}

/// An agent.
#[derive(Clone)]
pub struct Person {
    pub base: String,
    pub http: reqwest::Client,
    pub cookie: String,
    pub csrf: String,
}

impl Person {
    pub async fn get(&self, path: &str) -> Answer {
        let request = self
            .http
            .get(format!("{}/v1/agent{path}", self.base))
            .header("cookie", &self.cookie);
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.http.post(format!("{}/v1/agent{path}", self.base));
        Answer::of(
            request
                .header("cookie", &self.cookie)
                .header("x-flow-csrf", &self.csrf)
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Opens the stream and switches to available.
    pub async fn comes(&self) -> Stream {
        let request = self
            .http
            .get(format!("{}/v1/agent/stream", self.base))
            .header("cookie", &self.cookie);
        let stream = Stream::open(request).await;
        let request = self.http.put(format!("{}/v1/agent/presence", self.base));
        let answer = request
            .header("cookie", &self.cookie)
            .header("x-flow-csrf", &self.csrf)
            .json(&json!({"available": true}))
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), 200);
        stream
    }
}
