//! The numbers of the dashboard.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use smol_str::SmolStr;

/// Which conversations count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardQuery {
    /// Opened since.
    pub since: Timestamp,
    /// The tiers, lowest first: a tier contained what was resolved and went no higher.
    pub tiers: Vec<SmolStr>,
}

/// The numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Dashboard {
    /// Conversations opened.
    pub conversations: u64,
    /// Still open.
    pub open: u64,
    /// Ended.
    pub closed: u64,
    /// Settled.
    pub resolved: u64,
    /// Per tier, lowest first.
    #[serde(skip)]
    pub tiers: Vec<TierCount>,
    /// Share that people were called to.
    pub handoff_rate: f64,
    /// Share that the customer left without an end.
    pub abandonment: f64,
    /// From being queued to being connected.
    pub wait_seconds: Percentiles,
    /// From being connected to the end.
    pub handle_seconds: Percentiles,
    /// Surveys.
    pub scores: Vec<Score>,
    /// Rules by how often they fired.
    pub rules: Vec<RuleCount>,
    /// Teams by what they were given.
    pub teams: Vec<TeamCount>,
    /// Hour by hour.
    pub hours: Vec<HourCount>,
}

/// A tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct TierCount {
    /// Its name.
    pub tier: SmolStr,
    /// Conversations that it held.
    pub touched: u64,
    /// Those that ended and went no higher.
    pub contained: u64,
    /// The share.
    pub containment: f64,
    /// Those that went no higher and were settled.
    pub resolved: u64,
    /// The share of what it held.
    pub resolution: f64,
}

/// Median and ninth decile; absent without values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Percentiles {
    /// The median.
    pub p50: Option<f64>,
    /// The ninth decile.
    pub p90: Option<f64>,
}

impl Percentiles {
    /// Of values in any order.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "an index into a list"
            )]
            let index = ((values.len() as f64 * share).ceil() as usize).saturating_sub(1);
            values.get(index).copied()
        };
        Self {
            p50: at(0.5),
            p90: at(0.9),
        }
    }
}

/// A survey.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Score {
    /// `csat`, `effort`, `handoff`.
    pub survey: SmolStr,
    /// Answers.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleCount {
    /// Its name.
    pub rule: SmolStr,
    /// How often it escalated.
    pub fired: u64,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TeamCount {
    /// Its name.
    pub team: SmolStr,
    /// Conversations that its people had.
    pub handled: u64,
}

/// An hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HourCount {
    /// Its beginning.
    pub at: Timestamp,
    /// Conversations opened.
    pub opened: u64,
    /// Those that people were called to.
    pub handed_over: u64,
}
