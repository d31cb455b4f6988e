//! The desk: agents, queues and reservations across conversations, as a pure state machine.
//!
//! Every method takes the time and returns what must happen next, in order; [`Desk::tick`] does what is due and [`Desk::next_wakeup`] says when
//! to call it. What never happens here: IO, clocks, or a second reservation of one conversation.
//!
//! # Terminology
//!
//! - **Item**: a conversation that waits for a person, or is with one.
//! - **Reservation**: an item offered to one agent, who accepts, declines or lets it pass.
//! - **Share**: units in use divided by capacity.
//!
//! States of an item: waiting -> reserved -> assigned; it leaves when it is dequeued. A requeued item keeps its first time.

mod agents;
mod dispatch;
mod estimate;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

pub use agents::{AgentSpec, AgentView};
pub use estimate::Stats;

use crate::effect::QueueItem;
use crate::event::{AgentRef, EventKind, QueueNews};
use flow_compiler::machine::{Assign, Machine, Priority};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// A conversation's id.
pub type ConversationId = SmolStr;

/// What must happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are named as in the events that they become"
)]
pub enum DeskEffect {
    /// Becomes `Queue`.
    News {
        conversation: ConversationId,
        news: QueueNews,
    },
    /// Becomes `Reserved`; the agent is asked until the time.
    Reserved {
        conversation: ConversationId,
        generation: u64,
        reservation: u64,
        agent: AgentRef,
        until: Timestamp,
    },
    /// Becomes `Unreserved`.
    Unreserved {
        conversation: ConversationId,
        generation: u64,
        reservation: u64,
        agent: SmolStr,
        reason: SmolStr,
    },
    /// Becomes `Accepted`.
    Accepted {
        conversation: ConversationId,
        generation: u64,
        reservation: u64,
        agent: AgentRef,
        team: SmolStr,
    },
    /// Becomes `Overflowed`.
    Overflowed {
        conversation: ConversationId,
        generation: u64,
        team: SmolStr,
    },
    /// Becomes `AgentLost`.
    Lost {
        conversation: ConversationId,
        generation: u64,
        agent: SmolStr,
    },
    /// An agent became free in these teams: becomes `PeopleAvailable` in the conversations that are quiet towards people.
    PeopleAvailable { teams: Vec<SmolStr> },
}

impl DeskEffect {
    /// The event that it becomes, and in which conversation; `None`: in those that are quiet towards people.
    #[must_use]
    pub fn into_event(self) -> (Option<ConversationId>, EventKind) {
        let (conversation, event) = match self {
            Self::News { conversation, news } => (conversation, EventKind::Queue(news)),
            Self::Reserved {
                conversation,
                generation,
                reservation,
                agent,
                ..
            } => (
                conversation,
                EventKind::Reserved {
                    generation,
                    reservation,
                    agent,
                },
            ),
            Self::Unreserved {
                conversation,
                generation,
                reservation,
                reason,
                ..
            } => (
                conversation,
                EventKind::Unreserved {
                    generation,
                    reservation,
                    reason,
                },
            ),
            Self::Accepted {
                conversation,
                generation,
                reservation,
                agent,
                team,
            } => (
                conversation,
                EventKind::Accepted {
                    generation,
                    reservation,
                    agent,
                    team,
                },
            ),
            Self::Overflowed {
                conversation,
                generation,
                team,
            } => (conversation, EventKind::Overflowed { generation, team }),
            Self::Lost {
                conversation,
                generation,
                agent,
            } => (conversation, EventKind::AgentLost { generation, agent }),
            Self::PeopleAvailable { .. } => return (None, EventKind::PeopleAvailable),
        };
        (Some(conversation), event)
    }
}

/// Why a command of an agent was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// No such agent.
    #[error("there is no agent `{0}`")]
    UnknownAgent(SmolStr),
    /// The reservation is over, or was never this agent's.
    #[error("this conversation is no longer offered to you")]
    Gone,
    /// The conversation does not wait.
    #[error("this conversation is not waiting")]
    NotWaiting,
    /// All units are in use.
    #[error("you are at your capacity of {0} conversations")]
    Full(u32),
    /// The agent's switch is off.
    #[error("you are away; switch to available first")]
    Away,
    /// The agent is not in the item's team.
    #[error("this conversation waits for another team")]
    OtherTeam,
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the states of a queue item, as in the field")]
pub enum ItemState {
    Waiting,
    Reserved {
        reservation: u64,
        agent: SmolStr,
        until: Timestamp,
    },
    Assigned {
        agent: SmolStr,
        since: Timestamp,
    },
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// As the engine asked.
    pub item: QueueItem,
    /// Where it is.
    pub state: ItemState,
    /// Since when it waits for the present team.
    pub in_team_since: Timestamp,
    /// Teams it came through, by overflow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub came_through: Vec<SmolStr>,
    /// Agents who declined or let it pass; they are asked again once nobody else is left.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub passed: BTreeSet<SmolStr>,
    /// The last news that was sent.
    #[serde(default)]
    pub news: Option<QueueNews>,
    /// When it was sent; absent: the next news goes out at once.
    #[serde(default)]
    pub told_at: Option<Timestamp>,
    /// The first estimate, for measuring estimates: when and how long.
    #[serde(default)]
    pub promised: Option<(Timestamp, i64)>,
}

