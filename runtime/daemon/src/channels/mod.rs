//! Channels outside of the widget: what a turn says to the customer goes through the outbox to a messaging service, in order and at least
//! once; what the customer says there becomes a turn.
//!
//! The log is the truth: a turn is stored first, then what it says is put into the outbox ([`pump`]), so a crash in between loses nothing.

mod lanes;
mod outbound;
mod pump;
pub(crate) mod whatsapp;

pub(crate) use outbound::Outbound;
pub(crate) use pump::{Pump, run};

/// What a row of this kind in the outbox is: a message to a customer.
pub(crate) const MESSAGE: &str = "message";
