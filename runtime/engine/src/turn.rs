//! One event, one turn: whether the event is taken, when it must wait, and the turn itself.

use crate::Hooks;
use crate::calendar::plus;
use crate::conversation::{Conversation, Desk};
use crate::decision::Decision;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Event, EventKind, QueueNews};
use crate::run::Run;
use jiff::Timestamp;
use smol_str::SmolStr;

/// Events that wait while a webhook is called; more are refused.
const WAITING: usize = 64;

/// What a turn did.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// To be committed with the state, then delivered.
    pub effects: Vec<Effect>,
    /// Why.
    pub decision: Decision,
    /// Whether the event was taken. A refused one changed nothing, but may be worth recording.
    pub accepted: Result<(), Refusal>,
}

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The conversation is closed, and cannot be reopened by this event.
    Closed,
    /// It was opened before.
    AlreadyOpen,
    /// It was not opened yet.
    NotOpen,
    /// The answer belongs to an earlier question, call or tier.
    Stale {
        /// What it was: `model answer`, `webhook result`, `timer`, `button`.
        what: SmolStr,
    },
    /// Nothing is reserved under this number.
    UnknownReservation {
        /// The number.
        reservation: u64,
    },
    /// This agent does not have the conversation.
    NotTheAgent {
        /// The agent who tried.
        agent: SmolStr,
    },
    /// Nobody is wanted: it is not in a queue.
    NotQueued,
    /// A name that this version of the bot does not know.
    Unknown {
        /// What: `channel`, `trigger`, `team`.
        what: SmolStr,
        /// The name.
        name: SmolStr,
    },
    /// A reminder must be confirmed before it can be resolved.
    Unconfirmed {
        /// The reminder's index.
        reminder: u32,
    },
    /// Too many events wait for a webhook.
    Overrun,
    /// The conversation belongs to another version of the bot.
    OtherVersion {
        /// Its version.
        version: SmolStr,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => write!(f, "the conversation is closed"),
            Self::AlreadyOpen => write!(f, "the conversation is already open"),
            Self::NotOpen => write!(f, "the conversation is not open yet"),
            Self::Stale { what } => write!(f, "the {what} comes too late"),
            Self::UnknownReservation { reservation } => {
                write!(f, "reservation {reservation} is not known, or is over")
            }
            Self::NotTheAgent { agent } => write!(f, "`{agent}` does not have this conversation"),
            Self::NotQueued => write!(f, "the conversation is not in a queue"),
            Self::Unknown { what, name } => write!(f, "unknown {what} `{name}`"),
            Self::Unconfirmed { reminder } => {
                write!(f, "reminder {reminder} must be confirmed first")
            }
            Self::Overrun => write!(f, "too many messages are waiting to be answered"),
            Self::OtherVersion { version } => {
                write!(f, "the conversation runs version `{version}` of the bot")
            }
        }
    }
}

impl std::error::Error for Refusal {}

pub(crate) fn step(
    engine: &Engine,
    conversation: &mut Conversation,
    event: &Event,
    hooks: &dyn Hooks,
) -> Turn {
    let mut decision = Decision::default();
    let now = conversation
        .last
        .map_or(event.at, |last| last.max(event.at));
    if let Err(refusal) = admit(engine, conversation, event, hooks) {
        decision.taken_by = Some(SmolStr::new_static("late"));
        decision.remarks.push(refusal.to_string());
        return Turn {
            effects: Vec::new(),
            decision,
            accepted: Err(refusal),
        };
    }
    let mut run = Run::new(engine, conversation, hooks, now, Vec::new(), decision);
    if run.busy() && waits_its_turn(&event.kind) {
        if run.c.deferred.len() >= WAITING {
            return Turn {
                effects: Vec::new(),
                decision: Decision::default(),
                accepted: Err(Refusal::Overrun),
            };
        }
        run.c.deferred.push(event.clone());
        run.remark("waits until a webhook has answered");
        let (effects, decision) = run.into_output();
        return Turn {
            effects,
            decision,
            accepted: Ok(()),
        };
    }
    run.handle(event);
    let mut idle = !run.busy();
    if run.c.deferred.is_empty() || !idle {
        run.arm_timers();
        let (effects, decision) = run.into_output();
        return Turn {
            effects,
            decision,
            accepted: Ok(()),
        };
    }
    let (mut effects, mut decision) = run.into_output();
    while idle && !conversation.deferred.is_empty() {
        let waited = conversation.deferred.remove(0);
        if let Err(refusal) = admit(engine, conversation, &waited, hooks) {
            decision
                .remarks
                .push(format!("a waiting event was dropped: {refusal}"));
            continue;
        }
        let mut run = Run::new(engine, conversation, hooks, now, effects, decision);
        run.handle(&waited);
        idle = !run.busy();
        (effects, decision) = run.into_output();
    }
    let mut run = Run::new(engine, conversation, hooks, now, effects, decision);
    run.arm_timers();
    let (effects, decision) = run.into_output();
    Turn {
        effects,
        decision,
        accepted: Ok(()),
    }
}

