//! Money, percentages, spans of time, plain numbers.

use super::{Found, constant, stands_alone};
use flow_compiler::value::{Money, Value};
use flow_engine::signals::{Entity, EntityKind};
use regex::{Captures, Regex};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::sync::LazyLock;

const NUMBER: &str =
    r"[-+]?\d{1,3}(?:[ .,'\x{a0}\x{202f}]\d{3})+(?:[.,]\d{1,2})?|[-+]?\d+(?:[.,]\d+)?";
const CODES: &str = "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BRL|MXN|ARS|CLP|COP|INR|CNY|HKD|SGD|KRW|ZAR|TRY|ILS|AED|SAR|THB";
const WORDS: &str = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a couple of|a|an|half an|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|una|un|deux|trois|quatre|cinq|sept|huit|neuf|dix|une|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|eine|einen|einer|ein|dois|duas|três|sete|oito|nove|dez|uma|um|due|tre|quattro|cinque|sei|sette|otto|dieci|uno|twee|drie|vijf|zes|zeven|negen|tien|een";
const UNITS: &str = "milliseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|segundos?|minutos?|horas?|días?|dias?|semanas?|secondes?|heures?|jours?|semaines?|sekunden?|minuten?|stunden?|tagen?|tage|wochen?|secondi|secondo|minuti|minuto|ore|ora|giorni|giorno|settimane|settimana|seconden?|minuut|uren|uur|dagen|dag|weken|week";

struct Patterns {
    money: Vec<Regex>,
    percent: Regex,
    duration: Regex,
    joint: Regex,
    half_more: Regex,
    number: Regex,
    number_word: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    money: vec![
        constant(&format!(
            r"(?i)(?P<unit>US\$|R\$|A\$|C\$|[$€£¥₹])\s?(?P<n>{NUMBER})"
        )),
        constant(&format!(
            r"(?i)(?P<n>{NUMBER})\s?(?P<unit>[$€£¥₹]|(?:{CODES}|dollars?|bucks|euros?|pounds?|quid|dólares|dolares|dólar|libras|dollari|sterline|livres|pfund|reais|yen|francs?|franken|rupees)\b)"
        )),
        constant(&format!(r"(?P<unit>\b(?:{CODES}))\s?(?P<n>{NUMBER})")),
    ],
    percent: constant(&format!(
        r"(?i)(?P<n>{NUMBER})\s?(?:%|(?:percent|per cent|por ciento|por cento|pour cent|prozent|per cento|procent)\b)"
    )),
    duration: constant(&format!(
        r"(?i)(?:\b(?P<w>{WORDS})|(?P<n>{NUMBER}))(?:\s?-?(?P<unit>(?:{UNITS})\b)|(?P<short>\s?h|[msdw]))"
    )),
    joint: constant(r"(?i)^(?:\s*,)?\s*(?:(?:and|y|et|und|e|en)\s+)?$"),
    half_more: constant(
        r"(?i)^\s+(?:and a half|y media|y medio|et demie?|e meia|e meio|e mezz[oa]|und eine halbe|en een half)\b",
    ),
    number: constant(NUMBER),
    number_word: constant(&format!(r"(?i)\b(?:{WORDS})\b")),
});

