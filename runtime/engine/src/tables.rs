//! Tables that are computed once per machine, so that a turn only looks things up.

use flow_compiler::machine::{
    CodeOwner, Expr, ExprKind, FieldDef, HandlerEvent, Machine, OpKind, Rule, RuleOrigin, Signal,
    Var,
};
use flow_compiler::sources::Position;
use flow_compiler::value::{OpId, PlaceId, RuleId, TierId};
use flow_grammar::{Loc, ast::TierKind};
use regex::{Regex, RegexBuilder};
use rustc_hash::{FxHashMap, FxHasher};
use smol_str::{SmolStr, SmolStrBuilder, format_smolstr};
use std::hash::Hasher;

/// See the module.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Rules that can fire in a tier: first those that do not read `confidence`, then those that do.
    pub(crate) rules: Vec<[Vec<RuleId>; 2]>,
    /// Of those, by tier, the first that read `attempts.failed`.
    pub(crate) after_attempts: Vec<Vec<RuleId>>,
    /// Rules that lead to a tier: they raise the priority while it has the conversation.
    pub(crate) rules_to: Vec<Vec<RuleId>>,
    /// Rules whose condition reads `asks_for_human`.
    pub(crate) asks: Vec<bool>,
    pub(crate) rule_at: Vec<Position>,
    /// How many values a rule reads at most.
    pub(crate) rule_reads: Vec<usize>,
    /// `customer.NAME`, by profile field.
    pub(crate) field_names: Vec<SmolStr>,
    pub(crate) op_at: Vec<Position>,
    pub(crate) op_name: Vec<SmolStr>,
    /// The node of an operation's body.
    pub(crate) op_node: Vec<Option<SmolStr>>,
    pub(crate) place_of_op: FxHashMap<OpId, PlaceId>,
    pub(crate) visit_keys: FxHashMap<OpId, SmolStr>,
    pub(crate) visits: FxHashMap<SmolStr, OpId>,
    pub(crate) temporal_late: Vec<bool>,
    pub(crate) intent_handlers: FxHashMap<SmolStr, u32>,
    pub(crate) faqs: FxHashMap<SmolStr, u32>,
    /// Silence handlers: milliseconds and index, shortest first.
    pub(crate) silences: Vec<(i64, u32)>,
    /// By slot, then by profile field: its pattern, to be found within a message.
    finders: [Vec<Option<Regex>>; 2],
    /// The tier in which nodes run.
    pub(crate) script: TierId,
}

