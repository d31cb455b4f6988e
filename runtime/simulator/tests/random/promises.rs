//! What must hold, of every event and at the end.

use crate::schedule::{Case, Checked, ID};
use flow_compiler::value::Value;
use flow_engine::conversation::Conversation;
use flow_engine::desk::ItemState;
use flow_engine::effect::{Effect, Speaker};
use flow_engine::event::{Event, EventKind};
use flow_engine::signals::Signals;
use flow_engine::{Hooks, Stage, Turn, View};
use flow_grammar::ast::TierKind;
use std::cell::RefCell;
use std::collections::VecDeque;

impl Case<'_> {
    pub(crate) fn step(&mut self, kind: EventKind) -> Checked {
        self.take(kind).map(drop)
    }

    /// One event, and what must hold of it.
    pub(crate) fn take(&mut self, kind: EventKind) -> Result<Turn, String> {
        let before = self.view();
        let event = Event { at: self.now, kind };
        let stored = serde_json::to_string(&self.conversation).map_err(|e| e.to_string())?;
        let mut restored: Conversation = serde_json::from_str(&stored)
            .map_err(|e| format!("the state cannot be read again: {e}"))?;
        if restored != self.conversation {
            return Err("the state is another one after it was stored".to_owned());
        }
        let hooks = Twice::new(&self.program.hooks);
        let turn = self
            .program
            .engine
            .step(&mut self.conversation, &event, &hooks);
        let shown = serde_json::to_string(&event.kind).unwrap_or_default();
        self.log.push(format!(
            "{} {:.160} [{:?} -> {:?}]{}",
            self.now,
            shown,
            before.stage,
            self.view().stage,
            turn.accepted
                .as_ref()
                .err()
                .map_or_else(String::new, |e| format!(" {e}"))
        ));
        // As after a crash: the stored state, and the event as it was recorded.
        let recorded: Event = serde_json::from_str(&serde_json::to_string(&event).unwrap())
            .map_err(|e| format!("the event cannot be read again: {e}"))?;
        let again = self
            .program
            .engine
            .step(&mut restored, &recorded, &hooks.again());
        if again != turn {
            return Err(format!(
                "the same event does not do the same again:\n{turn:?}\n{again:?}"
            ));
        }
        if restored != self.conversation {
            return Err("the same event does not lead to the same state again".to_owned());
        }
        let effects = serde_json::to_string(&turn.effects).map_err(|e| e.to_string())?;
        let effects: Vec<Effect> = serde_json::from_str(&effects)
            .map_err(|e| format!("the effects cannot be read again: {e}"))?;
        if effects != turn.effects {
            return Err("the effects are others after they were stored".to_owned());
        }
        if turn.accepted.is_err() {
            let after = serde_json::to_string(&self.conversation).map_err(|e| e.to_string())?;
            if after != stored || !turn.effects.is_empty() {
                return Err(format!(
                    "a refused event changed something:\n{stored}\n{after}"
                ));
            }
            return Ok(turn);
        }
        self.only_the_person_speaks(&before, &event.kind, &turn)?;
        for effect in &turn.effects {
            self.apply(effect)?;
        }
        Ok(turn)
    }

    /// While a person has the conversation, neither bot nor model says a word into it.
    fn only_the_person_speaks(&self, before: &View, event: &EventKind, turn: &Turn) -> Checked {
        let after = self.view();
        let has_it = before.stage == Stage::WithAgent
            && after.stage == Stage::WithAgent
            && before.epoch == after.epoch;
        let intruder = turn
            .effects
            .iter()
            .find(|e| matches!(e, Effect::Send(m) if !matches!(m.from, Speaker::Agent(_))));
        match intruder {
            Some(effect) if has_it => Err(format!(
                "a machine spoke while a person had it, at {event:?}: {effect:?}"
            )),
            _ => Ok(()),
        }
    }

    /// Once each heard all that the other said, they tell the same story, and so do the agents' hands.
    pub(crate) fn same_at_the_desk(&self) -> Checked {
        let view = self.view();
        let item = self.desk.item(ID);
        let agree = match (view.stage, item.map(|i| &i.state)) {
            (Stage::WithAgent | Stage::Reviewing, Some(ItemState::Assigned { agent, .. })) => {
                view.agent.as_ref().is_some_and(|a| a.id == *agent)
            }
            (Stage::Offered, Some(ItemState::Reserved { agent, .. })) => {
                view.agent.as_ref().is_some_and(|a| a.id == *agent)
            }
            (Stage::Queued, Some(ItemState::Waiting)) => true,
            (Stage::WithAgent | Stage::Reviewing | Stage::Offered | Stage::Queued, _) => false,
            (_, None) => true,
            (_, Some(_)) => false,
        };
        let same_team = item.is_none_or(|i| view.team.as_deref() == Some(i.item.team.as_str()));
        if !agree || !same_team {
            return Err(format!(
                "the conversation is {:?} with {:?} in {:?}, the desk says {item:?}",
                view.stage, view.agent, view.team
            ));
        }
        for agent in self.desk.agents() {
            let held = self.desk.items().filter(|(_, item)| {
                matches!(&item.state, ItemState::Reserved { agent: a, .. } | ItemState::Assigned { agent: a, .. } if *a == agent.spec.id)
            });
            let held: Vec<_> = held.map(|(id, _)| id.clone()).collect();
            if held != agent.holds {
                return Err(format!(
                    "{} holds {:?}, the items say {held:?}",
                    agent.spec.id, agent.holds
                ));
            }
            if agent.in_use > agent.units {
                return Err(format!("{} holds too much: {held:?}", agent.spec.id));
            }
        }
        Ok(())
    }

    /// Who waits while everybody of the team is free is offered to somebody.
    fn nobody_idles(&self) -> Checked {
        let Some(item) = self
            .desk
            .item(ID)
            .filter(|i| matches!(i.state, ItemState::Waiting))
        else {
            return Ok(());
        };
        let there: Vec<_> = self
            .desk
            .agents()
            .into_iter()
            .filter(|a| a.present && a.spec.teams.contains(&item.item.team))
            .collect();
        if !there.is_empty() && there.iter().all(|a| a.in_use < a.units) {
            return Err(format!("it waits while {there:?} are idle: {item:?}"));
        }
        Ok(())
    }

    /// Everything arrives at last; then the customer asks for a person, and is not left alone.
    pub(crate) fn settles(&mut self) -> Checked {
        for _ in 0..200 {
            self.everything_is_heard()?;
            let Some(kind) = self.under_way.pop() else {
                break;
            };
            self.step(kind)?;
        }
        self.tick();
        self.everything_is_heard()?;
        self.same_at_the_desk()?;
        self.nobody_idles()?;
        let view = self.view();
        let machine = self.machine();
        let people = machine.tiers.iter().any(|t| t.kind == TierKind::People);
        if !people || view.stage == Stage::Closed {
            return Ok(());
        }
        if view.busy {
            return Err("it waits for a result, and none is under way".to_owned());
        }
        let signals = Signals {
            asks_for_human: true,
            ..self.signals("agent please")
        };
        let id = self.fresh();
        let turn = self.take(EventKind::Message {
            id,
            text: "agent please".to_owned(),
            signals,
        })?;
        let after = self.view();
        let with_people = matches!(
            after.stage,
            Stage::HandoffPending
                | Stage::Queued
                | Stage::Offered
                | Stage::Reviewing
                | Stage::WithAgent
        );
        let promised = turn.effects.iter().any(seen);
        if with_people || promised {
            Ok(())
        } else {
            Err(format!(
                "asking for a person led nowhere: {:?}, {:?}",
                after.stage, turn.effects
            ))
        }
    }
}

/// Hooks that answer the second time as they did the first: a script that is stopped for its slowness may be quicker then.
struct Twice<'a> {
    hooks: &'a dyn Hooks,
    answers: RefCell<VecDeque<Result<Value, String>>>,
    again: bool,
}

impl<'a> Twice<'a> {
    fn new(hooks: &'a dyn Hooks) -> Self {
        Self {
            hooks,
            answers: RefCell::default(),
            again: false,
        }
    }

    fn again(self) -> Self {
        Self {
            again: true,
            ..self
        }
    }
}

impl Hooks for Twice<'_> {
    fn call(&self, hook: &str, args: &[Value]) -> Result<Value, String> {
        let mut answers = self.answers.borrow_mut();
        if self.again {
            return answers.pop_front().unwrap();
        }
        answers.push_back(self.hooks.call(hook, args));
        answers.back().unwrap().clone()
    }
}

/// Whether the customer gets something of it, now or soon.
pub(crate) fn seen(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Send(_)
            | Effect::CallWebhook { .. }
            | Effect::AskModel(_)
            | Effect::Enqueue(_)
            | Effect::Closed { .. }
            | Effect::Verify { .. }
            | Effect::CheckCode { .. }
    )
}
