//! Days, times of day, instants.

use super::amounts::word;
use super::{Found, Scene, constant, stands_alone};
use crate::normalise::fold;
use flow_compiler::value::Value;
use flow_engine::signals::EntityKind;
use jiff::civil::{Date, Time};
use jiff::{ToSpan, Zoned};
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// A day without a year that lies so many days back is meant so; farther back, next year's is.
const MEANT_BACK: i32 = 90;

const MONTHS: [&str; 12] = [
    "january|jan|enero|janvier|januar|janeiro|gennaio|januari",
    "february|feb|febrero|février|fevrier|februar|fevereiro|febbraio|februari",
    "march|mar|marzo|mars|märz|maerz|março|marco|maart",
    "april|apr|abril|avril|aprile",
    "may|mayo|mai|maio|maggio|mei",
    "june|jun|junio|juin|juni|junho|giugno",
    "july|jul|julio|juillet|juli|julho|luglio",
    "august|aug|agosto|août|aout|augustus",
    "september|sept|sep|septiembre|septembre|setembro|settembre",
    "october|oct|octubre|octobre|oktober|okt|outubro|ottobre",
    "november|nov|noviembre|novembre|novembro",
    "december|dec|diciembre|décembre|decembre|dezember|dez|dezembro|dicembre",
];

/// Monday first.
const WEEKDAYS: [&str; 7] = [
    "monday|mon|lunes|lundi|montag|segunda-feira|lunedì|lunedi|maandag",
    "tuesday|tues|tue|martes|mardi|dienstag|terça-feira|terca-feira|martedì|martedi|dinsdag",
    "wednesday|wed|miércoles|miercoles|mercredi|mittwoch|quarta-feira|mercoledì|mercoledi|woensdag",
    "thursday|thurs|thu|jueves|jeudi|donnerstag|quinta-feira|giovedì|giovedi|donderdag",
    "friday|fri|viernes|vendredi|freitag|sexta-feira|venerdì|venerdi|vrijdag",
    "saturday|sat|sábado|sabado|samedi|samstag|sonnabend|sabato|zaterdag",
    "sunday|sun|domingo|dimanche|sonntag|domenica|zondag",
];

const RELATIVE: [(i32, &str); 5] = [
    (
        2,
        "day after tomorrow|pasado mañana|pasado manana|après-demain|apres-demain|übermorgen|uebermorgen|depois de amanhã|dopodomani|overmorgen",
    ),
    (
        -2,
        "day before yesterday|anteayer|antes de ayer|avant-hier|vorgestern|anteontem|eergisteren",
    ),
    (
        1,
        "tomorrow|tomorow|tmrw|mañana|demain|morgen|amanhã|domani",
    ),
    (-1, "yesterday|ayer|hier|gestern|ontem|ieri|gisteren"),
    (0, "today|hoy|aujourd['’]hui|heute|hoje|oggi|vandaag"),
];

