//! Which required fields are known on which way to a person: certain, possible or impossible at the moment of the handoff.

use super::words;
use crate::checks::support::analysis::Analysis;
use crate::checks::support::flow::{all_successors, by_customer};
use crate::checks::support::known::{Bits, var_name};
use crate::machine::{
    BandAction, CodeOwner, Expr, ExprKind, HandlerEvent, Machine, OpKind, RuleOrigin, Var,
};
use crate::sources::Position;
use crate::value::{OpId, TierId, Type};
use flow_grammar::Loc;
use flow_grammar::ast::TierKind;
use serde::Serialize;
use smol_str::SmolStr;

/// Whether a field is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Knows {
    /// On every such way.
    Certain,
    /// On some.
    Possible,
    /// On none.
    Impossible,
}

impl Knows {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Possible => "possible",
            Self::Impossible => "impossible",
        }
    }
}

/// A required field of a handoff.
#[derive(Debug, Clone, Serialize)]
pub struct Required {
    /// The handoffs that share the line: "human, human when priority is immediate".
    pub handoff: String,
    /// The slot or `customer.field`.
    pub field: String,
    /// Over all ways.
    pub known: Knows,
    /// Whether it is asked for while the customer waits, where it is not known.
    pub asked_while_waiting: bool,
    /// Each way to this handoff.
    pub ways: Vec<RequiredWay>,
    /// Where it is required.
    pub at: Option<Position>,
}

/// A way to a handoff and whether a field is known on it.
#[derive(Debug, Clone, Serialize)]
pub struct RequiredWay {
    /// "rule `frustrated`", "`escalate` in node `track`".
    pub by: String,
    /// Whether it is known there.
    pub known: Knows,
    /// A waiting place where it is not known for sure, for rules.
    pub unknown_at: Option<SmolStr>,
    /// Where.
    pub at: Option<Position>,
}

/// A way to a tier of people.
struct Source {
    by: String,
    loc: Option<Loc>,
    /// What is known: at each of these places.
    places: Vec<(Option<SmolStr>, Bits)>,
    /// The operations from which to look back for what can fill a field; absent: anything may have come before.
    from: Option<OpId>,
    /// Nothing can have come before.
    opening: bool,
}

pub(super) fn required(cx: &Analysis<'_>) -> Vec<Required> {
    let machine = cx.machine;
    let mut out: Vec<Required> = Vec::new();
    for handoff in &machine.handoffs {
        let sources = sources(cx, handoff.tier);
        let tier = words::tier(machine, handoff.tier);
        let name = match &handoff.when {
            Some(when) => format!("{tier} when {}", cx.words(when.loc)),
            None => tier.to_owned(),
        };
        for (var, loc) in &handoff.require {
            let expr = read(machine, *var);
            let ways: Vec<RequiredWay> = sources
                .iter()
                .map(|source| way(cx, source, *var, &expr))
                .collect();
            let all = |k: Knows| ways.iter().all(|w| w.known == k);
            let known = if all(Knows::Certain) {
                Knows::Certain
            } else if all(Knows::Impossible) {
                Knows::Impossible
            } else {
                Knows::Possible
            };
            // A handoff with a condition takes what it does not say from the one without: one line, told once.
            let at = words::at(cx, *loc);
            let field = var_name(machine, *var);
            let same = |r: &&mut Required| r.at == at && r.field == field;
            if let Some(told) = out.iter_mut().find(same) {
                told.handoff.push_str(", ");
                told.handoff.push_str(&name);
                continue;
            }
            out.push(Required {
                handoff: name.clone(),
                field,
                known,
                asked_while_waiting: known != Knows::Certain && can_be_asked(machine, *var),
                ways,
                at,
            });
        }
    }
    out
}

fn way(cx: &Analysis<'_>, source: &Source, var: Var, expr: &Expr) -> RequiredWay {
    let unknown = source
        .places
        .iter()
        .find(|(_, bits)| cx.may_be_unknown(None, expr, bits));
    let known = if unknown.is_none() && !source.places.is_empty() {
        Knows::Certain
    } else if (!source.opening || matches!(var, Var::Customer(_)))
        && can_be_filled(cx, var, source.from)
    {
        Knows::Possible
    } else {
        Knows::Impossible
    };
    RequiredWay {
        by: source.by.clone(),
        known,
        unknown_at: unknown.and_then(|(key, _)| key.clone()),
        at: source.loc.and_then(|l| words::at(cx, l)),
    }
}

fn read(machine: &Machine, var: Var) -> Expr {
    let (kind, ty) = match var {
        Var::Slot(id) => (ExprKind::Slot(id), machine.slot(id).map(|f| &f.ty)),
        Var::Customer(id) => (
            ExprKind::Customer(id),
            machine.customer_field(id).map(|f| &f.ty),
        ),
    };
    Expr {
        kind,
        ty: ty.cloned().unwrap_or(Type::Error),
        loc: Loc::default(),
    }
}

