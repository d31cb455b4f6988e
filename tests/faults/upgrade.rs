//! Fault 49: upgrades under traffic. The socket outlives the daemon, as under systemd's socket activation: whoever comes between two daemons waits.

use crate::flowd::{Flowd, Place, client};
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn fault_49_upgrades_under_traffic_fail_no_request() {
    let place = Place::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut flow: Flowd = place.start_on(&socket).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for n in 0..8 {
        let mut customer = flow.open().await;
        customer.press("Repeat after me").await;
        customer.http = client();
        let stop = Arc::clone(&stop);
        writers.push(tokio::spawn(async move {
            let (mut number, mut again, mut longest) = (0_u32, 0_u32, Duration::ZERO);
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let body = json!({"id": format!("w{number}"), "text": format!("word{number}x")});
                let start = Instant::now();
                // A kept connection may be closed by the one side while the other writes to it; the id makes writing once more safe.
                let answer = match customer.try_post("/messages", &body).await {
                    Ok(answer) => answer,
                    Err(_) => {
                        again += 1;
                        customer
                            .try_post("/messages", &body)
                            .await
                            .unwrap_or_else(|e| {
                                panic!("writer {n}, message {number}: refused twice: {e:?}")
                            })
                    }
                };
                assert_eq!(answer.status, 200, "{:?}", answer.body);
                longest = longest.max(start.elapsed());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (customer, number, again, longest)
        }));
    }
    // There and back, twice.
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        flow.signal("TERM");
        let (_, code) = flow.ended(Duration::from_secs(25)).await;
        assert_eq!(code, Some(0));
        flow = place.start_on(&socket).await;
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut all, mut again, mut longest) = (0, 0, Duration::ZERO);
    for writer in writers {
        let (customer, number, second, wait) = writer.await.unwrap();
        let texts = customer.state().await["messages"].to_string();
        for n in 1..=number {
            assert_eq!(texts.matches(&format!("Echo: word{n}x.")).count(), 1, "{n}");
        }
        all += number;
        again += second;
        longest = longest.max(wait);
    }
    println!(
        "4 changes of daemon under {all} messages: none refused, {again} written twice, the longest took {longest:?}"
    );
}
