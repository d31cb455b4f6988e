//! What people read of a turn.

use crate::api::view::ButtonShown;
use flow_engine::Recorded;
use flow_engine::effect::{Effect, MessageKind, OutAttachment, OutButton, OutMessage, Speaker};
use flow_engine::event::{Citation, EventKind};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::HashMap;

/// A message as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// `SEQ.N`; rises in the conversation.
    pub id: SmolStr,
    /// The turn.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub from: From,
    /// What for.
    pub kind: SmolStr,
    /// Plain text.
    pub text: String,
    /// Its language.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub language: SmolStr,
    /// Buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<ButtonShown>")]
    pub buttons: Vec<OutButton>,
    /// Attachments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<CitationShown>")]
    pub citations: Vec<Citation>,
    /// The sender's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<SmolStr>,
}

/// Where an answer comes from.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Citation")]
struct CitationShown {
    /// The knowledge file.
    source: SmolStr,
    /// Its heading, or its first words.
    title: SmolStr,
    /// The words quoted.
    quote: String,
}

/// Who wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Speaker")]
pub struct From {
    /// `customer`, `bot`, `model`, `agent`.
    #[schemars(extend("enum" = ["customer", "bot", "model", "agent"]))]
    pub who: SmolStr,
    /// An agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<SmolStr>,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Attachment {
    Image {
        url: String,
    },
    File {
        url: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<SmolStr>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime: Option<SmolStr>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
    Card {
        title: Option<String>,
        text: Option<String>,
        image: Option<String>,
        link: Option<String>,
    },
}

impl Message {
    /// Whether customers may read it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.kind != "note"
    }
}

/// The place of a message in its conversation: `SEQ.N`.
#[must_use]
pub(crate) fn parse_id(id: &str) -> Option<(u64, u32)> {
    let (seq, n) = id.split_once('.').unwrap_or((id, "4294967295"));
    Some((seq.parse().ok()?, n.parse().ok()?))
}

/// Labels of buttons that were sent, so that a pressed one can be shown by its words.
pub(crate) type Labels = HashMap<SmolStr, String>;

/// The messages of a turn. `labels` learns the buttons that it sends.
pub(crate) fn of(record: &Recorded, labels: &mut Labels) -> Vec<Message> {
    let mut out = Vec::new();
    let at = record.event.at;
    let mut push = |from: From, kind: &str, text: String, client_id: Option<&SmolStr>| {
        let n = out.len() + 1;
        out.push(Message {
            id: SmolStr::new(format!("{}.{n}", record.seq)),
            seq: record.seq,
            at,
            from,
            kind: kind.into(),
            text,
            language: SmolStr::default(),
            buttons: Vec::new(),
            attachments: Vec::new(),
            citations: Vec::new(),
            client_id: client_id.cloned(),
        });
        out.len() - 1
    };
    let customer = || From {
        who: "customer".into(),
        name: None,
    };
    let mut written_by_agent = None;
    let mut file = None;
    match &record.event.kind {
        EventKind::Message { id, text, .. } => {
            push(customer(), "customer", text.clone(), Some(id));
        }
        EventKind::Pressed { id, button } => {
            let label = labels
                .get(button)
                .cloned()
                .unwrap_or_else(|| button.to_string());
            push(customer(), "customer", label, Some(id));
        }
        EventKind::File { id, file: sent } => {
            let at = push(customer(), "file", sent.name.to_string(), Some(id));
            file = Some((at, sent.clone()));
        }
        EventKind::AgentNote { agent, id, text } => {
            push(
                From {
                    who: "agent".into(),
                    name: Some(agent.clone()),
                },
                "note",
                text.clone(),
                Some(id),
            );
        }
        EventKind::AgentMessage { id, .. } => written_by_agent = Some(id.clone()),
        _ => {}
    }
    if let Some((at, sent)) = file
        && let Some(message) = out.get_mut(at)
    {
        message.attachments.push(Attachment::File {
            url: sent.url.to_string(),
            name: Some(sent.name),
            mime: Some(sent.mime),
            bytes: Some(sent.bytes),
        });
    }
    for effect in &record.effects {
        let Effect::Send(sent) = effect else { continue };
        labels.extend(sent.buttons.iter().map(|b| (b.id.clone(), b.label.clone())));
        let n = out.len() + 1;
        let client_id = written_by_agent.take_if(|_| sent.kind == MessageKind::Agent);
        out.push(sent_message(sent, record.seq, n, at, client_id));
    }
    out
}

