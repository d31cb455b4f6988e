//! The transcript, read from a conversation's log.

use crate::Recorded;
use crate::card::Line;

/// Everything that was said, oldest first.
#[must_use]
pub fn transcript(history: &[Recorded]) -> Vec<Line> {
    let _ = history;
    Vec::new()
}
