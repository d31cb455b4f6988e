//! "One of these is known": what a bot knows that has asked for an email or a phone number.
//!
//! An *alternative* is a fact about a few others: at least one of them holds. It is what two ways have in common that make
//! different things known, and what `a is known or b is known` says; where one of its things turns out to be unknown, what is
//! left of it holds. Alternatives are only followed where something would otherwise be reported as unknown: nearly no bot needs
//! them, and each makes every set of facts longer.

use super::bits::Bits;
use super::facts::FactId;
use super::values::Tried;
use crate::value::CodeId;
use rustc_hash::FxHashMap;

/// So many things may stand in one alternative.
const MOST: usize = 3;

/// So many alternatives are followed.
pub(super) const LIMIT: usize = 64;

/// An alternative to follow.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The fact that is in doubt, and the body that needs it.
    pub(super) doubt: (Option<CodeId>, FactId),
    /// The body whose results it names, if it names any.
    pub(super) code: Option<CodeId>,
    /// What may be known.
    pub(super) known: Vec<FactId>,
    /// And what a slot may be, or not: two alternatives.
    pub(super) value: Option<Tried>,
}

impl Wanted {
    /// The fact that is in doubt, and the body that needs it.
    pub(crate) const fn doubt(&self) -> (Option<CodeId>, FactId) {
        self.doubt
    }
}

/// The alternatives that are followed.
#[derive(Debug, Clone, Default)]
pub(super) struct Alternatives {
    /// Those of fewer things first.
    list: Vec<Alternative>,
    /// By fact, the alternatives that name it.
    naming: FxHashMap<FactId, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Alternative {
    /// The body whose results it names, if it names any.
    code: Option<CodeId>,
    /// The fact that it holds.
    id: FactId,
    /// Each thing, and what is left without it: a fact, or a smaller alternative.
    things: Vec<(FactId, FactId)>,
}

impl Alternatives {
    /// The wanted ones that name two or three facts, up to a limit, numbered from `first` on; with the body in which they mean
    /// something, where they name results of calls.
    pub(super) fn new(
        wanted: impl IntoIterator<Item = (Option<CodeId>, Vec<FactId>)>,
        first: u32,
    ) -> Self {
        let mut sets: Vec<(Option<CodeId>, Vec<FactId>)> = Vec::new();
        for (code, mut things) in wanted {
            things.sort_unstable();
            things.dedup();
            if things.len() < 2 || things.len() > MOST {
                continue;
            }
            // What is left of a larger one must be there.
            let smaller = (0..things.len()).filter(|_| things.len() > 2).map(|i| {
                let mut rest = things.clone();
                rest.remove(i);
                rest
            });
            for set in smaller.chain([things.clone()]) {
                if !sets.iter().any(|(c, s)| *c == code && *s == set) {
                    sets.push((code, set));
                }
            }
            if sets.len() >= LIMIT {
                break;
            }
        }
        sets.sort_by_key(|(_, set)| set.len());
        let mut this = Self::default();
        for (id, (code, set)) in (first..).map(FactId).zip(&sets) {
            let left = |i: usize| {
                let mut rest = set.clone();
                rest.remove(i);
                match rest.as_slice() {
                    [one] => Some(*one),
                    _ => this.find(&sets, first, *code, &rest),
                }
            };
            let things: Vec<(FactId, FactId)> = set
                .iter()
                .enumerate()
                .filter_map(|(i, thing)| Some((*thing, left(i)?)))
                .collect();
            for (thing, _) in &things {
                this.naming.entry(*thing).or_default().push(this.list.len());
            }
            this.list.push(Alternative {
                code: *code,
                id,
                things,
            });
        }
        this
    }

    fn find(
        &self,
        sets: &[(Option<CodeId>, Vec<FactId>)],
        first: u32,
        code: Option<CodeId>,
        set: &[FactId],
    ) -> Option<FactId> {
        (first..)
            .zip(sets)
            .find(|(_, (c, s))| *c == code && s == set)
            .map(|(id, _)| FactId(id))
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Adds the alternatives that hold because something in them does.
    pub(super) fn close(&self, code: CodeId, bits: &mut Bits) {
        for one in &self.list {
            if one.code.is_none_or(|of| of == code)
                && !bits.has(one.id)
                && one
                    .things
                    .iter()
                    .any(|(thing, left)| bits.has(*thing) || bits.has(*left))
            {
                bits.insert(one.id);
            }
        }
    }

    /// None of some facts holds: where each of them stands in an alternative with the same thing, that holds.
    pub(super) fn without(&self, code: CodeId, facts: &[FactId], bits: &mut Bits) {
        let Some((first, others)) = facts.split_first() else {
            return;
        };
        let left = |fact: FactId, bits: &Bits| -> Vec<FactId> {
            self.naming(fact)
                .filter(|one| one.code.is_none_or(|of| of == code) && bits.has(one.id))
                .filter_map(|one| one.things.iter().find(|(thing, _)| *thing == fact))
                .map(|(_, left)| *left)
                .collect()
        };
        let mut sure = left(*first, bits);
        for fact in others {
            let with = left(*fact, bits);
            sure.retain(|thing| with.contains(thing));
        }
        sure.into_iter().for_each(|fact| bits.insert(fact));
    }

    /// The alternatives that name a fact.
    pub(super) fn of(&self, fact: FactId) -> impl Iterator<Item = FactId> + '_ {
        self.naming(fact).map(|one| one.id)
    }

    /// Those that mean the same in every body.
    pub(super) fn globals(&self) -> impl Iterator<Item = FactId> + '_ {
        let global = self.list.iter().filter(|one| one.code.is_none());
        global.map(|one| one.id)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = FactId> + '_ {
        self.list.iter().map(|one| one.id)
    }

    fn naming(&self, fact: FactId) -> impl Iterator<Item = &Alternative> {
        let all = self.naming.get(&fact).into_iter().flatten();
        all.filter_map(|i| self.list.get(*i))
    }
}
