//! The writer: one thread, one connection. What waits is committed together, so many turns share one sync of the disk.

use crate::StoreError;
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;
use tokio::sync::oneshot;

/// Commands of one transaction at most.
const BATCH: usize = 512;
/// Between two background checkpoints while something is written. The shorter, the less each has to move and to sync, and the less a commit
/// that comes meanwhile waits for the disk.
const CHECKPOINT: Duration = Duration::from_millis(100);

/// Work for the writer's thread, and whom to tell.
trait Job: Send {
    /// May be called again after what it did was rolled back.
    fn run(&mut self, connection: &Connection);
    fn failed(&self) -> bool;
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Work<T, F> {
    work: F,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) {
        self.result = Some((self.work)(connection));
    }

    fn failed(&self) -> bool {
        !matches!(self.result, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let result = match (self.result, commit) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Ok(_)), Err(e)) | (Some(Err(e)), _) => Err(e),
            (None, _) => Err(StoreError::Unavailable("it was not tried".to_owned())),
        };
        // Whoever asked may be gone; the change stays.
        let _ = self.answer.send(result);
    }
}

/// The writer's handle.
pub(super) struct Writer {
    jobs: Option<mpsc::SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    checkpoints: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        checkpointer: Connection,
        waiting: usize,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::sync_channel::<Box<dyn Job>>(waiting.max(1));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(body)
                .map_err(|e| StoreError::Other(e.to_string()))
        };
        let checkpoints = spawn(
            "store-checkpoint",
            Box::new(move || checkpoint(&checkpointer, &stopped)),
        )?;
        let wake = checkpoints.thread().clone();
        let thread = spawn(
            "store-writer",
            Box::new(move || write(&connection, &queue, &wake)),
        )?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            checkpoints: Some(checkpoints),
            stop,
        })
    }

    pub(super) fn submit<T, F>(
        &self,
        work: F,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job = Box::new(Work {
            work,
            result: None,
            answer,
        });
        let jobs = self
            .jobs
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("it is closed".to_owned()))?;
        jobs.try_send(job).map_err(|e| match e {
            mpsc::TrySendError::Full(_) => StoreError::Busy,
            mpsc::TrySendError::Disconnected(_) => {
                StoreError::Unavailable("its writer ended".to_owned())
            }
        })?;
        Ok(wait)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = &self.checkpoints {
            thread.thread().unpark();
        }
        for thread in [self.thread.take(), self.checkpoints.take()]
            .into_iter()
            .flatten()
        {
            let _ = thread.join();
        }
    }
}

fn write(connection: &Connection, queue: &mpsc::Receiver<Box<dyn Job>>, checkpoints: &Thread) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(BATCH - 1));
        let commit = together(connection, &mut batch);
        checkpoints.unpark();
        if let Err(error) = &commit {
            tracing::error!(%error, "could not write");
        }
        for job in batch {
            job.finish(commit.clone());
        }
    }
}

/// Runs all jobs in one transaction. If one fails, all are run again, each in a savepoint, so that it takes nothing else with it: failures are
/// rare, and savepoints cost every page that a job touches a copy.
fn together(connection: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let all_went = transaction(connection, || {
        for job in batch.iter_mut() {
            job.run(connection);
            if job.failed() {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    if all_went {
        return Ok(());
    }
    transaction(connection, || {
        for job in batch.iter_mut() {
            connection.prepare_cached("SAVEPOINT job")?.execute([])?;
            job.run(connection);
            if job.failed() {
                connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
            }
            connection.prepare_cached("RELEASE job")?.execute([])?;
        }
        Ok(true)
    })?;
    Ok(())
}

/// Commits what was done if `work` answers `true`; otherwise nothing of it stays.
fn transaction(
    connection: &Connection,
    work: impl FnOnce() -> rusqlite::Result<bool>,
) -> rusqlite::Result<bool> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let outcome = work().and_then(|keep| {
        if keep {
            connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(keep)
    });
    // A failed COMMIT may leave the transaction open, a full disk may have closed it; nothing of it may slip into the next one.
    if !matches!(outcome, Ok(true)) && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    outcome
}

fn checkpoint(connection: &Connection, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        // Until something is written: a store that rests costs nothing.
        std::thread::park();
        if !stop.load(Ordering::Acquire) {
            std::thread::sleep(CHECKPOINT);
        }
        // Passive: it never makes the writer wait. What it leaves, the writer's own limit catches.
        let outcome = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = outcome {
            tracing::debug!(%error, "checkpoint put off");
        }
    }
}
