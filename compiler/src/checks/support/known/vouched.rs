//! The number that a channel vouches for.

use super::bits::Bits;
use super::facts::Facts;
use crate::machine::{CellPattern, Machine, OpKind, Var};
use crate::value::{FieldId, Type, Value};

impl Facts {
    /// Where every channel vouches for a number, the fields of the profile that it fills are known, unless the bot clears them.
    pub(super) fn vouched(&mut self, machine: &Machine) {
        if machine.bot.channels.is_empty()
            || !machine.bot.channels.iter().all(|c| vouches(machine, c))
        {
            return;
        }
        let cleared = |var: Var| {
            let mut ops = machine.ops.iter();
            ops.any(|op| matches!(op.kind, OpKind::Clear { slot, .. } if slot == var))
        };
        for var in phones(machine).filter(|var| !cleared(*var)) {
            if let Some(fact) = self.of_var(var) {
                self.always.insert(fact);
            }
        }
    }

    /// Adds what is known on the channels that an arm takes, if all of them vouch for the customer's number.
    pub(super) fn learn_vouched(&self, machine: &Machine, arm: &[CellPattern], bits: &mut Bits) {
        let vouching = |p: &CellPattern| match p {
            CellPattern::Value(Value::Enum(name) | Value::Text(name)) => vouches(machine, name),
            _ => false,
        };
        if !arm.is_empty() && arm.iter().all(vouching) {
            phones(machine).for_each(|phone| self.learn_var(phone, bits));
        }
    }
}

/// Whether a channel vouches for the customer's number.
pub(super) fn vouches(machine: &Machine, channel: &str) -> bool {
    let mut channels = machine.channels.iter();
    channels.any(|c| c.name == channel && c.limits.vouches_phone)
}

/// The fields of the profile that such a channel fills.
pub(super) fn phones(machine: &Machine) -> impl Iterator<Item = Var> + '_ {
    let fields = (0u32..).map(FieldId).zip(&machine.customer);
    fields
        .filter(|(_, field)| field.ty == Type::Phone && field.identifies)
        .map(|(id, _)| Var::Customer(id))
}
