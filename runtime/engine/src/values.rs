//! Values against values: equality, order, arithmetic, patterns, words in a text.

use flow_compiler::machine::CellPattern;
use flow_compiler::value::{Money, Value};
use flow_grammar::ast::BinaryOp;
use jiff::SignedDuration;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use std::cmp::Ordering;

/// Whether two known values are the same; `None` if they cannot be compared.
pub(crate) fn same(a: &Value, b: &Value) -> Option<bool> {
    Some(match (a, b) {
        (Value::Unknown, _) | (_, Value::Unknown) => return None,
        (Value::Text(a) | Value::Enum(a), Value::Text(b) | Value::Enum(b)) => a == b,
        (Value::Money(a), Value::Money(b)) => {
            if a.currency != b.currency {
                return None;
            }
            a.amount == b.amount
        }
        (a, b) => a == b,
    })
}

/// The order of two known values; `None` if they cannot be compared.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) | (Value::Percent(a), Value::Percent(b)) => {
            a.partial_cmp(b)
        }
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Money(a), Value::Money(b)) => {
            (a.currency == b.currency).then(|| a.amount.cmp(&b.amount))
        }
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::DateTime(a), Value::DateTime(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Enum(a), Value::Enum(b)) => {
            let rank = |s| flow_compiler::machine::Priority::parse(s).map(|p| p as u8);
            match (rank(a), rank(b)) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => complexity(a).zip(complexity(b)).map(|(a, b)| a.cmp(&b)),
            }
        }
        _ => None,
    }
}

fn complexity(word: &str) -> Option<u8> {
    ["low", "medium", "high"]
        .iter()
        .position(|w| *w == word)
        .and_then(|i| u8::try_from(i).ok())
}

/// `+ - * /`.
pub(crate) fn arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Value {
    match (op, a, b) {
        (_, Value::Number(a), Value::Number(b)) => {
            number(op, *a, *b).map_or(Value::Unknown, Value::Number)
        }
        (BinaryOp::Add | BinaryOp::Sub, Value::Percent(a), Value::Percent(b)) => {
            number(op, *a, *b).map_or(Value::Unknown, Value::Percent)
        }
        (BinaryOp::Mul | BinaryOp::Div, Value::Percent(a), Value::Number(b)) => {
            number(op, *a, *b).map_or(Value::Unknown, Value::Percent)
        }
        (BinaryOp::Mul, Value::Number(a), Value::Percent(b)) => Value::Percent(a * b),
        (BinaryOp::Div, Value::Percent(a), Value::Percent(b)) => {
            number(op, *a, *b).map_or(Value::Unknown, Value::Number)
        }
        (BinaryOp::Add, Value::Duration(a), Value::Duration(b)) => {
            a.checked_add(*b).map_or(Value::Unknown, Value::Duration)
        }
        (BinaryOp::Sub, Value::Duration(a), Value::Duration(b)) => {
            a.checked_sub(*b).map_or(Value::Unknown, Value::Duration)
        }
        (BinaryOp::Div, Value::Duration(a), Value::Duration(b)) => {
            ratio(*a, *b).map_or(Value::Unknown, Value::Number)
        }
        (BinaryOp::Mul | BinaryOp::Div, Value::Duration(a), Value::Number(b)) => scaled(op, *a, *b),
        (BinaryOp::Mul, Value::Number(a), Value::Duration(b)) => scaled(op, *b, *a),
        (BinaryOp::Sub, Value::DateTime(a), Value::DateTime(b)) => {
            Value::Duration(a.as_millisecond() - b.as_millisecond())
        }
        (BinaryOp::Add, Value::DateTime(a), Value::Duration(d)) => shifted(*a, *d),
        (BinaryOp::Sub, Value::DateTime(a), Value::Duration(d)) => shifted(*a, d.saturating_neg()),
        (BinaryOp::Sub, Value::Date(a), Value::Date(b)) => {
            let days = a.since(*b).map_or(0, |span| span.get_days());
            Value::Duration(i64::from(days) * 86_400_000)
        }
        (BinaryOp::Add, Value::Date(a), Value::Duration(d)) => a
            .checked_add(SignedDuration::from_millis(*d))
            .map_or(Value::Unknown, Value::Date),
        (BinaryOp::Sub, Value::Date(a), Value::Duration(d)) => a
            .checked_sub(SignedDuration::from_millis(*d))
            .map_or(Value::Unknown, Value::Date),
        (BinaryOp::Add | BinaryOp::Sub, Value::Money(a), Value::Money(b))
            if a.currency == b.currency =>
        {
            let amount = if op == BinaryOp::Add {
                a.amount.checked_add(b.amount)
            } else {
                a.amount.checked_sub(b.amount)
            };
            amount.map_or(Value::Unknown, |amount| {
                Value::Money(Money {
                    amount,
                    currency: a.currency.clone(),
                })
            })
        }
        (BinaryOp::Mul | BinaryOp::Div, Value::Money(a), Value::Number(b) | Value::Percent(b)) => {
            money(op, a, *b)
        }
        (BinaryOp::Mul, Value::Number(a) | Value::Percent(a), Value::Money(b)) => money(op, b, *a),
        (BinaryOp::Div, Value::Money(a), Value::Money(b)) if a.currency == b.currency => {
            use rust_decimal::prelude::ToPrimitive;
            a.amount
                .checked_div(b.amount)
                .and_then(|r| r.to_f64())
                .map_or(Value::Unknown, Value::Number)
        }
        _ => Value::Unknown,
    }
}