/// Whether an event waits while the main line waits for a webhook.
const fn waits_its_turn(event: &EventKind) -> bool {
    matches!(
        event,
        EventKind::Message { .. }
            | EventKind::Pressed { .. }
            | EventKind::File { .. }
            | EventKind::Verified { .. }
            | EventKind::Triggered { .. }
            | EventKind::Timer { .. }
    )
}

fn stale(what: &'static str) -> Refusal {
    Refusal::Stale {
        what: SmolStr::new_static(what),
    }
}

/// Whether a closed conversation may still be taken up again.
pub(crate) fn can_reopen(engine: &Engine, c: &Conversation, now: Timestamp) -> bool {
    let within = engine.machine().bot.reopen_within;
    c.closed
        .as_ref()
        .zip(within)
        .and_then(|(closed, within)| plus(closed.at, within))
        .is_some_and(|until| now <= until)
}

/// Whether an event can be taken. Nothing changes here.
fn admit(
    engine: &Engine,
    c: &mut Conversation,
    event: &Event,
    hooks: &dyn Hooks,
) -> Result<(), Refusal> {
    let machine = engine.machine();
    if c.version != machine.version {
        return Err(Refusal::OtherVersion {
            version: c.version.clone(),
        });
    }
    if let EventKind::Opened { channel, .. } = &event.kind {
        return match () {
            () if c.opened.is_some() => Err(Refusal::AlreadyOpen),
            () if !machine.bot.channels.is_empty() && !machine.bot.channels.contains(channel) => {
                Err(Refusal::Unknown {
                    what: SmolStr::new_static("channel"),
                    name: channel.clone(),
                })
            }
            () => Ok(()),
        };
    }
    if c.opened.is_none() {
        return Err(Refusal::NotOpen);
    }
    if c.closed.is_some() {
        let again = can_reopen(engine, c, event.at);
        return match &event.kind {
            EventKind::Message { .. } | EventKind::File { .. } if again => Ok(()),
            EventKind::Pressed { button, .. } if again && button.starts_with("menu.") => {
                let run = Run::new(engine, c, hooks, event.at, Vec::new(), Decision::default());
                if run.knows_button(button) {
                    Ok(())
                } else {
                    Err(stale("button"))
                }
            }
            EventKind::WebhookDone { call, .. } if c.calls.contains_key(call) => Ok(()),
            EventKind::AgentNote { .. } | EventKind::Moved { .. } | EventKind::PeopleAvailable => {
                Ok(())
            }
            _ => Err(Refusal::Closed),
        };
    }
    match &event.kind {
        EventKind::WebhookDone { call, .. } if !c.calls.contains_key(call) => {
            Err(stale("webhook result"))
        }
        EventKind::ModelAnswered { request, .. }
        | EventKind::ModelCalledTools { request, .. }
        | EventKind::ModelFailed { request, .. }
            if c.model.request == 0 || c.model.request != *request || c.handoff.is_some() =>
        {
            Err(stale("model answer"))
        }
        EventKind::Timer { id } if !c.timers.contains_key(id) => Err(stale("timer")),
        EventKind::Pressed { button, .. } => {
            let run = Run::new(engine, c, hooks, event.at, Vec::new(), Decision::default());
            if run.busy() || run.knows_button(button) {
                Ok(())
            } else {
                Err(stale("button"))
            }
        }
        EventKind::Verified { .. } => {
            let run = Run::new(engine, c, hooks, event.at, Vec::new(), Decision::default());
            if run.busy() || run.verifying().is_some() {
                Ok(())
            } else {
                Err(stale("verification"))
            }
        }
        EventKind::Triggered { trigger, .. }
            if !machine.triggers.iter().any(|t| t.name == *trigger) =>
        {
            Err(Refusal::Unknown {
                what: SmolStr::new_static("trigger"),
                name: trigger.clone(),
            })
        }
        EventKind::AgentTransferred { team, .. } if !machine.names.teams.contains_key(team) => {
            Err(Refusal::Unknown {
                what: SmolStr::new_static("team"),
                name: team.clone(),
            })
        }
        _ => admit_people(engine, c, &event.kind, hooks, event),
    }
}

