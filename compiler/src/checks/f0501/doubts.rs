//! Where something is read that is not surely known.

use crate::checks::support::analysis::Analysis;
use crate::checks::support::known::{Bits, FactId, Knowledge};
use crate::checks::support::walk::{
    each_expr, each_interpolation, has_interpolation, texts_outside_ops,
};
use crate::machine::{Expr, ExprKind, Machine, Op, OpKind, Var};
use crate::value::{CodeId, OpId, TextId};
use rustc_hash::FxHashSet;

/// A read of what can be unknown.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) expr: &'a Expr,
    /// What would have to be known, if the analysis tells it apart.
    pub(super) fact: Option<FactId>,
    /// The text's name, where the read stands in a named text.
    pub(super) text: Option<String>,
}

/// A read of what can be unknown, and where it is done.
#[derive(Debug)]
pub(crate) struct Doubt<'a> {
    pub(super) read: Read<'a>,
    /// The operation that reads; absent for what stands outside all bodies.
    pub(super) at: Option<(OpId, CodeId)>,
}

impl Doubt<'_> {
    /// What would have to be known, and in which body.
    pub(crate) fn fact(&self) -> Option<(Option<CodeId>, FactId)> {
        Some((self.at.map(|(_, code)| code), self.read.fact?))
    }
}

/// All reads of what can be unknown.
pub(crate) fn doubts<'a>(cx: &Analysis<'a>, known: &Knowledge) -> Vec<Doubt<'a>> {
    let mut out = Vec::new();
    for (id, op) in (0u32..).map(OpId).zip(&cx.machine.ops) {
        if let Some(bits) = known.before(id) {
            let at = Some((id, op.code));
            let reads = reads_of(cx, known, id, op, bits);
            out.extend(reads.into_iter().map(|read| Doubt { read, at }));
        }
    }
    for (text, bits) in outside(cx, known) {
        let reads = reads_of_text(cx, known, None, text, &bits);
        out.extend(reads.into_iter().map(|read| Doubt { read, at: None }));
    }
    out
}

/// The texts that are said outside all bodies, and what is known there.
fn outside(cx: &Analysis<'_>, known: &Knowledge) -> Vec<(TextId, Bits)> {
    let machine = cx.machine;
    let nothing = known.nothing();
    let conditional = conditional(machine);
    let own: FxHashSet<TextId> = conditional.iter().map(|(text, _)| *text).collect();
    let mut outside: Vec<(TextId, Bits)> = Vec::new();
    // The question of a slot is read where it is asked; only a handoff asks for what it requires at any time.
    let asked: FxHashSet<TextId> = machine
        .slots
        .iter()
        .chain(&machine.customer)
        .filter_map(|f| f.ask)
        .collect();
    texts_outside_ops(machine, &mut |text, _| {
        if !asked.contains(&text) && !own.contains(&text) {
            outside.push((text, nothing.clone()));
        }
    });
    for (text, conditions) in conditional {
        let mut bits = nothing.clone();
        for (cond, holds) in conditions {
            known.where_said(machine, cond, holds, &mut bits);
        }
        outside.push((text, bits));
    }
    let required = machine.handoffs.iter().flat_map(|h| &h.require);
    outside.extend(
        required.filter_map(|(var, _)| Some((field(machine, *var)?.ask?, nothing.clone()))),
    );
    outside
}

/// Conditions, and whether they hold or do not.
type Conditions<'m> = Vec<(&'m Expr, bool)>;

fn holds(cond: Option<&Expr>) -> Conditions<'_> {
    cond.map(|cond| (cond, true)).into_iter().collect()
}

