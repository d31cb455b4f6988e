//! Declarations: the top level of a flow file.

use super::expr::{Expr, Path, TextLit, TextRef, TypeExpr};
use super::step::{Arm, Body, Cell, Offer, Target, Within};
use super::testing::TestStep;
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

/// `intent NAME [regulated [when COND]] { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `regulated`.
    pub regulated: bool,
    /// `when COND` after `regulated`.
    pub regulated_when: Option<Expr>,
    /// The examples. Interpolations name slots: `"has {order_id} shipped"`.
    pub examples: Vec<Example>,
}

/// An example message.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// `en` before it; absent: the bot's default language.
    pub language: Option<Name>,
    /// The message.
    pub text: TextLit,
}

/// `on EVENT ..`.
#[derive(Debug, Clone, PartialEq)]
pub struct OnDecl {
    /// What happens.
    pub event: OnEvent,
    /// Where the event is written.
    pub event_span: Span,
    /// What is done.
    pub then: Option<OnThen>,
}

/// What a handler waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum OnEvent {
    /// `intent X`.
    Intent(Path),
    /// `silence 10m`, milliseconds.
    Silence(Spanned<i64>),
    /// `file`.
    File,
    /// `escalate start resolve abandon ticket callback connected survey`.
    Lifecycle(Name),
    /// Could not be read; already reported.
    Error,
}

/// What a handler does.
#[derive(Debug, Clone, PartialEq)]
pub enum OnThen {
    /// `visit NODE`: comes back to the pending question.
    Visit(Path),
    /// `-> TARGET`: leaves the pending question.
    Target(Target),
    /// `{ steps }`.
    Body(Body),
}

/// `faq NAME { ask "..", ".."; answer TEXT; link "url" }`.
#[derive(Debug, Clone, PartialEq)]
pub struct FaqDecl {
    /// Its name.
    pub name: Option<Name>,
    /// The questions.
    pub ask: Vec<Example>,
    /// The answer.
    pub answer: Option<TextRef>,
    /// `link "url"`.
    pub link: Option<TextRef>,
}

/// `node NAME [was OLD] { steps }`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `was OLD`.
    pub was: Option<Name>,
    /// Its steps.
    pub body: Body,
}

/// `text NAME { en ".."; en on whatsapp ".." }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TextDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its variants.
    pub variants: Vec<TextVariant>,
}

/// One variant of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextVariant {
    /// The language.
    pub language: Name,
    /// `on CHANNEL`.
    pub channel: Option<Name>,
    /// The text.
    pub text: TextLit,
    /// The whole line.
    pub span: Span,
}

/// `threshold NAME = EXPR { VALUE when COND; .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdDecl {
    /// Its name.
    pub name: Option<Name>,
    /// The value otherwise.
    pub default: Option<Expr>,
    /// The first line whose condition holds decides.
    pub lines: Vec<(Expr, Expr)>,
}

/// `escalate NAME [from TIER, TIER] to TIER { .. }` at the top level.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `from TIER`; empty: every tier below `to`.
    pub from: Vec<Name>,
    /// `to TIER`.
    pub to: Option<Name>,
    /// `when COND`.
    pub when: Option<Expr>,
    /// `unless COND`.
    pub unless: Option<Expr>,
    /// `priority P`.
    pub priority: Option<Name>,
    /// `say TEXT`.
    pub say: Option<TextRef>,
    /// `because TEXT`.
    pub because: Option<TextRef>,
}

/// `hours NAME { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct HoursDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `timezone "Europe/London"`.
    pub timezone: Option<TextLit>,
    /// `mon..fri 09:00-17:30`, in order.
    pub lines: Vec<HoursLine>,
    /// `closed 2026-12-25, ..`: single dates, or ranges of dates.
    pub closed: Vec<ClosedDates>,
}

/// `mon..fri 09:00-12:00, 13:00-17:30`.
#[derive(Debug, Clone, PartialEq)]
pub struct HoursLine {
    /// Ranges of days, `mon` being `(mon, mon)`.
    pub days: Vec<(Name, Name)>,
    /// Ranges of times as written (`HH:MM`); an end before its start runs overnight; `24:00` may end a day.
    pub times: Vec<(Spanned<SmolStr>, Spanned<SmolStr>)>,
    /// The whole line.
    pub span: Span,
}

/// A date or a range of dates.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedDates {
    /// `YYYY-MM-DD`.
    pub from: Spanned<SmolStr>,
    /// The last day, included; absent for a single day.
    pub to: Option<Spanned<SmolStr>>,
}

/// `team NAME { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `title TEXT`.
    pub title: Option<TextRef>,
    /// `hours NAME`.
    pub hours: Option<Path>,
    /// `skills a, b`.
    pub skills: Vec<Name>,
    /// `languages en, es`.
    pub languages: Vec<Name>,
    /// `capacity 4 per agent`.
    pub capacity: Option<Spanned<u32>>,
    /// `assign least busy, longest idle`: the phrases in order ("least busy", "longest idle").
    pub assign: Vec<Name>,
    /// `overflow TEAM after 3m` (several are tried in order), milliseconds.
    pub overflow: Vec<(Path, Option<Spanned<i64>>)>,
}

/// `route TIER { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteDecl {
    /// The tier.
    pub tier: Option<Name>,
    /// `prefer last agent within 7d`, milliseconds.
    pub prefer_last_agent: Option<Spanned<i64>>,
    /// The header's cells in order.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// The block with its braces.
    pub span: Span,
}

/// A column's head.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// An expression to match, or a path of one segment for a result column (`team priority skill agent within`).
    pub expr: Expr,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One list of alternatives per column (`billing, refund` is two).
    pub cells: Vec<Vec<Cell>>,
    /// The row from its first to its last bar.
    pub span: Span,
}

