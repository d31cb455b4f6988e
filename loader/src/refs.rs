//! What a flow file names on disk.

use flow_grammar::ast::DeclKind;
use flow_grammar::parse_uncached;

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
    for placed in &parse_uncached(text).decls {
        match &placed.tree.decl.kind {
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
