//! Fixes and formatting.

use crate::bots::Bot;
use crate::position::{Encoding, line_starts, to_offset, to_range};
use crate::uri;
use flow_compiler::mend::Mending;
use flow_compiler::sources::SourceFile;
use gen_lsp_types::{CodeAction, CodeActionKind, Range, TextEdit, Uri, WorkspaceEdit};
use std::collections::HashMap;
use std::path::Path;

/// The repairs of the findings that touch a range.
pub(crate) fn fixes(bot: &Bot, path: &Path, range: Range, encoding: Encoding) -> Vec<CodeAction> {
    let Some(file) = bot.file(path) else {
        return Vec::new();
    };
    let (start, end) = (
        to_offset(&file.text, range.start, encoding),
        to_offset(&file.text, range.end, encoding),
    );
    let sources = &bot.compilation.sources;
    let mut out = Vec::new();
    for finding in &bot.compilation.diagnostics {
        let Some((found_in, found)) = finding.labels.first().and_then(|l| sources.resolve(l.at))
        else {
            continue;
        };
        if found_in.path != file.path || found.end < start || end < found.start {
            continue;
        }
        for fix in &finding.fixes {
            let mut mending = Mending::default();
            if !mending.add(sources, fix) {
                continue;
            }
            let changes: HashMap<Uri, Vec<TextEdit>> = mending
                .files()
                .into_iter()
                .map(|(edited, text)| {
                    (
                        uri::from_path(&bot.root.join(edited.path.as_str())),
                        difference(edited, &text, encoding),
                    )
                })
                .collect();
            out.push(CodeAction {
                title: format!("{} ({})", fix.title, finding.code),
                kind: Some(CodeActionKind::QuickFix),
                is_preferred: Some(fix.safe),
                edit: Some(WorkspaceEdit {
                    changes: Some(changes),
                    ..WorkspaceEdit::default()
                }),
                ..CodeAction::default()
            });
        }
    }
    out
}

/// The edits that format a text: none if it is formatted.
pub(crate) fn format(text: &str, encoding: Encoding) -> Vec<TextEdit> {
    let formatted = flow_grammar::format(text);
    if formatted == text {
        return Vec::new();
    }
    let starts = line_starts(text)
        .into_iter()
        .filter_map(|s| u32::try_from(s).ok())
        .collect();
    let file = SourceFile {
        path: Default::default(),
        text: text.into(),
        tree: Default::default(),
        line_starts: starts,
        first_decl: 0,
    };
    difference(&file, &formatted, encoding)
}

/// The edit that makes a file another text, one at most. Only the part between what both have in common moves, so that the cursor
/// stays where it was.
fn difference(file: &SourceFile, new: &str, encoding: Encoding) -> Vec<TextEdit> {
    let text: &str = &file.text;
    if text == new {
        return Vec::new();
    }
    let before = text
        .bytes()
        .zip(new.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let before = (0..=before)
        .rev()
        .find(|i| text.is_char_boundary(*i) && new.is_char_boundary(*i))
        .unwrap_or(0);
    let rest = (text.len() - before).min(new.len() - before);
    let after = text
        .bytes()
        .rev()
        .zip(new.bytes().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let after = (0..=after)
        .rev()
        .find(|i| text.is_char_boundary(text.len() - i) && new.is_char_boundary(new.len() - i))
        .unwrap_or(0);
    let put = new
        .get(before..new.len() - after)
        .unwrap_or_default()
        .to_owned();
    vec![TextEdit::new(
        to_range(file, &(before..text.len() - after), encoding),
        put,
    )]
}
