//! Starting and stopping.

use crate::app::App;
use crate::config::Config;
use crate::program::Program;
use crate::telemetry::Telemetry;
use crate::{accept, api, channels, desk, reload, targets, timers};
use flow_store::{SqliteOptions, SqliteStore, Store, StoreError};
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Between two looks at what commands beside the daemon asked for.
const COMMANDS: Duration = Duration::from_secs(2);
/// How long a messaging service may say that a message did not arrive: Meta keeps one for 30 days.
const KEPT_BY_SERVICES: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The bot has errors and no version of it ran here before.
    #[error("the bot has errors")]
    Findings {
        /// For a terminal.
        rendered: String,
    },
    /// The configuration asks for something that cannot be had.
    #[error("{0}")]
    Configuration(String),
    /// The folder is no bot.
    #[error(transparent)]
    Load(#[from] flow_loader::LoadError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port is taken, or may not be used.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        why: String,
    },
}

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    /// What it consists of.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    serving: JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
}

/// The data folder's lock: one daemon per database.
pub struct DataLock(#[expect(dead_code, reason = "holds the lock while it lives")] std::fs::File);

/// Opens the data folder for one process.
///
/// # Errors
/// If it cannot be written or another process has it.
pub fn lock_data(folder: &Path) -> Result<DataLock, StoreError> {
    let shown = folder.display().to_string();
    let unwritable = |e: std::io::Error| {
        StoreError::Unavailable(format!(
            "the data folder `{shown}`: {e}; name another with --data"
        ))
    };
    flow_store::data_folder(folder)?;
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(DataLock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked(shown)),
        Err(std::fs::TryLockError::Error(e)) => Err(unwritable(e)),
    }
}

/// Starts the daemon for a bot's folder.
///
/// # Errors
/// See [`StartError`].
pub async fn start(folder: &Path, config: Config) -> Result<Daemon, StartError> {
    start_with(folder, config, |store| store).await
}

/// Starts the daemon with something around its store.
///
/// # Errors
/// See [`StartError`].
pub async fn start_with(
    folder: &Path,
    config: Config,
    around: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
) -> Result<Daemon, StartError> {
    // A second provider of the same process (tests) is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let lock = lock_data(&config.data)?;
    let store = around(Arc::new(SqliteStore::open(
        &config.data,
        &SqliteOptions::default(),
    )?));
    let address = config.listen;
    let listener = accept::listen(address).map_err(|e| listen_error(address, &e))?;
    let address = listener
        .local_addr()
        .map_err(|e| listen_error(address, &e))?;
    let telemetry = Telemetry::new(config.telemetry.as_ref(), &config.environment)
        .map_err(StartError::Configuration)?;
    let app = Arc::new(new_app(folder.to_path_buf(), config, store, telemetry));
    load_bot(&app).await?;
    app.rebuild_desk().await?;
    timers::refill(&app).await?;
    let mut workers = vec![
        tokio::spawn(timers::run(Arc::clone(&app))),
        tokio::spawn(desk::run(Arc::clone(&app))),
        tokio::spawn(reload::run(Arc::clone(&app))),
        tokio::spawn(housekeeping(Arc::clone(&app))),
        tokio::spawn(channels::run(Arc::clone(&app))),
        tokio::spawn(targets::run(Arc::clone(&app))),
    ];
    app.resume_deliveries().await?;
    api::trigger::resume(&app).await?;
    let router = api::router(Arc::clone(&app));
    let serving = tokio::spawn(accept::serve(Arc::clone(&app), listener, router));
    // The lock lives as long as the workers.
    workers.push(tokio::spawn(async move {
        let _lock = lock;
        std::future::pending::<()>().await;
    }));
    app.ready.store(true, Ordering::Release);
    if let Some(program) = app.programs.current() {
        // Not in the background: a customer who comes first waits for what is being made, and must not wait for somebody who steps back.
        drop(tokio::task::spawn_blocking(move || {
            program.understanding.warm_up();
        }));
    }
    Ok(Daemon {
        app,
        address,
        serving,
        workers,
    })
}

fn listen_error(address: SocketAddr, error: &std::io::Error) -> StartError {
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "the port is taken; choose another with --listen".to_owned()
        }
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 need rights; choose another with --listen".to_owned()
        }
        _ => error.to_string(),
    };
    StartError::Listen { address, why }
}

fn new_app(folder: PathBuf, config: Config, store: Arc<dyn Store>, telemetry: Telemetry) -> App {
    App {
        delivery: crate::delivery::Delivery::new(&config.egress),
        config,
        folder,
        store,
        clock: Default::default(),
        programs: Default::default(),
        turns: Default::default(),
        desk: Default::default(),
        timers: Default::default(),
        hub: Default::default(),
        outbound: Default::default(),
        inbound: Default::default(),
        telemetry,
        pending_sign_ins: Default::default(),
        reload: Default::default(),
        sign_ins: Default::default(),
        limits: Default::default(),
        metrics: Default::default(),
        ready: Default::default(),
        stopping: watch::channel(false).0,
    }
}

