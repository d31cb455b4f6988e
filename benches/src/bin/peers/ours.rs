//! Ours, measured in the same run.

use anyhow::Context;
use flow_benches::measure::processor;
use flow_benches::traffic::CHAT;
use flow_benches::turned::turned;
use flow_benches::{acme, generated, lines_of};
use flow_compiler::{Compiler, Options};
use flow_engine::event::{Event, EventKind, Visitor};
use flow_engine::{Conversation, Engine};
use flow_simulator::Program;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[expect(clippy::cast_precision_loss, reason = "a count")]
fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn options() -> Options {
    Options {
        date: jiff::civil::date(2026, 3, 2),
    }
}

/// Lines per second of a whole check, from cold, one core; the best of several.
pub(crate) fn check() -> anyhow::Result<f64> {
    let project = generated(10_000);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let best = pool.install(|| {
        let times = (0..20).map(|_| {
            let before = processor();
            let compilation = Compiler::new().compile(&project, &options());
            let took = processor().saturating_sub(before);
            drop(compilation);
            took
        });
        times.min()
    });
    let best = best.context("no run")?;
    Ok(per_second(lines_of(&project), best))
}

/// The example shop, and what its customers do: open a conversation, then the messages of [`CHAT`], understood before the time counts.
pub(crate) struct Shop {
    program: Arc<Program>,
    events: Vec<Event>,
}

impl Shop {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let loaded = flow_loader::load(&acme())?;
        let machine = Compiler::default()
            .compile(&loaded.project, &options())
            .runnable()
            .context("flows/acme_store has errors")?;
        let program = Arc::new(Program::new(machine).map_err(|e| anyhow::anyhow!(e))?);
        let at = jiff::Timestamp::UNIX_EPOCH;
        let context = flow_understanding::Context {
            language: Some("en"),
            now: at,
            timezone: jiff::tz::TimeZone::UTC,
            expecting: None,
        };
        let mut kinds = vec![EventKind::Opened {
            channel: "web".into(),
            language: Some("en".into()),
            page: None,
            visitor: Visitor::default(),
        }];
        for (n, line) in CHAT.iter().enumerate() {
            kinds.push(EventKind::Message {
                id: smol_str::format_smolstr!("m{n}"),
                text: (*line).to_owned(),
                signals: program.understanding.signals(line, &context),
            });
        }
        let events = kinds.into_iter().map(|kind| Event { at, kind }).collect();
        Ok(Self { program, events })
    }

    fn engine(&self) -> &Engine {
        &self.program.engine
    }

    /// Messages per second, in memory.
    pub(crate) fn turns(&self) -> f64 {
        self.rate(|conversation, event| {
            std::hint::black_box(self.engine().step(conversation, event, &self.program.hooks));
        })
    }

    /// Messages per second, from a conversation as it is stored to one as it is stored.
    pub(crate) fn stored_turns(&self) -> anyhow::Result<f64> {
        let mut failed = None;
        let mut stored = String::new();
        let rate = self.rate(|conversation, event| {
            // What a server without memory does: read, decide, write.
            let once = || -> anyhow::Result<String> {
                let mut read: Conversation = if stored.is_empty() {
                    conversation.clone()
                } else {
                    serde_json::from_str(&stored)?
                };
                if matches!(event.kind, EventKind::Opened { .. }) {
                    read = conversation.clone();
                }
                std::hint::black_box(self.engine().step(&mut read, event, &self.program.hooks));
                Ok(serde_json::to_string(&read)?)
            };
            match once() {
                Ok(text) => stored = text,
                Err(error) => failed = Some(error),
            }
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(rate),
        }
    }

    fn rate(&self, mut turn: impl FnMut(&mut Conversation, &Event)) -> f64 {
        let mut best = Duration::MAX;
        let rounds = 400;
        for _ in 0..10 {
            let before = processor();
            for _ in 0..rounds {
                let mut conversation = Conversation::new(self.engine().machine().version.clone());
                for event in &self.events {
                    turn(&mut conversation, event);
                }
            }
            best = best.min(processor().saturating_sub(before));
        }
        per_second(rounds * (self.events.len() - 1), best)
    }
}

/// Durable messages per second, each understood, decided and stored with an fsync; `more` lines that no conversation uses are
/// added to the bot.
pub(crate) fn durable(folder: &Path, clients: usize, more: usize) -> anyhow::Result<f64> {
    let bot = folder.join(format!("shop_{more}"));
    copy(&acme(), &bot)?;
    if more > 0 {
        std::fs::write(bot.join("unused.flow"), unused(more))?;
    }
    let data = folder.join(format!("data_{clients}_{more}"));
    std::fs::create_dir_all(&data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (outcome, _) = runtime.block_on(turned(&bot, &data, clients, Duration::from_secs(4)))?;
    Ok(outcome.rate)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if name == "target" || name == "order_service" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            std::fs::copy(path, to.join(name))?;
        }
    }
    Ok(())
}

/// About `lines` lines of nodes that only lead to each other.
fn unused(lines: usize) -> String {
    let nodes = (lines / 8).max(1);
    (0..nodes)
        .map(|n| {
            format!(
                "node unused_{n} {{\n  say \"This is step {n}, {{customer.name ?? \"friend\"}}.\"\n  choose \"What next after {n}?\" {{\n    \"Go on\" -> unused_{next}\n    \"Leave\" -> end resolved\n    otherwise -> unused_{next}\n  }}\n}}\n",
                next = (n + 1) % nodes
            )
        })
        .collect()
}