/// Adds amounts; what is part of a larger one is not also a number.
pub(super) fn find(text: &str, language: &str, found: &mut Found) {
    // Most messages hold no digit, and most of what is looked for begins with one.
    let digits = text.contains(char::is_numeric);
    for pattern in PATTERNS.money.iter().filter(|_| digits) {
        for c in pattern.captures_iter(text) {
            if let (Some((whole, n)), Some(unit)) = (number(&c, language, text), c.name("unit"))
                && let Some(currency) = currency(unit.as_str())
            {
                found.take(
                    EntityKind::Money,
                    Value::Money(Money {
                        amount: n.normalize(),
                        currency: currency.into(),
                    }),
                    whole.0,
                    whole.1,
                );
            }
        }
    }
    let percent = digits.then(|| PATTERNS.percent.captures_iter(text));
    for c in percent.into_iter().flatten() {
        if let Some((whole, n)) = number(&c, language, text)
            && let Some(n) = n.to_f64()
        {
            found.take(
                EntityKind::Percent,
                Value::Percent(n / 100.0),
                whole.0,
                whole.1,
            );
        }
    }
    for (start, end, millis) in spans(text, language) {
        if !stands_alone(text, start, end) {
            continue;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a span that a person names fits, and a cast saturates"
        )]
        let value = Value::Duration(millis as i64);
        // "2h" is two o'clock and two hours: what is asked for decides.
        let hours = |e: &Entity| {
            e.kind == EntityKind::Time && e.start as usize == start && e.end as usize <= end
        };
        if found.entities.iter().any(hours) {
            found.add(EntityKind::Duration, value, start, end);
            found.taken.push((start, end));
        } else {
            found.take(EntityKind::Duration, value, start, end);
        }
    }
    let numbers = digits.then(|| PATTERNS.number.find_iter(text));
    for m in numbers
        .into_iter()
        .flatten()
        .filter(|m| stands_alone(text, m.start(), m.end()))
    {
        // A minus sign that joins two things ("3-5", "AB-12") is no sign.
        let joined = m.as_str().starts_with(['-', '+'])
            && text
                .get(..m.start())
                .is_some_and(|t| t.ends_with(char::is_alphanumeric));
        let parted = text.get(..m.start()).is_some_and(|t| {
            t.ends_with(['-', '/', ':', '#'])
                && t.trim_end_matches(['-', '/', ':', '#'])
                    .ends_with(char::is_alphanumeric)
        });
        if let (false, false, Some(n)) = (
            joined,
            parted,
            decimal(m.as_str(), language).and_then(|d| d.to_f64()),
        ) {
            found.take(EntityKind::Number, Value::Number(n), m.start(), m.end());
        }
    }
    for m in PATTERNS.number_word.find_iter(text) {
        // Articles are numbers only before a unit, or alone.
        let article = matches!(
            m.as_str().to_lowercase().as_str(),
            "a" | "an"
                | "one"
                | "half an"
                | "un"
                | "una"
                | "uno"
                | "une"
                | "ein"
                | "eine"
                | "einen"
                | "einer"
                | "um"
                | "uma"
                | "een"
                | "six"
                | "sei"
        );
        if (!article || m.as_str().len() == text.trim().len())
            && let Some(n) = word(m.as_str())
        {
            found.take(EntityKind::Number, Value::Number(n), m.start(), m.end());
        }
    }
}

/// Spans of time: `(start, end, milliseconds)`. What follows one in smaller units belongs to it: "2 days and 3 hours", "1h 30m", "an
/// hour and a half".
fn spans(text: &str, language: &str) -> Vec<(usize, usize, f64)> {
    let mut out: Vec<(usize, usize, f64)> = Vec::new();
    // The unit of the last one; a smaller one may follow.
    let mut smallest = f64::MAX;
    for c in PATTERNS.duration.captures_iter(text) {
        let (Some(whole), Some(unit)) = (c.get(0), c.name("unit").or_else(|| c.name("short")))
        else {
            continue;
        };
        let rest = text.get(whole.end()..).unwrap_or_default();
        if c.name("short").is_some() && rest.starts_with(char::is_alphabetic) {
            continue;
        }
        let n = match (c.name("n"), c.name("w")) {
            (Some(n), _) => decimal(n.as_str(), language).and_then(|d| d.to_f64()),
            // A letter after a word is no unit ("a d").
            (_, Some(w)) if c.name("short").is_none() => word(w.as_str()),
            _ => None,
        };
        let Some(n) = n else { continue };
        let unit = millis(unit.as_str().trim());
        let mut end = whole.end();
        let mut length = n * unit;
        if let Some(half) = PATTERNS.half_more.find(text.get(end..).unwrap_or_default()) {
            end += half.end();
            length += unit / 2.0;
        }
        match out.last_mut() {
            Some((_, last, so_far))
                if unit < smallest
                    && text
                        .get(*last..whole.start())
                        .is_some_and(|gap| PATTERNS.joint.is_match(gap)) =>
            {
                *last = end;
                *so_far += length;
            }
            _ => out.push((whole.start(), end, length)),
        }
        smallest = unit;
    }
    out
}

fn number(c: &Captures<'_>, language: &str, text: &str) -> Option<((usize, usize), Decimal)> {
    let whole = c.get(0)?;
    let n = decimal(c.name("n")?.as_str(), language)?;
    stands_alone(text, whole.start(), whole.end()).then_some(((whole.start(), whole.end()), n))
}

