//! A message of the engine as the Cloud API takes it: buttons up to three, lists up to ten, longer choices as numbers, long texts in parts.

use flow_engine::effect::{OutAttachment, OutButton, OutMessage};
use serde_json::{Value, json};

/// Characters of a text.
const TEXT: usize = 4096;
/// Characters above buttons, and of a caption.
const BODY: usize = 1024;
/// Reply buttons.
const BUTTONS: usize = 3;
/// Characters of a button.
const LABEL: usize = 20;
/// Rows of a list.
const ROWS: usize = 10;
/// Characters of a row's title.
const TITLE: usize = 24;
/// Characters of a row's description.
const DESCRIPTION: usize = 72;

/// The bodies of the requests that say it, without the receiver, in order.
pub(crate) fn compose(message: &OutMessage, base: Option<&str>) -> Vec<Value> {
    let mut out: Vec<Value> = message
        .attachments
        .iter()
        .filter_map(|a| attachment(a, base))
        .collect();
    let buttons = message.buttons.as_slice();
    match buttons.len() {
        0 => out.extend(split(&message.text, TEXT).into_iter().map(text)),
        n if n > ROWS => {
            let numbered = (1..)
                .zip(buttons)
                .map(|(i, b): (usize, _)| format!("{i}. {}", b.label))
                .collect::<Vec<_>>()
                .join("\n");
            let whole = format!("{}\n\n{numbered}", message.text);
            out.extend(split(&whole, TEXT).into_iter().map(text));
        }
        _ => {
            let mut parts = split(&message.text, BODY);
            let last = parts.pop().unwrap_or_else(|| "…".to_owned());
            out.extend(parts.into_iter().map(text));
            out.push(choice(&last, buttons, &message.language));
        }
    }
    out
}

fn text(body: String) -> Value {
    json!({"type": "text", "text": {"preview_url": false, "body": body}})
}

fn choice(body: &str, buttons: &[OutButton], language: &str) -> Value {
    let short = buttons.len() <= BUTTONS && buttons.iter().all(|b| fits(&b.label, LABEL));
    let interactive = if short {
        let replies: Vec<Value> = buttons
            .iter()
            .map(|b| json!({"type": "reply", "reply": {"id": b.id, "title": b.label}}))
            .collect();
        json!({"type": "button", "body": {"text": body}, "action": {"buttons": replies}})
    } else {
        let rows: Vec<Value> = buttons
            .iter()
            .map(|b| match fits(&b.label, TITLE) {
                true => json!({"id": b.id, "title": b.label}),
                false => json!({
                    "id": b.id,
                    "title": cut(&b.label, TITLE),
                    "description": cut(&b.label, DESCRIPTION),
                }),
            })
            .collect();
        let action = json!({"button": choose(language), "sections": [{"rows": rows}]});
        json!({"type": "list", "body": {"text": body}, "action": action})
    };
    json!({"type": "interactive", "interactive": interactive})
}

/// The word on the button that opens a list.
fn choose(language: &str) -> &'static str {
    match language {
        "de" => "Auswählen",
        "es" => "Elegir",
        "fr" => "Choisir",
        "it" => "Scegli",
        "nl" => "Kiezen",
        "pt" => "Escolher",
        _ => "Choose",
    }
}

fn attachment(attachment: &OutAttachment, base: Option<&str>) -> Option<Value> {
    Some(match attachment {
        OutAttachment::Image { url } => {
            json!({"type": "image", "image": {"link": absolute(url, base)?}})
        }
        OutAttachment::File { url } => {
            let link = absolute(url, base)?;
            let name = link.rsplit('/').next().unwrap_or_default();
            let name = name.split(['?', '#']).next().unwrap_or_default().to_owned();
            json!({"type": "document", "document": {"link": link, "filename": name}})
        }
        OutAttachment::Card {
            title,
            text: words,
            image,
            link,
        } => {
            let lines = [
                title.as_ref().map(|t| format!("*{t}*")),
                words.clone(),
                link.clone(),
            ];
            let body = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
            match image.as_ref().and_then(|i| absolute(i, base)) {
                Some(image) => {
                    json!({"type": "image", "image": {"link": image, "caption": cut(&body, BODY)}})
                }
                None if body.is_empty() => return None,
                None => text(cut(&body, TEXT)),
            }
        }
    })
}

/// An address that Meta can fetch from.
fn absolute(url: &str, base: Option<&str>) -> Option<String> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return Some(url.to_owned());
    }
    Some(format!("{}{url}", base?.trim_end_matches('/')))
}

fn fits(text: &str, most: usize) -> bool {
    text.chars().count() <= most
}

