//! WhatsApp, through Meta's Cloud API. <https://developers.facebook.com/docs/whatsapp/cloud-api>

mod compose;
mod fate;
mod inbound;
mod media;
mod payload;
mod send;

pub(crate) use compose::compose;
pub(crate) use inbound::{DELIVERY, Inbound, accept, again};
pub(crate) use payload::Notification;
pub(super) use send::send;

/// The channel's name in the language.
pub(crate) const CHANNEL: &str = "whatsapp";
