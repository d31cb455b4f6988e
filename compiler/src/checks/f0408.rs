//! F0408: a `call` without `failed`. Every system is down some day; the customer must not find out by silence.

use super::support::analysis::Analysis;
use super::support::syntax;
use flow_grammar::ast::{DeclKind, StepKind};
use flow_grammar::{Diagnostic, Loc, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0408",
    severity: Severity::Error,
    title: "a `call` without `failed`",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    for (index, decl) in syntax::decls(cx.sources) {
        let in_handler = matches!(decl.kind, DeclKind::On(_));
        let mut calls: Vec<_> = syntax::steps(decl)
            .into_iter()
            .filter(|s| matches!(s.kind, StepKind::Call { .. }))
            .collect();
        calls.sort_by_key(|s| s.span);
        for step in calls {
            let StepKind::Call { webhook, arms, .. } = &step.kind else {
                continue;
            };
            // Where any other arm stands it was reported; it is what was meant.
            if !arms.is_empty() {
                continue;
            }
            let name = webhook
                .segments
                .iter()
                .map(|s| s.as_str())
                .collect::<Vec<_>>()
                .join(".");
            let loc = Loc::new(index, step.span);
            let arm = if in_handler {
                "failed -> back"
            } else {
                "failed -> escalate"
            };
            // A block that says nothing of it takes the arm; else there is none.
            let edit = match cx.sources.snippet(loc).ends_with('}') {
                true => syntax::add_to_block(cx.sources, loc, arm),
                false => Some(syntax::add_after(loc, format!(" {{ {arm} }}"))),
            };
            let mut finding = Diagnostic::error(
                "F0408",
                format!("`call {name}` does not say what happens when it fails"),
                cx.line(loc),
            )
            .labelled("no `failed`")
            .help(format!("add `{{ {arm} }}`"));
            if let Some(edit) = edit {
                finding = finding.fix(format!("add `{arm}`"), false, vec![edit]);
            }
            found.push(finding);
        }
    }
}
