//! How an uncovered case is written: as few cells as describe one, and whether they describe all.

use super::{Answer, Atom, AtomSet, BUDGET, Grid, Search, and, empty, full, is_empty, put};

/// How many cells are tried to describe an uncovered case in fewer of them.
const SMALLER: u32 = 100_000;

impl Grid {
    /// An uncovered case as cells to write; `_` where any value is uncovered alike. Also whether a row of these cells would leave
    /// other cases.
    pub(crate) fn as_cells(&self, case: &[usize]) -> (Vec<String>, bool) {
        let mut region: Vec<AtomSet> = case
            .iter()
            .zip(&self.atoms)
            .map(|(atom, atoms)| {
                let mut set = empty(atoms.len());
                put(&mut set, *atom);
                set
            })
            .collect();
        let mut wild = vec![false; case.len()];
        for (c, atoms) in self.atoms.iter().enumerate() {
            let mut wider = region.clone();
            if let Some(set) = wider.get_mut(c) {
                *set = full(atoms.len());
            }
            let free = !self
                .cells
                .iter()
                .any(|row| row.iter().zip(&wider).all(|(a, b)| !is_empty(&and(a, b))));
            if free {
                region = wider;
                if let Some(w) = wild.get_mut(c) {
                    *w = true;
                }
            }
        }
        let mut case = case.to_vec();
        let written = |case: &[usize], wild: &[bool]| {
            let named = case.iter().zip(wild).enumerate();
            named
                .filter(|(c, (atom, wild))| !**wild && !self.is_other(*c, **atom))
                .count()
        };
        if let Some(smaller) = self.smaller_than(written(&case, &wild)) {
            for (c, atom) in smaller.into_iter().enumerate() {
                let (Some(w), Some(set), Some(of_case), Some(atoms)) = (
                    wild.get_mut(c),
                    region.get_mut(c),
                    case.get_mut(c),
                    self.atoms.get(c),
                ) else {
                    continue;
                };
                *w = atom.is_none();
                *set = full(atoms.len());
                if let Some(atom) = atom {
                    *of_case = atom;
                    set.fill(0);
                    put(set, atom);
                }
            }
        }
        let cells = case
            .iter()
            .enumerate()
            .map(|(c, atom)| {
                if wild.get(c) == Some(&true) {
                    "_".into()
                } else {
                    self.show(c, *atom)
                }
            })
            .collect::<Vec<_>>();
        // `_` is also how a cell takes what no pattern names, with all that patterns name.
        for (set, cell) in region.iter_mut().zip(&cells) {
            if cell == "_" {
                set.fill(u64::MAX);
            }
        }
        let one_of_many = case
            .iter()
            .zip(&self.atoms)
            .zip(&wild)
            .any(|((atom, atoms), wild)| {
                !wild && matches!(atoms.get(*atom), Some(Atom::Name { others, .. }) if *others > 0)
            });
        let more = one_of_many || self.leaves_more(&region);
        (cells, more)
    }

    fn is_other(&self, column: usize, atom: usize) -> bool {
        let atom = self.atoms.get(column).and_then(|a| a.get(atom));
        matches!(atom, Some(Atom::Other))
    }

    /// The uncovered cases that fewer than `most` cells describe, the fewest first: by column, the atom, or none where any is uncovered
    /// alike. Absent where there is none, or it is not found soon.
    fn smaller_than(&self, most: usize) -> Option<Vec<Option<usize>>> {
        let mut rows = empty(self.cells.len());
        for (r, cells) in self.cells.iter().enumerate() {
            if !cells.iter().any(|c| is_empty(c)) {
                put(&mut rows, r);
            }
        }
        let mut steps = SMALLER;
        (0..most).find_map(|cells| {
            let mut picked = vec![None; self.atoms.len()];
            self.pick(0, &rows, cells, &mut picked, &mut steps)
                .then_some(picked)
        })
    }

    /// Picks atoms for the columns from `column` on, at most `left` that have to be written, so that none of the rows takes all of them.
    fn pick(
        &self,
        column: usize,
        rows: &[u64],
        left: usize,
        picked: &mut [Option<usize>],
        steps: &mut u32,
    ) -> bool {
        if is_empty(rows) {
            return true;
        }
        let Some(atoms) = self.rows_of.get(column) else {
            return false;
        };
        if *steps == 0 {
            return false;
        }
        // None last: what a column leaves open is taken by most rows.
        for (atom, takers) in atoms.iter().enumerate() {
            let free = self.is_other(column, atom);
            if !free && left == 0 {
                continue;
            }
            *steps = steps.saturating_sub(1);
            let rest = and(rows, takers);
            if let Some(slot) = picked.get_mut(column) {
                *slot = Some(atom);
            }
            if self.pick(column + 1, &rest, left - usize::from(!free), picked, steps) {
                return true;
            }
            if *steps == 0 {
                break;
            }
        }
        if let Some(slot) = picked.get_mut(column) {
            *slot = None;
        }
        self.pick(column + 1, rows, left, picked, steps)
    }

    /// Whether cases outside a region, a set of atoms by column, are uncovered too.
    fn leaves_more(&self, region: &[AtomSet]) -> bool {
        (0..region.len()).any(|c| {
            let outside = self.atoms.iter().zip(region).enumerate();
            let outside: Vec<AtomSet> = outside
                .map(|(i, (atoms, inside))| {
                    let mut set = full(atoms.len());
                    if i == c {
                        set.iter_mut().zip(inside).for_each(|(s, i)| *s &= !i);
                    }
                    set
                })
                .collect();
            let budget = BUDGET / u64::try_from(region.len()).unwrap_or(BUDGET);
            let search = || Search::new(self, budget).search(&outside, full(self.cells.len()));
            outside.iter().all(|set| !is_empty(set)) && matches!(search(), Answer::Case(_))
        })
    }
}
