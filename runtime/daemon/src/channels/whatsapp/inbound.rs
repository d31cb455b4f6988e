//! From WhatsApp: what a customer writes becomes a turn of the one conversation that goes on with this number, in order, once per message.

use super::fate::told;
use super::payload::{Content, Interactive, Media, Message, News, Notification};
use super::{CHANNEL, media};
use crate::api::customer::{MINUTE, clean};
use crate::api::{files, opening};
use crate::app::{App, hex, random_name, secret_hash};
use crate::channels::lanes::Lanes;
use crate::channels::pump;
use crate::metrics::count;
use crate::turns::{Command, Input, TurnError};
use flow_compiler::value::{Type, Value};
use flow_engine::Refusal;
use flow_engine::event::{EventKind, Visitor};
use flow_store::{Delivery, MessageKey, StoreError, Thread};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;
use std::time::Duration;

/// The trigger's name under which messages lie in the store until they are worked off. No trigger can have it.
pub(crate) const DELIVERY: &str = "#whatsapp";

/// Messages under way, by number.
#[derive(Debug, Default)]
pub struct Inbound(Lanes<String, Delivery>);

/// A message as it lies in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Letter {
    message: Message,
    #[serde(default)]
    name: Option<String>,
}

/// What a message says.
enum Said {
    Text(String),
    Pressed { button: String, title: String },
    File(Media),
}

/// Stores what a notification brings; the work follows. Only then may it be acknowledged.
pub(crate) async fn accept(app: &Arc<App>, news: Notification) -> Result<(), StoreError> {
    let Some(config) = &app.config.whatsapp else {
        return Ok(());
    };
    if news.object != "whatsapp_business_account" {
        return Ok(());
    }
    let changes = news.entry.into_iter().flat_map(|e| e.changes);
    for change in changes.filter(|c| c.field == "messages") {
        let Ok(news) = serde_json::from_value::<News>(change.value) else {
            tracing::warn!("a notification of WhatsApp cannot be read");
            continue;
        };
        if news.metadata.phone_number_id != config.phone_number_id {
            tracing::warn!("a notification of WhatsApp is about another number");
            continue;
        }
        for message in news.messages {
            let message = match serde_json::from_value::<Message>(message) {
                Ok(message) => message,
                Err(error) => {
                    tracing::warn!(%error, "a message of WhatsApp cannot be read");
                    continue;
                }
            };
            let contact = news.contacts.iter().find(|c| c.wa_id == message.from);
            let name = contact.and_then(|c| c.profile.name.clone());
            store(app, Letter { message, name }).await?;
        }
        for status in news.statuses {
            told(app, status).await?;
        }
    }
    Ok(())
}

async fn store(app: &Arc<App>, letter: Letter) -> Result<(), StoreError> {
    // Meta's ids hold the number; what stays behind for good must not.
    let id = hex(blake3::hash(letter.message.id.as_bytes()).as_bytes());
    let delivery = Delivery {
        also: None,
        id: format!("{DELIVERY}:{id}"),
        trigger: DELIVERY.into(),
        hash: id.into_bytes(),
        body: serde_json::to_vec(&letter)?,
        at: app.clock.now(),
    };
    if app.store.put_delivery(delivery.clone()).await?.is_none() {
        count(&app.metrics.channel_received);
        again(app, delivery);
    }
    Ok(())
}

/// Works a stored message off, after those of the same number.
pub(crate) fn again(app: &Arc<App>, delivery: Delivery) {
    let number = serde_json::from_slice::<Letter>(&delivery.body)
        .map(|letter| letter.message.from)
        .unwrap_or_default();
    if app.inbound.0.push(&number, delivery) {
        let app = Arc::clone(app);
        tokio::spawn(async move { work_off(&app, &number).await });
    }
}

