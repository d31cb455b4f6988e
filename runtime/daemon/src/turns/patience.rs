//! Turns that wait for hooks. A hook answers within microseconds, and moving the other turns of a thread elsewhere meanwhile costs more than
//! that; but one that uses up its time must not make them wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A turn that took longer than this had a hook that dawdles.
const SLOW: Duration = Duration::from_millis(5);
/// For so long the others are then moved out of the way.
const CAREFUL: Duration = Duration::from_secs(60);

/// Whether hooks were slow of late.
#[derive(Debug)]
pub(crate) struct Patience {
    start: Instant,
    /// Milliseconds after the start.
    careful_until: AtomicU64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            careful_until: AtomicU64::new(0),
        }
    }
}

impl Patience {
    fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Does work that may wait for a hook.
    pub(super) fn with<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = if self.is_careful(began) {
            tokio::task::block_in_place(work)
        } else {
            work()
        };
        self.note(began, Instant::now());
        done
    }

    fn is_careful(&self, now: Instant) -> bool {
        self.millis(now) < self.careful_until.load(Ordering::Relaxed)
    }

    fn note(&self, began: Instant, ended: Instant) {
        if ended.saturating_duration_since(began) > SLOW {
            self.careful_until
                .fetch_max(self.millis(ended + CAREFUL), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAREFUL, Patience, SLOW};
    use std::time::Duration;

    #[test]
    fn a_slow_hook_makes_careful_for_a_while() {
        let patience = Patience::default();
        let start = patience.start;
        patience.note(start, start + SLOW / 2);
        assert!(!patience.is_careful(start + SLOW));
        patience.note(start, start + SLOW * 2);
        assert!(patience.is_careful(start + CAREFUL / 2));
        assert!(!patience.is_careful(start + CAREFUL + Duration::from_secs(1)));
    }
}
