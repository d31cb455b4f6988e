//! Timers: in memory by time, in the store for the next start.

use crate::app::App;
use crate::turns::{Command, TurnError};
use flow_engine::event::EventKind;
use flow_store::Consumed;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// Timers that fire at the same moment are worked off by so many at once.
const AT_ONCE: usize = 64;

#[derive(Debug, Default)]
struct Set {
    by_time: BTreeSet<(Timestamp, String, u64)>,
    by_id: HashMap<(String, u64), Timestamp>,
}

/// All timers.
#[derive(Debug, Default)]
pub struct Timers {
    set: Mutex<Set>,
    changed: Notify,
}

impl Timers {
    /// Sets a timer, in place of an earlier one of its id.
    pub fn set(&self, conversation: &str, id: u64, at: Timestamp) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = set.by_id.insert((conversation.to_owned(), id), at) {
            set.by_time.remove(&(before, conversation.to_owned(), id));
        }
        let first = set
            .by_time
            .first()
            .is_none_or(|(soonest, ..)| at < *soonest);
        set.by_time.insert((at, conversation.to_owned(), id));
        drop(set);
        if first {
            self.changed.notify_one();
        }
    }

    /// Forgets a timer.
    pub fn cancel(&self, conversation: &str, id: u64) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = set.by_id.remove(&(conversation.to_owned(), id)) {
            set.by_time.remove(&(at, conversation.to_owned(), id));
        }
    }

    /// Takes what is due.
    fn due(&self, now: Timestamp) -> Vec<(String, u64)> {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        while set.by_time.first().is_some_and(|(at, ..)| *at <= now) {
            if let Some((_, conversation, id)) = set.by_time.pop_first() {
                set.by_id.remove(&(conversation.clone(), id));
                out.push((conversation, id));
            }
        }
        out
    }

    fn next(&self) -> Option<Timestamp> {
        self.set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .by_time
            .first()
            .map(|(at, ..)| *at)
    }
}

/// Fires timers until the daemon ends.
pub(crate) async fn run(app: Arc<App>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        for (conversation, id) in app.timers.due(app.clock.now()) {
            let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else {
                return;
            };
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let _permit = permit;
                fire(&app, &conversation, id).await;
            });
        }
        let wait = app.timers.next().map_or(Duration::from_secs(3600), |at| {
            let left = at.duration_since(app.clock.now()).max(SignedDuration::ZERO);
            Duration::try_from(left).unwrap_or_default()
        });
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = app.timers.changed.notified() => {}
        }
    }
}

async fn fire(app: &Arc<App>, conversation: &str, id: u64) {
    let command = Command::consuming(EventKind::Timer { id }, Consumed::Timer(id));
    match app.turn(conversation, command).await {
        Ok(_) | Err(TurnError::Refused(_) | TurnError::Unknown(_) | TurnError::NoProgram(_)) => {}
        Err(error) => {
            tracing::warn!(%error, conversation, "a timer could not fire; it is tried again");
            let later = app
                .clock
                .now()
                .checked_add(SignedDuration::from_secs(2))
                .unwrap_or(Timestamp::MAX);
            app.timers.set(conversation, id, later);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timers;
    use jiff::Timestamp;

    #[test]
    fn due_timers_come_in_order_and_once() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let timers = Timers::default();
        timers.set("a", 1, at(30));
        timers.set("b", 1, at(10));
        timers.set("a", 2, at(20));
        timers.cancel("a", 2);
        timers.set("a", 1, at(5));
        assert_eq!(
            timers.due(at(15)),
            [("a".to_owned(), 1), ("b".to_owned(), 1)]
        );
        assert!(timers.due(at(100)).is_empty());
        assert_eq!(timers.next(), None);
    }
}
