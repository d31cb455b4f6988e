//! What each kind of event sets going.

use super::Run;
use crate::builtin_texts::Builtin;
use crate::conversation::{Ask, At, Pending, Profile};
use crate::decision::StepTrace;
use crate::effect::{Effect, MessageKind};
use crate::event::{Event, EventKind, Visitor};
use crate::tables::position;
use flow_compiler::machine::{HandlerEvent, OpKind};
use flow_compiler::value::OpId;
use flow_grammar::ast::TierKind;
use smol_str::{SmolStr, format_smolstr};

impl<'a> Run<'a> {
    /// Works an admitted event off.
    pub(crate) fn handle(&mut self, event: &'a Event) {
        let before = self.effects.len();
        match &event.kind {
            EventKind::Opened {
                channel,
                language,
                page,
                visitor,
            } => self.on_opened(channel, language.as_ref(), page.clone(), visitor),
            EventKind::Message { text, signals, .. } => {
                if self.c.closed.is_some() {
                    self.reopen();
                }
                self.on_message(text, signals);
            }
            EventKind::Pressed { button, .. } => {
                if self.c.closed.is_some() {
                    self.reopen();
                }
                self.on_pressed(button);
            }
            EventKind::File { file, .. } => {
                if self.c.closed.is_some() {
                    self.reopen();
                }
                self.on_file(file);
            }
            EventKind::Left => self.on_left(),
            EventKind::Verified { ok, again } => self.on_verified(*ok, *again),
            EventKind::WebhookDone { call, result } => self.on_webhook(*call, result),
            EventKind::ModelAnswered { answer, .. } => self.on_answer(answer),
            EventKind::ModelCalledTools { calls, .. } => self.on_tools(calls),
            EventKind::ModelFailed { error, .. } => self.on_model_failed(error),
            EventKind::Timer { id } => {
                if let Some(timer) = self.c.timers.remove(id) {
                    self.update_memories(false, false);
                    if !self.run_rules(false) {
                        self.on_timer(&timer);
                    }
                }
            }
            EventKind::Queue(news) => self.on_queue(news),
            EventKind::Reserved {
                reservation, agent, ..
            } => self.on_reserved(*reservation, agent),
            EventKind::Unreserved { .. } => self.on_unreserved(),
            EventKind::Accepted {
                reservation,
                agent,
                team,
                ..
            } => self.on_accepted(*reservation, agent, team),
            EventKind::Overflowed { team, .. } => {
                if let Some(handoff) = &mut self.c.handoff {
                    handoff.team = team.clone();
                    if let Some(item) = &mut handoff.item {
                        item.team = team.clone();
                    }
                }
            }
            EventKind::AgentMessage { text, .. } => self.on_agent_message(text),
            EventKind::AgentNote { text, .. } => {
                self.taken("agent");
                self.c.notes.push(text.clone());
            }
            EventKind::AgentConfirmed { reminder, .. } => {
                self.taken("agent");
                if let Some(handoff) = &mut self.c.handoff {
                    handoff.confirmed.insert(*reminder);
                }
            }
            EventKind::AgentResolved { summary, .. } => self.on_agent_resolved(summary.as_deref()),
            EventKind::AgentReturned { reason, .. } => self.on_agent_returned(reason.as_deref()),
            EventKind::AgentTransferred { team, reason, .. } => {
                self.taken("agent");
                self.c.notes.extend(reason.clone());
                self.requeue(Some(team));
            }
            EventKind::AgentLost { .. } => self.requeue(None),
            EventKind::PeopleAvailable => {
                // Only what was kept quiet until now may fire.
                if !self.c.quiet.is_empty() {
                    self.c.quiet.clear();
                    self.update_memories(false, false);
                    self.run_rules(false);
                }
            }
            EventKind::Triggered { trigger, payload } => {
                self.payload = Some(payload);
                self.on_trigger(trigger);
            }
            EventKind::Moved { to, .. } => self.c.version = to.clone(),
        }
        if matches!(
            event.kind,
            EventKind::Message { .. } | EventKind::Pressed { .. } | EventKind::File { .. }
        ) {
            self.break_silence(before);
        }
        if self.c.restart && self.nothing_waits() {
            self.start();
        }
        self.note_what_holds();
        self.make_offers();
        self.alert_agent();
        self.c.last = Some(self.now);
    }

    /// A `listen` says nothing itself; who did something and came to one hears that it is their turn.
    fn break_silence(&mut self, before: usize) {
        let done = self.effects.get(before..).unwrap_or_default();
        let quiet = done.iter().all(|e| {
            matches!(
                e,
                Effect::SetTimer { .. } | Effect::CancelTimer { .. } | Effect::Scored { .. }
            )
        });
        let listens = match &self.c.main.at {
            At::Question(pending) => match &pending.ask {
                Ask::Place(key) => self.place_op(key).and_then(|op| self.m.op(op)),
                _ => None,
            },
            _ => None,
        };
        if quiet
            && self.c.handoff.is_none()
            && matches!(listens.map(|op| &op.kind), Some(OpKind::Listen { .. }))
        {
            self.say_builtin(MessageKind::Question, Builtin::AllRight);
        }
    }

