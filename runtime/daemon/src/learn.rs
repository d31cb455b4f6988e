//! `learn`: what the conversations of the past suggest to change in the bot's sources. Proposals only: nothing here changes a bot. Who reviews
//! confirms or dismisses them, and the author makes the edit.

use crate::app::App;
use flow_compiler::machine::{ExprKind, Machine, Threshold};
use flow_compiler::value::Value;
use flow_engine::Recorded;
use flow_engine::event::EventKind;
use flow_grammar::ast::TierKind;
use flow_store::{ListQuery, Role, Scope, StoreError, Summary, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// Conversations that are looked at: the last ones that ended.
const LOOKED_AT: u32 = 500;
/// Fewer cases than this prove nothing.
const CASES: usize = 20;
/// From this share of answers that needed a person after all, a threshold is too low.
const TOO_MANY: f64 = 0.4;
/// Up to this share it may be too high.
const FEW: f64 = 0.05;
/// So many customers must have said the same before it is shown to anybody: what one person says may be about that person.
const CUSTOMERS: usize = 3;
/// Characters of an example at most.
const LONGEST: usize = 80;

/// Something to change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Proposal {
    /// The same for the same change to the same place.
    pub(crate) id: String,
    /// `threshold` or `example`.
    #[schemars(extend("enum" = ["threshold", "example"]))]
    pub(crate) kind: &'static str,
    /// The threshold or the intent.
    pub(crate) name: SmolStr,
    /// What stands there now; null for an example, which is added.
    pub(crate) from: Option<String>,
    /// What to write.
    pub(crate) to: String,
    /// Why, in numbers.
    pub(crate) because: String,
    /// The file of the declaration.
    pub(crate) file: Option<String>,
    /// Its line, from 1.
    pub(crate) line: Option<u32>,
    /// What the reviewers said: `open`, `confirmed`, `dismissed`.
    #[schemars(extend("enum" = ["open", "confirmed", "dismissed"]))]
    pub(crate) state: SmolStr,
    /// Who said so.
    pub(crate) by: Option<String>,
}

/// A conversation that ended.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) summary: Summary,
    pub(crate) records: Vec<Recorded>,
}

/// What conversations suggest, in a stable order.
pub(crate) fn proposals(machine: &Machine, past: &[Past]) -> Vec<Proposal> {
    let Some(learn) = &machine.learn else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (id, step) in &learn.tune {
        if let Some(threshold) = machine.thresholds.get(id.index()) {
            out.extend(tuned(machine, threshold, *step, past));
        }
    }
    let from: BTreeSet<&SmolStr> = learn
        .from
        .iter()
        .filter_map(|id| machine.tier(*id))
        .map(|t| &t.name)
        .collect();
    out.extend(examples(machine, &from, past));
    out
}

/// The values that a threshold has in its source.
fn values(threshold: &Threshold) -> Vec<f64> {
    let all = threshold.lines.iter().map(|(value, _)| value);
    all.chain([&threshold.default])
        .filter_map(|expr| match &expr.kind {
            ExprKind::Const(Value::Percent(p)) => Some(*p),
            _ => None,
        })
        .collect()
}

/// The answers whose confidence lay less than a step above a threshold: how many needed a person after all?
fn tuned(machine: &Machine, threshold: &Threshold, step: f64, past: &[Past]) -> Vec<Proposal> {
    let place = machine.sources.position(threshold.loc);
    let mut out: Vec<Proposal> = Vec::new();
    for value in values(threshold) {
        if out
            .iter()
            .any(|p| p.from.as_deref() == Some(&percent(value)))
        {
            continue;
        }
        let cases: Vec<bool> = past
            .iter()
            .filter_map(|past| just_above(machine, threshold, value, step, past))
            .collect();
        if cases.len() < CASES {
            continue;
        }
        let bad = cases.iter().filter(|needed| **needed).count();
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let share = bad as f64 / cases.len() as f64;
        let to = match share {
            s if s >= TOO_MANY => (value + step).min(1.0),
            s if s <= FEW => (value - step).max(0.0),
            _ => continue,
        };
        let (from, to) = (percent(value), percent(to));
        let because = format!(
            "of {} conversations with an answer less than {} above {from}, {bad} needed a person, or ended unsettled",
            cases.len(),
            percent(step),
        );
        out.push(Proposal {
            id: name_of(&["threshold", &threshold.name, &from, &to]),
            kind: "threshold",
            name: threshold.name.clone(),
            from: Some(from),
            to,
            because,
            file: place.as_ref().map(|p| p.file.to_string()),
            line: place.as_ref().map(|p| p.line),
            state: SmolStr::new_static("open"),
            by: None,
        });
    }
    out
}

/// Whether a conversation had an answer just above a threshold's value, and if so, whether it needed a person after all.
fn just_above(
    machine: &Machine,
    threshold: &Threshold,
    value: f64,
    step: f64,
    past: &Past,
) -> Option<bool> {
    let at = past.records.iter().position(|record| {
        record.decision.rules.iter().any(|rule| {
            let read = |name: &str| {
                rule.reads
                    .iter()
                    .find(|r| r.name == name)
                    .and_then(|r| match r.value {
                        Value::Percent(p) => Some(p),
                        _ => None,
                    })
            };
            let was = read(&threshold.name).is_some_and(|t| (t - value).abs() < 1e-9);
            let near = |c: f64| c >= value && c < value + step;
            was && read("confidence").is_some_and(near)
        })
    })?;
    let called = past.records.iter().skip(at).any(|record| {
        record.decision.escalation.as_ref().is_some_and(|e| {
            let mut tiers = machine.tiers.iter();
            tiers.any(|t| t.name == e.to && t.kind == TierKind::People)
        })
    });
    Some(called || past.summary.resolved != Some(true))
}

