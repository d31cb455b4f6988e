//! What became of messages that Meta took: it says so later, and a message that did not arrive is not lost.

use super::CHANNEL;
use super::payload::{Delivered, Problem};
use super::send::{PASSING, WINDOW, name};
use crate::app::App;
use crate::channels::outbound::pause;
use crate::delivery::later;
use crate::metrics::count;
use flow_store::StoreError;
use std::sync::Arc;
use std::time::Duration;

/// How often, a second apart, a message is looked for of which Meta says that it failed: news may be faster than the answer to the request.
const LOOKS: u32 = 10;

/// Meta's word on a message of ours. Only when this returns may it be acknowledged.
pub(super) async fn told(app: &Arc<App>, status: Delivered) -> Result<(), StoreError> {
    match status.status.as_str() {
        "delivered" => {
            count(&app.metrics.channel_delivered);
            app.store.outbox_arrived(&name(&status.id)).await
        }
        // Receipts of delivery may be switched off, or get lost.
        "read" => app.store.outbox_arrived(&name(&status.id)).await,
        "failed" => {
            count(&app.metrics.channel_failures);
            let problem = status.errors.first().cloned().unwrap_or_default();
            if failed(app, &status.id, &problem).await? {
                return Ok(());
            }
            let app = Arc::clone(app);
            tokio::spawn(async move { look_again(&app, &status, &problem).await });
            Ok(())
        }
        _ => Ok(()),
    }
}

fn words(problem: &Problem) -> String {
    match problem.code {
        0 => "no reason was given".to_owned(),
        _ => problem.words(),
    }
}

/// Puts a message back, or gives it up; `false`: there is none of this name.
async fn failed(app: &Arc<App>, id: &str, problem: &Problem) -> Result<bool, StoreError> {
    let name = name(id);
    let Some((row, since)) = app.store.outbox_taken_as(&name).await? else {
        return Ok(false);
    };
    let now = app.clock.now();
    let again = match problem.code {
        WINDOW => {
            // Whether the window is open is for Meta to say.
            app.store.window_closed(&row.conversation, since).await?;
            Some(now)
        }
        code if PASSING.contains(&code) => pause(row.attempts).map(|wait| later(now, wait)),
        _ => None,
    };
    let why = words(problem);
    let Some(row) = app.store.outbox_missed(&name, &why, again).await? else {
        return Ok(true);
    };
    if again.is_some() {
        tracing::warn!(
            row = row.id,
            why,
            "a message did not arrive and is sent again"
        );
        app.deliver(row);
        return Ok(true);
    }
    tracing::error!(
        row = row.id,
        conversation = row.conversation,
        why,
        "a message did not arrive and was given up"
    );
    let text = format!("A message did not reach the customer: {why}");
    app.warn_agents(&row.conversation, text).await;
    Ok(true)
}

async fn look_again(app: &Arc<App>, status: &Delivered, problem: &Problem) {
    for _ in 0..LOOKS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match failed(app, &status.id, problem).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "news of a message waits for the store"),
        }
    }
    // A template, or one of another system that uses the number too.
    let why = words(problem);
    tracing::warn!(why, "WhatsApp could not deliver a message");
    if let Ok(Some(thread)) = app.store.thread(CHANNEL, &status.recipient_id).await {
        let text = format!("A message did not reach the customer: {why}");
        app.warn_agents(&thread.conversation, text).await;
    }
}
