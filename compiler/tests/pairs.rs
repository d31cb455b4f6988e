//! Faults in pairs: a finding hides no other, and brings none along.
//!
//! Every snippet has one fault, marked with `//~ CODE`, and a node `n@` (where `@` is its number in the bot). Each is looked at
//! alone, and beside each other one, in both orders: exactly the marked findings must be found.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

use flow_compiler::sources::Project;
use flow_compiler::{Compiler, Options};
use rayon::prelude::*;

const BASE: &str = r#"bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted { cost 0.02 USD }
tier human: people { cost 5 USD }
team support { hours always }
route human {
  | intent | team    | priority |
  | _      | support | standard |
}
handoff human { say "I'll get you to a person." }
node greet { choose "What?" { "One" -> n1; "Two" -> n2; "A person" -> escalate } }
"#;

/// Pairs of which the first, broken off, takes the second with it.
const SWALLOWS: [(&str, &str); 1] = [("a brace of a node", "no declaration")];

const SNIPPETS: &[(&str, &str)] = &[
    (
        "no fault",
        r#"node n@ { end resolved }
"#,
    ),
    (
        "a misspelt step",
        r#"node n@ { sya "x"; end resolved } //~ F0101
"#,
    ),
    (
        "a number for a text",
        r#"node n@ { say 5; end resolved } //~ F0101
"#,
    ),
    (
        "a quote",
        r#"node n@ {
  say "x //~ F0101
  end resolved
}
"#,
    ),
    (
        "an arrow to nowhere",
        r#"node n@ { say "x"; -> } //~ F0101
"#,
    ),
    (
        "no condition",
        r#"node n@ { if { say "x" }; end resolved } //~ F0101
"#,
    ),
    (
        "a segment without when",
        r#"segment s@ turns > 3 //~ F0101
node n@ { if s@ { say "x" }; end resolved }
"#,
    ),
    (
        "a trailing comma",
        r#"enum e@ { a, b, } //~ F0101
slots { v@: e@ = a }
node n@ { match v@ { a { }; b { } }; end resolved }
"#,
    ),
    (
        "a misspelt item",
        r#"escalate r@ to human { wen turns > 3 } //~ F0101
node n@ { end resolved }
"#,
    ),
    (
        "no comma",
        r#"intent i@ { "a@" "b@" } //~ F0101
node n@ { listen { intent i@ -> greet; otherwise -> escalate } }
"#,
    ),
    (
        "a parenthesis",
        r#"webhook w@( { get "https://x.example" } //~ F0101
node n@ { call w@() { failed -> escalate }; end resolved }
"#,
    ),
    (
        "a brace of a node",
        r#"node n@ {
  say "x"
  if turns > 3 { //~ F0101
    say "y"
  end resolved
}
"#,
    ),
    (
        "no declaration",
        r#"bananas are great@ //~ F0101
node n@ { end resolved }
"#,
    ),
    (
        "an unknown node",
        r#"node n@ { -> nope@ } //~ F0201
"#,
    ),
    (
        "an unknown slot",
        r#"node n@ { set nope@ = 1; end resolved } //~ F0201
"#,
    ),
    (
        "a question for an unknown slot",
        r#"node n@ { ask nope@ "x"; end resolved } //~ F0201
"#,
    ),
    (
        "an unknown name in a text",
        r#"node n@ { say "{nope@}"; end resolved } //~ F0201
"#,
    ),
    (
        "an unknown webhook",
        r#"node n@ { call nope@() { failed -> escalate }; end resolved } //~ F0201
"#,
    ),
    (
        "an unknown rule",
        r#"node n@ { escalate nope@ } //~ F0201
"#,
    ),
    (
        "an unknown tier",
        r#"node n@ { escalate to nope@ because "x" } //~ F0201
"#,
    ),
    (
        "an unknown type",
        r#"slots { v@: nope@ } //~ F0201
node n@ { say "{v@}"; end resolved }
"#,
    ),
    (
        "an unknown intent",
        r#"on intent nope@ { say "x" } //~ F0201
node n@ { end resolved }
"#,
    ),
    (
        "an unknown text",
        r#"node n@ { say nope@; end resolved } //~ F0201
"#,
    ),
    (
        "a node twice",
        r#"node n@ { end resolved }
node n@ { end resolved } //~ F0202
"#,
    ),
    (
        "a slot twice",
        r#"slots { v@: text = ""; v@: text = "" } //~ F0202
node n@ { say "{v@}"; end resolved }
"#,
    ),
    (
        "an unused slot",
        r#"slots { v@: text? } //~ F0205
node n@ { end resolved }
"#,
    ),
    (
        "an unused text",
        r#"text t@ { en "x" } //~ F0205
node n@ { end resolved }
"#,
    ),
    (
        "a label twice",
        r#"node n@ { choose "x" { "A" -> greet; "A" -> escalate } } //~ F0206
"#,
    ),
    (
        "an example twice",
        r#"intent i@ { "same @" }
intent j@ { "same @" } //~ F0206
node n@ { end resolved }
"#,
    ),
    (
        "a number for a percent",
        r#"node n@ { if confidence < 70 { say "x" }; end resolved } //~ F0301
"#,
    ),
    (
        "no value of an enum",
        r#"enum e@ { a, b }
slots { v@: e@ = a }
node n@ { if v@ is zzz { say "x" }; end resolved } //~ F0301
"#,
    ),
    (
        "too few arguments",
        r#"webhook w@(a: text) { get "https://x.example/{a}" }
node n@ { call w@() { failed -> escalate }; end resolved } //~ F0302
"#,
    ),
    (
        "an uncovered value",
        r#"enum e@ { a, b }
slots { v@: e@ = a }
node n@ { match v@ { a { } }; end resolved } //~ F0303
"#,
    ),
    (
        "an arm never taken",
        r#"enum e@ { a, b }
slots { v@: e@ = a }
node n@ { match v@ { a { }; b { }; otherwise { } }; end resolved } //~ F0304
"#,
    ),
    (
        "a node that nothing leads to",
        r#"node n@ { end resolved }
node lost@ { end resolved } //~ F0401
"#,
    ),
    (
        "a path that ends",
        r#"node n@ { say "x" } //~ F0402
"#,
    ),
    (
        "a loop",
        r#"node n@ { say "x"; -> n@ } //~ F0403
"#,
    ),
    (
        "no way out",
        r#"node n@ { choose "x" { "a" -> n@; otherwise -> n@ } } //~ F0405
"#,
    ),
    (
        "a circle of visits",
        r#"node n@ { visit m@; end resolved }
node m@ { visit m@ } //~ F0406
"#,
    ),
    (
        "back to nowhere",
        r#"node n@ { back } //~ F0406
"#,
    ),
    (
        "a call that may fail",
        r#"webhook w@() { get "https://x.example" }
node n@ { call w@(); end resolved } //~ F0408
"#,
    ),
    (
        "a regulated intent",
        r#"intent i@ regulated { "r @" }
on intent i@ { say "x" } //~ F0409
node n@ { end resolved }
"#,
    ),
    (
        "what can be unknown",
        r#"slots { v@: text? }
node n@ { say "{v@}"; end resolved } //~ F0501
"#,
    ),
    (
        "a rule that never holds",
        r#"escalate r@ to human { when turns > 5 and turns < 3; priority immediate } //~ F0601
node n@ { end resolved }
"#,
    ),
    (
        "a value out of range",
        r#"escalate r@ to human { when sentiment < -140%; priority immediate } //~ F0604
node n@ { end resolved }
"#,
    ),
    (
        "private data",
        r#"customer { p@: text private ask "P?" }
webhook w@(a: text) { get "https://x.example/{a}" }
node n@ { ask customer.p@ "P?"; call w@(customer.p@) { failed -> escalate }; end resolved } //~ F1001
"#,
    ),
    (
        "a secret in a text",
        r#"node n@ { say "{secret.K}"; end resolved } //~ F1002
"#,
    ),
    (
        "a test of an unknown node",
        r#"node n@ { end resolved }
test "t@" {
  customer "x"
  expect node is nope@ //~ F1201
}
"#,
    ),
];