impl Tables {
    pub(crate) fn new(m: &Machine) -> Self {
        let mut rules: Vec<[Vec<RuleId>; 2]> = m
            .tiers
            .iter()
            .map(|_| <[Vec<RuleId>; 2]>::default())
            .collect();
        let mut rules_to: Vec<Vec<RuleId>> = m.tiers.iter().map(|_| Vec::new()).collect();
        for (index, rule) in m.rules.iter().enumerate() {
            let id = RuleId(index_u32(index));
            for tier in &rule.from {
                if let Some([early, late]) = rules.get_mut(tier.index()) {
                    if rule.reads_confidence { late } else { early }.push(id);
                }
            }
            if let Some(list) = rules_to.get_mut(rule.to.index()) {
                list.push(id);
            }
        }
        let after_attempts = rules
            .iter()
            .map(|[early, _]| {
                let reads_it = |id: &&RuleId| {
                    m.rule(**id)
                        .is_some_and(|r| reads(m, &r.when, Signal::AttemptsFailed))
                };
                early.iter().filter(reads_it).copied().collect()
            })
            .collect();
        let asks = m
            .rules
            .iter()
            .map(|r| {
                r.origin == RuleOrigin::AskedForHuman || reads(m, &r.when, Signal::AsksForHuman)
            })
            .collect();
        let mut silences = Vec::new();
        let mut intent_handlers = FxHashMap::default();
        for (index, handler) in m.handlers.iter().enumerate() {
            match handler.event {
                HandlerEvent::Silence(millis) => silences.push((millis, index_u32(index))),
                HandlerEvent::Intent(id) => {
                    if let Some(intent) = m.intent(id) {
                        intent_handlers
                            .entry(intent.name.clone())
                            .or_insert(index_u32(index));
                    }
                }
                _ => {}
            }
        }
        silences.sort_unstable();
        let (visit_keys, visits) = visits(m);
        let script = m
            .tiers
            .iter()
            .position(|t| t.kind == TierKind::Scripted)
            .unwrap_or(0);
        Self {
            rules,
            after_attempts,
            rules_to,
            asks,
            rule_reads: m.rules.iter().map(|r| read_count(m, r)).collect(),
            field_names: m
                .customer
                .iter()
                .map(|f| format_smolstr!("customer.{}", f.name))
                .collect(),
            rule_at: m.rules.iter().map(|r| position(m, r.loc)).collect(),
            op_at: m.ops.iter().map(|op| position(m, op.loc)).collect(),
            op_name: m.ops.iter().map(|op| op_name(m, &op.kind)).collect(),
            op_node: m.ops.iter().map(|op| node_of(m, op.code)).collect(),
            place_of_op: m
                .places
                .iter()
                .enumerate()
                .map(|(i, p)| (p.op, PlaceId(index_u32(i))))
                .collect(),
            visit_keys,
            visits,
            temporal_late: m
                .temporals
                .iter()
                .map(|t| reads(m, &t.cond, Signal::Confidence))
                .collect(),
            intent_handlers,
            faqs: m
                .faqs
                .iter()
                .enumerate()
                .map(|(i, f)| (f.name.clone(), index_u32(i)))
                .collect(),
            silences,
            finders: [finders(&m.slots), finders(&m.customer)],
            script: TierId(index_u32(script)),
        }
    }
}

/// How many values the conditions of a rule read; the same one twice counts twice.
fn read_count(m: &Machine, rule: &Rule) -> usize {
    let mut count = 0;
    for condition in [Some(&rule.when), rule.unless.as_ref()]
        .into_iter()
        .flatten()
    {
        let mut look = |e: &Expr| {
            count += usize::from(matches!(
                e.kind,
                ExprKind::Signal(_)
                    | ExprKind::Slot(_)
                    | ExprKind::Customer(_)
                    | ExprKind::Segment(_)
                    | ExprKind::Threshold(_)
                    | ExprKind::During { .. }
                    | ExprKind::Hook(..)
            ));
            false
        };
        any(m, condition, &mut look, 64);
    }
    count
}

impl Tables {
    /// The part of a message that fits the pattern of a slot or field, in its letters or in capitals.
    pub(crate) fn find(&self, var: Var, text: &str) -> Option<SmolStr> {
        let [slots, fields] = &self.finders;
        let finder = match var {
            Var::Slot(id) => slots.get(id.index()),
            Var::Customer(id) => fields.get(id.index()),
        };
        let finder = finder?.as_ref()?;
        whole_words(finder, text).or_else(|| whole_words(finder, &text.to_uppercase()))
    }
}

/// A match that does not begin or end within a word.
fn whole_words(finder: &Regex, text: &str) -> Option<SmolStr> {
    let alone = |found: &regex::Match<'_>| {
        let before = text
            .get(..found.start())
            .and_then(|t| t.chars().next_back());
        let after = text.get(found.end()..).and_then(|t| t.chars().next());
        !found.is_empty()
            && !before.is_some_and(char::is_alphanumeric)
            && !after.is_some_and(char::is_alphanumeric)
    };
    finder
        .find_iter(text)
        .find(alone)
        .map(|found| SmolStr::new(found.as_str()))
}

/// The patterns as written: the machine's own are anchored to the whole value.
fn finders(defs: &[FieldDef]) -> Vec<Option<Regex>> {
    let finder = |def: &FieldDef| {
        RegexBuilder::new(&def.matching.as_ref()?.source)
            .size_limit(1 << 20)
            .build()
            .ok()
    };
    defs.iter().map(finder).collect()
}

