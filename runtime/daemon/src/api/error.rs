//! Errors of the API: one form, fitting statuses.

use crate::turns::TurnError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flow_engine::Refusal;
use flow_engine::desk::DeskError;
use flow_store::StoreError;
use serde_json::json;
use std::time::Duration;

/// An error of the API.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    help: Option<String>,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// An error.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            help: None,
            retry_after: None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// 400.
    pub fn request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// 404 of a conversation; also of one that is not the caller's.
    #[must_use]
    pub fn unknown_conversation(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown_conversation",
            format!("there is no conversation `{id}`"),
        )
        .help("open one with POST /v1/conversations")
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
            .help("see docs/api.md for all addresses")
    }

    /// 404 of what could be there, but is not set up.
    #[must_use]
    pub fn not_configured(section: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_configured",
            "this is not set up here",
        )
        .help(format!("flow.toml has no {section}; see docs/operating.md"))
    }

    /// 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 429.
    #[must_use]
    pub fn too_many(wait: Duration) -> Self {
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "too many requests in a short time",
        )
        .help("wait for the time that Retry-After names, then try again");
        error.retry_after = Some(wait);
        error
    }

    /// 503.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
            .help("try again in a moment with the same id; it will not be done twice");
        error.retry_after = Some(Duration::from_secs(2));
        error
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body =
            Json(json!({"error": {"code": self.code, "message": self.message, "help": self.help}}));
        let mut response = (self.status, body).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::unavailable("busy", "too much is waiting to be stored"),
            StoreError::Unavailable(_) => {
                Self::unavailable("storage", "the store cannot write at the moment")
            }
            other => {
                tracing::error!(error = %other, "the store failed");
                Self::unavailable("storage", "the store failed")
            }
        }
    }
}

impl From<TurnError> for ApiError {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Unknown(id) => Self::unknown_conversation(&id),
            TurnError::Crowded => Self::too_many(Duration::from_secs(1)),
            TurnError::IdReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "id_reused",
                "this id came before with another body",
            )
            .help("give every message an id of its own, for example a UUID"),
            TurnError::Refused(Refusal::Unconfirmed { reminder }) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "reminder_open",
                format!("reminder {reminder} must be confirmed first"),
            )
            .help("confirm it with POST .../confirm"),
            TurnError::Refused(refusal @ Refusal::Unknown { .. }) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_value",
                refusal.to_string(),
            ),
            TurnError::Refused(Refusal::Closed) => Self::conflict(Refusal::Closed.to_string())
                .help("open a new one with POST /v1/conversations"),
            TurnError::NoCodeAsked => Self::conflict(error.to_string())
                .help("send the customer's words as `text`; `asks.kind` of the view is `code` while one is waited for"),
            TurnError::Refused(refusal) => Self::conflict(refusal.to_string()),
            TurnError::NoProgram(_) => Self::unavailable("no_program", error.to_string()),
            TurnError::Store(error) => error.into(),
            TurnError::Draining => Self::unavailable("draining", "the daemon is shutting down"),
        }
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        Self::conflict(error.to_string())
    }
}
