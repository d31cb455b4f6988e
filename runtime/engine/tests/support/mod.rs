//! One conversation with a bot that is compiled from its source; time and the outside are the test's.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_compiler::sources::Project;
use flow_compiler::value::Value;
use flow_compiler::{Compiler, Options};
use flow_engine::decision::Decision;
use flow_engine::effect::{Effect, OutMessage};
use flow_engine::event::{AgentRef, Event, EventKind, ModelAnswer, QueueNews, Visitor};
use flow_engine::signals::{Guess, Signals};
use flow_engine::{Conversation, Engine, NoHooks, Recorded, Refusal, Stage, View};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

pub(crate) fn engine(source: &str) -> Arc<Engine> {
    let project = Project {
        flow_files: vec![("bot.flow".into(), source.into())],
        ..Project::default()
    };
    let compiled = Compiler::new().compile(
        &project,
        &Options {
            date: "2026-03-02".parse().unwrap(),
        },
    );
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|d| d.severity == flow_grammar::Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    Arc::new(Engine::new(compiled.machine))
}

pub(crate) struct Chat {
    pub(crate) engine: Arc<Engine>,
    pub(crate) state: Conversation,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<Recorded>,
    /// Effects of the last turn.
    pub(crate) effects: Vec<Effect>,
    pub(crate) decision: Decision,
    pub(crate) sent: usize,
}

pub(crate) fn signals(text: &str) -> Signals {
    let lower = text.to_lowercase();
    let yes_no = match lower.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    // A message is written "text #intent" to say what understanding finds, "#!" when it asks for a person.
    let intents = lower
        .split_whitespace()
        .filter_map(|w| w.strip_prefix('#'))
        .filter(|w| *w != "!" && *w != "-" && *w != "+");
    let mut fingerprint: Vec<u32> = lower
        .split_whitespace()
        .map(|w| {
            w.bytes()
                .fold(7, |h: u32, b| h.wrapping_mul(31).wrapping_add(b.into()))
        })
        .collect();
    fingerprint.sort_unstable();
    Signals {
        language: "en".into(),
        intents: intents
            .map(|name| Guess {
                name: name.into(),
                probability: 0.95,
            })
            .collect(),
        faq: None,
        sentiment: if lower.contains("#-") { -0.8 } else { 0.0 },
        asks_for_human: lower.contains("#!"),
        shouting: false,
        profanity: false,
        negation: false,
        yes_no,
        questions: 1,
        words: 4,
        entities: Vec::new(),
        fingerprint,
    }
}

