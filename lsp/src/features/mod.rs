//! What the editor can ask.

pub(crate) mod actions;
pub(crate) mod completion;
mod expected;
pub(crate) mod navigation;
pub(crate) mod rename;
pub(crate) mod symbols;
