//! `flowc check`.

use crate::args::{CheckArgs, Format};
use crate::output::{self, complain, count, print, print_line};
use crate::project;
use anyhow::Context;
use flow_compiler::mend::Mending;
use flow_compiler::sources::Sources;
use flow_compiler::{Compilation, render};
use flow_grammar::{Diagnostic, Fix, Severity};
use std::path::Path;
use std::process::ExitCode;

/// How often `--fix` checks again at most: a repair can make room for another.
const ROUNDS: usize = 50;
/// What is declared and never used.
const UNUSED: &str = "F0205";
/// Findings that are drawn for people at most; nobody reads more at once, and noise has tens of thousands.
const DRAWN: usize = 1_000;

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let (loaded, mut compilation) = project::compile(&args.folder, args.date)?;
    if args.fix || args.fix_all {
        let mut fixed = 0;
        for _ in 0..ROUNDS {
            let done = mend(&loaded.root, &compilation, args.fix_all)?;
            if done == 0 {
                break;
            }
            fixed += done;
            compilation = project::compile(&args.folder, args.date)?.1;
        }
        if fixed > 0 {
            complain!("flowc: mended {}", count(fixed, "finding"));
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
        let lines = sources.files.iter().map(|f| f.text.lines().count()).sum();
        let lines = count(lines, "line");
        let files = count(sources.files.len(), "file");
        if found.is_empty() {
            print_line(&format!("no findings in {files}, {lines}"));
        } else {
            if found.len() > DRAWN {
                print_line(&format!(
                    "the first {DRAWN} are shown; `--format json` has all {}",
                    found.len()
                ));
            }
            print_line(&format!(
                "{}, {} in {files}, {lines}; `flowc explain CODE` says more",
                count(errors, "error"),
                count(warnings, "warning")
            ));
            offer(found);
        }
    }
    Ok(if errors > 0 || (args.deny_warnings && warnings > 0) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Says what can be mended from here.
fn offer(found: &[Diagnostic]) {
    let safe = found.iter().filter(|d| repair(d, false).is_some()).count();
    let all = found.iter().filter(|d| repair(d, true).is_some()).count();
    if safe > 0 {
        print_line(&format!("`--fix` mends {}", count(safe, "finding")));
    }
    if all > safe {
        print_line(&format!(
            "`--fix-all` mends {}, in ways that you should look at",
            count(all, "finding")
        ));
    }
}

/// Findings for people.
pub(crate) fn text(sources: &Sources, found: &[Diagnostic]) -> String {
    render::text(sources, found, output::colour())
}

/// Applies repairs that do not touch each other; says how many findings they mend.
fn mend(root: &Path, compilation: &Compilation, all: bool) -> anyhow::Result<usize> {
    let mut mending = Mending::default();
    let mut done = 0;
    // What is unused is removed when nothing else is left to do: another repair may use it.
    for last in [false, true] {
        if last && done > 0 {
            break;
        }
        for diagnostic in &compilation.diagnostics {
            if (diagnostic.code == UNUSED) == last
                && let Some(fix) = repair(diagnostic, all)
            {
                done += usize::from(mending.add(&compilation.sources, fix));
            }
        }
    }
    for (file, text) in mending.files() {
        let path = root.join(file.path.as_str());
        super::fmt::write(&path, &text)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(done)
}

/// The repair that is applied unasked, or the best one there is.
fn repair(diagnostic: &Diagnostic, all: bool) -> Option<&Fix> {
    diagnostic.fixes.iter().find(|f| f.safe || all)
}
