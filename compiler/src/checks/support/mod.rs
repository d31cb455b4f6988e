//! Analyses that several checks share.

pub(super) mod analysis;
pub(super) mod calendar;
pub(super) mod cover;
pub(super) mod flow;
pub(super) mod formula;
pub(super) mod known;
pub(super) mod set;
pub(super) mod syntax;
pub(super) mod taint;
pub(super) mod walk;
