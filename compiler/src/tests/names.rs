//! Names: namespaces, folders, suggestions.

use crate::testing::{HEAD, compile, compile_files, found, with_head};

const NAMES: [&str; 5] = ["F0201", "F0202", "F0203", "F0204", "F0205"];

#[test]
fn an_unknown_name_suggests_the_nearest() {
    let c = with_head(
        "slots { order_id: text ask \"Which?\" }\nnode greet { ask order_id; say \"{ordr_id}\"; end resolved }",
    );
    assert_eq!(found(&c, &NAMES), [("F0201", "ordr_id")]);
    let d = c.diagnostics.iter().find(|d| d.code == "F0201").unwrap();
    assert_eq!(d.help.as_deref(), Some("did you mean `order_id`?"));
    assert_eq!(d.fixes[0].edits[0].text, "order_id");
}

#[test]
fn a_name_of_another_namespace_is_explained() {
    let c = with_head(
        "intent refund { \"money back\" }\nnode greet { choose \"x\" { \"A\" -> refund; \"B\" -> escalate } }",
    );
    let d = c.diagnostics.iter().find(|d| d.code == "F0201").unwrap();
    assert_eq!(d.help.as_deref(), Some("`refund` is an intent"));
}

#[test]
fn a_slot_in_place_of_a_text_says_how_to_show_it() {
    let c = with_head("slots { city: text = \"Rome\" }\nnode greet { say city; end resolved }");
    let d = c.diagnostics.iter().find(|d| d.code == "F0201").unwrap();
    assert_eq!(
        d.help.as_deref(),
        Some("to show the value, write `\"{city}\"`")
    );
}

#[test]
fn a_signal_hides_a_slot_of_its_name() {
    let c = with_head(
        "slots { page: number = 1 }\nnode greet { set slots.page = slots.page + 1; say \"{page}\"; end resolved }",
    );
    assert_eq!(found(&c, &["F0201", "F0202", "F0301"]), []);
    let c = with_head(
        "segment page when shouting\nescalate a to human { when page }\nnode greet { end resolved }",
    );
    assert_eq!(found(&c, &["F0202"]), [("F0202", "page")]);
}

#[test]
fn results_of_two_branches_may_share_a_name() {
    let text = r#"
record order { id: text }
record receipt { id: text }
webhook a() -> order { get "https://x.example" }
webhook b() -> receipt { get "https://x.example" }
node greet {
  if shouting { call a() as r { failed -> escalate }; say "{r.id}" } else { call a() as r { failed -> escalate } }
  end resolved
}"#;
    assert_eq!(found(&with_head(text), &["F0202"]), []);
    let other = text.replace("else { call a() as r", "else { call b() as r");
    assert_eq!(found(&with_head(&other), &["F0202"]), [("F0202", "r")]);
}

const COMMON: &str = "node bye { say welcome; end resolved }\ntext welcome { en \"Hi {company}\" }\nslots { company: text = \"Acme\" }\n\
    escalate loud to human { when shouting }\non silence 5m { say \"Still there?\" }\nenum size { small, large }\n";

fn used(extra: &str) -> crate::Compilation {
    let bot = format!(
        "{HEAD}use \"lib/common\" as common\n{extra}\nnode greet {{ choose \"x\" {{ \"A\" -> common.bye; \"B\" -> escalate common.loud }} }}"
    );
    compile_files(
        &[("bot.flow", &bot), ("lib/common/parts.flow", COMMON)],
        &[],
    )
}

#[test]
fn a_used_folder_acts_only_when_included() {
    let c = used("");
    assert_eq!(found(&c, &NAMES), []);
    assert!(c.machine.handlers.is_empty());
    let loud = c
        .machine
        .rules
        .iter()
        .find(|r| r.name == "common.loud")
        .unwrap();
    assert!(loud.from.is_empty(), "it never fires by itself");
    let c = used("include common");
    assert_eq!(c.machine.handlers.len(), 1);
    let loud = c
        .machine
        .rules
        .iter()
        .find(|r| r.name == "common.loud")
        .unwrap();
    assert_eq!(loud.from.len(), 2);
    assert!(c.machine.names.nodes.contains_key("common.bye"));
    assert!(c.machine.names.slots.contains_key("common.company"));
}

#[test]
fn types_of_a_used_folder_have_its_name() {
    let c = used(
        "slots { size: common.size = large }\nescalate x to human { when size is small and common.company is \"B\" }",
    );
    assert_eq!(found(&c, &["F0201", "F0301"]), []);
}

#[test]
fn folders_in_a_circle_are_reported_once() {
    let bot = format!(
        "{HEAD}use \"a\" as a\nnode greet {{ choose \"x\" {{ \"A\" -> a.x; \"B\" -> escalate }} }}"
    );
    let c = compile_files(
        &[
            ("bot.flow", &bot),
            ("a/a.flow", "use \"../b\" as b\nnode x { -> b.y }"),
            ("b/b.flow", "use \"../a\" as a\nnode y { end resolved }"),
        ],
        &[],
    );
    let circle: Vec<_> = c.diagnostics.iter().filter(|d| d.code == "F0204").collect();
    assert_eq!(circle.len(), 1);
    assert_eq!(
        circle[0].message,
        "folders use each other in a circle: `a` -> `b` -> `a`"
    );
}

#[test]
fn a_used_folder_holds_no_bot() {
    let bot = format!(
        "{HEAD}use \"a\" as a\nnode greet {{ choose \"x\" {{ \"A\" -> a.x; \"B\" -> escalate }} }}"
    );
    let c = compile_files(
        &[
            ("bot.flow", &bot),
            ("a/a.flow", "bot other { start x }\nnode x { end resolved }"),
        ],
        &[],
    );
    assert_eq!(found(&c, &["F0203"]), [("F0203", "other")]);
}

#[test]
fn nothing_follows_from_a_folder_that_is_not_there() {
    let c = compile(&format!(
        "{HEAD}use \"nowhere\" as gone\nnode greet {{ choose \"x\" {{ \"A\" -> gone.x; \"B\" -> escalate }} }}"
    ));
    assert_eq!(found(&c, &NAMES), [("F0204", "\"nowhere\"")]);
}

#[test]
fn what_only_a_test_uses_is_unused() {
    let c = with_head(
        "webhook ping() { get \"https://x.example\" }\nnode greet { end resolved }\ntest \"t\" { mock ping ok; expect not escalated }",
    );
    assert_eq!(found(&c, &["F0205"]), [("F0205", "ping")]);
}

#[test]
fn an_empty_project_has_no_bot() {
    let c = compile_files(&[], &[]);
    assert_eq!(
        c.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(),
        ["F0203"]
    );
    assert!(c.runnable().is_none());
}
