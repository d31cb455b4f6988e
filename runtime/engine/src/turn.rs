//! One event, one turn.

use crate::decision::Decision;
use crate::effect::Effect;
use smol_str::SmolStr;

/// What a turn did.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// To be committed with the state, then delivered.
    pub effects: Vec<Effect>,
    /// Why.
    pub decision: Decision,
    /// Whether the event was taken. A refused one changed nothing, but may be worth recording.
    pub accepted: Result<(), Refusal>,
}

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The conversation is closed, and cannot be reopened by this event.
    Closed,
    /// It was opened before.
    AlreadyOpen,
    /// It was not opened yet.
    NotOpen,
    /// The answer belongs to an earlier question, call or tier.
    Stale {
        /// What it was: `model answer`, `webhook result`, `timer`, `button`.
        what: SmolStr,
    },
    /// Nothing is reserved under this number.
    UnknownReservation {
        /// The number.
        reservation: u64,
    },
    /// This agent does not have the conversation.
    NotTheAgent {
        /// The agent who tried.
        agent: SmolStr,
    },
    /// Nobody is wanted: it is not in a queue.
    NotQueued,
    /// A name that this version of the bot does not know.
    Unknown {
        /// What: `channel`, `trigger`, `team`.
        what: SmolStr,
        /// The name.
        name: SmolStr,
    },
    /// A reminder must be confirmed before it can be resolved.
    Unconfirmed {
        /// The reminder's index.
        reminder: u32,
    },
    /// The conversation belongs to another version of the bot.
    OtherVersion {
        /// Its version.
        version: SmolStr,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => write!(f, "the conversation is closed"),
            Self::AlreadyOpen => write!(f, "the conversation is already open"),
            Self::NotOpen => write!(f, "the conversation is not open yet"),
            Self::Stale { what } => write!(f, "the {what} comes too late"),
            Self::UnknownReservation { reservation } => {
                write!(f, "reservation {reservation} is not known, or is over")
            }
            Self::NotTheAgent { agent } => write!(f, "`{agent}` does not have this conversation"),
            Self::NotQueued => write!(f, "the conversation is not in a queue"),
            Self::Unknown { what, name } => write!(f, "unknown {what} `{name}`"),
            Self::Unconfirmed { reminder } => {
                write!(f, "reminder {reminder} must be confirmed first")
            }
            Self::OtherVersion { version } => {
                write!(f, "the conversation runs version `{version}` of the bot")
            }
        }
    }
}

impl std::error::Error for Refusal {}
