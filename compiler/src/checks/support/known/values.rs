//! "The slot is this value", "the slot is not": what alternatives may say beside that something is known.
//!
//! `set wants = true` beside a question in one branch, `set wants = false` in the other: where `wants` holds later, the question
//! was asked.

use super::bits::Bits;
use super::facts::{FactId, Facts};
use super::narrow::Truth;
use crate::checks::support::formula::constant_of;
use crate::machine::{CellPattern, ExamplePart, Expr, ExprKind, Machine, Var};
use crate::value::{CodeId, SlotId, Type, Value};
use flow_grammar::ast::BinaryOp;

/// Of so many values of slots it is followed whether a slot has them.
const MOST: usize = 16;

/// Of an enum of so many values all are followed.
const FEW: usize = 5;

/// A value that a slot is tested for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    pub(super) slot: SlotId,
    pub(super) value: Value,
}

/// The facts that slots have values, and that they do not.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    list: Vec<(Tried, Sides)>,
    /// The slots of which every value is among them, and their values.
    whole: Vec<(SlotId, Vec<Value>)>,
}

/// Two facts that exclude each other; where a slot is unknown it is not the value.
#[derive(Debug, Clone, Copy)]
struct Sides {
    is: FactId,
    is_not: FactId,
}

impl Values {
    /// The first of the values, numbered from `first` on.
    pub(super) fn new(machine: &Machine, tried: Vec<Tried>, first: u32) -> Self {
        let mut this = Self::default();
        for (tried, at) in tried.into_iter().take(MOST).zip((first..).step_by(2)) {
            let (is, is_not) = (FactId(at), FactId(at + 1));
            this.list.push((tried, Sides { is, is_not }));
        }
        let slots = this.list.iter().map(|(tried, _)| tried.slot);
        let mut whole: Vec<(SlotId, Vec<Value>)> = Vec::new();
        for slot in slots {
            if let Some(domain) = domain(machine, slot)
                && whole.iter().all(|(other, _)| *other != slot)
                && domain
                    .iter()
                    .all(|v| this.about(slot).any(|(value, _)| value == v))
            {
                whole.push((slot, domain));
            }
        }
        this.whole = whole;
        this
    }

    /// How many facts there are.
    pub(super) fn len(&self) -> usize {
        self.list.len() * 2
    }

    /// Whether a slot has a value, and that it has not.
    pub(super) fn of(&self, tried: &Tried) -> Option<[FactId; 2]> {
        let (_, sides) = self.list.iter().find(|(t, _)| t == tried)?;
        Some([sides.is, sides.is_not])
    }

