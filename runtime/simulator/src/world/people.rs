//! Agents at the simulated desk.

use super::{CONVERSATION, World, WorldError};
use flow_engine::desk::{AgentSpec, ItemState};
use flow_engine::event::EventKind;

impl World {
    /// Adds an agent, present or away.
    pub fn add_agent(&mut self, spec: AgentSpec, present: bool) -> Result<(), WorldError> {
        let id = spec.id.clone();
        let effects = self.desk.set_agent(spec, self.now);
        self.desk_effects(effects);
        if present {
            self.presence(&id, true)
        } else {
            self.settle()
        }
    }

    /// An agent comes or leaves.
    ///
    /// # Errors
    /// If there is no such agent.
    pub fn presence(&mut self, agent: &str, present: bool) -> Result<(), WorldError> {
        let effects = self
            .desk
            .set_present(agent, present, self.now)
            .map_err(|e| WorldError::Desk(e.to_string()))?;
        self.desk_effects(effects);
        self.settle()
    }

    /// An agent accepts what is offered.
    ///
    /// # Errors
    /// If nothing is offered to this agent.
    pub fn accept(&mut self, agent: &str) -> Result<(), WorldError> {
        let effects = match self.reservation_of(agent) {
            Some(reservation) => self.desk.accept(agent, reservation, self.now),
            None if self.cannot_be_offered(agent) => {
                let to = match self.desk.item(CONVERSATION).map(|item| &item.state) {
                    Some(ItemState::Reserved { agent, .. }) => format!("offered to `{agent}`"),
                    _ => "offered to someone else who is there".to_owned(),
                };
                return Err(WorldError::Desk(format!(
                    "it is {to}, not to `{agent}`: {}",
                    self.demands()
                )));
            }
            None => self.desk.take(agent, CONVERSATION, self.now),
        };
        let effects =
            effects.map_err(|e| WorldError::Desk(self.explain_desk(agent, &e.to_string())))?;
        self.desk_effects(effects);
        self.settle()
    }

    /// An agent declines what is offered.
    ///
    /// # Errors
    /// If nothing is offered to this agent.
    pub fn decline(&mut self, agent: &str) -> Result<(), WorldError> {
        let reservation = self
            .reservation_of(agent)
            .ok_or_else(|| WorldError::Desk(format!("nothing is offered to `{agent}`")))?;
        let effects = self
            .desk
            .decline(agent, reservation, self.now)
            .map_err(|e| WorldError::Desk(e.to_string()))?;
        self.desk_effects(effects);
        self.settle()
    }

    /// An agent writes.
    ///
    /// # Errors
    /// If this agent does not have the conversation.
    pub fn agent_says(&mut self, agent: &str, text: &str) -> Result<(), WorldError> {
        let id = self.fresh_id();
        self.happen(EventKind::AgentMessage {
            agent: agent.into(),
            id,
            text: text.to_owned(),
        })
    }

    /// An agent settles it; reminders that must be confirmed before are confirmed.
    ///
    /// # Errors
    /// If this agent does not have the conversation.
    pub fn agent_resolves(
        &mut self,
        agent: &str,
        summary: Option<String>,
    ) -> Result<(), WorldError> {
        let reminders = self
            .program
            .engine
            .card(&self.conversation, &self.history, &self.program.hooks)
            .map(|c| c.reminders)
            .unwrap_or_default();
        for reminder in reminders
            .into_iter()
            .filter(|r| r.before_resolve && !r.confirmed)
        {
            self.happen(EventKind::AgentConfirmed {
                agent: agent.into(),
                reminder: reminder.index,
            })?;
        }
        self.happen(EventKind::AgentResolved {
            agent: agent.into(),
            summary,
        })
    }

    /// An agent gives it back.
    ///
    /// # Errors
    /// If this agent does not have the conversation.
    pub fn agent_returns(&mut self, agent: &str, reason: Option<String>) -> Result<(), WorldError> {
        self.happen(EventKind::AgentReturned {
            agent: agent.into(),
            reason,
        })
    }

    /// Present and of the team, but someone else who is there has what the conversation needs.
    fn cannot_be_offered(&self, agent: &str) -> bool {
        let Some(item) = self.desk.item(CONVERSATION) else {
            return false;
        };
        let of_team = self
            .desk
            .agents()
            .iter()
            .any(|a| a.spec.id == agent && a.present && a.spec.teams.contains(&item.item.team));
        of_team
            && !matches!(item.state, ItemState::Assigned { .. })
            && !self.desk.would_offer(agent, CONVERSATION)
    }

    /// What the waiting conversation asks of an agent.
    fn demands(&self) -> String {
        let Some(item) = self.desk.item(CONVERSATION).map(|item| &item.item) else {
            return String::new();
        };
        let mut wanted = Vec::new();
        if let Some(agent) = &item.agent {
            wanted.push(format!("`{agent}` is asked for"));
        }
        if let Some(skill) = &item.skill {
            wanted.push(format!("it needs the skill `{skill}`"));
        }
        wanted.push(format!("the customer speaks `{}`", item.language));
        wanted.join(", ")
    }

    fn explain_desk(&self, agent: &str, why: &str) -> String {
        match self.desk.item(CONVERSATION) {
            None => format!("nothing waits for `{agent}`: the conversation is not in a queue"),
            Some(item) => match &item.state {
                ItemState::Reserved { agent: other, .. } if other != agent => {
                    format!("it is offered to `{other}`, not to `{agent}`")
                }
                ItemState::Assigned { agent: other, .. } => format!("`{other}` already has it"),
                _ => format!(
                    "`{agent}` cannot take it (it waits for team `{}`): {why}",
                    item.item.team
                ),
            },
        }
    }

    fn reservation_of(&self, agent: &str) -> Option<u64> {
        match &self.desk.item(CONVERSATION)?.state {
            ItemState::Reserved {
                reservation,
                agent: a,
                ..
            } if a == agent => Some(*reservation),
            _ => None,
        }
    }
}
