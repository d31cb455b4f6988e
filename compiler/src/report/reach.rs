//! How many turns of the customer it takes at most until a person can be reached, from every node in every tier.
//!
//! The customer wants a person and picks the best way; what the customer cannot choose (conditions, webhooks that fail) goes the
//! worst way. A number is the least one for which that is certain.

use super::words;
use crate::checks::f0404::fires_when_asked;
use crate::checks::support::analysis::Analysis;
use crate::checks::support::flow::{question, successors};
use crate::machine::{BandAction, CodeOwner, HandlerEvent, Op, OpKind, RuleOrigin, Transition};
use crate::sources::Position;
use crate::value::{OpId, TierId, Type};
use flow_grammar::ast::TierKind;
use serde::Serialize;
use smol_str::SmolStr;

/// How a person is reached from a node in a tier.
#[derive(Debug, Clone, Serialize)]
pub struct Reach {
    /// The node; absent: wherever a model's tier holds the conversation.
    pub node: Option<SmolStr>,
    /// The tier that holds the conversation.
    pub tier: SmolStr,
    /// Turns of the customer at most; absent: it cannot be proven that a person is reached. 0: at once, without a word of the customer.
    pub turns: Option<u32>,
    /// The ways, best first.
    pub ways: Vec<Way>,
    /// Where the node or tier is declared.
    pub at: Option<Position>,
}

/// A way to a person.
#[derive(Debug, Clone, Serialize)]
pub struct Way {
    /// `rule`, `menu`, `intent`, `file`, `silence`, `flow` or `band`.
    pub kind: &'static str,
    /// In words.
    pub how: String,
    /// Turns of the customer.
    pub turns: u32,
    /// Where it is declared.
    pub at: Option<Position>,
}

pub(super) fn reach(cx: &Analysis<'_>) -> Vec<Reach> {
    let machine = cx.machine;
    let tiers: Vec<TierId> = (0u32..).map(TierId).take(machine.tiers.len()).collect();
    let people = |t: TierId| machine.tier(t).is_some_and(|t| t.kind == TierKind::People);
    // Rules first: in which tiers asking is enough.
    let mut common: Vec<Vec<Way>> = tiers
        .iter()
        .map(|t| {
            if people(*t) {
                Vec::new()
            } else {
                asking(cx, *t)
            }
        })
        .collect();
    let mut turns: Vec<Option<u32>> = tiers
        .iter()
        .map(|t| {
            let rules = common.get(t.index()).and_then(|w| w.first());
            if people(*t) {
                Some(0)
            } else {
                rules.map(|w| w.turns)
            }
        })
        .collect();
    // Tiers lead to each other: what is found for one can help another.
    let mut values = Vec::new();
    for _ in 0..=tiers.len() {
        values = tiers.iter().map(|t| solve(cx, *t, &turns)).collect();
        let mut changed = false;
        for tier in tiers.iter().filter(|t| !people(**t)) {
            let ways = ways_of_tier(cx, *tier, &turns);
            let best = ways.iter().map(|w| w.turns).min();
            if let Some(slot) = turns.get_mut(tier.index())
                && best.is_some_and(|b| slot.is_none_or(|s| b < s))
            {
                *slot = best;
                changed = true;
            }
            if let Some(all) = common.get_mut(tier.index()) {
                *all = ways;
            }
        }
        if !changed {
            break;
        }
    }
    let mut out = Vec::new();
    for tier in tiers {
        let Some(def) = machine.tier(tier) else {
            continue;
        };
        let all = common.get(tier.index()).map_or(&[][..], Vec::as_slice);
        let by_flow = without_asking(cx, tier, &turns);
        match def.kind {
            TierKind::People => {}
            TierKind::Model => out.push(Reach {
                node: None,
                tier: def.name.clone(),
                turns: all.first().map(|w| w.turns),
                ways: all.to_vec(),
                at: words::at(cx, def.name_loc),
            }),
            TierKind::Scripted => {
                for node in machine.nodes.iter().filter(|n| cx.flow().reaches(n.entry)) {
                    let own = values
                        .get(tier.index())
                        .and_then(|v| v.get(node.entry.index()).copied().flatten());
                    let mut ways = all.to_vec();
                    let through = by_flow.get(node.entry.index()).copied().flatten();
                    if let Some(n) = through {
                        ways.push(Way {
                            kind: "flow",
                            how: if n == 0 {
                                "the node itself escalates".into()
                            } else {
                                "the customer's choices in the flow".into()
                            },
                            turns: n,
                            at: words::at(cx, node.name_loc),
                        });
                    }
                    ways.sort_by_key(|w| w.turns);
                    out.push(Reach {
                        node: Some(node.name.clone()),
                        tier: def.name.clone(),
                        turns: own,
                        ways,
                        at: words::at(cx, node.name_loc),
                    });
                }
            }
        }
    }
    out
}

