//! Compiles the bot in a folder and prints the processor time that it took: `check_speed FOLDER [edit]`.
//!
//! With `edit` the last file gets another step in its last node, and only the second compilation is measured.
//! `RAYON_NUM_THREADS=1` measures one core.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool for measuring reads files and clocks"
)]

/// As in `flowc`: the checker makes many small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use flow_compiler::sources::Project;
use flow_compiler::{Compiler, Options};
use std::time::Instant;

/// Processor time of this process in seconds, user and system (Linux; elsewhere 0).
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn peak_kilobytes() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM"));
    line.unwrap_or_default().to_owned()
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_default();
    let edit = std::env::args().nth(2).is_some_and(|word| word == "edit");
    let mut project = Project::default();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "flow") {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read_to_string(&path)?;
            project.flow_files.push((name.into(), text.into()));
        }
    }
    project.flow_files.sort();
    let lines: usize = project
        .flow_files
        .iter()
        .map(|(_, t)| t.lines().count())
        .sum();
    let options = Options {
        date: jiff::civil::date(2026, 3, 2),
    };
    let mut best = (f64::MAX, f64::MAX);
    for round in 0..if edit { 5 } else { 3 } {
        let mut compiler = Compiler::new();
        if edit {
            drop(compiler.compile(&project, &options));
            if let Some((_, text)) = project.flow_files.last_mut() {
                let end = text.trim_end().trim_end_matches('}').to_owned();
                *text = format!("{end}  say \"Round {round}.\"\n}}\n").into();
            }
        }
        let (processor, clock) = (processor_time(), Instant::now());
        let compilation = compiler.compile(&project, &options);
        let taken = (processor_time() - processor, clock.elapsed().as_secs_f64());
        println!(
            "{} findings, {:.0} ms processor, {:.0} ms clock",
            compilation.diagnostics.len(),
            taken.0 * 1e3,
            taken.1 * 1e3
        );
        best = (best.0.min(taken.0), best.1.min(taken.1));
    }
    println!(
        "{lines} lines: {:.0} lines/s of processor time, {:.0} lines/s by the clock; {}",
        lines as f64 / best.0,
        lines as f64 / best.1,
        peak_kilobytes()
    );
    Ok(())
}
