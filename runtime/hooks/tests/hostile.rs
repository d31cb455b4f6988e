//! Hostile and honest scripts through the real pool.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use flow_compiler::sources::Project;
use flow_compiler::value::{Money, Value};
use flow_compiler::{Compiler, Options};
use flow_engine::Hooks;
use flow_hooks::HookSet;
use std::collections::BTreeMap;
use std::sync::Arc;

const BOT: &str = r#"
bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted {}
tier human: people {}
customer { name: text?; arr: money?; open_ticket: bool = false }
node greet { say "Hi."; end resolved }
team support { hours always }
route human {
  | intent | team    |
  | _      | support |
}
handoff human { say "One moment."; returned -> greet }
"#;

/// A set with one hook and its script.
fn hook(declaration: &str, script: &str) -> Result<HookSet, String> {
    let bot = format!(
        "{BOT}\n{declaration} from \"h.rhai\"\nescalate by_hook to human {{ when turns > 100 }}\n"
    );
    let project = Project {
        root: "".into(),
        flow_files: vec![("bot.flow".into(), Arc::from(bot))],
        other_files: vec![("h.rhai".into(), Arc::from(script))],
        unreadable: vec![],
    };
    let compilation = Compiler::default().compile(
        &project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    );
    assert_eq!(
        compilation.machine.hooks.len(),
        1,
        "{:?}",
        compilation.diagnostics
    );
    HookSet::new(&compilation.machine).map_err(|e| e.to_string())
}

fn outcome(script: &str) -> Result<Value, String> {
    hook("hook h() -> number", script).and_then(|set| set.call("h", &[]))
}

#[test]
fn an_honest_hook_reads_its_typed_arguments() {
    let set = hook(
        "hook high(customer) -> bool",
        "fn high(customer) { customer.arr != () && customer.arr.amount > 1000.0 && customer.arr.currency == \"USD\" && customer.name == () }",
    )
    .unwrap();
    let profile = |amount: i64| {
        Value::Record(Arc::new(BTreeMap::from([(
            "arr".into(),
            Value::Money(Money {
                amount: amount.into(),
                currency: "USD".into(),
            }),
        )])))
    };
    assert_eq!(set.call("high", &[profile(5000)]), Ok(Value::Bool(true)));
    assert_eq!(set.call("high", &[profile(500)]), Ok(Value::Bool(false)));
    assert_eq!(
        set.call("high", &[Value::Unknown]),
        Ok(Value::Bool(false)),
        "an unknown profile has unknown fields"
    );
}

#[test]
fn what_comes_back_is_checked() {
    assert!(
        outcome("fn h() { \"seven\" }")
            .unwrap_err()
            .contains("expected a number")
    );
    assert!(
        outcome("fn h() { }")
            .unwrap_err()
            .contains("returned nothing")
    );
    assert_eq!(outcome("fn h() { 7 }"), Ok(Value::Number(7.0)));
    assert!(outcome("fn h() { 1 / 0 }").is_err());
    assert!(
        outcome("fn h(a) { 1 }")
            .unwrap_err()
            .contains("no function `h` with 0 parameters")
    );
}

#[test]
fn no_hostile_script_gets_through() {
    let deep = "(".repeat(100_000);
    let blocks = "{".repeat(100_000);
    let long = "let a = 1;\n".repeat(20_000);
    let closures = format!("fn h() {{ let f = {}1{}; 1 }}", "|| ".repeat(5_000), "");
    let scripts: Vec<(&str, String)> = vec![
        ("an endless loop", "fn h() { loop {} }".into()),
        ("an endless loop in a catch", "fn h() { loop { try { loop {} } catch(e) { loop {} } } }".into()),
        ("doubling a text", "fn h() { let s = \"x\"; loop { s += s; } }".into()),
        ("doubling a list", "fn h() { let a = [0]; loop { a += a; } }".into()),
        ("lists of lists", "fn h() { let a = [0,1,2,3]; loop { a = [a, a, a, a]; } }".into()),
        ("endless recursion", "fn f(n) { f(n + 1) } fn h() { f(0) }".into()),
        ("mutual recursion", "fn a(n) { b(n) } fn b(n) { a(n) } fn h() { a(0) }".into()),
        ("a recursive closure", "fn h() { let f = |f, n| f.call(f, n + 1); f.call(f, 0) }".into()),
        ("nested closures", closures),
        ("a padded text", "fn h() { let s = \"\"; s.pad(9000000000, 'x'); s.len }".into()),
        ("a padded list", "fn h() { let a = []; a.pad(9000000000, 1); a.len }".into()),
        ("a replace bomb", "fn h() { let s = \"\"; s.pad(16000, 'a'); let t = \"\"; t.pad(16000, 'b'); s.replace(\"a\", t); s.len }".into()),
        ("a replace bomb by character", "fn h() { let s = \"\"; s.pad(16000, 'a'); let t = \"\"; t.pad(16000, 'b'); s.replace('a', t); s.len }".into()),
        ("an endless split", "fn h() { let s = \"\"; s.pad(16000, 'a'); let n = 0; loop { n += s.split(\"a\").len; } }".into()),
        ("sleep", "fn h() { sleep(3.0); 1 }".into()),
        ("sleep in whole seconds", "fn h() { sleep(3); 1 }".into()),
        ("map with a loop", "fn h() { let a = []; a.pad(999, 1); a.map(|x| { loop {} }); 1 }".into()),
        ("curry", "fn h() { let f = Fn(\"h\"); for i in 0..40 { f = f.curry(f); } 1 }".into()),
        ("a comparer that never ends", "fn h() { let a = [3, 1, 2]; a.sort(|x, y| { loop {} }); 1 }".into()),
        ("eval", "fn h() { eval(\"loop {}\") }".into()),
        ("import", "import \"x\" as x; fn h() { 1 }".into()),
        ("a clock", "fn h() { timestamp().elapsed }".into()),
        ("a blob", "fn h() { blob(4000000000, 1).len }".into()),
        ("a great map", "fn h() { let m = #{}; let i = 0; loop { m[\"k\" + i] = \"v\"; i += 1; } }".into()),
        ("a great power", "fn h() { 2 ** 99999 }".into()),
        ("an overflow", "fn h() { 9223372036854775807 + 1 }".into()),
        ("an unknown variable", "fn h() { nothing_like_it }".into()),
        ("deep parentheses", format!("fn h() {{ {deep}1 }}")),
        ("deep blocks", blocks),
        ("a script beyond the limit", format!("fn h() {{ {long} 1 }}")),
        ("a bad index", "fn h() { let a = [1]; a[5] }".into()),
        ("a throw", "fn h() { throw \"no\" }".into()),
        ("a print", "fn h() { print(\"x\"); 1 }".into()),
        ("too many variables", format!("fn h() {{ {} 1 }}", (0..200).map(|i| format!("let v{i} = {i};")).collect::<String>())),
    ];
    for (what, script) in scripts {
        let result = outcome(&script);
        assert!(result.is_err(), "{what}: {result:?}");
    }
}

#[test]
fn after_a_hostile_call_honest_ones_still_work() {
    let set = hook(
        "hook h(n: number) -> number",
        "fn h(n) { if n > 5.0 { loop {} } n * 2.0 }",
    )
    .unwrap();
    for i in 0..4 {
        assert!(set.call("h", &[Value::Number(9.0)]).is_err(), "call {i}");
        assert_eq!(
            set.call("h", &[Value::Number(2.0)]),
            Ok(Value::Number(4.0)),
            "call {i}"
        );
    }
}
