//! The results of calls: names that live in the whole body.

use super::Lower;
use crate::env::Kind;
use crate::machine::LocalDef;
use crate::value::Type;
use flow_grammar::{
    Diagnostic, Name,
    ast::{self, Arm, Path, Step, StepKind},
};

impl Lower<'_> {
    /// The results of calls live in the whole body.
    pub(super) fn find_locals(&mut self, steps: &[Step]) {
        let mut work: Vec<&[Step]> = vec![steps];
        let mut calls: Vec<(&Path, &Name)> = Vec::new();
        while let Some(steps) = work.pop() {
            for step in steps {
                let arms: &[Arm] = match &step.kind {
                    StepKind::Call {
                        webhook,
                        binding,
                        arms,
                        ..
                    } => {
                        if let Some(name) = binding {
                            calls.push((webhook, name));
                        }
                        arms
                    }
                    StepKind::If {
                        branches,
                        otherwise,
                    } => {
                        work.extend(branches.iter().map(|(_, b)| b.steps.as_slice()));
                        work.extend(otherwise.iter().map(|b| b.steps.as_slice()));
                        continue;
                    }
                    StepKind::Match { arms, .. }
                    | StepKind::ContinueWith { arms, .. }
                    | StepKind::Attempt { arms, .. } => arms,
                    StepKind::Ask { block, .. }
                    | StepKind::Form { block, .. }
                    | StepKind::Choose { block, .. }
                    | StepKind::ChooseFrom { block, .. }
                    | StepKind::Confirm { block, .. }
                    | StepKind::Listen { block }
                    | StepKind::Verify { block, .. } => &block.arms,
                    _ => continue,
                };
                for arm in arms {
                    if let Some(ast::Then::Body(body)) = &arm.then {
                        work.push(&body.steps);
                    }
                }
            }
        }
        calls.sort_by_key(|(_, name)| name.span.start);
        for (webhook, name) in calls {
            self.declare_local(webhook, name);
        }
    }

    pub(super) fn declare_local(&mut self, webhook: &Path, name: &Name) {
        let id = match webhook.segments.as_slice() {
            [one] => self.env.lookup(self.scope, Kind::Webhook, &one.text),
            [folder, one] => self
                .env
                .lookup(self.scope, Kind::Alias, &folder.text)
                .and_then(|s| self.env.lookup(s, Kind::Webhook, &one.text)),
            _ => None,
        };
        let signature = id.and_then(|i| self.env.webhooks.get(i as usize));
        let (ty, optional) = signature
            .and_then(|s| s.returns.clone())
            .unwrap_or((Type::Error, false));
        if let Some(s) = signature.filter(|s| s.returns.is_none()) {
            let (webhook, at) = (s.item.name.clone(), s.item.name_loc);
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("webhook `{webhook}` answers nothing"),
                    self.loc(name.span),
                )
                .label(at, "declared without `-> TYPE`")
                .help("declare what it answers, or drop `as ..`"),
            );
        }
        let loc = self.loc(name.span);
        if let Some(first) = self.locals.iter().find(|l| l.name == name.text) {
            // The same result of another branch.
            if first.ty != ty && first.ty != Type::Error && ty != Type::Error {
                let first = first.loc;
                self.report(
                    Diagnostic::error(
                        "F0202",
                        format!("`{}` already names another result here", name.text),
                        loc,
                    )
                    .label(first, "first named here")
                    .help("rename one of them"),
                );
            }
            return;
        }
        let taken = self
            .env
            .scope(self.scope)
            .and_then(|s| s.shared.get(&name.text))
            .copied();
        if let Some((kind, first)) = taken {
            self.report(
                Diagnostic::error(
                    "F0202",
                    format!("`{}` is already {}", name.text, kind.with_article()),
                    loc,
                )
                .labelled("names a result here")
                .label(first, "declared here")
                .help("rename the result"),
            );
            // Which of the two a name means is open; neither is unused.
            if let Some(id) = self.env.lookup(self.scope, kind, &name.text) {
                self.refer(name.span, kind.def(id));
            }
        } else if crate::signals::is_signal(&name.text) {
            self.report(
                Diagnostic::error("F0202", format!("`{}` is a signal", name.text), loc)
                    .help("rename the result"),
            );
        }
        self.locals.push(LocalDef {
            name: name.text.clone(),
            ty,
            optional,
            loc,
        });
    }
}
