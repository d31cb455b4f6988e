//! What is declared and never used (F0205).

use super::Reference;
use crate::env::{Def, Env, Item, Kind};
use crate::load::decl as decl_of;
use crate::machine::{Handoff, Offer, OfferKind, Op, OpKind};
use crate::sources::Sources;
use crate::value::{HoursId, SlotId, Type};
use flow_grammar::{Diagnostic, Edit, Loc, Span, ast::DeclKind};
use rustc_hash::FxHashSet;

/// The types that a slot is read for without being named: a callback goes to a phone number, a ticket to an email address.
pub(crate) fn contacts(ops: &[Op], handoffs: &[Handoff]) -> Vec<Type> {
    let (mut phone, mut email) = (false, false);
    let mut offered = |offer: &Offer| {
        for item in &offer.items {
            phone |= matches!(item.kind, OfferKind::Callback(_));
            email |= matches!(item.kind, OfferKind::Ticket(_));
        }
    };
    for handoff in handoffs {
        handoff.offers.iter().for_each(&mut offered);
    }
    for op in ops {
        if let OpKind::Offer { offer, .. } = &op.kind {
            offered(offer);
        }
    }
    for op in ops {
        phone |= matches!(op.kind, OpKind::Callback { .. });
        email |= matches!(op.kind, OpKind::Ticket { .. });
    }
    let phone = phone.then_some(Type::Phone);
    phone
        .into_iter()
        .chain(email.then_some(Type::Email))
        .collect()
}

/// Finds unused slots, segments, thresholds, texts, webhooks, hooks, knowledge, teams and hours of the bot's own folder. What
/// a used folder offers need not be taken, and a test alone is no use. Slots of the types of `contacts` are used without being named.
pub(crate) fn unused(
    env: &Env,
    sources: &Sources,
    refs: &[Reference],
    contacts: &[Type],
    found: &mut Vec<Diagnostic>,
) {
    let mut used: FxHashSet<Def> = FxHashSet::default();
    let mut last: Option<(u32, bool)> = None;
    let counts = |def: &Def| {
        matches!(
            def,
            Def::Slot(_)
                | Def::Segment(_)
                | Def::Threshold(_)
                | Def::Text(_)
                | Def::Webhook(_)
                | Def::Hook(_)
                | Def::Knowledge(_)
                | Def::Team(_)
                | Def::Hours(_)
        )
    };
    for (at, def) in refs.iter().filter(|(_, def)| counts(def)) {
        let test = match last {
            Some((decl, test)) if decl == at.decl => test,
            _ => {
                let test =
                    decl_of(sources, at.decl).is_some_and(|d| matches!(d.kind, DeclKind::Test(_)));
                last = Some((at.decl, test));
                test
            }
        };
        if !test {
            used.insert(*def);
        }
    }
    // Who misspelt a name, or still uses the old one, meant it; who put it where something else belongs uses it all the same.
    let unknown = || {
        let all = found.iter();
        all.filter(|d| matches!(d.code, "F0201" | "F1201"))
    };
    let edits = unknown().flat_map(|d| &d.fixes).flat_map(|f| &f.edits);
    let names = unknown().filter(|d| d.message.starts_with("unknown "));
    let places = names.filter_map(|d| d.labels.first());
    // `"support"`, where the name of a team belongs.
    let mismatches = found.iter().filter(|d| d.code == "F0301");
    let quoted = mismatches.filter_map(|d| {
        let written = sources.snippet(d.labels.first()?.at);
        written.strip_prefix('"')?.strip_suffix('"')
    });
    // `slts.confidence`: what stands behind the misspelt word is used.
    let behind = unknown().filter_map(|d| d.labels.first()).filter_map(|l| {
        let (file, range) = sources.resolve(l.at)?;
        let rest = file.text.get(range.end..)?.strip_prefix('.')?;
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        rest.get(..end.unwrap_or(rest.len()))
    });
    let teamless = found
        .iter()
        .any(|d| d.code == "F0201" && d.message == "the matrix has no column `team`");
    let meant: FxHashSet<String> = edits
        .map(|e| e.text.as_str())
        .chain(places.map(|l| sources.snippet(l.at)))
        .chain(quoted)
        .chain(behind)
        .filter_map(|written| written.rsplit('.').next().map(str::to_owned))
        .collect();
    let mut report = |kind: Kind, id: u32, name: &str, scope: u32, at: Loc| {
        let def = kind.def(id);
        if scope != 0
            || used.contains(&def)
            || env.duplicated.contains(&def)
            || env.mentioned.contains(name)
            || meant.contains(name)
            || (kind == Kind::Team && teamless)
        {
            return;
        }
        let mut warning = Diagnostic::warning(
            "F0205",
            format!("{} `{name}` is never used", kind.word()),
            at,
        )
        .help("use it, or remove it");
        if kind != Kind::Slot
            && let Some(whole) = decl_of(sources, at.decl)
        {
            let whole = Loc::new(at.decl, Span::new(0, whole.span.end));
            warning = warning.fix(
                format!("remove `{name}`"),
                false,
                vec![Edit {
                    at: whole,
                    text: String::new(),
                }],
            );
        }
        found.push(warning);
    };
    for (i, slot) in (0u32..).zip(&env.slots) {
        debug_assert_eq!(
            Kind::Slot.def(i),
            Def::Slot(SlotId(i)),
            "ids and positions agree"
        );
        if !contacts.contains(&slot.ty) {
            report(Kind::Slot, i, &slot.name, slot.scope, slot.name_loc);
        }
    }
    let lists: [(Kind, &[Item]); 4] = [
        (Kind::Segment, &env.segments),
        (Kind::Text, &env.texts),
        (Kind::Knowledge, &env.knowledge),
        (Kind::Team, &env.teams),
    ];
    for (kind, items) in lists {
        for (i, item) in (0u32..).zip(items) {
            report(kind, i, &item.name, item.scope, item.name_loc);
        }
    }
    for (i, info) in (0u32..).zip(&env.thresholds) {
        report(
            Kind::Threshold,
            i,
            &info.item.name,
            info.item.scope,
            info.item.name_loc,
        );
    }
    for (kind, signatures) in [(Kind::Webhook, &env.webhooks), (Kind::Hook, &env.hooks)] {
        for (i, signature) in (0u32..).zip(signatures) {
            report(
                kind,
                i,
                &signature.item.name,
                signature.item.scope,
                signature.item.name_loc,
            );
        }
    }
    for (i, item) in (0u32..).zip(&env.hours) {
        if let Some(item) = item {
            debug_assert_eq!(
                Kind::Hours.def(i),
                Def::Hours(HoursId(i)),
                "ids and positions agree"
            );
            report(Kind::Hours, i, &item.name, item.scope, item.name_loc);
        }
    }
}
