//! From one tier to another: escalations, `continue with`, and the start of a handoff to people.

use super::Run;
use crate::builtin_texts::Builtin;
use crate::calendar::plus;
use crate::conversation::{At, Desk, Handoff as State, Quiet, Thread};
use crate::decision::EscalationTrace;
use crate::effect::{Effect, MessageKind, QueueItem};
use crate::eval::Scope;
use crate::routing::Routed;
use crate::tables::{index_u32, position};
use flow_compiler::machine::{HandlerEvent, Handoff, OpKind, Priority, RuleOrigin};
use flow_compiler::sources::Position;
use flow_compiler::value::{OpId, RuleId, TeamId, TierId};
use flow_grammar::ast::TierKind;
use smol_str::SmolStr;
use std::cell::RefCell;

/// An escalation that is to happen.
pub(super) struct Escalation {
    pub(super) rule: Option<RuleId>,
    pub(super) to: TierId,
    pub(super) priority: Priority,
    pub(super) reasons: Vec<String>,
    pub(super) at: Option<Position>,
}

/// Overflow is followed so far.
const OVERFLOWS: usize = 16;

impl Run<'_> {
    pub(super) fn escalate_because(&mut self, to: TierId, reason: String, at: Option<Position>) {
        self.escalate(Escalation {
            rule: None,
            to,
            priority: Priority::Standard,
            reasons: vec![reason],
            at,
        });
    }

    pub(super) fn escalate(&mut self, escalation: Escalation) {
        let rule = escalation.rule.and_then(|id| self.m.rule(id));
        let from = self.c.tier.clone();
        self.d.escalation = Some(EscalationTrace {
            rule: rule.map(|r| r.name.clone()),
            from: from.clone(),
            to: self.tier_name(escalation.to),
            priority: SmolStr::new_static(escalation.priority.as_str()),
            reasons: escalation.reasons.clone(),
            at: escalation
                .at
                .clone()
                .unwrap_or_else(|| position(self.m, self.m.bot.loc)),
        });
        if self.kind_of(escalation.to) == Some(TierKind::People) {
            if self.c.handoff.is_some() {
                self.escalate_again(&escalation);
                return;
            }
            self.say_rule(escalation.rule);
            self.c.held = None;
            self.hand_over(escalation, from);
        } else {
            if self.c.handoff.is_some() {
                self.leave_queue("continued");
            }
            self.say_rule(escalation.rule);
            self.c.held = None;
            self.enter_tier(escalation.to);
            if let Some(rule) = rule {
                self.c.fired.insert(rule.name.clone());
            }
        }
    }

    fn say_rule(&mut self, rule: Option<RuleId>) {
        let Some(rule) = rule.and_then(|id| self.m.rule(id)) else {
            return;
        };
        match rule.say {
            Some(text) => {
                let text = self.render(text);
                self.send(MessageKind::Handoff, text);
            }
            None if rule.origin == RuleOrigin::AskedForHuman => {
                self.say_builtin(MessageKind::Handoff, Builtin::AskedForHuman)
            }
            None => {}
        }
    }

    /// People were called already: the priority may rise, and the customer hears how it stands.
    fn escalate_again(&mut self, escalation: &Escalation) {
        let Some(handoff) = self.c.handoff.as_deref_mut() else {
            return;
        };
        for reason in &escalation.reasons {
            if !handoff.reasons.contains(reason) {
                handoff.reasons.push(reason.clone());
            }
        }
        if escalation.priority > handoff.priority {
            handoff.priority = escalation.priority;
            if let Some(item) = &mut handoff.item {
                item.priority = escalation.priority;
                self.effects.push(Effect::Enqueue(item.clone()));
            }
        }
        if self.c.main.at == At::Idle && self.c.handoff.as_ref().is_some_and(|h| h.desk.waits()) {
            self.repeat_position();
        }
    }

    /// A tier that is not people takes the conversation; a model answers the message that nobody took.
    pub(super) fn enter_tier(&mut self, tier: TierId) {
        let node = self.c.main.node.take();
        self.c.main = Thread {
            node,
            ..Thread::default()
        };
        self.set_tier(tier);
        match self.kind_of(tier) {
            Some(TierKind::Model) => {
                if self.open_message
                    && let Some((text, _)) = self.message
                {
                    self.model_question(text);
                }
            }
            Some(TierKind::People) => {
                let from = self.c.tier.clone();
                self.hand_over(
                    Escalation {
                        rule: None,
                        to: tier,
                        priority: Priority::Standard,
                        reasons: Vec::new(),
                        at: None,
                    },
                    from,
                );
            }
            Some(TierKind::Scripted) | None => {
                if let Some(start) = self.m.node(self.m.bot.start) {
                    self.exec(start.entry);
                }
            }
        }
    }

    /// `continue with TIER`: no failure; its arms are remembered at their place.
    pub(super) fn continue_with(&mut self, tier: TierId, place: SmolStr) {
        if self.side.is_some() {
            self.remark("a handler beside the conversation cannot pass it on");
            self.c.main.at = At::Ended;
            return;
        }
        let from_people = self.c.handoff.is_some();
        if from_people {
            self.leave_queue("continued");
        } else if self.tier_id().is_some_and(|current| tier < current) {
            let current = self.c.tier.clone();
            self.keep_quiet(current, String::new());
        }
        self.c.held = Some(place);
        if self.kind_of(tier) == Some(TierKind::People) {
            let from = self.c.tier.clone();
            self.hand_over(
                Escalation {
                    rule: None,
                    to: tier,
                    priority: Priority::Standard,
                    reasons: vec!["Passed on by the bot".to_owned()],
                    at: None,
                },
                from,
            );
        } else {
            self.enter_tier(tier);
        }
    }

    /// The arms of the `continue with` under which the conversation is held.
    pub(super) fn held_arms(&self) -> (Option<OpId>, Option<OpId>) {
        let op = self
            .c
            .held
            .as_ref()
            .and_then(|key| self.place_op(key))
            .and_then(|op| self.m.op(op));
        match op.map(|op| &op.kind) {
            Some(OpKind::ContinueWith {
                resolved,
                otherwise,
                ..
            }) => (*resolved, *otherwise),
            _ => (None, None),
        }
    }

    pub(super) fn keep_quiet(&mut self, tier: SmolStr, promise: String) {
        self.c.quiet.insert(
            tier,
            Quiet {
                intent: self.c.intent.clone(),
                promise,
            },
        );
    }

    /// The plan of the running handoff.
    pub(super) fn plan(&self) -> Option<&Handoff> {
        let handoff = self.c.handoff.as_ref()?;
        let tier = self.m.names.tiers.get(&handoff.tier)?;
        self.m
            .handoffs
            .iter()
            .filter(|h| h.tier == *tier)
            .nth(handoff.plan as usize)
    }

    /// Calls people: routes, queues (or runs the plan for closed hours), and lets `on escalate` know.
    pub(super) fn hand_over(&mut self, escalation: Escalation, from: SmolStr) {
        let tier = escalation.to;
        let rule = escalation
            .rule
            .and_then(|id| self.m.rule(id))
            .map(|r| r.name.clone());
        self.open_message = false;
        let routed = self.route(tier);
        let priority = routed
            .as_ref()
            .map_or(escalation.priority, |r| r.priority.max(escalation.priority));
        let team = routed
            .as_ref()
            .map(|r| r.team)
            .or_else(|| (!self.m.teams.is_empty()).then_some(TeamId(0)));
        let team_name = team
            .and_then(|id| self.m.team(id))
            .map_or_else(|| self.tier_name(tier), |t| t.name.clone());
        if let Some(trace) = &mut self.d.escalation {
            trace.priority = SmolStr::new_static(priority.as_str());
        }
        self.d.row = routed.as_ref().map(|r| r.trace.clone());
        let held = self.c.held.take();
        let node = self.c.main.node.take();
        self.c.main = Thread {
            node,
            ..Thread::default()
        };
        self.set_tier(tier);
        self.c.held = held;
        self.c.fired.extend(rule.clone());
        self.c.handoff = Some(Box::new(State {
            tier: self.tier_name(tier),
            from,
            rule,
            reasons: escalation.reasons,
            priority,
            team: team_name,
            since: Some(self.now),
            ..State::default()
        }));
        self.pick_plan(tier);
        if team.is_some_and(|team| self.all_closed(team)) {
            self.away(tier, routed);
        } else {
            self.enqueue(routed);
        }
        self.handlers(HandlerEvent::Escalate);
    }

    fn route(&self, tier: TierId) -> Option<Routed> {
        let reads = RefCell::default();
        let mut scope: Scope<'_> = self.scope();
        scope.fresh = true;
        scope.reads = Some(&reads);
        crate::routing::route(&scope, tier)
    }

    /// The first of the tier's handoffs whose `when` holds.
    fn pick_plan(&mut self, tier: TierId) {
        let plans = self.m.handoffs.iter().filter(|h| h.tier == tier);
        let index = plans
            .enumerate()
            .find(|(_, plan)| plan.when.as_ref().is_none_or(|when| self.holds(when)))
            .map_or(0, |(i, _)| i);
        if let Some(handoff) = &mut self.c.handoff {
            handoff.plan = index_u32(index);
        }
    }

    /// Whether a team and all that it overflows to are closed.
    fn all_closed(&self, team: TeamId) -> bool {
        let mut seen = vec![team];
        let mut at = 0;
        while let Some(id) = seen.get(at).copied() {
            at += 1;
            let Some(team) = self.m.team(id) else {
                continue;
            };
            if self
                .e
                .calendar(team.hours)
                .is_none_or(|c| c.is_open(self.now))
            {
                return false;
            }
            for (next, _) in &team.overflow {
                if !seen.contains(next) && seen.len() < OVERFLOWS {
                    seen.push(*next);
                }
            }
        }
        true
    }

    /// Nobody is at work: the plan for that, else the customer may wait for the opening. So too where the plan itself led here again.
    fn away(&mut self, tier: TierId, routed: Option<Routed>) {
        let planned = self.plan().and_then(|plan| plan.closed);
        match planned.filter(|_| !self.away_from.contains(&tier)) {
            Some(entry) => {
                self.away_from.push(tier);
                self.store_item(routed);
                if self.opens_with_offer(entry) {
                    self.say_closed();
                }
                self.exec(entry);
            }
            None => {
                self.say_closed();
                self.enqueue(routed);
            }
        }
    }

    fn say_closed(&mut self) {
        if let Some(opening) = self.next_open() {
            let text = Builtin::Closed.fill(
                self.scope().language(),
                &self.scope().reader().moment(opening),
                "",
            );
            self.send(MessageKind::Handoff, text);
        }
    }

    fn next_open(&self) -> Option<jiff::Timestamp> {
        let team = self.m.names.teams.get(&self.c.handoff.as_ref()?.team)?;
        self.e
            .calendar(self.m.team(*team)?.hours)?
            .next_open(self.now)
    }

    fn store_item(&mut self, routed: Option<Routed>) {
        let due = routed.as_ref().and_then(|r| {
            let tier = self.tier_id()?;
            let route = self.m.routes.iter().find(|route| route.tier == tier)?;
            self.due(route.rows.get(r.row)?.within.as_ref()?)
        });
        let prefer = self.preferred_agent();
        let language = SmolStr::new(&self.c.language);
        let accept_within = self.plan().map_or(30_000, |plan| plan.accept_within);
        let now = self.now;
        if let Some(handoff) = self.c.handoff.as_deref_mut() {
            self.c.generation += 1;
            let (skill, agent) = routed.map_or((None, None), |r| (r.skill, r.agent));
            handoff.item = Some(QueueItem {
                generation: self.c.generation,
                tier: handoff.tier.clone(),
                team: handoff.team.clone(),
                priority: handoff.priority,
                language,
                skill,
                agent,
                prefer,
                since: handoff.since.unwrap_or(now),
                due,
                accept_within,
            });
        }
    }

    /// The agent who had the customer lately, if the matrix says to prefer them.
    fn preferred_agent(&self) -> Option<SmolStr> {
        let tier = self.tier_id()?;
        let (agent, at) = self.c.last_agent.as_ref()?;
        let within = self
            .m
            .routes
            .iter()
            .find(|r| r.tier == tier)
            .and_then(|r| r.prefer_last_agent)
            .max(self.m.bot.reopen_within)?;
        plus(*at, within)
            .is_some_and(|until| self.now <= until)
            .then(|| agent.id.clone())
    }

    fn enqueue(&mut self, routed: Option<Routed>) {
        self.store_item(routed);
        self.queue_up(Desk::Arriving);
    }

    /// Puts the stored item into the queue.
    pub(super) fn queue_up(&mut self, desk: Desk) {
        let Some(handoff) = self.c.handoff.as_deref_mut() else {
            return;
        };
        handoff.desk = desk;
        if let Some(item) = &mut handoff.item {
            item.team = handoff.team.clone();
            item.priority = handoff.priority;
            self.effects.push(Effect::Enqueue(item.clone()));
        }
    }

    /// The steps of a plan for closed, full or unstaffed teams ended without leading anywhere.
    pub(super) fn plan_ended(&mut self) {
        let Some(handoff) = self.c.handoff.as_deref() else {
            return;
        };
        let promised = handoff.promised;
        match handoff.desk {
            Desk::Away if promised => {
                self.leave_queue("converted");
                self.enter_script();
            }
            Desk::Away => self.queue_up(Desk::Arriving),
            Desk::Queued | Desk::Arriving | Desk::Offered { .. } if promised => {
                self.leave_queue("converted");
                self.enter_script();
            }
            _ => self.ask_required(),
        }
    }

    /// The customer no longer waits for people. What they were told stays as a promise.
    pub(super) fn leave_queue(&mut self, reason: &'static str) {
        let Some(handoff) = self.c.handoff.take() else {
            return;
        };
        if handoff.desk != Desk::Away {
            self.effects.push(Effect::Dequeue {
                reason: SmolStr::new_static(reason),
            });
        }
        self.cancel_timer(crate::conversation::TimerFor::Update);
        self.cancel_timer(crate::conversation::TimerFor::Review);
        if reason != "resolved" && reason != "returned" {
            self.keep_quiet(handoff.tier.clone(), handoff.told.clone());
        }
    }

    /// Keeps what was said about the people's absence.
    pub(super) fn remember_told(&mut self, text: &str) {
        const TOLD: usize = 600;
        if let Some(handoff) = &mut self.c.handoff
            && handoff.told.len() + text.len() < TOLD
        {
            if !handoff.told.is_empty() {
                handoff.told.push(' ');
            }
            handoff.told.push_str(text);
        }
    }
}
