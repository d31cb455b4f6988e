//! The desk in this process: the pure one behind a lock, its effects turned into turns in their order, and who is there.

mod presence;

use crate::app::App;
use crate::hub::AgentNews;
use crate::turns::{Command, Outcome, TurnError};
use flow_compiler::machine::Machine;
use flow_engine::desk::{AgentSpec, Desk, DeskEffect, DeskError, Item, ItemState};
use flow_engine::effect::QueueItem;
use flow_engine::event::{EventKind, QueueNews};
use flow_store::{Agent, ListQuery, Scope, StoreError};
use jiff::Timestamp;
use opentelemetry::Context;
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// What waits for a conversation.
#[derive(Debug)]
struct Letter {
    kind: EventKind,
    /// Whom to tell.
    answer: Option<oneshot::Sender<Result<Outcome, TurnError>>>,
    /// The trace of whatever caused it.
    cause: Context,
}

/// Between two looks at what is due.
const AT_MOST_EVERY: Duration = Duration::from_millis(20);

/// A browser's or agent's presence.
#[derive(Debug, Clone, Default)]
struct Presence {
    available: bool,
    streams: usize,
    gone_since: Option<Timestamp>,
    lost: bool,
}

/// The desk with all that surrounds it.
#[derive(Debug, Default)]
pub struct DeskBox {
    desk: Mutex<Desk>,
    mail: Mutex<HashMap<String, VecDeque<Letter>>>,
    presence: Mutex<HashMap<SmolStr, Presence>>,
    changed: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DeskBox {
    /// Looks at the desk.
    pub fn look<T>(&self, f: impl FnOnce(&Desk) -> T) -> T {
        f(&lock(&self.desk))
    }

    /// The last news of a conversation's place in the queue.
    pub fn news(&self, conversation: &str) -> Option<QueueNews> {
        self.look(|desk| desk.item(conversation).and_then(|i| i.news.clone()))
    }

    /// Whether an agent's switch is on, and whether they are there.
    pub fn presence(&self, agent: &str) -> (bool, bool) {
        lock(&self.presence).get(agent).map_or((false, false), |p| {
            (p.available, p.available && p.streams > 0)
        })
    }

    /// Takes over a version's teams.
    pub fn set_teams(&self, machine: &Machine) {
        lock(&self.desk).set_teams(machine);
        self.changed.notify_one();
    }
}

/// An agent as the desk knows them.
#[must_use]
pub fn spec(agent: &Agent) -> AgentSpec {
    AgentSpec {
        id: agent.id.clone(),
        name: agent.name.clone(),
        teams: agent.teams.clone(),
        languages: agent.languages.clone(),
        skills: agent.skills.clone(),
        capacity: agent.capacity,
    }
}

impl App {
    /// Puts back what the store knows: agents, the queue, who has what.
    pub(crate) async fn rebuild_desk(self: &Arc<Self>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut requeued = Vec::new();
        {
            let agents = self.store.agents().await?;
            let items = self.store.with_people().await?;
            let mut desk = lock(&self.desk.desk);
            if let Some(program) = self.programs.current() {
                *desk = Desk::new(program.engine.machine());
            }
            // Numbers from the clock: higher than any that was given before.
            desk.resume_reservations(u64::try_from(now.as_millisecond()).unwrap_or(1));
            for summary in items {
                let Some(item) = summary.item.clone() else {
                    continue;
                };
                let assigned = matches!(summary.stage.as_str(), "reviewing" | "with_agent");
                let state = match &summary.agent {
                    Some(agent) if assigned => ItemState::Assigned {
                        agent: agent.id.clone(),
                        since: summary.connected_at.unwrap_or(now),
                    },
                    _ => ItemState::Waiting,
                };
                if summary.stage == "offered" {
                    let reservation = summary.reservation.unwrap_or_default();
                    requeued.push((summary.id.clone(), item.generation, reservation));
                }
                let item = Item {
                    in_team_since: summary.queued_at.unwrap_or(item.since),
                    item,
                    state,
                    came_through: Vec::new(),
                    passed: BTreeSet::new(),
                    news: None,
                    told_at: None,
                    promised: None,
                };
                desk.restore(summary.id.as_str().into(), item);
            }
            let mut presence = lock(&self.desk.presence);
            for agent in agents {
                // Nobody has a stream yet; those who had conversations get their grace from now.
                let gone = Presence {
                    available: agent.available,
                    gone_since: Some(now),
                    ..Presence::default()
                };
                presence.insert(agent.id.clone(), gone);
                let _ = desk.set_agent(spec(&agent), now);
            }
        }
        for (conversation, generation, reservation) in requeued {
            self.post(
                &conversation,
                EventKind::Unreserved {
                    generation,
                    reservation,
                    reason: "left".into(),
                },
                None,
            );
        }
        Ok(())
    }

