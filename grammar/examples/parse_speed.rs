//! Prints how many lines a second are split and parsed: `parse_speed FILE`.

#![allow(
    clippy::disallowed_methods,
    reason = "a measuring tool reads files and the clock"
)]
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let text = std::fs::read_to_string(path)?;
    let lines = text.lines().count();
    let mut best = f64::MAX;
    let mut found = 0;
    for _ in 0..5 {
        let start = Instant::now();
        let tree = flow_grammar::parse_uncached(&text);
        best = best.min(start.elapsed().as_secs_f64());
        found = tree.decls.iter().map(|d| d.tree.diagnostics.len()).sum();
        std::hint::black_box(&tree);
    }
    let start = Instant::now();
    let ranges = flow_grammar::split(&text).len();
    let split = start.elapsed().as_secs_f64();
    println!(
        "{lines} lines, {ranges} declarations, {found} findings: {best:.4} s, split {split:.4} s"
    );
    println!(
        "{:.0} lines/s, {:.1} MB/s",
        lines as f64 / best,
        text.len() as f64 / best / 1e6
    );
    Ok(())
}
