//! Sets of values: names, numbers as intervals, and whether the unknown belongs to them.

use crate::machine::{CellPattern, Expr, ExprKind, Machine, Signal};
use crate::value::{Domain, Type, Value};
use jiff::civil;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// From which values a set is taken.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Universe {
    /// These names.
    Closed(Vec<SmolStr>),
    /// Any text, or values that are only ever equal or not.
    Open,
    /// Numbers between these ends (included).
    Ordered {
        low: Option<Decimal>,
        high: Option<Decimal>,
        /// Only whole numbers.
        whole: bool,
    },
}

/// An interval. An absent end is open to infinity; with a bound comes whether it belongs to the interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: Option<(Decimal, bool)>,
    pub(crate) high: Option<(Decimal, bool)>,
}

impl Interval {
    fn is_empty(&self) -> bool {
        match (self.low, self.high) {
            (Some((low, a)), Some((high, b))) => low > high || (low == high && !(a && b)),
            _ => false,
        }
    }

    fn is_within(&self, other: &Self) -> bool {
        let low = match (self.low, other.low) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(a), Some(b)) => a.0 > b.0 || (a.0 == b.0 && (b.1 || !a.1)),
        };
        let high = match (self.high, other.high) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(a), Some(b)) => a.0 < b.0 || (a.0 == b.0 && (b.1 || !a.1)),
        };
        low && high
    }

    fn meet(&self, other: &Self) -> Self {
        let low = match (self.low, other.low) {
            (Some(a), Some(b)) => Some(if a.0 > b.0 || (a.0 == b.0 && !a.1) {
                a
            } else {
                b
            }),
            (a, b) => a.or(b),
        };
        let high = match (self.high, other.high) {
            (Some(a), Some(b)) => Some(if a.0 < b.0 || (a.0 == b.0 && !a.1) {
                a
            } else {
                b
            }),
            (a, b) => a.or(b),
        };
        Self { low, high }
    }

    /// Whole numbers only: both ends become whole and included.
    fn whole(self) -> Self {
        let low = self.low.map(|(v, incl)| {
            let up = v.ceil();
            (
                if up == v && !incl {
                    up.checked_add(Decimal::ONE).unwrap_or(up)
                } else {
                    up
                },
                true,
            )
        });
        let high = self.high.map(|(v, incl)| {
            let down = v.floor();
            (
                if down == v && !incl {
                    down.checked_sub(Decimal::ONE).unwrap_or(down)
                } else {
                    down
                },
                true,
            )
        });
        Self { low, high }
    }
}

/// The known values of a set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    /// These names, or all but these.
    Names { but: bool, names: BTreeSet<SmolStr> },
    /// Disjoint, rising.
    Spans(Vec<Interval>),
}

/// A set of values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Set {
    pub(crate) known: Known,
    /// Whether the unknown belongs to it.
    pub(crate) unknown: bool,
}

impl Set {
    /// Whether everything of it is in another one of the same universe, as far as is seen at a glance.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        if self.unknown && !other.unknown {
            return false;
        }
        match (&self.known, &other.known) {
            (
                Known::Names { but, names },
                Known::Names {
                    but: other_but,
                    names: others,
                },
            ) => match (but, other_but) {
                (false, false) => names.is_subset(others),
                (false, true) => names.is_disjoint(others),
                (true, true) => others.is_subset(names),
                (true, false) => false,
            },
            (Known::Spans(spans), Known::Spans(others)) => spans
                .iter()
                .all(|span| others.iter().any(|other| span.is_within(other))),
            _ => false,
        }
    }
}

impl Universe {
    /// All of it, with the unknown or without.
    pub(crate) fn all(&self, unknown: bool) -> Set {
        let known = match self {
            Self::Closed(_) | Self::Open => Known::Names {
                but: true,
                names: BTreeSet::new(),
            },
            Self::Ordered { low, high, .. } => Known::Spans(vec![Interval {
                low: low.map(|v| (v, true)),
                high: high.map(|v| (v, true)),
            }]),
        };
        Set { known, unknown }
    }