/// Where something is written; the first line of nothing for what is built in.
pub(crate) fn position(m: &Machine, loc: Loc) -> Position {
    m.sources.position(loc).unwrap_or_else(|| Position {
        file: SmolStr::new_static("(built in)"),
        line: 1,
        column: 1,
    })
}

pub(crate) fn index_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn node_of(m: &Machine, code: flow_compiler::value::CodeId) -> Option<SmolStr> {
    match m.code(code)?.owner {
        CodeOwner::Node(id) => Some(m.node(id)?.name.clone()),
        _ => None,
    }
}

/// The key of every `visit`: body, target and a number, the same in a later version.
fn visits(m: &Machine) -> (FxHashMap<OpId, SmolStr>, FxHashMap<SmolStr, OpId>) {
    let (mut keys, mut ops, mut counts) = (
        FxHashMap::default(),
        FxHashMap::default(),
        FxHashMap::<SmolStr, u32>::default(),
    );
    for (index, op) in m.ops.iter().enumerate() {
        let OpKind::Visit { node, .. } = op.kind else {
            continue;
        };
        let target = m.node(node).map(|n| n.name.clone()).unwrap_or_default();
        let body = match m.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Node(id)) => m.node(id).map(|n| n.name.clone()).unwrap_or_default(),
            Some(owner) => format_smolstr!("{owner:?}"),
            None => SmolStr::default(),
        };
        let base = format_smolstr!("{body}/visit {target}");
        let count = counts.entry(base.clone()).or_insert(0);
        *count += 1;
        let key = if *count == 1 {
            base
        } else {
            format_smolstr!("{base}#{count}")
        };
        keys.insert(OpId(index_u32(index)), key.clone());
        ops.insert(key, OpId(index_u32(index)));
    }
    (keys, ops)
}

pub(crate) fn var_name(m: &Machine, var: Var) -> SmolStr {
    match var {
        Var::Slot(id) => m.slot(id).map(|d| d.name.clone()).unwrap_or_default(),
        Var::Customer(id) => m
            .customer_field(id)
            .map(|d| format_smolstr!("customer.{}", d.name))
            .unwrap_or_default(),
    }
}

pub(crate) fn var_of(m: &Machine, name: &str) -> Option<Var> {
    match name.strip_prefix("customer.") {
        Some(field) => m.names.customer.get(field).copied().map(Var::Customer),
        None => m.names.slots.get(name).copied().map(Var::Slot),
    }
}

fn op_name(m: &Machine, kind: &OpKind) -> SmolStr {
    let node = |id| m.node(id).map(|n| n.name.clone()).unwrap_or_default();
    match kind {
        OpKind::Say { .. } => "say".into(),
        OpKind::Ask { var, .. } => format_smolstr!("ask {}", var_name(m, *var)),
        OpKind::Form { vars, .. } => {
            let names: Vec<_> = vars.iter().map(|v| var_name(m, *v).to_string()).collect();
            format_smolstr!("form {}", names.join(", "))
        }
        OpKind::Choose { .. } => "choose".into(),
        OpKind::ChooseFrom { var, .. } => format_smolstr!("choose {}", var_name(m, *var)),
        OpKind::Confirm { .. } => "confirm".into(),
        OpKind::Listen { .. } => "listen".into(),
        OpKind::Set { slot, .. } => format_smolstr!("set {}", var_name(m, *slot)),
        OpKind::Clear { slot, .. } => format_smolstr!("clear {}", var_name(m, *slot)),
        OpKind::Branch { .. } => "if".into(),
        OpKind::Match { .. } => "match".into(),
        OpKind::Call { webhook, .. } => format_smolstr!(
            "call {}",
            m.webhook(*webhook)
                .map(|w| w.name.clone())
                .unwrap_or_default()
        ),
        OpKind::Visit { node: id, .. } => format_smolstr!("visit {}", node(*id)),
        OpKind::Goto { node: id } => format_smolstr!("-> {}", node(*id)),
        OpKind::Back => "back".into(),
        OpKind::Finish => "end of the node".into(),
        OpKind::ContinueWith { tier, .. } => format_smolstr!(
            "continue with {}",
            m.tier(*tier).map(|t| t.name.clone()).unwrap_or_default()
        ),
        OpKind::Note { .. } => "note".into(),
        OpKind::Tag { word, .. } => format_smolstr!("tag {word}"),
        OpKind::Attempt { .. } => "attempt".into(),
        OpKind::Ticket { .. } => "ticket".into(),
        OpKind::Callback { .. } => "callback".into(),
        OpKind::Verify { field, .. } => format_smolstr!(
            "verify customer.{}",
            m.customer_field(*field)
                .map(|f| f.name.clone())
                .unwrap_or_default()
        ),
        OpKind::Survey { .. } => "survey".into(),
        OpKind::Escalate(_) => "escalate".into(),
        OpKind::End { resolved } => if *resolved {
            "end resolved"
        } else {
            "end unresolved"
        }
        .into(),
        OpKind::Offer { .. } => "offer".into(),
        OpKind::Error { .. } => "error".into(),
    }
}

