//! F0404: a node and tier from which no person can be reached.
//!
//! Two things lead to a person: a rule, or one of several, that fires whenever the customer asks for one, and a way through the flow. Mostly the
//! built-in rule is enough; it is not where a declaration of its name narrows it, or where the ladder has no people.

use super::support::analysis::Analysis;
use super::support::flow::{Ways, by_customer, each_way, question};
use super::support::formula::{Case, Dnf, Formulas, Want};
use crate::machine::{
    BandAction, CodeOwner, ExprKind, Handler, HandlerEvent, Machine, OfferKind, Op, OpKind, Rule,
    Signal,
};
use crate::value::{OpId, TierId};
use flow_grammar::ast::TierKind;
use flow_grammar::{Diagnostic, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0404",
    severity: Severity::Error,
    title: "a place from which no person can be reached",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    if machine.nodes.is_empty() || machine.tiers.is_empty() {
        return;
    }
    let tiers: Vec<TierId> = (0u32..).map(TierId).take(machine.tiers.len()).collect();
    let kind = |t: TierId| machine.tier(t).map(|t| t.kind);
    if !tiers.iter().any(|t| kind(*t) == Some(TierKind::People)) {
        if let Some(node) = machine
            .nodes
            .iter()
            .filter(|n| flow.reaches(n.entry))
            .min_by_key(|n| n.loc)
        {
            found.push(
                Diagnostic::error("F0404", format!("no person can be reached from node `{}`, nor from any other", node.name), node.name_loc)
                    .labelled("a customer who asks for a person here is told that there is none")
                    .label(machine.bot.name_loc, "the ladder has no tier of people")
                    .help("end the ladder with a tier of people: `tiers bot -> human` and `tier human: people { .. }`, with a `team`, a `route` and a `handoff`"),
            );
        }
        return;
    }
    let mut safe: Vec<bool> = tiers
        .iter()
        .map(|t| kind(*t) == Some(TierKind::People) || asking_leads_up(cx, *t))
        .collect();
    if safe.iter().all(|s| *s) {
        return;
    }
    // From the menu, or by a handler, a person can be reached everywhere; but what is said to a model, no handler takes.
    let (words, others): (Vec<&Handler>, Vec<&Handler>) = machine
        .handlers
        .iter()
        .filter(|h| by_customer(h.event))
        .partition(|h| matches!(h.event, HandlerEvent::Intent(_)));
    let from_anywhere: Vec<OpId> = machine
        .bot
        .menu
        .iter()
        .map(|b| b.to)
        .chain(others.iter().map(|h| h.entry))
        .collect();
    // Tiers help each other: going on with a tier from which a person can be reached is enough.
    let mut by_words = false;
    loop {
        let reach = reaches_person(machine, &safe, by_words);
        let anywhere = from_anywhere
            .iter()
            .any(|op| reach.get(op.index()) == Some(&true));
        let mut changed = false;
        for (tier, ok) in tiers.iter().zip(0..) {
            let ok: usize = ok;
            if safe.get(ok) == Some(&false)
                && kind(*tier) == Some(TierKind::Model)
                && (anywhere || bands_lead_up(machine, *tier, &reach, &safe))
                && let Some(s) = safe.get_mut(ok)
            {
                *s = true;
                changed = true;
            }
        }
        // Wherever the flow listens, a handler is enough.
        if !by_words
            && words
                .iter()
                .any(|h| reach.get(h.entry.index()) == Some(&true))
        {
            by_words = true;
            changed = true;
        }
        if changed {
            continue;
        }
        let unsafe_tiers: Vec<TierId> = tiers
            .iter()
            .filter(|t| safe.get(t.index()) == Some(&false))
            .filter(|t| !(anywhere || by_words && kind(**t) == Some(TierKind::Scripted)))
            .copied()
            .collect();
        if !unsafe_tiers.is_empty() {
            let back = comes_back(cx, &reach);
            report(cx, &unsafe_tiers, &back, found);
        }
        return;
    }
}

