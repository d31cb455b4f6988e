//! Moving a running conversation to another version of the bot: only where it waits at a place that the new version also has, with
//! values that still fit, and with everything known that the new version reads from there on.

mod demands;
mod names;

use crate::conversation::{Ask, At, Back, Conversation, Desk, Frame, Pending, Thread};
use crate::engine::Engine;
use crate::prompt::is_of;
use crate::view;
use demands::Demands;
use flow_compiler::machine::{FieldDef, Machine, OpKind};
use flow_compiler::value::Value;
use names::Renames;
use smol_str::{SmolStr, ToSmolStr};
use std::collections::BTreeMap;

/// Why a conversation stays in its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// In words.
    pub reason: String,
}

impl std::fmt::Display for Stay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Stay {}

fn stay<T>(reason: impl Into<String>) -> Result<T, Stay> {
    Err(Stay {
        reason: reason.into(),
    })
}

/// What a version is asked about each conversation that comes to it from another one: computed once.
#[derive(Debug)]
pub(crate) struct Arrivals {
    renames: Renames,
    demands: Demands,
}

impl Arrivals {
    pub(crate) fn new(m: &Machine) -> Self {
        Self {
            renames: Renames::new(m),
            demands: Demands::new(m),
        }
    }
}

pub(crate) fn can_move(old: &Engine, new: &Engine, c: &Conversation) -> Result<Conversation, Stay> {
    let m = new.machine();
    let mut moved = c.clone();
    moved.version = m.version.clone();
    if c.opened.is_none() {
        return Ok(moved);
    }
    if matches!(c.main.at, At::Call { .. } | At::Profile { .. })
        || !c.calls.is_empty()
        || !c.deferred.is_empty()
        || !c.side.is_empty()
    {
        return stay("it waits for a webhook");
    }
    if c.model.request != 0 || !c.model.wanted.is_empty() {
        return stay("it waits for a model");
    }
    if !m.bot.channels.is_empty() && !m.bot.channels.contains(&c.channel) {
        return stay(format!("the channel `{}` is gone", c.channel));
    }
    let renames = &new.arrivals().renames;
    same_tier(old, new, &c.tier)?;
    let slot = |name: &str| m.slot(*m.names.slots.get(&renames.var(name))?);
    let field = |name: &str| m.customer_field(*m.names.customer.get(&renames.field(name))?);
    moved.slots = values(m, slot, &c.slots, "slot")?;
    moved.customer = values(m, field, &c.customer, "customer field")?;
    moved.proven = c
        .proven
        .iter()
        .map(|name| renames.field(name))
        .filter(|name| moved.customer.contains_key(name))
        .collect();
    moved.offered = c
        .offered
        .iter()
        .map(|(name, value)| (renames.var(name), value.clone()))
        .filter(|(name, _)| crate::tables::var_of(m, name).is_some())
        .collect();
    moved.held = c
        .held
        .as_ref()
        .map(|key| place(renames, new, key))
        .transpose()?;
    moved.main = thread(renames, old, new, c)?;
    if let Some(pending) = &c.model.ask {
        moved.model.ask = Some(Box::new(pending_of(renames, old, new, c, pending)?));
    }
    people(renames, old, new, c, &mut moved)?;
    demands::known(new, &moved)?;
    Ok(moved)
}

fn same_tier(old: &Engine, new: &Engine, name: &SmolStr) -> Result<(), Stay> {
    let kind = |e: &Engine| {
        e.machine()
            .names
            .tiers
            .get(name)
            .and_then(|id| e.machine().tier(*id))
            .map(|t| t.kind)
    };
    match kind(new) {
        None => stay(format!("the tier `{name}` is gone")),
        found if found != kind(old) => stay(format!("the tier `{name}` is of another kind")),
        Some(_) => Ok(()),
    }
}

/// Values under their new names, if they fit their new types.
fn values<'m>(
    m: &'m Machine,
    def_of: impl Fn(&str) -> Option<&'m FieldDef>,
    values: &BTreeMap<SmolStr, Value>,
    what: &str,
) -> Result<BTreeMap<SmolStr, Value>, Stay> {
    let mut out = BTreeMap::new();
    for (name, value) in values {
        // What the new version no longer has is forgotten.
        let Some(def) = def_of(name) else { continue };
        match converted(m, value, def) {
            Some(value) => out.insert(def.name.clone(), value),
            None => {
                return stay(format!(
                    "the {what} `{name}` holds a value that no longer fits"
                ));
            }
        };
    }
    Ok(out)
}

/// A value as its new type has it: the same, or written as text.
fn converted(m: &Machine, value: &Value, def: &FieldDef) -> Option<Value> {
    use flow_compiler::value::Type;
    let fits_pattern = |value: &Value| match (&def.matching, value) {
        (Some(pattern), Value::Text(text)) => pattern.regex.is_match(text),
        _ => true,
    };
    if is_of(m, value, &def.ty) {
        return fits_pattern(value).then(|| value.clone());
    }
    match (&def.ty, value) {
        (Type::Text, Value::Enum(name)) => Some(Value::Text(name.clone())).filter(fits_pattern),
        (Type::Text, Value::Number(n)) => Some(Value::Text(n.to_smolstr())).filter(fits_pattern),
        (Type::Enum(id), Value::Text(name)) => m
            .enum_def(*id)?
            .values
            .contains(name)
            .then(|| Value::Enum(name.clone())),
        (Type::List(of), value) if is_of(m, value, of) => {
            Some(Value::List(std::sync::Arc::new(vec![value.clone()])))
        }
        _ => None,
    }
}

