//! Expressions over a conversation, in three-valued logic: what is not known makes a comparison unknown.

mod moments;
mod signals;

use crate::Hooks;
use crate::conversation::{Conversation, Said};
use crate::decision::{HookTrace, Read};
use crate::engine::Engine;
use crate::values;
use flow_compiler::machine::{Expr, ExprKind, Held, Signal};
use flow_compiler::value::{FieldId, SlotId, TemporalId, Value};
use flow_grammar::ast::BinaryOp;
use jiff::Timestamp;
use signals::signal_name;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an expression is read against.
pub(crate) struct Scope<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) state: &'a Conversation,
    pub(crate) hooks: &'a dyn Hooks,
    pub(crate) now: Timestamp,
    /// The event is a message: its signals count.
    pub(crate) fresh: bool,
    pub(crate) locals: &'a BTreeMap<SmolStr, Value>,
    pub(crate) local_names: &'a [flow_compiler::machine::LocalDef],
    pub(crate) payload: Option<&'a BTreeMap<SmolStr, Value>>,
    pub(crate) params: &'a [Value],
    pub(crate) it: Option<&'a Value>,
    /// It is read for the card: the agent to whom it is offered is known.
    pub(crate) on_card: bool,
    /// Where hook results are recorded.
    pub(crate) hook_log: &'a RefCell<Vec<HookTrace>>,
    /// Where reads are recorded.
    pub(crate) reads: Option<&'a RefCell<Vec<Read>>>,
}

pub(crate) static NO_LOCALS: BTreeMap<SmolStr, Value> = BTreeMap::new();

/// How deep segments and thresholds may refer to each other.
const DEPTH: u32 = 64;

impl<'a> Scope<'a> {
    /// The value of an expression; `Unknown` where it cannot be known.
    pub(crate) fn value(&self, expr: &Expr) -> Value {
        self.eval(expr, DEPTH)
    }

