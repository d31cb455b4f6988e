//! `flowd backup`, `restore`, `export`, `erase`, `agent` and `key`: the program itself, beside a running daemon where that is allowed.

use crate::common::{Answer, PATIENCE, World, client};
use crate::process::{Program, start};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Runs a command on a data folder.
fn flowd(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowd"));
    command.args(arguments).arg("--data").arg(data);
    // Elsewhere: no `flow.toml` of anybody counts.
    command.current_dir(data.parent().unwrap());
    command.stdin(Stdio::null()).output().unwrap()
}

/// Runs a command that must succeed; what it printed.
fn done(data: &Path, arguments: &[&str]) -> String {
    let out = flowd(data, arguments);
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{arguments:?}: {error}");
    String::from_utf8(out.stdout).unwrap()
}

/// Runs a command that must fail; why it did, in one line.
fn refused(data: &Path, arguments: &[&str]) -> String {
    let out = flowd(data, arguments);
    assert!(!out.status.success(), "{arguments:?}");
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(
        error.starts_with("flowd: ") && error.lines().count() == 1,
        "{error}"
    );
    error
}

struct Visitor {
    http: reqwest::Client,
    id: String,
    token: String,
}

impl Visitor {
    async fn open(flow: &Program, email: &str) -> Self {
        let http = client();
        let body = json!({"visitor": {"claimed": {"email": email}}});
        let request = http
            .post(format!("{}/v1/conversations", flow.base))
            .json(&body);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        let word = |key: &str| answer.body[key].as_str().unwrap().to_owned();
        let (id, token) = (word("id"), word("token"));
        Self { http, id, token }
    }

    async fn ask(&self, flow: &Program, rest: &str, body: Option<Value>) -> Answer {
        let url = format!("{}/v1/conversations/{}{rest}", flow.base, self.id);
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let request = request.bearer_auth(&self.token);
        Answer::of(request.send().await.unwrap()).await
    }

    async fn say(&self, flow: &Program, id: &str, text: &str) {
        let answer = self
            .ask(flow, "/messages", Some(json!({"id": id, "text": text})))
            .await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    }

