//! Turns: one event at a time per conversation. Understand, step, commit, acknowledge, deliver.

pub(crate) mod messages;
pub(crate) mod summary;

mod commit;
mod measures;
mod patience;
mod read;
mod slots;

pub(crate) use slots::Turns;

use crate::app::App;
use crate::hub::{AgentNews, Heard};
use crate::program::Program;
use flow_compiler::value::FileValue;
use flow_engine::effect::Effect;
use flow_engine::event::{Event, EventKind, QueueNews};
use flow_engine::{Conversation, Recorded, Refusal, View};
use flow_store::{Committed, Consumed, MessageKey, StoreError, Summary};
use messages::Message;
use patience::Patience;
use slots::State;
use smol_str::SmolStr;
use std::sync::Arc;

/// What is to happen to a conversation.
#[derive(Debug, Clone)]
pub enum Input {
    /// An event as it is.
    Event(Box<EventKind>),
    /// A customer's words; they are understood in the conversation's version.
    Text {
        /// The sender's id.
        id: SmolStr,
        /// The words.
        text: String,
    },
    /// A code that the customer was sent; refused unless one is asked for.
    Code {
        /// The sender's id.
        id: SmolStr,
        /// The code as it was written.
        text: String,
    },
    /// A customer's file.
    File {
        /// The sender's id.
        id: SmolStr,
        /// The file.
        file: FileValue,
    },
}

impl From<EventKind> for Input {
    fn from(kind: EventKind) -> Self {
        Self::Event(Box::new(kind))
    }
}

/// A command to a conversation.
#[derive(Debug, Clone)]
pub struct Command {
    /// What is to happen.
    pub input: Input,
    /// The command's id and the hash of its body.
    pub key: Option<MessageKey>,
    /// What it uses up.
    pub consumed: Option<Consumed>,
}

impl Command {
    /// An event without an id of its own.
    #[must_use]
    pub fn event(kind: EventKind) -> Self {
        Self {
            input: kind.into(),
            key: None,
            consumed: None,
        }
    }

    /// An event that a sender's id protects from repetition.
    #[must_use]
    pub fn keyed(input: impl Into<Input>, key: MessageKey) -> Self {
        Self {
            input: input.into(),
            key: Some(key),
            consumed: None,
        }
    }

    /// The result of a delivery, or a timer.
    #[must_use]
    pub fn consuming(kind: EventKind, consumed: Consumed) -> Self {
        Self {
            input: kind.into(),
            key: None,
            consumed: Some(consumed),
        }
    }
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The turn's number.
    pub seq: u64,
    /// It came before.
    pub duplicate: bool,
    /// The conversation afterwards.
    pub summary: Arc<Summary>,
    /// What the customer sees.
    pub view: Arc<serde_json::Value>,
    /// What can be read of the turn.
    pub messages: Arc<Vec<Message>>,
}

/// Why a command did nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TurnError {
    /// There is no such conversation.
    #[error("there is no conversation `{0}`")]
    Unknown(String),
    /// Too much waits for this conversation.
    #[error("too much is under way in this conversation")]
    Crowded,
    /// The id came before with another body.
    #[error("this id was used for something else")]
    IdReused,
    /// A code came, and none is asked for.
    #[error("no code is asked for")]
    NoCodeAsked,
    /// The engine refused it.
    #[error("{0}")]
    Refused(Refusal),
    /// The conversation's version cannot be loaded any more.
    #[error("the version `{0}` of the bot is not there any more")]
    NoProgram(SmolStr),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The daemon is going down.
    #[error("the daemon is shutting down")]
    Draining,
}

