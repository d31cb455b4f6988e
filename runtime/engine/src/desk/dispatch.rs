//! Who gets what next.
//!
//! Service order is by score: minutes waited plus an offset for the priority, so that nobody starves. The agent is picked as the team says. A
//! demanded language, skill or agent is insisted on as long as someone present can meet it; otherwise anyone of the team may take it, since
//! waiting for nobody helps nobody.

use super::agents::Agent;
use super::{Desk, DeskEffect, Item, ItemState, later};
use crate::effect::QueueItem;
use flow_compiler::machine::{Assign, Priority};
use jiff::Timestamp;
use smol_str::SmolStr;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Minutes by which a priority is ahead.
const fn offset_minutes(priority: Priority) -> i64 {
    match priority {
        Priority::Standard => 0,
        Priority::Medium => 10,
        Priority::High => 30,
        Priority::Immediate => 240,
    }
}

impl Item {
    /// The higher, the sooner served; milliseconds.
    fn score(&self, now: Timestamp) -> i64 {
        now.as_millisecond() - self.item.since.as_millisecond()
            + offset_minutes(self.item.priority) * 60_000
    }
}

impl Desk {
    /// The items that wait for a team (reserved ones included), in service order.
    #[must_use]
    pub fn queue(&self, team: &str, now: Timestamp) -> Vec<(&SmolStr, &Item)> {
        let mut items: Vec<(&SmolStr, &Item)> = self
            .items
            .iter()
            .filter(|(_, i)| i.item.team == team && !matches!(i.state, ItemState::Assigned { .. }))
            .collect();
        items.sort_by(|(a_id, a), (b_id, b)| {
            b.score(now)
                .cmp(&a.score(now))
                .then_with(|| a.item.since.cmp(&b.item.since))
                .then_with(|| a_id.cmp(b_id))
        });
        items
    }

    /// Tells the waiting where they stand, then offers what can be offered, for these teams.
    pub(super) fn settle(&mut self, teams: &[SmolStr], now: Timestamp, out: &mut Vec<DeskEffect>) {
        let teams: BTreeSet<&SmolStr> = teams.iter().collect();
        for team in &teams {
            self.news(team, now, out);
        }
        for team in &teams {
            self.offer(team, now, out);
        }
    }

    /// Reserves agents for the waiting items of a team, in service order.
    fn offer(&mut self, team: &str, now: Timestamp, out: &mut Vec<DeskEffect>) {
        if !self.has_free(team) {
            return;
        }
        let waiting: Vec<SmolStr> = self
            .queue(team, now)
            .into_iter()
            .filter(|(_, i)| matches!(i.state, ItemState::Waiting))
            .map(|(id, _)| id.clone())
            .collect();
        for conversation in waiting {
            if !self.has_free(team) {
                return;
            }
            let Some(agent) = self.pick(&conversation, team) else {
                continue;
            };
            let reservation = self.fresh_reservation();
            let Some(item) = self.items.get_mut(&conversation) else {
                continue;
            };
            let until = later(now, item.item.accept_within);
            let generation = item.item.generation;
            item.state = ItemState::Reserved {
                reservation,
                agent: agent.clone(),
                until,
            };
            if let Some(who) = self.agents.get_mut(&agent) {
                who.holds.insert(conversation.clone());
                out.push(DeskEffect::Reserved {
                    conversation,
                    generation,
                    reservation,
                    agent: who.reference(),
                    until,
                });
            }
        }
    }

    /// The best placed free agent for an item.
    fn pick(&mut self, conversation: &str, team: &str) -> Option<SmolStr> {
        let item = self.items.get(conversation)?;
        let wanted = &item.item;
        let able = self.able(wanted, team);
        let asked_all = able.iter().all(|a| item.passed.contains(&a.spec.id));
        let mut free = able;
        free.retain(|a| self.is_free(a) && (asked_all || !item.passed.contains(&a.spec.id)));
        let order = self
            .teams
            .get(team)
            .map(|t| t.assign.clone())
            .unwrap_or_default();
        free.sort_by(|a, b| {
            let prefers = |x: &Agent| wanted.prefer.as_ref() == Some(&x.spec.id);
            prefers(b)
                .cmp(&prefers(a))
                .then_with(|| self.compare(a, b, &order, team, wanted.skill.as_deref()))
                .then_with(|| a.spec.id.cmp(&b.spec.id))
        });
        let best = free.first().map(|a| a.spec.id.clone());
        if asked_all && let (Some(_), Some(item)) = (&best, self.items.get_mut(conversation)) {
            item.passed.clear();
        }
        best
    }

    /// Whether an agent is among those to whom a conversation of their team would be offered: present, and with what is demanded as long
    /// as anyone present has it.
    #[must_use]
    pub fn would_offer(&self, agent: &str, conversation: &str) -> bool {
        self.items.get(conversation).is_some_and(|item| {
            self.able(&item.item, &item.item.team)
                .iter()
                .any(|a| a.spec.id == agent)
        })
    }

