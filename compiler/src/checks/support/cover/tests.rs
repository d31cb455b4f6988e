#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "tests"
)]

use super::{Column, Grid};
use crate::checks::support::set::Universe;
use crate::machine::CellPattern;
use crate::testing::Dice;
use crate::value::{Type, Value};
use rust_decimal::Decimal;

/// A small generator: the same numbers in every run.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn columns() -> Vec<Column> {
    let names = NAMES.iter().map(|n| (*n).into()).collect();
    vec![
        Column {
            universe: Universe::Closed(names),
            may_be_unknown: true,
            ty: Type::Text,
        },
        Column {
            universe: Universe::Ordered {
                low: Some(Decimal::ZERO),
                high: None,
                whole: true,
            },
            may_be_unknown: false,
            ty: Type::Number,
        },
        Column {
            universe: Universe::Ordered {
                low: Some(Decimal::ZERO),
                high: Some(Decimal::ONE),
                whole: false,
            },
            may_be_unknown: true,
            ty: Type::Percent,
        },
    ]
}

/// Values enough to tell any two patterns of `cell` apart.
fn samples(column: usize) -> Vec<Value> {
    match column {
        0 => NAMES
            .iter()
            .map(|n| Value::Enum((*n).into()))
            .chain([Value::Unknown])
            .collect(),
        1 => (0..12).map(|n| Value::Number(f64::from(n))).collect(),
        _ => (0..=20)
            .map(|n| Value::Percent(f64::from(n) / 20.0))
            .chain([Value::Unknown])
            .collect(),
    }
}

fn cell(dice: &mut Dice, column: usize) -> CellPattern {
    if dice.roll(3) == 0 {
        return CellPattern::Any;
    }
    let ordered = |dice: &mut Dice, value: &dyn Fn(usize) -> Value| {
        let (a, b) = (dice.roll(10), dice.roll(10));
        let (low, high) = (a.min(b), a.max(b));
        match dice.roll(4) {
            0 => CellPattern::Value(value(low)),
            1 => CellPattern::Range {
                low: Some(value(low)),
                low_included: dice.roll(2) == 0,
                high: None,
                high_included: false,
            },
            2 => CellPattern::Range {
                low: None,
                low_included: false,
                high: Some(value(high)),
                high_included: dice.roll(2) == 0,
            },
            _ => CellPattern::Range {
                low: Some(value(low)),
                low_included: true,
                high: Some(value(high)),
                high_included: dice.roll(2) == 0,
            },
        }
    };
    match column {
        0 => match dice.roll(4) {
            0 => CellPattern::Unknown,
            1 => CellPattern::Not(vec![Value::Enum(NAMES[dice.roll(4)].into())]),
            _ => CellPattern::Value(Value::Enum(NAMES[dice.roll(4)].into())),
        },
        1 => ordered(dice, &|n| Value::Number(n as f64)),
        _ => ordered(dice, &|n| Value::Percent(n as f64 / 10.0)),
    }
}

/// What a pattern means, said plainly.
fn fits(pattern: &CellPattern, value: &Value) -> bool {
    let number = |v: &Value| match v {
        Value::Number(n) | Value::Percent(n) => *n,
        _ => f64::NAN,
    };
    match pattern {
        CellPattern::Any => true,
        CellPattern::Unknown => *value == Value::Unknown,
        CellPattern::Value(v) => v == value,
        CellPattern::Not(vs) => *value != Value::Unknown && !vs.contains(value),
        CellPattern::Range {
            low,
            low_included,
            high,
            high_included,
        } => {
            *value != Value::Unknown
                && low.as_ref().is_none_or(|l| {
                    number(value) > number(l) || (*low_included && number(value) == number(l))
                })
                && high.as_ref().is_none_or(|h| {
                    number(value) < number(h) || (*high_included && number(value) == number(h))
                })
        }
        CellPattern::Words(_) => false,
    }
}

fn matches(row: &[Vec<CellPattern>], case: &[Value]) -> bool {
    row.iter()
        .zip(case)
        .all(|(cell, value)| cell.iter().any(|p| fits(p, value)))
}

#[test]
fn coverage_agrees_with_trying_every_case() {
    let mut dice = Dice(7);
    let (mut uncovered, mut useless) = (0, 0);
    for _ in 0..1500 {
        let count = 1 + dice.roll(7);
        let rows: Vec<Vec<Vec<CellPattern>>> = (0..count)
            .map(|_| {
                (0..3)
                    .map(|c| (0..=dice.roll(2)).map(|_| cell(&mut dice, c)).collect())
                    .collect()
            })
            .collect();
        let views: Vec<Vec<&[CellPattern]>> = rows
            .iter()
            .map(|r| r.iter().map(Vec::as_slice).collect())
            .collect();
        let grid = Grid::new(&columns(), &views).unwrap();
        let mut cases = Vec::new();
        for a in samples(0) {
            for b in samples(1) {
                for c in samples(2) {
                    cases.push([a.clone(), b.clone(), c]);
                }
            }
        }
        let open = cases
            .iter()
            .any(|case| !rows.iter().any(|row| matches(row, case)));
        assert_eq!(grid.uncovered().is_some(), open, "{rows:?}");
        uncovered += usize::from(open);
        for (i, row) in rows.iter().enumerate() {
            let dead = !cases.iter().any(|case| {
                matches(row, case) && !rows[..i].iter().any(|above| matches(above, case))
            });
            assert_eq!(grid.useless().row(i), Some(dead), "row {i} of {rows:?}");
            useless += usize::from(dead);
        }
    }
    // Both answers were put to the test.
    assert!(uncovered > 100 && uncovered < 1450, "{uncovered}");
    assert!(useless > 100, "{useless}");
}

