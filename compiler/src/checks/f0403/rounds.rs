//! Whether a loop can go round at all, by what is known on its way.
//!
//! `if order is unknown { -> ask_order }` leads round no loop whose way back fills `order`. Of the slots and fields that a loop tests
//! it is followed which are known, which unknown, and which may be either; a circle in that is a loop that can be. What else a
//! condition asks may change from one round to the next.

use crate::checks::support::analysis::Analysis;
use crate::checks::support::flow::{each_successor, each_way, passes_without_waiting};
use crate::machine::{CellPattern, Expr, ExprKind, Machine, OpKind, Var};
use crate::value::{NodeId, OpId, Value};
use flow_grammar::ast::BinaryOp;
use rustc_hash::{FxHashMap, FxHashSet};

/// Of how many slots it is followed what is known.
const MOST_VARS: usize = 16;

/// How many pairs of a step and what is known there are looked at.
const MOST_STATES: usize = 20_000;

/// How many steps of what a loop visits are looked at for what they fill.
const MOST_VISITED: usize = 2_000;

/// What can be said of a loop.
pub(super) enum Round {
    /// No way round it can be taken.
    Never,
    /// This one can.
    Along(Vec<OpId>),
    /// It tests nothing that is followed, or too much.
    Unsaid,
}

/// What is followed, in an order of its own.
struct Vars(Vec<Var>);

/// By variable, whether it may be known and whether it may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    known: u16,
    unknown: u16,
}

impl State {
    /// Nothing is said of anything.
    const ANY: Self = Self {
        known: u16::MAX,
        unknown: u16::MAX,
    };

    const fn may_be_known(self, var: u16) -> bool {
        self.known & var != 0
    }

    const fn may_be_unknown(self, var: u16) -> bool {
        self.unknown & var != 0
    }

    const fn with_known(self, var: u16) -> Self {
        Self {
            known: self.known | var,
            unknown: self.unknown & !var,
        }
    }

    const fn with_unknown(self, var: u16) -> Self {
        Self {
            known: self.known & !var,
            unknown: self.unknown | var,
        }
    }

    const fn with_either(self, vars: u16) -> Self {
        Self {
            known: self.known | vars,
            unknown: self.unknown | vars,
        }
    }
}

/// A step and what is known before it.
type At = (OpId, State);

/// Looks for a way round a loop. `ways` calls its function with where a step of the loop leads in it.
pub(super) fn round(
    cx: &Analysis<'_>,
    members: &[OpId],
    ways: impl Fn(OpId, &mut dyn FnMut(OpId)),
) -> Round {
    let machine = cx.machine;
    let Some(vars) = tested(machine, members) else {
        return Round::Unsaid;
    };
    let search = Search {
        cx,
        vars,
        inside: members.iter().copied().collect(),
        visited: members
            .iter()
            .filter_map(|id| match &machine.op(*id)?.kind {
                OpKind::Visit { node, .. } => Some(*node),
                _ => None,
            })
            .collect::<FxHashSet<NodeId>>(),
    };
    search.run(members, ways)
}

/// The slots and fields without a default that a loop tests. Absent: there are none, or too many.
fn tested(machine: &Machine, members: &[OpId]) -> Option<Vars> {
    let mut vars: Vec<Var> = Vec::new();
    for op in members.iter().filter_map(|id| machine.op(*id)) {
        match &op.kind {
            OpKind::Branch { arms, .. } => {
                let mut todo: Vec<&Expr> = arms.iter().map(|(cond, _)| cond).collect();
                while let Some(expr) = todo.pop() {
                    match &expr.kind {
                        ExprKind::Known { of, .. } => vars.extend(var_of(of)),
                        ExprKind::Not(inner) => todo.push(inner),
                        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, a, b) => {
                            todo.extend([&**a, &**b]);
                        }
                        _ => {}
                    }
                }
            }
            OpKind::Match { subject, arms, .. } if arms.iter().any(asks_for_unknown) => {
                vars.extend(var_of(subject));
            }
            OpKind::Form { vars: asked, .. } => vars.extend(asked),
            _ => {}
        }
    }
    vars.retain(|var| !has_default(machine, *var));
    vars.sort_unstable();
    vars.dedup();
    (!vars.is_empty() && vars.len() <= MOST_VARS).then_some(Vars(vars))
}

fn asks_for_unknown(arm: &crate::machine::MatchArm) -> bool {
    arm.patterns.contains(&CellPattern::Unknown)
}

fn has_default(machine: &Machine, var: Var) -> bool {
    let field = match var {
        Var::Slot(id) => machine.slots.get(id.index()),
        Var::Customer(id) => machine.customer.get(id.index()),
    };
    field.is_none_or(|f| f.default.is_some())
}

