//! `flowc replay` as docs/replay.md shows it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_compiler::{Compiler, Options};
use flow_engine::desk::AgentSpec;
use flow_engine::event::Visitor;
use flow_simulator::{Model, Program, World};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

const PAGE: &str = include_str!("../../docs/replay.md");

/// The blocks of the page in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let open = format!("```{language}\n");
    PAGE.split(open.as_str())
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// The page's bot, and its conversation as the daemon exports it.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("shop")).unwrap();
    std::fs::write(dir.path().join("flow.toml"), "").unwrap();
    std::fs::write(dir.path().join("shop/bot.flow"), blocks("flow")[0]).unwrap();
    let loaded = flow_loader::load(&dir.path().join("shop")).unwrap();
    let compilation = Compiler::default().compile(
        &loaded.project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    );
    let program = Arc::new(Program::new(compilation.runnable().unwrap()).unwrap());
    let mut world = World::new(
        program,
        "2026-03-02T10:00:00Z".parse().unwrap(),
        Model::Scripted,
    );
    let leo = AgentSpec {
        id: "leo".into(),
        name: "Leo".into(),
        teams: vec!["support".into()],
        languages: vec![],
        skills: vec![],
        capacity: None,
    };
    world.add_agent(leo, false).unwrap();
    world
        .open("web".into(), None, None, Visitor::default())
        .unwrap();
    world.press("Opening hours").unwrap();
    world.customer_says("this takes ages").unwrap();
    let export = json!({"conversation": {"id": "c1"}, "log": world.history});
    std::fs::write(dir.path().join("recorded.jsonl"), format!("{export}\n")).unwrap();
    dir
}

fn flowc(dir: &Path, command: &str) -> Output {
    let words = command.strip_prefix("flowc ").unwrap().split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(words)
        .args(["--color", "never"])
        .current_dir(dir)
        .output()
        .unwrap()
}

fn edit(dir: &Path) {
    let file = dir.join("shop/bot.flow");
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = text.replace(
        r#"contains any ["ages", "forever"]"#,
        r#"contains any ["forever"]"#,
    );
    assert_ne!(text, edited);
    std::fs::write(file, edited).unwrap();
}

/// Runs a block's command; what the page says and what comes.
fn shown(dir: &Path, block: &str, code: i32) {
    let (command, expected) = block.strip_prefix("$ ").unwrap().split_once('\n').unwrap();
    let output = flowc(dir, command);
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(out.trim(), expected.trim(), "`{command}` prints:\n{out}");
    assert_eq!(output.status.code(), Some(code), "{command}");
}

#[test]
fn the_page_shows_what_is_printed() {
    let blocks = blocks("console");
    let dir = place();
    shown(dir.path(), blocks[0], 0);
    edit(dir.path());
    shown(dir.path(), blocks[1], 1);
    shown(dir.path(), blocks[2], 1);
}

#[test]
fn json_names_every_difference_with_its_places() {
    let dir = place();
    edit(dir.path());
    let output = flowc(
        dir.path(),
        "flowc replay recorded.jsonl --bot shop --format json --why",
    );
    assert_eq!(output.status.code(), Some(1));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["same"], false);
    let conversation = &shown["conversations"][0];
    assert_eq!(
        (&conversation["conversation"], &conversation["same"]),
        (&json!("c1"), &json!(false))
    );
    let turns = conversation["shown"].as_array().unwrap();
    let rule = turns
        .iter()
        .flat_map(|t| t["differences"].as_array().unwrap())
        .find(|d| d["what"] == "rule")
        .unwrap();
    assert_eq!(rule["recorded"], "impatient fired");
    assert!(rule["now"].is_null());
    assert_eq!(rule["recorded_at"]["file"], "shop/bot.flow");
    assert!(rule["now_at"]["line"].as_u64().unwrap() > 10);
    assert!(
        turns
            .iter()
            .any(|t| t["decision"]["rules"][0]["rule"] == "impatient")
    );
}

#[test]
fn what_cannot_be_replayed_exits_with_2() {
    let dir = place();
    std::fs::write(dir.path().join("odd.jsonl"), "{\"a\": 1}\n").unwrap();
    let odd = flowc(dir.path(), "flowc replay odd.jsonl --bot shop");
    assert_eq!(odd.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&odd.stderr)
            .contains("`odd.jsonl`: line 1: this is no record of an event")
    );
    assert_eq!(
        flowc(dir.path(), "flowc replay none.jsonl --bot shop")
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        flowc(dir.path(), "flowc replay recorded.jsonl --bot nowhere")
            .status
            .code(),
        Some(2)
    );
    std::fs::write(dir.path().join("shop/more.flow"), "node a { -> nowhere }\n").unwrap();
    assert_eq!(
        flowc(dir.path(), "flowc replay recorded.jsonl --bot shop")
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn a_folder_of_recordings_is_replayed_by_name() {
    let dir = place();
    std::fs::create_dir(dir.path().join("all")).unwrap();
    for name in ["b.jsonl", "a.jsonl"] {
        std::fs::copy(
            dir.path().join("recorded.jsonl"),
            dir.path().join("all").join(name),
        )
        .unwrap();
    }
    std::fs::write(dir.path().join("all/notes.txt"), "not a recording").unwrap();
    let output = flowc(dir.path(), "flowc replay all --bot shop");
    let out = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("same c1 in all/a.jsonl")
            && lines[1].starts_with("same c1 in all/b.jsonl"),
        "{out}"
    );
    assert_eq!(output.status.code(), Some(0));
}
