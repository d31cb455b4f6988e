#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use super::Knowledge;
use crate::checks::support::flow::{Flow, successors};
use crate::checks::support::reads::Reads;
use crate::machine::{CellPattern, Expr, ExprKind, Machine, Op, OpKind, Transition, Var};
use crate::testing::{Dice, compile_made_up, moves};
use crate::value::{OpId, SlotId, Type, Value};
use flow_grammar::Loc;
use flow_grammar::ast::BinaryOp;
use std::fmt::Write as _;

const SLOTS: usize = 3;
const NODES: usize = 4;

fn condition(dice: &mut Dice, depth: usize) -> String {
    let slot = dice.roll(SLOTS);
    if depth == 0 {
        return match dice.roll(13) {
            7 => "f".to_owned(),
            8 => "f is false".to_owned(),
            9 => "(f ?? false)".to_owned(),
            10 => "g".to_owned(),
            11 => "k is a".to_owned(),
            12 => ["k is not b", "k in [a, b]", "k is known", "k is c"][dice.roll(4)].to_owned(),
            4 => format!("(s{slot} ?? 9) > 3"),
            5 => format!("not ((s{slot} ?? 9) > 3)"),
            6 => format!(
                "2 of [s{slot} is known, s{} > 3, s{} is known]",
                dice.roll(SLOTS),
                dice.roll(SLOTS)
            ),
            0 => format!("s{slot} is known"),
            1 => format!("s{slot} is unknown"),
            2 => format!("s{slot} > 3"),
            _ => "shouting".to_owned(),
        };
    }
    let (a, b) = (condition(dice, depth - 1), condition(dice, depth - 1));
    match dice.roll(3) {
        0 => format!("({a} and {b})"),
        1 => format!("({a} or {b})"),
        _ => format!("not ({a})"),
    }
}

fn steps(dice: &mut Dice, depth: usize, node: usize, out: &mut String, indent: usize) {
    for _ in 0..1 + dice.roll(3) {
        let pad = "  ".repeat(indent);
        let slot = dice.roll(SLOTS);
        if dice.roll(4) == 0 {
            let step = [
                "set f = true",
                "set f = false",
                "clear f",
                "set g = true",
                "clear g",
                "set k = a",
                "set k = b",
                "ask k \"?\" { otherwise { note \"none\" } }",
            ];
            writeln!(out, "{pad}{}", step[dice.roll(step.len())]).unwrap();
        }
        match dice.roll(if depth == 0 { 5 } else { 10 }) {
            8 => {
                writeln!(out, "{pad}match k {{\n{pad}  a {{").unwrap();
                steps(dice, depth - 1, node, out, indent + 2);
                writeln!(out, "{pad}  }}\n{pad}  b, unknown {{").unwrap();
                steps(dice, depth - 1, node, out, indent + 2);
                writeln!(out, "{pad}  }}\n{pad}  otherwise {{").unwrap();
                steps(dice, depth - 1, node, out, indent + 2);
                writeln!(out, "{pad}  }}\n{pad}}}").unwrap();
            }
            // One thing is asked for, and which it was is kept.
            9 => {
                for (i, (flag, kind)) in [("true", "a"), ("false", "b")].into_iter().enumerate() {
                    let slot = (slot + i) % SLOTS;
                    let head = if i == 0 { "if shouting" } else { "} else" };
                    writeln!(out, "{pad}{head} {{\n{pad}  set f = {flag}; set k = {kind}\n{pad}  form s{slot} {{ otherwise -> escalate }}").unwrap();
                }
                writeln!(out, "{pad}}}").unwrap();
            }
            0 => writeln!(
                out,
                "{pad}ask s{slot} \"?\" {{ otherwise {{ note \"none\" }} }}"
            )
            .unwrap(),
            1 => writeln!(out, "{pad}clear s{slot}").unwrap(),
            2 => writeln!(out, "{pad}set s{slot} = 5").unwrap(),
            3 => writeln!(
                out,
                "{pad}form s{slot}, s{} {{ otherwise -> escalate }}",
                (slot + 1) % SLOTS
            )
            .unwrap(),
            // Visits lead upwards only, so that there is no circle of them.
            4 if node + 1 < NODES => writeln!(
                out,
                "{pad}visit n{}",
                node + 1 + dice.roll(NODES - node - 1)
            )
            .unwrap(),
            4 | 5 => {
                writeln!(out, "{pad}if {} {{", condition(dice, 2)).unwrap();
                steps(dice, depth - usize::from(depth > 0), node, out, indent + 1);
                writeln!(out, "{pad}}} else {{").unwrap();
                steps(dice, depth - usize::from(depth > 0), node, out, indent + 1);
                writeln!(out, "{pad}}}").unwrap();
            }
            6 => {
                writeln!(out, "{pad}match s{slot} {{\n{pad}  unknown {{").unwrap();
                steps(dice, depth - 1, node, out, indent + 2);
                writeln!(out, "{pad}  }}\n{pad}  otherwise {{").unwrap();
                steps(dice, depth - 1, node, out, indent + 2);
                writeln!(out, "{pad}  }}\n{pad}}}").unwrap();
            }
            _ => writeln!(
                out,
                "{pad}confirm \"?\" {{ yes {{ back }}; no {{ note \"on\" }} }}"
            )
            .unwrap(),
        }
    }
}

