//! Faults 1 and 5: the daemon is killed, or told to stop.

use crate::flowd::{Customer, Place, client, full, serve};
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a writer was promised: the number of the turn by the id of its message.
type Promised = BTreeMap<String, u64>;

/// Writes without a pause, and the same again until it is acknowledged, whatever happens to the daemon.
async fn write(
    mut customer: Customer,
    base: Arc<Mutex<String>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
) -> (Customer, Promised) {
    let mut promised = Promised::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let id = format!("w{number}");
        let body = json!({"id": id, "text": format!("word{number}x")});
        loop {
            customer.base.clone_from(&base.lock().unwrap());
            match customer.try_post("/messages", &body).await {
                Ok(answer) if answer.status == 200 => {
                    promised.insert(id, answer.body["seq"].as_u64().unwrap());
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Ok(answer) => assert_eq!(answer.status, 503, "{:?}", answer.body),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    (customer, promised)
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_01_kill_9_under_load_loses_nothing_and_answers_nothing_twice() {
    let rounds = if full() { 100 } else { 20 };
    let place = Place::new();
    let mut flow = place.start().await;
    let base = Arc::new(Mutex::new(flow.base.clone()));
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut writers = Vec::new();
    for _ in 0..8 {
        let mut customer = flow.open().await;
        customer.press("Repeat after me").await;
        customer.http = client();
        writers.push(tokio::spawn(write(
            customer,
            Arc::clone(&base),
            Arc::clone(&stop),
            Arc::clone(&acknowledged),
        )));
    }
    for round in 0..rounds {
        // In the middle of its work, at no special moment of it.
        let until = acknowledged.load(Ordering::Relaxed) + rand::random_range(8..100);
        let start = Instant::now();
        while acknowledged.load(Ordering::Relaxed) < until {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "round {round}: nothing goes on"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let pause = rand::random_range(0..30);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        flow.kill_9();
        flow = place.start().await;
        base.lock().unwrap().clone_from(&flow.base);
    }
    stop.store(true, Ordering::Relaxed);
    let mut all = 0;
    for writer in writers {
        let (mut customer, promised) = writer.await.unwrap();
        customer.base.clone_from(&flow.base);
        all += promised.len();
        accounted_for(&customer, &promised).await;
    }
    assert!(all >= rounds * 8);
    println!("{rounds} kills, {all} acknowledged messages, all there, each answered once");
}

/// Every promise is kept: the message is in the log once, under its number, answered once; and the stream from the start tells the same.
async fn accounted_for(customer: &Customer, promised: &Promised) {
    let state = customer.state().await;
    let messages = state["messages"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let (mut written, mut answered): (BTreeMap<String, Vec<u64>>, BTreeMap<String, u32>) =
        Default::default();
    for message in messages {
        assert!(
            ids.insert(message["id"].as_str().unwrap().to_owned()),
            "the id of {message} came twice"
        );
        if let Some(id) = message["client_id"].as_str() {
            written
                .entry(id.to_owned())
                .or_default()
                .push(message["seq"].as_u64().unwrap());
        }
        if let Some(word) = message["text"].as_str().unwrap().strip_prefix("Echo: word") {
            *answered
                .entry(word.trim_end_matches(['x', '.']).to_owned())
                .or_default() += 1;
        }
    }
    for (id, seq) in promised {
        assert_eq!(written.get(id), Some(&vec![*seq]), "{id}");
        assert_eq!(answered.get(&id[1..]), Some(&1), "{id}");
    }
    let mut stream = customer.stream(None).await;
    let mut streamed = Vec::new();
    while streamed.len() < messages.len() {
        streamed.push(
            stream.next("message").await.unwrap().1["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let logged: Vec<String> = messages
        .iter()
        .map(|m| m["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(streamed, logged);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_05_sigterm_lets_what_is_under_way_end_and_the_client_resumes() {
    let order =
        r#"{"id": "AB-123456", "status": "shipped", "total": {"amount": "30", "currency": "USD"}}"#;
    let slow = move || async move {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        order
    };
    let mut place = Place::new();
    place.shop(serve(Router::new().route("/orders/{id}", get(slow))).await);
    let flow = place.start().await;
    let mut bob = flow.open().await;
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    let mut stream = ana.stream(None).await;
    // A call is under way when the signal comes.
    ana.say("AB-123456").await;
    flow.signal("TERM");
    let mut seen: Vec<(String, Value)> = Vec::new();
    // What was said before arrives, then a farewell.
    while seen.iter().all(|(_, m)| m["client_id"] != "s2") {
        seen.push(
            stream
                .next("message")
                .await
                .expect("the stream goes on until everything was told"),
        );
    }
    assert!(
        stream
            .next("bye")
            .await
            .is_some_and(|(_, bye)| bye["retry_ms"].is_number())
    );
    let (took, code) = flow.ended(Duration::from_secs(25)).await;
    assert_eq!(code, Some(0), "after {took:?}");

    let flow = place.start().await;
    ana.base.clone_from(&flow.base);
    ana.hears("Order AB-123456 is shipped, 30.00 USD.").await;
    // A button that was sent by the process before is still known by its words.
    bob.base.clone_from(&flow.base);
    let pressed = bob.press("Track an order").await;
    assert_eq!(
        pressed.body["messages"][0]["text"], "Track an order",
        "{:#}",
        pressed.body
    );
    let last = seen.last().unwrap().0.clone();
    let mut stream = ana.stream(Some(&last)).await;
    let mut texts = Vec::new();
    while !texts
        .iter()
        .any(|t: &String| t.starts_with("Order AB-123456"))
    {
        let (id, message) = stream.next("message").await.unwrap();
        assert!(seen.iter().all(|(s, _)| *s != id), "{id} was seen before");
        texts.push(message["text"].as_str().unwrap().to_owned());
    }
}

/// What one machine can show of a power failure: no answer leaves before the disk has said that it has the turn.
#[tokio::test(flavor = "multi_thread")]
async fn fault_01_every_answer_leaves_after_a_sync_of_its_own_turn() {
    const MESSAGES: usize = 20;
    let place = Place::new();
    let flow = place.start().await;
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    let trace = place.dir.path().join("trace");
    let tracer = std::process::Command::new("strace")
        .args(["-f", "-y", "-s", "2000", "-e"])
        .arg("trace=fsync,fdatasync,write,writev,sendto,sendmsg")
        .arg("-o")
        .arg(&trace)
        .args(["-p", &flow.pid().to_string()])
        .stderr(std::process::Stdio::null())
        .spawn();
    let Ok(mut tracer) = tracer else {
        println!("skipped: there is no strace");
        return;
    };
    // It looks on from some moment on, or may not look at all.
    let read = || std::fs::read_to_string(&trace).unwrap_or_default();
    let start = Instant::now();
    while !read().contains("HTTP/1.1") {
        if tracer.try_wait().unwrap().is_some() {
            println!("skipped: strace may not look at other processes here");
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20));
        flow.get("/livez").await;
    }
    for n in 0..MESSAGES {
        ana.say(&format!("marked {n}")).await;
    }
    std::process::Command::new("kill")
        .arg(tracer.id().to_string())
        .status()
        .unwrap();
    tracer.wait().unwrap();
    // The thread that writes turns; the one that brings them from the journal into the database syncs too, and counts for nothing.
    let threads = std::fs::read_dir(format!("/proc/{}/task", flow.pid())).unwrap();
    let writer = threads
        .map(|task| task.unwrap().path())
        .find(|task| std::fs::read_to_string(task.join("comm")).unwrap() == "store-writer\n")
        .unwrap();
    let writer = format!("{} ", writer.file_name().unwrap().to_str().unwrap());
    // One message at a time: between two answers there is the sync of one turn.
    let (mut synced, mut answers) = (false, 0);
    for line in read().lines() {
        let sync = line.contains("fdatasync") || line.contains("fsync");
        if sync && line.starts_with(&writer) && line.trim_end().ends_with("= 0") {
            synced = true;
        } else if line.contains("HTTP/1.1 200") && line.contains("\\\"duplicate\\\":false") {
            assert!(
                synced,
                "an answer left before anything was on the disk: {line}"
            );
            (synced, answers) = (false, answers + 1);
        }
    }
    assert_eq!(answers, MESSAGES, "{}", read());
}
