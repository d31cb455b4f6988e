//! Tests: every name and type in them is checked (F1201).

use super::{Lower, constants};
use crate::env::Kind;
use crate::machine::{Expectation, HandoffPart, TestCase, TestStep, TestStepKind, Var};
use crate::value::{NodeId, RuleId, SlotId, TeamId, Type, Value, WebhookId};
use flow_grammar::{
    Diagnostic, Name, Span,
    ast::{self, GivenValue, Path, SlotState, TestDecl, TextLit},
};
use smol_str::SmolStr;

/// Parts of the card that a test can ask for.
const PARTS: [&str; 14] = [
    "transcript",
    "entities",
    "slots",
    "sentiment",
    "attempts",
    "profile",
    "files",
    "page",
    "knowledge",
    "confidence",
    "rules",
    "summary",
    "mood",
    "suggestions",
];

impl Lower<'_> {
    pub(super) fn test(&mut self, tree: &TestDecl) {
        if !self.included(self.scope) {
            return;
        }
        self.in_test = true;
        let mut agents: Vec<SmolStr> = Vec::new();
        let mut steps = Vec::with_capacity(tree.steps.len());
        for step in &tree.steps {
            if let Some(kind) = self.test_step(&step.kind, &mut agents) {
                steps.push(TestStep {
                    kind,
                    loc: self.loc(step.span),
                });
            }
        }
        let title = tree
            .title
            .as_ref()
            .and_then(TextLit::plain)
            .map(SmolStr::new)
            .unwrap_or_default();
        let span = super::understanding::decl_span(self.sources, self.decl);
        self.out.tests.push(TestCase {
            title,
            steps,
            loc: self.loc(span),
        });
        self.in_test = false;
    }

    pub(super) fn words_of(&mut self, lit: &TextLit) -> Option<SmolStr> {
        let text = lit.plain();
        if text.is_none() {
            self.report(
                Diagnostic::error("F1201", "a test names exact words", self.loc(lit.span))
                    .help("write the text as it is read; `\\{` is a brace"),
            );
        }
        text.map(SmolStr::new)
    }

    fn agent(&mut self, name: &Name, agents: &[SmolStr]) -> Option<SmolStr> {
        if agents.contains(&name.text) {
            return Some(name.text.clone());
        }
        let at = self.loc(name.span);
        let found = Diagnostic::error("F1201", format!("unknown agent `{}`", name.text), at);
        let mut found = super::suggest(found, &name.text, at, agents.iter().map(SmolStr::as_str));
        if found.help.is_none() {
            found = found.help(format!("write `given agent {} in TEAM` first", name.text));
        }
        self.report(found);
        None
    }

    fn test_step(
        &mut self,
        step: &ast::TestStepKind,
        agents: &mut Vec<SmolStr>,
    ) -> Option<TestStepKind> {
        use ast::TestStepKind as A;
        Some(match step {
            A::Error => return None,
            A::At(e) => match &e.kind {
                ast::ExprKind::DateTime(s) => {
                    TestStepKind::At(self.civil(constants::date_time(s), e.span)?)
                }
                ast::ExprKind::Date(s) => TestStepKind::At(
                    self.civil(constants::date(s).map(|d| d.at(0, 0, 0, 0)), e.span)?,
                ),
                ast::ExprKind::Error => return None,
                _ => return self.civil(None, e.span).map(TestStepKind::At),
            },
            A::GivenCustomer(fields) => {
                let mut out = Vec::new();
                for (name, e) in &fields.fields {
                    let Some(id) = self.customer_field(name) else {
                        continue;
                    };
                    let ty = self
                        .env
                        .customer
                        .get(id.index())
                        .map_or(Type::Error, |f| f.ty.clone());
                    if let Some(value) = self.datum(e, &ty) {
                        out.push((name.text.clone(), value));
                    }
                }
                TestStepKind::GivenCustomer(out)
            }
            A::GivenAgent {
                agent,
                teams,
                languages,
                skills,
                away,
            } => {
                agents.push(agent.text.clone());
                TestStepKind::GivenAgent {
                    agent: agent.text.clone(),
                    teams: teams
                        .iter()
                        .filter_map(|t| self.named(Kind::Team, t))
                        .map(TeamId)
                        .collect(),
                    languages: languages.iter().filter_map(|l| self.language(l)).collect(),
                    skills: skills.iter().map(|s| s.text.clone()).collect(),
                    away: *away,
                }
            }
            A::Given(what, value) => return self.given(what, value),
            A::Customer(lit) => TestStepKind::Customer(self.words_of(lit)?),
            A::Presses(lit) => {
                let label = self.words_of(lit)?;
                self.pressed.push((label.clone(), self.loc(lit.span)));
                TestStepKind::Presses(label)
            }
            A::SendsFile(lit) => TestStepKind::SendsFile(self.words_of(lit)?),
            A::Verifies(ok) => TestStepKind::Verifies(*ok),
            A::Leaves => TestStepKind::Leaves,
            A::Bot(lit) => TestStepKind::Bot(self.words_of(lit)?),
            A::BotMatches(re) => TestStepKind::BotMatches(self.pattern(&re.node, re.span)?),
            A::Wait(ms) => TestStepKind::Wait(ms.node),
            A::Mock(path, answer) => {
                let id = self.named(Kind::Webhook, path)?;
                TestStepKind::Mock(WebhookId(id), self.mock(id, answer, path.span)?)
            }
            A::ModelAnswers(lit, confidence) => {
                let sure = match confidence {
                    Some(e) => match self.value_as(e, &Type::Percent, "F1201")? {
                        Value::Percent(p) if (0.0..=1.0).contains(&p) => p,
                        Value::Percent(_) => {
                            self.report(
                                Diagnostic::error(
                                    "F1201",
                                    "a confidence lies between 0% and 100%",
                                    self.loc(e.span),
                                )
                                .labelled("no model answers so"),
                            );
                            return None;
                        }
                        _ => return None,
                    },
                    None => 0.95,
                };
                TestStepKind::ModelAnswers(self.words_of(lit)?, sure)
            }
            A::ModelCalls(path, args) => {
                let id = self.named(Kind::Webhook, path)?;
                let env = self.env;
                let signature = env.webhooks.get(id as usize)?;
                if args.len() != signature.params.len() {
                    self.arguments("webhook", signature, args, path.span);
                    return None;
                }
                let values: Option<Vec<Value>> = args
                    .iter()
                    .zip(&signature.params)
                    .map(|(a, p)| self.test_value(a, &p.ty))
                    .collect();
                TestStepKind::ModelCalls(WebhookId(id), values?)
            }
            A::ModelFails => TestStepKind::ModelFails,
            A::AgentAccepts(a) => TestStepKind::AgentAccepts(self.agent(a, agents)?),
            A::AgentDeclines(a) => TestStepKind::AgentDeclines(self.agent(a, agents)?),
            A::AgentSays(a, lit) => {
                TestStepKind::AgentSays(self.agent(a, agents)?, self.words_of(lit)?)
            }
            A::AgentResolves(a, lit) => {
                let agent = self.agent(a, agents)?;
                TestStepKind::AgentResolves(agent, lit.as_ref().and_then(|l| self.words_of(l)))
            }
            A::AgentReturns(a, lit) => {
                let agent = self.agent(a, agents)?;
                TestStepKind::AgentReturns(agent, lit.as_ref().and_then(|l| self.words_of(l)))
            }
            A::AgentPresence(a, here) => TestStepKind::AgentPresence(self.agent(a, agents)?, *here),
            A::Trigger(path, fields) => return self.test_trigger(path, fields),
            A::Expect(expectation) => TestStepKind::Expect(self.expectation(expectation, agents)?),
        })
    }

    fn civil(
        &mut self,
        parsed: Option<jiff::civil::DateTime>,
        span: Span,
    ) -> Option<jiff::civil::DateTime> {
        if parsed.is_none() {
            self.report(
                Diagnostic::error("F1201", "this is no moment", self.loc(span))
                    .help("write `at 2026-03-02 10:00`"),
            );
        }
        parsed
    }

    fn given(&mut self, what: &Name, value: &GivenValue) -> Option<TestStepKind> {
        match (what.text.as_str(), value) {
            ("slots", GivenValue::Fields(fields)) => {
                let mut out = Vec::new();
                for (name, e) in &fields.fields {
                    let Some(id) = self.named_word(Kind::Slot, name) else {
                        continue;
                    };
                    let ty = self
                        .env
                        .slots
                        .get(id as usize)
                        .map_or(Type::Error, |s| s.ty.clone());
                    if let Some(value) = self.datum(e, &ty) {
                        out.push((SlotId(id), value));
                    }
                }
                Some(TestStepKind::GivenSlots(out))
            }
            ("channel" | "language", GivenValue::Value(e)) => {
                let ast::ExprKind::Path(Path { segments, .. }) = &e.kind else {
                    self.wrong_given(what);
                    return None;
                };
                let name = segments.first()?;
                if what.text == "channel" {
                    self.channel_name(name).map(TestStepKind::GivenChannel)
                } else {
                    self.language(name).map(TestStepKind::GivenLanguage)
                }
            }
            (
                "page",
                GivenValue::Value(ast::Expr {
                    kind: ast::ExprKind::Text(lit),
                    ..
                }),
            ) => self.words_of(lit).map(TestStepKind::GivenPage),
            _ => {
                self.wrong_given(what);
                None
            }
        }
    }

    fn wrong_given(&mut self, what: &Name) {
        self.report(
            Diagnostic::error("F1201", format!("`given {}` is not known in this form", what.text), self.loc(what.span)).help(
                "write `given customer { .. }`, `given slots { .. }`, `given agent NAME in TEAM`, `given channel NAME`, `given language NAME` or `given page \"..\"`",
            ),
        );
    }

    fn expectation(&mut self, e: &ast::Expectation, agents: &[SmolStr]) -> Option<Expectation> {
        use ast::Expectation as A;
        Some(match e {
            A::Error => return None,
            A::Not(of) => Expectation::Not(Box::new(self.expectation(of, agents)?)),
            A::Escalated { by, to, priority } => {
                let rule = match by {
                    Some(path) => Some(self.rule_named(path)?),
                    None => None,
                };
                let to = match to {
                    Some(name) => Some(self.tier_named(name)?),
                    None => None,
                };
                let priority = match priority {
                    Some(name) => Some(self.priority(name)?),
                    None => None,
                };
                Expectation::Escalated {
                    by: rule,
                    to,
                    priority,
                }
            }
            A::Routed { team, priority } => {
                let id = self.named(Kind::Team, team)?;
                let priority = match priority {
                    Some(name) => Some(self.priority(name)?),
                    None => None,
                };
                Expectation::Routed {
                    team: TeamId(id),
                    priority,
                }
            }
            A::HandoffHas(paths) => {
                Expectation::HandoffHas(paths.iter().filter_map(|p| self.part(p)).collect())
            }
            A::Resolved => Expectation::Resolved,
            A::Unresolved => Expectation::Unresolved,
            A::Node(path) => Expectation::Node(NodeId(self.named(Kind::Node, path)?)),
            A::Slot(path, state) => {
                let (var, ty) = self.var(path)?;
                match state {
                    SlotState::Is(e) => Expectation::SlotIs {
                        var,
                        value: self.test_value(e, &ty)?,
                        negated: false,
                    },
                    SlotState::IsNot(e) => Expectation::SlotIs {
                        var,
                        value: self.test_value(e, &ty)?,
                        negated: true,
                    },
                    SlotState::Known => Expectation::SlotKnown { var, known: true },
                    SlotState::Unknown => Expectation::SlotKnown { var, known: false },
                }
            }
            A::Tier(name) => Expectation::Tier(self.tier_named(name)?),
            A::Said(lit) => Expectation::Said(self.words_of(lit)?),
            A::SaidMatches(re) => Expectation::SaidMatches(self.pattern(&re.node, re.span)?),
            A::Ticket => Expectation::Ticket,
            A::Callback => Expectation::Callback,
            A::Waiting(position) => Expectation::Waiting(position.as_ref().map(|p| p.node)),
            A::Connected(name) => Expectation::Connected(self.agent(name, agents)?),
            A::Called(path) => Expectation::Called(WebhookId(self.named(Kind::Webhook, path)?)),
            A::Condition(cond) => Expectation::Condition(self.cond(cond)),
        })
    }

    /// A rule, the built-in ones included.
    fn rule_named(&mut self, path: &Path) -> Option<RuleId> {
        if let [one] = path.segments.as_slice()
            && self.env.lookup(self.scope, Kind::Rule, &one.text).is_none()
            && let Some(at) = self.out.rules.iter().position(|r| r.name == one.text)
        {
            return Some(RuleId(super::index(at)));
        }
        self.named(Kind::Rule, path).map(RuleId)
    }

    fn part(&mut self, path: &Path) -> Option<HandoffPart> {
        if let [one] = path.segments.as_slice()
            && self.env.lookup(self.scope, Kind::Slot, &one.text).is_none()
        {
            if PARTS.contains(&one.text.as_str()) {
                return Some(HandoffPart::Part(one.text.clone()));
            }
            let at = self.loc(one.span);
            if !self.env.poisoned.contains(&one.text) {
                let slots = self.env.slots.iter().map(|s| s.name.as_str());
                let names: Vec<&str> = PARTS.into_iter().chain(slots).collect();
                let found = super::suggest(
                    Diagnostic::error("F1201", format!("the card has no `{}`", one.text), at),
                    &one.text,
                    at,
                    names,
                );
                self.report(found);
            }
            return None;
        }
        self.var(path)
            .map(|(v, _): (Var, Type)| HandoffPart::Var(v))
    }
}
