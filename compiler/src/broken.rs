//! Declarations that could not be read, or were refused: what they name may well be there, or in use.

use crate::env::Env;
use crate::sources::{SourceFile, Sources};
use flow_grammar::ast::DeclKind;
use flow_grammar::{Diagnostic, PlacedDecl};
use smol_str::SmolStr;

fn text_of<'t>(file: &'t SourceFile, placed: &PlacedDecl) -> &'t str {
    file.text
        .get(placed.offset as usize..(placed.offset + placed.len) as usize)
        .unwrap_or_default()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|w| !w.is_empty())
}

/// Words of handoffs that were refused at their heads: what they name is meant to be used there.
pub(crate) fn remember_refused(sources: &Sources, found: &[Diagnostic], env: &mut Env) {
    for at in found.iter().filter_map(|d| Some(d.labels.first()?.at)) {
        let Some((file, _)) = sources.decls.get(at.decl as usize) else {
            continue;
        };
        let Some((file, placed)) = sources.files.get(*file as usize).and_then(|file| {
            let nth = at.decl.checked_sub(file.first_decl)?;
            Some((file, file.tree.decls.get(nth as usize)?))
        }) else {
            continue;
        };
        if let DeclKind::Handoff(handoff) = &placed.tree.decl.kind
            && handoff.tier.as_ref().is_some_and(|t| t.span == at.span)
        {
            let named = words(text_of(file, placed)).map(SmolStr::new);
            env.mentioned.extend(named);
        }
    }
}

/// Whether a declaration has a syntax error.
pub(crate) fn broken(sources: &Sources, decl: u32) -> bool {
    let file = sources.decls.get(decl as usize);
    let file = file.and_then(|(file, _)| sources.files.get(*file as usize));
    let placed = file.and_then(|f| f.tree.decls.get(decl.checked_sub(f.first_decl)? as usize));
    placed.is_some_and(|p| p.tree.diagnostics.iter().any(|d| d.code == "F0101"))
}

/// Words of declarations that could not be read, and the names that their heads declare.
pub(crate) fn remember_broken(sources: &Sources, env: &mut Env) {
    for file in &sources.files {
        for placed in &file.tree.decls {
            if placed.tree.diagnostics.is_empty() {
                continue;
            }
            let text = text_of(file, placed);
            env.mentioned.extend(words(text).map(SmolStr::new));
            let head = text
                .lines()
                .find(|l| !l.trim_start().starts_with("//") && !l.trim().is_empty())
                .unwrap_or_default();
            let mut of_head = words(head);
            if let (Some(_), Some(name)) = (of_head.next(), of_head.next()) {
                env.poisoned.insert(SmolStr::new(name));
            }
            if matches!(placed.tree.decl.kind, DeclKind::Enum(_)) {
                // Any of them may be a value.
                env.poisoned.extend(words(text).map(SmolStr::new));
            }
            // Fields of a group have names of their own.
            if matches!(
                placed.tree.decl.kind,
                DeclKind::Slots(_)
                    | DeclKind::Customer(_)
                    | DeclKind::Enum(_)
                    | DeclKind::Record(_)
                    | DeclKind::Error
            ) {
                let heads = text.lines().filter_map(|l| words(l).next());
                env.poisoned.extend(heads.map(SmolStr::new));
                // Several may stand on one line.
                let fields = text
                    .split(':')
                    .filter_map(|before| words(before.rsplit('\n').next()?).last());
                env.poisoned.extend(fields.map(SmolStr::new));
            }
        }
    }
}
