//! Answering: whether what arrived fits the pending question, and what follows from it.

use super::parse::Input;
use super::questions::{scale, survey_name};
use super::{Flow, Run};
use crate::builtin_texts::Builtin;
use crate::conversation::{Ask, At, Pending};
use crate::effect::{Effect, MessageKind};
use crate::signals::Signals;
use crate::values::folded;
use flow_compiler::machine::{HandlerEvent, OpKind, Var};
use flow_compiler::value::{OpId, Type, Value};
use smol_str::SmolStr;
use std::sync::Arc;

/// A good answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// Values for what the question fills.
    Values(Vec<(Var, Value)>),
    /// One more of a list.
    Pick(Value),
    /// An arm.
    Arm(OpId),
    Yes,
    No,
    /// A code to check.
    Code(SmolStr),
    Score(u32),
    /// A button of an offer.
    Offer(usize),
}

/// How often a required value is asked for before the customer is left in peace.
const REQUIRED_RETRIES: u32 = 2;

impl Run<'_> {
    /// What an input answers to a pending question, unless it takes free text.
    pub(super) fn reply(&self, pending: &Pending, input: Input<'_>) -> Option<Reply> {
        match &pending.ask {
            Ask::Helped(_) | Ask::Climb(_) | Ask::Consent(_) => self.yes_no(pending, input),
            Ask::Required(name) | Ask::Contact { var: name, .. } => {
                self.value_reply(self.var_named(name)?, pending, input)
            }
            Ask::Place(key) => {
                let op = self.place_op(key)?;
                self.place_reply(op, pending, input)
            }
        }
    }

    fn place_reply(&self, op: OpId, pending: &Pending, input: Input<'_>) -> Option<Reply> {
        match &self.m.ops.get(op.index())?.kind {
            OpKind::Ask { var, .. } => self.value_reply(*var, pending, input),
            OpKind::Form { vars, .. } => self.form_reply(vars, pending, input),
            OpKind::Choose { buttons, .. } => {
                let index = self.choice(pending, input)?;
                buttons.get(index).map(|b| Reply::Arm(b.to))
            }
            OpKind::ChooseFrom { var, .. } => {
                let index = self.choice(pending, input)?;
                pending
                    .options
                    .get(index)
                    .map(|option| Reply::Values(vec![(*var, option.clone())]))
            }
            OpKind::Confirm { .. } | OpKind::Attempt { .. } => self.yes_no(pending, input),
            OpKind::Listen { arms, .. } => {
                let Input::Message(_, signals) = input else {
                    return None;
                };
                let named = |name: &str| {
                    arms.iter().find(|(intents, _)| {
                        intents
                            .iter()
                            .any(|id| self.m.intent(*id).is_some_and(|i| i.name == name))
                    })
                };
                let guess = signals
                    .intents
                    .iter()
                    .filter(|g| g.probability >= super::memory::LIKELY)
                    .find_map(|g| named(&g.name))?;
                Some(Reply::Arm(guess.1))
            }
            OpKind::Verify { .. } => {
                let Input::Message(text, _) = input else {
                    return None;
                };
                let code: SmolStr = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
                (code.chars().filter(char::is_ascii_digit).count() >= 4 && code.len() <= 12)
                    .then_some(Reply::Code(code))
            }
            OpKind::Survey { kind, .. } => match input {
                Input::Button(index) => u32::try_from(index + 1)
                    .ok()
                    .filter(|n| *n <= scale(*kind))
                    .map(Reply::Score),
                Input::Message(text, _) => {
                    let mut numbers = text
                        .split(|c: char| !c.is_ascii_digit())
                        .filter(|w| !w.is_empty());
                    let number = numbers
                        .next()?
                        .parse()
                        .ok()
                        .filter(|n| (1..=scale(*kind)).contains(n))?;
                    numbers.next().is_none().then_some(Reply::Score(number))
                }
                Input::File(_) => None,
            },
            OpKind::Offer { .. } => self.choice(pending, input).map(Reply::Offer),
            _ => None,
        }
    }

    /// The button that an input means: pressed, its number, or its label.
    pub(super) fn choice(&self, pending: &Pending, input: Input<'_>) -> Option<usize> {
        match input {
            Input::Button(index) => Some(index),
            Input::File(_) => None,
            Input::Message(text, _) => among(&self.labels(pending), text),
        }
    }

    fn yes_no(&self, pending: &Pending, input: Input<'_>) -> Option<Reply> {
        let index = match input {
            Input::Message(
                _,
                Signals {
                    yes_no: Some(yes), ..
                },
            ) => usize::from(!yes),
            _ => self.choice(pending, input)?,
        };
        match index {
            0 => Some(Reply::Yes),
            1 => Some(Reply::No),
            _ => None,
        }
    }

    fn value_reply(&self, var: Var, pending: &Pending, input: Input<'_>) -> Option<Reply> {
        let def = self.def(var)?;
        let one = |value| Reply::Values(vec![(var, value)]);
        match (input, &def.ty) {
            (Input::Button(index), Type::List(of)) => {
                let Type::Enum(id) = **of else { return None };
                let values = &self.m.enum_def(id)?.values;
                match values.get(index) {
                    Some(value) => Some(Reply::Pick(Value::Enum(value.clone()))),
                    None => Some(one(Value::List(Arc::new(pending.picked.clone())))),
                }
            }
            (Input::Button(index), ty) => self.enum_button(ty, index).map(one),
            (Input::Message(text, _), Type::List(_))
                if !pending.picked.is_empty()
                    && folded(text) == folded(&self.builtin(Builtin::Done)) =>
            {
                Some(one(Value::List(Arc::new(pending.picked.clone()))))
            }
            (Input::Message(text, signals), _) => self.fitting(var, text, signals).map(one),
            (Input::File(file), Type::File) => self.file_value(def, file).ok().map(one),
            (Input::File(file), Type::List(of)) if **of == Type::File => {
                let mut files = match self.var(var) {
                    Value::List(files) => Arc::unwrap_or_clone(files),
                    _ => Vec::new(),
                };
                files.push(self.file_value(def, file).ok()?);
                Some(one(Value::List(Arc::new(files))))
            }
            (Input::File(_), _) => None,
        }
    }

    /// One message may fill several values of a form; free text fills only the one that was asked for.
    fn form_reply(&self, vars: &[Var], pending: &Pending, input: Input<'_>) -> Option<Reply> {
        let asked = pending.var.as_ref().and_then(|v| self.var_named(v));
        let Input::Message(text, signals) = input else {
            return self.value_reply(asked?, pending, input);
        };
        let mut values: Vec<(Var, Value)> = Vec::new();
        for var in vars
            .iter()
            .filter(|v| Some(**v) == asked || !self.var(**v).is_known())
        {
            // A number that answers the asked question must not also choose from another one's list.
            let alone = Some(*var) != asked && text.trim().parse::<f64>().is_ok();
            if let Some(value) = self.fitting(*var, text, signals).filter(|_| !alone) {
                values.push((*var, value));
            }
        }
        (!values.is_empty()).then_some(Reply::Values(values))
    }

    /// What a free text answers to a question that takes text.
    pub(super) fn free_reply(&self, pending: &Pending, text: &str) -> Option<Reply> {
        let name = match &pending.ask {
            Ask::Required(var) => var,
            Ask::Place(key) => match self
                .place_op(key)
                .and_then(|op| self.m.ops.get(op.index()))
                .map(|op| &op.kind)
            {
                Some(OpKind::Ask { .. } | OpKind::Form { .. }) => pending.var.as_ref()?,
                _ => return None,
            },
            _ => return None,
        };
        let var = self.var_named(name)?;
        let def = self.def(var)?;
        let text = text.trim();
        let takes = def.ty == Type::Text && def.matching.is_none() && !text.is_empty();
        takes.then(|| Reply::Values(vec![(var, Value::text(text))]))
    }

    pub(super) fn follow(&mut self, flow: Flow) {
        if let Flow::Next(op) = flow {
            self.exec(op);
        }
    }

    /// Goes on after a good answer to the main line's question.
    pub(super) fn apply(&mut self, mut pending: Box<Pending>, reply: Reply) {
        self.c.main.at = At::Idle;
        let Ask::Place(key) = &pending.ask else {
            return;
        };
        let Some(op) = self.place_op(key) else { return };
        let m = self.m;
        let Some(kind) = m.op(op).map(|op| &op.kind) else {
            return;
        };
        match (kind, reply) {
            (OpKind::Ask { next, .. } | OpKind::ChooseFrom { next, .. }, Reply::Values(values)) => {
                values
                    .into_iter()
                    .for_each(|(var, value)| self.set_var(var, value));
                self.exec(*next);
            }
            (OpKind::Form { .. }, Reply::Values(values)) => {
                values
                    .into_iter()
                    .for_each(|(var, value)| self.set_var(var, value));
                pending.misses = 0;
                pending.picked.clear();
                let flow = self.ask_again(pending);
                self.follow(flow);
            }
            (_, Reply::Pick(value)) => {
                if !pending.picked.contains(&value) {
                    pending.picked.push(value);
                }
                let flow = self.ask_again(pending);
                self.follow(flow);
            }
            (_, Reply::Arm(to)) => self.exec(to),
            (OpKind::Confirm { yes, .. }, Reply::Yes) => self.exec(*yes),
            (OpKind::Confirm { no, .. }, Reply::No) => self.exec(*no),
            (
                OpKind::Attempt {
                    worked, declined, ..
                },
                answer @ (Reply::Yes | Reply::No),
            ) => {
                let worked_out = answer == Reply::Yes;
                if let Some(attempt) = self.c.attempts.last_mut() {
                    attempt.outcome =
                        SmolStr::new_static(if worked_out { "worked" } else { "declined" });
                }
                if !worked_out {
                    self.c.failed_attempts += 1;
                    if self.after_attempt() {
                        return;
                    }
                }
                self.exec(if worked_out { *worked } else { *declined });
            }
            (OpKind::Verify { .. }, Reply::Code(code)) => {
                self.effects.push(Effect::CheckCode { code });
                self.c.main.at = At::Question(pending);
            }
            (OpKind::Survey { kind, next, .. }, Reply::Score(score)) => {
                self.effects.push(Effect::Scored {
                    survey: SmolStr::new_static(survey_name(*kind)),
                    score,
                });
                self.handlers(HandlerEvent::Survey);
                self.exec(*next);
            }
            (OpKind::Offer { offer, .. }, Reply::Offer(index)) => {
                if let Some(item) = offer.items.get(index) {
                    self.take_offer(item);
                }
            }
            _ => self.c.main.at = At::Question(pending),
        }
    }

    /// A bad answer: asked again while retries remain (`true`), else nothing is done.
    pub(super) fn has_retry(&self, pending: &Pending) -> bool {
        let retry = match &pending.ask {
            Ask::Place(key) => match self
                .place_op(key)
                .and_then(|op| self.m.ops.get(op.index()))
                .map(|op| &op.kind)
            {
                Some(OpKind::Listen { question, .. }) if question.invalid.is_none() => 0,
                Some(OpKind::Offer { .. }) => u32::MAX,
                Some(_) => self
                    .place_op(key)
                    .and_then(|op| self.question(op))
                    .map_or(0, |q| q.retry),
                None => 0,
            },
            Ask::Required(_) | Ask::Contact { .. } => REQUIRED_RETRIES,
            Ask::Helped(_) | Ask::Climb(_) | Ask::Consent(_) => 0,
        };
        pending.misses < retry
    }

    /// Says what was wrong and asks again.
    pub(super) fn say_invalid(&mut self, pending: &Pending, input: Option<Input<'_>>) {
        let question = match &pending.ask {
            Ask::Place(key) => self.place_op(key).and_then(|op| self.question(op)),
            _ => None,
        };
        if let Some(Input::File(file)) = input
            && let Some(def) = pending
                .var
                .as_ref()
                .and_then(|v| self.var_named(v))
                .and_then(|v| self.def(v))
            && question.is_none_or(|q| q.invalid.is_none())
            && let Err(why) = self.file_value(def, file)
        {
            self.pose_as(pending, why, MessageKind::Invalid);
            return;
        }
        if let Some(invalid) = question.and_then(|q| q.invalid) {
            let text = self.render(invalid);
            self.pose_as(pending, text, MessageKind::Invalid);
            return;
        }
        let kind = match &pending.ask {
            Ask::Place(key) => self.place_op(key).and_then(|op| self.m.op(op)),
            _ => None,
        };
        let language = self.scope().language();
        let text = match kind.map(|op| &op.kind) {
            Some(OpKind::Survey { kind, .. }) => {
                Some(Builtin::Scale.fill(language, "1", &scale(*kind).to_string()))
            }
            Some(OpKind::Verify { .. }) => Some(Builtin::WrongCode.get(language).to_owned()),
            _ => None,
        };
        if let Some(text) = text {
            self.pose_as(pending, text, MessageKind::Invalid);
            return;
        }
        self.say_builtin(MessageKind::Invalid, Builtin::Invalid);
        self.pose(pending);
    }

    /// Where a question goes on when nobody can answer it.
    pub(super) fn otherwise(&self, pending: &Pending) -> Option<OpId> {
        let Ask::Place(key) = &pending.ask else {
            return None;
        };
        let op = self.place_op(key)?;
        if let OpKind::Survey { question, next, .. } = &self.m.ops.get(op.index())?.kind
            && !question.otherwise_written
        {
            return Some(*next);
        }
        self.question(op).map(|q| q.otherwise)
    }

    /// The pending question whose button this is, and the button's index: the one that waits, or one that a handler interrupted.
    pub(super) fn pressed_pending(&self, prefix: &str) -> Option<(Holder, Box<Pending>)> {
        let is = |p: &Pending| self.button_prefix(&p.ask) == prefix;
        if let Some(p) = self
            .c
            .handoff
            .as_ref()
            .and_then(|h| h.ask.as_ref())
            .filter(|p| is(p))
        {
            return Some((Holder::Handoff, p.clone()));
        }
        if let Some(p) = self.c.model.ask.as_ref().filter(|p| is(p)) {
            return Some((Holder::Model, p.clone()));
        }
        if let At::Question(p) = &self.c.main.at
            && is(p)
        {
            return Some((Holder::Main(self.c.main.frames.len()), p.clone()));
        }
        self.c
            .main
            .frames
            .iter()
            .enumerate()
            .rev()
            .find_map(|(depth, frame)| match &frame.back {
                crate::conversation::Back::Question(p) if is(p) => {
                    Some((Holder::Main(depth), p.clone()))
                }
                _ => None,
            })
    }
}

/// Where a pending question is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// The main line, with this many frames under it.
    Main(usize),
    Handoff,
    Model,
}

/// The label that a text is: by its words, or by its number.
pub(super) fn among(labels: &[String], text: &str) -> Option<usize> {
    let said = folded(text);
    if said.is_empty() {
        return None;
    }
    if let Some(index) = labels.iter().position(|label| folded(label) == said) {
        return Some(index);
    }
    let number = said.parse::<usize>().ok()?.checked_sub(1)?;
    (number < labels.len()).then_some(number)
}
