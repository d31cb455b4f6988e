//! Conversations in memory: who has the turn, and the state after the last one.

use super::messages::Labels;
use flow_engine::Conversation;
use flow_store::{Loaded, MessageKey, StoreError, Summary};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Commands that may wait for one conversation.
const WAITING: usize = 64;
/// Conversations kept in memory at most, when nobody uses them.
const KEPT: usize = 4096;

/// A conversation in memory.
#[derive(Debug)]
pub(super) struct State {
    pub(super) row: u64,
    pub(super) token: Vec<u8>,
    pub(super) summary: Summary,
    pub(super) conversation: Conversation,
    pub(super) ids: HashMap<String, (Vec<u8>, u64)>,
    pub(super) labels: Labels,
}

impl State {
    pub(super) fn fresh(id: String, token: Vec<u8>, version: &str) -> Self {
        Self {
            row: 0,
            token,
            summary: Summary {
                id,
                version: version.into(),
                ..Summary::default()
            },
            conversation: Conversation::new(version),
            ids: HashMap::new(),
            labels: Labels::new(),
        }
    }

    pub(super) fn loaded(loaded: Loaded) -> Result<Self, StoreError> {
        Ok(Self {
            row: loaded.conversation.row,
            token: loaded.conversation.token,
            summary: loaded.conversation.summary,
            conversation: serde_json::from_str(&loaded.conversation.state)?,
            ids: loaded.messages,
            labels: Labels::new(),
        })
    }

    /// Takes over what was committed.
    pub(super) fn commit(
        &mut self,
        row: u64,
        summary: Summary,
        conversation: Conversation,
        key: Option<MessageKey>,
        labels: Labels,
    ) {
        self.row = row;
        if let Some(key) = key {
            self.ids.insert(key.id, (key.hash, summary.seq));
        }
        self.summary = summary;
        self.conversation = conversation;
        self.labels.extend(labels);
    }
}

/// The place of a conversation.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Locked in the order of asking.
    pub(super) state: tokio::sync::Mutex<Option<State>>,
    waiting: AtomicUsize,
}

/// A place in the line before a conversation.
pub(super) struct Place(Arc<Slot>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Slot {
    /// `None`: the line is too long.
    pub(super) fn queue_up(self: &Arc<Self>) -> Option<Place> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(self));
        (before < WAITING).then_some(place)
    }
}

/// All conversations in memory.
#[derive(Debug, Default)]
pub struct Turns {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

impl Turns {
    pub(super) fn slot(&self, id: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(id) {
            return Arc::clone(slot);
        }
        if slots.len() >= KEPT {
            // Whoever holds a slot keeps it in the map, so there is never a second one of the same conversation.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(id.to_owned()).or_default())
    }

    /// Forgets a conversation that was erased.
    pub fn forget(&self, id: &str) {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }

    /// Conversations in memory.
    pub fn len(&self) -> usize {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
