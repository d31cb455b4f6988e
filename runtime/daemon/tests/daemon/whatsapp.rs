//! WhatsApp: Meta's notifications in, the Graph API out.

use crate::common::{Answer, Person, World};
use crate::graph::{
    PHONE, PICTURE, conversation, message, notification, post_signed, refusal, says, text, world,
};
use flow_store::Role;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_verified_and_unsigned_notifications_are_refused() {
    let (world, _graph) = world().await;
    let flow = world.start().await;
    let ask = |query: &str| {
        let url = format!("{}/v1/channels/whatsapp?{query}", flow.base);
        let request = flow.http.get(url);
        async { Answer::of(request.send().await.unwrap()).await }
    };
    let good =
        ask("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=agreed%20word").await;
    assert_eq!((good.status, good.body), (200, json!(1158201444)));
    for bad in [
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=guessed",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=agreed%20word",
        "hub.challenge=1",
        "",
    ] {
        assert_eq!(ask(bad).await.status, 403, "{bad}");
    }
    let now = jiff::Timestamp::now().as_second();
    let forged = post_signed(&flow, &message("wamid.1", now, text("hi")), "guessed").await;
    assert_eq!((forged.status, forged.code()), (401, "wrong_signature"));
    let unsigned = flow
        .post("/v1/channels/whatsapp", message("wamid.1", now, text("hi")))
        .await;
    assert_eq!(unsigned.status, 401);
    // About another number of the same app: taken, and left.
    let mut other = message("wamid.1", now, text("hi"));
    other["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("1");
    assert_eq!(post_signed(&flow, &other, "app-secret").await.status, 200);
    assert!(flow.app().store.deliveries().await.unwrap().is_empty());
    assert!(
        flow.app()
            .store
            .thread("whatsapp", PHONE)
            .await
            .unwrap()
            .is_none()
    );
    flow.stop().await;

    let plain = World::new().start().await;
    let off = plain.post("/v1/channels/whatsapp", json!({})).await;
    assert_eq!((off.status, off.code()), (404, "not_configured"));
    plain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_has_one_conversation_with_buttons_lists_and_files() {
    let (world, graph) = world().await;
    let flow = world.start().await;
    says(&flow, "wamid.1", text("when are you open")).await;
    // The same notification again, as Meta does when an answer was slow.
    says(&flow, "wamid.1", text("when are you open")).await;
    let greeting = graph.takes(0).await;
    assert_eq!(greeting["to"], PHONE);
    assert_eq!(greeting["messaging_product"], "whatsapp");
    assert_eq!(
        (&greeting["type"], &greeting["text"]["body"]),
        (&json!("text"), &json!("Hi Ana!"))
    );
    let question = graph.takes(1).await;
    assert_eq!(question["interactive"]["type"], "button");
    let buttons = question["interactive"]["action"]["buttons"].clone();
    assert_eq!(buttons[1]["reply"]["title"], "Ask anything");
    assert_eq!(graph.takes(2).await["text"]["body"], "We are always open.");
    let (headers, _) = graph.sent.lock().unwrap()[0].clone();
    assert_eq!(headers["authorization"], "Bearer graph-token");

    // A button of ours.
    let reply = &buttons[0]["reply"];
    let pressed = json!({"type": "interactive", "context": {"from": "15550783881", "id": "wamid.sent2"},
        "interactive": {"type": "button_reply", "button_reply": {"id": reply["id"], "title": reply["title"]}}});
    says(&flow, "wamid.2", pressed.clone()).await;
    let n = graph.tells(3, "What's your order number?").await;
    // The same button later is what stands on it, and the bot understands that.
    says(&flow, "wamid.3", pressed).await;
    let id = conversation(&flow).await;
    let n = graph.tells(n + 1, "What's your order number?").await;
    let log = flow.app().store.log(&id, 0, 100).await.unwrap();
    assert!(
        log.iter()
            .any(|r| r.record.contains("\"text\":\"Track an order\""))
    );

    // A picture, then a list.
    says(&flow, "wamid.4", text("look at this picture please")).await;
    let n = graph.tells(n, "Send the picture.").await;
    let picture = json!({"type": "image", "image": {"id": "1003383421387256", "mime_type": "image/png", "sha256": "x"}});
    says(&flow, "wamid.5", picture).await;
    let list = graph.takes(n + 1).await;
    assert_eq!(list["interactive"]["type"], "list", "{list:#}");
    let rows = &list["interactive"]["action"]["sections"][0]["rows"];
    assert_eq!(rows.as_array().unwrap().len(), 4);
    let files = flow.app().store.files(&id).await.unwrap();
    assert_eq!(
        (files.len(), files[0].name.as_str(), &*files[0].data),
        (1, "image.png", PICTURE)
    );
    let row = json!({"id": rows[3]["id"], "title": rows[3]["title"]});
    says(
        &flow,
        "wamid.6",
        json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": row}}),
    )
    .await;
    assert_eq!(graph.takes(n + 2).await["text"]["body"], "Thank you!");

    // One conversation, each message once, the number proven and the name claimed.
    let all = flow
        .app()
        .store
        .list(flow_store::ListQuery {
            limit: 10,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    let found = flow
        .app()
        .store
        .conversations_of("phone", &format!("+{PHONE}"), true, 10)
        .await
        .unwrap();
    assert_eq!(found[0].id, id);
    let opened: Value =
        serde_json::from_str(&flow.app().store.log(&id, 0, 1).await.unwrap()[0].record).unwrap();
    assert!(
        opened["event"]["visitor"]["claimed"]["name"].is_object(),
        "{opened:#}"
    );
    let log = flow.app().store.log(&id, 0, 100).await.unwrap();
    assert_eq!(
        log.iter()
            .filter(|r| r.record.contains("when are you open"))
            .count(),
        1
    );

    // It has ended, and the bot does not reopen: the next word opens another one.
    says(&flow, "wamid.7", text("when are you open")).await;
    let n = graph.tells(n + 3, "Hi Ana!").await;
    assert_ne!(conversation(&flow).await, id);
    graph.tells(n, "We are always open.").await;
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_messages_take_no_other_with_them() {
    let (world, graph) = world().await;
    let flow = world.start().await;
    let from = |id: &str, mut content: Value| {
        content["from"] = json!(PHONE);
        content["id"] = json!(id);
        content["timestamp"] = json!("1");
        content
    };
    let now = jiff::Timestamp::now().as_second().to_string();
    let mut good = from("wamid.5", text("when are you open"));
    good["timestamp"] = json!(now);
    let news = notification(json!({"messages": [
        from("wamid.1", json!({"type": "reaction", "reaction": {"message_id": "wamid.0", "emoji": "x"}})),
        from("wamid.2", json!({"type": "text", "text": {"words": 1}})),
        from("wamid.3", json!({"type": "something_new", "something_new": {}})),
        json!({"type": "text"}),
        from("wamid.4", json!({"type": "interactive", "interactive": {"type": "nfm_reply"}})),
        good,
    ]}));
    let answer = post_signed(&flow, &news, "app-secret").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(graph.takes(0).await["text"]["body"], "Hi there!");
    graph.tells(1, "We are always open.").await;
    // The question again.
    graph.takes(3).await;
    // A conversation that was erased says nothing more, whatever still waits.
    let down = (0..100).map(|_| refusal(503, 2, "down"));
    graph.next.lock().unwrap().extend(down);
    says(&flow, "wamid.6", text("when are you open")).await;
    let id = conversation(&flow).await;
    for _ in 0..400 {
        if graph.next.lock().unwrap().len() < 100 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(flow.app().store.erase(&id).await.unwrap());
    graph.next.lock().unwrap().clear();
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(graph.count(), 4);
    // The next word of the same number begins anew.
    let count = graph.count();
    says(&flow, "wamid.7", text("when are you open")).await;
    let n = graph.tells(count, "Hi Ana!").await;
    graph.tells(n, "We are always open.").await;
    assert_ne!(conversation(&flow).await, id);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meta_refuses_for_now_comes_later_in_order_and_what_it_refuses_for_good_is_shown() {
    let (world, graph) = world().await;
    world.agent("mia", Role::Admin).await;
    let flow = world.start().await;
    let mia: Person = flow.sign_in("mia").await;
    let mut stream = mia.comes().await;
    graph.next.lock().unwrap().extend([
        refusal(429, 130_429, "(#130429) Rate limit hit"),
        refusal(500, 2, "Service temporarily unavailable"),
    ]);
    says(&flow, "wamid.1", text("when are you open")).await;
    let told = [
        graph.takes(0).await,
        graph.takes(1).await,
        graph.takes(2).await,
    ];
    assert_eq!(told[0]["text"]["body"], "Hi Ana!");
    assert_eq!(told[2]["text"]["body"], "We are always open.");
    // The question again.
    graph.takes(3).await;

    graph
        .next
        .lock()
        .unwrap()
        .push_back(refusal(400, 131_026, "Message undeliverable"));
    says(&flow, "wamid.2", text("when are you open")).await;
    let (_, alert) = stream.next("alert").await;
    assert!(
        alert["text"].as_str().unwrap().contains("131026"),
        "{alert}"
    );
    assert_eq!(alert["conversation"], conversation(&flow).await);
    let dead = flow.app().store.dead_letters(10).await.unwrap();
    assert_eq!((dead.len(), dead[0].kind.as_str()), (1, "message"));
    // What came after it was sent all the same.
    graph.takes(4).await;
    // Looked at by an admin, and sent after all.
    let replay = flow
        .http
        .post(format!(
            "{}/v1/admin/dead-letters/{}/replay",
            flow.base, dead[0].id
        ))
        .header("cookie", &mia.cookie)
        .header("x-flow-csrf", &mia.csrf);
    let count = graph.count();
    assert_eq!(replay.send().await.unwrap().status(), 202);
    graph.tells(count, "We are always open.").await;
    // A status that says so afterwards.
    let failed = notification(json!({"statuses": [{
        "id": "wamid.sent1", "status": "failed", "timestamp": "1", "recipient_id": PHONE,
        "errors": [{"code": 131_049, "title": "Not delivered to maintain healthy ecosystem engagement"}],
    }, {"id": "wamid.sent2", "status": "delivered", "timestamp": "1", "recipient_id": PHONE}]}));
    assert_eq!(post_signed(&flow, &failed, "app-secret").await.status, 200);
    let (_, alert) = stream.next("alert").await;
    assert!(
        alert["text"].as_str().unwrap().contains("131049"),
        "{alert}"
    );
    let metrics = flow.get("/metrics").await.body.to_string();
    assert!(
        metrics.contains("flow_channel_delivered_total 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("flow_channel_received_total 2"),
        "{metrics}"
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_asks_by_template_and_keeps_what_there_is_to_say() {
    let (world, graph) = world().await;
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let leo = flow.sign_in("leo").await;
    let mut stream = leo.comes().await;
    // Meta delivered it late: the customer wrote 25 hours ago.
    let then = jiff::Timestamp::now().as_second() - 25 * 3600;
    let late = message("wamid.1", then, text("I want to talk to a human"));
    assert_eq!(post_signed(&flow, &late, "app-secret").await.status, 200);
    let template = graph.takes(0).await;
    assert_eq!(template["type"], "template");
    assert_eq!(
        template["template"],
        json!({"name": "ticket_update", "language": {"code": "en"}})
    );
    let (_, offer) = stream.next("offer").await;
    let id = conversation(&flow).await;
    let accept = json!({"id": "a", "reservation": offer["reservation"]});
    assert_eq!(
        leo.post(&format!("/conversations/{id}/accept"), accept)
            .await
            .status,
        200
    );
    let written = json!({"id": "1", "text": "Hello, Leo here"});
    assert_eq!(
        leo.post(&format!("/conversations/{id}/messages"), written)
            .await
            .status,
        200
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(graph.count(), 1, "nothing but the template");
    let waiting = flow.app().store.outbox().await.unwrap();
    assert!(
        waiting
            .iter()
            .any(|r| r.payload.contains("Hello, Leo here"))
    );

    // The customer writes: everything comes, in order.
    says(&flow, "wamid.2", text("yes?")).await;
    let mut bodies = Vec::new();
    while bodies
        .last()
        .is_none_or(|b: &String| !b.contains("Hello, Leo here"))
    {
        bodies.push(graph.takes(bodies.len() + 1).await.to_string());
    }
    assert!(bodies[0].contains("Hi Ana!"), "{bodies:#?}");
    assert!(bodies.iter().any(|b| b.contains("You're now with Leo.")));
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_meta_finds_closed_takes_no_message_with_it() {
    let (world, graph) = world().await;
    let flow = world.start().await;
    // By our clock it is open; Meta refuses at once.
    let closed = "(#131047) Re-engagement message";
    graph
        .next
        .lock()
        .unwrap()
        .push_back(refusal(400, 131_047, closed));
    says(&flow, "wamid.1", text("when are you open")).await;
    let template = graph.takes(0).await;
    assert_eq!(template["type"], "template", "{template:#}");
    says(&flow, "wamid.2", text("when are you open")).await;
    assert_eq!(graph.takes(1).await["text"]["body"], "Hi Ana!");
    let n = graph.tells(2, "We are always open.").await;
    let n = graph.tells(n + 1, "We are always open.").await;
    graph.takes(n + 1).await;
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meta_took_and_could_not_deliver_waits_for_the_customer_in_its_order() {
    let (world, graph) = world().await;
    world.agent("mia", Role::Admin).await;
    let flow = world.start().await;
    says(&flow, "wamid.1", text("when are you open")).await;
    let mut said = Vec::new();
    for n in 0..4 {
        said.push(graph.takes(n).await);
    }
    // Meta took them, and says only afterwards that the window was closed; in no order, and twice.
    for n in [3, 1, 1] {
        let failed = notification(json!({"statuses": [{
            "id": format!("wamid.sent{n}"), "status": "failed", "timestamp": "1", "recipient_id": PHONE,
            "errors": [{"code": 131_047, "title": "Re-engagement message"}],
        }]}));
        assert_eq!(post_signed(&flow, &failed, "app-secret").await.status, 200);
        if n == 3 {
            assert_eq!(graph.takes(4).await["type"], "template");
        }
    }
    let arrived = notification(json!({"statuses": [{
        "id": "wamid.sent2", "status": "read", "timestamp": "1", "recipient_id": PHONE,
    }]}));
    assert_eq!(post_signed(&flow, &arrived, "app-secret").await.status, 200);
    // Nothing is a dead letter, nothing is sent as a free text.
    assert!(flow.app().store.dead_letters(10).await.unwrap().is_empty());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(graph.count(), 5, "one template and nothing else");
    // Not even after a restart.
    flow.stop().await;
    let flow = world.start().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(graph.count(), 5);
    says(&flow, "wamid.2", text("when are you open")).await;
    assert_eq!(graph.takes(5).await["text"], said[0]["text"]);
    assert_eq!(graph.takes(6).await["text"], said[2]["text"]);
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_is_sent_after_a_restart() {
    let (world, graph) = world().await;
    // Meta is down.
    graph
        .next
        .lock()
        .unwrap()
        .extend((0..100).map(|_| refusal(503, 131_016, "Service unavailable")));
    let flow = world.start().await;
    says(&flow, "wamid.1", text("when are you open")).await;
    for _ in 0..200 {
        if flow.app().store.outbox().await.unwrap().len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    flow.stop().await;
    assert_eq!(graph.count(), 0);
    graph.next.lock().unwrap().clear();
    let flow = world.start().await;
    assert_eq!(graph.takes(0).await["text"]["body"], "Hi Ana!");
    assert_eq!(graph.takes(2).await["text"]["body"], "We are always open.");
    graph.takes(3).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(graph.count(), 4);
    // Erased: the number is forgotten with its conversation.
    let id = conversation(&flow).await;
    assert!(flow.app().store.erase(&id).await.unwrap());
    assert!(
        flow.app()
            .store
            .thread("whatsapp", PHONE)
            .await
            .unwrap()
            .is_none()
    );
    flow.stop().await;
}
