//! The search for a case that rows leave.

use super::{AtomSet, Grid, and, first, is_empty, ones, put};
use rustc_hash::FxHashSet;

/// How many rows the search for an uncovered case may look at; far more than rows that people write take.
pub(super) const BUDGET: u64 = 400_000;

/// How many rows the searches for useless rows may look at beyond what each has of its own.
const SHARED: u64 = 400_000;

/// How many rows the search about one row may look at in any case. With it the work grows with the number of rows.
const OWN: u64 = 4_000;

/// A search for a case that rows leave.
pub(super) struct Search<'g> {
    grid: &'g Grid,
    left: u64,
    /// Rows left, and the atoms of the columns they ask for, that were searched in vain.
    seen: FxHashSet<AtomSet>,
}

/// Searches for rows that can never match.
pub(crate) struct Useless<'g> {
    grid: &'g Grid,
    shared: u64,
}

impl<'g> Useless<'g> {
    pub(super) const fn new(grid: &'g Grid) -> Self {
        Self {
            grid,
            shared: SHARED,
        }
    }

    /// Whether the rows above a row take all of it. Absent where the budget does not suffice.
    pub(crate) fn row(&mut self, row: usize) -> Option<bool> {
        let cells = self.grid.cells.get(row)?;
        if cells.iter().any(|c| is_empty(c)) {
            return Some(true);
        }
        let mut search = Search::new(self.grid, OWN + self.shared);
        let answer = search.search(cells, first(row, self.grid.cells.len()));
        // The row's own go first.
        self.shared = self.shared.min(search.left);
        match answer {
            Answer::Case(_) => Some(false),
            Answer::None => Some(true),
            Answer::GaveUp => None,
        }
    }
}

pub(super) enum Answer {
    /// By column, the atom.
    Case(Vec<usize>),
    None,
    /// The budget is used up.
    GaveUp,
}

impl<'g> Search<'g> {
    pub(super) fn new(grid: &'g Grid, budget: u64) -> Self {
        Self {
            grid,
            left: budget,
            seen: FxHashSet::default(),
        }
    }

    /// Searches a case within `space` that none of `rows` takes.
    pub(super) fn search(&mut self, space: &[AtomSet], mut rows: AtomSet) -> Answer {
        // Where the space is narrow, few rows reach it: look only at those.
        for (atoms, rows_of) in space.iter().zip(&self.grid.rows_of) {
            if atoms.iter().map(|w| w.count_ones()).sum::<u32>() <= 8 {
                let mut reach = vec![0; rows.len()];
                for set in ones(atoms).filter_map(|a| rows_of.get(a)) {
                    reach.iter_mut().zip(set).for_each(|(r, s)| *r |= s);
                }
                rows = and(&rows, &reach);
            }
        }
        self.split(space.to_vec(), rows)
    }

    /// A case is sought that leaves every row in some column. A row that can be left in one column only says what must be so there;
    /// else the column of a row that can be left in the fewest is split, atom by atom. (For rows over yes and no that is the search
    /// of Davis, Putnam, Logemann and Loveland.)
    fn split(&mut self, mut space: Vec<AtomSet>, mut live: AtomSet) -> Answer {
        let column = loop {
            let mut narrowed = false;
            let mut least: Option<(usize, u32, usize)> = None;
            for r in ones(&live.clone()) {
                let Some(cells) = self.grid.cells.get(r) else {
                    continue;
                };
                let Some(left) = self.left.checked_sub(1) else {
                    return Answer::GaveUp;
                };
                self.left = left;
                let (mut ways, mut fewest) = (0, (u32::MAX, 0));
                let mut reached = true;
                for (c, (cell, atoms)) in cells.iter().zip(&space).enumerate() {
                    reached &= atoms.iter().zip(cell).any(|(s, c)| s & c != 0);
                    if atoms.iter().zip(cell).any(|(s, c)| s & !c != 0) {
                        ways += 1;
                        fewest = fewest.min((atoms.iter().map(|w| w.count_ones()).sum(), c));
                    }
                }
                if !reached {
                    if let Some(w) = live.get_mut(r / 64) {
                        *w &= !(1 << (r % 64));
                    }
                    continue;
                }
                let (atoms, c) = fewest;
                match ways {
                    0 => return Answer::None,
                    1 => {
                        if let (Some(space), Some(cell)) = (space.get_mut(c), cells.get(c)) {
                            space.iter_mut().zip(cell).for_each(|(s, c)| *s &= !c);
                        }
                        if let Some(w) = live.get_mut(r / 64) {
                            *w &= !(1 << (r % 64));
                        }
                        narrowed = true;
                    }
                    _ => {
                        let this = (ways, atoms, c);
                        least = Some(least.map_or(this, |l| l.min(this)));
                    }
                }
            }
            match least {
                _ if narrowed => {}
                Some((.., column)) => break column,
                None => {
                    let first = |atoms: &AtomSet| ones(atoms).next().unwrap_or(0);
                    return Answer::Case(space.iter().map(first).collect());
                }
            }
        };
        let mut key = live.clone();
        for (c, atoms) in space.iter().enumerate() {
            // What no row asks for any more makes no difference.
            let asked = ones(&live).any(|r| {
                let cell = self.grid.cells.get(r).and_then(|cells| cells.get(c));
                cell.is_some_and(|cell| atoms.iter().zip(cell).any(|(s, c)| s & !c != 0))
            });
            key.extend(asked.then_some(atoms).into_iter().flatten());
            key.push(u64::from(asked));
        }
        if self.seen.contains(&key) {
            return Answer::None;
        }
        // A case with an atom that more rows take is one with the atom that fewer take, too.
        let mut tried: Vec<AtomSet> = Vec::new();
        let atoms = space.get(column).cloned().unwrap_or_default();
        for atom in ones(&atoms) {
            let Some(takers) = self.grid.rows_of.get(column).and_then(|c| c.get(atom)) else {
                continue;
            };
            let rest = and(&live, takers);
            let beaten = |by: &AtomSet| by.iter().zip(&rest).all(|(b, r)| b & !r == 0);
            if tried.iter().any(beaten) {
                continue;
            }
            let mut within = space.clone();
            if let Some(set) = within.get_mut(column) {
                set.fill(0);
                put(set, atom);
            }
            match self.split(within, rest.clone()) {
                Answer::None => {}
                answer => return answer,
            }
            if tried.len() < 32 {
                tried.push(rest);
            }
        }
        self.seen.insert(key);
        Answer::None
    }
}
