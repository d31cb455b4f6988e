//! `flowc run`: talk to a bot in the terminal, as the customer or as a person who takes over.

use crate::args::RunArgs;
use crate::output::{paint, print, say};
use crate::project;
use flow_compiler::machine::Machine;
use flow_compiler::value::{Type, Value};
use flow_engine::card::Card;
use flow_engine::decision::Decision;
use flow_engine::desk::AgentSpec;
use flow_engine::effect::Speaker;
use flow_engine::event::Visitor;
use flow_engine::view::Stage;
use flow_simulator::{Model, World, WorldError};
use owo_colors::Style;
use smol_str::SmolStr;
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

/// The person one can speak as: of every team, at the desk from the start.
const AGENT: &str = "agent";

pub(crate) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let Some((_, program)) = project::program(&args.folder)? else {
        return Ok(ExitCode::FAILURE);
    };
    let mut world = World::new(program, jiff::Timestamp::now(), Model::Extractive);
    let machine = world.program().engine.machine().clone();
    let channel = match &args.channel {
        Some(channel) if machine.bot.channels.iter().any(|c| c == channel) => SmolStr::new(channel),
        Some(channel) => anyhow::bail!(
            "the bot has no channel `{channel}`; it has {}",
            machine.bot.channels.join(", ")
        ),
        None => machine
            .bot
            .channels
            .first()
            .cloned()
            .unwrap_or_else(|| "web".into()),
    };
    let mut talk = Talk {
        shown: 0,
        logged: 0,
        as_agent: false,
    };
    let teams = machine.teams.iter().map(|t| t.name.clone()).collect();
    tell(world.add_agent(
        AgentSpec {
            id: AGENT.into(),
            name: "Agent".into(),
            teams,
            languages: vec![],
            skills: vec![],
            capacity: None,
        },
        true,
    ));
    say!(
        "{} - /why /state /card /wait 6m /as agent /mock NAME VALUE /quit",
        paint(&machine.bot.title, Style::new().bold())
    );
    tell(world.open(
        channel,
        args.language.as_deref().map(SmolStr::new),
        None,
        Visitor::default(),
    ));
    talk.show(&world);
    let stdin = std::io::stdin();
    let prompt = stdin.is_terminal();
    let mut line = String::new();
    loop {
        if prompt {
            print(if talk.as_agent { "agent> " } else { "you> " });
            std::io::stdout().flush()?;
        }
        line.clear();
        if stdin.lock().read_line(&mut line)? == 0 {
            break;
        }
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        if text == "/quit" || text == "/q" {
            break;
        }
        if let Some(command) = text.strip_prefix('/') {
            talk.command(&mut world, &machine, command);
        } else if talk.as_agent {
            tell(world.agent_says(AGENT, text));
        } else {
            tell(world.customer_says(text));
        }
        talk.show(&world);
    }
    Ok(ExitCode::SUCCESS)
}

struct Talk {
    shown: usize,
    logged: usize,
    as_agent: bool,
}

impl Talk {
    fn command(&mut self, world: &mut World, machine: &Machine, command: &str) {
        let (word, rest) = command
            .split_once(' ')
            .map_or((command, ""), |(w, r)| (w, r.trim()));
        match word {
            "why" => print(&why(world)),
            "state" => print(&state(world)),
            "card" => match world.program().engine.card(
                world.conversation(),
                &world.history,
                &world.program().hooks,
            ) {
                Some(card) => print(&card_text(&card)),
                None => say!("nothing was handed over yet"),
            },
            "wait" => match duration(rest) {
                Some(millis) => tell(world.wait(millis)),
                None => say!("say how long: /wait 90s, /wait 6m, /wait 2h, /wait 1d"),
            },
            "press" => tell(world.press(rest)),
            "file" => tell(world.send_file(if rest.is_empty() { "photo.jpg" } else { rest })),
            "verify" => tell(world.verify(rest != "fails")),
            "as" => {
                self.as_agent = rest == "agent";
                say!(
                    "you speak as the {}",
                    if self.as_agent {
                        "agent: /accept, then write; /resolve TEXT, /return TEXT, /card"
                    } else {
                        "customer"
                    }
                );
            }
            "accept" => tell(world.accept(AGENT)),
            "decline" => tell(world.decline(AGENT)),
            "resolve" => {
                tell(world.agent_resolves(AGENT, (!rest.is_empty()).then(|| rest.to_owned())))
            }
            "return" => {
                tell(world.agent_returns(AGENT, (!rest.is_empty()).then(|| rest.to_owned())))
            }
            "away" => tell(world.presence(AGENT, false)),
            "back" => tell(world.presence(AGENT, true)),
            "mock" => mock(world, machine, rest),
            _ => say!(
                "there is no `/{word}`; there are /why /state /card /wait /press /file /verify /as /accept /decline /resolve /return /away /back /mock /quit"
            ),
        }
    }

