//! Model tiers: the question, tools with the customer's consent, the answer and its band.

use super::Run;
use super::answers::Reply;
use super::parse::Input;
use crate::builtin_texts::Builtin;
use crate::conversation::{Ask, Caller, Pending};
use crate::decision::StepTrace;
use crate::effect::{Effect, MessageKind, ModelRequest, OutMessage, Speaker, ToolResult};
use crate::event::{ModelAnswer, ToolCall};
use crate::signals::Signals;
use crate::tables::position;
use crate::values;
use flow_compiler::machine::{Band, BandAction, CellPattern, Tier, Tool};
use flow_compiler::value::{TextId, TierId, Value};
use flow_grammar::ast::TierKind;
use smol_str::{SmolStr, format_smolstr};

/// Rounds of tool calls for one question.
const ROUNDS: u32 = 6;
/// Tool calls in one round.
const CALLS: usize = 8;

impl<'a> Run<'a> {
    fn model_tier(&self) -> Option<&'a Tier> {
        let machine: &'a flow_compiler::machine::Machine = self.m;
        machine
            .tier(self.tier_id()?)
            .filter(|t| t.kind == TierKind::Model)
    }

    /// Step 4 of a turn: a message for a model.
    pub(super) fn model_message(&mut self, text: &str, signals: &Signals) {
        if let Some(pending) = self.c.model.ask.clone() {
            if let Some(reply) = self.reply(&pending, Input::Message(text, signals)) {
                self.taken("answer");
                self.open_message = false;
                self.apply_model(*pending, reply);
                return;
            }
            self.c.model.ask = None;
            if matches!(pending.ask, Ask::Consent(_)) {
                self.decline_tools("the customer did not consent and wrote something else");
            }
        } else if self.menu_label(text) {
            return;
        }
        self.model_question(text);
    }

    /// Asks the model; messages that came since its last answer join the question.
    pub(super) fn model_question(&mut self, text: &str) {
        self.taken("model");
        self.remember_question();
        self.open_message = false;
        let at_most = self.model_tier().and_then(|t| t.turns_at_most);
        if at_most.is_some_and(|most| self.c.model.answers >= most) {
            self.give_up();
            return;
        }
        self.c.model.question.push(text.to_owned());
        self.c.model.results.clear();
        self.c.model.wanted.clear();
        self.c.model.rounds = 0;
        self.request();
    }

    /// The model had its turns.
    fn give_up(&mut self) {
        if let (_, Some(otherwise)) = self.held_arms() {
            self.enter_script();
            self.c.main = crate::conversation::Thread::default();
            self.exec(otherwise);
            return;
        }
        let up = self
            .tier_id()
            .map(|t| TierId(t.0 + 1))
            .filter(|t| self.m.tier(*t).is_some());
        match up {
            Some(up) => self.escalate_because(up, "The assistant had its turns".to_owned(), None),
            None => self.say_builtin(MessageKind::Say, Builtin::Sorry),
        }
    }

    /// Makes a request; an older one is void.
    fn request(&mut self) {
        let Some(tier) = self.model_tier() else {
            return;
        };
        let request = self.c.next_id();
        self.c.model.request = request;
        let redact = crate::prompt::Redactor::new(self.e, self.c, tier);
        let question: Vec<String> = self
            .c
            .model
            .question
            .iter()
            .map(|text| redact.text(text))
            .collect();
        let webhook = |id| self.m.webhook(id).map(|w| w.name.clone());
        let ask = ModelRequest {
            request,
            tier: tier.name.clone(),
            model: tier.model.clone(),
            persona: tier.persona.map(|text| redact.text(&self.render(text))),
            forbid: tier.forbid.clone(),
            language: SmolStr::new(self.scope().language()),
            question: question.join("\n"),
            history: Vec::new(),
            facts: redact.facts(&self.scope()),
            knowledge: tier
                .knowledge
                .iter()
                .filter_map(|id| self.m.knowledge.get(id.index()))
                .map(|k| k.name.clone())
                .collect(),
            tools: tier
                .tools
                .iter()
                .filter_map(|t| webhook(t.webhook))
                .collect(),
            tool_results: self.c.model.results.clone(),
        };
        self.effects.push(Effect::AskModel(Box::new(ask)));
    }

    /// Whoever takes the conversation now, a late answer is not for them.
    pub(super) fn void_model(&mut self) {
        self.c.model.request = 0;
    }

    pub(super) fn on_model_failed(&mut self, error: &str) {
        self.remark(format!("the model failed: {error}"));
        let answer = ModelAnswer {
            text: String::new(),
            confidence: 0.0,
            citations: Vec::new(),
            parts: std::collections::BTreeMap::new(),
            resolved: false,
        };
        self.on_answer(&answer);
    }

    pub(super) fn on_answer(&mut self, answer: &ModelAnswer) {
        self.void_model();
        self.fresh = true;
        self.taken("model");
        let confidence = if answer.text.trim().is_empty() {
            0.0
        } else {
            answer.confidence.clamp(0.0, 1.0)
        };
        if self.confident(Some(confidence)) {
            return;
        }
        let Some(tier) = self.model_tier() else {
            return;
        };
        let band = band(&tier.bands, confidence);
        self.d.band = band.map(|b| position(self.m, b.loc));
        let action = band.map_or(&BandAction::Send, |b| &b.action);
        if let BandAction::Instead(op) = action {
            self.c.failed_answers += 1;
            self.c.model.question.clear();
            self.exec(*op);
            return;
        }
        if answer.text.trim().is_empty() {
            self.c.failed_answers += 1;
            self.give_up();
            return;
        }
        self.c.model.question.clear();
        self.c.model.results.clear();
        self.c.model.answers += 1;
        self.c.answered = true;
        self.send_answer(answer);
        match action {
            BandAction::Send | BandAction::Instead(_) => {
                if let (true, (Some(resolved), _)) = (answer.resolved, self.held_arms()) {
                    self.model_resolved(resolved);
                }
            }
            BandAction::Confirm(_) => {
                let number = self.c.model.answers;
                self.ask_model_question(Ask::Helped(number));
            }
            BandAction::Offer(to) => {
                let to = self.tier_name(*to);
                self.ask_model_question(Ask::Climb(to));
            }
        }
    }

    fn send_answer(&mut self, answer: &ModelAnswer) {
        if let Some(text) = self.m.bot.discloses.filter(|_| !self.c.disclosed) {
            self.c.disclosed = true;
            let text = self.render(text);
            self.send(MessageKind::Disclosure, text);
        }
        let language = SmolStr::new(self.scope().language());
        self.send_message(OutMessage {
            id: 0,
            from: Speaker::Model,
            kind: MessageKind::Answer,
            text: answer.text.clone(),
            language,
            buttons: Vec::new(),
            attachments: Vec::new(),
            citations: answer.citations.clone(),
        });
    }

    fn ask_model_question(&mut self, ask: Ask) {
        let pending = Pending::new(ask);
        self.pose(&pending);
        self.c.model.ask = Some(pending);
    }

    /// The text of "does that answer your question?", as the band says it.
    pub(super) fn helped_text(&self) -> Option<TextId> {
        let confidence = self.c.confidence?;
        match &band(&self.model_tier()?.bands, confidence)?.action {
            BandAction::Confirm(text) => *text,
            _ => None,
        }
    }

    pub(super) fn climb_text(&self, tier: &str, language: &str) -> String {
        let id = self.m.names.tiers.get(tier).copied();
        match id.and_then(|id| self.kind_of(id)) {
            Some(TierKind::People) => Builtin::OfferPerson.get(language).to_owned(),
            _ => Builtin::OfferTier.fill(language, &values::lower_words(tier), ""),
        }
    }

    pub(super) fn consent_text(&self, language: &str) -> String {
        let Some(call) = self.c.model.wanted.first() else {
            return String::new();
        };
        let scope = self.scope();
        let reader = scope.reader();
        let args: Vec<String> = call
            .args
            .iter()
            .filter(|(_, v)| v.is_known())
            .map(|(name, v)| format!("{} {}", values::lower_words(name), reader.value(v)))
            .collect();
        let what = if args.is_empty() {
            values::lower_words(&call.tool)
        } else {
            format!("{} ({})", values::lower_words(&call.tool), args.join(", "))
        };
        Builtin::Consent.fill(language, &what, "")
    }

    /// A yes or no to a question after an answer, or before a tool.
    pub(super) fn apply_model(&mut self, pending: Pending, reply: Reply) {
        let yes = reply == Reply::Yes;
        self.c.model.ask = None;
        self.c.answered = false;
        match pending.ask {
            Ask::Helped(_) if yes => {
                self.c.failed_answers = 0;
                match self.held_arms().0 {
                    Some(resolved) => self.model_resolved(resolved),
                    None => self.say_builtin(MessageKind::Say, Builtin::Glad),
                }
            }
            Ask::Helped(_) => {
                self.c.failed_answers += 1;
                self.say_builtin(MessageKind::Say, Builtin::SayMore);
            }
            Ask::Climb(tier) => {
                let to = self.m.names.tiers.get(&tier).copied();
                match to.filter(|_| yes) {
                    Some(to) => self.escalate_because(
                        to,
                        "The customer accepted the offer of a person".to_owned(),
                        None,
                    ),
                    None => {
                        self.keep_quiet(tier, String::new());
                        self.say_builtin(MessageKind::Say, Builtin::AllRight);
                    }
                }
            }
            Ask::Consent(_) if yes => {
                if let Some(call) =
                    (!self.c.model.wanted.is_empty()).then(|| self.c.model.wanted.remove(0))
                {
                    self.call_tool(call);
                }
            }
            Ask::Consent(_) => {
                self.decline_tools("the customer declined");
                self.request();
            }
            _ => {}
        }
    }

    fn model_resolved(&mut self, arm: flow_compiler::value::OpId) {
        self.enter_script();
        self.c.main = crate::conversation::Thread::default();
        self.exec(arm);
    }

    fn decline_tools(&mut self, why: &str) {
        for call in std::mem::take(&mut self.c.model.wanted) {
            self.c.model.results.push(ToolResult {
                call,
                result: Err(why.to_owned()),
            });
        }
    }

    pub(super) fn on_tools(&mut self, calls: &[ToolCall]) {
        self.void_model();
        self.taken("model");
        self.c.model.rounds += 1;
        if self.c.model.rounds > ROUNDS {
            self.on_model_failed("it called tools over and over");
            return;
        }
        for call in calls.iter().skip(CALLS) {
            self.c.model.results.push(ToolResult {
                call: call.clone(),
                result: Err("too many calls at once".to_owned()),
            });
        }
        self.c.model.wanted = calls.iter().take(CALLS).cloned().collect();
        self.next_tool();
    }

    fn tool(&self, name: &str) -> Option<&'a Tool> {
        let machine: &'a flow_compiler::machine::Machine = self.m;
        self.model_tier()?
            .tools
            .iter()
            .find(|t| machine.webhook(t.webhook).is_some_and(|w| w.name == name))
    }

    /// Works off the calls that the model wants; one that changes something waits for the customer's consent.
    pub(super) fn next_tool(&mut self) {
        while let Some(call) = self.c.model.wanted.first().cloned() {
            let refused = match self.tool(&call.tool) {
                None => Some(format!("there is no tool `{}`", call.tool)),
                Some(tool) => self.bad_args(tool, &call).or_else(|| {
                    self.regulated()
                        .then(|| "only a person may act in this matter".to_owned())
                }),
            };
            if let Some(why) = refused {
                self.remark(format!(
                    "the model's call of `{}` was refused: {why}",
                    call.tool
                ));
                self.c.model.wanted.remove(0);
                self.c.model.results.push(ToolResult {
                    call,
                    result: Err(why),
                });
                continue;
            }
            if self.tool(&call.tool).is_some_and(|t| t.confirm) {
                let number = self.c.next_id();
                self.ask_model_question(Ask::Consent(number));
            } else {
                self.c.model.wanted.remove(0);
                self.call_tool(call);
            }
            return;
        }
        self.request();
    }

    /// What is wrong with a call's arguments.
    fn bad_args(&self, tool: &Tool, call: &ToolCall) -> Option<String> {
        let webhook = self.m.webhook(tool.webhook)?;
        if let Some(name) = call
            .args
            .keys()
            .find(|name| !webhook.params.iter().any(|p| p.name == **name))
        {
            return Some(format!("`{name}` is no argument of `{}`", call.tool));
        }
        webhook.params.iter().find_map(|param| {
            let value = call.args.get(&param.name).cloned().unwrap_or_default();
            if !value.is_known() {
                return (!param.optional)
                    .then(|| format!("the argument `{}` is missing", param.name));
            }
            (!crate::prompt::is_of(self.m, &value, &param.ty))
                .then(|| format!("the argument `{}` has the wrong type", param.name))
        })
    }

    /// Whether the intent is for people only.
    fn regulated(&self) -> bool {
        let Some(intent) = self
            .c
            .intent
            .as_ref()
            .and_then(|name| self.m.intents.iter().find(|i| i.name == *name))
        else {
            return false;
        };
        intent
            .regulated
            .as_ref()
            .is_some_and(|r| r.when.as_ref().is_none_or(|when| self.holds(when)))
    }

    fn call_tool(&mut self, call: ToolCall) {
        let Some(tool) = self.tool(&call.tool) else {
            return;
        };
        let Some(webhook) = self.m.webhook(tool.webhook) else {
            return;
        };
        let args: Vec<Value> = webhook
            .params
            .iter()
            .map(|p| call.args.get(&p.name).cloned().unwrap_or_default())
            .collect();
        let at = position(self.m, tool.loc);
        self.d.steps.push(StepTrace {
            what: format_smolstr!("tool {}", call.tool),
            node: None,
            at,
        });
        self.call_webhook(tool.webhook, &args, Caller::Tool(call));
    }

    pub(super) fn on_tool_done(&mut self, call: ToolCall, result: &Result<Value, String>) {
        self.taken("model");
        self.c.model.results.push(ToolResult {
            call,
            result: result.clone(),
        });
        self.next_tool();
    }

    fn menu_label(&mut self, text: &str) -> bool {
        let labels: Vec<String> = self
            .m
            .bot
            .menu
            .iter()
            .map(|b| self.render(b.label))
            .collect();
        let button =
            super::answers::among(&labels, text).filter(|_| text.trim().parse::<f64>().is_err());
        match button.and_then(|i| self.m.bot.menu.get(i)) {
            Some(button) => {
                self.taken("button");
                self.open_message = false;
                self.void_model();
                self.interrupt(button.to);
                true
            }
            None => false,
        }
    }
}

/// The band of a confidence; an end that two share belongs to the higher one.
fn band(bands: &[Band], confidence: f64) -> Option<&Band> {
    let value = Value::Percent(confidence);
    let low = |b: &Band| match &b.range {
        CellPattern::Range {
            low: Some(Value::Percent(low)),
            ..
        } => *low,
        CellPattern::Any => -1.0,
        _ => 0.0,
    };
    bands
        .iter()
        .filter(|b| values::fits(&b.range, &value))
        .reduce(|best, next| if low(next) > low(best) { next } else { best })
}
