//! Random customers, agents, timers and failures, in random order, over the engine and the desk. What must always hold is checked after every
//! event. A case is its seed: `FLOW_SEED=17 cargo test -p flow-simulator --test random_schedules` runs one, `FLOW_CASES=100000` runs many.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "random/customer.rs"]
mod customer;
#[path = "random/dice.rs"]
mod dice;
#[path = "random/line.rs"]
mod line;
#[path = "random/outside.rs"]
mod outside;
#[path = "random/people.rs"]
mod people;
#[path = "random/promises.rs"]
mod promises;
#[path = "random/schedule.rs"]
mod schedule;
mod support;

use flow_simulator::Program;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CASES: u64 = 2_000;

/// The example bots, several times as often as the small ones that pin the language.
fn bots() -> Vec<(String, Arc<Program>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = |of: &str| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = std::fs::read_dir(root.join(of))
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.join("bot.flow").is_file())
            .collect();
        all.sort();
        all
    };
    let (flows, language) = (folders("flows"), folders("tests/language"));
    assert!(
        flows.len() >= 3 && language.len() >= 20,
        "{} and {}",
        flows.len(),
        language.len()
    );
    let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
    let flows: Vec<_> = flows
        .par_iter()
        .map(|p| (name(p), support::folder(p)))
        .collect();
    let language: Vec<_> = language
        .par_iter()
        .map(|p| (name(p), support::folder(p)))
        .collect();
    let often = (language.len() / flows.len()).max(1);
    (0..often)
        .flat_map(|_| flows.clone())
        .chain(language)
        .collect()
}

#[test]
fn whatever_happens_in_whatever_order_the_promises_hold() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let bots = bots();
    let run = |seed: u64| {
        let (name, program) = &bots[usize::try_from(seed).unwrap() % bots.len()];
        let outcome = catch_unwind(AssertUnwindSafe(|| schedule::run(program, seed)));
        let what = outcome.unwrap_or_else(|_| Err("the engine panicked".to_owned()));
        what.map_err(|why| format!("FLOW_SEED={seed} ({name}): {why}"))
    };
    if let Some(seed) = number("FLOW_SEED") {
        run(seed).unwrap_or_else(|why| panic!("{why}"));
        return;
    }
    let cases = number("FLOW_CASES").unwrap_or(CASES);
    let failed: Vec<String> = (0..cases)
        .into_par_iter()
        .filter_map(|seed| run(seed).err())
        .collect();
    // Of each kind the first few, so that a common fault hides no rare one.
    let kind = |why: &str| {
        why.lines()
            .next()
            .and_then(|l| l.split_once("): "))
            .map_or_else(String::new, |(_, k)| {
                k.chars().take_while(|c| *c != '`').take(40).collect()
            })
    };
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for why in &failed {
        kinds.entry(kind(why)).or_default().push(why);
    }
    let shown: Vec<String> = kinds
        .values()
        .map(|all| {
            format!(
                "{} times:\n{}",
                all.len(),
                all.iter().take(2).copied().collect::<Vec<_>>().join("\n")
            )
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {cases} cases failed\n{}",
        failed.len(),
        shown.join("\n\n")
    );
}
