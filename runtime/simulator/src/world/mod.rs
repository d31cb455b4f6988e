//! The simulated world of one conversation.

mod error;
mod model;
mod people;

pub use error::WorldError;

use crate::Program;
use flow_compiler::machine::Machine;
use flow_compiler::value::{FileValue, Value};
use flow_engine::Recorded;
use flow_engine::conversation::Conversation;
use flow_engine::desk::{Desk, DeskEffect};
use flow_engine::effect::{Effect, FollowUp, ModelRequest, OutMessage};
use flow_engine::event::{Event, EventKind, Visitor};
use flow_engine::view::{Stage, View};
use flow_grammar::ast::TierKind;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use smol_str::SmolStr;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The one conversation.
const CONVERSATION: &str = "c1";

/// How webhooks answer.
pub type Mocks = BTreeMap<SmolStr, Result<Value, String>>;

/// How a model that has a provider is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Whoever drives the world answers for it.
    Scripted,
    /// The extractive answerer answers at once, as it does without a provider.
    Extractive,
}

/// A conversation, a desk and a clock.
#[derive(Debug)]
pub struct World {
    program: Arc<Program>,
    conversation: Conversation,
    desk: Desk,
    now: Timestamp,
    opened: bool,
    serial: u64,
    pending: VecDeque<EventKind>,
    model: Model,
    /// What webhooks answer.
    pub mocks: Mocks,
    /// The log.
    pub history: Vec<Recorded>,
    /// Everything the customer was sent.
    pub said: Vec<OutMessage>,
    /// Tickets and callbacks.
    pub follow_ups: Vec<FollowUp>,
    /// Webhooks that were called.
    pub called: Vec<SmolStr>,
    /// The question that a scripted model owes an answer to.
    pub asked: Option<ModelRequest>,
    /// Tickets, scores, alerts and the like, in words.
    pub remarks: Vec<String>,
}

impl World {
    /// An empty world at a time.
    #[must_use]
    pub fn new(program: Arc<Program>, now: Timestamp, model: Model) -> Self {
        Self {
            conversation: Conversation::new(program.machine().version.clone()),
            desk: Desk::new(program.machine()),
            now,
            opened: false,
            serial: 0,
            pending: VecDeque::new(),
            model,
            mocks: Mocks::new(),
            history: Vec::new(),
            said: Vec::new(),
            follow_ups: Vec::new(),
            called: Vec::new(),
            asked: None,
            remarks: Vec::new(),
            program,
        }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the clock; never back once the conversation is open.
    pub fn set_now(&mut self, now: Timestamp) {
        if !self.opened || now > self.now {
            self.now = now;
        }
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        self.program.machine()
    }

    /// The state.
    #[must_use]
    pub const fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The desk.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// What can be seen of the conversation.
    #[must_use]
    pub fn view(&self) -> View {
        self.program.engine.view(&self.conversation)
    }

    /// Whether the conversation was opened.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.opened
    }

    /// Fills slots before the conversation opens.
    pub fn preset_slots(&mut self, slots: impl IntoIterator<Item = (SmolStr, Value)>) {
        self.conversation.preset_slots(slots);
    }

    /// The profile is as given: no webhook is asked for it.
    pub fn preset_profile(&mut self) {
        self.conversation.preset_profile();
    }

    /// Opens the conversation.
    ///
    /// # Errors
    /// If a webhook without a mock is called, or the engine refuses.
    pub fn open(
        &mut self,
        channel: SmolStr,
        language: Option<SmolStr>,
        page: Option<SmolStr>,
        visitor: Visitor,
    ) -> Result<(), WorldError> {
        self.opened = true;
        self.happen(EventKind::Opened {
            channel,
            language,
            page,
            visitor,
        })
    }

    /// The customer writes.
    ///
    /// # Errors
    /// If a webhook without a mock is called, or the engine refuses.
    pub fn customer_says(&mut self, text: &str) -> Result<(), WorldError> {
        let view = self.view();
        let context = flow_understanding::Context {
            language: Some(view.language.as_str()),
            now: self.now,
            timezone: TimeZone::get(&self.machine().bot.timezone).unwrap_or(TimeZone::UTC),
            expecting: view.place.as_deref().and_then(asked_for),
        };
        let signals = self.program.understanding.signals(text, &context);
        let id = self.fresh_id();
        self.happen(EventKind::Message {
            id,
            text: text.to_owned(),
            signals,
        })
    }

