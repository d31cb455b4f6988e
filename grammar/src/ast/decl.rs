//! Declarations: the top level of a flow file; the bot, its tiers, its types, and what it knows.

use super::dialogue::{FaqDecl, IntentDecl, NodeDecl, OnDecl, TextDecl, ThresholdDecl};
use super::expr::{Expr, Path, TextLit, TextRef, TypeExpr};
use super::outside::{HookDecl, TestDecl, TriggerDecl, WebhookDecl};
use super::service::{
    AssistDecl, HandoffDecl, HoursDecl, LearnDecl, RouteDecl, RuleDecl, TargetsDecl, TeamDecl,
};
use super::step::{Arm, Cell, Target};
use crate::span::{Name, Span, Spanned};
use smol_str::SmolStr;

/// One declaration, parsed by itself. Spans are relative to its first byte (its doc comments included).
#[derive(Debug, Clone, PartialEq)]
pub struct Decl {
    /// `///` lines before it, joined by newlines, without the slashes.
    pub doc: Option<String>,
    /// What it declares.
    pub kind: DeclKind,
    /// From its keyword to its end.
    pub span: Span,
}

/// The kinds of declarations.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each variant is named after its keyword; the structs carry the documentation"
)]
pub enum DeclKind {
    Use(UseDecl),
    Include(Path),
    Bot(Box<BotDecl>),
    Channel(Box<ChannelDecl>),
    Tier(Box<TierDecl>),
    Customer(CustomerDecl),
    Slots(SlotsDecl),
    Enum(EnumDecl),
    Record(RecordDecl),
    Segment(SegmentDecl),
    Knowledge(KnowledgeDecl),
    Intent(IntentDecl),
    On(OnDecl),
    Faq(FaqDecl),
    Node(NodeDecl),
    Text(TextDecl),
    Threshold(ThresholdDecl),
    EscalateRule(Box<RuleDecl>),
    Hours(HoursDecl),
    Team(Box<TeamDecl>),
    Route(Box<RouteDecl>),
    Handoff(Box<HandoffDecl>),
    Assist(AssistDecl),
    Learn(LearnDecl),
    Targets(TargetsDecl),
    Webhook(Box<WebhookDecl>),
    Hook(HookDecl),
    Trigger(Box<TriggerDecl>),
    Test(TestDecl),
    /// Nothing could be made of it; already reported.
    Error,
}

/// `use "../common" as common`.
#[derive(Debug, Clone, PartialEq)]
pub struct UseDecl {
    /// The folder, relative to the file's folder.
    pub path: TextLit,
    /// `as NAME`.
    pub alias: Option<Name>,
}

/// `bot NAME { .. }`. Lists are empty and options absent where nothing was written.
#[derive(Debug, Clone, PartialEq)]
pub struct BotDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `title TEXT`.
    pub title: Option<TextRef>,
    /// `languages en, es`; the first is the default.
    pub languages: Vec<Name>,
    /// `channels web, whatsapp`.
    pub channels: Vec<Name>,
    /// `timezone "Europe/London"`.
    pub timezone: Option<TextLit>,
    /// `tiers bot -> ai -> human`, lowest first.
    pub tiers: Vec<Name>,
    /// `start greet { .. }`.
    pub start: Option<StartItem>,
    /// `menu { "Label" -> TARGET }`.
    pub menu: Vec<Arm>,
    /// `discloses TEXT`.
    pub discloses: Option<TextRef>,
    /// `reopen within 48h`, milliseconds.
    pub reopen_within: Option<Spanned<i64>>,
    /// `abandon after 30m`, milliseconds.
    pub abandon_after: Option<Spanned<i64>>,
    /// `understands from 80%`: the confidence from which an intent is sure enough, as a fraction.
    pub understands_from: Option<Spanned<f64>>,
    /// The block.
    pub span: Span,
}

/// `start greet { human when vip; .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct StartItem {
    /// The node that otherwise opens.
    pub node: Path,
    /// `TIER when COND`, in order; the tier starts the conversation.
    pub lines: Vec<(Name, Expr)>,
    /// The whole item.
    pub span: Span,
}

