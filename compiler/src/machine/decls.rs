//! What declarations become.

use super::expr::{CellPattern, Expr, Pattern};
use super::op::{Button, Offer, Priority, Promise};
use crate::value::{
    CodeId, FieldId, HoursId, IntentId, KnowledgeId, NodeId, OpId, RuleId, SlotId, TeamId, TextId,
    ThresholdId, TierId, Type, WebhookId,
};
use flow_grammar::{
    Loc,
    ast::{BinaryOp, Method, TierKind},
};
use jiff::civil;
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
    /// Personal data.
    pub private: bool,
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

/// A webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its name.
    pub name: SmolStr,
    /// Its parameters.
    pub params: Vec<ParamDef>,
    /// What it answers; absent: nothing that the flow reads.
    pub returns: Option<(Type, bool)>,
    /// The method.
    pub method: Method,
    /// The URL (parameters, `env`, `secret`).
    pub url: TextId,
    /// Headers.
    pub headers: Vec<(TextId, TextId)>,
    /// The JSON body.
    pub send: Option<Vec<(SmolStr, Expr)>>,
    /// Milliseconds in total (default 10 s).
    pub timeout: i64,
    /// Further attempts (default 0).
    pub retry: u32,
    /// A key is sent.
    pub idempotent: bool,
    /// Signed with this secret.
    pub signed: Option<SmolStr>,
    /// Private values it may carry.
    pub shares: Vec<Shared>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct ParamDef {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Whether unknown may be passed.
    pub optional: bool,
    /// Where it is declared.
    pub loc: Loc,
}

/// A hook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its name: the function in the script.
    pub name: SmolStr,
    /// Its parameters.
    pub params: Vec<ParamDef>,
    /// What it answers.
    pub returns: Type,
    /// Whether it may answer unknown.
    pub optional: bool,
    /// The script's path in the project.
    pub path: SmolStr,
    /// The script.
    pub script: Arc<str>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its path is written.
    pub path_loc: Loc,
}

/// A trigger.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its name.
    pub name: SmolStr,
    /// The path under the daemon's endpoint.
    pub path: SmolStr,
    /// The secret.
    pub secret: Option<SmolStr>,
    /// The scheme (default `standard`).
    pub scheme: SmolStr,
    /// The payload.
    pub payload: Vec<FieldDef>,
    /// `find customer by FIELD`: the profile field; the payload has a field of the same name.
    pub find_by: Option<FieldId>,
    /// The condition.
    pub when: Option<Expr>,
    /// What happens.
    pub entry: OpId,
    /// Where it is declared.
    pub loc: Loc,
}

/// A knowledge base.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// Its name.
    pub name: SmolStr,
    /// `(path, text)`.
    pub files: Vec<(SmolStr, Arc<str>)>,
    /// Where it is declared.
    pub loc: Loc,
}

/// A channel with what is known of it.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name.
    pub name: SmolStr,
    /// Milliseconds in which a free message may follow the customer's last one.
    pub window: Option<i64>,
    /// The template that reopens.
    pub reopen_template: Option<SmolStr>,
    /// Where to go on when the customer has left.
    pub follow_up: Option<SmolStr>,
    /// Limits.
    pub limits: ChannelLimits,
    /// Where it is declared, or the bot's `channels` item.
    pub loc: Loc,
}

/// What a channel takes. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelLimits {
    /// Reply buttons.
    pub buttons: Option<u32>,
    /// Characters of a button.
    pub button_label: Option<u32>,
    /// Rows of a list, where more choices than buttons become a list.
    pub list_rows: Option<u32>,
    /// Characters of a row.
    pub row_label: Option<u32>,
    /// Characters of a text.
    pub text: Option<u32>,
    /// Whether the channel itself proves who writes (a WhatsApp number).
    pub vouches_phone: bool,
}

/// The rule of a given origin and name; kept for whoever needs all three.
pub type RuleRef = (RuleId, RuleOrigin);