fn place(renames: &Renames, new: &Engine, key: &str) -> Result<SmolStr, Stay> {
    if key.is_empty() {
        return Ok(SmolStr::default());
    }
    let renamed = renames.key(key);
    if new.machine().names.places.contains_key(&renamed) {
        Ok(renamed)
    } else {
        stay(format!("the place `{key}` is gone"))
    }
}

fn op_at<'e>(e: &'e Engine, key: &str) -> Option<&'e OpKind> {
    let place = e
        .machine()
        .names
        .places
        .get(key)
        .and_then(|id| e.machine().place(*id))?;
    e.machine().op(place.op).map(|op| &op.kind)
}

fn pending_of(
    renames: &Renames,
    old: &Engine,
    new: &Engine,
    c: &Conversation,
    pending: &Pending,
) -> Result<Pending, Stay> {
    let mut moved = pending.clone();
    moved.var = pending.var.as_ref().map(|v| renames.var(v));
    match &pending.ask {
        Ask::Place(key) => {
            let renamed = place(renames, new, key)?;
            let same = match (op_at(old, key), op_at(new, &renamed)) {
                (Some(a), Some(b)) => std::mem::discriminant(a) == std::mem::discriminant(b),
                _ => false,
            };
            if !same {
                return stay(format!("the place `{key}` waits for something else"));
            }
            moved.ask = Ask::Place(renamed);
        }
        Ask::Required(var) => moved.ask = Ask::Required(renames.var(var)),
        Ask::Contact { kind, var, due } => {
            moved.ask = Ask::Contact {
                kind: *kind,
                var: renames.var(var),
                due: *due,
            }
        }
        Ask::Helped(_) | Ask::Consent(_) => {}
        Ask::Climb(tier) => same_tier(old, new, tier)?,
    }
    if let Some(var) = &moved.var
        && crate::tables::var_of(new.machine(), var).is_none()
    {
        return stay(format!("`{var}`, which is being asked for, is gone"));
    }
    // Buttons in sight must still mean the same.
    if view::labels(old, c, pending) != view::labels(new, c, &moved) {
        return stay("the buttons in sight have changed");
    }
    Ok(moved)
}

fn node(renames: &Renames, new: &Engine, name: Option<&SmolStr>) -> Result<Option<SmolStr>, Stay> {
    let Some(name) = name else { return Ok(None) };
    let renamed = renames.node(name);
    if new.machine().names.nodes.contains_key(&renamed) {
        Ok(Some(renamed))
    } else {
        stay(format!("the node `{name}` is gone"))
    }
}

fn thread(renames: &Renames, old: &Engine, new: &Engine, c: &Conversation) -> Result<Thread, Stay> {
    let main = &c.main;
    let at = match &main.at {
        At::Question(pending) => At::Question(Box::new(pending_of(renames, old, new, c, pending)?)),
        other => other.clone(),
    };
    let frames = main.frames.iter().map(|frame| {
        let back = match &frame.back {
            Back::Visit(key) => {
                let renamed = renames.key(key);
                if !new.tables.visits.contains_key(&renamed) {
                    return stay(format!("it would return to `{key}`, which is gone"));
                }
                Back::Visit(renamed)
            }
            Back::Question(pending) => {
                Back::Question(Box::new(pending_of(renames, old, new, c, pending)?))
            }
            Back::Idle => Back::Idle,
        };
        Ok(Frame {
            back,
            locals: frame.locals.clone(),
            node: node(renames, new, frame.node.as_ref())?,
        })
    });
    let needs_node = c.closed.is_none() && c.handoff.is_none();
    let current = node(renames, new, main.node.as_ref());
    Ok(Thread {
        frames: frames.collect::<Result<_, _>>()?,
        locals: main.locals.clone(),
        node: if needs_node {
            current?
        } else {
            current.unwrap_or(None)
        },
        at,
        handler: main.handler.clone(),
    })
}

fn people(
    renames: &Renames,
    old: &Engine,
    new: &Engine,
    c: &Conversation,
    moved: &mut Conversation,
) -> Result<(), Stay> {
    let (Some(handoff), Some(target)) = (c.handoff.as_deref(), moved.handoff.as_deref_mut()) else {
        return Ok(());
    };
    let m = new.machine();
    same_tier(old, new, &handoff.tier)?;
    if !m.teams.is_empty() && !m.names.teams.contains_key(&handoff.team) {
        return stay(format!("the team `{}` is gone", handoff.team));
    }
    let plans = |e: &Engine| {
        let tier = e.machine().names.tiers.get(&handoff.tier).copied();
        e.machine()
            .handoffs
            .iter()
            .filter(|h| Some(h.tier) == tier)
            .map(|h| h.offers.len())
            .collect::<Vec<_>>()
    };
    if plans(old) != plans(new) && !matches!(handoff.desk, Desk::With { .. }) {
        return stay("its handoff has changed while it waits");
    }
    if plans(new).len() <= handoff.plan as usize {
        target.plan = u32::try_from(plans(new).len().saturating_sub(1)).unwrap_or(0);
    }
    if let Some(pending) = &handoff.ask {
        target.ask = Some(Box::new(pending_of(renames, old, new, c, pending)?));
    }
    target.skipped = handoff.skipped.iter().map(|v| renames.var(v)).collect();
    Ok(())
}
