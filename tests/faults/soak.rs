//! Fault 50: hours of traffic, in small: memory, file descriptors and threads do not grow with what is over.

use crate::flowd::{Flowd, Place, full};
use std::time::{Duration, Instant};

/// Memory in use (KiB), open files, threads.
fn used(flow: &Flowd) -> (u64, usize, usize) {
    let of = |path: &str| format!("/proc/{}/{path}", flow.pid());
    let status = std::fs::read_to_string(of("status")).unwrap();
    let number = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let threads: u64 = number("Threads");
    (
        number("VmRSS"),
        std::fs::read_dir(of("fd")).unwrap().count(),
        usize::try_from(threads).unwrap(),
    )
}

/// Conversations from their opening to their end, some with a stream, some left in the middle.
async fn traffic(flow: &Flowd, time: Duration) -> (u32, Vec<Duration>) {
    let until = Instant::now() + time;
    let workers = (0..8_u32).map(|worker| async move {
        let (mut done, mut times) = (0_u32, Vec::new());
        while Instant::now() < until {
            let mut customer = flow.open().await;
            let mut stream = if worker % 2 == 0 {
                Some(customer.stream(None).await)
            } else {
                None
            };
            customer.press("Repeat after me").await;
            for n in 0..5 {
                let start = Instant::now();
                customer.say(&format!("word{n} {}", "x".repeat(200))).await;
                times.push(start.elapsed());
            }
            if let Some(stream) = &mut stream {
                stream.next("message").await.unwrap();
            }
            if done % 3 != 0 {
                let left = customer
                    .post("/leave", serde_json::json!({"id": "bye"}))
                    .await;
                assert_eq!(left.status, 200, "{:?}", left.body);
            }
            done += 1;
        }
        (done, times)
    });
    let all = futures::future::join_all(workers).await;
    let done = all.iter().map(|(d, _)| d).sum();
    let mut times: Vec<Duration> = all.into_iter().flat_map(|(_, t)| t).collect();
    times.sort_unstable();
    (done, times)
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_50_memory_files_and_threads_stay_flat_under_lasting_traffic() {
    let round = Duration::from_secs(if full() { 120 } else { 6 });
    let place = Place::new();
    let flow = place.start().await;
    // Caches and pools fill first.
    traffic(&flow, round).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (memory_before, files_before, threads_before) = used(&flow);
    let mut conversations = 0;
    for _ in 0..3 {
        let (done, times) = traffic(&flow, round).await;
        conversations += done;
        let p99 = times[times.len() * 99 / 100];
        let (memory, files, threads) = used(&flow);
        println!(
            "{done} conversations, p99 {p99:?}, {memory} KiB, {files} files, {threads} threads"
        );
    }
    // Connections that nobody uses are closed after ten seconds.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let (memory, files, threads) = used(&flow);
    println!(
        "{conversations} conversations later: {memory_before} -> {memory} KiB, {files_before} -> {files} files, {threads_before} -> {threads} threads"
    );
    assert!(files <= files_before + 8, "{files_before} -> {files} files");
    assert!(
        threads <= threads_before + 16,
        "{threads_before} -> {threads} threads"
    );
    // What is kept of a conversation in memory is bounded in number; nothing else may stay.
    let allowed = 48 * 1024 + u64::from(conversations.min(4096)) * 24;
    assert!(
        memory <= memory_before + allowed,
        "{memory_before} -> {memory} KiB"
    );
}
