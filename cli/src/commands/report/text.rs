//! The report for a terminal.

use super::{day, hours, percent};
use crate::output::{count, paint};
use flow_compiler::report::{Reach, Report, Required};
use flow_compiler::sources::Position;
use owo_colors::Style;
use std::collections::BTreeMap;
use std::fmt::Write;

pub(super) fn render(r: &Report) -> String {
    let mut out = String::new();
    let version = r.version.get(..12).unwrap_or(&r.version);
    line(
        &mut out,
        &paint(&format!("{} ({})", r.title, r.bot), Style::new().bold()),
    );
    line(
        &mut out,
        &format!(
            "version {version}, hours from {} on, in {}",
            r.date, r.timezone
        ),
    );
    head(&mut out, "A person can be reached");
    reach(&mut out, &r.reach);
    head(&mut out, "What people know when they take over");
    if r.required.is_empty() {
        line(&mut out, "  no handoff requires a field");
    }
    for field in &r.required {
        required(&mut out, field);
    }
    head(&mut out, "Who is there");
    for row in &r.staffing {
        let overflow = if row.overflow.is_empty() {
            String::new()
        } else {
            format!(" (overflow: {})", row.overflow.join(", "))
        };
        line(
            &mut out,
            &format!(
                "  {} row {}, {} -> {}{overflow}{}",
                row.tier,
                row.row,
                row.when,
                row.team,
                place(row.at.as_ref())
            ),
        );
        if row.always {
            line(&mut out, "    always");
            continue;
        }
        for (days, open) in same_days(&row.week) {
            line(&mut out, &format!("    {days:<8} {open}"));
        }
        let plan = if row.closed_plan {
            "the `closed` plan stands in"
        } else {
            "nothing is planned"
        };
        if !row.gaps.is_empty() {
            line(
                &mut out,
                &format!(
                    "    {} this week, {plan}; the longest in 400 days: {}",
                    count(row.gaps.len(), "gap"),
                    row.longest_gap.as_deref().unwrap_or("-")
                ),
            );
            for gap in &row.gaps {
                line(&mut out, &format!("      {gap}"));
            }
        } else if let Some(gap) = &row.longest_gap {
            line(
                &mut out,
                &format!("    no gap this week, the longest in 400 days: {gap}; {plan}"),
            );
        }
    }
    head(&mut out, "Promises");
    for p in &r.promises {
        let mark = if p.kept { "kept" } else { "NOT KEPT" };
        line(
            &mut out,
            &format!(
                "  {} within {}: {mark}{}",
                p.what,
                p.within,
                place(p.at.as_ref())
            ),
        );
        line(
            &mut out,
            &format!(
                "    {}; hours {} ({} this week)",
                p.why,
                p.hours.join(", "),
                hours(p.open_minutes)
            ),
        );
    }
    head(&mut out, "Private data");
    if r.private.is_empty() {
        line(&mut out, "  nothing is marked `private`");
    }
    for field in &r.private {
        line(
            &mut out,
            &format!("  {}{}", field.field, place(field.at.as_ref())),
        );
        if field.to.is_empty() {
            line(&mut out, "    only on the card");
        }
        for to in &field.to {
            let leaves = if to.leaves {
                "leaves the system to"
            } else {
                "stays, shown to"
            };
            let mut places: Vec<String> = to.places.iter().map(short).collect();
            places.dedup();
            line(
                &mut out,
                &format!(
                    "    {leaves} {}: {} ({})",
                    to.kind,
                    to.name,
                    places.join(", ")
                ),
            );
        }
    }
    head(&mut out, "What a conversation costs");
    let names = |path: &flow_compiler::report::CostPath| path.tiers.join(" -> ");
    let longest = r.costs.paths.iter().map(|p| names(p).chars().count());
    let wide = longest.max().unwrap_or(0).max(28);
    for path in &r.costs.paths {
        line(
            &mut out,
            &format!(
                "  {:<wide$} {:>12}  {:>6}",
                names(path),
                path.cost,
                percent(path.share)
            ),
        );
    }
    let or = |v: &Option<String>| v.clone().unwrap_or_else(|| "not known".to_owned());
    line(
        &mut out,
        &format!(
            "  expected {}, at worst {}",
            or(&r.costs.expected),
            or(&r.costs.worst)
        ),
    );
    for assumption in &r.costs.assumptions {
        line(&mut out, &format!("  assumed: {assumption}"));
    }
    out
}

