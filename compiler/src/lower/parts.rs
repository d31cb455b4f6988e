//! Nodes are lowered side by side: parts of so many nodes each, numbered from 0, then moved behind each other.
//!
//! What depends on the order of the whole program (conditions with memory, which share their state by their words, and how
//! many unknown names are compared with all others) is not for a part: it is done again, in its place.

use super::kept::Taken;
use super::{KeptPart, Lower, Output, Ranged, Reference};
use crate::env::Def;
use crate::machine::{
    Attachment, Expr, ExprKind, Offer, OfferKind, OpKind, Place, Question, TextPart,
};
use crate::value::{CodeId, OpId, PlaceId, TextId};
use flow_grammar::Diagnostic;
use rayon::prelude::*;
use std::ops::Range;

/// How many nodes make a part.
const PART: usize = 64;

struct Part {
    nodes: Range<usize>,
    out: Output,
    found: Vec<Diagnostic>,
    refs: Vec<Reference>,
    ranged: Vec<Ranged>,
    /// Where its numbers begin.
    from: Shift,
    /// It cannot stand for itself.
    again: bool,
    /// The next compilation may take it over.
    keep: bool,
}

impl Part {
    /// As an earlier compilation made it.
    fn taken(taken: Taken, named: u32) -> Self {
        let start = |range: &Range<usize>| super::index(range.start);
        let part = taken.part;
        let nowhere = Place {
            op: OpId(0),
            key: smol_str::SmolStr::default(),
        };
        Self {
            from: Shift {
                named,
                ops: start(&part.ops),
                texts: start(&part.texts).saturating_sub(named),
                codes: start(&part.codes),
                places: start(&part.places),
            },
            nodes: part.nodes,
            out: Output {
                ops: taken.ops,
                texts: taken.texts,
                codes: taken.codes,
                nodes: taken.nodes,
                places: vec![nowhere; part.places.len()],
                ..Output::default()
            },
            found: Vec::new(),
            refs: taken.refs,
            ranged: part.ranged,
            again: false,
            keep: true,
        }
    }
}

impl Lower<'_> {
    pub(super) fn nodes(&mut self) {
        let (env, sources, project) = (self.env, self.sources, self.project);
        let count = env.nodes.len();
        if count <= PART {
            self.nodes_in(0..count);
            return;
        }
        let named = super::index(env.texts.len());
        let before = self.before.take();
        let taken = before.map_or_else(Vec::new, |kept| {
            kept.take(|kept, part| kept.unchanged(part, env, sources))
        });
        let mut parts: Vec<Option<Part>> = (0..count.div_ceil(PART)).map(|_| None).collect();
        for taken in taken {
            if let Some(part) = parts.get_mut(taken.part.nodes.start / PART) {
                *part = Some(Part::taken(taken, named));
            }
        }
        let parts: Vec<Part> = parts
            .into_par_iter()
            .enumerate()
            .map(|(n, taken)| {
                if let Some(taken) = taken {
                    return taken;
                }
                let nodes = n * PART..count.min((n + 1) * PART);
                let mut lower = Lower::new(env, sources, project);
                lower.in_part = true;
                lower.first_text = named;
                lower.nodes_in(nodes.clone());
                Part {
                    // What was said of it may name other declarations.
                    keep: lower.found.is_empty() && !lower.led_astray,
                    nodes,
                    again: lower.not_for_a_part,
                    out: lower.out,
                    found: lower.found,
                    refs: lower.refs,
                    ranged: lower.ranged,
                    from: Shift {
                        named,
                        ..Shift::default()
                    },
                }
            })
            .collect();
        let mut run: Vec<Part> = Vec::new();
        for part in parts {
            if part.again {
                self.append(std::mem::take(&mut run));
                self.nodes_in(part.nodes);
            } else {
                run.push(part);
            }
        }
        self.append(run);
    }

    fn append(&mut self, mut parts: Vec<Part>) {
        let named = super::index(self.env.texts.len());
        let mut next = Shift {
            named,
            ops: super::index(self.out.ops.len()),
            texts: super::index(self.out.texts.len()).saturating_sub(named),
            codes: super::index(self.out.codes.len()),
            places: super::index(self.out.places.len()),
        };
        let shifts: Vec<Shift> = parts
            .iter()
            .map(|part| {
                let own = next;
                next.ops += super::index(part.out.ops.len());
                next.texts += super::index(part.out.texts.len());
                next.codes += super::index(part.out.codes.len());
                next.places += super::index(part.out.places.len());
                own.since(part.from)
            })
            .collect();
        parts
            .par_iter_mut()
            .zip(&shifts)
            .filter(|(_, by)| !by.is_nothing())
            .for_each(|(part, by)| by.part(part));
        let grows = |len: fn(&Part) -> usize| parts.iter().map(len).sum::<usize>();
        self.out.ops.reserve(grows(|p| p.out.ops.len()));
        self.out.texts.reserve(grows(|p| p.out.texts.len()));
        self.out.codes.reserve(grows(|p| p.out.codes.len()));
        self.out.places.reserve(grows(|p| p.out.places.len()));
        self.refs.reserve(grows(|p| p.refs.len()));
        for mut part in parts {
            let range = |before: usize, added: usize| before..before + added;
            if part.keep {
                self.parts.push(KeptPart {
                    nodes: part.nodes,
                    ops: range(self.out.ops.len(), part.out.ops.len()),
                    texts: range(self.out.texts.len(), part.out.texts.len()),
                    codes: range(self.out.codes.len(), part.out.codes.len()),
                    places: range(self.out.places.len(), part.out.places.len()),
                    refs: range(self.refs.len(), part.refs.len()),
                    ranged: part.ranged.clone(),
                });
            }
            self.out.ops.append(&mut part.out.ops);
            self.out.texts.append(&mut part.out.texts);
            self.out.codes.append(&mut part.out.codes);
            self.out.places.append(&mut part.out.places);
            self.out.nodes.append(&mut part.out.nodes);
            self.found.append(&mut part.found);
            self.refs.append(&mut part.refs);
            self.ranged.append(&mut part.ranged);
        }
    }
}