/// What the desk knows of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamSpec {
    /// Units per agent who has no capacity of their own.
    pub capacity: u32,
    /// How the next agent is picked.
    pub assign: Vec<Assign>,
    /// `(team, milliseconds)`.
    pub overflow: Vec<(SmolStr, i64)>,
    /// The team's skills: an agent without skills of their own has them.
    pub skills: Vec<SmolStr>,
}

/// Agents and queues.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    teams: BTreeMap<SmolStr, TeamSpec>,
    agents: BTreeMap<SmolStr, agents::Agent>,
    items: BTreeMap<ConversationId, Item>,
    stats: BTreeMap<SmolStr, Stats>,
    next_reservation: u64,
}

impl Desk {
    /// A desk for a bot's teams.
    #[must_use]
    pub fn new(machine: &Machine) -> Self {
        let mut desk = Self {
            next_reservation: 1,
            ..Self::default()
        };
        desk.set_teams(machine);
        desk
    }

    /// Takes over the teams of a (new version of a) bot. Items of a team that is gone keep waiting for it and overflow as before.
    pub fn set_teams(&mut self, machine: &Machine) {
        for team in &machine.teams {
            let overflow = team
                .overflow
                .iter()
                .filter_map(|(id, after)| Some((machine.team(*id)?.name.clone(), *after)))
                .collect();
            self.teams.insert(
                team.name.clone(),
                TeamSpec {
                    capacity: team.capacity,
                    assign: team.assign.clone(),
                    overflow,
                    skills: team.skills.clone(),
                },
            );
        }
    }

    /// Reservation numbers go on from here (after a restart: one past the highest that was ever given).
    pub fn resume_reservations(&mut self, next: u64) {
        self.next_reservation = self.next_reservation.max(next);
    }

    /// Puts back an item as it was stored, without effects.
    pub fn restore(&mut self, conversation: ConversationId, item: Item) {
        if let ItemState::Reserved { reservation, .. } = item.state {
            self.resume_reservations(reservation + 1);
        }
        self.items.insert(conversation, item);
    }

    /// The item of a conversation.
    #[must_use]
    pub fn item(&self, conversation: &str) -> Option<&Item> {
        self.items.get(conversation)
    }

    /// All items, with their conversations.
    pub fn items(&self) -> impl Iterator<Item = (&ConversationId, &Item)> {
        self.items.iter()
    }

    /// Queues an item, or changes what is asked of the same wish: its first time, its team and whoever has it stay. A wish that came before
    /// the present one is ignored.
    pub fn enqueue(
        &mut self,
        conversation: ConversationId,
        item: QueueItem,
        now: Timestamp,
    ) -> Vec<DeskEffect> {
        let mut out = Vec::new();
        let before = self.items.remove(&conversation);
        let mut teams = vec![item.team.clone()];
        let current = match before {
            // The wish that it knows, whoever accepted it meanwhile. The team is the desk's own: it may have overflowed.
            Some(mut known) if known.item.generation == item.generation => {
                teams.push(known.item.team.clone());
                known.item = QueueItem {
                    team: known.item.team,
                    since: known.item.since.min(item.since),
                    priority: known.item.priority.max(item.priority),
                    ..item
                };
                known
            }
            Some(newer) if newer.item.generation > item.generation => newer,
            other => {
                if let Some(old) = other {
                    teams.push(old.item.team.clone());
                    self.let_go(&conversation, &old, "requeued", &mut out);
                }
                Item {
                    item,
                    state: ItemState::Waiting,
                    in_team_since: now,
                    came_through: Vec::new(),
                    passed: BTreeSet::new(),
                    news: None,
                    told_at: None,
                    promised: None,
                }
            }
        };
        self.items.insert(conversation, current);
        self.settle(&teams, now, &mut out);
        out
    }

