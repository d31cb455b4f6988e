//! Repairs travel with their findings, and `flowc check` carries them out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// What a bot has that is whole, formatted.
const REST: &str = r#"tier bot: scripted { cost 0.02 USD }
tier human: people { cost 5 USD }
team support { hours always }
"#;
const BOT: &str = "bot demo { languages en; channels web; tiers bot -> human; start greet }\n";
const ROUTE: &str = r#"route human {
  | intent | team    | priority |
  | _      | support | standard |
}
handoff human { say "I'll get you to a person." }
"#;

fn flowc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flowc"))
        .arg("check")
        .arg(".")
        .args(args)
        .args(["--color", "never", "--date", "2026-03-02"])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn written(bot: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bot.flow"), bot).unwrap();
    dir
}

fn json(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_slice(&flowc(folder, args).stdout).unwrap()
}

/// The edits of a finding carried out by the places that its JSON gives, as another program would.
fn by_json(text: &str, fix: &Value) -> String {
    let mut edits: Vec<&Value> = fix["edits"].as_array().unwrap().iter().collect();
    edits.sort_by_key(|e| std::cmp::Reverse(e["offset"].as_u64()));
    let mut out = text.to_owned();
    for edit in edits {
        let start = usize::try_from(edit["offset"].as_u64().unwrap()).unwrap();
        let end = start + usize::try_from(edit["length"].as_u64().unwrap()).unwrap();
        out.replace_range(start..end, edit["text"].as_str().unwrap());
    }
    out
}

/// The same by SARIF: lines and columns in characters, one change per file.
fn by_sarif(text: &str, fix: &Value) -> String {
    let changes = fix["artifactChanges"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "one change per file: {fix}");
    let at = |line: &Value, column: &Value| {
        let (line, column) = (line.as_u64().unwrap(), column.as_u64().unwrap());
        let before: usize = text
            .split_inclusive('\n')
            .take(usize::try_from(line).unwrap() - 1)
            .map(str::len)
            .sum();
        let rest: String = text[before..]
            .chars()
            .take(usize::try_from(column).unwrap() - 1)
            .collect();
        before + rest.len()
    };
    let mut edits: Vec<(usize, usize, &str)> = changes[0]["replacements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let d = &r["deletedRegion"];
            (
                at(&d["startLine"], &d["startColumn"]),
                at(&d["endLine"], &d["endColumn"]),
                r["insertedContent"]["text"].as_str().unwrap(),
            )
        })
        .collect();
    edits.sort_by_key(|e| std::cmp::Reverse(e.0));
    let mut out = text.to_owned();
    for (start, end, new) in edits {
        out.replace_range(start..end, new);
    }
    out
}

