//! Engine, store and the daemon's turns together, under random customers, lost memory and a store that fails on purpose. A case is its seed:
//! `FLOW_SEED=17 cargo test -p flow-daemon --test daemon simulation` runs one, `FLOW_CASES=20000` runs many.

use crate::common::World;
use crate::faulty::Faulty;
use flow_daemon::app::App;
use flow_daemon::{Command, Daemon, Input, TurnError};
use flow_engine::event::{EventKind, Visitor};
use flow_engine::{Conversation, Recorded};
use flow_store::{MessageKey, Store};
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CASES: u64 = 500;
const STEPS: u32 = 10;
const AT_ONCE: usize = 32;

const WORDS: [&str; 9] = [
    "where is my order",
    "AB-123456",
    "nonsense",
    "when are you open",
    "talk to a human",
    "how long may I keep a lamp before I return it?",
    "THIS IS USELESS!!",
    "yes",
    "1",
];

/// What a customer sent, and what was answered.
#[derive(Clone)]
struct Sent {
    command: Command,
    id: SmolStr,
    seq: Option<u64>,
    refused: bool,
}

struct Case {
    app: Arc<App>,
    store: Arc<Faulty>,
    dice: StdRng,
    id: String,
    sent: Vec<Sent>,
    buttons: Vec<SmolStr>,
}

fn key(id: &str, body: &str) -> MessageKey {
    MessageKey {
        id: format!("v:{id}"),
        hash: body.as_bytes().to_vec(),
    }
}

impl Case {
    async fn run(app: Arc<App>, store: Arc<Faulty>, seed: u64) -> Result<Vec<Sent>, String> {
        let id = format!("c_{seed}");
        let visitor = Visitor::default();
        let kind = EventKind::Opened {
            channel: "web".into(),
            language: None,
            page: None,
            visitor,
        };
        let opened = app.open(id.clone(), vec![1], kind).await;
        let opened = opened.map_err(|e| format!("it did not open: {e}"))?;
        store.seed(&id, seed);
        let mut case = Self {
            app,
            store,
            dice: StdRng::seed_from_u64(seed ^ 0x5eed),
            id,
            sent: Vec::new(),
            buttons: Vec::new(),
        };
        case.see(&opened.view);
        for step in 0..STEPS {
            case.something(step).await?;
        }
        case.store.heal(&case.id);
        // Whoever was not answered tries again until somebody does.
        for at in 0..case.sent.len() {
            for _ in 0..200 {
                if case.sent[at].seq.is_some() || case.sent[at].refused {
                    break;
                }
                case.send(at).await?;
            }
            if case.sent[at].seq.is_none() && !case.sent[at].refused {
                return Err(format!("`{}` is never answered", case.sent[at].id));
            }
        }
        case.repeats().await?;
        // Nobody waits for ever: a queue of thousands would be about something else.
        let left = Command::event(EventKind::Left);
        match case.app.turn(&case.id, left).await {
            Ok(_) | Err(TurnError::Refused(_)) => Ok(case.sent),
            Err(other) => Err(format!("it cannot be left: {other}")),
        }
    }

    fn see(&mut self, view: &serde_json::Value) {
        let all = view["menu"].as_array().into_iter();
        let all = all.chain(view["asks"]["buttons"].as_array()).flatten();
        self.buttons = all.map(|b| b["id"].as_str().unwrap().into()).collect();
    }

    async fn something(&mut self, step: u32) -> Result<(), String> {
        if self.dice.random_range(0..4) == 0 {
            // As after a crash: what is known is what is stored.
            self.app.turns.forget(&self.id);
        }
        let unanswered = self.sent.iter().position(|s| s.seq.is_none() && !s.refused);
        if let Some(at) = unanswered.filter(|_| self.dice.random_range(0..2) == 0) {
            return self.send(at).await;
        }
        let id = format_smolstr!("m{step}");
        let press = !self.buttons.is_empty() && self.dice.random_range(0..3) == 0;
        let (input, body): (Input, String) = if press {
            let at = self.dice.random_range(0..self.buttons.len());
            let button = self.buttons[at].clone();
            let body = button.to_string();
            let id = id.clone();
            (EventKind::Pressed { id, button }.into(), body)
        } else {
            let text = WORDS[self.dice.random_range(0..WORDS.len())].to_owned();
            let id = id.clone();
            (
                Input::Text {
                    id,
                    text: text.clone(),
                },
                text,
            )
        };
        self.sent.push(Sent {
            command: Command::keyed(input, key(&id, &body)),
            id,
            seq: None,
            refused: false,
        });
        self.send(self.sent.len() - 1).await
    }

    async fn send(&mut self, at: usize) -> Result<(), String> {
        let command = self.sent[at].command.clone();
        match self.app.turn(&self.id, command).await {
            Ok(outcome) => {
                self.sent[at].seq = Some(outcome.seq);
                let view = Arc::clone(&outcome.view);
                self.see(&view);
            }
            Err(TurnError::Refused(_)) => self.sent[at].refused = true,
            // Nobody knows what became of it: it is sent again.
            Err(TurnError::Store(_) | TurnError::Crowded) => {}
            Err(other) => return Err(format!("`{}`: {other}", self.sent[at].id)),
        }
        Ok(())
    }

