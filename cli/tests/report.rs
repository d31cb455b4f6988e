//! `flowc report` as docs/report.md shows it.
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

const PAGE: &str = include_str!("../../docs/report.md");

fn flowc(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(args)
        .args(["--color", "never"])
        .current_dir(root)
        .output()
        .unwrap()
}

fn shown(args: &[&str]) -> String {
    let output = flowc(args);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Every line that the page shows is printed, in this order; `...` stands for lines that it leaves out.
#[test]
fn the_page_shows_what_is_printed() {
    let blocks: Vec<&str> = PAGE
        .split("```text\n")
        .skip(1)
        .map(|b| b.split("```").next().unwrap())
        .collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let (command, lines) = block
            .strip_prefix("$ flowc ")
            .unwrap()
            .split_once('\n')
            .unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        let printed = shown(&words);
        let mut rest = printed.lines();
        for line in lines.lines().filter(|l| l.trim() != "...") {
            assert!(
                rest.any(|l| l == line),
                "not printed, or not here: {line}\n{printed}"
            );
        }
    }
}

#[test]
fn json_has_every_node_and_tier() {
    let report: Value = serde_json::from_str(&shown(&[
        "report",
        "flows/acme_store",
        "--format",
        "json",
        "--date",
        "2026-03-02",
    ]))
    .unwrap();
    let reach = report["reach"].as_array().unwrap();
    assert!(
        reach
            .iter()
            .any(|r| r["node"] == "greet" && r["tier"] == "bot" && r["turns"] == 1)
    );
    assert!(
        reach
            .iter()
            .any(|r| r["node"].is_null() && r["tier"] == "ai" && r["turns"] == 1)
    );
    assert!(reach.iter().all(|r| {
        r["ways"]
            .as_array()
            .unwrap()
            .iter()
            .all(|w| w["turns"].as_u64() >= r["turns"].as_u64())
    }));
    assert_eq!(report["staffing"].as_array().unwrap().len(), 7);
    let email = report["private"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["field"] == "customer.email")
        .unwrap();
    assert!(
        email["to"]
            .as_array()
            .unwrap()
            .iter()
            .any(|d| d["kind"] == "webhook" && d["name"] == "notify_crm" && d["leaves"] == true)
    );
    let shares: f64 = report["costs"]["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["share"].as_f64().unwrap())
        .sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
}

/// One page, well formed, that asks nothing of anybody.
#[test]
fn the_page_stands_alone() {
    let html = shown(&[
        "report",
        "flows/acme_store",
        "--format",
        "html",
        "--date",
        "2026-03-02",
    ]);
    for foreign in ["http://", "https://", "<script", "<link", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    for needed in [
        "lang=\"en\"",
        "name=\"viewport\"",
        "prefers-color-scheme",
        "class=\"skip\"",
        "<caption>",
        "scope=\"row\"",
        "aria-labelledby",
    ] {
        assert!(html.contains(needed), "{needed}");
    }
    // What is opened is closed, in order.
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if name.starts_with('!') || matches!(name, "meta" | "br") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let targets = html.matches("href=\"#").count();
    assert_eq!(targets, 7);
}

#[test]
fn a_bot_with_errors_proves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("bot.flow"),
        "bot x { languages en; channels web; tiers bot; start nowhere }\n",
    )
    .unwrap();
    let output = flowc(&["report", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("must be mended before anything is proven")
    );
    assert_eq!(flowc(&["report", "no/such/folder"]).status.code(), Some(2));
}
