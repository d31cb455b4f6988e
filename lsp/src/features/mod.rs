//! What the editor can ask.

pub(crate) mod actions;
pub(crate) mod completion;
pub(crate) mod navigation;
pub(crate) mod rename;
pub(crate) mod symbols;
