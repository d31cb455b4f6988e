//! The sandbox against scripts that mean harm, and values on their way in and out.

use super::*;
use flow_compiler::sources::Project;
use flow_compiler::{Compiler, Options};

const BOT: &str = r#"
bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted {}
tier human: people {}
team support { hours always }
route human {
  | intent | team    |
  | _      | support |
}
handoff human { say "One moment." }
enum colour { red, green }
record point { x: number; y: number? }
customer { name: text; spent: money = 0 USD }
node greet { choose "Hello" { "Bye" -> end resolved } }
"#;

/// Hooks from `(declaration after "hook", script)`.
fn load(hooks: &[(&str, &str)]) -> Result<HookSet, LoadError> {
    let mut flow = BOT.to_owned();
    let mut other_files = Vec::new();
    for (index, (head, script)) in hooks.iter().enumerate() {
        flow.push_str(&format!("hook {head} from \"h{index}.rhai\"\n"));
        other_files.push((format!("h{index}.rhai").into(), (*script).into()));
    }
    let project = Project {
        flow_files: vec![("bot.flow".into(), flow.as_str().into())],
        other_files,
        ..Project::default()
    };
    let compiled = Compiler::new().compile(
        &project,
        &Options {
            date: "2026-03-02".parse().unwrap(),
        },
    );
    assert_eq!(
        compiled.machine.hooks.len(),
        hooks.len(),
        "{:?}",
        compiled.diagnostics
    );
    HookSet::new(&compiled.machine)
}

fn answer(head: &str, script: &str, args: &[Value]) -> Result<Value, String> {
    let name = head.split('(').next().unwrap();
    load(&[(head, script)])
        .map_err(|e| e.to_string())?
        .call(name, args)
}

#[test]
fn values_go_in_and_out_by_their_types() {
    assert_eq!(
        answer(
            "f(n: number) -> number",
            "fn f(n) { n * 2.0 }",
            &[Value::Number(4.0)]
        ),
        Ok(Value::Number(8.0))
    );
    assert_eq!(
        answer(
            "f(d: duration) -> duration",
            "fn f(d) { d + 30 }",
            &[Value::Duration(60_000)]
        ),
        Ok(Value::Duration(90_000))
    );
    assert_eq!(
        answer(
            "f(c: colour) -> colour",
            "fn f(c) { if c == \"red\" { \"green\" } else { \"red\" } }",
            &[Value::Enum("red".into())]
        ),
        Ok(Value::Enum("green".into()))
    );
    let record = answer("f() -> point", "fn f() { #{ x: 1 } }", &[]).unwrap();
    assert_eq!(
        record,
        Value::Record(Arc::new(
            [
                ("x".into(), Value::Number(1.0)),
                ("y".into(), Value::Unknown)
            ]
            .into_iter()
            .collect()
        ))
    );
    assert_eq!(
        answer("f() -> number?", "fn f() { () }", &[]),
        Ok(Value::Unknown)
    );
}

#[test]
fn the_customer_is_a_map_and_money_has_a_currency() {
    let money = Value::Money(flow_compiler::value::Money {
        amount: 60_000.into(),
        currency: "USD".into(),
    });
    let customer = Value::Record(Arc::new(
        [("spent".into(), money), ("name".into(), Value::Unknown)]
            .into_iter()
            .collect(),
    ));
    let script = "fn rich(customer) { customer.spent.currency == \"USD\" && customer.spent.amount > 50000.0 && customer.name == () }";
    assert_eq!(
        answer("rich(customer) -> bool", script, &[customer]),
        Ok(Value::Bool(true))
    );
}

#[test]
fn a_wrong_answer_is_an_error_in_words() {
    assert_eq!(
        answer("f() -> bool", "fn f() { 3 }", &[]),
        Err("it returned a number; expected true or false".to_owned())
    );
    assert_eq!(
        answer("f() -> colour", "fn f() { \"blue\" }", &[]),
        Err("it returned `blue`, which `colour` does not have".to_owned())
    );
    assert_eq!(
        answer("f() -> bool", "fn f() { () }", &[]),
        Err("it returned nothing".to_owned())
    );
    assert!(
        answer(
            "f(n: number) -> bool",
            "fn f(n) { true }",
            &[Value::text("x")]
        )
        .is_err()
    );
}

#[test]
fn a_script_without_its_function_is_not_loaded() {
    assert!(load(&[("f() -> bool", "fn g() { true }")]).is_err());
    assert!(load(&[("f() -> bool", "fn f(x) { true }")]).is_err());
    assert!(load(&[("f() -> bool", "fn f( { true }")]).is_err());
}