    async fn send(&self, flow: &Program, name: &str, bytes: &[u8]) {
        let url = format!(
            "{}/v1/conversations/{}/files?id=f&name={name}",
            flow.base, self.id
        );
        let request = self.http.post(url).bearer_auth(&self.token);
        let request = request
            .header("content-type", "text/plain")
            .body(bytes.to_vec());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// Actions and targets, oldest first; the bots that were loaded are passed over.
async fn audit(data: &Path) -> Vec<(String, String)> {
    use flow_store::{SqliteOptions, SqliteStore, Store};
    let store = SqliteStore::open(data, &SqliteOptions::default()).unwrap();
    let mut lines = store.audit_log(None, 100).await.unwrap();
    lines.reverse();
    lines
        .into_iter()
        .filter(|l| l.action != "deploy")
        .map(|l| (l.action, l.target.unwrap_or_default()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_daemon_goes_on_elsewhere() {
    let world = World::new();
    let data = &world.config.data;
    let flow = start(&world);
    let ana = Visitor::open(&flow, "ana@example.com").await;
    ana.say(&flow, "m1", "when are you open").await;
    // While somebody writes without a pause.
    let writing = tokio::spawn({
        let (http, url) = (client(), format!("{}/v1/conversations", flow.base));
        async move {
            let mut written = 0;
            while let Ok(answer) = http.post(&url).json(&json!({})).send().await {
                written += u32::from(answer.status() == 201);
            }
            written
        }
    });
    let file = world.dir.path().join("copy.db");
    let printed = done(data, &["backup", file.to_str().unwrap()]);
    assert!(printed.contains("copy.db"), "{printed}");
    // A copy is never written over.
    assert!(refused(data, &["backup", file.to_str().unwrap()]).contains("name a new file"));
    // The place of a running daemon is not put right under it.
    assert!(refused(data, &["restore", file.to_str().unwrap()]).contains("another process"));
    ana.say(&flow, "m2", "after the backup").await;
    drop(flow);
    assert!(writing.await.unwrap() > 0);

    let elsewhere = World::new();
    let printed = done(&elsewhere.config.data, &["restore", file.to_str().unwrap()]);
    assert!(printed.contains("restored"), "{printed}");
    let flow = start(&elsewhere);
    let state = ana.ask(&flow, "", None).await.body.to_string();
    assert!(
        state.contains("We are always open.") && !state.contains("after the backup"),
        "{state}"
    );
    // A repetition is known, and the conversation goes on.
    let body = json!({"id": "m1", "text": "when are you open"});
    let again = ana.ask(&flow, "/messages", Some(body)).await;
    assert_eq!(
        (again.status, &again.body["duplicate"]),
        (200, &json!(true))
    );
    ana.say(&flow, "m3", "I want to talk to a human").await;
    let state = ana.ask(&flow, "", None).await.body;
    assert_eq!(state["conversation"]["tier"], "human");
    drop(flow);
    let names: Vec<String> = audit(data).await.into_iter().map(|l| l.0).collect();
    assert_eq!(names, ["backup"]);
    let names: Vec<String> = audit(&elsewhere.config.data)
        .await
        .into_iter()
        .map(|l| l.0)
        .collect();
    assert_eq!(names, ["restore"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_does_not_come_back_with_a_backup() {
    let world = World::new();
    let data = &world.config.data;
    let flow = start(&world);
    let ana = Visitor::open(&flow, "Ana@Example.com").await;
    let bea = Visitor::open(&flow, "bea@example.com").await;
    ana.say(&flow, "m1", "my secret is quokka").await;
    ana.send(&flow, "quokka.txt", b"a quokka's file").await;
    bea.say(&flow, "m1", "when are you open").await;
    let file = world.dir.path().join("before.db");
    done(data, &["backup", file.to_str().unwrap()]);

    // Everything that belongs to the person, and to nobody else.
    let exported = lines(&done(
        data,
        &["export", "--customer", "email=ana@example.com"],
    ));
    assert_eq!(exported.len(), 1);
    let whole = &exported[0];
    assert_eq!(whole["conversation"]["id"], ana.id.as_str());
    let log = whole["log"].as_array().unwrap();
    let numbers: Vec<u64> = log.iter().map(|r| r["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>());
    let events: Vec<&str> = log
        .iter()
        .map(|r| r["event"]["event"].as_str().unwrap())
        .collect();
    assert!(
        events.starts_with(&["opened", "message"]) && events.contains(&"file"),
        "{events:?}"
    );
    assert!(whole["log"].to_string().contains("my secret is quokka"));
    assert_eq!(whole["files"][0]["name"], "quokka.txt");
    assert_eq!(
        whole["files"][0]["base64"],
        STANDARD.encode("a quokka's file")
    );
    assert_eq!(lines(&done(data, &["export", "--all"])).len(), 2);

    let printed = done(data, &["erase", "--customer", "email=ana@example.com"]);
    assert!(
        printed.contains("1 conversations would be erased; say --yes"),
        "{printed}"
    );
    assert_eq!(ana.ask(&flow, "", None).await.status, 200);
    let printed = done(
        data,
        &["erase", "--customer", "email=ana@example.com", "--yes"],
    );
    assert!(printed.contains("erased 1 conversations"), "{printed}");
    // The running daemon knows it with the next word, and does not write it back.
    let body = json!({"id": "m2", "text": "hello?"});
    let gone = tokio::time::timeout(PATIENCE, ana.ask(&flow, "/messages", Some(body)));
    assert_eq!(gone.await.unwrap().code(), "unknown_conversation");
    assert_eq!(ana.ask(&flow, "", None).await.status, 404);
    bea.say(&flow, "m2", "when are you open").await;
    drop(flow);
    let printed = done(data, &["export", "--all"]);
    assert!(!printed.contains("quokka") && lines(&printed).len() == 1);

    let nowhere = || {
        for file in ["flow.db", "flow.db-wal"] {
            let bytes = std::fs::read(data.join(file)).unwrap_or_default();
            let found = bytes.windows(6).any(|w| w == b"quokka");
            assert!(!found, "{file} still holds it");
        }
    };

    // The backup still has it; restoring erases it again, also on another machine that has the list.
    let printed = done(data, &["restore", file.to_str().unwrap()]);
    assert!(
        printed.contains("1 conversations that were erased since"),
        "{printed}"
    );
    assert!(!done(data, &["export", "--all"]).contains("quokka"));
    // Not even in free pages.
    nowhere();
    let flow = start(&world);
    assert_eq!(ana.ask(&flow, "", None).await.status, 404);
    assert_eq!(bea.ask(&flow, "", None).await.status, 200);
    drop(flow);

    let found = audit(data).await;
    // The backup's own log goes on from where it stood.
    assert_eq!(
        found,
        [
            ("restore".to_owned(), format!("file:{}", file.display())),
            ("export".to_owned(), "all".to_owned()),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn erasures_and_exports_are_in_the_audit_log_without_anybodys_values() {
    let world = World::new();
    let data = &world.config.data;
    let flow = start(&world);
    let ana = Visitor::open(&flow, "ana@example.com").await;
    drop(flow);
    done(data, &["export", "--customer", "email=ana@example.com"]);
    done(data, &["export", "--conversation", &ana.id]);
    done(data, &["erase", "--conversation", &ana.id, "--yes"]);
    let found = audit(data).await;
    assert_eq!(
        found,
        [
            ("export".to_owned(), "customer by email".to_owned()),
            ("export".to_owned(), format!("conversation:{}", ana.id)),
            ("erase".to_owned(), ana.id.clone()),
        ]
    );
    assert!(
        refused(data, &["export", "--conversation", &ana.id]).contains("there is no conversation")
    );
    assert!(refused(data, &["export", "--customer", "ana"]).contains("write it as email="));
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_added_changed_listed_and_removed() {
    use std::io::Write;
    let world = World::new();
    let data = &world.config.data;
    let flow = start(&world);
    let add = |name: &str, password: &str, more: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_flowd"))
            .args(["agent", "add", name, "--password-stdin", "--data"])
            .arg(data)
            .args(more)
            .current_dir(data.parent().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        child.wait_with_output().unwrap()
    };
    let sign_in = async |password: &str| {
        let request = client().post(format!("{}/v1/agent/sign-in", flow.base));
        let body = json!({"name": "leo", "password": password});
        Answer::of(request.json(&body).send().await.unwrap()).await
    };
    assert!(
        add(
            "leo",
            "correct horse",
            &["--team", "support", "--role", "lead"]
        )
        .status
        .success()
    );
    let leo = sign_in("correct horse").await;
    assert_eq!(
        (leo.status, &leo.body["agent"]["role"]),
        (200, &json!("lead"))
    );
    let cookie = leo.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let listed = done(data, &["agent", "list"]);
    assert!(listed.contains("leo") && listed.contains("lead") && listed.contains("support"));
    assert!(!listed.contains("argon2"), "{listed}");
    // Again is a change.
    assert!(
        add("leo", "battery staple", &["--team", "support"])
            .status
            .success()
    );
    assert_eq!(sign_in("correct horse").await.status, 401);
    assert_eq!(
        sign_in("battery staple").await.body["agent"]["role"],
        "agent"
    );
    assert!(!add("leo", "short", &[]).status.success());
    assert!(!add("le o", "correct horse", &[]).status.success());
    done(data, &["agent", "remove", "leo"]);
    assert_eq!(sign_in("battery staple").await.status, 401);
    // With the person their sign-ins end.
    let request = client()
        .get(format!("{}/v1/agent/me", flow.base))
        .header("cookie", cookie);
    assert_eq!(request.send().await.unwrap().status(), 401);
    assert!(refused(data, &["agent", "remove", "leo"]).contains("there is no agent `leo`"));
    drop(flow);
    let found: Vec<String> = audit(data).await.into_iter().map(|l| l.0).collect();
    let of = |action: &str| found.iter().filter(|a| *a == action).count();
    assert_eq!(
        (of("agent_add"), of("agent_remove"), of("sign_in")),
        (2, 2, 2),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_once_and_do_what_their_scope_says() {
    let world = World::new();
    let data = &world.config.data;
    let flow = start(&world);
    let secret = |scope: &str| {
        done(data, &["key", "add", "robot", "--scope", scope])
            .trim()
            .to_owned()
    };
    let (ops, admin) = (secret("ops"), secret("admin"));
    assert!(ops.starts_with("fk_") && ops.len() > 40 && ops != admin);
    let listed = done(data, &["key", "list"]);
    assert_eq!(listed.lines().count(), 2);
    assert!(!listed.contains(&ops) && !listed.contains(&admin) && !listed.contains("fk_"));
    let bytes = std::fs::read(data.join("flow.db")).unwrap();
    assert!(
        !bytes.windows(ops.len()).any(|w| w == ops.as_bytes()),
        "only its hash is kept"
    );

    let get = async |path: &str, key: &str| {
        // Through a proxy: being on this machine opens nothing.
        let request = client()
            .get(format!("{}{path}", flow.base))
            .header("x-forwarded-for", "203.0.113.9")
            .bearer_auth(key);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(get("/metrics", &ops).await, 200);
    assert_eq!(get("/metrics", &admin).await, 401);
    assert_eq!(get("/v1/admin/agents", &admin).await, 200);
    assert_eq!(get("/v1/admin/agents", &ops).await, 403);
    assert_eq!(get("/metrics", "fk_guessed").await, 401);
    let id = listed.lines().find(|l| l.contains("ops")).unwrap();
    let id = id.split_whitespace().next().unwrap();
    done(data, &["key", "remove", id]);
    assert_eq!(get("/metrics", &ops).await, 401);
    assert!(refused(data, &["key", "remove", id]).contains("there is no key"));
    drop(flow);
    let found = audit(data).await;
    assert_eq!(found.iter().filter(|l| l.0 == "key_add").count(), 2);
    assert!(found.contains(&("key_remove".to_owned(), format!("key:{id}"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_log_that_was_changed_is_found() {
    let world = World::new();
    let data = &world.config.data;
    for name in ["leo", "mia", "eve"] {
        done(data, &["agent", "add", name, "--password", "correct horse"]);
    }
    let text = done(data, &["audit", "verify"]);
    assert!(text.contains("3 lines"), "{text}");
    let noted = text.lines().last().unwrap().to_owned();
    assert!(done(data, &["audit", "list"]).contains("agent:eve"));
    let line: Value = lines(&done(data, &["audit", "list", "--json"])).remove(0);
    assert_eq!(line["hash"], noted);
    // The log goes on; what was noted is still part of it.
    done(data, &["agent", "remove", "eve"]);
    assert!(!done(data, &["audit", "verify", "--noted", &noted]).contains(&noted));
    let other = refused(data, &["audit", "verify", "--noted", &"0".repeat(64)]);
    assert!(other.contains("no line with the hash"), "{other}");
    let database = rusqlite::Connection::open(data.join("flow.db")).unwrap();
    database
        .execute("DELETE FROM audit WHERE target = 'agent:mia'", [])
        .unwrap();
    let changed = refused(data, &["audit", "verify"]);
    assert!(
        changed.contains("line 3 is not what was written"),
        "{changed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_when_their_days_are_over() {
    let mut world = World::new();
    let flow = world.start().await;
    let ana = flow.open().await;
    let id = ana.id.clone();
    flow.stop().await;
    let database = rusqlite::Connection::open(world.config.data.join("flow.db")).unwrap();
    for (idx, days) in [(1, 8), (2, 6)] {
        database
            .execute(
                "INSERT INTO outbox (conversation, seq, idx, kind, payload, due, state, since, last_error) \
                 VALUES (?1, 1, ?2, 'webhook', '{}', 0, 1, (unixepoch() - ?3 * 86400) * 1000, 'no answer')",
                rusqlite::params![id, idx, days],
            )
            .unwrap();
    }
    drop(database);
    for (days, left) in [(0, vec![2, 1]), (7, vec![2])] {
        world.config.dead_letter_days = days;
        let flow = world.start().await;
        // The first look comes at once.
        let mut metrics = String::new();
        for _ in 0..200 {
            metrics = flow.get("/metrics").await.body.to_string();
            if days > 0 && metrics.contains("flow_dead_letters_expired_total 1") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let found = flow.app().store.dead_letters(10).await.unwrap();
        let found: Vec<u32> = found.iter().map(|row| row.idx).collect();
        assert_eq!(found, left, "{metrics}");
        flow.stop().await;
    }
    assert!(
        audit(&world.config.data)
            .await
            .iter()
            .any(|(action, _)| action == "dead_letters_expired")
    );
}
