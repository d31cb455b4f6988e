//! From the log to the outbox: what turns of a messaging service's conversations say to the customer.

use super::{MESSAGE, whatsapp};
use crate::app::App;
use flow_engine::Recorded;
use flow_engine::effect::Effect;
use flow_store::{NewOutbox, StoreError};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Rows of a log read at once.
const PAGE: u32 = 500;
/// Parts of one message at most; they follow each other in the outbox.
const PARTS: u32 = 64;

/// Conversations whose log went on.
#[derive(Debug, Default)]
pub(crate) struct Pump {
    waiting: Mutex<BTreeSet<String>>,
    woken: Notify,
}

impl Pump {
    /// A turn of a conversation is in the log.
    pub(crate) fn turned(&self, conversation: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(conversation.to_owned());
        drop(waiting);
        self.woken.notify_one();
    }

    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Fills the outbox until the daemon ends; first with what was left when it last did.
pub(crate) async fn run(app: Arc<App>) {
    loop {
        match app.store.behind().await {
            Ok(left) => {
                left.iter().for_each(|id| app.hub.pump.turned(id));
                break;
            }
            Err(error) => {
                tracing::warn!(%error, "the logs of messaging services wait for the store");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    loop {
        app.hub.pump.woken.notified().await;
        for conversation in app.hub.pump.take() {
            if let Err(error) = hand_over(&app, &conversation).await {
                tracing::warn!(%error, conversation, "messages wait for the store");
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    app.hub.pump.turned(&conversation);
                });
            }
        }
    }
}

/// A body with its receiver: a later conversation with the same customer changes nothing about it.
fn addressed(mut body: serde_json::Value, to: &str) -> String {
    if let Some(body) = body.as_object_mut() {
        body.insert("to".to_owned(), to.into());
    }
    body.to_string()
}

/// Puts what the log of a conversation says since the last time into the outbox.
pub(super) async fn hand_over(app: &Arc<App>, conversation: &str) -> Result<(), StoreError> {
    let Some(mut thread) = app.store.thread_of(conversation).await? else {
        return Ok(());
    };
    loop {
        let rows = app.store.log(conversation, thread.sent, PAGE).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        thread.sent = last.seq;
        let mut out = Vec::new();
        for row in &rows {
            let record: Recorded = serde_json::from_str(&row.record)?;
            for (place, effect) in (0_u32..).zip(&record.effects) {
                let Effect::Send(message) = effect else {
                    continue;
                };
                let parts = whatsapp::compose(message, app.config.public_url.as_deref());
                out.extend((0..PARTS).zip(parts).map(|(part, body)| NewOutbox {
                    seq: record.seq,
                    idx: place.saturating_mul(PARTS).saturating_add(part),
                    kind: MESSAGE.into(),
                    payload: addressed(body, &thread.address),
                    due: record.event.at,
                }));
            }
        }
        let stored = app.store.hand_over(conversation, thread.sent, out).await?;
        for row in stored {
            app.deliver(row);
        }
    }
}
