//! The entry to the engine: a machine with the tables that turns look things up in.

use crate::calendar::{self, Calendar};
use crate::card::Card;
use crate::conversation::Conversation;
use crate::decision::HookTrace;
use crate::eval::{NO_LOCALS, Scope};
use crate::event::Event;
use crate::migrate::{self, Arrivals, Stay};
use crate::routing::{Matrix, Routed};
use crate::tables::Tables;
use crate::turn::Turn;
use crate::view::View;
use crate::{Hooks, Recorded};
use flow_compiler::machine::{Expr, Machine};
use flow_compiler::value::{HoursId, TierId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// A machine, prepared to run. Build it once per version and share it.
#[derive(Debug)]
pub struct Engine {
    machine: Arc<Machine>,
    zone: TimeZone,
    calendars: Vec<Calendar>,
    /// By tier.
    matrices: Vec<Option<Matrix>>,
    pub(crate) tables: Tables,
    arrivals: OnceLock<Arrivals>,
}

impl Engine {
    /// Prepares a machine that compiled without errors.
    #[must_use]
    pub fn new(machine: Arc<Machine>) -> Self {
        let matrices = (0..machine.tiers.len())
            .map(|tier| {
                machine
                    .routes
                    .iter()
                    .find(|r| r.tier.index() == tier)
                    .map(|route| Matrix::new(&machine, route))
            })
            .collect();
        Self {
            zone: calendar::zone(&machine.bot.timezone),
            calendars: machine.hours.iter().map(Calendar::new).collect(),
            matrices,
            tables: Tables::new(&machine),
            arrivals: OnceLock::new(),
            machine,
        }
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// The bot's time zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(crate) fn calendar(&self, hours: HoursId) -> Option<&Calendar> {
        self.calendars.get(hours.index())
    }

    pub(crate) fn matrix(&self, tier: TierId) -> Option<&Matrix> {
        self.matrices.get(tier.index())?.as_ref()
    }

    /// One turn. The conversation must be of this machine's version. A refused event changes nothing.
    pub fn step(&self, conversation: &mut Conversation, event: &Event, hooks: &dyn Hooks) -> Turn {
        crate::turn::step(self, conversation, event, hooks)
    }

    /// What can be seen of a conversation from outside.
    #[must_use]
    pub fn view(&self, conversation: &Conversation) -> View {
        crate::view::view(self, conversation)
    }

    /// The card for the person who takes over; `history` is the conversation's log from its first event. `None` before it opens.
    #[must_use]
    pub fn card(
        &self,
        conversation: &Conversation,
        history: &[Recorded],
        hooks: &dyn Hooks,
    ) -> Option<Card> {
        crate::card::build(self, conversation, history, hooks)
    }

    /// Whether a condition holds now, counting the last message as this one; `None`: unknown.
    #[must_use]
    pub fn eval_condition(
        &self,
        conversation: &Conversation,
        condition: &Expr,
        now: Timestamp,
        hooks: &dyn Hooks,
    ) -> Option<bool> {
        let log = RefCell::default();
        self.scope(conversation, now, hooks, &log).truth(condition)
    }

    /// A slot or profile field now; its default where nothing was said.
    #[must_use]
    pub fn value(
        &self,
        conversation: &Conversation,
        var: flow_compiler::machine::Var,
        now: Timestamp,
        hooks: &dyn Hooks,
    ) -> flow_compiler::value::Value {
        let log = RefCell::default();
        let scope = self.scope(conversation, now, hooks, &log);
        match var {
            flow_compiler::machine::Var::Slot(id) => scope.slot(id),
            flow_compiler::machine::Var::Customer(id) => scope.field(id),
        }
    }

    /// The row that would route the conversation to people now; `None`: the tier has no matrix, or no row matches.
    #[must_use]
    pub fn route(
        &self,
        conversation: &Conversation,
        tier: TierId,
        now: Timestamp,
        hooks: &dyn Hooks,
    ) -> Option<Routed> {
        let log = RefCell::default();
        let reads = RefCell::default();
        let mut scope = self.scope(conversation, now, hooks, &log);
        scope.reads = Some(&reads);
        crate::routing::route(&scope, tier)
    }

    /// What a model is told of the conversation before its question: the `history` of a [`crate::effect::ModelRequest`], which the
    /// effect leaves empty to stay small. Empty unless the tier shares the transcript; private values that are not shared are redacted.
    #[must_use]
    pub fn prompt_history(
        &self,
        conversation: &Conversation,
        tier: &str,
        history: &[Recorded],
    ) -> Vec<crate::effect::PromptLine> {
        crate::prompt::history(self, conversation, tier, history)
    }

    /// Moves a conversation of this engine's version to `new`, if its place, slots and facts fit there.
    ///
    /// # Errors
    /// Why it stays.
    pub fn can_move(&self, new: &Self, conversation: &Conversation) -> Result<Conversation, Stay> {
        migrate::can_move(self, new, conversation)
    }

    /// Computes what [`Self::can_move`] asks of this version as the new one. Without it, the first conversation that moves waits for that.
    pub fn expect_arrivals(&self) {
        self.arrivals();
    }

    pub(crate) fn arrivals(&self) -> &Arrivals {
        self.arrivals.get_or_init(|| Arrivals::new(&self.machine))
    }

    pub(crate) fn scope<'a>(
        &'a self,
        state: &'a Conversation,
        now: Timestamp,
        hooks: &'a dyn Hooks,
        log: &'a RefCell<Vec<HookTrace>>,
    ) -> Scope<'a> {
        Scope {
            engine: self,
            state,
            hooks,
            now,
            fresh: true,
            locals: &NO_LOCALS,
            local_names: &[],
            payload: None,
            params: &[],
            it: None,
            on_card: false,
            hook_log: log,
            reads: None,
        }
    }
}