    /// The customer presses a button, by its label (case does not matter).
    ///
    /// # Errors
    /// If no such button is in sight.
    pub fn press(&mut self, label: &str) -> Result<(), WorldError> {
        let buttons = self.view().buttons;
        let same = |b: &str| b.trim().to_lowercase() == label.trim().to_lowercase();
        let Some(button) = buttons
            .iter()
            .find(|b| b.label == label)
            .or_else(|| buttons.iter().find(|b| same(&b.label)))
        else {
            return Err(WorldError::NoButton {
                label: label.to_owned(),
                there: buttons.into_iter().map(|b| b.label).collect(),
            });
        };
        let (id, button) = (self.fresh_id(), button.id.clone());
        self.happen(EventKind::Pressed { id, button })
    }

    /// The customer sends a file; its kind is told by its ending.
    ///
    /// # Errors
    /// If a webhook without a mock is called, or the engine refuses.
    pub fn send_file(&mut self, name: &str) -> Result<(), WorldError> {
        let id = self.fresh_id();
        let file = FileValue {
            name: name.into(),
            url: format!("file:{name}").into(),
            mime: mime_of(name).into(),
            bytes: 100_000,
        };
        self.happen(EventKind::File { id, file })
    }

    /// The customer enters the right code (`ok`), or fails for good.
    ///
    /// # Errors
    /// If the engine refuses.
    pub fn verify(&mut self, ok: bool) -> Result<(), WorldError> {
        self.happen(EventKind::Verified { ok, again: false })
    }

    /// The customer goes away.
    ///
    /// # Errors
    /// If the engine refuses.
    pub fn leave(&mut self) -> Result<(), WorldError> {
        self.happen(EventKind::Left)
    }

    /// Someone else's event.
    ///
    /// # Errors
    /// If the engine refuses.
    pub fn trigger(
        &mut self,
        trigger: SmolStr,
        payload: BTreeMap<SmolStr, Value>,
    ) -> Result<(), WorldError> {
        if !self.names_the_customer(&trigger, &payload) {
            self.remarks.push(format!(
                "{trigger}: the payload names someone else, or the customer has not proven to be the one it names"
            ));
            return Ok(());
        }
        self.happen(EventKind::Triggered { trigger, payload })
    }

    /// Whether a trigger that looks for its customer finds the one of this conversation, as the daemon does.
    fn names_the_customer(&self, trigger: &str, payload: &BTreeMap<SmolStr, Value>) -> bool {
        let machine = self.machine();
        let found_by = machine
            .triggers
            .iter()
            .find(|t| t.name == trigger)
            .and_then(|t| t.find_by)
            .and_then(|field| machine.customer_field(field));
        let Some(field) = found_by else { return true };
        let text = |value: Option<&Value>| match value {
            Some(Value::Text(text)) => Some(text.trim().to_lowercase()),
            _ => None,
        };
        let named = text(payload.get(&field.name));
        named.is_some()
            && named == text(self.conversation.customer(&field.name))
            && self.conversation.is_proven(&field.name)
    }

    /// Time passes; what is due happens at its time.
    ///
    /// # Errors
    /// If a webhook without a mock is called, or the bot never comes to rest.
    pub fn wait(&mut self, millis: i64) -> Result<(), WorldError> {
        let until = self
            .now
            .checked_add(jiff::SignedDuration::from_millis(millis))
            .unwrap_or(Timestamp::MAX);
        // A day of 15-second estimates and minute updates is some 10,000 wake-ups.
        for _ in 0..2_000_000_u32 {
            let timer = self.conversation.timers().min_by_key(|(id, at)| (*at, *id));
            let desk = self.desk.next_wakeup(self.now);
            let opening = self.next_opening(until);
            let Some(next) = [timer.map(|t| t.1), desk, opening]
                .into_iter()
                .flatten()
                .min()
                .filter(|at| *at <= until)
            else {
                self.now = until;
                return Ok(());
            };
            self.now = next.max(self.now);
            if let Some((id, at)) = timer
                && at <= self.now
            {
                self.happen(EventKind::Timer { id })?;
            } else if desk.is_some_and(|at| at <= self.now) {
                let effects = self.desk.tick(self.now);
                self.desk_effects(effects);
                self.settle()?;
            } else {
                self.happen(EventKind::PeopleAvailable)?;
            }
        }
        Err(WorldError::TooLong)
    }

    /// When the next team opens, if that is before a time and somebody could care.
    fn next_opening(&self, until: Timestamp) -> Option<Timestamp> {
        let machine = self.machine();
        let mut hours: Vec<_> = machine
            .teams
            .iter()
            .filter_map(|t| machine.hours_of(t.hours))
            .filter(|h| !h.always)
            .collect();
        hours.dedup_by_key(|h| h.name.clone());
        hours
            .into_iter()
            .filter_map(|h| flow_engine::calendar::opens_after(h, self.now))
            .filter(|at| *at <= until)
            .min()
    }