fn wanted(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<_> = text
        .lines()
        .enumerate()
        .filter_map(|(i, line)| Some((i + 1, line.split_once("//~ ")?.1.trim().to_owned())))
        .collect();
    out.sort();
    out
}

fn found(text: &str) -> Vec<(usize, String)> {
    let project = Project {
        flow_files: vec![
            ("bot.flow".into(), BASE.into()),
            ("faults.flow".into(), text.into()),
        ],
        ..Project::default()
    };
    let date = jiff::civil::date(2026, 3, 2);
    let compilation = Compiler::new().compile(&project, &Options { date });
    let mut out: Vec<_> = compilation
        .diagnostics
        .iter()
        .map(|d| {
            let at = d.labels.first().unwrap().at;
            let (file, range) = compilation.sources.resolve(at).unwrap();
            let line = file.position(range.start).line as usize;
            let place = if file.path == "faults.flow" { line } else { 0 };
            (place, d.code.to_owned())
        })
        .collect();
    out.sort();
    out
}

fn numbered(snippet: &str, number: usize) -> String {
    snippet.replace('@', &number.to_string())
}

#[test]
fn no_fault_hides_another_or_brings_one_along() {
    let pairs: Vec<_> = SNIPPETS
        .iter()
        .flat_map(|a| SNIPPETS.iter().map(move |b| (a, b)))
        .filter(|(a, b)| !SWALLOWS.contains(&(a.0, b.0)))
        .collect();
    let wrong: Vec<String> = pairs
        .into_par_iter()
        .filter_map(|(a, b)| {
            let text = format!("{}{}", numbered(a.1, 1), numbered(b.1, 2));
            let (wanted, found) = (wanted(&text), found(&text));
            (wanted != found).then(|| {
                format!(
                    "{} and {}: wanted {wanted:?}, found {found:?}\n{text}",
                    a.0, b.0
                )
            })
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} pairs: {}",
        wrong.len(),
        wrong.join("\n")
    );
}
