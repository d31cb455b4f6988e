//! For which cases the escalation or the route changes.

use super::canon::{Canon, Renames};
use super::dim::{Dim, Val};
use super::eval::{Keys, Memo, Scope};
use super::outcome;
use super::possible::Possible;
use super::search::{Cube, Found, assignment, search};
use super::space::{Assignment, Space};
use crate::machine::{Expr, ExprKind, Machine, Signal};
use crate::sources::Position;
use crate::value::{Domain, Type};
use flow_grammar::ast::TierKind;
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// A case in which the two versions decide differently, as shortly as it can be said.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// What decides: `rule`, `route`, `threshold`, `opening` or `answer`.
    pub kind: &'static str,
    /// Its name.
    pub name: SmolStr,
    /// The case: "intent billing, customer.plan enterprise"; empty: always.
    pub when: String,
    /// What the old version decides.
    pub old: String,
    /// What the new version decides.
    pub new: String,
    /// Of a rule, what all rules together and the matrix do in this case with everything else quiet, old and new; absent if that
    /// does not change.
    pub overall: Option<(String, String)>,
    /// Where it is decided in the old version.
    pub old_at: Option<Position>,
    /// Where it is decided in the new version.
    pub new_at: Option<Position>,
}

/// What both versions decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Opening,
    Threshold(SmolStr),
    Rule(SmolStr),
    Answer(SmolStr),
    Route(SmolStr),
}

pub(super) fn cases(
    old: &Machine,
    new: &Machine,
    renames: &Renames,
    limits: &mut Vec<String>,
) -> Vec<Case> {
    let was = Canon {
        machine: old,
        renames: Some(renames),
    };
    let is = Canon {
        machine: new,
        renames: None,
    };
    let questions: BTreeSet<Question> = [old, new].into_iter().flat_map(questions).collect();
    let shared = shared(&was) == shared(&is);
    let keys = (Keys::default(), Keys::default());
    let everything = everything(&was, &is, &questions);
    let mut out = Vec::new();
    for question in &questions {
        // Written alike over the same segments and thresholds, it is decided alike.
        if shared && written(&was, question) == written(&is, question) {
            continue;
        }
        let mut space = Space::default();
        for canon in [&was, &is] {
            reads(canon, question, &mut space);
        }
        let dims = space.dims();
        let possible = Possible::new([was, is], &dims);
        let found = search(&dims, &|given| {
            if !possible.can_be(given) {
                return None;
            }
            let memos = (Memo::default(), Memo::default());
            let old = Scope {
                canon: was,
                given,
                keys: &keys.0,
                memo: &memos.0,
            };
            let new = Scope {
                canon: is,
                given,
                keys: &keys.1,
                memo: &memos.1,
            };
            Some((decide(&old, question), decide(&new, question)))
        });
        let name = named(question);
        if let Some((total, looked)) = found.sampled {
            limits.push(format!("{} {name} has {total} combinations; {looked} of them were looked at, what is said of it need not be all", kind(question)));
        }
        if found.more {
            limits.push(format!(
                "{} {name} differs in more cases than are shown",
                kind(question)
            ));
        }
        told(
            &was,
            &is,
            question,
            &dims,
            &possible,
            found,
            &everything,
            &keys,
            &mut out,
        );
    }
    out
}

