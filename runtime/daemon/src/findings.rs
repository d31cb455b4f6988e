//! What the compiler found, for people far from the source.

use flow_compiler::Compilation;
use flow_grammar::Severity;
use schemars::JsonSchema;
use serde::Serialize;

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// `F0201`.
    pub code: &'static str,
    /// `error` or `warning`.
    #[schemars(extend("enum" = ["error", "warning"]))]
    pub severity: &'static str,
    /// The sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The file.
    pub file: Option<String>,
    /// Line from 1.
    pub line: Option<u32>,
    /// Column from 1, in characters.
    pub column: Option<u32>,
}

/// The findings of a compilation, and the same as text.
#[must_use]
pub(crate) fn of(compilation: &Compilation) -> (Vec<Finding>, String) {
    let findings: Vec<Finding> = compilation
        .diagnostics
        .iter()
        .map(|d| {
            let place = d
                .labels
                .first()
                .and_then(|label| compilation.sources.position(label.at));
            Finding {
                code: d.code,
                severity: match d.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                },
                message: d.message.clone(),
                help: d.help.clone(),
                file: place.as_ref().map(|p| p.file.to_string()),
                line: place.as_ref().map(|p| p.line),
                column: place.as_ref().map(|p| p.column),
            }
        })
        .collect();
    let rendered =
        flow_compiler::render::text(&compilation.sources, &compilation.diagnostics, false);
    (findings, rendered)
}
