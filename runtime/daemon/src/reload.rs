//! The bot's folder under watch. Events are hints: after a pause the folder is read whole, and if its texts changed, compiled whole. A broken
//! edit changes nothing but the status.

use crate::app::App;
use crate::findings::Finding;
use crate::hub::AgentNews;
use crate::metrics::count;
use crate::program::Program;
use flow_compiler::sources::Project;
use flow_loader::Loaded;
use flow_store::{PackedProject, Program as StoredProgram, StoreError};
use jiff::Timestamp;
use notify::{RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// Quiet time after the last event.
const PAUSE: Duration = Duration::from_millis(300);
/// Between two looks without any event: some file systems tell nothing.
const LOOK: Duration = Duration::from_secs(30);

/// How the last reload went.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// When the running version was loaded.
    pub loaded_at: Option<Timestamp>,
    /// When the folder was last compiled.
    pub at: Option<Timestamp>,
    /// Whether that could run.
    pub ok: bool,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The same for a terminal.
    pub rendered: String,
}

/// The last reload.
#[derive(Debug, Default)]
pub struct ReloadState {
    status: Mutex<Status>,
    seen: Mutex<Option<blake3::Hash>>,
    one_at_a_time: tokio::sync::Mutex<()>,
    /// Folders to watch, after each reading.
    folders: Mutex<BTreeSet<PathBuf>>,
    folders_changed: Notify,
}

impl ReloadState {
    /// How it went.
    pub fn status(&self) -> Status {
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn fingerprint(project: &Project) -> Option<blake3::Hash> {
    serde_json::to_vec(project)
        .ok()
        .map(|bytes| blake3::hash(&bytes))
}

/// Reads the folder until two readings agree, so that a change of many files is not seen half.
fn read_settled(folder: &Path) -> Result<Loaded, flow_loader::LoadError> {
    let mut last = flow_loader::load(folder)?;
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(40));
        let again = flow_loader::load(folder)?;
        if again.project == last.project {
            break;
        }
        last = again;
    }
    Ok(last)
}

