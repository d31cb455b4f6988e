//! A load on a running `flowd`: customers open conversations and write, each message acknowledged before the next.
//!
//! `cargo run --release -p flow-benches --bin load -- --url http://127.0.0.1:8080 --clients 64 --seconds 15`

use clap::Parser;
use flow_benches::machine_name;
use flow_benches::measure::{cpu_of, cpu_seconds, percentile};
use flow_benches::traffic::{self, Traffic};
use std::time::{Duration, Instant};

/// Puts load on a running flowd on this machine and prints what it acknowledged.
#[derive(Debug, Parser)]
struct Args {
    /// Where flowd listens.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Customers at once.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// For how long.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Messages per second in all; 0: as many as go.
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// What is written, again and again; without it an ordinary conversation with the example shop.
    #[arg(long)]
    text: Option<String>,
    /// The number of flowd's process, to see what a message costs it.
    #[arg(long)]
    pid: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // One thread: what is left of the machine belongs to the daemon.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let traffic = Traffic {
        url: args.url,
        clients: args.clients,
        time: Duration::from_secs(args.seconds),
        rate: args.rate,
        text: args.text,
    };
    let daemon = || args.pid.as_ref().map_or(0.0, |pid| cpu_of(pid));
    let (before, own, started) = (daemon(), cpu_seconds(), Instant::now());
    let seen = runtime.block_on(traffic::run(&traffic))?;
    let seconds = started.elapsed().as_secs_f64();
    let (spent, own) = (daemon() - before, cpu_seconds() - own);
    let mut times: Vec<Duration> = seen.times.iter().map(|(_, took)| *took).collect();
    times.sort_unstable();
    let at = |percent: usize| percentile(&times, percent).as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
    let count = times.len().max(1) as f64;
    println!("machine        {}", machine_name());
    println!("clients        {}", traffic.clients);
    println!(
        "acknowledged   {} messages, {:.0}/s",
        times.len(),
        count / seconds
    );
    println!("failed         {}", seen.failed);
    println!(
        "latency        p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms",
        at(50),
        at(90),
        at(99)
    );
    print!("processor      {:.0} us a message here", own * 1e6 / count);
    if args.pid.is_some() {
        print!(", {:.0} us in flowd", spent * 1e6 / count);
    }
    println!();
    Ok(())
}
