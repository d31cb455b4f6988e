//! `flowc lsp`.

use std::process::ExitCode;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    flow_lsp::run_stdio()?;
    Ok(ExitCode::SUCCESS)
}
