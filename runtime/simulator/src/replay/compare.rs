//! What differs between two decisions, as far as anybody can notice it.

use flow_compiler::sources::Position;
use flow_engine::decision::{Decision, EscalationTrace, RowTrace, RuleTrace, StepTrace};
use flow_engine::effect::{Effect, Speaker};
use serde::Serialize;
use serde_json::{Value, json};

/// One thing that was decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `effect`, `timer`, `escalation`, `row`, `rule`, `taken by`, `confidence`, `band`, `way`, `not taken`.
    pub what: String,
    /// As recorded; absent: nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// Now; absent: nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Where the recorded version says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Position>,
    /// Where this version says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now_at: Option<Position>,
}

/// A side of the comparison.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) effects: &'a [Effect],
    pub(super) decision: &'a Decision,
}

/// Everything that differs; empty: nobody can tell the two apart.
pub(super) fn compare(recorded: Side<'_>, now: Side<'_>) -> Vec<Difference> {
    let (old, new) = (recorded.decision, now.decision);
    let mut out = Vec::new();
    let (old_at, new_at) = diverging(&old.steps, &new.steps);
    let plain = |what: &str, recorded: Option<String>, now: Option<String>| Difference {
        what: what.to_owned(),
        recorded,
        now,
        recorded_at: old_at.clone(),
        now_at: new_at.clone(),
    };
    if old.taken_by != new.taken_by {
        out.push(plain(
            "taken by",
            old.taken_by.as_ref().map(ToString::to_string),
            new.taken_by.as_ref().map(ToString::to_string),
        ));
    }
    let percent = |c: Option<f64>| c.map(|c| format!("{:.1}%", c * 100.0));
    if percent(old.confidence) != percent(new.confidence) {
        out.push(plain(
            "confidence",
            percent(old.confidence),
            percent(new.confidence),
        ));
    }
    if old.band.is_some() != new.band.is_some() {
        let word =
            |band: &Option<Position>| band.as_ref().map(|_| "a band of the model".to_owned());
        out.push(Difference {
            recorded_at: old.band.clone(),
            now_at: new.band.clone(),
            ..plain("band", word(&old.band), word(&new.band))
        });
    }
    out.extend(rules(&old.rules, &new.rules));
    if old.escalation.as_ref().map(escalation) != new.escalation.as_ref().map(escalation) {
        let place = |e: &Option<EscalationTrace>| e.as_ref().map(|e| e.at.clone());
        let words = |e: &Option<EscalationTrace>| e.as_ref().map(escalation);
        out.push(Difference {
            recorded_at: place(&old.escalation).or_else(|| old_at.clone()),
            now_at: place(&new.escalation).or_else(|| new_at.clone()),
            ..plain("escalation", words(&old.escalation), words(&new.escalation))
        });
    }
    if old.row.as_ref().map(row) != new.row.as_ref().map(row) {
        let place = |r: &Option<RowTrace>| r.as_ref().map(|r| r.at.clone());
        let words = |r: &Option<RowTrace>| r.as_ref().map(row);
        out.push(Difference {
            recorded_at: place(&old.row),
            now_at: place(&new.row),
            ..plain("row", words(&old.row), words(&new.row))
        });
    }
    for (what, old, new) in pairs(recorded.effects, now.effects) {
        out.push(plain(what, old, new));
    }
    if out.is_empty() && ways(&old.steps) != ways(&new.steps) {
        // The same steps in nodes of other names: then the names are the difference.
        let nodes = old
            .steps
            .iter()
            .map(|s| &s.what)
            .eq(new.steps.iter().map(|s| &s.what));
        let word = |steps: &[StepTrace]| {
            let words = steps.iter().map(|s| match &s.node {
                Some(node) if nodes => format!("{} in {node}", s.what),
                _ => s.what.to_string(),
            });
            Some(words.collect::<Vec<_>>().join(", "))
        };
        out.push(plain("way", word(&old.steps), word(&new.steps)));
    }
    out
}

