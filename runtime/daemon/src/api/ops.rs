//! For operators: is it alive, is it ready, what runs, reload.

use super::error::ApiError;
use super::extract::{Operator, SignedIn};
use crate::app::App;
use crate::findings::Finding;
use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use flow_store::VersionInUse;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use smol_str::SmolStr;
use std::sync::Arc;

pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// The description of the API, for generators of clients.
pub(super) async fn openapi() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, super::describe::document()).into_response()
}

pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let mut missing = Vec::new();
    if app.programs.current().is_none() {
        missing.push("no bot is loaded".to_owned());
    }
    if app.is_stopping() {
        missing.push("shutting down".to_owned());
    } else if !app.is_ready() {
        missing.push("starting".to_owned());
    }
    if let Err(error) = app.store.check().await {
        missing.push(error.to_string());
    }
    if missing.is_empty() {
        "ok\n".into_response()
    } else {
        let missing = format!("{}\n", missing.join("; "));
        (StatusCode::SERVICE_UNAVAILABLE, missing).into_response()
    }
}

pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    _who: Operator,
) -> Result<Response, ApiError> {
    let text = crate::metrics::render(&app).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// What runs, and how the last reload went.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    /// The bot's.
    title: Option<String>,
    /// The version that new conversations get.
    version: Option<SmolStr>,
    loaded_at: Option<Timestamp>,
    /// Whether the folder's last edit was good.
    healthy: bool,
    sign_in: SignInWays,
    /// For insiders.
    #[serde(skip_serializing_if = "Option::is_none")]
    reload: Option<LastReload>,
    /// The bot's folder; for insiders.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    /// The current version and those that open conversations still have; for insiders.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<VersionInUse>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SignInWays {
    /// What the button of the identity provider says; null: there is none.
    sso: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LastReload {
    at: Option<Timestamp>,
    ok: bool,
    findings: Vec<Finding>,
    /// The findings for a terminal.
    rendered: String,
}

pub(super) async fn status(State(app): State<Arc<App>>, request: Request) -> Json<Status> {
    let (mut parts, _) = request.into_parts();
    let insider = SignedIn::from_request_parts(&mut parts, &app).await.is_ok()
        || Operator::from_request_parts(&mut parts, &app).await.is_ok();
    Json(shown(&app, insider).await)
}

/// The status; only insiders see the findings, which quote the source.
async fn shown(app: &App, insider: bool) -> Status {
    let status = app.reload.status();
    let program = app.programs.current();
    let versions = if insider {
        app.store.versions().await.ok()
    } else {
        None
    };
    Status {
        title: program.as_ref().map(|p| p.title().to_owned()),
        version: program.as_ref().map(|p| p.version.clone()),
        loaded_at: status.loaded_at,
        healthy: status.ok,
        sign_in: SignInWays {
            sso: app.config.oidc.as_ref().map(|o| o.title.clone()),
        },
        reload: insider.then_some(LastReload {
            at: status.at,
            ok: status.ok,
            findings: status.findings,
            rendered: status.rendered,
        }),
        folder: insider.then(|| app.folder.display().to_string()),
        versions,
    }
}

pub(super) async fn reload(State(app): State<Arc<App>>, who: Operator) -> Response {
    let ok = app.reload_now("request").await;
    app.audit(
        who.0,
        "reload",
        None,
        Some(if ok { "loaded" } else { "refused" }.to_owned()),
    )
    .await;
    let status = if ok {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    (status, Json(shown(&app, true).await)).into_response()
}
