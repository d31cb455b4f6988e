//! What is remembered of a question, to recognise it when it comes again: few bytes, since it is stored with every turn.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The share of content words in common from which two questions are the same.
const SAME: f64 = 0.6;

/// Sixteen bits for each content word, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint(Vec<u16>);

impl Fingerprint {
    /// From the words' hashes.
    #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
    pub(crate) fn new(words: &[u32]) -> Self {
        let mut short: Vec<u16> = words.iter().map(|w| (w ^ (w >> 16)) as u16).collect();
        short.sort_unstable();
        short.dedup();
        Self(short)
    }

    /// Whether it is the same question; one word is none.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        if a.len().min(b.len()) < 2 {
            return false;
        }
        let common = a
            .iter()
            .filter(|word| b.binary_search(word).is_ok())
            .count();
        #[expect(clippy::cast_precision_loss, reason = "a message has few words")]
        let share = common as f64 / a.len().max(b.len()) as f64;
        share >= SAME
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|word| format!("{word:04x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// As it is written, and as it once was.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Digits(String),
            Words(Vec<u32>),
        }
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Words(words) => Self::new(&words),
            Stored::Digits(digits) => Self(
                digits
                    .as_bytes()
                    .chunks(4)
                    .filter_map(|word| {
                        u16::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
                    })
                    .collect(),
            ),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_the_same_question() {
        let of = |words: &[u32]| Fingerprint::new(words);
        assert!(of(&[1, 2, 3]).is_same(&of(&[1, 2, 3, 4])));
        assert!(!of(&[1, 2, 3]).is_same(&of(&[1, 4, 5])));
        assert!(!of(&[1]).is_same(&of(&[1])), "one word is no question");
    }

    #[test]
    fn it_is_stored_in_four_digits_a_word_and_read_as_it_once_was() {
        let print = Fingerprint::new(&[0x1234_0000, 0xffff_00ff, 7]);
        let stored = serde_json::to_string(&print).unwrap();
        assert_eq!(stored, "\"00071234ff00\"");
        assert_eq!(serde_json::from_str::<Fingerprint>(&stored).unwrap(), print);
        let before = "[305397760,4294902015,7]";
        assert_eq!(serde_json::from_str::<Fingerprint>(before).unwrap(), print);
    }
}
