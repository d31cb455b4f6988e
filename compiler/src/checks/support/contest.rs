//! Which rules can decide where others fire too.
//!
//! A rule decides nothing where another one fires that leads higher or has a higher priority. Of one such rule that is a question of
//! two formulas; of many together it is a search for a case that none of them takes, with a budget: each rule has its own and all share
//! another, so that a hard question leaves the later rules theirs. Where both are used up, nothing is said.

use super::analysis::Analysis;
use super::formula::{Case, Dnf, Formulas, Want};
use super::misread::misread;
use super::set::Set;
use crate::machine::{Expr, ExprKind, Priority, Rule, Signal};
use crate::value::{Domain, TierId, Type, Value};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// How many conditions the searches of a bot may look at beyond what each rule has of its own: more than a bot of some dozen rules
/// needs, and about a millisecond.
const SHARED: u32 = 8_000;

/// How many conditions the searches about one rule may look at in any case. With it the work grows with the number of rules.
const OWN: u32 = 256;

/// The rules of a bot with the cases in which they fire.
pub(crate) struct Contest<'a, 'm> {
    pub(crate) formulas: Formulas<'a, 'm>,
    rules: &'m [Rule],
    entrants: Vec<Entrant>,
    tiers: Vec<Dnf>,
    quiet: Vec<Set>,
    /// What is left of `SHARED`, and of `OWN` by rule.
    shared: u32,
    own: Vec<u32>,
    /// By where a rule leads, its priority, whether it reads `confidence`, and the tier.
    winners: FxHashMap<(TierId, Priority, bool, TierId), Rc<[usize]>>,
}

/// The cases in which a rule fires, and those in which it does not. Absent: too many to say, or not what was meant (F0604).
struct Entrant {
    fires: Option<Dnf>,
    silent: Option<Dnf>,
    /// By case in which it fires, the things that have to be other than quiet, as a set of 64.
    loud: Vec<u64>,
}

impl<'a, 'm> Contest<'a, 'm> {
    pub(crate) fn new(cx: &'a Analysis<'m>) -> Self {
        let mut formulas = Formulas::new(cx);
        let rules = &cx.machine.rules;
        let mut entrants: Vec<Entrant> = rules
            .iter()
            .map(|rule| {
                let misread = misread(cx.machine, rule);
                Entrant {
                    fires: (!misread).then(|| fires(&mut formulas, rule)).flatten(),
                    silent: (!misread).then(|| silent(&mut formulas, rule)).flatten(),
                    loud: Vec::new(),
                }
            })
            .collect();
        let tiers = cx.machine.tiers.iter().map(|tier| {
            let ty = Type::Domain(Domain::Tier);
            let expr = |kind| Expr {
                kind,
                ty: ty.clone(),
                loc: tier.name_loc,
            };
            let at = Expr {
                kind: ExprKind::Is {
                    negated: false,
                    left: Box::new(expr(ExprKind::Signal(Signal::Tier))),
                    right: Box::new(expr(ExprKind::Const(Value::Enum(tier.name.clone())))),
                },
                ty: Type::Bool,
                loc: tier.name_loc,
            };
            formulas.dnf(&at, Want::True).unwrap_or_default()
        });
        let tiers = tiers.collect();
        let quiet = formulas.quiet();
        for entrant in &mut entrants {
            let cases = entrant.fires.iter().flatten();
            entrant.loud = cases.map(|case| loud(&formulas, case, &quiet)).collect();
        }
        Self {
            formulas,
            rules,
            entrants,
            tiers,
            quiet,
            shared: SHARED,
            own: vec![OWN; rules.len()],
            winners: FxHashMap::default(),
        }
    }

    /// The cases in which a rule fires.
    pub(crate) fn fires(&self, rule: usize) -> Option<&Dnf> {
        self.entrants.get(rule)?.fires.as_ref()
    }

    /// The cases in which a rule does not fire.
    pub(crate) fn silent(&self, rule: usize) -> Option<&Dnf> {
        self.entrants.get(rule)?.silent.as_ref()
    }

