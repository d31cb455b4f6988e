//! Agents, the desk, and handing over.

use crate::common::{Answer, World};
use flow_store::{Role, SqliteOptions, SqliteStore, Store};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_reaches_a_person_who_settles_it() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let leo = flow.sign_in("leo").await;
    let mut stream = leo.comes().await;
    let mut ana = flow.open().await;
    ana.say("I want to talk to a human").await;
    let (_, offer) = stream.next("offer").await;
    assert_eq!(offer["conversation"]["id"], ana.id.as_str());
    assert!(offer["card"]["summary"].is_string(), "{offer:#}");
    let id = ana.id.clone();
    let at = |rest: &str| format!("/conversations/{id}{rest}");
    let accept = json!({"id": "a1", "reservation": offer["reservation"]});
    let accepted = leo.post(&at("/accept"), accept.clone()).await;
    assert_eq!(accepted.status, 200, "{:?}", accepted.body);
    assert_eq!(accepted.body["conversation"]["stage"], "with_agent");
    // The same again is no error.
    let again = leo.post(&at("/accept"), accept).await;
    assert_eq!(
        (again.status, &again.body["duplicate"]),
        (200, &json!(true))
    );
    ana.hears("You're now with Leo.").await;

    // Both ways.
    let sent = leo
        .post(&at("/messages"), json!({"id": "1", "text": "Hello Ana"}))
        .await;
    assert_eq!(sent.status, 200, "{:?}", sent.body);
    assert_eq!(ana.hears("Hello Ana").await["from"]["name"], "Leo");
    ana.say("Hello Leo").await;
    loop {
        let (_, turn) = stream.next("turn").await;
        if turn["messages"]
            .as_array()
            .unwrap()
            .iter()
            .any(|m| m["text"] == "Hello Leo")
        {
            break;
        }
    }
    // A note is for people only.
    assert_eq!(
        leo.post(&at("/notes"), json!({"id": "2", "text": "difficult"}))
            .await
            .status,
        200
    );
    assert!(!ana.state().await.to_string().contains("difficult"));
    assert!(
        leo.get(&at("")).await.body["messages"]
            .to_string()
            .contains("difficult")
    );

    // The reminder comes first.
    let early = leo
        .post(&at("/resolve"), json!({"id": "3", "summary": "done"}))
        .await;
    assert_eq!((early.status, early.code()), (422, "reminder_open"));
    assert_eq!(
        leo.post(&at("/confirm"), json!({"id": "4", "reminder": 0}))
            .await
            .status,
        200
    );
    let resolved = leo
        .post(&at("/resolve"), json!({"id": "5", "summary": "done"}))
        .await;
    assert_eq!(resolved.status, 200, "{:?}", resolved.body);
    ana.hears("Thank you!").await;
    let state = ana.stands("closed").await;
    assert_eq!(state["conversation"]["ended"]["resolved"], true);
    let log = leo.get(&at("/log")).await.body;
    // Who read it is known, once; and what was deployed.
    let audit = flow.app().store.audit_log(None, 100).await.unwrap();
    let of = |action: &str| audit.iter().filter(|l| l.action == action).count();
    assert_eq!((of("view"), of("deploy")), (1, 1), "{audit:#?}");
    let view = audit.iter().find(|l| l.action == "view").unwrap();
    assert_eq!(
        (view.actor.as_str(), view.target.clone()),
        ("agent:leo", Some(format!("conversation:{id}")))
    );
    assert!(
        log["log"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["decision"]["escalation"]["rule"] == "asked_for_human"),
        "{log:#}"
    );
    let dashboard = leo.get("/dashboard").await.body;
    assert_eq!(
        (&dashboard["conversations"], &dashboard["resolved"]),
        (&json!(1), &json!(1))
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_two_agents_gets_it() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    world.agent("mia", Role::Agent).await;
    let flow = world.start().await;
    let people = [flow.sign_in("leo").await, flow.sign_in("mia").await];
    let mut streams = Vec::new();
    for person in &people {
        streams.push(person.comes().await);
    }
    for _ in 0..2 {
        let mut ana = flow.open().await;
        ana.press("Talk to a human").await;
        ana.stands("offered").await;
        let path = format!("/conversations/{}/take", ana.id);
        let takes = people.iter().map(|p| p.post(&path, json!({"id": "t"})));
        let answers: Vec<Answer> = futures::future::join_all(takes).await;
        let mut statuses: Vec<u16> = answers.iter().map(|a| a.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let log = people[0]
            .get(&format!("/conversations/{}/log", ana.id))
            .await
            .body
            .to_string();
        assert_eq!(log.matches("\"event\":\"accepted\"").count(), 1);
    }
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backlog_is_offered_when_somebody_comes_and_again_when_they_vanish() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    world.agent("mia", Role::Agent).await;
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Talk to a human").await;
    ana.stands("queued").await;
    let leo = flow.sign_in("leo").await;
    let mut stream = leo.comes().await;
    let (_, offer) = stream.next("offer").await;
    let accept = json!({"id": "a", "reservation": offer["reservation"]});
    assert_eq!(
        leo.post(&format!("/conversations/{}/accept", ana.id), accept)
            .await
            .status,
        200
    );
    // Leo's browser dies. Mia is asked, and the customer is told nothing twice.
    drop(stream);
    let mia = flow.sign_in("mia").await;
    let mut stream = mia.comes().await;
    let (_, offer) = stream.next("offer").await;
    assert_eq!(offer["conversation"]["id"], ana.id.as_str());
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_beside_the_daemon_is_offered_to_nobody() {
    let world = World::new();
    world.agent("mia", Role::Lead).await;
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Talk to a human").await;
    ana.stands("queued").await;
    let mut bea = flow.open().await;
    bea.press("Talk to a human").await;
    bea.stands("queued").await;
    // As `flowd erase` does it.
    let store = SqliteStore::open(&world.config.data, &SqliteOptions::default()).unwrap();
    assert!(store.erase(&ana.id).await.unwrap());
    flow.app().forget_the_erased().await;
    let mia = flow.sign_in("mia").await;
    let mut stream = mia.comes().await;
    let (_, offer) = stream.next("offer").await;
    assert_eq!(offer["conversation"]["id"], bea.id.as_str());
    let queue = mia.get("/queue").await.body;
    assert_eq!(queue["queue"].as_array().unwrap().len(), 1, "{queue:#}");
    assert_eq!(flow.app().desk.look(|desk| desk.items().count()), 1);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_takes_goes_on_and_declining_does_too() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    world.agent("mia", Role::Agent).await;
    let flow = world.start().await;
    let (leo, mia) = (flow.sign_in("leo").await, flow.sign_in("mia").await);
    let (mut leos, mut mias) = (leo.comes().await, mia.comes().await);
    let mut ana = flow.open().await;
    ana.press("Talk to a human").await;
    let (first, offer) = tokio::select! {
        offer = leos.next("offer") => ("leo", offer.1),
        offer = mias.next("offer") => ("mia", offer.1),
    };
    let (who, other) = if first == "leo" {
        (&leo, &mut mias)
    } else {
        (&mia, &mut leos)
    };
    let decline = json!({"id": "d", "reservation": offer["reservation"]});
    assert_eq!(
        who.post(
            &format!("/conversations/{}/decline", ana.id),
            decline.clone()
        )
        .await
        .status,
        200
    );
    let (_, second) = other.next("offer").await;
    assert_eq!(second["conversation"]["id"], ana.id.as_str());
    // The old offer is over.
    let late = who
        .post(&format!("/conversations/{}/accept", ana.id), decline)
        .await;
    assert_eq!((late.status, late.code()), (409, "conflict"));
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_requests_and_strangers_get_nothing() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let leo = flow.sign_in("leo").await;
    let ana = flow.open().await;
    assert_eq!(flow.get("/v1/agent/me").await.code(), "sign_in_required");
    let post = |build: &dyn Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder| {
        let request = flow
            .http
            .post(format!("{}/v1/agent/sign-out", flow.base))
            .header("cookie", &leo.cookie);
        let request = build(request);
        async { Answer::of(request.send().await.unwrap()).await }
    };
    assert_eq!(post(&|r| r).await.code(), "csrf");
    assert_eq!(post(&|r| r.header("x-flow-csrf", "0")).await.code(), "csrf");
    let foreign = post(&|r| {
        r.header("x-flow-csrf", &leo.csrf)
            .header("origin", "https://evil.example")
    })
    .await;
    assert_eq!((foreign.status, foreign.code()), (403, "forbidden_origin"));
    // A conversation that people were never called to is not an agent's.
    assert_eq!(
        leo.get(&format!("/conversations/{}", ana.id)).await.status,
        404
    );
    let url = format!("{}/v1/conversations/{}", flow.base, ana.id);
    assert_eq!(
        flow.http
            .get(url)
            .bearer_auth(leo.cookie.trim_start_matches("flow_session="))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    // Wrong passwords run dry.
    let mut last = 0;
    for _ in 0..12 {
        last = flow
            .post(
                "/v1/agent/sign-in",
                json!({"name": "leo", "password": "wrong"}),
            )
            .await
            .status;
    }
    assert_eq!(last, 429);
    assert_eq!(
        post(&|r| r.header("x-flow-csrf", &leo.csrf)).await.status,
        204
    );
    assert_eq!(leo.get("/me").await.status, 401);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_survives_a_restart() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.press("Talk to a human").await;
    ana.stands("queued").await;
    let mut bea = flow.open().await;
    bea.press("Talk to a human").await;
    bea.stands("queued").await;
    flow.stop().await;
    let flow = world.start().await;
    ana.base.clone_from(&flow.base);
    let leo = flow.sign_in("leo").await;
    let mut stream = leo.comes().await;
    let mut offered = Vec::new();
    for _ in 0..2 {
        let (_, offer) = stream.next("offer").await;
        let id = offer["conversation"]["id"].as_str().unwrap().to_owned();
        let accept = json!({"id": "a", "reservation": offer["reservation"]});
        assert_eq!(
            leo.post(&format!("/conversations/{id}/accept"), accept)
                .await
                .status,
            200
        );
        offered.push((offer["reservation"].as_u64().unwrap(), id));
    }
    // Both fit at once; the first in line was reserved first.
    offered.sort();
    assert_eq!(
        offered.into_iter().map(|(_, id)| id).collect::<Vec<_>>(),
        [ana.id.clone(), bea.id.clone()]
    );
    tokio::time::timeout(Duration::from_secs(10), ana.hears("You're now with Leo."))
        .await
        .unwrap();
    flow.stop().await;
}
