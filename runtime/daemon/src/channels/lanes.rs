//! Work in the order in which it came, one piece at a time per key, different keys side by side.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<T>,
    /// Whether the piece in front is being worked on: nothing takes its place.
    busy: bool,
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
            busy: false,
            woken: Arc::default(),
        });
        lane.waiting.push_back(piece);
        fresh
    }

    /// Puts a piece into the order in which those go that wait; `true` as for [`Self::push`].
    pub(super) fn push_by<O: Ord>(&self, key: &K, piece: T, order: impl Fn(&T) -> O) -> bool {
        let fresh = self.push(key, piece);
        if let Some(lane) = self.lock().get_mut(key) {
            let first = usize::from(lane.busy);
            if let Some(waiting) = lane.waiting.make_contiguous().get_mut(first..) {
                waiting.sort_by_key(order);
            }
        }
        fresh
    }

    /// Begins to work on the piece in front, if it is this one.
    pub(super) fn begin(&self, key: &K, is: impl Fn(&T) -> bool) -> Option<T> {
        let mut lanes = self.lock();
        let lane = lanes.get_mut(key)?;
        let piece = lane.waiting.front().filter(|piece| is(piece)).cloned();
        lane.busy = piece.is_some();
        piece
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
            lane.busy = false;
        }
    }

    /// Puts another state of the piece in front in its place.
    pub(super) fn change(&self, key: &K, piece: T) {
        if let Some(lane) = self.lock().get_mut(key) {
            lane.busy = false;
            if let Some(front) = lane.waiting.front_mut() {
                *front = piece;
            }
        }
    }

    /// Wakes whoever waits on a lane, after a change of everything on it.
    pub(super) fn wake(&self, key: &K, change: impl FnMut(&mut T)) {
        if let Some(lane) = self.lock().get_mut(key) {
            lane.waiting.iter_mut().for_each(change);
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

    #[test]
    fn one_that_comes_back_takes_its_old_place_but_not_that_of_the_one_that_is_worked_on() {
        let lanes = Lanes::default();
        for piece in [7, 5] {
            lanes.push_by(&"a", piece, |n| *n);
        }
        assert_eq!(lanes.begin(&"a", |n| *n == 7), None);
        assert_eq!(lanes.begin(&"a", |n| *n == 5), Some(5));
        for piece in [8, 3, 6] {
            lanes.push_by(&"a", piece, |n| *n);
        }
        let mut order = Vec::new();
        while let Some((piece, _)) = lanes.front(&"a") {
            order.push(piece);
            lanes.done(&"a");
        }
        assert_eq!(order, [5, 3, 6, 7, 8]);
    }
}