#[expect(clippy::too_many_arguments, reason = "two versions of everything")]
fn told(
    was: &Canon<'_>,
    is: &Canon<'_>,
    question: &Question,
    dims: &[Dim],
    possible: &Possible<'_>,
    found: Found,
    everything: &Assignment,
    keys: &(Keys, Keys),
    out: &mut Vec<Case>,
) {
    let sampled = found.sampled.is_some();
    let overall = |example: &[usize]| {
        let mut given = everything.clone();
        for (dim, value) in dims.iter().zip(example) {
            if let Some(v) = dim.values.get(*value) {
                given.insert(dim.key.clone(), v.clone());
            }
        }
        of_its_message(is, dims, &mut given);
        let tier = tier_of(&given, is);
        let together = |canon: &Canon<'_>, keys| {
            let scope = Scope {
                canon: *canon,
                given: &given,
                keys,
                memo: &Memo::default(),
            };
            outcome::together(&scope, &tier)
        };
        (together(was, &keys.0), together(is, &keys.1))
    };
    for cube in found.cubes {
        let cubes = match question {
            Question::Rule(_) => alike(dims, cube, possible, &overall),
            _ => vec![(cube, None)],
        };
        for (cube, overall) in cubes {
            let mut words: Vec<String> = dims
                .iter()
                .zip(&cube.values)
                .filter_map(|(d, v)| d.show(v))
                .collect();
            if sampled {
                words.push("everything else quiet".to_owned());
            }
            out.push(Case {
                kind: kind(question),
                name: named(question),
                when: words.join(", "),
                old: cube.old,
                new: cube.new,
                overall: overall.filter(|(a, b)| a != b),
                old_at: place(was, question),
                new_at: place(is, question),
            });
        }
    }
}

/// The intent of a message is then the conversation's.
fn of_its_message(canon: &Canon<'_>, dims: &[Dim], given: &mut Assignment) {
    let key = |s| canon.of(&signal(s, Type::Domain(Domain::Intent)));
    let (message, latest) = (key(Signal::MessageIntent), key(Signal::Intent));
    if dims.iter().any(|d| *d.key == *latest) {
        return;
    }
    if let Some(now @ Val::Name(name)) = given.get(message.as_str()).cloned().as_ref()
        && name != "none"
        && let Some(slot) = given.get_mut(latest.as_str())
    {
        *slot = now.clone();
    }
}

/// What all rules together do in a case, in the old version and in the new.
type Overall = (String, String);

/// How many combinations of the values that a case names are looked at.
const NAMED: usize = 32;

/// Divides a case until all rules together do the same for all values that it names.
fn alike(
    dims: &[Dim],
    cube: Cube,
    possible: &Possible<'_>,
    overall: &dyn Fn(&[usize]) -> Overall,
) -> Vec<(Cube, Option<Overall>)> {
    // The others are quiet.
    let several: Vec<usize> = (0..dims.len())
        .filter(|at| {
            let values = cube.values.get(*at).map_or(0, Vec::len);
            values > 1 && dims.get(*at).is_some_and(|d| values < d.values.len())
        })
        .collect();
    let mut examples: Vec<Vec<usize>> = vec![cube.example.clone()];
    for at in &several {
        let values = cube.values.get(*at).map_or(&[][..], Vec::as_slice);
        if examples.len().saturating_mul(values.len()) > NAMED {
            let one = overall(&cube.example);
            return vec![(cube, Some(one))];
        }
        examples = examples
            .iter()
            .flat_map(|example| {
                values.iter().map(|value| {
                    let mut example = example.clone();
                    if let Some(slot) = example.get_mut(*at) {
                        *slot = *value;
                    }
                    example
                })
            })
            .collect();
    }
    let outcomes: Vec<(Vec<usize>, Overall)> = examples
        .into_iter()
        .filter(|example| possible.can_be(&assignment(dims, example)))
        .map(|example: Vec<usize>| {
            let outcome = overall(&example);
            (example, outcome)
        })
        .collect();
    let first = outcomes.first().map(|(_, outcome)| outcome.clone());
    if outcomes.iter().all(|(_, o)| Some(o) == first.as_ref()) {
        return vec![(cube, first)];
    }
    for at in several {
        // Values that the others cannot tell apart stay together.
        let mut groups: Vec<(Vec<&Overall>, Vec<usize>)> = Vec::new();
        for value in cube.values.get(at).map_or(&[][..], Vec::as_slice) {
            let of_value: Vec<&Overall> = outcomes
                .iter()
                .filter(|(example, _)| example.get(at) == Some(value))
                .map(|(_, outcome)| outcome)
                .collect();
            match groups
                .iter_mut()
                .find(|(outcomes, _)| *outcomes == of_value)
            {
                Some((_, values)) => values.push(*value),
                None => groups.push((of_value, vec![*value])),
            }
        }
        if groups.len() > 1 {
            return groups
                .into_iter()
                .flat_map(|(_, values)| {
                    let mut part = cube.clone();
                    if let Some(slot) = part.example.get_mut(at)
                        && !values.contains(slot)
                    {
                        *slot = values.first().copied().unwrap_or(*slot);
                    }
                    if let Some(slot) = part.values.get_mut(at) {
                        *slot = values;
                    }
                    alike(dims, part, possible, overall)
                })
                .collect();
        }
    }
    vec![(cube, first)]
}

