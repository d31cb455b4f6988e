//! What a version reads from a place on. A checked program reads only what it has proven to be known; so whatever it can reach and read
//! without filling or testing it first must be known to a conversation that is moved there.

use super::{Stay, entries, stay};
use crate::conversation::{Back, Conversation};
use crate::engine::Engine;
use crate::tables::var_name;
use flow_compiler::machine::{Expr, ExprKind, Machine, OpKind, TextPart, Var};
use flow_compiler::value::{CodeId, FieldId, LocalId, OpId, SlotId, TextId};
use flow_grammar::ast::BinaryOp;
use rustc_hash::{FxHashMap, FxHashSet};

/// Something that can be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fact {
    Var(Var),
    Local(CodeId, LocalId),
}

type Facts = FxHashSet<Fact>;

/// Checks that nothing unknown is read.
pub(super) fn known(new: &Engine, c: &Conversation) -> Result<(), Stay> {
    let m = new.machine();
    let mut walk = Walk {
        m,
        may: FxHashMap::default(),
        todo: Vec::new(),
        returns: FxHashMap::default(),
    };
    let unknown = unknown_vars(m, c);
    for op in entries(new, c) {
        let mut facts = unknown.clone();
        facts.extend(unknown_locals(m, c, op));
        walk.arrive(op, &facts);
        // The body of this place returns to whoever visited it.
        if let Some(code) = m.op(op).map(|o| o.code) {
            for frame in &c.main.frames {
                if let Back::Visit(key) = &frame.back
                    && let Some(OpKind::Visit { next, .. }) = new
                        .tables
                        .visits
                        .get(key)
                        .and_then(|op| m.op(*op))
                        .map(|o| &o.kind)
                {
                    walk.returns.entry(code).or_default().insert(*next);
                }
            }
        }
    }
    while let Some(op) = walk.todo.pop() {
        walk.visit(op)?;
    }
    Ok(())
}

fn unknown_vars(m: &Machine, c: &Conversation) -> Facts {
    let slots = m
        .slots
        .iter()
        .enumerate()
        .filter(|(_, d)| d.default.is_none() && !c.slots.contains_key(&d.name));
    let fields = m
        .customer
        .iter()
        .enumerate()
        .filter(|(_, d)| d.default.is_none() && !c.customer.contains_key(&d.name));
    let slots =
        slots.filter_map(|(i, _)| Some(Fact::Var(Var::Slot(SlotId(u32::try_from(i).ok()?)))));
    slots
        .chain(
            fields.filter_map(|(i, _)| {
                Some(Fact::Var(Var::Customer(FieldId(u32::try_from(i).ok()?))))
            }),
        )
        .collect()
}

fn unknown_locals(m: &Machine, c: &Conversation, op: OpId) -> Vec<Fact> {
    let Some(code) = m.op(op).map(|o| o.code) else {
        return Vec::new();
    };
    let Some(body) = m.code(code) else {
        return Vec::new();
    };
    let missing = body.locals.iter().enumerate().filter(|(_, def)| {
        !c.main.locals.contains_key(&def.name)
            && !c
                .main
                .frames
                .iter()
                .any(|f| f.locals.contains_key(&def.name))
    });
    missing
        .filter_map(|(i, _)| Some(Fact::Local(code, LocalId(u32::try_from(i).ok()?))))
        .collect()
}

struct Walk<'m> {
    m: &'m Machine,
    /// What may be unknown before an operation.
    may: FxHashMap<OpId, Facts>,
    todo: Vec<OpId>,
    /// Where bodies return to.
    returns: FxHashMap<CodeId, FxHashSet<OpId>>,
}

