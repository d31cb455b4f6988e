//! What is proven of a bot, as data: how fast a person can be reached, what people will know, when somebody is there, what stands
//! behind each promise, where private data goes, what a conversation costs.
//!
//! What lives here: the facts. What does not: how they look (text, JSON and pages are made by whoever prints them).

mod costs;
mod fields;
mod private;
mod promises;
mod reach;
mod staffing;
mod words;

pub use costs::{CostPath, Costs};
pub use fields::{Knows, Required, RequiredWay};
pub use private::{Destination, Private};
pub use promises::Promised;
pub use reach::{Reach, Way};
pub use staffing::{Day, Staffing};

use crate::checks::Context;
use crate::checks::support::analysis::Analysis;
use crate::machine::Machine;
use jiff::civil::Date;
use serde::Serialize;
use smol_str::SmolStr;

/// What is proven of a bot.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The bot's name.
    pub bot: SmolStr,
    /// Its title.
    pub title: SmolStr,
    /// Hex of the hash of its sources.
    pub version: SmolStr,
    /// The day from which hours were looked at.
    pub date: Date,
    /// The time zone in which times are given (IANA name).
    pub timezone: SmolStr,
    /// The ladder, lowest first.
    pub tiers: Vec<SmolStr>,
    /// For every node and tier, how a person is reached.
    pub reach: Vec<Reach>,
    /// For every required field of a handoff, whether it is known on each way there.
    pub required: Vec<Required>,
    /// The week of every row of every matrix.
    pub staffing: Vec<Staffing>,
    /// Every promise with what stands behind it.
    pub promises: Vec<Promised>,
    /// Where private values can go.
    pub private: Vec<Private>,
    /// What conversations cost.
    pub costs: Costs,
}

/// What is proven of a machine without errors; hours are looked at from `date` on.
#[must_use]
pub fn report(machine: &Machine, date: Date) -> Report {
    let cx = Analysis::new(&Context {
        machine,
        sources: &machine.sources,
        date,
        refused: None,
    });
    Report {
        bot: machine.bot.name.clone(),
        title: machine.bot.title.clone(),
        version: machine.version.clone(),
        date,
        timezone: machine.bot.timezone.clone(),
        tiers: machine.tiers.iter().map(|t| t.name.clone()).collect(),
        reach: reach::reach(&cx),
        required: fields::required(&cx),
        staffing: staffing::staffing(&cx),
        promises: promises::promises(&cx),
        private: private::private(&cx),
        costs: costs::costs(&cx),
    }
}

#[cfg(test)]
mod tests;
