//! `flowc`: checks, formats, tests, draws and rehearses bots.

mod args;
mod commands;
mod output;
mod project;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// The checker makes many small things, the system's allocator takes a fifth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    output::set_colour(cli.color);
    let outcome = match cli.command {
        Command::Check(a) => commands::check::run(&a),
        Command::Fmt(a) => commands::fmt::run(&a),
        Command::Test(a) => commands::test::run(&a),
        Command::Run(a) => commands::run::run(&a),
        Command::Replay(a) => commands::replay::run(&a),
        Command::Graph(a) => commands::graph::run(&a),
        Command::Report(a) => commands::report::run(&a),
        Command::Diff(a) => commands::diff::run(&a),
        Command::Explain(a) => commands::explain::run(&a),
        Command::New(a) => commands::new::run(&a),
        Command::Lsp => commands::lsp::run(),
        Command::Completions(a) => commands::completions::run(&a),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            output::problem(&error);
            ExitCode::from(2)
        }
    }
}
