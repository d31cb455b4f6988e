//! F0803: a callback without a phone, a ticket without an email, that could be known.
//!
//! A slot or profile field can hold it; a channel may know it by itself, but then each of the bot's channels has to, unless
//! something in the bot depends on the channel: what is offered on which is then not followed.

use super::support::analysis::Analysis;
use super::support::walk::{each_expr, exprs_of_op, exprs_outside_ops};
use crate::machine::{Expr, ExprKind, Machine, Offer, OfferKind, OpKind, Signal};
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
    let by_channel = |knows: &dyn Fn(&str) -> bool| {
        let mut channels = machine.bot.channels.iter();
        let some = channels.clone().any(|c| knows(c));
        some && (channels.all(|c| knows(c)) || depends_on_the_channel(machine))
    };
    let vouched = |c: &str| {
        let mut channels = machine.channels.iter();
        channels.any(|channel| channel.name == c && channel.limits.vouches_phone)
    };
    let phone = has(&Type::Phone) || by_channel(&vouched);
    let email = has(&Type::Email) || by_channel(&|c| c == "email");
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

/// Whether anything that the bot does asks for the channel.
fn depends_on_the_channel(machine: &Machine) -> bool {
    let mut found = false;
    let mut look = |expr: &Expr| {
        each_expr(machine, expr, &mut |e| {
            found |= matches!(e.kind, ExprKind::Signal(Signal::Channel));
        });
    };
    for op in &machine.ops {
        exprs_of_op(op, &mut look);
    }
    exprs_outside_ops(machine, &mut look);
    found
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
