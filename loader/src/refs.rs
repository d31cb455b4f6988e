//! What a flow file names on disk.

use flow_grammar::ast::DeclKind;
use flow_grammar::{is_keyword, keyword, parse_decl, split};

/// A path that a declaration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// `use "folder"`.
    Use(String),
    /// `hook .. from "file"`.
    File(String),
    /// `knowledge .. from "glob"`.
    Glob(String),
}

/// All of them, in order.
pub(crate) fn references(text: &str) -> Vec<Reference> {
    let mut out = Vec::new();
    for decl in split(text).into_iter().filter_map(|range| text.get(range)) {
        // Other declarations name nothing on disk; a misspelled keyword may mean one of these.
        let word = keyword(decl);
        if is_keyword(word) && !matches!(word, "use" | "hook" | "knowledge") {
            continue;
        }
        match &parse_decl(decl).decl.kind {
            DeclKind::Use(d) => out.extend(d.path.plain().map(Reference::Use)),
            DeclKind::Hook(d) => out.extend(
                d.from
                    .as_ref()
                    .and_then(flow_grammar::ast::TextLit::plain)
                    .map(Reference::File),
            ),
            DeclKind::Knowledge(d) => out.extend(
                d.from
                    .iter()
                    .filter_map(flow_grammar::ast::TextLit::plain)
                    .map(Reference::Glob),
            ),
            _ => {}
        }
    }
    out
}
