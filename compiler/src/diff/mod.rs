//! Two versions of a bot compared by meaning: what changed, for which cases the escalation or the route changes, and which running
//! conversations move.
//!
//! What lives here: the comparison as data. What does not: reading the two versions, and how the outcome looks.
//!
//! # Terminology
//!
//! - **Question**: something that both versions decide and that can come out otherwise: a rule, a matrix, a threshold, the opening.
//! - **Dimension**: a signal, a field or a condition on which a question depends, cut into values between which nothing changes.
//! - **Case**: a choice of values for which the two versions decide differently.

mod canon;
mod cases;
mod dim;
mod eval;
mod hours;
mod items;
mod keys;
mod lines;
mod order;
mod outcome;
mod places;
mod possible;
mod search;
mod space;

pub use cases::Case;
pub use hours::Times;
pub use items::{Change, How};
pub use places::{Move, PlaceChange};

use crate::machine::Machine;
use serde::Serialize;
use smol_str::SmolStr;

/// Two versions compared.
#[derive(Debug, Clone, Serialize)]
pub struct Diff {
    /// The hash of the old sources.
    pub old: SmolStr,
    /// The hash of the new sources.
    pub new: SmolStr,
    /// Declarations that were added, removed, renamed or changed.
    pub changes: Vec<Change>,
    /// Cases in which the escalation or the route changes.
    pub cases: Vec<Case>,
    /// Hours and teams that are open at other times.
    pub times: Vec<Times>,
    /// Where the space of cases was too large to look at all of it, and where something was left out.
    pub limits: Vec<String>,
    /// Waiting places of the old version whose conversations do not simply move on.
    pub places: Vec<PlaceChange>,
    /// How many of the old version's waiting places are kept as they are.
    pub kept: usize,
    /// What else keeps conversations in the old version, wherever they wait.
    pub stays: Vec<String>,
}

impl Diff {
    /// Whether the two versions mean the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.cases.is_empty()
            && self.times.is_empty()
            && self.places.is_empty()
            && self.stays.is_empty()
    }
}

/// Compares two versions, both without errors. Opening hours are compared from `date` on, as far as the checks look at them.
#[must_use]
pub fn diff(old: &Machine, new: &Machine, date: jiff::civil::Date) -> Diff {
    let renames = canon::Renames::new(new);
    let mut limits = Vec::new();
    let cases = cases::cases(old, new, &renames, &mut limits);
    let (places, kept, stays) = places::places(old, new, &renames);
    Diff {
        old: old.version.clone(),
        new: new.version.clone(),
        changes: items::changes(old, new, &renames),
        cases,
        times: hours::times(old, new, date),
        limits,
        places,
        kept,
        stays,
    }
}

#[cfg(test)]
mod tests;
