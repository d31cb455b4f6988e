//! For operators: is it alive, is it ready, what runs, reload.

use super::error::ApiError;
use super::extract::{Operator, SignedIn};
use crate::app::App;
use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// The description of the API, for generators of clients.
pub(super) async fn openapi() -> ([(header::HeaderName, &'static str); 1], &'static str) {
    (
        [(header::CONTENT_TYPE, "application/json")],
        include_str!("openapi.json"),
    )
}

pub(super) async fn readyz(State(app): State<Arc<App>>) -> (StatusCode, String) {
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
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", missing.join("; ")),
        )
    }
}

pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    _who: Operator,
) -> Result<Response, ApiError> {
    let text = crate::metrics::render(&app).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

pub(super) async fn status(State(app): State<Arc<App>>, request: Request) -> Json<Value> {
    let (mut parts, _) = request.into_parts();
    let insider = SignedIn::from_request_parts(&mut parts, &app).await.is_ok()
        || Operator::from_request_parts(&mut parts, &app).await.is_ok();
    Json(shown(&app, insider))
}

/// The status; only insiders see the findings, which quote the source.
fn shown(app: &App, insider: bool) -> Value {
    let status = app.reload.status();
    let program = app.programs.current();
    let mut shown = json!({
        "title": program.as_ref().map(|p| p.title().to_owned()),
        "version": program.as_ref().map(|p| p.version.clone()),
        "loaded_at": status.loaded_at,
        "healthy": status.ok,
        "sign_in": {"sso": app.config.oidc.as_ref().map(|o| o.title.clone())},
    });
    if insider && let Some(map) = shown.as_object_mut() {
        let reload = json!({"at": status.at, "ok": status.ok, "findings": status.findings, "rendered": status.rendered});
        map.insert("reload".to_owned(), reload);
        map.insert("folder".to_owned(), json!(app.folder));
    }
    shown
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
    (status, Json(shown(&app, true))).into_response()
}
