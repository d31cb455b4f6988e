//! Streams: server-sent events for customers and agents. What was missed is read from the log; what is new comes from the hub.

use super::error::ApiError;
use super::extract::{Params, Peer, SignedIn, VisitorToken};
use crate::app::App;
use crate::hub::{AgentNews, Heard};
use crate::metrics::count;
use crate::turns::messages::{Message, parse_id};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

/// Events that may wait for a slow reader before it is told to come again.
const WAITING: usize = 256;
/// A reader who takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(30);
/// Streams of one conversation at most: a visitor's windows.
const LISTENERS: usize = 50;
/// When to come again if there are too many.
const CROWDED: Duration = Duration::from_secs(5);
/// How often the stream of an agent looks whether its sign-in still holds: it may have ended in another process (`flowd agent remove`).
const LOOK: Duration = Duration::from_secs(5);
/// Rows read at once.
const PAGE: u32 = 500;

/// Server-sent events.
type Events = Response;

/// A channel's end as a stream.
pub(super) struct Receiver(mpsc::Receiver<Event>);

impl Stream for Receiver {
    type Item = Result<Event, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|event| event.map(Ok))
    }
}

/// Where a stream writes to. `Gone` ends it.
#[derive(Clone)]
pub(super) struct Sink(mpsc::Sender<Event>);

/// The reader is gone.
pub(super) struct Gone;