    /// None of it.
    pub(crate) fn nothing(&self) -> Set {
        let known = match self {
            Self::Closed(_) | Self::Open => Known::Names {
                but: false,
                names: BTreeSet::new(),
            },
            Self::Ordered { .. } => Known::Spans(Vec::new()),
        };
        Set {
            known,
            unknown: false,
        }
    }

    /// One value.
    pub(crate) fn value(&self, value: &Value) -> Option<Set> {
        let known = match self {
            Self::Closed(_) | Self::Open => Known::Names {
                but: false,
                names: BTreeSet::from([name(value)]),
            },
            Self::Ordered { .. } => {
                let at = point(value)?;
                Known::Spans(vec![Interval {
                    low: Some((at, true)),
                    high: Some((at, true)),
                }])
            }
        };
        Some(Set {
            known,
            unknown: false,
        })
    }

    /// What is between two ends, within the universe.
    pub(crate) fn between(
        &self,
        low: Option<(Decimal, bool)>,
        high: Option<(Decimal, bool)>,
    ) -> Option<Set> {
        let Self::Ordered {
            low: least,
            high: most,
            whole,
        } = self
        else {
            return None;
        };
        let all = Interval {
            low: least.map(|v| (v, true)),
            high: most.map(|v| (v, true)),
        };
        let mut span = all.meet(&Interval { low, high });
        if *whole {
            span = span.whole();
        }
        let spans = if span.is_empty() {
            Vec::new()
        } else {
            vec![span]
        };
        Some(Set {
            known: Known::Spans(spans),
            unknown: false,
        })
    }

    /// What a pattern takes; absent where it cannot be said (words in a text).
    pub(crate) fn pattern(&self, pattern: &CellPattern) -> Option<Set> {
        match pattern {
            CellPattern::Any => Some(self.all(true)),
            CellPattern::Unknown => Some(Set {
                unknown: true,
                ..self.nothing()
            }),
            CellPattern::Value(value) => {
                // Values outside the universe were reported before (F0301).
                let set = self.value(value)?;
                Some(self.meet(&set, &self.all(false)))
            }
            CellPattern::Not(values) => {
                let mut out = self.all(false);
                for value in values {
                    let mut rest = self.complement(&self.value(value)?);
                    rest.unknown = false;
                    out = self.meet(&out, &rest);
                }
                Some(out)
            }
            CellPattern::Range {
                low,
                low_included,
                high,
                high_included,
            } => {
                let low = match low {
                    Some(v) => Some((point(v)?, *low_included)),
                    None => None,
                };
                let high = match high {
                    Some(v) => Some((point(v)?, *high_included)),
                    None => None,
                };
                self.between(low, high)
            }
            CellPattern::Words(_) => None,
        }
    }

    /// What both have.
    pub(crate) fn meet(&self, a: &Set, b: &Set) -> Set {
        let known = match (&a.known, &b.known) {
            (Known::Names { but: x, names: p }, Known::Names { but: y, names: q }) => {
                match (x, y) {
                    (false, false) => Known::Names {
                        but: false,
                        names: p.intersection(q).cloned().collect(),
                    },
                    (false, true) => Known::Names {
                        but: false,
                        names: p.difference(q).cloned().collect(),
                    },
                    (true, false) => Known::Names {
                        but: false,
                        names: q.difference(p).cloned().collect(),
                    },
                    (true, true) => Known::Names {
                        but: true,
                        names: p.union(q).cloned().collect(),
                    },
                }
            }
            (Known::Spans(p), Known::Spans(q)) => {
                let mut out = Vec::new();
                for a in p {
                    out.extend(q.iter().map(|b| a.meet(b)).filter(|i| !i.is_empty()));
                }
                Known::Spans(out)
            }
            // Never in one universe; the smaller claim is to say nothing of the second.
            (known, _) => known.clone(),
        };
        Set {
            known,
            unknown: a.unknown && b.unknown,
        }
    }

