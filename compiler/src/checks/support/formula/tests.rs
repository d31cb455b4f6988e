#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "tests"
)]

use super::{Formulas, Want};
use crate::checks::Context;
use crate::checks::support::analysis::Analysis;
use crate::machine::{Expr, ExprKind, Signal};
use crate::sources::Project;
use crate::testing::Dice;
use crate::value::{Type, Value};
use crate::{Compiler, Options};
use flow_grammar::Loc;
use flow_grammar::ast::BinaryOp;

fn expr(kind: ExprKind, ty: Type) -> Expr {
    Expr {
        kind,
        ty,
        loc: Loc::default(),
    }
}

fn condition(dice: &mut Dice, depth: usize) -> Expr {
    let bool_of = |kind| expr(kind, Type::Bool);
    if depth == 0 || dice.roll(4) == 0 {
        return match dice.roll(5) {
            // With something in its place this one is always known.
            4 => {
                let op = [BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge][dice.roll(4)];
                let percent = |at| expr(ExprKind::Const(Value::Percent(at)), Type::Percent);
                let confidence = expr(ExprKind::Signal(Signal::Confidence), Type::Percent);
                let either = ExprKind::Binary(
                    BinaryOp::Coalesce,
                    Box::new(confidence),
                    Box::new(percent([0.0, 0.5, 1.0][dice.roll(3)])),
                );
                let value = percent([0.0, 0.5, 1.0][dice.roll(3)]);
                bool_of(ExprKind::Binary(
                    op,
                    Box::new(expr(either, Type::Percent)),
                    Box::new(value),
                ))
            }
            0 => bool_of(ExprKind::Signal(Signal::Shouting)),
            1 => bool_of(ExprKind::Signal(Signal::Profanity)),
            2 => {
                let op = [BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge][dice.roll(4)];
                let turns = expr(ExprKind::Signal(Signal::Turns), Type::Number);
                let value = expr(
                    ExprKind::Const(Value::Number(dice.roll(5) as f64)),
                    Type::Number,
                );
                bool_of(ExprKind::Binary(op, Box::new(turns), Box::new(value)))
            }
            // This one can be unknown.
            _ => {
                let op = [BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge][dice.roll(4)];
                let confidence = expr(ExprKind::Signal(Signal::Confidence), Type::Percent);
                if dice.roll(4) == 0 {
                    return bool_of(ExprKind::Known {
                        known: dice.roll(2) == 0,
                        of: Box::new(confidence),
                    });
                }
                let value = expr(
                    ExprKind::Const(Value::Percent([0.0, 0.5, 1.0][dice.roll(3)])),
                    Type::Percent,
                );
                bool_of(ExprKind::Binary(op, Box::new(confidence), Box::new(value)))
            }
        };
    }
    let sub = |dice: &mut Dice| Box::new(condition(dice, depth - 1));
    match dice.roll(4) {
        0 => bool_of(ExprKind::Not(sub(dice))),
        1 => bool_of(ExprKind::Binary(BinaryOp::And, sub(dice), sub(dice))),
        2 => bool_of(ExprKind::Binary(BinaryOp::Or, sub(dice), sub(dice))),
        _ => {
            let conds = vec![*sub(dice), *sub(dice), *sub(dice)];
            bool_of(ExprKind::AtLeast {
                count: 1 + u32::try_from(dice.roll(3)).unwrap(),
                conds,
            })
        }
    }
}

/// One state of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    shouting: bool,
    profanity: bool,
    turns: f64,
    confidence: Option<f64>,
}

