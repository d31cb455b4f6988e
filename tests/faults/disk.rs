//! Faults 2 and 6: the disk is full, or lies.

use crate::flowd::Place;
use serde_json::json;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

/// A small file system of its own, unmounted when the test ends.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(path: &'a Path) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"])
            .arg(path)
            .output();
        output
            .is_ok_and(|o| o.status.success())
            .then_some(Self(path))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_02_a_full_disk_is_a_503_and_recovers() {
    let place = Place::new();
    let Some(_small) = Small::mount(&place.data) else {
        println!("skipped: only root can mount a small file system");
        return;
    };
    let flow = place.start().await;
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    ana.say("before").await;
    // Everything that is left is taken.
    let ballast = place.data.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    let body = |n: usize| json!({"id": format!("full{n}"), "text": format!("word{n} {}", "x".repeat(3000))});
    let mut refused = None;
    for n in 0..400 {
        let answer = ana.post("/messages", body(n)).await;
        if answer.status != 200 {
            refused = Some((n, answer));
            break;
        }
    }
    let (n, answer) = refused.expect("a full disk takes no turn");
    assert_eq!(
        (answer.status, answer.code()),
        (503, "storage"),
        "{:?}",
        answer.body
    );
    assert!(answer.headers.contains_key("retry-after"));
    // What is stored can be read.
    let state = ana.state().await;
    assert!(
        state["messages"]
            .as_array()
            .unwrap()
            .iter()
            .any(|m| m["text"] == "Echo: before.")
    );
    assert!(
        state["messages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|m| m["client_id"] != format!("full{n}"))
    );
    drop(file);
    std::fs::remove_file(&ballast).unwrap();
    // The same message again is taken, once.
    let mut again = ana.post("/messages", body(n)).await;
    for _ in 0..50 {
        if again.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        again = ana.post("/messages", body(n)).await;
    }
    assert_eq!(
        (again.status, again.body["duplicate"].clone()),
        (200, json!(false)),
        "{:?}",
        again.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_06_a_corrupt_page_is_detected_refused_and_explained() {
    let place = Place::new();
    let flow = place.start().await;
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    for n in 0..30 {
        ana.say(&format!("word{n} {}", "x".repeat(2000))).await;
    }
    flow.signal("TERM");
    flow.ended(std::time::Duration::from_secs(25)).await;
    let database = std::fs::read_dir(&place.data)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| {
            p.extension()
                .is_some_and(|e| e == "db" || e == "sqlite" || e == "sqlite3")
        });
    let database = database
        .max_by_key(|p| p.metadata().unwrap().len())
        .expect("a database lies in the data folder");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(&database)
        .unwrap();
    let size = file.metadata().unwrap().len();
    // Every page but the first, so that no lucky page is left.
    for page in 1..size / 4096 {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xa5; 512]).unwrap();
    }
    drop(file);
    let log_before = std::fs::read_to_string(place.log())
        .unwrap_or_default()
        .len();
    assert!(
        place.try_start().await.is_none(),
        "it must not serve from a broken database"
    );
    let log = std::fs::read_to_string(place.log()).unwrap();
    let said = &log[log_before..];
    assert!(
        said.contains("flowd:")
            && (said.contains("damaged") || said.contains("malformed") || said.contains("corrupt")),
        "{said}"
    );
}