/// All ways to a tier of people.
fn sources(cx: &Analysis<'_>, tier: TierId) -> Vec<Source> {
    let machine = cx.machine;
    let mut out = Vec::new();
    let waiting: Vec<(Option<SmolStr>, Bits)> = machine
        .places
        .iter()
        .filter(|p| cx.flow().reaches(p.op))
        .filter(|p| !in_handoff(machine, p.op))
        .filter_map(|p| Some((Some(p.key.clone()), cx.known().before(p.op)?.clone())))
        .collect();
    for rule in machine.rules.iter().filter(|r| r.to == tier) {
        let (by, loc) = match rule.origin {
            RuleOrigin::Declared => (format!("rule `{}`", rule.name), Some(rule.name_loc)),
            RuleOrigin::AskedForHuman => (format!("rule `{}`", rule.name), None),
            RuleOrigin::Regulated(id) => {
                let intent = machine.intent(id);
                (
                    format!(
                        "the regulated intent `{}`",
                        intent.map_or("", |i| i.name.as_str())
                    ),
                    intent.map(|i| i.name_loc),
                )
            }
        };
        out.push(Source {
            by,
            loc,
            places: waiting.clone(),
            from: None,
            opening: false,
        });
    }
    if machine.bot.start_lines.iter().any(|(t, _)| *t == tier) {
        out.push(Source {
            by: "the opening (`start`)".into(),
            loc: machine
                .bot
                .start_lines
                .iter()
                .find(|(t, _)| *t == tier)
                .map(|(_, c)| c.loc),
            places: vec![(None, cx.known().nothing())],
            from: None,
            opening: true,
        });
    }
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        let OpKind::Escalate(spec) = &op.kind else {
            continue;
        };
        let Some(bits) = cx.known().before(id) else {
            continue;
        };
        let to = spec
            .to
            .or_else(|| spec.rule.and_then(|r| machine.rule(r)).map(|r| r.to));
        let leads = match to {
            Some(to) => to == tier,
            None => next_up(machine, id).contains(&tier),
        };
        if leads {
            // A band acts in the stay of its tier, which knows what whoever came there knew.
            let (places, from) = match band_of(machine, id) {
                Some(tier) if led_by_rule(machine, tier) => (entries(cx, tier, &waiting), None),
                Some(tier) => (entries(cx, tier, &waiting), Some(id)),
                None => (vec![(None, bits.clone())], Some(id)),
            };
            out.push(Source {
                by: format!(
                    "`{}` in {}",
                    cx.words(cx.line(op.loc)),
                    words::owner(machine, op)
                ),
                loc: Some(op.loc),
                places,
                from,
                opening: false,
            });
        }
    }
    for def in &machine.tiers {
        for band in &def.bands {
            if matches!(band.action, BandAction::Offer(to) if to == tier) {
                out.push(Source {
                    by: format!("the offer of tier `{}`", def.name),
                    loc: Some(band.loc),
                    places: waiting.clone(),
                    from: None,
                    opening: false,
                });
            }
        }
    }
    out
}

/// The tiers to which an `escalate` without a tier can lead.
fn next_up(machine: &Machine, op: OpId) -> Vec<TierId> {
    if let Some(tier) = band_of(machine, op) {
        return vec![TierId(tier.0 + 1)];
    }
    (0u32..)
        .zip(&machine.tiers)
        .filter(|(_, t)| t.kind == TierKind::Scripted)
        .map(|(i, _)| TierId(i + 1))
        .collect()
}

/// The model's tier whose band an operation belongs to.
fn band_of(machine: &Machine, op: OpId) -> Option<TierId> {
    match machine.code(machine.op(op)?.code)?.owner {
        CodeOwner::Band(tier) => Some(tier),
        _ => None,
    }
}

/// Whether conversations can come to a tier from any place where they wait.
fn led_by_rule(machine: &Machine, tier: TierId) -> bool {
    machine.rules.iter().any(|r| r.to == tier)
        || machine
            .tiers
            .iter()
            .flat_map(|t| &t.bands)
            .any(|b| matches!(b.action, BandAction::Offer(to) if to == tier))
}