/// `channel whatsapp { window 24h; reopen template "ticket_update"; follow up on email }`.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `window 24h`, milliseconds.
    pub window: Option<Spanned<i64>>,
    /// `reopen template "name"`.
    pub reopen_template: Option<TextLit>,
    /// `follow up on CHANNEL`.
    pub follow_up: Option<Name>,
    /// Further limits: `buttons at most 3`, `label at most 20`, `text at most 4096`: the word and the number.
    pub limits: Vec<(Name, Spanned<u32>)>,
}

/// The three kinds of tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TierKind {
    /// `scripted`.
    Scripted,
    /// `model`.
    Model,
    /// `people`.
    People,
}

/// `tier NAME: KIND { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TierDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its kind.
    pub kind: Option<Spanned<TierKind>>,
    /// `cost 0.02 USD`.
    pub cost: Option<Expr>,
    /// `reply within 100ms`, milliseconds.
    pub reply_within: Option<Spanned<i64>>,
    /// `model support_llm`.
    pub model: Option<Name>,
    /// `knowledge help_center`; several separated by commas.
    pub knowledge: Vec<Path>,
    /// `tools find_order, start_return confirm`.
    pub tools: Vec<ToolItem>,
    /// `shares transcript, customer.email`.
    pub shares: Vec<Path>,
    /// `persona TEXT`.
    pub persona: Option<TextRef>,
    /// `forbid "a", "b"`.
    pub forbid: Vec<TextLit>,
    /// `turns at most 8`.
    pub turns_at_most: Option<Spanned<u32>>,
    /// `answers by confidence { .. }`.
    pub answers: Option<Answers>,
    /// The whole block.
    pub span: Span,
}

/// A webhook that a model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolItem {
    /// The webhook.
    pub webhook: Path,
    /// `confirm`: the customer's consent comes first.
    pub confirm: bool,
    /// The item.
    pub span: Span,
}

/// `answers by confidence { 90%..100% send; .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// In order.
    pub bands: Vec<Band>,
    /// With its braces.
    pub span: Span,
}

/// One band.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// The range of confidence (`Cell::Range`, `Cell::Compare`, `Cell::Any` for `otherwise`).
    pub range: Cell,
    /// What happens.
    pub action: BandAction,
    /// The whole line.
    pub span: Span,
}

/// What happens with an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum BandAction {
    /// `send`.
    Send,
    /// `confirm TEXT`: send, then ask whether it helped.
    Confirm(Option<TextRef>),
    /// `offer TIER`: send, and offer that tier.
    Offer(Name),
    /// `escalate` or any escalate form.
    Escalate(super::step::Escalate),
    /// `-> NODE`.
    Goto(Target),
    /// Could not be read; already reported.
    Error,
}

/// A field of `customer`, `slots` or a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// `///` before it.
    pub doc: Option<String>,
    /// Its name.
    pub name: Name,
    /// `was OLD`.
    pub was: Option<Name>,
    /// Its type; absent when it could not be read.
    pub ty: Option<TypeExpr>,
    /// `matching /re/`.
    pub matching: Option<Spanned<SmolStr>>,
    /// `of image, pdf`.
    pub file_kinds: Vec<Name>,
    /// `at most 10 MB`, in bytes.
    pub max_bytes: Option<Spanned<u64>>,
    /// `= default`.
    pub default: Option<Expr>,
    /// `private`.
    pub private: bool,
    /// `identifies`.
    pub identifies: bool,
    /// `ask TEXT`.
    pub ask: Option<TextRef>,
    /// The whole line.
    pub span: Span,
}

/// `customer from crm_profile(customer.email) { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerDecl {
    /// `from WEBHOOK(args)`.
    pub from: Option<(Path, Vec<Expr>)>,
    /// The fields.
    pub fields: Vec<Field>,
}

/// `slots { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotsDecl {
    /// The slots.
    pub fields: Vec<Field>,
}

/// `enum NAME { a, b }`.
#[derive(Debug, Clone, PartialEq)]
pub struct EnumDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its values.
    pub values: Vec<Name>,
}

/// `record NAME { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// `segment NAME when COND`.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its condition.
    pub when: Option<Expr>,
}

/// `knowledge NAME from "glob"`.
#[derive(Debug, Clone, PartialEq)]
pub struct KnowledgeDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Globs, relative to the file's folder.
    pub from: Vec<TextLit>,
}
