//! Declarations: defaults, built-in rules, hours, handoffs, tests.

use crate::machine::{HandlerEvent, MockAnswer, Priority, RuleOrigin, Signal, TestStepKind};
use crate::testing::{HEAD, compile, compile_files, found, with_head};
use crate::value::{TierId, Value};

#[test]
fn regulated_intents_and_requests_have_rules() {
    let c = with_head("intent legal regulated { \"I will sue you\" }\nnode greet { end resolved }");
    let rules = &c.machine.rules;
    assert_eq!(
        rules.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(),
        ["asked_for_human", "regulated_legal"]
    );
    assert!(rules.iter().all(|r| r.priority == Priority::High
        && r.to == TierId(2)
        && r.from == [TierId(0), TierId(1)]));
    assert_eq!(rules[0].origin, RuleOrigin::AskedForHuman);
    let c = with_head(
        "escalate asked_for_human to human { when asks_for_human; say \"Now.\" }\nnode greet { end resolved }",
    );
    assert_eq!(c.machine.rules.len(), 1);
    assert_eq!(c.machine.rules[0].priority, Priority::Standard);
}

#[test]
fn confidence_is_seen_through_thresholds_and_segments() {
    let c = with_head(
        "threshold t = 70% { 60% when unsure }\nsegment unsure when confidence < 30%\nsegment deep when t > 50%\n\
         escalate a to human { when deep }\nescalate b to human { when shouting }\nnode greet { end resolved }",
    );
    let reads = |n: &str| {
        c.machine
            .rules
            .iter()
            .find(|r| r.name == n)
            .unwrap()
            .reads_confidence
    };
    assert!(reads("a"));
    assert!(!reads("b"));
}

#[test]
fn weeks_are_merged_and_run_overnight() {
    let c = with_head(
        "hours h { timezone \"Europe/London\"; mon..wed 09:00-12:00, 11:00-13:00; fri 22:00-06:00; sat..sun 00:00-24:00; closed 2026-12-25, 2026-12-31..2027-01-01 }\n\
         escalate a to human { when outside h }\nnode greet { end resolved }",
    );
    assert_eq!(found(&c, &["F0101", "F0301"]), []);
    let h = &c.machine.hours[1];
    assert_eq!(h.week[0], [(540, 780)]);
    assert_eq!(h.week[4], [(1320, 1800)]);
    assert_eq!(h.week[6], [(0, 1440)]);
    assert_eq!(h.closed.len(), 2);
    assert!(c.machine.hours[0].always);
    let c = with_head(
        "hours h { mon 25:00-26:00; tue 09:00-09:00; closed 2026-02-30 }\nescalate a to human { when outside h }\nnode greet { end resolved }",
    );
    assert!(found(&c, &["F0301"]).len() >= 2, "{:?}", c.diagnostics);
}

#[test]
fn a_handoff_with_when_takes_what_it_does_not_say() {
    let c = with_head(
        "handoff human when priority is immediate { say \"Now.\"; accept within 10s }\nnode greet { end resolved }",
    );
    let special = c
        .machine
        .handoffs
        .iter()
        .find(|h| h.when.is_some())
        .unwrap();
    let plain = c
        .machine
        .handoffs
        .iter()
        .find(|h| h.when.is_none())
        .unwrap();
    assert_eq!(special.accept_within, 10_000);
    assert_eq!(plain.accept_within, 30_000);
    assert_ne!(special.say, plain.say);
    assert_eq!(special.review, 0);
}

#[test]
fn defaults_hold() {
    let c = with_head(
        "webhook w() { get \"https://x.example\" }\nnode greet { call w() { failed -> escalate }; end resolved }",
    );
    let m = &c.machine;
    assert_eq!(m.bot.title, "Demo");
    assert_eq!(m.bot.timezone, "UTC");
    assert!((m.bot.understands_from - 0.8).abs() < f64::EPSILON);
    assert_eq!((m.webhooks[0].timeout, m.webhooks[0].retry), (10_000, 0));
    assert_eq!(m.teams[0].capacity, 3);
    assert_eq!(m.teams[0].assign.len(), 2);
}

#[test]
fn channels_know_their_limits() {
    let c = compile(&format!(
        "{}\nchannel whatsapp {{ window 12h; reopen template \"t\" }}\nnode greet {{ end resolved }}",
        HEAD.replace("channels web", "channels web, whatsapp")
    ));
    assert_eq!(found(&c, &["F0201"]), []);
    let w = &c.machine.channels[1];
    assert_eq!(
        (
            w.limits.buttons,
            w.limits.button_label,
            w.limits.list_rows,
            w.limits.text
        ),
        (Some(3), Some(20), Some(10), Some(4096))
    );
    assert!(w.limits.vouches_phone);
    assert_eq!(w.window, Some(12 * 3_600_000));
    let c = compile(&format!(
        "{}\nnode greet {{ end resolved }}",
        HEAD.replace("channels web", "channels wbe")
    ));
    assert_eq!(found(&c, &["F0201"]), [("F0201", "wbe")]);
}

