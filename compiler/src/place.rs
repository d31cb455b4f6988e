//! Where definitions stand.

use crate::env::{Def, Env, Item};
use crate::value::HoursId;
use flow_grammar::Loc;

impl Env {
    /// Where a definition's name stands; `None` for what is built in.
    pub(crate) fn place(&self, def: Def) -> Option<Loc> {
        let at = |items: &[Item], i: usize| items.get(i).map(|x| x.name_loc);
        match def {
            Def::Node(i) => at(&self.nodes, i.index()),
            Def::Slot(i) => self.slots.get(i.index()).map(|x| x.name_loc),
            Def::CustomerField(i) => self.customer.get(i.index()).map(|x| x.name_loc),
            Def::Enum(i) => self.enums.get(i.index()).map(|x| x.item.name_loc),
            Def::EnumValue(i, v) => self
                .enums
                .get(i.index())?
                .values
                .get(v as usize)
                .map(|x| x.1),
            Def::Record(i) => self.records.get(i.index()).map(|x| x.item.name_loc),
            Def::RecordField(i, f) => self
                .records
                .get(i.index())?
                .fields
                .get(f as usize)
                .map(|x| x.name_loc),
            Def::Tier(i) => self.tiers.get(i.index()).map(|x| x.name_loc),
            Def::Intent(i) => at(&self.intents, i.index()),
            Def::Text(i) => at(&self.texts, i.index()),
            Def::Rule(i) => at(&self.rules, i.index()),
            Def::Webhook(i) => self.webhooks.get(i.index()).map(|x| x.item.name_loc),
            Def::Hook(i) => self.hooks.get(i.index()).map(|x| x.item.name_loc),
            Def::Hours(HoursId(i)) => self.hours.get(i as usize)?.as_ref().map(|x| x.name_loc),
            Def::Team(i) => at(&self.teams, i.index()),
            Def::Segment(i) => at(&self.segments, i.index()),
            Def::Threshold(i) => self.thresholds.get(i.index()).map(|x| x.item.name_loc),
            Def::Knowledge(i) => at(&self.knowledge, i.index()),
            Def::Trigger(i) => at(&self.triggers, i as usize),
            Def::Faq(i) => at(&self.faqs, i as usize),
            Def::Alias(_) | Def::Local(..) => None,
        }
    }
}