fn report(cx: &Analysis<'_>, tiers: &[TierId], reach: &[bool], found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let asked = machine.rules.iter().find(|r| r.name == "asked_for_human");
    for tier in tiers {
        let Some(def) = machine.tier(*tier) else {
            continue;
        };
        if def.kind == TierKind::Model {
            if !model_is_used(machine, *tier) {
                continue;
            }
            let finding = Diagnostic::error(
                "F0404",
                format!("no person can be reached from tier `{}`", def.name),
                def.name_loc,
            )
            .labelled("a customer who asks for a person here gets none");
            found.push(explain(machine, asked, *tier, finding));
            continue;
        }
        for node in machine
            .nodes
            .iter()
            .filter(|n| cx.flow().reaches(n.entry) && reach.get(n.entry.index()) != Some(&true))
        {
            let finding = Diagnostic::error(
                "F0404",
                format!(
                    "no person can be reached from node `{}` in tier `{}`",
                    node.name, def.name
                ),
                node.name_loc,
            )
            .labelled("neither does asking for a person lead to one, nor any choice");
            found.push(explain(machine, asked, *tier, finding));
        }
    }
}

fn explain(
    machine: &Machine,
    asked: Option<&Rule>,
    tier: TierId,
    finding: Diagnostic,
) -> Diagnostic {
    let Some(rule) = asked else {
        return finding.help("add a way to a person, for instance `escalate`");
    };
    let finding = if rule.from.contains(&tier) {
        let at = rule.unless.as_ref().map_or(rule.when.loc, |u| u.loc);
        finding.label(at, "asking for a person is not enough for this rule")
    } else {
        finding.label(rule.name_loc, "this rule does not act in that tier")
    };
    let _ = machine;
    finding.help("let `asked_for_human` fire whenever `asks_for_human` (or remove it: it is built in), or give the customer a choice that escalates")
}

/// Whether asking for a person surely leads out of a tier to people.
fn asking_leads_up(cx: &Analysis<'_>, tier: TierId) -> bool {
    let machine = cx.machine;
    let candidates: Vec<&Rule> = machine
        .rules
        .iter()
        .filter(|r| {
            r.from.contains(&tier)
                && machine
                    .tier(r.to)
                    .is_some_and(|t| t.kind == TierKind::People)
        })
        .collect();
    candidates.iter().any(|rule| fires_when_asked(cx, rule))
        || candidates.len() > 1 && one_fires_when_asked(cx, &candidates)
}

/// How many cases are looked at to find one in which none of several rules fires.
const STEPS: u32 = 20_000;

/// Whether of several rules, none of which always fires when a person is asked for, there is always one that does.
fn one_fires_when_asked(cx: &Analysis<'_>, rules: &[&Rule]) -> bool {
    let mut formulas = Formulas::new(cx);
    let asked = formulas.signal(Signal::AsksForHuman);
    let silences: Vec<Dnf> = rules
        .iter()
        .filter_map(|rule| silence(&mut formulas, rule))
        // One that is silent whatever is asked for decides nothing.
        .filter(|silence| !silence.iter().any(Case::is_empty))
        .collect();
    let silences: Vec<&Dnf> = silences.iter().collect();
    formulas.all_fit(&asked, &silences, &mut STEPS.clone()) == Some(false)
}

pub(crate) fn fires_when_asked(cx: &Analysis<'_>, rule: &Rule) -> bool {
    // The plain form, without any algebra.
    if rule.unless.is_none() && matches!(rule.when.kind, ExprKind::Signal(Signal::AsksForHuman)) {
        return true;
    }
    let mut formulas = Formulas::new(cx);
    let asked = formulas.signal(Signal::AsksForHuman);
    let Some(silent) = silence(&mut formulas, rule) else {
        return false;
    };
    formulas
        .meet(&asked, &silent)
        .is_some_and(|both| both.is_empty())
}

/// The cases in which a rule does not fire: its condition is not true, or the exception is. Absent: too many to say.
fn silence(formulas: &mut Formulas<'_, '_>, rule: &Rule) -> Option<Dnf> {
    let mut silent = formulas.dnf(&rule.when, Want::NotTrue)?;
    if let Some(unless) = &rule.unless {
        silent.extend(formulas.dnf(unless, Want::True)?);
    }
    Some(silent)
}