fn questions(m: &Machine) -> Vec<Question> {
    let mut out = vec![Question::Opening];
    out.extend(
        m.thresholds
            .iter()
            .map(|t| Question::Threshold(t.name.clone())),
    );
    out.extend(m.rules.iter().map(|r| Question::Rule(r.name.clone())));
    out.extend(
        m.tiers
            .iter()
            .filter(|t| t.kind == TierKind::Model)
            .map(|t| Question::Answer(t.name.clone())),
    );
    out.extend(
        m.routes
            .iter()
            .filter_map(|r| m.tier(r.tier))
            .map(|t| Question::Route(t.name.clone())),
    );
    out
}

const fn kind(question: &Question) -> &'static str {
    match question {
        Question::Opening => "opening",
        Question::Threshold(_) => "threshold",
        Question::Rule(_) => "rule",
        Question::Answer(_) => "answer",
        Question::Route(_) => "route",
    }
}

fn named(question: &Question) -> SmolStr {
    match question {
        Question::Opening => "start".into(),
        Question::Threshold(n) | Question::Rule(n) | Question::Answer(n) | Question::Route(n) => {
            n.clone()
        }
    }
}

fn decide(scope: &Scope<'_>, question: &Question) -> String {
    match question {
        Question::Opening => outcome::opening(scope),
        Question::Threshold(name) => outcome::threshold(scope, name),
        Question::Rule(name) => outcome::rule(scope, name, &tier_of(scope.given, &scope.canon)),
        Question::Answer(name) => {
            outcome::band(scope, name, &signal(Signal::Confidence, Type::Percent))
        }
        Question::Route(name) => outcome::route(scope, name, None),
    }
}

/// The tier that holds the conversation.
fn tier_of(given: &Assignment, canon: &Canon<'_>) -> String {
    match given.get(
        canon
            .of(&signal(Signal::Tier, Type::Domain(Domain::Tier)))
            .as_str(),
    ) {
        Some(Val::Name(n)) => n.clone(),
        _ => String::new(),
    }
}

fn signal(signal: Signal, ty: Type) -> Expr {
    Expr {
        kind: ExprKind::Signal(signal),
        ty,
        loc: flow_grammar::Loc::default(),
    }
}

