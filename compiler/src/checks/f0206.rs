//! F0206: two buttons of one choice or offer that a customer reads alike, though they are written under different names.
//!
//! What is written twice in a choice with the same words or the same name is found while the choice is read. Capitals make no
//! difference: what a customer types is compared without them.

use super::support::analysis::Analysis;
use crate::machine::{Button, Offer, OpKind, Text, TextPart, TextVariant};
use crate::value::TextId;
use flow_grammar::{Diagnostic, Loc, Severity};
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
        match &op.kind {
            OpKind::Choose { buttons, .. } => alike(cx, &of_buttons(buttons), true, found),
            OpKind::Offer { offer, .. } => alike(cx, &of_offer(offer), false, found),
            _ => {}
        }
    }
    alike(cx, &of_buttons(&machine.bot.menu), true, found);
    for offer in machine.handoffs.iter().flat_map(|h| &h.offers) {
        alike(cx, &of_offer(offer), false, found);
    }
}

/// A label and where it stands.
type Label = (TextId, Loc);

fn of_buttons(buttons: &[Button]) -> Vec<Label> {
    buttons.iter().map(|b| (b.label, b.loc)).collect()
}

fn of_offer(offer: &Offer) -> Vec<Label> {
    let items = offer.items.iter();
    items.filter_map(|i| Some((i.label?, i.loc))).collect()
}

/// `read`: whether the labels were compared as they are written.
fn alike(cx: &Analysis<'_>, labels: &[Label], read: bool, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let texts: Vec<(&Label, &Text)> = labels
        .iter()
        .filter_map(|label| Some((label, machine.text(label.0)?)))
        .collect();
    for (i, (label, text)) in texts.iter().enumerate() {
        let earlier = texts.iter().take(i).find_map(|(other, first)| {
            // The same name, or the same words in place, have been reported.
            let told =
                read && (other.0 == label.0 || (first.name.is_none() && text.name.is_none()));
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
                    cx.line(label.1),
                )
                .labelled("the second")
                .label(cx.line(other.1), "the first")
                .help("customers cannot tell them apart; word one of them differently"),
            );
        }
    }
}

/// The first language in which two texts show the same words, and these words.
fn same_in(cx: &Analysis<'_>, a: &Text, b: &Text) -> Option<(SmolStr, SmolStr)> {
    cx.machine.bot.languages.iter().find_map(|language| {
        let words = plain(variant(a, language)?)?;
        let others = plain(variant(b, language)?)?;
        let same = words == others || folded(words).eq(folded(others));
        same.then(|| (language.clone(), words.into()))
    })
}

fn folded(words: &str) -> impl Iterator<Item = char> {
    words.chars().flat_map(char::to_lowercase)
}

/// The variant for a language on channels without one of their own.
fn variant<'t>(text: &'t Text, language: &SmolStr) -> Option<&'t TextVariant> {
    text.variants
        .iter()
        .find(|v| v.channel.is_none() && v.language.as_ref().is_none_or(|own| own == language))
}

/// Its words, if nothing is filled in.
fn plain(variant: &TextVariant) -> Option<&str> {
    match variant.parts.as_slice() {
        [TextPart::Str(words)] => Some(words.trim()),
        _ => None,
    }
}
