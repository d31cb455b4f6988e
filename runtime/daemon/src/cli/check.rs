//! `flowd check`: the configuration, and a bot against it, without running.

use super::Place;
use clap::Args;
use flow_daemon::Program;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowd check --config flow.toml\n  flowd check ./my_bot        also: does the bot compile, and is everything there that it needs?"
)]
pub(crate) struct Check {
    /// The bot's folder; without it only the configuration is looked at.
    folder: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Check {
    pub(crate) fn run(self) -> Result<(), String> {
        let config = self.place.config()?;
        let mut problems = config.problems(|name| config.environment.secret(name).is_ok());
        let mut what = "the configuration is good";
        if let Some(folder) = &self.folder {
            let loaded = flow_loader::load(folder).map_err(|e| e.to_string())?;
            let today = jiff::Zoned::now().date();
            let built = Program::build(&loaded.project, today);
            let Some(program) = built.program else {
                problems.push(format!(
                    "`{}` has errors\n\n{}",
                    folder.display(),
                    built.rendered
                ));
                return Err(problems.join("\nflowd: "));
            };
            problems.extend(flow_daemon::needs::missing(
                program.engine.machine(),
                &config,
            ));
            for note in flow_daemon::needs::undone(program.engine.machine()) {
                println!("note: {note}");
            }
            what = "the configuration and the bot are good";
        }
        if problems.is_empty() {
            println!("{what}");
            return Ok(());
        }
        Err(problems.join("\nflowd: "))
    }
}
