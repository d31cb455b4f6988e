//! Assertions of tests.

mod words;

use self::words::{describe, field_name, or_none, part_name, show, var_name};
use crate::world::World;
use flow_compiler::machine::{Expectation, HandoffPart, Machine, Var};
use flow_compiler::value::Value;
use flow_engine::card::Card;
use flow_engine::decision::EscalationTrace;
use flow_engine::view::Stage;

/// Checks an assertion.
///
/// # Errors
/// What was expected and what was found, in words.
pub(crate) fn check(world: &World, expectation: &Expectation) -> Result<(), String> {
    use Expectation as E;
    let machine = world.machine();
    let view = world.view();
    match expectation {
        E::Not(inner) => match check(world, inner) {
            Ok(()) => Err(format!(
                "expected not {}, but it is so{}",
                describe(machine, inner),
                because(world)
            )),
            Err(_) => Ok(()),
        },
        E::Escalated { by, to, priority } => {
            let all = escalations(world);
            let fits = |e: &&EscalationTrace| {
                by.and_then(|id| machine.rule(id))
                    .is_none_or(|r| e.rule.as_ref() == Some(&r.name))
                    && to
                        .and_then(|id| machine.tier(id))
                        .is_none_or(|t| e.to == t.name)
                    && priority.is_none_or(|p| e.priority == p.as_str())
            };
            if all.iter().any(fits) {
                return Ok(());
            }
            let found: Vec<String> = all
                .iter()
                .map(|e| {
                    format!(
                        "{} to `{}` priority {} ({})",
                        e.rule
                            .as_ref()
                            .map_or_else(|| "by a step".to_owned(), |r| format!("by `{r}`")),
                        e.to,
                        e.priority,
                        e.at
                    )
                })
                .collect();
            let looked: Vec<String> = last_rules(world);
            Err(format!(
                "expected {}; {}{}",
                describe(machine, expectation),
                if found.is_empty() {
                    "nothing escalated".to_owned()
                } else {
                    format!("found: {}", found.join("; "))
                },
                if found.is_empty() && !looked.is_empty() {
                    format!("; rules looked at last: {}", looked.join("; "))
                } else {
                    String::new()
                }
            ))
        }
        E::Routed { team, priority } => {
            let wanted = machine
                .team(*team)
                .map(|t| t.name.clone())
                .unwrap_or_default();
            let row = world
                .history
                .iter()
                .rev()
                .find_map(|r| r.decision.row.as_ref());
            let routed = view.team.clone().or_else(|| row.map(|r| r.team.clone()));
            let Some(routed) = routed else {
                return Err(format!(
                    "expected {}; it was not routed{}",
                    describe(machine, expectation),
                    because(world)
                ));
            };
            let had = if view.team.is_some() {
                view.priority.as_str().into()
            } else {
                row.map(|r| r.priority.clone()).unwrap_or_default()
            };
            let row_text =
                row.map_or_else(String::new, |r| format!(" by row {} ({})", r.row, r.at));
            if routed != wanted {
                return Err(format!(
                    "expected routed to `{wanted}`; it went to `{routed}`{row_text}"
                ));
            }
            match priority {
                Some(p) if had != p.as_str() => Err(format!(
                    "expected priority {}; it has {had}{row_text}",
                    p.as_str()
                )),
                _ => Ok(()),
            }
        }
        E::HandoffHas(parts) => {
            let card = world
                .program()
                .engine
                .card(world.conversation(), &world.history, &world.program().hooks)
                .ok_or_else(|| format!("nothing was handed over{}", because(world)))?;
            let missing: Vec<String> = parts
                .iter()
                .filter(|p| !card_has(machine, &card, p))
                .map(|p| format!("`{}`", part_name(machine, p)))
                .collect();
            if missing.is_empty() {
                Ok(())
            } else {
                Err(format!("the handoff lacks {}", missing.join(", ")))
            }
        }
        E::Resolved => match view.resolved {
            Some(true) => Ok(()),
            Some(false) => Err("expected resolved; it ended unresolved".to_owned()),
            None => Err(format!(
                "expected resolved; it is still open{}",
                because(world)
            )),
        },
        E::Unresolved => match view.resolved {
            Some(false) => Ok(()),
            Some(true) => Err("expected unresolved; it is resolved".to_owned()),
            None => Err(format!(
                "expected unresolved; it is still open{}",
                because(world)
            )),
        },
        E::Node(id) => {
            let wanted = machine
                .node(*id)
                .map(|n| n.name.clone())
                .unwrap_or_default();
            if view.node.as_ref() == Some(&wanted) {
                Ok(())
            } else {
                Err(format!(
                    "expected node `{wanted}`; found {}",
                    or_none(view.node.as_deref())
                ))
            }
        }
        E::SlotIs {
            var,
            value,
            negated,
        } => {
            let found = read(world, *var);
            if same(&found, value) == *negated {
                return Err(format!(
                    "expected `{}` {} {}; it is {}",
                    var_name(machine, *var),
                    if *negated { "is not" } else { "is" },
                    show(value),
                    show(&found)
                ));
            }
            Ok(())
        }
        E::SlotKnown { var, known } => {
            let found = read(world, *var);
            if found.is_known() == *known {
                Ok(())
            } else {
                Err(format!(
                    "expected `{}` to be {}; it is {}",
                    var_name(machine, *var),
                    if *known { "known" } else { "unknown" },
                    show(&found)
                ))
            }
        }
        E::Tier(id) => {
            let wanted = machine
                .tier(*id)
                .map(|t| t.name.clone())
                .unwrap_or_default();
            if view.tier == wanted {
                Ok(())
            } else {
                Err(format!(
                    "expected tier `{wanted}`; found `{}`{}",
                    view.tier,
                    because(world)
                ))
            }
        }
        E::Said(text) => {
            if world.said.iter().any(|m| m.text.contains(text.as_str())) {
                Ok(())
            } else {
                Err(format!(
                    "expected that \"{text}\" was said; said last: {}",
                    said_last(world)
                ))
            }
        }
        E::SaidMatches(pattern) => {
            if world.said.iter().any(|m| pattern.regex.is_match(&m.text)) {
                Ok(())
            } else {
                Err(format!(
                    "expected something said that matches /{}/; said last: {}",
                    pattern.source,
                    said_last(world)
                ))
            }
        }
        E::Ticket => follow_up(world, "ticket"),
        E::Callback => follow_up(world, "callback"),
        E::Waiting(position) => {
            if !matches!(view.stage, Stage::Queued | Stage::Offered) {
                return Err(
                    format!("expected waiting; the conversation is {:?}", view.stage)
                        .to_lowercase(),
                );
            }
            match position {
                Some(p) if view.position != Some(*p) => Err(format!(
                    "expected position {p}; it has {}",
                    view.position
                        .map_or_else(|| "none".to_owned(), |n| n.to_string())
                )),
                _ => Ok(()),
            }
        }
        E::Connected(agent) => match (&view.stage, &view.agent) {
            (Stage::WithAgent, Some(a)) if a.id == *agent => Ok(()),
            (stage, found) => Err(format!(
                "expected agent `{agent}` connected; it is {stage:?}, agent {}",
                or_none(found.as_ref().map(|a| a.id.as_str()))
            )
            .to_lowercase()),
        },
        E::Called(id) => {
            let wanted = machine
                .webhook(*id)
                .map(|w| w.name.clone())
                .unwrap_or_default();
            if world.called.contains(&wanted) {
                Ok(())
            } else {
                Err(format!("expected that `{wanted}` was called; it was not"))
            }
        }
        E::Condition(cond) => {
            let held = world.program().engine.eval_condition(
                world.conversation(),
                cond,
                world.now(),
                &world.program().hooks,
            );
            if held == Some(true) {
                return Ok(());
            }
            let source = machine.sources.snippet(cond.loc);
            let word = if held.is_none() { "unknown" } else { "false" };
            Err(format!(
                "expected `{source}`; it is {word}{}",
                signals_now(world)
            ))
        }
    }
}