    fn on_opened(
        &mut self,
        channel: &SmolStr,
        language: Option<&SmolStr>,
        page: Option<SmolStr>,
        visitor: &Visitor,
    ) {
        let default = self.m.bot.languages.first().cloned().unwrap_or_default();
        self.c.opened = Some(self.now);
        self.c.channel = channel.clone();
        self.c.language = language.cloned().unwrap_or(default);
        self.c.page = page;
        self.set_tier(self.e.tables.script);
        for (name, value) in &visitor.claimed {
            if self.m.names.customer.contains_key(name) {
                self.c.customer.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in &visitor.proven {
            if self.m.names.customer.contains_key(name) {
                self.c.customer.insert(name.clone(), value.clone());
                self.c.proven.insert(name.clone());
            }
        }
        self.c.last_agent = visitor.last_agent.clone();
        self.handlers(HandlerEvent::Start);
        match self.load_profile() {
            Some(call) => self.c.main.at = At::Profile { call, op: None },
            None => self.start(),
        }
    }

    /// The first start line that holds, else the start node.
    pub(super) fn start(&mut self) {
        self.c.restart = false;
        let line = self
            .m
            .bot
            .start_lines
            .iter()
            .find(|(_, when)| self.holds(when));
        match line {
            Some((tier, when)) if self.kind_of(*tier) == Some(TierKind::People) => {
                let at = position(self.m, when.loc);
                self.escalate_because(
                    *tier,
                    "The conversation starts with a person".to_owned(),
                    Some(at),
                );
            }
            Some((tier, when)) => {
                let at = position(self.m, when.loc);
                self.d.steps.push(StepTrace {
                    what: format_smolstr!("start with {}", self.tier_name(*tier)),
                    node: None,
                    at,
                });
                self.enter_tier(*tier);
            }
            None => {
                if let Some(start) = self.m.node(self.m.bot.start) {
                    self.exec(start.entry);
                }
            }
        }
    }

    /// A closed conversation is taken up again; the agent who had it is preferred if people are needed.
    fn reopen(&mut self) {
        self.c.closed = None;
        self.c.resolved = None;
        self.c.restart = true;
        self.c.main = crate::conversation::Thread::default();
        self.c.intents.clear();
        self.c.failed_answers = 0;
        self.c.failed_attempts = 0;
        self.c.fired.clear();
        self.c.epoch += 1;
        self.enter_script();
        self.c.tier_since = Some(self.now);
        self.remark("the conversation was reopened");
    }

    /// Whether the scripted tier holds the conversation and no step of it waits for anything.
    fn nothing_waits(&self) -> bool {
        self.c.closed.is_none()
            && self.c.handoff.is_none()
            && self.c.main.at == At::Idle
            && self.c.main.frames.is_empty()
            && self.c.side.is_empty()
            && self.tier_kind() == Some(TierKind::Scripted)
    }

    /// The question of a verification that waits, if any.
    pub(crate) fn verifying(&self) -> Option<(OpId, Box<Pending>)> {
        let of = |p: &Pending| match &p.ask {
            Ask::Place(key) => self.place_op(key).filter(|op| {
                matches!(
                    self.m.ops.get(op.index()).map(|o| &o.kind),
                    Some(OpKind::Verify { .. })
                )
            }),
            _ => None,
        };
        if let At::Question(p) = &self.c.main.at
            && let Some(op) = of(p)
        {
            return Some((op, p.clone()));
        }
        None
    }

    fn on_verified(&mut self, ok: bool, again: bool) {
        self.hear();
        let Some((op, mut pending)) = self.verifying() else {
            return;
        };
        if !ok && again && self.has_retry(&pending) {
            self.taken("invalid");
            pending.misses += 1;
            self.say_invalid(&pending, None);
            self.c.main.at = At::Question(pending);
            return;
        }
        self.taken("answer");
        self.c.main.at = At::Idle;
        let Some(OpKind::Verify {
            field,
            failed,
            next,
            ..
        }) = self.m.op(op).map(|o| &o.kind)
        else {
            return;
        };
        if !ok {
            self.exec(*failed);
            return;
        }
        if let Some(def) = self.m.customer_field(*field) {
            self.c.proven.insert(def.name.clone());
        }
        if self.c.profile == Profile::Failed {
            self.c.profile = Profile::Unloaded;
        }
        match self.load_profile() {
            Some(call) => {
                self.c.main.at = At::Profile {
                    call,
                    op: Some(next.0),
                }
            }
            None => self.exec(*next),
        }
    }

    /// Someone else's event.
    fn on_trigger(&mut self, name: &str) {
        let Some(trigger) = self.m.triggers.iter().find(|t| t.name == name) else {
            return;
        };
        if trigger.when.as_ref().is_some_and(|when| !self.holds(when)) {
            self.taken("ignored");
            return;
        }
        self.taken("handler");
        if self.c.handoff.is_none() {
            self.void_model();
            self.interrupt(trigger.entry);
            return;
        }
        // With people: what it would escalate raises the priority.
        if let Some(OpKind::Escalate(_)) = self.m.op(trigger.entry).map(|op| &op.kind) {
            self.exec(trigger.entry);
        } else {
            self.remark("the trigger was not followed: people have the conversation");
        }
    }
}