/// The folder's bot, else the last one that ran here.
async fn load_bot(app: &Arc<App>) -> Result<(), StartError> {
    if app.reload_now("start").await {
        return Ok(());
    }
    let status = app.reload.status();
    if let Some(stored) = app.store.active().await? {
        let date = app.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let project = crate::program::unpacked(stored.project).await?;
        let built = Program::build_now(project, date, None).await;
        if let Some(program) = built.and_then(|b| b.program) {
            tracing::error!(version = %program.version, "the folder's bot has errors; the last good version runs\n{}", status.rendered);
            app.programs.swap(Arc::clone(&program));
            app.desk.set_teams(program.engine.machine());
            return Ok(());
        }
    }
    // A folder that cannot be read says so in its own words.
    flow_loader::load(&app.folder)?;
    Err(StartError::Findings {
        rendered: status.rendered,
    })
}

/// The teams that are open now: one that opens makes rules fire again that were quiet.
fn open_teams(app: &App) -> BTreeSet<SmolStr> {
    let teams = api::agent::teams_of(app).into_iter();
    teams
        .filter(|(_, _, open, _)| *open)
        .map(|(id, ..)| id)
        .collect()
}

async fn housekeeping(app: Arc<App>) {
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    let mut seconds = tokio::time::interval(COMMANDS);
    let mut open = open_teams(&app);
    loop {
        tokio::select! {
            _ = minute.tick() => {}
            _ = seconds.tick() => {
                app.turns.sweep();
                if let Err(error) = app.take_up_replays().await {
                    tracing::warn!(%error, "deliveries could not be taken up again");
                }
                continue;
            }
        }
        app.clock.follow();
        app.hub.sweep();
        let now_open = open_teams(&app);
        let opened: Vec<SmolStr> = now_open.difference(&open).cloned().collect();
        if !opened.is_empty() {
            tokio::spawn(Arc::clone(&app).people_available(opened));
        }
        open = now_open;
        app.forget_the_erased().await;
        app.end_idle_sessions().await;
        app.expire_dead_letters().await;
        match app.store.prune_programs().await {
            Ok(0) => {}
            Ok(pruned) => tracing::info!(pruned, "versions that nobody needs were removed"),
            Err(error) => tracing::warn!(%error, "old versions could not be removed"),
        }
    }
}

impl App {
    /// Removes what was given up so long ago that nobody will try it again, and what a messaging service has had for as long as it keeps
    /// anything.
    async fn expire_dead_letters(&self) {
        let now = self.clock.now();
        let taken = now.checked_sub(KEPT_BY_SERVICES).unwrap_or(now);
        let dead = self.config.dead_letters_since(now);
        match self.store.outbox_expire(dead, taken).await {
            Ok(0) => {}
            Ok(gone) => {
                self.metrics
                    .dead_letters_expired
                    .fetch_add(gone, Ordering::Relaxed);
                let detail = Some(format!(
                    "{gone} of more than {} days",
                    self.config.dead_letter_days
                ));
                tracing::warn!(gone, "dead letters were removed when their days were over");
                self.audit("system", "dead_letters_expired", None, detail)
                    .await;
            }
            Err(error) => tracing::warn!(%error, "old dead letters could not be removed"),
        }
    }

    /// Takes conversations out of the queue that were erased beside the daemon (`flowd erase`).
    pub async fn forget_the_erased(self: &Arc<Self>) {
        let queued: Vec<String> = self
            .desk
            .look(|desk| desk.items().map(|(id, _)| id.to_string()).collect());
        for id in queued {
            if matches!(self.store.summary(&id).await, Ok(None)) {
                self.turns.forget(&id);
                self.desk_dequeue(&id, "erased");
            }
        }
    }
}

impl Daemon {
    /// Takes no more requests, lets what is under way end, and stops. What is not delivered stays in the store for the next start.
    pub async fn stop(self) {
        self.app.ready.store(false, Ordering::Release);
        // Nobody may be listening any more.
        let _ = self.app.stopping.send_replace(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "serving broke off");
        }
        for worker in self.workers {
            worker.abort();
            // Until it has let go of what it held, the data folder's lock among it.
            let _ = worker.await;
        }
        let app = Arc::clone(&self.app);
        // The exporter's thread needs this runtime to send what is left.
        let _ = tokio::task::spawn_blocking(move || app.telemetry.end()).await;
    }
}
