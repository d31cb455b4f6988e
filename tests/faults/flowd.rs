//! The real daemon as a process of its own, with a folder that goes with it.

use reqwest::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whether to do everything as often as it takes to trust it.
pub fn full() -> bool {
    std::env::var("FLOW_FAULTS").is_ok_and(|v| v == "full")
}

/// Builds a program of this workspace, unless the environment names one.
fn built(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        // All programs and tests at once: with the same features, so that nothing is built a second time.
        .args(["build", "-q", "--workspace", "--bins", "--tests"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // Build scripts see what `cargo test` says of this package, and would be run anew for it.
    for (variable, _) in std::env::vars_os() {
        let variable = variable.to_string_lossy();
        if variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*variable);
        }
    }
    let status = command.status();
    assert!(status.unwrap().success(), "{name} could not be built");
    // This test lies in `<target>/<profile>/deps`, the program in `<target>/debug`.
    let target = std::env::current_exe()
        .unwrap()
        .ancestors()
        .nth(3)
        .unwrap()
        .to_path_buf();
    target.join("debug").join(name)
}

pub fn flowd() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| built("FLOWD", "flowd"))
}

pub fn flowc() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| built("FLOWC", "flowc"))
}

/// A bot, a data folder, a configuration, an environment.
pub struct Place {
    pub dir: TempDir,
    pub data: PathBuf,
    pub config: String,
    pub env: BTreeMap<String, String>,
    pub allow: Vec<String>,
}

impl Place {
    pub fn new() -> Self {
        let place = Self::with_bot("");
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("bot"),
            &place.bot(),
        );
        place
    }

    /// A bot of one file.
    pub fn with_bot(source: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bot = dir.path().join("project/bot");
        std::fs::create_dir_all(&bot).unwrap();
        std::fs::write(dir.path().join("project/flow.toml"), "").unwrap();
        if !source.is_empty() {
            std::fs::write(bot.join("bot.flow"), source).unwrap();
        }
        let env = [
            ("FAULTS_SHOP_URL", "http://127.0.0.1:1"),
            ("FAULTS_CRM_KEY", "crm-key"),
            ("FAULTS_LLM_KEY", "llm-key"),
            ("FAULTS_LOGIN_KEY", "login-key"),
            ("FLOW_LOG", "warn"),
        ];
        Self {
            data: dir.path().join("data"),
            config: "[limits]\nrequests = 10000000\nmessages = 1000000\nconversations = 1000000\n[agents]\ngrace_seconds = 1\nlost_seconds = 2\n[identity]\nsecret_env = \"FAULTS_LOGIN_KEY\"\n".to_owned(),
            env: env.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            allow: Vec::new(),
            dir,
        }
    }

    pub fn bot(&self) -> PathBuf {
        self.dir.path().join("project/bot")
    }

    /// Lets webhooks reach a server of this test.
    pub fn shop(&mut self, address: std::net::SocketAddr) {
        self.env
            .insert("FAULTS_SHOP_URL".to_owned(), format!("http://{address}"));
        self.allow.push(address.to_string());
    }

    /// Names a model provider of this test.
    pub fn model(&mut self, address: std::net::SocketAddr, deadline: u32) {
        self.config.push_str(&format!(
            "[models.test_llm]\nbase_url = \"http://{address}/v1\"\nmodel = \"test-1\"\napi_key_env = \"FAULTS_LLM_KEY\"\ndeadline_seconds = {deadline}\n"
        ));
        self.allow.push(address.to_string());
    }

    fn command(&self, words: &[&str]) -> Command {
        let config = self.dir.path().join("flow.toml");
        std::fs::write(&config, &self.config).unwrap();
        let mut command = Command::new(flowd());
        command
            .args(words)
            .arg("--config")
            .arg(config)
            .arg("--data")
            .arg(&self.data)
            .envs(&self.env)
            .current_dir(self.dir.path());
        command
    }

    /// Another command on the same data.
    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Adds people who answer customers; many at once cost no more than one.
    pub fn agents(&self, names: &[&str]) {
        for name in names {
            let output = self
                .command(&[
                    "agent",
                    "add",
                    name,
                    "--password",
                    "correct horse",
                    "--team",
                    "support",
                    "--capacity",
                    "100",
                ])
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", text(&output));
        }
    }

    fn spawn(&self, socket: Option<&std::net::TcpListener>) -> Child {
        let mut command = self.command(&["run"]);
        command.arg(self.bot()).args(["--listen", "127.0.0.1:0"]);
        for address in &self.allow {
            command.args(["--allow-internal", address]);
        }
        if let Some(socket) = socket {
            command = activated(&command, socket);
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        command.stdout(Stdio::piped()).stderr(log).spawn().unwrap()
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log.txt")
    }

    pub async fn start(&self) -> Flowd {
        self.started(None).await
    }

    /// Starts it on a socket that is open already.
    pub async fn start_on(&self, socket: &std::net::TcpListener) -> Flowd {
        self.started(Some(socket)).await
    }

    async fn started(&self, socket: Option<&std::net::TcpListener>) -> Flowd {
        self.tried(socket).await.unwrap_or_else(|| {
            panic!(
                "flowd did not start:\n{}",
                std::fs::read_to_string(self.log()).unwrap_or_default()
            )
        })
    }

    /// Starts it; `None` if it ended instead.
    pub async fn try_start(&self) -> Option<Flowd> {
        self.tried(None).await
    }

    async fn tried(&self, socket: Option<&std::net::TcpListener>) -> Option<Flowd> {
        let mut child = self.spawn(socket);
        let out = BufReader::new(child.stdout.take().unwrap());
        let base = tokio::task::spawn_blocking(move || {
            let mut base = None;
            for line in out.lines() {
                let line = line.ok()?;
                if let Some(page) = line.trim().strip_prefix("page ") {
                    base = Some(page.trim().trim_end_matches('/').to_owned());
                }
                if base.is_some() && line.contains("inbox") {
                    break;
                }
            }
            base
        });
        let base = tokio::time::timeout(Duration::from_secs(60), base)
            .await
            .expect("flowd says where it listens")
            .unwrap();
        let flowd = Flowd {
            child,
            base: base.clone().unwrap_or_default(),
            http: client(),
        };
        if base.is_none() {
            flowd.ended(Duration::from_secs(10)).await;
            return None;
        }
        Some(flowd)
    }
}

