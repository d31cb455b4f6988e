//! F0602: a rule that other rules always beat.
//!
//! Whenever the one fires, another fires too and wins: it leads to a higher tier, or to the same with a higher priority. That may
//! be one and the same rule, or now this and now that one. A rule that reads `confidence` is tried after the others, so it beats
//! only its like.

use super::support::analysis::Analysis;
use super::support::contest::Contest;
use super::support::formula::Dnf;
use crate::machine::{Rule, RuleOrigin};
use crate::value::TierId;
use flow_grammar::{Diagnostic, Severity};
use std::collections::BTreeSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0602",
    severity: Severity::Warning,
    title: "a rule that other rules always beat",
    run,
};

/// Of how many rules together it is found out which of them are needed to beat one.
const TOGETHER: usize = 24;

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let rules = &cx.machine.rules;
    let mut contest = Contest::new(cx);
    let silences: Vec<Vec<u64>> = (0..rules.len())
        .map(|i| contest.silent(i).map_or_else(Vec::new, things))
        .collect();
    let by_thing = ByThing::new(&silences);
    for (i, rule) in rules
        .iter()
        .enumerate()
        .filter(|(_, r)| r.origin == RuleOrigin::Declared && !r.from.is_empty())
    {
        let Some(fires) = contest.fires(i).cloned() else {
            continue;
        };
        // One that never fires is F0601's.
        if fires.is_empty() {
            continue;
        }
        let of_fires = things(&fires);
        let beaten = by_thing
            .near(of_fires.first().copied().unwrap_or_default())
            .find_map(|other| {
                let winner = rules.get(other)?;
                let beats = wins(winner, rule)
                    && contest.silent(other).is_some_and(|silence| {
                        silences
                            .get(other)
                            .is_some_and(|of_silence| !apart(&of_fires, of_silence))
                            && !contest.formulas.compatible(&fires, silence)
                    });
                beats.then_some(winner)
            });
        if let Some(other) = beaten {
            found.push(by_one(rule, other));
        } else if let Some(others) = beaten_together(&mut contest, i, rule, &fires) {
            let others: Vec<&Rule> = others.iter().filter_map(|i| rules.get(*i)).collect();
            found.push(by_many(rule, &others));
        }
    }
}

fn by_one(rule: &Rule, other: &Rule) -> Diagnostic {
    let why = why(rule, other);
    let finding = Diagnostic::warning(
        "F0602",
        format!("rule `{}` is always beaten by `{}`", rule.name, other.name),
        rule.name_loc,
    )
    .labelled("whenever this fires, the other fires too and wins");
    if other.origin == RuleOrigin::Declared {
        finding
            .label(other.name_loc, why)
            .help("narrow the winning rule, raise this one's priority, or remove it")
    } else {
        finding.help(format!(
            "`{}` is built in and {why}; give this rule a higher priority, or remove it",
            other.name
        ))
    }
}

fn by_many(rule: &Rule, others: &[&Rule]) -> Diagnostic {
    let names: Vec<String> = others.iter().map(|o| format!("`{}`", o.name)).collect();
    let names = match names.split_last() {
        Some((last, [first])) => format!("{first} or {last}"),
        Some((last, rest)) if rest.len() < 4 => format!("{} or {last}", rest.join(", ")),
        _ => format!("one of {} rules", names.len()),
    };
    let mut finding = Diagnostic::warning(
        "F0602",
        format!("rule `{}` is always beaten, by {names}", rule.name),
        rule.name_loc,
    )
    .labelled("whenever this fires, one of the others fires too and wins");
    for other in others.iter().take(8) {
        if other.origin == RuleOrigin::Declared {
            finding = finding.label(other.name_loc, why(rule, other));
        }
    }
    finding.help(
        "together they leave no case: narrow one of them, raise this one's priority, or remove it",
    )
}