fn var_of(expr: &Expr) -> Option<Var> {
    match expr.kind {
        ExprKind::Slot(id) => Some(Var::Slot(id)),
        ExprKind::Customer(id) => Some(Var::Customer(id)),
        _ => None,
    }
}

impl Vars {
    /// The bit of a variable; 0 of one that is not followed.
    fn bit(&self, var: Var) -> u16 {
        self.0.binary_search(&var).map_or(0, |i| 1 << i)
    }

    fn of(&self, expr: &Expr) -> u16 {
        var_of(expr).map_or(0, |var| self.bit(var))
    }

    /// The variables that an expression compares: unknown, none of them makes it true.
    fn compared(&self, expr: &Expr) -> u16 {
        match &expr.kind {
            ExprKind::Is { left, right, .. }
            | ExprKind::In { left, right, .. }
            | ExprKind::Binary(
                BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge,
                left,
                right,
            ) => self.of(left) | self.of(right),
            _ => 0,
        }
    }

    /// Whether a condition can be true, and whether it can be anything else.
    fn truth(&self, cond: &Expr, state: State) -> (bool, bool) {
        match &cond.kind {
            ExprKind::Const(Value::Bool(truth)) => (*truth, !*truth),
            ExprKind::Known { known, of } => match self.of(of) {
                0 => (true, true),
                var if *known => (state.may_be_known(var), state.may_be_unknown(var)),
                var => (state.may_be_unknown(var), state.may_be_known(var)),
            },
            ExprKind::Not(inner) => match &inner.kind {
                ExprKind::Known { .. } | ExprKind::Const(Value::Bool(_)) => {
                    let (holds, fails) = self.truth(inner, state);
                    (fails, holds)
                }
                _ => (true, true),
            },
            ExprKind::Binary(BinaryOp::And, a, b) => {
                let (a, b) = (self.truth(a, state), self.truth(b, state));
                (a.0 && b.0, a.1 || b.1)
            }
            ExprKind::Binary(BinaryOp::Or, a, b) => {
                let (a, b) = (self.truth(a, state), self.truth(b, state));
                (a.0 || b.0, a.1 && b.1)
            }
            _ => (
                state.known & self.compared(cond) == self.compared(cond),
                true,
            ),
        }
    }

    /// What is known where a condition is true, or is not.
    fn after(&self, cond: &Expr, holds: bool, state: State) -> State {
        match &cond.kind {
            ExprKind::Known { known, of } => match self.of(of) {
                0 => state,
                var if *known == holds => state.with_known(var),
                var => state.with_unknown(var),
            },
            ExprKind::Not(inner) if matches!(inner.kind, ExprKind::Known { .. }) => {
                self.after(inner, !holds, state)
            }
            ExprKind::Binary(BinaryOp::And, a, b) if holds => {
                self.after(b, holds, self.after(a, holds, state))
            }
            ExprKind::Binary(BinaryOp::Or, a, b) if !holds => {
                self.after(b, holds, self.after(a, holds, state))
            }
            _ if holds => state.with_known(self.compared(cond)),
            _ => state,
        }
    }
}

struct Search<'a, 'm> {
    cx: &'a Analysis<'m>,
    vars: Vars,
    inside: FxHashSet<OpId>,
    visited: FxHashSet<NodeId>,
}

impl Search<'_, '_> {
    /// Goes on from every step, nothing being known of what is followed, until it comes back to where it was.
    fn run(&self, members: &[OpId], ways: impl Fn(OpId, &mut dyn FnMut(OpId))) -> Round {
        let filled: FxHashMap<NodeId, u16> = self
            .visited
            .iter()
            .map(|node| (*node, self.filled_by(*node)))
            .collect();
        // Whether it is on the way that is gone now.
        let mut seen: FxHashMap<At, bool> = FxHashMap::default();
        for member in members {
            let mut way: Vec<(At, Vec<At>)> = Vec::new();
            let mut next = Some((*member, State::ANY));
            loop {
                if let Some(at) = next.take() {
                    match seen.get(&at) {
                        Some(true) => {
                            let from = way.iter().position(|(on, _)| *on == at).unwrap_or(0);
                            let steps = way.iter().skip(from).map(|((op, _), _)| *op);
                            return Round::Along(steps.collect());
                        }
                        Some(false) => {}
                        None if seen.len() >= MOST_STATES => return Round::Unsaid,
                        None => {
                            seen.insert(at, true);
                            way.push((at, self.ways_on(at, &filled, &ways)));
                        }
                    }
                }
                let Some((at, left)) = way.last_mut() else {
                    break;
                };
                next = left.pop();
                if next.is_none() {
                    seen.insert(*at, false);
                    way.pop();
                }
            }
        }
        Round::Never
    }

