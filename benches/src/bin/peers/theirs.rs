//! The others: how each is made ready, what is run, and where its numbers stand in what it prints.

use crate::Row;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One peer.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
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

/// One start of its program.
struct Run {
    args: &'static [&'static str],
    takes: &'static [Take],
}

/// A number of its output: in the lines that contain `line`, the word before the last `unit`. Of several lines the best counts.
struct Take {
    line: &'static str,
    unit: Unit,
    row: Row,
    name: &'static str,
}

#[derive(Clone, Copy)]
enum Unit {
    /// Per second, called so.
    PerSecond(&'static str),
    /// Microseconds each, called so.
    Micros(&'static str),
}

const fn take(line: &'static str, unit: &'static str, row: Row, name: &'static str) -> Take {
    Take {
        line,
        unit: Unit::PerSecond(unit),
        row,
        name,
    }
}

pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "CSML 1.11.2",
        folder: "csml",
        kind: Kind::Rust("csml_bench"),
        runs: &[
            Run {
                args: &["validate", "10000", "10", "3"],
                takes: &[take(
                    "validate",
                    "lines/cpu-s",
                    Row::Check,
                    "CSML 1.11.2, validator",
                )],
            },
            Run {
                args: &["interp", "20000"],
                takes: &[take(
                    "interp",
                    "msgs/cpu-s",
                    Row::Turn,
                    "CSML 1.11.2, interpreter",
                )],
            },
            Run {
                args: &["engine", "1000"],
                takes: &[take(
                    "engine",
                    "msgs/s,",
                    Row::Durable,
                    "CSML 1.11.2, engine on SQLite",
                )],
            },
            Run {
                args: &["engine", "400", "1000"],
                takes: &[take(
                    "engine",
                    "msgs/s,",
                    Row::DurableMore,
                    "CSML 1.11.2, engine on SQLite",
                )],
            },
        ],
    },
    Peer {
        name: "Agent Script",
        folder: "agentscript",
        kind: Kind::Rust("agentscript_bench"),
        runs: &[Run {
            args: &["10000", "5"],
            takes: &[take(
                "parse+semantic+graph",
                "lines/cpu-s",
                Row::Check,
                "Agent Script checker 0.0.2",
            )],
        }],
    },
    Peer {
        name: "Colang 2 (NeMo Guardrails 0.24.1)",
        folder: "colang",
        kind: Kind::Python("nemoguardrails==0.24.1"),
        runs: &[
            Run {
                args: &["bench.py", "parse", "10000", "3"],
                takes: &[take(
                    "load",
                    "lines/cpu-s",
                    Row::Check,
                    "Colang 2 (NeMo 0.24.1), load",
                )],
            },
            Run {
                args: &["bench.py", "run", "10", "2000"],
                takes: &[take(
                    "run:",
                    "user events/cpu-s",
                    Row::Turn,
                    "Colang 2, bare events",
                )],
            },
            Run {
                args: &["bench.py", "say", "10", "400"],
                takes: &[take(
                    "say:",
                    "user events/cpu-s",
                    Row::Turn,
                    "Colang 2, standard library",
                )],
            },
        ],
    },
    Peer {
        name: "XState 5",
        folder: "js",
        kind: Kind::Node,
        runs: &[Run {
            args: &["bench_xstate.mjs", "2"],
            takes: &[
                take(
                    "long-lived actor",
                    "/cpu-s",
                    Row::Turn,
                    "XState 5, a live actor",
                ),
                take(
                    "createActor({snapshot})",
                    "/cpu-s",
                    Row::Stored,
                    "XState 5, createActor from a snapshot",
                ),
                take(
                    "resolveState",
                    "/cpu-s",
                    Row::Stored,
                    "XState 5, resolveState and transition",
                ),
            ],
        }],
    },
    Peer {
        name: "json-rules-engine 7",
        folder: "js",
        kind: Kind::Node,
        runs: &[Run {
            args: &["bench_rules.mjs", "2"],
            takes: &[
                Take {
                    line: "same priority",
                    unit: Unit::Micros("cpu_us/run"),
                    row: Row::Rules,
                    name: "json-rules-engine 7, one priority",
                },
                Take {
                    line: "distinct priorities",
                    unit: Unit::Micros("cpu_us/run"),
                    row: Row::Rules,
                    name: "json-rules-engine 7, ten priorities",
                },
            ],
        }],
    },
    Peer {
        name: "regorus 0.14 and Cedar 4.14",
        folder: "policy",
        kind: Kind::Rust("policy_bench"),
        runs: &[Run {
            args: &["2"],
            takes: &[
                take(
                    "interpreter: 10 escalation rules",
                    "/cpu-s",
                    Row::Rules,
                    "regorus 0.14, interpreter",
                ),
                take(
                    "bytecode: 10 escalation rules",
                    "/cpu-s",
                    Row::Rules,
                    "regorus 0.14, bytecode",
                ),
                take(
                    "interpreter: routing 100 rows, else-chain",
                    "/cpu-s",
                    Row::Matrix,
                    "regorus 0.14, else-chain",
                ),
                take(
                    "bytecode: routing 100 rows, data table",
                    "/cpu-s",
                    Row::Matrix,
                    "regorus 0.14, table as data, bytecode",
                ),
                take(
                    "interpreter: routing 100 rows, data table",
                    "/cpu-s",
                    Row::Matrix,
                    "regorus 0.14, table as data",
                ),
                take(
                    "cedar is_authorized",
                    "/cpu-s",
                    Row::Matrix,
                    "Cedar 4.14, 100 policies of its own",
                ),
            ],
        }],
    },
];