#[test]
fn knowledge_and_hooks_come_from_files_of_the_project() {
    let bot = format!(
        "{HEAD}knowledge kb from \"kb/*.md\"\nhook big(n: number) -> bool from \"hooks/big.rhai\"\nescalate a to human {{ when big(turns) }}\nnode greet {{ end resolved }}"
    )
    .replace("turns at most 8", "knowledge kb");
    let c = compile_files(&[("shop/bot.flow", &bot)], &[]);
    assert_eq!(
        c.diagnostics.iter().filter(|d| d.code == "F0203").count(),
        1,
        "the root is another folder"
    );
    let c = compile_files(
        &[("bot.flow", &bot)],
        &[
            ("hooks/big.rhai", "fn big(n) { n > 3.0 }"),
            ("kb/a.md", "# A"),
            ("kb/deep/b.md", "# B"),
        ],
    );
    assert_eq!(found(&c, &["F0204"]), []);
    assert_eq!(
        c.machine.knowledge[0].files.len(),
        1,
        "a star stays in its folder"
    );
    assert!(c.machine.hooks[0].script.contains("n > 3.0"));
    let c = compile_files(&[("bot.flow", &bot)], &[]);
    assert_eq!(found(&c, &["F0204"]).len(), 2);
}

#[test]
fn mocks_are_built_to_their_record() {
    let c = with_head(
        "enum status { new, done }\nrecord order { id: text; status: status; total: money; eta: date? }\nwebhook find(id: text) -> order { get \"https://x.example/{id}\" }\n\
         webhook all() -> list of order { get \"https://x.example\" }\n\
         node greet { call find(\"1\") as o { failed -> escalate }; call all() { failed -> escalate }; say \"{o.id}\"; end resolved }\n\
         test \"t\" {\n  mock find returns { id \"1\"; status done; total 3 USD }\n  mock all returns [{ id \"1\" }, { id \"2\" }]\n  mock find fails\n  customer \"hi\"\n  expect resolved\n}\n\
         test \"u\" {\n  mock find returns { idd \"1\"; status nonsense }\n}",
    );
    assert_eq!(
        found(&c, &["F1201", "F0301", "F0201"]),
        [("F1201", "idd"), ("F1201", "nonsense")]
    );
    let TestStepKind::Mock(_, MockAnswer::Returns(Value::Record(order))) =
        &c.machine.tests[0].steps[0].kind
    else {
        panic!("a mock")
    };
    assert_eq!(order["status"], Value::Enum("done".into()));
    assert_eq!(order["eta"], Value::Unknown);
}

#[test]
fn names_in_tests_are_f1201() {
    let c = with_head(
        "node greet { end resolved }\ntest \"t\" {\n  given agent leo in nobody\n  agent ana accepts\n  expect node is gret\n  expect turns is \"x\"\n}",
    );
    assert_eq!(
        found(&c, &["F1201", "F0201", "F0301"]),
        [
            ("F1201", "nobody"),
            ("F1201", "ana"),
            ("F1201", "gret"),
            ("F1201", "\"x\"")
        ]
    );
}

#[test]
fn handlers_keep_their_events() {
    let c = with_head(
        "intent i { \"x\" }\non intent i visit greet\non silence 10m { say \"?\" }\non file -> greet\non escalate { note \"n\" }\nnode greet { end resolved }",
    );
    let events: Vec<HandlerEvent> = c.machine.handlers.iter().map(|h| h.event).collect();
    assert_eq!(
        events,
        [
            HandlerEvent::Intent(crate::value::IntentId(0)),
            HandlerEvent::Silence(600_000),
            HandlerEvent::File,
            HandlerEvent::Escalate
        ]
    );
}

#[test]
fn a_cell_of_the_message_is_words() {
    let head = HEAD.replace("  | intent | team    | priority |\n  | _      | support | standard |", "  | intent | message | confidence | team | priority |\n  | none | \"fraud\", \"gdpr\" | 60%..80% | support | high |\n  | _ | _ | _ | support | _ |");
    let c = compile(&format!("{head}\nnode greet {{ end resolved }}"));
    assert_eq!(found(&c, &["F0101", "F0201", "F0301"]), []);
    let row = &c.machine.routes[0].rows[0];
    assert_eq!(row.cells[1].len(), 2);
    assert_eq!(row.priority, Priority::High);
    assert_eq!(c.machine.routes[0].rows[1].priority, Priority::Standard);
    assert!(matches!(
        c.machine.routes[0].columns[2].kind,
        crate::machine::ExprKind::Signal(Signal::Confidence)
    ));
}

#[test]
fn the_version_is_the_sources() {
    let a = with_head("node greet { end resolved }")
        .machine
        .version
        .clone();
    assert_eq!(a, with_head("node greet { end resolved }").machine.version);
    assert_ne!(
        a,
        with_head("node greet { end unresolved }").machine.version
    );
    assert_eq!(a.len(), 64);
}