/// By how much the numbers of a part grow; shrinking is growing around the end.
#[derive(Clone, Copy, Default)]
struct Shift {
    /// Texts before this number have a name, and the same number everywhere.
    named: u32,
    ops: u32,
    texts: u32,
    codes: u32,
    places: u32,
}

impl Shift {
    const fn since(self, from: Self) -> Self {
        Self {
            named: self.named,
            ops: self.ops.wrapping_sub(from.ops),
            texts: self.texts.wrapping_sub(from.texts),
            codes: self.codes.wrapping_sub(from.codes),
            places: self.places.wrapping_sub(from.places),
        }
    }

    const fn is_nothing(self) -> bool {
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

    fn part(self, part: &mut Part) {
        for op in &mut part.out.ops {
            self.code(&mut op.code);
            self.kind(&mut op.kind);
        }
        for text in &mut part.out.texts {
            for piece in text.variants.iter_mut().flat_map(|v| &mut v.parts) {
                if let TextPart::Expr(expr) = piece {
                    self.expr(expr);
                }
            }
        }
        for code in &mut part.out.codes {
            self.op(&mut code.entry);
        }
        for node in &mut part.out.nodes {
            self.code(&mut node.code);
            self.op(&mut node.entry);
        }
        for (_, def) in &mut part.refs {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Project;
    use std::fmt::Write as _;

    /// A bot of some hundred nodes with every kind of step, named texts, conditions with memory and unknown names.
    fn project() -> Project {
        let mut text = String::from(
            "bot demo { languages en; channels web; tiers bot -> human; start n0 }\ntier bot: scripted { cost 0.02 USD }\n\
             tier human: people { cost 5 USD }\nteam support { hours always }\nhandoff human { say hello }\n\
             slots { name: text; kind: state = open; items: list of text }\ncustomer { email: email private identifies }\n\
             enum state { open, closed }\ntext hello { en \"Hello {name ?? \"you\"}.\" }\ntext bye { en \"Bye.\" }\n\
             webhook find(name: text) -> text { get \"https://x.example/{name}\" }\nintent wish { \"a wish\" }\n",
        );
        for i in 0..333 {
            let next = (i * 7 + 1) % 333;
            let _ = write!(
                text,
                "node n{i} {{\n  say hello\n  say \"Step {i} {{name ?? \"nobody\"}}\" {{ card {{ title \"T\"; link \"https://x.example\" }} }}\n  \
                 ask name \"Your name?\" {{ invalid bye; otherwise -> n{next} }}\n  form name, kind\n  call find(name) as found {{ failed -> escalate because \"gone\" }}\n  \
                 set name = \"{{found}} and {{name}}\"\n  clear name\n  if turns > {i} and kind is open {{ note \"Long\"; tag long }} else {{ visit n{next} }}\n  \
                 match kind {{ open -> n{next}; closed {{ ticket within 2h \"For {{kind}}\" }} }}\n  choose name from items \"Which?\" {{ label \"{{it}}\"; none {{ say bye }} }}\n  \
                 confirm \"Sure?\" {{ yes {{ attempt \"it\" {{ worked {{ back }}; declined {{ callback within 1h }} }} }}; no -> end resolved }}\n  \
                 listen {{ intent wish -> n{next}; otherwise {{ survey csat }} }}\n  verify customer.email \"A code.\" {{ failed -> end unresolved }}\n  \
                 offer when turns > 3 {{ stay \"Wait\"; \"Go\" -> n{next} }}\n"
            );
            if i % 100 == 50 {
                let _ = write!(
                    text,
                    "  if sentiment < -{}% for 2 messages {{ say bye }}\n  say nmae\n  -> n{}x\n",
                    i % 90,
                    i
                );
            }
            if i % 100 == 51 {
                text.push_str("  if mood < -10% for 5m { say bye }\n");
            }
            let _ = write!(
                text,
                "  continue with human {{ resolved -> n{next}; otherwise -> end resolved }}\n}}\n"
            );
        }
        Project {
            flow_files: vec![("bot.flow".into(), text.into())],
            ..Project::default()
        }
    }

    #[test]
    fn parts_are_what_one_after_the_other_gives() {
        let project = project();
        let collected =
            crate::collect::collect(crate::load::load(&project, &mut Default::default()));
        let whole = |side_by_side: bool| {
            collected
                .env
                .suggestions_left
                .store(300, std::sync::atomic::Ordering::Relaxed);
            let mut lower = Lower::new(&collected.env, &collected.sources, &project);
            lower.named_texts();
            lower.fields();
            if side_by_side {
                lower.nodes();
            } else {
                lower.nodes_in(0..collected.env.nodes.len());
            }
            lower.handlers(&collected.unnamed);
            lower.name_places();
            (
                format!("{:#?}", lower.out),
                format!("{:#?} {:#?}", lower.found, lower.refs),
            )
        };
        let (parts, one) = (whole(true), whole(false));
        assert!(one.0.lines().count() > 100_000 && one.1.contains("did you mean"));
        let differs = parts.0.lines().zip(one.0.lines()).find(|(a, b)| a != b);
        assert_eq!(differs, None);
        assert_eq!(parts.0.len(), one.0.len());
        assert!(parts.1 == one.1);
    }
}
