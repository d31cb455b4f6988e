//! F0602: a rule that another rule always beats.
//!
//! Whenever the one fires, the other fires too and wins: it leads to a higher tier, or to the same with a higher priority. A rule
//! that reads `confidence` is tried after the others, so it beats only its like.

use super::f0601::{fires, silent};
use super::support::analysis::Analysis;
use super::support::formula::{Dnf, Formulas};
use crate::machine::{Rule, RuleOrigin};
use flow_grammar::{Diagnostic, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0602",
    severity: Severity::Warning,
    title: "a rule that another rule always beats",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let mut formulas = Formulas::new(cx);
    let rules = &cx.machine.rules;
    let silences: Vec<Option<(Dnf, Vec<u64>)>> = rules
        .iter()
        .map(|r| {
            let dnf = silent(&mut formulas, r)?;
            let things = things(&dnf);
            Some((dnf, things))
        })
        .collect();
    for rule in rules
        .iter()
        .filter(|r| r.origin == RuleOrigin::Declared && !r.from.is_empty())
    {
        let Some(fires) = fires(&mut formulas, rule) else {
            continue;
        };
        // One that never fires is F0601's.
        if fires.is_empty() {
            continue;
        }
        let of_fires = things(&fires);
        let beaten = rules.iter().zip(&silences).find(|(other, silence)| {
            wins(other, rule)
                && silence.as_ref().is_some_and(|(silence, of_silence)| {
                    !apart(&of_fires, of_silence) && !formulas.compatible(&fires, silence)
                })
        });
        let Some((other, _)) = beaten else { continue };
        let why = if other.to > rule.to {
            "leads to a higher tier".to_owned()
        } else {
            format!("has the higher priority `{}`", other.priority.as_str())
        };
        let mut finding = Diagnostic::warning(
            "F0602",
            format!("rule `{}` is always beaten by `{}`", rule.name, other.name),
            rule.name_loc,
        )
        .labelled("whenever this fires, the other fires too and wins");
        if other.origin == RuleOrigin::Declared {
            finding = finding.label(other.name_loc, why);
        } else {
            finding = finding.help(format!(
                "`{}` is built in and {why}; give this rule a higher priority, or remove it",
                other.name
            ));
            found.push(finding);
            continue;
        }
        found
            .push(finding.help("narrow the winning rule, raise this one's priority, or remove it"));
    }
}

/// By case, the things that it speaks of, as a set of 64.
fn things(dnf: &Dnf) -> Vec<u64> {
    dnf.iter()
        .map(|case| case.keys().fold(0, |set, key| set | 1 << (key % 64)))
        .collect()
}

/// Whether some case of each speaks of other things, so that both can surely hold.
fn apart(a: &[u64], b: &[u64]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x & y == 0))
}

/// Whether a rule wins over another wherever both fire.
fn wins(winner: &Rule, loser: &Rule) -> bool {
    !std::ptr::eq(winner, loser)
        && (winner.to > loser.to || (winner.to == loser.to && winner.priority > loser.priority))
        && loser.from.iter().all(|t| winner.from.contains(t))
        && (!winner.reads_confidence || loser.reads_confidence)
}
