//! What regorus, Cedar and json-rules-engine decide (`benches/peers/data`), as a bot of ours: the same ten rules over the same eight facts, the
//! same hundred rows; held to the same expected answers before anything is timed.

use anyhow::{Context, bail, ensure};
use flow_benches::measure::processor;
use flow_compiler::machine::Machine;
use flow_compiler::sources::Project;
use flow_compiler::value::{TierId, Value};
use flow_compiler::{Compiler, Options};
use flow_engine::event::{Event, EventKind, Visitor};
use flow_engine::{Conversation, Engine, Hooks};
use jiff::Timestamp;
use serde_json::Value as Json;
use smol_str::{SmolStr, format_smolstr};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The bot has no hooks.
struct NoHooks;

impl Hooks for NoHooks {
    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        Err(format!("there is no hook {name}"))
    }
}

const HEAD: &str = r#"
bot same { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted {}
tier human: people {}
handoff human { say "One moment." }
node greet { choose "Hello" { "Bye" -> end resolved; otherwise -> escalate } }
"#;

fn data(name: &str) -> anyhow::Result<Json> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("peers/data")
        .join(name);
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("no `{}`", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

fn list(json: &Json) -> anyhow::Result<&Vec<Json>> {
    json.as_array().context("a list")
}

fn text(json: &Json) -> anyhow::Result<&str> {
    json.as_str().context("a text")
}

fn compile(source: String) -> anyhow::Result<Arc<Machine>> {
    let project = Project {
        flow_files: vec![("bot.flow".into(), source.into())],
        ..Project::default()
    };
    let options = Options {
        date: jiff::civil::date(2026, 3, 2),
    };
    let compilation = Compiler::new().compile(&project, &options);
    compilation.runnable().with_context(|| {
        flow_compiler::render::text(&compilation.sources, &compilation.diagnostics, false)
    })
}

/// A value of the others' data as a slot's: texts are values of an enum.
fn value(json: &Json) -> anyhow::Result<Value> {
    Ok(match json {
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Number(n.as_f64().context("a number")?),
        Json::String(s) => Value::Enum(s.as_str().into()),
        other => bail!("{other} is no value"),
    })
}

/// A value in the language.
fn written(json: &Json) -> anyhow::Result<String> {
    Ok(match json {
        Json::Array(of) => {
            let of: anyhow::Result<Vec<String>> = of.iter().map(written).collect();
            format!("[{}]", of?.join(", "))
        }
        Json::String(s) => s.clone(),
        other => other.to_string(),
    })
}

fn condition(json: &Json) -> anyhow::Result<String> {
    for (key, word) in [("all", " and "), ("any", " or ")] {
        if let Some(of) = json.get(key) {
            let of: anyhow::Result<Vec<String>> = list(of)?.iter().map(condition).collect();
            return Ok(format!("({})", of?.join(word)));
        }
    }
    let of = |key: &str| json.get(key).with_context(|| format!("no `{key}`"));
    let (fact, right) = (text(of("fact")?)?, written(of("value")?)?);
    Ok(match text(of("operator")?)? {
        "equal" => format!("f_{fact} is {right}"),
        "lessThan" => format!("f_{fact} < {right}"),
        "greaterThan" => format!("f_{fact} > {right}"),
        "greaterThanInclusive" => format!("f_{fact} >= {right}"),
        "in" => format!("f_{fact} in {right}"),
        "notIn" => format!("not f_{fact} in {right}"),
        other => bail!("operator {other}"),
    })
}

/// One conversation for each set of facts.
fn conversations(engine: &Engine, sets: &Json, prefix: &str) -> anyhow::Result<Vec<Conversation>> {
    list(sets)?
        .iter()
        .map(|facts| {
            let mut conversation = Conversation::new(engine.machine().version.clone());
            let opened = Event {
                at: now()?,
                kind: EventKind::Opened {
                    channel: "web".into(),
                    language: None,
                    page: None,
                    visitor: Visitor::default(),
                },
            };
            let turn = engine.step(&mut conversation, &opened, &NoHooks);
            ensure!(turn.accepted.is_ok(), "{turn:?}");
            let facts = facts.as_object().context("facts")?;
            let slots: anyhow::Result<Vec<(SmolStr, Value)>> = facts
                .iter()
                .map(|(name, v)| Ok((format_smolstr!("{prefix}{name}"), value(v)?)))
                .collect();
            conversation.preset_slots(slots?);
            Ok(conversation)
        })
        .collect()
}

fn now() -> anyhow::Result<Timestamp> {
    Ok("2026-03-02T10:00:00Z".parse()?)
}

/// How often a second `work` is done, `per` at a time; by the processor, whose time is told in steps, so for a while; the best of several.
fn rate(per: usize, mut work: impl FnMut()) -> f64 {
    let mut time = |rounds: u32| {
        let before = processor();
        for _ in 0..rounds {
            work();
        }
        processor().saturating_sub(before)
    };
    let mut rounds = 1;
    while time(rounds) < Duration::from_millis(200) {
        rounds *= 2;
    }
    let best = (0..5).map(|_| time(rounds)).min().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    let per = per as f64;
    per * f64::from(rounds) / best.as_secs_f64()
}

/// How often a second all ten rules are decided.
pub(crate) fn rules() -> anyhow::Result<f64> {
    let (rules, sets, expected) = (
        data("rules.json")?,
        data("facts.json")?,
        data("rules_expected.json")?,
    );
    let mut source = format!(
        "{HEAD}enum topics {{ fraud, cancel, refund, return, billing, delivery, other, chargeback, legal, faq }}
enum tongues {{ en, de, fr, es, it }}
slots {{
  f_sentiment: number
  f_failed_turns: number
  f_vip: bool
  f_topic: topics
  f_order_value: number
  f_language: tongues
  f_wait_secs: number
  f_asked_human: bool
}}
team support {{ hours always }}
route human {{
  | intent | team    | priority |
  | _      | support | standard |
}}
"
    );
    for rule in list(&rules)? {
        let name = text(rule.get("name").context("no name")?)?;
        let when = condition(rule.get("conditions").context("no conditions")?)?;
        writeln!(
            source,
            "escalate r_{name} to human {{ when {when}; because \"{name}\" }} // allow F0602: as the others have it"
        )?;
    }
    let engine = Engine::new(compile(source)?);
    let conversations = conversations(&engine, &sets, "f_")?;
    let at = now()?;
    let ten: Vec<_> = engine
        .machine()
        .rules
        .iter()
        .filter_map(|r| Some((r.name.strip_prefix("r_")?, &r.when)))
        .collect();
    ensure!(ten.len() == 10, "ten rules");
    for (conversation, expected) in conversations.iter().zip(list(&expected)?) {
        let mut fired: Vec<&str> = ten
            .iter()
            .filter(|(_, when)| {
                engine.eval_condition(conversation, when, at, &NoHooks) == Some(true)
            })
            .map(|(name, _)| *name)
            .collect();
        let mut wanted = list(expected)?
            .iter()
            .map(text)
            .collect::<anyhow::Result<Vec<&str>>>()?;
        fired.sort_unstable();
        wanted.sort_unstable();
        ensure!(fired == wanted, "{fired:?} fired, not {wanted:?}");
    }
    Ok(rate(conversations.len(), || {
        for conversation in &conversations {
            for (_, when) in &ten {
                std::hint::black_box(engine.eval_condition(conversation, when, at, &NoHooks));
            }
        }
    }))
}

/// How often a second the matrix of a hundred rows finds its row.
pub(crate) fn matrix() -> anyhow::Result<f64> {
    let (rows, sets, expected) = (
        data("routing.json")?,
        data("routing_inputs.json")?,
        data("routing_expected.json")?,
    );
    let topics: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    let mut source = format!(
        "{HEAD}enum topics {{ {} }}
enum tongues {{ en, de, fr, es, it }}
enum ways {{ web, whatsapp, email, telegram }}
enum times {{ open, closed }}
slots {{
  r_topic: topics
  r_lang: tongues
  r_channel: ways
  r_vip: bool
  r_hours: times
  r_value: number
}}
",
        topics.join(", ")
    );
    let mut table = String::from(
        "route human {\n  | r_topic | r_lang | r_channel | r_vip | r_hours | r_value | team | priority |\n",
    );
    for row in list(&rows)? {
        let cell = |key: &str| -> anyhow::Result<String> {
            let cell = written(row.get(key).with_context(|| format!("no `{key}`"))?)?;
            Ok(if cell == "*" { "_".to_owned() } else { cell })
        };
        let least = cell("min_value")?;
        let least = if least == "0" {
            "_".to_owned()
        } else {
            format!(">= {least}")
        };
        let queue = cell("queue")?;
        writeln!(source, "team {queue} {{ hours always }}")?;
        let cells = ["topic", "lang", "channel", "vip", "hours"]
            .into_iter()
            .map(cell)
            .collect::<anyhow::Result<Vec<_>>>()?;
        writeln!(
            table,
            "  | {} | {least} | {queue} | standard | // allow F0702: as the others have it",
            cells.join(" | ")
        )?;
    }
    let engine = Engine::new(compile(format!("{source}{table}}}\n"))?);
    let conversations = conversations(&engine, &sets, "r_")?;
    let at = now()?;
    let people = TierId(1);
    for (conversation, wanted) in conversations.iter().zip(list(&expected)?) {
        let routed = engine
            .route(conversation, people, at, &NoHooks)
            .context("no row")?;
        let team = engine.machine().teams.get(routed.team.index());
        let team = team.context("no team")?.name.as_str();
        ensure!(team == text(wanted)?, "{team}, not {wanted}");
    }
    Ok(rate(conversations.len(), || {
        for conversation in &conversations {
            std::hint::black_box(engine.route(conversation, people, at, &NoHooks));
        }
    }))
}