impl App {
    /// Reads and compiles the folder if its texts changed, and swaps if they can run. Answers whether the folder as it is can run.
    pub async fn reload_now(self: &Arc<Self>, why: &str) -> bool {
        let _guard = self.reload.one_at_a_time.lock().await;
        let folder = self.folder.clone();
        let loaded = tokio::task::spawn_blocking(move || {
            read_settled(&folder).map(|loaded| (fingerprint(&loaded.project), loaded))
        });
        let (print, loaded) = match loaded.await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(error)) => return self.refuse(error.to_string()),
            Err(error) => return self.refuse(error.to_string()),
        };
        let folders = loaded
            .folders
            .iter()
            .cloned()
            .chain([loaded.folder.clone()])
            .collect();
        self.watch_folders(folders);
        {
            let mut seen = self
                .reload
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if *seen == print && print.is_some() {
                return self.reload.status().ok;
            }
            *seen = print;
        }
        let date = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let project = loaded.project.clone();
        let built = match self.programs.current() {
            Some(running) => Program::build_behind(project, date, running).await,
            None => Program::build_now(project, date, None).await,
        };
        let Some(built) = built else {
            return self.refuse("the compiler broke off".to_owned());
        };
        let at = self.clock.now();
        let ok = match built.program {
            Some(program) => match self.activate(&program, loaded.project).await {
                Ok(()) => {
                    tracing::info!(version = %program.version, why, "the bot was loaded");
                    true
                }
                Err(error) => {
                    tracing::error!(%error, "the bot could not be stored; the version before goes on");
                    // Looked at again at the next hint.
                    *self
                        .reload
                        .seen
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner) = None;
                    false
                }
            },
            None => {
                count(&self.metrics.reload_failures);
                tracing::error!(
                    "the edited bot has errors; the version before goes on\n{}",
                    built.rendered
                );
                false
            }
        };
        self.reload.set(|status| {
            status.at = Some(at);
            status.ok = ok;
            status.findings = built.findings;
            status.rendered = built.rendered;
        });
        self.hub.tell_agents(AgentNews::Program);
        ok
    }

    fn refuse(&self, why: String) -> bool {
        count(&self.metrics.reload_failures);
        tracing::error!(
            why,
            "the bot's folder cannot be read; the version before goes on"
        );
        let at = self.clock.now();
        self.reload.set(|status| {
            status.at = Some(at);
            status.ok = false;
            status.findings = Vec::new();
            status.rendered = why;
        });
        *self
            .reload
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        self.hub.tell_agents(AgentNews::Program);
        false
    }

    /// Makes a program the current one, in the store first.
    pub(crate) async fn activate(
        self: &Arc<Self>,
        program: &Arc<Program>,
        project: Project,
    ) -> Result<(), StoreError> {
        let at = self.clock.now();
        let pack = move || PackedProject::new(&project);
        let project = crate::background::run(pack)
            .await
            .unwrap_or_else(|| Err(StoreError::Other("packing it broke off".to_owned())))?;
        let before = self.store.active().await?.map(|p| p.hash);
        self.store
            .put_program(StoredProgram {
                hash: program.version.clone(),
                project,
                at,
            })
            .await?;
        self.store.activate(&program.version).await?;
        self.programs.swap(Arc::clone(program));
        self.desk.set_teams(program.engine.machine());
        count(&self.metrics.reloads);
        self.reload.set(|status| status.loaded_at = Some(at));
        for note in crate::needs::undone(program.engine.machine()) {
            tracing::warn!("{note}");
        }
        for missing in crate::needs::missing(program.engine.machine(), &self.config) {
            tracing::warn!("{missing}");
        }
        if before.as_ref() != Some(&program.version) {
            let target = Some(format!("version:{}", program.version));
            self.audit("system", "deploy", target, None).await;
        }
        Ok(())
    }

    fn watch_folders(&self, folders: BTreeSet<PathBuf>) {
        // The parents too: a folder that is replaced by renaming is only seen from there.
        let all = folders
            .iter()
            .flat_map(|f| {
                f.parent()
                    .map(Path::to_path_buf)
                    .into_iter()
                    .chain([f.clone()])
            })
            .collect();
        *self
            .reload
            .folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = all;
        self.reload.folders_changed.notify_one();
    }
}

/// Watches until the daemon ends.
pub(crate) async fn run(app: Arc<App>) {
    let (hint, mut hints) = mpsc::channel::<()>(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading is no change; everything else, and every fault, is a reason to look.
        if event
            .as_ref()
            .map_or(true, |e| !matches!(e.kind, notify::EventKind::Access(_)))
        {
            let _ = hint.try_send(());
        }
    });
    let mut watcher = match watcher {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "the folder cannot be watched; it is looked at every 30 seconds");
            None
        }
    };
    let mut watched: BTreeSet<PathBuf> = BTreeSet::new();
    loop {
        if let Some(watcher) = &mut watcher {
            let wanted = app
                .reload
                .folders
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            for gone in watched.difference(&wanted) {
                let _ = watcher.unwatch(gone);
            }
            // Watching again is harmless, and catches folders that were deleted and made anew.
            watched = wanted
                .into_iter()
                .filter(|f| watcher.watch(f, RecursiveMode::NonRecursive).is_ok())
                .collect();
        }
        tokio::select! {
            hint = hints.recv(), if watcher.is_some() => {
                if hint.is_none() {
                    watcher = None;
                    continue;
                }
                // Until it is quiet, but not for ever.
                for _ in 0..20 {
                    if tokio::time::timeout(PAUSE, hints.recv()).await.is_err() {
                        break;
                    }
                }
                app.reload_now("edit").await;
            }
            () = tokio::time::sleep(LOOK) => drop(app.reload_now("look").await),
            () = app.reload.folders_changed.notified() => {}
        }
    }
}
