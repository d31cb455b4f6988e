//! Findings as editors show them.

use crate::bots::Bot;
use crate::pages;
use crate::position::{Encoding, to_range};
use crate::uri;
use flow_grammar::Severity;
use gen_lsp_types::{
    Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The findings of a bot by file; every file of the bot is in it, also those without.
pub(crate) fn by_file(bot: &Bot, encoding: Encoding) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
    let sources = &bot.compilation.sources;
    let mut out: BTreeMap<PathBuf, Vec<Diagnostic>> = sources
        .files
        .iter()
        .map(|f| (bot.root.join(f.path.as_str()), Vec::new()))
        .collect();
    for finding in &bot.compilation.diagnostics {
        let Some(primary) = finding.labels.first() else {
            continue;
        };
        let Some((file, range)) = sources.resolve(primary.at) else {
            continue;
        };
        let related: Vec<DiagnosticRelatedInformation> = finding
            .labels
            .iter()
            .skip(1)
            .filter_map(|label| {
                let (file, range) = sources.resolve(label.at)?;
                let location = Location::new(
                    uri::from_path(&bot.root.join(file.path.as_str())),
                    to_range(file, &range, encoding),
                );
                Some(DiagnosticRelatedInformation {
                    location,
                    message: label.text.clone(),
                })
            })
            .collect();
        let mut message = finding.message.clone();
        if !primary.text.is_empty() {
            message.push_str(&format!("\n{}", primary.text));
        }
        if let Some(help) = &finding.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        let diagnostic = Diagnostic {
            range: to_range(file, &range, encoding),
            severity: Some(match finding.severity {
                Severity::Error => DiagnosticSeverity::Error,
                Severity::Warning => DiagnosticSeverity::Warning,
            }),
            code: Some(Code::String(finding.code.to_owned())),
            code_description: pages::page(finding.code).map(CodeDescription::new),
            source: Some("flow".to_owned()),
            message: message.into(),
            related_information: (!related.is_empty()).then_some(related),
            ..Diagnostic::default()
        };
        out.entry(bot.root.join(file.path.as_str()))
            .or_default()
            .push(diagnostic);
    }
    out
}
