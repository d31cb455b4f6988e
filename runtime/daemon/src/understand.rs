//! What understanding is told of a conversation.

use crate::program::Program;
use flow_engine::Conversation;
use flow_engine::signals::Signals;
use jiff::Timestamp;

/// The signals of a customer's message.
#[must_use]
pub(crate) fn signals(
    program: &Program,
    conversation: &Conversation,
    text: &str,
    now: Timestamp,
) -> Signals {
    let place = conversation.place();
    let context = flow_understanding::Context {
        language: Some(conversation.language()).filter(|l| !l.is_empty()),
        now,
        timezone: program.engine.zone().clone(),
        expecting: place.as_deref().and_then(expected),
    };
    program.understanding.signals(text, &context)
}

/// The slot or field that a place asks for: `track/ask order_id#2` asks for `order_id`.
fn expected(place: &str) -> Option<&str> {
    let asks = place.rsplit('/').next()?.strip_prefix("ask ")?;
    asks.split('#').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::expected;

    #[test]
    fn a_place_says_what_it_asks_for() {
        assert_eq!(expected("track/ask order_id#2"), Some("order_id"));
        assert_eq!(expected("a/ask customer.email"), Some("customer.email"));
        assert_eq!(expected("greet/choose"), None);
    }
}
