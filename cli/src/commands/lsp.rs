//! `flowc lsp`.

use std::process::ExitCode;

pub fn run() -> anyhow::Result<ExitCode> {
    flow_lsp::run_stdio()?;
    Ok(ExitCode::SUCCESS)
}
