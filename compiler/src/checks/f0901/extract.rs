//! The repairs of F0901: a bare text gets a name, a missing language a copy to translate. What nobody has translated yet is marked by
//! a comment, so that the repair does not hide it.

use crate::checks::support::analysis::Analysis;
use crate::checks::support::syntax;
use crate::checks::support::walk::each_expr;
use crate::machine::{ExprKind, Text};
use flow_grammar::ast::{DeclKind, TextVariant};
use flow_grammar::{Diagnostic, Edit, Loc, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Words of a text that make its name, at most.
const WORDS: usize = 4;
/// Characters of a name, at most, without a number that tells it from others.
const LENGTH: usize = 32;
/// What stands beside a text that only was copied.
const MARK: &str = "// to translate";

/// Gives names to bare texts; no two of one run are the same.
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// Texts that have a name, by folder and the words of their first language as they are written.
    known: BTreeMap<(String, String), String>,
}

impl Names {
    pub(super) fn new(cx: &Analysis<'_>) -> Self {
        let mut names = Self {
            taken: BTreeSet::new(),
            known: BTreeMap::new(),
        };
        for text in &cx.machine.texts {
            let Some(name) = &text.name else { continue };
            names.taken.insert(name.to_string());
            let Some(DeclKind::Text(decl)) =
                syntax::decl(cx.sources, text.loc.decl).map(|d| &d.kind)
            else {
                continue;
            };
            let first = decl.variants.iter().find(|v| v.channel.is_none());
            let default = cx.machine.bot.languages.first();
            if let (Some(first), Some(default)) = (first, default)
                && first.language.text == *default
            {
                let written = cx
                    .sources
                    .snippet(Loc::new(text.loc.decl, first.text.span))
                    .to_owned();
                names
                    .known
                    .entry((folder(cx, text.loc), written))
                    .or_insert_with(|| name.rsplit('.').next().unwrap_or(name).to_owned());
            }
        }
        names
    }

    /// `hello_there_text` for "Hello there!": the tail keeps it from being a word of the language.
    fn name(&mut self, written: &str) -> String {
        let mut stem = String::new();
        // What is filled in says little of what the text is.
        let mut depth = 0_u32;
        let plain: String = written
            .chars()
            // "I'll" is one word.
            .filter(|c| !matches!(c, '\'' | '\u{2019}'))
            .map(|c| {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 && c != '}' { c } else { ' ' }
            })
            .collect();
        let words = plain
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .skip_while(|w| !w.starts_with(|c: char| c.is_ascii_alphabetic()));
        for word in words.take(WORDS) {
            if stem.len() + word.len() > LENGTH {
                break;
            }
            stem.push_str(&word.to_ascii_lowercase());
            stem.push('_');
        }
        if stem.is_empty() {
            stem.push_str("a_");
        }
        let mut name = format!("{stem}text");
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{stem}text_{number}");
            number += 1;
        }
        name
    }
}

fn folder(cx: &Analysis<'_>, loc: Loc) -> String {
    cx.sources
        .resolve(loc)
        .and_then(|(file, _)| file.path.rsplit_once('/'))
        .map_or_else(String::new, |(folder, _)| folder.to_owned())
}

/// Gives a bare text a name, or uses the one that says the same already.
pub(super) fn bare(
    cx: &Analysis<'_>,
    names: &mut Names,
    text: &Text,
    finding: Diagnostic,
) -> Diagnostic {
    let written = cx.sources.snippet(text.loc);
    if !written.starts_with('"') || reads_what_only_its_place_knows(cx, text) {
        return finding;
    }
    let by_name = |name: &str| Edit {
        at: text.loc,
        text: name.to_owned(),
    };
    if let Some(name) = names.known.get(&(folder(cx, text.loc), written.to_owned())) {
        return finding.fix(
            format!("use the text `{name}`, which says this"),
            false,
            vec![by_name(name)],
        );
    }
    let name = names.name(written);
    let Some(below) = below(cx, text.loc) else {
        return finding;
    };
    let mut lines = String::new();
    for (n, language) in cx.machine.bot.languages.iter().enumerate() {
        let line = format!("{language} {written}");
        let line = if n == 0 { line } else { marked(&line) };
        lines.push_str(&format!("  {line}\n"));
    }
    finding.fix(
        format!("give it a name: `{name}`"),
        false,
        vec![
            by_name(&name),
            Edit {
                at: below,
                text: format!("\n\ntext {name} {{\n{lines}}}"),
            },
        ],
    )
}

