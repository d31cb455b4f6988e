//! Agents: what they can do, whether they are there, what they have.

use super::{Desk, DeskEffect, DeskError, ItemState};
use crate::event::AgentRef;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// An agent as administered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSpec {
    /// Sign-in name.
    pub id: SmolStr,
    /// What the customer reads.
    pub name: SmolStr,
    /// Teams.
    pub teams: Vec<SmolStr>,
    /// Languages; empty: all.
    #[serde(default)]
    pub languages: Vec<SmolStr>,
    /// Skills; empty: those of the teams.
    #[serde(default)]
    pub skills: Vec<SmolStr>,
    /// Units; absent: the largest of the teams' capacities.
    #[serde(default)]
    pub capacity: Option<u32>,
}

/// An agent at the desk.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub(super) spec: AgentSpec,
    /// The switch and liveness together: whoever runs the desk sets it.
    pub(super) present: bool,
    /// Conversations that the agent has or is asked to take.
    pub(super) holds: BTreeSet<SmolStr>,
    /// When the agent last got a conversation, or came.
    pub(super) idle_since: Timestamp,
    /// Assignments by team, for the share of work that comes from a queue.
    pub(super) worked: BTreeMap<SmolStr, u32>,
}

impl Agent {
    pub(super) fn in_use(&self) -> u32 {
        u32::try_from(self.holds.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn reference(&self) -> AgentRef {
        AgentRef {
            id: self.spec.id.clone(),
            name: self.spec.name.clone(),
        }
    }
}

/// An agent, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// As administered.
    #[serde(flatten)]
    pub spec: AgentSpec,
    /// There.
    pub present: bool,
    /// Units in use, reservations included.
    pub in_use: u32,
    /// Units.
    pub units: u32,
    /// Conversations held.
    pub holds: Vec<SmolStr>,
}

impl Desk {
    /// Adds or changes an agent. A new one is away.
    pub fn set_agent(&mut self, spec: AgentSpec, now: Timestamp) -> Vec<DeskEffect> {
        let mut out = Vec::new();
        let mut teams = spec.teams.clone();
        match self.agents.get_mut(&spec.id) {
            Some(agent) => {
                teams.extend(agent.spec.teams.iter().cloned());
                agent.spec = spec;
            }
            None => {
                let holds = self
                    .items
                    .iter()
                    .filter(|(_, item)| matches!(&item.state, ItemState::Assigned { agent, .. } | ItemState::Reserved { agent, .. } if *agent == spec.id))
                    .map(|(id, _)| id.clone())
                    .collect();
                self.agents.insert(
                    spec.id.clone(),
                    Agent {
                        spec,
                        present: false,
                        holds,
                        idle_since: now,
                        worked: BTreeMap::new(),
                    },
                );
            }
        }
        self.settle(&teams, now, &mut out);
        out
    }

    /// The agent's presence: switch and liveness. One who leaves keeps what was accepted; what was only offered goes to the next.
    ///
    /// # Errors
    /// If there is no such agent.
    pub fn set_present(
        &mut self,
        agent: &str,
        present: bool,
        now: Timestamp,
    ) -> Result<Vec<DeskEffect>, DeskError> {
        let mut out = Vec::new();
        let who = self
            .agents
            .get_mut(agent)
            .ok_or_else(|| DeskError::UnknownAgent(agent.into()))?;
        if who.present == present {
            return Ok(out);
        }
        who.present = present;
        let teams = who.spec.teams.clone();
        if present {
            who.idle_since = now;
            out.push(DeskEffect::PeopleAvailable {
                teams: teams.clone(),
            });
        } else {
            let offered: Vec<SmolStr> = who.holds.iter().cloned().collect();
            for conversation in offered {
                if matches!(
                    self.items.get(&conversation).map(|i| &i.state),
                    Some(ItemState::Reserved { .. })
                ) {
                    self.unreserve(&conversation, "left", &mut out);
                }
            }
        }
        self.settle(&teams, now, &mut out);
        Ok(out)
    }

    /// The agent vanished with conversations in hand: they are queued again, first in line by their first time.
    ///
    /// # Errors
    /// If there is no such agent.
    pub fn lose_agent(
        &mut self,
        agent: &str,
        now: Timestamp,
    ) -> Result<Vec<DeskEffect>, DeskError> {
        let mut out = self.set_present(agent, false, now)?;
        let Some(who) = self.agents.get_mut(agent) else {
            return Ok(out);
        };
        let held = std::mem::take(&mut who.holds);
        let mut teams = BTreeSet::new();
        for conversation in held {
            if let Some(item) = self.items.get_mut(&conversation) {
                item.state = ItemState::Waiting;
                item.passed.insert(agent.into());
                teams.insert(item.item.team.clone());
                out.push(DeskEffect::Lost {
                    conversation,
                    generation: item.item.generation,
                    agent: agent.into(),
                });
            }
        }
        let teams: Vec<SmolStr> = teams.into_iter().collect();
        self.settle(&teams, now, &mut out);
        Ok(out)
    }

    /// All agents.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentView> {
        self.agents
            .values()
            .map(|a| AgentView {
                spec: a.spec.clone(),
                present: a.present,
                in_use: a.in_use(),
                units: self.capacity_of(a),
                holds: a.holds.iter().cloned().collect(),
            })
            .collect()
    }

    /// An agent's name as the customer reads it.
    #[must_use]
    pub fn agent_ref(&self, agent: &str) -> Option<AgentRef> {
        self.agents.get(agent).map(Agent::reference)
    }

    pub(super) fn capacity_of(&self, agent: &Agent) -> u32 {
        agent.spec.capacity.unwrap_or_else(|| {
            agent
                .spec
                .teams
                .iter()
                .filter_map(|t| self.teams.get(t))
                .map(|t| t.capacity)
                .max()
                .unwrap_or(1)
        })
    }

    /// Whether the agent has a skill: their own, else one of their teams'.
    pub(super) fn has_skill(&self, agent: &Agent, skill: &str) -> bool {
        if agent.spec.skills.is_empty() {
            agent
                .spec
                .teams
                .iter()
                .filter_map(|t| self.teams.get(t))
                .any(|t| t.skills.iter().any(|s| s == skill))
        } else {
            agent.spec.skills.iter().any(|s| s == skill)
        }
    }
}
