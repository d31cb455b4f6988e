//! Asking: what a question says, its buttons, and where the conversation waits.

use super::{Flow, Run};
use crate::builtin_texts::Builtin;
use crate::conversation::{Ask, At, Pending};
use crate::effect::{Effect, MessageKind, OutButton};
use crate::tables::{button_id, var_name};
use crate::values;
use flow_compiler::machine::{FieldDef, OpKind, Question, Var};
use flow_compiler::value::{OpId, TextId, Type, Value};
use flow_grammar::ast::SurveyKind;
use smol_str::SmolStr;
use std::sync::Arc;

/// Buttons of a choice from a list at most; more cannot be read.
const OPTIONS: usize = 20;

/// The scale of a survey.
pub(super) const fn scale(kind: SurveyKind) -> u32 {
    match kind {
        SurveyKind::Csat | SurveyKind::Handoff => 5,
        SurveyKind::Effort => 7,
    }
}

pub(super) const fn survey_name(kind: SurveyKind) -> &'static str {
    match kind {
        SurveyKind::Csat => "csat",
        SurveyKind::Effort => "effort",
        SurveyKind::Handoff => "handoff",
    }
}

impl Run<'_> {
    /// The question of an operation.
    pub(super) fn question(&self, op: OpId) -> Option<&Question> {
        match &self.m.ops.get(op.index())?.kind {
            OpKind::Ask { question, .. }
            | OpKind::Form { question, .. }
            | OpKind::Choose { question, .. }
            | OpKind::ChooseFrom { question, .. }
            | OpKind::Confirm { question, .. }
            | OpKind::Listen { question, .. }
            | OpKind::Verify { question, .. }
            | OpKind::Survey { question, .. } => Some(question),
            OpKind::Attempt { question, .. } => question.as_ref(),
            _ => None,
        }
    }

    pub(super) fn place_op(&self, key: &str) -> Option<OpId> {
        self.m
            .names
            .places
            .get(key)
            .and_then(|id| self.m.place(*id))
            .map(|p| p.op)
    }

    pub(super) fn def(&self, var: Var) -> Option<&FieldDef> {
        match var {
            Var::Slot(id) => self.m.slots.get(id.index()),
            Var::Customer(id) => self.m.customer.get(id.index()),
        }
    }

    /// A question is reached: it is asked, or already answered.
    pub(super) fn ask(&mut self, at: OpId) -> Flow {
        let m = self.m;
        let mut pending = Pending::new(Ask::Place(self.place_key(at)));
        match m.op(at).map(|op| &op.kind) {
            Some(OpKind::Form { vars, next, .. }) => {
                self.prefill(vars);
                let Some(missing) = vars.iter().find(|v| !self.var(**v).is_known()) else {
                    return Flow::Next(*next);
                };
                pending.var = Some(var_name(m, *missing));
            }
            Some(OpKind::Ask { var, .. }) => pending.var = Some(var_name(m, *var)),
            Some(OpKind::ChooseFrom {
                from,
                none,
                question,
                ..
            }) => {
                let options = match self.value(from) {
                    Value::List(items) => Arc::unwrap_or_clone(items),
                    _ => Vec::new(),
                };
                if options.is_empty() {
                    return Flow::Next(none.unwrap_or(question.otherwise));
                }
                pending.options = options.into_iter().take(OPTIONS).collect();
            }
            Some(OpKind::Verify {
                field,
                failed,
                next,
                ..
            }) => {
                let Some(name) = m.customer_field(*field).map(|f| f.name.clone()) else {
                    return Flow::Next(*failed);
                };
                if self.c.proven.contains(&name) {
                    return Flow::Next(*next);
                }
                let Some(Value::Text(contact)) = self.c.customer.get(&name).cloned() else {
                    return Flow::Next(*failed);
                };
                self.effects.push(Effect::Verify {
                    field: name,
                    contact,
                });
            }
            _ => {}
        }
        self.ask_again(pending)
    }

    /// Values of the message that a form may take without asking.
    fn prefill(&mut self, vars: &[Var]) {
        for var in vars {
            if self.var(*var).is_known() {
                continue;
            }
            let offered = self.c.offered.remove(&var_name(self.m, *var));
            let value = offered.or_else(|| self.mentioned(*var));
            if let Some(value) = value {
                self.set_var(*var, value);
            }
        }
    }

    /// Asks a pending question (again) and waits.
    pub(super) fn ask_again(&mut self, mut pending: Box<Pending>) -> Flow {
        // A handler may have filled what a form waited for.
        if let Ask::Place(key) = &pending.ask
            && let Some(op) = self.place_op(key)
            && let Some(OpKind::Form { vars, next, .. }) = self.m.op(op).map(|op| &op.kind)
        {
            match vars.iter().find(|v| !self.var(**v).is_known()) {
                None => return Flow::Next(*next),
                Some(missing) => pending.var = Some(var_name(self.m, *missing)),
            }
        }
        self.pose(&pending);
        self.c.main.at = At::Question(pending);
        Flow::Stop
    }

    /// Sends the text and the buttons of a pending question.
    pub(super) fn pose(&mut self, pending: &Pending) {
        let text = self.question_text(pending);
        self.pose_as(pending, text, self.kind_of_question(pending));
    }

    pub(super) fn pose_as(&mut self, pending: &Pending, text: String, kind: MessageKind) {
        let buttons = self.buttons(pending);
        if !text.is_empty() || !buttons.is_empty() {
            self.send_with(kind, text, buttons, Vec::new());
        }
    }

    fn kind_of_question(&self, pending: &Pending) -> MessageKind {
        match &pending.ask {
            Ask::Place(key) => match self
                .place_op(key)
                .and_then(|op| self.m.op(op))
                .map(|op| &op.kind)
            {
                Some(OpKind::Survey { .. }) => MessageKind::Survey,
                Some(OpKind::Offer { .. }) => MessageKind::Offer,
                _ => MessageKind::Question,
            },
            Ask::Climb(_) => MessageKind::Offer,
            _ => MessageKind::Question,
        }
    }

    fn question_text(&mut self, pending: &Pending) -> String {
        let language = SmolStr::new(self.scope().language());
        match &pending.ask {
            Ask::Place(key) => self.place_text(key, pending, &language),
            Ask::Required(var) | Ask::Contact { var, .. } => self
                .var_named(var)
                .map(|var| self.ask_text(var))
                .unwrap_or_default(),
            Ask::Helped(_) => match self.helped_text() {
                Some(text) => self.render(text),
                None => Builtin::Helped.get(&language).to_owned(),
            },
            Ask::Climb(tier) => self.climb_text(tier, &language),
            Ask::Consent(_) => self.consent_text(&language),
        }
    }

    fn place_text(&self, key: &str, pending: &Pending, language: &str) -> String {
        let Some(op) = self.place_op(key) else {
            return String::new();
        };
        if let Some(text) = self.question(op).and_then(|q| q.text) {
            return self.render(text);
        }
        match self.m.ops.get(op.index()).map(|op| &op.kind) {
            Some(OpKind::Ask { .. } | OpKind::Form { .. }) => pending
                .var
                .as_ref()
                .and_then(|v| self.var_named(v))
                .map(|v| self.ask_text(v))
                .unwrap_or_default(),
            Some(OpKind::Attempt { .. }) => Builtin::Helped.get(language).to_owned(),
            Some(OpKind::Verify { .. }) => Builtin::Code.get(language).to_owned(),
            Some(OpKind::Survey { kind, .. }) => {
                Builtin::Survey.fill(language, "1", &scale(*kind).to_string())
            }
            Some(OpKind::Offer { .. }) => Builtin::Offer.get(language).to_owned(),
            _ => String::new(),
        }
    }

    /// How a value is asked for: the field's own text, or "What is your ..?".
    pub(super) fn ask_text(&self, var: Var) -> String {
        let Some(def) = self.def(var) else {
            return String::new();
        };
        match def.ask {
            Some(text) => self.render(text),
            None => {
                Builtin::WhatIs.fill(self.scope().language(), &values::lower_words(&def.name), "")
            }
        }
    }

    /// The labels of a pending question's buttons, in order.
    pub(super) fn labels(&self, pending: &Pending) -> Vec<String> {
        let yes_no = || vec![self.builtin(Builtin::Yes), self.builtin(Builtin::No)];
        match &pending.ask {
            Ask::Helped(_) | Ask::Climb(_) | Ask::Consent(_) => yes_no(),
            Ask::Required(var) | Ask::Contact { var, .. } => self
                .var_named(var)
                .map(|var| self.var_labels(var, pending))
                .unwrap_or_default(),
            Ask::Place(key) => match self
                .place_op(key)
                .and_then(|op| self.m.ops.get(op.index()))
                .map(|op| &op.kind)
            {
                Some(OpKind::Choose { buttons, .. }) => {
                    buttons.iter().map(|b| self.render(b.label)).collect()
                }
                Some(OpKind::ChooseFrom { label, .. }) => pending
                    .options
                    .iter()
                    .map(|option| self.option_label(*label, option))
                    .collect(),
                Some(OpKind::Confirm { .. } | OpKind::Attempt { .. }) => yes_no(),
                Some(OpKind::Survey { kind, .. }) => {
                    (1..=scale(*kind)).map(|n| n.to_string()).collect()
                }
                Some(OpKind::Offer { offer, .. }) => offer
                    .items
                    .iter()
                    .map(|item| self.offer_label(item))
                    .collect(),
                Some(OpKind::Ask { .. } | OpKind::Form { .. }) => pending
                    .var
                    .as_ref()
                    .and_then(|v| self.var_named(v))
                    .map(|var| self.var_labels(var, pending))
                    .unwrap_or_default(),
                _ => Vec::new(),
            },
        }
    }

    fn option_label(&self, label: Option<TextId>, option: &Value) -> String {
        let mut scope = self.scope();
        scope.it = Some(option);
        match label {
            Some(label) => scope.render(label),
            None => scope.reader().value(option),
        }
    }

    fn var_labels(&self, var: Var, pending: &Pending) -> Vec<String> {
        let Some(def) = self.def(var) else {
            return Vec::new();
        };
        let of = |id| {
            self.m
                .enum_def(id)
                .map(|def| {
                    def.values
                        .iter()
                        .map(|v| values::in_words(v))
                        .collect::<Vec<_>>()
                })
                .unwrap_or_default()
        };
        match &def.ty {
            Type::Enum(id) => of(*id),
            Type::Bool => vec![self.builtin(Builtin::Yes), self.builtin(Builtin::No)],
            Type::List(of_type) => match **of_type {
                Type::Enum(id) => {
                    let mut labels = of(id);
                    if !pending.picked.is_empty() {
                        labels.push(self.builtin(Builtin::Done));
                    }
                    labels
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    pub(crate) fn buttons(&self, pending: &Pending) -> Vec<OutButton> {
        let prefix = self.button_prefix(&pending.ask);
        self.labels(pending)
            .into_iter()
            .enumerate()
            .map(|(i, label)| OutButton {
                id: button_id(&prefix, i),
                label,
            })
            .collect()
    }

    /// Buttons that are always in sight.
    pub(crate) fn menu_buttons(&self) -> Vec<OutButton> {
        let button = |(i, b): (usize, &flow_compiler::machine::Button)| OutButton {
            id: button_id("menu", i),
            label: self.render(b.label),
        };
        self.m.bot.menu.iter().enumerate().map(button).collect()
    }
}