/// What a question depends on in one version.
fn reads(canon: &Canon<'_>, question: &Question, space: &mut Space) {
    let m = canon.machine;
    match question {
        Question::Opening => m
            .bot
            .start_lines
            .iter()
            .for_each(|(_, cond)| space.add(canon, cond)),
        Question::Threshold(name) => {
            for t in m.thresholds.iter().filter(|t| t.name == *name) {
                t.lines.iter().for_each(|(_, cond)| space.add(canon, cond));
            }
        }
        Question::Rule(name) => {
            let tier = canon.of(&signal(Signal::Tier, Type::Domain(Domain::Tier)));
            space.names(
                &tier,
                "tier",
                m.tiers
                    .iter()
                    .filter(|t| t.kind != TierKind::People)
                    .map(|t| t.name.to_string()),
            );
            for r in m.rules.iter().filter(|r| r.name == *name) {
                space.add(canon, &r.when);
                r.unless.iter().for_each(|u| space.add(canon, u));
            }
        }
        Question::Answer(name) => {
            let confidence = signal(Signal::Confidence, Type::Percent);
            for t in m.tiers.iter().filter(|t| t.name == *name) {
                space.known(
                    canon,
                    &confidence,
                    "confidence",
                    t.bands.iter().map(|b| &b.range),
                );
            }
        }
        Question::Route(name) => {
            for r in m
                .routes
                .iter()
                .filter(|r| m.tier(r.tier).is_some_and(|t| t.name == *name))
            {
                for (at, column) in r.columns.iter().enumerate() {
                    space.add_cells(
                        canon,
                        column,
                        r.rows.iter().filter_map(|row| row.cells.get(at)).flatten(),
                    );
                }
            }
        }
    }
}

/// Everything that any question reads, quiet.
fn everything(was: &Canon<'_>, is: &Canon<'_>, questions: &BTreeSet<Question>) -> Assignment {
    let mut space = Space::default();
    for question in questions {
        for canon in [was, is] {
            reads(canon, question, &mut space);
        }
    }
    space
        .dims()
        .into_iter()
        .filter_map(|d| Some((d.key, d.values.into_iter().next()?)))
        .collect()
}

/// What conditions share.
fn shared(canon: &Canon<'_>) -> String {
    let m = canon.machine;
    let segments: Vec<_> = m.segments.iter().map(|s| (&s.name, &s.when)).collect();
    let thresholds: Vec<_> = m
        .thresholds
        .iter()
        .map(|t| (&t.name, &t.default, &t.lines))
        .collect();
    let always: Vec<_> = m.hours.iter().map(|h| (&h.name, h.always)).collect();
    let tiers: Vec<_> = m.tiers.iter().map(|t| (&t.name, t.kind)).collect();
    canon.of(&(segments, thresholds, always, tiers))
}

/// How a question is written.
fn written(canon: &Canon<'_>, question: &Question) -> String {
    let m = canon.machine;
    match question {
        Question::Opening => canon.of(&(m.bot.start, &m.bot.start_lines)),
        Question::Threshold(name) => canon.of(&m
            .thresholds
            .iter()
            .filter(|t| t.name == *name)
            .map(|t| (&t.default, &t.lines))
            .collect::<Vec<_>>()),
        Question::Rule(name) => canon.of(&m
            .rules
            .iter()
            .filter(|r| r.name == *name)
            .map(|r| (&r.from, r.to, &r.when, &r.unless, r.priority))
            .collect::<Vec<_>>()),
        Question::Answer(name) => canon.of(&m
            .tiers
            .iter()
            .filter(|t| t.name == *name)
            .map(|t| (t.kind, &t.bands))
            .collect::<Vec<_>>()),
        Question::Route(name) => canon.of(&m
            .routes
            .iter()
            .filter(|r| m.tier(r.tier).is_some_and(|t| t.name == *name))
            .map(|r| (&r.columns, &r.rows))
            .collect::<Vec<_>>()),
    }
}

/// Where a question is written.
fn place(canon: &Canon<'_>, question: &Question) -> Option<Position> {
    let m = canon.machine;
    let loc = match question {
        Question::Opening => Some(m.bot.name_loc),
        Question::Threshold(name) => m.thresholds.iter().find(|t| t.name == *name).map(|t| t.loc),
        Question::Rule(name) => m.rules.iter().find(|r| r.name == *name).map(|r| r.name_loc),
        Question::Answer(name) => m.tiers.iter().find(|t| t.name == *name).map(|t| t.name_loc),
        Question::Route(name) => m
            .routes
            .iter()
            .find(|r| m.tier(r.tier).is_some_and(|t| t.name == *name))
            .map(|r| r.loc),
    };
    m.sources.position(loc?)
}
