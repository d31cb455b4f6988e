//! Everything that lives as long as the daemon does.

use crate::auth::SignIns;
use crate::channels::Outbound;
use crate::channels::whatsapp::Inbound;
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::desk::DeskBox;
use crate::hub::Hub;
use crate::limits::RateLimits;
use crate::metrics::Metrics;
use crate::oidc::Pending;
use crate::program::Programs;
use crate::reload::ReloadState;
use crate::telemetry::Telemetry;
use crate::timers::Timers;
use crate::turns::Turns;
use flow_store::{NewAudit, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// The daemon.
pub struct App {
    /// What was configured.
    pub config: Config,
    /// The bot's folder.
    pub folder: PathBuf,
    /// The time.
    pub clock: Clock,
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Versions of the bot.
    pub programs: Programs,
    /// Conversations in memory.
    pub turns: Turns,
    /// Agents and queues.
    pub desk: DeskBox,
    /// Timers.
    pub timers: Timers,
    /// Streams.
    pub hub: Hub,
    /// Outgoing requests.
    pub delivery: Delivery,
    /// Messages on their way to messaging services.
    pub outbound: Outbound,
    /// Messages that came from WhatsApp.
    pub inbound: Inbound,
    /// Traces.
    pub telemetry: Telemetry,
    /// The last reload.
    pub reload: ReloadState,
    /// Attempts to sign in.
    pub sign_ins: SignIns,
    /// Sign-ins that are with the identity provider.
    pub pending_sign_ins: Pending,
    /// Limits for visitors.
    pub limits: RateLimits,
    /// Counters.
    pub metrics: Metrics,
    /// Whether it takes traffic.
    pub ready: AtomicBool,
    /// Turns true once, when the daemon goes down.
    pub stopping: watch::Sender<bool>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Whether the daemon goes down.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Whether it takes traffic.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && !self.is_stopping()
    }

    /// Adds a line to the audit log; a failure is logged, never hidden, and stops nothing.
    pub async fn audit(
        &self,
        actor: impl Into<String>,
        action: &str,
        target: Option<String>,
        detail: Option<String>,
    ) {
        let line = NewAudit {
            at: self.clock.now(),
            actor: actor.into(),
            action: action.to_owned(),
            target,
            detail,
        };
        if let Err(error) = self.store.audit(line).await {
            tracing::error!(%error, action, "the audit log could not be written");
        }
    }
}

/// Comes back when the daemon goes down.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone went down too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// A random name with a prefix: 160 bits, letters and digits.
#[must_use]
pub fn random_name(prefix: &str) -> String {
    let bytes: [u8; 20] = rand::random();
    format!("{prefix}{}", hex(&bytes))
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a string does not fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// The hash under which a secret is stored.
#[must_use]
pub fn secret_hash(secret: &str) -> Vec<u8> {
    blake3::hash(secret.as_bytes()).as_bytes().to_vec()
}

/// Compares in a time that does not depend on where two values differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    // BLAKE3's own comparison is constant in time, and equal lengths make equal work.
    blake3::hash(a) == blake3::hash(b)
}