    /// Whether a condition holds; `None`: unknown.
    pub(crate) fn truth(&self, expr: &Expr) -> Option<bool> {
        match self.value(expr) {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// Only `true` is true.
    pub(crate) fn holds(&self, expr: &Expr) -> bool {
        self.truth(expr) == Some(true)
    }

    fn eval(&self, expr: &Expr, depth: u32) -> Value {
        let Some(depth) = depth.checked_sub(1) else {
            return Value::Unknown;
        };
        match &expr.kind {
            ExprKind::Const(value) => value.clone(),
            ExprKind::Text(text) => Value::text(self.render(*text)),
            ExprKind::Slot(id) => self.read_with(
                || self.slot_name(*id),
                || self.slot(*id),
                self.is_private_slot(*id),
            ),
            ExprKind::Customer(id) => self.read_with(
                || self.field_name(*id),
                || self.field(*id),
                self.is_private_field(*id),
            ),
            ExprKind::CustomerAll => self.customer(),
            ExprKind::Local(id) => self
                .local_names
                .get(id.index())
                .and_then(|def| self.locals.get(&def.name))
                .cloned()
                .unwrap_or_default(),
            ExprKind::Signal(signal) => self.read_with(
                || SmolStr::new_static(signal_name(*signal)),
                || self.signal(*signal),
                *signal == Signal::Message,
            ),
            ExprKind::Segment(id) => match self.engine.machine().segment(*id) {
                Some(segment) => self.read_with(
                    || segment.name.clone(),
                    || self.eval(&segment.when, depth),
                    false,
                ),
                None => Value::Unknown,
            },
            ExprKind::Threshold(id) => match self.engine.machine().threshold(*id) {
                Some(threshold) => {
                    let line = || {
                        threshold
                            .lines
                            .iter()
                            .find(|(_, when)| self.eval(when, depth).is_true())
                    };
                    let value =
                        || self.eval(line().map_or(&threshold.default, |(value, _)| value), depth);
                    self.read_with(|| threshold.name.clone(), value, false)
                }
                None => Value::Unknown,
            },
            ExprKind::Param(index) => self
                .params
                .get(*index as usize)
                .cloned()
                .unwrap_or_default(),
            ExprKind::Payload(Some(field)) => self
                .payload
                .and_then(|p| p.get(field))
                .cloned()
                .unwrap_or_default(),
            ExprKind::Payload(None) => self
                .payload
                .map_or(Value::Unknown, |p| Value::Record(Arc::new(p.clone()))),
            ExprKind::It => self.it.cloned().unwrap_or_default(),
            ExprKind::Env(_) | ExprKind::Secret(_) | ExprKind::Error => Value::Unknown,
            ExprKind::Field(of, name) => match self.eval(of, depth) {
                Value::Record(fields) => fields.get(name).cloned().unwrap_or_default(),
                Value::File(file) => match name.as_str() {
                    "name" => Value::Text(file.name),
                    "url" => Value::Text(file.url),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
            ExprKind::Hook(id, args) => self.hook(*id, args, depth),
            ExprKind::Hours(of, query) => self.hours(*of, *query),
            ExprKind::List(items) => Value::List(Arc::new(
                items.iter().map(|item| self.eval(item, depth)).collect(),
            )),
            ExprKind::Not(of) => match self.eval(of, depth) {
                Value::Bool(b) => Value::Bool(!b),
                _ => Value::Unknown,
            },
            ExprKind::Neg(of) => negated(self.eval(of, depth)),
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, depth),
            ExprKind::Is {
                negated,
                left,
                right,
            } => truth_value(
                values::same(&self.eval(left, depth), &self.eval(right, depth))
                    .map(|same| same != *negated),
            ),
            ExprKind::In {
                negated,
                left,
                right,
            } => truth_value(
                self.is_in(left, right, depth)
                    .map(|found| found != *negated),
            ),
            ExprKind::Known { known, of } => Value::Bool(self.eval(of, depth).is_known() == *known),
            ExprKind::During { during, hours } => {
                truth_value(self.open(*hours).map(|open| open == *during))
            }
            ExprKind::Contains { left, any } => truth_value(self.contains(left, any, depth)),
            ExprKind::ListContains { left, right } => {
                match (self.eval(left, depth), self.eval(right, depth)) {
                    (Value::List(items), value) if value.is_known() => Value::Bool(
                        items
                            .iter()
                            .any(|item| values::same(item, &value) == Some(true)),
                    ),
                    _ => Value::Unknown,
                }
            }
            ExprKind::Matches { left, pattern } => truth_value(
                self.text_of(left, depth)
                    .map(|text| pattern.regex.is_match(&text)),
            ),
            ExprKind::Temporal(id) => self.temporal(*id, depth),
            ExprKind::AtLeast { count, conds } => self.at_least(*count, conds, depth),
        }
    }

    fn binary(&self, op: BinaryOp, a: &Expr, b: &Expr, depth: u32) -> Value {
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let decides = op == BinaryOp::Or;
                let left = self.eval(a, depth);
                if left == Value::Bool(decides) {
                    return left;
                }
                let right = self.eval(b, depth);
                if right == Value::Bool(decides) {
                    return right;
                }
                if left.is_known() && right.is_known() {
                    Value::Bool(!decides)
                } else {
                    Value::Unknown
                }
            }
            BinaryOp::Coalesce => {
                let left = self.eval(a, depth);
                if left.is_known() {
                    left
                } else {
                    self.eval(b, depth)
                }
            }
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => truth_value(
                values::order(&self.eval(a, depth), &self.eval(b, depth)).map(|o| match op {
                    BinaryOp::Lt => o.is_lt(),
                    BinaryOp::Le => o.is_le(),
                    BinaryOp::Gt => o.is_gt(),
                    _ => o.is_ge(),
                }),
            ),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => {
                values::arithmetic(op, &self.eval(a, depth), &self.eval(b, depth))
            }
        }
    }

    fn is_in(&self, left: &Expr, right: &Expr, depth: u32) -> Option<bool> {
        let value = self.eval(left, depth);
        if !value.is_known() {
            return None;
        }
        let mut unknown = false;
        let mut look = |item: &Value| match values::same(&value, item) {
            None => {
                unknown = true;
                false
            }
            Some(found) => found,
        };
        let found = match &right.kind {
            ExprKind::List(items) => items.iter().any(|item| match &item.kind {
                ExprKind::Const(constant) => look(constant),
                _ => look(&self.eval(item, depth)),
            }),
            _ => match self.eval(right, depth) {
                Value::List(items) => items.iter().any(look),
                _ => return None,
            },
        };
        if found {
            Some(true)
        } else if unknown {
            None
        } else {
            Some(false)
        }
    }

    fn contains(&self, left: &Expr, any: &[Expr], depth: u32) -> Option<bool> {
        let text = self.text_of(left, depth)?;
        for words in any {
            let found = match &words.kind {
                ExprKind::Const(Value::Text(words)) => {
                    values::contains_words(&text, words).then(|| words.clone())
                }
                _ => match self.eval(words, depth) {
                    Value::Text(words) => values::contains_words(&text, &words).then_some(words),
                    _ => None,
                },
            };
            if let Some(words) = found {
                self.note(
                    || SmolStr::new_static("message contains"),
                    || Value::Text(words),
                );
                return Some(true);
            }
        }
        Some(false)
    }

    /// A text, without copying the message.
    fn text_of(&self, expr: &Expr, depth: u32) -> Option<Cow<'a, str>> {
        if let ExprKind::Signal(Signal::Message) = expr.kind {
            return self.said().map(|said| Cow::Borrowed(said.text.as_str()));
        }
        match self.eval(expr, depth) {
            Value::Text(text) | Value::Enum(text) => Some(Cow::Owned(text.to_string())),
            _ => None,
        }
    }

