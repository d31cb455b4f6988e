//! A daemon with very many stored conversations: how long it starts, what an idle one costs, what leaves memory.
//!
//! `cargo build --release --workspace --bins && target/release/scale --conversations 1000000`

use clap::Parser;
use flow_benches::bare::text;
use flow_benches::daemon::Flowd;
use flow_benches::measure::memory_of;
use flow_benches::wire::{Customer, Wire};
use flow_benches::{acme, machine_name};
use flow_store::{
    Conversation, MessageKey, NewEvent, SqliteOptions, SqliteStore, Store, Summary, TurnCommit,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Starts flowd on very many stored conversations, and looks at its memory.
#[derive(Debug, Parser)]
struct Args {
    /// How many are stored.
    #[arg(long, default_value_t = 1_000_000)]
    conversations: u64,
    /// How many are used once and then left alone.
    #[arg(long, default_value_t = 20_000)]
    idle: u64,
    /// The data folder; kept if it is named, so that a second run need not fill it again.
    #[arg(long)]
    data: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    println!("machine: {}", machine_name());
    let data = args
        .data
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("flow-scale-{}", std::process::id())));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    // The bot is known and its version stored before, as for a daemon that ran here yesterday.
    let empty = Flowd::start(&acme(), &data)?;
    println!(
        "start with an empty or the same store: {:.2} s",
        empty.took.as_secs_f64()
    );
    drop(empty);
    let began = Instant::now();
    let added = runtime.block_on(fill(&data, args.conversations))?;
    println!(
        "{added} conversations were stored in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    for _ in 0..3 {
        let flow = Flowd::start(&acme(), &data)?;
        println!(
            "start with {} stored conversations: {:.2} s, {} KiB",
            args.conversations,
            flow.took.as_secs_f64(),
            memory_of(&flow.process())
        );
    }
    runtime.block_on(idle(&data, args.idle))?;
    if args.data.is_none() {
        std::fs::remove_dir_all(&data)?;
    }
    Ok(())
}

/// Fills the store through its own commits; those of an earlier run count.
async fn fill(data: &Path, wanted: u64) -> anyhow::Result<u64> {
    let store = Arc::new(SqliteStore::open(data, &SqliteOptions::default())?);
    let version = store.active().await?.map(|p| p.hash).unwrap_or_default();
    let have = store.stats().await?.timers;
    let mut waiting = tokio::task::JoinSet::new();
    for n in have..wanted {
        if waiting.len() >= 2048
            && let Some(done) = waiting.join_next().await
        {
            done??;
        }
        let (store, commit) = (Arc::clone(&store), stored(n, version.clone()));
        waiting.spawn(async move { store.commit(commit).await });
    }
    while let Some(done) = waiting.join_next().await {
        done??;
    }
    Ok(wanted.saturating_sub(have))
}

/// A conversation that waits for its customer, with a timer for tomorrow and later.
fn stored(n: u64, version: smol_str::SmolStr) -> TurnCommit {
    let now = jiff::Timestamp::now();
    // Opened through the year, waited for through the next month.
    let ago = i64::try_from(n % (365 * 24)).unwrap_or(0);
    let at = now - jiff::SignedDuration::from_hours(ago);
    let days = i64::try_from(n % 30).unwrap_or(0) + 1;
    let later = now + jiff::SignedDuration::from_hours(24 * days);
    TurnCommit {
        conversation: Conversation {
            summary: Summary {
                id: format!("c_{n:032x}"),
                stage: "scripted".into(),
                tier: "bot".into(),
                channel: "web".into(),
                language: "en".into(),
                opened_at: Some(at),
                last_at: Some(at),
                last_text: Some("What can I help with?".to_owned()),
                last_from: Some("bot".into()),
                version,
                seq: 1,
                ..Summary::default()
            },
            row: 0,
            state: text(n, 1000),
            token: vec![7; 32],
        },
        events: vec![NewEvent {
            seq: 1,
            at,
            record: text(n + 1, 800),
            messages: text(n + 2, 300),
        }],
        message: Some(MessageKey {
            id: "v:m1".to_owned(),
            hash: vec![9; 32],
        }),
        outbox: Vec::new(),
        timers: vec![(1, later)],
        cancelled: Vec::new(),
        consumed: None,
        follow_ups: Vec::new(),
        scores: Vec::new(),
        rules: Vec::new(),
        tiers: vec!["bot".into()],
        identities: Vec::new(),
        measures: Default::default(),
    }
}

/// Conversations that are used once: what they cost while they are fresh, and after a while.
async fn idle(data: &Path, count: u64) -> anyhow::Result<()> {
    let flow = Flowd::start(&acme(), data)?;
    let mut wire = Wire::new(&flow.url)?;
    // Pools and caches fill first.
    for n in 0..5_000 {
        let customer = Customer::open(&mut wire).await?;
        customer.say(&mut wire, &format!("m{n}"), "hello").await?;
    }
    let kept = |text: &str| -> Option<f64> {
        let line = text
            .lines()
            .find(|l| l.starts_with("flow_conversations_in_memory "))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    let memory = memory_of(&flow.process());
    for n in 0..count {
        let customer = Customer::open(&mut wire).await?;
        customer.say(&mut wire, &format!("i{n}"), "hello").await?;
    }
    let used = memory_of(&flow.process());
    let grown = used.saturating_sub(memory) * 1024 / count.max(1);
    println!("{count} conversations, used once: {memory} -> {used} KiB, {grown} bytes each");
    for seconds in [0, 130] {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let answer = wire.send("GET", "/metrics", None, "").await;
        let answer = match answer {
            Ok(answer) => answer,
            // The connection was idle for too long.
            Err(_) => wire.send("GET", "/metrics", None, "").await?,
        };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        println!(
            "after {seconds} s: {} in memory, {} KiB",
            kept(&text).unwrap_or(-1.0),
            memory_of(&flow.process())
        );
    }
    Ok(())
}
