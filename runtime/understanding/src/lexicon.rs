//! Word lists, as data files, and phrases found in a message's words.

use crate::normalise::words;
use rustc_hash::FxHashMap;

/// Phrases with values, found by their first word. Longer phrases win.
#[derive(Debug, Clone)]
pub(crate) struct Phrases<V> {
    by_first: FxHashMap<String, Vec<(Vec<String>, V)>>,
}

impl<V> Default for Phrases<V> {
    fn default() -> Self {
        Self {
            by_first: FxHashMap::default(),
        }
    }
}

impl<V: Clone> Phrases<V> {
    /// Adds a phrase; its words are made as a message's are.
    pub(crate) fn add(&mut self, phrase: &str, value: V) {
        let words = words(phrase);
        if let Some((first, rest)) = words.split_first() {
            let entries = self.by_first.entry(first.clone()).or_default();
            let at = entries
                .iter()
                .position(|(r, _)| r.len() < rest.len())
                .unwrap_or(entries.len());
            entries.insert(at, (rest.to_vec(), value));
        }
    }

    /// Adds phrases separated by commas.
    pub(crate) fn add_list(&mut self, list: &str, value: &V) {
        for phrase in list.split(',') {
            self.add(phrase, value.clone());
        }
    }

    /// The longest phrase that starts at a word: how many words it has, and its value.
    #[must_use]
    pub(crate) fn at(&self, words: &[String], start: usize) -> Option<(usize, &V)> {
        let (first, rest) = words.get(start..)?.split_first()?;
        let entries = self.by_first.get(first)?;
        entries
            .iter()
            .find(|(phrase, _)| rest.starts_with(phrase))
            .map(|(phrase, value)| (phrase.len() + 1, value))
    }

    /// All values of phrases that start at a word, longest first.
    pub(crate) fn all_at<'a>(
        &'a self,
        words: &'a [String],
        start: usize,
    ) -> impl Iterator<Item = (usize, &'a V)> {
        let tail = words.get(start..).and_then(<[String]>::split_first);
        tail.into_iter().flat_map(move |(first, rest)| {
            let entries = self
                .by_first
                .get(first)
                .map(Vec::as_slice)
                .unwrap_or_default();
            entries
                .iter()
                .filter(move |(phrase, _)| rest.starts_with(phrase))
                .map(|(phrase, value)| (phrase.len() + 1, value))
        })
    }

    /// Whether any phrase stands in the words.
    #[must_use]
    pub(crate) fn any_in(&self, words: &[String]) -> bool {
        (0..words.len()).any(|i| self.at(words, i).is_some())
    }

    /// The single words, for comparison with typos.
    pub(crate) fn single_words(&self) -> impl Iterator<Item = (&str, &V)> {
        self.by_first.iter().flat_map(|(first, entries)| {
            entries
                .iter()
                .filter(|(rest, _)| rest.is_empty())
                .map(move |(_, v)| (first.as_str(), v))
        })
    }
}

/// The rows of a data file: tab-separated, `#` starts a comment line.
pub(crate) fn rows(file: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    file.lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
        .map(|l| l.split('\t').collect())
}

/// Whether two words differ by at most one typing error (a letter more, less, other, or two swapped).
#[must_use]
pub(crate) fn one_typo(a: &str, b: &str) -> bool {
    // Compared with every word of a list: most are told apart by their lengths, and hardly any needs its characters in a row.
    if a.len().abs_diff(b.len()) > 4 {
        return false;
    }
    if a.is_ascii() && b.is_ascii() {
        return near(a.as_bytes(), b.as_bytes());
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    near(&a, &b)
}

fn near<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (x, y) = (
        a.get(same..).unwrap_or_default(),
        b.get(same..).unwrap_or_default(),
    );
    match (x, y) {
        ([], []) => true,
        ([p, q, xs @ ..], [r, s, ys @ ..]) if p == s && q == r && xs == ys => true,
        ([_, xs @ ..], [_, ys @ ..]) if xs == ys => true,
        ([_, xs @ ..], ys) if xs == ys => true,
        (xs, [_, ys @ ..]) if xs == ys => true,
        _ => false,
    }
}