/// What a condition is in a world: true, false, or unknown.
pub(crate) fn value(e: &Expr, w: World) -> Option<bool> {
    fn number(e: &Expr, w: World) -> Option<f64> {
        match &e.kind {
            ExprKind::Signal(Signal::Turns) => Some(w.turns),
            ExprKind::Signal(Signal::Confidence) => w.confidence,
            ExprKind::Const(Value::Number(n) | Value::Percent(n)) => Some(*n),
            ExprKind::Binary(BinaryOp::Coalesce, a, b) => number(a, w).or_else(|| number(b, w)),
            _ => None,
        }
    }
    match &e.kind {
        ExprKind::Signal(Signal::Shouting) => Some(w.shouting),
        ExprKind::Signal(Signal::Profanity) => Some(w.profanity),
        ExprKind::Not(x) => value(x, w).map(|b| !b),
        ExprKind::Known { known, of } => Some(number(of, w).is_some() == *known),
        ExprKind::Binary(BinaryOp::And, a, b) => match (value(a, w), value(b, w)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        ExprKind::Binary(BinaryOp::Or, a, b) => match (value(a, w), value(b, w)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (number(a, w)?, number(b, w)?);
            Some(match op {
                BinaryOp::Lt => a < b,
                BinaryOp::Le => a <= b,
                BinaryOp::Gt => a > b,
                _ => a >= b,
            })
        }
        ExprKind::AtLeast { count, conds } => {
            let yes = conds.iter().filter(|c| value(c, w) == Some(true)).count();
            let maybe = conds.iter().filter(|c| value(c, w) != Some(false)).count();
            if yes >= *count as usize {
                Some(true)
            } else if maybe < *count as usize {
                Some(false)
            } else {
                None
            }
        }
        _ => None,
    }
}

pub(crate) fn worlds() -> Vec<World> {
    let mut out = Vec::new();
    for bits in 0..4 {
        for turns in 0..7 {
            for confidence in [
                None,
                Some(0.0),
                Some(0.25),
                Some(0.5),
                Some(0.75),
                Some(1.0),
            ] {
                out.push(World {
                    shouting: bits & 1 != 0,
                    profanity: bits & 2 != 0,
                    turns: f64::from(turns),
                    confidence,
                });
            }
        }
    }
    out
}

#[test]
fn formulas_agree_with_trying_every_world() {
    let project = Project {
        flow_files: vec![(
            "bot.flow".into(),
            "bot demo { languages en; channels web; tiers bot; start greet }".into(),
        )],
        ..Project::default()
    };
    let compilation = Compiler::new().compile(
        &project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    );
    let cx = Context {
        machine: &compilation.machine,
        sources: &compilation.sources,
        date: jiff::civil::date(2026, 3, 2),
        refused: None,
    };
    let analysis = Analysis::new(&cx);
    let mut formulas = Formulas::new(&analysis);
    let worlds = worlds();
    let mut dice = Dice(11);
    let mut never = 0;
    for _ in 0..3000 {
        let (a, b) = (condition(&mut dice, 3), condition(&mut dice, 2));
        for want in [Want::True, Want::False, Want::NotTrue, Want::NotFalse] {
            let holds = |e: &Expr, w: World| match (want, value(e, w)) {
                (Want::True, v) => v == Some(true),
                (Want::False, v) => v == Some(false),
                (Want::NotTrue, v) => v != Some(true),
                (Want::NotFalse, v) => v != Some(false),
            };
            let Some(dnf) = formulas.dnf(&a, want) else {
                continue;
            };
            let possible = worlds.iter().any(|w| holds(&a, *w));
            assert_eq!(!dnf.is_empty(), possible, "{want:?} {a:?}");
            never += usize::from(!possible);
            let Some(other) = formulas.dnf(&b, Want::True) else {
                continue;
            };
            let together = worlds
                .iter()
                .any(|w| holds(&a, *w) && value(&b, *w) == Some(true));
            assert_eq!(
                formulas.compatible(&dnf, &other),
                together,
                "{want:?} {a:?} with {b:?}"
            );
        }
    }
    assert!(never > 50, "{never}");
}

/// Codes and places of what is found of rules in a bot with two numbers.
fn of_rules(rules: &str) -> Vec<(&'static str, String)> {
    let compilation = crate::testing::with_head(&format!(
        "slots {{ n: number = 1; m: number = 2 }}\nnode greet {{ choose \"?\" {{ \"A\" -> escalate; \"B\" -> end resolved }} }}\n{rules}"
    ));
    crate::testing::found(&compilation, &["F0601", "F0602"])
        .into_iter()
        .map(|(code, at)| (code, at.to_owned()))
        .collect()
}

#[test]
fn two_numbers_stand_to_each_other_in_one_of_three_ways() {
    for never in [
        "n < m and n > m",
        "n < m and m <= n",
        "n < m and n is m",
        "n <= m and n >= m and n is not m",
    ] {
        let found = of_rules(&format!("escalate r to human {{ when {never} }}"));
        assert_eq!(found.first().map(|f| f.0), Some("F0601"), "{never}");
    }
    for possible in ["n <= m and n >= m", "n < m and m > n", "n is m and n <= m"] {
        let found = of_rules(&format!("escalate r to human {{ when {possible} }}"));
        assert_eq!(found, [], "{possible}");
    }
}

#[test]
fn what_holds_for_long_holds_for_shorter() {
    let beaten = |long: &str, short: &str| {
        of_rules(&format!(
            "escalate a to human {{ when shouting for {long} }}\nescalate b to human {{ when shouting for {short}; priority high }}"
        ))
    };
    assert_eq!(
        beaten("3 messages", "2 messages"),
        [("F0602", "a".to_owned())]
    );
    assert_eq!(beaten("2 messages", "3 messages"), []);
    assert_eq!(beaten("5m", "90s"), [("F0602", "a".to_owned())]);
    assert_eq!(beaten("90s", "5m"), []);
    assert_eq!(beaten("5m", "2 messages"), []);
}
