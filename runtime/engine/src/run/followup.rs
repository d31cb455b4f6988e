//! Tickets and callbacks: by when, to which address, and what the customer reads.

use super::Run;
use crate::builtin_texts::Builtin;
use crate::calendar::plus;
use crate::conversation::FollowKind;
use crate::effect::{Effect, FollowUp, MessageKind};
use flow_compiler::machine::{FieldDef, HandlerEvent, Promise, Var};
use flow_compiler::value::{FieldId, SlotId, TextId, Type, Value};
use jiff::Timestamp;
use smol_str::SmolStr;

impl Run<'_> {
    /// When a promise falls due.
    pub(super) fn due(&self, promise: &Promise) -> Option<Timestamp> {
        match promise.of.and_then(|hours| self.e.calendar(hours)) {
            Some(calendar) => calendar.add_open(self.now, promise.millis),
            None => plus(self.now, promise.millis),
        }
    }

    fn fits_kind(kind: FollowKind, def: &FieldDef) -> bool {
        match kind {
            FollowKind::Ticket => def.ty == Type::Email,
            FollowKind::Callback => def.ty == Type::Phone,
        }
    }

    /// All that could be an address: profile fields first (those that identify before others), then slots.
    fn contact_vars(&self, kind: FollowKind) -> impl Iterator<Item = Var> + '_ {
        let field =
            move |identifies: bool| {
                let defs =
                    self.m.customer.iter().enumerate().filter(move |(_, d)| {
                        Self::fits_kind(kind, d) && d.identifies == identifies
                    });
                defs.filter_map(|(i, _)| Some(Var::Customer(FieldId(u32::try_from(i).ok()?))))
            };
        let slots = self
            .m
            .slots
            .iter()
            .enumerate()
            .filter(move |(_, d)| Self::fits_kind(kind, d));
        field(true)
            .chain(field(false))
            .chain(slots.filter_map(|(i, _)| Some(Var::Slot(SlotId(u32::try_from(i).ok()?)))))
    }

    pub(super) fn contact_var(&self, kind: FollowKind) -> Option<Var> {
        self.contact_vars(kind).next()
    }

    /// The address and whether it is proven.
    pub(super) fn contact(&self, kind: FollowKind) -> Option<(SmolStr, bool)> {
        self.contact_vars(kind).find_map(|var| {
            let Value::Text(contact) = self.var(var) else {
                return None;
            };
            let proven = match var {
                Var::Customer(id) => self
                    .m
                    .customer_field(id)
                    .is_some_and(|d| self.c.proven.contains(&d.name)),
                Var::Slot(_) => false,
            };
            Some((contact, proven))
        })
    }

    /// The step `ticket ..` or `callback ..`.
    pub(super) fn follow_up_step(
        &mut self,
        kind: FollowKind,
        promise: Option<&Promise>,
        text: Option<TextId>,
    ) {
        let due = promise.and_then(|p| self.due(p));
        self.follow_up(kind, due, text);
    }

    pub(super) fn follow_up(
        &mut self,
        kind: FollowKind,
        due: Option<Timestamp>,
        text: Option<TextId>,
    ) {
        let (contact, proven) = self
            .contact(kind)
            .map_or((None, false), |(contact, proven)| (Some(contact), proven));
        let team = self
            .c
            .handoff
            .as_ref()
            .map(|h| h.team.clone())
            .filter(|team| !team.is_empty());
        let summary = self.e.summary(self.c, &self.scope());
        self.effects.push(Effect::FollowUp(FollowUp {
            kind: SmolStr::new_static(kind.as_str()),
            due,
            contact,
            proven,
            team,
            summary,
        }));
        if let Some(handoff) = &mut self.c.handoff {
            handoff.promised = true;
        }
        let language = SmolStr::new(self.scope().language());
        let said = match (text, due) {
            (Some(text), _) => self.render(text),
            (None, Some(due)) => {
                let by = Builtin::By.fill(&language, &self.scope().reader().moment(due), "");
                if kind == FollowKind::Ticket {
                    Builtin::TicketBy
                } else {
                    Builtin::CallbackBy
                }
                .fill(&language, &by, "")
            }
            (None, None) => if kind == FollowKind::Ticket {
                Builtin::TicketSoon
            } else {
                Builtin::CallbackSoon
            }
            .get(&language)
            .to_owned(),
        };
        self.remember_told(&said);
        self.send(MessageKind::Handoff, said);
        self.handlers(if kind == FollowKind::Ticket {
            HandlerEvent::Ticket
        } else {
            HandlerEvent::Callback
        });
    }
}