    /// Who of a team could be offered an item.
    fn able(&self, wanted: &QueueItem, team: &str) -> Vec<&Agent> {
        let present: Vec<&Agent> = self
            .agents
            .values()
            .filter(|a| a.present && a.spec.teams.iter().any(|t| t == team))
            .collect();
        let speaks = |a: &Agent| {
            a.spec.languages.is_empty()
                || wanted.language == "other"
                || a.spec.languages.contains(&wanted.language)
        };
        let skilled = |a: &Agent| wanted.skill.as_ref().is_none_or(|s| self.has_skill(a, s));
        let demanded = |a: &Agent| wanted.agent.as_ref().is_none_or(|id| a.spec.id == *id);
        // Each demand is insisted on among those who meet the demands before it: two that only different people meet leave nobody out.
        let mut able = present;
        for demand in [&speaks as &dyn Fn(&Agent) -> bool, &skilled, &demanded] {
            if able.iter().any(|a| demand(a)) {
                able.retain(|a| demand(a));
            }
        }
        able
    }

    fn compare(
        &self,
        a: &Agent,
        b: &Agent,
        order: &[Assign],
        team: &str,
        skill: Option<&str>,
    ) -> Ordering {
        let usual = [Assign::LeastBusy, Assign::LongestIdle];
        let order = if order.is_empty() { &usual } else { order };
        order.iter().fold(Ordering::Equal, |so_far, by| {
            so_far.then_with(|| match by {
                // a/b < c/d as a*d < c*b, without rounding.
                Assign::LeastBusy => (u64::from(a.in_use()) * u64::from(self.capacity_of(b)))
                    .cmp(&(u64::from(b.in_use()) * u64::from(self.capacity_of(a)))),
                Assign::LongestIdle => a.idle_since.cmp(&b.idle_since),
                Assign::RoundRobin => a
                    .worked
                    .get(team)
                    .copied()
                    .unwrap_or(0)
                    .cmp(&b.worked.get(team).copied().unwrap_or(0)),
                Assign::BestSkilled => {
                    let fits =
                        |x: &Agent| skill.is_some_and(|s| x.spec.skills.iter().any(|own| own == s));
                    fits(b).cmp(&fits(a))
                }
            })
        })
    }

    /// Whether anybody of a team could take something.
    fn has_free(&self, team: &str) -> bool {
        let mut agents = self.agents.values();
        agents.any(|a| self.is_free(a) && a.spec.teams.iter().any(|t| t == team))
    }

    fn is_free(&self, agent: &Agent) -> bool {
        agent.present && agent.in_use() < self.capacity_of(agent)
    }

    /// The item becomes the agent's.
    pub(super) fn assign(
        &mut self,
        conversation: &str,
        agent: &str,
        reservation: u64,
        now: Timestamp,
        out: &mut Vec<DeskEffect>,
    ) {
        let Some(item) = self.items.get_mut(conversation) else {
            return;
        };
        item.state = ItemState::Assigned {
            agent: agent.into(),
            since: now,
        };
        item.news = None;
        let (team, generation) = (item.item.team.clone(), item.item.generation);
        if let Some((at, promised)) = item.promised.take() {
            self.stats
                .entry(team.clone())
                .or_default()
                .waited(promised, now.as_millisecond() - at.as_millisecond());
        }
        if let Some(who) = self.agents.get_mut(agent) {
            who.holds.insert(conversation.into());
            who.idle_since = now;
            *who.worked.entry(team.clone()).or_default() += 1;
            out.push(DeskEffect::Accepted {
                conversation: conversation.into(),
                generation,
                reservation,
                agent: who.reference(),
                team: team.clone(),
            });
        }
        self.settle(&[team], now, out);
    }

    /// The reservation ends; the item waits on, and is not offered to the same agent before others were asked.
    pub(super) fn unreserve(
        &mut self,
        conversation: &str,
        reason: &str,
        out: &mut Vec<DeskEffect>,
    ) {
        let Some(item) = self.items.get_mut(conversation) else {
            return;
        };
        let ItemState::Reserved {
            reservation, agent, ..
        } = std::mem::replace(&mut item.state, ItemState::Waiting)
        else {
            return;
        };
        item.passed.insert(agent.clone());
        let generation = item.item.generation;
        if let Some(who) = self.agents.get_mut(&agent) {
            who.holds.remove(conversation);
        }
        out.push(DeskEffect::Unreserved {
            conversation: conversation.into(),
            generation,
            reservation,
            agent,
            reason: reason.into(),
        });
    }

    /// Frees whoever holds an item that is leaving.
    pub(super) fn let_go(
        &mut self,
        conversation: &str,
        item: &Item,
        reason: &str,
        out: &mut Vec<DeskEffect>,
    ) {
        let (ItemState::Reserved { agent, .. } | ItemState::Assigned { agent, .. }) = &item.state
        else {
            return;
        };
        if let Some(who) = self.agents.get_mut(agent) {
            who.holds.remove(conversation);
        }
        if let ItemState::Reserved { reservation, .. } = item.state {
            out.push(DeskEffect::Unreserved {
                conversation: conversation.into(),
                generation: item.item.generation,
                reservation,
                agent: agent.clone(),
                reason: reason.into(),
            });
        }
    }
}
