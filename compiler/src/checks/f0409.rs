//! F0409: a regulated intent answered below people: by a handler, an arm of `listen` or a FAQ.
//!
//! Where `regulated` has a condition, what answers the other cases is right; nothing is said there.

use super::support::analysis::Analysis;
use super::support::syntax;
use crate::machine::{ExamplePart, HandlerEvent, Intent, IntentExample, Machine, OpKind};
use crate::value::OpId;
use flow_grammar::ast::{ArmHead, StepKind, Target, Then};
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
    let regulated: FxHashMap<&str, &Intent> = machine
        .intents
        .iter()
        .filter(|i| always_regulated(i))
        .map(|i| (i.name.as_str(), i))
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
    for (index, decl) in syntax::decls(cx.sources) {
        for step in syntax::steps(decl) {
            let StepKind::Listen { block } = &step.kind else {
                continue;
            };
            for arm in &block.arms {
                let ArmHead::Intent(paths) = &arm.head else {
                    continue;
                };
                let escalates = matches!(&arm.then, Some(Then::Target(Target::Escalate(_))))
                    || matches!(&arm.then, Some(Then::Body(body)) if matches!(body.steps.iter().find(|s| !matches!(s.kind, StepKind::Note(_) | StepKind::Tag(_) | StepKind::Set(..))).map(|s| &s.kind), Some(StepKind::Escalate(_) | StepKind::Goto(Target::Escalate(_)))));
                if escalates {
                    continue;
                }
                for path in paths {
                    let name = path
                        .segments
                        .iter()
                        .map(|s| s.as_str())
                        .collect::<Vec<_>>()
                        .join(".");
                    if let Some(intent) = regulated.get(name.as_str()) {
                        found.push(finding(
                            format!("an arm answers `{name}`, which is regulated"),
                            Loc::new(index, arm.head_span),
                            intent,
                        ));
                    }
                }
            }
        }
    }
    let mut examples: FxHashMap<String, &Intent> = FxHashMap::default();
    for intent in regulated.values() {
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

/// Whether a body does nothing but prepare and escalate.
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
            Some(OpKind::Escalate(_) | OpKind::Error { .. }) => return true,
            _ => return false,
        }
    }
    false
}
