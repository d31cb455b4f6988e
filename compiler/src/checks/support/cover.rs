//! Which cases a list of rows takes: the usefulness of patterns (after Maranget), over columns of any type.
//!
//! Each column is cut into *atoms*: groups of values that no pattern tells apart. A cell is a set of atoms, a row a product of
//! such sets; whether rows leave a case, or take all of another row, is then a search over atoms that splits only where rows
//! differ, with a budget: where it is used up, nothing is said.

mod cases;
mod search;

use super::set::{Interval, Known, Set, Universe, show_interval};
use crate::machine::CellPattern;
use crate::value::{Type, Value};
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
use search::{Answer, BUDGET, Search, Useless};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// A column to be matched.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) universe: Universe,
    pub(crate) may_be_unknown: bool,
    pub(crate) ty: Type,
}

/// A group of values that no pattern tells apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Atom {
    /// A value by its name; `others` of its kind are in no pattern either.
    Name { name: SmolStr, others: usize },
    /// Values between two ends.
    Span(Interval),
    /// A text that holds these words and no other pattern's.
    Words(SmolStr),
    /// Any text or value that no pattern names.
    Other,
    /// Not known.
    Unknown,
}

type AtomSet = Vec<u64>;

/// Rows over columns, ready for questions.
#[derive(Debug)]
pub(crate) struct Grid {
    /// By column, its atoms.
    pub(crate) atoms: Vec<Vec<Atom>>,
    /// By row and column, the atoms that the cell takes.
    cells: Vec<Vec<AtomSet>>,
    /// By column and atom, the rows that take it.
    rows_of: Vec<Vec<AtomSet>>,
    /// By column, one value that stands in it (to show its currency).
    like: Vec<Option<Value>>,
    types: Vec<Type>,
}

fn put(set: &mut [u64], i: usize) {
    if let Some(w) = set.get_mut(i / 64) {
        *w |= 1 << (i % 64);
    }
}

fn empty(len: usize) -> AtomSet {
    vec![0; len.div_ceil(64)]
}

fn and(a: &[u64], b: &[u64]) -> AtomSet {
    a.iter().zip(b).map(|(x, y)| x & y).collect()
}

fn is_empty(a: &[u64]) -> bool {
    a.iter().all(|w| *w == 0)
}

fn ones(a: &[u64]) -> impl Iterator<Item = usize> + '_ {
    a.iter().enumerate().flat_map(|(i, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (bit < 64).then_some(i * 64 + bit as usize)
        })
    })
}

/// The first `n` of `len`.
fn first(n: usize, len: usize) -> AtomSet {
    let mut set = empty(len);
    for (i, word) in set.iter_mut().enumerate() {
        let here = n.saturating_sub(i * 64).min(64);
        *word = 1u64
            .checked_shl(u32::try_from(here).unwrap_or(64))
            .map_or(u64::MAX, |bit| bit - 1);
    }
    set
}

impl Grid {
    /// `rows[r][c]` are the alternatives of a cell. Absent where a pattern cannot be understood.
    pub(crate) fn new(columns: &[Column], rows: &[Vec<&[CellPattern]>]) -> Option<Self> {
        let mut atoms = Vec::new();
        let mut like = Vec::new();
        let mut cells: Vec<Vec<AtomSet>> = vec![Vec::with_capacity(columns.len()); rows.len()];
        let mut rows_of = Vec::new();
        for (c, column) in columns.iter().enumerate() {
            let patterns: Vec<&[CellPattern]> = rows
                .iter()
                .map(|r| r.get(c).copied().unwrap_or(&[]))
                .collect();
            let mine = column.atoms(&patterns);
            like.push(patterns.iter().flat_map(|p| p.iter()).find_map(a_value));
            let mut by_name: FxHashMap<SmolStr, usize> = FxHashMap::default();
            for (i, atom) in mine.iter().enumerate() {
                if let Atom::Name { name, .. } | Atom::Words(name) = atom {
                    by_name.insert(name.clone(), i);
                }
            }
            let mut of_atoms = vec![empty(rows.len()); mine.len()];
            for (r, patterns) in patterns.iter().enumerate() {
                let mut cell = empty(mine.len());
                for pattern in *patterns {
                    column.takes(pattern, &mine, &by_name, &mut cell)?;
                }
                for a in ones(&cell) {
                    if let Some(set) = of_atoms.get_mut(a) {
                        put(set, r);
                    }
                }
                cells.get_mut(r)?.push(cell);
            }
            atoms.push(mine);
            rows_of.push(of_atoms);
        }
        let types = columns.iter().map(|c| c.ty.clone()).collect();
        Some(Self {
            atoms,
            cells,
            rows_of,
            like,
            types,
        })
    }

