//! Operations: the vertices of the state machine. Every successor is explicit, so the machine is a graph.

use super::expr::{CellPattern, Expr};
use crate::value::{
    CodeId, FieldId, HoursId, IntentId, LocalId, NodeId, OpId, PlaceId, RuleId, SlotId, TextId,
    TierId, WebhookId,
};
use flow_grammar::{Loc, ast::SurveyKind};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// How urgent, in rising order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "named as in the language")]
pub enum Priority {
    #[default]
    Standard,
    Medium,
    High,
    Immediate,
}

impl Priority {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Immediate => "immediate",
        }
    }

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "standard" => Self::Standard,
            "medium" => Self::Medium,
            "high" => Self::High,
            "immediate" => Self::Immediate,
            _ => return None,
        })
    }
}

/// What a question fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Var {
    /// A slot.
    Slot(SlotId),
    /// A field of the profile.
    Customer(FieldId),
}

/// An operation.
#[derive(Debug, Clone)]
pub struct Op {
    /// What it does.
    pub kind: OpKind,
    /// Where it is written.
    pub loc: Loc,
    /// The body it belongs to.
    pub code: CodeId,
}

/// What every question has: how a bad answer is met.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where the conversation waits.
    pub place: PlaceId,
    /// The question; absent: the slot's own, or the built-in one.
    pub text: Option<TextId>,
    /// `invalid TEXT`; absent: the question again.
    pub invalid: Option<TextId>,
    /// How often a bad answer is met by asking again (default 2).
    pub retry: u32,
    /// Afterwards. A written `otherwise`, else an operation that escalates one tier up.
    pub otherwise: OpId,
    /// Whether `otherwise` was written.
    pub otherwise_written: bool,
}

/// `escalate ..`.
#[derive(Debug, Clone)]
pub struct EscalateSpec {
    /// A rule's effect.
    pub rule: Option<RuleId>,
    /// The tier; absent: the rule's, else the next tier up.
    pub to: Option<TierId>,
    /// Absent: the rule's, else standard.
    pub priority: Option<Priority>,
    /// The reason.
    pub because: Option<TextId>,
}

/// A promise: within a time, perhaps of open hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Milliseconds.
    pub millis: i64,
    /// Count only time in which these are open.
    pub of: Option<HoursId>,
    /// Where it is written.
    pub loc: Loc,
}

/// An attachment of a message.
#[derive(Debug, Clone)]
pub enum Attachment {
    /// A picture, by URL.
    Image(TextId),
    /// A file, by URL.
    File(TextId),
    /// A card.
    Card {
        /// Its title.
        title: Option<TextId>,
        /// Its text.
        text: Option<TextId>,
        /// Its picture's URL.
        image: Option<TextId>,
        /// Its link.
        link: Option<TextId>,
    },
}

/// `offer when .. { .. }`.
#[derive(Debug, Clone)]
pub struct Offer {
    /// `when`.
    pub when: Option<Expr>,
    /// The buttons.
    pub items: Vec<OfferItem>,
    /// Where it is written.
    pub loc: Loc,
}

/// A button of an offer.
#[derive(Debug, Clone)]
pub struct OfferItem {
    /// What it does.
    pub kind: OfferKind,
    /// Its label; absent: a built-in one in the conversation's language.
    pub label: Option<TextId>,
    /// Where it is written.
    pub loc: Loc,
}

/// What a button of an offer does.
#[derive(Debug, Clone)]
pub enum OfferKind {
    /// Books a callback and leaves the queue.
    Callback(Option<Promise>),
    /// Opens a ticket and leaves the queue.
    Ticket(Option<Promise>),
    /// Stays in the queue.
    Stay,
    /// Leaves the queue and goes on with a tier.
    ContinueWith(TierId),
    /// Leaves the queue and goes on at an operation.
    Target(OpId),
}

