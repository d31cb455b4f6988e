//! The numbers in what nodes become, and how they change where a part moves.

use super::Reference;
use crate::env::Def;
use crate::machine::{
    Attachment, Code, Expr, ExprKind, Node, Offer, OfferKind, Op, OpKind, Question, Text, TextPart,
};
use crate::value::{CodeId, OpId, PlaceId, TextId};

/// How many things a part holds, or stand before it.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) nodes: usize,
    pub(super) ops: usize,
    pub(super) texts: usize,
    pub(super) codes: usize,
    pub(super) places: usize,
    pub(super) refs: usize,
}

impl Counts {
    pub(super) const fn plus(self, more: Self) -> Self {
        Self {
            nodes: self.nodes + more.nodes,
            ops: self.ops + more.ops,
            texts: self.texts + more.texts,
            codes: self.codes + more.codes,
            places: self.places + more.places,
            refs: self.refs + more.refs,
        }
    }
}

/// Where the numbers of a part stand.
pub(super) struct Numbered<'a> {
    pub(super) nodes: &'a mut [Node],
    pub(super) ops: &'a mut [Op],
    pub(super) texts: &'a mut [Text],
    pub(super) codes: &'a mut [Code],
    pub(super) refs: &'a mut [Reference],
}

impl Numbered<'_> {
    /// Takes the first so many of each.
    pub(super) fn split_off(&mut self, first: Counts) -> Self {
        fn split<'a, T>(list: &mut &'a mut [T], n: usize) -> &'a mut [T] {
            let (first, rest) = std::mem::take(list)
                .split_at_mut_checked(n)
                .unwrap_or_default();
            *list = rest;
            first
        }
        Self {
            nodes: split(&mut self.nodes, first.nodes),
            ops: split(&mut self.ops, first.ops),
            texts: split(&mut self.texts, first.texts),
            codes: split(&mut self.codes, first.codes),
            refs: split(&mut self.refs, first.refs),
        }
    }
}

/// By how much the numbers of a part grow; shrinking is growing around the end.
#[derive(Clone, Copy, Default)]
pub(super) struct Shift {
    /// Texts before this number have a name, and the same number everywhere.
    named: u32,
    ops: u32,
    texts: u32,
    codes: u32,
    places: u32,
}

impl Shift {
    /// From where a part was numbered to where it now stands. The first texts have names.
    pub(super) fn between(from: Counts, to: Counts, named: usize) -> Self {
        let by = |from: usize, to: usize| super::index(to).wrapping_sub(super::index(from));
        Self {
            named: super::index(named),
            ops: by(from.ops, to.ops),
            texts: by(from.texts, to.texts),
            codes: by(from.codes, to.codes),
            places: by(from.places, to.places),
        }
    }

    pub(super) const fn is_nothing(self) -> bool {
        self.ops == 0 && self.texts == 0 && self.codes == 0 && self.places == 0
    }

    const fn op(self, id: &mut OpId) {
        id.0 = id.0.wrapping_add(self.ops);
    }

    const fn text(self, id: &mut TextId) {
        if id.0 >= self.named {
            id.0 = id.0.wrapping_add(self.texts);
        }
    }

    const fn code(self, id: &mut CodeId) {
        id.0 = id.0.wrapping_add(self.codes);
    }

    const fn place(self, id: &mut PlaceId) {
        id.0 = id.0.wrapping_add(self.places);
    }

    pub(super) fn part(self, part: Numbered<'_>) {
        for op in part.ops {
            self.code(&mut op.code);
            self.kind(&mut op.kind);
        }
        for text in part.texts {
            for piece in text.variants.iter_mut().flat_map(|v| &mut v.parts) {
                if let TextPart::Expr(expr) = piece {
                    self.expr(expr);
                }
            }
        }
        for code in part.codes {
            self.op(&mut code.entry);
        }
        for node in part.nodes {
            self.code(&mut node.code);
            self.op(&mut node.entry);
        }
        for (_, def) in part.refs {
            if let Def::Local(code, _) = def {
                self.code(code);
            }
        }
    }

