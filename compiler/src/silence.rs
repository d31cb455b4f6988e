//! One fault, one finding: what is not said because it only follows from something else that is.

use crate::env::Env;
use crate::sources::Sources;
use flow_grammar::Diagnostic;
use flow_grammar::ast::DeclKind;
use rustc_hash::FxHashSet;

/// Silences the findings that are consequences of others.
pub(crate) fn consequences(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    of_refusal(diagnostics, sources, env);
    of_syntax(diagnostics, sources, env);
    of_rules(diagnostics);
    of_shares(diagnostics, sources);
}

/// What could not be read, or was refused, may lead to a node all the same.
fn of_refusal(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    diagnostics.retain(|d| {
        let node = d.labels.first().map(|l| sources.snippet(l.at));
        d.code != "F0401" || node.is_none_or(|name| !env.mentioned.contains(name))
    });
}

/// Silences what only follows from a syntax error: what could not be read has no type, leads nowhere and fills nothing.
fn of_syntax(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    if env.incomplete {
        // What leads to a node, a person or a field may stand in the file that could not be read.
        diagnostics.retain(|d| !matches!(d.code, "F0401" | "F0404" | "F0705" | "F0801"));
    }
    let place = |d: &Diagnostic| {
        let at = d.labels.first()?.at;
        let (file, range) = sources.resolve(at)?;
        Some((
            at.decl,
            file.line_starts
                .partition_point(|s| *s as usize <= range.start),
        ))
    };
    let broken: FxHashSet<(u32, usize)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0101")
        .filter_map(place)
        .collect();
    if broken.is_empty() {
        return;
    }
    let decls: FxHashSet<u32> = broken.iter().map(|(decl, _)| *decl).collect();
    // `confirm E?`: what stands before the place of a syntax error is no name, but the beginning of what could not be read.
    let faults: FxHashSet<(u32, u32)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0101" && d.message.starts_with("unexpected"))
        .filter_map(|d| d.labels.first())
        .map(|l| (l.at.decl, l.at.span.start))
        .collect();
    let begins_a_fault = |d: &Diagnostic| {
        let at = d.labels.first().map(|l| l.at);
        // Where a text belongs, its words stand apart; so does what follows a misspelt `escalate` or the name that was left out.
        let apart = u32::from(
            ["unknown text", "unknown node", "unknown team"]
                .iter()
                .any(|what| d.message.starts_with(what)),
        );
        d.code == "F0201"
            && at.is_some_and(|at| {
                (0..=apart).any(|gap| faults.contains(&(at.decl, at.span.end + gap)))
            })
    };
    diagnostics.retain(|d| !begins_a_fault(d));
    diagnostics.retain(|d| {
        let Some((decl, line)) = place(d) else {
            return true;
        };
        match d.code {
            "F0301" | "F0302" | "F1201" => !broken.contains(&(decl, line)),
            "F0303" | "F0402" | "F0405" | "F0408" | "F0501" => !decls.contains(&decl),
            _ => true,
        }
    });
}

/// Silences that a rule ties, is beaten or never fires where something in it has no meaning: it is not what its author means.
fn of_rules(diagnostics: &mut Vec<Diagnostic>) {
    let about_rules = |d: &Diagnostic| matches!(d.code, "F0601" | "F0602" | "F0605");
    if !diagnostics.iter().any(about_rules) {
        return;
    }
    let meaningless: FxHashSet<u32> = diagnostics
        .iter()
        .filter(|d| matches!(d.code, "F0101" | "F0201" | "F0202" | "F0301" | "F0302"))
        .filter_map(|d| d.labels.first())
        .map(|label| label.at.decl)
        .collect();
    diagnostics
        .retain(|d| !about_rules(d) || d.labels.iter().all(|l| !meaningless.contains(&l.at.decl)));
}

/// Silences that a webhook or a tier is not allowed something where its `shares` names something unknown: that may be meant.
fn of_shares(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    if !diagnostics.iter().any(|d| d.code == "F1001") {
        return;
    }
    let shares = |decl: u32| match &crate::load::decl(sources, decl)?.kind {
        DeclKind::Tier(tier) => Some(tier.shares.as_slice()),
        DeclKind::Webhook(webhook) => Some(webhook.shares.as_slice()),
        _ => None,
    };
    let unsure: FxHashSet<u32> = diagnostics
        .iter()
        .filter(|d| d.code == "F0201")
        .filter_map(|d| d.labels.first())
        .filter(|l| {
            let named = shares(l.at.decl).unwrap_or_default();
            let within = |p: &flow_grammar::ast::Path| {
                p.span.start <= l.at.span.start && l.at.span.end <= p.span.end
            };
            named.iter().any(within)
        })
        .map(|l| l.at.decl)
        .collect();
    diagnostics
        .retain(|d| d.code != "F1001" || d.labels.iter().all(|l| !unsure.contains(&l.at.decl)));
}
