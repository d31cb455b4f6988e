//! One event at work on one conversation: what every part of a turn shares.

mod answers;
mod events;
mod followup;
mod handoff;
mod memory;
mod message;
mod model;
mod named;
mod offers;
mod parse;
mod people;
mod questions;
mod rules;
mod steps;
mod timers;
mod webhook;

use crate::Hooks;
use crate::builtin_texts::Builtin;
use crate::conversation::{At, Closed, Conversation, Thread};
use crate::decision::{Decision, HookTrace, StepTrace};
use crate::effect::{Effect, MessageKind, OutAttachment, OutButton, OutMessage, Speaker};
use crate::engine::Engine;
use crate::eval::Scope;
use crate::signals::Signals;
use flow_compiler::machine::{Expr, HandlerEvent, Machine};
use flow_compiler::value::{CodeId, OpId, TextId, TierId, Value};
use flow_grammar::ast::TierKind;
use jiff::Timestamp;
use smol_str::SmolStr;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Operations in one turn; a flow that needs more is broken.
const BUDGET: u32 = 1_000;

/// A turn at work.
pub(crate) struct Run<'a> {
    pub(crate) e: &'a Engine,
    pub(crate) m: &'a Machine,
    pub(crate) c: &'a mut Conversation,
    pub(crate) hooks: &'a dyn Hooks,
    pub(crate) now: Timestamp,
    pub(crate) effects: Vec<Effect>,
    pub(crate) d: Decision,
    /// The message of this event.
    pub(crate) message: Option<(&'a str, &'a Signals)>,
    pub(crate) payload: Option<&'a BTreeMap<SmolStr, Value>>,
    /// Its message signals count.
    pub(crate) fresh: bool,
    /// The message was not taken by anything yet: a model that gets the conversation answers it.
    pub(crate) open_message: bool,
    pub(crate) hook_log: RefCell<Vec<HookTrace>>,
    pub(crate) budget: u32,
    /// People tiers whose plan for closed hours ran in this turn: a flow that leads back to them would go round for ever.
    away_from: Vec<TierId>,
    code: Option<CodeId>,
    it: Option<Value>,
    /// A line beside the main one runs; its handler.
    side: Option<SmolStr>,
}

