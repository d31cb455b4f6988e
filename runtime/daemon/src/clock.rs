//! The time: the wall clock as it was at the start, carried on by a monotonic one, so that a clock that jumps neither fires every timer at
//! once nor stops them.

use jiff::{SignedDuration, Timestamp};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How far the two may part before the wall clock is no longer followed.
const TRUSTED: SignedDuration = SignedDuration::from_secs(5);

/// The daemon's clock.
#[derive(Debug)]
pub struct Clock {
    anchor: Mutex<(Timestamp, Instant)>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            anchor: Mutex::new((Timestamp::now(), Instant::now())),
        }
    }
}

impl Clock {
    /// Now; never earlier than before.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let (wall, since) = *self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::ZERO);
        wall.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Follows the wall clock where the two have parted a little and forwards, as clocks that are kept right do.
    pub fn follow(&self) {
        let now = self.now();
        let wall = Timestamp::now();
        let apart = wall.duration_since(now);
        if apart > SignedDuration::ZERO && apart < TRUSTED {
            *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = (wall, Instant::now());
        } else if apart.abs() >= TRUSTED {
            tracing::warn!(
                seconds = apart.as_secs(),
                "the wall clock jumped; going on by the monotonic clock"
            );
        }
    }
}