    pub(crate) fn desk_enqueue(self: &Arc<Self>, conversation: &str, item: QueueItem) {
        self.desk_do(|desk, now| desk.enqueue(conversation.into(), item, now));
    }

    pub(crate) fn desk_dequeue(self: &Arc<Self>, conversation: &str, reason: &str) {
        self.desk_do(|desk, now| desk.dequeue(conversation, reason, now));
    }

    pub(super) fn desk_do(
        self: &Arc<Self>,
        f: impl FnOnce(&mut Desk, Timestamp) -> Vec<DeskEffect>,
    ) {
        let _ = self.desk_try(|desk, now| Ok(f(desk, now)));
    }

    /// Does something at the desk. The effects are posted before the lock is let go, so they keep their order.
    fn desk_try(
        self: &Arc<Self>,
        f: impl FnOnce(&mut Desk, Timestamp) -> Result<Vec<DeskEffect>, DeskError>,
    ) -> Result<(), DeskError> {
        let now = self.clock.now();
        let mut desk = lock(&self.desk.desk);
        for effect in f(&mut desk, now)? {
            self.handle(effect, None);
        }
        drop(desk);
        self.desk.changed.notify_one();
        self.hub.tell_agents(AgentNews::Desk);
        Ok(())
    }

    /// A command of an agent that assigns a conversation; answers once the turn is stored.
    async fn desk_assign(
        self: &Arc<Self>,
        conversation: &str,
        f: impl FnOnce(&mut Desk, Timestamp) -> Result<Vec<DeskEffect>, DeskError>,
    ) -> Result<Result<Outcome, TurnError>, DeskError> {
        let now = self.clock.now();
        let (answer, wait) = oneshot::channel();
        let mut answer = Some(answer);
        {
            let mut desk = lock(&self.desk.desk);
            for effect in f(&mut desk, now)? {
                let mine = matches!(&effect, DeskEffect::Accepted { conversation: c, .. } if c == conversation);
                self.handle(effect, if mine { answer.take() } else { None });
            }
        }
        self.desk.changed.notify_one();
        self.hub.tell_agents(AgentNews::Desk);
        Ok(wait.await.unwrap_or(Err(TurnError::Draining)))
    }

    fn handle(
        self: &Arc<Self>,
        effect: DeskEffect,
        answer: Option<oneshot::Sender<Result<Outcome, TurnError>>>,
    ) {
        let (ended, reason) = match &effect {
            DeskEffect::Unreserved {
                reservation,
                agent,
                reason,
                ..
            } => (Some((agent, *reservation)), reason.as_str()),
            DeskEffect::Accepted {
                reservation, agent, ..
            } => (Some((&agent.id, *reservation)), "accepted"),
            DeskEffect::PeopleAvailable { teams } => {
                let (app, teams) = (Arc::clone(self), teams.clone());
                tokio::spawn(async move { app.people_available(teams).await });
                return;
            }
            _ => (None, ""),
        };
        let ended =
            ended.map(|(agent, reservation)| (agent.to_string(), reservation, reason.to_owned()));
        let (Some(conversation), event) = effect.into_event() else {
            return;
        };
        if let Some((agent, reservation, reason)) = ended {
            self.hub.tell_agents(AgentNews::OfferEnded {
                agent,
                conversation: conversation.to_string(),
                reservation,
                reason,
            });
        }
        self.post(&conversation, event, answer);
    }

