//! Signals that a text reads where they can be unknown.

use crate::checks::support::analysis::Analysis;
use crate::checks::support::walk::each_interpolation;
use crate::machine::{CodeOwner, ExprKind, HandlerEvent, HandoffBlock, OpKind, Signal};
use crate::value::{CodeId, OpId, TextId};
use flow_grammar::{Diagnostic, Loc};
use rustc_hash::FxHashSet;

/// Signals that are unknown where a text reads them: the queue before there is one, the agent before one is connected.
pub(super) fn run(
    cx: &Analysis<'_>,
    told: &mut FxHashSet<(Loc, Loc)>,
    found: &mut Vec<Diagnostic>,
) {
    let machine = cx.machine;
    let mut texts: Vec<(TextId, Stage, Option<OpId>)> = Vec::new();
    let outside = outside_of_handoffs(cx);
    for (id, text) in cx.reads().filled() {
        let Some(op) = machine.op(*id) else { continue };
        let stage = match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Handler(i)) => {
                match machine.handlers.get(i as usize).map(|h| h.event) {
                    Some(
                        HandlerEvent::Connected | HandlerEvent::Resolve | HandlerEvent::Survey,
                    ) => Stage::Connected,
                    _ => Stage::Before,
                }
            }
            Some(CodeOwner::Handoff(_, HandoffBlock::Resolved | HandoffBlock::Returned)) => {
                Stage::Connected
            }
            Some(CodeOwner::Handoff(..)) => Stage::Queued,
            Some(CodeOwner::Node(_)) if outside.get(id.index()) == Some(&true) => Stage::Never,
            _ => Stage::Before,
        };
        texts.push((*text, stage, Some(*id)));
    }
    for handoff in &machine.handoffs {
        texts.extend(
            handoff
                .say
                .iter()
                .chain(handoff.update.iter().filter_map(|(_, t)| t.as_ref()))
                .map(|t| (*t, Stage::Queued, None)),
        );
        texts.extend(
            handoff
                .connected
                .iter()
                .map(|t| (*t, Stage::Connected, None)),
        );
    }
    for (text, stage, op) in texts {
        each_interpolation(machine, text, &mut |expr| {
            let ExprKind::Signal(signal) = expr.kind else {
                return;
            };
            let known = cx.known();
            // Where it was looked at before, as by `if queue.wait is known`, it is known.
            if op
                .and_then(|op| known.before(op))
                .is_some_and(|bits| known.is_known(expr, bits))
            {
                return;
            }
            let unknown = match signal {
                Signal::QueueWait => Some("nobody may be able to say how long it takes"),
                Signal::Confidence => Some("there is none while a question waits for its answer"),
                Signal::AgentName if stage != Stage::Connected => Some("no agent is connected yet"),
                Signal::QueuePosition | Signal::QueueLength
                    if matches!(stage, Stage::Before | Stage::Never) =>
                {
                    Some("there is no queue yet")
                }
                Signal::Priority
                | Signal::EscalationReason
                | Signal::EscalationRule
                | Signal::HandoffSummary
                | Signal::Team
                    if stage == Stage::Never =>
                {
                    Some(
                        "known only of a running handoff: in `handoff`, `assist` and `on escalate`",
                    )
                }
                _ => None,
            };
            let Some(why) = unknown else { return };
            if told.insert((expr.loc, expr.loc)) {
                let name = cx.words(expr.loc);
                let finding =
                    Diagnostic::error("F0501", format!("`{name}` can be unknown here"), expr.loc)
                        .labelled(why);
                if stage == Stage::Never
                    && !matches!(
                        signal,
                        Signal::QueueWait
                            | Signal::QueuePosition
                            | Signal::QueueLength
                            | Signal::AgentName
                            | Signal::Confidence
                    )
                {
                    found.push(finding.help("leave it out here; the people see it on the card"));
                    return;
                }
                found.push(
                    finding
                        .help(format!(
                            "say what stands for it, as in `{{{name} ?? \"{}\"}}`",
                            match signal {
                                Signal::AgentName => "a colleague",
                                Signal::Confidence => "not sure",
                                _ => "soon",
                            }
                        ))
                        .fix(
                            format!("write `{name} ?? \"..\"`"),
                            false,
                            vec![crate::checks::support::syntax::add_after(
                                expr.loc,
                                " ?? \"...\"",
                            )],
                        ),
                );
            }
        });
    }
}

/// By operation: whether it stands in a node that no handoff and no handler visits, and whose body asks of no signal whether it
/// is known.
fn outside_of_handoffs(cx: &Analysis<'_>) -> Vec<bool> {
    let machine = cx.machine;
    let mut out = vec![true; machine.ops.len()];
    let mut within = vec![false; machine.codes.len()];
    let mut todo: Vec<CodeId> = (0u32..)
        .zip(&machine.codes)
        .filter(|(_, code)| !matches!(code.owner, CodeOwner::Node(_) | CodeOwner::Menu))
        .map(|(i, _)| CodeId(i))
        .collect();
    for (id, value) in cx.reads().values() {
        let mut asks = false;
        crate::checks::support::walk::each_expr(machine, value, &mut |e| {
            asks |= matches!(&e.kind, ExprKind::Known { of, .. } if matches!(of.kind, ExprKind::Signal(_)));
        });
        if asks && let Some(op) = machine.op(*id) {
            todo.push(op.code);
        }
    }
    while let Some(code) = todo.pop() {
        match within.get_mut(code.index()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        // A visit comes back to the handoff; `->` leaves it.
        for op in cx.flow().ops(code).iter().filter_map(|id| machine.op(*id)) {
            if let OpKind::Visit { node, .. } = &op.kind
                && let Some(node) = machine.node(*node)
            {
                todo.push(node.code);
            }
        }
    }
    for (op, free) in machine.ops.iter().zip(&mut out) {
        *free = within.get(op.code.index()) == Some(&false);
    }
    out
}

/// How far a handoff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No handoff runs for sure.
    Never,
    Before,
    Queued,
    Connected,
}
