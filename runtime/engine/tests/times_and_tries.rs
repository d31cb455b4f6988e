//! What happens because time has passed, and what happens because something was tried and did not help.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use flow_engine::effect::Effect;
use flow_engine::event::{AgentRef, EventKind, Visitor};
use flow_engine::{NoHooks, Refusal, Stage};
use support::{Chat, engine};

const HEAD: &str = r#"
bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted {}
tier human: people {}
hours office { timezone "UTC"; mon..fri 09:00-17:30 }
team support { hours always }
route human {
  | intent | team    | priority |
  | _      | support | standard |
}
"#;

fn bot(rest: &str) -> Chat {
    let mut chat = Chat::new(&engine(&format!("{HEAD}{rest}")));
    chat.opened(Visitor::default());
    chat
}

const ASKING: &str = r#"
node greet { choose "Hello" { "Person" -> escalate because "asked"; "Bye" -> end resolved } }
"#;

fn offering(when: &str) -> Chat {
    let mut chat = bot(&format!(
        "handoff human {{ say \"One moment.\"; offer when {when} {{ stay \"I'll wait\" }} }}{ASKING}"
    ));
    chat.press("Person");
    chat.news(1);
    assert!(chat.view().buttons.is_empty());
    chat
}

#[test]
fn an_offer_shows_when_its_time_comes_although_nothing_happens() {
    for when in [
        "time in tier > 5m",
        "queue.wait > 1h or time in tier >= 5m",
        "time in conversation > 5m",
        "(queue.position is known) for 5m",
        "now > 2026-03-02 10:05",
    ] {
        let mut chat = offering(when);
        let before = chat.messages().len();
        chat.pass(4);
        assert_eq!(chat.messages().len(), before, "{when}");
        chat.pass(2);
        assert_eq!(chat.view().buttons.len(), 1, "{when}");
        assert_eq!(chat.messages().len(), before + 1, "{when}");
        chat.pass(60);
        assert_eq!(chat.messages().len(), before + 1, "{when}");
        assert_eq!(chat.state.timers().count(), 0, "{when}: it is made once");
    }
}

#[test]
fn an_offer_shows_when_the_office_closes() {
    let mut chat = offering("outside office");
    chat.pass(7 * 60 + 29);
    assert!(chat.view().buttons.is_empty());
    chat.pass(2);
    assert_eq!(chat.view().buttons.len(), 1);
}

#[test]
fn an_offer_that_waits_for_its_time_is_forgotten_with_the_queue() {
    let mut chat = offering("time in tier > 5m");
    assert_eq!(chat.state.timers().count(), 1);
    chat.accepted_by("leo");
    assert_eq!(
        (chat.stage(), chat.state.timers().count()),
        (Stage::WithAgent, 0)
    );
}

#[test]
fn an_attempt_that_fails_counts_before_the_flow_goes_on() {
    let mut chat = bot(r#"
escalate stuck to human { when attempts.failed >= 2; say "Let me get somebody." }
handoff human { say "One moment." }
node greet { attempt "Restarted it" { worked -> end resolved; declined -> again } }
node again {
  say "Then the cable."
  attempt "Changed the cable" { worked -> end resolved; declined { say "Then I do not know."; -> greet } }
}
"#);
    chat.say("no");
    assert_eq!(chat.said(), ["Then the cable.", "Did that help?"]);
    assert_eq!(chat.stage(), Stage::Scripted);
    chat.say("no");
    assert_eq!(chat.said(), ["Let me get somebody."]);
    assert_eq!(chat.stage(), Stage::Queued);
    let traces: Vec<_> = chat
        .decision
        .rules
        .iter()
        .filter(|r| r.rule == "stuck")
        .collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    assert!(traces[0].fired && traces[0].reads.iter().any(|r| r.name == "attempts.failed"));
}

const PROOF: &str = r#"
customer { email: email private identifies ask "Your address?" }
handoff human { say "One moment." }
node greet { ask customer.email; -> prove }
node known { choose "You are known." { "Bye" -> end resolved } }
node guest { choose "You are a guest." { "Again" -> greet; "Bye" -> end resolved } }
"#;

fn wrong(chat: &mut Chat) -> Result<(), Refusal> {
    chat.say("12 34 56");
    assert!(chat.has(|e| matches!(e, Effect::CheckCode { code } if code == "123456")));
    chat.try_go(EventKind::Verified {
        ok: false,
        again: true,
    })
}

#[test]
fn a_wrong_code_leads_to_another_try_until_they_are_spent() {
    let mut chat = bot(&format!(
        r#"{PROOF} node prove {{ verify customer.email "We sent you a code." {{ failed -> guest }}; -> known }}"#
    ));
    chat.say("ana@example.com");
    for _ in 0..2 {
        wrong(&mut chat).unwrap();
        assert_eq!(
            chat.said(),
            ["That is not the right code. Please try again."]
        );
    }
    wrong(&mut chat).unwrap();
    assert_eq!(chat.said(), ["You are a guest."]);
    assert!(wrong_again_is_late(&mut chat));
}

fn wrong_again_is_late(chat: &mut Chat) -> bool {
    let late = chat.try_go(EventKind::Verified {
        ok: true,
        again: false,
    });
    late == Err(Refusal::Stale {
        what: "verification".into(),
    })
}

#[test]
fn the_right_code_may_come_second_and_the_bot_says_how_often_and_with_what_words() {
    let mut chat = bot(&format!(
        r#"{PROOF} node prove {{ verify customer.email "Code?" {{ invalid "Look again."; retry 1; failed -> guest }}; -> known }}"#
    ));
    chat.say("ana@example.com");
    wrong(&mut chat).unwrap();
    assert_eq!(chat.said(), ["Look again."]);
    chat.say("65 43 21");
    chat.go(EventKind::Verified {
        ok: true,
        again: false,
    });
    assert_eq!(chat.said(), ["You are known."]);
    assert!(chat.state.is_proven("email"));
}

#[test]
fn a_verification_that_failed_for_good_asks_for_no_other_code() {
    let mut chat = bot(&format!(
        r#"{PROOF} node prove {{ verify customer.email "Code?" {{ failed -> guest }}; -> known }}"#
    ));
    chat.say("ana@example.com");
    chat.go(EventKind::Verified {
        ok: false,
        again: false,
    });
    assert_eq!(chat.said(), ["You are a guest."]);
}

#[test]
fn the_card_proposes_an_opening_with_a_name_or_none() {
    let mut chat = bot(&format!(
        r#"handoff human {{ say "One moment." }}
assist {{ open "Hi, I'm {{agent.name}}."; template bye "Yours, {{agent.name}}"; template wait "One moment." }}{ASKING}"#
    ));
    chat.press("Person");
    chat.news(1);
    let card = |chat: &Chat| chat.engine.card(&chat.state, &chat.log, &NoHooks).unwrap();
    assert_eq!(card(&chat).opening, None);
    assert_eq!(
        card(&chat).templates,
        [("wait".into(), "One moment.".to_owned())]
    );
    chat.go(EventKind::Reserved {
        generation: 0,
        reservation: 1,
        agent: AgentRef {
            id: "leo".into(),
            name: "Leo".into(),
        },
    });
    assert_eq!(chat.stage(), Stage::Offered);
    assert_eq!(card(&chat).opening.as_deref(), Some("Hi, I'm Leo."));
    assert_eq!(card(&chat).templates.len(), 2);
}
