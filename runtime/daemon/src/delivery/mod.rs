//! What leaves: webhooks, models, codes. Every row of the outbox is worked off at least once; its result is a turn that removes it.

mod breaker;
mod client;
mod convert;
pub mod egress;
mod model;
mod model_gates;
mod model_prompt;
pub mod signature;
mod verify;
mod webhook;

pub(crate) use client::{LARGEST, Outgoing, SendError, retry_after};
pub use convert::payload;

use crate::app::App;
use crate::turns::{Command, TurnError};
use flow_engine::effect::Effect;
use flow_engine::event::EventKind;
use flow_store::{Consumed, OutboxRow};
use jiff::SignedDuration;
use opentelemetry::context::FutureExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Webhooks under way at most.
const WEBHOOKS: usize = 256;
/// Model requests under way at most.
const MODELS: usize = 64;

/// What deliveries share.
pub struct Delivery {
    egress: egress::Egress,
    breakers: breaker::Breakers,
    webhooks: Semaphore,
    models: Semaphore,
}

impl Delivery {
    /// From the configuration.
    #[must_use]
    pub fn new(config: &crate::config::Egress) -> Self {
        Self {
            egress: egress::Egress::new(config),
            breakers: breaker::Breakers::default(),
            webhooks: Semaphore::new(WEBHOOKS),
            models: Semaphore::new(MODELS),
        }
    }
}

impl App {
    /// Works a row off, now or when it is due.
    pub(crate) fn deliver(self: &Arc<Self>, row: OutboxRow) {
        if row.kind == crate::channels::MESSAGE {
            return self.send_in_order(row);
        }
        let app = Arc::clone(self);
        let cause = self.telemetry.cause(&row.conversation);
        let work = async move {
            let left = row.due.duration_since(app.clock.now());
            if let Ok(wait) = Duration::try_from(left) {
                tokio::time::sleep(wait).await;
            }
            let result = app.result_of(&row).await;
            app.report(&row, result).await;
        };
        tokio::spawn(work.with_context(cause));
    }

    /// Everything that was under way when the daemon ended.
    pub(crate) async fn resume_deliveries(self: &Arc<Self>) -> Result<(), flow_store::StoreError> {
        for row in self.store.outbox().await? {
            self.deliver(row);
        }
        Ok(())
    }

    /// Takes up what `flowd dead-letters replay` asked for from beside the daemon.
    pub(crate) async fn take_up_replays(self: &Arc<Self>) -> Result<(), flow_store::StoreError> {
        for id in self.store.replays_asked().await? {
            if let Some(row) = self.store.replay(id, self.clock.now()).await? {
                self.deliver(row);
            }
        }
        Ok(())
    }

    async fn result_of(self: &Arc<Self>, row: &OutboxRow) -> Delivered {
        let effect = match serde_json::from_str::<Effect>(&row.payload) {
            Ok(effect) => effect,
            Err(error) => {
                tracing::error!(%error, row = row.id, "a delivery cannot be read");
                return Delivered::Unreadable(format!("it cannot be read: {error}"));
            }
        };
        let kind = match effect {
            Effect::CallWebhook {
                call,
                webhook,
                request,
                ..
            } => {
                let result = self.call_webhook(row, &webhook, &request).await;
                // What only asks is asked again by the flow; what was to change something elsewhere has not, and somebody may want it to.
                if let Err(error) = &result
                    && request.method != "GET"
                {
                    let error = error.clone();
                    return Delivered::GivenUp(EventKind::WebhookDone { call, result }, error);
                }
                Some(EventKind::WebhookDone { call, result })
            }
            Effect::AskModel(request) => Some(self.ask_model(&row.conversation, *request).await),
            Effect::Verify { field, contact } => self.send_code(row, &field, &contact).await,
            Effect::CheckCode { code } => self.check_code(row, &code).await,
            _ => None,
        };
        kind.map_or(Delivered::Nothing, Delivered::Event)
    }

    async fn tell(
        self: &Arc<Self>,
        row: &OutboxRow,
        kind: &EventKind,
        consumed: Consumed,
    ) -> Result<(), TurnError> {
        let command = Command::consuming(kind.clone(), consumed);
        let _turn = self.telemetry.turn(&row.conversation, "result");
        self.turn(&row.conversation, command).await.map(drop)
    }

    /// Tells the conversation; tried until it is stored.
    async fn report(self: &Arc<Self>, row: &OutboxRow, result: Delivered) {
        let mut wait = Duration::from_millis(100);
        loop {
            let outcome = match &result {
                Delivered::Event(kind) => self.tell(row, kind, Consumed::Outbox(row.id)).await,
                Delivered::GivenUp(kind, error) => {
                    let consumed = Consumed::GivenUp {
                        row: row.id,
                        error: error.clone(),
                    };
                    self.tell(row, kind, consumed).await
                }
                Delivered::Nothing => self
                    .store
                    .outbox_done(row.id)
                    .await
                    .map_err(TurnError::from),
                Delivered::Unreadable(error) => self
                    .store
                    .outbox_dead(row.id, error)
                    .await
                    .map_err(TurnError::from),
            };
            match outcome {
                Err(error @ (TurnError::Store(_) | TurnError::Crowded)) => {
                    tracing::warn!(%error, row = row.id, "a result waits for the store");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
                Err(TurnError::NoProgram(version)) => {
                    let error = format!("the version `{version}` of the bot is not there any more");
                    let _ = self.store.outbox_dead(row.id, &error).await;
                    return;
                }
                _ => return,
            }
        }
    }
}

/// What became of a row of the outbox.
enum Delivered {
    /// What the conversation is told.
    Event(EventKind),
    /// What the conversation is told, and why the row is a dead letter.
    GivenUp(EventKind, String),
    /// Nothing follows from it.
    Nothing,
    /// Nobody can say what it is.
    Unreadable(String),
}

/// Waits before attempt `n` (from 1): doubling from `first`, with up to a quarter of jitter.
pub(crate) fn backoff(first: Duration, n: u32) -> Duration {
    let base = first.saturating_mul(1 << n.saturating_sub(1).min(6));
    base.mul_f64(rand::random_range(1.0..1.25))
}

/// Milliseconds as a duration.
pub(crate) fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// A moment after `now`.
pub(crate) fn later(now: jiff::Timestamp, by: Duration) -> jiff::Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| now.checked_add(by).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}
