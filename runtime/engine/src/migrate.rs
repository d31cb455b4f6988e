//! Moving a running conversation to another version of the bot.

use crate::conversation::Conversation;
use crate::engine::Engine;

/// Why a conversation stays in its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// In words.
    pub reason: String,
}

impl std::fmt::Display for Stay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

pub(crate) fn can_move(
    _old: &Engine,
    new: &Engine,
    conversation: &Conversation,
) -> Result<Conversation, Stay> {
    if conversation.opened.is_some() {
        return Err(Stay {
            reason: "it is running".to_owned(),
        });
    }
    let mut moved = conversation.clone();
    moved.version = new.machine().version.clone();
    Ok(moved)
}
