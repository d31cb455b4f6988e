//! What takes a message, a button or a file.

use super::Run;
use super::answers::{Holder, Reply, among};
use super::parse::Input;
use crate::builtin_texts::Builtin;
use crate::conversation::{Ask, At, Desk, Pending};
use crate::effect::{Effect, MessageKind};
use crate::signals::Signals;
use flow_compiler::machine::HandlerEvent;
use flow_compiler::value::{FileValue, OpId};
use flow_grammar::ast::TierKind;

/// Messages in a row that nothing takes before a higher tier gets the conversation.
const LOST: u32 = 3;

/// What is sure enough to take a message.
pub(super) enum Sure {
    Handler(OpId, f64),
    Faq(usize, f64),
}

impl<'a> Run<'a> {
    /// The customer did something.
    pub(super) fn hear(&mut self) {
        self.c.heard = Some(self.now);
        if self.c.silences > 0 {
            self.c.silences = 0;
            self.cancel_timer(crate::conversation::TimerFor::Silence);
        }
    }

    pub(super) fn on_message(&mut self, text: &'a str, signals: &'a Signals) {
        self.hear();
        self.message = Some((text, signals));
        self.fresh = true;
        self.open_message = true;
        self.understand(text, signals);
        if self.run_rules(false) {
            return;
        }
        match self.c.handoff.as_ref().map(|h| &h.desk) {
            Some(Desk::With { .. } | Desk::Review { .. }) => self.taken("agent"),
            Some(desk)
                if desk.waits() || self.c.handoff.as_ref().is_some_and(|h| h.ask.is_some()) =>
            {
                self.message_while_waiting(text, signals)
            }
            _ if matches!(self.c.main.at, At::Question(_)) => self.scripted(text, signals),
            _ if self.tier_kind() == Some(TierKind::Model) => self.model_message(text, signals),
            _ => self.scripted(text, signals),
        }
    }

    /// Step 3 of a turn.
    fn scripted(&mut self, text: &str, signals: &Signals) {
        let pending = match &self.c.main.at {
            At::Question(pending) => Some(pending.clone()),
            _ => None,
        };
        let input = Input::Message(text, signals);
        if let Some(pending) = &pending
            && let Some(reply) = self.reply(pending, input)
        {
            if let Some(intent) = self.listened(pending, signals) {
                self.take_named(&intent, text, signals);
            }
            self.take_answer(
                pending.clone(),
                reply,
                if self.choice(pending, input).is_some() {
                    "button"
                } else {
                    "answer"
                },
            );
            return;
        }
        if self.menu_by_label(text) {
            return;
        }
        let probability = self.probability(signals);
        match self.sure(signals) {
            Some(Sure::Handler(entry, probability)) => {
                if self.confident(Some(probability)) {
                    return;
                }
                self.taken("handler");
                self.helped();
                if let Some(guess) = signals.intents.first() {
                    self.take_named(&guess.name, text, signals);
                }
                self.interrupt(entry);
                return;
            }
            Some(Sure::Faq(index, probability)) => {
                if self.confident(Some(probability)) {
                    return;
                }
                self.taken("faq");
                self.helped();
                self.answer_faq(index);
                if let Some(pending) = &pending {
                    self.pose(pending);
                }
                return;
            }
            None => {}
        }
        if let Some(pending) = &pending
            && let Some(reply) = self.free_reply(pending, text)
        {
            self.take_answer(pending.clone(), reply, "text");
            return;
        }
        if self.c.restart && pending.is_none() {
            self.start_over(input);
            return;
        }
        self.remember_question();
        match pending {
            Some(pending) => self.not_understood(pending, Some(input), probability),
            None => self.lost(probability),
        }
    }

    /// A conversation was taken up again by words that nothing takes: it begins as a new one does, and they may answer its question.
    fn start_over(&mut self, input: Input<'_>) {
        self.start();
        if let At::Question(pending) = &self.c.main.at
            && self.c.handoff.is_none()
        {
            let pending = pending.clone();
            if let Some(reply) = self.reply(&pending, input) {
                self.take_answer(pending, reply, "answer");
            }
        }
    }

