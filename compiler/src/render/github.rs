//! Findings as annotations of GitHub Actions.

use super::json::{region, severity};
use crate::sources::Sources;
use flow_grammar::Diagnostic;

/// One `::error file=..::` or `::warning ..::` line per finding.
#[must_use]
pub fn github(sources: &Sources, found: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in found {
        let at = d
            .labels
            .first()
            .map(|l| region(sources, l.at))
            .unwrap_or_default();
        let mut message = d.message.clone();
        if let Some(help) = &d.help {
            message.push('\n');
            message.push_str(help);
        }
        let mut place = String::new();
        if !at.file.is_empty() {
            place = format!(
                "file={},line={},endLine={},col={},",
                property(&at.file),
                at.line,
                at.end_line,
                at.column
            );
            if at.line == at.end_line {
                place.push_str(&format!("endColumn={},", at.end_column));
            }
        }
        out.push_str(&format!(
            "::{} {place}title={}::{}\n",
            severity(d.severity),
            d.code,
            data(&message)
        ));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
