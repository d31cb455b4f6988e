//! F0303: a `match` or `answers by confidence` that leaves values uncovered.
//!
//! A conversation that comes with such a value has nowhere to go. What is surely known where the `match` stands needs no arm for
//! the unknown; open types (texts, numbers without ends) need `otherwise`.

use super::support::analysis::Analysis;
use super::support::cover::{Atom, Column, Grid};
use super::support::set::{Interval, universe};
use super::support::syntax;
use crate::machine::{CellPattern, Expr, Machine, MatchArm, Op, OpKind};
use crate::value::{OpId, Type, Value};
use flow_grammar::ast::{DeclKind, StepKind};
use flow_grammar::{Diagnostic, Loc, Severity, Span};
use rust_decimal::Decimal;
use smol_str::SmolStr;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0303",
    severity: Severity::Error,
    title: "values that no arm or band covers",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    for (id, op) in (0u32..).map(OpId).zip(&cx.machine.ops) {
        if let OpKind::Match { subject, arms, .. } = &op.kind
            && let Some((grid, arms)) = match_grid(cx, id, op, subject, arms)
        {
            let missing = missing(&grid);
            if !missing.is_empty() {
                found.push(report_match(
                    cx,
                    op,
                    subject,
                    &missing,
                    arms.iter().all(|a| a.0.is_empty()),
                ));
            }
        }
    }
    for tier in &cx.machine.tiers {
        let ranges: Vec<&CellPattern> = tier.bands.iter().map(|b| &b.range).collect();
        let written = bands_of(cx, tier.loc);
        // A band that could not be read says nothing of what it covers.
        if written != Some(ranges.len()) {
            continue;
        }
        let missing = match bands_grid(&ranges) {
            Some(grid) => missing(&grid),
            None => vec!["0%..100%".to_owned()],
        };
        if missing.is_empty() {
            continue;
        }
        let (head, block) = answers_of(cx, tier.loc).unwrap_or((tier.name_loc, tier.name_loc));
        let list = list(&missing);
        let mut finding = Diagnostic::error("F0303", format!("the bands of `{}` say nothing of {list}", tier.name), head)
            .labelled(format!("an answer with a confidence of {list} has no band"))
            .help("cover everything from 0% to 100%; neighbours may share an end, which then belongs to the higher band");
        if let Some(edit) = syntax::add_to_block(
            cx.sources,
            block,
            &missing
                .iter()
                .map(|m| format!("{m} escalate"))
                .collect::<Vec<_>>()
                .join("\n"),
        ) {
            finding = finding.fix("escalate what no band covers", false, vec![edit]);
        }
        found.push(finding);
    }
}

/// An arm: its patterns and where it stands.
pub(super) type ArmRow = (Vec<CellPattern>, Loc);

/// The grid of a `match`, with each arm's patterns and place.
pub(super) fn match_grid<'a>(
    cx: &Analysis<'a>,
    id: OpId,
    op: &'a Op,
    subject: &'a Expr,
    arms: &'a [MatchArm],
) -> Option<(Grid, Vec<ArmRow>)> {
    if matches!(subject.ty, Type::Error) {
        return None;
    }
    // Where no conversation comes nothing is known; the other findings say that it does not.
    let bits = cx.known().before(id)?;
    let may_be_unknown = cx.may_be_unknown(Some(op.code), subject, bits);
    if plainly_total(cx.machine, subject, arms, may_be_unknown) {
        return None;
    }
    // Arms that could not be read stand together in one without patterns.
    let read = arms.iter().filter(|a| !a.patterns.is_empty());
    let rows: Vec<ArmRow> = read.map(|a| (a.patterns.clone(), a.loc)).collect();
    let column = Column {
        universe: universe(cx.machine, subject),
        may_be_unknown,
        ty: subject.ty.clone(),
    };
    let cells: Vec<Vec<&[CellPattern]>> = rows
        .iter()
        .map(|(patterns, _)| vec![patterns.as_slice()])
        .collect();
    let grid = Grid::new(&[column], &cells)?;
    Some((grid, rows))
}

/// The common case, where there is nothing to find: every arm takes values of an enum or a bool, none of them twice, and all
/// values are taken, the last ones perhaps by `otherwise`.
fn plainly_total(
    machine: &Machine,
    subject: &Expr,
    arms: &[MatchArm],
    may_be_unknown: bool,
) -> bool {
    const MANY: usize = 24;
    let values: &[SmolStr] = match &subject.ty {
        Type::Enum(id) => machine.enum_def(*id).map_or(&[], |e| e.values.as_slice()),
        Type::Bool => &[],
        _ => return false,
    };
    let count = if subject.ty == Type::Bool {
        2
    } else {
        values.len()
    };
    if count > MANY {
        return false;
    }
    let mut seen: Vec<&Value> = Vec::with_capacity(count);
    for (i, arm) in arms.iter().enumerate() {
        if let [CellPattern::Any] = arm.patterns.as_slice() {
            return i + 1 == arms.len() && (seen.len() < count || may_be_unknown);
        }
        for pattern in &arm.patterns {
            let CellPattern::Value(value) = pattern else {
                return false;
            };
            let fits = match value {
                Value::Bool(_) => subject.ty == Type::Bool,
                Value::Enum(name) => values.contains(name),
                _ => false,
            };
            if !fits || seen.contains(&value) {
                return false;
            }
            seen.push(value);
        }
    }
    seen.len() == count && !may_be_unknown
}

