//! Faults 45 to 48: edits under a running daemon.

use crate::apart::inside;
use crate::flowd::{Flowd, Place, copy};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

async fn status(flow: &Flowd) -> Value {
    flow.get("/v1/status").await.body
}

async fn until(flow: &Flowd, what: &str, holds: impl Fn(&Value) -> bool) -> (Value, Duration) {
    let start = Instant::now();
    loop {
        let status = status(flow).await;
        if holds(&status) {
            return (status, start.elapsed());
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{what}: {status:#}"
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_45_while_the_folder_is_broken_the_old_program_serves() {
    let place = Place::new();
    let flow = place.start().await;
    let file = place.bot().join("bot.flow");
    let first = status(&flow).await;
    let mut ana = flow.open().await;
    for broken in ["-> trakc", "-> track }}}}", "\u{0}\u{1}"] {
        let good = std::fs::read_to_string(&file).unwrap();
        edit(&file, "-> track\n", &format!("{broken}\n"));
        let (now, _) = until(&flow, "the broken edit is seen", |s| s["healthy"] == false).await;
        assert_eq!(now["version"], first["version"]);
        ana.press("Track an order").await;
        ana.say("when are you open").await;
        flow.open().await.hears("Hi!").await;
        assert_eq!(flow.get("/readyz").await.status, 200);
        std::fs::write(&file, good).unwrap();
        until(&flow, "the repair is seen", |s| s["healthy"] == true).await;
        ana = flow.open().await;
    }
    // A folder that is gone altogether.
    std::fs::rename(place.bot(), place.bot().with_file_name("away")).unwrap();
    until(&flow, "the loss is seen", |s| s["healthy"] == false).await;
    flow.open().await.hears("Hi!").await;
    std::fs::rename(place.bot().with_file_name("away"), place.bot()).unwrap();
    until(&flow, "its return is seen", |s| s["healthy"] == true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_46_a_half_written_change_of_many_files_is_never_a_mix() {
    let place = Place::new();
    // Two texts that change together, in files apart; a conversation must never hear one of each.
    let file = place.bot().join("bot.flow");
    edit(&file, "say \"Hi!\"", "say one_text\n  say two_text");
    let write = |name: &str, number: usize| {
        std::fs::write(
            place.bot().join(format!("{name}.flow")),
            format!("text {name}_text {{ en \"{name} {number}\" }}\n"),
        )
        .unwrap()
    };
    write("one", 0);
    write("two", 0);
    let flow = place.start().await;
    for number in 1..=5 {
        write("one", number);
        // An editor that takes its time between two files, less than the quiet that is waited for.
        tokio::time::sleep(Duration::from_millis(60)).await;
        write("two", number);
        let start = Instant::now();
        loop {
            let ana = flow.open().await;
            let state = ana.state().await;
            let heard: Vec<String> = state["messages"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|m| m["text"].as_str())
                .filter_map(|t| t.strip_prefix("one ").or_else(|| t.strip_prefix("two ")))
                .map(ToOwned::to_owned)
                .collect();
            assert!(heard.len() == 2 && heard[0] == heard[1], "a mix: {heard:?}");
            if heard[0] == number.to_string() {
                break;
            }
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "edit {number} did not go live"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_47_a_node_that_is_removed_under_a_live_conversation_leaves_it_alive() {
    let place = Place::new();
    let flow = place.start().await;
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    ana.say("one").await;
    let file = place.bot().join("bot.flow");
    let first = status(&flow).await["version"].clone();
    edit(&file, "; \"Repeat after me\" -> echo", "");
    edit(
        &file,
        "node echo {\n  ask words \"Say something.\"\n  say \"Echo: {words}.\"\n  -> echo\n}\n",
        "",
    );
    edit(&file, "\n  words: text", "");
    until(&flow, "the edit goes live", |s| {
        s["healthy"] == true && s["version"] != first
    })
    .await;
    // It waits at a place that is no more: it goes on in its own version, across a restart too.
    ana.say("two").await;
    ana.hears("Echo: two.").await;
    let fresh = flow.open().await.state().await;
    assert!(!fresh.to_string().contains("Repeat after me"));
    flow.signal("TERM");
    flow.ended(Duration::from_secs(25)).await;
    let flow = place.start().await;
    ana.base.clone_from(&flow.base);
    ana.say("three").await;
    ana.hears("Echo: three.").await;
    ana.press("Talk to a human").await;
    ana.stands("queued").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_48_every_way_of_saving_is_seen() {
    let place = Place::new();
    let flow = place.start().await;
    let file = place.bot().join("bot.flow");
    let mut number = 0;
    let mut changed = |text: &str| {
        number += 1;
        let start = text.find("say \"Hi").unwrap();
        let end = start + text[start..].find('\n').unwrap();
        (
            format!("{}say \"Hi {number}!\"{}", &text[..start], &text[end..]),
            format!("Hi {number}!"),
        )
    };
    let seen = async |flow: &Flowd, how: &str, greeting: &str| {
        let start = Instant::now();
        while !flow
            .open()
            .await
            .state()
            .await
            .to_string()
            .contains(greeting)
        {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{how} was not seen"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        println!("{how}: {:?}", start.elapsed());
    };
    // As vim does: the old one aside, the new one in its place, a test file 4913 before. Twice, since the first may deafen a watcher of files.
    for _ in 0..2 {
        let (text, greeting) = changed(&std::fs::read_to_string(&file).unwrap());
        std::fs::write(place.bot().join("4913"), "").unwrap();
        std::fs::remove_file(place.bot().join("4913")).unwrap();
        std::fs::rename(&file, place.bot().join("bot.flow~")).unwrap();
        std::fs::write(&file, text).unwrap();
        std::fs::remove_file(place.bot().join("bot.flow~")).unwrap();
        seen(&flow, "vim", &greeting).await;
    }
    // As git does.
    let git = |words: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@example.com"])
            .args(words)
            .current_dir(place.bot())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", crate::flowd::text(&output));
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "one"]);
    git(&["checkout", "-q", "-b", "other"]);
    let (text, on_other) = changed(&std::fs::read_to_string(&file).unwrap());
    std::fs::write(&file, text).unwrap();
    git(&["commit", "-q", "-a", "-m", "two"]);
    seen(&flow, "a write", &on_other).await;
    git(&["checkout", "-q", "main"]);
    seen(
        &flow,
        "git checkout",
        &format!(
            "Hi {}!",
            on_other
                .trim_matches(|c: char| !c.is_ascii_digit())
                .parse::<u32>()
                .unwrap()
                - 1
        ),
    )
    .await;
    git(&["checkout", "-q", "other"]);
    seen(&flow, "git checkout again", &on_other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_48_a_symlink_that_is_swapped_twice_is_seen() {
    let place = Place::new();
    // As Kubernetes mounts a ConfigMap: `bot` -> `..data` -> a dated folder.
    let project = place.bot().parent().unwrap().to_path_buf();
    std::fs::rename(place.bot(), project.join("v0")).unwrap();
    let swap = |to: &str| {
        std::os::unix::fs::symlink(to, project.join("..tmp")).unwrap();
        std::fs::rename(project.join("..tmp"), project.join("..data")).unwrap();
    };
    swap("v0");
    std::os::unix::fs::symlink("..data", place.bot()).unwrap();
    let flow = place.start().await;
    for number in 1..=2 {
        let next = project.join(format!("v{number}"));
        copy(&project.join("v0"), &next);
        edit(
            &next.join("bot.flow"),
            "say \"Hi!\"",
            &format!("say \"Hi {number}!\""),
        );
        swap(&format!("v{number}"));
        let start = Instant::now();
        while !flow
            .open()
            .await
            .state()
            .await
            .to_string()
            .contains(&format!("Hi {number}!"))
        {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "swap {number} was not seen"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("swap {number}: {:?}", start.elapsed());
    }
    assert_eq!(flow.post("/-/reload", json!({})).await.status, 200);
}

/// A file system that tells nothing of edits that others make, as one of a network does: what lies below an overlay is changed beside it.
#[tokio::test(flavor = "multi_thread")]
async fn fault_48_where_a_file_system_tells_nothing_the_folder_is_looked_at() {
    let prepare = "mkdir -p \"$1/below\" \"$1/more\" \"$1/seen\"
mount -t overlay -o \"ro,lowerdir=$1/below:$1/more\" overlay \"$1/seen\"";
    let test = "reload::fault_48_where_a_file_system_tells_nothing_the_folder_is_looked_at";
    let Some(folder) = inside(test, prepare) else {
        return;
    };
    let mut place = Place::new();
    place.env.insert("FLOW_LOG".into(), "info".into());
    let file = folder.join("below/bot.flow");
    copy(&place.bot(), &folder.join("below"));
    std::fs::remove_dir_all(place.bot()).unwrap();
    std::os::unix::fs::symlink(folder.join("seen"), place.bot()).unwrap();
    let flow = place.start().await;
    let first = status(&flow).await;
    // Written over where it stands, not put in its place: that much of the layer below is seen above.
    edit(&file, "say \"Hi!\"", "say \"Hi anew!\"");
    let start = Instant::now();
    while status(&flow).await["version"] == first["version"] {
        assert!(start.elapsed() < Duration::from_secs(60), "never looked at");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    flow.open().await.hears("Hi anew!").await;
    let log = std::fs::read_to_string(place.log()).unwrap();
    assert!(log.contains("why=\"look\""), "{log}");
    assert!(!log.contains("why=\"edit\""), "nothing told of it: {log}");
}
