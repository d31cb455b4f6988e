//! What the documentation shows is Flow: every `flow` block parses.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_grammar::parse_uncached;
use std::path::{Path, PathBuf};

/// The blocks of a page with the line on which each begins.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (n, line) in page.lines().enumerate() {
        if !inside && line.trim() == "```flow" {
            inside = true;
            out.push((n + 2, String::new()));
        } else if inside && line.trim() == "```" {
            inside = false;
        } else if inside && let Some((_, block)) = out.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    out
}

#[test]
fn every_block_of_flow_parses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages: Vec<PathBuf> = std::fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.push(root.join("README.md"));
    pages.sort();
    let mut shown = 0;
    let mut faults = Vec::new();
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        for (line, block) in blocks(&text) {
            shown += 1;
            for placed in parse_uncached(&block).decls {
                for found in &placed.tree.diagnostics {
                    let at = placed.offset + found.labels[0].at.start;
                    let line = line + block[..at as usize].matches('\n').count();
                    faults.push(format!("{}:{line}: {}", page.display(), found.message));
                }
            }
        }
    }
    assert!(shown >= 10, "{shown} blocks on {} pages", pages.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
