//! F0902: texts, labels or buttons beyond what a declared channel takes.
//!
//! Of an interpolation only its place is known: a button that holds one may exceed the limit (a warning); in texts that is said
//! only where the words alone come near it.

use super::support::analysis::Analysis;
use crate::machine::{
    Button, Channel, Machine, Offer, Op, OpKind, Text, TextPart, TextVariant, Var,
};
use crate::value::{TextId, Type};
use flow_grammar::{Diagnostic, Label, Loc, Severity};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0902",
    severity: Severity::Error,
    title: "more than a channel takes",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut told: BTreeSet<(Loc, &'static str)> = BTreeSet::new();
    let mut enums = Enums::new();
    let by_steps = machine.ops.iter().flat_map(|op| {
        let vars = asked(op).iter();
        vars.map(|var| (cx.line(op.loc), *var))
    });
    let required = machine.handoffs.iter().flat_map(|h| &h.require);
    let mut asked: Vec<(Loc, Var)> = by_steps
        .chain(required.map(|(var, at)| (*at, *var)))
        .collect();
    asked.sort_by_key(|(at, _)| *at);
    for channel in machine
        .channels
        .iter()
        .filter(|c| machine.bot.channels.contains(&c.name))
    {
        for op in &machine.ops {
            if let OpKind::Choose { buttons, .. } = &op.kind {
                choice(cx, channel, op.loc, &labels(buttons), &mut told, found);
            }
            if let OpKind::ChooseFrom {
                label: Some(label), ..
            } = &op.kind
            {
                row_label(cx, channel, *label, &mut told, found);
            }
            if let OpKind::Offer { offer, .. } = &op.kind {
                choice(cx, channel, offer.loc, &offered(offer), &mut told, found);
            }
        }
        for offer in machine.handoffs.iter().flat_map(|h| &h.offers) {
            choice(cx, channel, offer.loc, &offered(offer), &mut told, found);
        }
        for (at, var) in &asked {
            values(cx, channel, *at, *var, &mut enums, found);
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
            for text in cx.reads().messages().filter_map(|t| machine.text(t)) {
                long_text(cx, channel, text, limit, &mut told, found);
            }
        }
    }
}

/// So many places are shown of an enum whose values are too many or too long.
const SHOWN: usize = 8;

