//! One case: a conversation, a desk, agents, and everybody's events in a random order.

use crate::dice::Dice;
use flow_compiler::machine::{ExamplePart, IntentExample, Machine};
use flow_compiler::value::{FileValue, Value};
use flow_engine::conversation::Conversation;
use flow_engine::desk::{AgentSpec, Desk, DeskEffect, ItemState};
use flow_engine::effect::{Effect, ModelRequest, Speaker};
use flow_engine::event::{AgentRef, Citation, Event, EventKind, ModelAnswer, ToolCall, Visitor};
use flow_engine::signals::Signals;
use flow_engine::{Stage, Turn, View};
use flow_grammar::ast::TierKind;
use flow_simulator::Program;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use smol_str::{SmolStr, format_smolstr};
use std::collections::VecDeque;
use std::sync::Arc;

const ID: &str = "c1";
const STEPS: usize = 60;
const AGENTS: [&str; 2] = ["leo", "mia"];

type Checked = Result<(), String>;

struct Case<'a> {
    program: &'a Arc<Program>,
    dice: Dice,
    conversation: Conversation,
    desk: Desk,
    now: Timestamp,
    /// What the desk said and the conversation did not hear yet; in order, as the daemon keeps it.
    news: VecDeque<EventKind>,
    /// Results that are under way; they arrive in any order, late, twice.
    under_way: Vec<EventKind>,
    /// Results that arrived: they may come again.
    arrived: Vec<EventKind>,
    buttons: Vec<SmolStr>,
    last_message: u64,
    ids: u64,
    log: Vec<String>,
}

pub(crate) fn run(program: &Arc<Program>, seed: u64) -> Checked {
    let mut case = Case {
        dice: Dice::new(seed),
        conversation: Conversation::new(program.machine().version.clone()),
        desk: Desk::new(program.machine()),
        now: "2026-03-02T10:00:00Z".parse().unwrap(),
        news: VecDeque::new(),
        under_way: Vec::new(),
        arrived: Vec::new(),
        buttons: Vec::new(),
        last_message: 0,
        ids: 0,
        log: Vec::new(),
        program,
    };
    let outcome = case.all();
    outcome.map_err(|why| {
        format!(
            "{why}\n  after:\n    {}",
            case.log
                .iter()
                .rev()
                .take(14)
                .rev()
                .cloned()
                .collect::<Vec<_>>()
                .join("\n    ")
        )
    })
}

