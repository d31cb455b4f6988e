//! The webhook that Meta calls.

use super::error::ApiError;
use super::extract::{Params, Raw};
use super::trigger::Challenge;
use crate::app::App;
use crate::channels::whatsapp;
use crate::config::WhatsApp;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use std::sync::Arc;

fn config(app: &App) -> Result<&WhatsApp, ApiError> {
    app.config
        .whatsapp
        .as_ref()
        .ok_or_else(|| ApiError::not_configured("[whatsapp]"))
}

/// Meta asks whether the address is ours.
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    Params(query): Params<Challenge>,
) -> Result<String, ApiError> {
    let config = config(&app)?;
    let agreed = super::trigger::agreed(&app, &config.verify_token_env, &query.mode, &query.token);
    agreed.map(|()| query.challenge)
}

/// Messages and what became of ours. Answered when they are stored.
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<StatusCode, ApiError> {
    let config = config(&app)?;
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let secret = app.config.environment.secret(&config.app_secret_env);
    let secret = secret.map_err(|_| {
        tracing::error!(variable = %config.app_secret_env, "the secret of the WhatsApp app is not set");
        super::trigger::wrong_signature("its secret is not set here")
    })?;
    let now = app.clock.now().as_second();
    crate::schemes::verify("meta", &secret, "", &header, &body, now)
        .map_err(|e| super::trigger::wrong_signature(&e.to_string()))?;
    let news: whatsapp::Notification = serde_json::from_slice(&body).map_err(|e| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("the body is no notification: {e}"),
        )
    })?;
    whatsapp::accept(&app, news).await?;
    Ok(StatusCode::OK)
}