    /// Raises the priority of an item.
    pub fn reprioritise(
        &mut self,
        conversation: &str,
        priority: Priority,
        now: Timestamp,
    ) -> Vec<DeskEffect> {
        let mut out = Vec::new();
        if let Some(item) = self.items.get_mut(conversation) {
            item.item.priority = item.item.priority.max(priority);
            let team = item.item.team.clone();
            self.settle(&[team], now, &mut out);
        }
        out
    }

    /// Takes a conversation out: it ended, went back to the bot, or was abandoned. Unknown ones are ignored.
    pub fn dequeue(&mut self, conversation: &str, reason: &str, now: Timestamp) -> Vec<DeskEffect> {
        let mut out = Vec::new();
        let Some(item) = self.items.remove(conversation) else {
            return out;
        };
        let stats = self.stats.entry(item.item.team.clone()).or_default();
        match &item.state {
            ItemState::Assigned { agent, since } => {
                stats.handled(now.as_millisecond() - since.as_millisecond());
                let agent = agent.clone();
                self.let_go(conversation, &item, reason, &mut out);
                out.push(DeskEffect::PeopleAvailable {
                    teams: self
                        .agents
                        .get(&agent)
                        .map(|a| a.spec.teams.clone())
                        .unwrap_or_default(),
                });
                let teams = self
                    .agents
                    .get(&agent)
                    .map(|a| a.spec.teams.clone())
                    .unwrap_or_default();
                self.settle(&teams, now, &mut out);
            }
            ItemState::Waiting | ItemState::Reserved { .. } => {
                if reason == "abandoned" {
                    stats.abandoned(now.as_millisecond() - item.item.since.as_millisecond());
                }
                self.let_go(conversation, &item, reason, &mut out);
                let mut teams = vec![item.item.team.clone()];
                if let ItemState::Reserved { agent, .. } = &item.state {
                    teams.extend(
                        self.agents
                            .get(agent)
                            .map(|a| a.spec.teams.clone())
                            .unwrap_or_default(),
                    );
                }
                self.settle(&teams, now, &mut out);
            }
        }
        out
    }

    /// An agent takes what is offered.
    ///
    /// # Errors
    /// If the reservation is over: it then belongs to someone else, or the conversation is gone.
    pub fn accept(
        &mut self,
        agent: &str,
        reservation: u64,
        now: Timestamp,
    ) -> Result<Vec<DeskEffect>, DeskError> {
        if !self.agents.contains_key(agent) {
            return Err(DeskError::UnknownAgent(agent.into()));
        }
        let found = self.items.iter().find_map(|(id, item)| match &item.state {
            ItemState::Reserved {
                reservation: r,
                agent: a,
                until,
            } if *r == reservation && a == agent && now <= *until => Some(id.clone()),
            _ => None,
        });
        let conversation = found.ok_or(DeskError::Gone)?;
        let mut out = Vec::new();
        self.assign(&conversation, agent, reservation, now, &mut out);
        Ok(out)
    }

    /// An agent declines what is offered; it goes to the next.
    ///
    /// # Errors
    /// If the reservation is over.
    pub fn decline(
        &mut self,
        agent: &str,
        reservation: u64,
        now: Timestamp,
    ) -> Result<Vec<DeskEffect>, DeskError> {
        let found = self.items.iter().find_map(|(id, item)| match &item.state {
            ItemState::Reserved {
                reservation: r,
                agent: a,
                ..
            } if *r == reservation && a == agent => Some(id.clone()),
            _ => None,
        });
        let conversation = found.ok_or(DeskError::Gone)?;
        let mut out = Vec::new();
        self.unreserve(&conversation, "declined", &mut out);
        let teams = self.teams_touched(&conversation, agent);
        self.settle(&teams, now, &mut out);
        Ok(out)
    }

