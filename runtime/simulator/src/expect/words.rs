//! Assertions and values in words.

use flow_compiler::machine::{Expectation, HandoffPart, Machine, Var};
use flow_compiler::value::{FieldId, Value};

pub(super) fn part_name(machine: &Machine, part: &HandoffPart) -> String {
    match part {
        HandoffPart::Var(var) => var_name(machine, *var),
        HandoffPart::Part(name) => name.to_string(),
    }
}

pub(super) fn field_name(machine: &Machine, var: Var) -> smol_str::SmolStr {
    match var {
        Var::Slot(id) => machine.slot(id).map(|s| s.name.clone()),
        Var::Customer(id) => customer_name(machine, id),
    }
    .unwrap_or_default()
}

fn customer_name(machine: &Machine, id: FieldId) -> Option<smol_str::SmolStr> {
    machine.customer_field(id).map(|f| f.name.clone())
}

pub(super) fn var_name(machine: &Machine, var: Var) -> String {
    let name = field_name(machine, var);
    if matches!(var, Var::Customer(_)) {
        format!("customer.{name}")
    } else {
        name.to_string()
    }
}

pub(super) fn describe(machine: &Machine, expectation: &Expectation) -> String {
    use Expectation as E;
    match expectation {
        E::Escalated { by, to, priority } => {
            let mut out = "escalated".to_owned();
            if let Some(rule) = by.and_then(|id| machine.rule(id)) {
                out.push_str(&format!(" by `{}`", rule.name));
            }
            if let Some(tier) = to.and_then(|id| machine.tier(id)) {
                out.push_str(&format!(" to `{}`", tier.name));
            }
            if let Some(priority) = priority {
                out.push_str(&format!(" priority {}", priority.as_str()));
            }
            out
        }
        E::Routed { team, .. } => format!(
            "routed to `{}`",
            machine
                .team(*team)
                .map(|t| t.name.clone())
                .unwrap_or_default()
        ),
        E::Resolved => "resolved".to_owned(),
        E::Unresolved => "unresolved".to_owned(),
        E::Node(id) => format!(
            "node `{}`",
            machine
                .node(*id)
                .map(|n| n.name.clone())
                .unwrap_or_default()
        ),
        E::Tier(id) => format!(
            "tier `{}`",
            machine
                .tier(*id)
                .map(|t| t.name.clone())
                .unwrap_or_default()
        ),
        E::Said(text) => format!("\"{text}\" said"),
        E::SaidMatches(p) => format!("/{}/ said", p.source),
        E::Ticket => "a ticket".to_owned(),
        E::Callback => "a callback".to_owned(),
        E::Waiting(_) => "waiting".to_owned(),
        E::Connected(agent) => format!("agent `{agent}` connected"),
        E::Called(id) => format!(
            "`{}` called",
            machine
                .webhook(*id)
                .map(|w| w.name.clone())
                .unwrap_or_default()
        ),
        E::HandoffHas(parts) => format!(
            "a handoff with {}",
            parts
                .iter()
                .map(|p| part_name(machine, p))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        E::SlotIs { var, value, .. } => format!("`{}` is {}", var_name(machine, *var), show(value)),
        E::SlotKnown { var, .. } => format!("`{}` known", var_name(machine, *var)),
        E::Condition(c) => format!("`{}`", machine.sources.snippet(c.loc)),
        E::Not(inner) => format!("not {}", describe(machine, inner)),
    }
}

pub(super) fn or_none(text: Option<&str>) -> String {
    text.map_or_else(|| "none".to_owned(), |t| format!("`{t}`"))
}

/// A value for people.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Unknown => "unknown".to_owned(),
        Value::Text(t) => format!("\"{t}\""),
        Value::Enum(t) => format!("`{t}`"),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Percent(p) => format!("{}%", (p * 1000.0).round() / 10.0),
        Value::Money(m) => format!("{} {}", m.amount, m.currency),
        Value::Duration(ms) => format!("{} s", ms / 1000),
        Value::Date(d) => d.to_string(),
        Value::Time(t) => t.to_string(),
        Value::DateTime(t) => t.to_string(),
        Value::File(f) => f.name.to_string(),
        Value::List(items) => format!(
            "[{}]",
            items.iter().map(show).collect::<Vec<_>>().join(", ")
        ),
        Value::Record(fields) => format!(
            "{{ {} }}",
            fields
                .iter()
                .map(|(k, v)| format!("{k} {}", show(v)))
                .collect::<Vec<_>>()
                .join("; ")
        ),
    }
}
