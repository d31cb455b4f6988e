//! Work that nobody waits for at once, beside turns that somebody does: compiling and training a new version of a bot.

use rayon::ThreadPool;
use std::sync::LazyLock;
use tokio::sync::oneshot;

/// How far the system's scheduler puts it behind others (`nice`): it gets what is left of a busy machine, and about a tenth of a core of one
/// that has nothing left.
const BEHIND: i32 = 10;

/// One thread. Rayon's own pool has one for each core, and what is parallel in compiling and training would take them all.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|_| "background".to_owned())
        .start_handler(|_| step_back())
        // Whoever waits for it hears of it; without this the whole process would end.
        .panic_handler(|_| tracing::error!("work in the background broke off"));
    match pool.build() {
        Ok(pool) => Some(pool),
        Err(error) => {
            tracing::warn!(%error, "there is no thread for the background");
            None
        }
    }
});

/// Of this thread alone: Linux counts threads as processes here.
fn step_back() {
    let me = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(me), BEHIND) {
        tracing::debug!(%error, "the background thread cannot step back");
    }
}

/// Does work there, one after the other. `None`: it broke off.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, wait) = oneshot::channel();
    let work = move || {
        // Whoever asked may be gone.
        let _ = done.send(work());
    };
    match &*POOL {
        Some(pool) => pool.spawn(work),
        None => drop(tokio::task::spawn_blocking(work)),
    }
    wait.await.ok()
}

/// Does work there for whose end nobody waits.
pub(crate) fn later(work: impl FnOnce() + Send + 'static) {
    match &*POOL {
        Some(pool) => pool.spawn(work),
        None => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::run;

    #[tokio::test]
    async fn work_is_done_one_after_the_other_and_a_panic_ends_nothing() {
        assert_eq!(run(|| 1).await, Some(1));
        assert_eq!(run(|| -> u32 { panic!("on purpose") }).await, None);
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid()));
        assert_eq!(run(nice).await, Some(Ok(super::BEHIND)));
        assert_ne!(nice(), Ok(super::BEHIND), "only that thread steps back");
    }
}
