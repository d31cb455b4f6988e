//! Other systems beside ours, in one run on this machine, as one table: `cargo run --release -p flow-benches --bin peers [NAME ..]`.
//!
//! Each is a small program in `benches/peers/` that drives a published system at a pinned version; it is built or installed below
//! `target/peers` first (`peers build` does only that). Rates are per second of the processor, so that what else runs disturbs them
//! little; those of durable turns are by the clock. A peer that cannot be had here (no Node.js, no Python, no network) is said to be
//! missing, and the others go on.

mod ours;
mod same;
mod theirs;

use flow_benches::machine_name;
use std::path::PathBuf;
use theirs::PEERS;

/// As in `flowc` and `flowd`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// Lines of source that are checked.
    Check,
    /// Messages that are answered, in memory.
    Turn,
    /// The same from a stored state to a stored state.
    Stored,
    /// Messages that are on disk before they are answered, one after the other.
    Durable,
    /// The same with a thousand lines more that nothing uses.
    DurableMore,
    /// Ten rules over eight facts, decided all.
    Rules,
    /// The first row of a hundred that matches.
    Matrix,
}

impl Row {
    const ALL: [Self; 7] = [
        Self::Check,
        Self::Turn,
        Self::Stored,
        Self::Durable,
        Self::DurableMore,
        Self::Rules,
        Self::Matrix,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Check => "check of a generated bot of 10,000 lines: lines/s, one core",
            Self::Turn => "a message in memory: messages/s, one core",
            Self::Stored => "a message from stored to stored state, JSON: messages/s, one core",
            Self::Durable => {
                "a message on disk before its answer, one customer: messages/s by the clock"
            }
            Self::DurableMore => "the same, with 1,000 lines in the bot that nothing uses",
            Self::Rules => "10 escalation rules over 8 facts: decisions/s, one core",
            Self::Matrix => "a routing matrix of 100 rows: decisions/s, one core",
        }
    }

    fn ours(self, folder: &std::path::Path) -> anyhow::Result<Vec<(&'static str, f64)>> {
        Ok(match self {
            Self::Check => vec![("every check", ours::check()?)],
            Self::Turn => vec![("the example shop", ours::Shop::new()?.turns())],
            Self::Stored => vec![("the example shop", ours::Shop::new()?.stored_turns()?)],
            Self::Durable => vec![
                ("the example shop", ours::durable(folder, 1, 0)?),
                (
                    "the same, 64 customers at once",
                    ours::durable(folder, 64, 0)?,
                ),
            ],
            Self::DurableMore => vec![("the example shop", ours::durable(folder, 1, 1_000)?)],
            Self::Rules => vec![("the same rules and facts", same::rules()?)],
            Self::Matrix => vec![("the same rows and cases", same::matrix()?)],
        })
    }
}

fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let only: Vec<String> = std::env::args().skip(1).collect();
    if only.first().is_some_and(|o| o == "build") {
        for peer in PEERS {
            match peer.ready() {
                Ok(_) => println!("{}: ready", peer.name),
                Err(error) => println!("{}: missing: {error:#}", peer.name),
            }
        }
        return Ok(());
    }
    println!("machine: {}", machine_name());
    let mut measured: Vec<(Row, &str, f64)> = Vec::new();
    for peer in PEERS.iter().filter(|p| {
        only.is_empty()
            || only
                .iter()
                .any(|o| p.name.to_lowercase().contains(&o.to_lowercase()))
    }) {
        eprintln!("{} ...", peer.name);
        let found = |row, name, rate| measured.push((row, name, rate));
        if let Err(error) = peer.measure(found) {
            println!("{}: missing: {error:#}", peer.name);
        }
    }
    let folder: PathBuf = std::env::temp_dir().join(format!("flow-peers-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    for row in Row::ALL {
        let theirs: Vec<_> = measured.iter().filter(|m| m.0 == row).collect();
        if theirs.is_empty() {
            continue;
        }
        eprintln!("ours ...");
        let ours = row.ours(&folder)?;
        println!("\n{}", row.title());
        // What theirs are compared with: ours in the same case.
        let own = ours.first().map_or(f64::NAN, |o| o.1);
        for (name, rate) in ours {
            println!("  {:<44} {:>12}", format!("Flow, {name}"), number(rate));
        }
        for (_, name, rate) in theirs {
            println!(
                "  {name:<44} {:>12}   Flow: {:.1} times",
                number(*rate),
                own / rate
            );
        }
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// With commas; what is small keeps a digit.
fn number(rate: f64) -> String {
    if rate < 100.0 {
        return format!("{rate:.1}");
    }
    let digits = format!("{rate:.0}");
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
