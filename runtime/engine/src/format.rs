//! Values as a customer reads them.

use crate::builtin_texts::{self, Builtin};
use crate::calendar::Calendar;
use crate::values;
use flow_compiler::value::{Money, Value};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// For whom a value is written.
pub(crate) struct Reader<'a> {
    pub(crate) language: &'a str,
    pub(crate) zone: &'a TimeZone,
    pub(crate) now: Timestamp,
}

impl Reader<'_> {
    fn decimal_comma(&self) -> bool {
        builtin_texts::language_index(self.language) != 0
    }

    pub(crate) fn value(&self, value: &Value) -> String {
        match value {
            Value::Unknown => String::new(),
            Value::Bool(b) => if *b { Builtin::Yes } else { Builtin::No }
                .get(self.language)
                .to_lowercase(),
            Value::Number(n) => self.number(*n),
            Value::Percent(n) => {
                let n = self.number((n * 1000.0).round() / 10.0);
                if builtin_texts::language_index(self.language) == 0 {
                    format!("{n}%")
                } else {
                    format!("{n} %")
                }
            }
            Value::Text(text) => text.to_string(),
            Value::Duration(millis) => self.duration(*millis),
            Value::Money(money) => self.money(money),
            Value::Date(date) => self.date(*date),
            Value::Time(time) => clock(*time),
            Value::DateTime(at) => self.moment(*at),
            Value::Enum(name) => values::lower_words(name),
            Value::Record(fields) => self.list(fields.values()),
            Value::List(items) => self.list(items.iter()),
            Value::File(file) => file.name.to_string(),
        }
    }

    fn list<'v>(&self, items: impl Iterator<Item = &'v Value>) -> String {
        let mut words: Vec<String> = items
            .filter(|v| v.is_known())
            .map(|v| self.value(v))
            .collect();
        match (words.pop(), words.is_empty()) {
            (Some(last), true) => last,
            (Some(last), false) => format!(
                "{} {} {last}",
                words.join(", "),
                Builtin::And.get(self.language)
            ),
            (None, _) => String::new(),
        }
    }

    fn number(&self, n: f64) -> String {
        let rounded = (n * 1e6).round() / 1e6;
        let plain = format!("{rounded}");
        let (whole, fraction) = plain
            .split_once('.')
            .map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
        match fraction {
            Some(f) if self.decimal_comma() => format!("{whole},{f}"),
            Some(f) => format!("{whole}.{f}"),
            None => whole.to_owned(),
        }
    }

    fn money(&self, money: &Money) -> String {
        let places = match money.currency.as_str() {
            "JPY" | "KRW" | "VND" | "CLP" | "ISK" => 0,
            _ => 2,
        };
        let amount = format!(
            "{:.places$}",
            money.amount.round_dp(u32::try_from(places).unwrap_or(2))
        );
        let (whole, fraction) = amount
            .split_once('.')
            .map_or((amount.as_str(), ""), |(w, f)| (w, f));
        let (group, point) = if self.decimal_comma() {
            ('.', ',')
        } else {
            (',', '.')
        };
        let digits = whole.trim_start_matches('-');
        let mut grouped = String::new();
        if whole.starts_with('-') {
            grouped.push('-');
        }
        for (index, c) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                grouped.push(group);
            }
            grouped.push(c);
        }
        if fraction.is_empty() {
            format!("{grouped} {}", money.currency)
        } else {
            format!("{grouped}{point}{fraction} {}", money.currency)
        }
    }

    fn date(&self, date: Date) -> String {
        let (day, month) = (
            date.day(),
            builtin_texts::month(self.language, date.month()),
        );
        let year = (self.local(self.now).year() != date.year()).then(|| date.year());
        match (builtin_texts::language_index(self.language), year) {
            (1 | 4, Some(year)) => format!("{day} de {month} de {year}"),
            (1 | 4, None) => format!("{day} de {month}"),
            (3, Some(year)) => format!("{day}. {month} {year}"),
            (3, None) => format!("{day}. {month}"),
            (_, Some(year)) => format!("{day} {month} {year}"),
            (_, None) => format!("{day} {month}"),
        }
    }

    fn local(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// An instant in words: "today at 09:00", "on Monday at 09:00", "on 5 March at 09:00".
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let (there, here) = (self.local(at), self.local(self.now));
        let time = clock(there.time());
        let days = there
            .date()
            .since(here.date())
            .map_or(i32::MAX, |span| span.get_days());
        match days {
            0 => Builtin::Today.fill(self.language, &time, ""),
            1 => Builtin::Tomorrow.fill(self.language, &time, ""),
            2..=6 => {
                let day = usize::try_from(there.weekday().to_monday_zero_offset()).unwrap_or(0);
                Builtin::OnDay.fill(
                    self.language,
                    builtin_texts::weekday(self.language, day),
                    &time,
                )
            }
            _ => Builtin::OnDay.fill(self.language, &self.date(there.date()), &time),
        }
    }

    /// A span of time in at most two units; "about" where that leaves something out.
    fn duration(&self, millis: i64) -> String {
        const MINUTE: i64 = 60;
        const HOUR: i64 = 3_600;
        const DAY: i64 = 86_400;
        let millis = millis.unsigned_abs();
        let seconds = i64::try_from(millis / 1_000).unwrap_or(i64::MAX);
        let whole = |unit: i64| seconds % unit == 0 && millis.is_multiple_of(1_000);
        if seconds < 2 * MINUTE
            && millis.is_multiple_of(1_000)
            && (seconds < MINUTE || seconds % 10 == 0)
        {
            return match seconds {
                MINUTE => Builtin::Minute.get(self.language).to_owned(),
                seconds => self.count(seconds, Builtin::SecondUnit, Builtin::Seconds),
            };
        }
        if whole(MINUTE) && seconds < DAY {
            return match (seconds / HOUR, seconds % HOUR / MINUTE) {
                (0, minutes) => self.count(minutes, Builtin::MinuteUnit, Builtin::Minutes),
                (1, 0) => Builtin::Hour.get(self.language).to_owned(),
                (hours, 0) => self.count(hours, Builtin::HourUnit, Builtin::Hours),
                (hours, minutes) => format!(
                    "{} {}",
                    self.count(hours, Builtin::HourUnit, Builtin::Hours),
                    self.count(minutes, Builtin::MinuteUnit, Builtin::Minutes)
                ),
            };
        }
        if whole(HOUR) {
            return match (seconds / DAY, seconds % DAY / HOUR) {
                (1, 0) => Builtin::Day.get(self.language).to_owned(),
                (days, 0) => self.count(days, Builtin::DayUnit, Builtin::Days),
                (days, hours) => format!(
                    "{} {}",
                    self.count(days, Builtin::DayUnit, Builtin::Days),
                    self.count(hours, Builtin::HourUnit, Builtin::Hours)
                ),
            };
        }
        let rounded = |unit: i64| seconds.saturating_add(unit / 2) / unit;
        let (count, one, many) = match seconds {
            0..45 => {
                let count = i64::try_from((millis + 500) / 1_000).unwrap_or(i64::MAX);
                let words = self.count(count, Builtin::SecondUnit, Builtin::Seconds);
                return Builtin::About.fill(self.language, &words, "");
            }
            45..5_400 => (rounded(MINUTE), Builtin::Minute, Builtin::Minutes),
            5_400..129_600 => (rounded(HOUR), Builtin::Hour, Builtin::Hours),
            _ => (rounded(DAY), Builtin::Day, Builtin::Days),
        };
        let words = match count {
            1 => one.get(self.language).to_owned(),
            60 if seconds < 5_400 => Builtin::Hour.get(self.language).to_owned(),
            24 if (5_400..129_600).contains(&seconds) => Builtin::Day.get(self.language).to_owned(),
            count => format!("{count} {}", many.get(self.language)),
        };
        Builtin::About.fill(self.language, &words, "")
    }

    fn count(&self, count: i64, one: Builtin, many: Builtin) -> String {
        let unit = if count == 1 { one } else { many };
        format!("{count} {}", unit.get(self.language))
    }
}