fn bot(dice: &mut Dice) -> String {
    let mut text = String::from(
        "bot demo { languages en; channels web; tiers bot -> human; start greet }\nintent hello { \"hello there\" }\n\
         tier bot: scripted { cost 0.02 USD }\ntier human: people { cost 5 USD }\n\
         enum kind { a; b; c }\nslots { s0: number; s1: number; s2: number; f: bool; g: bool = false; k: kind }\nnode greet { visit n0; visit n1; -> m }\nnode m {\n",
    );
    // A node that is gone to, again and again.
    let mut body = String::new();
    steps(dice, 2, 0, &mut body, 1);
    text.push_str(&body.replace("back", "note \"stay\""));
    text.push_str("  confirm \"Again?\" { yes -> m; no -> escalate }\n}\n");
    for node in 0..NODES {
        writeln!(text, "node n{node} {{").unwrap();
        steps(dice, 2, node, &mut text, 1);
        text.push_str("}\n");
    }
    // A handler comes back to what it interrupted, or leaves it.
    text.push_str("on intent hello {\n");
    if dice.roll(2) == 0 {
        writeln!(text, "  visit n{}", dice.roll(NODES)).unwrap();
    }
    steps(dice, 1, NODES, &mut text, 1);
    if dice.roll(3) == 0 {
        writeln!(text, "  visit n{}", dice.roll(NODES)).unwrap();
    }
    if dice.roll(3) == 0 {
        text.push_str("  -> m\n");
    }
    text.push_str("}\n");
    text
}

/// What the slots are, by number: the numbers first, then `f`, `g` and `k`.
type Slots = [Option<Value>; SLOTS + 3];

/// The value of a slot; `g` has a default.
fn value(id: SlotId, slots: &Slots) -> Option<Value> {
    let default = (id.index() == SLOTS + 1).then_some(Value::Bool(false));
    slots[id.index()].clone().or(default)
}

fn constant(e: &Expr) -> Value {
    match &e.kind {
        ExprKind::Const(value) => value.clone(),
        _ => panic!("{e:?}"),
    }
}