impl Chat {
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self {
            engine: Arc::clone(engine),
            state: Conversation::new(engine.machine().version.clone()),
            now: "2026-03-02T10:00:00Z".parse().unwrap(),
            log: Vec::new(),
            effects: Vec::new(),
            decision: Decision::default(),
            sent: 0,
        }
    }

    pub(crate) fn open(source: &str) -> Self {
        let mut chat = Self::new(&engine(source));
        chat.opened(Visitor::default());
        chat
    }

    pub(crate) fn opened(&mut self, visitor: Visitor) {
        self.go(EventKind::Opened {
            channel: "web".into(),
            language: None,
            page: None,
            visitor,
        });
    }

    /// What the desk says without a number is of the last wish.
    pub(crate) fn try_go(&mut self, mut kind: EventKind) -> Result<(), Refusal> {
        if let Some(generation) = kind.generation_mut().filter(|g| **g == 0) {
            *generation = self.state.generation();
        }
        let event = Event { at: self.now, kind };
        // The state survives its JSON at every turn.
        let json = serde_json::to_string(&self.state).unwrap();
        assert!(json.len() < 6_000, "{} bytes: {json}", json.len());
        let mut state: Conversation = serde_json::from_str(&json).unwrap();
        assert_eq!(state, self.state);
        let turn = self.engine.step(&mut state, &event, &NoHooks);
        // The same again gives the same.
        let again = self.engine.step(&mut self.state, &event, &NoHooks);
        assert_eq!(turn, again);
        assert_eq!(state, self.state);
        self.effects = turn.effects.clone();
        self.decision = turn.decision.clone();
        if turn.accepted.is_ok() {
            let seq = self.log.len() as u64 + 1;
            self.log.push(Recorded {
                seq,
                event,
                effects: turn.effects,
                decision: turn.decision,
                version: self.state.version().clone(),
            });
        }
        turn.accepted
    }

    pub(crate) fn go(&mut self, kind: EventKind) {
        let said = format!("{kind:?}");
        self.try_go(kind)
            .unwrap_or_else(|refusal| panic!("{said}: {refusal}"));
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.go(EventKind::Message {
            id: "m".into(),
            text: text.into(),
            signals: signals(text),
        });
    }

    pub(crate) fn press(&mut self, label: &str) {
        let buttons = self.view().buttons;
        let button = buttons
            .iter()
            .find(|b| b.label == label)
            .unwrap_or_else(|| panic!("no {label} in {buttons:?}"));
        self.go(EventKind::Pressed {
            id: "p".into(),
            button: button.id.clone(),
        });
    }

    pub(crate) fn pass(&mut self, minutes: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_mins(minutes))
            .unwrap();
        let due: Vec<u64> = self
            .state
            .timers()
            .filter(|(_, at)| *at <= self.now)
            .map(|(id, _)| id)
            .collect();
        for id in due {
            let _ = self.try_go(EventKind::Timer { id });
        }
    }

    pub(crate) fn news(&mut self, staff: u32) {
        self.go(EventKind::Queue(QueueNews {
            generation: 0,
            position: 1,
            length: 1,
            wait: Some(120_000),
            range: None,
            staff,
        }));
    }

    pub(crate) fn accepted_by(&mut self, id: &str) {
        let agent = AgentRef {
            id: id.into(),
            name: id.to_uppercase().into(),
        };
        self.go(EventKind::Reserved {
            generation: 0,
            reservation: 1,
            agent: agent.clone(),
        });
        self.go(EventKind::Accepted {
            generation: 0,
            reservation: 1,
            agent,
            team: "support".into(),
        });
    }

    pub(crate) fn accepted_by_next(&mut self, id: &str, reservation: u64) {
        let agent = AgentRef {
            id: id.into(),
            name: id.to_uppercase().into(),
        };
        self.go(EventKind::Reserved {
            generation: 0,
            reservation,
            agent: agent.clone(),
        });
        self.go(EventKind::Accepted {
            generation: 0,
            reservation,
            agent,
            team: "support".into(),
        });
    }

    pub(crate) fn answers(&mut self, text: &str, confidence: f64) {
        let request = self.request().expect("a model was asked");
        self.go(EventKind::ModelAnswered {
            request,
            answer: answer(text, confidence),
        });
    }

    /// The request of the last turn.
    pub(crate) fn request(&self) -> Option<u64> {
        self.effects.iter().find_map(|e| {
            if let Effect::AskModel(r) = e {
                Some(r.request)
            } else {
                None
            }
        })
    }

    pub(crate) fn call(&self) -> Option<u64> {
        self.effects.iter().find_map(|e| {
            if let Effect::CallWebhook { call, .. } = e {
                Some(*call)
            } else {
                None
            }
        })
    }

    pub(crate) fn webhook(&mut self, result: Result<Value, String>) {
        let call = self
            .log
            .iter()
            .rev()
            .flat_map(|r| &r.effects)
            .find_map(|e| {
                if let Effect::CallWebhook { call, .. } = e {
                    Some(*call)
                } else {
                    None
                }
            });
        self.go(EventKind::WebhookDone {
            call: call.expect("a webhook was called"),
            result,
        });
    }

    pub(crate) fn view(&self) -> View {
        self.engine.view(&self.state)
    }

    pub(crate) fn stage(&self) -> Stage {
        self.view().stage
    }

    pub(crate) fn messages(&self) -> Vec<&OutMessage> {
        self.log
            .iter()
            .flat_map(|r| &r.effects)
            .filter_map(|e| {
                if let Effect::Send(m) = e {
                    Some(m)
                } else {
                    None
                }
            })
            .collect()
    }

    /// Texts of the last turn.
    pub(crate) fn said(&self) -> Vec<&str> {
        self.effects
            .iter()
            .filter_map(|e| {
                if let Effect::Send(m) = e {
                    Some(m.text.as_str())
                } else {
                    None
                }
            })
            .collect()
    }

    pub(crate) fn has(&self, test: impl Fn(&Effect) -> bool) -> bool {
        self.effects.iter().any(test)
    }
}

pub(crate) fn answer(text: &str, confidence: f64) -> ModelAnswer {
    ModelAnswer {
        text: text.into(),
        confidence,
        citations: Vec::new(),
        parts: Default::default(),
        resolved: false,
    }
}