#[test]
fn the_case_shown_is_uncovered() {
    let column = Column {
        universe: Universe::Closed(vec!["free".into(), "pro".into()]),
        may_be_unknown: true,
        ty: Type::Text,
    };
    let rows = [
        vec![CellPattern::Value(Value::Enum("free".into()))],
        vec![CellPattern::Unknown],
    ];
    let views: Vec<Vec<&[CellPattern]>> = rows.iter().map(|r| vec![r.as_slice()]).collect();
    let grid = Grid::new(&[column], &views).unwrap();
    let case = grid.uncovered().unwrap();
    assert_eq!(grid.as_cells(&case).0, ["pro"]);
}

#[test]
fn longer_words_hold_the_shorter_ones() {
    let column = Column {
        universe: Universe::Open,
        may_be_unknown: false,
        ty: Type::Text,
    };
    let words = |w: &str| vec![CellPattern::Words(w.into())];
    let rows = [
        words("refund"),
        words("refund please"),
        words("refunds"),
        vec![CellPattern::Any],
    ];
    let views: Vec<Vec<&[CellPattern]>> = rows.iter().map(|r| vec![r.as_slice()]).collect();
    let grid = Grid::new(&[column], &views).unwrap();
    assert_eq!(
        (0..4)
            .map(|i| grid.useless().row(i).unwrap())
            .collect::<Vec<_>>(),
        [false, true, false, false]
    );
    assert_eq!(grid.uncovered(), None);
}

#[test]
fn the_case_shown_needs_the_fewest_cells() {
    let names = |names: &[&str]| Universe::Closed(names.iter().map(|n| (*n).into()).collect());
    let column = |universe| Column {
        universe,
        may_be_unknown: false,
        ty: Type::Text,
    };
    let is = |v: &str| vec![CellPattern::Value(Value::Enum(v.into()))];
    let any = || vec![CellPattern::Any];
    let columns = [
        column(names(&["a", "b"])),
        column(names(&["x", "y", "z"])),
        column(names(&["p", "q"])),
    ];
    // `a` and `x` lack only `q`; `b` lacks all of `z`.
    let rows = [
        vec![is("a"), is("x"), is("p")],
        vec![is("a"), is("y"), any()],
        vec![is("a"), is("z"), any()],
        vec![is("b"), is("x"), any()],
        vec![is("b"), is("y"), any()],
    ];
    let views: Vec<Vec<&[CellPattern]>> = rows
        .iter()
        .map(|r| r.iter().map(Vec::as_slice).collect())
        .collect();
    let grid = Grid::new(&columns, &views).unwrap();
    let case = grid.uncovered().unwrap();
    assert_eq!(
        grid.as_cells(&case),
        (vec!["b".into(), "z".into(), "_".into()], true)
    );
    let missing = [is("b"), is("z"), any()];
    let mut whole = views.clone();
    whole.push(missing.iter().map(Vec::as_slice).collect());
    let grid = Grid::new(&columns, &whole).unwrap();
    let case = grid.uncovered().unwrap();
    assert_eq!(
        grid.as_cells(&case),
        (vec!["a".into(), "x".into(), "q".into()], false)
    );
}

/// Rows over many bools, each about three of them: a case that all leave is found, and so are rows that others take, where
/// splitting column after column would take for ever.
#[test]
fn cases_behind_many_columns_are_found() {
    let bools = |_| Column {
        universe: Universe::Closed(vec!["true".into(), "false".into()]),
        may_be_unknown: false,
        ty: Type::Bool,
    };
    let columns: Vec<Column> = (0..40).map(bools).collect();
    let mut dice = Dice(3);
    let mut rows: Vec<Vec<Vec<CellPattern>>> = Vec::new();
    for _ in 0..140 {
        let mut row = vec![vec![CellPattern::Any]; columns.len()];
        for _ in 0..3 {
            row[dice.roll(40)] = vec![CellPattern::Value(Value::Bool(dice.roll(2) == 0))];
        }
        rows.push(row);
    }
    // One that says more than another above it.
    let mut row = rows[7].clone();
    row[dice.roll(40)] = vec![CellPattern::Value(Value::Bool(true))];
    rows.push(row);
    let shown: Vec<Vec<&[CellPattern]>> = rows
        .iter()
        .map(|row| row.iter().map(Vec::as_slice).collect())
        .collect();
    let grid = Grid::new(&columns, &shown).unwrap();
    let case = grid.uncovered().expect("some case is left");
    let value = |c: usize| match &grid.atoms[c][case[c]] {
        super::Atom::Name { name, .. } => name == "true",
        other => panic!("{other:?}"),
    };
    let taken = rows.iter().any(|row| {
        row.iter()
            .enumerate()
            .all(|(c, cell)| match cell.as_slice() {
                [CellPattern::Value(Value::Bool(b))] => *b == value(c),
                _ => true,
            })
    });
    assert!(!taken, "{case:?}");
    let mut useless = grid.useless();
    assert_eq!(useless.row(rows.len() - 1), Some(true));
    assert_eq!(useless.row(50), Some(false));
}
