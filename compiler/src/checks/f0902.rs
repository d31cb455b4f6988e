//! F0902: texts, labels or buttons beyond what a declared channel takes.
//!
//! Of an interpolation only its place is known: a button that holds one may exceed the limit (a warning); in texts that is said
//! only where the words alone come near it.

use super::support::analysis::Analysis;
use super::support::walk::{TextUse, texts_of_op, texts_outside_ops};
use crate::machine::{Button, Channel, Offer, OpKind, Text, TextPart, TextVariant};
use crate::value::TextId;
use flow_grammar::{Diagnostic, Loc, Severity};
use std::collections::BTreeSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0902",
    severity: Severity::Error,
    title: "more than a channel takes",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut told: BTreeSet<(Loc, &'static str)> = BTreeSet::new();
    for channel in machine
        .channels
        .iter()
        .filter(|c| machine.bot.channels.contains(&c.name))
    {
        for op in &machine.ops {
            if let OpKind::Choose { buttons, .. } = &op.kind {
                choice(cx, channel, op.loc, &labels(buttons), &mut told, found);
            }
            if let OpKind::Offer { offer, .. } = &op.kind {
                choice(cx, channel, offer.loc, &offered(offer), &mut told, found);
            }
        }
        for offer in machine.handoffs.iter().flat_map(|h| &h.offers) {
            choice(cx, channel, offer.loc, &offered(offer), &mut told, found);
        }
        if let Some(first) = machine.bot.menu.first() {
            choice(
                cx,
                channel,
                first.loc,
                &labels(&machine.bot.menu),
                &mut told,
                found,
            );
        }
        if let Some(limit) = channel.limits.text {
            let mut said: BTreeSet<TextId> = BTreeSet::new();
            let mut see = |text: TextId, what: TextUse| {
                if what == TextUse::Said {
                    said.insert(text);
                }
            };
            machine.ops.iter().for_each(|op| texts_of_op(op, &mut see));
            texts_outside_ops(machine, &mut see);
            for text in said.into_iter().filter_map(|t| machine.text(t)) {
                long_text(channel, text, limit, &mut told, found);
            }
        }
    }
}

/// A button: its text, unless it is a built-in one, and where it stands.
type Choice = (Option<TextId>, Loc);

fn labels(buttons: &[Button]) -> Vec<Choice> {
    buttons.iter().map(|b| (Some(b.label), b.loc)).collect()
}

fn offered(offer: &Offer) -> Vec<Choice> {
    offer.items.iter().map(|i| (i.label, i.loc)).collect()
}

/// The variants that a channel may show.
fn shown<'t>(text: &'t Text, channel: &Channel) -> Vec<&'t TextVariant> {
    let own: Vec<&TextVariant> = text
        .variants
        .iter()
        .filter(|v| v.channel.as_ref() == Some(&channel.name))
        .collect();
    let general = text
        .variants
        .iter()
        .filter(|v| v.channel.is_none() && !own.iter().any(|o| o.language == v.language));
    general.chain(own.iter().copied()).collect()
}

/// Characters of the words alone, and whether more may come by interpolation.
fn length(variant: &TextVariant) -> (u32, bool) {
    let mut count = 0;
    let mut open = false;
    for part in &variant.parts {
        match part {
            TextPart::Str(s) => count += s.chars().count(),
            TextPart::Expr(_) => open = true,
        }
    }
    (u32::try_from(count).unwrap_or(u32::MAX), open)
}

fn long_text(
    channel: &Channel,
    text: &Text,
    limit: u32,
    told: &mut BTreeSet<(Loc, &'static str)>,
    found: &mut Vec<Diagnostic>,
) {
    for variant in shown(text, channel) {
        let (count, open) = length(variant);
        if count > limit && told.insert((variant.loc, "text")) {
            found.push(
                Diagnostic::error("F0902", format!("this text has {count} characters, `{}` takes {limit}", channel.name), variant.loc)
                    .labelled("too long")
                    .help(format!("split it into two messages, or give the channel its own: `{} on {} \"..\"` in a `text`", variant.language.as_deref().unwrap_or("en"), channel.name)),
            );
        } else if open
            && u64::from(count) * 10 > u64::from(limit) * 8
            && count <= limit
            && told.insert((variant.loc, "text"))
        {
            found.push(
                Diagnostic::warning(
                    "F0902",
                    format!(
                        "this text may exceed the {limit} characters that `{}` takes",
                        channel.name
                    ),
                    variant.loc,
                )
                .labelled(format!("{count} characters without what is filled in"))
                .help("shorten it"),
            );
        }
    }
}

fn choice(
    cx: &Analysis<'_>,
    channel: &Channel,
    at: Loc,
    buttons: &[Choice],
    told: &mut BTreeSet<(Loc, &'static str)>,
    found: &mut Vec<Diagnostic>,
) {
    let limits = &channel.limits;
    let count = u32::try_from(buttons.len()).unwrap_or(u32::MAX);
    let most = limits.buttons.max(limits.list_rows);
    // Where there are more choices than buttons, they become a list.
    let as_list = limits.buttons.is_some_and(|b| count > b) && limits.list_rows.is_some();
    if let Some(most) = most
        && (limits.buttons.is_some() || as_list)
        && count > most
    {
        if told.insert((at, "count")) {
            found.push(
                Diagnostic::error(
                    "F0902",
                    format!("{count} choices, `{}` takes {most}", channel.name),
                    at,
                )
                .labelled("too many choices")
                .help("divide them into two questions, or let the customer write (`listen`)"),
            );
        }
        return;
    }
    let limit = if as_list {
        limits.row_label
    } else {
        limits.button_label
    };
    let Some(limit) = limit else { return };
    let kind = if as_list {
        "a row of a list"
    } else {
        "a button"
    };
    for (label, at) in buttons {
        let Some(text) = label.and_then(|l| cx.machine.text(l)) else {
            continue;
        };
        for variant in shown(text, channel) {
            let (count, open) = length(variant);
            let named = text.name.is_some();
            let place = if named { *at } else { variant.loc };
            let add = |d: Diagnostic| {
                if named {
                    d.label(variant.loc, "the text")
                } else {
                    d
                }
            };
            if count > limit {
                if told.insert((place, "label")) {
                    let finding = Diagnostic::error(
                        "F0902",
                        format!(
                            "this label has {count} characters, {kind} on `{}` takes {limit}",
                            channel.name
                        ),
                        place,
                    )
                    .labelled("too long");
                    found.push(add(finding).help(format!("shorten it, or give the channel its own: `text NAME {{ {} \"..\"; {} on {} \"..\" }}`", cx.machine.bot.languages.first().map_or("en", |l| l.as_str()), cx.machine.bot.languages.first().map_or("en", |l| l.as_str()), channel.name)));
                }
            } else if open && told.insert((place, "label")) {
                let finding = Diagnostic::warning(
                    "F0902",
                    format!(
                        "this label may exceed the {limit} characters that {kind} on `{}` takes",
                        channel.name
                    ),
                    place,
                )
                .labelled("how long it becomes is not known");
                found.push(add(finding).help("use a label without interpolation"));
            }
        }
    }
}
