//! `flow-lsp`: the language server on standard input and output.

use std::process::ExitCode;

fn main() -> ExitCode {
    match flow_lsp::run_stdio() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flow-lsp: {error}");
            ExitCode::FAILURE
        }
    }
}
