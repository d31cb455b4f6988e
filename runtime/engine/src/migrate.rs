//! Moving a running conversation to another version of the bot.

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
