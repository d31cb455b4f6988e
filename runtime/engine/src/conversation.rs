//! The state of one conversation: everything that is stored of it between two turns. Names, not indices, wherever a later version of
//! the bot may read it.

use flow_compiler::value::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// A conversation. Its log is kept elsewhere; this is what the next turn needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub(crate) version: SmolStr,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) slots: BTreeMap<SmolStr, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) timers: BTreeMap<u64, Timestamp>,
}

impl Conversation {
    /// A conversation that has not opened yet.
    #[must_use]
    pub fn new(version: impl Into<SmolStr>) -> Self {
        Self {
            version: version.into(),
            slots: BTreeMap::new(),
            timers: BTreeMap::new(),
        }
    }

    /// The version of the bot that it runs.
    #[must_use]
    pub fn version(&self) -> &SmolStr {
        &self.version
    }

    /// A slot's value.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&Value> {
        self.slots.get(name)
    }

    /// A profile field's value, proven or claimed.
    #[must_use]
    pub fn customer(&self, name: &str) -> Option<&Value> {
        let _ = name;
        None
    }

    /// Fills slots before the conversation opens, for tests and simulations.
    pub fn preset_slots(&mut self, slots: impl IntoIterator<Item = (SmolStr, Value)>) {
        self.slots.extend(slots);
    }

    /// The timers that are set, by id.
    pub fn timers(&self) -> impl Iterator<Item = (u64, Timestamp)> + '_ {
        self.timers.iter().map(|(id, at)| (*id, *at))
    }
}
