//! What a version reads from a place on. A checked program reads only what it has proven to be known; so whatever it can reach and read
//! without filling or testing it first must be known to a conversation that is moved there.
//!
//! This is liveness, computed backwards over the whole machine once for a version, so that a conversation that moves only looks up its
//! place. A visited body is summed up by what it reads and what it has filled whenever it returns (a distributive interprocedural
//! analysis by summaries: Reps, Horwitz, Sagiv, "Precise interprocedural dataflow analysis via graph reachability", 1995).

mod steps;

use super::{Stay, stay};
use crate::conversation::{Ask, At, Back, Conversation, Pending};
use crate::engine::Engine;
use crate::tables::var_name;
use flow_compiler::machine::{FieldDef, Machine, Op, OpKind, Var};
use flow_compiler::value::{CodeId, LocalId, OpId, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use steps::{read_at, ways};

/// Something that can be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Var(Var),
    Local(CodeId, LocalId),
}

/// Sorted, each once. Small: of everything a bot knows, few things are read before they are asked for.
type Facts = Vec<Fact>;

/// What holds from an operation to the end of its body.
#[derive(Debug, Clone, Default, PartialEq)]
struct Needs {
    /// Read on some way before it is filled or tested.
    reads: Facts,
    /// Filled or tested on every way to the end of the body; `None`: no way leads there.
    fills: Option<Facts>,
}

/// The needs of every operation at which a moved conversation can go on.
#[derive(Debug, Default)]
pub(crate) struct Demands {
    at: FxHashMap<OpId, Needs>,
}

impl Demands {
    pub(crate) fn new(m: &Machine) -> Self {
        let mut all = fixpoint(m);
        let mut at = FxHashMap::default();
        let mut keep = |op: OpId| {
            if let Some(needs) = all.get_mut(op.index()) {
                at.entry(op).or_insert_with(|| std::mem::take(needs));
            }
        };
        for place in &m.places {
            keep(place.op);
        }
        for op in &m.ops {
            if let OpKind::Visit { next, .. } = op.kind {
                keep(next);
            }
        }
        Self { at }
    }
}

/// The needs of every operation: the smallest reads and the largest fills that satisfy the equations of [`needs_of`].
fn fixpoint(m: &Machine) -> Vec<Needs> {
    let mut depend: Vec<Vec<OpId>> = m.ops.iter().map(|_| Vec::new()).collect();
    for (index, op) in m.ops.iter().enumerate() {
        let Ok(id) = u32::try_from(index) else {
            break;
        };
        each_used(m, op, &mut |used| {
            if let Some(list) = depend.get_mut(used.index()) {
                list.push(OpId(id));
            }
        });
    }
    let mut all: Vec<Needs> = m.ops.iter().map(|_| Needs::default()).collect();
    let mut waits: Vec<bool> = m.ops.iter().map(|_| true).collect();
    // Bodies are written forwards: from the back, most of what an operation depends on is done.
    let mut todo: Vec<OpId> = (0..m.ops.len())
        .filter_map(|i| u32::try_from(i).ok().map(OpId))
        .collect();
    while let Some(id) = todo.pop() {
        if let Some(waits) = waits.get_mut(id.index()) {
            *waits = false;
        }
        let Some(op) = m.op(id) else { continue };
        let needs = needs_of(m, op, &all);
        let Some(known) = all.get_mut(id.index()) else {
            continue;
        };
        if *known == needs {
            continue;
        }
        *known = needs;
        for other in depend.get(id.index()).into_iter().flatten() {
            if let Some(waits) = waits.get_mut(other.index())
                && !std::mem::replace(waits, true)
            {
                todo.push(*other);
            }
        }
    }
    all
}

fn each_used(m: &Machine, op: &Op, use_it: &mut dyn FnMut(OpId)) {
    match &op.kind {
        OpKind::Visit { node, next } => {
            use_it(*next);
            if let Some(node) = m.node(*node) {
                use_it(node.entry);
            }
        }
        OpKind::Goto { node } => {
            if let Some(node) = m.node(*node) {
                use_it(node.entry);
            }
        }
        _ => ways(m, op, &mut |to, _| use_it(to)),
    }
}