impl Sink {
    pub(super) async fn send(
        &self,
        name: &str,
        id: Option<&str>,
        data: &impl serde::Serialize,
    ) -> Result<(), Gone> {
        let event = Event::default()
            .event(name)
            .json_data(data)
            .map_err(|_| Gone)?;
        let event = match id {
            Some(id) => event.id(id),
            None => event,
        };
        match tokio::time::timeout(PATIENCE, self.0.send(event)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

/// Starts a stream; `work` writes to it until the reader is gone.
pub(super) fn start<F, W>(work: W) -> Events
where
    W: FnOnce(Sink) -> F,
    F: Future<Output = Result<(), Gone>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING);
    let writing = work(Sink(sender.clone()));
    tokio::spawn(async move {
        tokio::select! {
            _ = writing => {}
            () = sender.closed() => {}
        }
    });
    Sse::new(Receiver(receiver))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response()
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct After {
    after: Option<String>,
}

pub(super) fn resume_point(headers: &HeaderMap, query: &After) -> Option<String> {
    let header = headers
        .get("last-event-id")
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned);
    header
        .filter(|h| !h.is_empty())
        .or_else(|| query.after.clone())
}

/// The stream of a conversation for its customer.
pub(super) async fn customer(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Peer(peer): Peer,
    VisitorToken(token): VisitorToken,
    Params(query): Params<After>,
    headers: HeaderMap,
) -> Result<Events, ApiError> {
    super::customer::admit_stored(&app, &id, token.as_deref()).await?;
    // A stream holds a connection: nobody holds so many that none is left for others.
    let (limits, most) = (&app.limits, (app.config.connections / 2).max(1));
    let held = limits
        .listeners
        .hold(id.clone(), LISTENERS)
        .zip(limits.streams.hold(crate::limits::network(peer), most));
    let held = held.ok_or_else(|| {
        count(&app.metrics.limited);
        ApiError::too_many(CROWDED)
    })?;
    let after = match resume_point(&headers, &query) {
        Some(point) => {
            parse_id(&point).ok_or_else(|| ApiError::request("`Last-Event-ID` is none of ours"))?
        }
        None => (0, 0),
    };
    Ok(start(move |sink| async move {
        let _held = held;
        follow(&app, &id, after, &sink).await
    }))
}

async fn follow(app: &Arc<App>, id: &str, mut after: (u64, u32), sink: &Sink) -> Result<(), Gone> {
    let mut stopping = app.stopping.subscribe();
    'from_log: loop {
        // Listen first, then read: nothing falls between the two.
        let mut heard = app.hub.listen(id);
        let Ok((program, conversation, summary)) = app.snapshot(id).await else {
            return Ok(());
        };
        let view = super::view::of(
            &program,
            &program.engine.view(&conversation),
            &summary,
            app.desk.news(id).as_ref(),
        );
        sink.send("view", None, &view).await?;
        loop {
            let Ok(rows) = app.store.log(id, after.0.saturating_sub(1), PAGE).await else {
                return Ok(());
            };
            let full = rows.len() == PAGE as usize;
            for row in rows {
                let Ok(messages) = serde_json::from_str::<Vec<Message>>(&row.messages) else {
                    return Ok(());
                };
                send_messages(sink, &messages, &mut after).await?;
                after = after.max((row.seq, 0));
            }
            if !full {
                break;
            }
        }
        loop {
            let news = tokio::select! {
                news = heard.recv() => news,
                () = crate::app::stopped(&mut stopping) => {
                    sink.send("bye", None, &json!({"retry_ms": 2000})).await?;
                    return Ok(());
                }
            };
            match news {
                Ok(Heard::Turn {
                    seq,
                    messages,
                    view,
                }) => {
                    if seq > after.0 + 1 {
                        // Turns of one conversation are told in order; a gap means that one was missed.
                        continue 'from_log;
                    }
                    send_messages(sink, &messages, &mut after).await?;
                    after = after.max((seq, 0));
                    sink.send("view", None, &*view).await?;
                }
                Ok(Heard::Typing(typing)) => {
                    sink.send("typing", None, &json!({"who": "agent", "typing": typing}))
                        .await?
                }
                Err(RecvError::Lagged(_)) => continue 'from_log,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

async fn send_messages(
    sink: &Sink,
    messages: &[Message],
    after: &mut (u64, u32),
) -> Result<(), Gone> {
    for message in messages.iter().filter(|m| m.is_public()) {
        let Some(at) = parse_id(&message.id) else {
            continue;
        };
        if at > *after {
            sink.send("message", Some(&message.id), message).await?;
            *after = at;
        }
    }
    Ok(())
}

/// Marks an agent as having a stream for as long as it lives.
struct Present(Arc<App>, String);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.stream_ended(&self.1);
    }
}

/// The stream of an agent.
pub(super) async fn agent(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<After>,
    headers: HeaderMap,
) -> Result<Events, ApiError> {
    let after = match resume_point(&headers, &query) {
        // A little further back: turns of different conversations may have been told out of order.
        Some(point) => point
            .parse::<i64>()
            .map_err(|_| ApiError::request("`Last-Event-ID` is none of ours"))?
            .saturating_sub(64)
            .max(0),
        None => app.store.last_position().await?,
    };
    app.desk_agent(&who.agent);
    app.stream_began(&who.agent.id);
    let present = Present(Arc::clone(&app), who.agent.id.to_string());
    Ok(start(move |sink| async move {
        let _present = present;
        serve(&app, who, after, &sink).await
    }))
}

/// Looks at the sign-in of a stream anew: who has signed out, was removed or has another password hears nothing more, and a role or team
/// that changed counts at once. An open inbox is not idle.
async fn still_signed_in(app: &App, who: &mut SignedIn) -> Result<(), Gone> {
    match app.session(&who.cookie).await {
        Ok(Some((agent, _))) => {
            who.agent = agent;
            Ok(())
        }
        Ok(None) => Err(Gone),
        // A store that does not answer says nothing about anybody.
        Err(_) => Ok(()),
    }
}

async fn serve(app: &Arc<App>, mut who: SignedIn, mut after: i64, sink: &Sink) -> Result<(), Gone> {
    let mut stopping = app.stopping.subscribe();
    // Turns that were told as they happened, before the log was read so far.
    let mut told = BTreeSet::new();
    'from_log: loop {
        let mut news = app.hub.listen_as_agent();
        let mut log = app.hub.listen_to_log();
        // What was lost with news that came too fast may have been this.
        still_signed_in(app, &mut who).await?;
        sink.send("desk", None, &super::desk::of(app, &who).await)
            .await?;
        for offer in super::desk::offers_to(app, &who.agent.id).await {
            sink.send("offer", None, &offer).await?;
        }
        after = catch_up(app, &who, after, &mut told, sink).await?;
        let mut read_to = after;
        let mut desk_changed = false;
        let mut log_went_on = false;
        let mut pace = tokio::time::interval(Duration::from_millis(250));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let heard = tokio::select! {
                heard = news.recv() => heard,
                // Leads also see what bots and models do alone; at a pace, read from the log.
                Ok(()) = log.changed(), if who.sees_all() && !log_went_on => {
                    log_went_on = true;
                    continue;
                }
                _ = pace.tick(), if desk_changed || log_went_on => {
                    if std::mem::take(&mut desk_changed) {
                        sink.send("desk", None, &super::desk::of(app, &who).await).await?;
                    }
                    if std::mem::take(&mut log_went_on) {
                        after = catch_up(app, &who, after, &mut told, sink).await?;
                        read_to = after;
                    }
                    continue;
                }
                _ = look.tick() => {
                    still_signed_in(app, &mut who).await?;
                    continue;
                }
                () = crate::app::stopped(&mut stopping) => {
                    sink.send("bye", None, &json!({"retry_ms": 2000})).await?;
                    return Ok(());
                }
            };
            match heard {
                Ok(AgentNews::Desk) => desk_changed = true,
                Ok(AgentNews::Turn { position, .. }) if position <= read_to => {}
                Ok(AgentNews::Session(agent)) => {
                    if agent == who.agent.id {
                        still_signed_in(app, &mut who).await?;
                        desk_changed = true;
                    }
                }
                Ok(other) => tell(app, &who, &mut after, &mut told, sink, other).await?,
                Err(RecvError::Lagged(_)) => continue 'from_log,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

/// Sends what the log has after a position and this agent may see; the position read to.
async fn catch_up(
    app: &Arc<App>,
    who: &SignedIn,
    mut after: i64,
    told: &mut BTreeSet<i64>,
    sink: &Sink,
) -> Result<i64, Gone> {
    loop {
        let Ok(rows) = app.store.events_after(after, PAGE).await else {
            return Err(Gone);
        };
        let full = rows.len() == PAGE as usize;
        for row in rows {
            after = row.position;
            if told.remove(&row.position) {
                continue;
            }
            let Ok(Some(summary)) = app.store.summary(&row.conversation).await else {
                continue;
            };
            if super::agent::may_see(&who.agent, &summary) {
                let messages: Vec<Message> =
                    serde_json::from_str(&row.messages).unwrap_or_default();
                let event = serde_json::from_str::<serde_json::Value>(&row.record).ok();
                let event = event.and_then(|e| {
                    e.pointer("/event/event")
                        .and_then(|w| w.as_str())
                        .map(str::to_owned)
                });
                let data = json!({"conversation": summary, "messages": messages, "event": event, "seq": row.seq});
                sink.send("turn", Some(&after.to_string()), &data).await?;
            }
        }
        if !full {
            // What is older than the log that was read is not asked for any more.
            *told = told.split_off(&after);
            return Ok(after);
        }
    }
}

async fn tell(
    app: &Arc<App>,
    who: &SignedIn,
    after: &mut i64,
    told: &mut BTreeSet<i64>,
    sink: &Sink,
    news: AgentNews,
) -> Result<(), Gone> {
    match news {
        AgentNews::Turn {
            position,
            seq,
            event,
            summary,
            messages,
        } => {
            if !super::agent::may_see(&who.agent, &summary) {
                return Ok(());
            }
            let data = json!({"conversation": *summary, "messages": *messages, "event": event, "seq": seq});
            if who.sees_all() {
                // The turns of others in between are still to be read: the place to resume from stays.
                told.insert(position);
            } else {
                *after = (*after).max(position);
            }
            sink.send("turn", Some(&after.to_string()), &data).await
        }
        AgentNews::Offer {
            agent,
            conversation,
        } if agent == who.agent.id => {
            for offer in super::desk::offers_to(app, &who.agent.id).await {
                if offer.pointer("/conversation/id").and_then(|v| v.as_str()) == Some(&conversation)
                {
                    sink.send("offer", None, &offer).await?;
                }
            }
            Ok(())
        }
        AgentNews::OfferEnded {
            agent,
            conversation,
            reservation,
            reason,
        } if agent == who.agent.id => {
            let data =
                json!({"reservation": reservation, "conversation": conversation, "reason": reason});
            sink.send("offer_ended", None, &data).await
        }
        AgentNews::Alert { summary, text } if super::agent::may_see(&who.agent, &summary) => {
            sink.send(
                "alert",
                None,
                &json!({"conversation": summary.id, "text": text}),
            )
            .await
        }
        AgentNews::Typing {
            conversation,
            typing,
        } => match app.store.summary(&conversation).await {
            Ok(Some(summary)) if super::agent::may_see(&who.agent, &summary) => {
                sink.send(
                    "typing",
                    None,
                    &json!({"conversation": conversation, "typing": typing}),
                )
                .await
            }
            _ => Ok(()),
        },
        AgentNews::Program => {
            let status = app.reload.status();
            let program = app.programs.current();
            let data = json!({
                "version": program.map(|p| p.version.clone()),
                "loaded_at": status.loaded_at,
                "healthy": status.ok,
                "findings": status.findings.len(),
            });
            sink.send("program", None, &data).await
        }
        _ => Ok(()),
    }
}
