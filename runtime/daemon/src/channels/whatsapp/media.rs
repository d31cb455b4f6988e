//! Files that customers send: their address first, then their bytes.

use super::payload::Media;
use super::send::authorization;
use crate::api::customer::LARGEST_FILE;
use crate::app::App;
use crate::config::WhatsApp;
use crate::delivery::{Outgoing, backoff};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Attempts to fetch a file.
const FETCHES: u32 = 4;

/// A name for a picture that has none.
pub(super) fn named(mime: &str) -> String {
    let (kind, rest) = mime.split_once('/').unwrap_or(("file", ""));
    let ending = rest.split([';', '+']).next().unwrap_or_default().trim();
    let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).collect();
    match ending.as_str() {
        "" => kind.to_owned(),
        "jpeg" => format!("{kind}.jpg"),
        other => format!("{kind}.{other}"),
    }
}

#[derive(Debug, Deserialize)]
struct Found {
    url: String,
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    file_size: u64,
}

/// A file: first its address, then its bytes.
pub(super) async fn fetch(app: &Arc<App>, media: &Media) -> Result<(String, Vec<u8>), String> {
    let config = app
        .config
        .whatsapp
        .as_ref()
        .ok_or("flow.toml has no [whatsapp]")?;
    let plain = media
        .id
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if !plain {
        return Err("its id is not valid".to_owned());
    }
    let mut error = String::new();
    for attempt in 1..=FETCHES {
        match once(app, config, media).await {
            Ok(found) => return Ok(found),
            Err((why, false)) => return Err(why),
            Err((why, true)) => error = why,
        }
        if attempt < FETCHES {
            tokio::time::sleep(backoff(Duration::from_millis(500), attempt)).await;
        }
    }
    Err(error)
}

/// One attempt; the error says whether another may go better.
async fn once(
    app: &App,
    config: &WhatsApp,
    media: &Media,
) -> Result<(String, Vec<u8>), (String, bool)> {
    let headers = authorization(app, config).map_err(|e| (e, false))?;
    let get = |url: String, headers: HeaderMap, largest: usize| Outgoing {
        method: Method::GET,
        url,
        headers,
        body: None,
        timeout: Duration::from_secs(30),
        largest,
    };
    let url = format!("{}/{}", config.api_url.trim_end_matches('/'), media.id);
    let found = read(app, get(url, headers.clone(), 64 << 10)).await?;
    let found: Found = serde_json::from_slice(&found).map_err(|e| (e.to_string(), false))?;
    if found.file_size > LARGEST_FILE as u64 {
        return Err(("it is larger than 10 MB".to_owned(), false));
    }
    let bytes = read(app, get(found.url, headers, LARGEST_FILE)).await?;
    let mime = match found.mime_type.as_str() {
        "" => media.mime_type.clone(),
        _ => found.mime_type,
    };
    Ok((mime, bytes))
}

async fn read(app: &App, request: Outgoing) -> Result<Vec<u8>, (String, bool)> {
    let answer = app
        .send(request)
        .await
        .map_err(|e| (e.to_string(), e.is_transient()))?;
    let status = answer.status;
    if status.is_success() {
        return Ok(answer.body);
    }
    let again = status.is_server_error() || status.as_u16() == 429;
    Err((format!("WhatsApp answered {}", status.as_u16()), again))
}