fn needs_of(m: &Machine, op: &Op, all: &[Needs]) -> Needs {
    let none = Needs::default();
    let at = |id: OpId| all.get(id.index()).unwrap_or(&none);
    let mut out = Needs {
        reads: read_at(m, op),
        fills: None,
    };
    match &op.kind {
        OpKind::Back | OpKind::Finish => out.fills = Some(Facts::new()),
        // An arrow forgets whoever visited.
        OpKind::Goto { node } => {
            if let Some(node) = m.node(*node) {
                add(&mut out.reads, &at(node.entry).reads);
            }
        }
        OpKind::Visit { node, next } => {
            let Some(body) = m.node(*node).map(|n| at(n.entry)) else {
                return out;
            };
            add(&mut out.reads, &body.reads);
            if let Some(filled) = &body.fills {
                let after = at(*next);
                add(&mut out.reads, &without(&after.reads, filled));
                out.fills = after.fills.as_ref().map(|fills| {
                    let mut fills = fills.clone();
                    add(&mut fills, filled);
                    fills
                });
            }
        }
        _ => ways(m, op, &mut |to, filled| {
            let after = at(to);
            add(&mut out.reads, &without(&after.reads, filled));
            if let Some(fills) = &after.fills {
                let mut fills = fills.clone();
                add(&mut fills, filled);
                match &mut out.fills {
                    Some(common) => common.retain(|f| fills.binary_search(f).is_ok()),
                    None => out.fills = Some(fills),
                }
            }
        }),
    }
    out
}

fn sorted(mut facts: Facts) -> Facts {
    facts.sort_unstable();
    facts.dedup();
    facts
}

fn add(to: &mut Facts, more: &[Fact]) {
    if more.iter().any(|f| to.binary_search(f).is_err()) {
        to.extend_from_slice(more);
        to.sort_unstable();
        to.dedup();
    }
}

fn without(facts: &[Fact], gone: &[Fact]) -> Facts {
    facts
        .iter()
        .filter(|f| gone.binary_search(f).is_err())
        .copied()
        .collect()
}

/// Checks that nothing unknown is read.
pub(super) fn known(new: &Engine, c: &Conversation) -> Result<(), Stay> {
    let m = new.machine();
    let of = |p: &Pending| match &p.ask {
        Ask::Place(key) => place(m, key),
        _ => None,
    };
    let asked = match &c.main.at {
        At::Question(p) => of(p),
        _ => None,
    };
    let held = c.held.as_ref().and_then(|key| place(m, key));
    let mut check = Check {
        m,
        c,
        demands: &new.arrivals().demands,
        filled: Vec::new(),
    };
    let mut returns = true;
    for op in [asked, held].into_iter().flatten() {
        // Either may be the one that goes on: what only one of them fills may be unknown afterwards.
        check.filled.clear();
        returns = check.goes_on_at(op)?;
    }
    if asked.is_some() && held.is_some() {
        check.filled.clear();
        returns = true;
    }
    for frame in c.main.frames.iter().rev() {
        if !returns {
            break;
        }
        let op = match &frame.back {
            Back::Visit(key) => new
                .tables
                .visits
                .get(key)
                .and_then(|op| m.op(*op))
                .and_then(|op| match op.kind {
                    OpKind::Visit { next, .. } => Some(next),
                    _ => None,
                }),
            Back::Question(p) => of(p),
            Back::Idle => None,
        };
        if let Some(op) = op {
            returns = check.goes_on_at(op)?;
        }
    }
    Ok(())
}

fn place(m: &Machine, key: &str) -> Option<OpId> {
    let id = m.names.places.get(key)?;
    m.place(*id).map(|p| p.op)
}

struct Check<'a> {
    m: &'a Machine,
    c: &'a Conversation,
    demands: &'a Demands,
    /// What the bodies before this one have filled.
    filled: Vec<&'a Facts>,
}

impl Check<'_> {
    /// Whether the body of this operation can return to whoever visited it.
    fn goes_on_at(&mut self, op: OpId) -> Result<bool, Stay> {
        let Some(needs) = self.demands.at.get(&op) else {
            return Ok(true);
        };
        let missing = needs.reads.iter().find(|fact| {
            !self
                .filled
                .iter()
                .any(|filled| filled.binary_search(fact).is_ok())
                && self.unknown(**fact)
        });
        if let Some(fact) = missing {
            return stay(format!(
                "the new version reads `{}`, which this conversation does not know",
                self.name(*fact)
            ));
        }
        self.filled.extend(&needs.fills);
        Ok(needs.fills.is_some())
    }

    fn unknown(&self, fact: Fact) -> bool {
        let missing = |def: Option<&FieldDef>, values: &BTreeMap<SmolStr, Value>| {
            def.is_some_and(|d| d.default.is_none() && !values.contains_key(&d.name))
        };
        match fact {
            Fact::Var(Var::Slot(id)) => missing(self.m.slot(id), &self.c.slots),
            Fact::Var(Var::Customer(id)) => missing(self.m.customer_field(id), &self.c.customer),
            Fact::Local(..) => {
                let name = self.name(fact);
                let main = &self.c.main;
                !main.locals.contains_key(&name)
                    && !main.frames.iter().any(|f| f.locals.contains_key(&name))
            }
        }
    }

    fn name(&self, fact: Fact) -> SmolStr {
        match fact {
            Fact::Var(var) => var_name(self.m, var),
            Fact::Local(code, local) => self
                .m
                .code(code)
                .and_then(|c| c.locals.get(local.index()))
                .map(|d| d.name.clone())
                .unwrap_or_default(),
        }
    }
}
