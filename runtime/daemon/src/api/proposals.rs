//! What the bot's own past suggests to change, for those who review it.

use super::customer::OnlyId;
use super::error::ApiError;
use super::extract::{Body, SignedIn, command_id};
use crate::app::App;
use crate::learn::Proposal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use flow_store::Verdict;
use schemars::JsonSchema;
use serde::Serialize;
use smol_str::SmolStr;
use std::sync::Arc;

/// Proposals, those about thresholds first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Proposals {
    proposals: Vec<Proposal>,
}

/// A proposal that was decided.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Decided {
    proposal: Proposal,
}

fn reviewer(app: &App, who: &SignedIn) -> Result<(), ApiError> {
    if app.reviews(&who.agent) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "not_allowed",
        "this needs a lead of the team that reviews",
    )
    .help("`learn { review TEAM }` of the bot names it"))
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
) -> Result<Json<Proposals>, ApiError> {
    reviewer(&app, &who)?;
    let proposals = app.proposals().await?;
    Ok(Json(Proposals { proposals }))
}

pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
    Body(body): Body<OnlyId>,
) -> Result<Json<Decided>, ApiError> {
    decide(&app, &who, &id, &body, "confirmed").await
}

pub(super) async fn dismiss(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
    Body(body): Body<OnlyId>,
) -> Result<Json<Decided>, ApiError> {
    decide(&app, &who, &id, &body, "dismissed").await
}

async fn decide(
    app: &App,
    who: &SignedIn,
    id: &str,
    body: &OnlyId,
    state: &'static str,
) -> Result<Json<Decided>, ApiError> {
    command_id(&body.id)?;
    reviewer(app, who)?;
    let found = app.proposals().await?.into_iter().find(|p| p.id == id);
    let mut proposal = found.ok_or_else(|| {
        let message = format!("there is no proposal `{id}`");
        ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
            .help("GET /v1/agent/proposals lists those that the last conversations suggest")
    })?;
    let verdict = Verdict {
        proposal: id.to_owned(),
        state: SmolStr::new_static(state),
        by: who.agent.id.to_string(),
        at: app.clock.now(),
    };
    app.store.decide(verdict).await?;
    let target = format!("{} {}", proposal.kind, proposal.name);
    let action = format!("proposal_{state}");
    app.audit(who.actor(), &action, Some(target), None).await;
    proposal.state = SmolStr::new_static(state);
    proposal.by = Some(who.agent.id.to_string());
    Ok(Json(Decided { proposal }))
}
