//! What can be typed.

mod agent;
mod audit;
mod check;
mod dead_letters;
mod keep;
mod run;

use clap::{Args, Parser, Subcommand};
use flow_daemon::config::Config;
use flow_store::{SqliteOptions, SqliteStore};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs Flow bots: web widget, agents' inbox, webhooks, models, from one program and one data folder.
#[derive(Debug, Parser)]
#[command(name = "flowd", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  flowd run ./my_bot                                  run a bot on http://127.0.0.1:8080
  flowd agent add leo --password-stdin --team finance add somebody who answers customers
  flowd check --config flow.toml                      look at the configuration without running

The page is at /, the agents' inbox at /inbox. Guides: docs/operating.md, docs/api.md";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a bot's folder until it is told to stop; edits to the folder go live by themselves.
    #[command(after_help = "\
Examples:
  flowd run flows/acme_store
  flowd run flows/acme_store --listen 0.0.0.0:8080 --data /var/lib/flow
  flowd run flows/acme_store --allow-internal 127.0.0.1:8091    let webhooks reach a service on this machine")]
    Run(run::Run),
    /// Adds, lists and removes the people who answer customers.
    #[command(subcommand)]
    Agent(agent::Command),
    /// Makes, lists and revokes keys for programs.
    #[command(subcommand)]
    Key(keep::Key),
    /// Writes a copy of all data to a new file; the daemon may run meanwhile.
    Backup(keep::Backup),
    /// Puts a backup in place of the data; what was erased since is erased again.
    Restore(keep::Restore),
    /// Writes conversations with their logs as JSON, one per line.
    Export(keep::Export),
    /// Erases conversations for good.
    Erase(keep::Erase),
    /// Lists deliveries that were given up, and tries them again.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLetters),
    /// Shows the audit log, and whether a line of it was changed or taken out.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Checks the configuration, and a bot against it, and prints every problem; also `flowd --check`.
    #[command(long_flag = "check")]
    Check(check::Check),
}

/// Where things are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The configuration; without it `flow.toml` in this folder, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [default: flow-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    fn config(&self) -> Result<Config, String> {
        let usual = PathBuf::from("flow.toml");
        let path = self
            .config
            .clone()
            .or_else(|| usual.is_file().then_some(usual));
        let mut config = Config::load(path.as_deref())?;
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        Ok(config)
    }

    /// The data that is there already: a folder that was mistyped holds nobody's, and must not be taken for an empty one.
    fn stored(&self) -> Result<SqliteStore, String> {
        let data = self.config()?.data;
        if !data.join("flow.db").is_file() {
            return Err(format!(
                "there is no data in `{}`; name the daemon's folder with --data",
                data.display()
            ));
        }
        self.store()
    }

    fn store(&self) -> Result<SqliteStore, String> {
        // Beside a running daemon: SQLite lets both in, and short writes wait for each other.
        SqliteStore::open(
            &self.config()?.data,
            &SqliteOptions {
                readers: 1,
                ..SqliteOptions::default()
            },
        )
        .map_err(|e| e.to_string())
    }
}

/// Runs a command; every failure is one line.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Run(command) => command.run(),
        Command::Agent(command) => command.run(),
        Command::Key(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Erase(command) => command.run(),
        Command::DeadLetters(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Check(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("flowd: {message}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start threads: {e}"))
}

/// Parses `HOST:PORT`.
fn host_port(text: &str) -> Result<String, String> {
    match flow_daemon::delivery::egress::is_place(text) {
        true => Ok(text.to_owned()),
        false => Err("write it as HOST:PORT, for example 127.0.0.1:8091".to_owned()),
    }
}

/// Parses an address to listen on; a port alone is on this machine only.
fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.parse()
        .map_err(|_| "write it as ADDRESS:PORT, for example 127.0.0.1:8080".to_owned())
}
