//! F0206: two buttons of one choice that a customer reads alike, though they are written under different names.
//!
//! What is written twice with the same words or the same name is found while the choice is read.

use super::support::analysis::Analysis;
use crate::machine::{Button, OpKind, Text, TextPart, TextVariant};
use flow_grammar::{Diagnostic, Severity};
use smol_str::SmolStr;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0206",
    severity: Severity::Warning,
    title: "equal labels in one choice",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    for op in &machine.ops {
        if let OpKind::Choose { buttons, .. } = &op.kind {
            alike(cx, buttons, found);
        }
    }
    alike(cx, &machine.bot.menu, found);
}

fn alike(cx: &Analysis<'_>, buttons: &[Button], found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let texts: Vec<(&Button, &Text)> = buttons
        .iter()
        .filter_map(|b| Some((b, machine.text(b.label)?)))
        .collect();
    for (i, (button, text)) in texts.iter().enumerate() {
        let earlier = texts.iter().take(i).find_map(|(other, first)| {
            // The same name, or the same words in place, have been reported.
            let told = other.label == button.label || (first.name.is_none() && text.name.is_none());
            let language = (!told).then(|| same_in(cx, first, text)).flatten()?;
            Some((other, language))
        });
        if let Some((other, (language, words))) = earlier {
            let places = if machine.bot.languages.len() > 1 {
                format!(" in {language}")
            } else {
                String::new()
            };
            found.push(
                Diagnostic::warning(
                    "F0206",
                    format!("two labels of one choice both read `{words}`{places}"),
                    cx.line(button.loc),
                )
                .labelled("the second")
                .label(cx.line(other.loc), "the first")
                .help("customers cannot tell them apart; word one of them differently"),
            );
        }
    }
}

/// The first language in which two texts show the same words, and these words.
fn same_in(cx: &Analysis<'_>, a: &Text, b: &Text) -> Option<(SmolStr, SmolStr)> {
    cx.machine.bot.languages.iter().find_map(|language| {
        let words = plain(variant(a, language)?)?;
        (words == plain(variant(b, language)?)?).then(|| (language.clone(), words))
    })
}

/// The variant for a language on channels without one of their own.
fn variant<'t>(text: &'t Text, language: &SmolStr) -> Option<&'t TextVariant> {
    text.variants
        .iter()
        .find(|v| v.channel.is_none() && v.language.as_ref().is_none_or(|own| own == language))
}

/// Its words, if nothing is filled in.
fn plain(variant: &TextVariant) -> Option<SmolStr> {
    match variant.parts.as_slice() {
        [TextPart::Str(words)] => Some(words.trim().into()),
        _ => None,
    }
}
