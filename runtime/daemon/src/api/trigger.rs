//! Events of other systems: checked, stored, then worked off.

use super::error::ApiError;
use super::extract::{Address, Params, Raw};
use crate::app::App;
use crate::channels::whatsapp;
use crate::delivery::signature;
use crate::schemes::{Known, slack};
use crate::turns::{Command, TurnError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flow_compiler::machine::Trigger;
use flow_compiler::value::Value;
use flow_engine::event::EventKind;
use flow_store::{Delivery, MessageKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use smol_str::SmolStr;
use std::sync::Arc;
use std::time::Duration;

/// Conversations of one customer that an event reaches.
const REACHED: u32 = 20;

pub(super) fn wrong_signature(why: &str) -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "wrong_signature",
        format!("the signature is not accepted: {why}"),
    )
}

/// An event that was stored.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Stored {
    id: String,
    /// It came before, and has no further effect.
    duplicate: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Challenge {
    #[serde(rename = "hub.mode")]
    pub(super) mode: String,
    #[serde(rename = "hub.verify_token")]
    pub(super) token: String,
    #[serde(rename = "hub.challenge")]
    pub(super) challenge: String,
}

/// Meta asks, before it sends anything, whether the address is ours: it knows the word that was agreed on, and gets its challenge back.
pub(super) async fn challenge(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    Params(asked): Params<Challenge>,
) -> Result<String, ApiError> {
    let program = app
        .programs
        .current()
        .ok_or_else(|| ApiError::unavailable("no_program", "no bot is loaded"))?;
    let machine = program.engine.machine();
    let meta = |t: &&Trigger| t.path == path && t.scheme == "meta";
    if machine.triggers.iter().find(meta).is_none() {
        return Err(ApiError::not_configured(
            "a trigger that is `signed meta` here, in the bot",
        ));
    }
    let name = app.config.triggers.meta_verify_env.as_ref();
    let name = name.ok_or_else(|| ApiError::not_configured("[triggers] meta_verify_env"))?;
    agreed(&app, name, &asked.mode, &asked.token).map(|()| asked.challenge)
}

/// Whether Meta knows the word that was agreed on.
///
/// # Errors
/// 403 if it does not.
pub(super) fn agreed(app: &App, variable: &str, mode: &str, token: &str) -> Result<(), ApiError> {
    let expected = app.config.environment.secret(variable);
    let good = expected.is_ok_and(|e| crate::app::same(e.as_bytes(), token.as_bytes()));
    if mode == "subscribe" && good {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "not_allowed",
        "the verify token is wrong",
    ))
}

pub(super) async fn receive(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    Address(url): Address,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, ApiError> {
    let program = app
        .programs
        .current()
        .ok_or_else(|| ApiError::unavailable("no_program", "no bot is loaded"))?;
    let machine = program.engine.machine();
    let trigger = machine
        .triggers
        .iter()
        .find(|t| t.path == path)
        .ok_or_else(ApiError::not_found)?;
    let known = authenticate(&app, trigger, &url, &headers, &body)?;
    if trigger.scheme == "slack"
        && let Some(challenge) = slack::challenge(&body)
    {
        return Ok(Json(json!({"challenge": challenge})).into_response());
    }
    // What does not fit its type is refused before anything is stored: the sender learns of it.
    let payload = read(trigger, &headers, &body)?;
    crate::delivery::payload(machine, trigger, &payload)
        .map_err(|e| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", e))?;
    let body = payload.to_string().into_bytes();
    let delivery = Delivery {
        id: format!("{path}:{}", known.id),
        also: known.also.map(|also| format!("{path}:{also}")),
        trigger: trigger.name.clone(),
        hash: blake3::hash(&body).as_bytes().to_vec(),
        body,
        at: app.clock.now(),
    };
    let duplicate = match app.store.put_delivery(delivery.clone()).await? {
        Some(hash) if hash != delivery.hash => {
            return Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "id_reused",
                "this id came before with another body",
            ));
        }
        known => known.is_some(),
    };
    let scheme = trigger.scheme.clone();
    if !duplicate {
        let worker = Arc::clone(&app);
        tokio::spawn(async move { work_off(&worker, delivery).await });
    }
    Ok(match scheme.as_str() {
        // Anything but empty TwiML would be a reply to the customer, or an error in Twilio's log.
        "twilio" => ([(header::CONTENT_TYPE, "text/xml")], "<Response/>").into_response(),
        // To a command or a button, any words would be shown to who used it.
        "slack" => StatusCode::OK.into_response(),
        _ => {
            let stored = Stored {
                id: known.id,
                duplicate,
            };
            (StatusCode::ACCEPTED, Json(stored)).into_response()
        }
    })
}

