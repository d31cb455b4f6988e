//! Faults 3 and 7: somebody else holds the database; what was erased comes back in a backup.

use crate::flowd::{Place, full, text};
use rusqlite::Connection;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn fault_03_while_the_database_is_away_writers_get_503_and_soon_after_all_is_well() {
    let away = Duration::from_secs(if full() { 30 } else { 8 });
    let place = Place::new();
    let flow = place.start().await;
    let mut customers = Vec::new();
    for _ in 0..40 {
        let mut customer = flow.open().await;
        customer.press("Repeat after me").await;
        customers.push(customer);
    }
    let intruder = Connection::open(place.data.join("flow.db")).unwrap();
    intruder.busy_timeout(Duration::from_secs(20)).unwrap();
    intruder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();
    // Everybody writes, again and again, until they are told that it is stored.
    let writers = customers.iter().cloned().map(|customer| {
        tokio::spawn(async move {
            let mut refused = 0;
            loop {
                let body = json!({"id": "away", "text": "patience"});
                let answer = customer.post("/messages", body).await;
                match answer.status {
                    200 => return refused,
                    503 => {
                        assert!(answer.headers.contains_key("retry-after"));
                        refused += 1;
                    }
                    other => panic!("{other}: {:?}", answer.body),
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // What is stored can be read meanwhile, and the daemon says that it is not ready.
    let state = customers[0].state().await;
    assert!(!state["messages"].to_string().contains("patience"));
    assert_eq!(flow.get("/livez").await.status, 200);
    assert_eq!(flow.get("/readyz").await.status, 503);
    tokio::time::sleep(away.saturating_sub(start.elapsed())).await;
    intruder.execute_batch("ROLLBACK").unwrap();
    let back = Instant::now();
    let mut refused = 0;
    for writer in writers {
        refused += writer.await.unwrap();
    }
    println!(
        "{refused} refusals; all stored {:?} after it came back",
        back.elapsed()
    );
    assert!(refused > 0, "nobody was told");
    for customer in &customers {
        let state = customer.state().await;
        assert_eq!(
            state["messages"]
                .to_string()
                .matches("Echo: patience.")
                .count(),
            1
        );
    }
    assert_eq!(flow.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_07_what_was_erased_since_a_backup_is_erased_after_its_restoration_too() {
    let place = Place::new();
    let flow = place.start().await;
    let mut kept = flow.open().await;
    kept.press("Repeat after me").await;
    kept.say("word-of-the-kept").await;
    let mut gone = flow.open().await;
    gone.press("Repeat after me").await;
    gone.say("word-of-the-erased").await;
    let backup = place.dir.path().join("backup.db");
    let run = |words: &[&str]| {
        let output = place.run(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
    };
    // While it runs.
    run(&["backup", backup.to_str().unwrap()]);
    kept.say("after-the-backup").await;
    run(&["erase", "--conversation", &gone.id, "--yes"]);
    flow.signal("TERM");
    flow.ended(Duration::from_secs(25)).await;
    assert!(holds(&backup, "word-of-the-erased"), "the backup had it");
    run(&["restore", backup.to_str().unwrap()]);
    for file in std::fs::read_dir(&place.data).unwrap() {
        let file = file.unwrap().path();
        assert!(!holds(&file, "word-of-the-erased"), "{}", file.display());
    }
    let flow = place.start().await;
    kept.base.clone_from(&flow.base);
    gone.base.clone_from(&flow.base);
    let state = kept.state().await;
    assert!(state.to_string().contains("word-of-the-kept"));
    assert!(!state.to_string().contains("after-the-backup"));
    kept.say("going on").await;
    let answer = gone
        .post("/messages", json!({"id": "x", "text": "hello?"}))
        .await;
    assert_eq!(answer.status, 404, "{:?}", answer.body);
}

fn holds(file: &std::path::Path, word: &str) -> bool {
    let bytes = std::fs::read(file).unwrap();
    bytes.windows(word.len()).any(|w| w == word.as_bytes())
}