    fn take_answer(&mut self, pending: Box<Pending>, reply: Reply, by: &'static str) {
        if self.confident(Some(1.0)) {
            return;
        }
        self.taken(by);
        self.open_message = false;
        self.c.failed_answers = 0;
        self.apply(pending, reply);
    }

    /// Something answered the message; whether it helped shows in the next one.
    fn helped(&mut self) {
        self.remember_question();
        self.open_message = false;
        self.c.answered = true;
    }

    /// A bad answer to the main line's question.
    pub(super) fn not_understood(
        &mut self,
        mut pending: Box<Pending>,
        input: Option<Input<'_>>,
        probability: f64,
    ) {
        self.c.failed_answers += 1;
        if self.has_retry(&pending) {
            if self.confident(None) {
                return;
            }
            self.taken("invalid");
            pending.misses += 1;
            self.say_invalid(&pending, input);
            self.c.main.at = At::Question(pending);
            return;
        }
        if self.confident(Some(probability)) {
            return;
        }
        self.taken("otherwise");
        self.c.main.at = At::Idle;
        match self.otherwise(&pending) {
            Some(op) => self.exec(op),
            None => self.lost(probability),
        }
    }

    /// Nothing is pending and nothing takes the message.
    fn lost(&mut self, probability: f64) {
        if self.d.taken_by.is_none() {
            self.c.failed_answers += 1;
            if self.confident(Some(probability)) {
                return;
            }
        }
        self.taken("invalid");
        let up = self
            .tier_id()
            .map(|t| flow_compiler::value::TierId(t.0 + 1))
            .filter(|t| self.m.tier(*t).is_some());
        if self.c.failed_answers >= LOST
            && let Some(up) = up
        {
            self.escalate_because(up, "The bot did not understand".to_owned(), None);
            return;
        }
        self.say_builtin(MessageKind::Invalid, Builtin::Invalid);
    }

    /// The calibrated probability of the message's intent or FAQ.
    fn probability(&self, signals: &Signals) -> f64 {
        let intent = signals.intents.first().map_or(0.0, |g| g.probability);
        intent.max(signals.faq.as_ref().map_or(0.0, |g| g.probability))
    }

    pub(super) fn sure(&self, signals: &Signals) -> Option<Sure> {
        let enough = self.m.bot.understands_from;
        let tables = &self.e.tables;
        let handler = signals
            .intents
            .first()
            .filter(|g| g.probability >= enough)
            .and_then(|g| {
                let handler = self
                    .m
                    .handlers
                    .get(*tables.intent_handlers.get(&g.name)? as usize)?;
                Some(Sure::Handler(handler.entry, g.probability))
            });
        let faq = signals
            .faq
            .as_ref()
            .filter(|g| g.probability >= enough)
            .and_then(|g| {
                Some(Sure::Faq(
                    *tables.faqs.get(&g.name)? as usize,
                    g.probability,
                ))
            });
        match (handler, faq) {
            (Some(Sure::Handler(_, a)), Some(Sure::Faq(index, b))) if b > a => {
                Some(Sure::Faq(index, b))
            }
            (Some(handler), _) => Some(handler),
            (None, faq) => faq,
        }
    }

    pub(super) fn answer_faq(&mut self, index: usize) {
        let Some(faq) = self.m.faqs.get(index) else {
            return;
        };
        let mut text = self.render(faq.answer);
        if let Some(link) = faq.link {
            let link = self.render(link);
            if self.c.channel == "web" {
                let card = crate::effect::OutAttachment::Card {
                    title: None,
                    text: None,
                    image: None,
                    link: Some(link),
                };
                self.send_with(MessageKind::Answer, text, Vec::new(), vec![card]);
                return;
            }
            text.push('\n');
            text.push_str(&link);
        }
        self.send(MessageKind::Answer, text);
    }

    fn menu_by_label(&mut self, text: &str) -> bool {
        if self.m.bot.menu.is_empty() {
            return false;
        }
        let scope = self.scope();
        let labels = self.m.bot.menu.iter().map(|b| scope.text(b.label));
        let by_words = among(labels, text).filter(|_| text.trim().parse::<f64>().is_err());
        match by_words.and_then(|i| self.m.bot.menu.get(i)) {
            Some(button) => {
                self.taken("button");
                self.open_message = false;
                self.interrupt(button.to);
                true
            }
            None => false,
        }
    }

