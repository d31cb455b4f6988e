//! Search in the knowledge: passages by heading and paragraph, stemmed by language, ranked by BM25 in an index in memory.

use crate::language;
use crate::normalise::{self, fold};
use crate::spec::Spec;
use crate::stem::content_stems;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value as _,
};
use tantivy::{Index, IndexReader, TantivyDocument, TantivyError, Term, doc};

/// Paragraphs are joined up to this many characters.
const PASSAGE: usize = 900;
/// How much more a word in a heading counts.
const TITLE_BOOST: f32 = 2.0;

/// A piece of the knowledge.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The file.
    pub source: SmolStr,
    /// Its headings, outermost first, or the file's first words.
    pub title: SmolStr,
    /// The text.
    pub text: String,
    /// How well it fits the query; comparable within one search only.
    pub score: f32,
}

/// The knowledge of a bot.
#[derive(Default)]
pub struct Knowledge {
    passages: Vec<Stored>,
    index: Option<Search>,
    /// In how many passages a stem occurs.
    frequency: FxHashMap<String, u32>,
}

struct Stored {
    base: SmolStr,
    source: SmolStr,
    title: SmolStr,
    text: String,
    language: SmolStr,
    stems: FxHashSet<String>,
}

struct Search {
    reader: IndexReader,
    id: Field,
    base: Field,
    title: Field,
    body: Field,
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knowledge")
            .field("passages", &self.passages.len())
            .finish_non_exhaustive()
    }
}

impl Knowledge {
    pub(crate) fn of(spec: &Spec) -> Self {
        let mut passages = Vec::new();
        for (base, files) in &spec.knowledge {
            for (path, text) in files {
                let words = normalise::words(text);
                let language =
                    language::detect(normalise::clip(text), &words, &spec.languages, None);
                for (title, text) in split(text) {
                    let stems =
                        content_stems(&normalise::words(&format!("{title}\n{text}")), &language)
                            .into_iter()
                            .collect();
                    passages.push(Stored {
                        base: base.clone(),
                        source: path.clone(),
                        title: title.into(),
                        text,
                        language: language.clone(),
                        stems,
                    });
                }
            }
        }
        let mut frequency: FxHashMap<String, u32> = FxHashMap::default();
        for stem in passages.iter().flat_map(|p| &p.stems) {
            *frequency.entry(stem.clone()).or_default() += 1;
        }
        // An index in memory of text that was already read: if it cannot be built, nothing is found.
        let index = if passages.is_empty() {
            None
        } else {
            build(&passages).ok()
        };
        Self {
            passages,
            index,
            frequency,
        }
    }

    /// How many passages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.passages.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.passages.is_empty()
    }

    /// The `k` best passages of the named knowledge bases (all of them if none is named), best first.
    #[must_use]
    pub fn search(&self, names: &[SmolStr], query: &str, language: &str, k: usize) -> Vec<Passage> {
        let stems = self.query_stems(query, language);
        let Some(index) = self.index.as_ref().filter(|_| !stems.is_empty() && k > 0) else {
            return Vec::new();
        };
        let hits = index.top(names, &stems, k).unwrap_or_default();
        hits.into_iter()
            .filter_map(|(score, at)| {
                let p = self.passages.get(at)?;
                Some(Passage {
                    source: p.source.clone(),
                    title: p.title.clone(),
                    text: p.text.clone(),
                    score,
                })
            })
            .collect()
    }

    /// The stems of a question, in its language and in those of the knowledge.
    fn query_stems(&self, query: &str, language: &str) -> Vec<String> {
        let words = normalise::words(query);
        let mut out = content_stems(&words, language);
        let others: FxHashSet<&SmolStr> = self
            .passages
            .iter()
            .map(|p| &p.language)
            .filter(|l| *l != language)
            .collect();
        let mut others: Vec<&SmolStr> = others.into_iter().collect();
        others.sort_unstable();
        for other in others {
            for stem in content_stems(&words, other) {
                // Names and technical words are the same everywhere; common words of the question's own language are not.
                if !out.contains(&stem)
                    && self.frequency.contains_key(&stem)
                    && !words
                        .iter()
                        .any(|w| *w == stem && language::is_common(w, language))
                {
                    out.push(stem);
                }
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// How telling a stem is: rare ones more, unknown ones most.
    pub(crate) fn weight(&self, stem: &str) -> f64 {
        let n = self.passages.len() as f64;
        let df = self.frequency.get(stem).map_or(0.0, |df| f64::from(*df));
        (1.0 + (n - df + 0.5) / (df + 0.5)).ln()
    }

    /// The language of a file.
    pub(crate) fn language_of(&self, source: &str) -> Option<&SmolStr> {
        self.passages
            .iter()
            .find(|p| p.source == source)
            .map(|p| &p.language)
    }
}

impl Search {
    fn top(
        &self,
        names: &[SmolStr],
        stems: &[String],
        k: usize,
    ) -> Result<Vec<(f32, usize)>, TantivyError> {
        let any: Vec<(Occur, Box<dyn Query>)> = stems
            .iter()
            .flat_map(|stem| {
                let term = |field| {
                    TermQuery::new(
                        Term::from_field_text(field, stem),
                        IndexRecordOption::WithFreqs,
                    )
                };
                let title: Box<dyn Query> =
                    Box::new(BoostQuery::new(Box::new(term(self.title)), TITLE_BOOST));
                let body: Box<dyn Query> = Box::new(term(self.body));
                [(Occur::Should, title), (Occur::Should, body)]
            })
            .collect();
        let mut query: Vec<(Occur, Box<dyn Query>)> =
            vec![(Occur::Must, Box::new(BooleanQuery::new(any)))];
        if !names.is_empty() {
            let bases = names
                .iter()
                .map(|name| -> (Occur, Box<dyn Query>) {
                    (
                        Occur::Should,
                        Box::new(TermQuery::new(
                            Term::from_field_text(self.base, name),
                            IndexRecordOption::Basic,
                        )),
                    )
                })
                .collect();
            query.push((
                Occur::Must,
                Box::new(BoostQuery::new(Box::new(BooleanQuery::new(bases)), 0.0)),
            ));
        }
        let searcher = self.reader.searcher();
        let mut out = Vec::new();
        // A few more, so that equal scores are ordered by place and not by chance.
        for (score, address) in searcher.search(
            &BooleanQuery::new(query),
            &TopDocs::with_limit(k + 8).order_by_score(),
        )? {
            let found: TantivyDocument = searcher.doc(address)?;
            if let Some(id) = found.get_first(self.id).and_then(|v| v.as_u64()) {
                out.push((score, usize::try_from(id).unwrap_or(usize::MAX)));
            }
        }
        out.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        out.truncate(k);
        Ok(out)
    }
}

fn build(passages: &[Stored]) -> Result<Search, TantivyError> {
    let mut schema = Schema::builder();
    // The words are stemmed before, by the language of each file.
    let stems = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::WithFreqs),
    );
    let id = schema.add_u64_field("id", STORED);
    let base = schema.add_text_field("base", STRING);
    let title = schema.add_text_field("title", stems.clone());
    let body = schema.add_text_field("body", stems);
    let index = Index::create_in_ram(schema.build());
    let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, 20_000_000)?;
    for (i, p) in passages.iter().enumerate() {
        let stemmed = |text: &str| content_stems(&normalise::words(text), &p.language).join(" ");
        writer.add_document(doc!(id => i as u64, base => p.base.as_str(), title => stemmed(&p.title), body => stemmed(&p.text)))?;
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    let reader = index
        .reader_builder()
        .reload_policy(tantivy::ReloadPolicy::Manual)
        .try_into()?;
    Ok(Search {
        reader,
        id,
        base,
        title,
        body,
    })
}

