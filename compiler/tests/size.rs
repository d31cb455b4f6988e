//! Large bots, and bots made to be hard: what grows with the square of them, or worse, does not end here. How long they take is
//! measured in `benches`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests read files"
)]

use flow_compiler::checks::{Context, run};
use flow_compiler::sources::Project;
use flow_compiler::{Compilation, Compiler, Options};
use std::fmt::Write as _;

const HEAD: &str = "bot demo { languages en; channels web; tiers bot -> human; start greet }\n\
tier bot: scripted { cost 0.02 USD }\ntier human: people { cost 5 USD }\nteam support { hours always }\n\
handoff human { say \"I'll get you to a person.\" }\n";
const ROUTE: &str =
    "route human {\n  | intent | team | priority |\n  | _ | support | standard |\n}\n";
const GREET: &str =
    "node greet { choose \"Done?\" { \"Yes\" -> end resolved; \"No\" -> escalate } }\n";

fn compile(text: String) -> Compilation {
    let project = Project {
        flow_files: vec![("bot.flow".into(), text.into())],
        ..Project::default()
    };
    Compiler::new().compile(
        &project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    )
}

/// The codes that all checks find in a bot.
fn check(text: String) -> Vec<&'static str> {
    let compilation = compile(text);
    let cx = Context {
        machine: &compilation.machine,
        sources: &compilation.sources,
        date: jiff::civil::date(2026, 3, 2),
        refused: None,
    };
    run(&cx).iter().map(|d| d.code).collect()
}

#[test]
fn many_nodes() {
    let mut text = format!(
        "{HEAD}{ROUTE}slots {{ name: text }}\nnode greet {{ ask name \"Your name?\"; -> n0 }}\n"
    );
    for i in 0..10_000 {
        writeln!(text, "node n{i} {{\n  say \"Hello {{name}}.\"\n  if turns > {i} {{\n    note \"Long\"\n  }}\n  choose \"Go on?\" {{\n    \"Yes\" -> n{}\n    \"No\"  -> end resolved\n  }}\n}}", (i + 1) % 10_000).unwrap();
    }
    let found = check(text);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn one_long_node() {
    let mut text = format!("{HEAD}{ROUTE}slots {{ name: text }}\nnode greet {{\n");
    for i in 0..5_000 {
        writeln!(
            text,
            "  if turns > {i} {{ say \"Hello {{name ?? \"you\"}}.\" }}"
        )
        .unwrap();
    }
    text.push_str("  end resolved\n}\n");
    let found = check(text);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_long_matrix_over_many_intents() {
    let mut text = format!(
        "{HEAD}{GREET}enum plan {{ free, pro, enterprise }}\ncustomer {{ plan: plan = free }}\n"
    );
    for i in 0..2_000 {
        writeln!(text, "intent i{i} {{ \"example number {i}\" }}").unwrap();
    }
    text.push_str("route human {\n  | intent | customer.plan | message | team | priority |\n");
    for i in 0..2_000 {
        let plan = ["free", "pro", "enterprise"][i % 3];
        writeln!(text, "  | i{i} | {plan} | _ | support | high |").unwrap();
    }
    text.push_str("  | _ | _ | \"fraud\" | support | high |\n  | _ | pro | _ | support | high |\n  | i7 | _ | _ | support | high |\n}\n");
    let found = check(text);
    assert_eq!(found, ["F0701"]);
}

#[test]
fn many_rules() {
    let mut text = format!("{HEAD}{ROUTE}{GREET}slots {{");
    for i in 0..20 {
        write!(text, "s{i}: number = 0; ").unwrap();
    }
    text.push_str("}\n");
    for i in 0..500 {
        let (a, b) = (i % 20, (i * 7 + 3) % 20);
        writeln!(text, "escalate r{i} to human {{ when s{a} > {i} and (s{b} < {} or shouting); unless profanity and s{b} > 900; say \"Rule {i}.\"; priority {} }}", i + 3, ["medium", "standard"][i % 2]).unwrap();
    }
    check(text);
}

#[test]
fn one_strongly_connected_part() {
    let mut text = format!("{HEAD}{ROUTE}slots {{");
    for i in 0..50 {
        write!(text, "s{i}: text; ").unwrap();
    }
    text.push_str("}\nnode greet { -> n0 }\n");
    for i in 0..300 {
        writeln!(text, "node n{i} {{ choose \"Where?\" {{").unwrap();
        for j in 0..10 {
            writeln!(
                text,
                "  \"Way {j}\" {{ ask s{} \"What?\"; -> n{} }}",
                (i + j) % 50,
                (i * 31 + j * 17) % 300
            )
            .unwrap();
        }
        text.push_str("  \"Out\" -> end resolved\n} }\n");
    }
    check(text);
}

/// Each names the one before it twice: the last would be a thousand billion conditions.
#[test]
fn segments_that_name_each_other() {
    let mut text = format!("{HEAD}{ROUTE}{GREET}segment s0 when turns > 0\n");
    for i in 1..40 {
        let before = i - 1;
        writeln!(
            text,
            "segment s{i} when s{before} or s{before} and turns > {i}"
        )
        .unwrap();
    }
    text.push_str("escalate a to human { when s39 and s38 }\nescalate b to human { when s39 }\n");
    let found = compile(text).diagnostics;
    assert!(found.iter().all(|d| d.code == "F0301"), "{found:?}");
    assert!(!found.is_empty());
}

/// Private values go from slot to slot in nodes that visit each other.
#[test]
fn copies_that_go_everywhere() {
    const NODES: usize = 80;
    let mut text = format!("{HEAD}{ROUTE}customer {{ ");
    for i in 0..20 {
        write!(text, "p{i}: text private; ").unwrap();
    }
    text.push_str("}\nslots { ");
    for i in 0..=NODES {
        write!(text, "s{i}: text; ").unwrap();
    }
    text.push_str(
        "}\nwebhook send(a: text) { post \"https://x.example/\"; idempotent; send { a } }\n",
    );
    text.push_str("node greet { visit n0; choose \"Done?\" { \"Yes\" -> end resolved; \"No\" -> escalate } }\n");
    for i in 0..NODES {
        writeln!(
            text,
            "node n{i} {{ if turns > {i} {{ set s{i} = \"{{customer.p{} ?? \"a\"}} {{s{} ?? \"b\"}}\" }}; set s{} = s{i} ?? \"z\"\n  \
             if turns > 3 {{ visit n{} }}; if turns > 4 {{ visit n{} }}; call send(s{} ?? \"q\") {{ failed -> back }} }}",
            i % 20,
            (i * 7) % NODES,
            i + 1,
            i + 1,
            (i + 2).min(NODES),
            (i * 3) % NODES
        )
        .unwrap();
    }
    writeln!(text, "node n{NODES} {{ say \"Well.\" }}").unwrap();
    let found = check(text);
    assert!(
        found.len() > NODES / 2 && found.iter().all(|code| *code == "F1001"),
        "{found:?}"
    );
}
