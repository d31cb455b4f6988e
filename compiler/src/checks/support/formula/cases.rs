//! What can be done with cases: hold them together, join them, search one that fits.

use super::{Case, Dnf, Formulas};
use crate::checks::support::set::{Set, Universe};
use crate::value::Value;
use rust_decimal::Decimal;

/// How many cases a formula may have.
const MOST: usize = 256;

impl Formulas<'_, '_> {
    /// The cases in which both hold. Absent: too many to say.
    pub(crate) fn meet(&self, a: &Dnf, b: &Dnf) -> Option<Dnf> {
        let mut out = Vec::new();
        for x in a {
            for y in b {
                if let Some(both) = self.together(x, y) {
                    if out.len() >= MOST {
                        return None;
                    }
                    out.push(both);
                }
            }
        }
        Some(out)
    }

    /// Whether some case of both can hold.
    pub(crate) fn compatible(&self, a: &Dnf, b: &Dnf) -> bool {
        a.iter().any(|x| b.iter().any(|y| self.fits(x, y)))
    }

    /// Whether some case of `from` can hold together with a case of each of the others. Absent: too long to say.
    pub(crate) fn all_fit(&self, from: &Dnf, others: &[&Dnf], steps: &mut u32) -> Option<bool> {
        for case in from {
            if self.rest_fits(case, others, steps)? {
                return Some(true);
            }
        }
        Some(false)
    }

    fn rest_fits(&self, case: &Case, others: &[&Dnf], steps: &mut u32) -> Option<bool> {
        // What follows from the case as it is needs no choice.
        let open = others
            .iter()
            .position(|dnf| !dnf.iter().any(|other| Self::follows(case, other)));
        let looked_at = open.map_or(others.len(), |at| at + 1);
        *steps = steps.checked_sub(u32::try_from(looked_at).ok()?)?;
        let Some(open) = open else { return Some(true) };
        let (Some(next), Some(rest)) = (others.get(open), others.get(open + 1..)) else {
            return Some(true);
        };
        for other in next.iter() {
            if let Some(both) = self.together(case, other)
                && self.rest_fits(&both, rest, steps)?
            {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Whether wherever the one case holds the other does, as far as is seen at a glance.
    fn follows(case: &Case, other: &Case) -> bool {
        other
            .iter()
            .all(|(key, set)| case.get(key).is_some_and(|mine| mine.is_within(set)))
    }

    /// By thing that any formula speaks of, the value that most conditions do not ask for: unknown, no, none, nothing.
    pub(crate) fn quiet(&self) -> Vec<Set> {
        let quiet = |(universe, may): &(Universe, bool)| {
            if *may {
                return Set {
                    unknown: true,
                    ..universe.nothing()
                };
            }
            match universe {
                Universe::Closed(names) => names
                    .last()
                    .and_then(|name| universe.value(&Value::Enum(name.clone()))),
                Universe::Ordered { low, high, .. } => {
                    let zero = Decimal::ZERO;
                    let at = low.map_or(zero, |l| l.max(zero));
                    let at = high.map_or(at, |h| h.min(at));
                    universe.between(Some((at, true)), Some((at, true)))
                }
                Universe::Open => None,
            }
            .unwrap_or_else(|| universe.all(false))
        };
        self.universes.iter().map(quiet).collect()
    }

    /// Whether a case may hold where the things of `given` are as it says and all others are quiet.
    pub(crate) fn may_hold(&self, case: &Case, given: &Case, quiet: &[Set]) -> bool {
        case.iter().all(|(key, set)| {
            let at = *key as usize;
            match (given.get(key).or(quiet.get(at)), self.universes.get(at)) {
                (Some(other), Some((universe, _))) => {
                    !universe.is_empty(&universe.meet(set, other))
                }
                _ => true,
            }
        })
    }

    fn fits(&self, a: &Case, b: &Case) -> bool {
        let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        few.iter().all(
            |(key, set)| match (many.get(key), self.universes.get(*key as usize)) {
                (Some(other), Some((universe, _))) => {
                    !universe.is_empty(&universe.meet(set, other))
                }
                _ => true,
            },
        )
    }

    fn together(&self, a: &Case, b: &Case) -> Option<Case> {
        let mut out = a.clone();
        for (key, set) in b {
            let (universe, _) = self.universes.get(*key as usize)?;
            let set = match out.get(key) {
                Some(other) => universe.meet(other, set),
                None => set.clone(),
            };
            if universe.is_empty(&set) {
                return None;
            }
            out.insert(*key, set);
        }
        Some(out)
    }
}

pub(super) fn constant(truth: bool) -> Dnf {
    if truth { vec![Case::new()] } else { Vec::new() }
}

pub(super) fn join(mut a: Dnf, b: Dnf) -> Option<Dnf> {
    // What is always so swallows the rest.
    if a.iter().any(Case::is_empty) {
        return Some(constant(true));
    }
    if b.iter().any(Case::is_empty) {
        return Some(constant(true));
    }
    for case in b {
        if !a.contains(&case) {
            a.push(case);
        }
    }
    (a.len() <= MOST).then_some(a)
}