fn cut(text: &str, most: usize) -> String {
    if fits(text, most) {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A text in parts of so many characters at most, cut between paragraphs, lines, sentences or words, in this order of liking. An empty text
/// has no parts.
fn split(text: &str, most: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some((end, _)) = rest.char_indices().nth(most) else {
            out.push(rest.to_owned());
            break;
        };
        let head = rest.get(..end).unwrap_or(rest);
        // A cut in the first half would waste more than it is worth.
        let place = ["\n\n", "\n", ". ", " "]
            .iter()
            .find_map(|mark| {
                let at = head.rfind(mark)? + mark.trim_end_matches([' ', '\n']).len();
                (at >= end / 2).then_some(at)
            })
            .unwrap_or(end);
        let (part, left) = rest.split_at_checked(place).unwrap_or((rest, ""));
        out.push(part.trim_end().to_owned());
        rest = left.trim_start();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{compose, split};
    use flow_engine::effect::{MessageKind, OutAttachment, OutButton, OutMessage, Speaker};
    use serde_json::json;

    fn message(text: &str, labels: &[&str]) -> OutMessage {
        OutMessage {
            id: 1,
            from: Speaker::Bot,
            kind: MessageKind::Question,
            text: text.into(),
            language: "en".into(),
            buttons: (0..)
                .zip(labels)
                .map(|(i, label)| OutButton {
                    id: format!("p.{i}").into(),
                    label: (*label).into(),
                })
                .collect(),
            attachments: vec![],
            citations: vec![],
        }
    }

    #[test]
    fn few_short_choices_are_buttons() {
        let body = compose(&message("What?", &["Track", "Return"]), None);
        assert_eq!(
            body,
            [json!({"type": "interactive", "interactive": {
                "type": "button",
                "body": {"text": "What?"},
                "action": {"buttons": [
                    {"type": "reply", "reply": {"id": "p.0", "title": "Track"}},
                    {"type": "reply", "reply": {"id": "p.1", "title": "Return"}},
                ]},
            }})]
        );
    }

    #[test]
    fn more_or_longer_choices_are_a_list() {
        let body = compose(&message("What?", &["a", "b", "c", "d"]), None);
        let action = &body[0]["interactive"]["action"];
        assert_eq!(body[0]["interactive"]["type"], "list");
        assert_eq!(action["button"], "Choose");
        assert_eq!(action["sections"][0]["rows"].as_array().unwrap().len(), 4);
        let long = "Something that is far too long for a row";
        let body = compose(&message("What?", &[long]), None);
        let row = &body[0]["interactive"]["action"]["sections"][0]["rows"][0];
        assert_eq!(row["title"], "Something that is far t…");
        assert_eq!(row["description"], long);
    }

    #[test]
    fn too_many_choices_are_numbers() {
        let labels: Vec<String> = (1..=11).map(|i| format!("choice {i}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let body = compose(&message("What?", &labels), None);
        let text = body[0]["text"]["body"].as_str().unwrap();
        assert!(text.starts_with("What?\n\n1. choice 1\n") && text.ends_with("11. choice 11"));
    }

    #[test]
    fn long_texts_come_in_parts_and_lose_nothing() {
        let sentence = "This is a sentence of some words. ";
        let long = sentence.repeat(400);
        let parts = split(&long, 4096);
        assert!(
            parts
                .iter()
                .all(|p| p.chars().count() <= 4096 && p.ends_with('.'))
        );
        assert_eq!(parts.join(" "), long.trim());
        let endless = "ä".repeat(10_000);
        assert_eq!(split(&endless, 4096).concat(), endless);
        // Above buttons there is less room.
        let body = compose(&message(&long, &["Yes"]), None);
        let (last, before) = body.split_last().unwrap();
        assert!(
            last["interactive"]["body"]["text"]
                .as_str()
                .unwrap()
                .chars()
                .count()
                <= 1024
        );
        assert!(before.iter().all(|b| b["type"] == "text"));
    }

    #[test]
    fn attachments_come_before_the_text() {
        let mut sent = message("Here.", &[]);
        sent.attachments = vec![
            OutAttachment::Image {
                url: "/v1/files/a".into(),
            },
            OutAttachment::File {
                url: "https://x.example/a/terms.pdf?v=1".into(),
            },
            OutAttachment::Card {
                title: Some("Lamp".into()),
                text: None,
                image: None,
                link: Some("https://x.example".into()),
            },
        ];
        let body = compose(&sent, Some("https://chat.example/"));
        assert_eq!(body[0]["image"]["link"], "https://chat.example/v1/files/a");
        assert_eq!(body[1]["document"]["filename"], "terms.pdf");
        assert_eq!(body[2]["text"]["body"], "*Lamp*\nhttps://x.example");
        assert_eq!(body[3]["text"]["body"], "Here.");
        // Nobody can fetch what has no address.
        assert_eq!(compose(&sent, None).len(), 3);
    }
}