impl Case<'_> {
    fn machine(&self) -> &Machine {
        self.program.machine()
    }

    fn all(&mut self) -> Checked {
        let start = self.dice.below(7 * 24 * 60) as i64;
        self.now = self
            .now
            .checked_add(SignedDuration::from_mins(start))
            .unwrap();
        for agent in AGENTS {
            let teams: Vec<SmolStr> = self
                .machine()
                .teams
                .iter()
                .map(|t| t.name.clone())
                .collect();
            let teams = teams.into_iter().filter(|_| !self.dice.one_in(4)).collect();
            let capacity = Some(1);
            let spec = AgentSpec {
                id: agent.into(),
                name: agent.into(),
                teams,
                languages: Vec::new(),
                skills: Vec::new(),
                capacity,
            };
            let effects = self.desk.set_agent(spec, self.now);
            self.hear(effects);
        }
        let machine = Arc::clone(self.program.engine.machine());
        let channel = self
            .dice
            .pick(&machine.bot.channels)
            .cloned()
            .unwrap_or_else(|| "web".into());
        let language = self
            .dice
            .pick(&machine.bot.languages)
            .cloned()
            .filter(|_| !self.dice.one_in(3));
        let mut visitor = Visitor::default();
        for field in &machine.customer {
            if self.dice.one_in(2) {
                let value = self.dice.value(&machine, &field.ty, 0);
                let to = if self.dice.one_in(2) {
                    &mut visitor.proven
                } else {
                    &mut visitor.claimed
                };
                to.insert(field.name.clone(), value);
            }
        }
        self.step(EventKind::Opened {
            channel,
            language,
            page: None,
            visitor,
        })?;
        for _ in 0..STEPS {
            self.something()?;
            if self.news.is_empty() {
                self.same_at_the_desk()?;
            }
        }
        self.settles()
    }

    /// Something happens: somebody's turn is drawn.
    fn something(&mut self) -> Checked {
        match self.dice.below(20) {
            0..=4 => self.customer(),
            5..=6 => self.press(),
            7..=9 => self.result(),
            10..=12 => self.desk_news(),
            13..=15 => self.agent(),
            16..=17 => self.time(),
            18 => self.odd(),
            _ => self.crash(),
        }
    }

    fn fresh(&mut self) -> SmolStr {
        self.ids += 1;
        format_smolstr!("m{}", self.ids)
    }

    fn words(&mut self) -> String {
        const ANY: [&str; 14] = [
            "yes",
            "no",
            "1",
            "2",
            "hello there",
            "AB-123456",
            "ana@example.com",
            "agent please",
            "THIS IS USELESS!!",
            "quux flarp zork",
            "my name is Ana",
            "120 USD",
            "tomorrow at 9",
            "x",
        ];
        let examples: Vec<String> = self
            .machine()
            .intents
            .iter()
            .flat_map(|i| i.examples.iter().map(example))
            .collect();
        match self.dice.pick(&examples) {
            Some(example) if self.dice.one_in(2) => example.clone(),
            _ => (*self.dice.pick(&ANY).unwrap()).to_owned(),
        }
    }

    fn signals(&self, text: &str) -> Signals {
        let view = self.view();
        let context = flow_understanding::Context {
            language: Some(view.language.as_str()),
            now: self.now,
            timezone: TimeZone::UTC,
            expecting: None,
        };
        self.program.understanding.signals(text, &context)
    }

    fn customer(&mut self) -> Checked {
        if self.dice.one_in(12) {
            let file = FileValue {
                name: "photo.jpg".into(),
                url: "file:photo".into(),
                mime: "image/jpeg".into(),
                bytes: 1000,
            };
            let id = self.fresh();
            return self.step(EventKind::File { id, file });
        }
        let text = self.words();
        let signals = self.signals(&text);
        let before = self.view();
        let id = self.fresh();
        let turn = self.take(EventKind::Message {
            id,
            text: text.clone(),
            signals,
        })?;
        // A choice may lead to a tier that waits for the question.
        let alone = !before.busy
            && before.stage == self.view().stage
            && matches!(before.stage, Stage::Scripted | Stage::Model);
        if alone && turn.accepted.is_ok() && !turn.effects.iter().any(seen) {
            return Err(format!("`{text}` was met with silence"));
        }
        Ok(())
    }

    fn press(&mut self) -> Checked {
        let shown: Vec<SmolStr> = self.view().buttons.into_iter().map(|b| b.id).collect();
        let all = if self.dice.one_in(4) {
            self.buttons.clone()
        } else {
            shown
        };
        let button = self
            .dice
            .pick(&all)
            .cloned()
            .unwrap_or_else(|| "b_9.9".into());
        let id = self.fresh();
        self.step(EventKind::Pressed { id, button })
    }

    /// A result arrives: any of those under way, or one that came before.
    fn result(&mut self) -> Checked {
        if self.dice.one_in(6)
            && let Some(again) = self.dice.pick(&self.arrived).cloned()
        {
            return self.step(again);
        }
        if self.under_way.is_empty() {
            return Ok(());
        }
        let n = self.dice.below(self.under_way.len());
        let result = self.under_way.swap_remove(n);
        self.arrived.push(result.clone());
        self.step(result)
    }

    fn desk_news(&mut self) -> Checked {
        match self.news.pop_front() {
            Some(kind) => self.step(kind),
            None => Ok(()),
        }
    }

    /// Before people act the conversation hears what the desk said: the two are in one process, a turn apart.
    fn told(&mut self) -> Checked {
        while let Some(kind) = self.news.pop_front() {
            self.step(kind)?;
        }
        Ok(())
    }

    fn agent(&mut self) -> Checked {
        self.told()?;
        let id = *self.dice.pick(&AGENTS).unwrap();
        let agent = AgentRef {
            id: id.into(),
            name: id.into(),
        };
        let reserved = self.desk.item(ID).and_then(|i| match &i.state {
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
                Some((reservation, agent)) => self.desk.accept(&agent, reservation, now),
                None => self.desk.take(id, ID, now),
            },
            5 => match reserved {
                Some((reservation, agent)) => self.desk.decline(&agent, reservation, now),
                None => Ok(Vec::new()),
            },
            6 => self.desk.lose_agent(id, now),
            _ => {
                let message = self.fresh();
                let teams: Vec<SmolStr> = self
                    .machine()
                    .teams
                    .iter()
                    .map(|t| t.name.clone())
                    .collect();
                let team = self.dice.pick(&teams).cloned().unwrap_or_default();
                let agent = agent.id;
                let kind = match self.dice.below(6) {
                    0 => EventKind::AgentNote {
                        agent,
                        id: message,
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
                        id: message,
                        text: "Hello!".to_owned(),
                    },
                };
                return self.step(kind);
            }
        };
        if let Ok(effects) = effects {
            self.log.push(format!("{} desk: {effects:?}", self.now));
            self.hear(effects);
        }
        Ok(())
    }

    /// Time passes; what is due fires late, in its order.
    fn time(&mut self) -> Checked {
        self.told()?;
        const SPANS: [i64; 6] = [1, 20, 90, 600, 4000, 90_000];
        let seconds = *self.dice.pick(&SPANS).unwrap();
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
        let effects = self.desk.tick(self.now);
        self.hear(effects);
        for _ in 0..8 {
            let due = self
                .conversation
                .timers()
                .filter(|t| t.1 <= self.now)
                .min_by_key(|t| (t.1, t.0));
            let Some((id, _)) = due else { break };
            self.step(EventKind::Timer { id })?;
        }
        Ok(())
    }

    /// What should not come, or seldom does.
    fn odd(&mut self) -> Checked {
        let machine = Arc::clone(self.program.engine.machine());
        let n = self.dice.below(12) as u64;
        let agent = AgentRef {
            id: "ghost".into(),
            name: "Ghost".into(),
        };
        let kind = match self.dice.below(12) {
            0 => EventKind::Left,
            1 => EventKind::Verified {
                ok: self.dice.one_in(2),
            },
            2 => EventKind::Timer { id: n },
            3 => EventKind::WebhookDone {
                call: n,
                result: Err("late".to_owned()),
            },
            4 => EventKind::ModelFailed {
                request: n,
                error: "late".to_owned(),
            },
            5 => EventKind::Accepted {
                reservation: n,
                agent,
                team: "nobody".into(),
            },
            6 => EventKind::Reserved {
                reservation: n,
                agent,
            },
            7 => EventKind::Unreserved {
                reservation: n,
                reason: "left".into(),
            },
            8 => EventKind::AgentMessage {
                agent: "ghost".into(),
                id: "g1".into(),
                text: "boo".to_owned(),
            },
            9 => EventKind::PeopleAvailable,
            10 => EventKind::Opened {
                channel: "web".into(),
                language: None,
                page: None,
                visitor: Visitor::default(),
            },
            _ => {
                let Some(trigger) = self.dice.pick(&machine.triggers) else {
                    return Ok(());
                };
                let payload = trigger
                    .payload
                    .iter()
                    .map(|f| (f.name.clone(), self.dice.value(&machine, &f.ty, 0)))
                    .collect();
                EventKind::Triggered {
                    trigger: trigger.name.clone(),
                    payload,
                }
            }
        };
        // Made-up reservations would make the desk and the conversation disagree by the test's own doing.
        if matches!(
            kind,
            EventKind::Accepted { .. } | EventKind::Reserved { .. } | EventKind::Unreserved { .. }
        ) && self.desk.item(ID).is_some()
        {
            return Ok(());
        }
        self.step(kind)
    }

    /// The process is lost in a crash; the conversation goes on from what was stored.
    fn crash(&mut self) -> Checked {
        let text = serde_json::to_string(&self.conversation).map_err(|e| e.to_string())?;
        self.conversation = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        Ok(())
    }

    fn view(&self) -> View {
        self.program.engine.view(&self.conversation)
    }

    fn hear(&mut self, effects: Vec<DeskEffect>) {
        for effect in effects {
            self.news.push_back(match effect {
                DeskEffect::News { news, .. } => EventKind::Queue(news),
                DeskEffect::Reserved {
                    reservation, agent, ..
                } => EventKind::Reserved { reservation, agent },
                DeskEffect::Unreserved {
                    reservation,
                    reason,
                    ..
                } => EventKind::Unreserved {
                    reservation,
                    reason,
                },
                DeskEffect::Accepted {
                    reservation,
                    agent,
                    team,
                    ..
                } => EventKind::Accepted {
                    reservation,
                    agent,
                    team,
                },
                DeskEffect::Overflowed { team, .. } => EventKind::Overflowed { team },
                DeskEffect::Lost { agent, .. } => EventKind::AgentLost { agent },
                DeskEffect::PeopleAvailable { .. } => EventKind::PeopleAvailable,
            });
        }
    }

    fn step(&mut self, kind: EventKind) -> Checked {
        self.take(kind).map(drop)
    }

    /// One event, and what must hold of it.
    fn take(&mut self, kind: EventKind) -> Result<Turn, String> {
        let before = self.view();
        let event = Event { at: self.now, kind };
        let stored = serde_json::to_string(&self.conversation).map_err(|e| e.to_string())?;
        let mut restored: Conversation = serde_json::from_str(&stored)
            .map_err(|e| format!("the state cannot be read again: {e}"))?;
        if restored != self.conversation {
            return Err("the state is another one after it was stored".to_owned());
        }
        let turn = self
            .program
            .engine
            .step(&mut self.conversation, &event, &self.program.hooks);
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
            .step(&mut restored, &recorded, &self.program.hooks);
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

    fn apply(&mut self, effect: &Effect) -> Checked {
        let machine = Arc::clone(self.program.engine.machine());
        match effect {
            Effect::Send(message) => {
                if message.id != self.last_message + 1 {
                    return Err(format!(
                        "message {} came after {}",
                        message.id, self.last_message
                    ));
                }
                self.last_message = message.id;
                self.buttons
                    .extend(message.buttons.iter().map(|b| b.id.clone()));
            }
            Effect::CallWebhook { call, webhook, .. } => {
                let returns = machine
                    .webhooks
                    .iter()
                    .find(|w| w.name == *webhook)
                    .and_then(|w| w.returns.clone());
                let result = match returns {
                    _ if self.dice.one_in(3) => Err("it answered 500".to_owned()),
                    None => Ok(Value::Unknown),
                    Some((_, true)) if self.dice.one_in(3) => Ok(Value::Unknown),
                    Some((ty, _)) => Ok(self.dice.value(&machine, &ty, 0)),
                };
                self.under_way.push(EventKind::WebhookDone {
                    call: *call,
                    result,
                });
            }
            Effect::AskModel(request) => {
                let answer = self.model(&machine, request);
                self.under_way.push(answer);
            }
            Effect::Enqueue(item) => {
                let effects = self.desk.enqueue(ID.into(), item.clone(), self.now);
                self.hear(effects);
            }
            Effect::Dequeue { reason } => {
                let effects = self.desk.dequeue(ID, reason, self.now);
                self.hear(effects);
            }
            Effect::Verify { .. } if self.dice.one_in(2) => {
                self.under_way.push(EventKind::Verified { ok: false })
            }
            Effect::Verify { .. } => {}
            Effect::CheckCode { .. } => {
                let ok = self.dice.one_in(2);
                self.under_way.push(EventKind::Verified { ok });
            }
            _ => {}
        }
        Ok(())
    }

    fn model(&mut self, machine: &Machine, asked: &ModelRequest) -> EventKind {
        let request = asked.request;
        match self.dice.below(5) {
            0 => EventKind::ModelFailed {
                request,
                error: "it hung".to_owned(),
            },
            1 if !asked.tools.is_empty() => {
                let tool = self.dice.pick(&asked.tools).cloned().unwrap();
                let params = machine
                    .webhooks
                    .iter()
                    .find(|w| w.name == tool)
                    .map(|w| w.params.clone())
                    .unwrap_or_default();
                let args = params
                    .iter()
                    .map(|p| (p.name.clone(), self.dice.value(machine, &p.ty, 0)))
                    .collect();
                EventKind::ModelCalledTools {
                    request,
                    calls: vec![ToolCall {
                        id: "t1".into(),
                        tool,
                        args,
                    }],
                }
            }
            _ => EventKind::ModelAnswered {
                request,
                answer: ModelAnswer {
                    text: "That is how it is.".to_owned(),
                    confidence: self.dice.fraction(),
                    citations: vec![Citation {
                        source: "kb/a.md".into(),
                        title: "A".into(),
                        quote: "is".to_owned(),
                    }],
                    parts: Default::default(),
                    resolved: self.dice.one_in(4),
                },
            },
        }
    }

    /// Once the conversation heard everything, it and the desk tell the same story.
    fn same_at_the_desk(&self) -> Checked {
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
            (Stage::HandoffPending, _) => true,
            (Stage::WithAgent | Stage::Reviewing | Stage::Offered | Stage::Queued, _) => false,
            (_, None) => true,
            (_, Some(_)) => false,
        };
        if agree {
            Ok(())
        } else {
            Err(format!(
                "the conversation is {:?} with {:?}, the desk says {item:?}",
                view.stage, view.agent
            ))
        }
    }

    /// Everything arrives at last; then the customer asks for a person, and is not left alone.
    fn settles(&mut self) -> Checked {
        for _ in 0..200 {
            if let Some(kind) = self.news.pop_front() {
                self.step(kind)?;
            } else if let Some(kind) = self.under_way.pop() {
                self.step(kind)?;
            } else {
                break;
            }
        }
        self.same_at_the_desk()?;
        let view = self.view();
        let machine = Arc::clone(self.program.engine.machine());
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

/// Whether the customer gets something of it, now or soon.
fn seen(effect: &Effect) -> bool {
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

/// An example's words, with an order's number for whatever stands in it.
fn example(example: &IntentExample) -> String {
    let parts = example.parts.iter().map(|part| match part {
        ExamplePart::Text(text) => text.as_str(),
        _ => "AB-123456",
    });
    parts.collect()
}
