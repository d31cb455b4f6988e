//! Customers who open conversations and write, each message acknowledged before the next.

use crate::wire::{Customer, Wire};
use std::time::{Duration, Instant};

/// What they do.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// Where the daemon listens.
    pub url: String,
    /// Customers at once.
    pub clients: usize,
    /// For how long.
    pub time: Duration,
    /// Messages per second in all; 0: as many as go.
    pub rate: u64,
    /// What is written; without it the ten messages of [`CHAT`], then a fresh conversation.
    pub text: Option<String>,
}

/// An ordinary conversation with the example shop, which the scripted tier answers whole: questions, answers that do not fit, changes of mind.
pub const CHAT: [&str; 10] = [
    "where is my order",
    "12",
    "what are your opening hours",
    "hm",
    "I want to return a lamp",
    "12",
    "where is my order",
    "AB",
    "what are your opening hours",
    "12",
];

/// What came of it.
#[derive(Debug, Default)]
pub struct Seen {
    /// When each message was sent, and how long its acknowledgement took.
    pub times: Vec<(Instant, Duration)>,
    /// Messages that were not acknowledged.
    pub failed: u64,
}

/// Puts the traffic on a daemon.
///
/// # Errors
/// If a conversation cannot be opened.
pub async fn run(traffic: &Traffic) -> anyhow::Result<Seen> {
    let until = Instant::now() + traffic.time;
    let tasks: Vec<_> = (0..traffic.clients)
        .map(|n| tokio::spawn(customer(traffic.clone(), n, until)))
        .collect();
    let mut seen = Seen::default();
    for task in tasks {
        let one = task.await??;
        seen.times.extend(one.times);
        seen.failed += one.failed;
    }
    Ok(seen)
}

#[expect(clippy::cast_precision_loss, reason = "a rate from counts")]
async fn customer(traffic: Traffic, n: usize, until: Instant) -> anyhow::Result<Seen> {
    let pause = (traffic.rate > 0)
        .then(|| Duration::from_secs_f64(traffic.clients as f64 / traffic.rate as f64));
    let mut seen = Seen::default();
    let mut wire = Wire::new(&traffic.url)?;
    let mut customer = Customer::open(&mut wire).await?;
    let mut serial = 0_u64;
    let mut lines = CHAT.iter().cycle();
    let each = if traffic.text.is_some() { 40 } else { 10 };
    // Spread over the pause, so that a rate is no volley.
    let mut due = Instant::now();
    if let Some(pause) = pause {
        due += pause.mul_f64(n as f64 / traffic.clients as f64);
    }
    while Instant::now() < until {
        // Real conversations are short: a fresh one now and then.
        if serial > 0 && serial.is_multiple_of(each) {
            customer = Customer::open(&mut wire).await?;
        }
        serial += 1;
        let line = lines.next().copied().unwrap_or_default();
        let text = traffic.text.as_deref().unwrap_or(line);
        if let Some(pause) = pause {
            tokio::time::sleep_until(due.into()).await;
            // A daemon that falls behind is not spared: what it should have taken meanwhile follows at once.
            due += pause;
        }
        let started = Instant::now();
        let id = format!("m{n}-{serial}");
        match customer.say(&mut wire, &id, text).await {
            Ok(true) => seen.times.push((started, started.elapsed())),
            Ok(false) | Err(_) => seen.failed += 1,
        }
    }
    Ok(seen)
}
