//! Timers: silence, abandonment, news of the queue, the agent's review. A timer that fires too early (the customer wrote since) is
//! simply set again, so that a message costs no timer.

use super::Run;
use crate::calendar::{millis_between, plus};
use crate::conversation::{Ask, At, Timer, TimerFor};
use crate::effect::Effect;
use flow_compiler::machine::HandlerEvent;
use jiff::Timestamp;
use smol_str::{SmolStr, format_smolstr};

impl Run<'_> {
    pub(crate) fn set_timer(&mut self, what: TimerFor, at: Timestamp) {
        self.cancel_timer(what);
        let id = self.c.next_id();
        self.c.timers.insert(id, Timer { at, what });
        self.effects.push(Effect::SetTimer { id, at });
    }

    pub(crate) fn cancel_timer(&mut self, what: TimerFor) {
        let ids: Vec<u64> = self
            .c
            .timers
            .iter()
            .filter(|(_, t)| t.what == what)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.c.timers.remove(&id);
            self.effects.push(Effect::CancelTimer { id });
        }
    }

    fn has_timer(&self, what: TimerFor) -> bool {
        self.c.timers.values().any(|t| t.what == what)
    }

    /// When the customer last did something.
    fn heard(&self) -> Timestamp {
        self.c.heard.or(self.c.opened).unwrap_or(self.now)
    }

    /// Sets what should be ticking after a turn.
    pub(crate) fn arm_timers(&mut self) {
        if self.c.closed.is_some() || self.c.opened.is_none() {
            return;
        }
        let heard = self.heard();
        if !self.has_timer(TimerFor::Silence)
            && let Some((millis, _)) = self.e.tables.silences.get(self.c.silences as usize)
            && let Some(at) = plus(heard, *millis)
        {
            self.set_timer(TimerFor::Silence, at.max(self.now));
        }
        if !self.has_timer(TimerFor::Abandon)
            && let Some(at) = self
                .m
                .bot
                .abandon_after
                .and_then(|millis| plus(heard, millis))
            && at > self.now
        {
            self.set_timer(TimerFor::Abandon, at);
        }
        self.arm_offers();
    }

    /// An offer that only waits for its time is looked at when that has come.
    fn arm_offers(&mut self) {
        let set = self
            .c
            .timers
            .values()
            .find(|t| t.what == TimerFor::Offer)
            .map(|t| t.at);
        match self.next_offer() {
            next if next == set => {}
            Some(at) => self.set_timer(TimerFor::Offer, at),
            None => self.cancel_timer(TimerFor::Offer),
        }
    }

    pub(crate) fn on_timer(&mut self, timer: &Timer) {
        match timer.what {
            TimerFor::Silence => self.on_silence(),
            TimerFor::Abandon => self.on_abandon(),
            TimerFor::Update => self.on_update(),
            TimerFor::Review => self.connect(),
            // Every event ends with looking at the offers.
            TimerFor::Offer => {}
        }
    }

    fn on_silence(&mut self) {
        let Some((millis, index)) = self
            .e
            .tables
            .silences
            .get(self.c.silences as usize)
            .copied()
        else {
            return;
        };
        if millis_between(self.heard(), self.now) < millis || self.c.handoff.is_some() {
            if let Some(at) = plus(
                self.heard().max(if self.c.handoff.is_some() {
                    self.now
                } else {
                    self.heard()
                }),
                millis,
            ) {
                self.set_timer(TimerFor::Silence, at);
            }
            return;
        }
        self.c.silences += 1;
        self.taken("handler");
        if let Some(handler) = self.m.handlers.get(index as usize) {
            debug_assert!(matches!(handler.event, HandlerEvent::Silence(_)));
            self.interrupt(handler.entry);
        }
    }

    /// Who waits for people is not gone; who was asked something and says nothing is.
    fn on_abandon(&mut self) {
        let Some(after) = self.m.bot.abandon_after else {
            return;
        };
        let idle = millis_between(self.heard(), self.now);
        if idle < after || self.c.handoff.is_some() {
            let from = if self.c.handoff.is_some() {
                self.now
            } else {
                self.heard()
            };
            if let Some(at) = plus(from, after) {
                self.set_timer(TimerFor::Abandon, at);
            }
            return;
        }
        self.taken("handler");
        let resolved = self.c.resolved.unwrap_or(false);
        self.handlers(HandlerEvent::Abandon);
        self.close(resolved, "abandoned");
    }

    /// News of the place in the queue, and the offers whose time has come.
    fn on_update(&mut self) {
        let Some(handoff) = self.c.handoff.as_deref() else {
            return;
        };
        if !handoff.desk.waits() {
            return;
        }
        let text = self
            .plan()
            .and_then(|plan| plan.update)
            .map(|(_, text)| text);
        let told = match text {
            Some(Some(text)) => self.render(text),
            _ => self.position_text(),
        };
        self.send(crate::effect::MessageKind::QueueUpdate, told);
        self.arm_update();
    }

    pub(crate) fn arm_update(&mut self) {
        if let Some(at) = self
            .plan()
            .and_then(|plan| plan.update)
            .and_then(|(millis, _)| plus(self.now, millis.max(1_000)))
        {
            self.set_timer(TimerFor::Update, at);
        }
    }

    fn position_text(&self) -> String {
        let position = self
            .c
            .handoff
            .as_ref()
            .and_then(|h| h.news.as_ref())
            .map(|n| n.position);
        match position {
            Some(position) if position > 0 => crate::builtin_texts::Builtin::Position.fill(
                self.scope().language(),
                &position.to_string(),
                "",
            ),
            _ => self.builtin(crate::builtin_texts::Builtin::Waiting),
        }
    }

    /// Says how the waiting stands, to whoever asks again.
    pub(crate) fn repeat_position(&mut self) {
        let text = self.position_text();
        self.send(crate::effect::MessageKind::QueueUpdate, text);
    }

    /// Runs a handler in the place of what waits, which is taken up again at its end.
    pub(crate) fn interrupt(&mut self, entry: flow_compiler::value::OpId) {
        use crate::conversation::{Back, Frame};
        let at = std::mem::take(&mut self.c.main.at);
        let back = match at {
            At::Question(pending) => Back::Question(pending),
            _ => Back::Idle,
        };
        let locals = std::mem::take(&mut self.c.main.locals);
        let node = self.c.main.node.clone();
        self.c.main.frames.push(Frame { back, locals, node });
        self.exec(entry);
    }

    /// The index of a choice's place for ids of buttons.
    pub(crate) fn button_prefix(&self, ask: &Ask) -> SmolStr {
        crate::tables::short_hash(&ask.key())
    }
}

impl Ask {
    /// A name under which buttons are known.
    pub(crate) fn key(&self) -> SmolStr {
        match self {
            Self::Place(key) => key.clone(),
            Self::Required(var) => format_smolstr!("required {var}"),
            Self::Helped(n) => format_smolstr!("helped {n}"),
            Self::Climb(tier) => format_smolstr!("climb {tier}"),
            Self::Consent(n) => format_smolstr!("consent {n}"),
            Self::Contact { kind, var, .. } => format_smolstr!("{} {var}", kind.as_str()),
        }
    }
}
