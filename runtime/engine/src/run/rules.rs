//! Escalation rules: a set of which the highest tier wins, then the highest priority.

use super::Run;
use super::handoff::Escalation;
use crate::conversation::{Ask, At, Pending};
use crate::decision::RuleTrace;
use crate::effect::{Effect, MessageKind};
use crate::values;
use flow_compiler::machine::{OpKind, Priority, RuleOrigin};
use flow_compiler::value::RuleId;
use flow_grammar::ast::TierKind;
use smol_str::{SmolStr, format_smolstr};
use std::cell::RefCell;

impl Run<'_> {
    /// Tries the rules that do not read `confidence` (`late`: those that do). Returns whether one acted.
    pub(super) fn run_rules(&mut self, late: bool) -> bool {
        let Some(tier) = self.tier_id() else {
            return false;
        };
        if self.kind_of(tier) == Some(TierKind::People)
            && self
                .c
                .handoff
                .as_ref()
                .is_some_and(|h| h.desk != crate::conversation::Desk::Away)
        {
            self.raise(tier, late);
            return false;
        }
        let engine = self.e;
        let Some([early, after]) = engine.tables.rules.get(tier.index()) else {
            return false;
        };
        if !late {
            self.d.rules.reserve(early.len() + after.len());
        }
        self.act_on(if late { after } else { early })
    }

    /// An attempt did not help: the rules that count those have their say before the flow goes on. Returns whether one acted.
    pub(super) fn after_attempt(&mut self) -> bool {
        let engine = self.e;
        let rules = self
            .tier_id()
            .and_then(|tier| engine.tables.after_attempts.get(tier.index()));
        let Some(rules) = rules.filter(|_| self.c.handoff.is_none()) else {
            return false;
        };
        // What they said before the answer counted is superseded.
        self.d.rules.retain(|trace| {
            let again = |id: &RuleId| self.m.rule(*id).is_some_and(|r| r.name == trace.rule);
            trace.fired || !rules.iter().any(again)
        });
        self.act_on(rules)
    }

    /// Tries rules and does what the highest of those that fire says. Returns whether one acted.
    fn act_on(&mut self, rules: &[RuleId]) -> bool {
        let engine = self.e;
        let mut acting: Vec<(RuleId, usize)> = Vec::new();
        for id in rules {
            if let Some(at) = self.try_rule(*id) {
                acting.push((*id, at));
            }
        }
        if acting.is_empty() {
            return false;
        }
        let mut promise = None;
        acting.retain(|(id, at)| match self.held_back(*id) {
            None => true,
            Some((why, standing)) => {
                promise = promise.take().or(standing);
                if let Some(trace) = self.d.rules.get_mut(*at) {
                    trace.held_back = Some(why);
                }
                false
            }
        });
        let m = self.m;
        let best = acting
            .iter()
            .filter_map(|(id, at)| Some((m.rule(*id)?, *id, *at)))
            .reduce(|best, next| {
                let rank = |r: &flow_compiler::machine::Rule| (r.to, r.priority);
                if rank(next.0) > rank(best.0) {
                    next
                } else {
                    best
                }
            });
        let Some((rule, id, _)) = best else {
            if let Some(promise) = promise {
                self.taken("rule");
                self.open_message = false;
                self.send(MessageKind::Handoff, promise);
                return true;
            }
            return false;
        };
        let mut reasons = vec![self.reason(id)];
        for (other, at) in &acting {
            if *other != id {
                reasons.push(self.reason(*other));
                if let Some(trace) = self.d.rules.get_mut(*at) {
                    trace.held_back = Some(format_smolstr!("beaten by {}", rule.name));
                }
            }
        }
        reasons.dedup();
        self.taken("rule");
        self.c.main.frames.clear();
        self.escalate(Escalation {
            rule: Some(id),
            to: rule.to,
            priority: rule.priority,
            reasons,
            at: engine.tables.rule_at.get(id.index()).cloned(),
        });
        true
    }

    /// Evaluates a rule and records it; where it stands in the decision if it fired.
    fn try_rule(&mut self, id: RuleId) -> Option<usize> {
        let rule = self.m.rule(id)?;
        let count = self.e.tables.rule_reads.get(id.index()).copied();
        let reads = RefCell::new(Vec::with_capacity(count.unwrap_or_default()));
        let fired = {
            let mut scope = self.scope();
            scope.reads = Some(&reads);
            scope.holds(&rule.when)
                && !rule
                    .unless
                    .as_ref()
                    .is_some_and(|unless| scope.holds(unless))
        };
        let at = self.e.tables.rule_at.get(id.index())?.clone();
        self.d.rules.push(RuleTrace {
            rule: rule.name.clone(),
            fired,
            held_back: None,
            reads: reads.into_inner(),
            at,
        });
        fired.then(|| self.d.rules.len() - 1)
    }

    /// Why a rule that fired does not act, and the promise that stands instead.
    fn held_back(&self, id: RuleId) -> Option<(SmolStr, Option<String>)> {
        let rule = self.m.rule(id)?;
        let to = self.m.tier(rule.to)?;
        if rule.priority != Priority::Immediate
            && let Some(quiet) = self.c.quiet.get(&to.name)
        {
            let asks = self.e.tables.asks.get(id.index()).copied().unwrap_or(false)
                && self.scope().said().is_some_and(|s| s.asks_for_human);
            // Who said no to an offer and now asks for a person gets one: nothing else was promised.
            if !(asks && quiet.promise.is_empty()) {
                return Some((
                    SmolStr::new_static("quiet"),
                    asks.then(|| quiet.promise.clone()),
                ));
            }
        }
        if self.c.fired.contains(&rule.name) {
            return Some((SmolStr::new_static("already fired"), None));
        }
        if self.wraps_up() && !self.calls_after_the_end(id) {
            return Some((SmolStr::new_static("resolved"), None));
        }
        None
    }

    /// Whether it is resolved and all that is still asked is how it was: an answer to that is no new trouble.
    fn wraps_up(&self) -> bool {
        self.c.resolved.is_some()
            && match &self.c.main.at {
                At::Question(pending) => self.asks_survey(pending),
                At::Idle | At::Ended => true,
                At::Call { .. } | At::Profile { .. } => false,
            }
    }

    fn asks_survey(&self, pending: &Pending) -> bool {
        let Ask::Place(key) = &pending.ask else {
            return false;
        };
        let op = self.place_op(key).and_then(|op| self.m.op(op));
        matches!(op.map(|op| &op.kind), Some(OpKind::Survey { .. }))
    }

    /// Who asks for a person gets one even then, and so does who writes about what only people may answer.
    fn calls_after_the_end(&self, id: RuleId) -> bool {
        let said = self.scope().said();
        let Some(said) = said else {
            return false;
        };
        let asks = self.e.tables.asks.get(id.index()).copied().unwrap_or(false);
        if asks && said.asks_for_human {
            return true;
        }
        self.m.rule(id).is_some_and(|rule| {
            matches!(rule.origin, RuleOrigin::Regulated(_))
                && said.intent.is_some()
                && said.intent == self.c.intent
        })
    }

    pub(super) fn reason(&self, id: RuleId) -> String {
        let Some(rule) = self.m.rule(id) else {
            return String::new();
        };
        match rule.because {
            Some(text) => self.render(text),
            None => values::in_words(&rule.name),
        }
    }

    /// While people have it, rules move nothing: they raise the priority, or alert the agent.
    fn raise(&mut self, tier: flow_compiler::value::TierId, late: bool) {
        let engine = self.e;
        let Some(rules) = engine.tables.rules_to.get(tier.index()) else {
            return;
        };
        for id in rules {
            let Some(rule) = self.m.rule(*id) else {
                continue;
            };
            if rule.reads_confidence != late || self.c.fired.contains(&rule.name) {
                continue;
            }
            let Some(at) = self.try_rule(*id) else {
                continue;
            };
            let reason = self.reason(*id);
            self.c.fired.insert(rule.name.clone());
            let Some(handoff) = self.c.handoff.as_deref_mut() else {
                return;
            };
            let queued = handoff.desk.waits();
            if let Some(trace) = self.d.rules.get_mut(at) {
                trace.held_back = Some(SmolStr::new_static(if queued {
                    "queued"
                } else {
                    "with a person"
                }));
            }
            if !handoff.reasons.contains(&reason) {
                handoff.reasons.push(reason.clone());
            }
            if !queued {
                self.effects.push(Effect::Alert { text: reason });
            } else if rule.priority > handoff.priority {
                handoff.priority = rule.priority;
                if let Some(item) = &mut handoff.item {
                    item.priority = rule.priority;
                    self.effects.push(Effect::Enqueue(item.clone()));
                }
            }
        }
    }

    /// Step 5 of a turn: the confidence is known (or not, while retries remain); rules that read it come before anything is sent.
    pub(super) fn confident(&mut self, confidence: Option<f64>) -> bool {
        self.c.confidence = confidence;
        if confidence.is_some() {
            self.d.confidence = confidence;
        }
        self.update_memories(true, self.message.is_some());
        self.run_rules(true)
    }
}