fn sent_message(
    sent: &OutMessage,
    seq: u64,
    n: usize,
    at: Timestamp,
    client_id: Option<SmolStr>,
) -> Message {
    let from = match &sent.from {
        Speaker::Bot => From {
            who: "bot".into(),
            name: None,
        },
        Speaker::Model => From {
            who: "model".into(),
            name: None,
        },
        Speaker::Agent(agent) => From {
            who: "agent".into(),
            name: Some(agent.name.clone()),
        },
    };
    Message {
        id: SmolStr::new(format!("{seq}.{n}")),
        seq,
        at,
        from,
        kind: kind(sent.kind).into(),
        text: sent.text.clone(),
        language: sent.language.clone(),
        buttons: sent.buttons.clone(),
        attachments: sent.attachments.iter().map(attachment).collect(),
        citations: sent.citations.clone(),
        client_id,
    }
}

fn attachment(sent: &OutAttachment) -> Attachment {
    match sent.clone() {
        OutAttachment::Image { url } => Attachment::Image { url },
        OutAttachment::File { url } => Attachment::File {
            url,
            name: None,
            mime: None,
            bytes: None,
        },
        OutAttachment::Card {
            title,
            text,
            image,
            link,
        } => Attachment::Card {
            title,
            text,
            image,
            link,
        },
    }
}

const fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Say => "say",
        MessageKind::Question => "question",
        MessageKind::Answer => "answer",
        MessageKind::Invalid => "invalid",
        MessageKind::Handoff => "handoff",
        MessageKind::QueueUpdate => "queue_update",
        MessageKind::Offer => "offer",
        MessageKind::Connected => "connected",
        MessageKind::Survey => "survey",
        MessageKind::Disclosure => "disclosure",
        MessageKind::Agent => "agent",
    }
}

/// An event's word, as in its JSON.
#[must_use]
pub(crate) const fn event_word(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Opened { .. } => "opened",
        EventKind::Message { .. } => "message",
        EventKind::Pressed { .. } => "pressed",
        EventKind::File { .. } => "file",
        EventKind::Left => "left",
        EventKind::Verified { .. } => "verified",
        EventKind::WebhookDone { .. } => "webhook_done",
        EventKind::ModelAnswered { .. } => "model_answered",
        EventKind::ModelCalledTools { .. } => "model_called_tools",
        EventKind::ModelFailed { .. } => "model_failed",
        EventKind::Timer { .. } => "timer",
        EventKind::Queue(_) => "queue",
        EventKind::Reserved { .. } => "reserved",
        EventKind::Unreserved { .. } => "unreserved",
        EventKind::Accepted { .. } => "accepted",
        EventKind::Overflowed { .. } => "overflowed",
        EventKind::AgentMessage { .. } => "agent_message",
        EventKind::AgentNote { .. } => "agent_note",
        EventKind::AgentConfirmed { .. } => "agent_confirmed",
        EventKind::AgentResolved { .. } => "agent_resolved",
        EventKind::AgentReturned { .. } => "agent_returned",
        EventKind::AgentTransferred { .. } => "agent_transferred",
        EventKind::AgentLost { .. } => "agent_lost",
        EventKind::PeopleAvailable => "people_available",
        EventKind::Triggered { .. } => "triggered",
        EventKind::Moved { .. } => "moved",
    }
}
