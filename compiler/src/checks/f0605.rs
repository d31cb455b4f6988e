//! F0605: two rules that tie with different effects.
//!
//! Both can fire on one message, from a common tier, to the same tier with the same priority, and say different things: which is
//! said would be chance. Reasons are no effect, all of them are kept.

use super::f0601::fires;
use super::support::analysis::Analysis;
use super::support::formula::{Dnf, Formulas};
use crate::machine::{Machine, Rule, TextPart};
use crate::value::TextId;
use flow_grammar::{Diagnostic, Severity};
use rustc_hash::FxHashMap;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0605",
    severity: Severity::Error,
    title: "two rules that tie with different effects",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut formulas = Formulas::new(cx);
    let mut groups: FxHashMap<_, Vec<(&Rule, Option<Dnf>)>> = FxHashMap::default();
    let mut sorted: Vec<&Rule> = machine.rules.iter().filter(|r| r.say.is_some()).collect();
    sorted.sort_by_key(|r| r.loc);
    for rule in sorted {
        let dnf = fires(&mut formulas, rule);
        groups
            .entry((rule.to, rule.priority, rule.reads_confidence))
            .or_default()
            .push((rule, dnf));
    }
    for group in groups.values() {
        for (i, (rule, dnf)) in group.iter().enumerate() {
            let Some(dnf) = dnf else { continue };
            let clash = group.iter().take(i).find(|(other, other_dnf)| {
                rule.from.iter().any(|t| other.from.contains(t))
                    && !same_text(machine, rule.say, other.say)
                    && other_dnf
                        .as_ref()
                        .is_some_and(|d| formulas.compatible(dnf, d))
            });
            let Some((other, _)) = clash else { continue };
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
