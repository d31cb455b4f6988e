#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use super::Taint;
use crate::checks::support::flow::{Flow, successors};
use crate::machine::{Expr, ExprKind, Machine, Op, OpKind, TextPart, Transition, Var};
use crate::testing::{Dice, compile_made_up, moves};
use crate::value::{OpId, SlotId};
use std::fmt::Write as _;

const SLOTS: usize = 3;
const NODES: usize = 3;

fn steps(dice: &mut Dice, depth: usize, node: usize, out: &mut String, indent: usize) {
    for _ in 0..1 + dice.roll(3) {
        let pad = "  ".repeat(indent);
        let (slot, other) = (dice.roll(SLOTS), dice.roll(SLOTS));
        let step = match dice.roll(if depth == 0 { 7 } else { 9 }) {
            0 => format!("set s{slot} = \"Dear {{customer.name}}\""),
            1 => format!("set s{slot} = \"a {{s{other}}}\""),
            2 => format!("set s{slot} = \"plain\""),
            3 => format!("clear s{slot}"),
            4 => format!("ask s{slot} \"?\" {{ otherwise {{ note \"none\" }} }}"),
            5 => "confirm \"?\" { yes { note \"y\" }; no { note \"n\" } }".to_owned(),
            // Visits lead upwards only, so that there is no circle of them.
            6 if node + 1 < NODES => {
                format!("visit n{}", node + 1 + dice.roll(NODES - node - 1))
            }
            _ => {
                writeln!(out, "{pad}if shouting {{").unwrap();
                steps(dice, depth.saturating_sub(1), node, out, indent + 1);
                writeln!(out, "{pad}}} else {{").unwrap();
                steps(dice, depth.saturating_sub(1), node, out, indent + 1);
                "}".to_owned()
            }
        };
        writeln!(out, "{pad}{step}").unwrap();
    }
}

fn bot(dice: &mut Dice) -> String {
    let mut text = String::from(
        "bot demo { languages en; channels web; tiers bot -> human; start greet }\n\
         intent hello { \"hello there\" }\n\
         tier bot: scripted { cost 0.02 USD }\ntier human: people { cost 5 USD }\n\
         customer { name: text = \"Ana\" private }\n\
         slots { s0: text = \"x\"; s1: text = \"x\"; s2: text = \"{customer.name}\" }\n\
         node greet {\n",
    );
    steps(dice, 2, 0, &mut text, 1);
    text.push_str("  confirm \"Again?\" { yes -> greet; no -> escalate }\n}\n");
    for node in 0..NODES {
        writeln!(text, "node n{node} {{").unwrap();
        steps(dice, 1, node, &mut text, 1);
        text.push_str("}\n");
    }
    text.push_str("on intent hello {\n");
    steps(dice, 1, 0, &mut text, 1);
    text.push_str("}\n");
    text
}

/// Whether a value tells the name, given which slots do.
fn tells(machine: &Machine, value: &Expr, slots: &[bool; SLOTS]) -> bool {
    match &value.kind {
        ExprKind::Slot(id) => slots[id.index()],
        ExprKind::Customer(_) => true,
        ExprKind::Text(id) => machine.text(*id).unwrap().variants[0]
            .parts
            .iter()
            .any(|part| matches!(part, TextPart::Expr(e) if tells(machine, e, slots))),
        _ => false,
    }
}

/// One step of a conversation: where it goes on, if it does.
fn go(
    machine: &Machine,
    id: OpId,
    op: &Op,
    slots: &mut [bool; SLOTS],
    stack: &mut Vec<OpId>,
    dice: &mut Dice,
) -> Option<OpId> {
    if let Some(to) = moves(machine, id, op, stack, dice) {
        return to;
    }
    match &op.kind {
        OpKind::Set { slot, value, next } => {
            let Var::Slot(slot) = slot else {
                panic!("{op:?}")
            };
            slots[slot.index()] = tells(machine, value, slots);
            Some(*next)
        }
        OpKind::Clear { slot, next } => {
            let Var::Slot(slot) = slot else {
                panic!("{op:?}")
            };
            // The last one has a default that tells it.
            slots[slot.index()] = slot.index() == 2;
            Some(*next)
        }
        _ => {
            let ways = successors(op);
            let (to, how) = ways.get(dice.roll(ways.len().max(1)))?;
            if let OpKind::Ask {
                var: Var::Slot(slot),
                ..
            } = &op.kind
                && *how == Transition::Next
            {
                slots[slot.index()] = false;
            }
            Some(*to)
        }
    }
}

#[test]
fn whatever_tells_a_private_value_in_a_conversation_is_known_to_tell_it() {
    let mut dice = Dice(21);
    let (mut telling, mut cleared) = (0, 0);
    for _ in 0..80 {
        let text = bot(&mut dice);
        let compilation = compile_made_up(&text);
        let machine = &compilation.machine;
        let taint = Taint::new(machine, &Flow::new(machine));
        for _ in 0..40 {
            let mut slots = [false, false, true];
            let mut stack = Vec::new();
            let mut at = machine.node(machine.bot.start).map(|n| n.entry);
            for _ in 0..150 {
                let Some(id) = at else { break };
                let holds = taint
                    .before(id)
                    .unwrap_or_else(|| panic!("{id:?} is reached in\n{text}"));
                for (slot, really) in (0u32..).zip(slots) {
                    let said = holds.of(Var::Slot(SlotId(slot))).next().is_some();
                    assert!(said || !really, "s{slot} tells it at {id:?} in\n{text}");
                    telling += usize::from(really);
                    cleared += usize::from(!said);
                }
                let op = machine.op(id).unwrap();
                at = go(machine, id, op, &mut slots, &mut stack, &mut dice);
            }
        }
    }
    // It is not simply said of everything.
    assert!(
        telling > 5000 && cleared > 5000,
        "{telling} told, {cleared} surely not"
    );
}
