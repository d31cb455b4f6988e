//! What a conversation costs in memory: the bytes that are allocated, counted by the allocator, not what the system gave the process.
//!
//! `cargo run --release -p flow-benches --bin memory`. The daemon runs in this process, without HTTP. The conversations have written several
//! messages each; they are looked at while they are fresh, and again when they have left memory because nobody used them.

use anyhow::Context;
use cap::Cap;
use clap::Parser;
use flow_benches::traffic::CHAT;
use flow_benches::{acme, machine_name};
use flow_daemon::app::App;
use flow_daemon::config::Config;
use flow_daemon::{Command, Daemon, Input};
use flow_engine::event::{EventKind, Visitor};
use flow_store::MessageKey;
use mimalloc::MiMalloc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As in flowd, and counted.
#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// Counts the bytes that idle conversations take.
#[derive(Debug, Parser)]
struct Args {
    /// How many; not more than are kept in memory at once.
    #[arg(long, default_value_t = 4_000)]
    conversations: usize,
    /// Messages that each has written.
    #[arg(long, default_value_t = 5)]
    messages: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    println!("machine: {}", machine_name());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let data = std::env::temp_dir().join(format!("flow-memory-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let measured = runtime.block_on(measure(&args, &data));
    let _ = std::fs::remove_dir_all(&data);
    measured
}

async fn measure(args: &Args, data: &std::path::Path) -> anyhow::Result<()> {
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data: data.to_path_buf(),
        ..Config::default()
    };
    let shop = ("SHOP_URL".to_owned(), "http://127.0.0.1:9".to_owned());
    config.environment.set.extend([shop]);
    let daemon = flow_daemon::start(&acme(), config).await?;
    // Caches and tables fill first.
    talk(&daemon.app, "warm", args).await?;
    left(&daemon).await?;
    let before = ALLOCATOR.allocated();
    talk(&daemon.app, "idle", args).await?;
    let fresh = ALLOCATOR.allocated();
    let kept = daemon.app.turns.len();
    println!(
        "{} conversations with {} messages each, {kept} of them in memory",
        args.conversations, args.messages
    );
    let each = |now: usize| now.saturating_sub(before) / args.conversations.max(1);
    println!("in memory                 {:>8} bytes each", each(fresh));
    let seconds = left(&daemon).await?.as_secs();
    println!(
        "after they left ({seconds:>3} s)   {:>8} bytes each",
        each(ALLOCATOR.allocated())
    );
    daemon.stop().await;
    Ok(())
}

/// Waits until no conversation is in memory.
async fn left(daemon: &Daemon) -> anyhow::Result<Duration> {
    let began = Instant::now();
    while !daemon.app.turns.is_empty() {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(300),
            "the conversations stay in memory"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // What was told of the last turns is let go, too.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(began.elapsed())
}

async fn talk(app: &Arc<App>, name: &str, args: &Args) -> anyhow::Result<()> {
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..args.conversations {
        if waiting.len() >= 64 {
            waiting
                .join_next()
                .await
                .context("nothing is under way")???;
        }
        let id = format!("c_{name}{n:028x}");
        waiting.spawn(one(Arc::clone(app), id, args.messages));
    }
    while let Some(done) = waiting.join_next().await {
        done??;
    }
    Ok(())
}

async fn one(app: Arc<App>, id: String, messages: usize) -> anyhow::Result<()> {
    let kind = EventKind::Opened {
        channel: "web".into(),
        language: None,
        page: None,
        visitor: Visitor::default(),
    };
    app.open(id.clone(), vec![7; 32], kind).await?;
    for (serial, text) in CHAT.iter().cycle().take(messages).enumerate() {
        // As long as the ids that browsers make.
        let name = format!("3f2b8c1e-0000-4000-8000-{serial:012}");
        let key = MessageKey {
            id: format!("v:{name}"),
            hash: vec![9; 32],
        };
        let words = Input::Text {
            id: name.into(),
            text: (*text).to_owned(),
        };
        app.turn(&id, Command::keyed(words, key)).await?;
    }
    Ok(())
}