    /// Where a step leads, and what is known there.
    fn ways_on(
        &self,
        (id, state): At,
        filled: &FxHashMap<NodeId, u16>,
        ways: &impl Fn(OpId, &mut dyn FnMut(OpId)),
    ) -> Vec<At> {
        let machine = self.cx.machine;
        let mut out: Vec<At> = Vec::new();
        let Some(op) = machine.op(id) else {
            return out;
        };
        let vars = &self.vars;
        match &op.kind {
            OpKind::Branch { arms, otherwise } => {
                let mut state = state;
                for (cond, to) in arms {
                    let (holds, fails) = vars.truth(cond, state);
                    if holds {
                        out.push((*to, vars.after(cond, true, state)));
                    }
                    if !fails {
                        return self.within(out);
                    }
                    state = vars.after(cond, false, state);
                }
                out.push((*otherwise, state));
            }
            OpKind::Match { subject, arms, .. } => {
                let var = vars.of(subject);
                let mut state = state;
                for arm in arms {
                    let takes = |p: &CellPattern| *p == CellPattern::Any;
                    let unknown = asks_for_unknown(arm);
                    if arm.patterns.iter().any(takes) {
                        out.push((arm.to, state));
                    } else if unknown && arm.patterns.len() == 1 {
                        if state.may_be_unknown(var) || var == 0 {
                            out.push((arm.to, state.with_unknown(var)));
                        }
                    } else if unknown {
                        out.push((arm.to, state));
                    } else if state.may_be_known(var) || var == 0 {
                        out.push((arm.to, state.with_known(var)));
                    }
                    if unknown {
                        if var != 0 && !state.may_be_known(var) {
                            break;
                        }
                        state = state.with_known(var);
                    }
                }
            }
            OpKind::Form { vars: asked, .. } => {
                let asked = asked.iter().fold(0, |all, var| all | vars.bit(*var));
                // Where one of them is surely unknown, it waits.
                if state.known & asked == asked {
                    let mut after = state;
                    after.unknown &= !asked;
                    each_successor(op, |to, how| {
                        if passes_without_waiting(op, &how) {
                            out.push((to, after));
                        }
                    });
                }
            }
            OpKind::Visit { node, next } => {
                let after = state.with_either(filled.get(node).copied().unwrap_or(u16::MAX));
                ways(id, &mut |to| {
                    out.push((to, if to == *next { after } else { state }));
                });
            }
            OpKind::Set { slot, value, .. } => {
                let var = vars.bit(*slot);
                let sure = self
                    .cx
                    .known()
                    .before(id)
                    .is_some_and(|bits| !self.cx.may_be_unknown(Some(op.code), value, bits));
                let after = if sure {
                    state.with_known(var)
                } else {
                    state.with_either(var)
                };
                ways(id, &mut |to| out.push((to, after)));
            }
            OpKind::Clear { slot, .. } => {
                let after = state.with_unknown(vars.bit(*slot));
                ways(id, &mut |to| out.push((to, after)));
            }
            _ => ways(id, &mut |to| out.push((to, state))),
        }
        self.within(out)
    }

    fn within(&self, mut ways: Vec<At>) -> Vec<At> {
        ways.retain(|(to, _)| self.inside.contains(to));
        ways
    }

    /// What a visited node, and what it leads to, may fill or clear.
    fn filled_by(&self, node: NodeId) -> u16 {
        let machine = self.cx.machine;
        let mut filled = 0;
        let mut seen: FxHashSet<OpId> = FxHashSet::default();
        let mut todo: Vec<OpId> = machine.node(node).map(|n| n.entry).into_iter().collect();
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            if seen.len() > MOST_VISITED {
                return u16::MAX;
            }
            let Some(op) = machine.op(id) else { continue };
            match &op.kind {
                OpKind::Set { slot: var, .. }
                | OpKind::Clear { slot: var, .. }
                | OpKind::Ask { var, .. }
                | OpKind::ChooseFrom { var, .. } => filled |= self.vars.bit(*var),
                OpKind::Form { vars, .. } => {
                    filled |= vars.iter().fold(0, |all, var| all | self.vars.bit(*var));
                }
                // Examples of an intent may name slots.
                OpKind::Listen { .. } => return u16::MAX,
                _ => {}
            }
            each_way(machine, op, |to| todo.push(to));
        }
        filled
    }
}
