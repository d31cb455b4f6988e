//! Opening a conversation: what the widget needs, who the visitor is.

use super::customer::{LARGEST_FILE, MINUTE, clean, limit, public};
use super::describe::Created;
use super::error::ApiError;
use super::extract::{Body, Peer};
use crate::app::{App, random_name, secret_hash};
use crate::turns::messages::Message;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flow_compiler::value::{Type, Value};
use flow_engine::event::{EventKind, Visitor};
use flow_store::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Shown;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a widget needs before it opens a conversation.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Widget {
    /// The bot's.
    title: String,
    /// The first is the default.
    languages: Vec<SmolStr>,
    channels: Vec<SmolStr>,
    /// The bot's version.
    version: SmolStr,
    max_file_bytes: usize,
}

pub(super) async fn widget(State(app): State<Arc<App>>) -> Result<Json<Widget>, ApiError> {
    let program = app
        .programs
        .current()
        .ok_or_else(|| ApiError::unavailable("no_program", "no bot is loaded"))?;
    let bot = &program.engine.machine().bot;
    Ok(Json(Widget {
        title: bot.title.to_string(),
        languages: bot.languages.clone(),
        channels: bot.channels.clone(),
        version: program.version.clone(),
        max_file_bytes: LARGEST_FILE,
    }))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Open {
    channel: Option<SmolStr>,
    language: Option<SmolStr>,
    page: Option<String>,
    visitor: OpenVisitor,
    /// A signed login.
    identity: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct OpenVisitor {
    /// Profile fields that the visitor says of themselves.
    claimed: BTreeMap<SmolStr, String>,
}

/// A conversation that was opened.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Opened {
    id: String,
    /// Bound to this conversation.
    token: String,
    #[schemars(with = "super::view::Shown<'static>")]
    conversation: Shown,
    /// What the bot said.
    messages: Vec<Message>,
}

pub(super) async fn open(
    State(app): State<Arc<App>>,
    Peer(peer): Peer,
    Body(body): Body<Open>,
) -> Result<Created<Opened>, ApiError> {
    limit(
        &app,
        app.limits.conversations.take(
            crate::limits::network(peer),
            app.config.limits.conversations,
            MINUTE,
        ),
    )?;
    let program = app
        .programs
        .current()
        .ok_or_else(|| ApiError::unavailable("no_program", "no bot is loaded"))?;
    let bot = &program.engine.machine().bot;
    let channel = body.channel.unwrap_or_else(|| {
        bot.channels
            .iter()
            .find(|c| *c == "web")
            .or_else(|| bot.channels.first())
            .cloned()
            .unwrap_or_default()
    });
    if !bot.channels.contains(&channel) {
        let known = bot.channels.join(", ");
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_value",
            format!("there is no channel `{channel}`"),
        )
        .help(format!("the bot has {known}")));
    }
    let language = body.language.map(|l| {
        let short = l
            .split(['-', '_'])
            .next()
            .unwrap_or_default()
            .to_lowercase();
        bot.languages
            .iter()
            .find(|d| d.as_str() == short)
            .cloned()
            .unwrap_or_else(|| "other".into())
    });
    let mut visitor = Visitor {
        claimed: claims(&program, body.visitor.claimed)?,
        ..Visitor::default()
    };
    if let Some(identity) = body.identity {
        visitor.proven = crate::identity::verify(&app, &program, &identity).await?;
    }
    visitor.last_agent = last_agent(&app, &visitor).await?;
    let page = body
        .page
        .map(|p| p.chars().take(2000).collect::<String>())
        .filter(|p| is_page(p))
        .map(SmolStr::from);
    let id = format!("c_{}", uuid::Uuid::now_v7().simple());
    let token = random_name("v_");
    let kind = EventKind::Opened {
        channel,
        language,
        page,
        visitor,
    };
    let span = app.telemetry.turn(&id, "opened");
    let outcome = app.open(id.clone(), secret_hash(&token), kind).await;
    drop(span);
    let outcome = outcome?;
    Ok(Created(Opened {
        id,
        token,
        conversation: (*outcome.view).clone(),
        messages: public(&outcome.messages).into_iter().cloned().collect(),
    }))
}

/// Whether a text is the address of a page: agents see it and may open it.
fn is_page(text: &str) -> bool {
    let web = |url: url::Url| matches!(url.scheme(), "http" | "https");
    !text.chars().any(char::is_control) && url::Url::parse(text).is_ok_and(web)
}

/// Whether a text can be a value of this type. Of other types than these it says nothing.
pub(crate) fn fits(ty: &Type, text: &str) -> bool {
    match ty {
        Type::Text => text.chars().count() <= 200,
        Type::Email => {
            text.len() <= 254
                && text
                    .split_once('@')
                    .is_some_and(|(a, b)| !a.is_empty() && b.contains('.'))
        }
        Type::Phone => text.len() <= 32 && text.chars().filter(char::is_ascii_digit).count() >= 6,
        _ => true,
    }
}

/// Values that the visitor says of themselves: texts, addresses and numbers. Only who somebody is can be claimed, not what they bought.
fn claims(
    program: &crate::program::Program,
    claimed: BTreeMap<SmolStr, String>,
) -> Result<BTreeMap<SmolStr, Value>, ApiError> {
    let fields = &program.engine.machine().customer;
    let mut out = BTreeMap::new();
    let can_be_claimed = |ty: &Type| matches!(ty, Type::Text | Type::Email | Type::Phone);
    let invalid =
        |why: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", why);
    for (name, text) in claimed {
        let field = fields.iter().find(|f| f.name == name);
        let Some(field) = field.filter(|f| can_be_claimed(&f.ty)) else {
            let why = match field {
                Some(_) => format!("`{name}` cannot be claimed"),
                None => format!("there is no profile field `{name}`"),
            };
            let known = fields.iter().filter(|f| can_be_claimed(&f.ty));
            let known: Vec<_> = known.map(|f| f.name.as_str()).collect();
            return Err(invalid(why).help(match known.as_slice() {
                [] => "visitors of this bot can claim nothing".to_owned(),
                _ => format!("a visitor can claim {}", known.join(", ")),
            }));
        };
        let text = clean(&text)?;
        if !fits(&field.ty, &text) {
            return Err(invalid(format!("`{name}` is not valid")));
        }
        out.insert(name, Value::text(text.trim()));
    }
    Ok(out)
}

/// The agent of an earlier conversation of the same, proven person.
pub(crate) async fn last_agent(
    app: &App,
    visitor: &Visitor,
) -> Result<Option<(flow_engine::event::AgentRef, jiff::Timestamp)>, StoreError> {
    for (field, value) in &visitor.proven {
        let Value::Text(value) = value else { continue };
        let found = app
            .store
            .conversations_of(field, &value.trim().to_lowercase(), true, 20)
            .await?;
        for summary in found {
            let Ok((_, conversation, _)) = app.snapshot(&summary.id).await else {
                continue;
            };
            if let Some(last) = conversation.last_agent() {
                return Ok(Some(last.clone()));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn only_addresses_of_the_web_are_pages() {
        assert!(is_page("https://acme.example/cart?x=1#y"));
        assert!(is_page("http://localhost:8080/"));
        for other in [
            "javascript:alert(1)",
            "httpx://acme.example",
            "http",
            "https://",
            "java\nscript:alert(1)",
            "https://acme.example/\u{7}",
            "/cart",
            "data:text/html,x",
        ] {
            assert!(!is_page(other), "{other}");
        }
    }
}