/// What a condition is. A comparison of numbers, or a signal, is as the dice say.
fn truth(e: &Expr, slots: &Slots, dice: &mut Dice) -> Option<bool> {
    let bool = |v: Value| v == Value::Bool(true);
    match &e.kind {
        ExprKind::Known { known: k, of } => match of.kind {
            ExprKind::Slot(id) => Some(value(id, slots).is_some() == *k),
            _ => panic!("{of:?}"),
        },
        ExprKind::Slot(id) => value(*id, slots).map(bool),
        ExprKind::Is {
            negated,
            left,
            right,
        } => match left.kind {
            ExprKind::Slot(id) => value(id, slots).map(|v| (v == constant(right)) != *negated),
            _ => panic!("{left:?}"),
        },
        ExprKind::In {
            negated,
            left,
            right,
        } => match (&left.kind, &right.kind) {
            (ExprKind::Slot(id), ExprKind::List(items)) => {
                value(*id, slots).map(|v| items.iter().any(|item| constant(item) == v) != *negated)
            }
            _ => panic!("{left:?}"),
        },
        ExprKind::Not(x) => truth(x, slots, dice).map(|b| !b),
        ExprKind::Binary(BinaryOp::And, a, b) => {
            match (truth(a, slots, dice), truth(b, slots, dice)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            }
        }
        ExprKind::Binary(BinaryOp::Or, a, b) => {
            match (truth(a, slots, dice), truth(b, slots, dice)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            }
        }
        ExprKind::Binary(BinaryOp::Coalesce, a, b) => match a.kind {
            ExprKind::Slot(id) => Some(bool(value(id, slots).unwrap_or_else(|| constant(b)))),
            _ => panic!("{a:?}"),
        },
        ExprKind::Binary(_, a, _) => match &a.kind {
            ExprKind::Slot(id) if value(*id, slots).is_none() => None,
            // Nine is more than three.
            ExprKind::Binary(BinaryOp::Coalesce, a, _) => match a.kind {
                ExprKind::Slot(id) if value(id, slots).is_none() => Some(true),
                _ => Some(dice.roll(2) == 0),
            },
            _ => Some(dice.roll(2) == 0),
        },
        ExprKind::AtLeast { count, conds } => {
            let values: Vec<Option<bool>> = conds.iter().map(|c| truth(c, slots, dice)).collect();
            let many = |v: Option<bool>| values.iter().filter(|x| **x == v).count();
            if many(Some(true)) >= *count as usize {
                Some(true)
            } else if many(Some(true)) + many(None) < *count as usize {
                Some(false)
            } else {
                None
            }
        }
        _ => Some(dice.roll(2) == 0),
    }
}

/// What somebody answers to the question for a slot.
fn answer(id: SlotId, dice: &mut Dice) -> Value {
    match id.index() {
        i if i < SLOTS => Value::Number(5.0),
        i if i < SLOTS + 2 => Value::Bool(dice.roll(2) == 0),
        _ => Value::Enum(["a", "b", "c"][dice.roll(3)].into()),
    }
}

/// One step of a conversation: where it goes on, if it does.
fn go(
    machine: &Machine,
    id: OpId,
    op: &Op,
    slots: &mut Slots,
    stack: &mut Vec<OpId>,
    dice: &mut Dice,
) -> Option<OpId> {
    let slot = |var: &Var| match var {
        Var::Slot(id) => *id,
        Var::Customer(_) => panic!("{var:?}"),
    };
    if let Some(to) = moves(machine, id, op, stack, dice) {
        return to;
    }
    match &op.kind {
        OpKind::Branch { arms, otherwise } => {
            let to = arms
                .iter()
                .find(|(cond, _)| truth(cond, slots, dice) == Some(true));
            Some(to.map_or(*otherwise, |(_, to)| *to))
        }
        OpKind::Match { subject, arms, .. } => {
            let ExprKind::Slot(id) = subject.kind else {
                panic!("{subject:?}")
            };
            let here = value(id, slots);
            let takes = |pattern: &CellPattern| match pattern {
                CellPattern::Any => true,
                CellPattern::Unknown => here.is_none(),
                CellPattern::Value(value) => here.as_ref() == Some(value),
                _ => panic!("{pattern:?}"),
            };
            arms.iter()
                .find(|a| a.patterns.iter().any(takes))
                .map(|a| a.to)
        }
        OpKind::Set {
            slot: var,
            value,
            next,
        } => {
            slots[slot(var).index()] = Some(constant(value));
            Some(*next)
        }
        OpKind::Clear { slot: var, next } => {
            slots[slot(var).index()] = None;
            Some(*next)
        }
        _ => {
            let ways = successors(op);
            let (to, how) = ways.get(dice.roll(ways.len().max(1)))?;
            match &op.kind {
                OpKind::Ask { var, .. } if *how == Transition::Next => {
                    slots[slot(var).index()] = Some(answer(slot(var), dice));
                }
                OpKind::Form { vars, .. } if *how == Transition::Next => {
                    for id in vars.iter().map(slot) {
                        if value(id, slots).is_none() {
                            slots[id.index()] = Some(answer(id, dice));
                        }
                    }
                }
                _ => {}
            }
            Some(*to)
        }
    }
}

