//! A load on a running `flowd`: customers open conversations and write, each message acknowledged before the next.
//!
//! `cargo run --release -p flow-benches --bin load -- --url http://127.0.0.1:8080 --clients 64 --seconds 15`

use anyhow::{Context, bail};
use clap::Parser;
use flow_benches::machine_name;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// What is written, in turn.
    #[arg(long, default_value = "hello there")]
    text: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if !["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|h| args.url.contains(h))
    {
        bail!("this program only puts load on this machine: use 127.0.0.1");
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(args.clients)
        .timeout(Duration::from_secs(30))
        .build()?;
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let failed = Arc::new(AtomicU64::new(0));
    let pause =
        (args.rate > 0).then(|| Duration::from_secs_f64(args.clients as f64 / args.rate as f64));
    let mut tasks = Vec::new();
    for n in 0..args.clients {
        let (client, url, text, failed) = (
            client.clone(),
            args.url.clone(),
            args.text.clone(),
            Arc::clone(&failed),
        );
        tasks.push(tokio::spawn(async move {
            customer(&client, &url, &text, n, until, pause, &failed).await
        }));
    }
    let started = Instant::now();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.context("a customer's task ended")??);
    }
    let seconds = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index from a share"
        )]
        let index = (times.len() as f64 * share) as usize;
        times
            .get(index.min(times.len().saturating_sub(1)))
            .map_or(0.0, |t| t.as_secs_f64() * 1000.0)
    };
    println!("machine        {}", machine_name());
    println!("clients        {}", args.clients);
    #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
    let rate = times.len() as f64 / seconds;
    println!("acknowledged   {} messages, {rate:.0}/s", times.len());
    println!("failed         {}", failed.load(Ordering::Relaxed));
    println!(
        "latency        p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99)
    );
    Ok(())
}

async fn open(client: &reqwest::Client, url: &str) -> anyhow::Result<(String, String)> {
    let answer: Value = client
        .post(format!("{url}/v1/conversations"))
        .json(&json!({ "channel": "web" }))
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let text = |key: &str| {
        answer
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .context("flowd answered without an id and a token")
    };
    Ok((text("id")?, text("token")?))
}

async fn customer(
    client: &reqwest::Client,
    url: &str,
    text: &str,
    n: usize,
    until: Instant,
    pause: Option<Duration>,
    failed: &AtomicU64,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut serial = 0_u64;
    let (mut id, mut token) = open(client, url).await?;
    while Instant::now() < until {
        serial += 1;
        // Real conversations are short: a fresh one now and then.
        if serial.is_multiple_of(40) {
            (id, token) = open(client, url).await?;
        }
        let started = Instant::now();
        let body = json!({ "id": format!("m{n}-{serial}"), "text": text });
        let sent = client
            .post(format!("{url}/v1/conversations/{id}/messages"))
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => {
                let _ = answer.bytes().await;
                times.push(started.elapsed());
            }
            _ => {
                failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(rest) = pause.and_then(|p| p.checked_sub(started.elapsed())) {
            tokio::time::sleep(rest).await;
        }
    }
    Ok(times)
}