/// A bot with one kind of finding: every finding of the code has an edit, in JSON and SARIF alike; `--fix` (if `safe`) or `--fix-all`
/// leaves nothing to be found, and the text formatted and as it should be.
fn mends(code: &str, bot: &str, safe: bool, becomes: &[&str]) {
    assert_eq!(flow_grammar::format(bot), bot, "formatted before");
    let dir = written(bot);
    let before = json(dir.path(), &["--format", "json"]);
    let findings = before["findings"].as_array().unwrap();
    let sarif = json(dir.path(), &["--format", "sarif"]);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(!findings.is_empty());
    for (finding, result) in findings.iter().zip(results) {
        assert_eq!(finding["code"], code, "{finding}");
        assert_eq!(result["ruleId"], code);
        let fixes = finding["fixes"].as_array().unwrap();
        assert!(!fixes.is_empty(), "no repair: {finding}");
        for (n, fix) in fixes.iter().enumerate() {
            let new = by_json(bot, fix);
            assert_ne!(new, bot);
            assert_eq!(by_sarif(bot, &result["fixes"][n]), new);
        }
    }
    if !safe {
        flowc(dir.path(), &["--fix"]);
        let text = std::fs::read_to_string(dir.path().join("bot.flow")).unwrap();
        assert_eq!(text, bot, "`--fix` decides nothing");
    }
    let how = if safe { "--fix" } else { "--fix-all" };
    let done = flowc(dir.path(), &[how]);
    let text = std::fs::read_to_string(dir.path().join("bot.flow")).unwrap();
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}\n{text}",
        String::from_utf8_lossy(&done.stdout)
    );
    let after = json(dir.path(), &["--format", "json"]);
    assert_eq!(after["findings"].as_array().unwrap().len(), 0, "{after:#}");
    for part in becomes {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let check = Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(["fmt", ".", "--check"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(check.status.success(), "not formatted:\n{text}");
}

const GREET: &str = r#"node greet {
  choose "Done?" {
    "Yes" -> end resolved
    "No"  -> escalate
  }
}
"#;

#[test]
fn the_missing_row() {
    let bot = format!(
        r#"{BOT}{REST}enum plan {{ free, pro, enterprise }}
customer {{
  plan: plan = free
  arr: money = 0 USD
}}
route human {{
  | customer.plan | customer.arr | team    | priority |
  | free, pro     | _            | support | standard |   // most
  | enterprise    | >= 10 USD    | support | high     |
}}
handoff human {{ say "I'll get you to a person." }}
{GREET}"#
    );
    mends(
        "F0701",
        &bot,
        false,
        &[
            "  | enterprise    | < 10 USD     | support | standard |\n}",
            "// most\n",
        ],
    );
}

#[test]
fn otherwise() {
    let bot = format!(
        r#"{BOT}{REST}{ROUTE}slots {{ count: number = 0 }}
node greet {{
  match count {{
    0 -> farewell
    1..5 {{
      say "A few."
      -> farewell
    }}
  }}
}}
node farewell {{
  say "Bye."
  end resolved
}}
"#
    );
    mends("F0303", &bot, false, &["    otherwise -> escalate\n  }\n}"]);
}

#[test]
fn a_band() {
    let bot = format!(
        r#"bot demo {{ languages en; channels web; tiers bot -> ai -> human; start greet; discloses "I am an AI." }}
{REST}tier ai: model {{
  persona "Be kind."
  answers by confidence {{
    90%..100% send
    0%..40%   escalate
  }}
}}
{ROUTE}node greet {{ continue with ai {{ otherwise -> greet }} }}
"#
    );
    mends("F0303", &bot, false, &["    40%..90%  escalate\n  }"]);
}

#[test]
fn failed() {
    let bot = format!(
        r#"{BOT}{REST}{ROUTE}webhook ping() {{ get "https://shop.example/ping" }}
node greet {{
  call ping()
  call ping() {{ }}
  call ping() {{
    // nothing yet
  }}
  -> farewell
}}
node farewell {{
  say "Bye."
  end resolved
}}
"#
    );
    mends(
        "F0408",
        &bot,
        false,
        &[
            "  call ping() { failed -> escalate }\n  call ping() { failed -> escalate }\n",
            "    // nothing yet\n    failed -> escalate\n  }\n",
        ],
    );
}

#[test]
fn percent() {
    let bot = format!(
        r#"{BOT}{REST}{ROUTE}threshold sure = 70 {{
  85 when shouting
}}
escalate low to human {{ when confidence < sure }}
escalate angry to human {{
  when sentiment < -40
  priority high
}}
{GREET}"#
    );
    mends(
        "F0301",
        &bot,
        true,
        &[
            "threshold sure = 70% {\n  85% when shouting\n}",
            "when sentiment < -40%\n",
        ],
    );
}

#[test]
fn names_of_old() {
    let bot = format!(
        r#"{BOT}{REST}{ROUTE}slots {{ order_id was order_number: text }}
node greet {{
  ask order_number "Your order number?"
  say "Thanks for {{order_number}}."
  -> bye
}}
node farewell was bye {{
  say "Bye."
  end resolved
}}
"#
    );
    mends(
        "F0201",
        &bot,
        true,
        &["ask order_id \"", "{order_id}.\"\n  -> farewell\n"],
    );
}