fn number(op: BinaryOp, a: f64, b: f64) -> Option<f64> {
    let value = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        _ => return None,
    };
    value.is_finite().then_some(value)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "durations in milliseconds are far below 2^53"
)]
fn ratio(a: i64, b: i64) -> Option<f64> {
    number(BinaryOp::Div, a as f64, b as f64)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "durations in milliseconds are far below 2^53; the cast saturates"
)]
fn scaled(op: BinaryOp, a: i64, b: f64) -> Value {
    number(op, a as f64, b).map_or(Value::Unknown, |ms| Value::Duration(ms.round() as i64))
}

fn shifted(at: jiff::Timestamp, millis: i64) -> Value {
    at.checked_add(SignedDuration::from_millis(millis))
        .map_or(Value::Unknown, Value::DateTime)
}

fn money(op: BinaryOp, a: &Money, b: f64) -> Value {
    let amount = Decimal::from_f64(b).and_then(|b| {
        if op == BinaryOp::Mul {
            a.amount.checked_mul(b)
        } else {
            a.amount.checked_div(b)
        }
    });
    amount.map_or(Value::Unknown, |amount| {
        Value::Money(Money {
            amount,
            currency: a.currency.clone(),
        })
    })
}

/// Whether a value fits a pattern.
pub(crate) fn fits(pattern: &CellPattern, value: &Value) -> bool {
    match pattern {
        CellPattern::Any => true,
        CellPattern::Unknown => !value.is_known(),
        CellPattern::Value(wanted) => same(wanted, value) == Some(true),
        CellPattern::Not(values) => {
            value.is_known() && values.iter().all(|v| same(v, value) == Some(false))
        }
        CellPattern::Range {
            low,
            low_included,
            high,
            high_included,
        } => {
            value.is_known()
                && low.as_ref().is_none_or(|low| {
                    order(value, low).is_some_and(|o| o.is_gt() || (*low_included && o.is_eq()))
                })
                && high.as_ref().is_none_or(|high| {
                    order(value, high).is_some_and(|o| o.is_lt() || (*high_included && o.is_eq()))
                })
        }
        CellPattern::Words(words) => {
            matches!(value, Value::Text(text) | Value::Enum(text) if contains_words(text, words))
        }
    }
}

