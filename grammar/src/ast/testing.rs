//! `test` declarations.

use super::expr::{Expr, Path, TextLit};
use crate::span::{Name, Span, Spanned};
use smol_str::SmolStr;

/// One line of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestStep {
    /// What it does.
    pub kind: TestStepKind,
    /// The whole line.
    pub span: Span,
}

/// `{ name "Ana"; plan pro }`: field names and values.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// In order.
    pub fields: Vec<(Name, Datum)>,
    /// With its braces.
    pub span: Span,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// `"Ana"`, `pro`, `30 USD`, `[a, b]`.
    Value(Expr),
    /// `{ .. }`: a record.
    Record(Fields),
    /// `[{ .. }, ..]`: records.
    List(Vec<Fields>, Span),
}

/// What a mock answers.
#[derive(Debug, Clone, PartialEq)]
pub enum MockAnswer {
    /// `returns { .. }`.
    Record(Fields),
    /// `returns [{ .. }, ..]`.
    List(Vec<Fields>, Span),
    /// `returns VALUE`.
    Value(Expr),
    /// `ok`.
    Ok,
    /// `fails`.
    Fails,
}

/// The kinds of lines.
#[derive(Debug, Clone, PartialEq)]
pub enum TestStepKind {
    /// `at 2026-03-02 10:00`.
    At(Expr),
    /// `given customer { .. }`.
    GivenCustomer(Fields),
    /// `given agent leo in finance, support speaks en, es skills billing`; also `given agent leo away`.
    GivenAgent {
        /// Who.
        agent: Name,
        /// `in TEAM, TEAM`.
        teams: Vec<Path>,
        /// `speaks en, es`.
        languages: Vec<Name>,
        /// `skills a, b`.
        skills: Vec<Name>,
        /// `away` was written.
        away: bool,
    },
    /// `given slots { .. }`, `given channel whatsapp`, `given language es`, `given page "https://.."`: a field and its value(s).
    Given(Name, GivenValue),
    /// `customer "text"`.
    Customer(TextLit),
    /// `customer presses "Label"`.
    Presses(TextLit),
    /// `customer sends file "photo.jpg"`.
    SendsFile(TextLit),
    /// `customer verifies` (`true`) / `customer fails verification`.
    Verifies(bool),
    /// `customer leaves`.
    Leaves,
    /// `bot "exact text"`.
    Bot(TextLit),
    /// `bot matches /re/`.
    BotMatches(Spanned<SmolStr>),
    /// `wait 6m`, in milliseconds.
    Wait(Spanned<i64>),
    /// `mock find_order returns ..`.
    Mock(Path, MockAnswer),
    /// `model answers ".." confidence 45%`.
    ModelAnswers(TextLit, Option<Expr>),
    /// `model calls find_order("AB-123456")`.
    ModelCalls(Path, Vec<Expr>),
    /// `model fails`.
    ModelFails,
    /// `agent leo accepts`.
    AgentAccepts(Name),
    /// `agent leo declines`.
    AgentDeclines(Name),
    /// `agent leo "text"`.
    AgentSays(Name, TextLit),
    /// `agent leo resolves "text"`.
    AgentResolves(Name, Option<TextLit>),
    /// `agent leo returns ["text"]`.
    AgentReturns(Name, Option<TextLit>),
    /// `agent leo leaves` / `agent leo comes` (`true`).
    AgentPresence(Name, bool),
    /// `trigger renewal { .. }`: an outside event.
    Trigger(Path, Fields),
    /// `expect ..`.
    Expect(Expectation),
    /// Could not be read; already reported.
    Error,
}

/// What `given NAME ..` gives.
#[derive(Debug, Clone, PartialEq)]
pub enum GivenValue {
    /// `{ .. }`.
    Fields(Fields),
    /// A value.
    Value(Expr),
}

/// What `expect` asserts.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// `expect not ..`.
    Not(Box<Expectation>),
    /// `expect escalated [by RULE] [to TIER] [priority P]`.
    Escalated {
        /// `by RULE`.
        by: Option<Path>,
        /// `to TIER`.
        to: Option<Name>,
        /// `priority P`.
        priority: Option<Name>,
    },
    /// `expect routed to TEAM [priority P]`.
    Routed {
        /// The team.
        team: Path,
        /// `priority P`.
        priority: Option<Name>,
    },
    /// `expect handoff has customer.name, transcript`.
    HandoffHas(Vec<Path>),
    /// `expect resolved`.
    Resolved,
    /// `expect ended` / `expect unresolved`.
    Unresolved,
    /// `expect node is track`.
    Node(Path),
    /// `expect slot order_id is "AB-123456"`; `expect slot x is known|unknown`.
    Slot(Path, SlotState),
    /// `expect tier is ai`.
    Tier(Name),
    /// `expect said ".."`.
    Said(TextLit),
    /// `expect said matches /re/`.
    SaidMatches(Spanned<SmolStr>),
    /// `expect ticket`.
    Ticket,
    /// `expect callback`.
    Callback,
    /// `expect waiting position 2`, `expect waiting`.
    Waiting(Option<Spanned<u32>>),
    /// `expect agent leo connected`.
    Connected(Name),
    /// `expect called find_order`.
    Called(Path),
    /// Any condition of the language: `expect intent is billing`, `expect confidence >= 80%`.
    Condition(Expr),
    /// Could not be read; already reported.
    Error,
}

/// What `expect slot` asserts of a slot.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotState {
    /// `is VALUE`.
    Is(Expr),
    /// `is not VALUE`.
    IsNot(Expr),
    /// `is known`.
    Known,
    /// `is unknown`.
    Unknown,
}
