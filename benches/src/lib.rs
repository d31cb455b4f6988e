//! What is measured, and on what: generated bots of any size, a conversation of the example shop, the machine's name.

pub mod bare;
pub mod daemon;
pub mod measure;
mod shapes;
pub mod traffic;
pub mod turned;
pub mod wire;

pub use shapes::Shape;

use flow_compiler::sources::Project;
use std::fmt::Write;
use std::sync::Arc;

/// A correct bot of about `lines` lines in files of about 1,000 lines: nodes with questions, calls, matches and choices, intents, rules, a matrix.
#[must_use]
pub fn generated(lines: usize) -> Project {
    let nodes = (lines.saturating_sub(60) / 24).max(1);
    let mut files: Vec<(smol_str::SmolStr, Arc<str>)> = vec![("bot.flow".into(), Arc::from(HEAD))];
    let mut text = String::new();
    for n in 0..nodes {
        node(&mut text, n, nodes);
        if (n + 1) % 42 == 0 || n + 1 == nodes {
            files.push((
                smol_str::format_smolstr!("part_{:05}.flow", n / 42),
                Arc::from(std::mem::take(&mut text)),
            ));
        }
    }
    files.sort();
    Project {
        root: "".into(),
        flow_files: files,
        other_files: Vec::new(),
        unreadable: Vec::new(),
    }
}

/// Lines of all files.
#[must_use]
pub fn lines_of(project: &Project) -> usize {
    project
        .flow_files
        .iter()
        .map(|(_, text)| text.lines().count())
        .sum()
}

const HEAD: &str = r#"/// A generated bot.
bot generated {
  languages en
  channels web
  timezone "Europe/London"
  tiers bot -> human
  start greet
  menu { "Talk to a human" -> escalate asked_for_human }
}
tier bot: scripted { cost 0.02 USD }
tier human: people { cost 12 USD }
enum order_status { processing, shipped, delivered, cancelled }
record order {
  id: text
  status: order_status
  eta: date?
  total: money
}
slots {
  order_id: text matching /[A-Z]{2}-[0-9]{6}/
  kind: order_status ask "Which state?"
}
customer {
  name: text private
  vip: bool = false
}
webhook find_order(order_id: text) -> order {
  get "https://shop.example/orders/{order_id}"
  timeout 2s
}
escalate asked_for_human to human { when asks_for_human; priority high; say "One moment, a person will help." }
escalate frustrated to human {
  when sentiment < -40% for 2 messages
    or 2 of [shouting, profanity, negation, repeated_question]
  priority high
}
escalate stuck to human { when intent_repeats >= 2 or failed_answers >= 2 }
team support { hours always; languages en }
route human {
  | customer.vip | kind               | team    | priority |
  | true         | _                  | support | high     |
  | _            | shipped, delivered | support | medium   |
  | _            | _                  | support | standard |
}
handoff human {
  say "I'll get you to a person, with our whole chat."
  returned -> greet
}
node greet {
  choose "What can I help with?" {
    "First" -> step_0
    otherwise -> step_0
  }
}
"#;

fn node(out: &mut String, n: usize, nodes: usize) {
    let next = (n + 1) % nodes;
    let far = (n * 7 + 3) % nodes;
    let _ = write!(
        out,
        r#"intent wish_{n} {{ "I want thing {n} please", "can you do number {n}" }}
on intent wish_{n} -> step_{n}
node step_{n} {{
  say "This is step {n}, {{customer.name ?? "friend"}}."
  ask order_id "What's your order number for step {n}?" {{
    invalid "It looks like AB-123456."
    retry 2
    otherwise -> step_{next}
  }}
  call find_order(order_id) as order {{
    failed -> escalate to human because "The order system did not answer"
  }}
  match order.status {{
    processing, shipped {{
      say "It arrives {{order.eta ?? "soon"}}."
      set kind = shipped
    }}
    delivered -> step_{far}
    cancelled -> end resolved
  }}
  choose "What next after {n}?" {{ "Go on" -> step_{next}; "Leave" -> end resolved; otherwise -> greet }}
}}

"#
    );
}

/// The processor and the cores, as far as the system says.
#[must_use]
pub fn machine_name() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .map(|l| l.trim_start_matches([' ', '\t', ':']).to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{} ({cores} cores)",
        model.unwrap_or_else(|| "unknown processor".to_owned())
    )
}

/// The example shop's folder.
#[must_use]
pub fn acme() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/acme_store")
}
