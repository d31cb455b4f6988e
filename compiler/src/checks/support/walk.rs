//! Every expression and every text of an operation or a machine.

use crate::machine::{
    Attachment, BandAction, Expr, ExprKind, Machine, Offer, Op, OpKind, Question, TextOrWords,
    TextPart,
};
use crate::value::TextId;

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TextUse {
    /// A message or a question to the customer.
    Said,
    /// A button.
    Button,
    /// An address.
    Url,
    /// For people: a note, a reason.
    Internal,
}

/// Calls `f` with every direct part of an expression.
pub(crate) fn parts<'e>(expr: &'e Expr, f: &mut dyn FnMut(&'e Expr)) {
    match &expr.kind {
        ExprKind::Field(x, _)
        | ExprKind::Not(x)
        | ExprKind::Neg(x)
        | ExprKind::Known { of: x, .. }
        | ExprKind::Matches { left: x, .. } => f(x),
        ExprKind::Hook(_, xs) | ExprKind::List(xs) | ExprKind::AtLeast { conds: xs, .. } => {
            xs.iter().for_each(f)
        }
        ExprKind::Binary(_, a, b)
        | ExprKind::Is {
            left: a, right: b, ..
        }
        | ExprKind::In {
            left: a, right: b, ..
        }
        | ExprKind::ListContains { left: a, right: b } => {
            f(a);
            f(b);
        }
        ExprKind::Contains { left, any } => {
            f(left);
            any.iter().for_each(f);
        }
        _ => {}
    }
}

/// Calls `f` with an expression and all its parts, those of its texts included.
pub(crate) fn each_expr<'m>(machine: &'m Machine, expr: &'m Expr, f: &mut dyn FnMut(&'m Expr)) {
    f(expr);
    match &expr.kind {
        // Most expressions have no parts.
        ExprKind::Const(_)
        | ExprKind::Slot(_)
        | ExprKind::Customer(_)
        | ExprKind::Local(_)
        | ExprKind::Signal(_) => {}
        ExprKind::Text(id) => each_interpolation(machine, *id, &mut |e| each_expr(machine, e, f)),
        // Expressions nest no deeper than the compiler allows.
        _ => parts(expr, &mut |e| each_expr(machine, e, f)),
    }
}

/// Calls `f` with every interpolation of a text (not with their parts).
pub(crate) fn each_interpolation<'m>(
    machine: &'m Machine,
    id: TextId,
    f: &mut dyn FnMut(&'m Expr),
) {
    for variant in machine.text(id).into_iter().flat_map(|t| &t.variants) {
        for part in &variant.parts {
            if let TextPart::Expr(expr) = part {
                f(expr);
            }
        }
    }
}

/// Whether anything is filled in.
pub(crate) fn has_interpolation(machine: &Machine, id: TextId) -> bool {
    machine.text(id).is_some_and(|text| {
        let parts = text.variants.iter().flat_map(|v| &v.parts);
        parts
            .into_iter()
            .any(|part| matches!(part, TextPart::Expr(_)))
    })
}

/// Calls `f` with every text that an operation names, and what it is for.
pub(crate) fn texts_of_op(op: &Op, f: &mut dyn FnMut(TextId, TextUse)) {
    match &op.kind {
        OpKind::Say {
            texts, attachments, ..
        } => {
            texts.iter().for_each(|t| f(*t, TextUse::Said));
            for attachment in attachments {
                match attachment {
                    Attachment::Image(t) | Attachment::File(t) => f(*t, TextUse::Url),
                    Attachment::Card {
                        title,
                        text,
                        image,
                        link,
                    } => {
                        title.iter().chain(text).for_each(|t| f(*t, TextUse::Said));
                        image.iter().chain(link).for_each(|t| f(*t, TextUse::Url));
                    }
                }
            }
        }
        OpKind::Choose { question, buttons } => {
            texts_of_question(question, f);
            buttons.iter().for_each(|b| f(b.label, TextUse::Button));
        }
        OpKind::ChooseFrom {
            label, question, ..
        } => {
            texts_of_question(question, f);
            label.iter().for_each(|t| f(*t, TextUse::Button));
        }
        OpKind::Ask { question, .. }
        | OpKind::Form { question, .. }
        | OpKind::Confirm { question, .. }
        | OpKind::Listen { question, .. }
        | OpKind::Verify { question, .. }
        | OpKind::Survey { question, .. } => texts_of_question(question, f),
        OpKind::Attempt { text, question, .. } => {
            f(*text, TextUse::Internal);
            question.iter().for_each(|q| texts_of_question(q, f));
        }
        OpKind::Note { text, .. } => f(*text, TextUse::Internal),
        // The words in which it is promised.
        OpKind::Ticket { text, .. } | OpKind::Callback { text, .. } => {
            text.iter().for_each(|t| f(*t, TextUse::Said))
        }
        OpKind::Escalate(spec) => spec.because.iter().for_each(|t| f(*t, TextUse::Internal)),
        OpKind::Offer { offer, .. } => texts_of_offer(offer, f),
        _ => {}
    }
}

fn texts_of_question(question: &Question, f: &mut dyn FnMut(TextId, TextUse)) {
    question
        .text
        .iter()
        .chain(&question.invalid)
        .for_each(|t| f(*t, TextUse::Said));
}

