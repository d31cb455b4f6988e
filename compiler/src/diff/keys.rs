//! Under which name both versions know what a condition reads, and which of it is written out.

use super::canon::Canon;
use super::dim::Val;
use crate::checks::support::set::point;
use crate::machine::{Expr, ExprKind, Held, HoursOf, Machine, Signal};
use crate::value::Value;

/// A constant as a value of a dimension.
pub(super) fn val(value: &Value) -> Option<Val> {
    Some(match value {
        Value::Bool(b) => Val::Bool(*b),
        Value::Enum(n) | Value::Text(n) => Val::Name(n.to_string()),
        other => Val::Point(point(other)?),
    })
}

/// A written value.
pub(super) fn constant(m: &Machine, expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Const(value) if value.is_known() => Some(value.clone()),
        ExprKind::Text(_) => plain_text(m, expr).map(Value::text),
        ExprKind::Neg(inner) => match constant(m, inner)? {
            Value::Number(v) => Some(Value::Number(-v)),
            Value::Percent(v) => Some(Value::Percent(-v)),
            Value::Duration(v) => Some(Value::Duration(-v)),
            Value::Money(mut money) => {
                money.amount = -money.amount;
                Some(Value::Money(money))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The values that a side of a comparison can have, if they are written.
pub(super) fn constants(m: &Machine, expr: &Expr) -> Option<Vec<Value>> {
    match &expr.kind {
        ExprKind::Threshold(id) => {
            let t = m.threshold(*id)?;
            t.lines
                .iter()
                .map(|(v, _)| v)
                .chain([&t.default])
                .map(|v| constant(m, v))
                .collect()
        }
        _ => constant(m, expr).map(|v| vec![v]),
    }
}

/// A text without anything filled in.
pub(super) fn plain_text(m: &Machine, expr: &Expr) -> Option<String> {
    let ExprKind::Text(id) = &expr.kind else {
        return None;
    };
    let [variant] = m.text(*id)?.variants.as_slice() else {
        return None;
    };
    variant
        .parts
        .iter()
        .map(|p| match p {
            crate::machine::TextPart::Str(s) => Some(s.as_str()),
            crate::machine::TextPart::Expr(_) => None,
        })
        .collect()
}

/// Words in a text: the same question in a rule and in a cell.
pub(super) fn contains_key(left: &str, words: &str) -> String {
    format!("contains {:?} {left}", folded(words))
}

pub(super) fn contains(canon: &Canon<'_>, left: &Expr, words: &str) -> (String, String) {
    (
        contains_key(&canon.of(left), words),
        format!(
            "{} contains \"{}\"",
            label(canon.machine, left),
            folded(words)
        ),
    )
}

fn folded(words: &str) -> String {
    words
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// Absent: always open.
pub(super) fn hours_key(m: &Machine, of: HoursOf) -> Option<(String, String)> {
    let hours = match of {
        HoursOf::Hours(id) => m.hours_of(id),
        HoursOf::Team(id) => m.team(id).and_then(|t| m.hours_of(t.hours)),
        HoursOf::RoutedTeam => return Some(("team open".into(), "the team is open".into())),
    }?;
    (!hours.always).then(|| {
        (
            format!("hours {}", hours.name),
            format!("during {}", hours.name),
        )
    })
}

/// A condition with memory.
pub(super) fn held_key(cond: &str, held: Held) -> String {
    format!("held {held:?} {cond}")
}

pub(super) fn temporal(canon: &Canon<'_>, cond: &Expr, held: Held) -> (String, String) {
    let time = match held {
        Held::Messages(n) => format!("for {n} messages"),
        Held::Millis(n) => format!("for {}", crate::checks::support::set::show_duration(n)),
    };
    (
        held_key(&canon.of(cond), held),
        format!("({} {time})", label(canon.machine, cond)),
    )
}

/// An expression in its author's words, on one line.
pub(super) fn label(m: &Machine, expr: &Expr) -> String {
    // What the compiler wrote itself (a `regulated` intent's rule) stands nowhere in the source.
    match expr.kind {
        ExprKind::Signal(Signal::Intent) => return "intent".to_owned(),
        ExprKind::Signal(Signal::MessageIntent) => return "message.intent".to_owned(),
        ExprKind::Signal(Signal::AsksForHuman) => return "asks_for_human".to_owned(),
        _ => {}
    }
    m.sources
        .snippet(expr.loc)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
