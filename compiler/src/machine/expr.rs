//! Checked expressions: every name resolved, every type known.

use crate::value::{
    Domain, FieldId, HookId, HoursId, LocalId, SegmentId, SlotId, TeamId, TemporalId, TextId,
    ThresholdId, Type, Value,
};
use flow_grammar::{Loc, ast::BinaryOp};
use regex::Regex;
use smol_str::SmolStr;
use std::sync::Arc;

/// A checked expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Type,
    /// Where it is written.
    pub loc: Loc,
}

/// A regular expression with its source, compiled once.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written between the slashes.
    pub source: SmolStr,
    /// Compiled, with a size limit; linear in the text.
    pub regex: Regex,
}

/// What a condition or a text can read of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in the language's table of signals")]
pub enum Signal {
    Intent,
    MessageIntent,
    Confidence,
    Sentiment,
    Mood,
    AsksForHuman,
    Shouting,
    Profanity,
    Negation,
    RepeatedQuestion,
    Complexity,
    Message,
    Language,
    Channel,
    Tier,
    Page,
    Turns,
    FailedAnswers,
    IntentRepeats,
    AttemptsFailed,
    TimeInTier,
    TimeInConversation,
    Now,
    Today,
    QueueWait,
    QueuePosition,
    QueueLength,
    AgentName,
    Priority,
    EscalationReason,
    EscalationRule,
    HandoffSummary,
    Team,
}

/// What can be asked of hours, or of a team's hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoursQuery {
    /// `HOURS.open`: bool.
    Open,
    /// `HOURS.text`: the week in words.
    Text,
    /// `HOURS.next_open`: datetime?.
    NextOpen,
}

/// Whose hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoursOf {
    /// Declared hours.
    Hours(HoursId),
    /// A declared team's.
    Team(TeamId),
    /// `team.next_open`: the team that the running handoff was routed to.
    RoutedTeam,
}

/// The kinds of expressions.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A literal, or a bare value of an enum.
    Const(Value),
    /// A text literal with interpolations.
    Text(TextId),
    /// A slot.
    Slot(SlotId),
    /// `customer.field`.
    Customer(FieldId),
    /// `customer` as a whole, for hooks.
    CustomerAll,
    /// The result of a `call .. as NAME` in the same body.
    Local(LocalId),
    /// A signal.
    Signal(Signal),
    /// A segment.
    Segment(SegmentId),
    /// A threshold.
    Threshold(ThresholdId),
    /// A parameter of the webhook being described, by position.
    Param(u32),
    /// `payload.field` (one segment) or `payload` in a trigger.
    Payload(Option<SmolStr>),
    /// `it`, in the label of a choice from a list.
    It,
    /// `env.NAME`.
    Env(SmolStr),
    /// `secret.NAME`.
    Secret(SmolStr),
    /// A field of a record.
    Field(Box<Expr>, SmolStr),
    /// A hook call.
    Hook(HookId, Vec<Expr>),
    /// `HOURS.open` and its like.
    Hours(HoursOf, HoursQuery),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `not x`.
    Not(Box<Expr>),
    /// `-x`.
    Neg(Box<Expr>),
    /// Arithmetic, comparison, `and`, `or`, `??`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `is` / `is not`.
    Is {
        /// `is not`.
        negated: bool,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
    },
    /// `in` / `not in`.
    In {
        /// `not in`.
        negated: bool,
        /// Left side.
        left: Box<Expr>,
        /// A list.
        right: Box<Expr>,
    },
    /// `is known` / `is unknown`.
    Known {
        /// `is known`.
        known: bool,
        /// Of what.
        of: Box<Expr>,
    },
    /// `during H` / `outside H`.
    During {
        /// `during`.
        during: bool,
        /// The hours.
        hours: HoursOf,
    },
    /// `contains TEXT` and `contains any [..]`: true if one of the texts is found, on word boundaries, ignoring case.
    Contains {
        /// Where.
        left: Box<Expr>,
        /// What (texts).
        any: Vec<Expr>,
    },
    /// `LIST contains VALUE`.
    ListContains {
        /// The list.
        left: Box<Expr>,
        /// The value.
        right: Box<Expr>,
    },
    /// `matches /re/`.
    Matches {
        /// Where.
        left: Box<Expr>,
        /// What.
        pattern: Arc<Pattern>,
    },
    /// `COND for 2 messages`, `COND for 5m`: see the machine's temporals.
    Temporal(TemporalId),
    /// `2 of [..]`.
    AtLeast {
        /// How many must hold.
        count: u32,
        /// Of these.
        conds: Vec<Expr>,
    },
    /// Failed to check; already reported.
    Error,
}

/// How long a condition must have held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// In each of the customer's last N messages.
    Messages(u32),
    /// For this many milliseconds.
    Millis(i64),
}

/// A condition with memory.
#[derive(Debug, Clone)]
pub struct Temporal {
    /// The condition.
    pub cond: Expr,
    /// How long.
    pub held: Held,
    /// The condition's source text, normalised: the key under which a conversation remembers it across versions.
    pub key: SmolStr,
}

/// A pattern of a `match` arm, a band or a matrix cell.
#[derive(Debug, Clone, PartialEq)]
pub enum CellPattern {
    /// `_` / `otherwise`: everything, the unknown too.
    Any,
    /// This value.
    Value(Value),
    /// Known, and none of these.
    Not(Vec<Value>),
    /// Between, ends as said; `None` is open.
    Range {
        /// Lower end.
        low: Option<Value>,
        /// Whether the lower end belongs to it.
        low_included: bool,
        /// Upper end.
        high: Option<Value>,
        /// Whether the upper end belongs to it.
        high_included: bool,
    },
    /// Not known.
    Unknown,
    /// These words are found in the text.
    Words(SmolStr),
}

/// Values of a domain that the checker enumerates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainValues {
    /// Which.
    pub domain: Domain,
    /// All of them, `none`/`other` included.
    pub values: Vec<SmolStr>,
}