    /// The rules that win over a rule in a tier, if they fire. A rule that reads `confidence` is tried after the others, so it wins
    /// only over its like.
    pub(crate) fn winners(&mut self, over: &Rule, tier: TierId) -> Rc<[usize]> {
        let key = (over.to, over.priority, over.reads_confidence, tier);
        if let Some(known) = self.winners.get(&key) {
            return Rc::clone(known);
        }
        let wins = |winner: &Rule| {
            (winner.to, winner.priority) > (over.to, over.priority)
                && winner.from.contains(&tier)
                && (!winner.reads_confidence || over.reads_confidence)
        };
        let all = self.rules.iter().enumerate();
        let winners: Rc<[usize]> = all.filter(|(_, rule)| wins(rule)).map(|(i, _)| i).collect();
        self.winners.insert(key, Rc::clone(&winners));
        winners
    }

    /// Whether in a tier some of these cases, in which `rule` fires, can be so while none of the rules `among` does. Absent: too long
    /// to say.
    pub(crate) fn can_be_alone(
        &mut self,
        rule: usize,
        cases: &Dnf,
        tier: TierId,
        among: &[usize],
    ) -> Option<bool> {
        let here = self.tiers.get(tier.index())?;
        let cases = self.formulas.meet(cases, here)?;
        if cases.iter().any(|case| self.is_quiet_around(case, among)) {
            return Some(true);
        }
        let silences: Vec<&Dnf> = among.iter().filter_map(|i| self.silent(*i)).collect();
        let own = self.own.get(rule).copied().unwrap_or_default();
        let mut steps = own.saturating_add(self.shared);
        let answer = self.formulas.all_fit(&cases, &silences, &mut steps);
        // Of a rule whose silence is too long to say, it is not known that it leaves anything.
        let of_all = silences.len() == among.len();
        // The rule's own go first.
        self.shared = self.shared.min(steps);
        if let Some(own) = self.own.get_mut(rule) {
            *own = steps - self.shared;
        }
        answer.filter(|alone| !alone || of_all)
    }

    /// Whether none of the rules fires where a case holds and all else is quiet.
    fn is_quiet_around(&self, case: &Case, among: &[usize]) -> bool {
        let given = case.keys().fold(0, |set, key| set | 1 << (key % 64));
        among.iter().filter_map(|i| self.entrants.get(*i)).all(|e| {
            let Some(fires) = &e.fires else { return false };
            let cases = fires.iter().zip(&e.loud);
            let mut may = cases.filter(|(_, loud)| *loud & !given == 0);
            !may.any(|(other, _)| self.formulas.may_hold(other, case, &self.quiet))
        })
    }
}

/// The things of a case that have to be other than quiet.
fn loud(formulas: &Formulas<'_, '_>, case: &Case, quiet: &[Set]) -> u64 {
    case.iter()
        .filter(|(key, set)| {
            let alone = Case::from([(**key, (*set).clone())]);
            !formulas.may_hold(&alone, &Case::new(), quiet)
        })
        .fold(0, |set, (key, _)| set | 1 << (key % 64))
}

/// The cases in which a rule fires. Absent: too many to say.
pub(crate) fn fires(formulas: &mut Formulas<'_, '_>, rule: &Rule) -> Option<Dnf> {
    let when = formulas.dnf(&rule.when, Want::True)?;
    match &rule.unless {
        Some(unless) => {
            let unless = formulas.dnf(unless, Want::NotTrue)?;
            formulas.meet(&when, &unless)
        }
        None => Some(when),
    }
}

/// The cases in which a rule does not fire. Absent: too many to say.
fn silent(formulas: &mut Formulas<'_, '_>, rule: &Rule) -> Option<Dnf> {
    let mut silent = formulas.dnf(&rule.when, Want::NotTrue)?;
    if let Some(unless) = &rule.unless {
        silent.extend(formulas.dnf(unless, Want::True)?);
    }
    Some(silent)
}

#[cfg(test)]
mod tests;
