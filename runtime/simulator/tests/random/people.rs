//! The agents, who act on what they see at the desk or in the conversation, whether or not the other side heard of it; and other
//! customers, who take their time.

use crate::schedule::{Case, Checked, ID};
use flow_compiler::machine::Priority;
use flow_engine::desk::{AgentSpec, ItemState};
use flow_engine::effect::QueueItem;
use flow_engine::event::EventKind;
use smol_str::SmolStr;

const AGENTS: [&str; 2] = ["leo", "mia"];
/// Another conversation at the same desk.
const OTHER: &str = "c2";

impl Case<'_> {
    fn teams(&self) -> Vec<SmolStr> {
        self.machine()
            .teams
            .iter()
            .map(|t| t.name.clone())
            .collect()
    }

    /// Agents come to the desk; they are away at first.
    pub(crate) fn hire(&mut self) {
        for agent in AGENTS {
            let teams = self.teams();
            let teams = teams.into_iter().filter(|_| !self.dice.one_in(4)).collect();
            let spec = AgentSpec {
                id: agent.into(),
                name: agent.into(),
                teams,
                languages: Vec::new(),
                skills: Vec::new(),
                capacity: Some(1),
            };
            let effects = self.desk.set_agent(spec, self.now);
            self.hear(effects);
        }
    }

    /// An agent does something at the desk, or in the conversation.
    pub(crate) fn people(&mut self) -> Checked {
        let id = *self.dice.pick(&AGENTS).unwrap();
        let at = if self.dice.one_in(5) { OTHER } else { ID };
        let reserved = self.desk.item(at).and_then(|i| match &i.state {
            ItemState::Reserved {
                reservation, agent, ..
            } => Some((*reservation, agent.clone())),
            _ => None,
        });
        let now = self.now;
        let effects = match self.dice.below(9) {
            0..=1 => self.desk.set_present(id, true, now),
            2 => self.desk.set_present(id, false, now),
            3 | 4 => match reserved {
                Some((reservation, agent)) if !self.dice.one_in(4) => {
                    self.desk.accept(&agent, reservation, now)
                }
                _ => self.desk.take(id, at, now),
            },
            5 => match reserved {
                Some((reservation, agent)) => self.desk.decline(&agent, reservation, now),
                None => Ok(Vec::new()),
            },
            6 => self.desk.lose_agent(id, now),
            _ => return self.agent_in_the_conversation(id),
        };
        if let Ok(effects) = effects {
            self.hear(effects);
        }
        Ok(())
    }

    fn agent_in_the_conversation(&mut self, agent: &str) -> Checked {
        let agent = SmolStr::new(agent);
        let id = self.fresh();
        let teams = self.teams();
        let team = self.dice.pick(&teams).cloned().unwrap_or_default();
        let kind = match self.dice.below(6) {
            0 => EventKind::AgentNote {
                agent,
                id,
                text: "a note".to_owned(),
            },
            1 => EventKind::AgentResolved {
                agent,
                summary: None,
            },
            2 => EventKind::AgentReturned {
                agent,
                reason: None,
            },
            3 => EventKind::AgentTransferred {
                agent,
                team,
                reason: None,
            },
            4 => EventKind::AgentConfirmed {
                agent,
                reminder: self.dice.below(3) as u32,
            },
            _ => EventKind::AgentMessage {
                agent,
                id,
                text: "Hello!".to_owned(),
            },
        };
        self.step(kind)
    }

    /// Somebody else asks for a person, or goes.
    pub(crate) fn other_customers(&mut self) -> Checked {
        let effects = if self.dice.one_in(2) {
            self.desk.dequeue(OTHER, "resolved", self.now)
        } else {
            let teams = self.teams();
            let Some(team) = self.dice.pick(&teams).cloned() else {
                return Ok(());
            };
            self.others += 1;
            let item = QueueItem {
                generation: self.others,
                tier: "human".into(),
                team,
                priority: Priority::Standard,
                language: "en".into(),
                skill: None,
                agent: None,
                prefer: None,
                since: self.now,
                due: None,
                accept_within: 30_000,
            };
            self.desk.enqueue(OTHER.into(), item, self.now)
        };
        self.hear(effects);
        Ok(())
    }
}
