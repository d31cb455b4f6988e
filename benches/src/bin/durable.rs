//! Durable turns per second with 64 conversations at once, beside the limit: a bare SQLite program that writes rows of the same sizes and does
//! nothing else. Each is measured in turn, several times, and the best of each counts.
//!
//! `cargo run --release -p flow-benches --bin durable -- --seconds 5 --rounds 3`

use anyhow::Context;
use clap::{Parser, ValueEnum};
use flow_benches::bare::{self, Sizes};
use flow_benches::measure::{Outcome, cpu_seconds};
use flow_benches::turned::turned;
use flow_benches::{acme, machine_name};
use flow_store::{
    Committed, Conversation, MessageKey, NewEvent, NewOutbox, SqliteOptions, SqliteStore, Store,
    Summary, TurnCommit,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As flowd itself has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Durable turns per second, beside a bare SQLite program.
#[derive(Debug, Parser)]
struct Args {
    /// Conversations at once.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// For how long, each.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Where the databases are made, and removed again.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Only one of them, for a profiler.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    Bare,
    Store,
    Turns,
}

/// What a turn of a talkative bot writes: an event, the state, a row of the outbox.
const ROWS: Sizes = Sizes {
    event: 1024,
    state: 2048,
    outbox: Some(200),
};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let time = Duration::from_secs(args.seconds);
    let root = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let root = root.join(format!("flow-durable-{}", std::process::id()));
    println!("machine: {}", machine_name());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if let Some(part) = args.only {
        std::fs::create_dir_all(&root)?;
        let outcome = match part {
            Part::Bare => bare::run(&root, args.clients, ROWS, time)?,
            Part::Store => runtime.block_on(commits(&root, args.clients, time))?,
            Part::Turns => {
                runtime
                    .block_on(turned(&acme(), &root, args.clients, time))?
                    .0
            }
        };
        println!("{part:?}: {outcome}");
        std::fs::remove_dir_all(&root)?;
        return Ok(());
    }
    let (mut limit, mut store, mut turns, mut own) = (None, None, None, None);
    for round in 0..args.rounds.max(1) {
        let folder = |name: &str| -> anyhow::Result<PathBuf> {
            let path = root.join(format!("{name}-{round}"));
            std::fs::create_dir_all(&path)?;
            Ok(path)
        };
        best(
            &mut limit,
            bare::run(&folder("bare")?, args.clients, ROWS, time)?,
        );
        let commits = runtime.block_on(commits(&folder("store")?, args.clients, time))?;
        best(&mut store, commits);
        let path = folder("daemon")?;
        let (outcome, sizes) = runtime.block_on(turned(&acme(), &path, args.clients, time))?;
        best(&mut turns, outcome);
        best(
            &mut own,
            bare::run(&folder("own")?, args.clients, sizes, time)?,
        );
        if round == 0 {
            println!(
                "a turn of the example shop: event {} bytes, state {} bytes",
                sizes.event, sizes.state
            );
        }
        std::fs::remove_dir_all(&root)?;
    }
    let (limit, store) = (limit.context("no run")?, store.context("no run")?);
    let (turns, own) = (turns.context("no run")?, own.context("no run")?);
    println!("bare SQLite, event 1 KiB, state 2 KiB, outbox   {limit}");
    println!(
        "flow-store, the same rows                       {store}  {:.0}%",
        100.0 * store.rate / limit.rate
    );
    println!("bare SQLite, rows of the shop's turns           {own}");
    println!(
        "flowd's turns: understood, decided, stored      {turns}  {:.0}%",
        100.0 * turns.rate / own.rate
    );
    Ok(())
}

fn best(best: &mut Option<Outcome>, new: Outcome) {
    if best.as_ref().is_none_or(|b| b.rate < new.rate) {
        *best = Some(new);
    }
}

/// Commits through the store, without an engine.
async fn commits(folder: &Path, clients: usize, time: Duration) -> anyhow::Result<Outcome> {
    let store = Arc::new(SqliteStore::open(folder, &SqliteOptions::default())?);
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let until = start + time;
    let tasks: Vec<_> = (0..clients)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut times = Vec::new();
                let (mut conversation, mut seq) = (0, 0);
                while Instant::now() < until {
                    // Real conversations are short: a fresh one now and then.
                    if seq == 40 {
                        (conversation, seq) = (conversation + 1, 0);
                    }
                    seq += 1;
                    let commit = turn(n, conversation, seq)?;
                    let began = Instant::now();
                    let done = store.commit(commit).await?;
                    anyhow::ensure!(matches!(done, Committed::Done { .. }), "{done:?}");
                    times.push(began.elapsed());
                }
                Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok(Outcome::of(times, start.elapsed(), cpu_seconds() - cpu))
}

fn turn(client: usize, conversation: u32, seq: u64) -> anyhow::Result<TurnCommit> {
    let at = jiff::Timestamp::now();
    Ok(TurnCommit {
        conversation: Conversation {
            summary: Summary {
                id: format!("c_{conversation:016x}{client:016x}"),
                stage: "scripted".into(),
                tier: "bot".into(),
                channel: "web".into(),
                language: "en".into(),
                opened_at: Some(jiff::Timestamp::UNIX_EPOCH),
                last_at: Some(at),
                last_text: Some("hello there".to_owned()),
                version: "v".into(),
                seq,
                ..Summary::default()
            },
            row: seq - 1,
            state: bare::text(seq, ROWS.state),
            token: vec![7; 32],
        },
        events: vec![NewEvent {
            seq,
            at,
            record: bare::text(seq + 1, ROWS.event - 200),
            messages: bare::text(seq + 2, 200),
        }],
        message: Some(MessageKey {
            id: format!("v:m{seq}"),
            hash: vec![9; 32],
        }),
        outbox: vec![NewOutbox {
            seq,
            idx: 0,
            kind: "webhook".into(),
            payload: bare::text(seq + 3, 200),
            due: at,
        }],
        timers: Vec::new(),
        cancelled: Vec::new(),
        consumed: None,
        follow_ups: Vec::new(),
        scores: Vec::new(),
        rules: Vec::new(),
        tiers: vec!["bot".into()],
        identities: Vec::new(),
        measures: Default::default(),
    })
}
