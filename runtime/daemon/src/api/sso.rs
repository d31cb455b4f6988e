//! To the identity provider and back. Whatever happens there, the browser ends at the inbox, which says what went wrong.

use super::agent::session_cookie;
use super::error::ApiError;
use super::extract::{Params, Peer, cookie};
use crate::app::{App, same};
use crate::oidc::{LIFETIME, OidcError};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Binds a sign-in to the browser that began it, so that nobody can be signed in as somebody else by a link. It comes back from the
/// provider's site, so it is `Lax`.
const COOKIE: &str = "flow_sso";

fn to(place: &str, cookies: &[HeaderValue]) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(place) = HeaderValue::try_from(place) {
        headers.insert(header::LOCATION, place);
    }
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie.clone());
    }
    response
}

fn state_cookie(app: &App, state: &str, seconds: u64) -> Result<HeaderValue, ApiError> {
    let secure = if app.config.is_secure() {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{COOKIE}={state}; HttpOnly; SameSite=Lax; Path=/v1/agent/sso; Max-Age={seconds}{secure}"
    );
    HeaderValue::try_from(cookie).map_err(|_| ApiError::request("the cookie could not be made"))
}

/// A word for the inbox.
fn word(error: &OidcError) -> &'static str {
    match error {
        OidcError::Off | OidcError::Unavailable(_) | OidcError::Store(_) => "unavailable",
        OidcError::Expired => "expired",
        OidcError::Refused(_) => "refused",
        OidcError::Unknown(_) => "unknown",
    }
}

async fn failed(app: &App, peer: std::net::IpAddr, error: &OidcError) -> Response {
    tracing::warn!(%error, "a sign-in through the identity provider failed");
    if matches!(error, OidcError::Refused(_) | OidcError::Unknown(_)) {
        app.refused_sign_in("oidc".to_owned(), format!("{peer} {error}"))
            .await;
    }
    to(&format!("/inbox?sign_in={}", word(error)), &[])
}

/// Sends the browser to the provider.
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    Peer(peer): Peer,
) -> Result<Response, ApiError> {
    if app.config.oidc.is_none() {
        return Err(ApiError::not_configured("[oidc]"));
    }
    app.attempt_from(peer).map_err(ApiError::too_many)?;
    Ok(match app.begin_oidc().await {
        Ok((url, state)) => to(&url, &[state_cookie(&app, &state, LIFETIME.as_secs())?]),
        Err(error) => failed(&app, peer, &error).await,
    })
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Back {
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// The browser comes back with a code.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    Peer(peer): Peer,
    Params(back): Params<Back>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if app.config.oidc.is_none() {
        return Err(ApiError::not_configured("[oidc]"));
    }
    let begun = cookie(&headers, COOKIE).unwrap_or_default();
    let ours = !begun.is_empty() && same(begun.as_bytes(), back.state.as_bytes());
    let outcome = match (ours, back.code, back.error) {
        (false, ..) => Err(OidcError::Expired),
        (true, Some(code), None) => app.end_oidc(peer, &back.state, code).await,
        (true, _, Some(error)) => {
            let plain: String = error
                .chars()
                .filter(char::is_ascii_graphic)
                .take(60)
                .collect();
            Err(OidcError::Refused(format!("the provider said `{plain}`")))
        }
        (true, None, None) => Err(OidcError::Refused("the provider sent no code".to_owned())),
    };
    Ok(match outcome {
        Ok(signed_in) => {
            app.attempt_was_good(peer);
            app.desk_agent(&signed_in.agent);
            let session = session_cookie(&app, &signed_in.cookie)?;
            to("/inbox", &[session, state_cookie(&app, "", 0)?])
        }
        Err(error) => failed(&app, peer, &error).await,
    })
}
