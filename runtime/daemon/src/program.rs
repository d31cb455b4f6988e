//! Versions of the bot: compiled, trained, ready to run; the current one and those that running conversations still need.

use arc_swap::ArcSwapOption;
use flow_compiler::sources::Project;
use flow_engine::Engine;
use flow_hooks::HookSet;
use flow_store::{PackedProject, Store, StoreError};
use flow_understanding::Understanding;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::findings::{self, Finding};

/// A version of the bot that can run.
pub struct Program {
    /// Hash of its sources.
    pub version: SmolStr,
    /// The engine.
    pub engine: Engine,
    /// What was learned from its examples.
    pub understanding: Understanding,
    /// Its hooks.
    pub hooks: HookSet,
    /// Its texts.
    pub project: Project,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What compiling yielded.
#[derive(Debug)]
pub struct Built {
    /// The program, if nothing found is an error.
    pub program: Option<Arc<Program>>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The findings for a terminal.
    pub rendered: String,
}

impl Program {
    /// Compiles and trains. Takes a moment: not for an async thread.
    #[must_use]
    pub fn build(project: &Project, date: jiff::civil::Date) -> Built {
        Self::build_after(None, project, date)
    }

    /// As [`Self::build`], where it makes nobody wait. What another version (if any) learned from the same examples and knowledge is taken
    /// over. `None`: it broke off.
    pub(crate) async fn build_now(
        project: Project,
        date: jiff::civil::Date,
        before: Option<Arc<Self>>,
    ) -> Option<Built> {
        let build = move || Self::build_after(before.as_deref(), &project, date);
        tokio::task::spawn_blocking(build).await.ok()
    }

    /// As [`Self::build_now`], on one thread that steps back behind those that serve customers.
    pub(crate) async fn build_behind(
        project: Project,
        date: jiff::civil::Date,
        before: Arc<Self>,
    ) -> Option<Built> {
        let build = move || Self::build_after(Some(&before), &project, date);
        crate::background::run(build).await
    }

    fn build_after(before: Option<&Self>, project: &Project, date: jiff::civil::Date) -> Built {
        let compilation =
            flow_compiler::Compiler::default().compile(project, &flow_compiler::Options { date });
        let (findings, mut rendered) = findings::of(&compilation);
        let program = compilation
            .runnable()
            .and_then(|machine| match HookSet::new(&machine) {
                Ok(hooks) => {
                    let engine = Engine::new(Arc::clone(&machine));
                    engine.expect_arrivals();
                    let understanding = before.map_or_else(
                        || Understanding::train(&machine),
                        |before| before.understanding.train_next(&machine),
                    );
                    Some(Arc::new(Self {
                        version: machine.version.clone(),
                        understanding,
                        hooks,
                        engine,
                        project: project.clone(),
                    }))
                }
                Err(error) => {
                    rendered.push_str(&format!("\nerror: {error}"));
                    None
                }
            });
        Built {
            program,
            findings,
            rendered,
        }
    }

    /// The bot's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.engine.machine().bot.title
    }
}

/// The texts of a stored version, where it makes nobody wait.
pub(crate) async fn unpacked(project: PackedProject) -> Result<Project, StoreError> {
    let unpack = tokio::task::spawn_blocking(move || project.unpack());
    unpack
        .await
        .unwrap_or_else(|error| Err(StoreError::Other(error.to_string())))
}

/// The current version and others by hash.
#[derive(Debug, Default)]
pub struct Programs {
    current: ArcSwapOption<Program>,
    others: Mutex<HashMap<SmolStr, Arc<Program>>>,
    loading: tokio::sync::Mutex<()>,
}

impl Programs {
    /// The current version.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Program>> {
        self.current.load_full()
    }

    /// Swaps the current version; the one before stays at hand.
    pub fn swap(&self, program: Arc<Program>) {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.insert(program.version.clone(), Arc::clone(&program));
        // Those that nobody holds are compiled again from the store when needed.
        let unheld = |version: &SmolStr, p: &mut Arc<Program>| {
            *version != program.version && Arc::strong_count(p) == 1
        };
        let gone: Vec<Arc<Program>> = others.extract_if(unheld).map(|(_, p)| p).collect();
        drop(others);
        // A large bot takes a moment to be taken apart.
        crate::background::later(move || drop(gone));
        if let Some(old) = self.current.swap(Some(program)) {
            self.others
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(old.version.clone(), old);
        }
    }

    /// A version, compiled from the store if it is not at hand; `None`: the store does not have it, or it does not compile any more.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn get(
        &self,
        version: &str,
        store: &dyn Store,
    ) -> Result<Option<Arc<Program>>, StoreError> {
        if let Some(program) = self.at_hand(version) {
            return Ok(Some(program));
        }
        // One at a time: a hundred conversations that wake up together need one compilation.
        let _guard = self.loading.lock().await;
        if let Some(program) = self.at_hand(version) {
            return Ok(Some(program));
        }
        let Some(stored) = store.program(version).await? else {
            return Ok(None);
        };
        let date = jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let project = unpacked(stored.project).await?;
        let built = Program::build_now(project, date, self.current()).await;
        let program = built.and_then(|b| b.program);
        if let Some(program) = &program {
            let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            others.insert(version.into(), Arc::clone(program));
        }
        Ok(program)
    }

    fn at_hand(&self, version: &str) -> Option<Arc<Program>> {
        if let Some(current) = self.current()
            && current.version == version
        {
            return Some(current);
        }
        self.others
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(version)
            .cloned()
    }
}
