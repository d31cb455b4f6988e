//! Other systems on this machine, in one run: `cargo run --release -p flow-benches --bin peers [NAME ..]`.
//!
//! Each is a small program in `benches/peers/` that drives a published system at a pinned version; it is built or installed below
//! `target/peers` first. Rates are per second of CPU, so that what else runs disturbs them little. A peer that cannot be had here
//! (no Node.js, no Python, no network) is said to be missing, and the others go on.

use anyhow::{Context, bail};
use flow_benches::machine_name;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One peer: where it is, how it is made ready, what is run and where its numbers stand.
struct Peer {
    name: &'static str,
    folder: &'static str,
    kind: Kind,
    runs: &'static [Run],
}

/// How a peer is made ready and started.
#[derive(Clone, Copy)]
enum Kind {
    /// Built by Cargo; the name is the binary's.
    Rust(&'static str),
    /// Installed by npm, started by Node.js.
    Node,
    /// Installed by pip into an environment of its own; the text is the package.
    Python(&'static str),
}

/// One measurement.
struct Run {
    args: &'static [&'static str],
    /// What the rates of its output are called: the word after the number.
    unit: &'static str,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "CSML 1.11.2",
        folder: "csml",
        kind: Kind::Rust("csml_bench"),
        runs: &[
            Run {
                args: &["validate", "10000", "10", "3"],
                unit: "lines/cpu-s",
            },
            Run {
                args: &["interp", "20000"],
                unit: "msgs/cpu-s",
            },
            Run {
                args: &["engine", "1000"],
                unit: "msgs/s",
            },
        ],
    },
    Peer {
        name: "Agent Script checker 0.0.2",
        folder: "agentscript",
        kind: Kind::Rust("agentscript_bench"),
        runs: &[Run {
            args: &["10000", "3"],
            unit: "lines/cpu-s",
        }],
    },
    Peer {
        name: "regorus and Cedar",
        folder: "policy",
        kind: Kind::Rust("policy_bench"),
        runs: &[Run {
            args: &["2"],
            unit: "/cpu-s",
        }],
    },
    Peer {
        name: "XState 5",
        folder: "js",
        kind: Kind::Node,
        runs: &[Run {
            args: &["bench_xstate.mjs", "2"],
            unit: "/cpu-s",
        }],
    },
    Peer {
        name: "json-rules-engine 7",
        folder: "js",
        kind: Kind::Node,
        runs: &[Run {
            args: &["bench_rules.mjs", "2"],
            unit: "cpu_us/run",
        }],
    },
    Peer {
        name: "Colang 2 (NeMo Guardrails 0.24.1)",
        folder: "colang",
        kind: Kind::Python("nemoguardrails==0.24.1"),
        runs: &[
            Run {
                args: &["bench.py", "parse", "2000", "2"],
                unit: "lines/cpu-s",
            },
            Run {
                args: &["bench.py", "run", "10", "500"],
                unit: "events/cpu-s",
            },
        ],
    },
];

fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    println!("machine: {}", machine_name());
    for peer in PEERS.iter().filter(|p| {
        only.is_empty()
            || only
                .iter()
                .any(|o| p.name.to_lowercase().contains(&o.to_lowercase()))
    }) {
        println!("{}", peer.name);
        if let Err(error) = measure(peer) {
            println!("  missing: {error:#}");
        }
    }
}

fn measure(peer: &Peer) -> anyhow::Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(peer.folder);
    let made = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../target/peers")
        .join(peer.folder);
    std::fs::create_dir_all(&made)?;
    let made = made.canonicalize()?;
    let program = ready(peer.kind, &folder, &made)?;
    for run in peer.runs {
        let mut command = Command::new(&program);
        if let Kind::Node | Kind::Python(_) = peer.kind {
            command.arg(folder.join(run.args.first().copied().unwrap_or_default()));
            command.args(run.args.get(1..).unwrap_or_default());
        } else {
            command.args(run.args);
        }
        if let Kind::Node = peer.kind {
            // The script finds its packages from where it is.
            let script = made.join(run.args.first().copied().unwrap_or_default());
            command = Command::new(&program);
            command
                .arg(script)
                .args(run.args.get(1..).unwrap_or_default());
        }
        let output = command
            .current_dir(&made)
            .env("SQLITE_URL", made.join("bench.db"))
            .output()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!(
                "`{}` failed: {}",
                run.args.join(" "),
                String::from_utf8_lossy(&output.stderr)
                    .lines()
                    .last()
                    .unwrap_or_default()
            );
        }
        for line in said.lines().filter(|l| l.contains(run.unit)) {
            println!("  {line}");
        }
    }
    Ok(())
}

/// Builds or installs a peer; gives what starts it.
fn ready(kind: Kind, folder: &Path, made: &Path) -> anyhow::Result<PathBuf> {
    match kind {
        Kind::Rust(name) => {
            call(
                Command::new("cargo")
                    .args(["build", "--release", "--quiet", "--target-dir"])
                    .arg(made)
                    .arg("--manifest-path")
                    .arg(folder.join("Cargo.toml")),
            )?;
            Ok(made.join("release").join(name))
        }
        Kind::Node => {
            // Scripts and packages side by side, away from the sources; the data is where the scripts look for it.
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    std::fs::copy(entry.path(), made.join(entry.file_name()))?;
                }
            }
            let data = made.join("../data");
            std::fs::create_dir_all(&data)?;
            for entry in std::fs::read_dir(folder.join("../data"))? {
                let entry = entry?;
                std::fs::copy(entry.path(), data.join(entry.file_name()))?;
            }
            call(
                Command::new("npm")
                    .args(["install", "--silent", "--no-audit", "--no-fund"])
                    .current_dir(made),
            )?;
            Ok(PathBuf::from("node"))
        }
        Kind::Python(package) => {
            let environment = made.join("venv");
            let python = environment.join("bin/python");
            if !python.exists() {
                call(
                    Command::new("python3")
                        .args(["-m", "venv"])
                        .arg(&environment),
                )?;
            }
            call(Command::new(&python).args(["-m", "pip", "install", "--quiet", package]))?;
            Ok(python)
        }
    }
}

fn call(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    if status.success() {
        Ok(())
    } else {
        bail!("{shown} failed")
    }
}