    fn at_least(&self, count: u32, conds: &[Expr], depth: u32) -> Value {
        let (mut holding, mut possible) = (0, 0);
        for cond in conds {
            match self.eval(cond, depth) {
                Value::Bool(true) => holding += 1,
                Value::Bool(false) => {}
                _ => possible += 1,
            }
        }
        if holding >= count {
            Value::Bool(true)
        } else if holding + possible >= count {
            Value::Unknown
        } else {
            Value::Bool(false)
        }
    }

    fn temporal(&self, id: TemporalId, depth: u32) -> Value {
        let Some(temporal) = self.engine.machine().temporal(id) else {
            return Value::Unknown;
        };
        // The condition's own reads say why; what it held before is remembered.
        if self.reads.is_some() {
            self.eval(&temporal.cond, depth);
        }
        let memory = self.state.temporals.get(&temporal.key);
        Value::Bool(match temporal.held {
            Held::Messages(count) => memory.is_some_and(|m| m.count >= count),
            Held::Millis(millis) => memory
                .and_then(|m| m.since)
                .is_some_and(|since| crate::calendar::millis_between(since, self.now) >= millis),
        })
    }

    fn hook(&self, id: flow_compiler::value::HookId, args: &[Expr], depth: u32) -> Value {
        let Some(hook) = self.engine.machine().hook(id) else {
            return Value::Unknown;
        };
        let args: Vec<Value> = args.iter().map(|arg| self.eval(arg, depth)).collect();
        let result = self.hooks.call(&hook.name, &args);
        let value = result.clone().unwrap_or_default();
        self.hook_log.borrow_mut().push(HookTrace {
            hook: hook.name.clone(),
            result,
        });
        self.note(|| hook.name.clone(), || value.clone());
        value
    }

    fn read_with(
        &self,
        name: impl FnOnce() -> SmolStr,
        value: impl FnOnce() -> Value,
        private: bool,
    ) -> Value {
        let value = value();
        self.note(name, || {
            if private && value.is_known() {
                Value::Text(SmolStr::new_static("(private)"))
            } else {
                value.clone()
            }
        });
        value
    }

    fn note(&self, name: impl FnOnce() -> SmolStr, value: impl FnOnce() -> Value) {
        if let Some(reads) = self.reads {
            let (name, value) = (name(), value());
            let mut reads = reads.borrow_mut();
            if !reads.iter().any(|read| read.name == name) {
                reads.push(Read { name, value });
            }
        }
    }

    fn slot_name(&self, id: SlotId) -> SmolStr {
        self.engine
            .machine()
            .slot(id)
            .map(|def| def.name.clone())
            .unwrap_or_default()
    }

    fn field_name(&self, id: FieldId) -> SmolStr {
        let names = &self.engine.tables.field_names;
        names.get(id.index()).cloned().unwrap_or_default()
    }

    fn is_private_slot(&self, id: SlotId) -> bool {
        self.engine
            .machine()
            .slot(id)
            .is_some_and(|def| def.private)
    }

    fn is_private_field(&self, id: FieldId) -> bool {
        self.engine
            .machine()
            .customer_field(id)
            .is_some_and(|def| def.private)
    }

    pub(crate) fn slot(&self, id: SlotId) -> Value {
        let Some(def) = self.engine.machine().slot(id) else {
            return Value::Unknown;
        };
        self.known_or_default(self.state.slots.get(&def.name), def.default.as_ref())
    }

    pub(crate) fn field(&self, id: FieldId) -> Value {
        let Some(def) = self.engine.machine().customer_field(id) else {
            return Value::Unknown;
        };
        self.known_or_default(self.state.customer.get(&def.name), def.default.as_ref())
    }

    fn known_or_default(&self, value: Option<&Value>, default: Option<&Expr>) -> Value {
        match (value, default) {
            (Some(value), _) => value.clone(),
            (
                None,
                Some(Expr {
                    kind: ExprKind::Const(value),
                    ..
                }),
            ) => value.clone(),
            (None, Some(default)) => self.value(default),
            (None, None) => Value::Unknown,
        }
    }

    fn customer(&self) -> Value {
        let fields = self
            .engine
            .machine()
            .customer
            .iter()
            .enumerate()
            .filter_map(|(index, def)| {
                let value = self.field(FieldId(u32::try_from(index).ok()?));
                Some((def.name.clone(), value))
            });
        Value::Record(Arc::new(fields.collect()))
    }

    pub(crate) fn said(&self) -> Option<&'a Said> {
        self.state.said.as_deref().filter(|_| self.fresh)
    }

    fn flag(&self, of: impl FnOnce(&Said) -> bool) -> Value {
        Value::Bool(self.said().is_some_and(of))
    }
}

fn truth_value(truth: Option<bool>) -> Value {
    truth.map_or(Value::Unknown, Value::Bool)
}

fn negated(value: Value) -> Value {
    match value {
        Value::Number(n) => Value::Number(-n),
        Value::Percent(n) => Value::Percent(-n),
        Value::Duration(n) => n.checked_neg().map_or(Value::Unknown, Value::Duration),
        Value::Money(mut money) => {
            money.amount = -money.amount;
            Value::Money(money)
        }
        _ => Value::Unknown,
    }
}
