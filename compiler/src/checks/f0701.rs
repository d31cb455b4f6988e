//! F0701: a routing matrix that leaves a case uncovered.
//!
//! A conversation that no row takes would wait for nobody. The smallest such case is shown as a row to paste. Intent includes
//! `none`, language `other`; what can be unknown and what is open is covered only by `_` (or `unknown`).

use super::support::analysis::Analysis;
use super::support::cover::{Column, Grid};
use super::support::set::universe;
use super::support::syntax;
use crate::machine::{CellPattern, Route};
use crate::value::Type;
use flow_grammar::ast::DeclKind;
use flow_grammar::{Diagnostic, Loc, Severity, Span};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0701",
    severity: Severity::Error,
    title: "a case that the routing matrix leaves uncovered",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    for (route, grid) in cx.machine.routes.iter().zip(cx.grids()) {
        // A row that failed to check (an unknown team, say) may cover what the others leave.
        let written = match syntax::decl(cx.sources, route.loc.decl).map(|d| &d.kind) {
            Some(DeclKind::Route(decl)) => decl.rows.len(),
            _ => 0,
        };
        if written > route.rows.len() {
            continue;
        }
        if route.rows.is_empty() && !route.columns.is_empty() {
            let finding = Diagnostic::error("F0701", "the matrix has no rows", head(cx, route));
            found.push(
                finding
                    .labelled("no row takes anything")
                    .help("end it with a row of `_` that takes everything"),
            );
            continue;
        }
        let Some(grid) = grid else { continue };
        let Some(case) = grid.uncovered() else {
            continue;
        };
        let (cells, more) = grid.as_cells(&case);
        let head = head(cx, route);
        let shown: Vec<String> = route
            .columns
            .iter()
            .zip(&cells)
            .filter(|(_, cell)| *cell != "_")
            .map(|(column, cell)| format!("`{}` is `{cell}`", cx.words(column.loc)))
            .collect();
        let case = if shown.is_empty() {
            "everything else".to_owned()
        } else {
            shown.join(" and ")
        };
        let row = row_to_paste(cx, route, &cells);
        let mut finding = Diagnostic::error(
            "F0701",
            format!("the matrix has no row for the case that {case}"),
            head,
        )
        .labelled(if shown.is_empty() {
            "a last row that takes everything is missing".to_owned()
        } else {
            format!("no row takes it: {case}")
        });
        if let Some(row) = row {
            let rest = vec!["_".to_owned(); cells.len()];
            let rest = more.then(|| row_to_paste(cx, route, &rest)).flatten();
            finding = finding.help(if rest.is_some() {
                format!("add a row, for instance `{row}`; other cases are missing too, a last row of `_` takes them all")
            } else {
                format!("add a row, for instance `{row}`")
            });
            if let Some(last) = route.rows.last() {
                let indent = syntax::indent(cx.sources, last.loc);
                let (title, row) = match rest {
                    Some(rest) => ("add a last row for everything else", rest),
                    None => ("add the missing row", row),
                };
                finding = finding.fix(
                    title,
                    false,
                    vec![syntax::add_after(last.loc, format!("\n{indent}{row}"))],
                );
            }
        } else {
            finding = finding.help("end the matrix with a row of `_`");
        }
        found.push(finding);
    }
}

/// The words `route TIER`.
pub(super) fn head(cx: &Analysis<'_>, route: &Route) -> Loc {
    let text = cx.sources.snippet(route.loc);
    let end = text.find('{').map_or(text.len(), |i| {
        text.get(..i).unwrap_or_default().trim_end().len()
    });
    Loc::new(
        route.loc.decl,
        Span::new(
            route.loc.span.start,
            route.loc.span.start + u32::try_from(end).unwrap_or(0),
        ),
    )
}

/// The grid of a matrix. Absent where a column failed to check.
pub(super) fn grid(cx: &Analysis<'_>, route: &Route) -> Option<Grid> {
    if route.rows.is_empty() || route.columns.iter().any(|c| c.ty == Type::Error) {
        return None;
    }
    let nothing = cx.known().nothing();
    let columns: Vec<Column> = route
        .columns
        .iter()
        .map(|expr| Column {
            universe: universe(cx.machine, expr),
            may_be_unknown: cx.may_be_unknown(None, expr, &nothing),
            ty: expr.ty.clone(),
        })
        .collect();
    // A row that is too short, or a cell without a readable pattern, was reported before.
    if route.rows.iter().any(|r| {
        r.cells.len() < columns.len() || r.cells.iter().take(columns.len()).any(Vec::is_empty)
    }) {
        return None;
    }
    let rows: Vec<Vec<&[CellPattern]>> = route
        .rows
        .iter()
        .map(|r| r.cells.iter().map(Vec::as_slice).collect())
        .collect();
    Grid::new(&columns, &rows)
}

/// A row in the widths of the matrix: the case, then the results of the last row.
fn row_to_paste(cx: &Analysis<'_>, route: &Route, cells: &[String]) -> Option<String> {
    let last = route.rows.last()?;
    let header = cx.sources.snippet(route.header_loc);
    let line = cx.sources.snippet(last.loc);
    let of = |line: &str| -> Vec<String> {
        line.trim()
            .trim_matches('|')
            .split('|')
            .map(str::to_owned)
            .collect()
    };
    let (header, line) = (of(header), of(line));
    if line.len() <= cells.len() && header.len() <= cells.len() {
        return None;
    }
    let mut out = String::from("|");
    for (i, column) in line.iter().enumerate() {
        let width = column.chars().count().saturating_sub(2);
        let name = header.get(i).map(|h| h.trim()).unwrap_or_default();
        let cell = match cells.get(i) {
            Some(cell) => cell.clone(),
            None if name == "priority" => "standard".to_owned(),
            None if name == "team" => column.trim().to_owned(),
            None => "_".to_owned(),
        };
        let pad = width.saturating_sub(cell.chars().count());
        out.push_str(&format!(" {cell}{} |", " ".repeat(pad)));
    }
    Some(out)
}
