//! The customer's side: writing and reading.

use super::error::ApiError;
use super::extract::{Body, VisitorToken, command_id};
use crate::app::{App, secret_hash};
use crate::metrics::count;
use crate::turns::messages::Message;
use crate::turns::{Command, Input};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, NoContent, Response};
use flow_engine::event::EventKind;
use flow_store::{MessageKey, Summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Characters of a message at most.
const LONGEST: usize = 8000;
/// Bytes of a file at most.
pub(crate) const LARGEST_FILE: usize = 10 << 20;
/// Combining marks in a row that are shown; more only harm readers.
const MARKS: usize = 8;
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Keeps what people can read: no control characters but line breaks and tabs, no direction overrides, no towers of marks.
///
/// # Errors
/// If it holds a NUL, is empty or too long.
pub(crate) fn clean(text: &str) -> Result<String, ApiError> {
    if text.contains('\0') {
        return Err(ApiError::request("the text holds a NUL character"));
    }
    if text.chars().count() > LONGEST {
        let error = ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the text is too long",
        );
        return Err(error.help(format!("it has {LONGEST} characters at most")));
    }
    let mut marks = 0;
    let kept: String = text
        .chars()
        .filter(|c| {
            let mark = matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}');
            marks = if mark { marks + 1 } else { 0 };
            let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            marks <= MARKS && !bidi && (!c.is_control() || matches!(c, '\n' | '\t'))
        })
        .collect();
    if !kept.chars().any(is_seen) {
        return Err(ApiError::request("the text is empty"));
    }
    Ok(kept)
}

/// Whether somebody who reads sees anything of it: no blank, no joiner, no mark of direction or width.
fn is_seen(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
    !unseen && !c.is_whitespace() && !c.is_control()
}

/// Refuses what comes too fast in one conversation.
pub(super) fn limit_messages(app: &App, id: &str) -> Result<(), ApiError> {
    let most = app.config.limits.messages;
    limit(app, app.limits.messages.take(id.to_owned(), most, MINUTE))
}

pub(super) fn limit(app: &App, taken: Result<(), Duration>) -> Result<(), ApiError> {
    taken.map_err(|wait| {
        count(&app.metrics.limited);
        ApiError::too_many(wait)
    })
}

/// Whether a token opens a conversation. An unknown conversation and a wrong token look the same.
pub(super) async fn admit(app: &App, id: &str, token: Option<&str>) -> Result<Summary, ApiError> {
    let Some(token) = token else {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_token",
            "the conversation's token is missing",
        )
        .help("send `Authorization: Bearer v_..`"));
    };
    let (expected, summary) = app.door(id).await?;
    if !crate::app::same(&expected, &secret_hash(token)) {
        return Err(ApiError::unknown_conversation(id));
    }
    Ok(summary)
}

/// As [`admit`], for what reads and writes without a turn: nothing is shown of a conversation that was erased beside the daemon. A turn
/// learns of that from the store by itself.
pub(super) async fn admit_stored(
    app: &App,
    id: &str,
    token: Option<&str>,
) -> Result<Summary, ApiError> {
    let summary = admit(app, id, token).await?;
    if app.store.summary(id).await?.is_none() {
        app.turns.forget(id);
        return Err(ApiError::unknown_conversation(id));
    }
    Ok(summary)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    #[schemars(length(max = 8000))]
    text: Option<String>,
    button: Option<SmolStr>,
    code: Option<String>,
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
    Body(body): Body<Send>,
) -> Result<Response, ApiError> {
    command_id(&body.id)?;
    admit(&app, &id, token.as_deref()).await?;
    limit_messages(&app, &id)?;
    let (what, text, input) = match (body.text, body.button, body.code) {
        (Some(text), None, None) => {
            let (id, text) = (body.id.clone(), clean(&text)?);
            ("text", text.clone(), Input::Text { id, text })
        }
        (None, None, Some(code)) => {
            let (id, text) = (body.id.clone(), clean(&code)?);
            ("code", text.clone(), Input::Code { id, text })
        }
        (None, Some(button), None) => {
            if button.len() > 200 {
                return Err(ApiError::request("the `button` is not one of ours"));
            }
            let kind = EventKind::Pressed {
                id: body.id.clone(),
                button: button.clone(),
            };
            ("button", button.to_string(), kind.into())
        }
        _ => {
            return Err(ApiError::request(
                "a message has exactly one of `text`, `button` and `code`",
            ));
        }
    };
    let hash = blake3::hash(format!("{what}\n{text}").as_bytes())
        .as_bytes()
        .to_vec();
    command(&app, &id, &body.id, hash, input).await
}

