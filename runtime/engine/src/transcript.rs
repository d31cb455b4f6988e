//! The transcript, read from a conversation's log.

use crate::Recorded;
use crate::card::Line;
use crate::effect::{Effect, OutMessage, Speaker};
use crate::event::{AgentRef, EventKind};
use jiff::Timestamp;
use smol_str::SmolStr;
use std::collections::BTreeMap;

fn line(at: Timestamp, who: &'static str, text: impl Into<String>) -> Line {
    Line {
        at,
        who: SmolStr::new_static(who),
        agent: None,
        text: text.into(),
        sentiment: None,
        confidence: None,
        file: None,
    }
}

/// Everything that was said, oldest first.
#[must_use]
pub fn transcript(history: &[Recorded]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut labels: BTreeMap<SmolStr, String> = BTreeMap::new();
    let mut agents: BTreeMap<SmolStr, AgentRef> = BTreeMap::new();
    for recorded in history {
        let at = recorded.event.at;
        said_by_event(at, &recorded.event.kind, &labels, &mut agents, &mut lines);
        for effect in &recorded.effects {
            let Effect::Send(message) = effect else {
                continue;
            };
            for button in &message.buttons {
                labels.insert(button.id.clone(), button.label.clone());
            }
            // An agent's words are taken from what was sent, not from their event.
            lines.push(sent(at, message, recorded.decision.confidence));
        }
    }
    lines
}

fn said_by_event(
    at: Timestamp,
    event: &EventKind,
    labels: &BTreeMap<SmolStr, String>,
    agents: &mut BTreeMap<SmolStr, AgentRef>,
    lines: &mut Vec<Line>,
) {
    let by = |agents: &BTreeMap<SmolStr, AgentRef>, id: &SmolStr| {
        agents.get(id).cloned().unwrap_or_else(|| AgentRef {
            id: id.clone(),
            name: id.clone(),
        })
    };
    match event {
        EventKind::Message { text, signals, .. } => lines.push(Line {
            sentiment: Some(signals.sentiment),
            ..line(at, "customer", text)
        }),
        EventKind::Pressed { button, .. } => lines.push(line(
            at,
            "customer",
            labels.get(button).map_or("(a button)", String::as_str),
        )),
        EventKind::File { file, .. } => lines.push(Line {
            file: Some(file.clone()),
            ..line(at, "customer", file.name.as_str())
        }),
        EventKind::Left => lines.push(line(at, "system", "The customer left the chat")),
        EventKind::Accepted { agent, .. } => {
            agents.insert(agent.id.clone(), agent.clone());
            lines.push(Line {
                agent: Some(agent.clone()),
                ..line(
                    at,
                    "system",
                    format!("{} took the conversation", agent.name),
                )
            });
        }
        EventKind::AgentNote { agent, text, .. } => lines.push(Line {
            agent: Some(by(agents, agent)),
            ..line(at, "note", text)
        }),
        EventKind::AgentResolved { agent, summary } => {
            let agent = by(agents, agent);
            let text = summary.as_ref().map_or_else(
                || format!("{} resolved it", agent.name),
                |s| format!("{} resolved it: {s}", agent.name),
            );
            lines.push(Line {
                agent: Some(agent),
                ..line(at, "system", text)
            });
        }
        EventKind::AgentReturned { agent, reason } => {
            let agent = by(agents, agent);
            let text = reason.as_ref().map_or_else(
                || format!("{} gave it back", agent.name),
                |r| format!("{} gave it back: {r}", agent.name),
            );
            lines.push(Line {
                agent: Some(agent),
                ..line(at, "system", text)
            });
        }
        EventKind::AgentTransferred { agent, team, .. } => {
            let agent = by(agents, agent);
            let text = format!(
                "{} passed it to {}",
                agent.name,
                crate::values::lower_words(team)
            );
            lines.push(Line {
                agent: Some(agent),
                ..line(at, "system", text)
            });
        }
        _ => {}
    }
}

fn sent(at: Timestamp, message: &OutMessage, confidence: Option<f64>) -> Line {
    match &message.from {
        Speaker::Bot => line(at, "bot", &message.text),
        Speaker::Model => Line {
            confidence,
            ..line(at, "model", &message.text)
        },
        Speaker::Agent(agent) => Line {
            agent: Some(agent.clone()),
            ..line(at, "agent", &message.text)
        },
    }
}
