//! F0703: a row to a team that lacks the language or the skill which the row demands.

use super::support::analysis::Analysis;
use super::support::syntax;
use crate::machine::{CellPattern, ExprKind, RouteRow, Signal};
use crate::value::Value;
use flow_grammar::ast::DeclKind;
use flow_grammar::{Diagnostic, Severity};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0703",
    severity: Severity::Warning,
    title: "a row to a team that lacks what the row demands",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    for route in &machine.routes {
        let column = route
            .columns
            .iter()
            .position(|c| matches!(c.kind, ExprKind::Signal(Signal::Language)));
        for (at, row) in route.rows.iter().enumerate() {
            let Some(team) = machine.team(row.team) else {
                continue;
            };
            // What was refused of a team may be what the row demands.
            if syntax::unread(cx.sources, team.loc.decl) {
                continue;
            }
            let all_read = match syntax::decl(cx.sources, team.loc.decl).map(|d| &d.kind) {
                Some(DeclKind::Team(tree)) => tree.languages.len() == team.languages.len(),
                _ => true,
            };
            if let Some(column) = column
                && !team.languages.is_empty()
                && all_read
            {
                let cell = || row.cells.get(column).into_iter().flatten();
                let above = route.rows.get(..at).unwrap_or_default();
                // Nobody speaks `other`. A language that rows above take altogether does not come to a `not`.
                let missing: Vec<&str> = machine
                    .bot
                    .languages
                    .iter()
                    .filter(|l| !team.languages.contains(l))
                    .filter(|l| {
                        cell().any(|p| names(p, l))
                            || (cell().any(|p| matches!(p, CellPattern::Not(out) if !out.iter().any(|v| is(v, l))))
                                && !above.iter().any(|r| takes(r, column, l)))
                    })
                    .map(|l| l.as_str())
                    .collect();
                if let Some(first) = missing.first() {
                    let list = missing
                        .iter()
                        .map(|l| format!("`{l}`"))
                        .collect::<Vec<_>>()
                        .join(", ");
                    let speaking: Vec<String> = machine
                        .teams
                        .iter()
                        .filter(|t| {
                            t.languages.is_empty()
                                || missing.iter().all(|m| t.languages.iter().any(|l| l == m))
                        })
                        .map(|t| format!("`{}`", t.name))
                        .take(3)
                        .collect();
                    let mut finding = Diagnostic::warning(
                        "F0703",
                        format!(
                            "this row demands {list}, which team `{}` does not speak",
                            team.name
                        ),
                        row.team_loc,
                    )
                    .labelled(format!("speaks {}", team.languages.join(", ")));
                    if let Some(cell) = row.cell_locs.get(column) {
                        finding = finding.label(*cell, "demanded here");
                    }
                    finding = finding.label(team.name_loc, "the team");
                    found.push(finding.help(if speaking.is_empty() {
                        format!("add `{first}` to the team's `languages`, or route to another team")
                    } else {
                        format!("route to a team that speaks it ({}), or add `{first}` to the team's `languages`", speaking.join(", "))
                    }));
                }
            }
            if let Some(skill) = &row.skill
                && !team.skills.contains(skill)
            {
                let able: Vec<String> = machine
                    .teams
                    .iter()
                    .filter(|t| t.skills.contains(skill))
                    .map(|t| format!("`{}`", t.name))
                    .take(3)
                    .collect();
                found.push(
                    Diagnostic::warning(
                        "F0703",
                        format!(
                            "this row demands the skill `{skill}`, which team `{}` lacks",
                            team.name
                        ),
                        row.team_loc,
                    )
                    .labelled(if team.skills.is_empty() {
                        "has no skills".to_owned()
                    } else {
                        format!("has {}", team.skills.join(", "))
                    })
                    .label(team.name_loc, "the team")
                    .help(if able.is_empty() {
                        format!("add `{skill}` to the team's `skills`")
                    } else {
                        format!(
                            "route to {}, or add `{skill}` to the team's `skills`",
                            able.join(" or ")
                        )
                    }),
                );
            }
        }
    }
}

fn is(value: &Value, language: &str) -> bool {
    matches!(value, Value::Enum(name) | Value::Text(name) if name == language)
}

fn names(pattern: &CellPattern, language: &str) -> bool {
    matches!(pattern, CellPattern::Value(value) if is(value, language))
}

/// Whether a row takes every case of a language.
fn takes(row: &RouteRow, column: usize, language: &str) -> bool {
    row.cells.iter().enumerate().all(|(i, cell)| {
        cell.iter()
            .any(|p| matches!(p, CellPattern::Any) || (i == column && names(p, language)))
    })
}
