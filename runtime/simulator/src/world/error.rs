//! What can go wrong with a rehearsal.

use flow_engine::turn::Refusal;
use smol_str::SmolStr;

/// What went wrong with the rehearsal itself (not with the bot).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorldError {
    /// A webhook was called that has no mock.
    NoMock(SmolStr),
    /// The engine refused an event.
    Refused(Refusal),
    /// Nobody asked the model.
    NoModelRequest,
    /// There is no such button in sight.
    NoButton {
        /// What was to be pressed.
        label: String,
        /// What could be pressed.
        there: Vec<String>,
    },
    /// An agent's command was refused.
    Desk(String),
    /// Nothing waits for this.
    Nothing(&'static str),
    /// The conversation went on for ever.
    TooLong,
}

impl std::fmt::Display for WorldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoMock(name) => write!(
                f,
                "the webhook `{name}` was called and has no mock; say `mock {name} returns ..`, `mock {name} ok` or `mock {name} fails`"
            ),
            Self::Refused(why) => write!(f, "{why}"),
            Self::NoModelRequest => write!(
                f,
                "no model was asked; `model ..` stands after the message that it answers"
            ),
            Self::NoButton { label, there } if there.is_empty() => {
                write!(f, "there is no button `{label}`; no buttons are in sight")
            }
            Self::NoButton { label, there } => write!(
                f,
                "there is no button `{label}`; in sight: {}",
                there
                    .iter()
                    .map(|b| format!("`{b}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Self::Desk(why) => write!(f, "{why}"),
            Self::Nothing(what) => write!(f, "{what}"),
            Self::TooLong => write!(
                f,
                "the conversation goes on for ever without waiting for anyone"
            ),
        }
    }
}

impl std::error::Error for WorldError {}