fn ways(steps: &[StepTrace]) -> Vec<(&str, Option<&str>)> {
    steps
        .iter()
        .map(|s| (s.what.as_str(), s.node.as_deref()))
        .collect()
}

/// Where two runs part: the first step that differs on each side, else the last one. Lines do not count, since edits move them.
fn diverging(old: &[StepTrace], new: &[StepTrace]) -> (Option<Position>, Option<Position>) {
    let same = ways(old)
        .iter()
        .zip(ways(new))
        .take_while(|(a, b)| **a == *b)
        .count();
    let at = |steps: &[StepTrace]| steps.get(same).or(steps.last()).map(|s| s.at.clone());
    (at(old), at(new))
}

fn escalation(e: &EscalationTrace) -> String {
    let by = e
        .rule
        .as_ref()
        .map_or_else(String::new, |r| format!(" by {r}"));
    format!(
        "from {} to {}{by}, priority {}: {}",
        e.from,
        e.to,
        e.priority,
        e.reasons.join("; ")
    )
}

/// What a row decided; its number is not part of it, since rows above it come and go.
fn row(r: &RowTrace) -> String {
    format!("team {}, priority {}", r.team, r.priority)
}

/// Rules that fired on one side alone, or did not act for another reason. A rule that was looked at and did not fire decided nothing.
fn rules(old: &[RuleTrace], new: &[RuleTrace]) -> Vec<Difference> {
    let words = |r: &RuleTrace| match (&r.held_back, r.fired) {
        (_, false) => None,
        (Some(held), true) => Some(format!("{} fired, but {held}", r.rule)),
        (None, true) => Some(format!("{} fired", r.rule)),
    };
    let mut names: Vec<&str> = old.iter().chain(new).map(|r| r.rule.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let of = |rules: &[RuleTrace], name: &str| {
        // A rule is looked at again when the confidence is known: what fired counts.
        let all = || rules.iter().filter(|r| r.rule == name);
        all()
            .find(|r| r.fired)
            .or_else(|| all().next())
            .map(|r| (words(r), r.at.clone()))
    };
    let mut out = Vec::new();
    for name in names {
        let (a, b) = (of(old, name), of(new, name));
        let (said_a, said_b) = (
            a.as_ref().and_then(|x| x.0.clone()),
            b.as_ref().and_then(|x| x.0.clone()),
        );
        if said_a != said_b {
            out.push(Difference {
                what: "rule".to_owned(),
                recorded: said_a,
                now: said_b,
                recorded_at: a.map(|x| x.1),
                now_at: b.map(|x| x.1),
            });
        }
    }
    out
}

type Pair = (&'static str, Option<String>, Option<String>);

/// Effects that are not on the other side, in order.
fn pairs(old: &[Effect], new: &[Effect]) -> Vec<Pair> {
    let is_timer = |e: &&Effect| matches!(e, Effect::SetTimer { .. });
    let is_other = |e: &&Effect| !matches!(e, Effect::SetTimer { .. } | Effect::CancelTimer { .. });
    let mut out = differing(
        "effect",
        old.iter().filter(is_other).collect(),
        new.iter().filter(is_other).collect(),
    );
    out.extend(differing(
        "timer",
        old.iter().filter(is_timer).collect(),
        new.iter().filter(is_timer).collect(),
    ));
    out
}

fn differing(what: &'static str, old: Vec<&Effect>, new: Vec<&Effect>) -> Vec<Pair> {
    let (a, b): (Vec<Value>, Vec<Value>) = (
        old.iter().map(|e| essence(e)).collect(),
        new.iter().map(|e| essence(e)).collect(),
    );
    let before = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let left = a.len().min(b.len()) - before;
    let after = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(left)
        .take_while(|(x, y)| x == y)
        .count();
    let (end_a, end_b) = (a.len() - after, b.len() - after);
    let mut out = Vec::new();
    for i in before..end_a.max(end_b) {
        let (x, y) = (
            old.get(i).filter(|_| i < end_a),
            new.get(i).filter(|_| i < end_b),
        );
        let (mut said, mut says) = (x.map(|e| words_of(e)), y.map(|e| words_of(e)));
        if said == says {
            // They differ in what words leave out.
            (said, says) = (
                a.get(i).map(ToString::to_string),
                b.get(i).map(ToString::to_string),
            );
        }
        if x.map(|e| essence(e)) != y.map(|e| essence(e)) {
            out.push((what, said, says));
        }
    }
    out
}

/// An effect without the numbers that a version gives to things.
fn essence(effect: &Effect) -> Value {
    match effect {
        Effect::Send(m) => json!({
            "from": m.from, "kind": m.kind, "text": m.text, "language": m.language,
            "buttons": m.buttons.iter().map(|b| &b.label).collect::<Vec<_>>(), "attachments": m.attachments, "citations": m.citations,
        }),
        Effect::CallWebhook {
            webhook,
            args,
            request,
            ..
        } => {
            let mut request = request.clone();
            request.idempotency_key = None;
            json!({ "webhook": webhook, "args": args, "request": request })
        }
        Effect::AskModel(request) => {
            let mut request = request.as_ref().clone();
            request.request = 0;
            json!(request)
        }
        Effect::SetTimer { at, .. } => json!({ "at": at }),
        other => json!(other),
    }
}

/// An effect in words.
#[must_use]
pub fn words_of(effect: &Effect) -> String {
    match effect {
        Effect::Send(m) => {
            let who = match &m.from {
                Speaker::Bot => "bot",
                Speaker::Model => "model",
                Speaker::Agent(agent) => agent.name.as_str(),
            };
            let buttons: Vec<&str> = m.buttons.iter().map(|b| b.label.as_str()).collect();
            let buttons = if buttons.is_empty() {
                String::new()
            } else {
                format!(" [{}]", buttons.join(" | "))
            };
            format!("{who}: {}{buttons}", m.text)
        }
        Effect::CallWebhook { webhook, .. } => format!("calls {webhook}"),
        Effect::AskModel(request) => {
            format!("asks the model of {}: {}", request.tier, request.question)
        }
        Effect::SetTimer { at, .. } => format!("timer at {at}"),
        Effect::CancelTimer { .. } => "forgets a timer".to_owned(),
        Effect::Enqueue(item) => {
            format!("queue of {}, priority {:?}", item.team, item.priority).to_lowercase()
        }
        Effect::Dequeue { reason } => format!("leaves the queue: {reason}"),
        Effect::FollowUp(f) => format!("{}: {}", f.kind, f.summary),
        Effect::Verify { field, .. } => format!("sends a code for {field}"),
        Effect::CheckCode { .. } => "checks a code".to_owned(),
        Effect::Alert { text } => format!("alert: {text}"),
        Effect::Scored { survey, score } => format!("survey {survey}: {score}"),
        Effect::Closed { resolved, reason } => format!(
            "closes {} ({reason})",
            if *resolved { "resolved" } else { "unresolved" }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_another_name_is_named() {
        let steps = |node: &str| Decision {
            steps: vec![StepTrace {
                what: "say".into(),
                node: Some(node.into()),
                at: Position {
                    file: "bot.flow".into(),
                    line: 1,
                    column: 1,
                },
            }],
            ..Decision::default()
        };
        let (old, new) = (steps("return_item"), steps("returns"));
        let side = |decision| Side {
            effects: &[],
            decision,
        };
        let found = compare(side(&old), side(&new));
        assert_eq!(found.len(), 1);
        let found = found
            .first()
            .map(|d| (d.recorded.as_deref(), d.now.as_deref()));
        assert_eq!(
            found,
            Some((Some("say in return_item"), Some("say in returns")))
        );
    }
}
