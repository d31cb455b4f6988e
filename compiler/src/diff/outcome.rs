//! What a version decides in a case.

use super::eval::Scope;
use crate::checks::support::set::show_duration;
use crate::machine::{BandAction, Machine, OpKind, Priority, Route, Rule};
use crate::value::{ThresholdId, TierId, Value};
use flow_grammar::ast::TierKind;

/// Whether a rule fires, and what it then does.
pub(super) fn rule(scope: &Scope<'_>, name: &str, tier: &str) -> String {
    let m = scope.canon.machine;
    match m.rules.iter().find(|r| r.name == name) {
        Some(r) if fires(scope, r, tier) => {
            format!("{} {}", tier_name(m, r.to), r.priority.as_str())
        }
        _ => "does not fire".to_owned(),
    }
}

fn fires(scope: &Scope<'_>, rule: &Rule, tier: &str) -> bool {
    rule.from
        .iter()
        .any(|t| tier_name(scope.canon.machine, *t) == tier)
        && scope.holds(&rule.when)
        && !rule.unless.as_ref().is_some_and(|u| scope.holds(u))
}

/// The row that takes a case: "key_accounts immediate".
pub(super) fn route(scope: &Scope<'_>, tier: &str, least: Option<Priority>) -> String {
    let m = scope.canon.machine;
    let Some(route) = m.routes.iter().find(|r| tier_name(m, r.tier) == tier) else {
        return "no matrix".to_owned();
    };
    let Some(row) = first_row(scope, route) else {
        return "no row".to_owned();
    };
    let team = m.team(row.team).map_or("", |t| t.name.as_str());
    let priority = least.map_or(row.priority, |l| l.max(row.priority));
    let mut out = format!("{team} {}", priority.as_str());
    if let Some(skill) = &row.skill {
        out.push_str(&format!(", skill {skill}"));
    }
    if let Some(agent) = &row.agent {
        out.push_str(&format!(", agent {agent}"));
    }
    if let Some(within) = &row.within {
        out.push_str(&format!(", within {}", show_duration(within.millis)));
        if let Some(hours) = within.of.and_then(|h| m.hours_of(h)) {
            out.push_str(&format!(" of {}", hours.name));
        }
    }
    out
}

fn first_row<'m>(scope: &Scope<'m>, route: &'m Route) -> Option<&'m crate::machine::RouteRow> {
    route.rows.iter().find(|row| {
        route
            .columns
            .iter()
            .zip(&row.cells)
            .all(|(column, cells)| cells.iter().any(|c| scope.fits(column, c)))
    })
}

/// A threshold's value.
pub(super) fn threshold(scope: &Scope<'_>, name: &str) -> String {
    let m = scope.canon.machine;
    let id = (0u32..).zip(&m.thresholds).find(|(_, t)| t.name == name);
    id.and_then(|(i, _)| scope.threshold(ThresholdId(i), 0))
        .map_or_else(|| "not there".to_owned(), |v| value(&v))
}

fn value(v: &Value) -> String {
    match v {
        Value::Percent(p) => format!("{}%", (p * 100_000.0).round() / 1000.0),
        Value::Number(n) => n.to_string(),
        Value::Duration(ms) => show_duration(*ms),
        Value::Money(m) => format!("{} {}", m.amount.normalize(), m.currency),
        Value::Date(d) => d.to_string(),
        Value::Time(t) => t.to_string(),
        Value::DateTime(t) => t.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Enum(n) | Value::Text(n) => n.to_string(),
        _ => "something".to_owned(),
    }
}

/// Where a conversation opens.
pub(super) fn opening(scope: &Scope<'_>) -> String {
    let m = scope.canon.machine;
    match m.bot.start_lines.iter().find(|(_, cond)| scope.holds(cond)) {
        Some((tier, _)) => format!("tier {}", tier_name(m, *tier)),
        None => format!(
            "node {}",
            m.node(m.bot.start)
                .map_or(String::new(), |n| scope.canon.node(&n.name))
        ),
    }
}

/// What a model's tier does with an answer of a confidence; the confidence is a dimension like another.
pub(super) fn band(scope: &Scope<'_>, tier: &str, confidence: &crate::machine::Expr) -> String {
    let m = scope.canon.machine;
    let Some(def) = m.tiers.iter().find(|t| t.name == tier) else {
        return "no tier".to_owned();
    };
    if def.bands.is_empty() {
        return "sent".to_owned();
    }
    match def
        .bands
        .iter()
        .find(|b| scope.fits(confidence, &b.range))
        .map(|b| &b.action)
    {
        Some(BandAction::Send) => "sent".to_owned(),
        Some(BandAction::Confirm(_)) => "sent with a question whether it helped".to_owned(),
        Some(BandAction::Offer(to)) => format!("sent with an offer of {}", tier_name(m, *to)),
        Some(BandAction::Instead(op)) => match m.op(*op).map(|o| &o.kind) {
            Some(OpKind::Escalate(spec)) => {
                let above = m.names.tiers.get(tier).map(|t| TierId(t.0 + 1));
                let to = spec
                    .to
                    .or_else(|| spec.rule.and_then(|r| m.rule(r)).map(|r| r.to))
                    .or(above);
                format!(
                    "not sent, escalated to {}",
                    to.map_or(String::new(), |t| tier_name(m, t).to_owned())
                )
            }
            Some(OpKind::Goto { node }) => format!(
                "not sent, on to node {}",
                m.node(*node)
                    .map_or(String::new(), |n| scope.canon.node(&n.name))
            ),
            Some(OpKind::End { .. }) => "not sent, ended".to_owned(),
            _ => "not sent".to_owned(),
        },
        None => "no band".to_owned(),
    }
}

/// What all rules together do: the highest tier wins, then the highest priority; those that read the confidence come later.
pub(super) fn together(scope: &Scope<'_>, tier: &str) -> String {
    let m = scope.canon.machine;
    for late in [false, true] {
        let best = m
            .rules
            .iter()
            .filter(|r| r.reads_confidence == late && fires(scope, r, tier))
            .reduce(|best, next| {
                if (next.to, next.priority) > (best.to, best.priority) {
                    next
                } else {
                    best
                }
            });
        if let Some(rule) = best {
            let to = tier_name(m, rule.to);
            return if m.tier(rule.to).is_some_and(|t| t.kind == TierKind::People) {
                format!("{to}: {}", route(scope, to, Some(rule.priority)))
            } else {
                to.to_owned()
            };
        }
    }
    "goes on".to_owned()
}

fn tier_name(m: &Machine, id: TierId) -> &str {
    m.tier(id).map_or("", |t| t.name.as_str())
}