    /// Everything else, the unknown included where the set lacks it.
    pub(crate) fn complement(&self, set: &Set) -> Set {
        let known = match &set.known {
            Known::Names { but, names } => Known::Names {
                but: !but,
                names: names.clone(),
            },
            Known::Spans(spans) => {
                let Self::Ordered { low, high, whole } = self else {
                    return self.all(!set.unknown);
                };
                let mut out = Vec::new();
                let mut from = low.map(|v| (v, true));
                let mut open = true;
                for span in spans {
                    if let Some((v, incl)) = span.low {
                        out.push(Interval {
                            low: from,
                            high: Some((v, !incl)),
                        });
                    }
                    match span.high {
                        Some((v, incl)) => from = Some((v, !incl)),
                        None => open = false,
                    }
                }
                if open {
                    out.push(Interval {
                        low: from,
                        high: high.map(|v| (v, true)),
                    });
                }
                Known::Spans(
                    out.into_iter()
                        .map(|i| if *whole { i.whole() } else { i })
                        .filter(|i| !i.is_empty())
                        .collect(),
                )
            }
        };
        Set {
            known,
            unknown: !set.unknown,
        }
    }

    /// Whether nothing belongs to it.
    pub(crate) fn is_empty(&self, set: &Set) -> bool {
        !set.unknown
            && match (&set.known, self) {
                (Known::Names { but: true, names }, Self::Closed(all)) => {
                    all.iter().all(|v| names.contains(v))
                }
                (Known::Names { but: true, .. }, _) => false,
                (Known::Names { names, .. }, _) => names.is_empty(),
                (Known::Spans(spans), _) => spans.is_empty(),
            }
    }

    /// Whether a named value belongs to it.
    pub(crate) fn has_name(set: &Set, value: &str) -> bool {
        match &set.known {
            Known::Names { but, names } => names.contains(value) != *but,
            Known::Spans(_) => false,
        }
    }
}

/// The values that an expression can have, were it known.
pub(crate) fn universe(machine: &Machine, expr: &Expr) -> Universe {
    let signal = match &expr.kind {
        ExprKind::Signal(signal) => Some(*signal),
        _ => None,
    };
    let ordered = |low: Option<i64>, high: Option<i64>, whole| Universe::Ordered {
        low: low.map(Decimal::from),
        high: high.map(Decimal::from),
        whole,
    };
    match &expr.ty {
        Type::Enum(id) => machine
            .enum_def(*id)
            .map_or(Universe::Open, |e| Universe::Closed(e.values.clone())),
        Type::Bool => Universe::Closed(vec!["true".into(), "false".into()]),
        Type::Domain(domain) => domain_values(machine, *domain),
        Type::Number => match signal {
            Some(
                Signal::Turns
                | Signal::FailedAnswers
                | Signal::IntentRepeats
                | Signal::AttemptsFailed
                | Signal::QueuePosition
                | Signal::QueueLength,
            ) => ordered(Some(0), None, true),
            _ => ordered(None, None, false),
        },
        Type::Percent => match signal {
            Some(Signal::Confidence) => ordered(Some(0), Some(1), false),
            Some(Signal::Sentiment | Signal::Mood) => ordered(Some(-1), Some(1), false),
            _ => ordered(None, None, false),
        },
        Type::Duration => match signal {
            Some(_) => ordered(Some(0), None, false),
            None => ordered(None, None, false),
        },
        Type::Money | Type::DateTime => ordered(None, None, false),
        Type::Date => ordered(None, None, true),
        Type::Time => ordered(Some(0), Some(86_400), false),
        _ => Universe::Open,
    }
}

fn domain_values(machine: &Machine, domain: Domain) -> Universe {
    let mut values: Vec<SmolStr> = match domain {
        Domain::Intent => machine.intents.iter().map(|i| i.name.clone()).collect(),
        Domain::Tier => machine.tiers.iter().map(|t| t.name.clone()).collect(),
        Domain::Language => machine.bot.languages.clone(),
        Domain::Channel => machine.bot.channels.clone(),
        Domain::Team => machine.teams.iter().map(|t| t.name.clone()).collect(),
        Domain::Priority => ["standard", "medium", "high", "immediate"]
            .map(SmolStr::from)
            .to_vec(),
        Domain::Complexity => ["low", "medium", "high"].map(SmolStr::from).to_vec(),
        Domain::Rule => machine.rules.iter().map(|r| r.name.clone()).collect(),
    };
    match domain {
        Domain::Intent => values.push("none".into()),
        Domain::Language => values.push("other".into()),
        _ => {}
    }
    Universe::Closed(values)
}