/// Eight hexadecimal digits of a name, for button ids.
pub(crate) fn short_hash(name: &str) -> SmolStr {
    let mut hasher = FxHasher::default();
    hasher.write(name.as_bytes());
    let hash = hasher.finish() >> 32;
    let digits = (0..8).rev().map(|digit| {
        let digit = (hash >> (digit * 4)) & 0xf;
        b"0123456789abcdef"
            .get(usize::try_from(digit).unwrap_or_default())
            .map_or('0', |c| char::from(*c))
    });
    digits.collect()
}

/// The id of a place's button: the place's prefix and the button's number.
pub(crate) fn button_id(prefix: &str, index: usize) -> SmolStr {
    match u32::try_from(index)
        .ok()
        .and_then(|i| char::from_digit(i, 10))
    {
        Some(digit) => {
            let mut id = SmolStrBuilder::new();
            id.push_str(prefix);
            id.push('.');
            id.push(digit);
            id.finish()
        }
        None => format_smolstr!("{prefix}.{index}"),
    }
}

/// Whether an expression reads a signal, itself or through segments, thresholds and conditions with memory.
pub(crate) fn reads(m: &Machine, expr: &Expr, signal: Signal) -> bool {
    any(
        m,
        expr,
        &mut |e| matches!(e.kind, ExprKind::Signal(s) if s == signal),
        64,
    )
}

/// Whether a part of an expression satisfies a test; segments, thresholds and conditions with memory are looked through.
pub(crate) fn any(
    m: &Machine,
    expr: &Expr,
    test: &mut dyn FnMut(&Expr) -> bool,
    depth: u32,
) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    if test(expr) {
        return true;
    }
    let mut of = |e: &Expr| any(m, e, test, depth);
    match &expr.kind {
        ExprKind::Field(a, _)
        | ExprKind::Not(a)
        | ExprKind::Neg(a)
        | ExprKind::Known { of: a, .. }
        | ExprKind::Matches { left: a, .. } => of(a),
        ExprKind::Binary(_, a, b)
        | ExprKind::Is {
            left: a, right: b, ..
        }
        | ExprKind::In {
            left: a, right: b, ..
        }
        | ExprKind::ListContains { left: a, right: b } => of(a) || of(b),
        ExprKind::Hook(_, list) | ExprKind::List(list) | ExprKind::AtLeast { conds: list, .. } => {
            list.iter().any(of)
        }
        ExprKind::Contains { left, any } => of(left) || any.iter().any(of),
        ExprKind::Segment(id) => m.segment(*id).is_some_and(|s| of(&s.when)),
        ExprKind::Threshold(id) => m
            .threshold(*id)
            .is_some_and(|t| of(&t.default) || t.lines.iter().any(|(v, w)| of(v) || of(w))),
        ExprKind::Temporal(id) => m.temporal(*id).is_some_and(|t| of(&t.cond)),
        ExprKind::Text(id) => m.text(*id).is_some_and(|t| {
            t.variants
                .iter()
                .flat_map(|v| &v.parts)
                .any(|p| matches!(p, flow_compiler::machine::TextPart::Expr(e) if of(e)))
        }),
        _ => false,
    }
}
