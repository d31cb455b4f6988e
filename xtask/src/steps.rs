//! The steps of `cargo xtask test`, in order; all are run even if one fails.

use crate::needs::{self, CHROMIUM, NEOVIM, NODE, NPM, Need};
use crate::{root, target};
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// How long one program of a step may run: several times what the longest takes on two cores.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// Room for what a build and the tests write, in MiB, as measured on a fresh clone.
const ROOM: u64 = 7 * 1024;

/// A step.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    run: fn() -> anyhow::Result<()>,
}

pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "format",
        about: "Rust and flow files are formatted",
        run: format,
    },
    Step {
        name: "lint",
        about: "Clippy finds nothing",
        run: lint,
    },
    Step {
        name: "unit",
        about: "all Rust tests",
        run: unit,
    },
    Step {
        name: "flows",
        about: "the example bots and the pinned semantics: flowc check and flowc test",
        run: flows,
    },
    Step {
        name: "console",
        about: "the console: types, tests, and the committed build is the build",
        run: console,
    },
    Step {
        name: "editor",
        about: "the language server in Neovim",
        run: editor,
    },
    Step {
        name: "browser",
        about: "the walk through a real browser, and a crash in its middle",
        run: browser,
    },
];

pub(crate) fn run(only: &[String]) -> anyhow::Result<ExitCode> {
    for name in only {
        if !STEPS.iter().any(|s| s.name == name) {
            bail!("there is no step `{name}`; `cargo xtask steps` lists them");
        }
    }
    needs::warn_of_room(ROOM);
    let (mut passed, mut failed) = (0, Vec::new());
    for step in STEPS
        .iter()
        .filter(|s| only.is_empty() || only.iter().any(|o| o == s.name))
    {
        println!("\n== {}: {}", step.name, step.about);
        let start = Instant::now();
        match (step.run)() {
            Ok(()) => {
                println!("== {} passed in {} s", step.name, start.elapsed().as_secs());
                passed += 1;
            }
            Err(error) => {
                println!(
                    "== {} FAILED in {} s: {error:#}",
                    step.name,
                    start.elapsed().as_secs()
                );
                failed.push(step.name);
            }
        }
    }
    if !failed.is_empty() {
        println!("\nfailed steps: {}", failed.join(", "));
    }
    println!("\nsteps: {passed} passed, {} failed", failed.len());
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn cargo(args: &[&str]) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // Random cases repeat from run to run; `PROPTEST_RNG_SEED` chooses others.
    let seed = std::env::var("PROPTEST_RNG_SEED").unwrap_or_else(|_| "20260302".to_owned());
    let mut command = Command::new(cargo);
    command.args(args).env("PROPTEST_RNG_SEED", seed);
    // What `cargo run` says of this program is seen by build scripts: with it they, and all that stands on them, would be built
    // again here and again at a developer's next `cargo build`.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    call(&mut command)
}

fn call(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!(
        "{} {}",
        command.get_program().to_string_lossy(),
        command
            .get_args()
            .map(|a| a.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    );
    if command.get_current_dir().is_none() {
        command.current_dir(root());
    }
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // What hangs fails, with its name, instead of holding up everything behind it.
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!(
                "`{shown}` did not end within {} minutes",
                PATIENCE.as_secs() / 60
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        bail!("`{shown}` failed");
    }
    Ok(())
}

fn binary(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

fn flowc(args: &[&str]) -> anyhow::Result<()> {
    call(Command::new(binary("flowc")).args(args))
}

/// The whole workspace at once, tests included: with the same features, so that no step builds again what another has built.
fn binaries() -> anyhow::Result<()> {
    cargo(&["build", "--quiet", "--workspace", "--bins", "--tests"])
}

fn format() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    binaries()?;
    flowc(&["fmt", "--check", "flows"])
}

fn lint() -> anyhow::Result<()> {
    cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

fn unit() -> anyhow::Result<()> {
    cargo(&["test", "--workspace", "--no-fail-fast"])
}

/// The folders directly below one, sorted.
fn folders(of: &str) -> anyhow::Result<Vec<String>> {
    let path = root().join(of);
    let mut out = Vec::new();
    for entry in
        std::fs::read_dir(&path).with_context(|| format!("cannot read `{}`", path.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            out.push(format!("{of}/{}", entry.file_name().to_string_lossy()));
        }
    }
    out.sort();
    Ok(out)
}

fn flows() -> anyhow::Result<()> {
    binaries()?;
    let mut failed = Vec::new();
    for bot in folders("flows")? {
        println!("-- {bot}");
        if flowc(&["check", "--deny-warnings", &bot]).is_err() || flowc(&["test", &bot]).is_err() {
            failed.push(bot);
        }
    }
    for bot in folders("tests/language")? {
        let output = Command::new(binary("flowc"))
            .args(["test", &bot])
            .current_dir(root())
            .output()?;
        if !output.status.success() {
            println!(
                "-- {bot}\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            failed.push(bot);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("failed: {}", failed.join(", "))
    }
}

fn npm(folder: &str, args: &[&str]) -> anyhow::Result<()> {
    call(
        Command::new("npm")
            .args(args)
            .current_dir(root().join(folder)),
    )
}

fn need(needs: &[&Need]) -> anyhow::Result<()> {
    needs::ensure(needs)
}

fn console() -> anyhow::Result<()> {
    need(&[&NODE, &NPM])?;
    let folder = "runtime/console";
    npm(folder, &["ci", "--no-audit", "--no-fund", "--silent"])?;
    npm(folder, &["run", "--silent", "typecheck"])?;
    npm(folder, &["test", "--silent"])?;
    npm(folder, &["run", "--silent", "build"])?;
    call(Command::new("git").args(["diff", "--exit-code", "--stat", "--", "runtime/console/dist"])).context("the committed build of the console is not what its sources build; run `npm run build` and commit it")
}

fn editor() -> anyhow::Result<()> {
    need(&[&NEOVIM])?;
    binaries()?;
    call(
        Command::new("nvim")
            // A script that stops at an error leaves Neovim open: what comes after it is only reached then.
            .args(["--headless", "-u", "NONE", "-i", "NONE"])
            .args(["-S", "tests/editor/neovim.lua", "-c", "cquit 1"])
            .env("FLOWC", binary("flowc")),
    )
}

fn browser() -> anyhow::Result<()> {
    need(&[&NODE, &NPM, &CHROMIUM])?;
    binaries()?;
    npm(
        "tests/browser",
        &["ci", "--no-audit", "--no-fund", "--silent"],
    )?;
    call(
        Command::new("npm")
            .args(["test", "--silent"])
            .current_dir(root().join("tests/browser"))
            .env("FLOW_BIN", target().join("debug")),
    )
}
