//! What agents do to conversations. Every command carries an id and is done once.

use super::agent::{unknown, visible};
use super::customer::{OnlyId, Typing, clean};
use super::error::ApiError;
use super::extract::{Body, SignedIn, command_id};
use crate::app::App;
use crate::hub::Heard;
use crate::turns::{Command, Outcome};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::NoContent;
use flow_compiler::machine::Machine;
use flow_engine::desk::DeskError;
use flow_engine::event::EventKind;
use flow_store::{MessageKey, Summary};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// What a command did.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Done {
    conversation: Summary,
    /// The turn's number.
    seq: u64,
    /// It was done before.
    duplicate: bool,
}

type Answer = Result<Json<Done>, ApiError>;

fn answer(outcome: &Outcome) -> Json<Done> {
    Json(Done {
        conversation: (*outcome.summary).clone(),
        seq: outcome.seq,
        duplicate: outcome.duplicate,
    })
}

fn done(conversation: Summary, duplicate: bool) -> Json<Done> {
    Json(Done {
        seq: conversation.seq,
        conversation,
        duplicate,
    })
}

/// A command of an agent to one conversation.
pub(super) trait Order: DeserializeOwned + JsonSchema {
    /// Its id; it belongs to the agent.
    fn id(&self) -> &str;

    /// What of the running bot it must fit, if anything.
    fn fits(&self, _machine: &Machine) -> Result<(), ApiError> {
        Ok(())
    }

    /// The event that it is, and what tells it from another of the same kind and id.
    fn event(self, agent: SmolStr) -> Result<(EventKind, String), ApiError>;
}

/// Runs a command, once per id.
pub(super) async fn order<T: Order>(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<T>,
) -> Answer {
    command_id(body.id())?;
    let id = format!("a:{}:{}", who.agent.id, body.id());
    visible(&app, &who.agent, &conversation).await?;
    let (program, _, _) = app.snapshot(&conversation).await?;
    body.fits(program.engine.machine())?;
    let (kind, said) = body.event(who.agent.id.clone())?;
    let word = crate::turns::messages::event_word(&kind);
    let hash = blake3::hash(format!("{word}\n{said}").as_bytes());
    let key = MessageKey {
        id,
        hash: hash.as_bytes().to_vec(),
    };
    let _span = app.telemetry.turn(&conversation, "agent");
    let outcome = app.turn(&conversation, Command::keyed(kind, key)).await?;
    Ok(answer(&outcome))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reservation {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    reservation: u64,
}

/// Whether this conversation is what this agent was offered under this number: whoever is asked may know of it, of whatever team it is.
fn offered(app: &App, who: &SignedIn, conversation: &str, reservation: u64) -> bool {
    let offer = super::desk::offer(app, conversation, &who.agent.id);
    offer.is_some_and(|offer| offer.reservation == reservation)
}

pub(super) async fn accept(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Reservation>,
) -> Answer {
    command_id(&body.id)?;
    if !offered(&app, &who, &conversation, body.reservation) {
        visible(&app, &who.agent, &conversation).await?;
    }
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
) -> Option<Json<Done>> {
    let summary = app.store.summary(conversation).await.ok()??;
    let mine = summary.agent.as_ref().is_some_and(|a| a.id == who.agent.id);
    let has_it = matches!(summary.stage.as_str(), "reviewing" | "with_agent");
    let same = reservation.is_none() || summary.reservation == reservation;
    (mine && has_it && same).then(|| done(summary, true))
}

pub(super) async fn decline(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Reservation>,
) -> Answer {
    command_id(&body.id)?;
    if !offered(&app, &who, &conversation, body.reservation) {
        visible(&app, &who.agent, &conversation).await?;
        return Err(DeskError::Gone.into());
    }
    let summary = app
        .store
        .summary(&conversation)
        .await?
        .ok_or_else(|| unknown(&conversation))?;
    app.decline(&who.agent.id, body.reservation)?;
    Ok(done(summary, false))
}

/// To the customer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    text: String,
}

impl Order for Written {
    fn id(&self) -> &str {
        &self.id
    }

    fn event(self, agent: SmolStr) -> Result<(EventKind, String), ApiError> {
        let (id, text) = (self.id, clean(&self.text)?);
        let said = text.clone();
        Ok((EventKind::AgentMessage { agent, id, text }, said))
    }
}

/// For people only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Note(Written);

impl Order for Note {
    fn id(&self) -> &str {
        self.0.id()
    }

    fn event(self, agent: SmolStr) -> Result<(EventKind, String), ApiError> {
        let (id, text) = (self.0.id, clean(&self.0.text)?);
        let said = text.clone();
        Ok((EventKind::AgentNote { agent, id, text }, said))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    reminder: u32,
}

impl Order for Confirm {
    fn id(&self) -> &str {
        &self.id
    }

    fn fits(&self, machine: &Machine) -> Result<(), ApiError> {
        let known = machine.assist.reminders.len();
        if usize::try_from(self.reminder).is_ok_and(|index| index < known) {
            return Ok(());
        }
        let why = format!("there is no reminder `{}`", self.reminder);
        Err(
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", why)
                .help("the card's `reminders` have their `index`"),
        )
    }

    fn event(self, agent: SmolStr) -> Result<(EventKind, String), ApiError> {
        let reminder = self.reminder;
        let kind = EventKind::AgentConfirmed { agent, reminder };
        Ok((kind, reminder.to_string()))
    }
}

/// An optional text: blank ones are absent.
fn optional(text: Option<String>) -> Result<Option<String>, ApiError> {
    text.filter(|t| !t.trim().is_empty())
        .map(|t| clean(&t))
        .transpose()
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolve {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    #[serde(default)]
    summary: Option<String>,
}

impl Order for Resolve {
    fn id(&self) -> &str {
        &self.id
    }

    fn event(self, agent: SmolStr) -> Result<(EventKind, String), ApiError> {
        let summary = optional(self.summary)?;
        let said = summary.clone().unwrap_or_default();
        Ok((EventKind::AgentResolved { agent, summary }, said))
    }
}

/// Back to the bot.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Return {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    #[serde(default)]
    reason: Option<String>,
}

impl Order for Return {
    fn id(&self) -> &str {
        &self.id
    }

    fn event(self, agent: SmolStr) -> Result<(EventKind, String), ApiError> {
        let reason = optional(self.reason)?;
        let said = reason.clone().unwrap_or_default();
        Ok((EventKind::AgentReturned { agent, reason }, said))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Transfer {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    team: SmolStr,
    #[serde(default)]
    reason: Option<String>,
}

impl Order for Transfer {
    fn id(&self) -> &str {
        &self.id
    }

    fn event(self, agent: SmolStr) -> Result<(EventKind, String), ApiError> {
        let (team, reason) = (self.team, optional(self.reason)?);
        let said = format!("{team}\n{}", reason.clone().unwrap_or_default());
        let kind = EventKind::AgentTransferred {
            agent,
            team,
            reason,
        };
        Ok((kind, said))
    }
}

pub(super) async fn typing(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(conversation): Path<String>,
    Body(body): Body<Typing>,
) -> Result<NoContent, ApiError> {
    let summary = visible(&app, &who.agent, &conversation).await?;
    if summary.stage == "with_agent" && summary.agent.as_ref().is_some_and(|a| a.id == who.agent.id)
    {
        app.hub.tell(&conversation, Heard::Typing(body.typing));
    }
    Ok(NoContent)
}