/// The rules that surely lead from a tier to people when the customer asks for one.
fn asking(cx: &Analysis<'_>, tier: TierId) -> Vec<Way> {
    let machine = cx.machine;
    machine
        .rules
        .iter()
        .filter(|r| {
            r.from.contains(&tier)
                && machine
                    .tier(r.to)
                    .is_some_and(|t| t.kind == TierKind::People)
                && fires_when_asked(cx, r)
        })
        .map(|rule| Way {
            kind: "rule",
            how: format!("asks for a person: rule `{}`", rule.name),
            turns: 1,
            at: match rule.origin {
                RuleOrigin::Declared => words::at(cx, rule.name_loc),
                _ => None,
            },
        })
        .collect()
}

/// What leads to a person from anywhere in a tier: rules, the menu, handlers; of a model also its bands.
fn ways_of_tier(cx: &Analysis<'_>, tier: TierId, turns: &[Option<u32>]) -> Vec<Way> {
    let machine = cx.machine;
    // Who presses a button and then asks for a person could have asked at once.
    let pressed = solve_with(cx, tier, turns, None);
    let value = |op: OpId| pressed.get(op.index()).copied().flatten();
    let mut ways = asking(cx, tier);
    for button in &machine.bot.menu {
        if let Some(v) = value(button.to) {
            ways.push(Way {
                kind: "menu",
                how: format!(
                    "presses \"{}\" in the menu",
                    words::text(machine, button.label)
                ),
                turns: v + 1,
                at: words::at(cx, button.loc),
            });
        }
    }
    // A handler leads there at once, or by what the customer answers in it.
    let by_flow = without_asking(cx, tier, turns);
    let takes_files = machine.slots.iter().chain(&machine.customer);
    let takes_files = takes_files.into_iter().any(|f| is_file(&f.ty));
    // What is said to a model it answers; no handler takes it.
    let model = machine
        .tier(tier)
        .is_some_and(|t| t.kind == TierKind::Model);
    for handler in &machine.handlers {
        let (kind, how) = match handler.event {
            HandlerEvent::Intent(id) if !model => {
                let name = machine.intent(id).map_or("", |i| i.name.as_str());
                ("intent", format!("says what intent `{name}` is"))
            }
            // A question for a file takes it first.
            HandlerEvent::File if !takes_files => ("file", "sends a file".to_owned()),
            HandlerEvent::Silence(_) => ("silence", "stays silent".to_owned()),
            _ => continue,
        };
        if let Some(v) = by_flow.get(handler.entry.index()).copied().flatten() {
            ways.push(Way {
                kind,
                how,
                turns: v + 1,
                at: words::at(cx, handler.loc),
            });
        }
    }
    let def = machine.tier(tier);
    for band in def.into_iter().flat_map(|t| &t.bands) {
        if let BandAction::Offer(to) = band.action
            && turns.get(to.index()) == Some(&Some(0))
        {
            ways.push(Way {
                kind: "band",
                how: format!(
                    "takes the offer of `{}` under an unsure answer (only where one was given)",
                    words::tier(machine, to)
                ),
                turns: 2,
                at: words::at(cx, band.loc),
            });
        }
    }
    ways.sort_by_key(|w| w.turns);
    ways
}

fn is_file(ty: &Type) -> bool {
    match ty {
        Type::File => true,
        Type::List(of) => is_file(of),
        _ => false,
    }
}

/// By operation, the turns by the flow alone, as if asking led nowhere.
fn without_asking(cx: &Analysis<'_>, tier: TierId, turns: &[Option<u32>]) -> Vec<Option<u32>> {
    let people_only: Vec<Option<u32>> = turns
        .iter()
        .map(|t| if *t == Some(0) { Some(0) } else { None })
        .collect();
    solve_with(cx, tier, &people_only, None)
}

fn solve(cx: &Analysis<'_>, tier: TierId, turns: &[Option<u32>]) -> Vec<Option<u32>> {
    let ask = turns.get(tier.index()).copied().flatten();
    solve_with(cx, tier, turns, ask)
}

