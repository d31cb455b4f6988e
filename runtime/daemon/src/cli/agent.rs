//! `flowd agent`.

use super::{Place, runtime};
use clap::{Args, Subcommand, ValueEnum};
use flow_daemon::auth::hash_password;
use flow_store::{Agent, NewAudit, Role, Store};
use smol_str::SmolStr;
use std::io::Read;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Adds somebody, or changes them if the name is there.
    #[command(after_help = "\
Examples:
  flowd agent add leo --password-stdin --team finance --speaks en,es < password.txt
  flowd agent add mia --password 'a long one' --team support --role lead --title 'Mia Wong'")]
    Add(Add),
    /// Lists everybody.
    List(Place),
    /// Removes somebody; their sign-ins end.
    Remove {
        /// The sign-in name.
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The sign-in name.
    name: String,
    /// What customers read [default: the sign-in name with a capital].
    #[arg(long)]
    title: Option<String>,
    /// The password; prefer --password-stdin, which no process list shows.
    #[arg(
        long,
        conflicts_with = "password_stdin",
        required_unless_present = "password_stdin"
    )]
    password: Option<String>,
    /// Reads the password from the standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Teams; may be repeated or separated by commas.
    #[arg(long = "team", value_delimiter = ',', value_name = "TEAM")]
    teams: Vec<SmolStr>,
    /// Languages; without any, all.
    #[arg(long = "speaks", value_delimiter = ',', value_name = "LANGUAGE")]
    languages: Vec<SmolStr>,
    /// Skills; without any, those of the teams.
    #[arg(long = "skill", value_delimiter = ',', value_name = "SKILL")]
    skills: Vec<SmolStr>,
    /// Conversations at once; without it, as the team says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    capacity: Option<u32>,
    /// What they may do.
    #[arg(long, value_enum, default_value_t = RoleArg::Agent)]
    role: RoleArg,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    /// Serves the queues of their teams.
    Agent,
    /// Sees and takes everything.
    Lead,
    /// Also manages.
    Admin,
}

impl Command {
    pub(crate) fn run(self) -> Result<(), String> {
        match self {
            Self::Add(add) => add.run(),
            Self::List(place) => list(&place),
            Self::Remove { name, place } => remove(&name, &place),
        }
    }
}

impl Add {
    fn run(self) -> Result<(), String> {
        let plain = !self.name.is_empty()
            && self.name.len() <= 64
            && self
                .name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !plain {
            return Err(format!(
                "`{}` is no sign-in name; use letters, digits, `.`, `_` and `-`",
                self.name
            ));
        }
        let password = match self.password {
            Some(password) => password,
            None => {
                let mut text = String::new();
                std::io::stdin()
                    .take(4096)
                    .read_to_string(&mut text)
                    .map_err(|e| format!("cannot read the password: {e}"))?;
                text.trim_end_matches(['\n', '\r']).to_owned()
            }
        };
        let agent = Agent {
            id: self.name.as_str().into(),
            name: self.title.unwrap_or_else(|| capital(&self.name)).into(),
            role: match self.role {
                RoleArg::Agent => Role::Agent,
                RoleArg::Lead => Role::Lead,
                RoleArg::Admin => Role::Admin,
            },
            teams: self.teams,
            skills: self.skills,
            languages: self.languages,
            capacity: self.capacity,
            available: false,
            password: hash_password(&password)?,
        };
        let store = self.place.store()?;
        let (name, role) = (agent.id.clone(), agent.role);
        runtime()?
            .block_on(async {
                store.put_agent(agent).await?;
                let mut line = line("agent_add", &name);
                line.detail = Some(role.as_str().to_owned());
                store.audit(line).await
            })
            .map_err(|e| e.to_string())?;
        println!("{name} can sign in at /inbox");
        Ok(())
    }
}

fn line(action: &str, name: &str) -> NewAudit {
    NewAudit {
        at: jiff::Timestamp::now(),
        actor: "command_line".to_owned(),
        action: action.to_owned(),
        target: Some(format!("agent:{name}")),
        detail: None,
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn list(place: &Place) -> Result<(), String> {
    let store = place.stored()?;
    let agents = runtime()?
        .block_on(store.agents())
        .map_err(|e| e.to_string())?;
    for agent in &agents {
        println!(
            "{:<20} {:<8} {:<24} {}",
            agent.id,
            agent.role.as_str(),
            agent.name,
            agent.teams.join(", ")
        );
    }
    if agents.is_empty() {
        println!("nobody yet; add somebody with `flowd agent add`");
    }
    Ok(())
}

fn remove(name: &str, place: &Place) -> Result<(), String> {
    let store = place.stored()?;
    let removed = runtime()?
        .block_on(async {
            let removed = store.remove_agent(name).await?;
            store.audit(line("agent_remove", name)).await?;
            Ok::<_, flow_store::StoreError>(removed)
        })
        .map_err(|e| e.to_string())?;
    if removed {
        Ok(())
    } else {
        Err(format!("there is no agent `{name}`"))
    }
}
