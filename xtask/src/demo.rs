//! `cargo xtask demo`: the example shop with its order system, agents and inbox, on this machine.
//!
//! What runs is a copy whose teams never close: the shop's own hours would send whoever tries it in the evening to a follow-up.

use crate::{root, target};
use anyhow::{Context, bail};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

/// The agents' password: everything here is on this machine and for show.
const PASSWORD: &str = "flow-demo";
/// `(sign-in name, display name, teams, languages, role)`.
const AGENTS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "leo",
        "Leo Perez",
        "finance,support,support_es",
        "en,es",
        "agent",
    ),
    (
        "mia",
        "Mia Brandt",
        "support,key_accounts,compliance,support_leads",
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
    let bot = data.join("acme_store");
    copy(&root().join("flows/acme_store"), &bot)?;
    open_always(&bot.join("routing.flow"))?;
    // Any free port will do: customers and agents never see it.
    let orders_at = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut orders = Guard(
        Command::new(bin.join("acme-orders"))
            .args(["--listen", &orders_at])
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
            .arg("run")
            .arg(&bot)
            .args([
                "--listen",
                &listen,
                "--allow-internal",
                &orders_at,
                "--data",
            ])
            .arg(&data)
            .env("SHOP_URL", format!("http://{orders_at}"))
            .current_dir(root())
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start flowd")?,
    );
    std::thread::sleep(Duration::from_millis(1500));
    if flowd.0.try_wait()?.is_none() && orders.0.try_wait()?.is_none() {
        println!("\n  chat as a customer   http://{listen}/");
        println!(
            "  work as an agent     http://{listen}/inbox    sign in as leo (finance) or mia (lead), password {PASSWORD}; switch to available"
        );
        println!(
            "  edit {} and save: the running bot follows; Ctrl-C ends the demo\n",
            bot.strip_prefix(root()).unwrap_or(&bot).display()
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

/// Copies a folder; what was there before and has its name goes.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make `{}`", to.display()))?;
    for entry in
        std::fs::read_dir(from).with_context(|| format!("cannot read `{}`", from.display()))?
    {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "order_service" {
            // A program beside the bot, no part of it.
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            std::fs::copy(&from, &to)
                .with_context(|| format!("cannot write `{}`", to.display()))?;
        }
    }
    Ok(())
}

/// Makes the opening hours of a file last all week.
fn open_always(routing: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(routing)
        .with_context(|| format!("cannot read `{}`", routing.display()))?;
    let mut open = String::new();
    let mut hours = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("hours ") {
            hours = true;
        } else if line.starts_with('}') {
            if hours {
                open.push_str("  mon..sun 00:00-24:00\n");
            }
            hours = false;
        }
        if !hours || line.starts_with("hours ") || line.contains("timezone") {
            open.push_str(line);
        }
    }
    std::fs::write(routing, open).with_context(|| format!("cannot write `{}`", routing.display()))
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
