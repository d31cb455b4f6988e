//! Which choices of values can be: what holds for some time holds now, and so does whatever follows from it; a message's intent is
//! the conversation's; and nobody is on a channel or in a tier that the new version does not have; and a field is known where its record is, unless it is optional.

use super::canon::Canon;
use super::dim::{Dim, Val};
use super::eval::{Keys, Memo, Scope};
use super::keys::held_key;
use super::search::{ALL, assignment, digits};
use super::space::{Assignment, Space};
use crate::machine::{Expr, ExprKind, Held, Signal};
use crate::value::{Domain, Type};
use flow_grammar::Loc;
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// `COND for 2 messages`, of one version.
struct Lasting<'m> {
    canon: Canon<'m>,
    cond: &'m Expr,
    held: Held,
    key: String,
}

/// What rules choices out.
pub(super) struct Possible<'m> {
    lasting: Vec<Lasting<'m>>,
    /// The second holds wherever the first does.
    follows: Vec<(usize, usize)>,
    intents: [String; 2],
    /// By dimension, the names that the new version has.
    there: Vec<(String, FxHashSet<String>)>,
    /// A field, its record, and whether the field may be unknown although the record is known.
    fields: Vec<(Rc<str>, Rc<str>, bool)>,
    keys: Keys,
}

impl<'m> Possible<'m> {
    /// For choices over these dimensions.
    pub(super) fn new(versions: [Canon<'m>; 2], dims: &[Dim]) -> Self {
        let mut lasting: Vec<Lasting<'m>> = Vec::new();
        let mut seen = FxHashSet::default();
        for canon in versions {
            for temporal in &canon.machine.temporals {
                let key = held_key(&canon.of(&temporal.cond), temporal.held);
                if dims.iter().any(|d| *d.key == *key) && seen.insert(key.clone()) {
                    lasting.push(Lasting {
                        canon,
                        cond: &temporal.cond,
                        held: temporal.held,
                        key,
                    });
                }
            }
        }
        let mut follows = Vec::new();
        for (i, long) in lasting.iter().enumerate() {
            for (j, short) in lasting.iter().enumerate() {
                if i != j && lasts(long.held, short.held) && implies(long, short) {
                    follows.push((i, j));
                }
            }
        }
        let new = versions[1];
        let key = |signal, domain| {
            new.of(&Expr {
                kind: ExprKind::Signal(signal),
                ty: Type::Domain(domain),
                loc: Loc::default(),
            })
        };
        let intent = |signal| key(signal, Domain::Intent);
        let channels = new.machine.bot.channels.iter();
        let tiers = new.machine.tiers.iter().map(|t| &t.name);
        let there = [
            (
                key(Signal::Channel, Domain::Channel),
                channels.map(ToString::to_string).collect(),
            ),
            (
                key(Signal::Tier, Domain::Tier),
                tiers.map(ToString::to_string).collect(),
            ),
        ];
        Self {
            lasting,
            follows,
            intents: [intent(Signal::MessageIntent), intent(Signal::Intent)],
            there: there.into_iter().collect(),
            fields: dims
                .iter()
                .filter_map(|d| {
                    let (record, optional) = d.part_of.as_ref()?;
                    Some((Rc::clone(&d.key), Rc::clone(record), *optional))
                })
                .collect(),
            keys: Keys::default(),
        }
    }

    /// Whether a choice can be.
    pub(super) fn can_be(&self, given: &Assignment) -> bool {
        let holds = |at: usize| {
            let lasting = self.lasting.get(at)?;
            Some(given.get(lasting.key.as_str()) == Some(&Val::Bool(true)))
        };
        if self
            .follows
            .iter()
            .any(|(long, short)| holds(*long) == Some(true) && holds(*short) == Some(false))
        {
            return false;
        }
        let gone = self.there.iter().any(|(key, names)| {
            matches!(given.get(key.as_str()), Some(Val::Name(n)) if !n.is_empty() && !names.contains(n))
        });
        let torn = self.fields.iter().any(|(field, record, optional)| {
            match (given.get(field), given.get(record)) {
                (Some(field), Some(Val::Unknown)) => *field != Val::Unknown,
                (Some(Val::Unknown), Some(_)) => !optional,
                _ => false,
            }
        });
        if gone || torn {
            return false;
        }
        let lost = self.lasting.iter().enumerate().any(|(at, lasting)| {
            let scope = Scope {
                canon: lasting.canon,
                given,
                keys: &self.keys,
                memo: &Memo::default(),
            };
            holds(at) == Some(true) && !scope.holds(lasting.cond)
        });
        let [message, conversation] = &self.intents;
        !lost
            && match (
                given.get(message.as_str()),
                given.get(conversation.as_str()),
            ) {
                (Some(Val::Name(now)), Some(Val::Name(latest))) => now == "none" || now == latest,
                _ => true,
            }
    }
}

/// Whether who has held so long has held as long as that.
const fn lasts(long: Held, short: Held) -> bool {
    match (long, short) {
        (Held::Messages(a), Held::Messages(b)) => a >= b,
        (Held::Millis(a), Held::Millis(b)) => a >= b,
        _ => false,
    }
}

/// Whether the one condition holds wherever the other does. What is too long to find out is not so.
fn implies(a: &Lasting<'_>, b: &Lasting<'_>) -> bool {
    let mut space = Space::default();
    for lasting in [a, b] {
        space.add(&lasting.canon, lasting.cond);
    }
    let dims = space.dims();
    let total = dims
        .iter()
        .fold(1usize, |n, d| n.saturating_mul(d.values.len()));
    if total > ALL {
        return false;
    }
    let keys = Keys::default();
    (0..total).all(|index| {
        let given = assignment(&dims, &digits(&dims, index));
        let holds = |lasting: &Lasting<'_>| {
            let scope = Scope {
                canon: lasting.canon,
                given: &given,
                keys: &keys,
                memo: &Memo::default(),
            };
            scope.holds(lasting.cond)
        };
        !holds(a) || holds(b)
    })
}
