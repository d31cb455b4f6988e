//! Targets of arrows and `escalate` forms.

use super::Lower;
use crate::env::Kind;
use crate::machine::{EscalateSpec, OpKind, Priority};
use crate::value::{NodeId, OpId, RuleId, TierId};
use flow_grammar::{
    Diagnostic, Name, Span,
    ast::{Escalate, Path, Target, Then},
};
use smol_str::SmolStr;

impl Lower<'_> {
    /// What follows a label; a body goes on at `next`.
    pub(super) fn then(&mut self, then: Option<&Then>, span: Span, next: OpId) -> OpId {
        match then {
            Some(Then::Target(target)) => self.target(target),
            Some(Then::Body(body)) => self.steps(&body.steps, next),
            None => self.failed_step(next, span),
        }
    }

    /// A step that failed to check: it goes on with what follows.
    pub(super) fn failed_step(&mut self, next: OpId, span: Span) -> OpId {
        self.failed_question(next, Vec::new(), span)
    }

    /// The same of a step with arms: what they lead to is led to.
    pub(super) fn failed_question(&mut self, next: OpId, ways: Vec<OpId>, span: Span) -> OpId {
        let meant = None;
        self.op(OpKind::Error { next, ways, meant }, span)
    }

    /// The name of a node that is unknown.
    pub(super) fn meant(path: &Path) -> Option<SmolStr> {
        path.segments.last().map(|name| name.text.clone())
    }

    pub(super) fn target(&mut self, target: &Target) -> OpId {
        match target {
            Target::Node(path) => match self.named(Kind::Node, path) {
                Some(id) => self.op(OpKind::Goto { node: NodeId(id) }, path.span),
                None => self.dead_end(path.span, Self::meant(path)),
            },
            Target::End(resolved) => self.op(
                OpKind::End {
                    resolved: resolved.node,
                },
                resolved.span,
            ),
            Target::Escalate(escalate) => self.escalate(escalate),
            Target::Back(span) => self.op(OpKind::Back, *span),
            Target::Error(span) => self.dead_end(*span, None),
        }
    }

    /// Where something failed to check: goes nowhere.
    fn dead_end(&mut self, span: Span, meant: Option<SmolStr>) -> OpId {
        let next = OpId(super::index(self.out.ops.len()));
        let ways = Vec::new();
        self.op(OpKind::Error { next, ways, meant }, span)
    }

    pub(super) fn escalate(&mut self, escalate: &Escalate) -> OpId {
        let spec = self.escalate_spec(escalate);
        self.op(OpKind::Escalate(spec), escalate.span)
    }

    fn escalate_spec(&mut self, escalate: &Escalate) -> EscalateSpec {
        EscalateSpec {
            rule: escalate
                .rule
                .as_ref()
                .and_then(|r| self.named(Kind::Rule, r))
                .map(RuleId),
            to: escalate.to.as_ref().and_then(|t| self.tier_above(t)),
            priority: escalate.priority.as_ref().and_then(|p| self.priority(p)),
            because: escalate.because.as_ref().and_then(|b| self.text(b)),
        }
    }

    /// One tier up; where people have the conversation or there is no further tier, it goes on at `next`.
    pub(super) fn default_way_out(&mut self, span: Span, next: OpId) -> OpId {
        if self.with_people() || self.env.tiers.len() < 2 {
            return next;
        }
        self.op(
            OpKind::Escalate(EscalateSpec {
                rule: None,
                to: None,
                priority: None,
                because: None,
            }),
            span,
        )
    }

    /// Where an `escalate` leads: there is no tier from which the lowest is further up.
    fn tier_above(&mut self, name: &Name) -> Option<TierId> {
        let to = self.tier_named(name)?;
        if to.index() == 0 && self.env.tiers.len() > 1 {
            self.report(
                Diagnostic::error(
                    "F0603",
                    format!("`escalate` leads to `{}`, the lowest tier", name.text),
                    self.loc(name.span),
                )
                .help(format!(
                    "to hand over downwards write `continue with {}`, or name a higher tier",
                    name.text
                )),
            );
        }
        Some(to)
    }

    pub(super) fn tier_named(&mut self, name: &Name) -> Option<TierId> {
        self.named_word(Kind::Tier, name).map(TierId)
    }

    pub(super) fn priority(&mut self, name: &Name) -> Option<Priority> {
        let found = Priority::parse(&name.text);
        if found.is_none() && !name.text.is_empty() {
            let at = self.loc(name.span);
            let wrong = Diagnostic::error("F0301", format!("`{}` is no priority", name.text), at);
            let words = ["standard", "medium", "high", "immediate"];
            let mut wrong = super::suggest(wrong, &name.text, at, words);
            if wrong.help.is_none() {
                wrong = wrong.help("priorities are `standard`, `medium`, `high` and `immediate`");
            }
            self.report(wrong);
        }
        found
    }
}
