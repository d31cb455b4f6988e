//! The machine: a compiled bot. Immutable, addressed by the hash of its sources, shared by all its conversations.
//!
//! # Terminology
//!
//! - **Op**: one operation; a vertex of the graph.
//! - **Code**: a body of operations with an entry: a node, a handler, a block of a handoff.
//! - **Place**: an operation at which a conversation can wait for the customer.

mod bot;
mod dialogue;
mod expr;
mod op;
mod outside;
mod service;
mod tests;

pub use bot::*;
pub use dialogue::*;
pub use expr::*;
pub use op::*;
pub use outside::*;
pub use service::*;
pub use tests::*;

use crate::sources::Sources;
use crate::value::{CodeId, FieldId, NodeId, OpId, RuleId, SlotId, TeamId, TextId, TierId};
use petgraph::graph::DiGraph;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::Arc;

/// A compiled bot.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Hex of the hash of all sources: the version.
    pub version: SmolStr,
    /// The sources, to say where things are.
    pub sources: Arc<Sources>,
    /// The `bot` declaration.
    pub bot: Bot,
    /// The ladder, lowest first.
    pub tiers: Vec<Tier>,
    /// Declared enums.
    pub enums: Vec<EnumDef>,
    /// Declared records.
    pub records: Vec<RecordDef>,
    /// Fields of the profile.
    pub customer: Vec<FieldDef>,
    /// The webhook that loads the profile, with its arguments.
    pub profile: Option<ProfileSource>,
    /// The slots.
    pub slots: Vec<FieldDef>,
    /// The segments.
    pub segments: Vec<Segment>,
    /// The thresholds.
    pub thresholds: Vec<Threshold>,
    /// The conditions with memory.
    pub temporals: Vec<Temporal>,
    /// The intents.
    pub intents: Vec<Intent>,
    /// The FAQs.
    pub faqs: Vec<Faq>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// All texts, named and inline.
    pub texts: Vec<Text>,
    /// All bodies.
    pub codes: Vec<Code>,
    /// All operations.
    pub ops: Vec<Op>,
    /// The state machine as a graph: vertex `i` is `ops[i]`.
    pub graph: DiGraph<OpId, Transition>,
    /// All places.
    pub places: Vec<Place>,
    /// The handlers.
    pub handlers: Vec<Handler>,
    /// The rules, the built-in ones included.
    pub rules: Vec<Rule>,
    /// Opening hours; the first is `always`.
    pub hours: Vec<Hours>,
    /// The teams.
    pub teams: Vec<Team>,
    /// The matrices, one per people tier.
    pub routes: Vec<Route>,
    /// The handoffs, in order of declaration; each complete (what a `when` handoff leaves out is filled in).
    pub handoffs: Vec<Handoff>,
    /// The agent's side panel.
    pub assist: Assist,
    /// Learning.
    pub learn: Option<Learn>,
    /// Targets and alerts.
    pub targets: Vec<TargetLine>,
    /// Webhooks.
    pub webhooks: Vec<Webhook>,
    /// Hooks.
    pub hooks: Vec<Hook>,
    /// Triggers.
    pub triggers: Vec<Trigger>,
    /// Knowledge.
    pub knowledge: Vec<Knowledge>,
    /// Channels with their limits.
    pub channels: Vec<Channel>,
    /// Tests.
    pub tests: Vec<TestCase>,
    /// Names to ids, for whoever starts from a name.
    pub names: Names,
}

/// Names to ids.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "one map per namespace")]
pub struct Names {
    pub nodes: FxHashMap<SmolStr, NodeId>,
    pub slots: FxHashMap<SmolStr, SlotId>,
    pub customer: FxHashMap<SmolStr, FieldId>,
    pub tiers: FxHashMap<SmolStr, TierId>,
    pub teams: FxHashMap<SmolStr, TeamId>,
    pub rules: FxHashMap<SmolStr, RuleId>,
    pub texts: FxHashMap<SmolStr, TextId>,
    pub places: FxHashMap<SmolStr, crate::value::PlaceId>,
}

macro_rules! lookup {
    ($($(#[$doc:meta])* $name:ident($id:ty) -> $field:ident: $out:ty;)*) => {
        impl Machine {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self, id: $id) -> Option<&$out> {
                self.$field.get(id.index())
            }
        )*}
    };
}

lookup! {
    /// An operation.
    op(OpId) -> ops: Op;
    /// A body.
    code(CodeId) -> codes: Code;
    /// A node.
    node(NodeId) -> nodes: Node;
    /// A text.
    text(TextId) -> texts: Text;
    /// A tier.
    tier(TierId) -> tiers: Tier;
    /// A rule.
    rule(RuleId) -> rules: Rule;
    /// A team.
    team(TeamId) -> teams: Team;
    /// A slot.
    slot(SlotId) -> slots: FieldDef;
    /// A profile field.
    customer_field(FieldId) -> customer: FieldDef;
    /// A webhook.
    webhook(crate::value::WebhookId) -> webhooks: Webhook;
    /// A hook.
    hook(crate::value::HookId) -> hooks: Hook;
    /// Hours.
    hours_of(crate::value::HoursId) -> hours: Hours;
    /// A segment.
    segment(crate::value::SegmentId) -> segments: Segment;
    /// A threshold.
    threshold(crate::value::ThresholdId) -> thresholds: Threshold;
    /// A condition with memory.
    temporal(crate::value::TemporalId) -> temporals: Temporal;
    /// An intent.
    intent(crate::value::IntentId) -> intents: Intent;
    /// A place.
    place(crate::value::PlaceId) -> places: Place;
    /// An enum.
    enum_def(crate::value::EnumId) -> enums: EnumDef;
    /// A record.
    record_def(crate::value::RecordId) -> records: RecordDef;
}
