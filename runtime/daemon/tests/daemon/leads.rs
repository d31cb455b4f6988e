//! What leads see live: everything, also what bots do alone.

use crate::common::{PATIENCE, World};
use flow_store::Role;
use serde_json::Value;

/// The texts of the turns of a conversation, until one of them is these words.
async fn follow(stream: &mut crate::common::Stream, id: &str, until: &str) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    loop {
        let (place, turn) = stream.next("turn").await;
        if turn["conversation"]["id"] != id {
            continue;
        }
        let done = turn["messages"]
            .as_array()
            .unwrap()
            .iter()
            .any(|m| m["text"] == until);
        out.push((place, turn));
        if done {
            return out;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_sees_the_bots_conversations_live_and_an_agent_does_not() {
    let world = World::new();
    world.agent("mia", Role::Lead).await;
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let (mia, leo) = (flow.sign_in("mia").await, flow.sign_in("leo").await);
    let (mut mias, mut leos) = (mia.comes().await, leo.comes().await);
    let mut ana = flow.open().await;
    ana.say("when are you open").await;
    let seen = follow(&mut mias, &ana.id, "We are always open.").await;
    assert_eq!(seen.len(), 2, "{seen:#?}");
    assert_eq!(seen[0].1["event"], "opened");
    let last = &seen[1];
    assert_eq!(last.1["conversation"]["stage"], "scripted");

    // People are called: both see the turns that follow, each once, and the lead in their order.
    ana.press("Talk to a human").await;
    ana.say("hello?").await;
    let leos_turns = follow(&mut leos, &ana.id, "hello?").await;
    assert!(
        !leos_turns
            .iter()
            .any(|(_, t)| t.to_string().contains("We are always open.")
                && t["event"] == "message"
                && t["seq"] == 2),
        "{leos_turns:#?}"
    );
    let mut numbers: Vec<u64> = follow(&mut mias, &ana.id, "hello?")
        .await
        .iter()
        .map(|(_, t)| t["seq"].as_u64().unwrap())
        .collect();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "no turn twice: {numbers:?}");
    assert_eq!(numbers.first(), Some(&3));

    // From where the lead had read, nothing is missing.
    drop(mias);
    let request = flow
        .http
        .get(format!("{}/v1/agent/stream", flow.base))
        .header("cookie", &mia.cookie)
        .header("last-event-id", &last.0);
    let mut again = crate::common::Stream::open(request).await;
    let again = tokio::time::timeout(PATIENCE, follow(&mut again, &ana.id, "hello?"))
        .await
        .unwrap();
    let resumed: Vec<u64> = again
        .iter()
        .map(|(_, t)| t["seq"].as_u64().unwrap())
        .collect();
    assert!(numbers.iter().all(|n| resumed.contains(n)), "{resumed:?}");
    flow.stop().await;
}
