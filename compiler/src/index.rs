//! What is defined where and what refers to it: the data behind go-to-definition, hover, rename and completion.

use crate::env::{Def, Env};
use crate::lower::Reference;
use crate::machine::Machine;
use flow_grammar::Loc;
use rustc_hash::FxHashMap;

/// Definitions and references of a program.
#[derive(Debug, Default)]
pub struct Index {
    /// Where every definition's name stands.
    pub definitions: FxHashMap<Def, Loc>,
    /// Every name that was resolved, in the order of the sources.
    pub references: Vec<Reference>,
}

impl Index {
    pub(crate) fn build(env: &Env, mut references: Vec<Reference>, machine: &Machine) -> Self {
        references.sort_unstable_by_key(|(at, _)| *at);
        references.dedup();
        let mut definitions = FxHashMap::default();
        for (_, def) in &references {
            if let Some(at) = env.place(*def).or_else(|| local(*def, machine)) {
                definitions.insert(*def, at);
            }
        }
        Self {
            definitions,
            references,
        }
    }
}

fn local(def: Def, machine: &Machine) -> Option<Loc> {
    match def {
        Def::Local(code, id) => machine.code(code)?.locals.get(id.index()).map(|l| l.loc),
        _ => None,
    }
}
