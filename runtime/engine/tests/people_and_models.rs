//! Proof of identity, tools with consent, triggers, and flows that never stop.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use flow_compiler::machine::Priority;
use flow_compiler::value::Value;
use flow_engine::effect::Effect;
use flow_engine::event::{EventKind, ToolCall, Visitor};
use flow_engine::{Refusal, Stage};
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

fn record(fields: &[(&str, Value)]) -> Value {
    Value::Record(Arc::new(
        fields
            .iter()
            .map(|(n, v)| ((*n).into(), v.clone()))
            .collect(),
    ))
}

const PROFILE: &str = r#"
tier ai: model { shares transcript }
enum plan { free, pro }
record profile { plan: plan; name: text }
customer from crm(customer.email) {
  email: email private identifies ask "Your address?"
  name: text private
  plan: plan = free
}
webhook crm(email: email) -> profile { get "{env.CRM}?email={email}"; shares customer.email }
node greet {
  ask customer.email "Your address?"
  verify customer.email "We sent you a code." { failed -> guest }
  if customer.plan is pro { say "Welcome, pro." } else { say "Welcome." }
  -> guest
}
node guest { choose "What now?" { "Again" -> greet; "Bye" -> end resolved } }
"#;

#[test]
fn a_claim_loads_nothing_until_it_is_proven() {
    let mut chat = Chat::open(&bot(PROFILE));
    chat.say("it is ana@example.com");
    assert!(chat.has(|e| matches!(e, Effect::Verify { field, contact } if field == "email" && contact == "ana@example.com")));
    assert!(!chat.has(|e| matches!(e, Effect::CallWebhook { .. })));
    assert!(!chat.state.is_proven("email"));
    chat.say("12 34 56");
    assert!(chat.has(|e| matches!(e, Effect::CheckCode { code } if code == "123456")));
    chat.go(EventKind::Verified {
        ok: true,
        again: false,
    });
    assert!(chat.state.is_proven("email"));
    assert!(chat.has(|e| matches!(e, Effect::CallWebhook { webhook, .. } if webhook == "crm")));
    assert!(chat.said().is_empty(), "the flow waits for the profile");
    chat.webhook(Ok(record(&[
        ("plan", Value::Enum("pro".into())),
        ("name", Value::text("Ana")),
    ])));
    assert_eq!(chat.said(), ["Welcome, pro.", "What now?"]);
    assert_eq!(chat.state.customer("name"), Some(&Value::text("Ana")));
    assert_eq!(
        chat.try_go(EventKind::Verified {
            ok: true,
            again: false,
        }),
        Err(Refusal::Stale {
            what: "verification".into()
        })
    );
}

#[test]
fn who_is_proven_by_the_channel_is_known_before_the_first_word() {
    let mut chat = Chat::new(&engine(&bot(PROFILE)));
    let proven = [("email".into(), Value::text("ana@example.com"))]
        .into_iter()
        .collect();
    chat.opened(Visitor {
        proven,
        ..Visitor::default()
    });
    assert!(chat.view().busy && chat.said().is_empty());
    chat.webhook(Err("down".to_owned()));
    assert_eq!(chat.said(), ["Your address?"], "`ask` always asks");
}

const TOOLS: &str = r#"
tier ai: model {
  tools look_up, cancel_order confirm
  answers by confidence { 50%..100% send; 0%..50% escalate }
}
customer { name: text private }
webhook look_up(id: text) -> text { get "{env.SHOP}/{id}" }
webhook cancel_order(id: text, amount: number?) { post "{env.SHOP}/cancel"; send { id, amount }; idempotent }
node greet { continue with ai { resolved -> bye; otherwise -> bye } }
node bye { choose "Bye?" { "Yes" -> end resolved } }
"#;

fn tool(name: &str, args: &[(&str, Value)]) -> ToolCall {
    ToolCall {
        id: "t".into(),
        tool: name.into(),
        args: args.iter().map(|(n, v)| ((*n).into(), v.clone())).collect(),
    }
}

#[test]
fn a_tool_that_changes_something_waits_for_consent() {
    let mut chat = Chat::open(&bot(TOOLS));
    chat.say("cancel order 7");
    let request = chat.request().unwrap();
    let calls = vec![
        tool("drop_tables", &[]),
        tool("look_up", &[("id", Value::Number(1.0))]),
        tool("look_up", &[("id", Value::text("7"))]),
        tool("cancel_order", &[("id", Value::text("7"))]),
    ];
    chat.go(EventKind::ModelCalledTools { request, calls });
    assert!(chat.has(|e| matches!(e, Effect::CallWebhook { webhook, .. } if webhook == "look_up")));
    assert_eq!(
        chat.decision.remarks.len(),
        2,
        "{:?}",
        chat.decision.remarks
    );
    chat.webhook(Ok(Value::text("open")));
    assert_eq!(chat.said(), ["May I do this for you: cancel order (id 7)?"]);
    assert!(!chat.has(|e| matches!(e, Effect::CallWebhook { .. })));
    chat.say("no");
    let asked = chat
        .effects
        .iter()
        .find_map(|e| {
            if let Effect::AskModel(r) = e {
                Some(r.clone())
            } else {
                None
            }
        })
        .unwrap();
    let results: Vec<bool> = asked
        .tool_results
        .iter()
        .map(|r| r.result.is_ok())
        .collect();
    assert_eq!(results, [false, false, true, false]);
    assert!(asked.question == "cancel order 7");
    chat.go(EventKind::ModelCalledTools {
        request: asked.request,
        calls: vec![tool("cancel_order", &[("id", Value::text("7"))])],
    });
    chat.press("Yes");
    let sent = chat
        .effects
        .iter()
        .find_map(|e| {
            if let Effect::CallWebhook { request, .. } = e {
                Some(request.clone())
            } else {
                None
            }
        })
        .unwrap();
    assert_eq!(
        (sent.method.as_str(), sent.body),
        (
            "POST",
            Some(serde_json::json!({ "id": "7", "amount": null }))
        )
    );
    assert!(sent.idempotency_key.is_some());
}