fn why(rule: &Rule, other: &Rule) -> String {
    if other.to > rule.to {
        "leads to a higher tier".to_owned()
    } else {
        format!("has the higher priority `{}`", other.priority.as_str())
    }
}

/// The rules one of which wins wherever a rule fires, in each of its tiers; no more of them than are needed.
fn beaten_together(
    contest: &mut Contest<'_, '_>,
    at: usize,
    rule: &Rule,
    fires: &Dnf,
) -> Option<BTreeSet<usize>> {
    let mut all = BTreeSet::new();
    for tier in &rule.from {
        let winners = contest.winners(rule, *tier);
        if contest.can_be_alone(at, fires, *tier, &winners) != Some(false) {
            return None;
        }
        all.extend(needed(contest, at, fires, *tier, winners.to_vec()));
    }
    // One that never fires in its tiers needs nobody to beat it.
    (!all.is_empty()).then_some(all)
}

/// Those of the winners that it takes to win everywhere.
fn needed(
    contest: &mut Contest<'_, '_>,
    rule: usize,
    fires: &Dnf,
    tier: TierId,
    mut winners: Vec<usize>,
) -> Vec<usize> {
    if winners.len() > TOGETHER {
        return winners;
    }
    let mut at = winners.len();
    while let Some(next) = at.checked_sub(1) {
        at = next;
        let mut fewer = winners.clone();
        fewer.remove(at);
        if contest.can_be_alone(rule, fires, tier, &fewer) == Some(false) {
            winners = fewer;
        }
    }
    winners
}

/// By case, the things that it speaks of, as a set of 64.
fn things(dnf: &Dnf) -> Vec<u64> {
    dnf.iter()
        .map(|case| case.keys().fold(0, |set, key| set | 1 << (key % 64)))
        .collect()
}

/// The rules whose first case of silence speaks of a thing, for each of 64 sets of things, and those that are never silent: as sets of
/// 64 rules to a word.
struct ByThing([Vec<u64>; 64], Vec<u64>);

impl ByThing {
    fn new(silences: &[Vec<u64>]) -> Self {
        let words = silences.len().div_ceil(64);
        let mut out = Self(std::array::from_fn(|_| vec![0; words]), vec![0; words]);
        for (rule, cases) in silences.iter().enumerate() {
            let note = |set: &mut Vec<u64>| {
                if let Some(word) = set.get_mut(rule / 64) {
                    *word |= 1 << (rule % 64);
                }
            };
            match cases.first() {
                None => note(&mut out.1),
                Some(first) => {
                    let spoken = out.0.iter_mut().enumerate();
                    spoken
                        .filter(|(thing, _)| first >> thing & 1 == 1)
                        .for_each(|(_, set)| note(set));
                }
            }
        }
        out
    }

    /// The rules that may have to fire where a case holds that speaks of these things: all others can be silent there.
    fn near(&self, case: u64) -> impl Iterator<Item = usize> + '_ {
        let spoken = move |thing: usize| case >> thing & 1 == 1;
        self.1.iter().enumerate().flat_map(move |(n, never)| {
            let sets = self.0.iter().enumerate();
            let near = sets
                .filter(|(thing, _)| spoken(*thing))
                .filter_map(|(_, set)| set.get(n))
                .fold(*never, |all, word| all | word);
            (0..64)
                .filter(move |bit| near >> bit & 1 == 1)
                .map(move |bit| n * 64 + bit)
        })
    }
}

/// Whether some case of each speaks of other things, so that both can surely hold.
fn apart(a: &[u64], b: &[u64]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x & y == 0))
}

/// Whether a rule wins over another wherever both fire.
fn wins(winner: &Rule, loser: &Rule) -> bool {
    !std::ptr::eq(winner, loser)
        && (winner.to, winner.priority) > (loser.to, loser.priority)
        && loser.from.iter().all(|t| winner.from.contains(t))
        && (!winner.reads_confidence || loser.reads_confidence)
}
