//! How fast the engine is: `cargo run --release -p flow-engine --example speed`. Processor time of this process, the best of several runs,
//! beside a loop that is the same on every machine.

#[path = "../benches/scene/mod.rs"]
mod scene;

use std::hint::black_box;

/// As in the daemon.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;

/// Seconds that this process has spent computing; in hundredths.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement, outside the engine"
)]
fn spent() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(") ").map_or("", |s| s.1);
    let ticks = after.split(' ').nth(11).and_then(|t| t.parse::<f64>().ok());
    ticks.unwrap_or_default() / 100.0
}

/// Nanoseconds that one call of `work` takes: the best of several runs of about half a second.
fn time(mut work: impl FnMut() -> usize) -> f64 {
    let mut times = 16_usize;
    let mut best = f64::MAX;
    let mut run = |times: usize| {
        let before = spent();
        for _ in 0..times {
            black_box(work());
        }
        spent() - before
    };
    while run(times) < 0.25 {
        times *= 2;
    }
    for _ in 0..RUNS {
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        let each = run(times * 2) * 1e9 / (times * 2) as f64;
        best = best.min(each);
    }
    best
}

/// A loop to compare machines by: a million steps of a generator of numbers.
fn reference() -> usize {
    let mut state = black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..1_000_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    usize::try_from(state >> 40).unwrap_or_default()
}

fn main() {
    println!(
        "a million steps of xorshift   {:8.2} ms",
        time(reference) / 1e6
    );
    let part = std::env::args().nth(1).unwrap_or_default();
    let sizes: &[usize] = match part.as_str() {
        "" => &[0, 7_000],
        "turns" => &[0],
        "large" => &[7_000],
        _ => &[],
    };
    for more in sizes.iter().copied() {
        let engine = scene::shop(more);
        let dialogue = scene::dialogue(&engine);
        #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
        let each = time(|| dialogue.lead(&engine)) / dialogue.messages as f64;
        let state = dialogue.led(&engine);
        println!(
            "{:7} lines of bot            {:8.0} turns/s   {:6.2} us   ({} events for {} messages)",
            scene::lines(&engine),
            1e9 / each,
            each / 1e3,
            dialogue.events.len(),
            dialogue.messages,
        );
        let stored = serde_json::to_string(&state).map_or(0, |s| s.len());
        let fresh = serde_json::to_string(&dialogue.opened).map_or(0, |s| s.len());
        println!(
            "        a conversation, stored: {fresh} bytes opened, {stored} bytes after the dialogue"
        );
    }
    let sizes: &[usize] = match part.as_str() {
        "" => &[100, 1_000, 10_000],
        "matrix" => &[1_000],
        _ => &[],
    };
    for rows in sizes.iter().copied() {
        let engine = scene::matrix(rows);
        let conversation = scene::calm(&engine);
        let now = scene::start();
        let row = scene::decide(&engine, &conversation, now);
        let each = time(|| scene::decide(&engine, &conversation, now));
        println!(
            "{:7} rows and ten rules      {each:8.0} ns   (row {row})",
            row + 1
        );
    }
}
