//! What the engine is measured on: the example shop, the same a hundred times as large, a matrix of a thousand rows. What understanding finds is
//! given; what webhooks answer too.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that goes wrong shall stop"
)]

use flow_compiler::machine::Machine;
use flow_compiler::sources::Project;
use flow_compiler::value::{Money, TierId, Value};
use flow_compiler::{Compiler, Options};
use flow_engine::conversation::Conversation;
use flow_engine::effect::Effect;
use flow_engine::event::{Event, EventKind, Visitor};
use flow_engine::signals::{Entity, EntityKind, Guess, Signals};
use flow_engine::{Engine, Hooks, Stage};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// No customer is of high value.
pub(crate) struct Scripts;

impl Hooks for Scripts {
    fn call(&self, _: &str, _: &[Value]) -> Result<Value, String> {
        Ok(Value::Bool(false))
    }
}

fn compile(project: &Project) -> Arc<Machine> {
    let options = Options {
        date: jiff::civil::date(2026, 3, 2),
    };
    Compiler::new()
        .compile(project, &options)
        .runnable()
        .expect("it compiles")
}

/// The example shop, with `more` further nodes, each with its intent, its handler, its texts and its question.
pub(crate) fn shop(more: usize) -> Engine {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../flows/acme_store");
    let mut project = flow_loader::load(&folder).expect("the shop").project;
    let first = project.flow_files.first().map(|f| f.0.clone());
    let first = first.expect("it has files");
    let beside = first
        .rfind('/')
        .map_or("", |end| first.get(..=end).unwrap_or(""));
    for part in 0..more.div_ceil(500) {
        let mut text = String::new();
        for n in part * 500..((part + 1) * 500).min(more) {
            let next = (n + 1) % more;
            let _ = write!(
                text,
                r#"intent wish_{n} {{ en "I want thing {n} please", "can you do number {n}"; es "quiero {n}" }}
on intent wish_{n} -> step_{n}
text say_{n} {{ en "This is step {n}."; es "Paso {n}." }}
text ask_{n} {{ en "What is the order number of {n}?"; es "¿Qué pedido es {n}?" }}
text go_{n} {{ en "Go on"; es "Seguir" }}
text leave_{n} {{ en "Leave"; es "Salir" }}
node step_{n} {{
  say say_{n}
  ask order_id ask_{n} {{
    retry 2
    otherwise -> step_{next}
  }}
  call find_order(order_id) as order {{
    failed -> escalate to human because "The order system did not answer"
  }}
  match order.status {{
    processing, shipped, delivered {{ set issue_category = order }}
    cancelled -> anything_else
  }}
  choose ask_{n} {{ go_{n} -> step_{next}; leave_{n} -> anything_else; otherwise -> greet }}
}}
"#
            );
        }
        let path = smol_str::format_smolstr!("{beside}part_{part}.flow");
        project.flow_files.push((path, Arc::from(text)));
    }
    project.flow_files.sort();
    Engine::new(compile(&project))
}

/// Lines of a bot.
pub(crate) fn lines(engine: &Engine) -> usize {
    let sources = &engine.machine().sources;
    sources.files.iter().map(|f| f.text.lines().count()).sum()
}

fn signals(intent: &str, faq: &str, order: &str) -> Signals {
    let guess = |name: &str| Guess {
        name: name.into(),
        probability: 0.93,
    };
    Signals {
        language: "en".into(),
        intents: (!intent.is_empty())
            .then(|| guess(intent))
            .into_iter()
            .collect(),
        faq: (!faq.is_empty()).then(|| guess(faq)),
        sentiment: 0.1,
        words: 5,
        questions: 1,
        entities: (!order.is_empty())
            .then(|| Entity {
                kind: EntityKind::Slot("order_id".into()),
                value: Value::text(order),
                start: 0,
                end: 9,
            })
            .into_iter()
            .collect(),
        fingerprint: intent
            .bytes()
            .chain(faq.bytes())
            .map(u32::from)
            .take(4)
            .collect(),
        asks_for_human: false,
        shouting: false,
        profanity: false,
        negation: false,
        yes_no: None,
    }
}