fn escalations(world: &World) -> Vec<&EscalationTrace> {
    world
        .history
        .iter()
        .filter_map(|r| r.decision.escalation.as_ref())
        .collect()
}

/// The rules of the last turn that had some, with what they read.
fn last_rules(world: &World) -> Vec<String> {
    let Some(turn) = world
        .history
        .iter()
        .rev()
        .find(|r| !r.decision.rules.is_empty())
    else {
        return Vec::new();
    };
    turn.decision
        .rules
        .iter()
        .map(|r| {
            let reads: Vec<String> = r
                .reads
                .iter()
                .map(|x| format!("{} = {}", x.name, show(&x.value)))
                .collect();
            let held = r
                .held_back
                .as_ref()
                .map_or_else(String::new, |h| format!(", held back: {h}"));
            format!(
                "`{}` {} ({}{held})",
                r.rule,
                if r.fired { "fired" } else { "did not fire" },
                reads.join(", ")
            )
        })
        .collect()
}

fn because(world: &World) -> String {
    match escalations(world).last() {
        Some(e) => format!(
            " (escalated by {} at {})",
            e.rule.as_ref().map_or("a step", |r| r.as_str()),
            e.at
        ),
        None => String::new(),
    }
}

fn signals_now(world: &World) -> String {
    let confidence = world
        .history
        .iter()
        .rev()
        .find_map(|r| r.decision.confidence);
    let last = world
        .history
        .iter()
        .rev()
        .find_map(|r| match &r.event.kind {
            flow_engine::event::EventKind::Message { signals, .. } => Some(signals),
            _ => None,
        });
    let Some(s) = last else { return String::new() };
    let intents: Vec<String> = s
        .intents
        .iter()
        .take(2)
        .map(|g| format!("{} {:.0}%", g.name, g.probability * 100.0))
        .collect();
    format!(
        "; the last message: intents [{}], sentiment {:.0}%, language {}{}",
        intents.join(", "),
        s.sentiment * 100.0,
        s.language,
        confidence.map_or_else(String::new, |c| format!(", confidence {:.0}%", c * 100.0))
    )
}

