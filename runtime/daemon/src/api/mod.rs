//! The HTTP API: addresses, limits, headers. `docs/api.md` is its description.

mod admin;
pub(crate) mod agent;
mod commands;
pub(crate) mod customer;
mod describe;
mod desk;
mod error;
mod extract;
pub(crate) mod files;
pub(crate) mod opening;
mod ops;
mod proposals;
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
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with, put_with};
use aide::openapi::OpenApi;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use describe::{about, also, answers, resumes, speaks, takes};
use opentelemetry::KeyValue;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::SpanKind;
use schemars::json_schema;
use serde_json::{Map, Value};
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
/// The media type of streams.
const STREAM: &str = "text/event-stream";
const MINUTE: Duration = Duration::from_secs(60);
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);

/// All addresses.
pub fn router(app: Arc<App>) -> Router {
    routes()
        .finish_api(&mut OpenApi::default())
        .fallback(statics::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(JSON_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// All addresses with what is said of them; the OpenAPI document is made from this.
fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new()
        .merge(for_customers())
        .merge(for_agents())
        .merge(for_admins())
        .merge(for_systems())
        .merge(for_operators())
}

fn for_customers() -> ApiRouter<Arc<App>> {
    const TAG: &str = "customer";
    let one = "/v1/conversations/{id}";
    let at = |rest: &str| format!("{one}{rest}");
    ApiRouter::new()
        .api_route(
            "/v1/widget",
            get_with(opening::widget, about(TAG, "what a widget needs before it opens a conversation")),
        )
        .api_route(
            "/v1/conversations",
            post_with(opening::open, about(TAG, "opens a conversation")),
        )
        .api_route(one, get_with(customer::get, about(TAG, "the view and all messages")))
        .api_route(
            &at("/messages"),
            post_with(
                customer::send,
                answers::<customer::Taken<'_>>(TAG, "the customer writes, presses a button or enters a code"),
            ),
        )
        .api_route(
            &at("/files"),
            post_with(files::upload, |o| {
                let bytes = json_schema!({"type": "string", "format": "binary", "maxLength": customer::LARGEST_FILE});
                o.with(answers::<customer::Taken<'_>>(TAG, "the customer sends a file"))
                    .with(takes(&["*/*"], bytes))
            })
            .layer(DefaultBodyLimit::max(customer::LARGEST_FILE)),
        )
        .api_route(&at("/typing"), post_with(customer::typing, about(TAG, "the customer types")))
        .api_route(
            &at("/leave"),
            post_with(customer::leave, answers::<customer::Taken<'_>>(TAG, "the customer is gone")),
        )
        .api_route(
            &at("/events"),
            get_with(stream::customer, |o| {
                o.with(speaks(TAG, "the stream: message, view, typing, bye", 200, STREAM))
                    .with(resumes)
            }),
        )
        .api_route(
            "/v1/files/{conversation}/{file}",
            get_with(files::file, |o| {
                o.with(speaks(TAG, "a file that was sent", 200, "*/*"))
                    .with(also(&["session"]))
            }),
        )
}

fn for_agents() -> ApiRouter<Arc<App>> {
    const TAG: &str = "agent";
    let own = |rest: &str| format!("/v1/agent{rest}");
    let one = |rest: &str| format!("/v1/agent/conversations/{{id}}{rest}");
    ApiRouter::new()
        .api_route(
            &own("/sign-in"),
            post_with(agent::sign_in, answers::<agent::Profile>(TAG, "signs in; sets the cookie")),
        )
        .api_route(
            &own("/sso"),
            get_with(sso::begin, speaks(TAG, "sends the browser to the identity provider", 303, "")),
        )
        .api_route(
            &own("/sso/callback"),
            get_with(
                sso::end,
                speaks(
                    TAG,
                    "where the identity provider sends the browser back to; sets the session's cookie",
                    303,
                    "",
                ),
            ),
        )
        .api_route(&own("/sign-out"), post_with(agent::sign_out, speaks(TAG, "signs out", 204, "")))
        .api_route(&own("/me"), get_with(agent::me, about(TAG, "who is signed in")))
        .api_route(&own("/presence"), put_with(agent::presence, about(TAG, "moves the switch")))
        .api_route(
            &own("/stream"),
            get_with(stream::agent, |o| {
                let summary = "the stream: desk, turn, offer, offer_ended, alert, typing, program, bye";
                o.with(speaks(TAG, summary, 200, STREAM)).with(resumes)
            }),
        )
        .api_route(&own("/queue"), get_with(agent::queue, about(TAG, "the queue in service order")))
        .api_route(&own("/conversations"), get_with(agent::list, about(TAG, "conversations, newest first")))
        .api_route(&one(""), get_with(agent::conversation, about(TAG, "one conversation with its card")))
        .api_route(&one("/log"), get_with(agent::log, about(TAG, "why everything happened")))
        .api_route(&one("/accept"), post_with(commands::accept, about(TAG, "takes the offer")))
        .api_route(&one("/decline"), post_with(commands::decline, about(TAG, "declines the offer")))
        .api_route(&one("/take"), post_with(commands::take, about(TAG, "takes from the queue")))
        .api_route(
            &one("/messages"),
            post_with(commands::order::<commands::Written>, about(TAG, "writes to the customer")),
        )
        .api_route(
            &one("/notes"),
            post_with(commands::order::<commands::Note>, about(TAG, "writes a note for people")),
        )
        .api_route(
            &one("/confirm"),
            post_with(commands::order::<commands::Confirm>, about(TAG, "confirms a reminder")),
        )
        .api_route(&one("/resolve"), post_with(commands::order::<commands::Resolve>, about(TAG, "settles it")))
        .api_route(
            &one("/return"),
            post_with(commands::order::<commands::Return>, about(TAG, "gives it back to the bot")),
        )
        .api_route(
            &one("/transfer"),
            post_with(commands::order::<commands::Transfer>, about(TAG, "passes it to a team")),
        )
        .api_route(&one("/typing"), post_with(commands::typing, about(TAG, "the agent types")))
        .api_route(&own("/follow-ups"), get_with(agent::follow_ups, about(TAG, "tickets and callbacks")))
        .api_route(
            &own("/follow-ups/{id}/done"),
            post_with(agent::follow_up_done, about(TAG, "closes a ticket or callback")),
        )
        .api_route(
            &own("/proposals"),
            get_with(proposals::list, about(TAG, "what the last conversations suggest to change in the bot")),
        )
        .api_route(
            &own("/proposals/{id}/confirm"),
            post_with(proposals::confirm, about(TAG, "a reviewer is for it; its author makes the edit")),
        )
        .api_route(
            &own("/proposals/{id}/dismiss"),
            post_with(proposals::dismiss, about(TAG, "a reviewer is against it")),
        )
        .api_route(&own("/dashboard"), get_with(agent::dashboard, about(TAG, "numbers of the last hours")))
}

fn for_admins() -> ApiRouter<Arc<App>> {
    const TAG: &str = "admin";
    ApiRouter::new()
        .api_route(
            "/v1/admin/agents",
            get_with(admin::agents, about(TAG, "all agents")),
        )
        .api_route(
            "/v1/admin/agents/{id}",
            put_with(admin::put_agent, about(TAG, "adds or changes an agent"))
                .delete_with(admin::remove_agent, about(TAG, "removes an agent")),
        )
        .api_route(
            "/v1/admin/audit",
            get_with(admin::audit, about(TAG, "the audit log, newest first")),
        )
        .api_route(
            "/v1/admin/dead-letters",
            get_with(
                admin::dead_letters,
                about(TAG, "deliveries that were given up"),
            ),
        )
        .api_route(
            "/v1/admin/dead-letters/{id}/replay",
            post_with(
                admin::replay,
                speaks(TAG, "tries a delivery again", 202, ""),
            ),
        )
        .api_route(
            "/v1/admin/conversations/{id}",
            delete_with(admin::erase, about(TAG, "erases a conversation")),
        )
}

fn for_systems() -> ApiRouter<Arc<App>> {
    const CHANNEL: &str = "channel";
    let object = || json_schema!({"type": "object"});
    ApiRouter::new()
        .api_route(
            "/v1/triggers/{*path}",
            get_with(
                trigger::challenge,
                speaks(
                    "trigger",
                    "Meta asks whether the address of a trigger signed `meta` is ours",
                    200,
                    "text/plain",
                ),
            )
            .post_with(trigger::receive, |o| {
                o.with(speaks(
                    "trigger",
                    "an event of another system, signed",
                    200,
                    "text/xml",
                ))
                .response_with::<202, Json<trigger::Stored>, _>(|r| r.description("stored"))
                .with(takes(
                    &["application/json", "application/x-www-form-urlencoded"],
                    object(),
                ))
            })
            .layer(DefaultBodyLimit::max(TRIGGER_BODY)),
        )
        .api_route(
            "/v1/channels/whatsapp",
            get_with(
                whatsapp::verify,
                speaks(
                    CHANNEL,
                    "Meta asks whether the address is ours",
                    200,
                    "text/plain",
                ),
            )
            .post_with(whatsapp::receive, |o| {
                let summary = "messages of WhatsApp and what became of ours, signed by Meta";
                o.with(speaks(CHANNEL, summary, 200, ""))
                    .with(takes(&["application/json"], object()))
            })
            .layer(DefaultBodyLimit::max(NOTIFICATION_BODY)),
        )
}

fn for_operators() -> ApiRouter<Arc<App>> {
    const TAG: &str = "ops";
    const PLAIN: &str = "text/plain";
    ApiRouter::new()
        .api_route(
            "/v1/openapi.json",
            get_with(
                ops::openapi,
                answers::<Map<String, Value>>(TAG, "this document"),
            ),
        )
        .api_route(
            "/v1/status",
            get_with(ops::status, |o| {
                o.with(about(TAG, "what runs, and how the last reload went"))
                    .with(also(&["key"]))
                    .with(also(&[]))
                    .with(also(&["session"]))
            }),
        )
        .api_route(
            "/livez",
            get_with(ops::livez, speaks(TAG, "is it alive", 200, PLAIN)),
        )
        .api_route(
            "/readyz",
            get_with(ops::readyz, speaks(TAG, "does it take traffic", 200, PLAIN)),
        )
        .api_route(
            "/metrics",
            get_with(ops::metrics, speaks(TAG, "Prometheus", 200, PLAIN)),
        )
        .api_route(
            "/-/reload",
            post_with(
                ops::reload,
                answers::<ops::Status>(TAG, "compiles the folder now"),
            ),
        )
}

async fn method_not_allowed(request: Request) -> ApiError {
    let message = format!("{} is not possible here", request.method());
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}

fn forbidden_origin() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "forbidden_origin",
        "the request comes from a page of another site",
    )
    .help("name sites that show the widget in `origins`, and where people reach us in `public_url`")
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
    let changes = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
    let foreign = changes && extract::is_foreign(&parts.headers, app.config.public_url.as_deref());
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
    let most = app.config.limits.requests;
    let network = crate::limits::network(peer);
    let limited = if path.starts_with("/v1/channels/") {
        // Many customers stand behind the few addresses of a messaging service.
        let most = most.saturating_mul(SERVICE);
        app.limits.services.take(network, most, MINUTE)
    } else {
        app.limits.requests.take(network, most, MINUTE)
    };
    let mut response = match limited {
        Err(wait) if !matches!(path.as_str(), "/livez" | "/readyz") => {
            count(&app.metrics.limited);
            ApiError::too_many(wait).into_response()
        }
        _ if method == Method::OPTIONS && allowed.is_some() => {
            StatusCode::NO_CONTENT.into_response()
        }
        // Nothing is changed for a page of a site that was not named, whatever else it may have got hold of.
        _ if foreign && allowed.is_none() => forbidden_origin().into_response(),
        _ if !extract::is_utf8(&path) => {
            let message = "the address is not UTF-8";
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_utf8", message).into_response()
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