fn texts_of_offer(offer: &Offer, f: &mut dyn FnMut(TextId, TextUse)) {
    offer
        .items
        .iter()
        .filter_map(|i| i.label)
        .for_each(|t| f(t, TextUse::Button));
}

/// Calls `f` with every text outside the operations, and what it is for.
pub(crate) fn texts_outside_ops(machine: &Machine, f: &mut dyn FnMut(TextId, TextUse)) {
    machine
        .bot
        .menu
        .iter()
        .for_each(|b| f(b.label, TextUse::Button));
    machine
        .bot
        .discloses
        .iter()
        .for_each(|t| f(*t, TextUse::Said));
    for tier in &machine.tiers {
        tier.persona.iter().for_each(|t| f(*t, TextUse::Internal));
        for band in &tier.bands {
            if let BandAction::Confirm(Some(text)) = band.action {
                f(text, TextUse::Said);
            }
        }
    }
    for field in machine.slots.iter().chain(&machine.customer) {
        field.ask.iter().for_each(|t| f(*t, TextUse::Said));
    }
    for faq in &machine.faqs {
        f(faq.answer, TextUse::Said);
        faq.link.iter().for_each(|t| f(*t, TextUse::Url));
    }
    for rule in &machine.rules {
        rule.say.iter().for_each(|t| f(*t, TextUse::Said));
        rule.because.iter().for_each(|t| f(*t, TextUse::Internal));
    }
    for team in &machine.teams {
        if let TextOrWords::Text(text) = team.title {
            f(text, TextUse::Internal);
        }
    }
    for handoff in &machine.handoffs {
        handoff
            .say
            .iter()
            .chain(&handoff.connected)
            .for_each(|t| f(*t, TextUse::Said));
        handoff
            .update
            .iter()
            .filter_map(|(_, t)| *t)
            .for_each(|t| f(t, TextUse::Said));
        handoff.offers.iter().for_each(|o| texts_of_offer(o, f));
    }
    let assist = &machine.assist;
    assist.open.iter().for_each(|t| f(*t, TextUse::Internal));
    assist
        .reminders
        .iter()
        .for_each(|r| f(r.text, TextUse::Internal));
    assist
        .alerts
        .iter()
        .for_each(|(t, _)| f(*t, TextUse::Internal));
    assist
        .templates
        .iter()
        .for_each(|(_, t)| f(*t, TextUse::Internal));
}

/// Calls `f` with every condition and value of an operation (texts apart).
pub(crate) fn exprs_of_op<'m>(op: &'m Op, f: &mut dyn FnMut(&'m Expr)) {
    match &op.kind {
        OpKind::ChooseFrom { from, .. } => f(from),
        OpKind::Set { value, .. } => f(value),
        OpKind::Branch { arms, .. } => arms.iter().for_each(|(cond, _)| f(cond)),
        OpKind::Match { subject, .. } => f(subject),
        OpKind::Call { args, .. } => args.iter().for_each(f),
        OpKind::Offer { offer, .. } => offer.when.iter().for_each(f),
        _ => {}
    }
}

/// Calls `f` with every condition and value outside the operations (texts apart).
pub(crate) fn exprs_outside_ops<'m>(machine: &'m Machine, f: &mut dyn FnMut(&'m Expr)) {
    machine.bot.start_lines.iter().for_each(|(_, e)| f(e));
    machine
        .profile
        .iter()
        .flat_map(|p| &p.args)
        .for_each(&mut *f);
    machine
        .slots
        .iter()
        .chain(&machine.customer)
        .filter_map(|d| d.default.as_ref())
        .for_each(&mut *f);
    machine
        .records
        .iter()
        .flat_map(|r| &r.fields)
        .filter_map(|d| d.default.as_ref())
        .for_each(&mut *f);
    machine.segments.iter().for_each(|s| f(&s.when));
    for threshold in &machine.thresholds {
        f(&threshold.default);
        for (value, cond) in &threshold.lines {
            f(value);
            f(cond);
        }
    }
    machine.temporals.iter().for_each(|t| f(&t.cond));
    machine
        .intents
        .iter()
        .filter_map(|i| i.regulated.as_ref()?.when.as_ref())
        .for_each(&mut *f);
    for rule in &machine.rules {
        f(&rule.when);
        rule.unless.iter().for_each(&mut *f);
    }
    machine
        .routes
        .iter()
        .flat_map(|r| &r.columns)
        .for_each(&mut *f);
    for handoff in &machine.handoffs {
        handoff.when.iter().for_each(&mut *f);
        handoff.full.iter().for_each(|(cond, _)| f(cond));
        handoff
            .offers
            .iter()
            .filter_map(|o| o.when.as_ref())
            .for_each(&mut *f);
    }
    machine
        .assist
        .reminders
        .iter()
        .filter_map(|r| r.when.as_ref())
        .for_each(&mut *f);
    machine
        .assist
        .alerts
        .iter()
        .filter_map(|(_, e)| e.as_ref())
        .for_each(&mut *f);
    machine.targets.iter().for_each(|t| f(&t.value));
    machine
        .webhooks
        .iter()
        .filter_map(|w| w.send.as_ref())
        .flatten()
        .for_each(|(_, e)| f(e));
    machine
        .triggers
        .iter()
        .filter_map(|t| t.when.as_ref())
        .for_each(f);
}
