//! The bot, its tiers, its types, and what it knows of a conversation.

use super::expr::{CellPattern, Expr, Pattern};
use super::op::Button;
use crate::value::{FieldId, KnowledgeId, NodeId, OpId, SlotId, TextId, TierId, Type, WebhookId};
use flow_grammar::Loc;
use flow_grammar::ast::TierKind;
use smol_str::SmolStr;
use std::sync::Arc;

/// The bot.
#[derive(Debug, Clone)]
pub struct Bot {
    /// Its name.
    pub name: SmolStr,
    /// Its title, else its name in words.
    pub title: SmolStr,
    /// Declared languages; the first is the default.
    pub languages: Vec<SmolStr>,
    /// Declared channels.
    pub channels: Vec<SmolStr>,
    /// IANA name; `UTC` if not given.
    pub timezone: SmolStr,
    /// The node that opens.
    pub start: NodeId,
    /// `TIER when COND`: the first that holds opens instead.
    pub start_lines: Vec<(TierId, Expr)>,
    /// Buttons that are always in sight.
    pub menu: Vec<Button>,
    /// Said once, before the first answer of a model.
    pub discloses: Option<TextId>,
    /// Milliseconds; a message within it reopens a closed conversation.
    pub reopen_within: Option<i64>,
    /// Milliseconds without a word of the customer.
    pub abandon_after: Option<i64>,
    /// From this probability on an intent is sure enough (default 0.8).
    pub understands_from: f64,
    /// The declaration.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// A tier.
#[derive(Debug, Clone)]
pub struct Tier {
    /// Its name.
    pub name: SmolStr,
    /// Its kind.
    pub kind: TierKind,
    /// Cost of a conversation that touches it.
    pub cost: Option<crate::value::Money>,
    /// Milliseconds.
    pub reply_within: Option<i64>,
    /// The provider's name in the daemon's configuration.
    pub model: Option<SmolStr>,
    /// What a model answers from.
    pub knowledge: Vec<KnowledgeId>,
    /// What a model may call.
    pub tools: Vec<Tool>,
    /// `transcript` was named: raw messages go to the model.
    pub shares_transcript: bool,
    /// Private values that may go to the model.
    pub shares: Vec<Shared>,
    /// The persona.
    pub persona: Option<TextId>,
    /// What it must not talk about.
    pub forbid: Vec<SmolStr>,
    /// Answers at most.
    pub turns_at_most: Option<u32>,
    /// The bands, in order; empty: `send` for all.
    pub bands: Vec<Band>,
    /// The declaration.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// A private value that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// A profile field.
    Customer(FieldId),
    /// A slot.
    Slot(SlotId),
}

/// A webhook that a model may call.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Which.
    pub webhook: WebhookId,
    /// The customer's consent comes first.
    pub confirm: bool,
    /// Where it is named.
    pub loc: Loc,
}

/// A band of `answers by confidence`.
#[derive(Debug, Clone)]
pub struct Band {
    /// The range (of percents).
    pub range: CellPattern,
    /// What happens.
    pub action: BandAction,
    /// Where it is written.
    pub loc: Loc,
}

/// What happens with an answer.
#[derive(Debug, Clone)]
pub enum BandAction {
    /// Send it.
    Send,
    /// Send it and ask whether it helped; the text of the question.
    Confirm(Option<TextId>),
    /// Send it and offer a tier.
    Offer(TierId),
    /// Do not send it; the operation (an escalate or a goto) goes on.
    Instead(OpId),
}

/// An enum.
#[derive(Debug, Clone)]
pub struct EnumDef {
    /// Its name.
    pub name: SmolStr,
    /// Its values in order.
    pub values: Vec<SmolStr>,
    /// Where it is declared.
    pub loc: Loc,
}

/// A record.
#[derive(Debug, Clone)]
pub struct RecordDef {
    /// Its name.
    pub name: SmolStr,
    /// Its fields.
    pub fields: Vec<FieldDef>,
    /// Where it is declared.
    pub loc: Loc,
}

/// A field of a record or profile, or a slot.
#[derive(Debug, Clone)]
pub struct FieldDef {
    /// Its name.
    pub name: SmolStr,
    /// `was OLD`.
    pub was: Option<SmolStr>,
    /// `///`.
    pub doc: Option<String>,
    /// Its type.
    pub ty: Type,
    /// `T?` was written.
    pub optional: bool,
    /// `matching`.
    pub matching: Option<Arc<Pattern>>,
    /// `of image, pdf`.
    pub file_kinds: Vec<SmolStr>,
    /// `at most 10 MB`, bytes.
    pub max_bytes: Option<u64>,
    /// `= default`.
    pub default: Option<Expr>,
    /// Personal data, or it holds a record of which a field is.
    pub private: bool,
    /// Only what its record declares `private` is, not the record's other fields.
    pub in_part: bool,
    /// Joins conversations of one person, on proof.
    pub identifies: bool,
    /// How it is asked for.
    pub ask: Option<TextId>,
    /// The line.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// `customer from WEBHOOK(args)`.
#[derive(Debug, Clone)]
pub struct ProfileSource {
    /// The webhook.
    pub webhook: WebhookId,
    /// Its arguments; it is called once all are known and proven.
    pub args: Vec<Expr>,
    /// Where it is written.
    pub loc: Loc,
}

/// A segment.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its name.
    pub name: SmolStr,
    /// Its condition.
    pub when: Expr,
    /// Where it is declared.
    pub loc: Loc,
}

/// A threshold.
#[derive(Debug, Clone)]
pub struct Threshold {
    /// Its name.
    pub name: SmolStr,
    /// The value otherwise.
    pub default: Expr,
    /// `(value, condition)`; the first that holds decides.
    pub lines: Vec<(Expr, Expr)>,
    /// Its type.
    pub ty: Type,
    /// Where it is declared.
    pub loc: Loc,
}
