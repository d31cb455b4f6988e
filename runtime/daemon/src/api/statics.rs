//! The console, the widget and its demonstration page, built into the program.

use super::error::ApiError;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../console/dist"]
struct Dist;

/// Nothing from elsewhere, no inline scripts, nobody frames the console.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" | "webmanifest" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// Files, and the pages by their short names.
pub(super) async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_matches('/');
    if !matches!(*request.method(), Method::GET | Method::HEAD) || path.starts_with("v1/") {
        return ApiError::not_found().into_response();
    }
    let name = match path {
        "" => "index.html".to_owned(),
        other if other.contains('.') => other.to_owned(),
        other => format!("{other}.html"),
    };
    // The inbox is one page; its inner addresses are its own.
    let name = if Dist::get(&name).is_none() && path.starts_with("inbox/") {
        "inbox.html".to_owned()
    } else {
        name
    };
    let Some(file) = Dist::get(&name) else {
        return ApiError::not_found().into_response();
    };
    let tag = format!(
        "\"{}\"",
        crate::app::hex(file.metadata.sha256_hash().get(..16).unwrap_or_default())
    );
    let fresh = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let mut response = if fresh {
        axum::http::StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, media_type(&name))], file.data).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