/// What a customer writes: the words, and what is found in them.
const DIALOGUE: [(&str, &str, &str, &str); 10] = [
    ("where is my order", "track_order", "", ""),
    ("AB-123456", "", "", "AB-123456"),
    ("what are your opening hours", "opening_hours", "", ""),
    (
        "how long do I have to return something",
        "",
        "returns_window",
        "",
    ),
    ("track my package", "track_order", "", ""),
    ("how much is shipping", "", "shipping_cost", ""),
    ("1", "", "", ""),
    ("when are you open", "opening_hours", "", ""),
    ("which cards do you take", "", "payment_methods", ""),
    ("do you sell gift cards", "", "gift_cards", ""),
];

/// An opened conversation, and the events of a dialogue in it: messages, and the answers of webhooks.
pub(crate) struct Dialogue {
    pub(crate) opened: Conversation,
    pub(crate) events: Vec<Event>,
    pub(crate) messages: usize,
}

pub(crate) fn start() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().expect("a time")
}

/// Opens a conversation.
pub(crate) fn open(engine: &Engine) -> Conversation {
    let mut conversation = Conversation::new(engine.machine().version.clone());
    let opened = Event {
        at: start(),
        kind: EventKind::Opened {
            channel: "web".into(),
            language: Some("en".into()),
            page: None,
            visitor: Visitor::default(),
        },
    };
    let turn = engine.step(&mut conversation, &opened, &Scripts);
    assert_eq!(turn.accepted, Ok(()));
    conversation
}

fn order() -> Value {
    let total = Money {
        amount: 30.into(),
        currency: "USD".into(),
    };
    let fields = [
        ("id", Value::text("AB-123456")),
        ("status", Value::Enum("shipped".into())),
        ("eta", Value::Date("2026-03-05".parse().expect("a date"))),
        ("total", Value::Money(total)),
    ];
    let fields = fields.into_iter().map(|(name, value)| (name.into(), value));
    Value::Record(Arc::new(fields.collect()))
}

/// Leads the dialogue once, to know its events.
pub(crate) fn dialogue(engine: &Engine) -> Dialogue {
    let opened = open(engine);
    let mut conversation = opened.clone();
    let mut events = Vec::new();
    let mut at = start();
    for (n, (text, intent, faq, order_id)) in DIALOGUE.into_iter().enumerate() {
        at = at
            .checked_add(SignedDuration::from_secs(20))
            .expect("a time");
        let mut due = vec![EventKind::Message {
            id: smol_str::format_smolstr!("m{n}"),
            text: text.to_owned(),
            signals: signals(intent, faq, order_id),
        }];
        while let Some(kind) = due.pop() {
            let event = Event { at, kind };
            let turn = engine.step(&mut conversation, &event, &Scripts);
            assert_eq!(turn.accepted, Ok(()));
            let seen = turn
                .effects
                .iter()
                .any(|e| matches!(e, Effect::Send(_) | Effect::CallWebhook { .. }));
            assert!(seen, "{event:?} does nothing: {turn:?}");
            due.extend(turn.effects.iter().filter_map(|e| match e {
                Effect::CallWebhook { call, .. } => Some(EventKind::WebhookDone {
                    call: *call,
                    result: Ok(order()),
                }),
                _ => None,
            }));
            events.push(event);
        }
    }
    assert_eq!(engine.view(&conversation).stage, Stage::Scripted);
    Dialogue {
        opened,
        events,
        messages: DIALOGUE.len(),
    }
}

impl Dialogue {
    /// Leads it again; the effects in all.
    pub(crate) fn lead(&self, engine: &Engine) -> usize {
        let mut conversation = self.opened.clone();
        let mut effects = 0;
        for event in &self.events {
            let turn = engine.step(&mut conversation, event, &Scripts);
            effects += std::hint::black_box(&turn.effects).len();
        }
        effects
    }

