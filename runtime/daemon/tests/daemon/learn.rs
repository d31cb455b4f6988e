//! Proposals of `learn`: found in what happened, decided by reviewers, and never a change by themselves.

use crate::common::{Customer, Person, Running, World};
use flow_store::Role;
use serde_json::{Value, json};

/// The confidence with which a message was read, by its log.
async fn confidence(flow: &Running, customer: &Customer) -> f64 {
    let rows = flow.app().store.log(&customer.id, 0, 100).await.unwrap();
    let record: Value = serde_json::from_str(&rows.last().unwrap().record).unwrap();
    record["decision"]["confidence"].as_f64().unwrap()
}

async fn proposals(who: &Person) -> Vec<Value> {
    let answer = who.get("/proposals").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["proposals"].as_array().unwrap().clone()
}

const ASKED: &str = "where might my parcel be";

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_needed_a_person_after_all_propose_a_higher_threshold() {
    let world = World::new();
    world.agent("leo", Role::Agent).await;
    world.agent("mia", Role::Lead).await;
    world.edit(
        "on intent track_order visit track\n",
        "on intent track_order { say \"It is on its way.\" }\n",
    );
    world.edit(
        "bot little_shop {\n",
        "bot little_shop {\n  understands from 5%\n",
    );
    let flow = world.start().await;
    let mut ana = flow.open().await;
    ana.say(ASKED).await;
    ana.hears("It is on its way.").await;
    let sure = confidence(&flow, &ana).await;
    let at = (sure * 100.0).floor().clamp(2.0, 95.0);
    world.add(&format!(
        "threshold sure_enough = {at}%\nescalate unsure from bot to ai {{ when confidence < sure_enough }}\nlearn {{ review support; tune sure_enough by 5% }}"
    ));
    let reloaded = flow.post("/-/reload", Value::Null).await;
    assert_eq!(reloaded.status, 200, "{:#}", reloaded.body);
    let (leo, mia) = (flow.sign_in("leo").await, flow.sign_in("mia").await);
    assert_eq!(leo.get("/proposals").await.status, 403);
    for n in 0..20 {
        assert!(proposals(&mia).await.is_empty(), "after {n}");
        let mut customer = flow.open().await;
        customer.say(ASKED).await;
        customer.hears("It is on its way.").await;
        customer.press("Talk to a human").await;
        let left = customer.post("/leave", json!({"id": "bye"})).await;
        assert_eq!(left.status, 200, "{:?}", left.body);
    }
    let found = proposals(&mia).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    let proposal = &found[0];
    assert_eq!(proposal["kind"], "threshold");
    assert_eq!(proposal["name"], "sure_enough");
    assert_eq!(proposal["from"], format!("{at}%"));
    assert_eq!(proposal["to"], format!("{}%", at + 5.0));
    assert_eq!(proposal["file"], "bot/bot.flow");
    assert!(
        proposal["because"]
            .as_str()
            .unwrap()
            .starts_with("of 20 conversations"),
        "{proposal}"
    );

    // Decided by a reviewer; the bot stays as it is, after a restart too.
    let version = flow.get("/v1/status").await.body["version"].clone();
    let path = format!("/proposals/{}/confirm", proposal["id"].as_str().unwrap());
    let body = json!({"id": "1"});
    assert_eq!(leo.post(&path, body.clone()).await.status, 403);
    let decided = mia.post(&path, body.clone()).await;
    assert_eq!(decided.status, 200, "{:?}", decided.body);
    assert_eq!(decided.body["proposal"]["state"], "confirmed");
    assert_eq!(
        mia.post("/proposals/p_none/confirm", body).await.status,
        404
    );
    assert_eq!(flow.get("/v1/status").await.body["version"], version);
    flow.stop().await;
    let flow = world.start().await;
    let mia = flow.sign_in("mia").await;
    let found = proposals(&mia).await;
    assert_eq!(
        (&found[0]["state"], &found[0]["by"]),
        (&json!("confirmed"), &json!("mia"))
    );
    // The author makes the edit: there is nothing left to propose.
    world.edit(&format!("= {at}%"), &format!("= {}%", at + 5.0));
    assert_eq!(flow.post("/-/reload", Value::Null).await.status, 200);
    assert!(proposals(&mia).await.is_empty());
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_settled_is_proposed_as_an_example_once_several_said_it() {
    let world = World::new();
    world.agent("mia", Role::Lead).await;
    world.add("learn { from human; review support }");
    let flow = world.start().await;
    let mia = flow.sign_in("mia").await;
    let mut stream = mia.comes().await;
    // Said by three; a fourth says something of their own, with a number.
    for words in [
        "my thingamajig is gone",
        "My thingamajig is  gone",
        "my thingamajig is gone",
        "my thingamajig 77 is gone",
    ] {
        assert!(proposals(&mia).await.is_empty());
        let mut customer = flow.open().await;
        customer.say("where is my order").await;
        customer.say(words).await;
        customer.press("Talk to a human").await;
        let (_, offer) = stream.next("offer").await;
        let at = |rest: &str| format!("/conversations/{}{rest}", customer.id);
        for (rest, body) in [
            (
                "/accept",
                json!({"id": "1", "reservation": offer["reservation"]}),
            ),
            ("/confirm", json!({"id": "2", "reminder": 0})),
            ("/resolve", json!({"id": "3"})),
        ] {
            let answer = mia.post(&at(rest), body).await;
            assert_eq!(answer.status, 200, "{rest}: {:?}", answer.body);
        }
        customer.stands("closed").await;
        if words.contains("77") {
            break;
        }
        if proposals(&mia).await.len() == 1 {
            break;
        }
    }
    let found = proposals(&mia).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["kind"], "example");
    assert_eq!(found[0]["name"], "track_order");
    assert_eq!(found[0]["to"], "my thingamajig is gone");
    assert_eq!(found[0]["from"], Value::Null);
    let path = format!("/proposals/{}/dismiss", found[0]["id"].as_str().unwrap());
    let dismissed = mia.post(&path, json!({"id": "1"})).await;
    assert_eq!(dismissed.body["proposal"]["state"], "dismissed");
    flow.stop().await;
}