/// A body that must not end well: an error comes back, and the next call works.
fn is_stopped(what: &str, body: &str) {
    let script = format!(
        "fn id(x) {{ x }} fn less(a, b) {{ let n = 0; loop {{ n += 1; if n > 2000 {{ break; }} }} a - b }} fn deep(n) {{ deep(n + 1) }}\nfn f() {{ {body} }}"
    );
    let set = match load(&[
        ("f() -> bool", script.as_str()),
        ("fine() -> bool", "fn fine() { true }"),
    ]) {
        Ok(set) => set,
        // Refused when loading is as good.
        Err(_) => return,
    };
    let result = set.call("f", &[]);
    assert!(result.is_err(), "{what}: {result:?}");
    assert_eq!(set.call("fine", &[]), Ok(Value::Bool(true)), "{what}");
}

macro_rules! stopped {
    ($($name:ident: $body:expr;)*) => {$(
        #[test]
        fn $name() {
            is_stopped(stringify!($name), &$body);
        }
    )*};
}

stopped! {
    an_endless_loop: "loop { }";
    a_loop_that_catches_its_stop: "try { loop { } } catch { loop { } }";
    endless_throwing: "loop { try { throw 1; } catch { } }";
    endless_recursion: "deep(0)";
    a_doubling_text: "let s = \"ab\"; loop { s += s; }";
    a_padded_text: "let s = \"\"; s.pad(9000000000, 'x'); true";
    a_doubling_list: "let a = [1, 2]; loop { a += a; }";
    a_padded_list: "let a = []; a.pad(9000000000, 0); true";
    lists_in_lists: "let a = [1, 2, 3]; loop { a = [a, a, a]; }";
    a_deep_list: "let a = []; for i in 0..5000 { a = [a]; } a";
    a_map_that_holds_itself: "let m = #{}; loop { m.a = m; }";
    a_map_without_end: "let m = #{}; let i = 0; loop { m[\"k\" + i] = i; i += 1; }";
    many_long_texts: "let s = \"x\"; s.pad(16000, 'x'); let a = []; loop { a.push(s + a.len); }";
    a_replacement_that_explodes: "let s = \"\"; s.pad(16000, 'a'); let t = \"\"; t.pad(16000, 'b'); s.replace(\"a\", t); s.replace(\"b\", t); s.len > 0";
    a_replacement_of_nothing: "let s = \"\"; s.pad(15000, 'a'); let t = \"\"; t.pad(15000, 'b'); s.replace(\"\", t); true";
    sleeping: "sleep(3); true";
    sleeping_by_halves: "sleep(2.5); true";
    closures: "let f = || 1; f.call() == 1";
    nested_closures: "let f = || 1; for i in 0..100000 { let g = f; f = || g.call(); } true";
    curried_pointers: "let f = Fn(\"id\"); for i in 0..30 { f = f.curry(f); } true";
    pointers_by_name: "let f = Fn(\"sleep\"); f.call(3.0); true";
    a_callback_that_loops: "let a = []; a.pad(900, 1); a.map(|x| { loop { } }); true";
    a_slow_comparer: "let a = []; for i in 0..900 { a.push((i * 7919) % 1009); } a.sort(less); a.sort(Fn(\"less\")); true";
    evaluation: "eval(\"true\")";
    modules: "import \"x\" as x; true";
    a_clock: "timestamp(); true";
    blobs: "let b = blob(4000000000, 1); b.len > 0";
    a_huge_range: "let n = 0; for i in 0..9000000000 { n += i; } n > 0";
    a_step_of_nothing: "let n = 0; for i in range(0, 10, 0) { n += 1; } loop { }";
    an_overflow: "9223372036854775807 + 1 > 0";
    a_division_by_nothing: "1 / 0 == 1";
    splitting_for_ever: "let s = \"\"; s.pad(16000, 'a'); let n = 0; loop { n += s.split(\"a\").len; }";
    scanning_for_ever: "let s = \"\"; s.pad(16000, 'a'); loop { s.index_of(\"b\"); }";
    folding_case_for_ever: "let s = \"\"; s.pad(16000, 'a'); loop { s.make_upper(); s.make_lower(); }";
    deep_parentheses: format!("{}true{}", "(".repeat(10_000), ")".repeat(10_000));
    deep_blocks: format!("{}true{}", "{".repeat(10_000), "}".repeat(10_000));
    deep_lists: format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    deep_negation: format!("{}true", "!".repeat(50_000));
    a_long_sum: format!("1{} > 0", "+1".repeat(30_000));
    a_script_too_long: format!("{}; true", "let a = 1; ".repeat(8_000));
}