    /// The conversation at its end.
    pub(crate) fn led(&self, engine: &Engine) -> Conversation {
        let mut conversation = self.opened.clone();
        for event in &self.events {
            engine.step(&mut conversation, event, &Scripts);
        }
        conversation
    }
}

const RULES: &str = r#"
bot matrix { languages en, es; channels web, whatsapp; tiers bot -> human; start greet }
tier bot: scripted {}
tier human: people {}
enum plan { free, pro, enterprise }
customer { name: text private; plan: plan = free; arr: money = 0 USD }
slots { region: number = 500 }
escalate asked_for_human to human { when asks_for_human; priority high }
escalate angry to human { when sentiment < -60%; because "angry" }
escalate moody to human { when mood < -50% and sentiment < 0%; because "moody" }
escalate frustrated to human { when 2 of [shouting, profanity, negation]; because "frustrated" }
escalate loud to human { when shouting and customer.plan is enterprise; because "loud" }
escalate lost to human { when failed_answers >= 3 or intent_repeats >= 3; because "lost" }
escalate long to human { when turns > 30 and customer.plan in [pro, enterprise]; because "long" }
escalate rich to human { when customer.arr > 100_000 USD and failed_answers >= 1; because "rich" }
escalate rude to human { when profanity and negation; because "rude" }
escalate outage to human { when message contains any ["server down", "data loss"]; priority immediate }
handoff human { say "One moment." }
node greet { choose "Hello" { "Bye" -> end resolved; otherwise -> greet } }
"#;

/// Ten rules over eight signals, and a matrix of `rows` rows over five columns of which the last is the first that fits.
pub(crate) fn matrix(rows: usize) -> Engine {
    let mut text = RULES.to_owned();
    for n in 0..rows.div_ceil(40) {
        let _ = writeln!(text, "team team_{n} {{ hours always }}");
        let _ = writeln!(
            text,
            "intent wish_{n} {{ \"I want thing {n}\", \"number {n} please\" }}"
        );
    }
    text.push_str("route human {\n  | intent | customer.plan | language | region | message | team | priority |\n");
    for n in 0..rows - 1 {
        let intent = n % rows.div_ceil(40);
        let plan = ["free", "pro", "enterprise"][n % 3];
        let language = ["en", "es", "_"][n / 3 % 3];
        // None of these rows fits the region 500.
        let region = format!("{}..{}", 1000 + n * 10, 1009 + n * 10);
        let words = if n % 50 == 7 {
            format!("\"word{n}\"")
        } else {
            "_".to_owned()
        };
        let _ = writeln!(
            text,
            "  | wish_{intent} | {plan} | {language} | {region} | {words} | team_{intent} | high |"
        );
    }
    text.push_str("  | _ | _ | _ | _ | _ | team_0 | standard |\n}\n");
    let project = Project {
        flow_files: vec![("bot.flow".into(), text.into())],
        ..Project::default()
    };
    Engine::new(compile(&project))
}

/// A conversation in which no rule fires.
pub(crate) fn calm(engine: &Engine) -> Conversation {
    let mut conversation = open(engine);
    let said = Event {
        at: start(),
        kind: EventKind::Message {
            id: "m".into(),
            text: "I would like thing number one, please, if that is possible".to_owned(),
            signals: signals("wish_1", "", ""),
        },
    };
    let turn = engine.step(&mut conversation, &said, &Scripts);
    assert_eq!(turn.accepted, Ok(()));
    assert!(turn.decision.rules.iter().all(|r| !r.fired), "{turn:?}");
    conversation
}

/// All rules and the matrix, once; the row.
pub(crate) fn decide(engine: &Engine, conversation: &Conversation, now: Timestamp) -> usize {
    let machine = engine.machine();
    let holding = machine.rules.iter().filter(|rule| {
        engine.eval_condition(conversation, &rule.when, now, &Scripts) == Some(true)
    });
    let people = TierId(1);
    let routed = engine.route(conversation, people, now, &Scripts);
    holding.count() + routed.expect("the last row fits all").row
}
