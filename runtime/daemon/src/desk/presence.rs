//! Who is there: the switch, the streams, and those who vanished.

use super::{Presence, lock};
use crate::app::App;
use crate::desk::spec;
use flow_store::Agent;
use jiff::SignedDuration;
use std::sync::Arc;

impl App {
    /// Adds or changes an agent at the desk.
    pub fn desk_agent(self: &Arc<Self>, agent: &Agent) {
        lock(&self.desk.presence)
            .entry(agent.id.clone())
            .or_default();
        self.desk_do(|desk, now| desk.set_agent(spec(agent), now));
    }

    /// An agent is gone for good: what they had goes to others.
    pub fn lose(self: &Arc<Self>, agent: &str) {
        let _ = self.desk_try(|desk, now| desk.lose_agent(agent, now));
    }

    /// Moves an agent's switch.
    pub fn set_available(self: &Arc<Self>, agent: &str, available: bool) {
        self.presence(agent, |p| p.available = available);
    }

    /// A stream of an agent began.
    pub fn stream_began(self: &Arc<Self>, agent: &str) {
        self.presence(agent, |p| {
            p.streams += 1;
            p.gone_since = None;
            p.lost = false;
        });
    }

    /// A stream of an agent ended.
    pub fn stream_ended(self: &Arc<Self>, agent: &str) {
        let now = self.clock.now();
        let mut presence = lock(&self.desk.presence);
        let who = presence.entry(agent.into()).or_default();
        who.streams = who.streams.saturating_sub(1);
        if who.streams == 0 {
            who.gone_since = Some(now);
        }
        drop(presence);
        self.desk.changed.notify_one();
    }

    fn presence(self: &Arc<Self>, agent: &str, change: impl FnOnce(&mut Presence)) {
        let present = {
            let mut presence = lock(&self.desk.presence);
            let who = presence.entry(agent.into()).or_default();
            change(who);
            who.available && who.streams > 0
        };
        // An agent whom the desk does not know yet is added when signing in.
        let _ = self.desk_try(|desk, now| desk.set_present(agent, present, now));
    }

    /// Those who have been without a stream for too long are away; later their conversations go to others.
    pub(super) fn look_for_the_gone(self: &Arc<Self>) {
        let now = self.clock.now();
        let seconds = |s: u64| SignedDuration::from_secs(i64::try_from(s).unwrap_or(i64::MAX));
        let (grace, lost) = (
            seconds(self.config.agents.grace_seconds),
            seconds(self.config.agents.lost_seconds),
        );
        let mut away = Vec::new();
        let mut gone = Vec::new();
        for (agent, who) in lock(&self.desk.presence).iter_mut() {
            let Some(since) = who.gone_since.filter(|_| who.streams == 0) else {
                continue;
            };
            let passed = now.duration_since(since);
            if passed >= lost && !who.lost {
                who.lost = true;
                gone.push(agent.clone());
            } else if passed >= grace {
                away.push(agent.clone());
            }
        }
        for agent in away {
            let _ = self.desk_quietly(|desk| desk.set_present(&agent, false, now));
        }
        for agent in gone {
            let _ = self.desk_quietly(|desk| desk.lose_agent(&agent, now));
        }
    }
}
