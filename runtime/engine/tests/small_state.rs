//! A conversation that waits takes little room, and the same events lead to the same state.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../benches/scene/mod.rs"]
mod scene;

use flow_engine::Conversation;

/// Bytes that a waiting conversation of the example shop may take.
const ROOM: usize = 1024;

#[test]
fn a_waiting_conversation_takes_less_than_a_kibibyte() {
    let engine = scene::shop(0);
    let dialogue = scene::dialogue(&engine);
    for (state, when) in [
        (dialogue.opened.clone(), "opened"),
        (dialogue.led(&engine), "after ten messages"),
    ] {
        let stored = serde_json::to_string(&state).unwrap();
        assert!(
            stored.len() < ROOM,
            "{when}: {} bytes, {stored}",
            stored.len()
        );
        let read: Conversation = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, state, "{when}");
    }
}

#[test]
fn the_same_events_lead_to_the_same_state_also_from_what_was_stored_at_every_turn() {
    let engine = scene::shop(0);
    let dialogue = scene::dialogue(&engine);
    let mut stored = dialogue.opened.clone();
    for event in &dialogue.events {
        let text = serde_json::to_string(&stored).unwrap();
        stored = serde_json::from_str(&text).unwrap();
        engine.step(&mut stored, event, &scene::Scripts);
    }
    assert_eq!(stored, dialogue.led(&engine));
    assert_eq!(stored, dialogue.led(&scene::shop(0)));
}