impl App {
    /// Opens a conversation.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn open(
        self: &Arc<Self>,
        id: String,
        token: Vec<u8>,
        kind: EventKind,
    ) -> Result<Outcome, TurnError> {
        let program = self
            .programs
            .current()
            .ok_or_else(|| TurnError::NoProgram("none".into()))?;
        let state = State::fresh(id.clone(), token, &program.version);
        let slot = self.turns.slot(&id);
        let app = Arc::clone(self);
        finish(tokio::spawn(async move {
            let mut guard = slot.state.lock().await;
            *guard = Some(state);
            let outcome = app.step(&mut guard, Command::event(kind)).await;
            if outcome.is_err() {
                *guard = None;
            }
            outcome
        }))
        .await
    }

    /// Takes one event. Runs to its end even if nobody waits for the outcome.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn turn(self: &Arc<Self>, id: &str, command: Command) -> Result<Outcome, TurnError> {
        let slot = self.turns.slot(id);
        let place = slot.queue_up().ok_or(TurnError::Crowded)?;
        let app = Arc::clone(self);
        let id = id.to_owned();
        finish(tokio::spawn(async move {
            let _place = place;
            let mut guard = slot.state.lock().await;
            app.load(&mut guard, &id).await?;
            let mut outcome = app.step(&mut guard, command.clone()).await;
            if matches!(outcome, Err(TurnError::Store(StoreError::Busy))) && guard.is_none() {
                // Somebody else committed first: once more, on what is there now.
                app.load(&mut guard, &id).await?;
                outcome = app.step(&mut guard, command).await;
            }
            outcome
        }))
        .await
    }

    async fn load(&self, guard: &mut Option<State>, id: &str) -> Result<(), TurnError> {
        if guard.is_none() {
            let loaded = self
                .store
                .load(id)
                .await?
                .ok_or_else(|| TurnError::Unknown(id.to_owned()))?;
            *guard = Some(State::loaded(loaded)?);
        }
        Ok(())
    }

    /// One turn, with the conversation's lock held.
    async fn step(
        self: &Arc<Self>,
        guard: &mut Option<State>,
        command: Command,
    ) -> Result<Outcome, TurnError> {
        let Some(state) = guard.as_mut() else {
            return Err(TurnError::Draining);
        };
        if let Some(key) = &command.key
            && state.may_know(&key.id)
            && let Some((hash, seq)) = self.store.message(&state.summary.id, &key.id).await?
        {
            return if hash == key.hash {
                self.repeated(state, seq).await
            } else {
                Err(TurnError::IdReused)
            };
        }
        let mut program = self.program_of(&state.conversation).await?;
        state.learn_labels(&program, &command.input);
        let now = state
            .summary
            .last_at
            .map_or_else(|| self.clock.now(), |last| self.clock.now().max(last));
        let mut conversation = state.conversation.clone();
        let mut records = Vec::with_capacity(1);
        let mut seq = state.summary.seq;
        if let Some(current) = self.programs.current()
            && current.version != program.version
            && let Ok(mut moved) = program.engine.can_move(&current.engine, &conversation)
        {
            let kind = EventKind::Moved {
                from: program.version.clone(),
                to: current.version.clone(),
            };
            if let Ok(record) = run(
                self.turns.patience(),
                &current,
                &mut moved,
                seq + 1,
                Event { at: now, kind },
            ) {
                seq += 1;
                records.push(record);
                conversation = moved;
                program = current;
            }
        }
        if matches!(command.input, Input::Code { .. })
            && !crate::api::view::asks_code(
                program.engine.machine(),
                &program.engine.view(&conversation),
            )
        {
            return Err(TurnError::NoCodeAsked);
        }
        let kind = understand(&program, &conversation, command.input, now);
        match run(
            self.turns.patience(),
            &program,
            &mut conversation,
            seq + 1,
            Event { at: now, kind },
        ) {
            Ok(record) => records.push(record),
            Err(refusal) => {
                // It changes nothing, but what it used up is used up.
                match command.consumed {
                    Some(Consumed::Outbox(row)) => self.store.outbox_done(row).await?,
                    Some(Consumed::GivenUp { row, error }) => {
                        self.store.outbox_dead(row, &error).await?;
                    }
                    Some(Consumed::Timer(timer)) => {
                        self.store.remove_timer(&state.summary.id, timer).await?
                    }
                    None => {}
                }
                return Err(TurnError::Refused(refusal));
            }
        }
        let view = program.engine.view(&conversation);
        let prepared = commit::prepare(
            state,
            &program,
            conversation,
            &view,
            records,
            command.key,
            command.consumed,
        )?;
        match self.store.commit(prepared.commit).await {
            Ok(Committed::Done {
                row,
                positions,
                outbox,
            }) => {
                let told = Arc::new(prepared.summary.clone());
                let public = Arc::new(crate::api::view::of(
                    &program,
                    &view,
                    &told,
                    self.place_in_line(&view, &told.id).as_ref(),
                ));
                let outcome = Outcome {
                    seq: prepared.summary.seq,
                    duplicate: false,
                    summary: told,
                    view: public,
                    messages: Arc::new(prepared.messages.concat()),
                };
                state.commit(row, prepared.summary, prepared.conversation, prepared.key);
                self.publish(&outcome, &prepared.records, &prepared.messages, &positions);
                self.act(&outcome.summary, &prepared.records);
                for row in outbox {
                    self.deliver(row);
                }
                Ok(outcome)
            }
            Ok(Committed::Duplicate(seq)) => self.repeated(state, seq).await,
            Ok(Committed::IdReused) => Err(TurnError::IdReused),
            Ok(Committed::Conflict) => {
                *guard = None;
                Err(TurnError::Store(StoreError::Busy))
            }
            Err(error) => {
                // Whether it was written is not known: look at the store before the next turn.
                *guard = None;
                Err(error.into())
            }
        }
    }

    /// The last news of a conversation's place in the queue. The desk is only asked about those that wait: everybody shares its lock.
    fn place_in_line(&self, view: &View, id: &str) -> Option<QueueNews> {
        view.position.and_then(|_| self.desk.news(id))
    }

    async fn repeated(&self, state: &State, seq: u64) -> Result<Outcome, TurnError> {
        let program = self.program_of(&state.conversation).await?;
        let view = program.engine.view(&state.conversation);
        let rows = self
            .store
            .log(&state.summary.id, seq.saturating_sub(1), 1)
            .await?;
        let messages = rows
            .first()
            .map(|row| serde_json::from_str(&row.messages))
            .transpose()
            .map_err(StoreError::from)?;
        let summary = Arc::new(state.summary.clone());
        Ok(Outcome {
            seq,
            duplicate: true,
            view: Arc::new(crate::api::view::of(
                &program,
                &view,
                &summary,
                self.place_in_line(&view, &summary.id).as_ref(),
            )),
            summary,
            messages: Arc::new(messages.unwrap_or_default()),
        })
    }

    fn publish(
        &self,
        outcome: &Outcome,
        records: &[Recorded],
        messages: &[Vec<Message>],
        positions: &[i64],
    ) {
        let id = &outcome.summary.id;
        for ((record, messages), position) in records.iter().zip(messages).zip(positions) {
            // Most commands are one turn.
            let messages = match records {
                [_] => Arc::clone(&outcome.messages),
                _ => Arc::new(messages.clone()),
            };
            let view = Arc::clone(&outcome.view);
            self.hub.tell(
                id,
                Heard::Turn {
                    seq: record.seq,
                    messages: Arc::clone(&messages),
                    view,
                },
            );
            if outcome.summary.people {
                self.hub.tell_agents(AgentNews::Turn {
                    position: *position,
                    seq: record.seq,
                    event: messages::event_word(&record.event.kind),
                    summary: Arc::clone(&outcome.summary),
                    messages,
                });
            }
        }
    }

    /// Timers, the desk, alerts: what follows from a turn inside this process, and is rebuilt from the store after a restart.
    fn act(self: &Arc<Self>, summary: &Arc<Summary>, records: &[Recorded]) {
        for effect in records.iter().flat_map(|r| &r.effects) {
            match effect {
                Effect::SetTimer { id, at } => self.timers.set(&summary.id, *id, *at),
                Effect::CancelTimer { id } => self.timers.cancel(&summary.id, *id),
                Effect::Enqueue(item) => self.desk_enqueue(&summary.id, item.clone()),
                Effect::Dequeue { reason } => self.desk_dequeue(&summary.id, reason),
                Effect::Alert { text } => {
                    self.hub.tell_agents(AgentNews::Alert {
                        summary: Arc::clone(summary),
                        text: text.clone(),
                    });
                }
                _ => {}
            }
        }
    }
}

