//! `flowd run`.

use super::{Place, host_port, listen, runtime};
use clap::{Args, ValueEnum};
use flow_daemon::StartError;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The bot's folder.
    folder: PathBuf,
    /// Where to listen [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen)]
    listen: Option<SocketAddr>,
    /// Lets webhooks and models reach a host of a private network; may be repeated.
    #[arg(long, value_name = "HOST:PORT", value_parser = host_port)]
    allow_internal: Vec<String>,
    /// The form of the log.
    #[arg(long, value_enum, default_value_t = LogForm::Text)]
    log: LogForm,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogForm {
    Text,
    Json,
}

impl Run {
    pub(crate) fn run(self) -> Result<(), String> {
        let mut config = self.place.config()?;
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        config.egress.allow.extend(self.allow_internal);
        log_to_stderr(self.log);
        for problem in config.problems(|name| config.environment.secret(name).is_ok()) {
            tracing::warn!("{problem}");
        }
        runtime()?.block_on(async {
            let daemon = flow_daemon::start(&self.folder, config)
                .await
                .map_err(|e| match e {
                    StartError::Findings { rendered } => format!(
                        "`{}` has errors and no version of it ran here before\n\n{rendered}",
                        self.folder.display()
                    ),
                    other => other.to_string(),
                })?;
            let title = daemon
                .app
                .programs
                .current()
                .map(|p| p.title().to_owned())
                .unwrap_or_default();
            // Whoever started us may not listen; that is no reason to end.
            let _ = writeln!(
                std::io::stdout(),
                "{title} is running\n  page   http://{0}/\n  inbox  http://{0}/inbox",
                daemon.address
            );
            wait_for_signals(&daemon).await?;
            tracing::info!("shutting down");
            daemon.stop().await;
            Ok(())
        })
    }
}

/// Comes back on SIGTERM or SIGINT; SIGHUP reloads.
async fn wait_for_signals(daemon: &flow_daemon::Daemon) -> Result<(), String> {
    let on = |kind| signal(kind).map_err(|e| format!("cannot wait for signals: {e}"));
    let (mut term, mut int, mut hup) = (
        on(SignalKind::terminate())?,
        on(SignalKind::interrupt())?,
        on(SignalKind::hangup())?,
    );
    loop {
        tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
            _ = hup.recv() => drop(daemon.app.reload_now("signal").await),
        }
    }
}

fn log_to_stderr(form: LogForm) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("FLOW_LOG")
        .unwrap_or_else(|_| "info,tantivy=warn".into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match form {
        LogForm::Text => log.init(),
        LogForm::Json => log.json().init(),
    }
}