/// The same command, given a socket as systemd gives it: descriptor 3, and the environment says so. A shell moves it there, since a child's
/// standard input is the one descriptor that can be set without unsafe code.
fn activated(command: &Command, socket: &std::net::TcpListener) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"",
        ])
        .arg(command.get_program())
        .args(command.get_args())
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(std::os::fd::OwnedFd::from(socket.try_clone().unwrap()));
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

pub fn copy(from: &Path, to: &Path) {
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
pub async fn serve(router: axum::Router) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A running daemon; it is killed when the test forgets it.
pub struct Flowd {
    child: Child,
    pub base: String,
    pub http: Client,
}

impl Drop for Flowd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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

impl Flowd {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing of it runs afterwards.
    pub fn kill_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for its end; how long it took and with what.
    pub async fn ended(mut self, most: Duration) -> (Duration, Option<i32>) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (start.elapsed(), status.code());
            }
            assert!(start.elapsed() < most, "it still runs after {most:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(self.url(path)).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(
            self.http
                .post(self.url(path))
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

    /// A counter or gauge of `/metrics`; 0 if it is not there.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.body;
        let text = text.as_str().unwrap_or_default().to_owned();
        let line = text
            .lines()
            .find(|l| l.split([' ', '{']).next() == Some(name));
        line.and_then(|l| l.rsplit(' ').next())
            .and_then(|v| v.parse().ok())
            .unwrap_or(0.0)
    }

    /// The most memory it ever had, KiB.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

/// A visitor.
#[derive(Clone)]
pub struct Customer {
    pub base: String,
    pub http: Client,
    pub id: String,
    pub token: String,
    next: u32,
}

impl Customer {
    pub fn url(&self, rest: &str) -> String {
        format!("{}/v1/conversations/{}{rest}", self.base, self.id)
    }

    pub async fn try_post(&self, rest: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        let response = self
            .http
            .post(self.url(rest))
            .bearer_auth(&self.token)
            .json(body)
            .send()
            .await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Ok(Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
            headers,
        })
    }

    pub async fn post(&self, rest: &str, body: Value) -> Answer {
        self.try_post(rest, &body).await.unwrap()
    }

    /// Writes; the turn must be taken.
    pub async fn say(&mut self, text: &str) -> Answer {
        self.next += 1;
        let answer = self
            .post(
                "/messages",
                json!({"id": format!("s{}", self.next), "text": text}),
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
                json!({"id": format!("s{}", self.next), "button": button}),
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

    /// Waits until it has been said to the customer.
    pub async fn hears(&self, words: &str) -> Value {
        self.until(&format!("hear `{words}`"), |state| {
            let mut all = state["messages"].as_array().unwrap().iter();
            all.find(|m| {
                m["from"]["who"] != "customer" && m["text"].as_str().unwrap().contains(words)
            })
            .cloned()
        })
        .await
    }

    /// Waits until the conversation stands there.
    pub async fn stands(&self, stage: &str) -> Value {
        self.until(&format!("come to `{stage}`"), |state| {
            (state["conversation"]["stage"] == stage).then(|| state.clone())
        })
        .await
    }

    async fn until(&self, what: &str, holds: impl Fn(&Value) -> Option<Value>) -> Value {
        let start = Instant::now();
        loop {
            let state = self.state().await;
            if let Some(found) = holds(&state) {
                return found;
            }
            assert!(
                start.elapsed() < Duration::from_secs(25),
                "did not {what}: {state:#}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
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
pub struct Stream(futures::stream::BoxStream<'static, eventsource_stream::Event>);

impl Stream {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        use eventsource_stream::Eventsource;
        use futures::StreamExt;
        let response = request
            .timeout(Duration::from_secs(600))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        Self(
            response
                .bytes_stream()
                .eventsource()
                .filter_map(|e| async { e.ok() })
                .boxed(),
        )
    }

    /// The next event of this name within a time; `None`: the stream ended.
    pub async fn next(&mut self, name: &str) -> Option<(String, Value)> {
        use futures::StreamExt;
        let next = async {
            loop {
                let event = self.0.next().await?;
                if event.event == name {
                    return Some((event.id, serde_json::from_str(&event.data).unwrap()));
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(25), next)
            .await
            .unwrap_or_else(|_| panic!("no `{name}` came"))
    }
}