/// `handoff TIER [when COND] { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct HandoffDecl {
    /// The tier.
    pub tier: Option<Name>,
    /// `when COND`.
    pub when: Option<Expr>,
    /// `require customer.name, issue_category`.
    pub require: Vec<Path>,
    /// `say TEXT`.
    pub say: Option<TextRef>,
    /// `update every 60s TEXT`, milliseconds.
    pub update: Option<(Spanned<i64>, Option<TextRef>)>,
    /// `offer when COND { .. }`.
    pub offers: Vec<Offer>,
    /// `accept within 30s`, milliseconds.
    pub accept_within: Option<Spanned<i64>>,
    /// `review 15s`, milliseconds.
    pub review: Option<Spanned<i64>>,
    /// `connected TEXT`.
    pub connected: Option<TextRef>,
    /// `full when COND { .. }`.
    pub full: Option<(Expr, Body)>,
    /// `closed { .. }`.
    pub closed: Option<Body>,
    /// `unstaffed { .. }`.
    pub unstaffed: Option<Body>,
    /// `resolved -> ..`.
    pub resolved: Option<Arm>,
    /// `returned -> ..`.
    pub returned: Option<Arm>,
    /// The whole declaration's block.
    pub span: Span,
}

/// `assist { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct AssistDecl {
    /// The items.
    pub items: Vec<AssistItem>,
}

/// One item of `assist`.
#[derive(Debug, Clone, PartialEq)]
pub enum AssistItem {
    /// `open TEXT`.
    Open(TextRef),
    /// `remind TEXT [when COND] [before resolve]`.
    Remind {
        /// What.
        text: TextRef,
        /// When.
        when: Option<Expr>,
        /// `before resolve`: the agent confirms it before resolving.
        before_resolve: bool,
    },
    /// `alert TEXT when COND`.
    Alert {
        /// What.
        text: TextRef,
        /// When.
        when: Option<Expr>,
    },
    /// `template NAME TEXT`.
    Template(Name, TextRef),
    /// `surface 3`, `similar 3`, `suggest 3`.
    Count(Name, Spanned<u32>),
}

/// `learn { from human; review support_leads; tune sure_enough by 5% }`.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnDecl {
    /// `from TIER`.
    pub from: Vec<Name>,
    /// `review TEAM`.
    pub review: Option<Path>,
    /// `tune THRESHOLD by 5%` (a fraction).
    pub tune: Vec<(Path, Spanned<f64>)>,
}

/// `targets { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetsDecl {
    /// The lines.
    pub items: Vec<TargetItem>,
}

/// `containment of bot >= 60%`, `alert WEBHOOK when METRIC CMP VALUE over 1h`.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetItem {
    /// `alert WEBHOOK when`.
    pub alert: Option<Path>,
    /// The metric.
    pub metric: Name,
    /// `of TIER`.
    pub of: Option<Name>,
    /// The comparison.
    pub op: super::expr::BinaryOp,
    /// The bound.
    pub value: Expr,
    /// `over 1h`, milliseconds.
    pub over: Option<Spanned<i64>>,
    /// The whole line.
    pub span: Span,
}

/// A parameter: `order_id: text`, `customer` (the whole profile), `name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type; absent in `hook f(customer)`: the type of the thing of that name.
    pub ty: Option<TypeExpr>,
}

/// HTTP methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the methods speak for themselves")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// `webhook NAME(params) -> type { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// `-> type`.
    pub returns: Option<TypeExpr>,
    /// `get "url"`.
    pub request: Option<(Spanned<Method>, TextLit)>,
    /// `header "Name" "value"`.
    pub headers: Vec<(TextLit, TextLit)>,
    /// `send { email, why, key: EXPR }`: the name in the JSON and the value.
    pub send: Option<Vec<(Name, Expr)>>,
    /// `timeout 2s`, milliseconds.
    pub timeout: Option<Spanned<i64>>,
    /// `retry 3`.
    pub retry: Option<Spanned<u32>>,
    /// `idempotent`.
    pub idempotent: Option<Span>,
    /// `signed secret.X`: the request is signed.
    pub signed: Option<Path>,
    /// `shares customer.email`.
    pub shares: Vec<Path>,
    /// The block with its braces.
    pub span: Span,
}

/// `hook NAME(params) -> type from "file.rhai"`.
#[derive(Debug, Clone, PartialEq)]
pub struct HookDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// `-> type`.
    pub returns: Option<TypeExpr>,
    /// The script, relative to the file's folder.
    pub from: Option<TextLit>,
}

/// `trigger NAME from webhook "path" signed secret.X { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerDecl {
    /// Its name.
    pub name: Option<Name>,
    /// The path under the daemon's trigger endpoint.
    pub path: Option<TextLit>,
    /// `signed [SCHEME] secret.X`.
    pub signed: Option<Path>,
    /// The scheme's name (`github`, `stripe`, ..); absent: Standard Webhooks.
    pub scheme: Option<Name>,
    /// `payload { email: email, .. }`.
    pub payload: Vec<Field>,
    /// `find customer by FIELD`.
    pub find_by: Option<Path>,
    /// `when COND`.
    pub when: Option<Expr>,
    /// What happens: an escalate form or steps.
    pub then: Option<TriggerThen>,
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerThen {
    /// `escalate ..`.
    Escalate(super::step::Escalate),
    /// Other steps.
    Body(Body),
}

/// `test "title" { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TestDecl {
    /// What it shows.
    pub title: Option<TextLit>,
    /// The lines.
    pub steps: Vec<TestStep>,
}

/// `within 2h [of HOURS]`; re-exported for handoffs.
pub type Promise = Within;
