//! Work in the order in which it came, one piece at a time per key, different keys side by side.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<T>,
    woken: Arc<Notify>,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes<K, T>(Mutex<HashMap<K, Lane<T>>>);

impl<K, T> Default for Lanes<K, T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq + Clone, T: Clone> Lanes<K, T> {
    /// Puts a piece at the end; `true`: nobody works on this lane yet, and the caller has to.
    pub(super) fn push(&self, key: &K, piece: T) -> bool {
        let mut lanes = self.lock();
        let fresh = !lanes.contains_key(key);
        let lane = lanes.entry(key.clone()).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            woken: Arc::default(),
        });
        lane.waiting.push_back(piece);
        fresh
    }

    /// The piece to work on, and what wakes whoever waits with it; `None`: the lane is empty and gone.
    pub(super) fn front(&self, key: &K) -> Option<(T, Arc<Notify>)> {
        let mut lanes = self.lock();
        let lane = lanes.get(key)?;
        match lane.waiting.front() {
            Some(piece) => Some((piece.clone(), Arc::clone(&lane.woken))),
            None => {
                lanes.remove(key);
                None
            }
        }
    }

    /// The piece in front is done.
    pub(super) fn done(&self, key: &K) {
        if let Some(lane) = self.lock().get_mut(key) {
            lane.waiting.pop_front();
        }
    }

    /// Puts another state of the piece in front in its place.
    pub(super) fn change(&self, key: &K, piece: T) {
        if let Some(front) = self
            .lock()
            .get_mut(key)
            .and_then(|lane| lane.waiting.front_mut())
        {
            *front = piece;
        }
    }

    /// Wakes whoever waits on a lane.
    pub(super) fn wake(&self, key: &K) {
        if let Some(lane) = self.lock().get(key) {
            lane.woken.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Lane<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Lanes;

    #[test]
    fn a_lane_has_one_worker_and_keeps_its_order() {
        let lanes = Lanes::default();
        assert!(lanes.push(&"a", 1));
        assert!(!lanes.push(&"a", 2));
        assert!(lanes.push(&"b", 3));
        assert_eq!(lanes.front(&"a").unwrap().0, 1);
        lanes.change(&"a", 4);
        assert_eq!(lanes.front(&"a").unwrap().0, 4);
        lanes.done(&"a");
        assert_eq!(lanes.front(&"a").unwrap().0, 2);
        lanes.done(&"a");
        assert!(lanes.front(&"a").is_none());
        assert!(lanes.push(&"a", 5));
    }
}