/// By operation: whether a person can be reached from there.
fn reaches_person(machine: &Machine, safe: &[bool], by_words: bool) -> Vec<bool> {
    let mut back: Vec<(OpId, OpId)> = Vec::with_capacity(machine.ops.len() * 2);
    let mut reach = vec![false; machine.ops.len()];
    let mut todo = Vec::new();
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        each_way(machine, op, |to| back.push((to, id)));
        if leads_to_person(machine, op, safe) || by_words && question(op).is_some() {
            todo.push(id);
        }
    }
    let before = Ways::new(machine.ops.len(), &back);
    while let Some(id) = todo.pop() {
        match reach.get_mut(id.index()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        todo.extend(before.of(id));
    }
    reach
}

/// The same where the conversation returns from visited nodes to who visits them, and from handlers to what they interrupted: whoever
/// is there may still come to a person.
fn comes_back(cx: &Analysis<'_>, reach: &[bool]) -> Vec<bool> {
    let (machine, flow) = (cx.machine, cx.flow());
    let mut back: Vec<(OpId, OpId)> = Vec::new();
    let mut out = reach.to_vec();
    let mut todo = Vec::new();
    let interrupted = machine
        .ops
        .iter()
        .zip(reach)
        .any(|(op, reach)| *reach && question(op).is_some());
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        each_way(machine, op, |to| back.push((to, id)));
        if out.get(id.index()) == Some(&true) {
            todo.push(id);
        }
        if !matches!(op.kind, OpKind::Back | OpKind::Finish) {
            continue;
        }
        match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Node(node)) => {
                for visit in flow.visits(node).iter().filter_map(|v| machine.op(*v)) {
                    if let OpKind::Visit { next, .. } = &visit.kind {
                        back.push((*next, id));
                    }
                }
            }
            Some(CodeOwner::Handler(_)) if interrupted => todo.push(id),
            _ => {}
        }
    }
    let before = Ways::new(machine.ops.len(), &back);
    let mut done = vec![false; out.len()];
    while let Some(id) = todo.pop() {
        match done.get_mut(id.index()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        if let Some(reach) = out.get_mut(id.index()) {
            *reach = true;
        }
        todo.extend(before.of(id));
    }
    out
}

fn leads_to_person(machine: &Machine, op: &Op, safe: &[bool]) -> bool {
    let good = |tier: TierId| safe.get(tier.index()) == Some(&true);
    match &op.kind {
        OpKind::Escalate(spec) => match spec
            .to
            .or_else(|| spec.rule.and_then(|r| machine.rule(r)).map(|r| r.to))
        {
            Some(tier) => good(tier),
            // The next tier up, whichever tier runs: it is enough that the tiers above some scripted one are good.
            None => machine
                .tiers
                .iter()
                .enumerate()
                .any(|(i, t)| t.kind != TierKind::People && safe.get(i + 1) == Some(&true)),
        },
        OpKind::ContinueWith { tier, .. } => good(*tier),
        OpKind::Offer { offer, .. } => offer.items.iter().any(|i| {
            matches!(
                i.kind,
                OfferKind::Stay | OfferKind::Callback(_) | OfferKind::Ticket(_)
            )
        }),
        OpKind::Error { .. } => true,
        _ => false,
    }
}

fn bands_lead_up(machine: &Machine, tier: TierId, reach: &[bool], safe: &[bool]) -> bool {
    machine.tier(tier).is_some_and(|t| {
        t.bands.iter().any(|b| match b.action {
            BandAction::Offer(to) => safe.get(to.index()) == Some(&true),
            BandAction::Instead(op) => reach.get(op.index()) == Some(&true),
            _ => false,
        })
    })
}

/// Whether anything hands over to a model.
fn model_is_used(machine: &Machine, tier: TierId) -> bool {
    machine.rules.iter().any(|r| r.to == tier)
        || machine.bot.start_lines.iter().any(|(t, _)| *t == tier)
        || machine.ops.iter().any(|op| match &op.kind {
            OpKind::ContinueWith { tier: t, .. } => *t == tier,
            OpKind::Escalate(spec) => {
                spec.to == Some(tier) || (spec.to.is_none() && spec.rule.is_none() && tier.0 > 0)
            }
            _ => false,
        })
}
