//! Which running conversations move to the new version: those that wait at a place which it also has.

use super::canon::Renames;
use crate::checks::Context;
use crate::checks::support::analysis::Analysis;
use crate::checks::support::known::var_name;
use crate::machine::{Expr, ExprKind, FieldDef, Machine, Var};
use crate::sources::Position;
use crate::value::{FieldId, OpId, SlotId};
use flow_grammar::Loc;
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};

/// What becomes of the conversations at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Move {
    /// They move, to a place of another name.
    Moves,
    /// They move if something is known that the new version relies on.
    Depends,
    /// They stay in the old version.
    Stays,
    /// A place that only the new version has: nobody waits there yet.
    New,
}

/// A waiting place that differs.
#[derive(Debug, Clone, Serialize)]
pub struct PlaceChange {
    /// Its name in the old version; of a new place its only one.
    pub place: SmolStr,
    /// What becomes of those who wait there.
    pub what: Move,
    /// Where they go, or why they stay.
    pub why: String,
    /// Where it is in the old version; of a new place in the new one.
    pub at: Option<Position>,
}

pub(super) fn places(
    old: &Machine,
    new: &Machine,
    renames: &Renames,
) -> (Vec<PlaceChange>, usize, Vec<String>) {
    let date = jiff::civil::Date::ZERO;
    let was = Analysis::new(&Context {
        machine: old,
        sources: &old.sources,
        date,
        refused: None,
    });
    let is = Analysis::new(&Context {
        machine: new,
        sources: &new.sources,
        date,
        refused: None,
    });
    let mut out = Vec::new();
    let mut kept = 0;
    let mut met = std::collections::BTreeSet::new();
    for place in &old.places {
        let Some(op) = old.op(place.op) else { continue };
        let key = renamed(renames, &place.key);
        let at = old.sources.position(op.loc);
        met.insert(key.clone());
        let target = new.names.places.get(&key).and_then(|id| new.place(*id));
        let mut add = |what: Move, why: String| {
            out.push(PlaceChange {
                place: place.key.clone(),
                what,
                why,
                at: at.clone(),
            })
        };
        let Some(target) = target else {
            add(Move::Stays, "the place is gone".to_owned());
            continue;
        };
        let alike = new
            .op(target.op)
            .is_some_and(|o| std::mem::discriminant(&o.kind) == std::mem::discriminant(&op.kind));
        if !alike {
            add(Move::Stays, "it waits for something else".to_owned());
            continue;
        }
        let missing = relies(&was, &is, place.op, target.op, renames);
        if !missing.is_empty() {
            let list = missing
                .iter()
                .map(|m| format!("`{m}`"))
                .collect::<Vec<_>>()
                .join(", ");
            add(
                Move::Depends,
                format!("moves where {list} is known: the new version relies on it there"),
            );
        } else if key != place.key {
            add(Move::Moves, format!("to `{key}`"));
        } else {
            kept += 1;
        }
    }
    for place in new.places.iter().filter(|p| !met.contains(&p.key)) {
        let at = new.op(place.op).and_then(|o| new.sources.position(o.loc));
        out.push(PlaceChange {
            place: place.key.clone(),
            what: Move::New,
            why: "nobody waits there yet".to_owned(),
            at,
        });
    }
    (out, kept, anywhere(old, new, renames))
}

/// What is known for sure at a place in the new version and not in the old one, and what is done with it matters there.
fn relies(
    was: &Analysis<'_>,
    is: &Analysis<'_>,
    from: OpId,
    to: OpId,
    renames: &Renames,
) -> Vec<String> {
    let new = is.machine;
    let vars = (0u32..)
        .map(SlotId)
        .take(new.slots.len())
        .map(Var::Slot)
        .chain(
            (0u32..)
                .map(FieldId)
                .take(new.customer.len())
                .map(Var::Customer),
        );
    let mut out = Vec::new();
    for var in vars {
        let Some(def) = def(new, var) else { continue };
        let sure = is
            .known()
            .before(to)
            .is_some_and(|bits| !is.may_be_unknown(None, &read(new, var), bits));
        if !sure || def.default.is_some() {
            continue;
        }
        let before = match var {
            Var::Slot(_) => was
                .machine
                .slots
                .iter()
                .position(|d| Renames::get(&renames.slots, &d.name) == def.name)
                .and_then(|i| u32::try_from(i).ok())
                .map(|i| Var::Slot(SlotId(i))),
            Var::Customer(_) => was
                .machine
                .customer
                .iter()
                .position(|d| Renames::get(&renames.fields, &d.name) == def.name)
                .and_then(|i| u32::try_from(i).ok())
                .map(|i| Var::Customer(FieldId(i))),
        };
        let held = before.is_some_and(|v| {
            was.known()
                .before(from)
                .is_some_and(|bits| !was.may_be_unknown(None, &read(was.machine, v), bits))
        });
        if !held {
            out.push(var_name(new, var));
        }
    }
    out
}

