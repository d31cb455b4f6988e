//! F1002: a secret in a text or slot; a literal that looks like a key.
//!
//! A secret stands only in a header, a signature or a URL of a webhook: everywhere else it could be printed, stored or sent to a
//! model. A key that is written out is in every copy of the sources.

use super::support::analysis::Analysis;
use super::support::walk::{each_expr, each_interpolation, exprs_outside_ops, texts_outside_ops};
use crate::machine::{Expr, ExprKind, Machine, TextPart};
use crate::value::{TextId, Value};
use flow_grammar::{Diagnostic, Loc, Severity};
use regex::Regex;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

pub(super) const CHECK: super::Check = super::Check {
    code: "F1002",
    severity: Severity::Error,
    title: "a secret in a text or slot, or a key written out",
    run,
};

/// Forms of well-known keys.
static KEYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bsk[-_](live|test|proj|ant)[-_][A-Za-z0-9_-]{16,}|\bsk-[A-Za-z0-9]{32,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{40,}|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}|\bwhsec_[A-Za-z0-9+/]{20,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.|-----BEGIN [A-Z ]*PRIVATE KEY-----",
    )
    .ok()
});

/// A credential in the query of an address.
static QUERY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)[?&](?:api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|token|secret)=([A-Za-z0-9_.-]{16,})",
    )
    .ok()
});

/// Whether a token is no word: long, of letters and digits.
fn is_token(token: &str) -> bool {
    token.len() >= 16
        && token.bytes().any(|b| b.is_ascii_digit())
        && token.bytes().any(|b| b.is_ascii_alphabetic())
}

fn credential_in_query(text: &str) -> bool {
    QUERY.as_ref().is_some_and(|query| {
        query
            .captures_iter(text)
            .any(|c| c.get(1).is_some_and(|token| is_token(token.as_str())))
    })
}

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut told: FxHashSet<Loc> = FxHashSet::default();
    let read = Read::of(cx);
    for (at, name) in read.secrets {
        if told.insert(at) {
            found.push(
                Diagnostic::error(
                    "F1002",
                    format!("the secret `{name}` stands where it could be seen"),
                    at,
                )
                .labelled("texts and slots are sent, shown and stored")
                .help("a secret stands only in a header, a signature or a URL of a webhook"),
            );
        }
    }
    let Some(keys) = &*KEYS else { return };
    let mut told: FxHashSet<Loc> = FxHashSet::default();
    let mut key = |at: Loc, text: &str| {
        if may_hold_a_key(text)
            && (keys.is_match(text) || (text.contains('=') && credential_in_query(text)))
            && told.insert(at)
        {
            found.push(
                Diagnostic::warning("F1002", "this looks like a key", at)
                    .labelled("written out, it is in every copy of the sources")
                    .help("put it into the environment of the daemon and write `{secret.NAME}` in a header or URL"),
            );
        }
    };
    for text in &machine.texts {
        for variant in &text.variants {
            for part in &variant.parts {
                if let TextPart::Str(words) = part {
                    key(variant.loc, words);
                }
            }
        }
    }
    for (at, words) in read.literals {
        key(at, words);
    }
    for webhook in &machine.webhooks {
        for (name, value) in &webhook.headers {
            if let Some(at) = credential_in_header(machine, *name, *value)
                && told.insert(at)
            {
                found.push(
                    Diagnostic::warning("F1002", "this looks like a key", at)
                        .labelled("written out, it is in every copy of the sources")
                        .help(
                            "put it into the environment of the daemon and write `{secret.NAME}`",
                        ),
                );
            }
        }
    }
}

/// Headers that carry credentials, in lower case.
const CREDENTIALS: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-secret",
];

/// A credential that is written out whole in a header: long, and no word.
fn credential_in_header(machine: &Machine, name: TextId, value: TextId) -> Option<Loc> {
    let plain = |id: TextId| -> Option<(&str, Loc)> {
        let variant = machine.text(id)?.variants.first()?;
        match variant.parts.as_slice() {
            [TextPart::Str(words)] => Some((words.as_str(), variant.loc)),
            _ => None,
        }
    };
    let (name, _) = plain(name)?;
    let (value, at) = plain(value)?;
    let token = value.rsplit(' ').next().unwrap_or(value);
    (CREDENTIALS.contains(&name.to_lowercase().as_str()) && is_token(token)).then_some(at)
}

/// Every form of a key is a word of at least 15 letters, or begins with dashes: most texts need no closer look.
fn may_hold_a_key(text: &str) -> bool {
    let mut end = 15;
    while let Some(word) = text.as_bytes().get(end - 15..end) {
        match word.iter().rposition(|b| *b == b' ') {
            Some(space) => end += space + 1,
            None => return true,
        }
    }
    text.contains('-') && text.contains("-----BEGIN")
}

/// What the flow reads and writes out, collected in one pass.
#[derive(Default)]
struct Read<'m> {
    /// Secrets, wherever they stand.
    secrets: Vec<(Loc, &'m str)>,
    /// Texts among values.
    literals: Vec<(Loc, &'m str)>,
}

impl<'m> Read<'m> {
    fn of(cx: &Analysis<'m>) -> Self {
        let machine = cx.machine;
        let mut out = Self::default();
        let filled = cx.reads().filled().iter();
        let mut texts: Vec<TextId> = filled.map(|(_, text)| *text).collect();
        let mut value = |expr: &'m Expr| {
            each_expr(machine, expr, &mut |e| match &e.kind {
                ExprKind::Secret(name) => out.secrets.push((e.loc, name)),
                ExprKind::Const(Value::Text(words)) => out.literals.push((e.loc, words)),
                _ => {}
            });
        };
        cx.reads().values().iter().for_each(|(_, e)| value(e));
        exprs_outside_ops(machine, &mut value);
        texts_outside_ops(machine, &mut |t, _| texts.push(t));
        for text in texts {
            each_interpolation(machine, text, &mut |e| {
                each_expr(machine, e, &mut |e| {
                    if let ExprKind::Secret(name) = &e.kind {
                        out.secrets.push((e.loc, name));
                    }
                });
            });
        }
        out
    }
}
