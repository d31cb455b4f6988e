//! Carrying out repairs: what files are after some of the edits that findings offer.

use crate::sources::{SourceFile, Sources};
use flow_grammar::{Edit, Fix, format};
use std::collections::BTreeMap;
use std::ops::Range;

/// Repairs that do not touch each other, and what the files are after them.
#[derive(Debug, Default)]
pub struct Mending<'s> {
    /// By path.
    files: BTreeMap<&'s str, Changes<'s>>,
}

/// A file, and what is replaced in it by what.
#[derive(Debug)]
struct Changes<'s> {
    file: &'s SourceFile,
    edits: Vec<(Range<usize>, String)>,
}

impl<'s> Mending<'s> {
    /// Adds a repair, unless it touches one that was added before, or a place that is not there.
    pub fn add(&mut self, sources: &'s Sources, fix: &Fix) -> bool {
        let places = |edit: &Edit| {
            let (file, range) = sources.resolve(edit.at)?;
            file.text.get(range.clone())?;
            Some((file, range, edit.text.clone()))
        };
        let Some(edits) = fix.edits.iter().map(places).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let free = edits.iter().all(|(file, range, _)| {
            self.files.get(file.path.as_str()).is_none_or(|changes| {
                changes
                    .edits
                    .iter()
                    .all(|(other, _)| range.end < other.start || other.end < range.start)
            })
        });
        if free {
            for (file, range, text) in edits {
                self.files
                    .entry(file.path.as_str())
                    .or_insert_with(|| Changes {
                        file,
                        edits: Vec::new(),
                    })
                    .edits
                    .push((range, text));
            }
        }
        free
    }

    /// The files that change, by path, as they are afterwards. One that was formatted is formatted.
    #[must_use]
    pub fn files(self) -> Vec<(&'s SourceFile, String)> {
        self.files
            .into_values()
            .map(|Changes { file, mut edits }| {
                let mut text = file.text.to_string();
                // From the end on, so that the places before stay; of two at one place the first stays the first.
                edits.reverse();
                edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
                for (range, new) in edits {
                    text.replace_range(range, &new);
                }
                // A script is none of ours to format.
                if file.path.ends_with(".flow") && format(&file.text) == *file.text {
                    text = format(&text);
                }
                (file, text)
            })
            .collect()
    }
}
