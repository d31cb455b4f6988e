//! Answering: whether what arrived fits the pending question, and what follows from it.

use super::parse::Input;
use super::questions::{scale, survey_name};
use super::{Flow, Run};
use crate::builtin_texts::Builtin;
use crate::conversation::{Ask, At, Pending};
use crate::effect::{Effect, MessageKind};
use crate::signals::Signals;
use crate::values::{folded, folds_to};
use flow_compiler::machine::{HandlerEvent, OpKind, Var};
use flow_compiler::value::{IntentId, OpId, Type, Value};
use smol_str::SmolStr;
use std::sync::Arc;

/// A good answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// Values for what the question fills.
    Values(Vec<(Var, Value)>),
    /// More of a list, which stays open.
    Picks(Vec<Value>),
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
                self.heard_arm(arms, signals).map(|(_, to)| Reply::Arm(to))
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

    /// The likeliest intent of a message that an arm listens for.
    fn heard_arm(
        &self,
        arms: &[(Vec<IntentId>, OpId)],
        signals: &Signals,
    ) -> Option<(SmolStr, OpId)> {
        let named = |name: &str| {
            arms.iter().find(|(intents, _)| {
                intents
                    .iter()
                    .any(|id| self.m.intent(*id).is_some_and(|i| i.name == name))
            })
        };
        signals
            .intents
            .iter()
            .filter(|g| g.probability >= super::memory::LIKELY)
            .find_map(|g| named(&g.name).map(|(_, to)| (g.name.clone(), *to)))
    }

    /// The intent by which a message answers a pending `listen`.
    pub(super) fn listened(&self, pending: &Pending, signals: &Signals) -> Option<SmolStr> {
        let Ask::Place(key) = &pending.ask else {
            return None;
        };
        match &self.m.op(self.place_op(key)?)?.kind {
            OpKind::Listen { arms, .. } => self.heard_arm(arms, signals).map(|(name, _)| name),
            _ => None,
        }
    }

    /// The button that an input means: pressed, its number, or its label.
    pub(super) fn choice(&self, pending: &Pending, input: Input<'_>) -> Option<usize> {
        match input {
            Input::Button(index) => Some(index),
            Input::File(_) => None,
            Input::Message(text, _) => {
                let op = match &pending.ask {
                    Ask::Place(key) => self.place_op(key).and_then(|op| self.m.op(op)),
                    _ => None,
                };
                if let Some(OpKind::Choose { buttons, .. }) = op.map(|op| &op.kind) {
                    let scope = self.scope();
                    return among(buttons.iter().map(|b| scope.text(b.label)), text);
                }
                among(self.labels(pending), text)
            }
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
                    Some(value) => Some(Reply::Picks(vec![Value::Enum(value.clone())])),
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
            (Input::Message(text, signals), Type::List(of)) if matches!(**of, Type::Enum(_)) => {
                self.list_reply(var, of, pending, text, signals)
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

    /// What a text chooses from a list: one number is that button, several values at once are all there is to choose; after a button
    /// was pressed they are more of the same.
    fn list_reply(
        &self,
        var: Var,
        of: &Type,
        pending: &Pending,
        text: &str,
        signals: &Signals,
    ) -> Option<Reply> {
        let Type::Enum(id) = *of else { return None };
        let values = &self.m.enum_def(id)?.values;
        let chosen = match numbers_of(text).as_slice() {
            [] => match self.fitting(var, text, signals)? {
                Value::List(items) => Arc::unwrap_or_clone(items),
                _ => return None,
            },
            [one] => {
                let index = one.checked_sub(1)?;
                let button = index < values.len() + usize::from(!pending.picked.is_empty());
                return if button {
                    self.value_reply(var, pending, Input::Button(index))
                } else {
                    None
                };
            }
            several => {
                let mut chosen = Vec::new();
                for number in several {
                    let value = Value::Enum(values.get(number.checked_sub(1)?)?.clone());
                    if !chosen.contains(&value) {
                        chosen.push(value);
                    }
                }
                chosen
            }
        };
        Some(if pending.picked.is_empty() {
            Reply::Values(vec![(var, Value::List(Arc::new(chosen)))])
        } else {
            Reply::Picks(chosen)
        })
    }

    /// One message may fill several values of a form; free text fills only the one that was asked for.
    fn form_reply(&self, vars: &[Var], pending: &Pending, input: Input<'_>) -> Option<Reply> {
        let asked = pending.var.as_ref().and_then(|v| self.var_named(v));
        let Input::Message(text, signals) = input else {
            return self.value_reply(asked?, pending, input);
        };
        let mut values: Vec<(Var, Value)> = Vec::new();
        if let Some(asked) = asked
            && let Some(Type::List(_)) = self.def(asked).map(|def| &def.ty)
            && let Some(reply) = self.value_reply(asked, pending, input)
        {
            return Some(reply);
        }
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
        // What the asked question cannot take may be the number that another one waits for.
        if values.is_empty()
            && text.trim().parse::<f64>().is_ok()
            && !asked.is_some_and(|asked| self.takes_text(asked))
        {
            let number = vars.iter().find_map(|var| {
                let wanted = self.def(*var).is_some_and(|def| def.ty == Type::Number);
                let open = wanted && !self.var(*var).is_known();
                let value = open.then(|| self.fitting(*var, text, signals))??;
                Some((*var, value))
            });
            values.extend(number);
        }
        (!values.is_empty()).then_some(Reply::Values(values))
    }

    /// Whether any words are an answer.
    fn takes_text(&self, var: Var) -> bool {
        self.def(var)
            .is_some_and(|def| def.ty == Type::Text && def.matching.is_none())
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
        let text = text.trim();
        let takes = self.takes_text(var) && !text.is_empty();
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
            (_, Reply::Picks(values)) => {
                for value in values {
                    if !pending.picked.contains(&value) {
                        pending.picked.push(value);
                    }
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
pub(super) fn among<L: AsRef<str>>(
    labels: impl IntoIterator<Item = L>,
    text: &str,
) -> Option<usize> {
    let said = folded(text);
    if said.is_empty() {
        return None;
    }
    let mut count = 0;
    for label in labels {
        if folds_to(label.as_ref(), &said) {
            return Some(count);
        }
        count += 1;
    }
    let number = said.parse::<usize>().ok()?.checked_sub(1)?;
    (number < count).then_some(number)
}

/// The numbers that a text consists of: "2", "1 and 3", "1, 3". Empty if there is anything else in it.
fn numbers_of(text: &str) -> Vec<usize> {
    let text = text.trim().trim_end_matches('.');
    let words = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '+' | '&' | '/'))
        .filter(|word| !word.is_empty() && !Builtin::And.is_in_any(word));
    words
        .map(|word| word.parse().ok())
        .collect::<Option<Vec<usize>>>()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_numbers_is_told_from_words() {
        assert_eq!(numbers_of("1 and 3"), [1, 3]);
        assert_eq!(numbers_of("1, 2 y 3."), [1, 2, 3]);
        assert_eq!(numbers_of("2"), [2]);
        assert!(numbers_of("2 books").is_empty());
        assert!(numbers_of("and").is_empty());
    }
}