/// How a line goes on.
pub(crate) enum Flow {
    Next(OpId),
    Stop,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        e: &'a Engine,
        c: &'a mut Conversation,
        hooks: &'a dyn Hooks,
        now: Timestamp,
        effects: Vec<Effect>,
        d: Decision,
    ) -> Self {
        Self {
            e,
            m: e.machine(),
            c,
            hooks,
            now,
            effects,
            d,
            message: None,
            payload: None,
            fresh: false,
            open_message: false,
            hook_log: RefCell::default(),
            budget: BUDGET,
            away_from: Vec::new(),
            code: None,
            it: None,
            side: None,
        }
    }

    pub(crate) fn into_output(mut self) -> (Vec<Effect>, Decision) {
        self.d.hooks.append(&mut self.hook_log.borrow_mut());
        (self.effects, self.d)
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        let mut scope = self.e.scope(self.c, self.now, self.hooks, &self.hook_log);
        scope.fresh = self.fresh;
        scope.locals = &self.c.main.locals;
        scope.local_names = self
            .code
            .and_then(|code| self.m.code(code))
            .map_or(&[], |code| &code.locals);
        scope.payload = self.payload;
        scope.it = self.it.as_ref();
        scope
    }

    pub(crate) fn value(&self, expr: &Expr) -> Value {
        self.scope().value(expr)
    }

    pub(crate) fn holds(&self, expr: &Expr) -> bool {
        self.scope().holds(expr)
    }

    pub(crate) fn render(&self, text: TextId) -> String {
        self.scope().render(text)
    }

    pub(crate) fn builtin(&self, text: Builtin) -> String {
        text.get(self.scope().language()).to_owned()
    }

    pub(crate) fn remark(&mut self, text: impl Into<String>) {
        self.d.remarks.push(text.into());
    }

    pub(crate) fn taken(&mut self, by: &'static str) {
        self.d.taken_by = Some(SmolStr::new_static(by));
    }

    // Tiers.

    pub(crate) fn tier_id(&self) -> Option<TierId> {
        self.m.names.tiers.get(&self.c.tier).copied()
    }

    pub(crate) fn kind_of(&self, tier: TierId) -> Option<TierKind> {
        self.m.tier(tier).map(|t| t.kind)
    }

    pub(crate) fn tier_kind(&self) -> Option<TierKind> {
        self.kind_of(self.tier_id()?)
    }

    pub(crate) fn tier_name(&self, tier: TierId) -> SmolStr {
        self.m
            .tier(tier)
            .map(|t| t.name.clone())
            .unwrap_or_default()
    }

    /// Another tier holds the conversation: a new stay begins.
    pub(crate) fn set_tier(&mut self, tier: TierId) {
        let name = self.tier_name(tier);
        if self.c.tier != name {
            self.c.tier = name;
            self.c.tier_since = Some(self.now).filter(|now| self.c.opened != Some(*now));
            self.c.fired.clear();
            self.c.model = crate::conversation::Model::default();
        }
    }

    /// Steps run again: the scripted tier holds the conversation.
    pub(crate) fn enter_script(&mut self) {
        self.c.held = None;
        self.c.model = crate::conversation::Model::default();
        self.set_tier(self.e.tables.script);
    }

    // Speaking.

    pub(crate) fn send(&mut self, kind: MessageKind, text: String) {
        self.send_with(kind, text, Vec::new(), Vec::new());
    }

    pub(crate) fn say_builtin(&mut self, kind: MessageKind, text: Builtin) {
        let text = self.builtin(text);
        self.send(kind, text);
    }

    pub(crate) fn send_with(
        &mut self,
        kind: MessageKind,
        text: String,
        buttons: Vec<OutButton>,
        attachments: Vec<OutAttachment>,
    ) {
        let language = SmolStr::new(self.scope().language());
        self.send_message(OutMessage {
            id: 0,
            from: Speaker::Bot,
            kind,
            text,
            language,
            buttons,
            attachments,
            citations: Vec::new(),
        });
    }

    pub(crate) fn send_message(&mut self, mut message: OutMessage) {
        if message.text.is_empty() && message.buttons.is_empty() && message.attachments.is_empty() {
            return;
        }
        let from_people =
            matches!(message.from, Speaker::Agent(_)) || message.kind == MessageKind::Connected;
        if self.c.with_agent() && !from_people && self.side.as_deref() != Some("connected") {
            self.remark("a message of the bot was kept back: a person has the conversation");
            return;
        }
        self.c.messages += 1;
        message.id = self.c.messages;
        self.effects.push(Effect::Send(message));
    }

    // Running.

    /// Runs the current line from an operation until it waits.
    pub(crate) fn exec(&mut self, op: OpId) {
        let mut at = op;
        loop {
            if self.budget == 0 {
                self.out_of_budget(at);
                return;
            }
            self.budget -= 1;
            match self.step(at) {
                Flow::Next(next) => at = next,
                Flow::Stop => return,
            }
        }
    }

    /// The flow goes round and round: people take over, if there are any.
    fn out_of_budget(&mut self, at: OpId) {
        let place = self
            .e
            .tables
            .op_at
            .get(at.index())
            .map(ToString::to_string)
            .unwrap_or_default();
        self.remark(format!(
            "the flow ran {BUDGET} steps without waiting, the last at {place}; a person is called"
        ));
        self.c.main = Thread::default();
        if self.side.is_some() {
            self.c.main.at = At::Ended;
            return;
        }
        self.budget = BUDGET / 10;
        self.say_builtin(MessageKind::Say, Builtin::Sorry);
        if self.c.handoff.is_none() {
            let to = self
                .m
                .tiers
                .iter()
                .position(|t| t.kind == TierKind::People)
                .map(|i| TierId(crate::tables::index_u32(i)));
            if let Some(to) = to.filter(|to| self.tier_id() != Some(*to)) {
                let at = self.e.tables.op_at.get(at.index()).cloned();
                self.escalate_because(to, "The bot went round in circles".to_owned(), at);
            }
        }
    }

    /// Puts the trace of an operation into the decision.
    fn trace(&mut self, op: OpId) {
        let tables = &self.e.tables;
        if let (Some(what), Some(at)) =
            (tables.op_name.get(op.index()), tables.op_at.get(op.index()))
        {
            let node = tables.op_node.get(op.index()).cloned().flatten();
            self.d.steps.push(StepTrace {
                what: what.clone(),
                node,
                at: at.clone(),
            });
        }
    }

    /// Runs the handlers of an event beside the main line.
    pub(crate) fn handlers(&mut self, event: HandlerEvent) {
        for handler in self.m.handlers.iter().filter(|h| h.event == event) {
            let name = match event {
                HandlerEvent::Connected => SmolStr::new_static("connected"),
                _ => smol_str::format_smolstr!("{event:?}").to_lowercase().into(),
            };
            self.beside(
                Thread {
                    handler: name,
                    ..Thread::default()
                },
                |run| run.exec(handler.entry),
            );
        }
    }

    /// Runs a line beside the main one; if it waits for a webhook it is kept.
    pub(crate) fn beside(&mut self, thread: Thread, go: impl FnOnce(&mut Self)) {
        let outer_side = self.side.replace(thread.handler.clone());
        let outer_code = self.code.take();
        let main = std::mem::replace(&mut self.c.main, thread);
        go(self);
        let done = std::mem::replace(&mut self.c.main, main);
        self.side = outer_side;
        self.code = outer_code;
        match done.at {
            At::Call { .. } | At::Profile { .. } => self.c.side.push(done),
            At::Question(_)
                if self.c.main.at == At::Idle
                    && self.c.handoff.is_none()
                    && self.c.closed.is_none() =>
            {
                self.c.main = done
            }
            At::Question(_) => {
                self.remark("a question of a handler was dropped: another one is pending")
            }
            At::Idle | At::Ended => {}
        }
    }

    /// Whether the main line waits for a webhook.
    pub(crate) fn busy(&self) -> bool {
        matches!(self.c.main.at, At::Call { .. } | At::Profile { .. })
    }

    /// Ends the conversation.
    pub(crate) fn close(&mut self, resolved: bool, reason: &'static str) {
        let resolved = *self.c.resolved.get_or_insert(resolved);
        self.c.main = Thread {
            node: self.c.main.node.clone(),
            at: At::Ended,
            ..Thread::default()
        };
        self.c.held = None;
        self.c.restart = false;
        self.c.model = crate::conversation::Model::default();
        self.c.handoff = None;
        self.c.deferred.clear();
        self.c.quiet.clear();
        for (id, _) in std::mem::take(&mut self.c.timers) {
            self.effects.push(Effect::CancelTimer { id });
        }
        self.c.closed = Some(Closed {
            at: self.now,
            reason: SmolStr::new_static(reason),
        });
        self.effects.push(Effect::Closed {
            resolved,
            reason: SmolStr::new_static(reason),
        });
    }
}
