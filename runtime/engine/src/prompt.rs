//! What a model is told: only what its tier shares.

use crate::card::Line;
use crate::conversation::Conversation;
use crate::effect::PromptLine;
use crate::engine::Engine;
use crate::eval::Scope;
use crate::{Recorded, transcript};
use flow_compiler::machine::{FieldDef, Machine, Shared, Tier};
use flow_compiler::value::{FieldId, SlotId, Type, Value};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lines of history at most that a model is told.
pub const PROMPT_LINES: usize = 30;
/// Private texts shorter than this are not looked for in messages: they would hide half of every sentence.
const SHORT: usize = 3;

/// Hides private values that a tier does not share.
pub(crate) struct Redactor<'a> {
    engine: &'a Engine,
    tier: &'a Tier,
    hidden: Vec<(String, String)>,
}

impl<'a> Redactor<'a> {
    pub(crate) fn new(engine: &'a Engine, c: &Conversation, tier: &'a Tier) -> Self {
        let m = engine.machine();
        let mut hidden = Vec::new();
        let mut hide = |def: &FieldDef, value: Option<&Value>, shared: bool| {
            if let Some(Value::Text(text)) = value
                && def.private
                && !shared
                && text.chars().count() >= SHORT
            {
                hidden.push((text.to_string(), format!("[{}]", def.name)));
            }
        };
        for (index, def) in m.customer.iter().enumerate() {
            hide(
                def,
                c.customer.get(&def.name),
                tier.shares
                    .contains(&Shared::Customer(FieldId(crate::tables::index_u32(index)))),
            );
        }
        for (index, def) in m.slots.iter().enumerate() {
            hide(
                def,
                c.slots.get(&def.name),
                tier.shares
                    .contains(&Shared::Slot(SlotId(crate::tables::index_u32(index)))),
            );
        }
        hidden.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self {
            engine,
            tier,
            hidden,
        }
    }

    /// A text without them.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (private, mark) in &self.hidden {
            out = replace_ignoring_case(&out, private, mark);
        }
        out
    }

    /// Known values that the model may read.
    pub(crate) fn facts(&self, scope: &Scope<'_>) -> BTreeMap<SmolStr, Value> {
        let m = self.engine.machine();
        let mut facts = BTreeMap::new();
        for (index, def) in m.slots.iter().enumerate() {
            let id = SlotId(crate::tables::index_u32(index));
            if !def.private || self.tier.shares.contains(&Shared::Slot(id)) {
                facts.insert(def.name.clone(), scope.slot(id));
            }
        }
        for (index, def) in m.customer.iter().enumerate() {
            let id = FieldId(crate::tables::index_u32(index));
            if !def.private || self.tier.shares.contains(&Shared::Customer(id)) {
                facts.insert(format_smolstr!("customer.{}", def.name), scope.field(id));
            }
        }
        facts.retain(|_, value| value.is_known() && !matches!(value, Value::File(_)));
        // A copy of a private text is as private as the text.
        for value in facts.values_mut() {
            self.hide(value);
        }
        facts
    }

    fn hide(&self, value: &mut Value) {
        match value {
            Value::Text(text) => *text = self.text(text).into(),
            Value::List(items) if !self.hidden.is_empty() => {
                Arc::make_mut(items).iter_mut().for_each(|v| self.hide(v))
            }
            Value::Record(fields) if !self.hidden.is_empty() => Arc::make_mut(fields)
                .values_mut()
                .for_each(|v| self.hide(v)),
            _ => {}
        }
    }
}

fn replace_ignoring_case(text: &str, private: &str, mark: &str) -> String {
    let (lower, wanted) = (text.to_lowercase(), private.to_lowercase());
    if lower.len() != text.len() || wanted.is_empty() {
        return text.replace(private, mark);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = lower.get(from..).and_then(|rest| rest.find(&wanted)) {
        let start = from + found;
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(mark);
        from = start + wanted.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// The conversation before the question, newest last.
pub(crate) fn history(
    engine: &Engine,
    c: &Conversation,
    tier: &str,
    history: &[Recorded],
) -> Vec<PromptLine> {
    let m = engine.machine();
    let Some(tier) = m
        .names
        .tiers
        .get(tier)
        .and_then(|id| m.tier(*id))
        .filter(|t| t.shares_transcript)
    else {
        return Vec::new();
    };
    let redact = Redactor::new(engine, c, tier);
    let mut lines = transcript(history);
    // The customer's last words are the question itself.
    while lines.last().is_some_and(|l| l.who == "customer") {
        lines.pop();
    }
    let who = |line: &Line| match line.who.as_str() {
        "customer" => Some("customer"),
        "bot" | "model" => Some("assistant"),
        "agent" => Some("agent"),
        _ => None,
    };
    let told = lines.iter().filter_map(|line| {
        Some(PromptLine {
            who: SmolStr::new_static(who(line)?),
            text: redact.text(&line.text),
        })
    });
    let told: Vec<PromptLine> = told.collect();
    let skip = told.len().saturating_sub(PROMPT_LINES);
    told.into_iter().skip(skip).collect()
}

/// Whether a value is of a type.
pub(crate) fn is_of(m: &Machine, value: &Value, ty: &Type) -> bool {
    match (ty, value) {
        (Type::Text, Value::Text(_))
        | (Type::Number, Value::Number(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Percent, Value::Percent(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Date, Value::Date(_))
        | (Type::Time, Value::Time(_))
        | (Type::DateTime, Value::DateTime(_))
        | (Type::Money, Value::Money(_))
        | (Type::Email | Type::Phone | Type::Url, Value::Text(_))
        | (Type::File, Value::File(_))
        | (Type::Domain(_), Value::Enum(_))
        | (Type::Customer, Value::Record(_))
        | (Type::Error, _) => true,
        (Type::Enum(id), Value::Enum(name)) => {
            m.enum_def(*id).is_some_and(|def| def.values.contains(name))
        }
        (Type::Record(id), Value::Record(fields)) => m.record_def(*id).is_some_and(|def| {
            def.fields
                .iter()
                .all(|f| match fields.get(&f.name).filter(|v| v.is_known()) {
                    Some(value) => is_of(m, value, &f.ty),
                    None => f.optional,
                })
        }),
        (Type::List(of), Value::List(items)) => items.iter().all(|item| is_of(m, item, of)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_text_is_hidden_wherever_it_stands() {
        assert_eq!(
            replace_ignoring_case("mail ANA@x.com or ana@X.com", "ana@x.com", "[email]"),
            "mail [email] or [email]"
        );
        assert_eq!(replace_ignoring_case("nothing", "ana", "[name]"), "nothing");
    }
}