    /// Tells the conversations that people were once called to and that go on without them.
    pub(crate) async fn people_available(self: Arc<Self>, teams: Vec<SmolStr>) {
        let query = ListQuery {
            scope: Scope::Teams(teams),
            open: Some(true),
            people: true,
            limit: 500,
            ..ListQuery::default()
        };
        let Ok(found) = self.store.list(query).await else {
            return;
        };
        for summary in found
            .iter()
            .filter(|s| matches!(s.stage.as_str(), "scripted" | "model" | "handoff_pending"))
        {
            self.post(&summary.id, EventKind::PeopleAvailable, None);
        }
    }

    /// Puts an event into a conversation's mailbox; events are taken in the order in which they were put there.
    pub(crate) fn post(
        self: &Arc<Self>,
        conversation: &str,
        kind: EventKind,
        answer: Option<oneshot::Sender<Result<Outcome, TurnError>>>,
    ) {
        let cause = self.telemetry.here(conversation);
        let mut mail = lock(&self.desk.mail);
        let box_ = mail.entry(conversation.to_owned()).or_default();
        let (idle, behind_front) = (box_.is_empty(), box_.len() > 1);
        let letter = Letter {
            kind,
            answer,
            cause,
        };
        let is_news =
            |letter: &Letter| letter.answer.is_none() && matches!(letter.kind, EventKind::Queue(_));
        // News that nobody has begun to tell is overtaken by the next. (The letter in front is in work.)
        match box_.back_mut() {
            Some(last) if behind_front && is_news(last) && is_news(&letter) => *last = letter,
            _ => box_.push_back(letter),
        }
        drop(mail);
        if idle {
            let (app, conversation) = (Arc::clone(self), conversation.to_owned());
            tokio::spawn(async move { app.work_off(&conversation).await });
        }
    }

    /// Works a mailbox off. The letter in work stays in front, so that there is one worker per mailbox.
    async fn work_off(self: Arc<Self>, conversation: &str) {
        let mut wait = Duration::from_millis(50);
        loop {
            let (kind, cause) = match lock(&self.desk.mail)
                .get(conversation)
                .and_then(|b| b.front())
            {
                Some(letter) => (letter.kind.clone(), letter.cause.clone()),
                None => return,
            };
            let offer = match &kind {
                EventKind::Reserved { agent, .. } => Some(agent.id.to_string()),
                _ => None,
            };
            let span = self.telemetry.turn_below(&cause, conversation, "desk");
            let outcome = self.turn(conversation, Command::event(kind.clone())).await;
            drop(span);
            if let Err(error @ (TurnError::Store(_) | TurnError::Crowded)) = &outcome {
                tracing::warn!(%error, conversation, "the desk's event waits for the store");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(5));
                continue;
            }
            wait = Duration::from_millis(50);
            if let EventKind::Accepted { generation, .. } = &kind
                && matches!(&outcome, Err(TurnError::Refused(_)))
            {
                self.reconcile(conversation, *generation).await;
            }
            match (&outcome, offer) {
                (Ok(_), Some(agent)) => {
                    self.hub.tell_agents(AgentNews::Offer {
                        agent,
                        conversation: conversation.to_owned(),
                    });
                }
                (Err(error), _) => {
                    tracing::debug!(%error, conversation, "the desk's event came too late")
                }
                _ => {}
            }
            let (done, more) = {
                let mut mail = lock(&self.desk.mail);
                let Some(letters) = mail.get_mut(conversation) else {
                    return;
                };
                let done = letters.pop_front();
                let more = !letters.is_empty();
                if !more {
                    mail.remove(conversation);
                }
                (done, more)
            };
            if let Some(answer) = done.and_then(|letter| letter.answer) {
                // Whoever asked may have gone.
                let _ = answer.send(outcome);
            }
            // What comes after the box was emptied has a worker of its own: two would take one letter twice.
            if !more {
                return;
            }
        }
    }

