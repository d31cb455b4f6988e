//! What agents do to conversations. Every command carries an id and is done once.

use super::agent::visible;
use super::customer::{OnlyId, Typing, clean};
use super::error::ApiError;
use super::extract::{Body, SignedIn, command_id};
use crate::app::App;
use crate::hub::Heard;
use crate::turns::{Command, Outcome};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use flow_engine::event::EventKind;
use flow_store::MessageKey;
use serde::Deserialize;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::sync::Arc;

type Answer = Result<Json<Value>, ApiError>;

fn answer(outcome: &Outcome) -> Json<Value> {
    Json(
        json!({"conversation": *outcome.summary, "seq": outcome.seq, "duplicate": outcome.duplicate}),
    )
}

/// Runs a command under its id; the id belongs to the agent.
async fn run(
    app: &Arc<App>,
    who: &SignedIn,
    conversation: &str,
    id: &str,
    body: &str,
    kind: EventKind,
) -> Answer {
    command_id(id)?;
    visible(app, &who.agent, conversation).await?;
    let hash =
        blake3::hash(format!("{}\n{body}", crate::turns::messages::event_word(&kind)).as_bytes());
    let key = MessageKey {
        id: format!("a:{}:{id}", who.agent.id),
        hash: hash.as_bytes().to_vec(),
    };
    Ok(answer(
        &app.turn(conversation, Command::keyed(kind, key)).await?,
    ))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reservation {
    id: SmolStr,
    reservation: u64,
}

pub(super) async fn accept(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Reservation>,
) -> Answer {
    command_id(&body.id)?;
    match app
        .accept(&conversation, &who.agent.id, body.reservation)
        .await
    {
        Ok(outcome) => Ok(answer(&outcome?)),
        Err(error) => already_mine(&app, &who, &conversation, Some(body.reservation))
            .await
            .ok_or_else(|| error.into()),
    }
}

pub(super) async fn take(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<OnlyId>,
) -> Answer {
    command_id(&body.id)?;
    visible(&app, &who.agent, &conversation).await?;
    match app.take(&conversation, &who.agent.id).await {
        Ok(outcome) => Ok(answer(&outcome?)),
        Err(error) => already_mine(&app, &who, &conversation, None)
            .await
            .ok_or_else(|| error.into()),
    }
}

/// The answer to a repetition: the conversation is with this agent, by this reservation.
async fn already_mine(
    app: &Arc<App>,
    who: &SignedIn,
    conversation: &str,
    reservation: Option<u64>,
) -> Option<Json<Value>> {
    let summary = app.store.summary(conversation).await.ok()??;
    let mine = summary.agent.as_ref().is_some_and(|a| a.id == who.agent.id);
    let has_it = matches!(summary.stage.as_str(), "reviewing" | "with_agent");
    let same = reservation.is_none() || summary.reservation == reservation;
    (mine && has_it && same)
        .then(|| Json(json!({"conversation": summary, "seq": summary.seq, "duplicate": true})))
}

pub(super) async fn decline(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Reservation>,
) -> Answer {
    command_id(&body.id)?;
    let summary = app
        .store
        .summary(&conversation)
        .await?
        .ok_or_else(|| ApiError::unknown_conversation(&conversation))?;
    app.decline(&who.agent.id, body.reservation)?;
    Ok(Json(
        json!({"conversation": summary, "seq": summary.seq, "duplicate": false}),
    ))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    id: SmolStr,
    text: String,
}

pub(super) async fn message(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Written>,
) -> Answer {
    let text = clean(&body.text)?;
    let kind = EventKind::AgentMessage {
        agent: who.agent.id.clone(),
        id: body.id.clone(),
        text: text.clone(),
    };
    run(&app, &who, &conversation, &body.id, &text, kind).await
}

pub(super) async fn note(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Written>,
) -> Answer {
    let text = clean(&body.text)?;
    let kind = EventKind::AgentNote {
        agent: who.agent.id.clone(),
        id: body.id.clone(),
        text: text.clone(),
    };
    run(&app, &who, &conversation, &body.id, &text, kind).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    id: SmolStr,
    reminder: u32,
}

pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Confirm>,
) -> Answer {
    let kind = EventKind::AgentConfirmed {
        agent: who.agent.id.clone(),
        reminder: body.reminder,
    };
    run(
        &app,
        &who,
        &conversation,
        &body.id,
        &body.reminder.to_string(),
        kind,
    )
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolve {
    id: SmolStr,
    #[serde(default)]
    summary: Option<String>,
}

/// An optional text: blank ones are absent.
fn optional(text: Option<String>) -> Result<Option<String>, ApiError> {
    text.filter(|t| !t.trim().is_empty())
        .map(|t| clean(&t))
        .transpose()
}

pub(super) async fn resolve(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Resolve>,
) -> Answer {
    let summary = optional(body.summary)?;
    let hashed = summary.clone().unwrap_or_default();
    let kind = EventKind::AgentResolved {
        agent: who.agent.id.clone(),
        summary,
    };
    run(&app, &who, &conversation, &body.id, &hashed, kind).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Return {
    id: SmolStr,
    #[serde(default)]
    reason: Option<String>,
}

pub(super) async fn give_back(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Return>,
) -> Answer {
    let reason = optional(body.reason)?;
    let hashed = reason.clone().unwrap_or_default();
    let kind = EventKind::AgentReturned {
        agent: who.agent.id.clone(),
        reason,
    };
    run(&app, &who, &conversation, &body.id, &hashed, kind).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transfer {
    id: SmolStr,
    team: SmolStr,
    #[serde(default)]
    reason: Option<String>,
}

pub(super) async fn transfer(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Transfer>,
) -> Answer {
    let reason = optional(body.reason)?;
    let hashed = format!("{}\n{}", body.team, reason.clone().unwrap_or_default());
    let kind = EventKind::AgentTransferred {
        agent: who.agent.id.clone(),
        team: body.team,
        reason,
    };
    run(&app, &who, &conversation, &body.id, &hashed, kind).await
}

pub(super) async fn typing(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Typing>,
) -> Result<StatusCode, ApiError> {
    let summary = visible(&app, &who.agent, &conversation).await?;
    if summary.stage == "with_agent" && summary.agent.as_ref().is_some_and(|a| a.id == who.agent.id)
    {
        app.hub.tell(&conversation, Heard::Typing(body.typing));
    }
    Ok(StatusCode::NO_CONTENT)
}