const TRIGGER: &str = r#"
tier ai: model {}
customer { email: email identifies }
trigger renewal from webhook "crm/renewals" signed secret.KEY {
  payload { email: email, days_left: number }
  find customer by email
  when payload.days_left < 10
  escalate to human priority high because "Renewal in {payload.days_left} days"
}
node greet { choose "Hello" { "Bye" -> end resolved } }
"#;

#[test]
fn a_trigger_moves_a_conversation_if_its_condition_holds() {
    let mut chat = Chat::open(&bot(TRIGGER));
    let payload = |days: f64| {
        [
            ("email".into(), Value::text("a@b.c")),
            ("days_left".into(), Value::Number(days)),
        ]
        .into_iter()
        .collect()
    };
    chat.go(EventKind::Triggered {
        trigger: "renewal".into(),
        payload: payload(30.0),
    });
    assert_eq!(
        (chat.stage(), chat.decision.taken_by.as_deref()),
        (Stage::Scripted, Some("ignored"))
    );
    chat.go(EventKind::Triggered {
        trigger: "renewal".into(),
        payload: payload(5.0),
    });
    assert_eq!(
        (chat.stage(), chat.view().priority),
        (Stage::Queued, Priority::High)
    );
    assert_eq!(
        chat.decision.escalation.as_ref().unwrap().reasons,
        ["Renewal in 5 days"]
    );
}

#[test]
fn an_agent_s_chat_survives_a_transfer_a_loss_and_a_return() {
    let mut chat = Chat::open(&bot(
        "tier ai: model {}\nteam sales { hours always }\nnode greet { choose \"Hello\" { \"Bye\" -> end resolved } }",
    ));
    chat.say("#!");
    chat.news(1);
    chat.accepted_by("leo");
    let since = chat.view().escalated;
    chat.pass(5);
    chat.go(EventKind::AgentTransferred {
        agent: "leo".into(),
        team: "sales".into(),
        reason: None,
    });
    assert_eq!(
        (chat.stage(), chat.view().team.as_deref()),
        (Stage::Queued, Some("sales"))
    );
    assert!(chat.has(
        |e| matches!(e, Effect::Enqueue(item) if item.team == "sales" && Some(item.since) == since)
    ));
    let mia = flow_engine::event::AgentRef {
        id: "mia".into(),
        name: "Mia".into(),
    };
    assert_eq!(
        chat.try_go(EventKind::Accepted {
            generation: 0,
            reservation: 1,
            agent: mia.clone(),
            team: "sales".into()
        }),
        Err(Refusal::UnknownReservation { reservation: 1 })
    );
    chat.go(EventKind::Reserved {
        generation: 0,
        reservation: 2,
        agent: mia.clone(),
    });
    chat.go(EventKind::Accepted {
        generation: 0,
        reservation: 2,
        agent: mia,
        team: "sales".into(),
    });
    assert_eq!(chat.said(), ["You're now with Mia."]);
    chat.go(EventKind::AgentLost {
        generation: 0,
        agent: "mia".into(),
    });
    assert_eq!(chat.stage(), Stage::Queued);
    chat.accepted_by_next("leo", 3);
    chat.go(EventKind::AgentReturned {
        agent: "leo".into(),
        reason: Some("simple".into()),
    });
    assert_eq!(
        (chat.said(), chat.view().tier.as_str()),
        (vec!["Hello"], "bot")
    );
    chat.say("#!");
    assert_eq!(
        chat.stage(),
        Stage::Queued,
        "the second handoff works as the first"
    );
}

