//! Between the conversation and the desk: each hears the other in order, and as late as chance likes. A crash loses what is under way.

use crate::dice::Dice;
use crate::schedule::{Case, Checked, ID};
use flow_engine::Stage;
use flow_engine::desk::{Desk, DeskEffect, Item, ItemState};
use flow_engine::effect::Effect;
use flow_engine::event::EventKind;
use jiff::SignedDuration;
use std::collections::{BTreeSet, VecDeque};

/// What is under way.
pub(crate) struct Line {
    to_desk: VecDeque<Effect>,
    to_conversation: VecDeque<EventKind>,
    /// Most of what is said is heard at once.
    prompt: bool,
}

impl Line {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            to_desk: VecDeque::new(),
            to_conversation: VecDeque::new(),
            prompt: dice.one_in(2),
        }
    }

    /// Nothing is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.to_desk.is_empty() && self.to_conversation.is_empty()
    }
}

impl Case<'_> {
    /// The conversation tells the desk.
    pub(crate) fn tell_desk(&mut self, effect: &Effect) {
        match effect {
            Effect::Enqueue(item) => self.stored = Some(item.clone()),
            Effect::Dequeue { .. } => self.stored = None,
            _ => return,
        }
        self.line.to_desk.push_back(effect.clone());
        if self.line.prompt && !self.dice.one_in(8) {
            while self.desk_hears() {}
        }
    }

    /// The desk tells the conversations.
    pub(crate) fn hear(&mut self, effects: Vec<DeskEffect>) {
        if !effects.is_empty() {
            self.log.push(format!("{} desk: {effects:?}", self.now));
        }
        for effect in effects {
            match effect.into_event() {
                (Some(id), event) if id == ID => self.line.to_conversation.push_back(event),
                (Some(_), _) => {}
                (None, event) => self.under_way.push(event),
            }
        }
    }

    fn desk_hears(&mut self) -> bool {
        let effects = match self.line.to_desk.pop_front() {
            Some(Effect::Enqueue(item)) => self.desk.enqueue(ID.into(), item, self.now),
            Some(Effect::Dequeue { reason }) => self.desk.dequeue(ID, &reason, self.now),
            _ => return false,
        };
        self.hear(effects);
        true
    }

    fn conversation_hears(&mut self) -> Result<bool, String> {
        let Some(event) = self.line.to_conversation.pop_front() else {
            return Ok(false);
        };
        let turn = self.take(event.clone())?;
        if turn.accepted.is_ok() {
            self.store_news(event);
        }
        Ok(true)
    }

    /// What the store keeps of what the conversation heard.
    fn store_news(&mut self, event: EventKind) {
        match (event, &mut self.stored) {
            (EventKind::Reserved { reservation, .. }, _) => self.reservation = reservation,
            (EventKind::Overflowed { team, .. }, Some(item)) => item.team = team,
            _ => {}
        }
    }

    /// Some of what is under way arrives.
    pub(crate) fn post(&mut self) -> Checked {
        let letters = if self.line.prompt {
            8
        } else {
            1 + self.dice.below(3)
        };
        for _ in 0..letters {
            if self.dice.one_in(2) {
                self.desk_hears();
            } else {
                self.conversation_hears()?;
            }
        }
        Ok(())
    }

    /// All of it arrives.
    pub(crate) fn everything_is_heard(&mut self) -> Checked {
        for _ in 0..400 {
            if !self.desk_hears() && !self.conversation_hears()? {
                return Ok(());
            }
        }
        Err("the desk and the conversation never come to rest".to_owned())
    }

    pub(crate) fn tick(&mut self) {
        let effects = self.desk.tick(self.now);
        self.hear(effects);
    }

    /// The process is lost; the conversation goes on from what was stored, and the desk is rebuilt from it with everybody away.
    pub(crate) fn crash(&mut self) -> Checked {
        self.log.push(format!("{} crash", self.now));
        // Starting again takes a while, and numbers are taken from the clock.
        self.now = self.now.checked_add(SignedDuration::from_secs(2)).unwrap();
        let text = serde_json::to_string(&self.conversation).map_err(|e| e.to_string())?;
        self.conversation = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        self.line.to_desk.clear();
        self.line.to_conversation.clear();
        self.desk = Desk::new(&self.machine());
        self.desk
            .resume_reservations(u64::try_from(self.now.as_millisecond()).unwrap());
        let view = self.view();
        if let Some(item) = self.stored.clone() {
            let state = match (&view.agent, view.stage) {
                (Some(agent), Stage::Reviewing | Stage::WithAgent) => ItemState::Assigned {
                    agent: agent.id.clone(),
                    since: self.now,
                },
                _ => ItemState::Waiting,
            };
            if view.stage == Stage::Offered {
                self.line.to_conversation.push_back(EventKind::Unreserved {
                    generation: item.generation,
                    reservation: self.reservation,
                    reason: "left".into(),
                });
            }
            let item = Item {
                in_team_since: item.since,
                item,
                state,
                came_through: Vec::new(),
                passed: BTreeSet::new(),
                news: None,
                told_at: None,
                promised: None,
            };
            self.desk.restore(ID.into(), item);
        }
        self.hire();
        self.tick();
        Ok(())
    }
}
