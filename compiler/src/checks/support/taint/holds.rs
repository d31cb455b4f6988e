//! What variables hold of private values, as a table of bits: in a bot that copies much, tables are joined often.

use crate::machine::Var;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What may hold copies, and of what: the rows and columns of every table.
#[derive(Debug)]
pub(crate) struct Space {
    holders: Vec<Var>,
    sources: Vec<Var>,
}

impl Space {
    /// Of variables in any order.
    pub(super) fn new(mut holders: Vec<Var>, mut sources: Vec<Var>) -> Arc<Self> {
        for list in [&mut holders, &mut sources] {
            list.sort_unstable();
            list.dedup();
        }
        Arc::new(Self { holders, sources })
    }

    const fn width(&self) -> usize {
        self.sources.len().div_ceil(64)
    }

    /// Where the row of a variable lies in a table.
    fn row(&self, var: Var) -> Option<std::ops::Range<usize>> {
        let at = self.holders.binary_search(&var).ok()? * self.width();
        Some(at..at + self.width())
    }

    fn sources<'a>(&'a self, row: &'a [u64]) -> impl Iterator<Item = Var> + 'a {
        let of = move |at: usize, word: u64| {
            (0..64).filter_map(move |bit| {
                let source = self.sources.get(at * 64 + bit);
                source.copied().filter(|_| word & (1 << bit) != 0)
            })
        };
        let words = row.iter().enumerate().filter(|(_, word)| **word != 0);
        words.flat_map(move |(at, word)| of(at, *word))
    }
}

/// By variable, the private values that it may hold a copy of.
#[derive(Debug, Clone)]
pub(crate) struct Holds {
    space: Arc<Space>,
    /// Row behind row; without any where nothing is held.
    bits: Vec<u64>,
}

impl Holds {
    pub(super) const fn nothing(space: Arc<Space>) -> Self {
        Self {
            space,
            bits: Vec::new(),
        }
    }

    /// A table of the same rows and columns with nothing in it.
    pub(super) fn like(&self) -> Self {
        Self::nothing(Arc::clone(&self.space))
    }

    /// Whether nothing is held by anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }

    /// What a variable may hold.
    pub(crate) fn of(&self, var: Var) -> impl Iterator<Item = Var> + '_ {
        let row = self.space.row(var).and_then(|row| self.bits.get(row));
        self.space.sources(row.unwrap_or_default())
    }

    /// The variables that may hold something, and what.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Var, BTreeSet<Var>)> + '_ {
        let rows = self.bits.chunks(self.space.width().max(1));
        let held = self.space.holders.iter().zip(rows);
        held.map(|(var, row)| (*var, self.space.sources(row).collect::<BTreeSet<Var>>()))
            .filter(|(_, sources)| !sources.is_empty())
    }

    fn row(&mut self, var: Var) -> Option<&mut [u64]> {
        let row = self.space.row(var)?;
        if self.bits.is_empty() {
            self.bits = vec![0; self.space.holders.len() * self.space.width()];
        }
        self.bits.get_mut(row)
    }

    /// Lets a variable hold these, too; whether it did not before.
    pub(super) fn add(&mut self, var: Var, sources: impl IntoIterator<Item = Var>) -> bool {
        let space = Arc::clone(&self.space);
        let mut changed = false;
        for source in sources {
            let Ok(at) = space.sources.binary_search(&source) else {
                continue;
            };
            if let Some(word) = self.row(var).and_then(|row| row.get_mut(at / 64)) {
                let bit = 1 << (at % 64);
                changed |= *word & bit == 0;
                *word |= bit;
            }
        }
        changed
    }

    /// Lets a variable hold these and nothing else.
    pub(super) fn put(&mut self, var: Var, sources: impl IntoIterator<Item = Var>) {
        self.remove(var);
        self.add(var, sources);
    }

    pub(super) fn remove(&mut self, var: Var) {
        if !self.bits.is_empty()
            && let Some(row) = self.row(var)
        {
            row.fill(0);
        }
    }

    /// Lets a variable hold what it holds there.
    pub(super) fn take(&mut self, var: Var, from: &Self) {
        let row = from.space.row(var).and_then(|row| from.bits.get(row));
        match row {
            Some(row) => {
                if let Some(mine) = self.row(var) {
                    mine.copy_from_slice(row);
                }
            }
            None => self.remove(var),
        }
    }

    /// Holds what another table does, too; whether that is more.
    pub(super) fn join(&mut self, from: &Self) -> bool {
        if self.bits.is_empty() {
            self.bits.clone_from(&from.bits);
            return !self.is_empty();
        }
        let mut more = 0;
        for (mine, other) in self.bits.iter_mut().zip(&from.bits) {
            more |= other & !*mine;
            *mine |= other;
        }
        more != 0
    }
}