    /// Prints what is new.
    fn show(&mut self, world: &World) {
        for message in world.said.iter().skip(self.shown) {
            let (who, style) = match &message.from {
                Speaker::Bot => ("bot".to_owned(), Style::new().cyan()),
                Speaker::Model => ("ai".to_owned(), Style::new().magenta()),
                Speaker::Agent(agent) => (agent.name.to_string(), Style::new().green()),
            };
            say!("{} {}", paint(&format!("{who}:"), style), message.text);
            for attachment in &message.attachments {
                say!(
                    "     {}",
                    serde_json::to_string(attachment).unwrap_or_default()
                );
            }
            for citation in &message.citations {
                say!(
                    "     {}",
                    paint(
                        &format!("[{}: {}]", citation.source, citation.title),
                        Style::new().dimmed()
                    )
                );
            }
            for (i, button) in message.buttons.iter().enumerate() {
                say!(
                    "     {}",
                    paint(
                        &format!("{}. {}", i + 1, button.label),
                        Style::new().dimmed()
                    )
                );
            }
        }
        self.shown = world.said.len();
        for remark in world.remarks.iter().skip(self.logged) {
            say!("{}", paint(&format!("({remark})"), Style::new().dimmed()));
        }
        self.logged = world.remarks.len();
        let view = world.view();
        if matches!(view.stage, Stage::Offered) && !self.as_agent {
            say!(
                "{}",
                paint(
                    "(offered to the agent: /as agent, /accept)",
                    Style::new().dimmed()
                )
            );
        }
    }
}

fn tell(outcome: Result<(), WorldError>) {
    if let Err(error) = outcome {
        say!("{}", paint(&format!("({error})"), Style::new().yellow()));
    }
}

/// `90s`, `6m`, `2h`, `1d` in milliseconds.
fn duration(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let millis = match unit {
        's' => 1_000.0,
        'm' => 60_000.0,
        'h' => 3_600_000.0,
        'd' => 86_400_000.0,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded to ten years above"
    )]
    (0.0..=315_360_000.0)
        .contains(&(number * millis / 1000.0))
        .then_some((number * millis) as i64)
}

fn mock(world: &mut World, machine: &Machine, rest: &str) {
    let (name, value) = rest.split_once(' ').unwrap_or((rest, "ok"));
    let Some(webhook) = machine.webhooks.iter().find(|w| w.name == name) else {
        let names: Vec<&str> = machine.webhooks.iter().map(|w| w.name.as_str()).collect();
        say!(
            "there is no webhook `{name}`; there are {}",
            names.join(", ")
        );
        return;
    };
    let answer = match value.trim() {
        "ok" => Ok(Value::Unknown),
        "fails" => Err("the mock fails".to_owned()),
        json => {
            let parsed = serde_json::from_str::<serde_json::Value>(json).map_err(|e| e.to_string());
            let ty = webhook
                .returns
                .as_ref()
                .map_or(Type::Text, |(ty, _)| ty.clone());
            match parsed.and_then(|json| flow_engine::json::from_json(machine, &ty, &json)) {
                Ok(value) => Ok(value),
                Err(why) => {
                    say!("that is no answer of `{name}`: {why}");
                    return;
                }
            }
        }
    };
    world.mocks.insert(webhook.name.clone(), answer);
}

fn why(world: &World) -> String {
    let Some(turn) = world
        .history
        .iter()
        .rev()
        .find(|r| r.decision != Decision::default())
    else {
        return "nothing happened yet\n".to_owned();
    };
    explain(&turn.decision)
}

