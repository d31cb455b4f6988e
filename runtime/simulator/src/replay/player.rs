//! Plays the events of a record to an engine.

use super::compare::{Difference, Side, compare};
use flow_compiler::value::Value;
use flow_engine::conversation::Conversation;
use flow_engine::decision::Decision;
use flow_engine::effect::{Effect, OutButton};
use flow_engine::event::{Event, EventKind, QueueNews};
use flow_engine::{Engine, Hooks, Recorded};
use jiff::Timestamp;
use smol_str::SmolStr;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Events that a version may cause by itself between two of the record; more and it does not come to rest.
const OWN: usize = 1_000;

/// A turn of the replay.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedTurn {
    /// The turn of the record; absent: only this version has it (its own timer, a call that the record cannot answer).
    pub recorded: Option<Recorded>,
    /// The event as it was played.
    pub event: Event,
    /// What this version does.
    pub effects: Vec<Effect>,
    /// Why.
    pub decision: Decision,
    /// What is otherwise.
    pub differences: Vec<Difference>,
}

/// A replayed conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replayed {
    /// Its turns.
    pub turns: Vec<ReplayedTurn>,
}

impl Replayed {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.turns.iter().all(|t| t.differences.is_empty())
    }

    /// How many turns differ.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.turns
            .iter()
            .filter(|t| !t.differences.is_empty())
            .count()
    }
}

/// Replays a log. Hooks answer as they did; those that were not asked then are asked of `hooks`.
#[must_use]
pub fn replay(engine: &Engine, records: &[Recorded], hooks: &dyn Hooks) -> Replayed {
    let mut player = Player::new(engine, records, hooks);
    for (index, record) in records.iter().enumerate() {
        // A move belongs to the record alone: this version runs from the first event on.
        if matches!(record.event.kind, EventKind::Moved { .. }) {
            continue;
        }
        player.own_timers(record.event.at);
        player.play(record);
        player.unanswered(index);
    }
    Replayed {
        turns: player.turns,
    }
}

struct Player<'a> {
    engine: &'a Engine,
    conversation: Conversation,
    records: &'a [Recorded],
    hooks: &'a dyn Hooks,
    turns: Vec<ReplayedTurn>,
    /// What the record calls its calls, requests, timers, buttons.
    recorded_calls: HashMap<u64, (SmolStr, BTreeMap<SmolStr, Value>)>,
    recorded_timers: HashMap<u64, Timestamp>,
    recorded_times: BTreeSet<Timestamp>,
    recorded_buttons: HashMap<SmolStr, String>,
    /// What this version waits for.
    calls: Vec<(u64, SmolStr, BTreeMap<SmolStr, Value>)>,
    request: Option<u64>,
    buttons: Vec<OutButton>,
    queued: bool,
}

impl<'a> Player<'a> {
    fn new(engine: &'a Engine, records: &'a [Recorded], hooks: &'a dyn Hooks) -> Self {
        let effects = || records.iter().flat_map(|r| &r.effects);
        let timers = || {
            effects().filter_map(|e| {
                if let Effect::SetTimer { id, at } = e {
                    Some((*id, *at))
                } else {
                    None
                }
            })
        };
        Self {
            conversation: Conversation::new(engine.machine().version.clone()),
            recorded_calls: effects()
                .filter_map(|e| match e {
                    Effect::CallWebhook {
                        call,
                        webhook,
                        args,
                        ..
                    } => Some((*call, (webhook.clone(), args.clone()))),
                    _ => None,
                })
                .collect(),
            recorded_timers: timers().collect(),
            recorded_times: timers().map(|t| t.1).collect(),
            recorded_buttons: effects()
                .filter_map(|e| {
                    if let Effect::Send(m) = e {
                        Some(&m.buttons)
                    } else {
                        None
                    }
                })
                .flatten()
                .map(|b| (b.id.clone(), b.label.clone()))
                .collect(),
            engine,
            records,
            hooks,
            turns: Vec::new(),
            calls: Vec::new(),
            request: None,
            buttons: Vec::new(),
            queued: false,
        }
    }

    /// Timers that only this version set fire at their own time.
    fn own_timers(&mut self, until: Timestamp) {
        for _ in 0..OWN {
            let own = self
                .conversation
                .timers()
                .filter(|(_, at)| *at <= until && !self.recorded_times.contains(at));
            let Some((id, at)) = own.min_by_key(|(id, at)| (*at, *id)) else {
                return;
            };
            self.own(
                Event {
                    at,
                    kind: EventKind::Timer { id },
                },
                "a timer that the record does not have",
            );
        }
    }

