//! A breaker per host: after several failures in a row it lets nothing through for a while, then one to try.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open it.
const FAILURES: u32 = 8;
/// How long it stays open.
const OPEN: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

/// All breakers.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<String, Breaker>>);

impl Breakers {
    /// Whether a request may go to a host; else how long to wait. The first one after the wait is the one that tries.
    pub(super) fn ask(&self, host: &str, now: Instant) -> Result<(), Duration> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(breaker) = map.get_mut(host) else {
            return Ok(());
        };
        match breaker.open_until {
            Some(until) if now < until => Err(until.duration_since(now)),
            Some(_) => {
                breaker.open_until = Some(now + OPEN);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Tells how a request went. An answer that is the caller's fault (4xx) is a good sign of the host.
    pub(super) fn tell(&self, host: &str, good: bool, now: Instant) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if good {
            map.remove(host);
            return;
        }
        let breaker = map.entry(host.to_owned()).or_default();
        breaker.failures += 1;
        if breaker.failures >= FAILURES {
            breaker.open_until = Some(now + OPEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breakers, FAILURES, OPEN};
    use std::time::{Duration, Instant};

    #[test]
    fn it_opens_tries_once_and_closes() {
        let breakers = Breakers::default();
        let start = Instant::now();
        for _ in 0..FAILURES {
            assert!(breakers.ask("a", start).is_ok());
            breakers.tell("a", false, start);
        }
        assert_eq!(breakers.ask("a", start), Err(OPEN));
        assert!(breakers.ask("b", start).is_ok());
        let after = start + OPEN + Duration::from_millis(1);
        assert!(breakers.ask("a", after).is_ok());
        assert!(breakers.ask("a", after).is_err());
        breakers.tell("a", true, after);
        assert!(breakers.ask("a", after).is_ok());
    }
}
