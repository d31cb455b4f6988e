//! The customer's side: opening, writing, files, reading.

use super::error::ApiError;
use super::extract::{Body, Peer, VisitorToken, command_id};
use crate::app::{App, hex, random_name, secret_hash};
use crate::metrics::count;
use crate::turns::messages::Message;
use crate::turns::{Command, Input, Outcome};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flow_compiler::value::{FileValue, Type, Value};
use flow_engine::event::{EventKind, Visitor};
use flow_store::{MessageKey, StoredFile, Summary};
use serde::Deserialize;
use serde_json::{Value as Json_, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Characters of a message at most.
const LONGEST: usize = 8000;
/// Bytes of a file at most.
pub(super) const LARGEST_FILE: usize = 10 << 20;
/// Combining marks in a row that are shown; more only harm readers.
const MARKS: usize = 8;
const MINUTE: Duration = Duration::from_secs(60);

/// Keeps what people can read: no control characters but line breaks and tabs, no direction overrides, no towers of marks.
///
/// # Errors
/// If it holds a NUL, is empty or too long.
pub(super) fn clean(text: &str) -> Result<String, ApiError> {
    if text.contains('\0') {
        return Err(ApiError::request("the text holds a NUL character"));
    }
    if text.chars().count() > LONGEST {
        let error = ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the text is too long");
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
    if kept.trim().is_empty() {
        return Err(ApiError::request("the text is empty"));
    }
    Ok(kept)
}

pub(super) async fn widget(State(app): State<Arc<App>>) -> Result<Json<Json_>, ApiError> {
    let program = app.programs.current().ok_or_else(|| ApiError::unavailable("no_program", "no bot is loaded"))?;
    let bot = &program.engine.machine().bot;
    Ok(Json(json!({
        "title": bot.title,
        "languages": bot.languages,
        "channels": bot.channels,
        "version": program.version,
        "max_file_bytes": LARGEST_FILE,
    })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Open {
    channel: Option<SmolStr>,
    language: Option<SmolStr>,
    page: Option<String>,
    visitor: OpenVisitor,
    identity: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OpenVisitor {
    claimed: BTreeMap<SmolStr, String>,
}

pub(super) async fn open(
    State(app): State<Arc<App>>,
    Peer(peer): Peer,
    Body(body): Body<Open>,
) -> Result<Response, ApiError> {
    if !app.is_ready() {
        return Err(ApiError::unavailable("draining", "the daemon is not ready"));
    }
    limit(&app, app.limits.conversations.take(peer, app.config.limits.conversations, MINUTE))?;
    let program = app.programs.current().ok_or_else(|| ApiError::unavailable("no_program", "no bot is loaded"))?;
    let bot = &program.engine.machine().bot;
    let channel = body.channel.unwrap_or_else(|| bot.channels.iter().find(|c| *c == "web").or_else(|| bot.channels.first()).cloned().unwrap_or_default());
    if !bot.channels.contains(&channel) {
        let known = bot.channels.join(", ");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", format!("there is no channel `{channel}`"))
            .help(format!("the bot has {known}")));
    }
    let language = body.language.map(|l| {
        let short = l.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        bot.languages.iter().find(|d| d.as_str() == short).cloned().unwrap_or_else(|| "other".into())
    });
    let mut visitor = Visitor { claimed: claims(&program, body.visitor.claimed)?, ..Visitor::default() };
    if let Some(identity) = body.identity {
        visitor.proven = crate::identity::verify(&app, &program, &identity)?;
    }
    visitor.last_agent = last_agent(&app, &visitor).await?;
    let page = body.page.map(|p| p.chars().take(2000).collect::<String>()).filter(|p| p.starts_with("http")).map(SmolStr::from);
    let id = format!("c_{}", uuid::Uuid::now_v7().simple());
    let token = random_name("v_");
    let kind = EventKind::Opened { channel, language, page, visitor };
    let outcome = app.open(id.clone(), secret_hash(&token), kind).await?;
    let body = json!({"id": id, "token": token, "conversation": *outcome.view, "messages": public(&outcome.messages)});
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Values that the visitor says of themselves, as far as the bot has such fields.
fn claims(program: &crate::program::Program, claimed: BTreeMap<SmolStr, String>) -> Result<BTreeMap<SmolStr, Value>, ApiError> {
    let fields = &program.engine.machine().customer;
    let mut out = BTreeMap::new();
    for (name, text) in claimed {
        let text = clean(&text)?;
        let Some(field) = fields.iter().find(|f| f.name == name) else { continue };
        let fits = match field.ty {
            Type::Text => text.chars().count() <= 200,
            Type::Email => text.len() <= 254 && text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.')),
            Type::Phone => text.len() <= 32 && text.chars().filter(char::is_ascii_digit).count() >= 6,
            // Only who somebody is can be claimed, not what they bought.
            _ => continue,
        };
        if !fits {
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", format!("`{name}` is not valid")));
        }
        out.insert(name, Value::text(text.trim()));
    }
    Ok(out)
}

/// The agent of an earlier conversation of the same, proven person.
async fn last_agent(
    app: &App,
    visitor: &Visitor,
) -> Result<Option<(flow_engine::event::AgentRef, jiff::Timestamp)>, ApiError> {
    for (field, value) in &visitor.proven {
        let Value::Text(value) = value else { continue };
        let found = app.store.conversations_of(field, &value.trim().to_lowercase(), true, 20).await?;
        for summary in found {
            let Ok((_, conversation, _)) = app.snapshot(&summary.id).await else { continue };
            if let Some(last) = conversation.last_agent() {
                return Ok(Some(last.clone()));
            }
        }
    }
    Ok(None)
}

fn limit(app: &App, taken: Result<(), Duration>) -> Result<(), ApiError> {
    taken.map_err(|wait| {
        count(&app.metrics.limited);
        ApiError::too_many(wait)
    })
}

/// Whether a token opens a conversation. An unknown conversation and a wrong token look the same.
pub(super) async fn admit(app: &App, id: &str, token: Option<&str>) -> Result<Summary, ApiError> {
    let Some(token) = token else {
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "wrong_token", "the conversation's token is missing")
            .help("send `Authorization: Bearer v_..`"));
    };
    let loaded = app.store.load(id).await?.ok_or_else(|| ApiError::unknown_conversation(id))?;
    if !crate::app::same(&loaded.conversation.token, &secret_hash(token)) {
        return Err(ApiError::unknown_conversation(id));
    }
    Ok(loaded.conversation.summary)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    id: SmolStr,
    text: Option<String>,
    button: Option<SmolStr>,
    code: Option<String>,
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
    Body(body): Body<Send>,
) -> Result<Json<Json_>, ApiError> {
    command_id(&body.id)?;
    admit(&app, &id, token.as_deref()).await?;
    limit(&app, app.limits.messages.take(id.clone(), app.config.limits.messages, MINUTE))?;
    let (what, text, input) = match (body.text, body.button, body.code) {
        (Some(text), None, None) | (None, None, Some(text)) => {
            let text = clean(&text)?;
            ("text", text.clone(), Input::Text { id: body.id.clone(), text })
        }
        (None, Some(button), None) => {
            if button.len() > 200 {
                return Err(ApiError::request("the `button` is not one of ours"));
            }
            let kind = EventKind::Pressed { id: body.id.clone(), button: button.clone() };
            ("button", button.to_string(), kind.into())
        }
        _ => return Err(ApiError::request("a message has exactly one of `text`, `button` and `code`")),
    };
    let hash = blake3::hash(format!("{what}\n{text}").as_bytes()).as_bytes().to_vec();
    command(&app, &id, &body.id, hash, input).await
}

async fn command(app: &Arc<App>, id: &str, sender: &str, hash: Vec<u8>, input: Input) -> Result<Json<Json_>, ApiError> {
    if app.is_stopping() {
        return Err(ApiError::unavailable("draining", "the daemon is shutting down"));
    }
    let started = Instant::now();
    let key = MessageKey { id: format!("v:{sender}"), hash };
    let outcome = app.turn(id, Command { input, key: Some(key), consumed: None }).await;
    count(&app.metrics.turns);
    app.metrics.turn.observe(started.elapsed());
    if matches!(outcome, Err(crate::turns::TurnError::Store(_))) {
        count(&app.metrics.turn_failures);
    }
    Ok(Json(answer(sender, &outcome?)))
}

fn answer(sender: &str, outcome: &Outcome) -> Json_ {
    json!({
        "id": sender,
        "seq": outcome.seq,
        "duplicate": outcome.duplicate,
        "messages": public(&outcome.messages),
        "conversation": *outcome.view,
    })
}

pub(super) fn public(messages: &[Message]) -> Vec<&Message> {
    messages.iter().filter(|m| m.is_public()).collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    id: SmolStr,
    name: String,
    #[serde(default, rename = "token")]
    _token: Option<String>,
}

pub(super) async fn upload(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(upload): Query<Upload>,
    VisitorToken(token): VisitorToken,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<Json_>, ApiError> {
    command_id(&upload.id)?;
    admit(&app, &id, token.as_deref()).await?;
    limit(&app, app.limits.messages.take(id.clone(), app.config.limits.messages, MINUTE))?;
    let bytes = bytes.map_err(|_| {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the file is larger than 10 MB")
    })?;
    if bytes.is_empty() {
        return Err(ApiError::request("the file is empty"));
    }
    let name: String = clean(&upload.name)?.replace(['/', '\\', '\n', '\t'], "_").chars().take(120).collect();
    let mime = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("application/octet-stream");
    let mime: String = mime.split(';').next().unwrap_or_default().trim().to_lowercase().chars().take(100).collect();
    let hash = blake3::Hasher::new().update(b"file\n").update(name.as_bytes()).update(b"\n").update(&bytes).finalize();
    // The same upload again gets the same place.
    let file_id = format!("f_{}", hex(blake3::hash(format!("{}\n{}", upload.id, hash).as_bytes()).as_bytes().get(..12).unwrap_or_default()));
    let file = FileValue {
        name: name.as_str().into(),
        url: format!("/v1/files/{id}/{file_id}").into(),
        mime: mime.as_str().into(),
        bytes: bytes.len() as u64,
    };
    // First the content, then the turn: a turn never speaks of a file that is not there.
    app.store.put_file(StoredFile { id: file_id, conversation: id.clone(), name, mime, data: bytes.to_vec() }).await?;
    command(&app, &id, &upload.id, hash.as_bytes().to_vec(), Input::File { id: upload.id.clone(), file }).await
}

pub(super) async fn leave(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
    Body(body): Body<OnlyId>,
) -> Result<Json<Json_>, ApiError> {
    command_id(&body.id)?;
    admit(&app, &id, token.as_deref()).await?;
    command(&app, &id, &body.id, b"left".to_vec(), EventKind::Left.into()).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlyId {
    pub(super) id: SmolStr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typing {
    pub(super) typing: bool,
}

pub(super) async fn typing(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
    Body(body): Body<Typing>,
) -> Result<StatusCode, ApiError> {
    let summary = admit(&app, &id, token.as_deref()).await?;
    if summary.people {
        app.hub.tell_agents(crate::hub::AgentNews::Typing { conversation: id, typing: body.typing });
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    VisitorToken(token): VisitorToken,
) -> Result<Json<Json_>, ApiError> {
    admit(&app, &id, token.as_deref()).await?;
    let (program, conversation, summary) = app.snapshot(&id).await?;
    let view = program.engine.view(&conversation);
    let messages = messages_of(&app, &id).await?;
    let last = messages.last().map_or_else(|| format!("{}.0", summary.seq), |m| m.id.to_string());
    Ok(Json(json!({
        "conversation": super::view::of(&program, &view, &summary, app.desk.news(&id).as_ref()),
        "messages": public(&messages),
        "last_event_id": last,
    })))
}

/// All messages of a conversation, notes too.
pub(super) async fn messages_of(app: &App, id: &str) -> Result<Vec<Message>, ApiError> {
    let rows = app.store.log(id, 0, u32::MAX).await?;
    let mut out = Vec::new();
    for row in rows {
        let messages: Vec<Message> = serde_json::from_str(&row.messages).map_err(flow_store::StoreError::from)?;
        out.extend(messages);
    }
    Ok(out)
}

/// A file: for the visitor with the token, or for an agent who may see the conversation.
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Path((conversation, file)): Path<(String, String)>,
    VisitorToken(token): VisitorToken,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match super::extract::cookie(&headers, crate::auth::COOKIE).filter(|_| token.is_none()) {
        Some(cookie) => {
            let (agent, _) = app.session(&cookie).await?.ok_or_else(|| ApiError::unknown_conversation(&conversation))?;
            super::agent::visible(&app, &agent, &conversation).await?;
        }
        None => drop(admit(&app, &conversation, token.as_deref()).await?),
    }
    let found = app.store.file(&conversation, &file).await?.ok_or_else(ApiError::not_found)?;
    let picture = matches!(found.mime.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    let mime = if picture { found.mime.as_str() } else { "application/octet-stream" };
    let encoded: String = url::form_urlencoded::byte_serialize(found.name.as_bytes()).collect::<String>().replace('+', "%20");
    let disposition = format!("{}; filename*=UTF-8''{encoded}", if picture { "inline" } else { "attachment" });
    let headers = [
        (header::CONTENT_TYPE, mime.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    Ok((headers, found.data).into_response())
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
        assert!(clean(" \n ").is_err());
        assert!(clean(&"a".repeat(8001)).is_err());
    }
}