    /// Plays an event of the record.
    fn play(&mut self, record: &Recorded) {
        let kind = match self.translate(&record.event.kind) {
            Ok(kind) => kind,
            Err(why) => return self.left_out(record, record.event.clone(), why),
        };
        let event = Event {
            at: record.event.at,
            kind,
        };
        let (effects, decision, accepted) = self.step(&event, &record.decision);
        match accepted {
            Err(why) => self.left_out(record, event, why),
            Ok(()) => {
                let old = Side {
                    effects: &record.effects,
                    decision: &record.decision,
                };
                let differences = compare(
                    old,
                    Side {
                        effects: &effects,
                        decision: &decision,
                    },
                );
                self.turns.push(ReplayedTurn {
                    recorded: Some(record.clone()),
                    event,
                    effects,
                    decision,
                    differences,
                });
            }
        }
    }

    fn left_out(&mut self, record: &Recorded, event: Event, why: String) {
        let at = record.decision.steps.last().map(|s| s.at.clone());
        let what = record
            .effects
            .iter()
            .filter(|e| !matches!(e, Effect::SetTimer { .. } | Effect::CancelTimer { .. }));
        let what: Vec<String> = what.map(super::words_of).collect();
        let recorded = if what.is_empty() {
            "taken".to_owned()
        } else {
            what.join("; ")
        };
        let difference = Difference {
            what: "not taken".to_owned(),
            recorded: Some(recorded),
            now: Some(why),
            recorded_at: at,
            now_at: None,
        };
        self.turns.push(ReplayedTurn {
            recorded: Some(record.clone()),
            event,
            effects: Vec::new(),
            decision: Decision::default(),
            differences: vec![difference],
        });
    }

    /// Plays an event of this version's own.
    fn own(&mut self, event: Event, why: &str) {
        let (effects, decision, accepted) = self.step(&event, &Decision::default());
        if accepted.is_err() {
            return;
        }
        let none = Side {
            effects: &[],
            decision: &Decision::default(),
        };
        let mut differences = compare(
            none,
            Side {
                effects: &effects,
                decision: &decision,
            },
        );
        if differences.is_empty() {
            differences.push(Difference {
                what: "way".to_owned(),
                recorded: None,
                now: Some(why.to_owned()),
                recorded_at: None,
                now_at: None,
            });
        }
        self.turns.push(ReplayedTurn {
            recorded: None,
            event,
            effects,
            decision,
            differences,
        });
    }

    fn step(
        &mut self,
        event: &Event,
        recorded: &Decision,
    ) -> (Vec<Effect>, Decision, Result<(), String>) {
        let hooks = AsRecorded::new(recorded, self.hooks);
        let turn = self.engine.step(&mut self.conversation, event, &hooks);
        if let Err(why) = turn.accepted {
            return (turn.effects, turn.decision, Err(why.to_string()));
        }
        match &event.kind {
            EventKind::WebhookDone { call, .. } => self.calls.retain(|c| c.0 != *call),
            EventKind::ModelAnswered { .. }
            | EventKind::ModelCalledTools { .. }
            | EventKind::ModelFailed { .. } => self.request = None,
            EventKind::Queue(_) => self.queued = false,
            _ => {}
        }
        for effect in &turn.effects {
            match effect {
                Effect::Send(message) => self.buttons.extend(message.buttons.iter().cloned()),
                Effect::CallWebhook {
                    call,
                    webhook,
                    args,
                    ..
                } => self.calls.push((*call, webhook.clone(), args.clone())),
                Effect::AskModel(request) => self.request = Some(request.request),
                Effect::Enqueue(_) => self.queued = true,
                Effect::Dequeue { .. } => self.queued = false,
                _ => {}
            }
        }
        (turn.effects, turn.decision, Ok(()))
    }

    /// The event with this version's numbers.
    fn translate(&self, kind: &EventKind) -> Result<EventKind, String> {
        let request = || self.request.ok_or_else(|| "no model was asked".to_owned());
        Ok(match kind {
            EventKind::WebhookDone { call, result } => EventKind::WebhookDone {
                call: self.call(*call)?,
                result: result.clone(),
            },
            EventKind::ModelAnswered { answer, .. } => EventKind::ModelAnswered {
                request: request()?,
                answer: answer.clone(),
            },
            EventKind::ModelCalledTools { calls, .. } => EventKind::ModelCalledTools {
                request: request()?,
                calls: calls.clone(),
            },
            EventKind::ModelFailed { error, .. } => EventKind::ModelFailed {
                request: request()?,
                error: error.clone(),
            },
            EventKind::Timer { id } => EventKind::Timer {
                id: self.timer(*id)?,
            },
            EventKind::Pressed { id, button } => EventKind::Pressed {
                id: id.clone(),
                button: self.button(button),
            },
            other => {
                let mut event = other.clone();
                if let Some(generation) = event.generation_mut() {
                    *generation = self.conversation.generation();
                }
                event
            }
        })
    }

