//! Which cases a list of rows takes: the usefulness of patterns (after Maranget), over columns of any type.
//!
//! Each column is cut into *atoms*: groups of values that no pattern tells apart. A cell is a set of atoms, a row a product of
//! such sets; whether rows leave a case, or take all of another row, is then a search over atoms that splits only where rows
//! differ, with a budget: where it is used up, nothing is said.

use super::set::{Interval, Known, Set, Universe, show_interval};
use crate::machine::CellPattern;
use crate::value::{Type, Value};
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
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

/// How many steps a search may take.
const BUDGET: u64 = 3_000_000;

/// How many cells are tried to describe an uncovered case in fewer of them.
const SMALLER: u32 = 100_000;

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

/// A search for a case that rows leave.
struct Search<'g> {
    grid: &'g Grid,
    spent: u64,
    /// Columns done and rows left that were searched in vain.
    seen: FxHashMap<(u64, AtomSet), ()>,
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

    /// A case that no row takes: by column, the atom.
    pub(crate) fn uncovered(&self) -> Option<Vec<usize>> {
        let all: Vec<AtomSet> = self.atoms.iter().map(|a| full(a.len())).collect();
        Search::new(self).search(&all, full(self.cells.len()))
    }

    /// Whether the rows above a row take all of it. Absent where the budget does not suffice.
    pub(crate) fn useless(&self, row: usize) -> Option<bool> {
        let cells = self.cells.get(row)?;
        if cells.iter().any(|c| is_empty(c)) {
            return Some(true);
        }
        let mut search = Search::new(self);
        let case = search.search(cells, first(row, self.cells.len()));
        (!search.gave_up()).then_some(case.is_none())
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
            outside.iter().all(|set| !is_empty(set))
                && Search::new(self)
                    .search(&outside, full(self.cells.len()))
                    .is_some()
        })
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

impl<'g> Search<'g> {
    fn new(grid: &'g Grid) -> Self {
        Self {
            grid,
            spent: 0,
            seen: FxHashMap::default(),
        }
    }

    /// Whether the budget is used up, so that an absent answer means nothing.
    const fn gave_up(&self) -> bool {
        self.spent > BUDGET
    }

    /// Searches a case within `space` that none of `rows` takes. Depth is the number of columns.
    fn search(&mut self, space: &[AtomSet], mut rows: AtomSet) -> Option<Vec<usize>> {
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
        let mut done = vec![None; space.len()];
        let found = self.split(space, &rows, &mut done);
        found.then(|| {
            done.iter()
                .zip(space)
                .map(|(d, s)| d.or_else(|| ones(s).next()).unwrap_or(0))
                .collect()
        })
    }

    fn split(&mut self, space: &[AtomSet], rows: &AtomSet, done: &mut Vec<Option<usize>>) -> bool {
        if self.gave_up() {
            return false;
        }
        // Only rows that still overlap the space in every open column matter; one that takes all of every open column ends it.
        let mut live = rows.clone();
        for r in ones(rows) {
            let Some(cells) = self.grid.cells.get(r) else {
                continue;
            };
            self.spent += 1;
            let mut takes_all = true;
            let mut takes_some = true;
            for ((cell, atoms), done) in cells.iter().zip(space).zip(done.iter()) {
                if done.is_none() {
                    takes_all &= atoms.iter().zip(cell).all(|(s, c)| s & !c == 0);
                    takes_some &= atoms.iter().zip(cell).any(|(s, c)| s & c != 0);
                }
            }
            if takes_all {
                return false;
            }
            if !takes_some && let Some(w) = live.get_mut(r / 64) {
                *w &= !(1 << (r % 64));
            }
        }
        if is_empty(&live) {
            return true;
        }
        let mask = done
            .iter()
            .enumerate()
            .filter(|(_, d)| d.is_some())
            .fold(0u64, |m, (i, _)| m | 1 << (i % 64));
        if self.seen.contains_key(&(mask, live.clone())) {
            return false;
        }
        // Split where the fewest atoms are in question.
        let pick = space
            .iter()
            .zip(done.iter())
            .enumerate()
            .filter(|(_, (_, d))| d.is_none())
            .min_by_key(|(_, (s, _))| s.iter().map(|w| w.count_ones()).sum::<u32>());
        let Some((column, (atoms, _))) = pick else {
            return false;
        };
        let mut tried: FxHashMap<AtomSet, ()> = FxHashMap::default();
        for atom in ones(atoms) {
            self.spent += 1;
            let Some(takers) = self.grid.rows_of.get(column).and_then(|c| c.get(atom)) else {
                continue;
            };
            let rest = and(&live, takers);
            if tried.insert(rest.clone(), ()).is_some() {
                continue;
            }
            if let Some(d) = done.get_mut(column) {
                *d = Some(atom);
            }
            if self.split(space, &rest, done) {
                return true;
            }
            if let Some(d) = done.get_mut(column) {
                *d = None;
            }
        }
        self.seen.insert((mask, live), ());
        false
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