    /// A case that no row takes: by column, the atom. Absent also where the budget does not suffice.
    pub(crate) fn uncovered(&self) -> Option<Vec<usize>> {
        let all: Vec<AtomSet> = self.atoms.iter().map(|a| full(a.len())).collect();
        match Search::new(self, BUDGET).search(&all, full(self.cells.len())) {
            Answer::Case(case) => Some(case),
            Answer::None | Answer::GaveUp => None,
        }
    }

    /// For the question which rows those above them take whole.
    pub(crate) const fn useless(&self) -> Useless<'_> {
        Useless::new(self)
    }

    /// The rows above a row that take something of it; only one where that one takes all.
    pub(crate) fn takers(&self, row: usize) -> Vec<usize> {
        let Some(cells) = self.cells.get(row) else {
            return Vec::new();
        };
        let holds = |r: usize, test: fn(&[u64], &[u64]) -> bool| {
            let other = self.cells.get(r);
            other.is_some_and(|other| cells.iter().zip(other).all(|(a, b)| test(a, b)))
        };
        let whole = |a: &[u64], b: &[u64]| a.iter().zip(b).all(|(x, y)| x & !y == 0);
        if let Some(one) = (0..row).find(|r| holds(*r, whole)) {
            return vec![one];
        }
        (0..row)
            .filter(|r| holds(*r, |a, b| !is_empty(&and(a, b))))
            .collect()
    }

    /// Whether a cell takes nothing at all.
    pub(crate) fn takes_nothing(&self, row: usize) -> bool {
        self.cells
            .get(row)
            .is_some_and(|cells| cells.iter().any(|c| is_empty(c)))
    }

    /// Values between two ends as a cell to write.
    pub(crate) fn show_span(&self, column: usize, interval: &Interval) -> String {
        let like = self.like.get(column).and_then(Option::as_ref);
        self.types
            .get(column)
            .map_or_else(String::new, |ty| show_interval(ty, like, interval))
    }

    /// An atom as a cell to write.
    pub(crate) fn show(&self, column: usize, atom: usize) -> String {
        let Some(atom) = self.atoms.get(column).and_then(|a| a.get(atom)) else {
            return "_".into();
        };
        let like = self.like.get(column).and_then(Option::as_ref);
        match atom {
            Atom::Name { name, .. } => name.to_string(),
            Atom::Span(interval) => self
                .types
                .get(column)
                .map_or_else(String::new, |ty| show_interval(ty, like, interval)),
            Atom::Words(words) => format!("\"{words}\""),
            Atom::Other => "_".into(),
            Atom::Unknown => "unknown".into(),
        }
    }

    /// The uncovered atoms of the only column.
    pub(crate) fn uncovered_atoms(&self) -> Vec<usize> {
        let rows = self.rows_of.first();
        rows.map(|r| {
            r.iter()
                .enumerate()
                .filter(|(_, set)| is_empty(set))
                .map(|(i, _)| i)
                .collect()
        })
        .unwrap_or_default()
    }
}

fn full(len: usize) -> AtomSet {
    first(len, len)
}

fn a_value(pattern: &CellPattern) -> Option<Value> {
    match pattern {
        CellPattern::Value(v) => Some(v.clone()),
        CellPattern::Range { low, high, .. } => low.clone().or_else(|| high.clone()),
        CellPattern::Not(values) => values.first().cloned(),
        _ => None,
    }
}

