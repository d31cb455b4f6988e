//! Files that customers send, and who may fetch them.

use super::customer::{admit_stored, clean, command, limit, limit_messages};
use super::error::ApiError;
use super::extract::{Params, Peer, VisitorToken, command_id};
use crate::app::{App, hex};
use crate::turns::Input;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flow_compiler::value::FileValue;
use flow_store::{StoreError, StoredFile};
use schemars::JsonSchema;
use serde::Deserialize;
use smol_str::SmolStr;
use std::sync::Arc;
use std::time::Duration;

/// The time in which megabytes are counted.
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    id: SmolStr,
    name: String,
    #[serde(default, rename = "token")]
    _token: Option<String>,
}

pub(super) async fn upload(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Peer(peer): Peer,
    Params(upload): Params<Upload>,
    VisitorToken(token): VisitorToken,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    command_id(&upload.id)?;
    admit_stored(&app, &id, token.as_deref()).await?;
    limit_messages(&app, &id)?;
    let bytes = bytes.map_err(|_| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the file is larger than 10 MB",
        )
    })?;
    if bytes.is_empty() {
        return Err(ApiError::request("the file is empty"));
    }
    let name = clean(&upload.name)?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a file has far fewer than 2^52 bytes"
    )]
    let megabytes = bytes.len() as f64 / f64::from(1 << 20);
    let most = app.config.limits.upload_megabytes;
    let network = crate::limits::network(peer);
    limit(
        &app,
        app.limits.uploads.take_many(network, megabytes, most, HOUR),
    )?;
    let mime = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/octet-stream");
    let received = Received {
        id: &upload.id,
        name: &name,
        mime,
        bytes: bytes.to_vec(),
    };
    let (file, hash) = keep(&app, &id, received).await?;
    let input = Input::File {
        id: upload.id.clone(),
        file,
    };
    command(&app, &id, &upload.id, hash.as_bytes().to_vec(), input).await
}

/// A file as it came.
pub(crate) struct Received<'a> {
    /// The sender's id of the message.
    pub(crate) id: &'a str,
    /// What its sender calls it.
    pub(crate) name: &'a str,
    /// Its media type.
    pub(crate) mime: &'a str,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

/// Stores a file, before the turn that speaks of it; answers what the turn says of it, and its hash.
pub(crate) async fn keep(
    app: &App,
    conversation: &str,
    received: Received<'_>,
) -> Result<(FileValue, blake3::Hash), StoreError> {
    let name: String = received
        .name
        .replace(['/', '\\', '\n', '\t', '\0'], "_")
        .chars()
        .take(120)
        .collect();
    let mime: String = received
        .mime
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase()
        .chars()
        .take(100)
        .collect();
    let bytes = received.bytes;
    let hash = blake3::Hasher::new()
        .update(b"file\n")
        .update(name.as_bytes())
        .update(b"\n")
        .update(&bytes)
        .finalize();
    // The same upload again gets the same place.
    let file_id = format!(
        "f_{}",
        hex(
            blake3::hash(format!("{}\n{}", received.id, hash).as_bytes())
                .as_bytes()
                .get(..12)
                .unwrap_or_default()
        )
    );
    let file = FileValue {
        name: name.as_str().into(),
        url: format!("/v1/files/{conversation}/{file_id}").into(),
        mime: mime.as_str().into(),
        bytes: bytes.len() as u64,
    };
    app.store
        .put_file(StoredFile {
            id: file_id,
            conversation: conversation.to_owned(),
            name,
            mime,
            data: bytes,
        })
        .await?;
    Ok((file, hash))
}

/// A file: for the visitor with the token, or for an agent who may see the conversation.
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Path((conversation, file)): Path<(String, String)>,
    VisitorToken(token): VisitorToken,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match super::extract::cookie(&headers, crate::auth::COOKIE).filter(|_| token.is_none()) {
        Some(cookie) => {
            let (agent, _) = app
                .session(&cookie)
                .await?
                .ok_or_else(|| ApiError::unknown_conversation(&conversation))?;
            super::agent::visible(&app, &agent, &conversation).await?;
            super::agent::viewed(&app, &agent, &conversation).await;
        }
        None => drop(admit_stored(&app, &conversation, token.as_deref()).await?),
    }
    let found = app
        .store
        .file(&conversation, &file)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let picture = matches!(
        found.mime.as_str(),
        "image/png" | "image/jpeg" | "image/gif" | "image/webp"
    );
    let mime = if picture {
        found.mime.as_str()
    } else {
        "application/octet-stream"
    };
    let encoded: String = url::form_urlencoded::byte_serialize(found.name.as_bytes())
        .collect::<String>()
        .replace('+', "%20");
    let disposition = format!(
        "{}; filename*=UTF-8''{encoded}",
        if picture { "inline" } else { "attachment" }
    );
    let headers = [
        (header::CONTENT_TYPE, mime.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
    ];
    Ok((headers, found.data).into_response())
}
