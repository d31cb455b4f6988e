//! Codes that prove an address.

use super::client::{LARGEST, Outgoing};
use super::{backoff, later, signature};
use crate::app::{App, same};
use crate::metrics::count;
use flow_engine::event::EventKind;
use flow_store::{OutboxRow, Verification};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Codes that are looked at, whatever the bot's own number of tries; then the verification has failed.
const ATTEMPTS: u32 = 5;
/// No code will be the right one any more.
const FAILED: EventKind = EventKind::Verified {
    ok: false,
    again: false,
};
/// Codes that one address is sent in [`CODES_TIME`], whoever asks for them: nobody's mailbox is to be flooded, and nobody is to guess at the
/// code of somebody else in one conversation after the other.
const CODES: u32 = 5;
const CODES_TIME: Duration = Duration::from_secs(600);
/// Attempts to send a code.
const SENDS: u32 = 3;

fn code_hash(conversation: &str, code: &str) -> Vec<u8> {
    let digits: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    blake3::derive_key(
        "flow verification code",
        format!("{conversation}\n{digits}").as_bytes(),
    )
    .to_vec()
}

impl App {
    /// Sends a code. `None`: the customer is to enter it; else the verification failed.
    pub(super) async fn send_code(
        self: &Arc<Self>,
        row: &OutboxRow,
        field: &str,
        contact: &str,
    ) -> Option<EventKind> {
        let Some(config) = &self.config.verification else {
            tracing::error!(
                "a bot wants to verify an address, but flow.toml has no [verification]; it counts as failed"
            );
            return Some(FAILED);
        };
        let whose = contact.trim().to_lowercase();
        if self.limits.codes.take(whose, CODES, CODES_TIME).is_err() {
            count(&self.metrics.limited);
            tracing::warn!(
                conversation = row.conversation,
                "too many codes were sent to one address; the verification counts as failed"
            );
            return Some(FAILED);
        }
        let code = format!("{:06}", rand::random_range(0..1_000_000));
        let verification = Verification {
            conversation: row.conversation.clone(),
            field: field.into(),
            hash: code_hash(&row.conversation, &code),
            expires: later(
                self.clock.now(),
                Duration::from_secs(config.lifetime_seconds),
            ),
            attempts: 0,
        };
        if self.store.put_verification(verification).await.is_err() {
            return Some(FAILED);
        }
        let body = json!({"field": field, "contact": contact, "code": code, "conversation": row.conversation}).to_string();
        let secret = config
            .secret_env
            .as_ref()
            .map(|name| self.config.environment.secret(name));
        let secret = match secret.transpose() {
            Ok(secret) => secret,
            Err(error) => {
                tracing::error!(
                    error,
                    "codes cannot be signed; the verification counts as failed"
                );
                return Some(FAILED);
            }
        };
        for attempt in 1..=SENDS {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let id = format!("code_{}", row.id);
            let at = self.clock.now().as_second();
            let mut signed = vec![
                ("webhook-id", id.clone()),
                ("webhook-timestamp", at.to_string()),
            ];
            if let Some(secret) = &secret {
                signed.push((
                    "webhook-signature",
                    signature::sign(secret, &id, at, body.as_bytes()),
                ));
            }
            for (name, value) in signed {
                if let Ok(value) = HeaderValue::try_from(value) {
                    headers.insert(name, value);
                }
            }
            let request = Outgoing {
                method: Method::POST,
                url: config.url.clone(),
                headers,
                body: Some(body.clone().into_bytes()),
                timeout: Duration::from_secs(10),
                largest: LARGEST,
            };
            match self.send(request).await {
                Ok(answer) if answer.status.is_success() => return None,
                Ok(answer) => {
                    tracing::warn!(status = answer.status.as_u16(), "a code could not be sent")
                }
                Err(error) => tracing::warn!(%error, "a code could not be sent"),
            }
            tokio::time::sleep(backoff(Duration::from_millis(500), attempt)).await;
        }
        Some(FAILED)
    }

    /// Checks a code.
    pub(super) async fn check_code(
        self: &Arc<Self>,
        row: &OutboxRow,
        code: &str,
    ) -> Option<EventKind> {
        let conversation = &row.conversation;
        let Ok(found) = self.store.verification(conversation).await else {
            return Some(FAILED);
        };
        let Some(mut under_way) = found else {
            return Some(FAILED);
        };
        let expired = under_way.expires <= self.clock.now();
        let good = !expired
            && under_way.attempts < ATTEMPTS
            && same(&code_hash(conversation, code), &under_way.hash);
        under_way.attempts += 1;
        let again = !expired && under_way.attempts < ATTEMPTS;
        let stored = if good {
            self.store.remove_verification(conversation).await
        } else {
            self.store.put_verification(under_way).await
        };
        if let Err(error) = stored {
            tracing::error!(%error, "a verification could not be stored");
            return Some(FAILED);
        }
        Some(EventKind::Verified {
            ok: good,
            again: !good && again,
        })
    }
}
