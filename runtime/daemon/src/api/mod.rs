//! The HTTP API: addresses, limits, headers. `docs/api.md` is its description.

mod admin;
pub(crate) mod agent;
mod commands;
pub(crate) mod customer;
mod desk;
mod error;
mod extract;
pub(crate) mod files;
pub(crate) mod opening;
mod ops;
mod sso;
mod statics;
mod stream;
pub(crate) mod trigger;
pub(crate) mod view;
mod whatsapp;

pub use error::ApiError;

use crate::app::App;
use crate::metrics::count;
use crate::telemetry::{STATUS, Timed};
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use opentelemetry::KeyValue;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::SpanKind;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a JSON body at most.
const JSON_BODY: usize = 256 << 10;
/// Bytes of a trigger's body at most.
const TRIGGER_BODY: usize = 1 << 20;
/// Bytes of a notification of Meta at most, as Meta says.
const NOTIFICATION_BODY: usize = 3 << 20;
/// A messaging service may ask so many times as often as an address of visitors.
const SERVICE: u32 = 50;
const MINUTE: Duration = Duration::from_secs(60);
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);

/// All addresses.
pub fn router(app: Arc<App>) -> Router {
    let conversations = Router::new()
        .route("/", post(opening::open))
        .route("/{id}", get(customer::get))
        .route("/{id}/messages", post(customer::send))
        .route(
            "/{id}/files",
            post(files::upload).layer(DefaultBodyLimit::max(customer::LARGEST_FILE)),
        )
        .route("/{id}/typing", post(customer::typing))
        .route("/{id}/leave", post(customer::leave))
        .route("/{id}/events", get(stream::customer));
    let one = Router::new()
        .route("/", get(agent::conversation))
        .route("/log", get(agent::log))
        .route("/accept", post(commands::accept))
        .route("/decline", post(commands::decline))
        .route("/take", post(commands::take))
        .route("/messages", post(commands::order::<commands::Written>))
        .route("/notes", post(commands::order::<commands::Note>))
        .route("/confirm", post(commands::order::<commands::Confirm>))
        .route("/resolve", post(commands::order::<commands::Resolve>))
        .route("/return", post(commands::order::<commands::Return>))
        .route("/transfer", post(commands::order::<commands::Transfer>))
        .route("/typing", post(commands::typing));
    let agents = Router::new()
        .route("/sign-in", post(agent::sign_in))
        .route("/sso", get(sso::begin))
        .route("/sso/callback", get(sso::end))
        .route("/sign-out", post(agent::sign_out))
        .route("/me", get(agent::me))
        .route("/presence", put(agent::presence))
        .route("/stream", get(stream::agent))
        .route("/queue", get(agent::queue))
        .route("/conversations", get(agent::list))
        .nest("/conversations/{id}", one)
        .route("/follow-ups", get(agent::follow_ups))
        .route("/follow-ups/{id}/done", post(agent::follow_up_done))
        .route("/dashboard", get(agent::dashboard));
    let admin = Router::new()
        .route("/agents", get(admin::agents))
        .route(
            "/agents/{id}",
            put(admin::put_agent).delete(admin::remove_agent),
        )
        .route("/audit", get(admin::audit))
        .route("/dead-letters", get(admin::dead_letters))
        .route("/dead-letters/{id}/replay", post(admin::replay))
        .route("/conversations/{id}", delete(admin::erase));
    Router::new()
        .nest("/v1/admin", admin)
        .nest("/v1/conversations", conversations)
        .nest("/v1/agent", agents)
        .route("/v1/widget", get(opening::widget))
        .route("/v1/files/{conversation}/{file}", get(files::file))
        .route(
            "/v1/triggers/{*path}",
            post(trigger::receive).layer(DefaultBodyLimit::max(TRIGGER_BODY)),
        )
        .route(
            "/v1/channels/whatsapp",
            get(whatsapp::verify)
                .post(whatsapp::receive)
                .layer(DefaultBodyLimit::max(NOTIFICATION_BODY)),
        )
        .route("/v1/openapi.json", get(ops::openapi))
        .route("/v1/status", get(ops::status))
        .route("/livez", get(ops::livez))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .route("/-/reload", post(ops::reload))
        .fallback(statics::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(JSON_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

async fn method_not_allowed(request: Request) -> ApiError {
    let message = format!("{} is not possible here", request.method());
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}

/// The span of a request: its route, nothing of what it carries. Probes are not worth one.
fn request_span(app: &App, parts: &Parts) -> Timed {
    let route = parts.extensions.get::<MatchedPath>();
    let route = route.map_or("other", MatchedPath::as_str);
    if !app.telemetry.is_on() || matches!(route, "/livez" | "/readyz" | "/metrics") {
        return Timed::default();
    }
    let method = parts.method.as_str();
    let attributes = [
        KeyValue::new("http.request.method", method.to_owned()),
        KeyValue::new("http.route", route.to_owned()),
    ];
    let name = format!("{method} {route}");
    app.telemetry.begin(name, SpanKind::Server, attributes)
}

/// What surrounds every request: limits, the widget's origins, headers, one line in the log without contents.
async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let mut span = request_span(&app, &parts);
    let peer = extract::peer(&parts, &app);
    let origin = parts.headers.get(header::ORIGIN).cloned();
    // Only what visitors use is open to other sites, and only to those named.
    let shared = ["/v1/conversations", "/v1/widget", "/v1/files/"]
        .iter()
        .any(|p| path.starts_with(p));
    let allowed = origin.filter(|o| {
        shared
            && app
                .config
                .origins
                .iter()
                .any(|a| a.as_bytes() == o.as_bytes())
    });
    let mut most = app.config.limits.requests;
    if path.starts_with("/v1/channels/") {
        // Many customers stand behind the few addresses of a messaging service.
        most = most.saturating_mul(SERVICE);
    }
    let limited = app.limits.requests.take(peer, most, MINUTE);
    let mut response = match limited {
        Err(wait) if !matches!(path.as_str(), "/livez" | "/readyz") => {
            count(&app.metrics.limited);
            ApiError::too_many(wait).into_response()
        }
        _ if method == Method::OPTIONS && allowed.is_some() => {
            StatusCode::NO_CONTENT.into_response()
        }
        _ => {
            let (body, left) = crate::accept::TimedBody::new(body, BODY_TIME);
            let response = next
                .run(Request::from_parts(parts, axum::body::Body::new(body)))
                .with_context(span.context())
                .await;
            if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
                crate::accept::drain(left).await;
            }
            response
        }
    };
    let headers = response.headers_mut();
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST"),
        );
        let names = "authorization, content-type, last-event-id";
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(names),
        );
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("600"),
        );
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    span.set(STATUS, i64::from(response.status().as_u16()));
    if response.status().is_server_error() {
        span.fail("the daemon could not answer");
    }
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(%method, path, status = response.status().as_u16(), ms, "request");
    response
}
