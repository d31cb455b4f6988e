//! `flowc new`: templates are the example bots, carried in the program.

use crate::args::NewArgs;
use crate::output::{print, print_line};
use anyhow::Context;
use rust_embed::RustEmbed;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(RustEmbed)]
#[folder = "../flows"]
#[include = "*.flow"]
#[include = "*.rhai"]
#[include = "*/kb/*.md"]
struct Templates;

pub(crate) fn run(args: &NewArgs) -> anyhow::Result<ExitCode> {
    let names = names();
    let Some(template) = &args.template else {
        let mut out = String::from("Templates:\n");
        for name in &names {
            out.push_str(&format!("  {name:<16} {}\n", describe(name)));
        }
        out.push_str("\nflowc new TEMPLATE FOLDER copies one.\n");
        print(&out);
        return Ok(ExitCode::SUCCESS);
    };
    if !names.contains(template) {
        anyhow::bail!(
            "there is no template `{template}`; there are {}",
            names
                .iter()
                .map(|n| format!("`{n}`"))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let folder = args
        .folder
        .clone()
        .unwrap_or_else(|| PathBuf::from(template));
    if folder
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some())
    {
        anyhow::bail!("`{}` is not empty; name a new folder", folder.display());
    }
    let mut count = 0;
    let prefix = format!("{template}/");
    for path in Templates::iter().filter(|p| p.starts_with(&prefix)) {
        let Some(file) = Templates::get(&path) else {
            continue;
        };
        let target = folder.join(Path::new(path.trim_start_matches(&prefix)));
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("cannot make `{}`", parent.display()))?;
        }
        std::fs::write(&target, &file.data)
            .with_context(|| format!("cannot write `{}`", target.display()))?;
        count += 1;
    }
    let shown = folder.display();
    print_line(&format!(
        "{} in `{shown}`. Next: flowc check {shown}; flowc test {shown}; flowc run {shown}",
        crate::output::count(count, "file")
    ));
    Ok(ExitCode::SUCCESS)
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = Templates::iter()
        .filter(|p| p.ends_with(".flow"))
        .filter_map(|p| p.split('/').next().map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The comment above the template's `bot`.
fn describe(name: &str) -> String {
    Templates::iter()
        .filter(|p| p.starts_with(&format!("{name}/")) && p.ends_with(".flow"))
        .filter_map(|p| Templates::get(&p))
        .filter_map(|f| String::from_utf8(f.data.into_owned()).ok())
        .find_map(|text| {
            let lines: Vec<&str> = text.lines().collect();
            let bot = lines.iter().position(|l| l.starts_with("bot "))?;
            let doc: Vec<&str> = lines
                .iter()
                .take(bot)
                .rev()
                .take_while(|l| l.starts_with("///"))
                .map(|l| l.trim_start_matches('/').trim())
                .collect();
            Some(doc.into_iter().rev().collect::<Vec<_>>().join(" "))
        })
        .unwrap_or_default()
}
