//! Findings as JSON.

use crate::sources::Sources;
use flow_grammar::{Diagnostic, Loc, Severity};
use serde::Serialize;
use smol_str::SmolStr;

/// A place: lines and columns from 1, columns in characters; the end is one past the last character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Region {
    /// Path relative to the project root; empty where a finding has no place.
    pub file: SmolStr,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// One past the last column.
    pub end_column: u32,
    /// First byte in the file.
    pub offset: u32,
    /// Bytes.
    pub length: u32,
}

/// A remark on a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingLabel {
    /// Where.
    #[serde(flatten)]
    pub at: Region,
    /// What; may be empty.
    pub text: String,
}

/// Replace a place by a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingEdit {
    /// Where.
    #[serde(flatten)]
    pub at: Region,
    /// The new text.
    pub text: String,
}

/// A repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingFix {
    /// What it does.
    pub title: String,
    /// Whether it surely keeps the author's meaning.
    pub safe: bool,
    /// All edits.
    pub edits: Vec<FindingEdit>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `F0701` and so on.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The sentence.
    pub message: String,
    /// The primary place.
    #[serde(flatten)]
    pub at: Region,
    /// All places, the primary one first.
    pub labels: Vec<FindingLabel>,
    /// What to do about it.
    pub help: Option<String>,
    /// Repairs, best first.
    pub fixes: Vec<FindingFix>,
}

/// All findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order of the sources.
    pub findings: Vec<Finding>,
    /// How many are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
}

/// `error` or `warning`.
pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A place in lines and columns.
pub(super) fn region(sources: &Sources, loc: Loc) -> Region {
    let Some((file, range)) = sources.resolve(loc) else {
        return Region::default();
    };
    let (start, end) = (file.position(range.start), file.position(range.end));
    Region {
        file: file.path.clone(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        offset: u32::try_from(range.start).unwrap_or(u32::MAX),
        length: u32::try_from(range.len()).unwrap_or(u32::MAX),
    }
}

/// Findings as data.
#[must_use]
pub fn report(sources: &Sources, found: &[Diagnostic]) -> Report {
    let findings = found
        .iter()
        .map(|d| Finding {
            code: d.code,
            severity: severity(d.severity),
            message: d.message.clone(),
            at: d
                .labels
                .first()
                .map(|l| region(sources, l.at))
                .unwrap_or_default(),
            labels: d
                .labels
                .iter()
                .map(|l| FindingLabel {
                    at: region(sources, l.at),
                    text: l.text.clone(),
                })
                .collect(),
            help: d.help.clone(),
            fixes: d
                .fixes
                .iter()
                .map(|f| FindingFix {
                    title: f.title.clone(),
                    safe: f.safe,
                    edits: f
                        .edits
                        .iter()
                        .map(|e| FindingEdit {
                            at: region(sources, e.at),
                            text: e.text.clone(),
                        })
                        .collect(),
                })
                .collect(),
        })
        .collect();
    let errors = found
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    Report {
        findings,
        errors,
        warnings: found.len() - errors,
    }
}

/// Findings as a JSON text.
#[must_use]
pub fn json(sources: &Sources, found: &[Diagnostic]) -> String {
    serde_json::to_string_pretty(&report(sources, found)).unwrap_or_default()
}
