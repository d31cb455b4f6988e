//! F0304: bands that overlap, or an arm that can never be taken.
//!
//! The first arm that fits is taken, so an arm whose values were all taken before is dead; bands say where each answer goes, so
//! two that claim the same confidence contradict each other. A shared end is no overlap: it belongs to the higher band.

use super::f0303::{bands_grid, match_grid};
use super::support::analysis::Analysis;
use super::support::set::{Interval, Known, Universe, show_interval};
use crate::machine::OpKind;
use crate::value::{OpId, Type};
use flow_grammar::{Diagnostic, Severity};
use rust_decimal::Decimal;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0304",
    severity: Severity::Error,
    title: "bands that overlap, or an arm never taken",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    for (id, op) in (0u32..).map(OpId).zip(&cx.machine.ops) {
        let OpKind::Match { subject, arms, .. } = &op.kind else {
            continue;
        };
        let Some((grid, rows)) = match_grid(cx, id, op, subject, arms) else {
            continue;
        };
        let mut useless = grid.useless();
        for (i, (patterns, loc)) in rows.iter().enumerate() {
            // A value that its type lacks was reported before; it takes nothing and needs no second word.
            let of_another_type = grid.takes_nothing(i)
                && !patterns.contains(&crate::machine::CellPattern::Unknown)
                && !patterns.is_empty();
            // Stands for the arms that could not be read.
            let supplied = *loc == op.loc;
            if patterns.is_empty() || supplied || of_another_type || useless.row(i) != Some(true) {
                continue;
            }
            let mut finding = Diagnostic::error(
                "F0304",
                format!("the arm `{}` can never be taken", cx.words(*loc)),
                *loc,
            );
            if patterns.contains(&crate::machine::CellPattern::Unknown) && grid.takes_nothing(i) {
                finding = finding
                    .labelled(format!("`{}` is always known here", cx.words(subject.loc)))
                    .help("remove the arm");
            } else {
                finding = finding.labelled("everything that it takes is taken before");
                for taker in grid.takers(i).into_iter().take(4) {
                    if let Some((_, at)) = rows.get(taker) {
                        finding = finding.label(*at, "taken here");
                    }
                }
                finding =
                    finding.help("remove the arm, or move it above the arms that take its values");
            }
            found.push(finding);
        }
    }
    for tier in &cx.machine.tiers {
        bands(cx, tier, found);
    }
}

fn bands(cx: &Analysis<'_>, tier: &crate::machine::Tier, found: &mut Vec<Diagnostic>) {
    let universe = Universe::Ordered {
        low: Some(Decimal::ZERO),
        high: Some(Decimal::ONE),
        whole: false,
    };
    let mut before: Vec<(Interval, flow_grammar::Loc)> = Vec::new();
    let mut otherwise = None;
    for (i, band) in tier.bands.iter().enumerate() {
        if let Some(earlier) = otherwise {
            found.push(
                Diagnostic::error(
                    "F0304",
                    format!("the band `{}` can never be taken", cx.words(band.loc)),
                    band.loc,
                )
                .labelled("everything is taken before")
                .label(earlier, "takes everything that is left")
                .help("move `otherwise` to the end"),
            );
            continue;
        }
        if band.range == crate::machine::CellPattern::Any {
            let ranges: Vec<_> = tier.bands.iter().map(|b| &b.range).collect();
            let covered = bands_grid(&ranges).is_some_and(|g| g.useless().row(i) == Some(true));
            if covered {
                found.push(
                    Diagnostic::error(
                        "F0304",
                        format!("the band `{}` can never be taken", cx.words(band.loc)),
                        band.loc,
                    )
                    .labelled("the bands above cover everything from 0% to 100%")
                    .help("remove it"),
                );
            }
            otherwise = Some(band.loc);
            continue;
        }
        let Some(Known::Spans(spans)) = universe.pattern(&band.range).map(|s| s.known) else {
            continue;
        };
        let Some(span) = spans.first().copied() else {
            continue;
        };
        let clash = before.iter().find(|(other, _)| overlap(other, &span));
        if let Some((other, at)) = clash {
            let both = show_interval(&Type::Percent, None, &common(other, &span));
            found.push(
                Diagnostic::error(
                    "F0304",
                    format!("two bands of `{}` overlap", tier.name),
                    band.loc,
                )
                .labelled(format!("claims `{both}` a second time"))
                .label(*at, "claimed here first")
                .help("let neighbours share at most an end, as in `90%..100%` and `75%..90%`"),
            );
        }
        before.push((span, band.loc));
    }
}

/// Whether two intervals have more than an end in common.
fn overlap(a: &Interval, b: &Interval) -> bool {
    let both = common(a, b);
    matches!((both.low, both.high), (Some((low, _)), Some((high, _))) if low < high)
        // A single point inside the other, or the same point twice.
        || (point_of(a).is_some_and(|p| inside(b, p))) || (point_of(b).is_some_and(|p| inside(a, p))) || (point_of(a).is_some() && point_of(a) == point_of(b))
}

fn point_of(a: &Interval) -> Option<Decimal> {
    match (a.low, a.high) {
        (Some((low, _)), Some((high, _))) if low == high => Some(low),
        _ => None,
    }
}

fn inside(a: &Interval, at: Decimal) -> bool {
    a.low.is_none_or(|(low, _)| low < at) && a.high.is_none_or(|(high, _)| at < high)
}

fn common(a: &Interval, b: &Interval) -> Interval {
    let low = match (a.low, b.low) {
        (Some(x), Some(y)) => Some(if x.0 >= y.0 { x } else { y }),
        (x, y) => x.or(y),
    };
    let high = match (a.high, b.high) {
        (Some(x), Some(y)) => Some(if x.0 <= y.0 { x } else { y }),
        (x, y) => x.or(y),
    };
    Interval { low, high }
}
