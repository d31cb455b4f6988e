//! Steps behind one that always leaves: nothing leads to them either.

use crate::checks::support::analysis::Analysis;
use crate::checks::support::returns::takes_all;
use crate::checks::support::syntax;
use crate::machine::{Machine, OpKind};
use flow_grammar::ast::Step;
use flow_grammar::{Diagnostic, Loc, Span};
use rustc_hash::FxHashMap;

/// Where operations of a declaration stand, in the order of the text, and whether a conversation can come there.
type Places = Vec<(Span, bool)>;

pub(super) fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let (machine, flow) = (cx.machine, cx.flow());
    let mut places: FxHashMap<u32, Places> = FxHashMap::default();
    // Of a node that nothing leads to it is enough to say so.
    let entered = |op: &crate::machine::Op| !flow.ops(op.code).is_empty();
    for (op, reachable) in machine.ops.iter().zip(&flow.reachable) {
        if !reachable && !matches!(op.kind, OpKind::Finish) && entered(op) {
            places.entry(op.loc.decl).or_default();
        }
    }
    if places.is_empty() {
        return;
    }
    for (op, reachable) in machine.ops.iter().zip(&flow.reachable) {
        if let Some(places) = places.get_mut(&op.loc.decl) {
            places.push((op.loc.span, *reachable));
        }
    }
    let mut decls: Vec<(u32, Places)> = places.into_iter().collect();
    decls.sort_unstable_by_key(|(decl, _)| *decl);
    for (decl, mut places) in decls {
        places.sort_unstable_by_key(|(span, _)| span.start);
        let Some(tree) = syntax::decl(cx.sources, decl) else {
            continue;
        };
        for body in syntax::bodies(tree) {
            let behind = body.steps.windows(2).find_map(|pair| match pair {
                [leaves, next] => (comes_to(&places, leaves.span) == Some(true)
                    && comes_to(&places, next.span) == Some(false)
                    && !falls_through(machine, Loc::new(decl, leaves.span)))
                .then_some((leaves, next)),
                _ => None,
            });
            if let Some((leaves, next)) = behind {
                found.push(report(cx, decl, leaves, next));
            }
        }
    }
}

/// Whether a conversation comes to something that stands there; absent if nothing does that is carried out.
fn comes_to(places: &Places, at: Span) -> Option<bool> {
    let from = places.partition_point(|(span, _)| span.start < at.start);
    let within = places
        .iter()
        .skip(from)
        .take_while(|(span, _)| span.start < at.end);
    within
        .map(|(_, reachable)| *reachable)
        .reduce(|a, b| a || b)
}

/// Whether a `match` there may have left values out: that is told (F0303), and with them it goes on to what follows.
fn falls_through(machine: &Machine, step: Loc) -> bool {
    machine
        .ops
        .iter()
        .filter(|op| op.loc.decl == step.decl && step.span.start <= op.loc.span.start && op.loc.span.start < step.span.end)
        .any(|op| matches!(&op.kind, OpKind::Match { subject, arms, .. } if !takes_all(machine, subject, arms)))
}

fn report(cx: &Analysis<'_>, decl: u32, leaves: &Step, next: &Step) -> Diagnostic {
    let at = |step: &Step| cx.line(Loc::new(decl, step.span));
    Diagnostic::warning("F0401", "nothing leads to this step", at(next))
        .labelled("never carried out")
        .label(at(leaves), "this always leaves")
        .help("remove it, or move it before the step that leaves")
}
