//! Offers: other ways to be answered than waiting.

use super::Run;
use crate::builtin_texts::Builtin;
use crate::conversation::{Ask, At, FollowKind, Pending};
use crate::effect::{MessageKind, OutButton};
use crate::tables::{button_id, index_u32, short_hash, var_name};
use flow_compiler::machine::{Offer, OfferItem, OfferKind, Promise};
use jiff::Timestamp;
use smol_str::{SmolStr, format_smolstr};

impl<'a> Run<'a> {
    pub(super) fn offer_label(&self, item: &OfferItem) -> String {
        match (item.label, &item.kind) {
            (Some(label), _) => self.render(label),
            (None, OfferKind::Callback(_)) => self.builtin(Builtin::Callback),
            (None, OfferKind::Ticket(_)) => self.builtin(Builtin::Ticket),
            (None, OfferKind::Stay) => self.builtin(Builtin::Stay),
            (None, OfferKind::ContinueWith(_) | OfferKind::Target(_)) => {
                self.builtin(Builtin::CarryOn)
            }
        }
    }

    fn offers(&self) -> &'a [Offer] {
        let Some(handoff) = self.c.handoff.as_ref() else {
            return &[];
        };
        let Some(tier) = self.m.names.tiers.get(&handoff.tier) else {
            return &[];
        };
        let machine: &'a flow_compiler::machine::Machine = self.m;
        machine
            .handoffs
            .iter()
            .filter(|h| h.tier == *tier)
            .nth(handoff.plan as usize)
            .map_or(&[], |plan| &plan.offers)
    }

    fn offer_buttons(&self, index: usize, offer: &Offer) -> Vec<OutButton> {
        let prefix = offer_prefix(index);
        offer
            .items
            .iter()
            .enumerate()
            .map(|(i, item)| OutButton {
                id: button_id(&prefix, i),
                label: self.offer_label(item),
            })
            .collect()
    }

    /// Buttons of the offers that were made and still stand.
    pub(crate) fn made_offer_buttons(&self) -> Vec<OutButton> {
        let Some(handoff) = self.c.handoff.as_ref().filter(|h| h.desk.waits()) else {
            return Vec::new();
        };
        let made = self
            .offers()
            .iter()
            .enumerate()
            .filter(|(i, _)| handoff.offered.contains(&index_u32(*i)));
        made.flat_map(|(i, offer)| self.offer_buttons(i, offer))
            .collect()
    }

    pub(super) fn made_offer(&self, prefix: &str, index: usize) -> Option<&'a OfferItem> {
        let handoff = self.c.handoff.as_ref().filter(|h| h.desk.waits())?;
        let (_, offer) = self.offers().iter().enumerate().find(|(i, _)| {
            handoff.offered.contains(&index_u32(*i)) && offer_prefix(*i) == prefix
        })?;
        offer.items.get(index)
    }

    pub(super) fn offer_by_label(&self, text: &str) -> Option<&'a OfferItem> {
        let handoff = self.c.handoff.as_ref()?;
        let made = self
            .offers()
            .iter()
            .enumerate()
            .filter(|(i, _)| handoff.offered.contains(&index_u32(*i)));
        let items: Vec<&OfferItem> = made.flat_map(|(_, offer)| &offer.items).collect();
        let labels: Vec<String> = items.iter().map(|item| self.offer_label(item)).collect();
        if text.trim().parse::<f64>().is_ok() {
            return None;
        }
        items.get(super::answers::among(&labels, text)?).copied()
    }

    /// Whether offers can be made: it waits in the queue, and nothing is asked.
    fn can_offer(&self) -> bool {
        let queued = self
            .c
            .handoff
            .as_ref()
            .is_some_and(|h| h.desk == crate::conversation::Desk::Queued);
        queued && matches!(self.c.main.at, At::Idle | At::Ended)
    }

    /// The offers that were not made yet.
    fn open_offers(&self) -> impl Iterator<Item = (u32, &'a Offer)> + use<'a> {
        let made = self
            .c
            .handoff
            .as_ref()
            .map(|h| h.offered.clone())
            .unwrap_or_default();
        self.offers()
            .iter()
            .enumerate()
            .map(|(index, offer)| (index_u32(index), offer))
            .filter(move |(index, _)| !made.contains(index))
    }

    /// When the next offer may be due by time alone.
    pub(super) fn next_offer(&self) -> Option<Timestamp> {
        if !self.can_offer() {
            return None;
        }
        self.open_offers()
            .filter_map(|(_, offer)| self.scope().next_moment(offer.when.as_ref()?))
            .min()
    }

    /// Makes the offers whose time has come, each once.
    pub(super) fn make_offers(&mut self) {
        if !self.can_offer() {
            return;
        }
        for (index, offer) in self.open_offers() {
            if !offer.when.as_ref().is_none_or(|when| self.holds(when)) {
                continue;
            }
            if let Some(handoff) = &mut self.c.handoff {
                handoff.offered.insert(index);
            }
            let (text, buttons) = (
                self.builtin(Builtin::Offer),
                self.offer_buttons(index as usize, offer),
            );
            self.send_with(MessageKind::Offer, text, buttons, Vec::new());
        }
    }

    /// The customer chose one.
    pub(super) fn take_offer(&mut self, item: &OfferItem) {
        match &item.kind {
            OfferKind::Callback(promise) => self.promise(FollowKind::Callback, promise.as_ref()),
            OfferKind::Ticket(promise) => self.promise(FollowKind::Ticket, promise.as_ref()),
            OfferKind::Stay => {
                self.say_builtin(MessageKind::Handoff, Builtin::Stayed);
                let tier = self
                    .c
                    .handoff
                    .as_ref()
                    .map(|h| h.tier.clone())
                    .unwrap_or_default();
                self.keep_quiet(tier, String::new());
                if self
                    .c
                    .handoff
                    .as_ref()
                    .is_some_and(|h| h.desk == crate::conversation::Desk::Away)
                {
                    self.queue_up(crate::conversation::Desk::Queued);
                }
                self.ask_required();
            }
            OfferKind::ContinueWith(tier) => self.continue_with(*tier, SmolStr::default()),
            OfferKind::Target(op) => {
                self.leave_queue("continued");
                self.enter_script();
                self.exec(*op);
            }
        }
    }

    /// Promises a ticket or a callback; asks for the address first if it is not known.
    fn promise(&mut self, kind: FollowKind, promise: Option<&Promise>) {
        let due = promise.and_then(|p| self.due(p));
        if self.contact(kind).is_none()
            && let Some(var) = self.contact_var(kind)
        {
            let pending = Pending::new(Ask::Contact {
                kind,
                var: var_name(self.m, var),
                due,
            });
            self.pose(&pending);
            if let Some(handoff) = &mut self.c.handoff {
                handoff.ask = Some(pending);
            }
            return;
        }
        self.keep_promise(kind, due);
    }

    /// Books it, leaves the queue and says good-bye.
    pub(super) fn keep_promise(&mut self, kind: FollowKind, due: Option<Timestamp>) {
        self.follow_up(kind, due, None);
        self.leave_queue("converted");
        self.close(false, "follow_up");
    }
}

fn offer_prefix(index: usize) -> SmolStr {
    short_hash(&format_smolstr!("offer {index}"))
}
