//! Conversations in memory: who has the turn, and the state after the last one.

use super::Input;
use super::measures::Measured;
use super::messages::Labels;
use super::patience::Patience;
use crate::program::Program;
use flow_engine::Conversation;
use flow_engine::event::EventKind;
use flow_store::{Loaded, MessageKey, StoreError, Summary};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Commands that may wait for one conversation.
const WAITING: usize = 64;
/// Conversations kept in memory at most, when nobody uses them.
const KEPT: usize = 4096;
/// A conversation that nobody used for so long leaves memory. One that comes back costs a read, so what follows at once (an answer of a
/// model, of a webhook, a second line) finds it there; but a person who reads or types takes longer, and
/// most of those who are there at a time do that.
const IDLE: Duration = Duration::from_secs(2);

/// A conversation in memory.
#[derive(Debug)]
pub(super) struct State {
    pub(super) row: u64,
    pub(super) token: Vec<u8>,
    pub(super) summary: Summary,
    pub(super) conversation: Conversation,
    /// Hashes of the ids of the commands that it took, the newest last.
    ids: Vec<u64>,
    pub(super) labels: Labels,
    pub(super) measured: Measured,
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
            ids: Vec::new(),
            labels: Labels::new(),
            measured: Measured::default(),
        }
    }

    pub(super) fn loaded(loaded: Loaded) -> Result<Self, StoreError> {
        Ok(Self {
            row: loaded.conversation.row,
            token: loaded.conversation.token,
            summary: loaded.conversation.summary,
            conversation: serde_json::from_str(&loaded.conversation.state)?,
            ids: loaded.messages.iter().map(|id| print(id)).collect(),
            labels: Labels::new(),
            measured: Measured::default(),
        })
    }

    /// A button that is pressed is shown by its words. Those that were sent before the conversation left memory are in its view.
    pub(super) fn learn_labels(&mut self, program: &Program, input: &Input) {
        let Input::Event(kind) = input else { return };
        if let EventKind::Pressed { button, .. } = &**kind
            && !self.labels.contains_key(button)
        {
            let view = program.engine.view(&self.conversation);
            let shown = view.buttons.into_iter();
            self.labels.extend(shown.map(|b| (b.id, b.label)));
        }
    }

    /// Whether a command of this id may have come before: only then the store is asked.
    pub(super) fn may_know(&self, id: &str) -> bool {
        let print = print(id);
        self.ids.iter().rev().any(|known| *known == print)
    }

    /// Takes over what was committed.
    pub(super) fn commit(
        &mut self,
        row: u64,
        summary: Summary,
        conversation: Conversation,
        key: Option<MessageKey>,
    ) {
        self.row = row;
        if let Some(key) = key {
            self.ids.push(print(&key.id));
        }
        self.summary = summary;
        self.conversation = conversation;
    }
}

/// The ids of a long conversation would be most of what it takes in memory.
fn print(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// The place of a conversation.
#[derive(Debug)]
pub(super) struct Slot {
    /// Locked in the order of asking.
    pub(super) state: tokio::sync::Mutex<Option<State>>,
    waiting: AtomicUsize,
    used: Mutex<Instant>,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            state: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::default(),
            used: Mutex::new(Instant::now()),
        }
    }
}

/// A place in the line before a conversation.
pub(super) struct Place(Arc<Slot>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Slot {
    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self, now: Instant) -> Duration {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(used)
    }

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
    slots: Mutex<Slots>,
    patience: Patience,
}

#[derive(Debug, Default)]
struct Slots {
    map: HashMap<String, Arc<Slot>>,
    /// With so many, those that nobody uses are looked for; beyond [`KEPT`] when most are in use.
    full: usize,
}

impl Slots {
    /// Lets go of those that nobody holds and nobody used for a while. Whoever holds a slot keeps it in the map, so there is never a second
    /// one of the same conversation.
    fn sweep(&mut self, idle: Duration) {
        let now = Instant::now();
        self.map
            .retain(|_, slot| Arc::strong_count(slot) > 1 || slot.idle(now) < idle);
    }
}

impl Turns {
    pub(super) const fn patience(&self) -> &Patience {
        &self.patience
    }

    pub(super) fn slot(&self, id: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.map.get(id) {
            slot.touch();
            return Arc::clone(slot);
        }
        if slots.map.len() >= slots.full.max(KEPT) {
            // The less recently used ones first; all of them if that is not enough.
            for idle in [IDLE / 2, IDLE / 10, Duration::ZERO] {
                slots.sweep(idle);
                if slots.map.len() < KEPT * 3 / 4 {
                    break;
                }
            }
            slots.full = KEPT.max(slots.map.len() * 2);
        }
        Arc::clone(slots.map.entry(id.to_owned()).or_default())
    }

    /// Lets conversations that nobody uses leave memory; to be called now and then.
    pub fn sweep(&self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.sweep(IDLE);
        slots.map.shrink_to(KEPT);
    }

    /// Forgets a conversation that was erased.
    pub fn forget(&self, id: &str) {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map
            .remove(id);
    }

    /// Conversations in memory.
    pub fn len(&self) -> usize {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map
            .len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