/// A Markdown text as passages: paragraphs under their headings, joined while they are short.
fn split(text: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut headings: Vec<(usize, String)> = Vec::new();
    let mut fresh = true;
    for block in blocks(text) {
        let level = block.chars().take_while(|c| *c == '#').count();
        if (1..=6).contains(&level) && block.get(level..).is_some_and(|t| t.starts_with(' ')) {
            headings.retain(|(l, _)| *l < level);
            headings.push((
                level,
                block.get(level..).unwrap_or_default().trim().to_owned(),
            ));
            fresh = true;
            continue;
        }
        let title = headings
            .iter()
            .map(|(_, t)| t.as_str())
            .collect::<Vec<_>>()
            .join(" - ");
        match out.last_mut() {
            Some((_, last)) if !fresh && last.len() + block.len() < PASSAGE => {
                last.push('\n');
                last.push_str(&block);
            }
            _ => {
                let title = if title.is_empty() {
                    first_words(&block)
                } else {
                    title
                };
                out.push((title, block));
            }
        }
        fresh = false;
    }
    out
}

/// Headings and paragraphs. Text in a file of any kind, not only Markdown.
fn blocks(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        let heading = line.starts_with('#');
        if line.is_empty() || line.starts_with("---") {
            open = false;
        } else if let (Some(last), true, false) = (out.last_mut(), open, heading) {
            last.push('\n');
            last.push_str(line);
        } else {
            out.push(line.to_owned());
            open = !heading;
        }
    }
    out
}

fn first_words(text: &str) -> String {
    text.split_whitespace()
        .take(6)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The sentences and list items of a passage.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut start = 0;
        for (i, c) in line.char_indices() {
            let end = i + c.len_utf8();
            let rest = line.get(end..).unwrap_or_default();
            // A full stop ends a sentence if a space and no small letter follow, and it is not the number of a list item.
            let next = rest.trim_start().chars().next();
            let number = line
                .get(start..i)
                .is_some_and(|s| s.trim().chars().all(|c| c.is_ascii_digit()));
            if matches!(c, '.' | '!' | '?' | '。')
                && !number
                && (rest.is_empty()
                    || (rest.starts_with(' ') && next.is_none_or(|n| !n.is_lowercase())))
            {
                out.push(line.get(start..end).unwrap_or_default().trim());
                start = end;
            }
        }
        out.push(line.get(start..).unwrap_or_default().trim());
    }
    out.retain(|s| fold(s).chars().any(char::is_alphanumeric));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_by_heading_and_paragraph() {
        let found =
            split("# Returns\n\nWithin 30 days.\n\nFree.\n\n## How\n\n1. Pack it.\n2. Send it.\n");
        assert_eq!(
            found,
            [
                ("Returns".to_owned(), "Within 30 days.\nFree.".to_owned()),
                (
                    "Returns - How".to_owned(),
                    "1. Pack it.\n2. Send it.".to_owned()
                )
            ]
        );
        assert_eq!(
            split("just text"),
            [("just text".to_owned(), "just text".to_owned())]
        );
        assert!(split("").is_empty());
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        assert_eq!(
            sentences("It costs 3.50 EUR. Is it free? Yes, e.g. here.\n1. Pack it."),
            [
                "It costs 3.50 EUR.",
                "Is it free?",
                "Yes, e.g. here.",
                "1. Pack it."
            ]
        );
    }
}