    /// An agent takes a waiting conversation of one of their teams without being asked.
    ///
    /// # Errors
    /// If it does not wait, waits for another team, or the agent is away or full.
    pub fn take(
        &mut self,
        agent: &str,
        conversation: &str,
        now: Timestamp,
    ) -> Result<Vec<DeskEffect>, DeskError> {
        let who = self
            .agents
            .get(agent)
            .ok_or_else(|| DeskError::UnknownAgent(agent.into()))?;
        let item = self.items.get(conversation).ok_or(DeskError::NotWaiting)?;
        if !who.present {
            return Err(DeskError::Away);
        }
        if !who.spec.teams.contains(&item.item.team) {
            return Err(DeskError::OtherTeam);
        }
        let mine = matches!(&item.state, ItemState::Reserved { agent: a, .. } if a == agent);
        if matches!(item.state, ItemState::Assigned { .. }) {
            return Err(DeskError::NotWaiting);
        }
        let capacity = self.capacity_of(who);
        if !mine && who.in_use() >= capacity {
            return Err(DeskError::Full(capacity));
        }
        let mut out = Vec::new();
        if matches!(item.state, ItemState::Reserved { .. }) && !mine {
            self.unreserve(conversation, "taken", &mut out);
        }
        let reservation = match self.items.get(conversation).map(|i| &i.state) {
            Some(ItemState::Reserved { reservation, .. }) => *reservation,
            _ => self.fresh_reservation(),
        };
        self.assign(conversation, agent, reservation, now, &mut out);
        Ok(out)
    }

    /// Does what is due: reservations that ran out, overflow, new estimates.
    pub fn tick(&mut self, now: Timestamp) -> Vec<DeskEffect> {
        let mut out = Vec::new();
        let mut teams: BTreeSet<SmolStr> = BTreeSet::new();
        let over: Vec<(ConversationId, SmolStr)> = self
            .items
            .iter()
            .filter_map(|(id, item)| match &item.state {
                ItemState::Reserved { until, agent, .. } if *until <= now => {
                    Some((id.clone(), agent.clone()))
                }
                _ => None,
            })
            .collect();
        for (conversation, agent) in over {
            self.unreserve(&conversation, "timed_out", &mut out);
            teams.extend(self.teams_touched(&conversation, &agent));
        }
        let due: Vec<ConversationId> = self
            .items
            .iter()
            .filter(|(_, item)| self.overflow_at(item).is_some_and(|(_, at)| at <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for conversation in due {
            let Some(item) = self.items.get(&conversation) else {
                continue;
            };
            let Some((team, _)) = self.overflow_at(item) else {
                continue;
            };
            if let Some(item) = self.items.get_mut(&conversation) {
                teams.insert(item.item.team.clone());
                item.came_through
                    .push(std::mem::replace(&mut item.item.team, team.clone()));
                item.in_team_since = now;
                item.told_at = None;
                item.passed.clear();
                teams.insert(team.clone());
                out.push(DeskEffect::Overflowed {
                    conversation,
                    generation: item.item.generation,
                    team,
                });
            }
        }
        let all: Vec<SmolStr> = if teams.is_empty() {
            self.items
                .values()
                .map(|i| i.item.team.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect()
        } else {
            teams.into_iter().collect()
        };
        self.settle(&all, now, &mut out);
        out
    }

    /// When something is due; estimates are renewed every 15 seconds while someone waits.
    #[must_use]
    pub fn next_wakeup(&self, now: Timestamp) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        let mut consider = |at: Timestamp| next = Some(next.map_or(at, |n| n.min(at)));
        for item in self.items.values() {
            if let ItemState::Reserved { until, .. } = item.state {
                consider(until);
            }
            if let Some((_, at)) = self.overflow_at(item) {
                consider(at);
            }
            if !matches!(item.state, ItemState::Assigned { .. }) {
                consider(later(now, estimate::RENEW_MILLIS));
            }
        }
        next
    }

    /// The overflow that an item waits for.
    fn overflow_at(&self, item: &Item) -> Option<(SmolStr, Timestamp)> {
        if !matches!(item.state, ItemState::Waiting) {
            return None;
        }
        let spec = self.teams.get(&item.item.team)?;
        let (team, after) = spec
            .overflow
            .iter()
            .find(|(team, _)| !item.came_through.contains(team) && *team != item.item.team)?;
        Some((team.clone(), later(item.in_team_since, *after)))
    }

    fn teams_touched(&self, conversation: &str, agent: &str) -> Vec<SmolStr> {
        let mut teams: BTreeSet<SmolStr> = self
            .agents
            .get(agent)
            .map(|a| a.spec.teams.iter().cloned().collect())
            .unwrap_or_default();
        teams.extend(self.items.get(conversation).map(|i| i.item.team.clone()));
        teams.into_iter().collect()
    }

    const fn fresh_reservation(&mut self) -> u64 {
        let id = self.next_reservation;
        self.next_reservation += 1;
        id
    }
}

/// `at` plus milliseconds, at the end of time if it would be later.
pub(crate) fn later(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_millis(millis))
        .unwrap_or(Timestamp::MAX)
}