/// Texts of rules, handoffs and reminders with what is so when they are said.
fn conditional(machine: &Machine) -> Vec<(TextId, Conditions<'_>)> {
    let mut out = Vec::new();
    for rule in &machine.rules {
        let mut conditions = vec![(&rule.when, true)];
        conditions.extend(rule.unless.iter().map(|unless| (unless, false)));
        let texts = rule.say.iter().chain(&rule.because);
        out.extend(texts.map(|t| (*t, conditions.clone())));
    }
    for handoff in &machine.handoffs {
        let updates = handoff.update.iter().filter_map(|(_, t)| t.as_ref());
        let texts = handoff.say.iter().chain(&handoff.connected).chain(updates);
        out.extend(texts.map(|t| (*t, holds(handoff.when.as_ref()))));
    }
    for reminder in &machine.assist.reminders {
        out.push((reminder.text, holds(reminder.when.as_ref())));
    }
    for (text, cond) in &machine.assist.alerts {
        out.push((*text, holds(cond.as_ref())));
    }
    out
}

fn reads_of<'a>(
    cx: &Analysis<'a>,
    known: &Knowledge,
    id: OpId,
    op: &'a Op,
    bits: &Bits,
) -> Vec<Read<'a>> {
    let machine = cx.machine;
    let mut out = Vec::new();
    let mut push = |expr: &'a Expr| {
        known.unknown_reads(machine, Some(op.code), expr, bits, &mut |expr, fact| {
            out.push(Read {
                expr,
                fact,
                text: None,
            })
        });
    };
    match &op.kind {
        OpKind::Set { value, .. } => push(value),
        OpKind::Call { webhook, args, .. } => {
            for (i, arg) in args.iter().enumerate() {
                let optional = machine
                    .webhook(*webhook)
                    .and_then(|w| w.params.get(i))
                    .is_some_and(|p| p.optional);
                if !optional {
                    push(arg);
                }
            }
        }
        _ => {}
    }
    let mut texts: Vec<TextId> = cx.reads().filled_of(id).collect();
    match &op.kind {
        OpKind::Ask { var, question, .. } if question.text.is_none() => {
            texts.extend(field(machine, *var).and_then(|f| f.ask))
        }
        // A form asks for one thing after the other: what stands before is known.
        OpKind::Form { vars, .. } => {
            let mut bits = bits.clone();
            for var in vars {
                if let Some(text) = field(machine, *var).and_then(|f| f.ask) {
                    out.extend(reads_of_text(cx, known, Some(op.code), text, &bits));
                }
                known.learn(*var, &mut bits);
            }
        }
        // As a step a rule's conditions are ignored, so they tell nothing of its texts.
        OpKind::Escalate(spec) => {
            let rule = spec.rule.and_then(|id| machine.rule(id));
            texts.extend(rule.iter().flat_map(|r| r.say.iter().chain(&r.because)));
        }
        _ => {}
    }
    if matches!(op.kind, OpKind::Set { .. } | OpKind::Call { .. }) {
        for value in cx.reads().values_of(id) {
            each_expr(machine, value, &mut |e| {
                if let ExprKind::Text(text) = e.kind {
                    texts.push(text);
                }
            });
        }
    }
    for text in texts {
        if has_interpolation(machine, text) {
            out.extend(reads_of_text(cx, known, Some(op.code), text, bits));
        }
    }
    out
}

pub(super) fn field(machine: &Machine, var: Var) -> Option<&crate::machine::FieldDef> {
    match var {
        Var::Slot(id) => machine.slot(id),
        Var::Customer(id) => machine.customer_field(id),
    }
}

fn reads_of_text<'a>(
    cx: &Analysis<'a>,
    known: &Knowledge,
    code: Option<CodeId>,
    text: TextId,
    bits: &Bits,
) -> Vec<Read<'a>> {
    let machine = cx.machine;
    let mut out = Vec::new();
    let name = machine
        .text(text)
        .and_then(|t| t.name.as_ref())
        .map(ToString::to_string);
    let mut seen = FxHashSet::default();
    let mut exprs = Vec::new();
    each_interpolation(machine, text, &mut |e| exprs.push(e));
    for expr in exprs {
        known.unknown_reads(machine, code, expr, bits, &mut |expr, fact| {
            // A named text reads the same thing in every language: once is enough.
            if name.is_none() || fact.is_none_or(|fact| seen.insert(fact)) {
                out.push(Read {
                    expr,
                    fact,
                    text: name.clone(),
                });
            }
        });
    }
    out
}
