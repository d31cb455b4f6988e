//! Faults 33 and 34: agents who grab at once, and who vanish.

use crate::flowd::{Place, full};
use crate::people::sign_in;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn fault_33_of_two_agents_who_accept_at_once_exactly_one_has_it() {
    let rounds = if full() { 10_000 } else { 60 };
    let place = Place::new();
    place.agents(&["leo", "mia"]);
    let flow = place.start().await;
    let people = [sign_in(&flow, "leo").await, sign_in(&flow, "mia").await];
    let _streams = [people[0].comes().await, people[1].comes().await];
    for round in 0..rounds {
        let mut ana = flow.open().await;
        ana.press("Talk to a human").await;
        let path = format!("/conversations/{}/take", ana.id);
        // Each presses twice, too.
        let grabs = (0..4).map(|n| people[n % 2].post(&path, json!({"id": format!("t{n}")})));
        let answers = futures::future::join_all(grabs).await;
        let who: Vec<usize> = answers
            .iter()
            .enumerate()
            .filter(|(_, a)| a.status == 200)
            .map(|(n, _)| n % 2)
            .collect();
        assert!(
            !who.is_empty() && who.iter().all(|w| *w == who[0]),
            "round {round}: {answers:#?}"
        );
        assert!(
            answers.iter().all(|a| matches!(a.status, 200 | 409)),
            "round {round}: {answers:#?}"
        );
        let (winner, loser) = (&people[who[0]], &people[1 - who[0]]);
        let state = ana.stands("with_agent").await;
        let name = ["leo", "mia"][who[0]];
        assert_eq!(state["conversation"]["agent"]["id"], name, "round {round}");
        let connected = state["messages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|m| m["kind"] == "connected")
            .count();
        assert_eq!(connected, 1, "round {round}: {state:#}");
        let intruder = loser
            .post(
                &format!("/conversations/{}/messages", ana.id),
                json!({"id": "i", "text": "me too"}),
            )
            .await;
        assert!(matches!(intruder.status, 403 | 404 | 409), "{intruder:?}");
        let resolved = winner
            .post(
                &format!("/conversations/{}/resolve", ana.id),
                json!({"id": "r"}),
            )
            .await;
        assert_eq!(resolved.status, 200, "{resolved:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_34_a_conversation_whose_agent_vanishes_is_queued_again_and_the_next_one_gets_it() {
    let place = Place::new();
    place.agents(&["leo", "mia"]);
    let flow = place.start().await;
    let leo = sign_in(&flow, "leo").await;
    let mut stream = leo.comes().await;
    let mut ana = flow.open().await;
    ana.press("Talk to a human").await;
    leo.accepts(&mut stream).await;
    ana.stands("with_agent").await;
    // The line is cut; nobody signs out.
    drop(stream);
    ana.stands("queued").await;
    ana.say("are you still there?").await;
    let mia = sign_in(&flow, "mia").await;
    let mut stream = mia.comes().await;
    assert_eq!(mia.accepts(&mut stream).await, ana.id);
    let state = ana.stands("with_agent").await;
    assert_eq!(state["conversation"]["agent"]["id"], "mia");
    let late = leo
        .post(
            &format!("/conversations/{}/messages", ana.id),
            json!({"id": "late", "text": "back again"}),
        )
        .await;
    assert!(matches!(late.status, 403 | 404 | 409), "{late:?}");
    // She reads what was said while nobody was there.
    let seen = mia
        .get(&format!("/conversations/{}", ana.id))
        .await
        .body
        .to_string();
    assert!(seen.contains("are you still there?"), "{seen}");
}
