//! `flowc fmt`.

use crate::args::FmtArgs;
use crate::output::{complain, count, print, print_line};
use anyhow::Context;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn run(args: &FmtArgs) -> anyhow::Result<ExitCode> {
    if args.paths.iter().any(|p| p == Path::new("-")) {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input as UTF-8")?;
        let formatted = flow_grammar::format(&text);
        if args.check {
            return Ok(if formatted == text {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        print(&formatted);
        return Ok(ExitCode::SUCCESS);
    }
    let mut files = Vec::new();
    for path in &args.paths {
        collect(path, &mut files)?;
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        anyhow::bail!(
            "there are no `.flow` files in {}",
            args.paths
                .iter()
                .map(|p| format!("`{}`", p.display()))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let (mut changed, mut broken) = (Vec::new(), Vec::new());
    for file in &files {
        let written = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        // A byte order mark is no part of the text; a formatted file has none.
        let text = written.strip_prefix('\u{feff}').unwrap_or(&written);
        if flow_grammar::parse_uncached(text)
            .decls
            .iter()
            .any(|d| !d.tree.diagnostics.is_empty())
        {
            broken.push(file);
        }
        let formatted = flow_grammar::format(text);
        if formatted == written {
            continue;
        }
        if !args.check {
            write(file, &formatted)
                .with_context(|| format!("cannot write `{}`", file.display()))?;
        }
        changed.push(file);
    }
    for file in &changed {
        print_line(&format!(
            "{} {}",
            if args.check {
                "not formatted:"
            } else {
                "formatted"
            },
            file.display()
        ));
    }
    for file in broken {
        complain!(
            "flowc: `{}` has syntax errors; the declarations that have them were left alone (`flowc check` shows them)",
            file.display()
        );
    }
    if args.check && !changed.is_empty() {
        complain!(
            "flowc: {} not formatted; run `flowc fmt`",
            count(changed.len(), "file")
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes beside the file and renames, so that nobody ever reads half of it.
pub(super) fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let real = file.canonicalize()?;
    let temporary = real.with_extension("flow.tmp");
    std::fs::write(&temporary, text)?;
    std::fs::set_permissions(&temporary, real.metadata()?.permissions())?;
    std::fs::rename(&temporary, &real)
}

/// The `.flow` files of a path; folders below are looked into, hidden ones and links are not.
fn collect(path: &Path, out: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let meta =
        std::fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if meta.is_file() {
        out.push(path.to_path_buf());
        return Ok(());
    }
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .with_context(|| format!("cannot read `{}`", folder.display()))?
        {
            let entry = entry?;
            let kind = entry.file_type()?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() && !hidden {
                folders.push(entry.path());
            } else if kind.is_file() && entry.path().extension().is_some_and(|e| e == "flow") {
                out.push(entry.path());
            }
        }
    }
    Ok(())
}
