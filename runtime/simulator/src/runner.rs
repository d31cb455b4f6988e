//! Runs the tests of a bot: virtual time, mocks, agents, assertions.

use crate::coverage::Coverage;
use crate::world::{Model, World, WorldError};
use crate::{Program, expect};
use flow_compiler::machine::{MockAnswer, TestCase, TestStep, TestStepKind};
use flow_compiler::value::Value;
use flow_engine::desk::AgentSpec;
use flow_engine::event::Visitor;
use flow_grammar::Loc;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a test's clock stands unless it says `at`: a Monday morning.
const USUAL_START: jiff::civil::DateTime = jiff::civil::datetime(2026, 3, 2, 10, 0, 0, 0);

/// The first thing that went otherwise than a test says.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The line of the test.
    pub at: Loc,
    /// What was expected and what was found.
    pub message: String,
    /// What the bot said so far, newest last, for whoever reads it.
    pub said: Vec<String>,
    /// Why the last turns went as they went, newest last.
    pub why: Vec<flow_engine::decision::Decision>,
}

/// The outcome of a test.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// What it shows.
    pub title: SmolStr,
    /// Where it is declared.
    pub at: Loc,
    /// Absent: it passed.
    pub failure: Option<Failure>,
    /// What it exercised.
    pub coverage: Coverage,
}

/// Runs the tests whose title contains `filter` (all of them if it is empty), several at a time; results in the order of the sources.
#[must_use]
pub fn run_tests(program: &Arc<Program>, filter: &str) -> Vec<TestResult> {
    let machine = Arc::clone(program.engine.machine());
    machine
        .tests
        .par_iter()
        .filter(|t| t.title.to_lowercase().contains(&filter.to_lowercase()))
        .map(|test| run_test(program, test))
        .collect()
}

/// Runs one test.
#[must_use]
pub fn run_test(program: &Arc<Program>, test: &TestCase) -> TestResult {
    let mut run = Run::new(program, test);
    let failure = run.all().err();
    let coverage = Coverage::of(run.world.machine(), &run.world.history);
    TestResult {
        title: test.title.clone(),
        at: test.loc,
        failure,
        coverage,
    }
}

struct Run<'a> {
    world: World,
    steps: &'a [TestStep],
    zone: TimeZone,
    channel: Option<SmolStr>,
    language: Option<SmolStr>,
    page: Option<SmolStr>,
    visitor: Visitor,
    /// The bot's messages before this one were asserted on, or belong to an earlier turn.
    heard: usize,
}