#[test]
fn misspelt_names() {
    let bot = format!(
        r#"{BOT}{REST}{ROUTE}slots {{ order_id: text }}
node greet {{
  ask ordr_id "Your order number?"
  say "Thanks for {{order_id}}."
  -> fairwell
}}
node farewell {{
  say "Bye."
  end resolved
}}
"#
    );
    mends("F0201", &bot, false, &["ask order_id \"", "-> farewell\n"]);
}

#[test]
fn texts() {
    let bot = format!(
        r#"bot demo {{ languages en, es; channels web; tiers bot -> human; start greet }}
{REST}route human {{
  | intent | team    | priority |
  | _      | support | standard |
}}
handoff human {{ say "I'll get you to a person." }}   // kept
text done {{ en "Done?" }}
node greet {{
  say """
    Hello {{customer.name ?? "you"}}!
      How are you?
    """
  choose done {{
    "Yes" -> end resolved
    "No" {{
      say "Yes"
      -> escalate
    }}
  }}
}}
customer {{ name: text private }}
"#
    );
    mends(
        "F0901",
        &bot,
        false,
        &[
            "handoff human { say ill_get_you_to_text }   // kept\n\ntext ill_get_you_to_text {\n  en \"I'll get you to a person.\"\n  es \"I'll get you to a person.\" // to translate\n}\n",
            "text done {\n  en \"Done?\"\n  es \"Done?\" // to translate\n}\n",
            "      say yes_text\n",
        ],
    );
}

#[test]
fn shares() {
    let bot = format!(
        r#"bot demo {{ languages en; channels web; tiers bot -> ai -> human; start greet; discloses "I am an AI." }}
{REST}tier ai: model {{
  persona "Be kind to {{customer.name ?? "them"}}."
  shares transcript, customer.email
  tools lookup
  answers by confidence {{ 0%..100% send }}
}}
{ROUTE}customer {{
  name: text private
  email: email private
}}
slots {{ copy: text }}
webhook lookup(email: email) -> text {{ get "https://crm.example/{{email}}" }}
webhook log(what: text) {{
  post "https://crm.example/log"
  send {{ what }}
  idempotent
}}
node greet {{
  ask customer.name "Your name?"
  set copy = "It is {{customer.name}}"
  call log("Said: {{copy}}") {{ failed -> ask_ai }}
  -> ask_ai
}}
node ask_ai {{
  continue with ai {{ otherwise -> greet }}
}}
"#
    );
    mends(
        "F1001",
        &bot,
        false,
        &[
            "  shares transcript, customer.email, customer.name\n",
            "{ get \"https://crm.example/{email}\"; shares customer.email }",
            "  idempotent\n  shares customer.name\n}",
        ],
    );
}

/// The last lines of the output say how many findings could be mended from here, and how.
#[test]
fn what_can_be_mended_is_said() {
    let bot = format!(
        r#"{BOT}{REST}{ROUTE}escalate low to human {{ when confidence < 70 }}
webhook ping() {{ get "https://shop.example/ping" }}
node greet {{
  call ping()
  -> farewell
}}
node farewell {{
  say "Bye."
  end resolved
}}
"#
    );
    let dir = written(&bot);
    let said = String::from_utf8(flowc(dir.path(), &[]).stdout).unwrap();
    assert!(
        said.ends_with(
            "`--fix` mends 1 finding\n`--fix-all` mends 2 findings, in ways that you should look at\n"
        ),
        "{said}"
    );
    let fixed = flowc(dir.path(), &["--fix"]);
    assert_eq!(fixed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&fixed.stderr).contains("mended 1 finding"));
    let text = std::fs::read_to_string(dir.path().join("bot.flow")).unwrap();
    assert!(text.contains("confidence < 70%") && text.contains("  call ping()\n"));
}
