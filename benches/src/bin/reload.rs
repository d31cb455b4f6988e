//! Reloads of a large bot under load: failed turns, and the slowest acknowledgements before and during them.
//!
//! `cargo build --release --workspace --bins && target/release/reload --lines 10000 --rate 1500`

use clap::Parser;
use flow_benches::daemon::Flowd;
use flow_benches::measure::percentile;
use flow_benches::traffic::{self, Traffic};
use flow_benches::wire::Wire;
use flow_benches::{generated, lines_of, machine_name};
use std::path::Path;
use std::time::{Duration, Instant};

/// Reloads a large bot under load and compares the latencies.
#[derive(Debug, Parser)]
struct Args {
    /// Lines of the bot.
    #[arg(long, default_value_t = 10_000)]
    lines: usize,
    /// Messages per second.
    #[arg(long, default_value_t = 1500)]
    rate: u64,
    /// Customers at once.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Seconds before the first reload, and of the reloads.
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// Reloads.
    #[arg(long, default_value_t = 3)]
    reloads: u32,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let project = generated(args.lines);
    println!("machine: {}", machine_name());
    println!("a bot of {} lines", lines_of(&project));
    let root = std::env::temp_dir().join(format!("flow-reload-{}", std::process::id()));
    let bot = root.join("bot");
    std::fs::create_dir_all(&bot)?;
    for (path, text) in &project.flow_files {
        std::fs::write(bot.join(path.as_str()), text.as_bytes())?;
    }
    let flow = Flowd::start(&bot, &root.join("data"))?;
    println!("start: {:.2} s", flow.took.as_secs_f64());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(measure(&args, &flow, &bot))?;
    drop(flow);
    std::fs::remove_dir_all(&root)?;
    Ok(())
}

async fn measure(args: &Args, flow: &Flowd, bot: &Path) -> anyhow::Result<()> {
    let part = Duration::from_secs(args.seconds);
    let traffic = Traffic {
        url: flow.url.clone(),
        clients: args.clients,
        time: Duration::from_secs(2) + part * 2,
        rate: args.rate,
        text: Some("hello there".to_owned()),
    };
    let begin = Instant::now() + Duration::from_secs(2);
    let load = tokio::spawn(async move { traffic::run(&traffic).await });
    tokio::time::sleep_until((begin + part).into()).await;
    let first = Instant::now();
    let mut last = first;
    let mut lives = Vec::new();
    let mut wire = Wire::new(&flow.url)?;
    let file = bot.join("part_00000.flow");
    for n in 0..args.reloads {
        let text = std::fs::read_to_string(&file)?;
        let line = format!("say \"This is step {n}, ");
        let edited = text.replacen(&line, &format!("{line}again, "), 1);
        anyhow::ensure!(edited != text, "the edit changes something");
        std::fs::write(&file, edited)?;
        let began = Instant::now();
        let answer = wire.send("POST", "/-/reload", None, "{}").await?;
        anyhow::ensure!(answer.status == 200, "reload: {}", answer.status);
        last = Instant::now();
        lives.push((began, last));
        println!(
            "reload {n} was live after {:.2} s",
            began.elapsed().as_secs_f64()
        );
        tokio::time::sleep(part / (args.reloads + 1)).await;
    }
    let seen = load.await??;
    let within = |holds: &dyn Fn(Instant) -> bool| {
        let mut times: Vec<Duration> = seen
            .times
            .iter()
            .filter(|(at, _)| holds(*at))
            .map(|(_, took)| *took)
            .collect();
        times.sort_unstable();
        (times.len(), percentile(&times, 50), percentile(&times, 99))
    };
    let between = |from: Instant, to: Instant| within(&|at| at >= from && at < to);
    let show = |name: &str, (count, p50, p99): (usize, Duration, Duration)| {
        println!(
            "{name}: {count} messages, p50 {:.2} ms, p99 {:.2} ms",
            p50.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3
        );
    };
    show("before", between(begin, first));
    show(
        "from the first edit to the last reload",
        between(first, last),
    );
    show("from the first edit on", between(first, begin + part * 2));
    // Where the slow ones are: most of what is special about a reload is over at once.
    let after = |millis: u64| Duration::from_millis(millis);
    let edits = |at: Instant| lives.iter().any(|(edit, live)| at >= *edit && at < *live);
    show("while an edit is compiled", within(&edits));
    let moves = |at: Instant| {
        lives
            .iter()
            .any(|(_, live)| at >= *live && at < *live + after(100))
    };
    show(
        "in the first 100 ms after a version is live",
        within(&moves),
    );
    let later = |at: Instant| {
        lives
            .iter()
            .any(|(_, live)| at >= *live + after(100) && at < *live + after(1000))
    };
    show("in the 900 ms after that", within(&later));
    println!("failed turns: {}", seen.failed);
    Ok(())
}
