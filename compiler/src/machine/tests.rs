//! Checked tests: what `flowc test` runs.

use super::expr::{Expr, Pattern};
use super::op::Priority;
use crate::value::{NodeId, RuleId, SlotId, TeamId, TierId, Value, WebhookId};
use flow_grammar::Loc;
use smol_str::SmolStr;
use std::sync::Arc;

/// A test.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// What it shows.
    pub title: SmolStr,
    /// Its lines.
    pub steps: Vec<TestStep>,
    /// Where it is declared.
    pub loc: Loc,
}

/// A line.
#[derive(Debug, Clone)]
pub struct TestStep {
    /// What it does.
    pub kind: TestStepKind,
    /// Where it is written.
    pub loc: Loc,
}

/// What a mock answers.
#[derive(Debug, Clone)]
pub enum MockAnswer {
    /// This value.
    Returns(Value),
    /// Success without a result.
    Ok,
    /// Failure.
    Fails,
}

/// The kinds of lines.
#[derive(Debug, Clone)]
pub enum TestStepKind {
    /// The clock is set (local time of the bot).
    At(jiff::civil::DateTime),
    /// Profile fields, proven.
    GivenCustomer(Vec<(SmolStr, Value)>),
    /// Slots.
    GivenSlots(Vec<(SlotId, Value)>),
    /// An agent who is present.
    GivenAgent {
        /// Sign-in name.
        agent: SmolStr,
        /// Teams.
        teams: Vec<TeamId>,
        /// Languages; empty: all.
        languages: Vec<SmolStr>,
        /// Skills; empty: the teams'.
        skills: Vec<SmolStr>,
        /// Not present yet.
        away: bool,
    },
    /// The channel.
    GivenChannel(SmolStr),
    /// The customer's language from the start.
    GivenLanguage(SmolStr),
    /// The page on which the widget stands.
    GivenPage(SmolStr),
    /// The customer writes.
    Customer(SmolStr),
    /// The customer presses a button, by its label.
    Presses(SmolStr),
    /// The customer sends a file, by its name.
    SendsFile(SmolStr),
    /// The customer enters the right code (`true`) or fails.
    Verifies(bool),
    /// The customer goes away.
    Leaves,
    /// The next message of the bot is exactly this.
    Bot(SmolStr),
    /// The next message of the bot matches.
    BotMatches(Arc<Pattern>),
    /// Milliseconds pass.
    Wait(i64),
    /// A webhook answers so from here on.
    Mock(WebhookId, MockAnswer),
    /// What the model answers to the message before, and its confidence (default 0.95).
    ModelAnswers(SmolStr, f64),
    /// The model calls a tool first.
    ModelCalls(WebhookId, Vec<Value>),
    /// The model fails.
    ModelFails,
    /// An agent accepts what is offered.
    AgentAccepts(SmolStr),
    /// An agent declines what is offered.
    AgentDeclines(SmolStr),
    /// An agent writes.
    AgentSays(SmolStr, SmolStr),
    /// An agent resolves, with a summary.
    AgentResolves(SmolStr, Option<SmolStr>),
    /// An agent gives it back, with a reason.
    AgentReturns(SmolStr, Option<SmolStr>),
    /// An agent comes (`true`) or leaves.
    AgentPresence(SmolStr, bool),
    /// An outside event: the trigger by index, and its payload.
    Trigger(u32, Vec<(SmolStr, Value)>),
    /// An assertion.
    Expect(Expectation),
}

/// What is asserted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named as in the language")]
pub enum Expectation {
    Not(Box<Expectation>),
    Escalated {
        by: Option<RuleId>,
        to: Option<TierId>,
        priority: Option<Priority>,
    },
    Routed {
        team: TeamId,
        priority: Option<Priority>,
    },
    HandoffHas(Vec<HandoffPart>),
    Resolved,
    Unresolved,
    Node(NodeId),
    SlotIs {
        var: super::op::Var,
        value: Value,
        negated: bool,
    },
    SlotKnown {
        var: super::op::Var,
        known: bool,
    },
    Tier(TierId),
    Said(SmolStr),
    SaidMatches(Arc<Pattern>),
    Ticket,
    Callback,
    Waiting(Option<u32>),
    Connected(SmolStr),
    Called(WebhookId),
    Condition(Expr),
}

/// What a handoff can be asserted to have.
#[derive(Debug, Clone)]
pub enum HandoffPart {
    /// A value that is known on the card.
    Var(super::op::Var),
    /// A part of the card by its name: `transcript entities slots sentiment attempts profile files page knowledge confidence rules summary mood suggestions`.
    Part(SmolStr),
}
