//! `cargo xtask demo` starts the example bot, `cargo xtask test` passes every test, installing what they need.

mod demo;
mod needs;
mod steps;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask demo [--listen 127.0.0.1:8080]   start the example bot and its order service
       cargo xtask test [STEP ..]                   run all tests, or only these steps
       cargo xtask steps                            list the steps";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.first().map(String::as_str) {
        Some("demo") => demo::run(args.get(1..).unwrap_or_default()),
        Some("test") => steps::run(args.get(1..).unwrap_or_default()),
        Some("steps") => {
            for step in steps::STEPS {
                println!("{:<10} {}", step.name, step.about);
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// The workspace's root.
fn root() -> std::path::PathBuf {
    let manifest = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .map(std::path::Path::to_path_buf)
        .unwrap_or(manifest)
}

/// Where cargo puts what it builds.
fn target() -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), std::path::PathBuf::from)
}