/// Enums of which something was said, by their place and what it was: the position of the finding.
type Enums = BTreeMap<(Loc, &'static str), usize>;

/// Whether the same was said of an enum before; then this question is one more place of it.
fn asked_too(
    enums: &mut Enums,
    key: (Loc, &'static str),
    at: Loc,
    name: &str,
    found: &mut [Diagnostic],
) -> bool {
    let Some(first) = enums.get(&key) else {
        enums.insert(key, found.len());
        return false;
    };
    if let Some(finding) = found.get_mut(*first)
        && finding.labels.len() < SHOWN
        && finding.labels.iter().all(|l| l.at != at)
    {
        finding.labels.push(Label {
            at,
            text: format!("asks for `{name}`, too"),
        });
    }
    true
}

/// A button: its text, unless it is a built-in one, and where it stands.
type Choice = (Option<TextId>, Loc);

fn labels(buttons: &[Button]) -> Vec<Choice> {
    buttons.iter().map(|b| (Some(b.label), b.loc)).collect()
}

fn offered(offer: &Offer) -> Vec<Choice> {
    offer.items.iter().map(|i| (i.label, i.loc)).collect()
}

/// What an operation asks for.
fn asked(op: &Op) -> &[Var] {
    match &op.kind {
        OpKind::Ask { var, .. } => std::slice::from_ref(var),
        OpKind::Form { vars, .. } => vars,
        _ => &[],
    }
}

/// The buttons of a question for the value of an enum are the values in words; those of a list have one more, to end it.
fn values(
    cx: &Analysis<'_>,
    channel: &Channel,
    at: Loc,
    var: Var,
    enums: &mut Enums,
    found: &mut Vec<Diagnostic>,
) {
    let machine = cx.machine;
    let field = match var {
        Var::Slot(id) => machine.slot(id),
        Var::Customer(id) => machine.customer_field(id),
    };
    let Some(field) = field else { return };
    let (ty, more) = match &field.ty {
        Type::List(of) => (of.as_ref(), 1),
        ty => (ty, 0),
    };
    let Type::Enum(id) = ty else { return };
    let Some(def) = machine.enum_def(*id) else {
        return;
    };
    let limits = &channel.limits;
    let count = u32::try_from(def.values.len() + more).unwrap_or(u32::MAX);
    let as_list = limits.buttons.is_some_and(|b| count > b) && limits.list_rows.is_some();
    if let (Some(_), Some(most)) = (limits.buttons, limits.buttons.max(limits.list_rows))
        && count > most
    {
        if !asked_too(enums, (def.loc, "count"), at, &field.name, found) {
            found.push(
                Diagnostic::error(
                    "F0902",
                    format!(
                        "asking for `{}` shows {count} buttons, `{}` takes {most}",
                        field.name, channel.name
                    ),
                    at,
                )
                .labelled("too many values")
                .label(
                    def.loc,
                    format!("`{}` has {} values", def.name, def.values.len()),
                )
                .help("divide the question in two, or ask for a text"),
            );
        }
        return;
    }
    let (limit, kind) = if as_list {
        (limits.row_label, "a row of a list")
    } else {
        (limits.button_label, "a button")
    };
    let Some(limit) = limit else { return };
    // `key_accounts` reads "Key accounts".
    let Some(long) = def
        .values
        .iter()
        .find(|v| v.chars().count() > limit as usize)
    else {
        return;
    };
    if !asked_too(enums, (def.loc, "label"), at, &field.name, found) {
        let name = field.name.as_str();
        found.push(
            Diagnostic::error(
                "F0902",
                format!(
                    "the button for `{long}` has {} characters, {kind} on `{}` takes {limit}",
                    long.chars().count(),
                    channel.name
                ),
                at,
            )
            .labelled(format!("asks for `{name}`"))
            .label(def.loc, "the value is declared here")
            .help("give the value a shorter name, or ask with `choose` and labels of your own"),
        );
    }
}

/// The label of a choice from a list: how many rows there are is not known.
fn row_label(
    cx: &Analysis<'_>,
    channel: &Channel,
    label: TextId,
    told: &mut BTreeSet<(Loc, &'static str)>,
    found: &mut Vec<Diagnostic>,
) {
    let limits = &channel.limits;
    let (limit, kind) = if limits.list_rows.is_some() {
        (limits.row_label, "a row of a list")
    } else {
        (limits.button_label, "a button")
    };
    let (Some(limit), Some(text)) = (limit, cx.machine.text(label)) else {
        return;
    };
    for variant in shown(text, channel) {
        let (count, open) = length(cx.machine, variant);
        if (count > limit || open) && told.insert((variant.loc, "label")) {
            found.push(if count > limit {
                Diagnostic::error(
                    "F0902",
                    format!(
                        "this label has {count} characters, {kind} on `{}` takes {limit}",
                        channel.name
                    ),
                    variant.loc,
                )
                .labelled("too long")
                .help("shorten it")
            } else {
                Diagnostic::warning(
                    "F0902",
                    format!(
                        "this label may exceed the {limit} characters that {kind} on `{}` takes",
                        channel.name
                    ),
                    variant.loc,
                )
                .labelled("how long it becomes is not known")
                .help("show something short, such as a number or an id")
            });
        }
    }
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

/// Characters of the words alone, the longest of an enum's values for one that is filled in, and whether more may come by
/// interpolation.
fn length(machine: &Machine, variant: &TextVariant) -> (u32, bool) {
    let mut count = 0;
    let mut open = false;
    for part in &variant.parts {
        match part {
            TextPart::Str(s) => count += s.chars().count(),
            TextPart::Expr(expr) => match &expr.ty {
                Type::Enum(id) if machine.enum_def(*id).is_some() => {
                    let values = machine.enum_def(*id).into_iter().flat_map(|e| &e.values);
                    count += values.map(|v| v.chars().count()).max().unwrap_or(0);
                }
                _ => open = true,
            },
        }
    }
    (u32::try_from(count).unwrap_or(u32::MAX), open)
}

fn long_text(
    cx: &Analysis<'_>,
    channel: &Channel,
    text: &Text,
    limit: u32,
    told: &mut BTreeSet<(Loc, &'static str)>,
    found: &mut Vec<Diagnostic>,
) {
    for variant in shown(text, channel) {
        let (count, open) = length(cx.machine, variant);
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
            let (count, open) = length(cx.machine, variant);
            // A text is too long where it is written, however many buttons show it.
            let place = variant.loc;
            let add = |d: Diagnostic| {
                if text.name.is_some() {
                    d.label(cx.line(*at), "shown here")
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