#[test]
fn the_model_is_told_no_private_value_that_is_not_shared() {
    let mut chat = Chat::open(&bot(r#"
tier ai: model { shares transcript }
customer { name: text private; city: text }
node greet { form customer.name, customer.city; continue with ai { resolved -> greet; otherwise -> greet } }
"#));
    chat.say("Ana Silva");
    chat.say("Lisbon");
    chat.say("my name is ANA SILVA, what now?");
    let asked = chat
        .effects
        .iter()
        .find_map(|e| {
            if let Effect::AskModel(r) = e {
                Some(r.clone())
            } else {
                None
            }
        })
        .unwrap();
    assert_eq!(asked.question, "my name is [name], what now?");
    assert!(
        asked.facts.contains_key("customer.city") && !asked.facts.contains_key("customer.name")
    );
    let history = chat.engine.prompt_history(&chat.state, "ai", &chat.log);
    assert!(
        history.iter().any(|l| l.text == "[name]")
            && !history.iter().any(|l| l.text.contains("Ana"))
    );
}

#[test]
fn the_model_is_told_no_copy_of_a_private_text() {
    let mut chat = Chat::open(&bot(r#"
tier ai: model {}
customer { name: text private }
slots { greeting: text }
node greet { ask customer.name "Your name?"; set greeting = "Dear {customer.name}"; escalate because "They have a question" }
"#));
    chat.say("Ana Silva");
    chat.say("what now?");
    let facts = chat.effects.iter().find_map(|e| match e {
        Effect::AskModel(r) => Some(r.facts.clone()),
        _ => None,
    });
    assert_eq!(
        facts.unwrap().get("greeting"),
        Some(&Value::text("Dear [name]"))
    );
}

#[test]
fn a_field_that_an_answer_leaves_out_has_its_default() {
    let engine = engine(&bot(r#"
tier ai: model {}
record parcel { id: text; pieces: number = 1; weight: number }
webhook find(id: text) -> parcel { get "https://shop.example/{id}" }
node greet { call find("1") as found { failed -> end unresolved }; say "{found.pieces} {found.weight}"; end resolved }
"#));
    let machine = engine.machine();
    let ty = &machine.webhooks[0].returns.as_ref().unwrap().0;
    let read = |json| flow_engine::json::from_json(machine, ty, &json);
    for json in [
        serde_json::json!({"id": "A", "weight": 2}),
        serde_json::json!({"id": "A", "weight": 2, "pieces": null}),
    ] {
        let Value::Record(fields) = read(json).unwrap() else {
            panic!("no record")
        };
        assert_eq!(fields["pieces"], Value::Number(1.0));
    }
    assert_eq!(
        read(serde_json::json!({"id": "A"})).unwrap_err(),
        "`weight` is missing"
    );
}

#[test]
fn what_called_a_person_does_not_call_them_again_when_they_are_free() {
    let mut chat = Chat::open(&bot(r#"
tier ai: model {}
escalate angry to human { when sentiment < -40% for 2 messages }
node greet { choose "Hello" { "Bye" -> end resolved } }
"#));
    chat.say("bad #-");
    chat.say("bad #-");
    assert_eq!(chat.stage(), Stage::Queued);
    chat.news(1);
    chat.accepted_by("leo");
    chat.go(EventKind::AgentReturned {
        agent: "leo".into(),
        reason: None,
    });
    chat.go(EventKind::PeopleAvailable);
    assert_eq!(chat.stage(), Stage::Scripted);
    chat.say("bad #-");
    assert_eq!(chat.stage(), Stage::Scripted, "one message is not two");
    chat.say("bad #-");
    assert_eq!(chat.stage(), Stage::Queued);
}

#[test]
fn a_flow_that_never_stops_ends_with_a_person() {
    use flow_compiler::sources::Project;
    // The checker refuses such a flow (F0403); the engine does not rely on it.
    let source = bot(
        "tier ai: model {}\nnode greet { say \"Round.\"; -> again }\nnode again { say \"And round.\"; -> greet }",
    );
    let project = Project {
        flow_files: vec![("bot.flow".into(), source.as_str().into())],
        ..Project::default()
    };
    let options = flow_compiler::Options {
        date: "2026-03-02".parse().unwrap(),
    };
    let compiled = flow_compiler::Compiler::new().compile(&project, &options);
    let mut chat = Chat::new(&Arc::new(flow_engine::Engine::new(compiled.machine)));
    chat.opened(Visitor::default());
    assert!(
        chat.decision
            .remarks
            .iter()
            .any(|r| r.contains("1000 steps")),
        "{:?}",
        chat.decision.remarks
    );
    assert_eq!(chat.stage(), Stage::Queued);
}

/// The checker knows most of these circles; this one it cannot judge, because it asks the hours.
#[test]
fn a_plan_for_closed_hours_that_leads_back_to_people_runs_once() {
    let mut chat = Chat::new(&engine(
        r#"
bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted {}
tier human: people {}
hours office { timezone "UTC"; sun 03:00-03:01 }
team support { hours office }
route human {
  | intent | team    | priority |
  | _      | support | standard |
}
handoff human { closed { say "We are closed."; if outside office { -> greet } } }
node greet { say "Hello."; -> escalate }
"#,
    ));
    chat.opened(Visitor::default());
    let said = chat.messages();
    let times = |text: &str| said.iter().filter(|m| m.text.contains(text)).count();
    assert_eq!(
        (times("Hello."), times("We are closed.")),
        (2, 1),
        "{said:?}"
    );
    assert!(said.len() < 8, "{said:?}");
    // Whoever comes on Sunday finds the customer in the queue.
    assert_eq!(chat.stage(), Stage::Queued);
}
