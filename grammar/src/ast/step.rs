//! Bodies that run: steps, questions, arms and targets.

use super::expr::{Expr, Path, TextRef};
use crate::span::{Name, Span, Spanned};

/// Steps in braces.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Body {
    /// In order.
    pub steps: Vec<Step>,
    /// With its braces.
    pub span: Span,
}

/// One step with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The whole step.
    pub span: Span,
}

/// Where an arrow, or an arm, leads.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// `node_name`.
    Node(Path),
    /// `end resolved` (`true`) / `end unresolved`.
    End(Spanned<bool>),
    /// Any `escalate` form.
    Escalate(Box<Escalate>),
    /// `back`.
    Back(Span),
    /// Could not be read; already reported.
    Error(Span),
}

/// `escalate`, `escalate RULE`, `escalate [to TIER] [priority P] [because TEXT]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Escalate {
    /// `escalate RULE`.
    pub rule: Option<Path>,
    /// `to TIER`; absent: the next tier up.
    pub to: Option<Name>,
    /// `priority high`.
    pub priority: Option<Name>,
    /// `because TEXT`.
    pub because: Option<TextRef>,
    /// From `escalate` on.
    pub span: Span,
}

/// What follows a label: an arrow or a body. `{ yes -> x }` or `{ yes { .. } }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// `-> TARGET`.
    Target(Target),
    /// `{ steps }`.
    Body(Body),
}

/// The label of an arm.
#[derive(Debug, Clone, PartialEq)]
pub enum ArmHead {
    /// A button: `"Track an order"` or the name of a text.
    Label(TextRef),
    /// One or several values, comma-separated: `delivered, cancelled`, also ranges `1..3`, literals, comparisons `>= 3`.
    Values(Vec<Cell>),
    /// `otherwise`.
    Otherwise,
    /// A keyword of the construct: `failed`, `yes`, `no`, `none`, `worked`, `declined`, `resolved`, `returned`.
    Keyword(Name),
    /// `intent X, Y` in `listen`.
    Intent(Vec<Path>),
}

/// A labelled way on.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its label.
    pub head: ArmHead,
    /// Where the label stands.
    pub head_span: Span,
    /// What follows; absent when it could not be read.
    pub then: Option<Then>,
    /// The whole arm.
    pub span: Span,
}

/// A pattern: a cell of a matrix, a value of a `match` arm, a band.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// `_`.
    Any(Span),
    /// A value: a bare name, a literal.
    Value(Expr),
    /// `not VALUE` (or `not a, b` - all the values that follow).
    Not(Vec<Expr>, Span),
    /// `60%..80%`.
    Range(Expr, Expr, Span),
    /// `>= 100_000 USD`.
    Compare(super::expr::BinaryOp, Expr, Span),
    /// `unknown`.
    Unknown(Span),
    /// `4h of office`, in a column `within`.
    Within(Within),
    /// Could not be read; already reported.
    Error(Span),
}

impl Cell {
    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Any(s) | Self::Unknown(s) | Self::Error(s) => *s,
            Self::Value(e) => e.span,
            Self::Within(w) => w.span,
            Self::Not(_, s) | Self::Range(_, _, s) | Self::Compare(_, _, s) => *s,
        }
    }
}

/// The block of a question: `invalid TEXT; retry N; otherwise -> ..` and arms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuestionBlock {
    /// `invalid TEXT`.
    pub invalid: Option<TextRef>,
    /// `retry N`.
    pub retry: Option<Spanned<u32>>,
    /// `label TEXT` (in `choose SLOT from LIST`).
    pub label: Option<TextRef>,
    /// Everything with a label, `otherwise` included, in order.
    pub arms: Vec<Arm>,
    /// With its braces; empty at the step's end when no block was written.
    pub span: Span,
    /// Whether a block was written.
    pub present: bool,
}

/// An attachment of `say`: `image "url"`, `file "url"`, `card { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Attachment {
    /// `image URL`.
    Image(TextRef),
    /// `file URL`.
    File(TextRef),
    /// `card { title ..; text ..; image ..; link .. }`.
    Card {
        /// `title TEXT`.
        title: Option<TextRef>,
        /// `text TEXT`.
        text: Option<TextRef>,
        /// `image URL`.
        image: Option<TextRef>,
        /// `link URL`.
        link: Option<TextRef>,
        /// The whole card.
        span: Span,
    },
}

/// `within 4h [of HOURS]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// Milliseconds.
    pub millis: Spanned<i64>,
    /// `of HOURS`: counts open time.
    pub of: Option<Path>,
    /// The whole phrase.
    pub span: Span,
}

/// What a `survey` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SurveyKind {
    /// `csat`, 1..5.
    Csat,
    /// `effort`, 1..7.
    Effort,
    /// `handoff`, 1..5.
    Handoff,
}

