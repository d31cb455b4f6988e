//! Moving to another version: where a conversation waits, what it holds and what the new version reads from there on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use flow_engine::event::Visitor;
use flow_engine::{Engine, Stay};
use std::sync::Arc;
use support::{Chat, engine};

const HEAD: &str = r#"
bot demo {
  languages en; channels web, whatsapp; tiers bot -> ai -> human; start greet
  menu { "Person" -> escalate asked_for_human }
  discloses "I am a machine."
}
tier bot: scripted {}
tier human: people {}
team support { hours always }
route human {
  | intent | team    | priority |
  | _      | support | standard |
}
handoff human { say "One moment."; returned -> greet }
"#;

fn bot(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

const OLD: &str = r#"
tier ai: model {}
slots { order_number: text matching /[A-Z]{2}-[0-9]{6}/; colour: text }
node greet { visit return_item; choose "Done?" { "Yes" -> end resolved } }
node return_item { ask order_number "Which order?"; say "Thanks." }
"#;

#[test]
fn a_waiting_conversation_moves_under_new_names() {
    let old = engine(&bot(OLD));
    let new = engine(&bot(r#"
tier ai: model {}
slots { order_id was order_number: text matching /[A-Z]{2}-[0-9]{6}/; colour: text }
node greet { visit returns; choose "Done?" { "Yes" -> end resolved } }
node returns was return_item { ask order_id "Which order, please?"; say "Thanks for {order_id}." }
"#));
    let mut chat = Chat::new(&old);
    chat.opened(Visitor::default());
    chat.state = old.can_move(&new, &chat.state).unwrap();
    chat.engine = new;
    chat.say("AB-123456");
    assert_eq!(chat.said(), ["Thanks for AB-123456.", "Done?"]);
}

#[test]
fn a_conversation_stays_where_its_place_is_gone_or_a_value_is_missing() {
    let old = engine(&bot(OLD));
    let mut chat = Chat::new(&old);
    chat.opened(Visitor::default());
    let gone = engine(&bot(
        "tier ai: model {}\nnode greet { choose \"Done?\" { \"Yes\" -> end resolved } }",
    ));
    assert!(old.can_move(&gone, &chat.state).is_err());
    let reads_more = engine(&bot(r#"
tier ai: model {}
slots { order_number: text matching /[A-Z]{2}-[0-9]{6}/; colour: text }
node greet { visit return_item; choose "Done?" { "Yes" -> end resolved } }
node return_item { ask colour "Which colour?"; ask order_number "Which order?"; say "Thanks, a {colour} one." }
"#));
    let reason = old.can_move(&reads_more, &chat.state).unwrap_err().reason;
    assert_eq!(
        reason,
        "the new version reads `colour`, which this conversation does not know"
    );
    chat.say("AB-123456");
    let other_buttons = engine(&bot(
        &OLD.replace("\"Yes\" ->", "\"No\" -> greet; \"Yes\" ->")
    ));
    assert_eq!(
        old.can_move(&other_buttons, &chat.state)
            .unwrap_err()
            .reason,
        "the buttons in sight have changed"
    );
}

/// A body that two nodes visit; what follows the visits is each test's own.
fn visited(after_first: &str, after_second: &str, body: &str) -> String {
    bot(&format!(
        r#"
tier ai: model {{}}
slots {{ order_number: text matching /[A-Z]{{2}}-[0-9]{{6}}/; colour: text; size: text }}
node greet {{
  choose "What for?" {{ "Return" -> first; "Other" -> second }}
}}
node first {{
  visit which
  {after_first}
  choose "Done?" {{ "Yes" -> end resolved }}
}}
node second {{
  ask size "Which size?"; visit which
  {after_second}
  choose "Done?" {{ "Yes" -> end resolved }}
}}
node which {{ {body} }}
node other {{ choose "Else?" {{ "Yes" -> end resolved }} }}
"#
    ))
}

/// The conversation in another version.
fn at(chat: &Chat, new: &Arc<Engine>) -> Result<Chat, Stay> {
    let mut there = Chat::new(new);
    there.state = chat.engine.can_move(new, &chat.state)?;
    there.now = chat.now;
    Ok(there)
}

/// Waits in `which`, visited by `first`.
fn waits_in_which() -> Chat {
    let mut chat = Chat::new(&engine(&visited(
        "",
        "",
        r#"ask order_number "Which order?""#,
    )));
    chat.opened(Visitor::default());
    chat.press("Return");
    assert_eq!(chat.said(), ["Which order?"]);
    chat
}

#[test]
fn what_follows_other_visits_of_a_body_is_not_asked_of_a_conversation() {
    let chat = waits_in_which();
    let new = engine(&visited(
        r#"say "For {order_number}.""#,
        r#"say "For {order_number} in {size}.""#,
        r#"ask order_number "Which order?""#,
    ));
    let mut moved = at(&chat, &new).unwrap();
    moved.say("AB-123456");
    assert_eq!(moved.said(), ["For AB-123456.", "Done?"]);
}

#[test]
fn what_follows_its_own_visit_must_be_known_or_filled_by_the_body() {
    let chat = waits_in_which();
    let filled = engine(&visited(
        r#"say "In {colour}.""#,
        "",
        r#"ask order_number "Which order?"; ask colour "Which colour?""#,
    ));
    assert!(at(&chat, &filled).is_ok());
    let before = engine(
        &visited(
            r#"say "In {colour}.""#,
            "",
            r#"ask order_number "Which order?""#,
        )
        .replace(
            "node first {",
            r#"node first { ask colour "Which colour?";"#,
        ),
    );
    assert_eq!(
        at(&chat, &before).err().unwrap().reason,
        "the new version reads `colour`, which this conversation does not know"
    );
}

#[test]
fn an_arrow_out_of_a_body_returns_to_nobody() {
    let chat = waits_in_which();
    let leaves = engine(
        &visited(
            r#"say "In {colour}.""#,
            "",
            r#"ask order_number "Which order?"; -> other"#,
        )
        .replace(
            "node first {",
            r#"node first { ask colour "Which colour?";"#,
        ),
    );
    assert!(at(&chat, &leaves).is_ok());
}
