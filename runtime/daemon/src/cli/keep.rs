//! Keys, backups, export, erasure.

use super::{Place, runtime};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use flow_daemon::app::{random_name, secret_hash};
use flow_daemon::lock_data;
use flow_store::{ApiKey, ListQuery, NewAudit, SqliteStore, Store, StoreError};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

pub(super) fn line(action: &str, target: String) -> NewAudit {
    let at = jiff::Timestamp::now();
    NewAudit {
        at,
        actor: "command_line".to_owned(),
        action: action.to_owned(),
        target: Some(target),
        detail: None,
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Makes a key and prints it; it is shown this once.
    #[command(
        after_help = "Examples:\n  flowd key add prometheus --scope ops\n  flowd key add crm --scope admin --expires 90d"
    )]
    Add {
        /// What it is for.
        name: String,
        /// What it may do; may be repeated.
        #[arg(long = "scope", value_enum, required = true)]
        scopes: Vec<Scope>,
        /// How long it is good, for example `90d` [default: until it is revoked].
        #[arg(long, value_name = "TIME", value_parser = span)]
        expires: Option<jiff::Span>,
        #[command(flatten)]
        place: Place,
    },
    /// Lists the keys, without their secrets.
    List(Place),
    /// Revokes a key.
    Remove {
        /// Its id, as `flowd key list` shows it.
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Scope {
    /// Metrics, status, reload.
    Ops,
    /// Agents, audit log, deliveries, erasure.
    Admin,
}

impl Key {
    pub(crate) fn run(self) -> Result<(), String> {
        match self {
            Self::Add {
                name,
                scopes,
                expires,
                place,
            } => {
                let store = place.store()?;
                let (id, secret) = (
                    random_name("k_").chars().take(14).collect::<String>(),
                    random_name("fk_"),
                );
                let scopes = scopes.iter().map(|s| match s {
                    Scope::Ops => "ops".into(),
                    Scope::Admin => "admin".into(),
                });
                let now = jiff::Timestamp::now();
                let expires = expires.map(|span| until(now, span)).transpose()?;
                let key = ApiKey {
                    id: id.clone(),
                    name,
                    hash: secret_hash(&secret),
                    scopes: scopes.collect(),
                    created: now,
                    expires,
                };
                wait(async {
                    store.put_key(key).await?;
                    store.audit(line("key_add", format!("key:{id}"))).await
                })?;
                println!("{secret}");
                eprintln!(
                    "this is shown once; send it as `Authorization: Bearer ..`, revoke it with `flowd key remove {id}`"
                );
                Ok(())
            }
            Self::List(place) => {
                let store = place.stored()?;
                for key in wait(store.keys())? {
                    let end = match key.expires {
                        Some(at) if at <= jiff::Timestamp::now() => format!("expired {at}"),
                        Some(at) => format!("until {at}"),
                        None => String::new(),
                    };
                    let shown = format!(
                        "{:<16} {:<24} {:<12} {} {end}",
                        key.id,
                        key.name,
                        key.scopes.join(","),
                        key.created,
                    );
                    println!("{}", shown.trim_end());
                }
                Ok(())
            }
            Self::Remove { id, place } => {
                let store = place.stored()?;
                let removed = wait(async {
                    let removed = store.remove_key(&id).await?;
                    store.audit(line("key_remove", format!("key:{id}"))).await?;
                    Ok(removed)
                })?;
                if removed {
                    Ok(())
                } else {
                    Err(format!("there is no key `{id}`"))
                }
            }
        }
    }
}

/// Parses a span of time, `90d`.
fn span(text: &str) -> Result<jiff::Span, String> {
    text.parse::<jiff::Span>()
        .ok()
        .filter(|span| span.is_positive())
        .ok_or_else(|| "write it as a span of time, for example 90d or 12h".to_owned())
}

/// The end of a span; days and months are those of UTC.
fn until(now: jiff::Timestamp, span: jiff::Span) -> Result<jiff::Timestamp, String> {
    let end = now.to_zoned(jiff::tz::TimeZone::UTC).checked_add(span);
    end.map(|end| end.timestamp())
        .map_err(|_| "the key would be good for longer than there are dates".to_owned())
}

pub(super) fn wait<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, String> {
    runtime()?.block_on(work).map_err(|e| e.to_string())
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flowd backup /backups/flow-$(date +%F).db --data /var/lib/flow"
)]
pub(crate) struct Backup {
    /// The new file.
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl Backup {
    pub(crate) fn run(self) -> Result<(), String> {
        let store = self.place.stored()?;
        let target = format!("file:{}", self.file.display());
        wait(async {
            store.backup(&self.file).await?;
            store.audit(line("backup", target)).await
        })?;
        println!("wrote `{}`", self.file.display());
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl Restore {
    pub(crate) fn run(self) -> Result<(), String> {
        let data = self.place.config()?.data;
        let _lock = lock_data(&data).map_err(|e| e.to_string())?;
        let erased = flow_store::restore(&self.file, &data).map_err(|e| e.to_string())?;
        let store = self.place.store()?;
        wait(store.audit(line("restore", format!("file:{}", self.file.display()))))?;
        println!(
            "restored `{}`; {erased} conversations that were erased since are erased again",
            self.file.display()
        );
        Ok(())
    }
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// One conversation.
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// All conversations of a customer, proven or claimed: `email=ana@example.com`.
    #[arg(long, value_name = "FIELD=VALUE")]
    customer: Option<String>,
    /// All conversations.
    #[arg(long)]
    all: bool,
}

impl Which {
    /// What the audit log says of it: no values of anybody.
    fn target(&self) -> String {
        match (&self.conversation, &self.customer) {
            (Some(id), _) => format!("conversation:{id}"),
            (None, Some(customer)) => {
                let field = customer.split_once('=').map_or("", |(field, _)| field);
                format!("customer by {}", field.trim())
            }
            (None, None) => "all".to_owned(),
        }
    }

    /// That there are none.
    fn nobody(&self) -> String {
        match self.customer.as_ref().and_then(|c| c.split_once('=')) {
            Some((field, _)) => format!(
                "no conversation has this `{}`; the field is called as in the bot's `customer`, and identifies or is found by a trigger",
                field.trim()
            ),
            None => "there are no conversations".to_owned(),
        }
    }

    async fn ids(&self, store: &SqliteStore) -> Result<Vec<String>, StoreError> {
        if let Some(id) = &self.conversation {
            return Ok(vec![id.clone()]);
        }
        if let Some((field, value)) = self.customer.as_ref().and_then(|c| c.split_once('=')) {
            let found = store
                .conversations_of(field.trim(), &value.trim().to_lowercase(), false, u32::MAX)
                .await?;
            return Ok(found.into_iter().map(|s| s.id).collect());
        }
        if let Some(text) = &self.customer {
            return Err(StoreError::Other(format!(
                "`{text}` is no customer; write it as email=ana@example.com"
            )));
        }
        let (mut out, mut before) = (Vec::new(), None);
        loop {
            let page = store
                .list(ListQuery {
                    limit: 1000,
                    before,
                    ..ListQuery::default()
                })
                .await?;
            let Some(last) = page.last() else {
                return Ok(out);
            };
            before = Some((
                last.last_at.map_or(0, |t| t.as_millisecond()),
                last.id.clone(),
            ));
            out.extend(page.into_iter().map(|s| s.id));
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowd export --customer email=ana@example.com > ana.jsonl\n  flowd export --all > all.jsonl"
)]
pub(crate) struct Export {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
}

impl Export {
    pub(crate) fn run(self) -> Result<(), String> {
        let store = self.place.stored()?;
        let mut out = std::io::stdout().lock();
        runtime()?.block_on(async {
            let ids = self.which.ids(&store).await.map_err(|e| e.to_string())?;
            if ids.is_empty() {
                eprintln!("nothing to export: {}", self.which.nobody());
            }
            for id in ids {
                let Some(summary) = store.summary(&id).await.map_err(|e| e.to_string())? else {
                    if self.which.conversation.is_some() {
                        return Err(format!("there is no conversation `{id}`"));
                    }
                    // Erased meanwhile.
                    continue;
                };
                let rows = store
                    .log(&id, 0, u32::MAX)
                    .await
                    .map_err(|e| e.to_string())?;
                let log: Result<Vec<Value>, _> = rows
                    .iter()
                    .map(|r| serde_json::from_str(&r.record))
                    .collect();
                let files = store.files(&id).await.map_err(|e| e.to_string())?;
                let files: Vec<Value> = files
                    .iter()
                    .map(|f| {
                        let data = STANDARD.encode(&f.data);
                        json!({"id": f.id, "name": f.name, "mime": f.mime, "base64": data})
                    })
                    .collect();
                let follow_ups = store.follow_ups_of(&id).await.map_err(|e| e.to_string())?;
                let shown = json!({
                    "conversation": summary,
                    "log": log.map_err(|e| e.to_string())?,
                    "files": files,
                    "follow_ups": follow_ups,
                });
                writeln!(out, "{shown}").map_err(|e| e.to_string())?;
            }
            let audit = store.audit(line("export", self.which.target()));
            audit.await.map_err(|e| e.to_string())
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  flowd erase --customer email=ana@example.com --yes")]
pub(crate) struct Erase {
    #[command(flatten)]
    which: Which,
    /// Does it; without, it only says what would be erased.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

impl Erase {
    pub(crate) fn run(self) -> Result<(), String> {
        let store = self.place.stored()?;
        wait(async {
            let ids = self.which.ids(&store).await?;
            if !self.yes {
                println!(
                    "{} conversations would be erased; say --yes to do it",
                    ids.len()
                );
                return Ok(());
            }
            let mut erased = 0;
            for id in &ids {
                if store.erase(id).await? {
                    erased += 1;
                    store.audit(line("erase", id.clone())).await?;
                }
            }
            store.scrub().await?;
            println!("erased {erased} conversations");
            Ok(())
        })
    }
}
