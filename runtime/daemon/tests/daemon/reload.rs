//! Hot reload: edits go live, broken ones do not, running conversations are not disturbed.

use crate::common::{Running, World};
use serde_json::Value;
use std::time::Duration;

async fn status(flow: &Running) -> Value {
    flow.get("/v1/status").await.body
}

async fn until(flow: &Running, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..200 {
        last = status(flow).await;
        if holds(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: {last:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_goes_live_and_a_broken_one_does_not() {
    let world = World::new();
    let flow = world.start().await;
    let file = world.bot().join("bot.flow");
    let first = status(&flow).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let mut before = flow.open().await;

    // As an editor saves: beside, then renamed.
    let edited = text.replace("We are always open.", "We never close.");
    std::fs::write(world.bot().join(".bot.flow.swp"), &edited).unwrap();
    std::fs::rename(world.bot().join(".bot.flow.swp"), &file).unwrap();
    let second = until(&flow, "the edit goes live", |s| {
        s["version"] != first["version"]
    })
    .await;
    assert_eq!(second["healthy"], true);
    let mut after = flow.open().await;
    after.say("when are you open").await;
    after.hears("We never close.").await;
    // A conversation that waits at a kept place moves.
    before.say("when are you open").await;
    before.hears("We never close.").await;

    std::fs::write(&file, edited.replace("-> track_and_back", "-> trakc")).unwrap();
    let broken = until(&flow, "the broken edit is seen", |s| s["healthy"] == false).await;
    assert_eq!(broken["version"], second["version"]);
    let findings = broken["reload"]["findings"].as_array().unwrap();
    let finding = findings.iter().find(|f| f["code"] == "F0201").unwrap();
    assert!(finding["message"].as_str().unwrap().contains("trakc") && finding["line"].is_number());
    assert!(
        broken["reload"]["rendered"]
            .as_str()
            .unwrap()
            .contains("trakc")
    );
    assert_eq!(flow.get("/readyz").await.status, 200);
    flow.open().await.hears("Hi there!").await;
    assert_eq!(flow.post("/-/reload", Value::Null).await.status, 422);
    flow.stop().await;

    // The last good version runs after a restart, too.
    let flow = world.start().await;
    let now = status(&flow).await;
    assert_eq!(
        (&now["version"], &now["healthy"]),
        (&second["version"], &Value::Bool(false))
    );
    std::fs::write(&file, &text).unwrap();
    assert_eq!(flow.post("/-/reload", Value::Null).await.status, 200);
    assert_eq!(status(&flow).await["version"], first["version"]);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_whose_place_is_gone_stays_in_its_version() {
    let world = World::new();
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    ana.hears("What's your order number?").await;
    let file = world.bot().join("bot.flow");
    let text = std::fs::read_to_string(&file).unwrap();
    // The question is gone in the new version.
    let from = text.find("node track {").unwrap();
    let to = text.find("node ask_ai").unwrap();
    let gone = format!(
        "{}node track {{\n  say \"Ask us.\"\n}}\n{}",
        &text[..from],
        &text[to..]
    );
    std::fs::write(&file, gone).unwrap();
    let reloaded = flow.post("/-/reload", Value::Null).await;
    assert_eq!(reloaded.status, 200, "{:#}", reloaded.body);
    ana.say("nonsense").await;
    ana.hears("It looks like AB-123456.").await;
    let mut bea = flow.open().await;
    bea.press("Track an order").await;
    bea.hears("Ask us.").await;
    let status = flow.get("/v1/status").await.body;
    let versions = status["versions"].as_array().unwrap();
    let shown: Vec<_> = versions
        .iter()
        .map(|v| (v["current"] == true, v["open"].clone()))
        .collect();
    assert_eq!(shown, [(true, 1.into()), (false, 1.into())], "{status:#}");
    assert_eq!(versions[0]["version"], status["version"]);
    flow.stop().await;
    // Its version is still there after a restart.
    let flow = world.start().await;
    ana.base.clone_from(&flow.base);
    ana.say("more nonsense").await;
    let again = ana.state().await["messages"].to_string();
    assert_eq!(
        again.matches("It looks like AB-123456.").count(),
        2,
        "{again}"
    );
    flow.stop().await;
}