impl Walk<'_> {
    fn arrive(&mut self, op: OpId, facts: &Facts) {
        let first = !self.may.contains_key(&op);
        let known = self.may.entry(op).or_default();
        let before = known.len();
        known.extend(facts);
        if first || known.len() > before {
            self.todo.push(op);
        }
    }

    fn visit(&mut self, at: OpId) -> Result<(), Stay> {
        let m = self.m;
        let (Some(op), Some(facts)) = (m.op(at), self.may.get(&at).cloned()) else {
            return Ok(());
        };
        for expr in demanded(&op.kind) {
            self.demand(expr, op.code, &facts)?;
        }
        for text in texts(&op.kind) {
            self.demand_text(text, op.code, &facts)?;
        }
        let without = |facts: &Facts, gone: &[Fact]| {
            facts
                .iter()
                .filter(|f| !gone.contains(f))
                .copied()
                .collect::<Facts>()
        };
        match &op.kind {
            OpKind::Ask {
                var,
                question,
                next,
            }
            | OpKind::ChooseFrom {
                var,
                question,
                next,
                ..
            } => {
                self.arrive(*next, &without(&facts, &[Fact::Var(*var)]));
                self.arrive(question.otherwise, &facts);
                if let OpKind::ChooseFrom {
                    none: Some(none), ..
                } = op.kind
                {
                    self.arrive(none, &facts);
                }
            }
            OpKind::Form {
                vars,
                question,
                next,
            } => {
                let filled: Vec<Fact> = vars.iter().map(|v| Fact::Var(*v)).collect();
                self.arrive(*next, &without(&facts, &filled));
                self.arrive(question.otherwise, &facts);
            }
            OpKind::Set { slot, next, .. } => {
                self.arrive(*next, &without(&facts, &[Fact::Var(*slot)]))
            }
            OpKind::Clear { slot, next } => {
                let mut facts = facts;
                facts.insert(Fact::Var(*slot));
                self.arrive(*next, &facts);
            }
            OpKind::Call {
                local,
                failed,
                next,
                ..
            } => {
                let filled: Vec<Fact> = local.iter().map(|l| Fact::Local(op.code, *l)).collect();
                self.arrive(*next, &without(&facts, &filled));
                self.arrive(*failed, &facts);
            }
            OpKind::Branch { arms, otherwise } => {
                let mut tested = Vec::new();
                for (when, to) in arms {
                    mentioned(m, when, op.code, &mut tested);
                    self.arrive(*to, &without(&facts, &tested));
                }
                self.arrive(*otherwise, &without(&facts, &tested));
            }
            OpKind::Match {
                subject,
                arms,
                otherwise,
            } => {
                let mut tested = Vec::new();
                mentioned(m, subject, op.code, &mut tested);
                for arm in arms {
                    self.arrive(arm.to, &without(&facts, &tested));
                }
                self.arrive(*otherwise, &without(&facts, &tested));
            }
            OpKind::Visit { node, next } => {
                if let Some(node) = m.node(*node) {
                    self.returns.entry(node.code).or_default().insert(*next);
                    self.arrive(node.entry, &facts);
                    // Its ends may have been reached before this visit was known.
                    let ends: Vec<OpId> = self
                        .may
                        .keys()
                        .copied()
                        .filter(|o| {
                            m.op(*o).is_some_and(|o| {
                                o.code == node.code
                                    && matches!(o.kind, OpKind::Finish | OpKind::Back)
                            })
                        })
                        .collect();
                    self.todo.extend(ends);
                }
            }
            OpKind::Finish | OpKind::Back => {
                for next in self.returns.get(&op.code).cloned().unwrap_or_default() {
                    self.arrive(next, &facts);
                }
            }
            kind => {
                for next in successors(m, kind) {
                    self.arrive(next, &facts);
                }
            }
        }
        Ok(())
    }

    fn demand_text(&self, text: TextId, code: CodeId, facts: &Facts) -> Result<(), Stay> {
        let Some(text) = self.m.text(text) else {
            return Ok(());
        };
        text.variants
            .iter()
            .flat_map(|v| &v.parts)
            .try_for_each(|part| match part {
                TextPart::Expr(expr) => self.demand(expr, code, facts),
                TextPart::Str(_) => Ok(()),
            })
    }

    /// What an expression cannot do without.
    fn demand(&self, expr: &Expr, code: CodeId, facts: &Facts) -> Result<(), Stay> {
        let fact = match &expr.kind {
            ExprKind::Slot(id) => Fact::Var(Var::Slot(*id)),
            ExprKind::Customer(id) => Fact::Var(Var::Customer(*id)),
            ExprKind::Local(id) => Fact::Local(code, *id),
            ExprKind::Field(of, _) => return self.demand(of, code, facts),
            ExprKind::Text(text) => return self.demand_text(*text, code, facts),
            ExprKind::Binary(BinaryOp::Coalesce, _, otherwise) => {
                return self.demand(otherwise, code, facts);
            }
            ExprKind::Binary(
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div,
                a,
                b,
            ) => {
                self.demand(a, code, facts)?;
                return self.demand(b, code, facts);
            }
            ExprKind::List(items) => {
                return items
                    .iter()
                    .try_for_each(|item| self.demand(item, code, facts));
            }
            // Conditions may be unknown.
            _ => return Ok(()),
        };
        if !facts.contains(&fact) {
            return Ok(());
        }
        let name = match fact {
            Fact::Var(var) => var_name(self.m, var),
            Fact::Local(code, local) => self
                .m
                .code(code)
                .and_then(|c| c.locals.get(local.index()))
                .map(|d| d.name.clone())
                .unwrap_or_default(),
        };
        stay(format!(
            "the new version reads `{name}`, which this conversation does not know"
        ))
    }
}

