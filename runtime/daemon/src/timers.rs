//! Timers: all of them in the store, the next ones in memory by time. A million conversations that wait for tomorrow cost no memory today.

use crate::app::App;
use crate::turns::{Command, TurnError};
use flow_engine::event::EventKind;
use flow_store::{Consumed, StoreError, TimerRow};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// Timers that fire at the same moment are worked off by so many at once.
const AT_ONCE: usize = 64;
/// How far ahead timers are kept in memory.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// When the next ones are read: well before the last of those in memory is due.
const REFILL: Duration = Duration::from_secs(300);

/// A timer's name: its conversation and its id there.
type Key = (Arc<str>, u64);

#[derive(Debug, Default)]
struct Set {
    by_time: BTreeSet<(Timestamp, Key)>,
    by_id: HashMap<Key, Timestamp>,
    /// What lies behind it stays in the store; `None` before the first reading.
    horizon: Option<Timestamp>,
    /// While the store is read: what was set or forgotten meanwhile, of which the reading may know less.
    touched: Option<HashSet<Key>>,
}

impl Set {
    fn put(&mut self, key: Key, at: Timestamp) {
        if let Some(before) = self.by_id.insert(key.clone(), at) {
            self.by_time.remove(&(before, key.clone()));
        }
        self.by_time.insert((at, key));
    }

    fn forget(&mut self, key: &Key) {
        if let Some(at) = self.by_id.remove(key) {
            self.by_time.remove(&(at, key.clone()));
        }
    }
}

/// The timers that are due next.
#[derive(Debug, Default)]
pub struct Timers {
    set: Mutex<Set>,
    changed: Notify,
}

impl Timers {
    fn lock(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a timer that the store has, in place of an earlier one of its id.
    pub fn set(&self, conversation: &str, id: u64, at: Timestamp) {
        let key = (Arc::from(conversation), id);
        let mut set = self.lock();
        if let Some(touched) = &mut set.touched {
            touched.insert(key.clone());
        }
        if set.horizon.is_some_and(|horizon| at > horizon) {
            return set.forget(&key);
        }
        let first = set.by_time.first().is_none_or(|(soonest, _)| at < *soonest);
        set.put(key, at);
        drop(set);
        if first {
            self.changed.notify_one();
        }
    }

    /// Forgets a timer.
    pub fn cancel(&self, conversation: &str, id: u64) {
        let key = (Arc::from(conversation), id);
        let mut set = self.lock();
        if let Some(touched) = &mut set.touched {
            touched.insert(key.clone());
        }
        set.forget(&key);
    }

    /// From here on timers up to `horizon` are kept; those that the store has must be given to [`Self::filled`] next.
    fn reach(&self, horizon: Timestamp) {
        let mut set = self.lock();
        set.horizon = Some(horizon);
        set.touched = Some(HashSet::new());
    }

    /// Takes over what the store had, as far as it is not older than what happened meanwhile.
    fn filled(&self, rows: Vec<TimerRow>) {
        let mut set = self.lock();
        let touched = set.touched.take().unwrap_or_default();
        for row in rows {
            let key = (Arc::from(row.conversation), row.id);
            if !touched.contains(&key) {
                set.put(key, row.at);
            }
        }
        drop(set);
        self.changed.notify_one();
    }

    /// Takes what is due.
    fn due(&self, now: Timestamp) -> Vec<Key> {
        let mut set = self.lock();
        let mut out = Vec::new();
        while set.by_time.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = set.by_time.pop_first() {
                set.by_id.remove(&key);
                out.push(key);
            }
        }
        out
    }

    fn next(&self) -> Option<Timestamp> {
        self.lock().by_time.first().map(|(at, _)| *at)
    }
}

/// Reads the timers that are due soon.
///
/// # Errors
/// If the store fails; what is in memory stays.
pub(crate) async fn refill(app: &App) -> Result<(), StoreError> {
    let horizon = app.clock.now().checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    app.timers.reach(horizon);
    // Without an answer what happened meanwhile still counts.
    let (rows, outcome) = match app.store.timers(horizon).await {
        Ok(rows) => (rows, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    app.timers.filled(rows);
    outcome
}

/// Fires timers until the daemon ends.
pub(crate) async fn run(app: Arc<App>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let mut refills = tokio::time::interval(REFILL);
    refills.reset();
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
            _ = refills.tick() => {
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    if let Err(error) = refill(&app).await {
                        tracing::warn!(%error, "the next timers could not be read; it is tried again");
                    }
                });
            }
        }
    }
}

async fn fire(app: &Arc<App>, conversation: &str, id: u64) {
    let command = Command::consuming(EventKind::Timer { id }, Consumed::Timer(id));
    let span = app.telemetry.turn(conversation, "timer");
    let outcome = app.turn(conversation, command).await;
    drop(span);
    match outcome {
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
    use flow_store::TimerRow;
    use jiff::Timestamp;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    fn taken(timers: &Timers, now: i64) -> Vec<(String, u64)> {
        let due = timers.due(at(now)).into_iter();
        due.map(|(c, id)| (c.to_string(), id)).collect()
    }

    #[test]
    fn due_timers_come_in_order_and_once() {
        let timers = Timers::default();
        timers.set("a", 1, at(30));
        timers.set("b", 1, at(10));
        timers.set("a", 2, at(20));
        timers.cancel("a", 2);
        timers.set("a", 1, at(5));
        assert_eq!(
            taken(&timers, 15),
            [("a".to_owned(), 1), ("b".to_owned(), 1)]
        );
        assert!(taken(&timers, 100).is_empty());
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn what_is_far_away_stays_in_the_store_until_its_time_comes() {
        let row = |conversation: &str, id, s| TimerRow {
            conversation: conversation.to_owned(),
            id,
            at: at(s),
        };
        let timers = Timers::default();
        timers.reach(at(100));
        timers.filled(vec![row("a", 1, 50)]);
        timers.set("b", 1, at(150));
        // Moved behind the horizon: it must not fire at its old time.
        timers.set("a", 1, at(160));
        assert_eq!(timers.next(), None);
        timers.reach(at(200));
        // The store was read before these two happened.
        timers.set("a", 1, at(180));
        timers.cancel("c", 1);
        timers.filled(vec![row("a", 1, 160), row("b", 1, 150), row("c", 1, 120)]);
        assert_eq!(taken(&timers, 170), [("b".to_owned(), 1)]);
        assert_eq!(taken(&timers, 200), [("a".to_owned(), 1)]);
    }
}
