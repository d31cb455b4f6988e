//! Whole turns of small bots, from their source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use flow_compiler::value::Value;
use flow_engine::effect::Effect;
use flow_engine::event::{AgentRef, EventKind};
use flow_engine::{Refusal, Stage};
use support::{Chat, answer, signals};

const SHOP: &str = r#"
bot shop {
  languages en, es; channels web, whatsapp; tiers bot -> ai -> human; start greet
  menu { "Talk to a person" -> escalate asked_for_human }
  discloses "I am a machine."
  reopen within 48h
  abandon after 30m
}
tier bot: scripted {}
tier ai: model {
  turns at most 3
  answers by confidence { 90%..100% send; 75%..90% confirm "Good?"; 60%..75% offer human; 0%..60% escalate }
}
tier human: people {}
enum topic { order, billing }
customer { name: text private; phone: phone private; email: email private identifies }
slots {
  order_id: text matching /[A-Z]{2}-[0-9]{6}/
  about: topic ask "What is it about?"
  sizes: list of topic ask "Which ones?"
}
intent track_order { "where is my order" }
intent hours { "when are you open" }
intent legal regulated { "I will sue you" }
on intent track_order visit track
on intent hours { say "We are open {office.text}." }
on silence 10m { say "Still there?" }
threshold sure = 70%
escalate unsure from bot to ai { when confidence < sure }
escalate angry to human { when sentiment < -40% for 2 messages; priority high; because "The customer is angry" }
hours office { timezone "Europe/London"; mon..fri 09:00-17:30 }
team support { hours office }
team night { hours office }
route human {
  prefer last agent within 7d
  | intent | message | team    | priority |
  | _      | "fraud" | night   | immediate |
  | _      | _       | support | standard |
}
handoff human {
  require about, customer.name
  say "A person comes. {queue.wait ?? "Soon."}"
  update every 60s "You're number {queue.position}."
  offer when queue.wait > 5m or time in tier > 5m { callback within 2h of office "Call me back"; stay "I'll wait" }
  connected "You're with {agent.name}."
  closed { say "We're back {team.next_open}."; ticket within 4h of office; continue with ai }
  unstaffed { offer { ticket within 4h of office "Write to me" } }
  resolved -> rate
  returned -> greet
}
assist { remind "Check the name" when intent is legal before resolve; alert "Apologise" when mood < -30% }
webhook find_order(order_id: text) -> text { get "{env.SHOP}/orders/{order_id}"; timeout 2s }
node greet {
  choose "What can I do?" {
    "Track an order" -> track_it
    "Ask"  -> ask_ai
    "Rate" -> rate
  }
}
node track_it { visit track; -> greet }
node track {
  form order_id { invalid "Like AB-123456."; retry 1; otherwise -> lost }
  call find_order(order_id) as status { failed -> escalate to human because "The shop is down" }
  say "It is {status}."
  attempt "Told the status" { worked { say "Good." }; declined { say "Hm." } }
}
node lost { escalate to human because "No number" }
node ask_ai { continue with ai { resolved -> rate; otherwise -> greet } }
node rate { survey csat "How was it?"; say "Thanks."; end resolved }
"#;

#[test]
fn a_question_is_answered_by_button_number_and_label() {
    for how in ["press", "1", "track an ORDER!"] {
        let mut chat = Chat::open(SHOP);
        assert_eq!(chat.said(), ["What can I do?"]);
        if how == "press" {
            chat.press("Track an order")
        } else {
            chat.say(how)
        }
        assert_eq!(chat.said(), ["What is your order id?"], "{how}");
        assert_eq!(chat.view().node.as_deref(), Some("track"));
    }
}

#[test]
fn a_bad_value_is_met_by_the_invalid_text_until_the_retries_are_spent() {
    let mut chat = Chat::open(SHOP);
    chat.press("Track an order");
    chat.say("12345");
    assert_eq!(chat.said(), ["Like AB-123456."]);
    assert_eq!(chat.decision.taken_by.as_deref(), Some("invalid"));
    chat.say("12345");
    assert_eq!(
        chat.decision.escalation.as_ref().unwrap().rule.as_deref(),
        Some("unsure"),
        "the confidence is known now"
    );
    assert_eq!(chat.view().tier, "ai");
}