/// Everything that a condition mentions: both of its outcomes are taken to have tested it.
fn mentioned(m: &Machine, expr: &Expr, code: CodeId, out: &mut Vec<Fact>) {
    crate::tables::any(
        m,
        expr,
        &mut |e| {
            match &e.kind {
                ExprKind::Slot(id) => out.push(Fact::Var(Var::Slot(*id))),
                ExprKind::Customer(id) => out.push(Fact::Var(Var::Customer(*id))),
                ExprKind::Local(id) => out.push(Fact::Local(code, *id)),
                _ => {}
            }
            false
        },
        64,
    );
}

fn demanded(kind: &OpKind) -> Vec<&Expr> {
    match kind {
        OpKind::Call { args, .. } => args.iter().collect(),
        OpKind::Set { value, .. } => vec![&**value],
        _ => Vec::new(),
    }
}

fn texts(kind: &OpKind) -> Vec<TextId> {
    match kind {
        OpKind::Say { texts, .. } => texts.clone(),
        OpKind::Ask { question, .. }
        | OpKind::Form { question, .. }
        | OpKind::Confirm { question, .. }
        | OpKind::Listen { question, .. }
        | OpKind::Verify { question, .. }
        | OpKind::Survey { question, .. }
        | OpKind::ChooseFrom { question, .. } => {
            question.text.into_iter().chain(question.invalid).collect()
        }
        OpKind::Choose { question, buttons } => question
            .text
            .into_iter()
            .chain(question.invalid)
            .chain(buttons.iter().map(|b| b.label))
            .collect(),
        OpKind::Note { text, .. } | OpKind::Attempt { text, .. } => vec![*text],
        OpKind::Ticket { text, .. } | OpKind::Callback { text, .. } => {
            text.iter().copied().collect()
        }
        OpKind::Escalate(spec) => spec.because.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Where operations without an effect on what is known lead.
fn successors(m: &Machine, kind: &OpKind) -> Vec<OpId> {
    match kind {
        OpKind::Say { next, .. }
        | OpKind::Note { next, .. }
        | OpKind::Tag { next, .. }
        | OpKind::Ticket { next, .. }
        | OpKind::Callback { next, .. }
        | OpKind::Offer { next, .. }
        | OpKind::Error { next, .. } => vec![*next],
        OpKind::Choose { question, buttons } => buttons
            .iter()
            .map(|b| b.to)
            .chain([question.otherwise])
            .collect(),
        OpKind::Confirm { question, yes, no } => vec![*yes, *no, question.otherwise],
        OpKind::Listen { question, arms } => arms
            .iter()
            .map(|(_, to)| *to)
            .chain([question.otherwise])
            .collect(),
        OpKind::Goto { node } => m.node(*node).map(|n| n.entry).into_iter().collect(),
        OpKind::ContinueWith {
            resolved,
            otherwise,
            ..
        } => resolved.iter().chain(otherwise).copied().collect(),
        OpKind::Attempt {
            question,
            worked,
            declined,
            ..
        } => [*worked, *declined]
            .into_iter()
            .chain(question.as_ref().map(|q| q.otherwise))
            .collect(),
        OpKind::Verify {
            question,
            failed,
            next,
            ..
        } => vec![*failed, *next, question.otherwise],
        OpKind::Survey { question, next, .. } => vec![*next, question.otherwise],
        _ => Vec::new(),
    }
}