/// A line that was copied, with its mark: beside it, above what has several lines.
fn marked(line: &str) -> String {
    if line.contains('\n') {
        format!("{MARK}\n  {line}")
    } else {
        format!("{line} {MARK}")
    }
}

/// A text with a name does not know what a `call` or a choice found.
fn reads_what_only_its_place_knows(cx: &Analysis<'_>, text: &Text) -> bool {
    let mut reads = false;
    for variant in &text.variants {
        for part in &variant.parts {
            if let crate::machine::TextPart::Expr(expr) = part {
                each_expr(cx.machine, expr, &mut |e| {
                    reads |= matches!(e.kind, ExprKind::Local(_));
                });
            }
        }
    }
    reads
}

/// The end of the line on which the declaration around a place ends.
fn below(cx: &Analysis<'_>, loc: Loc) -> Option<Loc> {
    let decl = syntax::decl(cx.sources, loc.decl)?;
    let whole = Loc::new(loc.decl, decl.span);
    let (file, range) = cx.sources.resolve(whole)?;
    let rest = file.text.get(range.end..)?;
    let line = rest.split('\n').next().unwrap_or_default().trim_end();
    // A comment there belongs to what ends there; another declaration does not.
    let comment = line.trim_start().starts_with("//") || line.trim().is_empty();
    let end = decl.span.end
        + if comment {
            u32::try_from(line.len()).ok()?
        } else {
            0
        };
    Some(Loc::new(loc.decl, Span::new(end, end)))
}

/// Copies the first language's variants for the languages that a text lacks.
pub(super) fn missing(
    cx: &Analysis<'_>,
    text: &Text,
    missing: &[&str],
    finding: Diagnostic,
) -> Diagnostic {
    let Some(DeclKind::Text(decl)) = syntax::decl(cx.sources, text.loc.decl).map(|d| &d.kind)
    else {
        return finding;
    };
    let line = |variant: &TextVariant, language: &str| {
        let written = cx
            .sources
            .snippet(Loc::new(text.loc.decl, variant.span))
            .trim_end();
        written
            .strip_prefix(variant.language.text.as_str())
            .map(|rest| format!("{language}{rest}"))
    };
    let languages = &cx.machine.bot.languages;
    let Some(model) = languages
        .iter()
        .find(|l| decl.variants.iter().any(|v| v.language.text == **l))
    else {
        return finding;
    };
    let copies: Option<Vec<String>> = missing
        .iter()
        .flat_map(|language| {
            // A language that has some channels only lacks the text for the others.
            let has = |v: &TextVariant| {
                decl.variants.iter().any(|o| {
                    o.language.text == *language
                        && o.channel.as_ref().map(|c| &c.text)
                            == v.channel.as_ref().map(|c| &c.text)
                })
            };
            decl.variants
                .iter()
                .filter(|v| v.language.text == *model && !has(v))
                .map(|v| line(v, language).map(|l| marked(&l)))
                .collect::<Vec<_>>()
        })
        .collect();
    let Some(copies) = copies.filter(|c| !c.is_empty()) else {
        return finding;
    };
    let title = format!("copy it from `{model}` to translate");
    let Some(last) = decl.variants.last() else {
        return finding;
    };
    let whole = syntax::decl(cx.sources, text.loc.decl).map(|d| Loc::new(text.loc.decl, d.span));
    let Some(whole) = whole else { return finding };
    let edit = if cx.sources.snippet(whole).contains('\n') {
        syntax::add_to_block(cx.sources, whole, &copies.join("\n"))
    } else {
        // A comment needs a line of its own: the block opens up.
        let first = decl
            .variants
            .first()
            .map_or(last.span.start, |v| v.span.start);
        let all: Option<Vec<String>> = decl
            .variants
            .iter()
            .map(|v| line(v, &v.language.text))
            .chain(copies.into_iter().map(Some))
            .collect();
        let text_before = cx
            .sources
            .snippet(Loc::new(whole.decl, Span::new(whole.span.start, first)))
            .trim_end()
            .len();
        let indent = syntax::indent(cx.sources, whole);
        let start = whole.span.start + u32::try_from(text_before).unwrap_or_default();
        all.map(|lines| Edit {
            at: Loc::new(
                whole.decl,
                Span::new(start, whole.span.end.saturating_sub(1)),
            ),
            text: lines
                .iter()
                .map(|l| format!("\n{indent}  {l}"))
                .chain([format!("\n{indent}")])
                .collect(),
        })
    };
    match edit {
        Some(edit) => finding.fix(title, false, vec![edit]),
        None => finding,
    }
}
