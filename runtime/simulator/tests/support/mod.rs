//! Bots from texts and from folders.
#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests; not every test uses everything"
)]

use flow_compiler::sources::Project;
use flow_compiler::{Compiler, Options};
use flow_engine::desk::AgentSpec;
use flow_simulator::Program;
use std::path::Path;
use std::sync::Arc;

/// A bot in one file, with other files beside it.
pub fn program(source: &str, others: &[(&str, &str)]) -> Arc<Program> {
    let project = Project {
        flow_files: vec![("bot.flow".into(), source.into())],
        other_files: others
            .iter()
            .map(|(name, text)| ((*name).into(), (*text).into()))
            .collect(),
        ..Project::default()
    };
    build("bot.flow", &project)
}

/// A bot of the repository.
pub fn folder(path: &Path) -> Arc<Program> {
    let loaded = flow_loader::load(path).unwrap();
    build(&path.display().to_string(), &loaded.project)
}

fn build(name: &str, project: &Project) -> Arc<Program> {
    let compilation = Compiler::default().compile(
        project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    );
    let machine = compilation
        .runnable()
        .unwrap_or_else(|| panic!("{name}: {:#?}", compilation.diagnostics));
    Arc::new(Program::new(machine).unwrap())
}

/// An agent of some teams.
pub fn agent(id: &str, teams: &[&str]) -> AgentSpec {
    AgentSpec {
        id: id.into(),
        name: id.into(),
        teams: teams.iter().map(|t| (*t).into()).collect(),
        skills: Default::default(),
        languages: Default::default(),
        capacity: None,
    }
}
