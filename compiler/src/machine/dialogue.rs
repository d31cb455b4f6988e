//! What a bot understands and says: intents, FAQs, nodes, texts, handlers.

use super::expr::Expr;
use crate::value::{CodeId, IntentId, NodeId, OpId, SlotId, TextId, TierId, Type};
use flow_grammar::Loc;
use smol_str::SmolStr;

/// An intent.
#[derive(Debug, Clone)]
pub struct Intent {
    /// Its name.
    pub name: SmolStr,
    /// `regulated`, perhaps under a condition.
    pub regulated: Option<Regulated>,
    /// `(language, example)`; a slot in an example is written `{slot}` in the text and named in order.
    pub examples: Vec<IntentExample>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// `regulated [when COND]`.
#[derive(Debug, Clone)]
pub struct Regulated {
    /// The condition; absent: always.
    pub when: Option<Expr>,
}

/// An example message.
#[derive(Debug, Clone)]
pub struct IntentExample {
    /// Its language.
    pub language: SmolStr,
    /// Its parts.
    pub parts: Vec<ExamplePart>,
    /// Where it is written.
    pub loc: Loc,
}

/// A part of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExamplePart {
    /// Words.
    Text(SmolStr),
    /// A value of this slot.
    Slot(SlotId),
}

/// A FAQ.
#[derive(Debug, Clone)]
pub struct Faq {
    /// Its name.
    pub name: SmolStr,
    /// `(language, question)`.
    pub questions: Vec<IntentExample>,
    /// The answer.
    pub answer: TextId,
    /// A link.
    pub link: Option<TextId>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name.
    pub name: SmolStr,
    /// `was OLD`.
    pub was: Option<SmolStr>,
    /// `///`.
    pub doc: Option<String>,
    /// Its body.
    pub code: CodeId,
    /// Its first operation.
    pub entry: OpId,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// A body.
#[derive(Debug, Clone)]
pub struct Code {
    /// Whose.
    pub owner: CodeOwner,
    /// Its first operation.
    pub entry: OpId,
    /// Names of its `as` results, by local id.
    pub locals: Vec<LocalDef>,
    /// The body in the source.
    pub loc: Loc,
}

/// A named result of a call.
#[derive(Debug, Clone)]
pub struct LocalDef {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Whether it can be unknown after a call that succeeded.
    pub optional: bool,
    /// Where it is named.
    pub loc: Loc,
}

/// Whose body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeOwner {
    /// A node's.
    Node(NodeId),
    /// A handler's, by index.
    Handler(u32),
    /// The menu's targets.
    Menu,
    /// A block of a handoff, by index.
    Handoff(u32, HandoffBlock),
    /// A trigger's, by index.
    Trigger(u32),
    /// A band of a tier.
    Band(TierId),
}

/// The blocks of a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in the language")]
pub enum HandoffBlock {
    Full,
    Closed,
    Unstaffed,
    Resolved,
    Returned,
    Offer,
}

/// A text.
#[derive(Debug, Clone)]
pub struct Text {
    /// Its name, if it has one.
    pub name: Option<SmolStr>,
    /// Its variants; an inline text has one, without language and channel.
    pub variants: Vec<TextVariant>,
    /// Where it is written.
    pub loc: Loc,
}

/// A variant of a text.
#[derive(Debug, Clone)]
pub struct TextVariant {
    /// For which language; absent: any.
    pub language: Option<SmolStr>,
    /// For which channel; absent: any.
    pub channel: Option<SmolStr>,
    /// Its parts.
    pub parts: Vec<TextPart>,
    /// Where it is written.
    pub loc: Loc,
}

/// A part of a text.
#[derive(Debug, Clone)]
pub enum TextPart {
    /// As is.
    Str(SmolStr),
    /// A value.
    Expr(Expr),
}

/// A handler.
#[derive(Debug, Clone)]
pub struct Handler {
    /// What it waits for.
    pub event: HandlerEvent,
    /// Its body; `on X visit N` is a body that visits, `on X -> N` one that goes.
    pub code: CodeId,
    /// Its first operation.
    pub entry: OpId,
    /// Where it is declared.
    pub loc: Loc,
}

/// What a handler waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in the language")]
pub enum HandlerEvent {
    Intent(IntentId),
    /// Milliseconds.
    Silence(i64),
    File,
    Escalate,
    Start,
    Resolve,
    Abandon,
    Ticket,
    Callback,
    Connected,
    Survey,
}