/// The payload as JSON. Twilio and Slack send forms too.
fn read(
    trigger: &Trigger,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<serde_json::Value, ApiError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    let form = content_type.is_some_and(crate::schemes::is_form);
    match trigger.scheme.as_str() {
        "twilio" if form => return Ok(crate::schemes::twilio::payload(trigger, body)),
        "slack" if form => match slack::wrapped(body) {
            Some(json) => return read_json(json.as_bytes()),
            None => return Ok(crate::schemes::form::payload(trigger, body, |_| None)),
        },
        _ => {}
    }
    read_json(body)
}

fn read_json(body: &[u8]) -> Result<serde_json::Value, ApiError> {
    serde_json::from_slice(body).map_err(|e| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("the body is no JSON: {e}"),
        )
    })
}

/// Checks who sent it; by what a repetition is known.
fn authenticate(
    app: &App,
    trigger: &Trigger,
    url: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Known, ApiError> {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let now = app.clock.now().as_second();
    let Some(secret) = &trigger.secret else {
        // A trigger without a signature is the author's decision; it is known by its content.
        return Ok(Known {
            id: crate::app::hex(blake3::hash(body).as_bytes()),
            also: None,
        });
    };
    let secret = app.config.environment.secret(secret).map_err(|_| {
        tracing::error!(trigger = %trigger.name, variable = %secret, "a trigger's secret is not set");
        wrong_signature("its secret is not set here")
    })?;
    let verified = crate::schemes::verify(&trigger.scheme, &secret, url, &header, body, now);
    verified.map_err(|e: signature::Wrong| {
        let needed = crate::schemes::headers(&trigger.scheme);
        wrong_signature(&e.to_string()).help(format!("it stands in {needed}"))
    })
}

/// Events that were stored before the daemon ended.
pub(crate) async fn resume(app: &Arc<App>) -> Result<(), flow_store::StoreError> {
    for delivery in app.store.deliveries().await? {
        if delivery.trigger == whatsapp::DELIVERY {
            whatsapp::again(app, delivery);
            continue;
        }
        let app = Arc::clone(app);
        tokio::spawn(async move { work_off(&app, delivery).await });
    }
    Ok(())
}

async fn work_off(app: &Arc<App>, delivery: Delivery) {
    let mut wait = Duration::from_millis(200);
    while let Err(error) = once(app, &delivery).await {
        tracing::warn!(%error, delivery = delivery.id, "an event of another system waits");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(30));
        if app.is_stopping() {
            return;
        }
    }
}

async fn once(app: &Arc<App>, delivery: &Delivery) -> Result<(), TurnError> {
    if let Some(program) = app.programs.current() {
        let machine = program.engine.machine();
        let trigger = machine.triggers.iter().find(|t| t.name == delivery.trigger);
        let payload = trigger.and_then(|t| {
            let json = serde_json::from_slice(&delivery.body).ok()?;
            crate::delivery::payload(machine, t, &json)
                .ok()
                .map(|p| (t, p))
        });
        if let Some((trigger, payload)) = payload {
            for id in reached(app, machine, trigger, &payload).await? {
                let kind = EventKind::Triggered {
                    trigger: trigger.name.clone(),
                    payload: payload.clone(),
                };
                let key = MessageKey {
                    id: format!("t:{}", delivery.id),
                    hash: delivery.hash.clone(),
                };
                let span = app.telemetry.turn(&id, "trigger");
                let outcome = app.turn(&id, Command::keyed(kind, key)).await;
                drop(span);
                match outcome {
                    Ok(_)
                    | Err(
                        TurnError::Refused(_)
                        | TurnError::Unknown(_)
                        | TurnError::NoProgram(_)
                        | TurnError::IdReused,
                    ) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(app.store.delivery_done(&delivery.id).await?)
}

/// The open conversations of the customer whom the payload names, if they have proven to be that one: whoever merely says so must not be
/// told what another system knows. Without `find` none.
async fn reached(
    app: &App,
    machine: &flow_compiler::machine::Machine,
    trigger: &Trigger,
    payload: &std::collections::BTreeMap<SmolStr, Value>,
) -> Result<Vec<String>, TurnError> {
    let Some(field) = trigger.find_by.and_then(|f| machine.customer_field(f)) else {
        return Ok(Vec::new());
    };
    let Some(Value::Text(value)) = payload.get(&field.name) else {
        return Ok(Vec::new());
    };
    let found = app
        .store
        .conversations_of(&field.name, &value.trim().to_lowercase(), true, REACHED)
        .await?;
    Ok(found
        .into_iter()
        .filter(|s| s.stage != "closed")
        .map(|s| s.id)
        .collect())
}