    /// The same again is the same; another body under the same id is refused.
    async fn repeats(&mut self) -> Result<(), String> {
        for sent in self.sent.iter().filter(|s| s.seq.is_some()) {
            let again = self.app.turn(&self.id, sent.command.clone()).await;
            match again {
                Ok(outcome) if outcome.duplicate && Some(outcome.seq) == sent.seq => {}
                other => return Err(format!("`{}` again: {other:?}", sent.id)),
            }
            let mut forged = sent.command.clone();
            forged.key = Some(key(&sent.id, "another body"));
            if !matches!(
                self.app.turn(&self.id, forged).await,
                Err(TurnError::IdReused)
            ) {
                return Err(format!("`{}` was taken with another body", sent.id));
            }
        }
        Ok(())
    }
}

/// What the log must say, whatever happened.
async fn holds(app: &App, id: &str, sent: &[Sent]) -> Result<(), String> {
    let rows = app
        .store
        .log(id, 0, u32::MAX)
        .await
        .map_err(|e| e.to_string())?;
    let records: Vec<Recorded> = rows
        .iter()
        .map(|row| serde_json::from_str(&row.record).map_err(|e| e.to_string()))
        .collect::<Result<_, _>>()?;
    let mut events: BTreeMap<SmolStr, Vec<u64>> = BTreeMap::new();
    for (n, record) in (1..).zip(&records) {
        if record.seq != n {
            return Err(format!("number {} stands at {n}", record.seq));
        }
        if let EventKind::Message { id, .. } | EventKind::Pressed { id, .. } = &record.event.kind {
            events.entry(id.clone()).or_default().push(record.seq);
        }
    }
    for sent in sent {
        let found = events.remove(&sent.id).unwrap_or_default();
        let expected: Vec<u64> = sent.seq.into_iter().collect();
        if found != expected {
            return Err(format!(
                "`{}` was answered as {expected:?} and stands at {found:?}",
                sent.id
            ));
        }
    }
    if !events.is_empty() {
        return Err(format!("nobody sent {events:?}"));
    }
    // The same machine, state and events give the same effects, and lead to the state that is stored.
    let program = app.programs.current().ok_or("no bot")?;
    let mut conversation = Conversation::new(program.version.clone());
    for record in &records {
        let turn = program
            .engine
            .step(&mut conversation, &record.event, &program.hooks);
        if turn.accepted.is_err() || turn.effects != record.effects {
            return Err(format!(
                "turn {} goes otherwise when it is played again",
                record.seq
            ));
        }
    }
    let stored = app.store.load(id).await.map_err(|e| e.to_string())?;
    let stored = stored.ok_or("it is not stored")?.conversation.state;
    let stored: Conversation = serde_json::from_str(&stored).map_err(|e| e.to_string())?;
    if stored != conversation {
        return Err("the stored state is not what its events lead to".to_owned());
    }
    Ok(())
}

async fn start(world: &World) -> (Daemon, Arc<Faulty>) {
    let kept = Arc::new(Mutex::new(None));
    let put = Arc::clone(&kept);
    let daemon = flow_daemon::start_with(&world.bot(), world.config.clone(), move |store| {
        let faulty = Arc::new(Faulty::new(store));
        *put.lock().unwrap() = Some(Arc::clone(&faulty));
        faulty as Arc<dyn Store>
    })
    .await
    .unwrap();
    let faulty = kept.lock().unwrap().take().unwrap();
    (daemon, faulty)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_every_message_is_taken_once_and_the_state_is_what_its_events_say() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let seeds = match number("FLOW_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FLOW_CASES").unwrap_or(CASES),
    };
    let world = World::new();
    let (daemon, store) = start(&world).await;
    let app = Arc::clone(&daemon.app);
    let cases: Vec<(u64, Result<Vec<Sent>, String>)> = futures::stream::iter(seeds)
        .map(|seed| {
            let case = Case::run(Arc::clone(&app), Arc::clone(&store), seed);
            async move { (seed, case.await) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    drop((app, store));
    daemon.stop().await;

    // After a restart all that was under way has come to its end, and nothing else has changed.
    let (daemon, _) = start(&world).await;
    let begun = Instant::now();
    while !daemon.app.store.outbox().await.unwrap().is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{:?} is never delivered",
            daemon.app.store.outbox().await.unwrap().first()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut failed = Vec::new();
    for (seed, outcome) in &cases {
        let outcome = match outcome {
            Ok(sent) => holds(&daemon.app, &format!("c_{seed}"), sent).await,
            Err(why) => Err(why.clone()),
        };
        if let Err(why) = outcome {
            failed.push(format!("FLOW_SEED={seed}: {why}"));
        }
    }
    daemon.stop().await;
    let shown = failed
        .iter()
        .take(5)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        failed.is_empty(),
        "{} of {} cases failed\n{shown}",
        failed.len(),
        cases.len()
    );
}
