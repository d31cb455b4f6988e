//! Analyses that several checks share.

pub(crate) mod analysis;
pub(crate) mod calendar;
pub(crate) mod contest;
pub(crate) mod cover;
pub(crate) mod defaults;
pub(crate) mod flow;
pub(crate) mod formula;
pub(crate) mod known;
pub(crate) mod misread;
pub(crate) mod reads;
pub(crate) mod returns;
pub(crate) mod set;
pub(crate) mod syntax;
pub(crate) mod taint;
pub(crate) mod walk;