#[test]
fn messages_wait_while_a_webhook_is_called() {
    let mut chat = Chat::open(SHOP);
    chat.say("where is ab-123456 #track_order");
    assert!(
        chat.call().is_some(),
        "the number stood in the message: {:?}",
        chat.effects
    );
    chat.say("#hours");
    assert!(chat.effects.is_empty());
    chat.webhook(Ok(Value::text("on its way")));
    assert_eq!(
        chat.said(),
        [
            "It is on its way.",
            "Did that help?",
            "We are open Monday to Friday 09:00-17:30.",
            "Did that help?"
        ]
    );
    chat.say("no");
    assert_eq!(
        chat.said(),
        ["Hm.", "What can I do?"],
        "the visit returns to the question it interrupted"
    );
}

#[test]
fn a_failed_webhook_calls_people_with_its_reason() {
    let mut chat = Chat::open(SHOP);
    chat.press("Track an order");
    chat.say("AB-123456");
    chat.webhook(Err("timed out".to_owned()));
    assert_eq!(chat.stage(), Stage::Queued);
    assert_eq!(
        chat.decision.escalation.as_ref().unwrap().reasons,
        ["The shop is down"]
    );
    assert!(chat.has(|e| matches!(e, Effect::Enqueue(item) if item.team == "support")));
}

#[test]
fn who_asks_for_a_person_gets_one_whatever_is_pending() {
    let mut chat = Chat::open(SHOP);
    chat.press("Track an order");
    chat.say("a person please #!");
    assert_eq!(chat.said(), ["I'm connecting you with a person now."]);
    assert_eq!(chat.stage(), Stage::Queued);
    chat.news(1);
    assert_eq!(
        chat.said(),
        ["A person comes. 2 minutes", "What is it about?"]
    );
    chat.say("nothing of that");
    assert_eq!(chat.decision.taken_by.as_deref(), Some("invalid"));
    chat.press("Billing");
    assert_eq!(chat.said(), ["What is your name?"]);
    chat.say("Ana Silva");
    assert_eq!(chat.state.customer("name"), Some(&Value::text("Ana Silva")));
    chat.accepted_by("leo");
    assert_eq!(chat.said(), ["You're with LEO."]);
    assert_eq!(chat.stage(), Stage::WithAgent);
    let card = chat
        .engine
        .card(&chat.state, &chat.log, &flow_engine::NoHooks)
        .unwrap();
    assert!(card.missing.is_empty());
    assert!(
        card.profile
            .iter()
            .any(|f| f.name == "customer.name" && !f.proven && f.private)
    );
    assert!(
        card.transcript
            .iter()
            .any(|l| l.text == "Ana Silva" && l.who == "customer")
    );
    assert_eq!(
        card.rules.first().map(|r| r.rule.as_str()),
        Some("asked_for_human")
    );
}

#[test]
fn only_the_agent_who_has_it_speaks_and_the_bot_keeps_quiet() {
    let mut chat = Chat::open(SHOP);
    chat.say("#!");
    chat.news(1);
    chat.accepted_by("leo");
    let other = EventKind::AgentMessage {
        agent: "mia".into(),
        id: "a".into(),
        text: "Hi".into(),
    };
    assert_eq!(
        chat.try_go(other),
        Err(Refusal::NotTheAgent {
            agent: "mia".into()
        })
    );
    let mia = AgentRef {
        id: "mia".into(),
        name: "Mia".into(),
    };
    assert_eq!(
        chat.try_go(EventKind::Accepted {
            generation: 0,
            reservation: 2,
            agent: mia,
            team: "support".into()
        }),
        Err(Refusal::UnknownReservation { reservation: 2 })
    );
    chat.say("where is it #track_order");
    assert!(chat.said().is_empty());
    chat.say("bad #-");
    chat.say("bad #-");
    assert!(chat.has(|e| matches!(e, Effect::Alert { text } if text == "The customer is angry")));
    assert_eq!(chat.stage(), Stage::WithAgent);
    chat.go(EventKind::AgentMessage {
        agent: "leo".into(),
        id: "b".into(),
        text: "Hello".into(),
    });
    assert_eq!(chat.said(), ["Hello"]);
    chat.go(EventKind::AgentResolved {
        agent: "leo".into(),
        summary: None,
    });
    assert_eq!(chat.said(), ["How was it?"]);
    assert_eq!(
        (chat.stage(), chat.view().resolved),
        (Stage::WrapUp, Some(true))
    );
    chat.say("9");
    assert_eq!(chat.said(), ["Please choose a number from 1 to 5."]);
    chat.say("4 I think");
    assert!(chat.has(|e| matches!(e, Effect::Scored { survey, score: 4 } if survey == "csat")));
    assert_eq!(chat.stage(), Stage::Closed);
}