    /// The conversation did not take what the desk had decided: the desk follows the conversation. Of a wish that is over the desk knows
    /// already.
    async fn reconcile(self: &Arc<Self>, conversation: &str, generation: u64) {
        let current = self.desk.look(|desk| {
            desk.item(conversation)
                .is_some_and(|i| i.item.generation == generation)
        });
        if !current {
            return;
        }
        let Ok((_, summary)) = self.door(conversation).await else {
            return self.desk_dequeue(conversation, "gone");
        };
        self.desk_dequeue(conversation, "requeued");
        if let Some(item) = summary
            .item
            .filter(|_| matches!(summary.stage.as_str(), "queued" | "offered"))
        {
            self.desk_enqueue(conversation, item);
        }
    }

    /// An agent takes what is offered.
    ///
    /// # Errors
    /// If the offer is over, or the turn failed.
    pub async fn accept(
        self: &Arc<Self>,
        conversation: &str,
        agent: &str,
        reservation: u64,
    ) -> Result<Result<Outcome, TurnError>, DeskError> {
        self.desk_assign(conversation, |desk, now| {
            let mine = desk.item(conversation).is_some_and(|i| matches!(i.state, ItemState::Reserved { reservation: r, .. } if r == reservation));
            if mine { desk.accept(agent, reservation, now) } else { Err(DeskError::Gone) }
        })
        .await
    }

    /// An agent takes a waiting conversation.
    ///
    /// # Errors
    /// If it does not wait, or the agent may not.
    pub async fn take(
        self: &Arc<Self>,
        conversation: &str,
        agent: &str,
    ) -> Result<Result<Outcome, TurnError>, DeskError> {
        self.desk_assign(conversation, |desk, now| {
            desk.take(agent, conversation, now)
        })
        .await
    }

    /// An agent declines what is offered.
    ///
    /// # Errors
    /// If the offer is over.
    pub fn decline(self: &Arc<Self>, agent: &str, reservation: u64) -> Result<(), DeskError> {
        self.desk_try(|desk, now| desk.decline(agent, reservation, now))
    }

    /// Like `desk_try`, but tells nobody unless something happened.
    fn desk_quietly(
        self: &Arc<Self>,
        f: impl FnOnce(&mut Desk) -> Result<Vec<DeskEffect>, DeskError>,
    ) -> Result<(), DeskError> {
        let mut desk = lock(&self.desk.desk);
        let effects = f(&mut desk)?;
        let any = !effects.is_empty();
        for effect in effects {
            self.handle(effect, None);
        }
        drop(desk);
        if any {
            self.hub.tell_agents(AgentNews::Desk);
        }
        Ok(())
    }
}

/// Does what is due at the desk until the daemon ends.
pub(crate) async fn run(app: Arc<App>) {
    loop {
        app.look_for_the_gone();
        let now = app.clock.now();
        let _ = app.desk_quietly(|desk| Ok(desk.tick(now)));
        let next = app.desk.look(|desk| desk.next_wakeup(app.clock.now()));
        let wait = next.map_or(Duration::from_secs(5), |at| {
            Duration::try_from(at.duration_since(app.clock.now())).unwrap_or_default()
        });
        tokio::select! {
            () = tokio::time::sleep(wait.clamp(AT_MOST_EVERY, Duration::from_secs(5))) => {}
            // What changed the desk has settled it; only what is due next may be another thing now. In a rush that is looked at now and then.
            () = app.desk.changed.notified() => tokio::time::sleep(AT_MOST_EVERY).await,
        }
    }
}
