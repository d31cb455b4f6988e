//! One case: a conversation, a desk, agents, and everybody's events in a random order.

use crate::dice::Dice;
use crate::line::Line;
use flow_compiler::machine::Machine;
use flow_compiler::value::Value;
use flow_engine::View;
use flow_engine::conversation::Conversation;
use flow_engine::desk::Desk;
use flow_engine::effect::QueueItem;
use flow_engine::event::{AgentRef, EventKind, Visitor};
use flow_simulator::Program;
use jiff::{SignedDuration, Timestamp};
use smol_str::{SmolStr, format_smolstr};
use std::sync::Arc;

pub(crate) const ID: &str = "c1";
const STEPS: usize = 60;

pub(crate) type Checked = Result<(), String>;

pub(crate) struct Case<'a> {
    pub(crate) program: &'a Arc<Program>,
    pub(crate) dice: Dice,
    pub(crate) conversation: Conversation,
    pub(crate) desk: Desk,
    pub(crate) now: Timestamp,
    /// Between the conversation and the desk.
    pub(crate) line: Line,
    /// What the store knows of the conversation's item: the desk is rebuilt from it.
    pub(crate) stored: Option<QueueItem>,
    /// The last reservation that the conversation heard of.
    pub(crate) reservation: u64,
    /// Results that are under way; they arrive in any order, late, twice.
    pub(crate) under_way: Vec<EventKind>,
    /// Results that arrived: they may come again.
    pub(crate) arrived: Vec<EventKind>,
    pub(crate) buttons: Vec<SmolStr>,
    pub(crate) last_message: u64,
    /// Wishes of the other conversation at the desk.
    pub(crate) others: u64,
    ids: u64,
    pub(crate) log: Vec<String>,
}

pub(crate) fn run(program: &Arc<Program>, seed: u64) -> Checked {
    let mut dice = Dice::new(seed);
    let mut case = Case {
        conversation: Conversation::new(program.machine().version.clone()),
        desk: Desk::new(program.machine()),
        now: "2026-03-02T10:00:00Z".parse().unwrap(),
        line: Line::new(&mut dice),
        dice,
        stored: None,
        reservation: 0,
        under_way: Vec::new(),
        arrived: Vec::new(),
        buttons: Vec::new(),
        last_message: 0,
        others: 0,
        ids: 0,
        log: Vec::new(),
        program,
    };
    let outcome = case.all();
    outcome.map_err(|why| {
        let last = case.log.len().saturating_sub(20);
        format!("{why}\n  after:\n    {}", case.log[last..].join("\n    "))
    })
}

impl Case<'_> {
    pub(crate) fn machine(&self) -> Arc<Machine> {
        Arc::clone(self.program.engine.machine())
    }

    pub(crate) fn view(&self) -> View {
        self.program.engine.view(&self.conversation)
    }

    pub(crate) fn fresh(&mut self) -> SmolStr {
        self.ids += 1;
        format_smolstr!("m{}", self.ids)
    }

    fn all(&mut self) -> Checked {
        let start = self.dice.below(7 * 24 * 60) as i64;
        self.now = self
            .now
            .checked_add(SignedDuration::from_mins(start))
            .unwrap();
        self.hire();
        let machine = self.machine();
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
            if self.line.is_quiet() {
                self.same_at_the_desk()?;
            }
        }
        self.settles()
    }

    /// Something happens: somebody's turn is drawn.
    fn something(&mut self) -> Checked {
        match self.dice.below(24) {
            0..=5 => self.customer(),
            6..=7 => self.press(),
            8..=10 => self.result(),
            11..=16 => self.post(),
            17..=19 => self.people(),
            20..=21 => self.time(),
            22 => self.odd(),
            _ if self.dice.one_in(3) => self.crash(),
            _ => self.other_customers(),
        }
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

    /// Time passes; what is due fires late, in its order.
    fn time(&mut self) -> Checked {
        const SPANS: [i64; 6] = [1, 20, 90, 600, 4000, 90_000];
        let seconds = *self.dice.pick(&SPANS).unwrap();
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
        if !self.dice.one_in(4) {
            self.tick();
        }
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
        let machine = self.machine();
        let n = self.dice.below(12) as u64;
        // Of a wish that never was, or is over.
        let generation =
            (self.conversation.generation() + 1).saturating_sub(self.dice.below(2) as u64 * 2);
        let agent = AgentRef {
            id: "ghost".into(),
            name: "Ghost".into(),
        };
        let kind = match self.dice.below(13) {
            0 => EventKind::Left,
            1 => EventKind::Verified {
                ok: self.dice.one_in(2),
                again: self.dice.one_in(2),
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
                generation,
                reservation: n,
                agent,
                team: "nobody".into(),
            },
            6 => EventKind::Reserved {
                generation,
                reservation: n,
                agent,
            },
            7 => EventKind::Unreserved {
                generation,
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
            11 => EventKind::AgentLost {
                generation,
                agent: "leo".into(),
            },
            _ => {
                let Some(trigger) = self.dice.pick(&machine.triggers) else {
                    return Ok(());
                };
                let payload = trigger
                    .payload
                    .iter()
                    .map(|f| (f.name.clone(), self.dice.value(&machine, &f.ty, 0)))
                    .collect::<std::collections::BTreeMap<SmolStr, Value>>();
                EventKind::Triggered {
                    trigger: trigger.name.clone(),
                    payload,
                }
            }
        };
        self.step(kind)
    }
}
