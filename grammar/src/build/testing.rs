//! `test` declarations.

use super::question::Parts;
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::span::{Name, Span, Spanned};
use smol_str::SmolStr;

impl Builder<'_> {
    pub(super) fn test(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let title = parts.get(Rule::text);
        let title = self.need_lit(title, &pair, "write `test \"what it shows\" { .. }`");
        let mut steps = Vec::new();
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::test_block, Rule::test_item),
            &words::TEST,
            &mut |b, item| {
                let span = b.span(&item);
                let kind = b.test_step(item).unwrap_or(TestStepKind::Error);
                steps.push(TestStep { kind, span });
            },
        );
        DeclKind::Test(TestDecl { title, steps })
    }

    fn test_step(&mut self, pair: Pair) -> Option<TestStepKind> {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        Some(match rule {
            Rule::t_at => match parts.get(Rule::date) {
                Some(date) => TestStepKind::At(self.operand(date, parts.row())),
                None => {
                    self.expected("a date and a time", &item, "write `at 2026-03-02 10:00`");
                    return None;
                }
            },
            Rule::t_wait => {
                let number = parts.get(Rule::num);
                TestStepKind::Wait(self.need_duration(number, &item, "write `wait 6m`")?)
            }
            Rule::t_given => return self.given(parts, &item),
            Rule::t_customer => return self.customer_step(parts, &item),
            Rule::t_bot => match parts.next() {
                Some(text) if text.as_rule() == Rule::text => TestStepKind::Bot(self.text(text)),
                Some(pattern) => TestStepKind::BotMatches(self.matching(pattern)?),
                None => {
                    self.expected(
                        "a text",
                        &item,
                        "write `bot \"exact text\"` or `bot matches /pattern/`",
                    );
                    return None;
                }
            },
            Rule::t_mock => return self.mock(parts, &item),
            Rule::t_model => return self.model(parts, &item),
            Rule::t_agent => return self.agent(parts, &item),
            Rule::t_trigger => {
                const USAGE: &str = "write `trigger NAME { field VALUE }`";
                let name = parts.get(Rule::path);
                let name = self.need_path(name, "a trigger", &item, USAGE)?;
                let fields = match parts.get(Rule::data) {
                    Some(data) => self.data(data),
                    None => Fields {
                        fields: Vec::new(),
                        span: self.span(&item),
                    },
                };
                TestStepKind::Trigger(name, fields)
            }
            _ => match parts.next() {
                Some(part) => TestStepKind::Expect(self.expectation(part)?),
                None => {
                    self.expected(
                        "what holds",
                        &item,
                        "write for instance `expect node is NODE` or `expect said \"text\"`",
                    );
                    return None;
                }
            },
        })
    }

    pub(super) fn matching(&mut self, pair: Pair) -> Option<Spanned<SmolStr>> {
        let item = pair.clone();
        match Parts::of(pair).get(Rule::regex) {
            Some(regex) => Some(self.regex(&regex)),
            None => {
                self.expected("a pattern", &item, "write `matches /pattern/`");
                None
            }
        }
    }

    fn given(&mut self, mut parts: Parts, item: &Pair) -> Option<TestStepKind> {
        const USAGE: &str = "write `given customer { name \"Ana\" }` or `given agent NAME in TEAM`";
        if let Some(agent) = parts.get(Rule::g_agent) {
            return self.given_agent(agent);
        }
        let Some(given) = parts.get(Rule::g_value) else {
            self.expected("what is given", item, USAGE);
            return None;
        };
        let mut parts = Parts::of(given);
        let name = parts.get(Rule::name)?;
        let name = self.name(&name);
        match parts.next() {
            Some(data) if data.as_rule() == Rule::data => {
                let fields = self.data(data);
                Some(if name.text == "customer" {
                    TestStepKind::GivenCustomer(fields)
                } else {
                    TestStepKind::Given(name, GivenValue::Fields(fields))
                })
            }
            Some(value) => Some(TestStepKind::Given(
                name,
                GivenValue::Value(self.expr(value)),
            )),
            None => {
                self.expected("a value", item, USAGE);
                None
            }
        }
    }

    fn given_agent(&mut self, pair: Pair) -> Option<TestStepKind> {
        const USAGE: &str = "write `given agent NAME in TEAM speaks en skills billing`";
        let item = pair.clone();
        let mut parts = Parts::of(pair);
        let agent = parts.get(Rule::name);
        let agent = self.need_name(agent, "a name", &item, USAGE)?;
        let (mut teams, mut languages, mut skills, mut away) =
            (Vec::new(), Vec::new(), Vec::new(), false);
        for part in parts {
            let whole = part.clone();
            let rule = part.as_rule();
            let mut inner = Parts::of(part);
            match rule {
                Rule::g_in => teams = self.path_list(&mut inner, "a team", &whole, USAGE),
                Rule::g_speaks => {
                    languages = self.name_list(&mut inner, "a language", &whole, USAGE)
                }
                Rule::g_skills => skills = self.name_list(&mut inner, "a skill", &whole, USAGE),
                _ => away = true,
            }
        }
        Some(TestStepKind::GivenAgent {
            agent,
            teams,
            languages,
            skills,
            away,
        })
    }

    fn data(&mut self, pair: Pair) -> Fields {
        let span = self.span(&pair);
        let mut fields = Vec::new();
        self.walk(
            pair.into_inner(),
            &words::DATA,
            Rule::data_item,
            &mut |b, entry| {
                let whole = entry.clone();
                let mut parts = Parts::of(entry);
                let Some(name) = parts.get(Rule::name) else {
                    return;
                };
                let name = b.name(&name);
                parts.get(Rule::colon);
                let value = if let Some(data) = parts.get(Rule::data) {
                    Datum::Record(b.data(data))
                } else if let Some(list) = parts.get(Rule::data_list) {
                    let (items, span) = b.data_list(list);
                    Datum::List(items, span)
                } else {
                    let value = parts.get(Rule::expr);
                    Datum::Value(b.value_or_error(value, &whole, "write `name VALUE`"))
                };
                fields.push((name, value));
            },
        );
        Fields { fields, span }
    }

    fn customer_step(&mut self, mut parts: Parts, item: &Pair) -> Option<TestStepKind> {
        const USAGE: &str = "write `customer \"text\"`, `presses \"label\"`, `sends file \"name\"`, `verifies`, `fails verification` or `leaves`";
        if let Some(text) = parts.get(Rule::text) {
            return Some(TestStepKind::Customer(self.text(text)));
        }
        let Some(does) = parts.get(Rule::customer_does) else {
            self.expected("a text", item, USAGE);
            return None;
        };
        let whole = does.clone();
        let mut parts = Parts::of(does);
        let verb = parts.get(Rule::name)?;
        let text = parts.get(Rule::text);
        match verb.as_str() {
            "presses" => self
                .need_lit(text, &whole, USAGE)
                .map(TestStepKind::Presses),
            "sends" => {
                let file = self.need_lit(text, &whole, USAGE)?;
                self.small_words(&whole, &["file"], USAGE);
                Some(TestStepKind::SendsFile(file))
            }
            "verifies" => Some(TestStepKind::Verifies(true)),
            "fails" => {
                self.small_words(&whole, &["verification"], USAGE);
                Some(TestStepKind::Verifies(false))
            }
            "leaves" => Some(TestStepKind::Leaves),
            _ => {
                self.unknown_verb(&verb, "customer", USAGE);
                None
            }
        }
    }

    fn unknown_verb(&mut self, verb: &Pair, who: &str, usage: &str) {
        let at = self.span(verb);
        self.error(
            format!("`{}` is nothing that a {who} does in a test", verb.as_str()),
            at,
            usage,
        );
    }

    fn mock(&mut self, mut parts: Parts, item: &Pair) -> Option<TestStepKind> {
        const USAGE: &str =
            "write `mock WEBHOOK returns { .. }`, `mock WEBHOOK ok` or `mock WEBHOOK fails`";
        let webhook = parts.get(Rule::path);
        let webhook = self.need_path(webhook, "a webhook", item, USAGE)?;
        let answer = match parts.next() {
            None => {
                self.expected("`returns`, `ok` or `fails`", item, USAGE);
                return None;
            }
            Some(word) if word.as_rule() == Rule::mock_word => match word.as_str() {
                "ok" => MockAnswer::Ok,
                "fails" => MockAnswer::Fails,
                other => {
                    let message = format!("expected `returns`, `ok` or `fails`, found `{other}`");
                    let at = self.span(&word);
                    self.error(message, at, USAGE);
                    return None;
                }
            },
            Some(returns) => {
                let whole = returns.clone();
                match Parts::of(returns).next() {
                    None => {
                        self.expected("a result", &whole, USAGE);
                        return None;
                    }
                    Some(part) => match part.as_rule() {
                        Rule::data => MockAnswer::Record(self.data(part)),
                        Rule::data_list => {
                            let (items, span) = self.data_list(part);
                            MockAnswer::List(items, span)
                        }
                        _ => MockAnswer::Value(self.expr(part)),
                    },
                }
            }
        };
        Some(TestStepKind::Mock(webhook, answer))
    }

    fn data_list(&mut self, pair: Pair) -> (Vec<Fields>, Span) {
        let span = self.span(&pair);
        let closed = self.closed(&pair, ']');
        let mut out = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::data => out.push(self.data(part)),
                Rule::stray => self.trailing_comma(&part),
                _ if closed => self.junk(&part),
                _ => {}
            }
        }
        (out, span)
    }

    fn model(&mut self, mut parts: Parts, item: &Pair) -> Option<TestStepKind> {
        const USAGE: &str = "write `model answers \"text\" confidence 45%`, `model calls WEBHOOK(..)` or `model fails`";
        let Some(part) = parts.next() else {
            self.expected("what the model does", item, USAGE);
            return None;
        };
        let whole = part.clone();
        match part.as_rule() {
            Rule::model_answers => {
                let mut inner = Parts::of(part);
                let text = inner.get(Rule::text);
                let text = self.need_lit(text, &whole, USAGE)?;
                let confidence = match inner.get(Rule::confidence) {
                    None => None,
                    Some(confidence) => {
                        let item = confidence.clone();
                        let Some(number) = Parts::of(confidence).get(Rule::num) else {
                            self.expected("a percentage", &item, USAGE);
                            return None;
                        };
                        let span = self.span(&number);
                        Some(Expr {
                            kind: self.number_kind(&number),
                            span,
                        })
                    }
                };
                Some(TestStepKind::ModelAnswers(text, confidence))
            }
            Rule::model_calls => {
                let mut inner = Parts::of(part);
                let webhook = inner.get(Rule::path);
                let webhook = self.need_path(webhook, "a webhook", &whole, USAGE)?;
                let args = match inner.get(Rule::args) {
                    Some(args) => self.args(args),
                    None => Vec::new(),
                };
                Some(TestStepKind::ModelCalls(webhook, args))
            }
            _ if part.as_str() == "fails" => Some(TestStepKind::ModelFails),
            _ => {
                self.unknown_verb(&part, "model", USAGE);
                None
            }
        }
    }

    fn agent(&mut self, mut parts: Parts, item: &Pair) -> Option<TestStepKind> {
        const USAGE: &str = "write `agent NAME \"text\"`, or `accepts`, `declines`, `resolves \"text\"`, `returns`, `leaves`, `comes`";
        let name = parts.get(Rule::name);
        let name: Name = self.need_name(name, "a name", item, USAGE)?;
        if let Some(text) = parts.get(Rule::text) {
            return Some(TestStepKind::AgentSays(name, self.text(text)));
        }
        let Some(does) = parts.get(Rule::agent_does) else {
            self.expected("what the agent does", item, USAGE);
            return None;
        };
        let mut inner = Parts::of(does);
        let verb = inner.get(Rule::name)?;
        let text = inner.get(Rule::text).map(|text| self.text(text));
        match verb.as_str() {
            "accepts" => Some(TestStepKind::AgentAccepts(name)),
            "declines" => Some(TestStepKind::AgentDeclines(name)),
            "resolves" => Some(TestStepKind::AgentResolves(name, text)),
            "returns" => Some(TestStepKind::AgentReturns(name, text)),
            "leaves" => Some(TestStepKind::AgentPresence(name, false)),
            "comes" => Some(TestStepKind::AgentPresence(name, true)),
            _ => {
                self.unknown_verb(&verb, "person", USAGE);
                None
            }
        }
    }
}
