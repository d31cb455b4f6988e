//! To WhatsApp. The Cloud API knows no idempotency key: a message whose answer was lost is sent again, so a customer may in rare cases see
//! it twice, but never not at all.

use super::CHANNEL;
use super::payload::Problem;
use crate::app::App;
use crate::channels::outbound::Attempt;
use crate::config::WhatsApp;
use crate::delivery::{LARGEST, Outgoing, SendError, later, millis, retry_after};
use flow_store::{OutboxRow, Thread};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long Meta may take for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a held message looks whether it may go; a word of the customer wakes it before.
const LOOK: Duration = Duration::from_secs(3600);
/// How long a customer may take to answer a template.
const UNANSWERED: Duration = Duration::from_secs(7 * 24 * 3600);
/// Errors that pass by themselves: limits, outages.
pub(super) const PASSING: [i64; 8] = [1, 2, 4, 80_007, 130_429, 131_000, 131_016, 131_056];
/// More than 24 hours since the customer's last word.
pub(super) const WINDOW: i64 = 131_047;

#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<Problem>,
    #[serde(default)]
    messages: Vec<Named>,
}

/// A message as Meta calls it.
#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

/// The name under which the store knows a message that Meta has. Meta's own holds the customer's number.
pub(super) fn name(id: &str) -> Vec<u8> {
    blake3::hash(id.as_bytes()).as_bytes().to_vec()
}

enum Refused {
    Again(String, Option<Duration>),
    /// Nothing was tried: others found that Meta does not answer.
    Rests(String, Duration),
    Window,
    Failed(String),
}

/// Sends a row of the outbox.
pub(in crate::channels) async fn send(app: &Arc<App>, row: &OutboxRow) -> Attempt {
    let Some(config) = &app.config.whatsapp else {
        return Attempt::Failed("flow.toml has no [whatsapp]".to_owned());
    };
    let Ok(body) = serde_json::from_str::<Value>(&row.payload) else {
        return Attempt::Failed("the message cannot be read".to_owned());
    };
    let to = body.get("to").and_then(Value::as_str).unwrap_or_default();
    // The conversation may have been erased, and the number with it.
    let thread = match app.store.summary(&row.conversation).await {
        Ok(Some(_)) => app.store.thread(CHANNEL, to).await,
        Ok(None) => return Attempt::Gone,
        Err(error) => Err(error),
    };
    let thread = match thread {
        Ok(Some(thread)) => thread,
        Ok(None) => return Attempt::Gone,
        Err(error) => return Attempt::Again(error.to_string(), None),
    };
    let window = rule(app).0;
    if window.is_some_and(|w| app.clock.now() > later(thread.heard_at, w)) {
        return reopen(app, config, &thread).await;
    }
    match post(app, config, &thread.address, body).await {
        Ok(name) => Attempt::Taken(name),
        Err(Refused::Window) => reopen(app, config, &thread).await,
        Err(Refused::Again(why, wait)) => Attempt::Again(why, wait),
        Err(Refused::Rests(why, wait)) => Attempt::Held(why, wait),
        Err(Refused::Failed(why)) => Attempt::Failed(why),
    }
}

/// The window and the template, as the running bot says.
fn rule(app: &App) -> (Option<Duration>, Option<String>) {
    let program = app.programs.current();
    let channel = program.as_ref().and_then(|p| {
        let channels = &p.engine.machine().channels;
        channels.iter().find(|c| c.name == CHANNEL)
    });
    (
        channel.and_then(|c| c.window).map(millis),
        channel
            .and_then(|c| c.reopen_template.as_ref())
            .map(ToString::to_string),
    )
}

/// The window is closed: a template asks the customer to write; what there is to say waits for that.
async fn reopen(app: &Arc<App>, config: &WhatsApp, thread: &Thread) -> Attempt {
    let Some(template) = rule(app).1 else {
        return Attempt::Failed(
            "the customer has not written for too long, and the channel names no `reopen template`"
                .to_owned(),
        );
    };
    let waits = "it waits until the customer writes".to_owned();
    if let Some(since) = thread.reopened_at {
        return if app.clock.now() > later(since, UNANSWERED) {
            Attempt::Failed("the customer did not answer the template".to_owned())
        } else {
            Attempt::Held(waits, LOOK)
        };
    }
    let body = json!({
        "type": "template",
        "template": {"name": template, "language": {"code": config.template_language}},
    });
    match post(app, config, &thread.address, body).await {
        Ok(_) => {
            let noted = app.store.reopened(&thread.conversation, app.clock.now());
            if let Err(error) = noted.await {
                tracing::warn!(%error, "a sent template could not be noted");
            }
            let text = format!(
                "The customer has not written for too long for a free message. The template `{template}` was sent; what you write waits for the customer."
            );
            app.warn_agents(&thread.conversation, text).await;
            Attempt::Held(waits, LOOK)
        }
        Err(Refused::Again(why, wait)) => Attempt::Again(why, wait),
        Err(Refused::Rests(why, wait)) => Attempt::Held(why, wait),
        Err(Refused::Window) => Attempt::Failed("the template was refused".to_owned()),
        Err(Refused::Failed(why)) => Attempt::Failed(format!("the template `{template}`: {why}")),
    }
}

/// Sends a message; answers under which name Meta has it.
async fn post(
    app: &App,
    config: &WhatsApp,
    to: &str,
    mut body: Value,
) -> Result<Option<Vec<u8>>, Refused> {
    if let Some(body) = body.as_object_mut() {
        body.insert("messaging_product".to_owned(), json!("whatsapp"));
        body.insert("recipient_type".to_owned(), json!("individual"));
        body.insert("to".to_owned(), json!(to));
    }
    let mut headers = authorization(app, config).map_err(Refused::Failed)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let url = format!(
        "{}/{}/messages",
        config.api_url.trim_end_matches('/'),
        config.phone_number_id
    );
    let answer = app
        .send(Outgoing {
            method: Method::POST,
            url,
            headers,
            body: Some(body.to_string().into_bytes()),
            timeout: PATIENCE,
            largest: LARGEST,
        })
        .await
        .map_err(|e: SendError| match e {
            SendError::Open { wait, .. } => Refused::Rests(e.to_string(), wait),
            e if e.is_transient() => Refused::Again(e.to_string(), None),
            e => Refused::Failed(e.to_string()),
        })?;
    let said = serde_json::from_slice::<Answer>(&answer.body).unwrap_or_default();
    if answer.status.is_success() {
        return Ok(said.messages.first().map(|message| name(&message.id)));
    }
    let problem = said.error.unwrap_or_default();
    let why = match problem.code {
        0 => format!("WhatsApp answered {}", answer.status.as_u16()),
        _ => problem.words(),
    };
    let passes = answer.status.is_server_error()
        || answer.status.as_u16() == 429
        || PASSING.contains(&problem.code);
    Err(match problem.code {
        WINDOW => Refused::Window,
        _ if passes => Refused::Again(why, retry_after(&answer.headers, Duration::from_secs(3600))),
        _ => Refused::Failed(why),
    })
}

/// The header that opens the Cloud API.
pub(super) fn authorization(app: &App, config: &WhatsApp) -> Result<HeaderMap, String> {
    let token = app.config.environment.secret(&config.access_token_env)?;
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| "the access token is not valid".to_owned())?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}
