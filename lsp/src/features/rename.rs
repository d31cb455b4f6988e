//! Rename: every place that names a thing, in every bot that is made of its declaration.
//!
//! Nothing is changed on trust. The bots are compiled with the new name, and it is refused where that finds an error that was not there, or
//! where a place would come to name something else (a slot called as a signal is hidden by it).

use crate::bots::{Bot, Bots};
use crate::position::{Encoding, to_offset, to_range};
use crate::uri;
use flow_compiler::sources::{SourceFile, Sources};
use flow_compiler::{Compilation, Def};
use flow_grammar::{Diagnostic, Loc, Severity};
use gen_lsp_types::{Position, Range, TextEdit, Uri, WorkspaceEdit};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range as Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name at a position, where it may be changed: what is built in may not.
pub(crate) fn prepare(
    bot: &Bot,
    path: &Path,
    position: Position,
    encoding: Encoding,
) -> Option<Range> {
    let file = bot.file(path)?;
    let offset = to_offset(&file.text, position, encoding);
    let Compilation { index, sources, .. } = &bot.compilation;
    let (loc, def) = index.at(sources, &file.path, offset)?;
    index.definition(def)?;
    let (file, range) = name_in(sources, loc)?;
    Some(to_range(file, &range, encoding))
}

/// The folder of the thing's declaration, if it is not the bot's own: other bots may bring it in, too.
pub(crate) fn shared_folder(
    bots: &Bots,
    at: &Uri,
    position: Position,
    encoding: Encoding,
) -> Option<PathBuf> {
    let (bot, path) = bots.of(at)?;
    let (declared_in, _) = declaration(bot, &path, position, encoding)?;
    let dir = declared_in.parent()?;
    (!bots.is_bot(dir)).then(|| dir.to_path_buf())
}

/// The edits that give the thing at a position another name; none where nothing is named.
///
/// # Errors
/// In words for the author, if the name cannot be that or would change what the bot does.
pub(crate) fn rename(
    bots: &Bots,
    at: &Uri,
    position: Position,
    name: &str,
    encoding: Encoding,
    today: Date,
) -> Result<Option<WorkspaceEdit>, String> {
    if !is_name(name) {
        return Err(format!(
            "`{name}` is no name: write it in small letters, digits and `_`, beginning with a letter"
        ));
    }
    let Some((declared_in, offset)) = bots
        .of(at)
        .and_then(|(bot, path)| declaration(bot, &path, position, encoding))
    else {
        return Ok(None);
    };
    let mut places: BTreeMap<PathBuf, BTreeSet<(usize, usize)>> = BTreeMap::new();
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for (_, bot) in bots.holding(&declared_in) {
        for (file, range) in named(bot, &declared_in, offset) {
            let path = bot.root.join(file.path.as_str());
            if places
                .entry(path.clone())
                .or_default()
                .insert((range.start, range.end))
            {
                let edit = TextEdit::new(to_range(file, &range, encoding), name.to_owned());
                changes.entry(uri::from_path(&path)).or_default().push(edit);
            }
        }
    }
    let texts: BTreeMap<PathBuf, Arc<str>> = places
        .iter()
        .filter_map(|(path, ranges)| {
            let (_, bot) = bots.holding(path).next()?;
            let text = replaced(&bot.file(path)?.text, ranges, name);
            Some((path.clone(), text.into()))
        })
        .collect();
    let moved = places
        .get(&declared_in)
        .map_or(offset, |ranges| shifted(offset, ranges, name.len()));
    for (folder, bot) in bots.holding(&declared_in) {
        let Some((root, after)) = bots.compiled_with(folder, &texts, today) else {
            continue;
        };
        if let Some(error) = new_error(&bot.compilation, &after) {
            return Err(format!("as `{name}`: {}", error.message));
        }
        let before = named(bot, &declared_in, offset).len();
        let now = named_in(&root, &after, &declared_in, moved).len();
        if before != now {
            return Err(format!(
                "`{name}` already means something where this is named"
            ));
        }
    }
    Ok(Some(WorkspaceEdit {
        changes: Some(changes),
        ..WorkspaceEdit::default()
    }))
}

/// The file and the byte where the thing at a position is declared.
fn declaration(
    bot: &Bot,
    path: &Path,
    position: Position,
    encoding: Encoding,
) -> Option<(PathBuf, usize)> {
    let file = bot.file(path)?;
    let offset = to_offset(&file.text, position, encoding);
    let Compilation { index, sources, .. } = &bot.compilation;
    let (_, def) = index.at(sources, &file.path, offset)?;
    let (file, range) = name_in(sources, index.definition(def)?)?;
    Some((bot.root.join(file.path.as_str()), range.start))
}

fn named<'b>(
    bot: &'b Bot,
    declared_in: &Path,
    offset: usize,
) -> Vec<(&'b SourceFile, Bytes<usize>)> {
    named_in(&bot.root, &bot.compilation, declared_in, offset)
}

/// Every place that writes the name of what is declared at a byte of a file, its declaration too.
fn named_in<'c>(
    root: &Path,
    compilation: &'c Compilation,
    declared_in: &Path,
    offset: usize,
) -> Vec<(&'c SourceFile, Bytes<usize>)> {
    let Compilation { index, sources, .. } = compilation;
    let mut files = sources.files.iter();
    let def: Option<(Def, Loc)> = files
        .find(|f| root.join(f.path.as_str()) == declared_in)
        .and_then(|f| index.at(sources, &f.path, offset))
        .and_then(|(_, def)| Some((def, index.definition(def)?)));
    let Some((def, own)) = def else {
        return Vec::new();
    };
    let Some((file, range)) = name_in(sources, own) else {
        return Vec::new();
    };
    let name = file.text.get(range).unwrap_or_default();
    let mut locs: Vec<Loc> = index.references_of(def).chain([own]).collect();
    locs.sort_unstable();
    locs.dedup();
    locs.into_iter()
        .filter_map(|loc| name_in(sources, loc))
        .filter(|(file, range)| file.text.get(range.clone()) == Some(name))
        .collect()
}

/// The name itself in a place that names something: of `slots.order_id` the last word.
fn name_in(sources: &Sources, loc: Loc) -> Option<(&SourceFile, Bytes<usize>)> {
    let (file, range) = sources.resolve(loc)?;
    let before = file
        .text
        .get(range.clone())?
        .rfind('.')
        .map_or(0, |dot| dot + 1);
    Some((file, range.start + before..range.end))
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn replaced(text: &str, ranges: &BTreeSet<(usize, usize)>, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in ranges {
        out.push_str(text.get(done..*start).unwrap_or_default());
        out.push_str(name);
        done = *end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Where a byte stands after the ranges before it were replaced by something of `new` bytes.
fn shifted(offset: usize, ranges: &BTreeSet<(usize, usize)>, new: usize) -> usize {
    ranges
        .iter()
        .take_while(|(start, _)| *start < offset)
        .fold(offset, |at, (start, end)| at + new - (end - start))
}

/// The first error that is not among those of before.
fn new_error<'a>(before: &Compilation, after: &'a Compilation) -> Option<&'a Diagnostic> {
    let errors = |of: &'a Compilation| {
        of.diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
    };
    let had = before
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error);
    let known: BTreeSet<(&str, &str)> = had.clone().map(|d| (d.code, d.message.as_str())).collect();
    if errors(after).count() <= had.count() {
        return None;
    }
    errors(after)
        .find(|d| !known.contains(&(d.code, d.message.as_str())))
        .or_else(|| errors(after).next())
}