fn clock(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// Open times of a day, in minutes from midnight.
type Spans = Vec<(u16, u16)>;

/// A week of opening hours in words: "Monday to Friday 09:00-17:30, Saturday 10:00-14:00".
pub(crate) fn week(calendar: &Calendar, language: &str) -> String {
    let Some(week) = calendar.week() else {
        return Builtin::AlwaysOpen.get(language).to_owned();
    };
    let mut groups: Vec<(usize, usize, &Spans)> = Vec::new();
    for (day, spans) in week
        .iter()
        .enumerate()
        .filter(|(_, spans)| !spans.is_empty())
    {
        match groups.last_mut() {
            Some((_, last, same)) if *last + 1 == day && **same == **spans => *last = day,
            _ => groups.push((day, day, spans)),
        }
    }
    if groups.is_empty() {
        return Builtin::NeverOpen.get(language).to_owned();
    }
    let words = groups.iter().map(|(first, last, spans)| {
        let days = match last - first {
            0 => builtin_texts::weekday(language, *first).to_owned(),
            1 => format!(
                "{} {} {}",
                builtin_texts::weekday(language, *first),
                Builtin::And.get(language),
                builtin_texts::weekday(language, *last)
            ),
            _ => format!(
                "{} {} {}",
                builtin_texts::weekday(language, *first),
                builtin_texts::to(language),
                builtin_texts::weekday(language, *last)
            ),
        };
        let times: Vec<String> = spans
            .iter()
            .map(|(from, to)| format!("{}-{}", minutes(*from), minutes(*to)))
            .collect();
        format!(
            "{days} {}",
            times.join(format!(" {} ", Builtin::And.get(language)).as_str())
        )
    });
    words.collect::<Vec<_>>().join(", ")
}

fn minutes(minutes: u16) -> String {
    let of_day = if minutes > 1440 {
        minutes - 1440
    } else {
        minutes
    };
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(language: &str, value: &Value) -> String {
        Reader {
            language,
            zone: &TimeZone::UTC,
            now: "2026-03-02T10:00:00Z".parse().unwrap(),
        }
        .value(value)
    }

    #[test]
    fn values_read_as_their_language_writes_them() {
        let money = Value::Money(Money {
            amount: "1234.5".parse().unwrap(),
            currency: "EUR".into(),
        });
        assert_eq!(read("en", &money), "1,234.50 EUR");
        assert_eq!(read("de", &money), "1.234,50 EUR");
        assert_eq!(read("en", &Value::Percent(0.125)), "12.5%");
        assert_eq!(
            read("es", &Value::Date("2026-03-05".parse().unwrap())),
            "5 de marzo"
        );
        assert_eq!(
            read("de", &Value::Date("2027-03-05".parse().unwrap())),
            "5. März 2027"
        );
        assert_eq!(read("en", &Value::Duration(170_000)), "about 3 minutes");
        assert_eq!(read("en", &Value::Duration(64_000)), "about a minute");
        assert_eq!(
            read(
                "en",
                &Value::DateTime("2026-03-03T09:00:00Z".parse().unwrap())
            ),
            "tomorrow at 09:00"
        );
        assert_eq!(
            read(
                "es",
                &Value::DateTime("2026-03-06T09:00:00Z".parse().unwrap())
            ),
            "el viernes a las 09:00"
        );
        assert_eq!(
            read(
                "en",
                &Value::DateTime("2026-04-06T09:00:00Z".parse().unwrap())
            ),
            "on 6 April at 09:00"
        );
        let list = Value::List(std::sync::Arc::new(vec![
            Value::text("a"),
            Value::text("b"),
            Value::text("c"),
        ]));
        assert_eq!(read("en", &list), "a, b and c");
    }

    #[test]
    fn spans_of_time_are_exact_where_two_units_say_all() {
        let said = |seconds: i64| read("en", &Value::Duration(seconds * 1_000));
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (50, "50 seconds"),
            (60, "a minute"),
            (90, "90 seconds"),
            (120, "2 minutes"),
            (170, "about 3 minutes"),
            (3_600, "an hour"),
            (3_590, "about an hour"),
            (5_400, "1 hour 30 minutes"),
            (7_200, "2 hours"),
            (7_300, "about 2 hours"),
            (86_400, "a day"),
            (129_600, "1 day 12 hours"),
            (7 * 86_400, "7 days"),
            (2 * 86_400 + 60, "about 2 days"),
        ] {
            assert_eq!(said(seconds), words, "{seconds}");
        }
        let each = |seconds: i64| {
            ["es", "fr", "de", "pt", "it", "nl"]
                .map(|language| read(language, &Value::Duration(seconds * 1_000)))
        };
        assert_eq!(
            each(1),
            [
                "1 segundo",
                "1 seconde",
                "1 Sekunde",
                "1 segundo",
                "1 secondo",
                "1 seconde"
            ]
        );
        assert_eq!(
            each(5_400),
            [
                "1 hora 30 minutos",
                "1 heure 30 minutes",
                "1 Stunde 30 Minuten",
                "1 hora 30 minutos",
                "1 ora 30 minuti",
                "1 uur 30 minuten"
            ]
        );
        assert_eq!(read("en", &Value::Duration(1_400)), "about 1 second");
    }
}
