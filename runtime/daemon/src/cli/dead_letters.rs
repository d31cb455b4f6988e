//! Deliveries that were given up: seen, and tried again, from beside the daemon.

use super::Place;
use super::keep::{line, wait};
use clap::{Args, Subcommand};
use flow_store::Store;
use serde_json::json;

/// Lines of a list at most.
const MOST: u32 = 1000;

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// Lists them, newest first: what it was, whose, and why it was given up.
    List {
        /// As JSON, one per line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Tries deliveries again, with the same idempotency keys; a running daemon takes them up within seconds.
    #[command(
        after_help = "Examples:\n  flowd dead-letters replay 12\n  flowd dead-letters replay --all"
    )]
    Replay {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The number of one, as the list shows it.
    id: Option<i64>,
    /// All of them.
    #[arg(long)]
    all: bool,
}

impl DeadLetters {
    pub(crate) fn run(self) -> Result<(), String> {
        match self {
            Self::List { json, place } => {
                let store = place.stored()?;
                for row in wait(store.dead_letters(MOST))? {
                    let error = row.last_error.as_deref().unwrap_or("");
                    if json {
                        println!("{}", json!(row));
                    } else {
                        println!(
                            "{:<8} {:<9} {} turn {:<5} {error}",
                            row.id, row.kind, row.conversation, row.seq
                        );
                    }
                }
                Ok(())
            }
            Self::Replay { which, place } => {
                let store = place.stored()?;
                let target = which
                    .id
                    .map_or("all".to_owned(), |id| format!("delivery:{id}"));
                let asked = wait(async {
                    let asked = store.ask_replay(which.id).await?;
                    if asked > 0 {
                        store.audit(line("replay", target)).await?;
                    }
                    Ok(asked)
                })?;
                match (which.id, asked) {
                    (Some(id), 0) => return Err(format!("there is no dead letter `{id}`")),
                    (_, 1) => println!("1 delivery is tried again"),
                    (_, n) => println!("{n} deliveries are tried again"),
                }
                Ok(())
            }
        }
    }
}