/// Whether a signal can be unknown where conditions are tested.
pub(crate) const fn signal_may_be_unknown(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::Confidence
            | Signal::Page
            | Signal::QueueWait
            | Signal::QueuePosition
            | Signal::QueueLength
            | Signal::AgentName
    )
}

/// The name of a value in a set of names.
fn name(value: &Value) -> SmolStr {
    match value {
        Value::Enum(name) | Value::Text(name) => name.clone(),
        Value::Bool(truth) => if *truth { "true" } else { "false" }.into(),
        other => format!("{other:?}").into(),
    }
}

/// The place of a value on its scale.
pub(crate) fn point(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(v) | Value::Percent(v) => Decimal::try_from(*v).ok(),
        Value::Duration(ms) => Some(Decimal::from(*ms)),
        Value::Money(money) => Some(money.amount),
        Value::Date(date) => Some(Decimal::from(days(*date))),
        Value::Time(time) => Some(Decimal::from(seconds(*time))),
        Value::DateTime(at) => Some(Decimal::from(at.as_millisecond())),
        _ => None,
    }
}

fn days(date: civil::Date) -> i64 {
    date.since(civil::Date::ZERO)
        .map_or(0, |span| i64::from(span.get_days()))
}

fn seconds(time: civil::Time) -> i64 {
    i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

/// A place on the scale of a type as the author would write it. `like` is a value of the same kind (for its currency).
pub(crate) fn show_point(ty: &Type, like: Option<&Value>, at: Decimal) -> String {
    match ty {
        Type::Percent => format!(
            "{}%",
            at.checked_mul(Decimal::ONE_HUNDRED)
                .unwrap_or(at)
                .normalize()
        ),
        Type::Duration => show_duration(at.to_i64().unwrap_or(0)),
        Type::Money => match like {
            Some(Value::Money(money)) => format!("{} {}", at.normalize(), money.currency),
            _ => at.normalize().to_string(),
        },
        Type::Date => {
            let days = at.to_i64().unwrap_or(0);
            civil::Date::ZERO
                .checked_add(jiff::Span::new().days(days.clamp(-7_000_000, 7_000_000)))
                .map_or_else(|_| at.to_string(), |d| d.to_string())
        }
        Type::Time => {
            let seconds = at.to_i64().unwrap_or(0);
            format!("{:02}:{:02}", seconds / 3600, seconds / 60 % 60)
        }
        _ => at.normalize().to_string(),
    }
}

/// `90s`, `5m`, `2h`, `7d`.
pub(crate) fn show_duration(millis: i64) -> String {
    for (unit, name) in [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ] {
        if millis != 0 && millis % unit == 0 {
            return format!("{}{name}", millis / unit);
        }
    }
    if millis == 0 {
        "0s".into()
    } else {
        format!("{millis}ms")
    }
}

/// An interval as a cell: `60%..80%`, `>= 10`, `70%`.
pub(crate) fn show_interval(ty: &Type, like: Option<&Value>, interval: &Interval) -> String {
    // An instant is written in the bot's time zone, which is not known here.
    if *ty == Type::DateTime {
        return "_".into();
    }
    let show = |v| show_point(ty, like, v);
    match (interval.low, interval.high) {
        (Some((low, _)), Some((high, _))) if low == high => show(low),
        (Some((low, _)), Some((high, _))) => format!("{}..{}", show(low), show(high)),
        (Some((low, incl)), None) => format!("{} {}", if incl { ">=" } else { ">" }, show(low)),
        (None, Some((high, incl))) => format!("{} {}", if incl { "<=" } else { "<" }, show(high)),
        (None, None) => "_".into(),
    }
}