#[test]
fn what_is_surely_known_is_known_in_every_conversation() {
    let mut dice = Dice(3);
    let (mut claims, mut closer, mut walked) = (0, 0, 0);
    for _ in 0..60 {
        let text = bot(&mut dice);
        let compilation = compile_made_up(&text);
        let machine = &compilation.machine;
        let reads = Reads::new(machine);
        let flow = Flow::new(machine);
        let facts = std::sync::Arc::new(super::Facts::new(machine, &reads));
        let slots: Vec<Expr> = (0u32..)
            .take(SLOTS)
            .map(|slot| Expr {
                kind: ExprKind::Slot(SlotId(slot)),
                ty: Type::Number,
                loc: Loc::default(),
            })
            .collect();
        let of: Vec<_> = slots.iter().filter_map(|e| facts.of(None, e)).collect();
        let knowledge = Knowledge::new(machine, &flow, facts);
        // As if every slot were in doubt everywhere.
        let doubtful: Vec<_> = machine
            .nodes
            .iter()
            .flat_map(|node| of.iter().map(|fact| (Some(node.code), *fact)))
            .collect();
        // What a handler visits is taken to clear only what it has itself collected, and these bots do not keep to it.
        let handler = text.split("on intent").nth(1).unwrap();
        let visits = handler.contains("visit");
        let excepted = |slot: usize| visits && text.contains(&format!("clear s{slot}"));
        let closely = (!visits).then(|| {
            let wanted = knowledge.alternatives(machine, &flow, &reads, doubtful);
            knowledge.with_alternatives(machine, &flow, &wanted.concat())
        });
        for _ in 0..40 {
            let mut state: Slots = Default::default();
            let mut stack = Vec::new();
            let mut at = machine.node(machine.bot.start).map(|n| n.entry);
            for _ in 0..200 {
                let Some(id) = at else { break };
                let before = |knowledge: &Knowledge| {
                    let bits = knowledge.before(id);
                    bits.unwrap_or_else(|| panic!("{id:?} is reached in\n{text}"))
                        .clone()
                };
                let bits = before(&knowledge);
                let more = closely.as_ref().map_or(bits.clone(), before);
                let known = state.iter().map(Option::is_some);
                for (slot, (fact, really)) in of.iter().zip(known).enumerate() {
                    if excepted(slot) {
                        continue;
                    }
                    let (sure, surer) = (bits.has(*fact), more.has(*fact));
                    assert!(surer || !sure, "s{slot} is forgotten at {id:?} in\n{text}");
                    assert!(
                        !surer || really,
                        "s{slot} is not known at {id:?} in\n{text}"
                    );
                    claims += usize::from(sure);
                    closer += usize::from(surer && !sure);
                }
                walked += 1;
                let op = machine.op(id).unwrap();
                at = go(machine, id, op, &mut state, &mut stack, &mut dice);
            }
        }
    }
    assert!(
        claims > 3000 && closer > 100 && walked > 20_000,
        "{claims} claims, {closer} more by alternatives, in {walked} steps"
    );
}
