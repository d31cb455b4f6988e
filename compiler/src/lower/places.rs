//! Stable names of the places where a conversation can wait.

use super::Lower;
use crate::machine::{CodeOwner, HandlerEvent, HandoffBlock, Op, OpKind, Var};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::borrow::Cow;

impl Lower<'_> {
    /// Names every place after its body, its kind and what it is about; a repetition is numbered in the order of the source.
    pub(super) fn name_places(&mut self) {
        let mut waiting: Vec<(u32, u32)> = Vec::with_capacity(self.out.places.len());
        for (i, op) in (0u32..).zip(&self.out.ops) {
            if let Some(place) = place_of(&op.kind) {
                waiting.push((place.0, i));
            }
        }
        waiting.sort_by_key(|(_, op)| {
            self.out
                .ops
                .get(*op as usize)
                .map(|o| (o.loc.decl, o.loc.span.start))
        });
        let mut seen: FxHashMap<SmolStr, u32> = FxHashMap::default();
        let mut base = String::new();
        for (place, op) in waiting {
            let Some(operation) = self.out.ops.get(op as usize) else {
                continue;
            };
            base.clear();
            self.owner_key(operation, &mut base);
            base.push('/');
            base.push_str(&self.subject(&operation.kind));
            let key = match seen.get_mut(base.as_str()) {
                Some(count) => {
                    *count += 1;
                    SmolStr::new(format!("{base} #{count}"))
                }
                None => {
                    let key = SmolStr::new(&base);
                    seen.insert(key.clone(), 1);
                    key
                }
            };
            if let Some(p) = self.out.places.get_mut(place as usize) {
                p.op = crate::value::OpId(op);
                p.key = key;
            }
        }
    }

    fn owner_key(&self, op: &Op, out: &mut String) {
        let Some(code) = self.out.codes.get(op.code.index()) else {
            return;
        };
        // Nearly all places are in nodes.
        if let CodeOwner::Node(id) = code.owner {
            out.push_str(
                self.env
                    .nodes
                    .get(id.index())
                    .map_or("", |n| n.name.as_str()),
            );
            return;
        }
        out.push_str(&self.other_owner(code.owner));
    }

    fn other_owner(&self, owner: CodeOwner) -> String {
        match owner {
            CodeOwner::Node(_) => String::new(),
            CodeOwner::Menu => "menu".into(),
            CodeOwner::Handler(i) => match self.out.handlers.get(i as usize).map(|h| h.event) {
                Some(HandlerEvent::Intent(id)) => format!(
                    "on intent {}",
                    self.env
                        .intents
                        .get(id.index())
                        .map_or("", |n| n.name.as_str())
                ),
                Some(HandlerEvent::Silence(ms)) => format!("on silence {ms}"),
                Some(other) => format!("on {}", format!("{other:?}").to_lowercase()),
                None => "on".into(),
            },
            CodeOwner::Handoff(i, block) => {
                let tier = self
                    .out
                    .handoffs
                    .get(i as usize)
                    .and_then(|h| self.env.tiers.get(h.tier.index()))
                    .map_or("", |t| t.name.as_str());
                format!("handoff {tier} {}", block_word(block))
            }
            CodeOwner::Trigger(i) => format!(
                "trigger {}",
                self.env
                    .triggers
                    .get(i as usize)
                    .map_or("", |t| t.name.as_str())
            ),
            CodeOwner::Band(id) => format!(
                "tier {}",
                self.env
                    .tiers
                    .get(id.index())
                    .map_or("", |t| t.name.as_str())
            ),
        }
    }

    fn var_name(&self, var: Var) -> String {
        match var {
            Var::Slot(id) => self
                .env
                .slots
                .get(id.index())
                .map(|s| s.name.to_string())
                .unwrap_or_default(),
            Var::Customer(id) => self
                .env
                .customer
                .get(id.index())
                .map(|f| format!("customer.{}", f.name))
                .unwrap_or_default(),
        }
    }

    fn subject(&self, kind: &OpKind) -> Cow<'static, str> {
        Cow::Borrowed(match kind {
            OpKind::Choose { .. } => "choose",
            OpKind::Confirm { .. } => "confirm",
            OpKind::Listen { .. } => "listen",
            OpKind::Attempt { .. } => "attempt",
            OpKind::Offer { .. } => "offer",
            other => return Cow::Owned(self.long_subject(other)),
        })
    }

    fn long_subject(&self, kind: &OpKind) -> String {
        match kind {
            OpKind::Ask { var, .. } => format!("ask {}", self.var_name(*var)),
            OpKind::Form { vars, .. } => format!(
                "form {}",
                vars.iter()
                    .map(|v| self.var_name(*v))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            OpKind::ChooseFrom { var, .. } => format!("choose {}", self.var_name(*var)),
            OpKind::ContinueWith { tier, .. } => format!(
                "continue with {}",
                self.env
                    .tiers
                    .get(tier.index())
                    .map_or("", |t| t.name.as_str())
            ),
            OpKind::Verify { field, .. } => {
                format!("verify {}", self.var_name(Var::Customer(*field)))
            }
            OpKind::Survey { kind, .. } => format!("survey {}", format!("{kind:?}").to_lowercase()),
            _ => String::new(),
        }
    }
}

const fn block_word(block: HandoffBlock) -> &'static str {
    match block {
        HandoffBlock::Full => "full",
        HandoffBlock::Closed => "closed",
        HandoffBlock::Unstaffed => "unstaffed",
        HandoffBlock::Resolved => "resolved",
        HandoffBlock::Returned => "returned",
        HandoffBlock::Offer => "offer",
    }
}

/// The place of an operation that waits.
pub(crate) const fn place_of(kind: &OpKind) -> Option<crate::value::PlaceId> {
    match kind {
        OpKind::Ask { question, .. }
        | OpKind::Form { question, .. }
        | OpKind::Choose { question, .. }
        | OpKind::ChooseFrom { question, .. }
        | OpKind::Confirm { question, .. }
        | OpKind::Listen { question, .. }
        | OpKind::Verify { question, .. }
        | OpKind::Survey { question, .. } => Some(question.place),
        OpKind::Attempt {
            question: Some(question),
            ..
        } => Some(question.place),
        OpKind::ContinueWith { place, .. } | OpKind::Offer { place, .. } => Some(*place),
        _ => None,
    }
}
