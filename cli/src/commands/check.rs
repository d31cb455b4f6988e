//! `flowc check`.

use crate::args::{CheckArgs, Format};
use crate::output::{self, count, print};
use crate::project;
use flow_compiler::sources::Sources;
use flow_compiler::{Compilation, render};
use flow_grammar::{Diagnostic, Severity};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// How often `--fix` checks again: a repair can make room for another.
const ROUNDS: usize = 5;
/// Findings that are drawn for people at most; nobody reads more at once, and noise has tens of thousands.
const DRAWN: usize = 1_000;

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let (loaded, mut compilation) = project::compile(&args.folder, args.date)?;
    if args.fix {
        let mut fixed = 0;
        for _ in 0..ROUNDS {
            let done = apply_safe(&loaded.root, &compilation)?;
            if done == 0 {
                break;
            }
            fixed += done;
            compilation = project::compile(&args.folder, args.date)?.1;
        }
        if fixed > 0 {
            eprintln!("flowc: mended {}", count(fixed, "finding"));
        }
    }
    let found = &compilation.diagnostics;
    let sources = &compilation.sources;
    match args.format {
        Format::Text => print(&text(sources, found.get(..DRAWN).unwrap_or(found))),
        Format::Json => print(&format!("{}\n", render::json(sources, found))),
        Format::Sarif => print(&format!("{}\n", render::sarif(sources, found))),
        Format::Github => print(&render::github(sources, found)),
    }
    let errors = found
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    let warnings = found.len() - errors;
    if args.format == Format::Text {
        let lines: usize = sources.files.iter().map(|f| f.text.lines().count()).sum();
        let files = count(sources.files.len(), "file");
        if found.is_empty() {
            println!("no findings in {files}, {lines} lines");
        } else {
            if found.len() > DRAWN {
                println!(
                    "the first {DRAWN} are shown; `--format json` has all {}",
                    found.len()
                );
            }
            println!(
                "{}, {} in {files}, {lines} lines; `flowc explain CODE` says more",
                count(errors, "error"),
                count(warnings, "warning")
            );
        }
    }
    Ok(if errors > 0 || (args.deny_warnings && warnings > 0) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Findings for people.
pub(crate) fn text(sources: &Sources, found: &[Diagnostic]) -> String {
    render::text(sources, found, output::colour())
}

/// Applies safe repairs that do not touch each other; says how many findings they mend.
fn apply_safe(root: &Path, compilation: &Compilation) -> anyhow::Result<usize> {
    let mut by_file: BTreeMap<&str, Vec<(std::ops::Range<usize>, &str)>> = BTreeMap::new();
    let mut done = 0;
    for diagnostic in &compilation.diagnostics {
        let Some(fix) = diagnostic.fixes.iter().find(|f| f.safe) else {
            continue;
        };
        let edits: Option<Vec<_>> = fix
            .edits
            .iter()
            .map(|e| {
                compilation
                    .sources
                    .resolve(e.at)
                    .map(|(file, range)| (file.path.as_str(), range, e.text.as_str()))
            })
            .collect();
        let Some(edits) = edits else { continue };
        let free = edits.iter().all(|(file, range, _)| {
            by_file.get(file).is_none_or(|taken| {
                taken
                    .iter()
                    .all(|(r, _)| range.end < r.start || r.end < range.start)
            })
        });
        if free {
            done += 1;
            for (file, range, text) in edits {
                by_file.entry(file).or_default().push((range, text));
            }
        }
    }
    for (file, mut edits) in by_file {
        let Some(source) = compilation.sources.files.iter().find(|f| f.path == file) else {
            continue;
        };
        let mut text = source.text.to_string();
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, new) in edits {
            if text.get(range.clone()).is_some() {
                text.replace_range(range, new);
            }
        }
        std::fs::write(root.join(file), text)?;
    }
    Ok(done)
}