/// `1,234.50`, `1.234,50`, `12,5`, `1 000`. Where a point before three digits could be either, English reads a decimal point.
pub(super) fn decimal(text: &str, language: &str) -> Option<Decimal> {
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '\'' | '\u{a0}' | '\u{202f}' | '+'))
        .collect();
    let last = text.rfind(['.', ',']);
    let Some(last) = last else {
        return text.parse().ok();
    };
    let separator = if text.get(last..)?.starts_with('.') {
        '.'
    } else {
        ','
    };
    let digits_after = text.len() - last - 1;
    let other = if separator == '.' { ',' } else { '.' };
    let several = text.matches(separator).count() > 1;
    let groups = several
        || (digits_after == 3
            && !text.contains(other)
            && !text.trim_start_matches('-').starts_with('0')
            && (separator == ',' || language != "en")
            && (separator == '.' || language == "en"));
    let plain: String = if groups {
        text.chars().filter(|c| !matches!(c, '.' | ',')).collect()
    } else {
        text.chars()
            .filter(|c| *c != other)
            .map(|c| if c == separator { '.' } else { c })
            .collect()
    };
    plain.parse().ok()
}

/// A number in words.
pub(super) fn word(text: &str) -> Option<f64> {
    Some(match text.to_lowercase().as_str() {
        "half an" => 0.5,
        "a" | "an" | "one" | "un" | "una" | "uno" | "une" | "ein" | "eine" | "einen" | "einer"
        | "um" | "uma" | "een" => 1.0,
        "two" | "a couple of" | "dos" | "deux" | "zwei" | "dois" | "duas" | "due" | "twee" => 2.0,
        "three" | "tres" | "trois" | "drei" | "três" | "tre" | "drie" => 3.0,
        "four" | "cuatro" | "quatre" | "vier" | "quattro" => 4.0,
        "five" | "cinco" | "cinq" | "fünf" | "cinque" | "vijf" => 5.0,
        "six" | "seis" | "sechs" | "sei" | "zes" => 6.0,
        "seven" | "siete" | "sept" | "sieben" | "sete" | "sette" | "zeven" => 7.0,
        "eight" | "ocho" | "huit" | "acht" | "oito" | "otto" => 8.0,
        "nine" | "nueve" | "neuf" | "neun" | "nove" | "negen" => 9.0,
        "ten" | "diez" | "dix" | "zehn" | "dez" | "dieci" | "tien" => 10.0,
        "eleven" => 11.0,
        "twelve" => 12.0,
        _ => return None,
    })
}

fn millis(unit: &str) -> f64 {
    let unit = crate::normalise::fold(unit);
    let starts = |prefixes: &[&str]| prefixes.iter().any(|p| unit.starts_with(p));
    match unit.as_str() {
        "s" => return 1_000.0,
        "m" => return 60_000.0,
        "h" => return 3_600_000.0,
        "d" => return 86_400_000.0,
        "w" => return 604_800_000.0,
        _ => {}
    }
    if unit.starts_with("milli") {
        1.0
    } else if starts(&["sec", "seg", "sek"]) {
        1_000.0
    } else if starts(&["min"]) {
        60_000.0
    } else if starts(&[
        "hour", "hr", "hora", "heure", "stund", "ore", "ora", "uur", "uren",
    ]) {
        3_600_000.0
    } else if starts(&["day", "dia", "jour", "tag", "giorn", "dag"]) {
        86_400_000.0
    } else {
        604_800_000.0
    }
}

fn currency(unit: &str) -> Option<String> {
    let folded = crate::normalise::fold(unit);
    Some(
        match folded.as_str() {
            "$" | "us$" | "dollar" | "dollars" | "bucks" | "dolares" | "dolar" | "dollari" => "USD",
            "€" | "euro" | "euros" => "EUR",
            "£" | "pound" | "pounds" | "quid" | "libras" | "sterline" | "livres" | "pfund" => {
                "GBP"
            }
            "¥" | "yen" => "JPY",
            "₹" | "rupees" => "INR",
            "r$" | "reais" => "BRL",
            "a$" => "AUD",
            "c$" => "CAD",
            "franc" | "francs" | "franken" => "CHF",
            code if code.len() == 3 => return Some(code.to_ascii_uppercase()),
            _ => return None,
        }
        .to_owned(),
    )
}
