//! Words and their neighbours, and pieces of words, as weighted hashes (TF-IDF).

use crate::normalise::is_placeholder;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// Share of unknown words' weight that counts towards a message's length: what was never seen makes every guess smaller.
const UNKNOWN_SHARE: f32 = 0.35;

/// Features that occur in training, with their weights.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    index: FxHashMap<u64, u32>,
    idf: Vec<f32>,
    idf_unknown: f32,
}

/// A message as sorted `(feature, weight)`.
pub(crate) type Sparse = Vec<(u32, f32)>;

/// Raw counts of a message, words apart from pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    words: Vec<(u64, u32)>,
    pieces: Vec<(u64, u32)>,
}

impl Counts {
    /// Words 1-2 and pieces of 2-5 characters within a word.
    #[must_use]
    pub(crate) fn of(words: &[String]) -> Self {
        let mut out = Self::default();
        let (mut word_hashes, mut piece_hashes) = (
            Vec::with_capacity(words.len() * 2),
            Vec::with_capacity(words.len() * 16),
        );
        let mut chars = Vec::new();
        let mut before = None;
        for word in words {
            let h = hash(1, word.as_bytes());
            word_hashes.push(h);
            if let Some(b) = before {
                word_hashes.push(pair(b, h));
            }
            before = Some(h);
            if word.starts_with(is_placeholder) {
                continue;
            }
            chars.clear();
            chars.push(' ');
            chars.extend(word.chars().map(|c| if c.is_numeric() { '0' } else { c }));
            chars.push(' ');
            for n in 2..=5 {
                piece_hashes.extend(chars.windows(n).map(hash_chars));
                if chars.len() <= n {
                    break;
                }
            }
        }
        out.words = count(word_hashes);
        out.pieces = count(piece_hashes);
        out
    }
}

fn hash(kind: u8, bytes: &[u8]) -> u64 {
    let mut h = FxHasher::default();
    kind.hash(&mut h);
    bytes.hash(&mut h);
    h.finish()
}

fn pair(a: u64, b: u64) -> u64 {
    let mut h = FxHasher::default();
    (a, b, 2u8).hash(&mut h);
    h.finish()
}

fn hash_chars(chars: &[char]) -> u64 {
    let mut h = FxHasher::default();
    3u8.hash(&mut h);
    chars.hash(&mut h);
    h.finish()
}

fn count(mut hashes: Vec<u64>) -> Vec<(u64, u32)> {
    hashes.sort_unstable();
    let mut out: Vec<(u64, u32)> = Vec::with_capacity(hashes.len());
    for h in hashes {
        match out.last_mut() {
            Some((last, n)) if *last == h => *n += 1,
            _ => out.push((h, 1)),
        }
    }
    out
}

impl Vocabulary {
    /// Of all training messages.
    #[must_use]
    pub(crate) fn of(messages: &[Counts]) -> Self {
        let mut index: FxHashMap<u64, u32> = FxHashMap::default();
        let mut seen: Vec<u32> = Vec::new();
        for (h, _) in messages
            .iter()
            .flat_map(|m| m.words.iter().chain(&m.pieces))
        {
            let next = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            let at = *index.entry(*h).or_insert(next);
            match seen.get_mut(at as usize) {
                Some(n) => *n += 1,
                None => seen.push(1),
            }
        }
        let n = messages.len() as f32;
        let idf = |df: f32| ((1.0 + n) / (1.0 + df)).ln() + 1.0;
        Self {
            index,
            idf: seen.iter().map(|df| idf(*df as f32)).collect(),
            idf_unknown: idf(0.0),
        }
    }

    /// How many features there are.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.idf.len()
    }

    /// A message as a vector whose length is at most one; unknown features shorten it.
    #[must_use]
    pub(crate) fn vector(&self, counts: &Counts) -> Sparse {
        let mut out = Vec::with_capacity(counts.words.len() + counts.pieces.len());
        self.block(&counts.words, &mut out);
        self.block(&counts.pieces, &mut out);
        out.sort_unstable_by_key(|(i, _)| *i);
        out
    }

    fn block(&self, counts: &[(u64, u32)], out: &mut Sparse) {
        let start = out.len();
        let (mut known, mut unknown) = (0.0f32, 0.0f32);
        for (h, n) in counts {
            let tf = if *n > 1 { 1.0 + (*n as f32).ln() } else { 1.0 };
            if let Some(i) = self.index.get(h) {
                let w = tf * self.idf.get(*i as usize).copied().unwrap_or(0.0);
                known += w * w;
                out.push((*i, w));
            } else {
                let w = tf * self.idf_unknown;
                unknown += w * w;
            }
        }
        let norm = (2.0 * (known + UNKNOWN_SHARE * unknown)).sqrt();
        if norm > 0.0 {
            for (_, w) in out.iter_mut().skip(start) {
                *w /= norm;
            }
        }
    }
}
