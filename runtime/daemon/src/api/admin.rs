//! Managing: agents, the audit log, deliveries that were given up, erasure. For admins, and for programs with a key of the scope `admin`.

use super::error::ApiError;
use super::extract::{Body, Params, SignedIn, api_key};
use crate::app::App;
use crate::hub::AgentNews;
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::NoContent;
use flow_store::{Agent, AuditRow, OutboxRow, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Conversations at once that an agent can be given.
const CAPACITY: RangeInclusive<u32> = 1..=100;
/// Letters of the name that customers read.
const LONGEST_NAME: usize = 100;

/// Somebody who may manage; the name for the audit log.
#[derive(Debug)]
pub(super) struct Admin(String);

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if let Some(key) = api_key(&parts.headers, app).await? {
            if key.scopes.iter().any(|s: &SmolStr| s == "admin") {
                return Ok(Self(format!("key:{}", key.id)));
            }
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "not_allowed",
                "this key has not the scope `admin`",
            ));
        }
        let who = SignedIn::from_request_parts(parts, app).await?;
        who.require(Role::Admin)?;
        Ok(Self(who.actor()))
    }
}

/// All agents.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Agents {
    agents: Vec<Agent>,
}

pub(super) async fn agents(
    State(app): State<Arc<App>>,
    _who: Admin,
) -> Result<Json<Agents>, ApiError> {
    let agents = app.store.agents().await?;
    Ok(Json(Agents { agents }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutAgent {
    name: SmolStr,
    #[serde(default)]
    #[schemars(with = "Option<Role>")]
    role: Option<SmolStr>,
    #[serde(default)]
    teams: Vec<SmolStr>,
    #[serde(default)]
    skills: Vec<SmolStr>,
    #[serde(default)]
    languages: Vec<SmolStr>,
    #[serde(default)]
    capacity: Option<u32>,
    /// Absent: the one they have.
    #[serde(default)]
    password: Option<String>,
}

/// An agent.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OneAgent {
    agent: Agent,
}

pub(super) async fn put_agent(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<SmolStr>,
    Body(body): Body<PutAgent>,
) -> Result<Json<OneAgent>, ApiError> {
    let invalid =
        |why: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", why);
    super::extract::command_id(&id)?;
    let name = super::customer::clean(&body.name)
        .ok()
        .filter(|name| name.chars().count() <= LONGEST_NAME && !name.contains(['\n', '\t']))
        .ok_or_else(|| {
            invalid(format!("`name` is 1 to {LONGEST_NAME} letters of one line"))
                .help("customers read it")
        })?;
    let known = super::agent::teams_of(&app);
    if let Some(team) = body
        .teams
        .iter()
        .find(|t| !known.iter().any(|(id, ..)| id == *t))
    {
        return Err(invalid(format!("there is no team `{team}`")));
    }
    let role = match body.role.as_deref() {
        Some(word) => Role::parse(word).ok_or_else(|| {
            invalid(format!("there is no role `{word}`")).help("roles are agent, lead, admin")
        })?,
        None => Role::default(),
    };
    if body.capacity.is_some_and(|c| !CAPACITY.contains(&c)) {
        let (least, most) = (CAPACITY.start(), CAPACITY.end());
        return Err(invalid(format!("`capacity` is {least} to {most}")).help(
            "leave it out for what the team says; who takes nothing switches to unavailable",
        ));
    }
    if let Some(program) = app.programs.current() {
        let spoken = &program.engine.machine().bot.languages;
        if let Some(language) = body.languages.iter().find(|l| !spoken.contains(l)) {
            return Err(
                invalid(format!("the bot has no language `{language}`")).help(format!(
                    "it has {}; an agent without `languages` takes all",
                    spoken.join(", ")
                )),
            );
        }
    }
    let before = app.store.agent(&id).await?;
    let changed_password = body.password.is_some();
    let password = match body.password {
        Some(password) => {
            let hashed =
                tokio::task::spawn_blocking(move || crate::auth::hash_password(&password)).await;
            hashed
                .map_err(|e| ApiError::unavailable("busy", e.to_string()))?
                .map_err(invalid)?
        }
        None => before
            .as_ref()
            .map(|a| a.password.clone())
            .ok_or_else(|| invalid("a new agent needs a `password`".to_owned()))?,
    };
    let agent = Agent {
        id: id.clone(),
        name: name.trim().into(),
        role,
        teams: body.teams,
        skills: body.skills,
        languages: body.languages,
        capacity: body.capacity,
        available: before.is_some_and(|a| a.available),
        password,
    };
    app.store.put_agent(agent.clone()).await?;
    app.desk_agent(&agent);
    app.hub.tell_agents(AgentNews::Session(id.clone()));
    let detail = if changed_password {
        format!("{}, new password", role.as_str())
    } else {
        role.as_str().to_owned()
    };
    let target = Some(format!("agent:{id}"));
    app.audit(actor, "agent_put", target, Some(detail)).await;
    Ok(Json(OneAgent { agent }))
}

pub(super) async fn remove_agent(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<SmolStr>,
) -> Result<NoContent, ApiError> {
    if !app.store.remove_agent(&id).await? {
        return Err(ApiError::not_found());
    }
    app.set_available(&id, false);
    app.lose(&id);
    app.hub.tell_agents(AgentNews::Session(id.clone()));
    app.audit(actor, "agent_remove", Some(format!("agent:{id}")), None)
        .await;
    Ok(NoContent)
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Page {
    before: Option<i64>,
    limit: Option<u32>,
}

/// The audit log, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Audit {
    audit: Vec<AuditRow>,
}

pub(super) async fn audit(
    State(app): State<Arc<App>>,
    _who: Admin,
    Params(page): Params<Page>,
) -> Result<Json<Audit>, ApiError> {
    let audit = app
        .store
        .audit_log(page.before, page.limit.unwrap_or(100).clamp(1, 1000))
        .await?;
    Ok(Json(Audit { audit }))
}

/// Deliveries that were given up, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DeadLetters {
    dead_letters: Vec<OutboxRow>,
}

pub(super) async fn dead_letters(
    State(app): State<Arc<App>>,
    _who: Admin,
) -> Result<Json<DeadLetters>, ApiError> {
    let dead_letters = app.store.dead_letters(500).await?;
    Ok(Json(DeadLetters { dead_letters }))
}

pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: i64 = id.parse().map_err(|_| ApiError::not_found())?;
    let row = app
        .store
        .replay(id, app.clock.now())
        .await?
        .ok_or_else(ApiError::not_found)?;
    app.deliver(row);
    app.audit(actor, "replay", Some(format!("delivery:{id}")), None)
        .await;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn erase(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<String>,
) -> Result<NoContent, ApiError> {
    if !app.store.erase(&id).await? {
        return Err(ApiError::unknown_conversation(&id).help("it may have been erased already"));
    }
    app.turns.forget(&id);
    app.desk_dequeue(&id, "erased");
    if let Err(error) = app.store.scrub().await {
        tracing::warn!(%error, "the journal could not be emptied after an erasure");
    }
    app.audit(actor, "erase", Some(id), None).await;
    Ok(NoContent)
}
