//! F1003: `retry` on an unsafe method that is not `idempotent`; a model's tool that changes something without `confirm`.
//!
//! A `post` that is sent twice may be done twice. What a model does on the customer's behalf, the customer says yes to first.

use super::support::analysis::Analysis;
use super::support::syntax;
use flow_grammar::ast::{DeclKind, Method};
use flow_grammar::{Diagnostic, Loc, Severity, Span};

pub(super) const CHECK: super::Check = super::Check {
    code: "F1003",
    severity: Severity::Error,
    title: "something might be done twice, or without consent",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    for webhook in &machine.webhooks {
        // `put` and `delete` are idempotent by themselves.
        if webhook.retry == 0
            || webhook.idempotent
            || !matches!(webhook.method, Method::Post | Method::Patch)
        {
            continue;
        }
        let Some(DeclKind::Webhook(decl)) =
            syntax::decl(cx.sources, webhook.loc.decl).map(|d| &d.kind)
        else {
            continue;
        };
        let at = decl.retry.as_ref().map_or(webhook.name_loc, |r| {
            with_word(cx, Loc::new(webhook.loc.decl, r.span))
        });
        let method = if webhook.method == Method::Post {
            "post"
        } else {
            "patch"
        };
        let mut finding = Diagnostic::error(
            "F1003",
            format!("webhook `{}` may be done twice", webhook.name),
            at,
        )
        .labelled(format!("a `{method}` that did not answer may have worked"));
        if let Some((_, url)) = &decl.request {
            finding = finding.label(Loc::new(webhook.loc.decl, url.span), "changes something");
        }
        finding = finding.help(
            "add `idempotent` if the other side knows a repetition by its key, or remove `retry`",
        );
        if let Some(edit) = syntax::add_to_block(
            cx.sources,
            Loc::new(webhook.loc.decl, decl.span),
            "idempotent",
        ) {
            finding = finding.fix("send a key: `idempotent`", false, vec![edit]);
        }
        found.push(finding);
    }
    for tier in &machine.tiers {
        for tool in &tier.tools {
            let Some(webhook) = machine.webhook(tool.webhook) else {
                continue;
            };
            if tool.confirm || webhook.method == Method::Get {
                continue;
            }
            found.push(
                Diagnostic::error(
                    "F1003",
                    format!(
                        "tier `{}` may call `{}` without the customer's consent",
                        tier.name, webhook.name
                    ),
                    tool.loc,
                )
                .labelled("changes something")
                .label(webhook.name_loc, "not a `get`")
                .help(format!(
                    "write `{} confirm`: the customer is asked first",
                    webhook.name
                ))
                .fix(
                    "ask the customer first: `confirm`",
                    false,
                    vec![syntax::add_after(tool.loc, " confirm")],
                ),
            );
        }
    }
}

/// A number with its word before it: `retry 3`.
fn with_word(cx: &Analysis<'_>, number: Loc) -> Loc {
    let before = cx
        .sources
        .snippet(Loc::new(number.decl, Span::new(0, number.span.start)));
    let start = before
        .trim_end()
        .strip_suffix("retry")
        .map_or(number.span.start, |rest| {
            u32::try_from(rest.len()).unwrap_or(number.span.start)
        });
    Loc::new(number.decl, Span::new(start, number.span.end))
}
