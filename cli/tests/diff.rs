//! `flowc diff` as docs/diff.md shows it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = include_str!("../../docs/diff.md");

fn run(dir: &Path, program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap()
}

fn flowc(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = run(
        dir,
        env!("CARGO_BIN_EXE_flowc"),
        &[args, &["--color", "never"]].concat(),
    );
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn git(dir: &Path, args: &[&str]) {
    let quiet = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "init.defaultBranch=main",
    ];
    let output = run(dir, "git", &[&quiet, args].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn edit(dir: &Path, file: &str, from: &str, to: &str) {
    let path = dir.join("flows/acme_store").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// A repository with the example, committed, and then the edits of the page.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    copy(
        &root.join("flows/acme_store"),
        &dir.path().join("flows/acme_store"),
    );
    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "."]);
    git(dir.path(), &["commit", "-q", "-m", "first"]);
    dir
}

fn edited() -> tempfile::TempDir {
    let dir = place();
    let at = dir.path();
    edit(
        at,
        "escalations.flow",
        "threshold sure_enough = 70%",
        "threshold sure_enough = 75%",
    );
    edit(
        at,
        "routing.flow",
        "| _               | enterprise    | _        | _                         | key_accounts | high      |",
        "| _               | enterprise    | _        | _                         | key_accounts | immediate |",
    );
    for entry in std::fs::read_dir(at.join("flows/acme_store"))
        .unwrap()
        .flatten()
    {
        if let Ok(text) = std::fs::read_to_string(entry.path()) {
            let text = text
                .replace("-> anything_else", "-> more_help")
                .replace("expect node is anything_else", "expect node is more_help");
            std::fs::write(entry.path(), text).unwrap();
        }
    }
    edit(
        at,
        "greet.flow",
        "node anything_else {",
        "node more_help was anything_else {",
    );
    edit(
        at,
        "track.flow",
        "    retry 2\n",
        "    // a third try helps nobody\n    retry 2\n",
    );
    dir
}

/// Every line that the page shows is printed, in this order; `...` stands for lines that it leaves out.
#[test]
fn the_page_shows_what_is_printed() {
    let dir = edited();
    let block = PAGE
        .split("```text\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let (command, lines) = block
        .strip_prefix("$ flowc ")
        .unwrap()
        .split_once('\n')
        .unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    let (code, printed, errors) = flowc(dir.path(), &words);
    assert_eq!(code, 1, "{errors}");
    let mut rest = printed.lines();
    for line in lines.lines().filter(|l| l.trim() != "...") {
        assert!(
            rest.any(|l| l == line),
            "not printed, or not here: {line}\n{printed}"
        );
    }
}

#[test]
fn a_folder_a_revision_and_a_path_in_one_are_the_same() {
    let dir = edited();
    let json = |old: &str, new: &str| -> Value {
        let (code, out, errors) = flowc(dir.path(), &["diff", old, new, "--format", "json"]);
        assert_eq!(code, 1, "{errors}");
        serde_json::from_str(&out).unwrap()
    };
    let by_rev = json("HEAD", "flows/acme_store");
    assert_eq!(by_rev, json("HEAD:flows/acme_store", "flows/acme_store"));
    git(dir.path(), &["commit", "-q", "-a", "-m", "second"]);
    assert_eq!(
        by_rev,
        json("HEAD~1:flows/acme_store", "HEAD:flows/acme_store")
    );
    let rule = by_rev["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["kind"] == "rule" && c["name"] == "low_confidence")
        .unwrap();
    assert_eq!(
        (rule["old"].as_str(), rule["new"].as_str()),
        (Some("does not fire"), Some("ai standard"))
    );
    // A comment is no change.
    assert!(
        by_rev["changes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["name"] != "track")
    );
}

#[test]
fn the_exit_code_says_whether_the_meaning_changed() {
    let dir = place();
    let same = flowc(dir.path(), &["diff", "HEAD", "flows/acme_store"]);
    assert_eq!((same.0, same.1.as_str()), (0, "no change in meaning\n"));
    edit(
        dir.path(),
        "track.flow",
        "node track {",
        "// only words\nnode track {\n\n",
    );
    assert_eq!(
        flowc(dir.path(), &["diff", "HEAD", "flows/acme_store"]).0,
        0
    );
    for (old, new, why) in [
        (
            "nothing",
            "flows/acme_store",
            "`nothing` is neither a folder nor a git revision",
        ),
        ("HEAD", "HEAD", "is no folder"),
        (
            "HEAD:flows/none",
            "flows/acme_store",
            "has no folder `flows/none`",
        ),
        ("--upload-pack=x", "flows/acme_store", ""),
    ] {
        let (code, _, errors) = flowc(dir.path(), &["diff", old, new]);
        assert_eq!(code, 2, "{old} {new}");
        assert!(errors.contains(why), "{errors}");
    }
    edit(
        dir.path(),
        "track.flow",
        "form order_id {",
        "form order_numbr {",
    );
    let (code, _, errors) = flowc(dir.path(), &["diff", "HEAD", "flows/acme_store"]);
    assert_eq!(code, 2);
    assert!(
        errors.contains("only bots without errors can be compared"),
        "{errors}"
    );
}

#[test]
fn a_test_that_names_what_was_removed_keeps_nobody_from_comparing() {
    let dir = tempfile::tempdir().unwrap();
    let bot = "bot small {\n  languages en\n  channels web\n  tiers bot -> human\n  start a\n}\n\
        tier bot: scripted { reply within 1s }\ntier human: people { reply within 2m }\n\
        team support { hours always }\nroute human {\n  | intent | team    |\n  | _      | support |\n}\n\
        handoff human { say \"A person comes.\" }\n\
        node a { choose \"A person?\" { \"Yes\" -> escalate; \"No\" -> end resolved } }\n\
        test \"anger\" {\n  customer \"THIS IS BAD\"\n  expect escalated by angry\n}\n";
    for (name, rule) in [
        ("old", "escalate angry to human { when shouting }\n"),
        ("new", ""),
    ] {
        std::fs::create_dir_all(dir.path().join(name).join("kb")).unwrap();
        std::fs::write(dir.path().join(name).join("kb/a.md"), "# Hours\nAlways.\n").unwrap();
        let pages = "knowledge pages from \"kb/*.md\"\n";
        let text = format!("{bot}{rule}{pages}");
        std::fs::write(dir.path().join(name).join("bot.flow"), text).unwrap();
    }
    let (code, out, errors) = flowc(dir.path(), &["diff", "old", "new"]);
    assert_eq!(code, 1, "{out}{errors}");
    assert!(out.contains("angry"), "{out}");
    // Where the bot's folder lies is no part of its pages.
    assert!(!out.contains("knowledge"), "{out}");
    assert!(errors.contains("tests of `new`"), "{errors}");
}