fn def(m: &Machine, var: Var) -> Option<&FieldDef> {
    match var {
        Var::Slot(id) => m.slot(id),
        Var::Customer(id) => m.customer_field(id),
    }
}

fn read(m: &Machine, var: Var) -> Expr {
    let kind = match var {
        Var::Slot(id) => ExprKind::Slot(id),
        Var::Customer(id) => ExprKind::Customer(id),
    };
    Expr {
        kind,
        ty: def(m, var).map_or(crate::value::Type::Error, |d| d.ty.clone()),
        loc: Loc::default(),
    }
}

/// What keeps conversations wherever they wait: a tier or channel that is gone, a value that no longer fits.
fn anywhere(old: &Machine, new: &Machine, renames: &Renames) -> Vec<String> {
    let mut out = Vec::new();
    for tier in &old.tiers {
        match new.tiers.iter().find(|t| t.name == tier.name) {
            None => out.push(format!(
                "conversations in tier `{}` stay: the tier is gone",
                tier.name
            )),
            Some(t) if t.kind != tier.kind => out.push(format!(
                "conversations in tier `{}` stay: the tier is of another kind",
                tier.name
            )),
            Some(_) => {}
        }
    }
    if !new.bot.channels.is_empty() {
        for channel in old
            .bot
            .channels
            .iter()
            .filter(|c| !new.bot.channels.contains(*c))
        {
            out.push(format!(
                "conversations on `{channel}` stay: the channel is gone"
            ));
        }
    }
    let canon_old = super::canon::Canon {
        machine: old,
        renames: Some(renames),
    };
    let canon_new = super::canon::Canon {
        machine: new,
        renames: None,
    };
    let mut compare = |what: &str,
                       was: &[FieldDef],
                       is: &[FieldDef],
                       map: &rustc_hash::FxHashMap<SmolStr, SmolStr>| {
        for field in was {
            let Some(now) = is.iter().find(|d| d.name == Renames::get(map, &field.name)) else {
                continue;
            };
            let of = |c: &super::canon::Canon<'_>, d: &FieldDef| {
                c.of(&(&d.ty, d.matching.as_ref().map(|p| &p.source)))
            };
            let lost = lost_values(old, new, field, now);
            if of(&canon_old, field) != of(&canon_new, now) || !lost.is_empty() {
                let which = if lost.is_empty() {
                    "whose value does not fit its new type".to_owned()
                } else {
                    format!("where it is {}", lost.join(" or "))
                };
                out.push(format!(
                    "conversations that know {what} `{}` stay {which}",
                    field.name
                ));
            }
        }
    };
    compare("slot", &old.slots, &new.slots, &renames.slots);
    compare(
        "customer field",
        &old.customer,
        &new.customer,
        &renames.fields,
    );
    out
}

/// Values of an enum that the new version lacks.
fn lost_values(old: &Machine, new: &Machine, was: &FieldDef, is: &FieldDef) -> Vec<String> {
    match (&was.ty, &is.ty) {
        (crate::value::Type::Enum(a), crate::value::Type::Enum(b)) => {
            match (old.enum_def(*a), new.enum_def(*b)) {
                (Some(a), Some(b)) => a
                    .values
                    .iter()
                    .filter(|v| !b.values.contains(v))
                    .map(ToString::to_string)
                    .collect(),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// A place's name with the names of today.
fn renamed(renames: &Renames, key: &str) -> SmolStr {
    let Some((node, rest)) = key.split_once('/') else {
        return key.into();
    };
    let (rest, number) = rest
        .split_once(" #")
        .map_or((rest, None), |(r, n)| (r, Some(n)));
    let (kind, subject) = rest.split_once(' ').unwrap_or((rest, ""));
    let names: Vec<String> = subject
        .split(", ")
        .map(|name| match name.strip_prefix("customer.") {
            Some(field) => format!("customer.{}", Renames::get(&renames.fields, field)),
            None => Renames::get(&renames.slots, name).to_string(),
        })
        .collect();
    let subject = names.join(", ");
    let space = if subject.is_empty() { "" } else { " " };
    let number = number.map(|n| format!(" #{n}")).unwrap_or_default();
    format_smolstr!(
        "{}/{kind}{space}{subject}{number}",
        Renames::get(&renames.nodes, node)
    )
}