/// By operation, the turns until a person; `ask` is what it takes wherever the conversation waits.
fn solve_with(
    cx: &Analysis<'_>,
    tier: TierId,
    turns: &[Option<u32>],
    ask: Option<u32>,
) -> Vec<Option<u32>> {
    let machine = cx.machine;
    // With a question of the flow its tier holds the conversation again, whoever had it.
    let asking_tier = (0u32..)
        .map(TierId)
        .zip(&machine.tiers)
        .find(|(_, t)| t.kind == TierKind::Scripted)
        .map(|(id, _)| id)
        .filter(|_| {
            machine
                .tier(tier)
                .is_some_and(|t| t.kind == TierKind::Model)
        });
    let asked = asking_tier.map(|script| {
        let ask = ask.and_then(|_| turns.get(script.index()).copied().flatten());
        solve_with(cx, script, turns, ask)
    });
    let mut values: Vec<Option<u32>> = vec![None; machine.ops.len()];
    // From below: values only fall, and each round settles at least one more; the number of rounds is bounded all the same.
    for _ in 0..=machine.ops.len() {
        let mut changed = false;
        for (i, op) in machine.ops.iter().enumerate().rev() {
            let new = match &asked {
                Some(asked) if question(op).is_some() => asked.get(i).copied().flatten(),
                _ => step(cx, tier, turns, ask, op, &values),
            };
            if let Some(slot) = values.get_mut(i)
                && new.is_some_and(|n| slot.is_none_or(|s| n < s))
            {
                *slot = new;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    values
}

fn step(
    cx: &Analysis<'_>,
    tier: TierId,
    turns: &[Option<u32>],
    ask: Option<u32>,
    op: &Op,
    values: &[Option<u32>],
) -> Option<u32> {
    let machine = cx.machine;
    let value = |op: OpId| values.get(op.index()).copied().flatten();
    let entry = |n| machine.node(n).and_then(|n| value(n.entry));
    let least = |a: Option<u32>, b: Option<u32>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    // Where the customer has no say every way must lead there.
    let worst = |all: &mut dyn Iterator<Item = Option<u32>>| {
        let mut out = Some(0);
        for v in all {
            out = match (out, v) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            };
        }
        out
    };
    let to_tier = |t: TierId| turns.get(t.index()).copied().flatten();
    match &op.kind {
        OpKind::Escalate(spec) => {
            let to = spec
                .to
                .or_else(|| spec.rule.and_then(|r| machine.rule(r)).map(|r| r.to))
                .unwrap_or(TierId(tier.0 + 1));
            to_tier(to)
        }
        OpKind::ContinueWith { tier, .. } => to_tier(*tier),
        OpKind::Goto { node } => entry(*node),
        OpKind::Visit { node, .. } => entry(*node),
        // After the end the customer writes again; only asking leads on.
        OpKind::End { .. } => ask,
        OpKind::Back | OpKind::Finish => match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Node(node)) => {
                let mut after = cx
                    .flow()
                    .visits(node)
                    .iter()
                    .filter_map(|v| machine.op(*v))
                    .map(|v| match &v.kind {
                        OpKind::Visit { next, .. } => value(*next),
                        _ => None,
                    })
                    .chain(cx.flow().entered(machine, node).then_some(ask));
                worst(&mut after)
            }
            // Back to a question that is not known here.
            _ => ask,
        },
        OpKind::Branch { .. } | OpKind::Match { .. } | OpKind::Call { .. } => {
            let next = successors(op);
            worst(&mut next.iter().map(|(to, _)| value(*to)))
        }
        _ if question(op).is_some() => {
            let mut best = ask;
            let mut passing = Some(0);
            for (to, how) in successors(op) {
                let v = value(to);
                let chosen = match how {
                    // Spending all retries is a way too, but a long one.
                    Transition::Otherwise => {
                        let retries = question(op).map_or(0, |q| q.retry);
                        v.map(|v| v + 1 + retries)
                    }
                    Transition::NoneLeft => {
                        passing = v;
                        None
                    }
                    // Whether the code fits is not the customer's to choose.
                    Transition::Failed => None,
                    // One message may fill several fields of a form; that it does is not certain.
                    Transition::Next if let OpKind::Form { vars, .. } = &op.kind => {
                        v.map(|v| v + u32::try_from(vars.len()).unwrap_or(u32::MAX))
                    }
                    _ => v.map(|v| v + 1),
                };
                best = least(best, chosen);
                if matches!(op.kind, OpKind::Form { .. }) && how == Transition::Next {
                    passing = v;
                }
            }
            match (best, passing) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            }
        }
        _ => {
            let next = successors(op);
            if next.is_empty() {
                return None;
            }
            worst(&mut next.iter().map(|(to, _)| value(*to)))
        }
    }
}
