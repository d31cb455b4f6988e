//! Damaged bots: whatever is missing from a bot, the compiler and its checks finish and say something.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests read files and clocks"
)]

use flow_compiler::sources::Project;
use flow_compiler::{Compiler, Options};
use std::path::{Path, PathBuf};

fn flow_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            flow_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "flow") {
            out.push(path);
        }
    }
}

fn compile(compiler: &mut Compiler, text: String) -> usize {
    let project = Project {
        flow_files: vec![("bot.flow".into(), text.into())],
        ..Project::default()
    };
    let options = Options {
        date: jiff::civil::date(2026, 3, 2),
    };
    compiler.compile(&project, &options).diagnostics.len()
}

#[test]
fn a_bot_without_any_one_of_its_lines_compiles_to_the_end() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/diagnostics");
    flow_files(&root, &mut files);
    files.sort();
    let mut compiler = Compiler::new();
    let (mut tried, mut found) = (0, 0);
    for (n, path) in files.iter().enumerate() {
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let clean = path.components().any(|c| c.as_os_str() == "clean");
        for i in 0..lines.len() {
            // Every line of the large bots, some of each small one.
            if !clean && (i + n) % 7 != 0 {
                continue;
            }
            let rest: Vec<&str> = lines
                .iter()
                .enumerate()
                .filter(|(j, _)| *j != i)
                .map(|(_, l)| *l)
                .collect();
            tried += 1;
            found += compile(&mut compiler, rest.join("\n"));
        }
    }
    assert!(tried > 500 && found > 500, "{tried} tried, {found} found");
}

#[test]
fn a_bot_cut_off_anywhere_compiles_to_the_end() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/diagnostics/clean");
    flow_files(&root, &mut files);
    files.sort();
    let mut compiler = Compiler::new();
    let mut found = 0;
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        for end in (0..text.len())
            .step_by(23)
            .filter(|e| text.is_char_boundary(*e))
        {
            found += compile(&mut compiler, text[..end].to_owned());
        }
    }
    assert!(found > 500, "{found}");
}
