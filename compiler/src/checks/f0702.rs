//! F0702: a row of the matrix that can never match, because the rows above take all of it.

use super::support::analysis::Analysis;
use crate::machine::{CellPattern, Route, RouteRow};
use flow_grammar::{Diagnostic, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0702",
    severity: Severity::Error,
    title: "a row that can never match",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    for (route, grid) in cx.machine.routes.iter().zip(cx.grids()) {
        let Some(grid) = grid else { continue };
        let mut useless = grid.useless();
        for (i, row) in route.rows.iter().enumerate() {
            if grid.takes_nothing(i) {
                // Else the cell holds a value that its type lacks: reported before.
                found.extend(never_unknown(cx, route, row));
                continue;
            }
            if useless.row(i) != Some(true) {
                continue;
            }
            let takers = grid.takers(i);
            let mut finding = Diagnostic::error("F0702", "this row can never match", row.loc)
                .labelled(match takers.len() {
                    1 => "the row above that is marked takes all of it".to_owned(),
                    n => format!("the {n} rows above that are marked take all of it"),
                });
            for (n, taker) in takers.iter().enumerate() {
                let Some(above) = route.rows.get(*taker) else {
                    continue;
                };
                if n == 8 {
                    break;
                }
                finding = finding.label(
                    above.loc,
                    if takers.len() == 1 {
                        "takes all of it"
                    } else {
                        "takes a part of it"
                    },
                );
            }
            found.push(finding.help(
                "the first row from the top that matches decides: move this row up, or remove it",
            ));
        }
    }
}

/// A cell `unknown` of what is always known.
fn never_unknown(cx: &Analysis<'_>, route: &Route, row: &RouteRow) -> Option<Diagnostic> {
    let nothing = cx.known().nothing();
    let columns = route
        .columns
        .iter()
        .zip(row.cells.iter().zip(&row.cell_locs));
    columns
        .filter(|(column, (cell, _))| {
            cell.iter().all(|p| *p == CellPattern::Unknown)
                && !cx.may_be_unknown(None, column, &nothing)
        })
        .map(|(column, (_, at))| {
            Diagnostic::error("F0702", "this row can never match", row.loc)
                .labelled(format!("`{}` is always known", cx.words(column.loc)))
                .label(*at, "so this takes nothing")
                .help("remove the row: what has a default, and every signal of the message, has a value")
        })
        .next()
}
