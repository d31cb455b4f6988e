//! Opening hours: weeks of open spans.

use super::Lower;
use crate::load::decl as decl_of;
use crate::machine::Hours;
use flow_grammar::{
    Diagnostic, Name, Spanned,
    ast::{DeclKind, HoursDecl},
};
use jiff::civil::Date;
use smol_str::SmolStr;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u16 = 24 * 60;

impl Lower<'_> {
    pub(super) fn hours(&mut self) {
        let env = self.env;
        for item in &env.hours {
            let Some(item) = item else {
                self.out.hours.push(Hours {
                    name: SmolStr::new_static("always"),
                    timezone: SmolStr::new_static("UTC"),
                    week: std::array::from_fn(|_| vec![(0, DAY)]),
                    closed: Vec::new(),
                    always: true,
                    loc: crate::load::whole(self.sources),
                });
                continue;
            };
            let Some(DeclKind::Hours(tree)) = decl_of(self.sources, item.decl).map(|d| &d.kind)
            else {
                continue;
            };
            self.enter(item.decl);
            let timezone = self
                .zone(tree.timezone.as_ref())
                .unwrap_or_else(|| env.timezone.clone());
            let week = self.week(tree);
            let closed = self.closed(tree);
            self.out.hours.push(Hours {
                name: item.name.clone(),
                timezone,
                week,
                closed,
                always: false,
                loc: item.name_loc,
            });
        }
    }

    fn week(&mut self, tree: &HoursDecl) -> [Vec<(u16, u16)>; 7] {
        let mut week: [Vec<(u16, u16)>; 7] = Default::default();
        for line in &tree.lines {
            let mut spans = Vec::with_capacity(line.times.len());
            for (from, to) in &line.times {
                let (Some(start), Some(end)) = (self.minutes(from), self.minutes(to)) else {
                    continue;
                };
                if start >= DAY {
                    self.report(
                        Diagnostic::error(
                            "F0301",
                            "opening hours start before 24:00",
                            self.loc(from.span),
                        )
                        .help("write `00:00` on the next day"),
                    );
                    continue;
                }
                if start == end {
                    self.report(
                        Diagnostic::error(
                            "F0301",
                            "these opening hours are empty",
                            self.loc(from.span.to(to.span)),
                        )
                        .help("the whole day is `00:00-24:00`"),
                    );
                    continue;
                }
                // An end before its start runs overnight.
                spans.push((start, if end < start { end + DAY } else { end }));
            }
            for (first, last) in &line.days {
                let (Some(first), Some(last)) = (self.day(first), self.day(last)) else {
                    continue;
                };
                let mut day = first;
                loop {
                    if let Some(open) = week.get_mut(day) {
                        open.extend(&spans);
                    }
                    if day == last {
                        break;
                    }
                    day = (day + 1) % 7;
                }
            }
        }
        for open in &mut week {
            open.sort_unstable();
            let mut merged: Vec<(u16, u16)> = Vec::with_capacity(open.len());
            for (start, end) in open.drain(..) {
                match merged.last_mut() {
                    Some((_, last)) if start <= *last => *last = (*last).max(end),
                    _ => merged.push((start, end)),
                }
            }
            *open = merged;
        }
        week
    }

    fn day(&mut self, name: &Name) -> Option<usize> {
        let found = DAYS.iter().position(|d| *d == name.text);
        if found.is_none() && !name.text.is_empty() {
            self.report(
                Diagnostic::error(
                    "F0201",
                    format!("unknown day `{}`", name.text),
                    self.loc(name.span),
                )
                .help("days are `mon tue wed thu fri sat sun`"),
            );
        }
        found
    }

    fn minutes(&mut self, time: &Spanned<SmolStr>) -> Option<u16> {
        let parsed = time.node.split_once(':').and_then(|(h, m)| {
            let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
            (h < 24 && m < 60 || h == 24 && m == 0).then_some(h * 60 + m)
        });
        if parsed.is_none() {
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("`{}` is no time of day", time.node),
                    self.loc(time.span),
                )
                .help("times run from `00:00` to `24:00`"),
            );
        }
        parsed
    }

    fn closed(&mut self, tree: &HoursDecl) -> Vec<(Date, Date)> {
        let mut out = Vec::with_capacity(tree.closed.len());
        for days in &tree.closed {
            let Some(from) = self.a_date(&days.from) else {
                continue;
            };
            let to = match &days.to {
                Some(to) => match self.a_date(to) {
                    Some(to) => to,
                    None => continue,
                },
                None => from,
            };
            if to < from {
                let at = self.loc(days.from.span);
                self.report(
                    Diagnostic::error("F0301", "these days end before they start", at)
                        .help("swap the dates"),
                );
                continue;
            }
            out.push((from, to));
        }
        out.sort_unstable();
        out
    }

    fn a_date(&mut self, date: &Spanned<SmolStr>) -> Option<Date> {
        let parsed = super::constants::date(&date.node);
        if parsed.is_none() {
            self.report(Diagnostic::error(
                "F0301",
                format!("the date `{}` does not exist", date.node),
                self.loc(date.span),
            ));
        }
        parsed
    }
}
