//! The numbers of this release on this machine, as one table: `cargo run --release -p flow-benches --bin table`.
//!
//! Everything in process is timed as the median of several runs; messages through flowd are those that a load of 64 customers got
//! acknowledged by the release binary (`cargo build --release --workspace --bins` first; skipped, and said so, where it is missing).

use anyhow::Context;
use flow_benches::daemon::{Flowd, binary};
use flow_benches::{acme, generated, lines_of, machine_name};
use flow_compiler::{Compiler, Options};
use flow_engine::event::{Event, EventKind, Visitor};
use flow_engine::{Conversation, Engine};
use flow_simulator::{Program, run_tests};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() -> anyhow::Result<()> {
    println!("machine: {}", machine_name());
    println!("{:<58} {:>14}", "what", "measured");
    let row = |what: &str, measured: String| println!("{what:<58} {measured:>14}");
    for lines in [10_000, 100_000] {
        let project = generated(lines);
        let real = lines_of(&project);
        let took = median(5, || {
            std::hint::black_box(Compiler::default().compile(&project, &options()));
        });
        row(
            &format!("check, cold, generated bot of {real} lines"),
            format!("{:.1} ms", millis(took)),
        );
        #[expect(clippy::cast_precision_loss, reason = "a count of lines")]
        row(
            "  that is",
            format!("{:.0} lines/s", real as f64 / took.as_secs_f64()),
        );
        let mut compiler = Compiler::default();
        compiler.compile(&project, &options());
        let mut edited = project.clone();
        let mut turn = 0;
        let took = median(5, || {
            turn += 1;
            if let Some((_, text)) = edited
                .flow_files
                .iter_mut()
                .find(|(path, _)| path.starts_with("part_"))
            {
                let new = if turn % 2 == 1 {
                    text.replacen("This is step 0", "That is step 0", 1)
                } else {
                    text.replacen("That is step 0", "This is step 0", 1)
                };
                *text = Arc::from(new);
            }
            std::hint::black_box(compiler.compile(&edited, &options()));
        });
        row(
            "  again after an edit of one declaration",
            format!("{:.1} ms", millis(took)),
        );
    }
    let loaded = flow_loader::load(&acme())?;
    let took = median(5, || {
        std::hint::black_box(Compiler::default().compile(&loaded.project, &options()));
    });
    row(
        "check of flows/acme_store",
        format!("{:.1} ms", millis(took)),
    );
    let machine = Compiler::default()
        .compile(&loaded.project, &options())
        .runnable()
        .context("flows/acme_store has errors")?;
    let program = Arc::new(Program::new(machine).map_err(|e| anyhow::anyhow!(e))?);
    let tests = program.machine().tests.len();
    let took = median(3, || {
        std::hint::black_box(run_tests(&program, ""));
    });
    row(
        &format!("flowc test of flows/acme_store, {tests} tests"),
        format!("{:.0} ms", millis(took)),
    );
    let context = flow_understanding::Context {
        language: Some("en"),
        now: jiff::Timestamp::UNIX_EPOCH,
        timezone: jiff::tz::TimeZone::UTC,
        expecting: None,
    };
    let took = each(20_000, || {
        std::hint::black_box(
            program
                .understanding
                .signals("my invoice is wrong, I was charged twice", &context),
        );
    });
    row(
        "signals of a message",
        format!("{:.1} us", took.as_secs_f64() * 1e6),
    );
    row(
        "engine turns in memory, one core",
        format!("{:.0}/s", turns(&program)),
    );
    match through_flowd() {
        Ok(lines) => {
            println!("messages through flowd, durable, over HTTP, 64 customers:");
            print!("{lines}");
        }
        Err(why) => println!("messages through flowd: skipped, {why:#}"),
    }
    Ok(())
}

fn options() -> Options {
    Options {
        date: jiff::civil::date(2026, 3, 2),
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(runs: usize, mut run: impl FnMut()) -> Duration {
    run();
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(runs / 2).copied().unwrap_or_default()
}

fn each(times: u32, mut run: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        run();
    }
    start.elapsed() / times
}

/// Turns per second: a conversation opens, the customer's messages (understood once, before) are answered, then the next conversation.
fn turns(program: &Arc<Program>) -> f64 {
    let engine: &Engine = &program.engine;
    let at = jiff::Timestamp::UNIX_EPOCH;
    let context = flow_understanding::Context {
        language: Some("en"),
        now: at,
        timezone: jiff::tz::TimeZone::UTC,
        expecting: None,
    };
    let mut events = vec![EventKind::Opened {
        channel: "web".into(),
        language: None,
        page: None,
        visitor: Visitor::default(),
    }];
    for (i, text) in ["where is my order", "hello", "12", "what do you mean"]
        .iter()
        .enumerate()
    {
        let signals = program.understanding.signals(text, &context);
        events.push(EventKind::Message {
            id: smol_str::format_smolstr!("m{i}"),
            text: (*text).to_owned(),
            signals,
        });
    }
    let events: Vec<Event> = events.into_iter().map(|kind| Event { at, kind }).collect();
    let start = Instant::now();
    let mut done = 0_u32;
    while start.elapsed() < Duration::from_secs(3) {
        let mut conversation = Conversation::new(engine.machine().version.clone());
        for event in &events {
            std::hint::black_box(engine.step(&mut conversation, event, &program.hooks));
            done += 1;
        }
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

fn through_flowd() -> anyhow::Result<String> {
    let data = std::env::temp_dir().join(format!("flow-bench-{}", std::process::id()));
    let flow = Flowd::start(&acme(), &data)?;
    let mut out = String::new();
    for part in ["all that go", "half of them"] {
        let rate = if out.is_empty() {
            "0".to_owned()
        } else {
            half_of(&out)
        };
        let output = Command::new(binary("load")?)
            .args(["--url", &flow.url, "--pid", &flow.process()])
            .args(["--clients", "64", "--seconds", "10", "--rate", &rate])
            .output()?;
        out.push_str(&format!("  {part}:\n"));
        for line in String::from_utf8_lossy(&output.stdout).lines().skip(2) {
            out.push_str(&format!("    {line}\n"));
        }
        out.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    drop(flow);
    let _ = std::fs::remove_dir_all(&data);
    Ok(out)
}

/// Half of the rate that the first run printed.
fn half_of(out: &str) -> String {
    let rate: Option<f64> = out.lines().find_map(|l| {
        l.trim()
            .strip_prefix("acknowledged")?
            .split(", ")
            .nth(1)?
            .trim_end_matches("/s")
            .parse()
            .ok()
    });
    format!("{:.0}", rate.unwrap_or(1000.0) / 2.0)
}
