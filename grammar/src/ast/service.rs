//! The way to people: rules, hours, teams, matrices, handoffs, and what is measured.

use super::expr::{Expr, Path, TextLit, TextRef};
use super::step::{Arm, Body, Cell, Offer};
use crate::span::{Name, Span, Spanned};
use smol_str::SmolStr;

/// `escalate NAME [from TIER, TIER] to TIER { .. }` at the top level.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `from TIER`; empty: every tier below `to`.
    pub from: Vec<Name>,
    /// `to TIER`.
    pub to: Option<Name>,
    /// `when COND`.
    pub when: Option<Expr>,
    /// `unless COND`.
    pub unless: Option<Expr>,
    /// `priority P`.
    pub priority: Option<Name>,
    /// `say TEXT`.
    pub say: Option<TextRef>,
    /// `because TEXT`.
    pub because: Option<TextRef>,
}

/// `hours NAME { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct HoursDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `timezone "Europe/London"`.
    pub timezone: Option<TextLit>,
    /// `mon..fri 09:00-17:30`, in order.
    pub lines: Vec<HoursLine>,
    /// `closed 2026-12-25, ..`: single dates, or ranges of dates.
    pub closed: Vec<ClosedDates>,
}

/// `mon..fri 09:00-12:00, 13:00-17:30`.
#[derive(Debug, Clone, PartialEq)]
pub struct HoursLine {
    /// Ranges of days, `mon` being `(mon, mon)`.
    pub days: Vec<(Name, Name)>,
    /// Ranges of times as written (`HH:MM`); an end before its start runs overnight; `24:00` may end a day.
    pub times: Vec<(Spanned<SmolStr>, Spanned<SmolStr>)>,
    /// The whole line.
    pub span: Span,
}

/// A date or a range of dates.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedDates {
    /// `YYYY-MM-DD`.
    pub from: Spanned<SmolStr>,
    /// The last day, included; absent for a single day.
    pub to: Option<Spanned<SmolStr>>,
}

/// `team NAME { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `title TEXT`.
    pub title: Option<TextRef>,
    /// `hours NAME`.
    pub hours: Option<Path>,
    /// `skills a, b`.
    pub skills: Vec<Name>,
    /// `languages en, es`.
    pub languages: Vec<Name>,
    /// `capacity 4 per agent`.
    pub capacity: Option<Spanned<u32>>,
    /// `assign least busy, longest idle`: the phrases in order ("least busy", "longest idle").
    pub assign: Vec<Name>,
    /// `overflow TEAM after 3m` (several are tried in order), milliseconds.
    pub overflow: Vec<(Path, Option<Spanned<i64>>)>,
}

/// `route TIER { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteDecl {
    /// The tier.
    pub tier: Option<Name>,
    /// `prefer last agent within 7d`, milliseconds.
    pub prefer_last_agent: Option<Spanned<i64>>,
    /// The header's cells in order.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// The block with its braces.
    pub span: Span,
}

/// A column's head.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// An expression to match, or a path of one segment for a result column (`team priority skill agent within`).
    pub expr: Expr,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One list of alternatives per column (`billing, refund` is two).
    pub cells: Vec<Vec<Cell>>,
    /// The row from its first to its last bar.
    pub span: Span,
}

/// `handoff TIER [when COND] { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct HandoffDecl {
    /// The tier.
    pub tier: Option<Name>,
    /// `when COND`.
    pub when: Option<Expr>,
    /// `require customer.name, issue_category`.
    pub require: Vec<Path>,
    /// `say TEXT`.
    pub say: Option<TextRef>,
    /// `update every 60s TEXT`, milliseconds.
    pub update: Option<(Spanned<i64>, Option<TextRef>)>,
    /// `offer when COND { .. }`.
    pub offers: Vec<Offer>,
    /// `accept within 30s`, milliseconds.
    pub accept_within: Option<Spanned<i64>>,
    /// `review 15s`, milliseconds.
    pub review: Option<Spanned<i64>>,
    /// `connected TEXT`.
    pub connected: Option<TextRef>,
    /// `full when COND { .. }`.
    pub full: Option<(Expr, Body)>,
    /// `closed { .. }`.
    pub closed: Option<Body>,
    /// `unstaffed { .. }`.
    pub unstaffed: Option<Body>,
    /// `resolved -> ..`.
    pub resolved: Option<Arm>,
    /// `returned -> ..`.
    pub returned: Option<Arm>,
    /// The whole declaration's block.
    pub span: Span,
}

/// `assist { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct AssistDecl {
    /// The items.
    pub items: Vec<AssistItem>,
}

/// One item of `assist`.
#[derive(Debug, Clone, PartialEq)]
pub enum AssistItem {
    /// `open TEXT`.
    Open(TextRef),
    /// `remind TEXT [when COND] [before resolve]`.
    Remind {
        /// What.
        text: TextRef,
        /// When.
        when: Option<Expr>,
        /// `before resolve`: the agent confirms it before resolving.
        before_resolve: bool,
    },
    /// `alert TEXT when COND`.
    Alert {
        /// What.
        text: TextRef,
        /// When.
        when: Option<Expr>,
    },
    /// `template NAME TEXT`.
    Template(Name, TextRef),
    /// `surface 3`, `similar 3`, `suggest 3`.
    Count(Name, Spanned<u32>),
}

/// `learn { from human; review support_leads; tune sure_enough by 5% }`.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnDecl {
    /// `from TIER`.
    pub from: Vec<Name>,
    /// `review TEAM`.
    pub review: Option<Path>,
    /// `tune THRESHOLD by 5%` (a fraction).
    pub tune: Vec<(Path, Spanned<f64>)>,
}

/// `targets { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetsDecl {
    /// The lines.
    pub items: Vec<TargetItem>,
}

/// `containment of bot >= 60%`, `alert WEBHOOK when METRIC CMP VALUE over 1h`.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetItem {
    /// `alert WEBHOOK when`.
    pub alert: Option<Path>,
    /// The metric.
    pub metric: Name,
    /// `of TIER`.
    pub of: Option<Name>,
    /// The comparison.
    pub op: super::expr::BinaryOp,
    /// The bound.
    pub value: Expr,
    /// `over 1h`, milliseconds.
    pub over: Option<Spanned<i64>>,
    /// The whole line.
    pub span: Span,
}