async fn work_off(app: &Arc<App>, number: &String) {
    let mut wait = Duration::from_millis(200);
    while let Some((delivery, _)) = app.inbound.0.front(number) {
        let outcome = match serde_json::from_slice::<Letter>(&delivery.body) {
            Ok(letter) => take(app, &letter).await,
            // Stored by a version that wrote it otherwise.
            Err(error) => {
                tracing::error!(%error, "a message of WhatsApp cannot be read");
                Ok(())
            }
        };
        let outcome = match outcome {
            Ok(()) => app
                .store
                .delivery_done(&delivery.id)
                .await
                .map_err(TurnError::from),
            error => error,
        };
        match outcome {
            Ok(()) => {
                wait = Duration::from_millis(200);
                app.inbound.0.done(number);
            }
            Err(error) => {
                tracing::warn!(%error, "a message of WhatsApp waits");
                if app.is_stopping() {
                    return;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(30));
            }
        }
    }
}

/// Takes a message; an error means that it has to be tried again.
async fn take(app: &Arc<App>, letter: &Letter) -> Result<(), TurnError> {
    let message = &letter.message;
    let said = said(&message.content);
    if said.is_empty() {
        tracing::debug!("a message of WhatsApp of a kind that bots do not read");
        return Ok(());
    }
    let mut conversation = conversation(app, letter).await?;
    while let Err(wait) =
        app.limits
            .messages
            .take(conversation.clone(), app.config.limits.messages, MINUTE)
    {
        count(&app.metrics.limited);
        tokio::time::sleep(wait).await;
    }
    for (place, said) in said.into_iter().enumerate() {
        let id = match place {
            0 => SmolStr::new(&message.id),
            _ => SmolStr::new(format!("{}:{place}", message.id)),
        };
        let outcome = turn(app, &conversation, &id, &said).await;
        let outcome = match outcome {
            Err(TurnError::Refused(Refusal::Closed)) => {
                // What the old one had to say is on its way before the number goes on with another.
                pump::hand_over(app, &conversation).await?;
                conversation = open(app, letter, fresh_id()).await?;
                turn(app, &conversation, &id, &said).await
            }
            // An old button says what stands on it.
            Err(TurnError::Refused(Refusal::Stale { .. })) => match said {
                Said::Pressed { title, .. } => {
                    turn(app, &conversation, &id, &Said::Text(title)).await
                }
                _ => Ok(()),
            },
            other => other,
        };
        match outcome {
            Ok(()) => {}
            Err(TurnError::Refused(refusal)) => {
                tracing::info!(%refusal, conversation, "a message of WhatsApp was refused");
            }
            Err(TurnError::IdReused) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn said(content: &Content) -> Vec<Said> {
    let file = |media: &Media| {
        let caption = media.caption.clone().map(Said::Text);
        [Said::File(media.clone())]
            .into_iter()
            .chain(caption)
            .collect()
    };
    match content {
        Content::Text { text } => vec![Said::Text(text.body.clone())],
        Content::Interactive { interactive } => match interactive {
            Interactive::ButtonReply {
                button_reply: reply,
            }
            | Interactive::ListReply { list_reply: reply } => vec![Said::Pressed {
                button: reply.id.clone(),
                title: reply.title.clone(),
            }],
            Interactive::Other => Vec::new(),
        },
        Content::Button { button } => vec![Said::Text(button.text.clone())],
        Content::Image { image: media }
        | Content::Video { video: media }
        | Content::Audio { audio: media }
        | Content::Document { document: media }
        | Content::Sticker { sticker: media } => file(media),
        Content::Location { location } => {
            let place = format!("{}, {}", location.latitude, location.longitude);
            let words = [location.name.clone(), location.address.clone(), Some(place)];
            vec![Said::Text(
                words.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            )]
        }
        Content::Other => Vec::new(),
    }
}

async fn turn(
    app: &Arc<App>,
    conversation: &str,
    id: &SmolStr,
    said: &Said,
) -> Result<(), TurnError> {
    let (content, input) = match said {
        Said::Text(text) => {
            // What nobody could read is no message.
            let Ok(text) = clean(text) else {
                return Ok(());
            };
            let id = id.clone();
            (text.clone(), Input::Text { id, text })
        }
        Said::Pressed { button, .. } => {
            let kind = EventKind::Pressed {
                id: id.clone(),
                button: button.as_str().into(),
            };
            (button.clone(), kind.into())
        }
        Said::File(file) => {
            let (mime, bytes) = match media::fetch(app, file).await {
                Ok(found) => found,
                Err(why) => {
                    count(&app.metrics.channel_failures);
                    tracing::warn!(why, conversation, "a file of WhatsApp could not be fetched");
                    let text = format!("A file of the customer could not be fetched: {why}");
                    app.warn_agents(conversation, text).await;
                    return Ok(());
                }
            };
            let name = file.filename.clone().unwrap_or_else(|| media::named(&mime));
            let upload = files::Received {
                id,
                name: &name,
                mime: &mime,
                bytes,
            };
            let (file, hash) = files::keep(app, conversation, upload).await?;
            let id = id.clone();
            (hash.to_hex().to_string(), Input::File { id, file })
        }
    };
    let key = MessageKey {
        id: format!("w:{id}"),
        hash: blake3::hash(content.as_bytes()).as_bytes().to_vec(),
    };
    let span = app.telemetry.turn(conversation, "whatsapp");
    let command = Command {
        input,
        key: Some(key),
        consumed: None,
    };
    let outcome = app.turn(conversation, command).await;
    drop(span);
    outcome.map(drop)
}

fn fresh_id() -> String {
    format!("c_{}", uuid::Uuid::now_v7().simple())
}

/// The conversation that goes on with a number; opened if there is none.
async fn conversation(app: &Arc<App>, letter: &Letter) -> Result<String, TurnError> {
    let number = &letter.message.from;
    let Some(thread) = app.store.thread(CHANNEL, number).await? else {
        return open(app, letter, fresh_id()).await;
    };
    match app.door(&thread.conversation).await {
        Ok(_) => {
            note(app, letter, &thread.conversation).await?;
            app.outbound.wake(number, app.clock.now());
            Ok(thread.conversation)
        }
        // The daemon ended between the two.
        Err(TurnError::Unknown(_)) => open(app, letter, thread.conversation).await,
        Err(error) => Err(error),
    }
}

/// Notes that the customer wrote.
async fn note(app: &App, letter: &Letter, conversation: &str) -> Result<(), StoreError> {
    let now = app.clock.now();
    let wrote = letter.message.timestamp.parse::<i64>().ok();
    let wrote = wrote.and_then(|s| Timestamp::from_second(s).ok());
    let thread = Thread {
        channel: CHANNEL.into(),
        address: letter.message.from.clone(),
        conversation: conversation.to_owned(),
        sent: 0,
        heard_at: wrote.map_or(now, |at| at.min(now)),
        reopened_at: None,
    };
    app.store.heard(thread).await
}

async fn open(app: &Arc<App>, letter: &Letter, id: String) -> Result<String, TurnError> {
    let program = app
        .programs
        .current()
        .ok_or_else(|| TurnError::NoProgram("none".into()))?;
    let mut visitor = Visitor::default();
    let phone = format!("+{}", letter.message.from.trim_start_matches('+'));
    for field in &program.engine.machine().customer {
        // WhatsApp vouches for the number; the name is what somebody calls themselves.
        if field.ty == Type::Phone && field.identifies {
            let value = Value::text(phone.as_str());
            visitor.proven.insert(field.name.clone(), value);
        } else if field.name == "name" && field.ty == Type::Text {
            let name = letter.name.as_deref().and_then(|n| clean(n).ok());
            if let Some(name) = name.filter(|n| n.chars().count() <= 200) {
                let value = Value::text(name.trim());
                visitor.claimed.insert(field.name.clone(), value);
            }
        }
    }
    visitor.last_agent = opening::last_agent(app, &visitor).await?;
    // First the thread: were it the other way round, a crash in between would open a second conversation.
    note(app, letter, &id).await?;
    let kind = EventKind::Opened {
        channel: CHANNEL.into(),
        language: None,
        page: None,
        visitor,
    };
    // Nobody gets this token: the conversation is only reached through WhatsApp.
    let token = secret_hash(&random_name("v_"));
    match app.open(id.clone(), token, kind).await {
        Ok(_) => Ok(id),
        Err(TurnError::Refused(refusal)) => {
            tracing::error!(%refusal, "a conversation of WhatsApp cannot be opened; does the bot name the channel?");
            Err(TurnError::Refused(refusal))
        }
        Err(error) => Err(error),
    }
}
