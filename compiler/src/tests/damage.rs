//! Broken sources: nothing panics, and one mistake hides no other.

use crate::testing::{HEAD, compile, found, with_head};

const SAMPLE: &str = r#"
enum plan { free, pro }
record order { id: text; status: plan; eta: date? }
customer { name: text private; plan: plan = free }
slots { order_id: text matching /[A-Z]{2}/ ask "Order?"; found: order?; amount: money = 3 USD }
segment vip when customer.plan is pro
threshold sure = 70% { 60% when vip }
intent track { "where is {order_id}" }
on intent track visit greet
webhook find(id: text) -> order { get "https://x.example/{id}"; header "A" "Bearer {secret.X}" }
escalate low from bot to ai { when confidence < sure for 2 messages or 2 of [shouting, profanity] }
node greet {
  say "Hi {customer.name ?? "there"}" { image "https://x.example" }
  ask order_id { invalid "No."; retry 1; otherwise -> bye }
  call find(order_id) as order { failed -> escalate because "down" }
  match order.status { free -> bye; pro { say "{order.eta ?? "soon"}"; -> bye } }
}
node bye { choose "x" { "A" -> greet; "B" -> escalate low; otherwise -> end resolved } }
test "t" { given customer { name "Ana" }; customer "hi"; mock find returns { id "1" }; expect node is bye }
"#;

#[test]
fn the_sample_is_right() {
    let c = with_head(SAMPLE);
    assert_eq!(
        found(&c, &["F0101", "F0201", "F0202", "F0301", "F0302", "F1201"]),
        []
    );
}

#[test]
fn a_syntax_error_hides_nothing_elsewhere() {
    let c = with_head(
        "node greet { say ; ; } }\nnode bye { say \"{wrong}\"; end resolved }\nescalate a to human { when confidence < 70 }",
    );
    let codes: Vec<&str> = found(&c, &["F0201", "F0301"])
        .into_iter()
        .map(|f| f.0)
        .collect();
    assert_eq!(codes, ["F0201", "F0301"]);
}

#[test]
fn who_uses_a_broken_declaration_is_not_blamed() {
    let c = with_head(
        "node greet { choose \"x\" { \"A\" -> bye; \"B\" -> escalate } }\nnode bye ( say \"x\" }\nwebhook w(( { get }\nnode z { call w() { failed -> bye }; -> bye }",
    );
    assert_eq!(found(&c, &["F0201"]), []);
}

/// Every prefix, and every text with one byte range taken out, compiles to something.
#[test]
fn no_damage_panics() {
    let whole = format!("{HEAD}{SAMPLE}");
    let cuts: Vec<usize> = whole.char_indices().map(|(i, _)| i).step_by(17).collect();
    for &at in &cuts {
        compile(&whole[..at]);
    }
    for pair in cuts.windows(2) {
        let mut text = whole.clone();
        text.replace_range(pair[0]..pair[1], "");
        compile(&text);
        let mut text = whole.clone();
        text.replace_range(pair[0]..pair[1], "} { -> ");
        compile(&text);
    }
}

#[test]
fn findings_come_in_the_order_of_the_sources() {
    let c = with_head(
        "node greet { say \"{b}\"; say \"{a}\"; end resolved }\nnode bye { say \"{c}\" }",
    );
    let names: Vec<&str> = found(&c, &["F0201"]).into_iter().map(|f| f.1).collect();
    assert_eq!(names, ["b", "a", "c"]);
}

#[test]
fn depth_is_refused_not_fatal() {
    for (open, close, core) in [
        ("(", ")", "shouting"),
        ("not ", "", "shouting"),
        ("1 of [", "]", "shouting"),
    ] {
        for depth in [100, 20_000] {
            with_head(&format!(
                "escalate a to human {{ when {}{core}{} }}\nnode greet {{ end resolved }}",
                open.repeat(depth),
                close.repeat(depth)
            ));
        }
    }
    for depth in [100, 2_000] {
        with_head(&format!(
            "node greet {{ {}say \"x\"{} }}",
            "if shouting { ".repeat(depth),
            " }".repeat(depth)
        ));
        with_head(&format!(
            "node greet {{ say \"{}x{}\" }}",
            "{\"".repeat(depth),
            "\"}".repeat(depth)
        ));
    }
    with_head(&format!(
        "escalate a to human {{ when turns > {} }}\nnode greet {{ end resolved }}",
        vec!["1"; 20_000].join(" + ")
    ));
}

#[test]
fn many_unknown_names_are_quick() {
    use std::fmt::Write;
    let mut text = String::new();
    for i in 0..2_000 {
        let _ = writeln!(
            text,
            "node n{i} {{ say \"{{unknown_thing_{i}}}\"; -> m{i}x }}"
        );
    }
    let c = with_head(&text);
    assert!(found(&c, &["F0201"]).len() >= 4_000);
}