struct Patterns {
    iso: Regex,
    numeric: Regex,
    month_day: Regex,
    day_month: Regex,
    weekday: Regex,
    relative: Vec<(i32, Regex)>,
    ahead: Regex,
    ago: Regex,
    clock: Regex,
    hour: Regex,
    noon: Regex,
    hour_after: Regex,
    hour_before: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let months = MONTHS.join("|");
    let weekdays = WEEKDAYS.join("|");
    let number = r"(?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|a|an|dos|tres|cuatro|cinco|una|un|deux|trois|quatre|cinq|une|zwei|drei|vier|einer|einem|due|tre|twee|drie|een|uma|dois|duas)";
    let at = r"(?:at|à|um|a las|às|alle|om)";
    let units = r"(?P<u>days?|weeks?|días?|dias?|semanas?|jours?|semaines?|tagen?|wochen?|giorni|giorno|settimane|settimana|dagen|dag|weken|week)\b";
    Patterns {
        iso: constant(
            r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[T ](?P<h>\d{1,2}):(?P<min>\d{2}))?\b",
        ),
        numeric: constant(
            r"\b(?P<a>\d{1,2})(?P<s>[/.-])(?P<b>\d{1,2})(?:[/.-](?P<y>\d{4}|\d{2}))?\b",
        ),
        month_day: constant(&format!(
            r"(?i)\b(?P<m>{months})\.?\s+(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y>\d{{4}})\b)?"
        )),
        day_month: constant(&format!(
            r"(?i)\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?\s+(?:of\s+|de\s+)?(?P<m>{months})\b(?:,?\s+(?:de\s+|of\s+)?(?P<y>\d{{4}})\b)?"
        )),
        weekday: constant(&format!(
            r"(?i)\b(?:(?P<last>last|past|pasado|dernier|letzten|letzter|passado|scorso|vorige|afgelopen)\s+|(?:next|this|coming|on|el próximo|el proximo|próximo|proximo|este|el|nächsten|naechsten|am|le|op|volgende)\s+)?(?P<w>{weekdays})\b(?P<after>\s+(?:pasado|dernier|passado|scorso))?"
        )),
        relative: RELATIVE
            .iter()
            .map(|(n, words)| (*n, constant(&format!(r"(?i)\b(?:the\s+)?(?:{words})\b"))))
            .collect(),
        ahead: constant(&format!(
            r"(?i)\b(?:in|within|en|dentro de|dans|em|tra|fra|over)\s+{number}\s+{units}"
        )),
        ago: constant(&format!(
            r"(?i)\b(?:(?:hace|il y a|vor|há)\s+{number}\s+{units}|(?P<n2>\d{{1,3}}|one|two|three|four|five|six|seven|a|due|tre|twee|drie)\s+(?P<u2>days?|weeks?|giorni|giorno|settimane|dagen|weken)\s+(?:ago|fa|geleden)\b)"
        )),
        clock: constant(
            r"(?i)\b(?P<h>\d{1,2})(?::|h)(?P<m>\d{2})(?::\d{2})?\s?(?P<p>a\.?m\b\.?|p\.?m\b\.?)?",
        ),
        hour: constant(
            r"(?i)\b(?P<h>\d{1,2})\s?(?P<p>a\.?m\b\.?|p\.?m\b\.?|o['’]clock\b|uhr\b|h\b)|(?:a las|às|alle|om)\s+(?P<l>\d{1,2})\b(?:\s+de la\s+(?P<t>mañana|tarde|noche))?",
        ),
        noon: constant(
            r"(?i)\b(?:(?P<noon>noon|midday|mediodía|mediodia|midi|mittags|meio-dia|mezzogiorno)|(?P<night>midnight|medianoche|minuit|mitternacht|meia-noite|mezzanotte|middernacht))\b",
        ),
        hour_after: constant(&format!(
            r"(?i)^\s*,?\s*{at}\s+(?P<h>\d{{1,2}})(?:[\s,;.!?]|$)"
        )),
        hour_before: constant(&format!(
            r"(?i)\b{at}\s+(?P<h>\d{{1,2}})\s*,?\s*(?:on\s+)?$"
        )),
    }
});

/// Days written as numbers from the year down; before telephone numbers, which they look like.
pub(super) fn iso(text: &str, scene: &Scene<'_>, found: &mut Found) {
    if !text.contains(char::is_numeric) {
        return;
    }
    for c in PATTERNS.iso.captures_iter(text) {
        let (Some(whole), Some(date)) = (c.get(0), date_of(&c)) else {
            continue;
        };
        if !found.free(whole.start(), whole.end()) {
            continue;
        }
        let time = int(&c, "h")
            .zip(int(&c, "min"))
            .and_then(|(h, m)| Time::new(h, m, 0, 0).ok());
        if let Some(time) = time {
            instant(date, time, (whole.start(), whole.end()), scene, found);
        }
        found.take(
            EntityKind::Date,
            Value::Date(date),
            whole.start(),
            whole.end(),
        );
        if let Some(time) = time {
            found.add(
                EntityKind::Time,
                Value::Time(time),
                whole.start(),
                whole.end(),
            );
        }
    }
}

/// Adds days, times, and instants where a day and a time stand together.
pub(super) fn find(text: &str, scene: &Scene<'_>, found: &mut Found) {
    let now = scene.now.to_zoned(scene.timezone.clone());
    let first = found.entities.len();
    days(text, &now, found);
    times(text, found);
    bare_hours(text, first, found);
    let new: Vec<_> = found.entities.get(first..).unwrap_or_default().to_vec();
    for day in new.iter().filter(|e| e.kind == EntityKind::Date) {
        for time in new.iter().filter(|e| e.kind == EntityKind::Time) {
            let (start, end) = (day.start.min(time.start), day.end.max(time.end));
            let gap = text
                .get(day.end.min(time.end) as usize..day.start.max(time.start) as usize)
                .unwrap_or("--------");
            if let (Value::Date(date), Value::Time(t), true) = (
                &day.value,
                &time.value,
                gap.len() <= 9 && !gap.contains(['.', '?', '!']),
            ) {
                instant(*date, *t, (start as usize, end as usize), scene, found);
            }
        }
    }
}

