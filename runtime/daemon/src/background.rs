//! Work that nobody waits for at once, beside turns that somebody does: compiling and training a new version of a bot.

use rayon::ThreadPool;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long work is done only where a core has nothing else to do. A turn is many short waits for one another, and a scheduler that lets
/// what runs finish its slice (Linux since 6.6: three milliseconds) makes each of them longer; work of the idle class gives way at once.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How far it steps back (`nice`) on a machine that is never idle: it gets about a tenth of a core there.
const BEHIND: i32 = 10;

/// One thread that runs where nobody else wants to.
static IDLE: LazyLock<Option<ThreadPool>> = LazyLock::new(|| pool("idle", be_idle));

/// One thread that runs though others want to.
static NICE: LazyLock<Option<ThreadPool>> = LazyLock::new(|| pool("background", step_back));

/// Rayon's own pool has a thread for each core, and what is parallel in compiling and training would take them all.
fn pool(name: &'static str, start: fn()) -> Option<ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(move |_| name.to_owned())
        .start_handler(move |_| start())
        // Whoever waits for it hears of it; without this the whole process would end.
        .panic_handler(|_| tracing::error!("work in the background broke off"));
    match pool.build() {
        Ok(pool) => Some(pool),
        Err(error) => {
            tracing::warn!(%error, "there is no thread for the background");
            None
        }
    }
}

/// Of this thread alone. There is no way back without a privilege, so this thread stays so.
fn be_idle() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
            set_thread_priority_and_policy, thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        if let Err(error) =
            set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle)
        {
            tracing::debug!(?error, "the background thread cannot be idle");
        }
    }
    #[cfg(not(target_os = "linux"))]
    step_back();
}

/// Of this thread alone: Linux counts threads as processes here.
fn step_back() {
    let me = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(me), BEHIND) {
        tracing::debug!(%error, "the background thread cannot step back");
    }
}

/// Does work there. Where no core is idle for [`PATIENCE`], it is begun once more on a thread that gets its share, and what is ready first
/// counts: so it changes nothing itself. `None`: it broke off.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Fn() -> T + Send + Sync + 'static,
) -> Option<T> {
    let work = Arc::new(work);
    let mut idle = on(&IDLE, Arc::clone(&work));
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut idle).await {
        return done.ok();
    }
    let nice = on(&NICE, work);
    tokio::select! {
        done = idle => done.ok(),
        done = nice => done.ok(),
    }
}

fn on<T: Send + 'static>(
    pool: &Option<ThreadPool>,
    work: Arc<impl Fn() -> T + Send + Sync + 'static>,
) -> oneshot::Receiver<T> {
    let (done, wait) = oneshot::channel();
    let work = move || {
        // Whoever asked may be gone, or served.
        if !done.is_closed() {
            let _ = done.send(work());
        }
    };
    match pool {
        Some(pool) => pool.spawn(work),
        None => drop(tokio::task::spawn_blocking(work)),
    }
    wait
}

/// Does work there for whose end nobody waits.
pub(crate) fn later(work: impl FnOnce() + Send + 'static) {
    match &*IDLE {
        Some(pool) => pool.spawn(work),
        None => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::{BEHIND, NICE, on, run};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn work_is_done_one_after_the_other_and_a_panic_ends_nothing() {
        assert_eq!(run(|| 1).await, Some(1));
        assert_eq!(run(|| -> u32 { panic!("on purpose") }).await, None);
        assert_eq!(run(|| 2).await, Some(2));
    }

    #[tokio::test]
    async fn only_its_threads_step_back() {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid()));
        let before = nice();
        assert_eq!(on(&NICE, Arc::new(nice)).await, Ok(Ok(BEHIND)));
        assert_eq!(nice(), before);
        #[cfg(target_os = "linux")]
        {
            use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy};
            let policy = || thread_priority::thread_schedule_policy().ok();
            let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
            assert_eq!(run(policy).await, Some(Some(idle)));
            assert_ne!(policy(), Some(idle));
        }
    }

    #[tokio::test]
    async fn work_that_finds_no_idle_core_is_begun_again_elsewhere() {
        let begun = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&begun);
        let (first, blocked) = std::sync::mpsc::channel::<()>();
        let blocked = std::sync::Mutex::new(blocked);
        let work = move || {
            // The first one waits as long as there is no core for it.
            if seen.fetch_add(1, Ordering::SeqCst) == 0 {
                let _ = blocked.lock().map(|b| b.recv());
            }
            7
        };
        assert_eq!(run(work).await, Some(7));
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        drop(first);
    }
}
