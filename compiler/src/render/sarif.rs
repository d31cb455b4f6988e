//! Findings as SARIF 2.1.0.

use super::json::{Region, region, severity};
use crate::checks::explain::{CODES, explain};
use crate::sources::Sources;
use flow_grammar::Diagnostic;
use serde_json::{Value, json};
use smol_str::SmolStr;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Findings as a SARIF log with one run: rules, regions, related places and fixes.
#[must_use]
pub fn sarif(sources: &Sources, found: &[Diagnostic]) -> String {
    let rules: Vec<Value> = CODES
        .iter()
        .map(|c| {
            let mut rule = json!({
                "id": c.code,
                "shortDescription": { "text": c.title },
                "defaultConfiguration": { "level": severity(c.severity) },
            });
            // The page goes with what is found, not with all that could be.
            if found.iter().any(|d| d.code == c.code)
                && let (Some(map), Some(page)) = (rule.as_object_mut(), explain(c.code))
            {
                let text = format!("`flowc explain {}` says more.", c.code);
                map.insert("help".into(), json!({ "text": text, "markdown": page }));
            }
            rule
        })
        .collect();
    let results: Vec<Value> = found.iter().map(|d| result(sources, d)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "flowc", "version": env!("CARGO_PKG_VERSION"), "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "PROJECT": { "description": { "text": "the root of the project" } } },
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default()
}

fn result(sources: &Sources, d: &Diagnostic) -> Value {
    let mut text = d.message.clone();
    if let Some(help) = &d.help {
        text.push('\n');
        text.push_str(help);
    }
    let mut out = json!({
        "ruleId": d.code,
        "level": severity(d.severity),
        "message": { "text": text },
    });
    let Some(map) = out.as_object_mut() else {
        return out;
    };
    if let Some(at) = CODES.iter().position(|c| c.code == d.code) {
        map.insert("ruleIndex".into(), json!(at));
    }
    let places: Vec<(Region, &str)> = d
        .labels
        .iter()
        .map(|l| (region(sources, l.at), l.text.as_str()))
        .filter(|(r, _)| !r.file.is_empty())
        .collect();
    let locations: Vec<Value> = places
        .iter()
        .take(1)
        .map(|(r, t)| location(r, t, None))
        .collect();
    map.insert("locations".into(), Value::Array(locations));
    if places.len() > 1 {
        let related: Vec<Value> = places
            .iter()
            .enumerate()
            .skip(1)
            .map(|(i, (r, t))| location(r, t, Some(i)))
            .collect();
        map.insert("relatedLocations".into(), Value::Array(related));
    }
    if !d.fixes.is_empty() {
        let fixes: Vec<Value> = d
            .fixes
            .iter()
            .map(|f| {
                // One change per file, with all that is replaced in it.
                let mut files: Vec<(SmolStr, Vec<Value>)> = Vec::new();
                for edit in &f.edits {
                    let at = region(sources, edit.at);
                    let replacement = json!({ "deletedRegion": span(&at), "insertedContent": { "text": edit.text } });
                    match files.iter_mut().find(|(file, _)| *file == at.file) {
                        Some((_, replacements)) => replacements.push(replacement),
                        None => files.push((at.file, vec![replacement])),
                    }
                }
                let changes: Vec<Value> = files
                    .into_iter()
                    .map(|(file, replacements)| json!({
                        "artifactLocation": { "uri": uri(&file), "uriBaseId": "PROJECT" },
                        "replacements": replacements,
                    }))
                    .collect();
                json!({ "description": { "text": f.title }, "artifactChanges": changes })
            })
            .collect();
        map.insert("fixes".into(), Value::Array(fixes));
    }
    out
}

fn span(at: &Region) -> Value {
    json!({ "startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column })
}

fn location(at: &Region, text: &str, id: Option<usize>) -> Value {
    let mut out = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&at.file), "uriBaseId": "PROJECT" },
            "region": span(at),
        },
    });
    if let Some(map) = out.as_object_mut() {
        if let Some(id) = id {
            map.insert("id".into(), json!(id));
        }
        if !text.is_empty() {
            map.insert("message".into(), json!({ "text": text }));
        }
    }
    out
}

/// A path as a relative URI.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for b in path.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}
