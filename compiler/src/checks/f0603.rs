//! F0603: a rule that does not climb the ladder. To go down, or to stay, is what `continue with` is for.

use super::support::analysis::Analysis;
use crate::machine::RuleOrigin;
use flow_grammar::{Diagnostic, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0603",
    severity: Severity::Error,
    title: "a rule that does not climb the ladder",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let ladder = machine
        .tiers
        .iter()
        .map(|t| t.name.as_str())
        .collect::<Vec<_>>()
        .join(" -> ");
    for rule in machine
        .rules
        .iter()
        .filter(|r| r.origin == RuleOrigin::Declared)
    {
        let Some(to) = machine.tier(rule.to) else {
            continue;
        };
        let stuck = rule
            .from
            .iter()
            .find(|t| **t >= rule.to)
            .and_then(|t| machine.tier(*t));
        let label = match stuck {
            Some(from) if from.name == to.name => format!("from `{}` to itself", to.name),
            Some(from) => format!("`{}` is not above `{}`", to.name, from.name),
            // That no tier is below is found with the names.
            None => continue,
        };
        found.push(
            Diagnostic::error("F0603", format!("rule `{}` does not climb the ladder", rule.name), rule.name_loc)
                .labelled(label)
                .help(format!("the ladder is `{ladder}`; to hand over downwards or to stay, use `continue with` in a node")),
        );
    }
}
