//! `flowc completions`.

use crate::args::{Cli, CompletionsArgs};
use clap::CommandFactory;
use std::process::ExitCode;

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "flowc", &mut out);
    crate::output::print(&String::from_utf8_lossy(&out));
    Ok(ExitCode::SUCCESS)
}