/// A decision in words, each with its place.
pub(crate) fn explain(decision: &Decision) -> String {
    let mut out = String::new();
    if let Some(by) = &decision.taken_by {
        out.push_str(&format!("taken by: {by}\n"));
    }
    if let Some(confidence) = decision.confidence {
        out.push_str(&format!("confidence: {:.0}%\n", confidence * 100.0));
    }
    for rule in &decision.rules {
        let reads: Vec<String> = rule
            .reads
            .iter()
            .map(|r| format!("{} = {}", r.name, value(&r.value)))
            .collect();
        let held = rule
            .held_back
            .as_ref()
            .map_or_else(String::new, |h| format!(" but {h}"));
        out.push_str(&format!(
            "rule {} {}{held}  [{}]  {}\n",
            rule.rule,
            if rule.fired { "FIRED" } else { "no" },
            reads.join(", "),
            rule.at
        ));
    }
    if let Some(band) = &decision.band {
        out.push_str(&format!("band: {band}\n"));
    }
    if let Some(e) = &decision.escalation {
        out.push_str(&format!(
            "escalated from {} to {} priority {}: {}  {}\n",
            e.from,
            e.to,
            e.priority,
            e.reasons.join("; "),
            e.at
        ));
    }
    if let Some(row) = &decision.row {
        let reads: Vec<String> = row
            .reads
            .iter()
            .map(|r| format!("{} = {}", r.name, value(&r.value)))
            .collect();
        out.push_str(&format!(
            "row {}: team {} priority {}  [{}]  {}\n",
            row.row,
            row.team,
            row.priority,
            reads.join(", "),
            row.at
        ));
    }
    for step in &decision.steps {
        out.push_str(&format!("step {}  {}\n", step.what, step.at));
    }
    for remark in &decision.remarks {
        out.push_str(&format!("remark: {remark}\n"));
    }
    if out.is_empty() {
        out.push_str("nothing was decided\n");
    }
    out
}

fn state(world: &World) -> String {
    let view = world.view();
    let mut out = format!(
        "tier {}, {}",
        view.tier,
        format!("{:?}", view.stage).to_lowercase()
    );
    if let Some(node) = &view.node {
        out.push_str(&format!(", node {node}"));
    }
    if let Some(place) = &view.place {
        out.push_str(&format!(", waits at {place}"));
    }
    out.push_str(&format!(
        ", language {}, mood {:.0}%, time {}\n",
        view.language,
        view.mood * 100.0,
        world.now()
    ));
    for slot in &world.machine().slots {
        if let Some(v) = world
            .conversation()
            .slot(&slot.name)
            .filter(|v| v.is_known())
        {
            out.push_str(&format!("{} = {}\n", slot.name, value(v)));
        }
    }
    for field in &world.machine().customer {
        if let Some(v) = world
            .conversation()
            .customer(&field.name)
            .filter(|v| v.is_known())
        {
            out.push_str(&format!("customer.{} = {}\n", field.name, value(v)));
        }
    }
    out
}

fn card_text(card: &Card) -> String {
    let mut out = format!("{}\n", paint(&card.summary, Style::new().bold()));
    out.push_str(&format!(
        "mood {} ({:.0}%), {}, {}, priority {}\n",
        card.mood_word,
        card.mood * 100.0,
        card.language,
        card.channel,
        card.priority
    ));
    for reason in &card.reasons {
        out.push_str(&format!("why: {reason}\n"));
    }
    for rule in &card.rules {
        out.push_str(&format!("rule {}  {}\n", rule.rule, rule.place));
    }
    for fact in card.profile.iter().chain(&card.slots) {
        out.push_str(&format!(
            "{}: {}{}\n",
            fact.label,
            fact.text,
            if fact.proven { "" } else { " (unproven)" }
        ));
    }
    for missing in &card.missing {
        out.push_str(&format!("missing: {missing}\n"));
    }
    for attempt in &card.attempts {
        out.push_str(&format!("tried: {} - {}\n", attempt.text, attempt.outcome));
    }
    for suggestion in &card.suggestions {
        out.push_str(&format!("next: {suggestion}\n"));
    }
    out
}

fn value(value: &Value) -> String {
    match value {
        Value::Unknown => "unknown".to_owned(),
        Value::Text(t) | Value::Enum(t) => t.to_string(),
        Value::Percent(p) => format!("{:.0}%", p * 100.0),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Money(m) => format!("{} {}", m.amount, m.currency),
        Value::Duration(ms) => format!("{} s", ms / 1000),
        other => serde_json::to_value(other)
            .ok()
            .and_then(|v| v.get("v").map(ToString::to_string))
            .unwrap_or_default(),
    }
}