/// Whether `words` are found in `text` on word boundaries, ignoring case.
pub(crate) fn contains_words(text: &str, words: &str) -> bool {
    let words = words.trim();
    if words.is_empty() {
        return false;
    }
    let word_start = words.chars().next().is_some_and(char::is_alphanumeric);
    let word_end = words.chars().next_back().is_some_and(char::is_alphanumeric);
    let first = words.chars().next().filter(char::is_ascii_alphanumeric);
    let mut before = None;
    for (at, c) in text.char_indices() {
        if let Some(first) = first
            && c.is_ascii()
            && !c.eq_ignore_ascii_case(&first)
        {
            before = Some(c);
            continue;
        }
        let bounded = !word_start || !before.is_some_and(char::is_alphanumeric);
        before = Some(c);
        if !bounded {
            continue;
        }
        let Some(rest) = text.get(at..) else { continue };
        if let Some(tail) = strip_prefix_ignoring_case(rest, words)
            && (!word_end || !tail.chars().next().is_some_and(char::is_alphanumeric))
        {
            return true;
        }
    }
    false
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    let mut wanted = prefix.chars().peekable();
    while let Some(w) = wanted.next() {
        let c = rest.next()?;
        if w.is_whitespace() {
            if !c.is_whitespace() {
                return None;
            }
            while wanted.peek().is_some_and(|w| w.is_whitespace()) {
                wanted.next();
            }
            while rest
                .as_str()
                .chars()
                .next()
                .is_some_and(char::is_whitespace)
            {
                rest.next();
            }
        } else if c != w && !c.to_lowercase().eq(w.to_lowercase()) {
            return None;
        }
    }
    Some(rest.as_str())
}

/// A text as labels and enum words are compared: lower case, without accents, punctuation or doubled spaces.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold(text, |c| {
        out.push(c);
        true
    });
    out
}

/// Whether a text folds to `folded`, without writing it out.
pub(crate) fn folds_to(text: &str, folded: &str) -> bool {
    let mut wanted = folded.chars();
    fold(text, |c| wanted.next() == Some(c)) && wanted.next().is_none()
}

/// Gives the folded characters one by one, as long as `take` takes them; whether it took all.
fn fold(text: &str, mut take: impl FnMut(char) -> bool) -> bool {
    let (mut begun, mut gap) = (false, false);
    let mut one = |c: char| {
        if c.is_alphanumeric() {
            let taken = !gap || take(' ');
            (begun, gap) = (true, false);
            taken && take(c)
        } else {
            gap |= begun && (c.is_whitespace() || matches!(c, '-' | '_' | '/'));
            true
        }
    };
    text.chars().all(|c| {
        if c.is_ascii() {
            one(c.to_ascii_lowercase())
        } else {
            c.to_lowercase().all(|c| one(unaccented(c)))
        }
    })
}

fn unaccented(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        c => c,
    }
}

/// A name in words: `key_accounts` is "Key accounts".
pub(crate) fn in_words(name: &str) -> String {
    let words = lower_words(name);
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// A name in words, in lower case.
pub(crate) fn lower_words(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_on_their_boundaries() {
        assert!(contains_words("This is Fraud!", "fraud"));
        assert!(!contains_words("defrauded", "fraud"));
        assert!(contains_words("we had a  Data Loss", "data loss"));
        assert!(contains_words("c'est PAYÉ", "payé"));
        assert!(!contains_words("", "x"));
    }

    #[test]
    fn labels_fold() {
        assert_eq!(folded(" Sí, otra-cosa! "), "si otra cosa");
        assert_eq!(in_words("key_accounts"), "Key accounts");
    }

    #[test]
    fn two_currencies_do_not_compare() {
        let money = |n: i64, c: &str| {
            Value::Money(Money {
                amount: n.into(),
                currency: c.into(),
            })
        };
        assert_eq!(order(&money(1, "USD"), &money(2, "EUR")), None);
        assert_eq!(
            order(&money(1, "USD"), &money(2, "USD")),
            Some(Ordering::Less)
        );
        assert_eq!(
            arithmetic(BinaryOp::Sub, &money(5, "USD"), &money(2, "USD")),
            money(3, "USD")
        );
        assert_eq!(
            arithmetic(BinaryOp::Div, &Value::Number(1.0), &Value::Number(0.0)),
            Value::Unknown
        );
    }
}
