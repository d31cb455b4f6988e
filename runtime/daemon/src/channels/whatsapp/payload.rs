//! What Meta sends to a webhook, as far as it is used. Unknown fields come and go; they are passed over.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
pub(crate) struct Notification {
    #[serde(default)]
    pub(super) object: String,
    #[serde(default)]
    pub(super) entry: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    #[serde(default)]
    pub(super) field: String,
    pub(super) value: serde_json::Value,
}

/// The value of a change of the field `messages`. Each message is read by itself: a strange one takes no other with it.
#[derive(Debug, Deserialize)]
pub(super) struct News {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) contacts: Vec<Contact>,
    #[serde(default)]
    pub(super) messages: Vec<serde_json::Value>,
    #[serde(default)]
    pub(super) statuses: Vec<Delivered>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) phone_number_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    #[serde(default)]
    pub(super) profile: Profile,
    #[serde(default)]
    pub(super) wa_id: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Profile {
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// A customer's message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    /// The number, digits only.
    pub(super) from: String,
    /// `wamid...`.
    pub(super) id: String,
    /// Seconds since 1970.
    #[serde(default)]
    pub(super) timestamp: String,
    #[serde(flatten)]
    pub(super) content: Content,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    Text {
        text: Text,
    },
    Interactive {
        interactive: Interactive,
    },
    Button {
        button: TemplateButton,
    },
    Image {
        image: Media,
    },
    Video {
        video: Media,
    },
    Audio {
        audio: Media,
    },
    Document {
        document: Media,
    },
    Sticker {
        sticker: Media,
    },
    Location {
        location: Location,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) body: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Interactive {
    ButtonReply {
        button_reply: Reply,
    },
    ListReply {
        list_reply: Reply,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reply {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
}

/// A button of a template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TemplateButton {
    #[serde(default)]
    pub(super) text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Media {
    pub(super) id: String,
    #[serde(default)]
    pub(super) mime_type: String,
    #[serde(default)]
    pub(super) filename: Option<String>,
    #[serde(default)]
    pub(super) caption: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Location {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) address: Option<String>,
}

/// What became of a message of ours.
#[derive(Debug, Deserialize)]
pub(super) struct Delivered {
    /// Of the message, as Meta called it when it took it.
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) recipient_id: String,
    #[serde(default)]
    pub(super) errors: Vec<Problem>,
}

/// An error of the Graph API.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) code: i64,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
}

impl Problem {
    /// In words; Meta's own, which name nobody.
    pub(super) fn words(&self) -> String {
        let said = self.title.as_ref().or(self.message.as_ref());
        format!(
            "{} (WhatsApp {})",
            said.map_or("an error", String::as_str),
            self.code
        )
    }
}