    /// All facts.
    pub(super) fn all(&self) -> impl Iterator<Item = FactId> + '_ {
        self.list.iter().flat_map(|(_, s)| [s.is, s.is_not])
    }

    fn about(&self, slot: SlotId) -> impl Iterator<Item = (&Value, Sides)> {
        let of_slot = self.list.iter().filter(move |(t, _)| t.slot == slot);
        of_slot.map(|(t, sides)| (&t.value, *sides))
    }

    fn sides(&self, slot: SlotId, value: &Value) -> Option<Sides> {
        let (_, sides) = self.about(slot).find(|(v, _)| *v == value)?;
        Some(sides)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// All values of a slot, where there are few.
pub(super) fn domain(machine: &Machine, slot: SlotId) -> Option<Vec<Value>> {
    match machine.slot(slot)?.ty {
        Type::Bool => Some(vec![Value::Bool(false), Value::Bool(true)]),
        Type::Enum(id) => {
            let values = &machine.enum_def(id)?.values;
            let few = values.len() <= FEW;
            few.then(|| values.iter().map(|v| Value::Enum(v.clone())).collect())
        }
        _ => None,
    }
}

/// What a slot that can be one of these values, or unknown, is.
#[derive(Debug, Clone, Copy)]
enum Left<'v> {
    /// One of them.
    Only(&'v [Value]),
    /// One of them, or unknown.
    AtMost(&'v [Value]),
    /// None of them.
    Not(&'v [Value]),
}

impl Facts {
    /// Adds what follows for a slot.
    fn left(&self, code: CodeId, slot: SlotId, left: Left<'_>, bits: &mut Bits) {
        for (value, sides) in self.values.about(slot) {
            let excluded = match left {
                Left::Only(values) | Left::AtMost(values) => !values.contains(value),
                Left::Not(values) => values.contains(value),
            };
            if excluded {
                bits.insert(sides.is_not);
                self.either.without(code, &[sides.is], bits);
            }
        }
        // What has a default is never unknown.
        let known = self.of_var(Var::Slot(slot)).is_some_and(|f| bits.has(f));
        let mut one_of: Option<Vec<&Value>> = match left {
            Left::Only(values) => Some(values.iter().collect()),
            Left::AtMost(values) if known => Some(values.iter().collect()),
            _ => None,
        };
        // Of all its values those are left that were not excluded.
        if let Some((_, all)) = self.values.whole.iter().find(|(s, _)| *s == slot)
            && (known || one_of.is_some())
        {
            let open = |value: &&Value| {
                let sides = self.values.sides(slot, value);
                sides.is_some_and(|s| !bits.has(s.is_not))
            };
            one_of = Some(all.iter().filter(open).collect());
        }
        let Some(one_of) = one_of else { return };
        let sides: Vec<Sides> = one_of
            .iter()
            .filter_map(|value| self.values.sides(slot, value))
            .collect();
        if sides.len() != one_of.len() {
            return;
        }
        if let [one] = sides.as_slice() {
            bits.insert(one.is);
        }
        let others: Vec<FactId> = sides.iter().map(|s| s.is_not).collect();
        self.either.without(code, &others, bits);
    }

    /// Adds what a condition tells of the values of slots.
    pub(super) fn assume_values(&self, code: CodeId, cond: &Expr, truth: Truth, bits: &mut Bits) {
        let holds = matches!(truth, Truth::True | Truth::NotFalse);
        let certain = matches!(truth, Truth::True | Truth::False);
        let mut one_of = |slot: SlotId, values: &[Value], is: bool| {
            let left = match (is, certain) {
                (true, true) => Left::Only(values),
                (true, false) => Left::AtMost(values),
                (false, _) => Left::Not(values),
            };
            self.left(code, slot, left, bits);
        };
        match &cond.kind {
            ExprKind::Slot(slot) if cond.ty == Type::Bool => {
                one_of(*slot, &[Value::Bool(holds)], true);
            }
            ExprKind::Is {
                negated,
                left,
                right,
            } => {
                if let (ExprKind::Slot(slot), Some(value)) = (&left.kind, constant_of(right)) {
                    one_of(*slot, &[value], holds != *negated);
                }
            }
            ExprKind::In {
                negated,
                left,
                right,
            } => {
                if let (ExprKind::Slot(slot), ExprKind::List(items)) = (&left.kind, &right.kind)
                    && let Some(values) = items.iter().map(constant_of).collect::<Option<Vec<_>>>()
                {
                    one_of(*slot, &values, holds != *negated);
                }
            }
            ExprKind::Known { known, of } if *known != holds => {
                if let ExprKind::Slot(slot) = of.kind {
                    self.left(code, slot, Left::AtMost(&[]), bits);
                }
            }
            // `flag ?? false` that does not hold: false or unknown.
            ExprKind::Binary(BinaryOp::Coalesce, thing, fallback) => {
                if let (ExprKind::Slot(slot), Some(Value::Bool(_))) =
                    (&thing.kind, constant_of(fallback))
                {
                    self.left(code, *slot, Left::Not(&[Value::Bool(!holds)]), bits);
                }
            }
            _ => {}
        }
    }

    /// Adds what an arm of a `match` tells of the slot: where it is taken, and behind it.
    pub(super) fn assume_arm(
        &self,
        code: CodeId,
        subject: &Expr,
        patterns: &[CellPattern],
        taken: &mut Bits,
        rest: &mut Bits,
    ) {
        let ExprKind::Slot(slot) = subject.kind else {
            return;
        };
        if self.values.is_empty() {
            return;
        }
        let mut values = Vec::new();
        let (mut unknown, mut others) = (false, false);
        for pattern in patterns {
            match pattern {
                CellPattern::Value(value) => values.push(value.clone()),
                CellPattern::Unknown => unknown = true,
                _ => others = true,
            }
        }
        match patterns {
            [CellPattern::Not(values)] => self.left(code, slot, Left::Not(values), taken),
            _ if others => {}
            _ if unknown => self.left(code, slot, Left::AtMost(&values), taken),
            _ => self.left(code, slot, Left::Only(&values), taken),
        }
        self.left(code, slot, Left::Not(&values), rest);
    }

    /// A variable has a new value, this one if it is said which.
    pub(super) fn put(&self, code: CodeId, var: Var, value: Option<&Expr>, bits: &mut Bits) {
        let Var::Slot(slot) = var else { return };
        for (_, sides) in self.values.about(slot) {
            for fact in [sides.is, sides.is_not] {
                bits.remove(fact);
                self.either.of(fact).for_each(|id| bits.remove(id));
            }
        }
        if let Some(value) = value.and_then(constant_of) {
            self.left(code, slot, Left::Only(&[value]), bits);
        }
    }

    /// A slot is as in the beginning: its default, or unknown.
    pub(super) fn reset(&self, machine: &Machine, code: CodeId, slot: SlotId, bits: &mut Bits) {
        self.put(code, Var::Slot(slot), None, bits);
        match machine.slot(slot).map(|s| s.default.as_ref()) {
            Some(Some(default)) => self.put(code, Var::Slot(slot), Some(default), bits),
            Some(None) => self.left(code, slot, Left::AtMost(&[]), bits),
            None => {}
        }
    }

    /// All slots are as in the beginning.
    pub(super) fn begin(&self, machine: &Machine, code: CodeId, bits: &mut Bits) {
        for slot in self.values.list.iter().map(|(t, _)| t.slot) {
            self.reset(machine, code, slot, bits);
        }
    }

    /// Adds what is said of the value of a variable to a set.
    pub(super) fn mark_values(&self, var: Var, bits: &mut Bits) {
        let Var::Slot(slot) = var else { return };
        for (_, sides) in self.values.about(slot) {
            for fact in [sides.is, sides.is_not] {
                bits.insert(fact);
                self.either.of(fact).for_each(|id| bits.insert(id));
            }
        }
    }

    /// Adds what is said of the values of slots that any message may fill: those that stand in examples of intents.
    pub(super) fn mark_named(&self, machine: &Machine, bits: &mut Bits) {
        if self.values.is_empty() {
            return;
        }
        let examples = machine.intents.iter().flat_map(|i| &i.examples);
        for part in examples.flat_map(|e| &e.parts) {
            if let ExamplePart::Slot(slot) = part {
                self.mark_values(Var::Slot(*slot), bits);
            }
        }
    }
}