#[test]
fn a_reminder_must_be_confirmed_before_resolving() {
    let mut chat = Chat::open(SHOP);
    chat.say("I will sue you #legal");
    assert_eq!(
        chat.stage(),
        Stage::Queued,
        "a regulated intent goes to people by itself"
    );
    chat.news(1);
    chat.accepted_by("leo");
    let resolve = EventKind::AgentResolved {
        agent: "leo".into(),
        summary: None,
    };
    assert_eq!(
        chat.try_go(resolve.clone()),
        Err(Refusal::Unconfirmed { reminder: 0 })
    );
    chat.go(EventKind::AgentConfirmed {
        agent: "leo".into(),
        reminder: 0,
    });
    chat.go(resolve);
}

#[test]
fn a_long_wait_comes_with_offers_once() {
    let mut chat = Chat::open(SHOP);
    chat.say("#!");
    chat.news(1);
    chat.press("Order");
    chat.say("Ana");
    chat.pass(6);
    assert!(
        chat.view()
            .buttons
            .iter()
            .any(|b| b.label == "Call me back"),
        "{:?}",
        chat.view()
    );
    chat.press("Call me back");
    assert_eq!(
        chat.said(),
        ["What is your phone?"],
        "the number is not known"
    );
    chat.say("+44 20 7946 0101");
    let follow_up = chat
        .effects
        .iter()
        .find_map(|e| {
            if let Effect::FollowUp(f) = e {
                Some(f.clone())
            } else {
                None
            }
        })
        .unwrap();
    assert_eq!(
        (
            follow_up.kind.as_str(),
            follow_up.contact.as_deref(),
            follow_up.proven
        ),
        ("callback", Some("+442079460101"), false)
    );
    assert_eq!(follow_up.due.unwrap().to_string(), "2026-03-02T12:06:00Z");
    assert!(chat.has(|e| matches!(e, Effect::Dequeue { reason } if reason == "converted")));
    assert_eq!(chat.stage(), Stage::Closed);
}

#[test]
fn closed_hours_promise_and_go_on_and_the_promise_stands() {
    let mut chat = Chat::new(&support::engine(SHOP));
    chat.now = "2026-03-01T12:00:00Z".parse().unwrap();
    chat.opened(Default::default());
    chat.say("#!");
    assert!(chat.said().contains(&"We're back tomorrow at 09:00."));
    assert!(chat.has(|e| matches!(e, Effect::FollowUp(f) if f.kind == "ticket" && f.due.unwrap().to_string() == "2026-03-02T13:00:00Z")));
    assert!(!chat.has(|e| matches!(e, Effect::Enqueue(_))));
    assert_eq!(chat.view().tier, "ai");
    chat.say("please, a person #!");
    assert!(
        chat.said()[0].starts_with("We're back tomorrow at 09:00."),
        "{:?}",
        chat.said()
    );
    chat.now = "2026-03-02T09:00:00Z".parse().unwrap();
    chat.go(EventKind::PeopleAvailable);
    chat.say("a person now #!");
    assert_eq!(chat.stage(), Stage::Queued);
}

#[test]
fn nobody_signed_in_is_said_and_a_ticket_offered() {
    let mut chat = Chat::open(SHOP);
    chat.say("#!");
    chat.news(0);
    chat.press("Write to me");
    chat.say("not an address");
    assert_eq!(chat.said().len(), 2);
    chat.say("ana@example.com");
    assert!(chat.has(
        |e| matches!(e, Effect::FollowUp(f) if f.contact.as_deref() == Some("ana@example.com"))
    ));
}

