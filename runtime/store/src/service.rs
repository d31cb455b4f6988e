//! How well customers were served: what a turn says of it, and the numbers of many conversations.

use crate::Percentiles;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use smol_str::SmolStr;

/// What a turn tells about how its customer is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// Moments of tiers.
    pub tiers: Vec<TierTimes>,
    /// The customer came back after the end.
    pub reopened: Option<Timestamp>,
    /// What was known, and how much there is, of what the handoff requires, when an agent was connected.
    pub context: Option<(u32, u32)>,
}

/// Moments of a tier in a conversation; what is absent stays as it was. Of all but `done` the first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TierTimes {
    /// The tier.
    pub tier: SmolStr,
    /// Since when it owes an answer: a people tier from being queued, a model from being asked, a script from the start.
    pub since: Option<Timestamp>,
    /// When an agent was connected.
    pub connected: Option<Timestamp>,
    /// Its first answer; of a people tier what an agent wrote.
    pub replied: Option<Timestamp>,
    /// When an agent settled it or gave it back, or it ended.
    pub done: Option<Timestamp>,
}

/// How well customers were served.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Service {
    /// Per tier, in the order that was asked for.
    pub tiers: Vec<TierService>,
    /// Of what handoffs require, the share that was known when an agent was connected; absent where none required anything.
    pub context_completeness: Option<f64>,
    /// The share of conversations that were taken up again after their end, or whose proven customer had another one in the week before.
    pub repeat_rate: f64,
}

/// How a tier served those that it answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct TierService {
    /// Its name.
    #[serde(skip)]
    pub tier: SmolStr,
    /// From being queued to being connected, for people.
    pub wait_seconds: Percentiles,
    /// From owing an answer to its first one.
    pub first_reply_seconds: Percentiles,
    /// From being connected to the end, for people.
    pub handle_seconds: Percentiles,
}

/// What a reviewer said of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The proposal's id.
    pub proposal: String,
    /// `confirmed` or `dismissed`.
    pub state: SmolStr,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
