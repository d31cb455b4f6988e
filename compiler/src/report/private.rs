//! Where private values can go: to webhooks, models, texts and people, with the places.

use super::words;
use crate::checks::support::analysis::Analysis;
use crate::checks::support::known::var_name;
use crate::checks::support::taint::Taint;
use crate::checks::support::walk::{TextUse, each_interpolation, texts_of_op, texts_outside_ops};
use crate::machine::{OpKind, Shared, Var};
use crate::sources::Position;
use crate::value::{FieldId, OpId, SlotId, TextId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A private value and where it can go.
#[derive(Debug, Clone, Serialize)]
pub struct Private {
    /// The slot or `customer.field`.
    pub field: String,
    /// Whether it joins conversations of one person.
    pub identifies: bool,
    /// Where it can go; empty: it stays on the card.
    pub to: Vec<Destination>,
    /// Where it is declared.
    pub at: Option<Position>,
}

/// Where a private value can go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Destination {
    /// `webhook` and `model` leave the system; `customer` is what the customer reads, `people` what agents read.
    pub kind: &'static str,
    /// Its name; of a text its name, else its node.
    pub name: String,
    /// Whether it leaves the system.
    pub leaves: bool,
    /// Where.
    pub places: Vec<Position>,
}

type Found = BTreeMap<Var, BTreeMap<(&'static str, String), BTreeSet<Position>>>;

pub(super) fn private(cx: &Analysis<'_>) -> Vec<Private> {
    let machine = cx.machine;
    let vars: Vec<Var> = (0u32..)
        .map(SlotId)
        .take(machine.slots.len())
        .map(Var::Slot)
        .chain(
            (0u32..)
                .map(FieldId)
                .take(machine.customer.len())
                .map(Var::Customer),
        )
        .collect();
    let taint = Taint::new(machine, cx.flow());
    let mut found = Found::new();
    let mut add = |vars: BTreeSet<Var>, kind: &'static str, name: &str, at: Option<Position>| {
        for var in vars {
            let places = found.entry(var).or_default().entry((kind, name.to_owned()));
            places.or_default().extend(at.clone());
        }
    };
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        let Some(holds) = taint.before(id) else {
            continue;
        };
        if let OpKind::Call { webhook, args, .. } = &op.kind
            && let Some(webhook) = machine.webhook(*webhook)
        {
            for arg in args {
                let at = words::at(cx, arg.loc);
                add(taint.of(machine, arg, holds), "webhook", &webhook.name, at);
            }
        }
        texts_of_op(op, &mut |text, used| {
            let name = machine
                .text(text)
                .and_then(|t| t.name.clone())
                .map_or_else(|| words::owner(machine, op), |n| format!("text `{n}`"));
            for expr in interpolations(cx, text) {
                add(
                    taint.of(machine, expr, holds),
                    reader(used),
                    &name,
                    words::at(cx, expr.loc),
                );
            }
        });
    }
    texts_outside_ops(machine, &mut |text, used| {
        // What a model is told of itself goes to the model.
        let persona = machine.tiers.iter().find(|t| t.persona == Some(text));
        if let Some(tier) = persona {
            for expr in interpolations(cx, text) {
                let vars = taint.of(machine, expr, taint.anywhere());
                add(vars, "model", &tier.name, words::at(cx, expr.loc));
            }
            return;
        }
        let named = machine.text(text).and_then(|t| t.name.clone());
        let name = named.map_or_else(|| "a text".to_owned(), |n| format!("text `{n}`"));
        for expr in interpolations(cx, text) {
            let vars = taint.of(machine, expr, taint.anywhere());
            add(vars, reader(used), &name, words::at(cx, expr.loc));
        }
    });
    if let Some(profile) = &machine.profile
        && let Some(webhook) = machine.webhook(profile.webhook)
    {
        for arg in &profile.args {
            let vars = taint.of(machine, arg, taint.anywhere());
            add(vars, "webhook", &webhook.name, words::at(cx, arg.loc));
        }
    }
    for tier in &machine.tiers {
        for shared in &tier.shares {
            let var = match shared {
                Shared::Customer(id) => Var::Customer(*id),
                Shared::Slot(id) => Var::Slot(*id),
            };
            add(
                BTreeSet::from([var]),
                "model",
                &tier.name,
                words::at(cx, tier.name_loc),
            );
        }
        // What the customer types reaches the model word for word where the transcript is shared.
        if tier.shares_transcript {
            let typed = typed(cx);
            let name = format!("{} (as typed, in the transcript)", tier.name);
            add(typed, "model", &name, words::at(cx, tier.name_loc));
        }
    }
    let mut out = Vec::new();
    for var in vars {
        let def = match var {
            Var::Slot(id) => machine.slot(id),
            Var::Customer(id) => machine.customer_field(id),
        };
        let Some(def) = def.filter(|d| d.private) else {
            continue;
        };
        let to = found.remove(&var).unwrap_or_default();
        out.push(Private {
            field: var_name(machine, var),
            identifies: def.identifies,
            to: to
                .into_iter()
                .map(|((kind, name), places)| Destination {
                    kind,
                    name,
                    leaves: matches!(kind, "webhook" | "model"),
                    places: places.into_iter().collect(),
                })
                .collect(),
            at: words::at(cx, def.name_loc),
        });
    }
    out
}

fn interpolations<'m>(cx: &Analysis<'m>, text: TextId) -> Vec<&'m crate::machine::Expr> {
    let mut out = Vec::new();
    each_interpolation(cx.machine, text, &mut |e| out.push(e));
    out
}

const fn reader(used: TextUse) -> &'static str {
    match used {
        TextUse::Internal => "people",
        _ => "customer",
    }
}

/// What a question asks for is typed by the customer.
fn typed(cx: &Analysis<'_>) -> BTreeSet<Var> {
    let mut out = BTreeSet::new();
    for op in &cx.machine.ops {
        match &op.kind {
            OpKind::Ask { var, .. } => {
                out.insert(*var);
            }
            OpKind::Form { vars, .. } => out.extend(vars.iter().copied()),
            OpKind::Verify { field, .. } => {
                out.insert(Var::Customer(*field));
            }
            _ => {}
        }
    }
    for handoff in &cx.machine.handoffs {
        out.extend(handoff.require.iter().map(|(v, _)| *v));
    }
    out
}