impl Peer {
    /// Makes it ready, if it is not, and measures; what it is called, and how often a second.
    pub(crate) fn measure(
        &self,
        mut found: impl FnMut(Row, &'static str, f64),
    ) -> anyhow::Result<()> {
        let (program, made) = self.ready()?;
        for run in self.runs {
            let (first, rest) = run.args.split_first().context("no arguments")?;
            let mut command = Command::new(&program);
            match self.kind {
                Kind::Rust(_) => command.arg(first),
                // Scripts find their packages and their data from where they are.
                Kind::Node | Kind::Python(_) => command.arg(made.join(first)),
            };
            let output = command
                .args(rest)
                .current_dir(&made)
                .env("SQLITE_URL", made.join("bench.db"))
                .output()
                .with_context(|| format!("cannot start `{}`", program.display()))?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                bail!(
                    "`{}` failed: {}",
                    run.args.join(" "),
                    said.lines().last().unwrap_or_default()
                );
            }
            let said = String::from_utf8_lossy(&output.stdout);
            for take in run.takes {
                let best = said
                    .lines()
                    .filter(|l| l.contains(take.line))
                    .filter_map(|l| take.unit.rate(l))
                    .fold(0.0, f64::max);
                if best <= 0.0 {
                    bail!("`{}` printed no {}", run.args.join(" "), take.line);
                }
                found(take.row, take.name, best);
            }
        }
        Ok(())
    }

    /// Builds or installs it below `target/peers`; gives what starts it, and that folder.
    pub(crate) fn ready(&self) -> anyhow::Result<(PathBuf, PathBuf)> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("peers").join(self.folder);
        let made = root.join("../target/peers").join(self.folder);
        std::fs::create_dir_all(&made)?;
        let made = made.canonicalize()?;
        let program = match self.kind {
            Kind::Rust(name) => {
                call(
                    Command::new("cargo")
                        .args(["build", "--release", "--quiet", "--locked", "--target-dir"])
                        .arg(&made)
                        .arg("--manifest-path")
                        .arg(folder.join("Cargo.toml")),
                )?;
                made.join("release").join(name)
            }
            Kind::Node => {
                copy(&folder, &made)?;
                copy(&folder.join("../data"), &made.join("../data"))?;
                call(
                    Command::new("npm")
                        .args(["ci", "--silent", "--no-audit", "--no-fund"])
                        .current_dir(&made),
                )?;
                PathBuf::from("node")
            }
            Kind::Python(package) => {
                copy(&folder, &made)?;
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
                python
            }
        };
        Ok((program, made))
    }
}

impl Unit {
    /// How often a second, from a line that says so.
    fn rate(self, line: &str) -> Option<f64> {
        let (Self::PerSecond(word) | Self::Micros(word)) = self;
        let before = line.get(..line.rfind(word)?)?.trim_end();
        let number = before.rsplit([' ', '(']).next()?;
        let number: f64 = number.parse().ok()?;
        Some(match self {
            Self::PerSecond(_) => number,
            Self::Micros(_) => 1e6 / number,
        })
    }
}

/// The files of a folder, side by side in another.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
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
