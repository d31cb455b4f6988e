//! The desk as agents see it.

use super::agent::teams_of;
use super::extract::SignedIn;
use crate::app::App;
use flow_compiler::machine::Priority;
use flow_engine::desk::ItemState;
use flow_store::{ListQuery, Scope, Summary};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::Arc;

/// Conversations of a queue that are shown.
const SHOWN: u32 = 200;

/// The desk, as in the API's page.
pub(super) async fn of(app: &Arc<App>, who: &SignedIn) -> Value {
    let now = app.clock.now();
    let (available, present) = app.desk.presence(&who.agent.id);
    let agents = app.desk.look(flow_engine::desk::Desk::agents);
    let me = agents.iter().find(|a| a.spec.id == who.agent.id);
    let agents: Vec<Value> = agents
        .iter()
        .map(|a| {
            let (available, _) = app.desk.presence(&a.spec.id);
            json!({
                "id": a.spec.id, "name": a.spec.name, "teams": a.spec.teams, "available": available,
                "present": a.present, "load": a.in_use, "capacity": a.units,
            })
        })
        .collect();
    let team_rows: Vec<Value> = teams_of(app)
        .into_iter()
        .map(|(id, title, open, _)| {
            let (waiting, longest, staff) = app.desk.look(|desk| {
                let queue = desk.queue(&id, now);
                let longest = queue.iter().map(|(_, i)| now.duration_since(i.item.since).as_secs()).max();
                let staff = desk.agents().iter().filter(|a| a.present && a.spec.teams.contains(&id)).count();
                (queue.len(), longest, staff)
            });
            json!({"id": id, "title": title, "open": open, "waiting": waiting, "staff": staff, "longest_wait_seconds": longest})
        })
        .collect();
    json!({
        "me": {"available": available, "present": present, "load": me.map_or(0, |a| a.in_use), "capacity": me.map_or(0, |a| a.units)},
        "queue": queue(app, who).await,
        "agents": agents,
        "teams": team_rows,
    })
}

/// A conversation in a queue.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct QueueEntry {
    conversation: Summary,
    team: SmolStr,
    #[schemars(with = "flow_store::PriorityWord")]
    priority: Priority,
    language: SmolStr,
    /// Demanded of the agent.
    skill: Option<SmolStr>,
    since: Timestamp,
    /// When an answer is due.
    due: Option<Timestamp>,
    /// From 1.
    position: usize,
    /// The estimate of the remaining wait; null: nobody knows.
    wait_seconds: Option<i64>,
}

/// What is offered to an agent.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Offer {
    /// Its number, for `accept` and `decline`.
    pub(super) reservation: u64,
    expires_at: Timestamp,
}

/// The queue of an agent's teams in service order.
pub(super) async fn queue(app: &Arc<App>, who: &SignedIn) -> Vec<QueueEntry> {
    let now = app.clock.now();
    let scope = Scope::Queue((!who.sees_all()).then(|| who.agent.teams.clone()));
    let query = ListQuery {
        scope,
        limit: SHOWN,
        ..ListQuery::default()
    };
    let Ok(found) = app.store.list(query).await else {
        return Vec::new();
    };
    let by_id: HashMap<&str, &Summary> = found.iter().map(|s| (s.id.as_str(), s)).collect();
    app.desk.look(|desk| {
        let mut teams: Vec<_> = desk.items().map(|(_, i)| i.item.team.clone()).collect();
        teams.sort();
        teams.dedup();
        let mut out = Vec::new();
        for team in teams {
            for (place, (id, item)) in desk.queue(&team, now).into_iter().enumerate() {
                let Some(summary) = by_id.get(id.as_str()) else {
                    continue;
                };
                out.push(QueueEntry {
                    conversation: (*summary).clone(),
                    team: item.item.team.clone(),
                    priority: item.item.priority,
                    language: item.item.language.clone(),
                    skill: item.item.skill.clone(),
                    since: item.item.since,
                    due: item.item.due,
                    position: place + 1,
                    wait_seconds: item.news.as_ref().and_then(|n| n.wait).map(|ms| ms / 1000),
                });
            }
        }
        out
    })
}

/// The reservation of a conversation for an agent, and when it ends.
pub(super) fn offer(app: &App, conversation: &str, agent: &str) -> Option<Offer> {
    app.desk.look(|desk| match &desk.item(conversation)?.state {
        ItemState::Reserved {
            reservation,
            agent: who,
            until,
        } if who == agent => Some(Offer {
            reservation: *reservation,
            expires_at: *until,
        }),
        _ => None,
    })
}

/// Everything that is offered to an agent now, with its cards.
pub(super) async fn offers_to(app: &Arc<App>, agent: &str) -> Vec<Value> {
    let open: Vec<(String, u64, jiff::Timestamp)> = app.desk.look(|desk| {
        desk.items()
            .filter_map(|(id, item)| match &item.state {
                ItemState::Reserved {
                    reservation,
                    agent: who,
                    until,
                } if who == agent => Some((id.to_string(), *reservation, *until)),
                _ => None,
            })
            .collect()
    });
    let mut out = Vec::new();
    for (id, reservation, until) in open {
        let Ok(Some(summary)) = app.store.summary(&id).await else {
            continue;
        };
        let card = super::agent::card_of(app, &id).await.ok();
        out.push(json!({"reservation": reservation, "expires_at": until, "conversation": summary, "card": card}));
    }
    out
}