async fn finish(
    task: tokio::task::JoinHandle<Result<Outcome, TurnError>>,
) -> Result<Outcome, TurnError> {
    match task.await {
        Ok(outcome) => outcome,
        Err(e) if e.is_panic() => {
            tracing::error!(error = %e, "a turn broke off");
            Err(TurnError::Store(StoreError::Other(
                "the turn broke off".to_owned(),
            )))
        }
        Err(_) => Err(TurnError::Draining),
    }
}

fn run(
    patience: &Patience,
    program: &Program,
    conversation: &mut Conversation,
    seq: u64,
    event: Event,
) -> Result<Recorded, Refusal> {
    let mut work = || program.engine.step(conversation, &event, &program.hooks);
    let turn = if program.engine.machine().hooks.is_empty() {
        work()
    } else {
        patience.with(work)
    };
    turn.accepted?;
    Ok(Recorded {
        seq,
        event,
        effects: turn.effects,
        decision: turn.decision,
        version: program.version.clone(),
    })
}

fn understand(
    program: &Program,
    conversation: &Conversation,
    input: Input,
    now: jiff::Timestamp,
) -> EventKind {
    match input {
        Input::Event(kind) => *kind,
        Input::File { id, file } => EventKind::File { id, file },
        Input::Text { id, text } | Input::Code { id, text } => {
            let signals = crate::understand::signals(program, conversation, &text, now);
            EventKind::Message { id, text, signals }
        }
    }
}
