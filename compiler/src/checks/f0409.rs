//! F0409: a regulated intent answered below people: by a handler, an arm of `listen` or a FAQ.
//!
//! One that does nothing but escalate to people answers nothing, also where it does so through a node. Where `regulated` has a condition, what answers the other cases is right; nothing is said there.

use super::support::analysis::Analysis;
use super::support::flow::leads_to;
use super::support::syntax;
use crate::machine::{ExamplePart, HandlerEvent, Intent, IntentExample, Machine, OpKind};
use crate::value::OpId;
use flow_grammar::ast::{ArmHead, StepKind, TierKind};
use flow_grammar::{Diagnostic, Loc, Severity};
use rustc_hash::FxHashMap;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0409",
    severity: Severity::Error,
    title: "a regulated intent answered below people",
    run,
};

fn always_regulated(intent: &Intent) -> bool {
    intent.regulated.as_ref().is_some_and(|r| r.when.is_none())
}

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let regulated: Vec<&Intent> = machine
        .intents
        .iter()
        .filter(|i| always_regulated(i))
        .collect();
    if regulated.is_empty() {
        return;
    }
    for handler in &machine.handlers {
        if let HandlerEvent::Intent(id) = handler.event
            && let Some(intent) = machine.intent(id)
            && always_regulated(intent)
            && !only_escalates(machine, handler.entry)
        {
            found.push(finding(
                format!("a handler answers `{}`, which is regulated", intent.name),
                cx.line(handler.loc),
                intent,
            ));
        }
    }
    let listens: FxHashMap<Loc, OpId> = (0u32..)
        .map(OpId)
        .zip(&machine.ops)
        .filter(|(_, op)| matches!(op.kind, OpKind::Listen { .. }))
        .map(|(id, op)| (op.loc, id))
        .collect();
    let blocks = syntax::decls(cx.sources).flat_map(|(index, decl)| {
        syntax::steps(decl)
            .into_iter()
            .filter_map(move |step| match &step.kind {
                StepKind::Listen { block } => Some((Loc::new(index, step.span), block)),
                _ => None,
            })
    });
    for (at, block) in blocks {
        let Some(OpKind::Listen { arms, .. }) = listens
            .get(&at)
            .and_then(|id| machine.op(*id))
            .map(|op| &op.kind)
        else {
            continue;
        };
        let written = block.arms.iter().filter_map(|arm| match &arm.head {
            ArmHead::Intent(paths) => Some(paths),
            _ => None,
        });
        for (paths, (ids, entry)) in written.zip(arms) {
            // One that is unknown was reported; which of the others is meant by which name is not worth finding out.
            if paths.len() != ids.len() || only_escalates(machine, *entry) {
                continue;
            }
            for (path, id) in paths.iter().zip(ids) {
                if let Some(intent) = machine.intent(*id).filter(|i| always_regulated(i)) {
                    found.push(finding(
                        format!("an arm answers `{}`, which is regulated", intent.name),
                        Loc::new(at.decl, path.span),
                        intent,
                    ));
                }
            }
        }
    }
    let mut examples: FxHashMap<String, &Intent> = FxHashMap::default();
    for intent in &regulated {
        for example in &intent.examples {
            examples.insert(folded(example), intent);
        }
    }
    for faq in &machine.faqs {
        if let Some((question, intent)) = faq
            .questions
            .iter()
            .find_map(|q| examples.get(&folded(q)).map(|i| (q, *i)))
        {
            let diagnostic = finding(
                format!(
                    "the FAQ `{}` answers `{}`, which is regulated",
                    faq.name, intent.name
                ),
                faq.name_loc,
                intent,
            );
            found.push(diagnostic.label(
                question.loc,
                "this question is also an example of the intent",
            ));
        }
    }
}

fn finding(message: String, at: Loc, intent: &Intent) -> Diagnostic {
    Diagnostic::error("F0409", message, at)
        .labelled("answered without a person")
        .label(intent.name_loc, "only people may answer this intent")
        .help("remove the answer: a regulated intent goes to people by itself")
}

fn folded(example: &IntentExample) -> String {
    let mut out = String::new();
    for part in &example.parts {
        match part {
            ExamplePart::Text(text) => out.push_str(&text.to_lowercase()),
            ExamplePart::Slot(id) => out.push_str(&format!("{{{}}}", id.0)),
        }
    }
    out.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .trim_end_matches(['?', '.', '!'])
        .to_owned()
}

/// Whether a body does nothing but prepare and escalate to people, perhaps in another node.
fn only_escalates(machine: &Machine, entry: OpId) -> bool {
    let mut at = entry;
    for _ in 0..32 {
        match machine.op(at).map(|o| &o.kind) {
            Some(
                OpKind::Note { next, .. }
                | OpKind::Tag { next, .. }
                | OpKind::Set { next, .. }
                | OpKind::Clear { next, .. },
            ) => at = *next,
            // A visit of a node that only escalates never comes back.
            Some(OpKind::Goto { node } | OpKind::Visit { node, .. }) => match machine.node(*node) {
                Some(node) => at = node.entry,
                None => return true,
            },
            // Where the tier is not certain, nothing is said.
            Some(OpKind::Escalate(spec)) => {
                return leads_to(machine, spec)
                    .and_then(|tier| machine.tier(tier))
                    .is_none_or(|tier| tier.kind == TierKind::People);
            }
            Some(OpKind::Error { .. }) => return true,
            _ => return false,
        }
    }
    false
}
