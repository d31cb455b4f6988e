//! What operations read: the texts and values that each names, found once for all checks.

use super::walk::{TextUse, exprs_of_op, has_interpolation, texts_of_op, texts_outside_ops};
use crate::machine::{Expr, Machine};
use crate::value::{OpId, TextId};

/// What all operations read, one operation after the other.
#[derive(Debug, Default)]
pub(crate) struct Reads<'m> {
    filled: Vec<(OpId, TextId)>,
    /// By operation, where its part of `filled` begins; one more at the end.
    filled_from: Vec<u32>,
    values: Vec<(OpId, &'m Expr)>,
    values_from: Vec<u32>,
    /// By text, whether it is a message to customers, and whether it is a button.
    said: Vec<(bool, bool)>,
}

impl<'m> Reads<'m> {
    pub(crate) fn new(machine: &'m Machine) -> Self {
        let len = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut this = Self {
            filled_from: Vec::with_capacity(machine.ops.len() + 1),
            values_from: Vec::with_capacity(machine.ops.len() + 1),
            said: vec![(false, false); machine.texts.len()],
            ..Self::default()
        };
        let said = &mut this.said;
        let mut say = |text: TextId, for_what: TextUse| {
            if let Some((message, button)) = said.get_mut(text.index()) {
                *message |= for_what == TextUse::Said;
                *button |= for_what == TextUse::Button;
            }
        };
        for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
            this.filled_from.push(len(this.filled.len()));
            this.values_from.push(len(this.values.len()));
            texts_of_op(op, &mut |text, for_what| {
                say(text, for_what);
                if has_interpolation(machine, text) {
                    this.filled.push((id, text));
                }
            });
            exprs_of_op(op, &mut |value| this.values.push((id, value)));
        }
        this.filled_from.push(len(this.filled.len()));
        this.values_from.push(len(this.values.len()));
        texts_outside_ops(machine, &mut say);
        this
    }

    /// The texts of operations in which something is filled in, with the operation that names each.
    pub(crate) fn filled(&self) -> &[(OpId, TextId)] {
        &self.filled
    }

    /// Those of one operation.
    pub(crate) fn filled_of(&self, op: OpId) -> impl Iterator<Item = TextId> + '_ {
        part(&self.filled, &self.filled_from, op)
            .iter()
            .map(|(_, text)| *text)
    }

    /// The conditions and values of operations, with the operation of each.
    pub(crate) fn values(&self) -> &[(OpId, &'m Expr)] {
        &self.values
    }

    /// Those of one operation.
    pub(crate) fn values_of(&self, op: OpId) -> impl Iterator<Item = &'m Expr> + '_ {
        part(&self.values, &self.values_from, op)
            .iter()
            .map(|(_, value)| *value)
    }

    /// The texts that customers read, messages and buttons, by number.
    pub(crate) fn read_by_customers(&self) -> impl Iterator<Item = TextId> + '_ {
        let ids = (0u32..).map(TextId).zip(&self.said);
        ids.filter(|(_, (message, button))| *message || *button)
            .map(|(id, _)| id)
    }

    /// The messages to customers, questions among them, by number.
    pub(crate) fn messages(&self) -> impl Iterator<Item = TextId> + '_ {
        let ids = (0u32..).map(TextId).zip(&self.said);
        ids.filter(|(_, (message, _))| *message).map(|(id, _)| id)
    }
}

fn part<'l, T>(list: &'l [T], from: &[u32], op: OpId) -> &'l [T] {
    let at = |i: usize| from.get(i).map_or(0, |n| *n as usize);
    list.get(at(op.index())..at(op.index() + 1))
        .unwrap_or_default()
}