/// The grid of the bands of a tier.
pub(super) fn bands_grid(ranges: &[&CellPattern]) -> Option<Grid> {
    if ranges.is_empty() {
        return None;
    }
    let universe = super::support::set::Universe::Ordered {
        low: Some(Decimal::ZERO),
        high: Some(Decimal::ONE),
        whole: false,
    };
    let column = Column {
        universe,
        may_be_unknown: false,
        ty: Type::Percent,
    };
    let rows: Vec<Vec<&[CellPattern]>> = ranges
        .iter()
        .map(|r| vec![std::slice::from_ref(*r)])
        .collect();
    Grid::new(&[column], &rows)
}

/// How many bands `answers by confidence` of a tier has; `None` where it does not stand.
fn bands_of(cx: &Analysis<'_>, loc: Loc) -> Option<usize> {
    match &syntax::decl(cx.sources, loc.decl)?.kind {
        DeclKind::Tier(tier) => Some(tier.answers.as_ref()?.bands.len()),
        _ => None,
    }
}

/// Where `answers by confidence` stands, and its block.
fn answers_of(cx: &Analysis<'_>, loc: Loc) -> Option<(Loc, Loc)> {
    let DeclKind::Tier(tier) = &syntax::decl(cx.sources, loc.decl)?.kind else {
        return None;
    };
    let block = tier.answers.as_ref()?.span;
    let block = Loc::new(loc.decl, block);
    // The block may or may not include its head: the head is the word `answers` before the brace.
    let text = cx
        .sources
        .snippet(Loc::new(loc.decl, Span::new(0, block.span.start)));
    let head = if cx.sources.snippet(block).starts_with("answers") {
        block.span.start
    } else {
        text.rfind("answers").and_then(|i| u32::try_from(i).ok())?
    };
    let end = block.span.start.max(head + 7);
    Some((Loc::new(loc.decl, Span::new(head, end)), block))
}

fn missing(grid: &Grid) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut run: Option<Interval> = None;
    let flush = |run: &mut Option<Interval>, out: &mut Vec<String>| {
        if let Some(interval) = run.take() {
            out.push(grid.show_span(0, &interval));
        }
    };
    for atom in grid.uncovered_atoms() {
        let atom_value = grid.atoms.first().and_then(|a| a.get(atom));
        if let Some(Atom::Span(span)) = atom_value {
            // Neighbours are one gap.
            match &mut run {
                Some(before) if before.high.map(|h| h.0) == span.low.map(|l| l.0) => {
                    before.high = span.high
                }
                _ => {
                    flush(&mut run, &mut out);
                    run = Some(*span);
                }
            }
            continue;
        }
        flush(&mut run, &mut out);
        out.push(match atom_value {
            Some(Atom::Other) => "_".to_owned(),
            Some(Atom::Name { name, others }) if *others > 0 => format!("{name} and {others} more"),
            _ => grid.show(0, atom),
        });
    }
    flush(&mut run, &mut out);
    for shown in &mut out {
        if shown == "_" {
            *shown = "anything else".to_owned();
        }
    }
    out.dedup();
    out.truncate(8);
    out
}

fn list(missing: &[String]) -> String {
    missing
        .iter()
        .map(|m| {
            if m == "anything else" {
                m.clone()
            } else {
                format!("`{m}`")
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn report_match(
    cx: &Analysis<'_>,
    op: &Op,
    subject: &Expr,
    missing: &[String],
    empty: bool,
) -> Diagnostic {
    let of = cx.words(subject.loc);
    let head = Loc::new(
        op.loc.decl,
        Span::new(
            op.loc.span.start,
            subject.loc.span.end.max(op.loc.span.start),
        ),
    );
    let mut finding = Diagnostic::error(
        "F0303",
        format!("`match` leaves {} of `{of}` uncovered", list(missing)),
        head,
    )
    .labelled(if empty {
        "no arm at all".to_owned()
    } else {
        format!("nothing is said of {}", list(missing))
    });
    let only_unknown = missing == ["unknown"];
    finding = finding.help(if only_unknown {
        format!("`{of}` can be unknown here: add an arm `unknown`, or ask for it before")
    } else {
        "add an arm for each, or `otherwise`".to_owned()
    });
    let Some(step) = syntax::step_at(cx.sources, op.loc) else {
        return finding;
    };
    let StepKind::Match { block_span, .. } = &step.kind else {
        return finding;
    };
    let item = if only_unknown {
        "unknown -> escalate"
    } else {
        "otherwise -> escalate"
    };
    match syntax::add_to_block(cx.sources, Loc::new(op.loc.decl, *block_span), item) {
        Some(edit) => finding.fix(format!("add `{item}`"), false, vec![edit]),
        None => finding,
    }
}
