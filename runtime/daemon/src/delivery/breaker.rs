//! A breaker per service (a host and its port): after several failures in a row it lets nothing through for a while, then one to try.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open it.
const FAILURES: u32 = 8;
/// How long it stays open.
const OPEN: Duration = Duration::from_secs(15);
/// While one tries, the others ask again so soon.
const TRIAL: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    /// One is trying whether it answers again.
    trying: bool,
}

/// All breakers.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<String, Breaker>>);

impl Breakers {
    /// Whether a request may go to a service; else how long to wait. The first one after the wait is the one that tries.
    pub(super) fn ask(&self, service: &str, now: Instant) -> Result<(), Duration> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(breaker) = map.get_mut(service) else {
            return Ok(());
        };
        match breaker.open_until {
            Some(until) if now < until => {
                let wait = until.duration_since(now);
                Err(if breaker.trying {
                    wait.min(TRIAL)
                } else {
                    wait
                })
            }
            Some(_) => {
                breaker.open_until = Some(now + OPEN);
                breaker.trying = true;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Tells how a request went. An answer that is the caller's fault (4xx) is a good sign of it.
    pub(super) fn tell(&self, service: &str, good: bool, now: Instant) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if good {
            map.remove(service);
            return;
        }
        let breaker = map.entry(service.to_owned()).or_default();
        breaker.failures += 1;
        if breaker.failures >= FAILURES {
            breaker.trying = false;
            breaker.open_until = Some(now + OPEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breakers, FAILURES, OPEN, TRIAL};
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
        assert_eq!(breakers.ask("a", after), Err(TRIAL));
        breakers.tell("a", false, after);
        assert_eq!(breakers.ask("a", after), Err(OPEN));
        let after = after + OPEN + Duration::from_millis(1);
        assert!(breakers.ask("a", after).is_ok());
        breakers.tell("a", true, after);
        assert!(breakers.ask("a", after).is_ok());
        assert!(breakers.ask("a", after).is_ok());
    }
}
