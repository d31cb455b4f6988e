//! Every template can be copied, is formatted, has no findings, passes its tests and can be drawn.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

fn flowc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn every_template_works_where_it_is_copied_to() {
    let folder = tempfile::tempdir().unwrap();
    let listed = text(&flowc(folder.path(), &["new"]));
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|l| l.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert!(
        names.contains(&"starter") && names.contains(&"acme_store"),
        "{listed}"
    );
    for name in names {
        let made = flowc(folder.path(), &["new", name]);
        assert!(made.status.success(), "{name}: {made:?}");
        for args in [
            vec!["fmt", "--check", name],
            vec!["check", "--deny-warnings", "--date", "2026-03-02", name],
            vec!["test", name],
        ] {
            let output = flowc(folder.path(), &args);
            assert!(output.status.success(), "{args:?}: {}", text(&output));
        }
    }
    let again = flowc(folder.path(), &["new", "starter"]);
    assert_eq!(
        again.status.code(),
        Some(2),
        "it never writes over what is there"
    );
}

#[test]
fn a_bot_is_drawn_in_three_ways() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        flowc(folder.path(), &["new", "starter", "bot"])
            .status
            .success()
    );
    let mermaid = text(&flowc(folder.path(), &["graph", "bot"]));
    assert!(
        mermaid.contains("flowchart TD") && mermaid.contains("n_greet"),
        "{mermaid}"
    );
    let dot = text(&flowc(folder.path(), &["graph", "bot", "--format", "dot"]));
    assert!(
        dot.starts_with("digraph") && dot.contains("asked_for_human"),
        "{dot}"
    );
    let svg = text(&flowc(folder.path(), &["graph", "bot", "--format", "svg"]));
    assert!(svg.contains("<svg") && svg.contains("greet") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn a_folder_that_is_no_bot_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let missing = flowc(folder.path(), &["check", "nowhere"]);
    assert_eq!(missing.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(missing.stderr).unwrap().lines().count(),
        1
    );
    let empty = flowc(folder.path(), &["check", "."]);
    assert_eq!(empty.status.code(), Some(1));
    assert!(text(&empty).contains("F0203"));
}