fn instant(date: Date, time: Time, span: (usize, usize), scene: &Scene<'_>, found: &mut Found) {
    if let Ok(zoned) = date.to_datetime(time).to_zoned(scene.timezone.clone()) {
        found.add(
            EntityKind::DateTime,
            Value::DateTime(zoned.timestamp()),
            span.0,
            span.1,
        );
    }
}

fn days(text: &str, now: &Zoned, found: &mut Found) {
    let today = now.date();
    let mut take = |date: Option<Date>, start: usize, end: usize| {
        if let Some(date) = date
            && stands_alone(text, start, end)
        {
            found.take(EntityKind::Date, Value::Date(date), start, end);
        }
    };
    for pattern in [&PATTERNS.month_day, &PATTERNS.day_month] {
        for c in pattern.captures_iter(text) {
            let (Some(whole), Some(d), Some(m)) = (
                c.get(0),
                int(&c, "d"),
                c.name("m").and_then(|m| index_of(&MONTHS, m.as_str())),
            ) else {
                continue;
            };
            take(
                resolve(int16(&c, "y"), m, d, today),
                whole.start(),
                whole.end(),
            );
        }
    }
    let american = now.time_zone().iana_name().is_some_and(|z| {
        z.starts_with("America/")
            && !z.contains("Sao_Paulo")
            && !z.contains("Argentina")
            && !z.contains("Bogota")
    });
    for c in PATTERNS.numeric.captures_iter(text) {
        let (Some(whole), Some(a), Some(b), Some(separator)) =
            (c.get(0), int(&c, "a"), int(&c, "b"), c.name("s"))
        else {
            continue;
        };
        let year = int16(&c, "y").map(|y| if y < 100 { 2000 + y } else { y });
        // `1.5` and `3-5` are no days without a year.
        if separator.as_str() != "/" && year.is_none() {
            continue;
        }
        let (day, month) = if a > 12 || (!american && b <= 12) {
            (a, b)
        } else {
            (b, a)
        };
        take(resolve(year, month, day, today), whole.start(), whole.end());
    }
    for (n, pattern) in &PATTERNS.relative {
        for m in pattern.find_iter(text) {
            // "por la mañana", "de la mañana", "guten Morgen" speak of the morning.
            let before = fold(text.get(..m.start()).unwrap_or_default());
            if ["la ", "guten ", "goede", "good "]
                .iter()
                .any(|w| before.ends_with(w))
            {
                continue;
            }
            take(shifted(today, *n), m.start(), m.end());
        }
    }
    for c in PATTERNS.weekday.captures_iter(text) {
        let (Some(whole), Some(w)) = (c.get(0), c.name("w")) else {
            continue;
        };
        // Short forms are words too ("sat", "sun", "mon"): only with a capital.
        let short =
            w.as_str().len() <= 3 && w.as_str().chars().next().is_some_and(char::is_lowercase);
        let Some(target) = index_of(&WEEKDAYS, w.as_str()).filter(|_| !short) else {
            continue;
        };
        let here = i32::from(today.weekday().to_monday_zero_offset());
        let target = i32::from(target) - 1;
        let past = c.name("last").is_some() || c.name("after").is_some();
        let ahead = (target - here).rem_euclid(7);
        let days = match (past, ahead) {
            (true, 0) => -7,
            (true, n) => n - 7,
            (false, 0) => 7,
            (false, n) => n,
        };
        take(shifted(today, days), whole.start(), whole.end());
    }
    for (pattern, sign) in [(&PATTERNS.ahead, 1), (&PATTERNS.ago, -1)] {
        for c in pattern.captures_iter(text) {
            let (Some(whole), Some(n), Some(unit)) = (
                c.get(0),
                c.name("n").or_else(|| c.name("n2")),
                c.name("u").or_else(|| c.name("u2")),
            ) else {
                continue;
            };
            let n = n
                .as_str()
                .parse::<i32>()
                .ok()
                .or_else(|| word(n.as_str()).map(|w| w.round() as i32));
            let unit = if fold(unit.as_str()).starts_with(['w', 's']) {
                7
            } else {
                1
            };
            take(
                n.and_then(|n| shifted(today, sign * n * unit)),
                whole.start(),
                whole.end(),
            );
        }
    }
}

