//! The way to people: rules, hours, teams, matrices, handoffs, and what is measured.

use super::expr::{CellPattern, Expr};
use super::op::{Offer, Priority, Promise};
use crate::value::{HoursId, IntentId, OpId, TeamId, TextId, ThresholdId, TierId, WebhookId};
use flow_grammar::Loc;
use flow_grammar::ast::BinaryOp;
use jiff::civil;
use smol_str::SmolStr;

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleOrigin {
    /// The author.
    Declared,
    /// The built-in `asked_for_human`.
    AskedForHuman,
    /// A `regulated` intent.
    Regulated(IntentId),
}

/// An escalation rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: SmolStr,
    /// Where it comes from.
    pub origin: RuleOrigin,
    /// The tiers it can fire in (never empty in a checked machine).
    pub from: Vec<TierId>,
    /// Whether `from` was written.
    pub from_written: bool,
    /// The tier it leads to.
    pub to: TierId,
    /// Its condition.
    pub when: Expr,
    /// Its exception.
    pub unless: Option<Expr>,
    /// Its priority.
    pub priority: Priority,
    /// What is said; the built-in rule's text is the built-in one.
    pub say: Option<TextId>,
    /// The reason; absent: the rule's name in words.
    pub because: Option<TextId>,
    /// Whether it, or a threshold it reads, reads `confidence`: then it is tried after the answer is known.
    pub reads_confidence: bool,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// Opening hours.
#[derive(Debug, Clone)]
pub struct Hours {
    /// Its name.
    pub name: SmolStr,
    /// IANA name.
    pub timezone: SmolStr,
    /// By weekday, Monday first: open spans in minutes from midnight, sorted and merged; an end above 1440 runs into the next day.
    pub week: [Vec<(u16, u16)>; 7],
    /// Days on which nothing opens (a span of the day before may still run into them).
    pub closed: Vec<(civil::Date, civil::Date)>,
    /// Whether it is the built-in `always`.
    pub always: bool,
    /// Where it is declared.
    pub loc: Loc,
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its name.
    pub name: SmolStr,
    /// Its title, else its name in words.
    pub title: TextOrWords,
    /// Its hours (`always` if not given).
    pub hours: HoursId,
    /// Its skills.
    pub skills: Vec<SmolStr>,
    /// Its languages; empty: all of the bot's.
    pub languages: Vec<SmolStr>,
    /// Conversations per agent (default 3).
    pub capacity: u32,
    /// In order; default: least busy, longest idle.
    pub assign: Vec<Assign>,
    /// `(team, milliseconds)` in order.
    pub overflow: Vec<(TeamId, i64)>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// A title.
#[derive(Debug, Clone)]
pub enum TextOrWords {
    /// Written.
    Text(TextId),
    /// From the name.
    Words(SmolStr),
}

/// How the next agent is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assign {
    /// The smallest share of capacity in use.
    LeastBusy,
    /// The longest without a new conversation.
    LongestIdle,
    /// In turn.
    RoundRobin,
    /// The most of the demanded skills.
    BestSkilled,
}

/// A routing matrix.
#[derive(Debug, Clone)]
pub struct Route {
    /// The tier.
    pub tier: TierId,
    /// Milliseconds; the agent of a conversation within it is preferred.
    pub prefer_last_agent: Option<i64>,
    /// What is matched.
    pub columns: Vec<Expr>,
    /// The rows.
    pub rows: Vec<RouteRow>,
    /// Where it is declared.
    pub loc: Loc,
    /// The header row's place (first to last column).
    pub header_loc: Loc,
}

/// A row.
#[derive(Debug, Clone)]
pub struct RouteRow {
    /// Alternatives per column.
    pub cells: Vec<Vec<CellPattern>>,
    /// Where each cell is written.
    pub cell_locs: Vec<Loc>,
    /// The team.
    pub team: TeamId,
    /// The priority (default standard).
    pub priority: Priority,
    /// A demanded skill.
    pub skill: Option<SmolStr>,
    /// A demanded agent, by sign-in name.
    pub agent: Option<SmolStr>,
    /// Answer within, milliseconds.
    pub within: Option<Promise>,
    /// The row.
    pub loc: Loc,
    /// Where the team's cell is written.
    pub team_loc: Loc,
}

/// A handoff.
#[derive(Debug, Clone)]
pub struct Handoff {
    /// The tier.
    pub tier: TierId,
    /// `when`; the first whose `when` holds is used, the one without last.
    pub when: Option<Expr>,
    /// What must be known.
    pub require: Vec<(super::op::Var, Loc)>,
    /// Said at once.
    pub say: Option<TextId>,
    /// `(milliseconds, text)`.
    pub update: Option<(i64, Option<TextId>)>,
    /// Alternatives while waiting.
    pub offers: Vec<Offer>,
    /// Milliseconds an agent has to accept (default 30 s).
    pub accept_within: i64,
    /// Milliseconds an accepted agent reads before the customer is connected (default 0).
    pub review: i64,
    /// Said when connected.
    pub connected: Option<TextId>,
    /// `full when COND { .. }`.
    pub full: Option<(Expr, OpId)>,
    /// `closed { .. }`.
    pub closed: Option<OpId>,
    /// `unstaffed { .. }`.
    pub unstaffed: Option<OpId>,
    /// After the agent closed it.
    pub resolved: Option<OpId>,
    /// After the agent gave it back.
    pub returned: Option<OpId>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where `say` stands, or the head.
    pub say_loc: Loc,
}

impl Handoff {
    /// Whether it says what happens when all are closed. A block without a step says nothing.
    #[must_use]
    pub fn has_closed_plan(&self, machine: &super::Machine) -> bool {
        let first = self.closed.and_then(|op| machine.op(op));
        first.is_some_and(|op| !matches!(op.kind, super::OpKind::Finish))
    }
}

/// The agent's side panel.
#[derive(Debug, Clone, Default)]
pub struct Assist {
    /// A proposed first message.
    pub open: Option<TextId>,
    /// Reminders.
    pub reminders: Vec<Reminder>,
    /// Alerts: the text and its condition.
    pub alerts: Vec<(TextId, Option<Expr>)>,
    /// Templates by name.
    pub templates: Vec<(SmolStr, TextId)>,
    /// Passages shown.
    pub surface: u32,
    /// Similar conversations shown.
    pub similar: u32,
    /// Suggested replies shown.
    pub suggest: u32,
    /// Where it is declared; the last of several.
    pub loc: Loc,
}

/// A reminder.
#[derive(Debug, Clone)]
pub struct Reminder {
    /// What.
    pub text: TextId,
    /// When.
    pub when: Option<Expr>,
    /// Must be confirmed before resolving.
    pub before_resolve: bool,
    /// Where it is written.
    pub loc: Loc,
}

/// `learn`.
#[derive(Debug, Clone)]
pub struct Learn {
    /// From which tiers.
    pub from: Vec<TierId>,
    /// Who confirms.
    pub review: Option<TeamId>,
    /// `(threshold, step as a fraction)`.
    pub tune: Vec<(ThresholdId, f64)>,
    /// Where it is declared.
    pub loc: Loc,
}

/// A line of `targets`.
#[derive(Debug, Clone)]
pub struct TargetLine {
    /// Called when the comparison holds; absent: a plain target.
    pub alert: Option<WebhookId>,
    /// The metric's name.
    pub metric: SmolStr,
    /// `of TIER`.
    pub of: Option<TierId>,
    /// The comparison.
    pub op: BinaryOp,
    /// The bound.
    pub value: Expr,
    /// Milliseconds.
    pub over: Option<i64>,
    /// Where it is written.
    pub loc: Loc,
}
