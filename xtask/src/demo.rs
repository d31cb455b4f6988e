//! `cargo xtask demo`: the example shop with its order system, agents and inbox, on this machine.

use crate::{root, target};
use anyhow::{Context, bail};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

/// Where the order system listens.
const ORDERS: &str = "127.0.0.1:8091";
/// The agents' password: everything here is on this machine and for show.
const PASSWORD: &str = "flow-demo";
/// `(sign-in name, display name, teams, languages, role)`.
const AGENTS: &[(&str, &str, &str, &str, &str)] = &[
    ("leo", "Leo Perez", "finance,support", "en,es", "agent"),
    (
        "mia",
        "Mia Brandt",
        "support,key_accounts,compliance",
        "en",
        "lead",
    ),
];

pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let listen = match args {
        [] => "127.0.0.1:8080".to_owned(),
        [flag, address] if flag == "--listen" => address.clone(),
        _ => bail!("usage: cargo xtask demo [--listen 127.0.0.1:8080]"),
    };
    println!("building (two minutes or three the first time)");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        // With the features that everything else is built with, so that nothing is built twice.
        .args([
            "build",
            "--workspace",
            "--bin",
            "flowd",
            "--bin",
            "acme-orders",
        ])
        .current_dir(root())
        .status()?;
    if !built.success() {
        bail!("the build failed");
    }
    let bin = target().join("debug");
    let data = target().join("demo");
    std::fs::create_dir_all(&data).with_context(|| format!("cannot make `{}`", data.display()))?;
    let mut orders = Guard(
        Command::new(bin.join("acme-orders"))
            .args(["--listen", ORDERS])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the order system")?,
    );
    for (id, name, teams, languages, role) in AGENTS {
        let mut add = Command::new(bin.join("flowd"))
            .args([
                "agent",
                "add",
                id,
                "--title",
                name,
                "--team",
                teams,
                "--speaks",
                languages,
                "--role",
                role,
                "--password-stdin",
                "--data",
            ])
            .arg(&data)
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let Some(mut input) = add.stdin.take() {
            use std::io::Write;
            writeln!(input, "{PASSWORD}")?;
        }
        if !add.wait()?.success() {
            bail!("cannot add the agent `{id}`");
        }
    }
    let mut flowd = Guard(
        Command::new(bin.join("flowd"))
            .args([
                "run",
                "flows/acme_store",
                "--listen",
                &listen,
                "--allow-internal",
                ORDERS,
                "--data",
            ])
            .arg(&data)
            .env("SHOP_URL", format!("http://{ORDERS}"))
            .current_dir(root())
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start flowd")?,
    );
    std::thread::sleep(Duration::from_millis(1500));
    if flowd.0.try_wait()?.is_none() && orders.0.try_wait()?.is_none() {
        println!("\n  chat as a customer   http://{listen}/");
        println!(
            "  work as an agent     http://{listen}/inbox    sign in as leo (finance) or mia (lead), password {PASSWORD}"
        );
        println!(
            "  edit flows/acme_store and save: the running bot follows; Ctrl-C ends the demo\n"
        );
    }
    loop {
        if let Some(status) = flowd.0.try_wait()? {
            return Ok(if status.success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        if orders.0.try_wait()?.is_some() {
            bail!("the order system ended; the demo needs it");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Ends its program when it goes.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.try_wait().ok().flatten().is_none() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
