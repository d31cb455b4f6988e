//! The desk's and the agents' side of a handoff: news of the queue, offers to agents, being with one, and the end of it.

use super::Run;
use super::answers::Reply;
use super::parse::Input;
use crate::builtin_texts::Builtin;
use crate::calendar::plus;
use crate::conversation::{Ask, At, Desk, Pending, Thread, TimerFor};
use crate::effect::{Effect, MessageKind, OutMessage, Speaker};
use crate::event::{AgentRef, QueueNews};
use crate::signals::Signals;
use crate::tables::{index_u32, var_name};
use flow_compiler::machine::{HandlerEvent, OpKind};
use flow_compiler::value::OpId;
use smol_str::SmolStr;

/// Steps that show nothing are followed so far.
const QUIET_STEPS: usize = 32;

impl Run<'_> {
    /// News of the queue. The first after queueing decides what the customer is told.
    pub(super) fn on_queue(&mut self, news: &QueueNews) {
        let now = self.now;
        let Some(handoff) = self.c.handoff.as_deref_mut() else {
            return;
        };
        handoff.news = Some(news.clone());
        handoff.news_at = Some(now);
        let arriving = handoff.desk == Desk::Arriving;
        self.update_memories(false, false);
        if arriving && let Some(handoff) = self.c.handoff.as_deref_mut() {
            handoff.desk = Desk::Queued;
            self.arrive(news);
        }
    }

    fn arrive(&mut self, news: &QueueNews) {
        self.arm_update();
        let plan = self.plan();
        let unstaffed = plan.and_then(|p| p.unstaffed).filter(|_| news.staff == 0);
        let full = plan
            .and_then(|p| p.full.as_ref())
            .filter(|(when, _)| self.holds(when))
            .map(|(_, entry)| *entry);
        let say = plan.and_then(|p| p.say);
        if let Some(entry) = unstaffed.or(full) {
            // Buttons alone would leave the customer guessing why.
            if self.opens_with_offer(entry) {
                match say.filter(|_| unstaffed.is_none()) {
                    Some(text) => {
                        let text = self.render(text);
                        self.send(MessageKind::Handoff, text);
                    }
                    None if unstaffed.is_some() => {
                        self.say_builtin(MessageKind::Handoff, Builtin::NobodyThere);
                    }
                    None => self.say_builtin(MessageKind::Handoff, Builtin::Handoff),
                }
            }
            self.exec(entry);
            return;
        }
        match say {
            Some(text) => {
                let text = self.render(text);
                self.send(MessageKind::Handoff, text);
            }
            None if news.staff == 0 => self.say_builtin(MessageKind::Handoff, Builtin::NobodyThere),
            None => self.say_builtin(MessageKind::Handoff, Builtin::Handoff),
        }
        self.ask_required();
    }

    /// Whether the first thing that the customer sees of these steps is an offer.
    pub(super) fn opens_with_offer(&self, entry: OpId) -> bool {
        let mut at = entry;
        for _ in 0..QUIET_STEPS {
            match self.m.op(at).map(|op| &op.kind) {
                Some(OpKind::Offer { .. }) => return true,
                Some(
                    OpKind::Set { next, .. }
                    | OpKind::Clear { next, .. }
                    | OpKind::Note { next, .. }
                    | OpKind::Tag { next, .. },
                ) => at = *next,
                _ => return false,
            }
        }
        false
    }

    /// Asks for the first required value that is missing, while the customer waits.
    pub(super) fn ask_required(&mut self) {
        let Some(handoff) = self.c.handoff.as_deref() else {
            return;
        };
        if !handoff.desk.waits() {
            return;
        }
        let skipped = &handoff.skipped;
        let missing = self.plan().and_then(|plan| {
            let names = plan
                .require
                .iter()
                .map(|(var, _)| (*var, var_name(self.m, *var)));
            names
                .filter(|(var, name)| !self.var(*var).is_known() && !skipped.contains(name))
                .map(|(_, name)| name)
                .next()
        });
        let pending = missing.map(|name| Pending::new(Ask::Required(name)));
        if let Some(pending) = &pending {
            self.pose(pending);
        }
        if let Some(handoff) = self.c.handoff.as_deref_mut() {
            handoff.ask = pending;
        }
    }

    /// A message of a customer who waits: an answer to what is asked meanwhile, or simply more for the agent to read.
    pub(super) fn message_while_waiting(&mut self, text: &str, signals: &Signals) {
        self.open_message = false;
        let input = Input::Message(text, signals);
        // A plan for full or unstaffed teams may be asking.
        if let At::Question(pending) = &self.c.main.at {
            let pending = pending.clone();
            if let Some(reply) = self
                .reply(&pending, input)
                .or_else(|| self.free_reply(&pending, text))
            {
                self.taken("answer");
                self.apply(pending, reply);
                return;
            }
        }
        if let Some(item) = self.offer_by_label(text) {
            self.taken("button");
            self.take_offer(item);
            return;
        }
        let Some(mut pending) = self.c.handoff.as_ref().and_then(|h| h.ask.clone()) else {
            self.taken("agent");
            if signals.asks_for_human {
                self.repeat_position();
            }
            return;
        };
        if let Some(reply) = self
            .reply(&pending, input)
            .or_else(|| self.free_reply(&pending, text))
        {
            self.taken("answer");
            self.apply_required(pending, reply);
            return;
        }
        self.taken("invalid");
        if self.has_retry(&pending) {
            pending.misses += 1;
            self.say_invalid(&pending, Some(input));
            if let Some(handoff) = &mut self.c.handoff {
                handoff.ask = Some(pending);
            }
            return;
        }
        if let (Ask::Required(name), Some(handoff)) = (&pending.ask, &mut self.c.handoff) {
            handoff.skipped.insert(name.clone());
        }
        self.ask_required();
    }

    /// A required value, or the address of a promise, was given.
    pub(super) fn apply_required(&mut self, mut pending: Box<Pending>, reply: Reply) {
        match reply {
            Reply::Values(values) => {
                for (var, value) in values {
                    self.set_var(var, value);
                }
                if let Some(handoff) = &mut self.c.handoff {
                    handoff.ask = None;
                }
                if let Ask::Contact { kind, due, .. } = pending.ask {
                    self.keep_promise(kind, due);
                    return;
                }
                self.ask_required();
            }
            Reply::Picks(values) => {
                for value in values {
                    if !pending.picked.contains(&value) {
                        pending.picked.push(value);
                    }
                }
                self.pose(&pending);
                if let Some(handoff) = &mut self.c.handoff {
                    handoff.ask = Some(pending);
                }
            }
            _ => {}
        }
    }

    pub(super) fn on_reserved(&mut self, reservation: u64, agent: &AgentRef) {
        if let Some(handoff) = &mut self.c.handoff {
            handoff.desk = Desk::Offered {
                reservation,
                agent: agent.clone(),
            };
            handoff.reservation = handoff.reservation.max(reservation);
        }
    }

    pub(super) fn on_unreserved(&mut self) {
        if let Some(handoff) = &mut self.c.handoff {
            handoff.desk = Desk::Queued;
        }
    }

    pub(super) fn on_accepted(&mut self, reservation: u64, agent: &AgentRef, team: &SmolStr) {
        let review = self.plan().map_or(0, |plan| plan.review);
        if let Some(handoff) = &mut self.c.handoff {
            handoff.reservation = handoff.reservation.max(reservation);
            handoff.team = team.clone();
            handoff.desk = Desk::Review {
                agent: agent.clone(),
            };
        }
        self.c.epoch += 1;
        self.cancel_timer(TimerFor::Update);
        match plus(self.now, review).filter(|_| review > 0) {
            Some(at) => self.set_timer(TimerFor::Review, at),
            None => self.connect(),
        }
    }

    /// The customer is connected.
    pub(super) fn connect(&mut self) {
        let now = self.now;
        let Some(handoff) = self.c.handoff.as_deref_mut() else {
            return;
        };
        let Desk::Review { agent } = std::mem::take(&mut handoff.desk) else {
            return;
        };
        handoff.desk = Desk::With {
            agent: agent.clone(),
        };
        handoff.connected = Some(now);
        handoff.ask = None;
        self.c.last_agent = Some((agent.clone(), now));
        let node = self.c.main.node.take();
        self.c.main = Thread {
            node,
            at: At::Ended,
            ..Thread::default()
        };
        self.cancel_timer(TimerFor::Review);
        let text = match self.plan().and_then(|plan| plan.connected) {
            Some(text) => self.render(text),
            None => Builtin::Connected.fill(self.scope().language(), &agent.name, ""),
        };
        self.send(MessageKind::Connected, text);
        self.handlers(HandlerEvent::Connected);
    }

    pub(super) fn on_agent_message(&mut self, text: &str) {
        if self
            .c
            .handoff
            .as_ref()
            .is_some_and(|h| matches!(h.desk, Desk::Review { .. }))
        {
            self.connect();
        }
        let Some(agent) = self.c.agent().cloned() else {
            return;
        };
        self.taken("agent");
        if let Some((_, at)) = &mut self.c.last_agent {
            *at = self.now;
        }
        let language = SmolStr::new(self.scope().language());
        self.send_message(OutMessage {
            id: 0,
            from: Speaker::Agent(agent),
            kind: MessageKind::Agent,
            text: text.to_owned(),
            language,
            buttons: Vec::new(),
            attachments: Vec::new(),
            citations: Vec::new(),
        });
    }

    /// The first reminder that must be confirmed before resolving and was not.
    pub(crate) fn unconfirmed(&self) -> Option<u32> {
        let handoff = self.c.handoff.as_ref()?;
        let mut scope = self.scope();
        scope.fresh = true;
        let open = |(index, r): (usize, &flow_compiler::machine::Reminder)| {
            let index = index_u32(index);
            let due = r.before_resolve && r.when.as_ref().is_none_or(|when| scope.holds(when));
            (due && !handoff.confirmed.contains(&index)).then_some(index)
        };
        self.m.assist.reminders.iter().enumerate().find_map(open)
    }

    pub(super) fn on_agent_resolved(&mut self, summary: Option<&str>) {
        self.taken("agent");
        let arm = self
            .held_arms()
            .0
            .or_else(|| self.plan().and_then(|plan| plan.resolved));
        if let Some(summary) = summary {
            self.c.notes.push(summary.to_owned());
        }
        self.after_people("resolved");
        let asks = self.follows_resolution();
        match arm {
            Some(op) => {
                self.c.main = Thread::default();
                self.exec(op);
            }
            None if asks => {}
            None => self.close(true, "agent"),
        }
    }

    pub(super) fn on_agent_returned(&mut self, reason: Option<&str>) {
        self.taken("agent");
        let arm = self
            .held_arms()
            .1
            .or_else(|| self.plan().and_then(|plan| plan.returned));
        let start = self.m.node(self.m.bot.start).map(|n| n.entry);
        if let Some(reason) = reason {
            self.c.notes.push(reason.to_owned());
        }
        self.after_people("returned");
        if let Some(op) = arm.or(start) {
            self.exec(op);
        }
    }

    /// The agent is gone; the scripted tier goes on.
    fn after_people(&mut self, reason: &'static str) {
        let now = self.now;
        if let Some((_, at)) = &mut self.c.last_agent {
            *at = now;
        }
        self.leave_queue(reason);
        self.c.epoch += 1;
        self.c.quiet.clear();
        // A person has dealt with it: what called them must not call them again by itself.
        self.c.failed_answers = 0;
        self.c.failed_attempts = 0;
        self.c.answered = false;
        self.c.intents.clear();
        self.c.temporals.clear();
        self.c.asked.clear();
        self.c.main = Thread::default();
        self.enter_script();
    }

    /// Another team, or no agent any more: queued again with the first time.
    pub(super) fn requeue(&mut self, team: Option<&SmolStr>) {
        if let (Some(handoff), Some(team)) = (&mut self.c.handoff, team) {
            handoff.team = team.clone();
            self.c.generation += 1;
            if let Some(item) = &mut handoff.item {
                item.generation = self.c.generation;
                item.agent = None;
                item.prefer = None;
                item.skill = None;
            }
        }
        self.c.epoch += 1;
        self.cancel_timer(TimerFor::Review);
        self.c.main.at = At::Idle;
        if team.is_some() {
            self.effects.push(Effect::Dequeue {
                reason: SmolStr::new_static("transferred"),
            });
        }
        self.queue_up(Desk::Queued);
        self.say_builtin(MessageKind::QueueUpdate, Builtin::Waiting);
        self.arm_update();
    }

    /// The customer closed the chat. An agent who has it decides what happens.
    pub(super) fn on_left(&mut self) {
        if self.c.agent().is_some() {
            self.effects.push(Effect::Alert {
                text: "The customer has left the chat".to_owned(),
            });
            return;
        }
        let resolved = self.c.resolved.unwrap_or(false);
        if self.c.handoff.is_some() {
            self.leave_queue("abandoned");
        }
        self.handlers(HandlerEvent::Abandon);
        self.close(resolved, "left");
    }

    /// Alerts for the agent whose condition has come to hold.
    pub(super) fn alert_agent(&mut self) {
        if !self.c.with_agent() {
            return;
        }
        for (index, (text, when)) in self.m.assist.alerts.iter().enumerate() {
            let index = index_u32(index);
            let told = self
                .c
                .handoff
                .as_ref()
                .is_some_and(|h| h.alerted.contains(&index));
            if told || !when.as_ref().is_some_and(|when| self.holds(when)) {
                continue;
            }
            let text = self.render(*text);
            self.effects.push(Effect::Alert { text });
            if let Some(handoff) = &mut self.c.handoff {
                handoff.alerted.insert(index);
            }
        }
    }
}
