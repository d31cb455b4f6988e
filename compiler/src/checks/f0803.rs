//! F0803: a callback without a phone, a ticket without an email, that could be known.

use super::support::analysis::Analysis;
use crate::machine::{Offer, OfferKind, OpKind};
use crate::value::Type;
use flow_grammar::{Diagnostic, Loc, Severity};
use std::collections::BTreeSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0803",
    severity: Severity::Error,
    title: "a callback without a phone, a ticket without an email",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let has = |ty: &Type| {
        machine
            .slots
            .iter()
            .chain(&machine.customer)
            .any(|f| f.ty == *ty || f.ty == Type::Error)
    };
    // On a channel with a number the number is known.
    let phone = has(&Type::Phone) || machine.channels.iter().any(|c| c.limits.vouches_phone);
    let email = has(&Type::Email) || machine.bot.channels.iter().any(|c| c == "email");
    let mut places: BTreeSet<(Loc, bool)> = BTreeSet::new();
    for op in &machine.ops {
        match &op.kind {
            OpKind::Callback { .. } if !phone => {
                places.insert((op.loc, true));
            }
            OpKind::Ticket { .. } if !email => {
                places.insert((op.loc, false));
            }
            OpKind::Offer { offer, .. } => collect(offer, phone, email, &mut places),
            _ => {}
        }
    }
    machine
        .handoffs
        .iter()
        .flat_map(|h| &h.offers)
        .for_each(|o| collect(o, phone, email, &mut places));
    for (loc, callback) in places {
        let (what, field, name) = if callback {
            ("a callback", "phone", "phone number")
        } else {
            ("a ticket", "email", "email address")
        };
        found.push(
            Diagnostic::error(
                "F0803",
                format!("{what} needs the customer's {name}, which nothing here can know"),
                loc,
            )
            .labelled(format!("no slot and no profile field is of type `{field}`"))
            .help(format!(
                "declare one, for instance `{field}: {field} private identifies` in `customer`"
            )),
        );
    }
}

fn collect(offer: &Offer, phone: bool, email: bool, places: &mut BTreeSet<(Loc, bool)>) {
    for item in &offer.items {
        match item.kind {
            OfferKind::Callback(_) if !phone => {
                places.insert((item.loc, true));
            }
            OfferKind::Ticket(_) if !email => {
                places.insert((item.loc, false));
            }
            _ => {}
        }
    }
}
