//! F0901: a text without a declared language, or whose interpolations differ between languages; a bare text in a bot of several.
//!
//! Only texts that customers read in the conversation: notes, reasons and the agents' panel may be in any language.

mod extract;

use super::support::analysis::Analysis;
use super::support::walk::each_expr;
use crate::machine::{Expr, ExprKind, Text, TextPart};
use crate::value::TextId;
use flow_grammar::ast::BinaryOp;
use flow_grammar::{Diagnostic, Severity};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0901",
    severity: Severity::Error,
    title: "a text that lacks a language, or says other things in it",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    if machine.bot.languages.is_empty() {
        return;
    }
    let mut bare: BTreeMap<flow_grammar::Loc, TextId> = BTreeMap::new();
    for id in cx.reads().read_by_customers() {
        let Some(text) = machine.text(id) else {
            continue;
        };
        if text.name.is_some() {
            found.extend(named(cx, text));
        } else if machine.bot.languages.len() > 1
            && text.variants.iter().any(|v| v.parts.iter().any(has_words))
            && !text.loc.span.eq(&flow_grammar::Span::default())
        {
            bare.insert(text.loc, id);
        }
    }
    let languages = machine.bot.languages.join(", ");
    if bare.is_empty() {
        return;
    }
    let mut names = extract::Names::new(cx);
    for (loc, id) in bare {
        let finding = Diagnostic::warning(
            "F0901",
            "this text has one language, the bot has several",
            loc,
        )
        .labelled(format!(
            "every customer reads it so, whether in {}",
            languages.replace(", ", " or ")
        ))
        .help(format!(
            "give it a name: `text NAME {{ {} }}`",
            machine
                .bot
                .languages
                .iter()
                .map(|l| format!("{l} \"..\""))
                .collect::<Vec<_>>()
                .join("; ")
        ));
        found.push(match machine.text(id) {
            Some(text) => extract::bare(cx, &mut names, text, finding),
            None => finding,
        });
    }
}

fn has_words(part: &TextPart) -> bool {
    matches!(part, TextPart::Str(s) if s.chars().any(char::is_alphabetic))
}

fn named(cx: &Analysis<'_>, text: &Text) -> Option<Diagnostic> {
    let bot = &cx.machine.bot;
    let name = text.name.as_deref().unwrap_or_default();
    let missing: Vec<&str> = bot
        .languages
        .iter()
        .filter(|l| {
            let of = || {
                text.variants
                    .iter()
                    .filter(|v| v.language.as_ref() == Some(l) || v.language.is_none())
            };
            // A language is there if it has a text for every channel.
            !(of().any(|v| v.channel.is_none())
                || (!bot.channels.is_empty()
                    && bot
                        .channels
                        .iter()
                        .all(|c| of().any(|v| v.channel.as_ref() == Some(c)))))
        })
        .map(|l| l.as_str())
        .collect();
    if let Some(first) = missing.first() {
        let list = missing
            .iter()
            .map(|l| format!("`{l}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let finding =
            Diagnostic::error("F0901", format!("the text `{name}` lacks {list}"), text.loc)
                .labelled(format!("the bot speaks {}", bot.languages.join(", ")))
                .help(format!("add `{first} \"..\"`"));
        return Some(extract::missing(cx, text, &missing, finding));
    }
    // By channel, what each language reads.
    let mut by_channel: BTreeMap<
        Option<&str>,
        Vec<(BTreeSet<String>, &crate::machine::TextVariant)>,
    > = BTreeMap::new();
    for variant in &text.variants {
        let reads: BTreeSet<String> = variant
            .parts
            .iter()
            .filter_map(|p| {
                if let TextPart::Expr(e) = p {
                    Some(essence(cx, e))
                } else {
                    None
                }
            })
            .collect();
        by_channel
            .entry(variant.channel.as_deref())
            .or_default()
            .push((reads, variant));
    }
    // What is read by a name that there is not was reported there.
    let mut parts = text.variants.iter().flat_map(|v| &v.parts);
    if parts.any(|p| matches!(p, TextPart::Expr(e) if has_error(cx, e))) {
        return None;
    }
    for variants in by_channel.values() {
        let Some(((first, of), rest)) = variants.split_first() else {
            continue;
        };
        let Some((other, differs)) = rest.iter().find(|(reads, _)| reads != first) else {
            continue;
        };
        let lang =
            |v: &crate::machine::TextVariant| v.language.as_deref().unwrap_or("any").to_owned();
        let only: Vec<String> = first
            .symmetric_difference(other)
            .map(|r| format!("`{{{r}}}`"))
            .collect();
        return Some(
            Diagnostic::error(
                "F0901",
                format!("the text `{name}` does not say the same in every language"),
                text.loc,
            )
            .labelled(format!("{} stands in one language only", only.join(", ")))
            .label(of.loc, lang(of))
            .label(differs.loc, lang(differs))
            .help("use the same interpolations in every language"),
        );
    }
    None
}

/// What an interpolation reads, without the words that stand for it when it is unknown: those differ between languages.
fn essence(cx: &Analysis<'_>, expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Coalesce, left, _) => essence(cx, left),
        // `slots.n` and `n` are the same, unless a signal hides the slot.
        ExprKind::Slot(id) => cx.machine.slot(*id).map_or_else(String::new, |slot| {
            if crate::signals::is_signal(&slot.name) {
                format!("slots.{}", slot.name)
            } else {
                slot.name.to_string()
            }
        }),
        _ => cx.words(expr.loc).trim().to_owned(),
    }
}
fn has_error(cx: &Analysis<'_>, expr: &Expr) -> bool {
    let mut found = false;
    each_expr(cx.machine, expr, &mut |e| {
        found |= matches!(e.kind, ExprKind::Error);
    });
    found
}