fn follow_up(world: &World, kind: &str) -> Result<(), String> {
    if world.follow_ups.iter().any(|f| f.kind == kind) {
        Ok(())
    } else {
        Err(format!("expected a {kind}; there is none"))
    }
}

fn said_last(world: &World) -> String {
    let last: Vec<String> = world
        .said
        .iter()
        .rev()
        .take(4)
        .rev()
        .map(|m| format!("\"{}\"", m.text))
        .collect();
    if last.is_empty() {
        "nothing".to_owned()
    } else {
        last.join(", ")
    }
}

fn read(world: &World, var: Var) -> Value {
    world.program().engine.value(
        world.conversation(),
        var,
        world.now(),
        &world.program().hooks,
    )
}

/// Equal as the author means it: numbers and texts by value, whatever they are wrapped in.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Text(a) | Value::Enum(a), Value::Text(b) | Value::Enum(b)) => a == b,
        (Value::Number(a), Value::Number(b)) | (Value::Percent(a), Value::Percent(b)) => {
            (a - b).abs() < 1e-9
        }
        (Value::File(a), Value::Text(b)) => a.name == *b,
        (a, b) => a == b,
    }
}

fn card_has(machine: &Machine, card: &Card, part: &HandoffPart) -> bool {
    match part {
        HandoffPart::Var(var) => {
            let name = field_name(machine, *var);
            let (facts, name) = if matches!(var, Var::Slot(_)) {
                (&card.slots, name.to_string())
            } else {
                (&card.profile, format!("customer.{name}"))
            };
            facts.iter().any(|f| f.name == name && f.value.is_known())
        }
        HandoffPart::Part(name) => match name.as_str() {
            "transcript" => !card.transcript.is_empty(),
            "entities" => !card.entities.is_empty(),
            "slots" => !card.slots.is_empty(),
            "sentiment" => !card.sentiment.is_empty(),
            "attempts" => !card.attempts.is_empty(),
            "profile" => !card.profile.is_empty(),
            "files" => !card.files.is_empty(),
            "page" => card.page.is_some(),
            "knowledge" => !card.knowledge.is_empty(),
            "confidence" => card.transcript.iter().any(|l| l.confidence.is_some()),
            "rules" => !card.rules.is_empty(),
            "reasons" => !card.reasons.is_empty(),
            "summary" => !card.summary.is_empty(),
            "suggestions" => !card.suggestions.is_empty(),
            "notes" => !card.notes.is_empty(),
            "tags" => !card.tags.is_empty(),
            "mood" | "language" | "channel" | "priority" => true,
            _ => false,
        },
    }
}