    /// The call of the same webhook: with the same arguments if there is one, else the oldest.
    fn call(&self, recorded: u64) -> Result<u64, String> {
        let (name, args) = self
            .recorded_calls
            .get(&recorded)
            .ok_or("the record does not say which webhook this is the result of")?;
        let mut same = self.calls.iter().filter(|c| c.1 == *name);
        let exact = same.clone().find(|c| c.2 == *args);
        exact
            .or_else(|| same.next())
            .map(|c| c.0)
            .ok_or_else(|| format!("`{name}` is not called"))
    }

    fn timer(&self, recorded: u64) -> Result<u64, String> {
        let at = self
            .recorded_timers
            .get(&recorded)
            .ok_or("the record does not say when this timer was due")?;
        let due = || {
            self.conversation
                .timers()
                .filter(|(_, due)| due == at)
                .map(|t| t.0)
        };
        due()
            .find(|id| *id == recorded)
            .or_else(|| due().next())
            .ok_or_else(|| format!("no timer is set for {at}"))
    }

    /// The button with the same label: the same one if it is there, else the newest.
    fn button(&self, recorded: &SmolStr) -> SmolStr {
        let Some(label) = self.recorded_buttons.get(recorded) else {
            return recorded.clone();
        };
        let same = || self.buttons.iter().filter(|b| b.label == *label);
        same()
            .find(|b| b.id == *recorded)
            .or_else(|| same().next_back())
            .map_or_else(|| recorded.clone(), |b| b.id.clone())
    }

    /// What this version asks and the rest of the record cannot answer fails at once, so that the conversation goes on.
    fn unanswered(&mut self, index: usize) {
        for _ in 0..OWN {
            let at = self
                .records
                .get(index)
                .map_or(Timestamp::UNIX_EPOCH, |r| r.event.at);
            let rest = || self.records.iter().skip(index + 1).map(|r| &r.event.kind);
            let answers = |name: &SmolStr| {
                rest().any(|k| matches!(k, EventKind::WebhookDone { call, .. } if self.recorded_calls.get(call).is_some_and(|c| c.0 == *name)))
            };
            let model = rest().any(|k| {
                matches!(
                    k,
                    EventKind::ModelAnswered { .. }
                        | EventKind::ModelCalledTools { .. }
                        | EventKind::ModelFailed { .. }
                )
            });
            let news = rest().any(|k| matches!(k, EventKind::Queue(_)));
            // At the end of the record nothing more is known of either side.
            if rest().next().is_none() {
                return;
            }
            let unknown = self.calls.iter().find(|c| !answers(&c.1)).map(|c| c.0);
            let (kind, why) = if let Some(call) = unknown {
                let result = Err("the record has no answer to this call".to_owned());
                (
                    EventKind::WebhookDone { call, result },
                    "a call that the record cannot answer",
                )
            } else if let Some(request) = self.request.filter(|_| !model) {
                let error = "the record has no answer of a model".to_owned();
                (
                    EventKind::ModelFailed { request, error },
                    "a question to a model that the record cannot answer",
                )
            } else if self.queued && !news {
                // Somebody is taken to be there.
                (
                    EventKind::Queue(QueueNews {
                        generation: self.conversation.generation(),
                        position: 1,
                        length: 1,
                        staff: 1,
                        ..QueueNews::default()
                    }),
                    "a queue that the record does not know",
                )
            } else {
                return;
            };
            let turns = self.turns.len();
            self.own(Event { at, kind }, why);
            if self.turns.len() == turns {
                return;
            }
        }
    }
}

/// Hooks that answer as they did, in the order of their calls; those that were not asked then are asked now.
struct AsRecorded<'a> {
    answers: RefCell<HashMap<SmolStr, VecDeque<Result<Value, String>>>>,
    otherwise: &'a dyn Hooks,
}

impl<'a> AsRecorded<'a> {
    fn new(recorded: &Decision, otherwise: &'a dyn Hooks) -> Self {
        let mut answers: HashMap<SmolStr, VecDeque<Result<Value, String>>> = HashMap::new();
        for trace in &recorded.hooks {
            answers
                .entry(trace.hook.clone())
                .or_default()
                .push_back(trace.result.clone());
        }
        Self {
            answers: RefCell::new(answers),
            otherwise,
        }
    }
}

impl Hooks for AsRecorded<'_> {
    fn call(&self, hook: &str, args: &[Value]) -> Result<Value, String> {
        let recorded = self
            .answers
            .borrow_mut()
            .get_mut(hook)
            .and_then(VecDeque::pop_front);
        recorded.unwrap_or_else(|| self.otherwise.call(hook, args))
    }
}
