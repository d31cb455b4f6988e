//! Questions: steps at which a conversation waits for the customer.

use super::Lower;
use crate::env::Kind;
use crate::machine::{Button, OpKind, Question, Var};
use crate::value::{IntentId, OpId, Type};
use flow_grammar::{
    Diagnostic, Span,
    ast::{Arm, ArmHead, Cell, ExprKind, Path, QuestionBlock, Step, StepKind, TextRef},
};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// How often a bad answer is met by asking again where nothing is said.
const RETRY: u32 = 2;

impl Lower<'_> {
    pub(super) fn question_step(&mut self, step: &Step, next: OpId) -> OpId {
        let span = step.span;
        match &step.kind {
            StepKind::Ask { slot, text, block } => {
                let var = self.asked(slot);
                let question = self.question(text.as_ref(), block, span, next);
                self.no_other_arms(block, "`otherwise`");
                match var {
                    Some((var, _)) => self.op(
                        OpKind::Ask {
                            var,
                            question,
                            next,
                        },
                        span,
                    ),
                    None => self.failed_question(next, vec![question.otherwise], span),
                }
            }
            StepKind::Form { slots, block } => {
                let vars: Vec<Var> = slots
                    .iter()
                    .filter_map(|s| self.asked(s))
                    .map(|(v, _)| v)
                    .collect();
                let question = self.question(None, block, span, next);
                self.no_other_arms(block, "`otherwise`");
                if vars.is_empty() {
                    return self.failed_question(next, vec![question.otherwise], span);
                }
                self.op(
                    OpKind::Form {
                        vars,
                        question,
                        next,
                    },
                    span,
                )
            }
            StepKind::Choose { text, block } => {
                let question = self.question(text.as_ref(), block, span, next);
                let buttons = self.buttons(&block.arms, next);
                self.op(OpKind::Choose { question, buttons }, span)
            }
            StepKind::ChooseFrom {
                slot,
                from,
                text,
                block,
            } => {
                let var = self.var(slot);
                let from = self.expr(from);
                let it = match &from.ty {
                    Type::List(of) => (**of).clone(),
                    Type::Error => Type::Error,
                    other => {
                        let name = self.env.type_name(other);
                        self.report(Diagnostic::error(
                            "F0301",
                            format!("expected a list to choose from, found `{name}`"),
                            from.loc,
                        ));
                        Type::Error
                    }
                };
                if let Some((_, ty)) = &var
                    && !crate::types::fits(&it, ty)
                {
                    let (it, ty) = (self.env.type_name(&it), self.env.type_name(ty));
                    self.report(
                        Diagnostic::error(
                            "F0301",
                            format!("a choice of `{it}` does not fit a slot of type `{ty}`"),
                            self.loc(slot.span),
                        )
                        .label(from.loc, format!("a list of `{it}`")),
                    );
                }
                let outer = self.it.replace(it);
                let label = self.text_opt(block.label.as_ref());
                self.it = outer;
                let none = self.keyword_arm(block, "none", next);
                let question = self.question(text.as_ref(), block, span, next);
                self.no_other_arms_than(block, &["none"], "`none` and `otherwise`");
                match var {
                    Some((var, _)) => self.op(
                        OpKind::ChooseFrom {
                            var,
                            from: Box::new(from),
                            label,
                            none,
                            question,
                            next,
                        },
                        span,
                    ),
                    None => {
                        let ways = none.into_iter().chain([question.otherwise]).collect();
                        self.failed_question(next, ways, span)
                    }
                }
            }
            StepKind::Confirm { text, block } => {
                let yes = self.keyword_arm(block, "yes", next);
                let no = self.keyword_arm(block, "no", next);
                let question = self.question(text.as_ref(), block, span, next);
                let before = self.found.len();
                self.no_other_arms_than(block, &["yes", "no"], "`yes`, `no` and `otherwise`");
                // An arm that was reported may have been meant for the one that is missing.
                let open = self.found.len() > before;
                let rest = if open && (yes.is_none() || no.is_none()) {
                    self.failed_step(next, span)
                } else {
                    next
                };
                let (yes, no) = (yes.unwrap_or(rest), no.unwrap_or(rest));
                self.op(OpKind::Confirm { question, yes, no }, span)
            }
            StepKind::Listen { block } => {
                let mut arms = Vec::new();
                for arm in &block.arms {
                    match &arm.head {
                        ArmHead::Intent(intents) => {
                            let to = self.then(arm.then.as_ref(), arm.span, next);
                            let ids: Vec<IntentId> = intents
                                .iter()
                                .filter_map(|i| self.named(Kind::Intent, i))
                                .map(IntentId)
                                .collect();
                            arms.push((ids, to));
                        }
                        ArmHead::Otherwise => {}
                        _ => self.wrong_arm(arm, "`intent NAME` and `otherwise`"),
                    }
                }
                let question = self.question(None, block, span, next);
                self.op(OpKind::Listen { question, arms }, span)
            }
            StepKind::Verify { field, text, block } => {
                let field_id = match field.segments.as_slice() {
                    [root, name] if root.text == "customer" => self.customer_field(name),
                    [name] if self.env.customer_index.contains_key(&name.text) => {
                        self.customer_field(name)
                    }
                    _ => {
                        if let [name] = field.segments.as_slice()
                            && let Some(id) = self.env.lookup(self.scope, Kind::Text, &name.text)
                        {
                            // The field was left out; the text is used all the same.
                            self.refer(name.span, Kind::Text.def(id));
                        }
                        self.report(
                            Diagnostic::error(
                                "F0301",
                                "only a field of the customer can be verified",
                                self.loc(field.span),
                            )
                            .help("write `verify customer.email ..`"),
                        );
                        None
                    }
                };
                let written = self.keyword_arm(block, "failed", next);
                let mut question = self.question(text.as_ref(), block, span, next);
                let failed = written.unwrap_or(question.otherwise);
                if !question.otherwise_written && written.is_some() {
                    question.otherwise = failed;
                }
                self.no_other_arms_than(block, &["failed"], "`failed`");
                if let Some(id) = field_id {
                    self.takes_a_code(id, field);
                }
                match field_id {
                    Some(field) => self.op(
                        OpKind::Verify {
                            field,
                            question,
                            failed,
                            next,
                        },
                        span,
                    ),
                    None => self.failed_question(next, vec![failed, question.otherwise], span),
                }
            }
            StepKind::Survey { kind, text } => {
                // A survey never keeps anybody: without an answer the flow goes on.
                let text = self.text_opt(text.as_ref());
                let place = self.place();
                let question = Question {
                    place,
                    text,
                    invalid: None,
                    retry: RETRY,
                    otherwise: next,
                    otherwise_written: false,
                };
                self.op(
                    OpKind::Survey {
                        kind: kind.node,
                        question,
                        next,
                    },
                    span,
                )
            }
            StepKind::Attempt { text, arms, asks } => {
                let (mut worked, mut declined, mut otherwise) = (None, None, None);
                for arm in arms {
                    let to = self.then(arm.then.as_ref(), arm.span, next);
                    match &arm.head {
                        ArmHead::Keyword(k) if k.text == "worked" => {
                            self.only_arm(&mut worked, to, arm)
                        }
                        ArmHead::Keyword(k) if k.text == "declined" => {
                            self.only_arm(&mut declined, to, arm)
                        }
                        ArmHead::Otherwise => self.only_arm(&mut otherwise, to, arm),
                        _ => self.wrong_arm(arm, "`worked`, `declined` and `otherwise`"),
                    }
                }
                let question = asks.then(|| {
                    let way_out = otherwise.unwrap_or_else(|| self.default_way_out(span, next));
                    let place = self.place();
                    Question {
                        place,
                        text: None,
                        invalid: None,
                        retry: RETRY,
                        otherwise: way_out,
                        otherwise_written: otherwise.is_some(),
                    }
                });
                let text = self.text_or_empty(text);
                self.op(
                    OpKind::Attempt {
                        text,
                        question,
                        worked: worked.unwrap_or(next),
                        declined: declined.unwrap_or(next),
                    },
                    span,
                )
            }
            _ => self.failed_step(next, span),
        }
    }

    /// What a question asks for; a customer can type it.
    fn asked(&mut self, path: &Path) -> Option<(Var, Type)> {
        let (var, ty) = self.var(path)?;
        if !crate::types::can_be_typed(&ty) {
            let name = self.env.type_name(&ty);
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("nobody can type a value of type `{name}`"),
                    self.loc(path.span),
                )
                .help("let the customer pick one with `choose SLOT from LIST`, or fill it by a `call`"),
            );
        }
        Some((var, ty))
    }

    /// Reports a field to which no code can be sent.
    fn takes_a_code(&mut self, id: crate::value::FieldId, path: &Path) {
        let ty = self.env.customer.get(id.index()).map(|f| f.ty.clone());
        if let Some(ty) = ty.filter(|t| !matches!(t, Type::Email | Type::Phone | Type::Error)) {
            let name = self.env.type_name(&ty);
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("no code can be sent to a `{name}`"),
                    self.loc(path.span),
                )
                .help("verify a field of type `email` or `phone`"),
            );
        }
    }

    /// What every question has.
    fn question(
        &mut self,
        text: Option<&TextRef>,
        block: &QuestionBlock,
        span: Span,
        next: OpId,
    ) -> Question {
        let mut written = None;
        for arm in &block.arms {
            if matches!(arm.head, ArmHead::Otherwise) {
                let to = self.then(arm.then.as_ref(), arm.span, next);
                if written.is_some() {
                    self.report(
                        Diagnostic::error(
                            "F0304",
                            "a second `otherwise` is never taken",
                            self.loc(arm.head_span),
                        )
                        .help("remove one of them"),
                    );
                } else {
                    written = Some(to);
                }
            }
        }
        let otherwise = written.unwrap_or_else(|| self.default_way_out(span, next));
        let place = self.place();
        let text = self.text_opt(text);
        let invalid = self.text_opt(block.invalid.as_ref());
        Question {
            place,
            text,
            invalid,
            retry: block.retry.as_ref().map_or(RETRY, |r| r.node),
            otherwise,
            otherwise_written: written.is_some(),
        }
    }

    fn keyword_arm(&mut self, block: &QuestionBlock, word: &str, next: OpId) -> Option<OpId> {
        let mut found = None;
        for arm in &block.arms {
            if matches!(&arm.head, ArmHead::Keyword(k) if k.text == word) {
                let to = self.then(arm.then.as_ref(), arm.span, next);
                if found.is_some() {
                    self.report(
                        Diagnostic::error(
                            "F0304",
                            format!("a second `{word}` is never taken"),
                            self.loc(arm.head_span),
                        )
                        .help("remove one of them"),
                    );
                } else {
                    found = Some(to);
                }
            }
        }
        found
    }

    fn no_other_arms(&mut self, block: &QuestionBlock, known: &str) {
        self.no_other_arms_than(block, &[], known);
    }

    fn no_other_arms_than(&mut self, block: &QuestionBlock, words: &[&str], known: &str) {
        for arm in &block.arms {
            let fine = match &arm.head {
                ArmHead::Otherwise => true,
                ArmHead::Keyword(k) => words.contains(&k.text.as_str()),
                _ => false,
            };
            if !fine {
                self.wrong_arm(arm, known);
            }
        }
    }

    /// The buttons of a choice or the menu; equal labels are reported (F0206).
    pub(super) fn buttons(&mut self, arms: &[Arm], next: OpId) -> Vec<Button> {
        let mut seen: FxHashMap<SmolStr, Span> = FxHashMap::default();
        let mut buttons = Vec::with_capacity(arms.len());
        for arm in arms {
            let name;
            let label = match &arm.head {
                ArmHead::Otherwise => continue,
                ArmHead::Label(label) => label,
                ArmHead::Values(cells) => match cells.as_slice() {
                    [Cell::Value(e)] => match &e.kind {
                        ExprKind::Path(path) => {
                            name = TextRef::Name(path.clone());
                            &name
                        }
                        ExprKind::Text(lit) => {
                            name = TextRef::Lit(lit.clone());
                            &name
                        }
                        _ => {
                            self.wrong_arm(arm, "labels and `otherwise`");
                            continue;
                        }
                    },
                    _ => {
                        self.wrong_arm(arm, "labels and `otherwise`");
                        continue;
                    }
                },
                _ => {
                    self.wrong_arm(arm, "labels and `otherwise`");
                    continue;
                }
            };
            let key = match label {
                TextRef::Lit(lit) => lit
                    .plain()
                    .map(|t| SmolStr::new(format!("\"{}", t.trim().to_lowercase()))),
                TextRef::Name(path) => Some(SmolStr::new(
                    path.segments
                        .iter()
                        .map(|s| s.as_str())
                        .collect::<Vec<_>>()
                        .join("."),
                )),
            };
            if let Some(first) = key.and_then(|k| seen.insert(k, arm.head_span)) {
                let written = self.sources.snippet(self.loc(arm.head_span)).to_owned();
                self.report(
                    Diagnostic::warning(
                        "F0206",
                        format!("the label {} stands twice in one choice", quoted(&written)),
                        self.loc(arm.head_span),
                    )
                    .label(self.loc(first), "first here")
                    .help("customers cannot tell them apart; word one of them differently"),
                );
            }
            let to = self.then(arm.then.as_ref(), arm.span, next);
            // Where the label is unknown, what the button leads to is led to all the same.
            let label = self.text_or_empty(label);
            buttons.push(Button {
                label,
                to,
                loc: self.loc(arm.span),
            });
        }
        buttons
    }
}

fn quoted(written: &str) -> String {
    format!("`{}`", written.trim_matches('"'))
}
