//! Sets of facts, as bits.

use super::facts::FactId;

/// A set of facts. All sets of one analysis have the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bits(Words);

/// Most bots have few facts; their sets need no room of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Words {
    Few([u64; 2]),
    Many(Box<[u64]>),
}

impl Bits {
    pub(super) fn new(len: usize) -> Self {
        Self(if len <= 128 {
            Words::Few([0; 2])
        } else {
            Words::Many(vec![0; len.div_ceil(64)].into_boxed_slice())
        })
    }

    #[inline]
    fn words(&self) -> &[u64] {
        match &self.0 {
            Words::Few(words) => words,
            Words::Many(words) => words,
        }
    }

    #[inline]
    fn words_mut(&mut self) -> &mut [u64] {
        match &mut self.0 {
            Words::Few(words) => words,
            Words::Many(words) => words,
        }
    }

    #[inline]
    pub(crate) fn has(&self, fact: FactId) -> bool {
        self.words()
            .get(fact.0 as usize / 64)
            .is_some_and(|w| w & (1 << (fact.0 % 64)) != 0)
    }

    #[inline]
    pub(super) fn insert(&mut self, fact: FactId) {
        if let Some(word) = self.words_mut().get_mut(fact.0 as usize / 64) {
            *word |= 1 << (fact.0 % 64);
        }
    }

    /// Takes everything.
    pub(super) fn fill(&mut self) {
        self.words_mut().fill(u64::MAX);
    }

    #[inline]
    pub(super) fn remove(&mut self, fact: FactId) {
        if let Some(word) = self.words_mut().get_mut(fact.0 as usize / 64) {
            *word &= !(1 << (fact.0 % 64));
        }
    }

    /// Keeps what both have; whether that is less than before.
    #[inline]
    pub(super) fn intersect(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (a, b) in self.words_mut().iter_mut().zip(other.words()) {
            changed |= *a & !b != 0;
            *a &= b;
        }
        changed
    }

    /// Takes what either has; whether that is more than before.
    #[inline]
    pub(super) fn union(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (a, b) in self.words_mut().iter_mut().zip(other.words()) {
            changed |= b & !*a != 0;
            *a |= b;
        }
        changed
    }

    /// Takes what at least `count` of the sets have.
    pub(super) fn take_shared(&mut self, sets: &[Self], count: usize) {
        for (n, word) in self.words_mut().iter_mut().enumerate() {
            let column: Vec<u64> = sets
                .iter()
                .map(|s| s.words().get(n).copied().unwrap_or(0))
                .collect();
            for bit in (0..64).map(|b| 1u64 << b) {
                if column.iter().filter(|w| **w & bit != 0).count() >= count {
                    *word |= bit;
                }
            }
        }
    }

    #[inline]
    pub(super) fn remove_all(&mut self, other: &Self) {
        for (a, b) in self.words_mut().iter_mut().zip(other.words()) {
            *a &= !b;
        }
    }

    /// Keeps the facts with numbers below one.
    pub(super) fn keep_first(&mut self, count: u32) {
        for (n, word) in (0u32..).zip(self.words_mut()) {
            let keep = count.saturating_sub(n * 64).min(64);
            *word &= 1u64.checked_shl(keep).map_or(u64::MAX, |bit| bit - 1);
        }
    }
}