/// What customers said, was not understood, and an agent settled under an intent that other words showed.
fn examples(machine: &Machine, from: &BTreeSet<&SmolStr>, past: &[Past]) -> Vec<Proposal> {
    let mut said: BTreeMap<(SmolStr, String), usize> = BTreeMap::new();
    for past in past.iter().filter(|p| p.summary.resolved == Some(true)) {
        let settled = past
            .records
            .iter()
            .any(|r| matches!(r.event.kind, EventKind::AgentResolved { .. }));
        let reached = past.records.iter().any(|r| {
            let escalation = r.decision.escalation.as_ref();
            escalation.is_some_and(|e| from.contains(&e.to))
        });
        let Some(topic) = past.summary.topic.as_ref().filter(|_| settled && reached) else {
            continue;
        };
        let words: BTreeSet<String> = past
            .records
            .iter()
            .filter_map(|record| not_understood(machine, record))
            .collect();
        for words in words {
            *said.entry((topic.clone(), words)).or_default() += 1;
        }
    }
    let often = said.into_iter().filter(|(_, count)| *count >= CUSTOMERS);
    often
        .filter_map(|((topic, words), count)| {
            let intent = machine.intents.iter().find(|i| i.name == topic)?;
            let place = machine.sources.position(intent.loc);
            Some(Proposal {
                id: name_of(&["example", &topic, &words]),
                kind: "example",
                name: topic,
                from: None,
                because: format!(
                    "{count} customers said it, nobody understood, and a person settled it as this"
                ),
                to: words,
                file: place.as_ref().map(|p| p.file.to_string()),
                line: place.as_ref().map(|p| p.line),
                state: SmolStr::new_static("open"),
                by: None,
            })
        })
        .collect()
}

/// The words of a message that no intent was sure enough for and no question took, if they can be about nobody in particular.
fn not_understood(machine: &Machine, record: &Recorded) -> Option<String> {
    let EventKind::Message { text, signals, .. } = &record.event.kind else {
        return None;
    };
    let taken = record.decision.taken_by.as_deref();
    let sure = signals
        .intents
        .first()
        .is_some_and(|guess| guess.probability >= machine.bot.understands_from);
    if sure
        || signals.asks_for_human
        || matches!(taken, Some("answer" | "button" | "agent" | "late"))
    {
        return None;
    }
    let words = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    let plain =
        |c: char| c.is_alphabetic() || matches!(c, ' ' | '\'' | ',' | '.' | '?' | '!' | '-');
    let short = (2..=LONGEST).contains(&words.chars().count());
    (short && signals.entities.is_empty() && words.chars().all(plain)).then_some(words)
}

/// `70%`, as an author writes it.
fn percent(share: f64) -> String {
    let shown = (share * 1000.0).round() / 10.0;
    format!("{shown}%")
}

fn name_of(parts: &[&str]) -> String {
    let hash = blake3::hash(parts.join("\n").as_bytes()).to_hex();
    format!("p_{}", hash.get(..16).unwrap_or_default())
}

impl App {
    /// Whether an agent reviews what the running bot proposes: a lead of the team that `learn` names, or of any where none is named; admins do.
    pub(crate) fn reviews(&self, agent: &flow_store::Agent) -> bool {
        let Some(program) = self.programs.current() else {
            return false;
        };
        let machine = program.engine.machine();
        let team = machine
            .learn
            .as_ref()
            .and_then(|l| l.review)
            .and_then(|id| machine.team(id));
        let named = team.is_none_or(|team| agent.teams.contains(&team.name));
        agent.role == Role::Admin || (agent.role == Role::Lead && named)
    }

    /// What the last conversations suggest to change, with what the reviewers said of it.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn proposals(&self) -> Result<Vec<Proposal>, StoreError> {
        let Some(program) = self.programs.current() else {
            return Ok(Vec::new());
        };
        if program.engine.machine().learn.is_none() {
            return Ok(Vec::new());
        }
        let query = ListQuery {
            scope: Scope::All,
            open: Some(false),
            limit: LOOKED_AT,
            ..ListQuery::default()
        };
        let mut past = Vec::new();
        for summary in self.store.list(query).await? {
            let records = self.history(&summary.id).await?;
            past.push(Past { summary, records });
        }
        let work = move || proposals(program.engine.machine(), &past);
        let mut found = tokio::task::spawn_blocking(work).await.unwrap_or_default();
        let verdicts: BTreeMap<String, Verdict> = self
            .store
            .verdicts()
            .await?
            .into_iter()
            .map(|verdict| (verdict.proposal.clone(), verdict))
            .collect();
        for proposal in &mut found {
            if let Some(verdict) = verdicts.get(&proposal.id) {
                proposal.state = verdict.state.clone();
                proposal.by = Some(verdict.by.clone());
            }
        }
        Ok(found)
    }
}
