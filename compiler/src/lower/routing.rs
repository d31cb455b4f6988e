//! Teams and routing matrices.

use super::{Lower, words};
use crate::env::Kind;
use crate::load::decl as decl_of;
use crate::machine::{Assign, Expr, Priority, Promise, Route, RouteRow, Team, TextOrWords};
use crate::value::{HoursId, TeamId};
use flow_grammar::{
    Diagnostic, Loc,
    ast::{Cell, DeclKind, Expr as AstExpr, ExprKind, RouteDecl, Row, TeamDecl, TierKind},
};
use smol_str::SmolStr;

/// What a team's overflow waits where nothing is said.
const OVERFLOW_AFTER: i64 = 180_000;

/// Results of a row, in any order, as the last columns.
const RESULTS: [&str; 5] = ["team", "priority", "skill", "agent", "within"];

impl Lower<'_> {
    pub(super) fn teams(&mut self) {
        let env = self.env;
        for item in &env.teams {
            let Some(tree) = decl_of(self.sources, item.decl) else {
                continue;
            };
            let DeclKind::Team(team) = &tree.kind else {
                continue;
            };
            self.enter(item.decl);
            let loc = self.loc(tree.span);
            let built = self.team(team, item.name.clone(), item.name_loc, loc);
            self.out.teams.push(built);
        }
    }

    fn team(&mut self, tree: &TeamDecl, name: SmolStr, name_loc: Loc, loc: Loc) -> Team {
        let title = match tree.title.as_ref().and_then(|t| self.text(t)) {
            Some(id) => TextOrWords::Text(id),
            None => TextOrWords::Words(words(&name)),
        };
        let hours = tree
            .hours
            .as_ref()
            .and_then(|h| self.named(Kind::Hours, h))
            .map_or(HoursId(0), HoursId);
        let languages = tree
            .languages
            .iter()
            .filter_map(|l| self.language(l))
            .collect();
        let mut assign = Vec::new();
        for phrase in &tree.assign {
            match phrase
                .text
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .as_str()
            {
                "least busy" => assign.push(Assign::LeastBusy),
                "longest idle" => assign.push(Assign::LongestIdle),
                "round robin" => assign.push(Assign::RoundRobin),
                "best skilled" => assign.push(Assign::BestSkilled),
                other => self.report(
                    Diagnostic::error(
                        "F0201",
                        format!("unknown way to assign `{other}`"),
                        self.loc(phrase.span),
                    )
                    .help(
                        "ways are `least busy`, `longest idle`, `round robin` and `best skilled`",
                    ),
                ),
            }
        }
        if assign.is_empty() {
            assign = vec![Assign::LeastBusy, Assign::LongestIdle];
        }
        let overflow = tree
            .overflow
            .iter()
            .filter_map(|(team, after)| {
                let id = self.named(Kind::Team, team)?;
                Some((
                    TeamId(id),
                    after.as_ref().map_or(OVERFLOW_AFTER, |a| a.node),
                ))
            })
            .collect();
        Team {
            name,
            title,
            hours,
            skills: tree.skills.iter().map(|s| s.text.clone()).collect(),
            languages,
            capacity: tree.capacity.as_ref().map_or(3, |c| c.node),
            assign,
            overflow,
            loc,
            name_loc,
        }
    }

    pub(super) fn route(&mut self, tree: &RouteDecl) {
        if !self.included(self.scope) {
            return;
        }
        let tier = tree.tier.as_ref().and_then(|t| {
            let id = self.tier_named(t)?;
            if self
                .env
                .tiers
                .get(id.index())
                .is_some_and(|i| i.kind != TierKind::People)
            {
                self.report(
                    Diagnostic::error(
                        "F0301",
                        format!("`{}` is no tier of people", t.text),
                        self.loc(t.span),
                    )
                    .help("only people are routed to by a matrix"),
                );
                return None;
            }
            Some(id)
        });
        let results = tree
            .columns
            .iter()
            .rev()
            .take_while(|c| result_column(&c.expr).is_some())
            .count();
        // A result named like a signal may be matched as well, further left; `team` must come first among the results.
        let mut split = tree.columns.len() - results;
        // Right of the last `team` everything is a result; what is none there is misspelt.
        if let Some(team) = tree
            .columns
            .iter()
            .rposition(|c| result_column(&c.expr) == Some("team"))
            && team < split
        {
            for column in tree
                .columns
                .iter()
                .skip(team)
                .filter(|c| result_column(&c.expr).is_none())
            {
                self.no_result(&column.expr);
            }
            split = team;
        }
        let split = tree.columns.get(split..).map_or(split, |tail| {
            split
                + tail
                    .iter()
                    .position(|c| result_column(&c.expr) == Some("team"))
                    .unwrap_or(0)
        });
        let (matched, results) = tree.columns.split_at(split.min(tree.columns.len()));
        let columns: Vec<Expr> = matched.iter().map(|c| self.expr(&c.expr)).collect();
        let results: Vec<&str> = results
            .iter()
            .map(|c| result_column(&c.expr).unwrap_or(""))
            .collect();
        let header_loc = match (tree.columns.first(), tree.columns.last()) {
            (Some(a), Some(b)) => self.loc(a.expr.span.to(b.expr.span)),
            _ => self.loc(tree.span),
        };
        if !results.contains(&"team") {
            if !tree.columns.is_empty() {
                self.report(
                    Diagnostic::error("F0201", "the matrix has no column `team`", header_loc)
                        .help("the last columns are results: `team`, `priority`, and optionally `skill`, `agent`, `within`"),
                );
            }
            return;
        }
        let mut rows: Vec<RouteRow> = Vec::with_capacity(tree.rows.len());
        for row in &tree.rows {
            if let Some(row) = self.row(row, &columns, &results) {
                rows.push(row);
            }
        }
        for column in 0..columns.len() {
            super::cells::share_ends(rows.iter_mut().filter_map(|r| r.cells.get_mut(column)));
        }
        let Some(tier) = tier else { return };
        let loc = self.loc(tree.tier.as_ref().map_or(tree.span, |t| t.span));
        if let Some(first) = self
            .out
            .routes
            .iter()
            .find(|r| r.tier == tier)
            .map(|r| r.loc)
        {
            self.report(
                Diagnostic::error("F0202", "this tier has a matrix already", loc)
                    .label(first, "the first one")
                    .help("put all rows into one matrix"),
            );
            return;
        }
        let prefer_last_agent = tree.prefer_last_agent.as_ref().map(|p| p.node);
        self.out.routes.push(Route {
            tier,
            prefer_last_agent,
            columns,
            rows,
            loc,
            header_loc,
        });
    }

    /// A row; `None` where something in it failed to check.
    fn row(&mut self, row: &Row, columns: &[Expr], results: &[&str]) -> Option<RouteRow> {
        let wanted = columns.len() + results.len();
        if row.cells.len() != wanted {
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("the row has {} cells, the header {wanted}", row.cells.len()),
                    self.loc(row.span),
                )
                .help("write `_` in a cell that does not matter"),
            );
            return None;
        }
        let mut fine = true;
        let mut cells = Vec::with_capacity(columns.len());
        let mut cell_locs = Vec::with_capacity(columns.len());
        for (column, alternatives) in columns.iter().zip(&row.cells) {
            let (patterns, _) = self.cells(alternatives, column);
            fine &= patterns.len() == alternatives.len() && !patterns.is_empty();
            cell_locs.push(self.cell_loc(alternatives, row));
            cells.push(patterns);
        }
        let mut out = RouteRow {
            cells,
            cell_locs,
            team: TeamId(0),
            priority: Priority::Standard,
            skill: None,
            agent: None,
            within: None,
            loc: self.loc(row.span),
            team_loc: self.loc(row.span),
        };
        for (name, alternatives) in results.iter().zip(row.cells.iter().skip(columns.len())) {
            let at = self.cell_loc(alternatives, row);
            let any = matches!(alternatives.as_slice(), [Cell::Any(_)]);
            let value = match alternatives.as_slice() {
                [Cell::Value(e)] => Some(e),
                [Cell::Error(_)] => {
                    fine = false;
                    continue;
                }
                [Cell::Within(within)] if *name == "within" => {
                    out.within = self.promise(within);
                    continue;
                }
                _ => None,
            };
            match (*name, value) {
                (
                    "team",
                    Some(AstExpr {
                        kind: ExprKind::Path(path),
                        ..
                    }),
                ) => {
                    out.team_loc = at;
                    match self.named(Kind::Team, path) {
                        Some(id) => out.team = TeamId(id),
                        None => fine = false,
                    }
                }
                (
                    "priority",
                    Some(AstExpr {
                        kind: ExprKind::Path(path),
                        ..
                    }),
                ) => {
                    if let Some(priority) = path.segments.last().and_then(|n| self.priority(n)) {
                        out.priority = priority;
                    }
                }
                (
                    "skill",
                    Some(AstExpr {
                        kind: ExprKind::Path(path),
                        ..
                    }),
                ) => out.skill = path.segments.last().map(|n| n.text.clone()),
                (
                    "agent",
                    Some(AstExpr {
                        kind: ExprKind::Path(path),
                        ..
                    }),
                ) => out.agent = path.segments.last().map(|n| n.text.clone()),
                (
                    "agent",
                    Some(AstExpr {
                        kind: ExprKind::Text(lit),
                        ..
                    }),
                ) => out.agent = lit.plain().map(SmolStr::new),
                (
                    "within",
                    Some(AstExpr {
                        kind: ExprKind::Duration(millis),
                        ..
                    }),
                ) => {
                    out.within = Some(Promise {
                        millis: *millis,
                        of: None,
                        loc: at,
                    });
                }
                (
                    _,
                    Some(AstExpr {
                        kind: ExprKind::Error,
                        ..
                    }),
                ) => fine = false,
                // Its head has been reported.
                ("", _) => {}
                ("team", _) => {
                    self.report(
                        Diagnostic::error("F0301", "a row names one team", at)
                            .help("every row says which team it leads to"),
                    );
                    fine = false;
                }
                (_, None) if any => {}
                (name, _) => {
                    let what = if name == "within" {
                        "a duration"
                    } else {
                        "one word"
                    };
                    self.report(
                        Diagnostic::error(
                            "F0301",
                            format!("in the column `{name}` stands {what}"),
                            at,
                        )
                        .help("write `_` to leave it open"),
                    );
                }
            }
        }
        fine.then_some(out)
    }

    /// A head right of `team` that names no result.
    fn no_result(&mut self, head: &AstExpr) {
        let at = self.loc(head.span);
        let written = self.sources.snippet(at).to_owned();
        let mut found =
            Diagnostic::error("F0201", format!("a matrix has no result `{written}`"), at);
        match crate::env::did_you_mean(&written, RESULTS) {
            Some(near) => {
                found = found.help(format!("did you mean `{near}`?")).fix(
                    format!("write `{near}`"),
                    false,
                    vec![flow_grammar::Edit {
                        at,
                        text: near.to_owned(),
                    }],
                );
            }
            None => found = found.help(NO_RESULT),
        }
        self.report(found);
    }

    fn cell_loc(&self, cells: &[Cell], row: &Row) -> Loc {
        match (cells.first(), cells.last()) {
            (Some(a), Some(b)) => self.loc(a.span().to(b.span())),
            _ => self.loc(row.span),
        }
    }
}

/// What a head looks like that is no result.
const NO_RESULT: &str =
    "right of `team` stand results: `priority`, and optionally `skill`, `agent`, `within`";

/// Which result a column's head names.
fn result_column(head: &AstExpr) -> Option<&'static str> {
    let ExprKind::Path(path) = &head.kind else {
        return None;
    };
    let [one] = path.segments.as_slice() else {
        return None;
    };
    RESULTS.into_iter().find(|r| *r == one.text)
}