    fn fresh_id(&mut self) -> SmolStr {
        self.serial += 1;
        smol_str::format_smolstr!("m{}", self.serial)
    }

    fn happen(&mut self, kind: EventKind) -> Result<(), WorldError> {
        self.step(kind, true)?;
        self.settle()
    }

    /// Works off what followed, until everything waits for someone.
    fn settle(&mut self) -> Result<(), WorldError> {
        for _ in 0..10_000 {
            let Some(kind) = self.pending.pop_front() else {
                return Ok(());
            };
            self.step(kind, false)?;
        }
        Err(WorldError::TooLong)
    }

    fn step(&mut self, kind: EventKind, asked_for: bool) -> Result<(), WorldError> {
        let event = Event { at: self.now, kind };
        let turn = self
            .program
            .engine
            .step(&mut self.conversation, &event, &self.program.hooks);
        if let Err(refusal) = turn.accepted {
            // What followed by itself may have been overtaken; what was asked for must be said.
            return if asked_for {
                Err(WorldError::Refused(refusal))
            } else {
                Ok(())
            };
        }
        let seq = self.history.len() as u64 + 1;
        let version = self.machine().version.clone();
        self.history.push(Recorded {
            seq,
            event,
            effects: turn.effects.clone(),
            decision: turn.decision,
            version,
        });
        for effect in turn.effects {
            self.apply(effect)?;
        }
        Ok(())
    }

    fn apply(&mut self, effect: Effect) -> Result<(), WorldError> {
        match effect {
            Effect::Send(message) => self.said.push(message),
            Effect::CallWebhook { call, webhook, .. } => {
                self.called.push(webhook.clone());
                let result = self
                    .mocks
                    .get(&webhook)
                    .cloned()
                    .ok_or(WorldError::NoMock(webhook))?;
                self.pending
                    .push_back(EventKind::WebhookDone { call, result });
            }
            Effect::AskModel(request) => {
                if self.model == Model::Extractive {
                    let answer = self.extract(&request);
                    self.pending.push_back(EventKind::ModelAnswered {
                        request: request.request,
                        answer,
                    });
                } else {
                    self.asked = Some(*request);
                }
            }
            Effect::SetTimer { .. } | Effect::CancelTimer { .. } => {}
            Effect::Enqueue(item) => {
                let effects = self.desk.enqueue(CONVERSATION.into(), item, self.now);
                self.desk_effects(effects);
            }
            Effect::Dequeue { reason } => {
                let effects = self.desk.dequeue(CONVERSATION, &reason, self.now);
                self.desk_effects(effects);
            }
            Effect::FollowUp(follow_up) => {
                self.remarks
                    .push(format!("{}: {}", follow_up.kind, follow_up.summary));
                self.follow_ups.push(follow_up);
            }
            Effect::Verify { field, contact } => self
                .remarks
                .push(format!("a code was sent to {contact} ({field})")),
            // In a rehearsal the right code is always this one.
            Effect::CheckCode { code } => {
                let ok = code == "123456";
                self.pending
                    .push_back(EventKind::Verified { ok, again: !ok });
            }
            Effect::Alert { text } => self.remarks.push(format!("alert: {text}")),
            Effect::Scored { survey, score } => {
                self.remarks.push(format!("survey {survey}: {score}"))
            }
            Effect::Closed { resolved, reason } => self.remarks.push(format!(
                "closed, {} ({reason})",
                if resolved { "resolved" } else { "unresolved" }
            )),
        }
        Ok(())
    }

    fn desk_effects(&mut self, effects: Vec<DeskEffect>) {
        for effect in effects {
            let (_, event) = effect.into_event();
            if event == EventKind::PeopleAvailable {
                let stage = self.view().stage;
                if !self.opened || matches!(stage, Stage::Closed | Stage::WithAgent) {
                    continue;
                }
            }
            self.pending.push_back(event);
        }
    }

    /// The kind of the tier that holds the conversation.
    #[must_use]
    pub fn tier_kind(&self) -> Option<TierKind> {
        let machine = self.machine();
        machine
            .names
            .tiers
            .get(&self.view().tier)
            .and_then(|id| machine.tier(*id))
            .map(|t| t.kind)
    }
}

/// What a place asks for: `track/ask order_id` asks for `order_id`.
fn asked_for(place: &str) -> Option<&str> {
    let (_, asked) = place.split_once("/ask ")?;
    asked.split(['#', ' ']).next()
}

fn mime_of(name: &str) -> &'static str {
    match name
        .rsplit('.')
        .next()
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("mp3") => "audio/mpeg",
        Some("mp4") => "video/mp4",
        Some("doc" | "docx") => "application/msword",
        _ => "application/octet-stream",
    }
}
