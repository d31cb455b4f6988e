//! The world outside: what the conversation's effects set going, and how it turns out.

use crate::schedule::{Case, Checked};
use flow_compiler::machine::Machine;
use flow_compiler::value::Value;
use flow_engine::effect::{Effect, ModelRequest};
use flow_engine::event::{Citation, EventKind, ModelAnswer, ToolCall};

impl Case<'_> {
    pub(crate) fn apply(&mut self, effect: &Effect) -> Checked {
        let machine = self.machine();
        match effect {
            Effect::Send(message) => {
                if message.id != self.last_message + 1 {
                    return Err(format!(
                        "message {} came after {}",
                        message.id, self.last_message
                    ));
                }
                self.last_message = message.id;
                self.buttons
                    .extend(message.buttons.iter().map(|b| b.id.clone()));
            }
            Effect::CallWebhook { call, webhook, .. } => {
                let returns = machine
                    .webhooks
                    .iter()
                    .find(|w| w.name == *webhook)
                    .and_then(|w| w.returns.clone());
                let result = match returns {
                    _ if self.dice.one_in(3) => Err("it answered 500".to_owned()),
                    None => Ok(Value::Unknown),
                    Some((_, true)) if self.dice.one_in(3) => Ok(Value::Unknown),
                    Some((ty, _)) => Ok(self.dice.value(&machine, &ty, 0)),
                };
                self.under_way.push(EventKind::WebhookDone {
                    call: *call,
                    result,
                });
            }
            Effect::AskModel(request) => {
                let answer = self.model(&machine, request);
                self.under_way.push(answer);
            }
            Effect::Enqueue(_) | Effect::Dequeue { .. } => self.tell_desk(effect),
            Effect::Verify { .. } if self.dice.one_in(2) => {
                self.under_way.push(EventKind::Verified {
                    ok: false,
                    again: false,
                });
            }
            Effect::Verify { .. } => {}
            Effect::CheckCode { .. } => {
                let ok = self.dice.one_in(2);
                let again = !ok && !self.dice.one_in(4);
                self.under_way.push(EventKind::Verified { ok, again });
            }
            _ => {}
        }
        Ok(())
    }

    fn model(&mut self, machine: &Machine, asked: &ModelRequest) -> EventKind {
        let request = asked.request;
        match self.dice.below(5) {
            0 => EventKind::ModelFailed {
                request,
                error: "it hung".to_owned(),
            },
            1 if !asked.tools.is_empty() => {
                let tool = self.dice.pick(&asked.tools).cloned().unwrap();
                let params = machine
                    .webhooks
                    .iter()
                    .find(|w| w.name == tool)
                    .map(|w| w.params.clone())
                    .unwrap_or_default();
                let args = params
                    .iter()
                    .map(|p| (p.name.clone(), self.dice.value(machine, &p.ty, 0)))
                    .collect();
                EventKind::ModelCalledTools {
                    request,
                    calls: vec![ToolCall {
                        id: "t1".into(),
                        tool,
                        args,
                    }],
                }
            }
            _ => EventKind::ModelAnswered {
                request,
                answer: ModelAnswer {
                    text: "That is how it is.".to_owned(),
                    confidence: self.dice.fraction(),
                    citations: vec![Citation {
                        source: "kb/a.md".into(),
                        title: "A".into(),
                        quote: "is".to_owned(),
                    }],
                    parts: Default::default(),
                    resolved: self.dice.one_in(4),
                },
            },
        }
    }
}