    /// Whether a button can still be pressed.
    pub(crate) fn knows_button(&self, button: &str) -> bool {
        let Some((prefix, index)) = split_button(button) else {
            return false;
        };
        match prefix {
            "menu" => index < self.m.bot.menu.len(),
            _ => {
                self.pressed_pending(prefix)
                    .is_some_and(|(_, p)| index < self.labels(&p).len())
                    || self.made_offer(prefix, index).is_some()
            }
        }
    }

    pub(super) fn on_pressed(&mut self, button: &str) {
        self.hear();
        if self.run_rules(false) {
            return;
        }
        self.taken("button");
        let Some((prefix, index)) = split_button(button) else {
            return;
        };
        if prefix == "menu" {
            if self.c.with_agent() {
                self.taken("agent");
                if let Some(button) = self.m.bot.menu.get(index) {
                    let text = format!("The customer pressed \"{}\"", self.render(button.label));
                    self.effects.push(Effect::Alert { text });
                }
            } else if self.c.handoff.as_ref().is_some_and(|h| h.desk.waits()) {
                self.repeat_position();
            } else if let Some(button) = self.m.bot.menu.get(index) {
                self.void_model();
                self.interrupt(button.to);
            }
            return;
        }
        if let Some(item) = self.made_offer(prefix, index) {
            self.take_offer(item);
            return;
        }
        let Some((holder, pending)) = self.pressed_pending(prefix) else {
            return;
        };
        let Some(reply) = self.reply(&pending, Input::Button(index)) else {
            return;
        };
        match holder {
            Holder::Handoff => self.apply_required(pending, reply),
            Holder::Model => self.apply_model(*pending, reply),
            Holder::Main(depth) => {
                if depth < self.c.main.frames.len() {
                    let frame = self.c.main.frames.get(depth).cloned();
                    self.c.main.frames.truncate(depth);
                    if let Some(frame) = frame {
                        self.c.main.locals = frame.locals;
                        self.c.main.node = frame.node;
                    }
                }
                self.take_answer(pending, reply, "button");
            }
        }
    }

    pub(super) fn on_file(&mut self, file: &FileValue) {
        self.hear();
        if self.run_rules(false) {
            return;
        }
        if self
            .c
            .handoff
            .as_ref()
            .is_some_and(|h| h.desk.agent().is_some())
        {
            self.taken("agent");
            return;
        }
        let input = Input::File(file);
        if let Some(pending) = self.c.handoff.as_ref().and_then(|h| h.ask.clone())
            && let Some(reply) = self.reply(&pending, input)
        {
            self.taken("answer");
            self.apply_required(pending, reply);
            return;
        }
        let pending = match &self.c.main.at {
            At::Question(pending) => Some(pending.clone()),
            _ => None,
        };
        if let Some(pending) = &pending
            && let Some(reply) = self.reply(pending, input)
        {
            self.take_answer(pending.clone(), reply, "answer");
            return;
        }
        let wants_file = pending.as_ref().is_some_and(|p| self.wants_file(p));
        if let Some(pending) = pending.filter(|_| wants_file) {
            self.not_understood(pending, Some(input), 0.0);
            return;
        }
        match self
            .m
            .handlers
            .iter()
            .find(|h| h.event == HandlerEvent::File)
        {
            Some(handler) => {
                self.taken("handler");
                self.interrupt(handler.entry);
            }
            None => self.taken("ignored"),
        }
    }

    fn wants_file(&self, pending: &Pending) -> bool {
        use flow_compiler::value::Type;
        let ty = pending
            .var
            .as_ref()
            .and_then(|v| self.var_named(v))
            .and_then(|v| self.def(v))
            .map(|d| &d.ty);
        matches!(pending.ask, Ask::Place(_))
            && (matches!(ty, Some(Type::File))
                || matches!(ty, Some(Type::List(of)) if **of == Type::File))
    }
}

fn split_button(button: &str) -> Option<(&str, usize)> {
    let (prefix, index) = button.split_once('.')?;
    Some((prefix, index.parse().ok()?))
}