fn reach(out: &mut String, all: &[Reach]) {
    // Places with the same bound are told together.
    let mut groups: BTreeMap<(usize, Option<u32>), Vec<&Reach>> = BTreeMap::new();
    let mut tiers: Vec<&str> = Vec::new();
    for r in all {
        let at = tiers.iter().position(|t| *t == r.tier).unwrap_or_else(|| {
            tiers.push(&r.tier);
            tiers.len() - 1
        });
        groups.entry((at, r.turns)).or_default().push(r);
    }
    for ((_, turns), group) in &groups {
        let Some(first) = group.first() else { continue };
        let bound = match turns {
            None => "not for certain".to_owned(),
            Some(0) => "at once".to_owned(),
            Some(n) => format!("after at most {}", count(*n as usize, "turn")),
        };
        let nodes: Vec<&str> = group.iter().filter_map(|r| r.node.as_deref()).collect();
        let places = if nodes.is_empty() {
            "wherever it answers".to_owned()
        } else {
            format!("{}: {}", count(nodes.len(), "node"), nodes.join(", "))
        };
        line(out, &format!("  {} {bound}, {places}", first.tier));
        // The ways that all of the group share.
        for way in first.ways.iter().filter(|w| {
            group
                .iter()
                .all(|r| r.ways.iter().any(|o| o.how == w.how && o.turns == w.turns))
        }) {
            line(
                out,
                &format!(
                    "    {}: {}{}",
                    count(way.turns as usize, "turn"),
                    way.how,
                    place(way.at.as_ref())
                ),
            );
        }
    }
}

fn required(out: &mut String, field: &Required) {
    let asked = if field.asked_while_waiting {
        "; asked for while they wait"
    } else {
        ""
    };
    line(
        out,
        &format!(
            "  {} for {}: {}{asked}{}",
            field.field,
            field.handoff,
            field.known.as_str(),
            place(field.at.as_ref())
        ),
    );
    // Ways of which the same is to be said are told together.
    let mut groups: Vec<(&str, Option<&str>, Vec<String>)> = Vec::new();
    for way in &field.ways {
        let (known, unknown) = (way.known.as_str(), way.unknown_at.as_deref());
        let told = format!("{}{}", way.by, place(way.at.as_ref()));
        match groups
            .iter_mut()
            .find(|(k, u, _)| *k == known && *u == unknown)
        {
            Some((_, _, ways)) => ways.push(told),
            None => groups.push((known, unknown, vec![told])),
        }
    }
    for (known, unknown, ways) in groups {
        let why = unknown
            .map(|p| format!(" (not for sure at `{p}`)"))
            .unwrap_or_default();
        line(out, &format!("    {known}{why}"));
        for way in ways {
            line(out, &format!("      {way}"));
        }
    }
}

/// Days that follow each other with the same hours, together: "Mon-Fri".
pub(super) fn same_days(week: &[flow_compiler::report::Day]) -> Vec<(String, String)> {
    let mut out: Vec<(String, String, String)> = Vec::new();
    for d in week {
        let name = d.date.strftime("%a").to_string();
        let open = day(&d.open);
        match out.last_mut() {
            Some((_, last, same)) if *same == open => *last = name,
            _ => out.push((name.clone(), name, open)),
        }
    }
    out.into_iter()
        .map(|(from, to, open)| {
            (
                if from == to {
                    from
                } else {
                    format!("{from}-{to}")
                },
                open,
            )
        })
        .collect()
}

fn short(at: &Position) -> String {
    format!("{}:{}", at.file, at.line)
}

fn place(at: Option<&Position>) -> String {
    at.map(|p| paint(&format!("  {}", short(p)), Style::new().dimmed()))
        .unwrap_or_default()
}

fn head(out: &mut String, title: &str) {
    line(out, "");
    line(out, &paint(title, Style::new().bold()));
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