/// What is known where conversations come to a tier: by `continue with`, a rule, an `escalate`, or the opening.
fn entries(
    cx: &Analysis<'_>,
    tier: TierId,
    waiting: &[(Option<SmolStr>, Bits)],
) -> Vec<(Option<SmolStr>, Bits)> {
    let machine = cx.machine;
    let mut out = Vec::new();
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        let comes = match &op.kind {
            OpKind::ContinueWith { tier: to, .. } => *to == tier,
            OpKind::Escalate(spec) => {
                match spec.to.or_else(|| machine.rule(spec.rule?).map(|r| r.to)) {
                    Some(to) => to == tier,
                    // From one model's tier to the next, whatever came there came to it.
                    None => band_of(machine, id).is_none() && next_up(machine, id).contains(&tier),
                }
            }
            _ => false,
        };
        if comes && let Some(bits) = cx.known().before(id) {
            out.push((None, bits.clone()));
        }
    }
    let below = tier.0.checked_sub(1).map(TierId);
    let from_below = below
        .filter(|b| machine.tier(*b).is_some_and(|t| t.kind == TierKind::Model))
        .map(|b| entries(cx, b, waiting));
    out.extend(from_below.into_iter().flatten());
    if led_by_rule(machine, tier) {
        out.extend(waiting.iter().cloned());
    }
    if machine.bot.start_lines.iter().any(|(t, _)| *t == tier) {
        out.push((None, cx.known().nothing()));
    }
    out
}

fn in_handoff(machine: &Machine, op: OpId) -> bool {
    machine
        .op(op)
        .and_then(|o| machine.code(o.code))
        .is_some_and(|c| matches!(c.owner, CodeOwner::Handoff(..)))
}

/// The operations of a tier's bands.
fn bands(machine: &Machine, tier: TierId) -> impl Iterator<Item = OpId> {
    (0u32..)
        .map(OpId)
        .zip(&machine.ops)
        .map(|(id, _)| id)
        .filter(move |id| band_of(machine, *id) == Some(tier))
}

/// Whether something that can come before may fill a field.
fn can_be_filled(cx: &Analysis<'_>, var: Var, before: Option<OpId>) -> bool {
    let machine = cx.machine;
    // What the channel or a login vouches for, what the visitor claims, and what the profile then says.
    if matches!(var, Var::Customer(_)) {
        return true;
    }
    let fillers: Vec<OpId> = (0u32..)
        .map(OpId)
        .zip(&machine.ops)
        .filter(|(id, op)| cx.flow().reaches(*id) && fills(&op.kind, var))
        .map(|(id, _)| id)
        .collect();
    if fillers.is_empty() {
        return entity(machine, var);
    }
    let Some(target) = before else { return true };
    // Forwards from what fills it; handlers may run at any time.
    let anytime = reachable(
        machine,
        cx,
        machine
            .handlers
            .iter()
            .filter(|h| by_customer(h.event) || h.event == HandlerEvent::Start)
            .map(|h| h.entry)
            .chain(machine.bot.menu.iter().map(|b| b.to)),
    );
    if fillers
        .iter()
        .any(|f| anytime.get(f.index()) == Some(&true))
    {
        return true;
    }
    let can = reachable(machine, cx, fillers.into_iter());
    can.get(target.index()) == Some(&true)
}

/// A slot that stands in an example is taken from what the customer says.
fn entity(machine: &Machine, var: Var) -> bool {
    machine
        .intents
        .iter()
        .flat_map(|i| &i.examples)
        .flat_map(|e| &e.parts)
        .any(
            |p| matches!((p, var), (crate::machine::ExamplePart::Slot(a), Var::Slot(b)) if *a == b),
        )
}

fn reachable(machine: &Machine, cx: &Analysis<'_>, from: impl Iterator<Item = OpId>) -> Vec<bool> {
    let mut seen = vec![false; machine.ops.len()];
    let mut todo: Vec<OpId> = from.collect();
    while let Some(id) = todo.pop() {
        match seen.get_mut(id.index()) {
            Some(s) if !*s => *s = true,
            _ => continue,
        }
        let Some(op) = machine.op(id) else { continue };
        todo.extend(all_successors(machine, op));
        // With a model the conversation waits for as long as it likes; what its bands do comes after.
        if let OpKind::ContinueWith { tier, .. } = op.kind {
            todo.extend(bands(machine, tier));
        }
        if matches!(op.kind, OpKind::Back | OpKind::Finish)
            && let Some(CodeOwner::Node(node)) = machine.code(op.code).map(|c| c.owner)
        {
            for visit in cx.flow().visits(node) {
                if let Some(OpKind::Visit { next, .. }) = machine.op(*visit).map(|o| &o.kind) {
                    todo.push(*next);
                }
            }
        }
    }
    seen
}

fn fills(kind: &OpKind, var: Var) -> bool {
    match kind {
        OpKind::Ask { var: v, .. } | OpKind::ChooseFrom { var: v, .. } => *v == var,
        OpKind::Form { vars, .. } => vars.contains(&var),
        OpKind::Set { slot, .. } => *slot == var,
        OpKind::Verify { field, .. } => var == Var::Customer(*field),
        _ => false,
    }
}

/// Whether a question can be made of it.
fn can_be_asked(machine: &Machine, var: Var) -> bool {
    let def = match var {
        Var::Slot(id) => machine.slot(id),
        Var::Customer(id) => machine.customer_field(id),
    };
    def.is_some_and(|d| d.ask.is_some() || !matches!(d.ty, Type::Record(_) | Type::Customer))
}
