//! What a single operation reads, and where it leads with what filled.

use super::{Fact, Facts, sorted};
use flow_compiler::machine::{Expr, ExprKind, FieldDef, Machine, Op, OpKind, TextPart, Var};
use flow_compiler::value::{CodeId, OpId, TextId};
use flow_grammar::ast::BinaryOp;

/// What it cannot do without.
pub(super) fn read_at(m: &Machine, op: &Op) -> Facts {
    let mut read = Read {
        m,
        code: op.code,
        out: Facts::new(),
    };
    match &op.kind {
        OpKind::Set { value, .. } => read.expr(value),
        OpKind::Call { webhook, args, .. } => {
            let params = m.webhook(*webhook).map(|w| &w.params);
            for (i, arg) in args.iter().enumerate() {
                let optional = params
                    .and_then(|p| p.get(i))
                    .is_some_and(|param| param.optional);
                if !optional {
                    read.expr(arg);
                }
            }
        }
        OpKind::Ask { var, question, .. } if question.text.is_none() => {
            read.asking(*var);
        }
        // A form asks for one thing after the other: what stands before is known.
        OpKind::Form { vars, .. } => {
            for (i, var) in vars.iter().enumerate() {
                let asked = read.out.len();
                read.asking(*var);
                let before = vars.get(..i).unwrap_or_default();
                let mut at = 0;
                read.out.retain(|fact| {
                    at += 1;
                    at <= asked || !before.iter().any(|v| Fact::Var(*v) == *fact)
                });
            }
        }
        OpKind::Escalate(spec) => {
            if let Some(rule) = spec.rule.and_then(|id| m.rule(id)) {
                for text in rule.say.iter().chain(&rule.because) {
                    read.text(*text);
                }
            }
        }
        _ => {}
    }
    for text in texts(&op.kind) {
        read.text(text);
    }
    sorted(read.out)
}

struct Read<'m> {
    m: &'m Machine,
    code: CodeId,
    out: Facts,
}

impl Read<'_> {
    fn asking(&mut self, var: Var) {
        let def: Option<&FieldDef> = match var {
            Var::Slot(id) => self.m.slot(id),
            Var::Customer(id) => self.m.customer_field(id),
        };
        if let Some(text) = def.and_then(|d| d.ask) {
            self.text(text);
        }
    }

    fn text(&mut self, text: TextId) {
        let Some(text) = self.m.text(text) else {
            return;
        };
        for part in text.variants.iter().flat_map(|v| &v.parts) {
            if let TextPart::Expr(expr) = part {
                self.expr(expr);
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Slot(id) => self.out.push(Fact::Var(Var::Slot(*id))),
            ExprKind::Customer(id) => self.out.push(Fact::Var(Var::Customer(*id))),
            ExprKind::Local(id) => self.out.push(Fact::Local(self.code, *id)),
            ExprKind::Field(of, _) => self.expr(of),
            ExprKind::Text(text) => self.text(*text),
            ExprKind::Binary(BinaryOp::Coalesce, _, otherwise) => self.expr(otherwise),
            ExprKind::Binary(
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div,
                a,
                b,
            ) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
            // Conditions may be unknown.
            _ => {}
        }
    }
}

/// Where it leads, and what is filled or tested on that way (sorted). Not for visits and arrows, whose nodes follow.
pub(super) fn ways(m: &Machine, op: &Op, way: &mut dyn FnMut(OpId, &[Fact])) {
    match &op.kind {
        OpKind::Ask {
            var,
            question,
            next,
        } => {
            way(*next, &[Fact::Var(*var)]);
            way(question.otherwise, &[]);
        }
        OpKind::ChooseFrom {
            var,
            question,
            none,
            next,
            ..
        } => {
            way(*next, &[Fact::Var(*var)]);
            way(question.otherwise, &[]);
            if let Some(none) = none {
                way(*none, &[]);
            }
        }
        OpKind::Form {
            vars,
            question,
            next,
        } => {
            way(*next, &sorted(vars.iter().map(|v| Fact::Var(*v)).collect()));
            way(question.otherwise, &[]);
        }
        OpKind::Verify {
            field,
            question,
            failed,
            next,
        } => {
            way(*next, &[Fact::Var(Var::Customer(*field))]);
            way(*failed, &[]);
            way(question.otherwise, &[]);
        }
        OpKind::Set { slot, next, .. } => way(*next, &[Fact::Var(*slot)]),
        // What is read after this was proven to be filled again, whatever it was before.
        OpKind::Clear { slot, next } => way(*next, &[Fact::Var(*slot)]),
        OpKind::Call {
            local,
            failed,
            next,
            ..
        } => {
            let filled: Facts = local.iter().map(|l| Fact::Local(op.code, *l)).collect();
            way(*next, &filled);
            way(*failed, &[]);
        }
        OpKind::Branch { arms, otherwise } => {
            let mut tested = Facts::new();
            for (when, to) in arms {
                mentioned(m, when, op.code, &mut tested);
                tested = sorted(tested);
                way(*to, &tested);
            }
            way(*otherwise, &tested);
        }
        OpKind::Match {
            subject,
            arms,
            otherwise,
        } => {
            let mut tested = Facts::new();
            mentioned(m, subject, op.code, &mut tested);
            let tested = sorted(tested);
            for arm in arms {
                way(arm.to, &tested);
            }
            way(*otherwise, &tested);
        }
        kind => {
            for next in successors(kind) {
                way(next, &[]);
            }
        }
    }
}

/// Everything that a condition mentions: both of its outcomes are taken to have tested it.
fn mentioned(m: &Machine, expr: &Expr, code: CodeId, out: &mut Facts) {
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

fn texts(kind: &OpKind) -> Vec<TextId> {
    match kind {
        OpKind::Say { texts, .. } => texts.clone(),
        OpKind::Ask { question, .. }
        | OpKind::Form { question, .. }
        | OpKind::Confirm { question, .. }
        | OpKind::Listen { question, .. }
        | OpKind::Verify { question, .. }
        | OpKind::Survey { question, .. } => {
            question.text.into_iter().chain(question.invalid).collect()
        }
        OpKind::ChooseFrom {
            question, label, ..
        } => question
            .text
            .into_iter()
            .chain(question.invalid)
            .chain(*label)
            .collect(),
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
fn successors(kind: &OpKind) -> Vec<OpId> {
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
        OpKind::Survey { question, next, .. } => vec![*next, question.otherwise],
        _ => Vec::new(),
    }
}