#[test]
fn the_bands_of_an_answer() {
    let mut chat = Chat::open(SHOP);
    chat.press("Ask");
    assert_eq!(chat.view().tier, "ai");
    chat.say("one");
    let first = chat.request().unwrap();
    chat.say("and two");
    assert_eq!(
        chat.try_go(EventKind::ModelAnswered {
            request: first,
            answer: answer("x", 0.9)
        }),
        Err(Refusal::Stale {
            what: "model answer".into()
        })
    );
    assert!(
        chat.log
            .last()
            .unwrap()
            .effects
            .iter()
            .any(|e| matches!(e, Effect::AskModel(r) if r.question == "one\nand two"))
    );
    let request = chat
        .log
        .last()
        .unwrap()
        .effects
        .iter()
        .find_map(|e| {
            if let Effect::AskModel(r) = e {
                Some(r.request)
            } else {
                None
            }
        })
        .unwrap();
    chat.go(EventKind::ModelAnswered {
        request,
        answer: answer("Sure.", 0.9),
    });
    assert_eq!(
        chat.said(),
        ["I am a machine.", "Sure."],
        "an end that two bands share belongs to the higher one"
    );
    chat.say("three");
    chat.answers("Likely.", 0.8);
    assert_eq!(chat.said(), ["Likely.", "Good?"]);
    chat.say("no");
    chat.say("four");
    chat.answers("Perhaps.", 0.65);
    assert_eq!(
        chat.said(),
        ["Perhaps.", "Would you like to talk to a person?"]
    );
    chat.press("No");
    chat.say("angry #-");
    assert_eq!(
        chat.view().tier,
        "bot",
        "the model had its three turns: otherwise"
    );
    assert_eq!(chat.said(), ["What can I do?"]);
}

#[test]
fn a_model_that_fails_escalates_and_its_late_answer_is_refused() {
    let mut chat = Chat::open(SHOP);
    chat.press("Ask");
    chat.say("one");
    let request = chat.request().unwrap();
    chat.go(EventKind::ModelFailed {
        request,
        error: "timeout".into(),
    });
    assert_eq!(chat.stage(), Stage::Queued);
    assert_eq!(
        chat.try_go(EventKind::ModelAnswered {
            request,
            answer: answer("late", 1.0)
        }),
        Err(Refusal::Stale {
            what: "model answer".into()
        })
    );
}

#[test]
fn silence_is_broken_once_and_then_the_chat_is_abandoned() {
    let mut chat = Chat::open(SHOP);
    chat.pass(9);
    assert!(chat.log.len() == 1);
    chat.pass(1);
    assert_eq!(chat.said(), ["Still there?", "What can I do?"]);
    chat.pass(20);
    assert!(
        chat.has(
            |e| matches!(e, Effect::Closed { resolved: false, reason } if reason == "abandoned")
        )
    );
    chat.pass(60);
    chat.say("where #track_order");
    assert_eq!(chat.said(), ["What is your order id?"], "reopened");
    assert_eq!(chat.stage(), Stage::Scripted);
}

#[test]
fn a_closed_conversation_is_not_reopened_for_ever() {
    let mut chat = Chat::open(SHOP);
    chat.go(EventKind::Left);
    chat.pass(49 * 60);
    let late = EventKind::Message {
        id: "m".into(),
        text: "hi".into(),
        signals: signals("hi"),
    };
    assert_eq!(chat.try_go(late), Err(Refusal::Closed));
}

#[test]
fn an_old_button_is_refused_and_that_of_an_interrupted_question_works() {
    let mut chat = Chat::open(SHOP);
    let buttons = chat.view().buttons;
    chat.say("#track_order");
    assert_eq!(
        chat.view()
            .place
            .as_deref()
            .map(|p| p.starts_with("track/")),
        Some(true)
    );
    chat.go(EventKind::Pressed {
        id: "p".into(),
        button: buttons[2].id.clone(),
    });
    assert_eq!(chat.said(), ["How was it?"]);
    let old = EventKind::Pressed {
        id: "p".into(),
        button: buttons[0].id.clone(),
    };
    assert_eq!(
        chat.try_go(old),
        Err(Refusal::Stale {
            what: "button".into()
        })
    );
}

#[test]
fn words_in_the_message_route_it_and_the_priority_is_the_higher() {
    let mut chat = Chat::open(SHOP);
    chat.say("this is fraud #!");
    let row = chat.decision.row.clone().unwrap();
    assert_eq!((row.row, row.team.as_str()), (1, "night"));
    assert_eq!(
        chat.view().priority,
        flow_compiler::machine::Priority::Immediate
    );
}

#[test]
fn a_rule_fires_when_its_condition_held_for_two_messages() {
    let mut chat = Chat::open(SHOP);
    chat.say("bad #- #hours");
    assert_eq!(chat.stage(), Stage::Scripted);
    chat.say("bad #-");
    assert_eq!(
        chat.decision.escalation.as_ref().unwrap().rule.as_deref(),
        Some("angry")
    );
    let trace = chat
        .decision
        .rules
        .iter()
        .find(|r| r.rule == "angry")
        .unwrap();
    assert!(trace.fired && trace.reads.iter().any(|r| r.name == "sentiment"));
    assert_eq!(trace.at.file, "bot.flow");
}