    fn kind(self, kind: &mut OpKind) {
        match kind {
            OpKind::Say {
                texts,
                attachments,
                next,
            } => {
                texts.iter_mut().for_each(|t| self.text(t));
                attachments.iter_mut().for_each(|a| self.attachment(a));
                self.op(next);
            }
            OpKind::Ask { question, next, .. }
            | OpKind::Form { question, next, .. }
            | OpKind::Survey { question, next, .. } => {
                self.question(question);
                self.op(next);
            }
            OpKind::Choose { question, buttons } => {
                self.question(question);
                for button in buttons {
                    self.text(&mut button.label);
                    self.op(&mut button.to);
                }
            }
            OpKind::ChooseFrom {
                from,
                label,
                none,
                question,
                next,
                ..
            } => {
                self.expr(from);
                label.iter_mut().for_each(|t| self.text(t));
                none.iter_mut().for_each(|op| self.op(op));
                self.question(question);
                self.op(next);
            }
            OpKind::Confirm { question, yes, no } => {
                self.question(question);
                self.op(yes);
                self.op(no);
            }
            OpKind::Listen { question, arms } => {
                self.question(question);
                arms.iter_mut().for_each(|(_, to)| self.op(to));
            }
            OpKind::Set { value, next, .. } => {
                self.expr(value);
                self.op(next);
            }
            OpKind::Clear { next, .. } | OpKind::Visit { next, .. } | OpKind::Tag { next, .. } => {
                self.op(next)
            }
            OpKind::Error { next, ways, .. } => {
                self.op(next);
                ways.iter_mut().for_each(|way| self.op(way));
            }
            OpKind::Branch { arms, otherwise } => {
                for (cond, to) in arms {
                    self.expr(cond);
                    self.op(to);
                }
                self.op(otherwise);
            }
            OpKind::Match {
                subject,
                arms,
                otherwise,
            } => {
                self.expr(subject);
                arms.iter_mut().for_each(|arm| self.op(&mut arm.to));
                self.op(otherwise);
            }
            OpKind::Call {
                args, failed, next, ..
            } => {
                args.iter_mut().for_each(|arg| self.expr(arg));
                self.op(failed);
                self.op(next);
            }
            OpKind::ContinueWith {
                resolved,
                otherwise,
                place,
                ..
            } => {
                resolved.iter_mut().for_each(|op| self.op(op));
                otherwise.iter_mut().for_each(|op| self.op(op));
                self.place(place);
            }
            OpKind::Note { text, next } => {
                self.text(text);
                self.op(next);
            }
            OpKind::Attempt {
                text,
                question,
                worked,
                declined,
            } => {
                self.text(text);
                question.iter_mut().for_each(|q| self.question(q));
                self.op(worked);
                self.op(declined);
            }
            OpKind::Ticket { text, next, .. } | OpKind::Callback { text, next, .. } => {
                text.iter_mut().for_each(|t| self.text(t));
                self.op(next);
            }
            OpKind::Verify {
                question,
                failed,
                next,
                ..
            } => {
                self.question(question);
                self.op(failed);
                self.op(next);
            }
            OpKind::Escalate(spec) => spec.because.iter_mut().for_each(|t| self.text(t)),
            OpKind::Offer { offer, place, next } => {
                self.offer(offer);
                self.place(place);
                self.op(next);
            }
            OpKind::Goto { .. } | OpKind::Back | OpKind::Finish | OpKind::End { .. } => {}
        }
    }

    fn question(self, question: &mut Question) {
        self.place(&mut question.place);
        question.text.iter_mut().for_each(|t| self.text(t));
        question.invalid.iter_mut().for_each(|t| self.text(t));
        self.op(&mut question.otherwise);
    }

    fn attachment(self, attachment: &mut Attachment) {
        match attachment {
            Attachment::Image(text) | Attachment::File(text) => self.text(text),
            Attachment::Card {
                title,
                text,
                image,
                link,
            } => [title, text, image, link]
                .into_iter()
                .flatten()
                .for_each(|t| self.text(t)),
        }
    }

    fn offer(self, offer: &mut Offer) {
        offer.when.iter_mut().for_each(|when| self.expr(when));
        for item in &mut offer.items {
            item.label.iter_mut().for_each(|t| self.text(t));
            if let OfferKind::Target(to) = &mut item.kind {
                self.op(to);
            }
        }
    }

    fn expr(self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Text(text) => self.text(text),
            ExprKind::Field(of, _)
            | ExprKind::Not(of)
            | ExprKind::Neg(of)
            | ExprKind::Known { of, .. }
            | ExprKind::Matches { left: of, .. } => self.expr(of),
            ExprKind::Hook(_, items)
            | ExprKind::List(items)
            | ExprKind::AtLeast { conds: items, .. } => {
                items.iter_mut().for_each(|item| self.expr(item));
            }
            ExprKind::Binary(_, left, right)
            | ExprKind::Is { left, right, .. }
            | ExprKind::In { left, right, .. }
            | ExprKind::ListContains { left, right } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Contains { left, any } => {
                self.expr(left);
                any.iter_mut().for_each(|item| self.expr(item));
            }
            // A condition with memory stands in no part.
            ExprKind::Temporal(_)
            | ExprKind::Const(_)
            | ExprKind::Slot(_)
            | ExprKind::Customer(_)
            | ExprKind::CustomerAll
            | ExprKind::Local(_)
            | ExprKind::Signal(_)
            | ExprKind::Segment(_)
            | ExprKind::Threshold(_)
            | ExprKind::Param(_)
            | ExprKind::Payload(_)
            | ExprKind::It
            | ExprKind::Env(_)
            | ExprKind::Secret(_)
            | ExprKind::Hours(..)
            | ExprKind::During { .. }
            | ExprKind::Error => {}
        }
    }
}
