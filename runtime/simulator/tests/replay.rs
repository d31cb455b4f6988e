//! A conversation that the simulator recorded is replayed against the same bot and against edited ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use flow_compiler::value::Value;
use flow_engine::Recorded;
use flow_engine::event::Visitor;
use flow_simulator::{Model, Program, Replayed, World, read_recordings, replay};
use std::sync::Arc;

const BOT: &str = r#"
bot shop {
  languages en; channels web; tiers bot -> human; start greet
  menu { "Talk to a human" -> escalate asked_for_human }
  abandon after 30m
}
tier bot: scripted {}
tier human: people {}
enum status { shipped, delayed }
record order { id: text; status: status }
slots { order_id: text matching /[A-Z]{2}-[0-9]{6}/ }
webhook find_order(order_id: text) -> order { get "{env.SHOP}/orders/{order_id}" }
intent track_order { "where is my order", "track my package" }
hook big(order_id: text) -> bool from "hooks/big.rhai"
node greet {
  choose "What can I help with?" {
    "Track an order" -> track
    "Bye" -> end resolved
    otherwise -> track
  }
}
node track {
  ask order_id "What's your order number?" { otherwise -> escalate }
  call find_order(order_id) as order { failed -> escalate because "The order system did not answer" }
  match order.status {
    shipped { say "It is on its way."; -> greet }
    delayed { say "It is late."; -> greet }
  }
}
escalate large to human { when big(order_id) and message contains "wait" }
team support { hours always }
route human {
  | message | team    | priority |
  | _       | support | standard |
}
handoff human { say "One moment."; returned -> greet }
"#;

fn program(source: &str) -> Arc<Program> {
    support::program(
        source,
        &[(
            "hooks/big.rhai",
            "fn big(order_id) { order_id != () && order_id.starts_with(\"BB\") }",
        )],
    )
}

/// A customer who tracks an order, waits long, and comes to a person.
fn recorded(program: &Arc<Program>) -> Vec<Recorded> {
    let mut world = World::new(
        Arc::clone(program),
        "2026-03-02T10:00:00Z".parse().unwrap(),
        Model::Scripted,
    );
    let order = [
        ("id".into(), Value::Text("BB-123456".into())),
        ("status".into(), Value::Enum("shipped".into())),
    ];
    let order = Value::Record(Arc::new(order.into_iter().collect()));
    world.mocks.insert("find_order".into(), Ok(order));
    world
        .add_agent(support::agent("leo", &["support"]), true)
        .unwrap();
    world
        .open("web".into(), None, None, Visitor::default())
        .unwrap();
    world.press("Track an order").unwrap();
    world.customer_says("BB-123456").unwrap();
    world.customer_says("I cannot wait any longer").unwrap();
    world.accept("leo").unwrap();
    world.agent_says("leo", "Hello!").unwrap();
    world.agent_returns("leo", None).unwrap();
    world.wait(3_600_000).unwrap();
    world.history
}

fn against(edit: impl Fn(&str) -> String) -> Replayed {
    let old = program(BOT);
    let new = program(&edit(BOT));
    replay(&new.engine, &recorded(&old), &new.hooks)
}

fn words(replayed: &Replayed) -> Vec<String> {
    let all = replayed.turns.iter().flat_map(|t| &t.differences);
    all.map(|d| {
        format!(
            "{}: {} => {}",
            d.what,
            d.recorded.as_deref().unwrap_or("-"),
            d.now.as_deref().unwrap_or("-")
        )
    })
    .collect()
}

#[test]
fn the_same_bot_decides_the_same() {
    let replayed = against(ToOwned::to_owned);
    assert!(replayed.turns.len() >= 10, "{}", replayed.turns.len());
    assert!(
        replayed
            .turns
            .iter()
            .any(|t| t.decision.escalation.is_some())
    );
    assert_eq!(words(&replayed), Vec::<String>::new());
}

#[test]
fn comments_and_moved_lines_are_no_difference() {
    let replayed = against(|bot| {
        format!(
            "// a new line\n\n{}",
            bot.replace("node track {", "\n\n// here\nnode track {")
        )
    });
    assert_eq!(words(&replayed), Vec::<String>::new());
}

#[test]
fn an_edited_text_differs_where_it_is_said_with_both_places() {
    let replayed = against(|bot| {
        bot.replace("enum status", "\nenum status")
            .replace("It is on its way.", "It comes soon.")
    });
    assert_eq!(
        words(&replayed),
        ["effect: bot: It is on its way. => bot: It comes soon."]
    );
    let difference = replayed
        .turns
        .iter()
        .flat_map(|t| &t.differences)
        .next()
        .unwrap();
    let (old, new) = (
        difference.recorded_at.as_ref().unwrap().line,
        difference.now_at.as_ref().unwrap().line,
    );
    assert_eq!(new, old + 1, "{difference:?}");
}

