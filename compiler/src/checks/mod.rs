//! The analyses over a machine: what a bot would do wrong although every name and type in it is right.
//!
//! What lives here: one file per finding, named after its code, and the analyses that they share (`support`).
//! What does not: syntax, names and types (found before there is a machine), and how findings look.
//!
//! Each check is silent where it cannot know: a finding must be worth reading.

pub mod allow;
pub mod explain;
mod f0206;
mod f0303;
mod f0304;
mod f0401;
mod f0402;
mod f0403;
pub(crate) mod f0404;
mod f0405;
mod f0406;
mod f0408;
mod f0409;
mod f0501;
mod f0601;
mod f0602;
mod f0603;
mod f0605;
mod f0701;
mod f0702;
mod f0703;
mod f0704;
mod f0705;
mod f0707;
mod f0801;
mod f0802;
mod f0803;
mod f0804;
mod f0901;
mod f0902;
mod f1001;
mod f1002;
mod f1003;
mod f1004;
mod f1101;
pub(crate) mod support;

use crate::machine::Machine;
use crate::sources::Sources;
use flow_grammar::{Diagnostic, Severity};
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use support::analysis::Analysis;

/// What the checks may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The compiled bot; perhaps incomplete, where errors were found before.
    pub machine: &'a Machine,
    /// Its sources.
    pub sources: &'a Sources,
    /// The day from which hours are checked (F0704, F0707).
    pub date: jiff::civil::Date,
    /// Declarations of which something was refused before: what was read of them is not all that they say.
    pub refused: Option<&'a FxHashSet<u32>>,
}

/// An analysis with its code.
#[derive(Debug)]
pub struct Check {
    /// The code of what it finds.
    pub code: &'static str,
    /// How bad that is (a check may give single findings another severity).
    pub severity: Severity,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// The analysis.
    run: fn(&Analysis<'_>, &mut Vec<Diagnostic>),
}

/// All analyses, by code.
pub const CHECKS: &[Check] = &[
    f0206::CHECK,
    f0303::CHECK,
    f0304::CHECK,
    f0401::CHECK,
    f0402::CHECK,
    f0403::CHECK,
    f0404::CHECK,
    f0405::CHECK,
    f0406::CHECK,
    f0408::CHECK,
    f0409::CHECK,
    f0501::CHECK,
    f0601::CHECK,
    f0602::CHECK,
    f0603::CHECK,
    f0605::CHECK,
    f0701::CHECK,
    f0702::CHECK,
    f0703::CHECK,
    f0704::CHECK,
    f0705::CHECK,
    f0707::CHECK,
    f0801::CHECK,
    f0802::CHECK,
    f0803::CHECK,
    f0804::CHECK,
    f0901::CHECK,
    f0902::CHECK,
    f1001::CHECK,
    f1002::CHECK,
    f1003::CHECK,
    f1004::CHECK,
    f1101::CHECK,
];

/// The analyses that look at what is known where.
const OF_KNOWLEDGE: [&str; 9] = [
    "F0303", "F0304", "F0404", "F0501", "F0601", "F0602", "F0605", "F0701", "F0702",
];

/// Runs every analysis.
#[must_use]
pub fn run(cx: &Context<'_>) -> Vec<Diagnostic> {
    let analysis = Analysis::side_by_side(cx);
    let run = |checks: Vec<&Check>| -> Vec<Vec<Diagnostic>> {
        checks
            .into_par_iter()
            .map(|check| {
                let mut found = Vec::new();
                (check.run)(&analysis, &mut found);
                found
            })
            .collect()
    };
    let (of_knowledge, mut others): (Vec<&Check>, Vec<&Check>) = CHECKS
        .iter()
        .partition(|check| OF_KNOWLEDGE.contains(&check.code));
    // The longest first, or one core does it alone at the end. The order of what is found is made afterwards.
    others.sort_by_key(|check| check.code != f1002::CHECK.code);
    // What is known takes longest to find out; meanwhile those run that do not ask.
    let (_, first) = rayon::join(|| analysis.find_out(), || run(others));
    let mut found: Vec<Diagnostic> = first
        .into_iter()
        .chain(run(of_knowledge))
        .flatten()
        .collect();
    // Of a declaration that could not be read in full nothing is said beside that.
    let broken = broken(cx.sources);
    if !broken.is_empty() {
        found.retain(|d| {
            d.labels
                .first()
                .is_none_or(|l| !broken.contains(&l.at.decl))
        });
    }
    found
}

/// The declarations with syntax errors.
fn broken(sources: &Sources) -> FxHashSet<u32> {
    let mut out = FxHashSet::default();
    for file in &sources.files {
        for (decl, placed) in (file.first_decl..).zip(&file.tree.decls) {
            if placed.tree.diagnostics.iter().any(|d| d.code == "F0101") {
                out.insert(decl);
            }
        }
    }
    out
}
