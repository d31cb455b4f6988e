//! The steps that do not wait: saying, setting, branching, going.

use super::{Flow, Run};
use crate::conversation::{At, Attempted, Back, FollowKind, Frame, Thread};
use crate::effect::{MessageKind, OutAttachment};
use crate::tables::{var_name, var_of};
use crate::values;
use flow_compiler::machine::{Attachment, EscalateSpec, HandlerEvent, OpKind, Var};
use flow_compiler::value::{NodeId, OpId, TextId, Value};
use flow_grammar::ast::TierKind;
use smol_str::SmolStr;

impl Run<'_> {
    /// One operation.
    pub(super) fn step(&mut self, at: OpId) -> Flow {
        let m = self.m;
        let Some(op) = m.op(at) else {
            return Flow::Stop;
        };
        self.trace(at);
        self.code = Some(op.code);
        if let Some(Some(node)) = self.e.tables.op_node.get(at.index())
            && self.c.main.node.as_ref() != Some(node)
        {
            self.c.main.node = Some(node.clone());
        }
        match &op.kind {
            OpKind::Say {
                texts,
                attachments,
                next,
            } => {
                self.say(texts, attachments);
                Flow::Next(*next)
            }
            OpKind::Set { slot, value, next } => {
                let value = self.value(value);
                self.set_var(*slot, value);
                Flow::Next(*next)
            }
            OpKind::Clear { slot, next } => {
                self.set_var(*slot, Value::Unknown);
                Flow::Next(*next)
            }
            OpKind::Branch { arms, otherwise } => Flow::Next(
                arms.iter()
                    .find(|(when, _)| self.holds(when))
                    .map_or(*otherwise, |(_, to)| *to),
            ),
            OpKind::Match {
                subject,
                arms,
                otherwise,
            } => {
                let value = self.value(subject);
                let arm = arms
                    .iter()
                    .find(|arm| arm.patterns.iter().any(|p| values::fits(p, &value)));
                Flow::Next(arm.map_or(*otherwise, |arm| arm.to))
            }
            OpKind::Call {
                webhook,
                args,
                failed,
                ..
            } => self.call(at, *webhook, args, *failed),
            OpKind::Visit { node, .. } => self.visit(at, *node),
            OpKind::Goto { node } => self.goto(*node),
            OpKind::Back | OpKind::Finish => self.finish(),
            OpKind::ContinueWith { tier, .. } => {
                let place = self.place_key(at);
                self.continue_with(*tier, place);
                Flow::Stop
            }
            OpKind::Note { text, next } => {
                let text = self.render(*text);
                self.c.notes.push(text);
                Flow::Next(*next)
            }
            OpKind::Tag { word, next } => {
                if !self.c.tags.contains(word) {
                    self.c.tags.push(word.clone());
                }
                Flow::Next(*next)
            }
            OpKind::Attempt {
                text,
                question,
                worked,
                ..
            } => {
                let text = self.render(*text);
                self.c.attempts.push(Attempted {
                    at: self.now,
                    text,
                    outcome: SmolStr::new_static("unknown"),
                });
                if question.is_some() {
                    self.ask(at)
                } else {
                    Flow::Next(*worked)
                }
            }
            OpKind::Ticket {
                promise,
                text,
                next,
            } => {
                self.follow_up_step(FollowKind::Ticket, promise.as_ref(), *text);
                Flow::Next(*next)
            }
            OpKind::Callback {
                promise,
                text,
                next,
            } => {
                self.follow_up_step(FollowKind::Callback, promise.as_ref(), *text);
                Flow::Next(*next)
            }
            OpKind::Escalate(spec) => {
                self.escalate_step(at, spec);
                Flow::Stop
            }
            OpKind::End { resolved } => {
                self.end(*resolved);
                Flow::Stop
            }
            OpKind::Ask { .. }
            | OpKind::Form { .. }
            | OpKind::Choose { .. }
            | OpKind::ChooseFrom { .. }
            | OpKind::Confirm { .. }
            | OpKind::Listen { .. }
            | OpKind::Verify { .. }
            | OpKind::Survey { .. }
            | OpKind::Offer { .. } => self.ask(at),
            OpKind::Error { next, .. } => Flow::Next(*next),
        }
    }

    pub(super) fn place_key(&self, op: OpId) -> SmolStr {
        let place = self
            .e
            .tables
            .place_of_op
            .get(&op)
            .and_then(|id| self.m.place(*id));
        place.map(|p| p.key.clone()).unwrap_or_default()
    }

    /// Which of several texts is said: each in its turn.
    fn say(&mut self, texts: &[TextId], attachments: &[Attachment]) {
        let turn = usize::try_from(self.c.messages).unwrap_or(0);
        let Some(text) = texts.get(turn % texts.len().max(1)) else {
            return;
        };
        let text = self.render(*text);
        if self
            .c
            .handoff
            .as_ref()
            .is_some_and(|h| !matches!(h.desk, crate::conversation::Desk::With { .. }))
            && self.side.is_none()
        {
            self.remember_told(&text);
        }
        let attachments = attachments.iter().map(|a| self.attachment(a)).collect();
        self.send_with(MessageKind::Say, text, Vec::new(), attachments);
    }

    fn attachment(&self, attachment: &Attachment) -> OutAttachment {
        let text = |id: &Option<TextId>| id.map(|id| self.render(id));
        match attachment {
            Attachment::Image(url) => OutAttachment::Image {
                url: self.render(*url),
            },
            Attachment::File(url) => OutAttachment::File {
                url: self.render(*url),
            },
            Attachment::Card {
                title,
                text: body,
                image,
                link,
            } => OutAttachment::Card {
                title: text(title),
                text: text(body),
                image: text(image),
                link: text(link),
            },
        }
    }

    /// Gives a slot or profile field a value. What the customer says of themselves is a claim until it is proven.
    pub(super) fn set_var(&mut self, var: Var, value: Value) {
        let name = var_name(self.m, var);
        self.c.offered.remove(&name);
        match var {
            Var::Slot(_) => {
                if value.is_known() {
                    self.c.slots.insert(name, value);
                } else {
                    self.c.slots.remove(&name);
                }
            }
            Var::Customer(_) => {
                let Some(field) = name.strip_prefix("customer.").map(SmolStr::new) else {
                    return;
                };
                if self.c.customer.get(&field) != Some(&value) {
                    self.c.proven.remove(&field);
                }
                if value.is_known() {
                    self.c.customer.insert(field, value);
                } else {
                    self.c.customer.remove(&field);
                }
            }
        }
    }

    pub(super) fn var(&self, var: Var) -> Value {
        let scope = self.scope();
        match var {
            Var::Slot(id) => scope.slot(id),
            Var::Customer(id) => scope.field(id),
        }
    }

    pub(super) fn var_named(&self, name: &str) -> Option<Var> {
        var_of(self.m, name)
    }

    fn visit(&mut self, at: OpId, node: NodeId) -> Flow {
        let Some(target) = self.m.node(node) else {
            return Flow::Stop;
        };
        let key = self
            .e
            .tables
            .visit_keys
            .get(&at)
            .cloned()
            .unwrap_or_default();
        let frame = Frame {
            back: Back::Visit(key),
            locals: std::mem::take(&mut self.c.main.locals),
            node: self.c.main.node.clone(),
        };
        self.c.main.frames.push(frame);
        Flow::Next(target.entry)
    }

    /// `-> NODE` leaves everything that was visited or pending, and whatever tier held the conversation.
    pub(super) fn goto(&mut self, node: NodeId) -> Flow {
        let Some(target) = self.m.node(node) else {
            return Flow::Stop;
        };
        self.leave_for_script();
        self.c.main.frames.clear();
        self.c.main.locals.clear();
        Flow::Next(target.entry)
    }

    /// A step takes the conversation out of a queue, or out of a model's hands.
    pub(super) fn leave_for_script(&mut self) {
        if self.side.is_some() {
            return;
        }
        if self.c.handoff.is_some() {
            self.leave_queue("continued");
        }
        if self.tier_id() != Some(self.e.tables.script)
            && self.tier_kind() != Some(flow_grammar::ast::TierKind::Scripted)
        {
            self.enter_script();
        }
        self.c.held = None;
    }

    /// The end of a body, and `back`.
    pub(super) fn finish(&mut self) -> Flow {
        let Some(frame) = self.c.main.frames.pop() else {
            self.c.main.locals.clear();
            self.c.main.at = if self.side.is_some() {
                At::Ended
            } else {
                At::Idle
            };
            if self.side.is_none() && self.c.handoff.is_some() {
                self.plan_ended();
            } else if self.side.is_none() && self.c.main.handler == "resolve" {
                self.close(true, "end");
            }
            return Flow::Stop;
        };
        self.c.main.locals = frame.locals;
        self.c.main.node = frame.node;
        match frame.back {
            Back::Visit(key) => {
                match self.e.tables.visits.get(&key).and_then(|op| self.m.op(*op)) {
                    Some(op) => {
                        self.code = Some(op.code);
                        if let OpKind::Visit { next, .. } = op.kind {
                            Flow::Next(next)
                        } else {
                            Flow::Stop
                        }
                    }
                    None => {
                        self.remark(format!("the visit `{key}` is no longer there"));
                        self.c.main.at = At::Idle;
                        Flow::Stop
                    }
                }
            }
            Back::Question(pending) => self.ask_again(pending),
            Back::Idle => {
                self.c.main.at = At::Idle;
                if self.c.main.frames.is_empty() {
                    Flow::Stop
                } else {
                    self.finish()
                }
            }
        }
    }

    fn end(&mut self, resolved: bool) {
        if self.side.is_some() {
            self.c.main.at = At::Ended;
            return;
        }
        if self.c.handoff.is_some() {
            self.leave_queue("converted");
        }
        if resolved && self.c.resolved.is_none() && self.follows_resolution() {
            return;
        }
        self.close(resolved, "end");
    }

    /// The conversation is resolved: its handlers run. Returns whether one of them asks something (a survey), so that the end waits
    /// for the answer.
    pub(super) fn follows_resolution(&mut self) -> bool {
        self.c.resolved = Some(true);
        self.c.held = None;
        self.c.model = crate::conversation::Model::default();
        self.c.main = Thread {
            node: self.c.main.node.clone(),
            ..Thread::default()
        };
        self.handlers(HandlerEvent::Resolve);
        matches!(self.c.main.at, At::Question(_))
    }

    fn escalate_step(&mut self, at: OpId, spec: &EscalateSpec) {
        if self.side.is_some() {
            self.remark("a handler beside the conversation cannot escalate it");
            self.c.main.at = At::Ended;
            return;
        }
        let rule = spec.rule.and_then(|id| self.m.rule(id));
        let next_up = || {
            let current = self.tier_id()?;
            let up = flow_compiler::value::TierId(current.0 + 1);
            self.m.tier(up).map(|_| up)
        };
        let Some(to) = spec.to.or(rule.map(|r| r.to)).or_else(next_up) else {
            self.remark("there is no tier above to escalate to");
            self.c.main = Thread {
                node: self.c.main.node.clone(),
                ..Thread::default()
            };
            return;
        };
        let because = spec
            .because
            .or(rule.and_then(|r| r.because))
            .map(|text| self.render(text));
        let reason = because
            .or_else(|| rule.map(|r| values::in_words(&r.name)))
            .unwrap_or_else(|| self.stuck_reason());
        let priority = spec
            .priority
            .or(rule.map(|r| r.priority))
            .unwrap_or_default();
        self.escalate(super::handoff::Escalation {
            rule: spec.rule,
            to,
            priority,
            reasons: vec![reason],
            at: self.e.tables.op_at.get(at.index()).cloned(),
        });
    }

    fn stuck_reason(&self) -> String {
        if self.tier_kind() == Some(TierKind::Model) {
            return "The AI assistant had no answer".to_owned();
        }
        let node = self
            .c
            .main
            .node
            .as_deref()
            .map_or_else(String::new, |n| format!(" in {}", values::lower_words(n)));
        format!("The bot could not go on{node}")
    }
}
