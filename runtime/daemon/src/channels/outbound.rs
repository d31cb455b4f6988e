//! Messages on their way to customers: one at a time per customer, tried again until the service takes them or they are given up.

use super::lanes::Lanes;
use super::whatsapp;
use crate::app::App;
use crate::delivery::later;
use crate::hub::AgentNews;
use crate::metrics::count;
use flow_store::{OutboxRow, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// Waits between attempts; after the last one a message is given up.
const WAITS: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(1800),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
];

/// How long to wait after so many attempts before; `None`: it is given up.
pub(super) fn pause(attempts: u32) -> Option<Duration> {
    let usual = WAITS.get(usize::try_from(attempts).ok()?)?;
    Some(usual.mul_f64(rand::random_range(1.0..1.25)))
}

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The service has it; under this name it may still say that it did not arrive.
    Taken(Option<Vec<u8>>),
    /// Nobody is there to get it any more.
    Gone,
    /// Another attempt may go better, after this time if the service named one.
    Again(String, Option<Duration>),
    /// Nothing was sent: the customer has to write first, or the service rests. It waits so long at most.
    Held(String, Duration),
    /// It will never go.
    Failed(String),
}

/// The messages on their way, by the customer's address.
#[derive(Debug, Default)]
pub struct Outbound(Lanes<String, OutboxRow>);

impl Outbound {
    /// The customer wrote: what was held for them goes now.
    pub(super) fn wake(&self, address: &str, now: jiff::Timestamp) {
        self.0
            .wake(&address.to_owned(), |row| row.due = row.due.min(now));
    }
}

/// Whom a message is for.
fn address(row: &OutboxRow) -> String {
    let body = serde_json::from_str::<serde_json::Value>(&row.payload).ok();
    let to = body.as_ref().and_then(|b| b.get("to")?.as_str());
    to.unwrap_or(&row.conversation).to_owned()
}

impl App {
    /// Sends a message after those before it.
    pub(crate) fn send_in_order(self: &Arc<Self>, row: OutboxRow) {
        let address = address(&row);
        // One that comes back takes its old place.
        if self.outbound.0.push_by(&address, row, |row| row.id) {
            let app = Arc::clone(self);
            tokio::spawn(async move { app.send_all(&address).await });
        }
    }

    async fn send_all(self: Arc<Self>, address: &String) {
        let mut stopping = self.stopping.subscribe();
        while let Some((next, woken)) = self.outbound.0.front(address) {
            let left = next.due.duration_since(self.clock.now());
            tokio::select! {
                biased;
                // What is left lies in the store for the next start.
                () = crate::app::stopped(&mut stopping) => return,
                () = tokio::time::sleep(Duration::try_from(left).unwrap_or_default()) => {}
                () = woken.notified() => {}
            }
            // One that came back meanwhile may stand before it.
            let Some(mut row) = self.outbound.0.begin(address, |row| row.id == next.id) else {
                continue;
            };
            let attempt = whatsapp::send(&self, &row).await;
            let (outcome, done) = match attempt {
                Attempt::Taken(name) => {
                    count(&self.metrics.channel_sent);
                    let noted = match name {
                        Some(name) => self.store.outbox_taken(row.id, &name).await,
                        None => self.store.outbox_done(row.id).await,
                    };
                    (noted, true)
                }
                Attempt::Gone => (self.store.outbox_done(row.id).await, true),
                Attempt::Failed(why) => (self.give_up(&row, &why).await, true),
                Attempt::Held(why, wait) => {
                    row.due = later(self.clock.now(), wait);
                    (self.store.outbox_defer(row.id, row.due, &why).await, false)
                }
                Attempt::Again(why, wait) => {
                    let usual = pause(row.attempts);
                    row.attempts += 1;
                    match usual {
                        Some(jitter) => {
                            row.due = later(self.clock.now(), wait.unwrap_or(jitter).max(jitter));
                            (self.defer(&row, &why).await, false)
                        }
                        None => (self.give_up(&row, &why).await, true),
                    }
                }
            };
            if let Err(error) = outcome {
                tracing::warn!(%error, row = row.id, "a message waits for the store");
                row.due = later(self.clock.now(), Duration::from_secs(1));
                // One that the service has is only to be struck off.
                if done && !self.strike_off(row.id).await {
                    return;
                }
            }
            if done {
                self.outbound.0.done(address);
            } else {
                self.outbound.0.change(address, row);
            }
        }
    }

    async fn defer(&self, row: &OutboxRow, why: &str) -> Result<(), StoreError> {
        tracing::warn!(row = row.id, why, "a message is tried again");
        self.store.outbox_begun(row.id).await?;
        self.store.outbox_defer(row.id, row.due, why).await
    }

    async fn give_up(&self, row: &OutboxRow, why: &str) -> Result<(), StoreError> {
        count(&self.metrics.channel_failures);
        tracing::error!(
            row = row.id,
            conversation = row.conversation,
            why,
            "a message was given up"
        );
        self.store.outbox_dead(row.id, why).await?;
        self.warn_agents(
            &row.conversation,
            format!("A message did not reach the customer: {why}"),
        )
        .await;
        Ok(())
    }

    /// Tries until the store is there again, or the daemon ends; then the next start sends it once more.
    async fn strike_off(&self, row: i64) -> bool {
        while !self.is_stopping() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.store.outbox_done(row).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Tells the agents who see a conversation.
    pub(super) async fn warn_agents(&self, conversation: &str, text: String) {
        if let Ok(Some(summary)) = self.store.summary(conversation).await {
            self.hub.tell_agents(AgentNews::Alert {
                summary: Arc::new(summary),
                text,
            });
        }
    }
}