/// Events of the desk and of agents.
fn admit_people(
    engine: &Engine,
    c: &mut Conversation,
    kind: &EventKind,
    hooks: &dyn Hooks,
    event: &Event,
) -> Result<(), Refusal> {
    // Of an earlier wish nothing counts any more, whatever the desk decided before it heard of the later one.
    let desk = |of: &u64| {
        let handoff = c.handoff.as_ref()?;
        let current = handoff.item.as_ref()?.generation;
        (current == *of).then_some((&handoff.desk, handoff.reservation))
    };
    let unknown = |reservation: &u64| {
        Err(Refusal::UnknownReservation {
            reservation: *reservation,
        })
    };
    match kind {
        EventKind::Queue(QueueNews { generation, .. })
        | EventKind::Overflowed { generation, .. } => match desk(generation) {
            Some((desk, _)) if desk.waits() => Ok(()),
            _ => Err(Refusal::NotQueued),
        },
        EventKind::Reserved {
            generation,
            reservation,
            ..
        } => match desk(generation) {
            Some((Desk::Arriving | Desk::Queued, last)) if *reservation > last => Ok(()),
            Some((Desk::Arriving | Desk::Queued | Desk::Offered { .. }, _)) => unknown(reservation),
            _ => Err(Refusal::NotQueued),
        },
        EventKind::Unreserved {
            generation,
            reservation,
            ..
        } => match desk(generation) {
            Some((
                Desk::Offered {
                    reservation: current,
                    ..
                },
                _,
            )) if current == reservation => Ok(()),
            _ => unknown(reservation),
        },
        EventKind::Accepted {
            generation,
            reservation,
            ..
        } => match desk(generation) {
            Some((
                Desk::Offered {
                    reservation: current,
                    ..
                },
                _,
            )) if current == reservation => Ok(()),
            // Who takes it without being asked, or while it is offered to another.
            Some((Desk::Arriving | Desk::Queued | Desk::Offered { .. }, last))
                if *reservation > last =>
            {
                Ok(())
            }
            _ if c.handoff.is_some() => unknown(reservation),
            _ => Err(Refusal::NotQueued),
        },
        EventKind::AgentLost { generation, agent } if desk(generation).is_none() => {
            Err(Refusal::NotTheAgent {
                agent: agent.clone(),
            })
        }
        EventKind::AgentMessage { agent, .. }
        | EventKind::AgentConfirmed { agent, .. }
        | EventKind::AgentResolved { agent, .. }
        | EventKind::AgentReturned { agent, .. }
        | EventKind::AgentTransferred { agent, .. }
        | EventKind::AgentLost { agent, .. } => {
            if c.agent().is_none_or(|has| has.id != *agent) {
                return Err(Refusal::NotTheAgent {
                    agent: agent.clone(),
                });
            }
            if matches!(kind, EventKind::AgentResolved { .. }) {
                let run = Run::new(engine, c, hooks, event.at, Vec::new(), Decision::default());
                if let Some(reminder) = run.unconfirmed() {
                    return Err(Refusal::Unconfirmed { reminder });
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
