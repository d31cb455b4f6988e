//! Types: what fits where.

use crate::machine::{CellPattern, ExprKind, OpKind};
use crate::testing::{found, with_head};
use crate::value::{Type, Value};

const TYPES: [&str; 4] = ["F0201", "F0301", "F0302", "F0604"];

fn rule(cond: &str) -> crate::Compilation {
    with_head(&format!(
        "enum plan {{ free, pro }}\ncustomer {{ plan: plan = free; total: money = 1 USD; since: datetime; email: email private }}\n\
         slots {{ n: number = 1; share: percent = 5%; tags: list of plan; note: text = \"x\" }}\nhours office {{ mon..fri 09:00-17:00 }}\n\
         escalate r to human {{ when {cond} }}\nescalate o to human {{ when outside office and n > 0 and share > 1% and free_tag and note is \"y\" }}\n\
         segment free_tag when tags contains free\nnode greet {{ end resolved }}"
    ))
}

fn says(cond: &str) -> Vec<(&'static str, String)> {
    found(&rule(cond), &TYPES)
        .into_iter()
        .map(|(c, s)| (c, s.to_owned()))
        .collect()
}

#[test]
fn conditions_that_fit() {
    for cond in [
        "customer.plan is pro",
        "customer.plan in [free, pro] and not shouting",
        "now - customer.since > 30d",
        "customer.total * 2 >= 100 USD",
        "n + turns * 2 > 3 or share < 10%",
        "priority >= high",
        "language is other or channel is web",
        "intent is none",
        "customer.email is \"ana@example.com\"",
        "message contains any [\"a\", \"b\"] for 2 messages",
        "2 of [shouting, profanity, time in tier > 5m]",
        "(customer.since ?? now) < 2026-01-01 09:30",
        "tags is known and tags contains pro",
        "office.open and office.next_open is known",
        "customer.total / customer.total > 2",
    ] {
        assert_eq!(says(cond), [], "{cond}");
    }
}

#[test]
fn conditions_that_do_not() {
    for (cond, code, at) in [
        ("confidence < 70", "F0301", "70"),
        ("turns", "F0301", "turns"),
        ("customer.plan is gold", "F0301", "gold"),
        ("customer.plan is \"pro\"", "F0301", "\"pro\""),
        ("customer.total > 5 EUR", "F0301", "5 EUR"),
        ("time in tier > 300", "F0301", "300"),
        ("confidence < 120%", "F0604", "120%"),
        ("turns < -1", "F0604", "-1"),
        ("intent is nonsense", "F0201", "nonsense"),
        ("customer.plan < pro", "F0301", "customer.plan < pro"),
        ("n in 3", "F0301", "3"),
        ("note + note is \"x\"", "F0301", "note + note"),
        ("now > today", "F0301", "today"),
        ("office", "F0301", "office"),
        ("message matches /[/", "F0301", "/[/"),
        ("n.x > 1", "F0201", "x"),
    ] {
        let got = says(cond);
        assert_eq!(
            got.first().map(|(c, s)| (*c, s.as_str())),
            Some((code, at)),
            "{cond}: {got:?}"
        );
        assert_eq!(got.len(), 1, "{cond}: {got:?}");
    }
}

#[test]
fn a_number_in_place_of_a_percent_is_mended() {
    let c = rule("confidence < 70");
    let d = c.diagnostics.iter().find(|d| d.code == "F0301").unwrap();
    assert_eq!(d.help.as_deref(), Some("write `70%`"));
    assert!(d.fixes[0].safe);
    assert_eq!(d.fixes[0].edits[0].text, "70%");
}

#[test]
fn quotes_around_a_value_are_taken_off() {
    let c = rule("customer.plan is \"pro\"");
    let d = c.diagnostics.iter().find(|d| d.code == "F0301").unwrap();
    assert_eq!(d.fixes[0].edits[0].text, "pro");
}

#[test]
fn an_error_is_told_once() {
    assert_eq!(
        says("customer.nonsense > 3 and customer.nonsense < 70%").len(),
        2
    );
    assert_eq!(says("(wrong + 1) * 2 > 3"), [("F0201", "wrong".to_owned())]);
}

#[test]
fn chains_stay_shallow() {
    let cond = vec!["shouting"; 3000].join(" or ");
    let c = rule(&cond);
    fn depth(e: &crate::machine::Expr) -> usize {
        match &e.kind {
            ExprKind::Binary(_, a, b) => 1 + depth(a).max(depth(b)),
            _ => 1,
        }
    }
    let r = c.machine.rules.iter().find(|r| r.name == "r").unwrap();
    assert!(depth(&r.when) < 20);
}

#[test]
fn a_segment_cannot_need_itself() {
    let c = with_head(
        "segment a when b\nsegment b when a\nescalate r to human { when a }\nnode greet { end resolved }",
    );
    assert_eq!(found(&c, &["F0301"]), [("F0301", "a")]);
    assert!(
        c.machine
            .segments
            .iter()
            .any(|s| matches!(s.when.kind, ExprKind::Error))
    );
}

#[test]
fn shared_ends_belong_to_the_higher_range() {
    let c = with_head(
        "slots { n: number = 1 }\nnode greet { match n { 0..10 -> a; 10..20 -> a; >= 20 -> a; otherwise -> a } }\nnode a { end resolved }",
    );
    let arms = c.machine.ops.iter().find_map(|o| match &o.kind {
        OpKind::Match { arms, .. } => Some(arms.clone()),
        _ => None,
    });
    let ends: Vec<bool> = arms
        .unwrap()
        .iter()
        .filter_map(|a| match &a.patterns[0] {
            CellPattern::Range {
                high: Some(_),
                high_included,
                ..
            } => Some(*high_included),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [false, false]);
}

#[test]
fn negative_literals_are_values() {
    let c = rule("sentiment < -40%");
    let r = c.machine.rules.iter().find(|r| r.name == "r").unwrap();
    let ExprKind::Binary(_, _, right) = &r.when.kind else {
        panic!("a comparison")
    };
    assert!(matches!(right.kind, ExprKind::Const(Value::Percent(p)) if (p + 0.4).abs() < 1e-9));
    assert_eq!(right.ty, Type::Percent);
}

#[test]
fn arguments_are_checked() {
    let base = "webhook w(who: text, n: number) { post \"https://x.example\"; send { who, n } }\nnode greet {\n  call w(ARGS) { failed -> escalate }\n  end resolved\n}";
    for (args, at) in [
        ("\"a\", 1", None),
        ("\"a\"", Some("w(\"a\"")),
        ("\"a\", \"b\"", Some("\"b\"")),
        ("1, 2", Some("1")),
    ] {
        let c = with_head(&base.replace("ARGS", args));
        assert_eq!(found(&c, &["F0302"]).first().map(|(_, s)| *s), at, "{args}");
    }
}
