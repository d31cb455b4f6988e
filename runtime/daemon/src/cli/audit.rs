//! The audit log, from beside the daemon.

use super::Place;
use super::keep::wait;
use clap::Subcommand;
use flow_store::Store;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Shows it, newest first.
    List {
        /// Lines at most.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
        /// As JSON, one per line, with the hashes.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Goes through all of it: every line holds a hash of itself and of all before it, so one that was changed or taken out is found.
    #[command(
        after_help = "Examples:\n  flowd audit verify                     prints the last hash; note it where whoever can change the database cannot\n  flowd audit verify --noted 5e1f..      also: is what was noted then still part of it?"
    )]
    Verify {
        /// A hash that was noted earlier.
        #[arg(long, value_name = "HASH")]
        noted: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}

impl Audit {
    pub(crate) fn run(self) -> Result<(), String> {
        match self {
            Self::List { limit, json, place } => {
                let store = place.stored()?;
                for line in wait(store.audit_log(None, limit))? {
                    if json {
                        println!("{}", json!(line));
                        continue;
                    }
                    let more = [&line.target, &line.detail].into_iter().flatten();
                    let more = more.map(String::as_str).collect::<Vec<_>>().join("  ");
                    println!(
                        "{:<7} {}  {:<20} {:<16} {more}",
                        line.id, line.at, line.actor, line.action
                    );
                }
                Ok(())
            }
            Self::Verify { noted, place } => {
                let store = place.stored()?;
                let noted = noted.map(|hash| hash.trim().to_lowercase());
                let proof = wait(store.audit_proof(noted.as_deref()))?;
                if let Some(line) = proof.broken {
                    return Err(format!(
                        "the audit log was changed: line {line} is not what was written, or a line before it is gone; compare with a backup"
                    ));
                }
                if let Some(hash) = noted.filter(|_| !proof.noted) {
                    return Err(format!(
                        "the audit log has no line with the hash `{hash}`: it was written anew since, or is another one"
                    ));
                }
                println!("the audit log is whole: {} lines", proof.lines);
                if let Some(head) = proof.head {
                    println!("{head}");
                }
                Ok(())
            }
        }
    }
}