#[test]
fn a_removed_rule_leaves_the_customer_with_the_bot_and_says_so() {
    let replayed =
        against(|bot| bot.replace("message contains \"wait\"", "message contains \"lawyer\""));
    let words = words(&replayed);
    assert!(
        words
            .iter()
            .any(|w| w.starts_with("rule: large fired => -")),
        "{words:#?}"
    );
    assert!(words.iter().any(|w| w.starts_with("escalation: from bot to human by large") && w.ends_with("=> -")), "{words:#?}");
    assert!(
        words.iter().any(|w| w.starts_with("not taken: ")),
        "the agent's turns are not possible any more: {words:#?}"
    );
    let rule = replayed
        .turns
        .iter()
        .flat_map(|t| &t.differences)
        .find(|d| d.what == "rule")
        .unwrap();
    assert_eq!(rule.recorded_at.as_ref().unwrap().file, "bot.flow");
    assert!(rule.now_at.is_some());
}

#[test]
fn another_team_is_a_difference_of_the_row() {
    let replayed = against(|bot| {
        bot.replace(
            "| _       | support | standard |",
            "| \"longer\" | complaints | high |\n  | _ | support | standard |",
        ) + "team complaints { hours always }\n"
    });
    let words = words(&replayed);
    assert!(
        words.contains(
            &"row: team support, priority standard => team complaints, priority high".to_owned()
        ),
        "{words:#?}"
    );
}

#[test]
fn a_renamed_webhook_has_no_answer_and_fails_aloud() {
    let replayed = against(|bot| bot.replace("find_order", "look_up"));
    let words = words(&replayed);
    assert!(
        words.contains(&"effect: calls find_order => calls look_up".to_owned()),
        "{words:#?}"
    );
    assert!(words.iter().any(|w| w == "not taken: bot: It is on its way.; bot: What can I help with? [Track an order | Bye] => `find_order` is not called"), "{words:#?}");
    assert!(
        words.iter().any(|w| w.contains("- => from bot to human")
            && w.contains("The order system did not answer")),
        "{words:#?}"
    );
}

#[test]
fn a_shorter_time_fires_when_it_is_due() {
    let replayed = against(|bot| bot.replace("abandon after 30m", "abandon after 10m"));
    let own = replayed
        .turns
        .iter()
        .find(|t| t.recorded.is_none())
        .unwrap_or_else(|| panic!("{:#?}", words(&replayed)));
    let before = replayed
        .turns
        .iter()
        .take_while(|t| t.recorded.is_some())
        .last()
        .unwrap();
    assert_eq!(own.event.at.duration_since(before.event.at).as_mins(), 10);
    assert!(
        own.differences.iter().any(|d| d
            .now
            .as_deref()
            .is_some_and(|n| n.starts_with("closes unresolved"))),
        "{:?}",
        own.differences
    );
}

#[test]
fn a_pressed_button_is_found_by_its_label() {
    let replayed = against(|bot| {
        bot.replace(
            "\"Track an order\" -> track\n    \"Bye\" -> end resolved",
            "\"Bye\" -> end resolved\n    \"Track an order\" -> track",
        )
    });
    let words = words(&replayed);
    assert!(
        words.iter().all(|w| w.contains("Bye | Track an order")),
        "only the order of the buttons differs: {words:#?}"
    );
}

#[test]
fn hooks_answer_as_they_did() {
    let old = program(BOT);
    let log = recorded(&old);
    // This version's script would say no to everything.
    let new = support::program(BOT, &[("hooks/big.rhai", "fn big(order_id) { false }")]);
    assert!(replay(&new.engine, &log, &new.hooks).is_same());
}

#[test]
fn every_form_of_a_recording_is_read() {
    let log = recorded(&program(BOT));
    let bare: String = log
        .iter()
        .map(|r| serde_json::to_string(r).unwrap() + "\n")
        .collect();
    let named: String = log
        .iter()
        .map(|r| serde_json::json!({"conversation": "c1", "record": r}).to_string() + "\n")
        .collect();
    let export = serde_json::json!({"conversation": {"id": "c1", "stage": "closed"}, "log": log})
        .to_string();
    let headed = format!("{}\n{bare}", serde_json::json!({"conversation": "c1"}));
    for (text, id) in [
        (bare.clone(), None),
        (named, Some("c1")),
        (export, Some("c1")),
        (headed, Some("c1")),
    ] {
        let read = read_recordings(&text).unwrap();
        assert_eq!((read.len(), read[0].conversation.as_deref()), (1, id));
        assert_eq!(read[0].records, log);
    }
    assert_eq!(read_recordings(&format!("{bare}{bare}")).unwrap().len(), 2);
    let gap: String = bare.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert!(
        read_recordings(&gap)
            .unwrap_err()
            .contains("has event 2 where event 1 is expected")
    );
    assert!(
        read_recordings("{\"a\": 1}")
            .unwrap_err()
            .starts_with("line 1: this is no record of an event")
    );
    assert!(read_recordings("").is_err());
}
