//! `flowd`: the command line.

use clap::Parser;
use std::process::ExitCode;

mod cli;

/// Turns make and drop many small values on every thread, which the system's allocator serves slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
