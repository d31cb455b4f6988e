//! Chance that repeats: SplitMix64.

use flow_compiler::machine::Machine;
use flow_compiler::value::{FileValue, Money, Type, Value};
use std::sync::Arc;

pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A value of a type, now and then an odd one.
    pub(crate) fn value(&mut self, machine: &Machine, ty: &Type, depth: u32) -> Value {
        match ty {
            Type::Text => Value::text(
                *self
                    .pick(&[
                        "AB-123456",
                        "",
                        "a longer text, with \"quotes\" {and braces}",
                        "é\u{301}",
                        "0",
                    ])
                    .unwrap(),
            ),
            Type::Email => Value::text("ana@example.com"),
            Type::Phone => Value::text("+442071234567"),
            Type::Url => Value::text("https://example.com/a"),
            Type::Number => {
                Value::Number(*self.pick(&[0.0, -1.0, 2.0, 0.1, 1e15, 1.0 / 3.0]).unwrap())
            }
            Type::Percent => Value::Percent(self.fraction()),
            Type::Bool => Value::Bool(self.one_in(2)),
            Type::Duration => Value::Duration(self.next() as i64 % 100_000_000),
            Type::Date => Value::Date("2026-03-05".parse().unwrap()),
            Type::Time => Value::Time("09:30:00".parse().unwrap()),
            Type::DateTime => Value::DateTime("2026-03-05T09:30:00Z".parse().unwrap()),
            Type::Money => Value::Money(Money {
                amount: (self.below(100_000) as i64).into(),
                currency: "USD".into(),
            }),
            Type::File => Value::File(FileValue {
                name: "a.png".into(),
                url: "file:a".into(),
                mime: "image/png".into(),
                bytes: 100,
            }),
            Type::Enum(id) => machine
                .enums
                .get(id.index())
                .and_then(|e| self.pick(&e.values).cloned())
                .map_or(Value::Unknown, Value::Enum),
            Type::Record(id) => {
                let fields = machine
                    .records
                    .get(id.index())
                    .map(|r| r.fields.clone())
                    .unwrap_or_default();
                let values = fields.iter().map(|f| {
                    let unknown = f.optional && self.one_in(3);
                    (
                        f.name.clone(),
                        if unknown {
                            Value::Unknown
                        } else {
                            self.value(machine, &f.ty, depth + 1)
                        },
                    )
                });
                Value::Record(Arc::new(values.collect()))
            }
            Type::List(of) => {
                let n = if depth > 3 { 0 } else { self.below(4) };
                Value::List(Arc::new(
                    (0..n).map(|_| self.value(machine, of, depth + 1)).collect(),
                ))
            }
            Type::Domain(_) | Type::Customer | Type::Error => Value::Unknown,
        }
    }
}