fn times(text: &str, found: &mut Found) {
    let mut take = |time: Option<Time>, start: usize, end: usize| {
        if let Some(time) = time {
            found.take(EntityKind::Time, Value::Time(time), start, end);
        }
    };
    for c in PATTERNS.clock.captures_iter(text) {
        if let (Some(whole), Some(h), Some(m)) = (c.get(0), int(&c, "h"), int(&c, "m"))
            && stands_alone(text, whole.start(), whole.end())
        {
            take(
                clock(h, m, c.name("p").map(|p| p.as_str())),
                whole.start(),
                whole.end(),
            );
        }
    }
    for c in PATTERNS.hour.captures_iter(text) {
        if let (Some(whole), Some(h)) = (c.get(0), int(&c, "h").or_else(|| int(&c, "l"))) {
            let half = c.name("p").or_else(|| c.name("t")).map(|p| p.as_str());
            take(clock(h, 0, half), whole.start(), whole.end());
        }
    }
    for c in PATTERNS.noon.captures_iter(text) {
        if let Some(whole) = c.get(0) {
            take(
                Time::new(if c.name("noon").is_some() { 12 } else { 0 }, 0, 0, 0).ok(),
                whole.start(),
                whole.end(),
            );
        }
    }
}

/// "at 9" beside a day. The small hours are left alone: who says "tomorrow at 3" may well mean the afternoon.
fn bare_hours(text: &str, first: usize, found: &mut Found) {
    let days: Vec<(usize, usize)> = found
        .entities
        .get(first..)
        .unwrap_or_default()
        .iter()
        .filter(|e| e.kind == EntityKind::Date)
        .map(|e| (e.start as usize, e.end as usize))
        .collect();
    for (start, end) in days {
        let after = PATTERNS
            .hour_after
            .captures(text.get(end..).unwrap_or_default())
            .map(|c| (c, end));
        let before = || {
            PATTERNS
                .hour_before
                .captures(text.get(..start).unwrap_or_default())
                .map(|c| (c, 0))
        };
        if let Some((c, from)) = after.or_else(before)
            && let Some(place) = c.name("h")
            && let Some(hour) = int(&c, "h").filter(|h| *h == 0 || *h >= 7)
            && let Some(time) = clock(hour, 0, None)
        {
            found.take(
                EntityKind::Time,
                Value::Time(time),
                from + place.start(),
                from + place.end(),
            );
        }
    }
}

fn clock(hour: i8, minute: i8, half: Option<&str>) -> Option<Time> {
    let half = half.map(fold).unwrap_or_default();
    let hour = match half.chars().next() {
        Some('p' | 't' | 'n') if hour < 12 => hour + 12,
        Some('a' | 'm') if hour == 12 => 0,
        _ => hour,
    };
    Time::new(hour, minute, 0, 0).ok()
}

fn date_of(c: &Captures<'_>) -> Option<Date> {
    Date::new(int16(c, "y")?, int(c, "m")?, int(c, "d")?).ok()
}

/// A day with or without a year.
fn resolve(year: Option<i16>, month: i8, day: i8, today: Date) -> Option<Date> {
    if let Some(year) = year {
        return Date::new(year, month, day).ok();
    }
    // 29 February may need a few years.
    let this = (0..4).find_map(|y| Date::new(today.year() + y, month, day).ok())?;
    let back = today.since(this).ok()?.get_days();
    if back > MEANT_BACK {
        (1..9).find_map(|y| Date::new(today.year() + y, month, day).ok())
    } else {
        nearest_past(this, today)
    }
}

/// Early in a year, a day late in the last one is near.
fn nearest_past(date: Date, today: Date) -> Option<Date> {
    let last_year = Date::new(date.year() - 1, date.month(), date.day()).ok();
    match last_year {
        Some(earlier)
            if date > today && today.since(earlier).ok()?.get_days() <= MEANT_BACK / 3 =>
        {
            Some(earlier)
        }
        _ => Some(date),
    }
}

fn shifted(date: Date, days: i32) -> Option<Date> {
    date.checked_add(days.days()).ok()
}

fn int(c: &Captures<'_>, name: &str) -> Option<i8> {
    c.name(name)?.as_str().parse().ok()
}

fn int16(c: &Captures<'_>, name: &str) -> Option<i16> {
    c.name(name)?.as_str().parse().ok()
}

/// From 1.
fn index_of(lists: &[&str], word: &str) -> Option<i8> {
    let word = fold(word);
    let at = lists
        .iter()
        .position(|list| list.split('|').any(|w| fold(w) == word))?;
    i8::try_from(at + 1).ok()
}