impl Column {
    fn atoms(&self, rows: &[&[CellPattern]]) -> Vec<Atom> {
        let patterns = || rows.iter().flat_map(|r| r.iter());
        let mut out = Vec::new();
        match &self.universe {
            Universe::Closed(values) => {
                let named: BTreeSet<SmolStr> = patterns().flat_map(|p| self.names_in(p)).collect();
                let mut rest: Option<(SmolStr, usize)> = None;
                for value in values {
                    if named.contains(value) {
                        out.push(Atom::Name {
                            name: value.clone(),
                            others: 0,
                        });
                    } else {
                        match &mut rest {
                            Some((_, others)) => *others += 1,
                            None => rest = Some((value.clone(), 0)),
                        }
                    }
                }
                out.extend(rest.map(|(name, others)| Atom::Name { name, others }));
            }
            Universe::Open => {
                let named: BTreeSet<SmolStr> = patterns().flat_map(|p| self.names_in(p)).collect();
                let words: BTreeSet<SmolStr> = patterns()
                    .filter_map(|p| {
                        if let CellPattern::Words(w) = p {
                            Some(fold(w))
                        } else {
                            None
                        }
                    })
                    .collect();
                out.extend(words.into_iter().map(Atom::Words));
                out.extend(named.into_iter().map(|name| Atom::Name { name, others: 0 }));
                out.push(Atom::Other);
            }
            Universe::Ordered { low, high, whole } => {
                let mut cuts: BTreeSet<Decimal> = BTreeSet::new();
                for set in patterns().filter_map(|p| self.universe.pattern(p)) {
                    if let Known::Spans(spans) = &set.known {
                        cuts.extend(
                            spans
                                .iter()
                                .flat_map(|s| [s.low, s.high])
                                .flatten()
                                .map(|(v, _)| v),
                        );
                    }
                }
                let mut from = low.map(|v| (v, true));
                let mut push = |low: Option<(Decimal, bool)>, high: Option<(Decimal, bool)>| {
                    if let Some(Set {
                        known: Known::Spans(spans),
                        ..
                    }) = self.universe.between(low, high)
                    {
                        out.extend(spans.into_iter().map(Atom::Span));
                    }
                };
                for cut in cuts {
                    push(from, Some((cut, false)));
                    push(Some((cut, true)), Some((cut, true)));
                    from = Some((cut, false));
                }
                push(from, high.map(|v| (v, true)));
                let _ = whole;
            }
        }
        if self.may_be_unknown {
            out.push(Atom::Unknown);
        }
        out
    }

    fn names_in(&self, pattern: &CellPattern) -> Vec<SmolStr> {
        match self.universe.pattern(pattern).map(|s| s.known) {
            Some(Known::Names { names, .. }) => names.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Adds the atoms that a pattern takes; absent where it cannot be understood.
    fn takes(
        &self,
        pattern: &CellPattern,
        atoms: &[Atom],
        by_name: &FxHashMap<SmolStr, usize>,
        cell: &mut AtomSet,
    ) -> Option<()> {
        // The common cases, without looking at every atom.
        if let CellPattern::Any = pattern {
            *cell = full(atoms.len());
            return Some(());
        }
        if let CellPattern::Words(words) = pattern {
            let words = fold(words);
            for (i, atom) in atoms.iter().enumerate() {
                if matches!(atom, Atom::Words(text) if holds(text, &words)) {
                    put(cell, i);
                }
            }
            return Some(());
        }
        let set = self.universe.pattern(pattern)?;
        if let Known::Names { but: false, names } = &set.known {
            for i in names.iter().filter_map(|n| by_name.get(n)) {
                put(cell, *i);
            }
            if set.unknown
                && let Some(i) = atoms.iter().position(|a| *a == Atom::Unknown)
            {
                put(cell, i);
            }
            return Some(());
        }
        for (i, atom) in atoms.iter().enumerate() {
            let taken = match atom {
                Atom::Name { name, .. } => Universe::has_name(&set, name),
                Atom::Words(_) | Atom::Other => {
                    matches!(&set.known, Known::Names { but: true, .. })
                }
                Atom::Span(interval) => {
                    let atom = Set {
                        known: Known::Spans(vec![*interval]),
                        unknown: false,
                    };
                    !self.universe.is_empty(&self.universe.meet(&set, &atom))
                }
                Atom::Unknown => set.unknown,
            };
            if taken {
                put(cell, i);
            }
        }
        Some(())
    }
}

fn fold(words: &str) -> SmolStr {
    words
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
        .into()
}

/// Whether a text holds words, on word boundaries.
fn holds(text: &str, words: &str) -> bool {
    let boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !words.is_empty()
        && text.match_indices(words).any(|(i, found)| {
            boundary(text.get(..i).and_then(|s| s.chars().next_back()))
                && boundary(text.get(i + found.len()..).and_then(|s| s.chars().next()))
        })
}

#[cfg(test)]
mod tests;