impl<'a> Run<'a> {
    fn new(program: &Arc<Program>, test: &'a TestCase) -> Self {
        let zone = TimeZone::get(&program.machine().bot.timezone).unwrap_or(TimeZone::UTC);
        let start = zone
            .to_ambiguous_timestamp(USUAL_START)
            .compatible()
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            world: World::new(Arc::clone(program), start, Model::Scripted),
            steps: &test.steps,
            zone,
            channel: None,
            language: None,
            page: None,
            visitor: Visitor::default(),
            heard: 0,
        }
    }

    fn all(&mut self) -> Result<(), Failure> {
        for (index, step) in self.steps.iter().enumerate() {
            self.one(index, step).map_err(|message| Failure {
                at: step.loc,
                message,
                said: self
                    .world
                    .said
                    .iter()
                    .rev()
                    .take(6)
                    .rev()
                    .map(|m| m.text.clone())
                    .collect(),
                why: self
                    .world
                    .history
                    .iter()
                    .rev()
                    .map(|r| r.decision.clone())
                    .filter(|d| *d != Default::default())
                    .take(3)
                    .collect(),
            })?;
        }
        Ok(())
    }

    fn one(&mut self, index: usize, step: &TestStep) -> Result<(), String> {
        use TestStepKind as K;
        let world_error = |e: WorldError| e.to_string();
        match &step.kind {
            K::At(time) => {
                let at = self
                    .zone
                    .to_ambiguous_timestamp(*time)
                    .compatible()
                    .map_err(|e| e.to_string())?;
                if self.world.is_open() {
                    let millis = at.as_millisecond() - self.world.now().as_millisecond();
                    if millis < 0 {
                        return Err("time does not run backwards: this `at` lies before what already happened".to_owned());
                    }
                    return self.world.wait(millis).map_err(world_error);
                }
                self.world.set_now(at);
                return Ok(());
            }
            K::GivenCustomer(fields) => {
                self.visitor.proven.extend(fields.iter().cloned());
                return Ok(());
            }
            K::GivenSlots(slots) => {
                let named: Vec<(SmolStr, Value)> = slots
                    .iter()
                    .filter_map(|(id, v)| {
                        Some((self.world.machine().slot(*id)?.name.clone(), v.clone()))
                    })
                    .collect();
                self.world.preset_slots(named);
                return Ok(());
            }
            K::GivenAgent {
                agent,
                teams,
                languages,
                skills,
                away,
            } => {
                let teams = teams
                    .iter()
                    .filter_map(|t| Some(self.world.machine().team(*t)?.name.clone()))
                    .collect();
                let mut chars = agent.chars();
                let name: SmolStr = chars
                    .next()
                    .map(|c| c.to_uppercase().chain(chars).collect::<String>())
                    .unwrap_or_default()
                    .into();
                let spec = AgentSpec {
                    id: agent.clone(),
                    name,
                    teams,
                    languages: languages.clone(),
                    skills: skills.clone(),
                    capacity: None,
                };
                return self.world.add_agent(spec, !away).map_err(world_error);
            }
            K::GivenChannel(channel) => {
                self.channel = Some(channel.clone());
                return Ok(());
            }
            K::GivenLanguage(language) => {
                self.language = Some(language.clone());
                return Ok(());
            }
            K::GivenPage(page) => {
                self.page = Some(page.clone());
                return Ok(());
            }
            K::Mock(webhook, answer) => {
                let name = self
                    .world
                    .machine()
                    .webhook(*webhook)
                    .map(|w| w.name.clone())
                    .unwrap_or_default();
                let answer = match answer {
                    MockAnswer::Returns(value) => Ok(value.clone()),
                    MockAnswer::Ok => Ok(Value::Unknown),
                    MockAnswer::Fails => Err("the mock fails".to_owned()),
                };
                self.world.mocks.insert(name, answer);
                return Ok(());
            }
            _ => {}
        }
        self.open().map_err(world_error)?;
        self.answer_if_nobody_else_will(index)
            .map_err(world_error)?;
        let before = self.world.said.len();
        match &step.kind {
            K::Bot(text) => {
                return self.heard_where(|m| m.trim() == text.trim(), &format!("`{text}`"));
            }
            K::BotMatches(pattern) => {
                return self.heard_where(
                    |m| pattern.regex.is_match(m),
                    &format!("something that matches /{}/", pattern.source),
                );
            }
            K::Expect(expectation) => return expect::check(&self.world, expectation),
            K::Customer(text) => self.world.customer_says(text),
            K::Presses(label) => self.world.press(label),
            K::SendsFile(name) => self.world.send_file(name),
            K::Verifies(ok) => self.world.verify(*ok),
            K::Leaves => self.world.leave(),
            K::Wait(millis) => self.world.wait(*millis),
            K::ModelAnswers(text, confidence) => self.world.model_answers(text, *confidence),
            K::ModelCalls(webhook, args) => {
                let machine = Arc::clone(self.world.program().engine.machine());
                let Some(webhook) = machine.webhook(*webhook) else {
                    return Ok(());
                };
                let args: BTreeMap<SmolStr, Value> = webhook
                    .params
                    .iter()
                    .zip(args)
                    .map(|(p, v)| (p.name.clone(), v.clone()))
                    .collect();
                self.world.model_calls(webhook.name.clone(), args)
            }
            K::ModelFails => self.world.model_fails(),
            K::AgentAccepts(agent) => self.world.accept(agent),
            K::AgentDeclines(agent) => self.world.decline(agent),
            K::AgentSays(agent, text) => self.world.agent_says(agent, text),
            K::AgentResolves(agent, summary) => self
                .world
                .agent_resolves(agent, summary.as_ref().map(ToString::to_string)),
            K::AgentReturns(agent, reason) => self
                .world
                .agent_returns(agent, reason.as_ref().map(ToString::to_string)),
            K::AgentPresence(agent, present) => self.world.presence(agent, *present),
            K::Trigger(index, payload) => {
                let name = self
                    .world
                    .machine()
                    .triggers
                    .get(*index as usize)
                    .map(|t| t.name.clone())
                    .unwrap_or_default();
                self.world.trigger(name, payload.iter().cloned().collect())
            }
            K::At(_)
            | K::GivenCustomer(_)
            | K::GivenSlots(_)
            | K::GivenAgent { .. }
            | K::GivenChannel(_)
            | K::GivenLanguage(_)
            | K::GivenPage(_)
            | K::Mock(..) => Ok(()),
        }
        .map_err(world_error)?;
        if matches!(
            step.kind,
            K::Customer(_) | K::Presses(_) | K::SendsFile(_) | K::Verifies(_)
        ) {
            self.heard = before;
        }
        Ok(())
    }

    /// The conversation opens before the first event of a test.
    fn open(&mut self) -> Result<(), WorldError> {
        if self.world.is_open() {
            return Ok(());
        }
        // What a test gives is the profile, unless it also says what its webhook answers.
        let machine = self.world.machine();
        let asks = machine
            .profile
            .as_ref()
            .and_then(|profile| machine.webhook(profile.webhook))
            .is_some_and(|webhook| self.world.mocks.contains_key(&webhook.name));
        if !self.visitor.proven.is_empty() && !asks {
            self.world.preset_profile();
        }
        let channel = self
            .channel
            .clone()
            .or_else(|| self.world.machine().bot.channels.first().cloned())
            .unwrap_or_else(|| "web".into());
        self.world.open(
            channel,
            self.language.clone(),
            self.page.clone(),
            self.visitor.clone(),
        )
    }

    /// A tier without a provider answers by itself, unless the test speaks for the model before the next thing happens.
    fn answer_if_nobody_else_will(&mut self, index: usize) -> Result<(), WorldError> {
        use TestStepKind as K;
        let Some(request) = &self.world.asked else {
            return Ok(());
        };
        // Without a provider and without knowledge there is nothing that could answer.
        if request.model.is_some() || request.knowledge.is_empty() {
            return Ok(());
        }
        let spoken_for = self
            .steps
            .iter()
            .skip(index)
            .take_while(|s| {
                matches!(
                    s.kind,
                    K::Expect(_)
                        | K::Bot(_)
                        | K::BotMatches(_)
                        | K::Mock(..)
                        | K::Customer(_)
                        | K::ModelAnswers(..)
                        | K::ModelCalls(..)
                        | K::ModelFails
                )
            })
            .any(|s| {
                matches!(
                    s.kind,
                    K::ModelAnswers(..) | K::ModelCalls(..) | K::ModelFails
                )
            });
        if spoken_for {
            Ok(())
        } else {
            self.world.answer_from_knowledge()
        }
    }

    /// Looks for the next message that fits, after those that were asserted on.
    fn heard_where(&mut self, fits: impl Fn(&str) -> bool, wanted: &str) -> Result<(), String> {
        let new = self.world.said.get(self.heard..).unwrap_or_default();
        if let Some(found) = new.iter().position(|m| fits(&m.text)) {
            self.heard += found + 1;
            return Ok(());
        }
        let said: Vec<String> = new.iter().map(|m| format!("`{}`", m.text)).collect();
        let mut message = match said.as_slice() {
            [] => format!("expected the bot to say {wanted}; it said nothing"),
            some => format!(
                "expected the bot to say {wanted}; it said {}",
                some.join(", ")
            ),
        };
        if let Some(request) = &self.world.asked {
            message.push_str(&format!(
                "; tier `{}` was asked \"{}\" and the test does not say what the model answers",
                request.tier, request.question
            ));
        }
        Err(message)
    }
}