/// The kinds of steps.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// `say TEXT { .. }`, `say one of [..] { .. }`.
    Say {
        /// One text, or the alternatives.
        texts: Vec<TextRef>,
        /// `one of` was written.
        one_of: bool,
        /// The attachments.
        attachments: Vec<Attachment>,
    },
    /// `ask SLOT TEXT { .. }`. The text may be absent where the slot has an `ask` of its own.
    Ask {
        /// `order_id`, `customer.email`.
        slot: Path,
        /// The question.
        text: Option<TextRef>,
        /// Its block.
        block: Box<QuestionBlock>,
    },
    /// `form SLOT, SLOT {..}`.
    Form {
        /// What is collected.
        slots: Vec<Path>,
        /// Its block.
        block: Box<QuestionBlock>,
    },
    /// `choose TEXT { "Label" -> ..; otherwise .. }`.
    Choose {
        /// The question.
        text: Option<TextRef>,
        /// Its block.
        block: Box<QuestionBlock>,
    },
    /// `choose SLOT from LIST TEXT { label "{it.no}"; none -> ..; otherwise -> .. }`.
    ChooseFrom {
        /// The slot that takes the choice.
        slot: Path,
        /// The list.
        from: Box<Expr>,
        /// The question.
        text: Option<TextRef>,
        /// Its block.
        block: Box<QuestionBlock>,
    },
    /// `confirm TEXT { yes -> ..; no -> .. }`.
    Confirm {
        /// The question.
        text: Option<TextRef>,
        /// Its block.
        block: Box<QuestionBlock>,
    },
    /// `listen { intent X -> ..; otherwise -> .. }`.
    Listen {
        /// Its block.
        block: Box<QuestionBlock>,
    },
    /// `set SLOT = EXPR`.
    Set(Path, Expr),
    /// `clear SLOT`.
    Clear(Path),
    /// `if COND { } else if COND { } else { }`.
    If {
        /// Conditions with their bodies, in order.
        branches: Vec<(Expr, Body)>,
        /// `else { }`.
        otherwise: Option<Body>,
    },
    /// `match EXPR { .. }`.
    Match {
        /// What is looked at.
        subject: Expr,
        /// The arms (`Values` and `Otherwise`).
        arms: Vec<Arm>,
        /// The block with its braces.
        block_span: Span,
    },
    /// `call WEBHOOK(args) as NAME { failed -> .. }`.
    Call {
        /// The webhook.
        webhook: Path,
        /// Its arguments.
        args: Vec<Expr>,
        /// `as NAME`.
        binding: Option<Name>,
        /// Arms with the keyword `failed`.
        arms: Vec<Arm>,
    },
    /// `visit NODE`.
    Visit(Path),
    /// `back`.
    Back,
    /// `-> TARGET`.
    Goto(Target),
    /// `continue with TIER {..}`.
    ContinueWith {
        /// The tier.
        tier: Name,
        /// Arms: `resolved`, `otherwise`.
        arms: Vec<Arm>,
    },
    /// `note TEXT`.
    Note(TextRef),
    /// `tag WORD`.
    Tag(Name),
    /// `attempt TEXT { worked ..; declined .. }`.
    Attempt {
        /// What was tried.
        text: TextRef,
        /// Arms: `worked`, `declined`, perhaps `otherwise`.
        arms: Vec<Arm>,
        /// Whether a block was written.
        asks: bool,
    },
    /// `ticket [within ..] [TEXT]`.
    Ticket {
        /// The promise.
        within: Option<Within>,
        /// What is said.
        text: Option<TextRef>,
    },
    /// `callback within .. [TEXT]`.
    Callback {
        /// The promise.
        within: Option<Within>,
        /// What is said.
        text: Option<TextRef>,
    },
    /// `verify FIELD TEXT { failed -> .. }`.
    Verify {
        /// The customer field.
        field: Path,
        /// What is said.
        text: Option<TextRef>,
        /// Arms with the keyword `failed`.
        block: Box<QuestionBlock>,
    },
    /// `survey csat TEXT`.
    Survey {
        /// Which.
        kind: Spanned<SurveyKind>,
        /// The question.
        text: Option<TextRef>,
    },
    /// An `escalate` form.
    Escalate(Box<Escalate>),
    /// `end resolved` (`true`) / `end unresolved`.
    End(bool),
    /// `offer [when COND] { callback ..; ticket ..; stay .. }`: only in a handoff.
    Offer(Offer),
    /// Could not be read; already reported.
    Error,
}

/// `offer when COND { callback within 2h "Label"; ticket "Label"; stay "Label" }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// `when COND`.
    pub when: Option<Expr>,
    /// The alternatives.
    pub items: Vec<OfferItem>,
    /// The whole offer.
    pub span: Span,
}

/// One alternative of an offer.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferItem {
    /// What it is.
    pub kind: OfferKind,
    /// The button.
    pub label: Option<TextRef>,
    /// The whole item.
    pub span: Span,
}

/// The kinds of alternatives.
#[derive(Debug, Clone, PartialEq)]
pub enum OfferKind {
    /// `callback [within ..]`.
    Callback(Option<Within>),
    /// `ticket [within ..]`.
    Ticket(Option<Within>),
    /// `stay`.
    Stay,
    /// `continue with TIER`.
    ContinueWith(Name),
    /// A button with a target: `"Label" -> node`.
    Target(Target),
}