pub(super) async fn command(
    app: &Arc<App>,
    id: &str,
    sender: &str,
    hash: Vec<u8>,
    input: Input,
) -> Result<Response, ApiError> {
    let started = Instant::now();
    let key = MessageKey {
        id: format!("v:{sender}"),
        hash,
    };
    let span = app.telemetry.turn(id, "customer");
    let outcome = app
        .turn(
            id,
            Command {
                input,
                key: Some(key),
                consumed: None,
            },
        )
        .await;
    drop(span);
    count(&app.metrics.turns);
    app.metrics.turn.observe(started.elapsed());
    if matches!(outcome, Err(crate::turns::TurnError::Store(_))) {
        count(&app.metrics.turn_failures);
    }
    let outcome = outcome?;
    // Written as it is: a tree of values in between would cost more than the turn itself.
    let taken = Taken {
        id: sender,
        seq: outcome.seq,
        duplicate: outcome.duplicate,
        messages: public(&outcome.messages),
        conversation: &outcome.view,
    };
    Ok(Json(taken).into_response())
}

/// What a command's sender is told.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Taken<'a> {
    id: &'a str,
    /// The turn's number.
    seq: u64,
    /// It came before.
    duplicate: bool,
    /// What was said in the turn.
    messages: Vec<&'a Message>,
    #[schemars(with = "super::view::Shown<'static>")]
    conversation: &'a Value,
}

pub(super) fn public(messages: &[Message]) -> Vec<&Message> {
    messages.iter().filter(|m| m.is_public()).collect()
}

pub(super) async fn leave(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
    Body(body): Body<OnlyId>,
) -> Result<Response, ApiError> {
    command_id(&body.id)?;
    admit(&app, &id, token.as_deref()).await?;
    command(
        &app,
        &id,
        &body.id,
        b"left".to_vec(),
        EventKind::Left.into(),
    )
    .await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlyId {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    pub(super) id: SmolStr,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Typing {
    pub(super) typing: bool,
}

pub(super) async fn typing(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
    Body(body): Body<Typing>,
) -> Result<NoContent, ApiError> {
    let summary = admit_stored(&app, &id, token.as_deref()).await?;
    if summary.people {
        app.hub.tell_agents(crate::hub::AgentNews::Typing {
            conversation: id,
            typing: body.typing,
        });
    }
    Ok(NoContent)
}

/// A conversation and all that was said.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Whole {
    #[schemars(with = "super::view::Shown<'static>")]
    conversation: Value,
    messages: Vec<Message>,
    /// Where the stream goes on.
    last_event_id: String,
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
) -> Result<Json<Whole>, ApiError> {
    admit_stored(&app, &id, token.as_deref()).await?;
    let (program, conversation, summary) = app.snapshot(&id).await?;
    let view = program.engine.view(&conversation);
    let mut messages = messages_of(&app, &id).await?;
    let last = messages
        .last()
        .map_or_else(|| format!("{}.0", summary.seq), |m| m.id.to_string());
    messages.retain(Message::is_public);
    Ok(Json(Whole {
        conversation: super::view::of(&program, &view, &summary, app.desk.news(&id).as_ref()),
        messages,
        last_event_id: last,
    }))
}

/// All messages of a conversation, notes too.
pub(super) async fn messages_of(app: &App, id: &str) -> Result<Vec<Message>, ApiError> {
    let rows = app.store.log(id, 0, u32::MAX).await?;
    let mut out = Vec::new();
    for row in rows {
        let messages: Vec<Message> =
            serde_json::from_str(&row.messages).map_err(flow_store::StoreError::from)?;
        out.extend(messages);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn texts_are_made_safe_to_show() {
        assert_eq!(clean("a\u{202e}b\u{7}c\nd").unwrap(), "abc\nd");
        let tower = format!("x{}", "\u{301}".repeat(100_000));
        assert!(clean(&tower).is_err());
        let tower = format!("x{}y", "\u{301}".repeat(100));
        assert_eq!(clean(&tower).unwrap().chars().count(), 10);
        assert!(clean("a\0b").is_err());
        for nothing in [
            " \n ",
            "\u{200b}\u{200d}\u{2060}",
            "\u{feff} \u{ad}",
            "\u{2800}",
            "\u{202e}",
        ] {
            assert!(clean(nothing).is_err(), "{nothing:?}");
        }
        assert_eq!(clean("\u{2764}\u{fe0f}").unwrap(), "\u{2764}\u{fe0f}");
        assert!(clean(&"a".repeat(8001)).is_err());
    }
}