/// The kinds of operations. `next` is where a conversation goes on.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "named as the steps of the language; fields as in Question and the steps' table"
)]
pub enum OpKind {
    Say {
        texts: Vec<TextId>,
        attachments: Vec<Attachment>,
        next: OpId,
    },
    Ask {
        var: Var,
        question: Question,
        next: OpId,
    },
    Form {
        vars: Vec<Var>,
        question: Question,
        next: OpId,
    },
    Choose {
        question: Question,
        buttons: Vec<Button>,
    },
    ChooseFrom {
        var: Var,
        from: Box<Expr>,
        label: Option<TextId>,
        none: Option<OpId>,
        question: Question,
        next: OpId,
    },
    Confirm {
        question: Question,
        yes: OpId,
        no: OpId,
    },
    Listen {
        question: Question,
        arms: Vec<(Vec<IntentId>, OpId)>,
    },
    Set {
        slot: Var,
        value: Box<Expr>,
        next: OpId,
    },
    Clear {
        slot: Var,
        next: OpId,
    },
    /// `if`: the first condition that is true; else `otherwise`.
    Branch {
        arms: Vec<(Expr, OpId)>,
        otherwise: OpId,
    },
    /// The first pattern that fits; a checked machine always has one that does.
    Match {
        subject: Box<Expr>,
        arms: Vec<MatchArm>,
        otherwise: OpId,
    },
    Call {
        webhook: WebhookId,
        args: Vec<Expr>,
        local: Option<LocalId>,
        failed: OpId,
        next: OpId,
    },
    Visit {
        node: NodeId,
        next: OpId,
    },
    Goto {
        node: NodeId,
    },
    /// `back`: returns to where the visit or the handler came from.
    Back,
    /// The end of a body: like `back` where the body was visited; in a node that was not, the conversation waits for the customer's next message.
    Finish,
    /// `resolved`: the tier solved it. `otherwise`: it gave up, or climbed back. Without arms the tier keeps the conversation.
    ContinueWith {
        tier: TierId,
        resolved: Option<OpId>,
        otherwise: Option<OpId>,
        place: PlaceId,
    },
    Note {
        text: TextId,
        next: OpId,
    },
    Tag {
        word: SmolStr,
        next: OpId,
    },
    /// Without `question` the attempt is only recorded and goes on at `worked`.
    Attempt {
        text: TextId,
        question: Option<Question>,
        worked: OpId,
        declined: OpId,
    },
    Ticket {
        promise: Option<Promise>,
        text: Option<TextId>,
        next: OpId,
    },
    Callback {
        promise: Option<Promise>,
        text: Option<TextId>,
        next: OpId,
    },
    Verify {
        field: FieldId,
        question: Question,
        failed: OpId,
        next: OpId,
    },
    Survey {
        kind: SurveyKind,
        question: Question,
        next: OpId,
    },
    Escalate(EscalateSpec),
    End {
        resolved: bool,
    },
    /// Only in the blocks of a handoff.
    Offer {
        offer: Box<Offer>,
        place: PlaceId,
        next: OpId,
    },
    /// Could not be compiled; already reported. Never in a machine that runs.
    Error {
        next: OpId,
        /// Where its arms lead.
        ways: Vec<OpId>,
        /// The name of a node that there is not, where it would have led to one.
        meant: Option<SmolStr>,
    },
}

/// A button of `choose` or of the menu.
#[derive(Debug, Clone)]
pub struct Button {
    /// Its label.
    pub label: TextId,
    /// Where it leads.
    pub to: OpId,
    /// Where it is written.
    pub loc: Loc,
}

/// An arm of `match`.
#[derive(Debug, Clone)]
pub struct MatchArm {
    /// Any of these.
    pub patterns: Vec<CellPattern>,
    /// Where it leads.
    pub to: OpId,
    /// Where its head is written.
    pub loc: Loc,
    /// Where each pattern is written.
    pub pattern_locs: Vec<Loc>,
}

/// Why one operation follows another; the label of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as the arms of the language")]
pub enum Transition {
    Next,
    Label(TextId),
    Arm(u32),
    Otherwise,
    Failed,
    Yes,
    No,
    NoneLeft,
    Intent(u32),
    Then(u32),
    Else,
    Visit,
    Goto,
    Resolved,
    Worked,
    Declined,
    Offered(u32),
}

/// A place where a conversation can wait for the customer.
#[derive(Debug, Clone)]
pub struct Place {
    /// The operation that waits.
    pub op: OpId,
    /// Its stable name, `node/kind subject`, with `#2` for a repetition: the same in a later version of the bot.
    pub key: SmolStr,
}
