//! F0605: two rules that tie with different effects.
//!
//! Both can fire on one message, from a common tier, to the same tier with the same priority, and say different things: which is
//! said would be chance. Reasons are no effect, all of them are kept. Where a third rule always wins when both fire, nothing is left
//! to chance.

use super::support::analysis::Analysis;
use super::support::contest::Contest;
use crate::machine::{Machine, Rule, TextPart};
use crate::value::TextId;
use flow_grammar::{Diagnostic, Severity};
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0605",
    severity: Severity::Error,
    title: "two rules that tie with different effects",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut contest = Contest::new(cx);
    // In order, so that the searches share their budget alike in every run.
    let mut groups: BTreeMap<_, Vec<(usize, &Rule)>> = BTreeMap::new();
    let mut sorted: Vec<(usize, &Rule)> = machine.rules.iter().enumerate().collect();
    sorted.retain(|(_, r)| r.say.is_some());
    sorted.sort_by_key(|(_, r)| r.loc);
    for (i, rule) in sorted {
        groups
            .entry((rule.to, rule.priority, rule.reads_confidence))
            .or_default()
            .push((i, rule));
    }
    for group in groups.values() {
        let texts = alike(machine, group);
        for (n, (i, rule)) in group.iter().enumerate() {
            let says = texts.get(n);
            let before = group.iter().zip(&texts).take(n);
            let clash = before
                .filter(|(_, text)| Some(*text) != says)
                .find(|((other_i, other), _)| can_tie(&mut contest, (*i, rule), (*other_i, other)));
            let Some(((_, other), _)) = clash else {
                continue;
            };
            let to = machine
                .tier(rule.to)
                .map(|t| t.name.as_str())
                .unwrap_or_default();
            found.push(
                Diagnostic::error("F0605", format!("rules `{}` and `{}` can tie, and say different things", other.name, rule.name), rule.name_loc)
                    .labelled(format!("to `{to}` with priority `{}`", rule.priority.as_str()))
                    .label(other.name_loc, "the same tier and priority, with another `say`")
                    .help("give one of them a higher priority, let both say the same, or let their conditions exclude each other"),
            );
        }
    }
}

/// Whether both can fire in a common tier while no rule that wins over them does. Where that is too long to say, they cannot.
fn can_tie(contest: &mut Contest<'_, '_>, a: (usize, &Rule), b: (usize, &Rule)) -> bool {
    let mut common = a.1.from.iter().filter(|t| b.1.from.contains(t)).peekable();
    let (Some(x), Some(y)) = (contest.fires(a.0), contest.fires(b.0)) else {
        return false;
    };
    if common.peek().is_none() || !contest.formulas.compatible(x, y) {
        return false;
    }
    let Some(both) = contest.formulas.meet(x, y) else {
        return false;
    };
    common.any(|tier| {
        let winners = contest.winners(a.1, *tier);
        contest.can_be_alone(a.0, &both, *tier, &winners) == Some(true)
    })
}

/// By rule, the first one of the group that says the same.
fn alike(machine: &Machine, group: &[(usize, &Rule)]) -> Vec<usize> {
    let mut seen: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    let says = |n: usize| group.get(n).and_then(|(_, rule)| rule.say);
    let mut out = Vec::with_capacity(group.len());
    for n in 0..group.len() {
        let like = seen.entry(print(machine, says(n))).or_default();
        let first = like
            .iter()
            .copied()
            .find(|other| same_text(machine, says(n), says(*other)));
        out.push(first.unwrap_or(n));
        if first.is_none() {
            like.push(n);
        }
    }
    out
}

/// The same for texts that are the same.
fn print(machine: &Machine, text: Option<TextId>) -> u64 {
    let mut hasher = FxHasher::default();
    for part in text
        .and_then(|id| machine.text(id))
        .into_iter()
        .flat_map(|text| text.variants.iter().flat_map(|v| &v.parts))
    {
        match part {
            TextPart::Str(words) => words.hash(&mut hasher),
            TextPart::Expr(expr) => machine.sources.snippet(expr.loc).hash(&mut hasher),
        }
    }
    hasher.finish()
}

fn same_text(machine: &Machine, a: Option<TextId>, b: Option<TextId>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return true;
    };
    if a == b {
        return true;
    }
    let (Some(a), Some(b)) = (machine.text(a), machine.text(b)) else {
        return true;
    };
    a.variants.len() == b.variants.len()
        && a.variants.iter().zip(&b.variants).all(|(x, y)| {
            x.language == y.language
                && x.channel == y.channel
                && x.parts.len() == y.parts.len()
                && x.parts.iter().zip(&y.parts).all(|(p, q)| match (p, q) {
                    (TextPart::Str(p), TextPart::Str(q)) => p == q,
                    (TextPart::Expr(p), TextPart::Expr(q)) => {
                        machine.sources.snippet(p.loc) == machine.sources.snippet(q.loc)
                    }
                    _ => false,
                })
        })
}
