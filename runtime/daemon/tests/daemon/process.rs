//! The program itself: killed, told to stop, given slow and silent peers.

use crate::common::{PATIENCE, World, client};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Program {
    child: Child,
    pub(crate) base: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn start(world: &World) -> Program {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flowd"))
        .arg("run")
        .arg(world.bot())
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(&world.config.data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let base = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, url)) = line.split_once("page ") {
            break url.trim().trim_end_matches('/').to_owned();
        }
    };
    Program { child, base }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_nine() {
    let world = World::new();
    let http = client();
    let mut conversation = None;
    let mut acknowledged = Vec::new();
    for round in 0..4 {
        let mut flow = start(&world);
        let (id, token) = match &conversation {
            Some(found) => found,
            None => {
                let opened: Value = http
                    .post(format!("{}/v1/conversations", flow.base))
                    .json(&json!({}))
                    .send()
                    .await
                    .unwrap()
                    .json()
                    .await
                    .unwrap();
                conversation.insert((
                    opened["id"].as_str().unwrap().to_owned(),
                    opened["token"].as_str().unwrap().to_owned(),
                ))
            }
        };
        let url = format!("{}/v1/conversations/{id}", flow.base);
        let (sender, mut got) = tokio::sync::mpsc::unbounded_channel();
        let (http2, token2, url2) = (http.clone(), token.clone(), url.clone());
        let writing = tokio::spawn(async move {
            for n in 0.. {
                let message = format!("r{round}-{n}");
                let body = json!({"id": message, "text": "when are you open"});
                match http2
                    .post(format!("{url2}/messages"))
                    .bearer_auth(&token2)
                    .json(&body)
                    .send()
                    .await
                {
                    Ok(answer) if answer.status() == 200 => sender.send(message).unwrap(),
                    // The rate limit is not what is looked at here.
                    Ok(answer) if answer.status() == 429 => {
                        tokio::time::sleep(Duration::from_millis(20)).await
                    }
                    Ok(answer) => panic!("{}", answer.status()),
                    // The connection broke off with the daemon.
                    Err(_) => return,
                }
            }
        });
        // In the middle of the load: some were acknowledged, one is under way.
        for _ in 0..10 {
            let message = tokio::time::timeout(PATIENCE, got.recv())
                .await
                .unwrap()
                .unwrap();
            acknowledged.push(message);
        }
        flow.child.kill().unwrap();
        flow.child.wait().unwrap();
        writing.await.unwrap();
        while let Ok(message) = got.try_recv() {
            acknowledged.push(message);
        }
    }
    assert!(acknowledged.len() >= 40, "{acknowledged:?}");
    let flow = start(&world);
    let (id, token) = conversation.unwrap();
    let url = format!("{}/v1/conversations/{id}", flow.base);
    let state: Value = http
        .get(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let messages = state["messages"].as_array().unwrap();
    for message in &acknowledged {
        assert_eq!(
            messages
                .iter()
                .filter(|m| m["client_id"] == message.as_str())
                .count(),
            1,
            "{message}"
        );
    }
    // Every question has its one answer.
    let count = |text: &str| messages.iter().filter(|m| m["text"] == text).count();
    assert_eq!(count("when are you open"), count("We are always open."));
}

#[test]
fn silent_and_half_sent_requests_are_closed() {
    let world = World::new();
    let flow = start(&world);
    let address = flow.base.trim_start_matches("http://");
    let began = Instant::now();
    let mut silent = TcpStream::connect(address).unwrap();
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .unwrap();
    for socket in [&mut silent, &mut half] {
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut rest = Vec::new();
        // Closed, with or without a last word.
        let _ = socket.read_to_end(&mut rest);
    }
    assert!(
        began.elapsed() < Duration::from_secs(14),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_taken_port_and_a_used_folder_are_said_in_one_line() {
    let world = World::new();
    let flow = start(&world);
    let run = |listen: &str, data: &std::path::Path| {
        let out = Command::new(env!("CARGO_BIN_EXE_flowd"))
            .arg("run")
            .arg(world.bot())
            .args(["--listen", listen, "--data"])
            .arg(data)
            .output()
            .unwrap();
        assert!(!out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    let address = flow.base.trim_start_matches("http://");
    let other = world.dir.path().join("other");
    assert!(run(address, &other).contains("the port is taken; choose another with --listen"));
    assert!(
        run("127.0.0.1:0", &world.config.data).contains("another process uses the data folder")
    );
    let file = world.bot().join("bot.flow");
    std::fs::write(
        &file,
        std::fs::read_to_string(&file)
            .unwrap()
            .replace("-> track_and_back", "-> trakc"),
    )
    .unwrap();
    let broken = run("127.0.0.1:0", &other);
    assert!(
        broken.contains("trakc") && broken.contains("F0201"),
        "{broken}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_ends_before_the_daemon_does() {
    let world = World::new();
    let mut flow = start(&world);
    let http = client();
    let opened: Value = http
        .post(format!("{}/v1/conversations", flow.base))
        .json(&json!({}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let url = format!(
        "{}/v1/conversations/{}/events?token={}",
        flow.base,
        opened["id"].as_str().unwrap(),
        opened["token"].as_str().unwrap()
    );
    let stream = http.get(url).send().await.unwrap();
    let pid = flow.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let text = tokio::time::timeout(Duration::from_secs(10), stream.text())
        .await
        .unwrap()
        .unwrap();
    assert!(text.contains("event: bye"), "{text}");
    let began = Instant::now();
    assert!(flow.child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// What `flowd check` says of a configuration, and whether it is content.
fn checked(world: &World, words: &[&str], config: &str) -> (bool, String) {
    let file = world.dir.path().join("checked.toml");
    std::fs::write(&file, config).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_flowd"))
        .args(words)
        .arg("--config")
        .arg(&file)
        .env("TEST_SHOP_URL", "https://shop.example")
        .env_remove("TEST_SHOP_TOKEN")
        .output()
        .unwrap();
    let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    (out.status.success(), said)
}

#[test]
fn a_configuration_is_checked_without_running() {
    let world = World::new();
    for words in [["check"], ["--check"]] {
        let (good, said) = checked(&world, &words, "connections = 10\n");
        assert!(
            good && said == "the configuration is good\n",
            "{words:?}: {said}"
        );
    }
    // A key that nobody knows is named, at every depth, with its line.
    for (text, key, line) in [
        ("conections = 10\n", "conections", 1),
        ("[egress]\nallowed = []\n", "allowed", 2),
        ("[limits]\nmessage = 1\n", "message", 2),
        ("[agents]\ngrace = 1\n", "grace", 2),
        (
            "[models.a]\nbase_url = \"https://a.example\"\nmodel = \"a\"\nkey = \"b\"\n",
            "key",
            4,
        ),
        (
            "[verification]\nurl = \"https://a.example\"\ntimeout = 3\n",
            "timeout",
            3,
        ),
        (
            "[identity]\nsecret_env = \"A\"\nissuer = \"b\"\n",
            "issuer",
            3,
        ),
        (
            "[oidc]\nissuer = \"https://a.example\"\nclient_id = \"b\"\nscope = \"c\"\n",
            "scope",
            4,
        ),
        (
            "[telemetry]\nendpoint = \"http://a.example\"\nheaders = {}\n",
            "headers",
            3,
        ),
    ] {
        let (good, said) = checked(&world, &["--check"], text);
        assert!(
            !good && said.contains(&format!("unknown field `{key}`")),
            "{text}: {said}"
        );
        assert!(said.contains(&format!("line {line}")), "{text}: {said}");
    }
    // Every problem, not the first.
    let config = "[egress]\nallow = [\"nowhere\"]\n[models.a]\nbase_url = \"no url\"\nmodel = \"a\"\napi_key_env = \"NOT_SET_HERE\"\n";
    let (good, said) = checked(&world, &["check"], config);
    assert!(!good);
    for part in ["NOT_SET_HERE", "`no url` is no URL", "`nowhere`"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    // With a bot: what it needs and does not have.
    let bot = world.bot();
    let (good, said) = checked(&world, &["check", bot.to_str().unwrap()], "");
    assert!(!good);
    for part in [
        "the webhook `find_order` needs the environment variable `TEST_SHOP_TOKEN`",
        "the trigger `renewal` needs the environment variable `TEST_CRM_KEY`",
        "no [models.test_llm]",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("TEST_SHOP_URL"), "{said}");
    // What it declares and flowd does not do is said, and is no fault.
    world.edit(
        "enum order_status {",
        "channel web { follow up on email }\nenum order_status {",
    );
    let (_, said) = checked(&world, &["check", bot.to_str().unwrap()], "");
    assert!(
        said.contains("note: `channel web { follow up on email }` is declared"),
        "{said}"
    );
    world.edit("-> track_and_back", "-> trakc");
    let (good, said) = checked(&world, &["check", bot.to_str().unwrap()], "");
    assert!(!good && said.contains("F0201"), "{said}");
}
