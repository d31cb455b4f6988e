//! Bodies: steps become operations with explicit successors.
//!
//! A body is lowered from its last step to its first, so that every step knows what follows it.

use super::Lower;
use crate::env::{Def, Kind};
use crate::machine::{
    Attachment, CodeOwner, Expr, ExprKind, MatchArm, Offer, OfferItem, OfferKind, OpKind, Promise,
    Var,
};
use crate::value::{HoursId, LocalId, NodeId, OpId, SlotId, Type, WebhookId};
use flow_grammar::{
    Diagnostic, Name, Span,
    ast::{self, Arm, ArmHead, Body, Path, Step, StepKind, Within},
};

impl Lower<'_> {
    /// A body of its own: its code is made, its locals are found, its steps are lowered.
    pub(super) fn body(&mut self, owner: CodeOwner, body: &Body) -> (crate::value::CodeId, OpId) {
        let code = self.begin_code(owner, body.span);
        self.find_locals(&body.steps);
        let end = Span::new(
            body.span.end.saturating_sub(1).max(body.span.start),
            body.span.end,
        );
        let finish = self.op(OpKind::Finish, end);
        let entry = self.steps(&body.steps, finish);
        self.end_code(code, entry);
        (code, entry)
    }

    /// A code that is one target.
    pub(super) fn target_code(
        &mut self,
        owner: CodeOwner,
        target: &ast::Target,
        span: Span,
    ) -> (crate::value::CodeId, OpId) {
        let code = self.begin_code(owner, span);
        let entry = self.target(target);
        self.end_code(code, entry);
        (code, entry)
    }

    /// Steps in order, then `next`.
    pub(super) fn steps(&mut self, steps: &[Step], next: OpId) -> OpId {
        let mut next = next;
        for step in steps.iter().rev() {
            next = self.step(step, next);
        }
        next
    }

    fn step(&mut self, step: &Step, next: OpId) -> OpId {
        let span = step.span;
        match &step.kind {
            StepKind::Say {
                texts, attachments, ..
            } => {
                let texts = texts.iter().map(|t| self.text_or_empty(t)).collect();
                let attachments = attachments.iter().map(|a| self.attachment(a)).collect();
                self.op(
                    OpKind::Say {
                        texts,
                        attachments,
                        next,
                    },
                    span,
                )
            }
            StepKind::Ask { .. }
            | StepKind::Form { .. }
            | StepKind::Choose { .. }
            | StepKind::ChooseFrom { .. }
            | StepKind::Confirm { .. }
            | StepKind::Listen { .. }
            | StepKind::Verify { .. }
            | StepKind::Survey { .. }
            | StepKind::Attempt { .. } => self.question_step(step, next),
            StepKind::Set(path, value) => {
                let Some((slot, ty)) = self.var(path) else {
                    self.expr(value);
                    return self.failed_step(next, span);
                };
                let value = Box::new(self.expr_as(value, &ty, "F0301"));
                let kind = match slot {
                    Var::Slot(id) => ExprKind::Slot(id),
                    Var::Customer(id) => ExprKind::Customer(id),
                };
                self.one_currency(
                    &Expr {
                        kind,
                        ty,
                        loc: self.loc(path.span),
                    },
                    &value,
                );
                self.op(OpKind::Set { slot, value, next }, span)
            }
            StepKind::Clear(path) => match self.var(path) {
                Some((slot, _)) => self.op(OpKind::Clear { slot, next }, span),
                None => self.failed_step(next, span),
            },
            StepKind::If {
                branches,
                otherwise,
            } => {
                let otherwise = otherwise
                    .as_ref()
                    .map_or(next, |b| self.steps(&b.steps, next));
                let arms = branches
                    .iter()
                    .map(|(cond, body)| {
                        let cond = self.cond(cond);
                        let to = self.steps(&body.steps, next);
                        (cond, to)
                    })
                    .collect();
                self.op(OpKind::Branch { arms, otherwise }, span)
            }
            StepKind::Match { subject, arms, .. } => self.match_step(subject, arms, span, next),
            StepKind::Call {
                webhook,
                args,
                binding,
                arms,
            } => self.call(webhook, args, binding.as_ref(), arms, span, next),
            StepKind::Visit(path) => match self.named(Kind::Node, path) {
                Some(id) => self.op(
                    OpKind::Visit {
                        node: NodeId(id),
                        next,
                    },
                    span,
                ),
                None => {
                    let (ways, meant) = (Vec::new(), Self::meant(path));
                    self.op(OpKind::Error { next, ways, meant }, span)
                }
            },
            StepKind::Back => self.op(OpKind::Back, span),
            StepKind::Goto(target) => self.target(target),
            StepKind::ContinueWith { tier, arms } => {
                let (mut resolved, mut otherwise) = (None, None);
                for arm in arms {
                    let to = self.then(arm.then.as_ref(), arm.span, next);
                    match &arm.head {
                        ArmHead::Keyword(k) if k.text == "resolved" => {
                            self.only_arm(&mut resolved, to, arm)
                        }
                        ArmHead::Otherwise => self.only_arm(&mut otherwise, to, arm),
                        _ => self.wrong_arm(arm, "`resolved` and `otherwise`"),
                    }
                }
                match self.tier_named(tier) {
                    Some(tier) => {
                        let place = self.place();
                        self.op(
                            OpKind::ContinueWith {
                                tier,
                                resolved,
                                otherwise,
                                place,
                            },
                            span,
                        )
                    }
                    None => {
                        let ways = resolved.into_iter().chain(otherwise).collect();
                        self.failed_question(next, ways, span)
                    }
                }
            }
            StepKind::Note(text) => {
                let text = self.text_or_empty(text);
                self.op(OpKind::Note { text, next }, span)
            }
            StepKind::Tag(word) => self.op(
                OpKind::Tag {
                    word: word.text.clone(),
                    next,
                },
                span,
            ),
            StepKind::Ticket { within, text } => {
                let promise = within.as_ref().and_then(|w| self.promise(w));
                let text = self.text_opt(text.as_ref());
                self.op(
                    OpKind::Ticket {
                        promise,
                        text,
                        next,
                    },
                    span,
                )
            }
            StepKind::Callback { within, text } => {
                let promise = within.as_ref().and_then(|w| self.promise(w));
                let text = self.text_opt(text.as_ref());
                self.op(
                    OpKind::Callback {
                        promise,
                        text,
                        next,
                    },
                    span,
                )
            }
            StepKind::Escalate(escalate) => self.escalate(escalate),
            StepKind::End(resolved) => self.op(
                OpKind::End {
                    resolved: *resolved,
                },
                span,
            ),
            StepKind::Offer(offer) => {
                let offer = Box::new(self.offer(offer));
                let place = self.place();
                self.op(OpKind::Offer { offer, place, next }, span)
            }
            StepKind::Error => self.failed_step(next, span),
        }
    }

    /// Whether a syntax error was found at a place of this declaration.
    fn unreadable(&self, at: Span) -> bool {
        let file = self.sources.decls.get(self.decl as usize).map(|(f, _)| *f);
        let tree = file
            .and_then(|f| self.sources.files.get(f as usize))
            .and_then(|f| f.tree.decls.get((self.decl - f.first_decl) as usize));
        tree.is_some_and(|placed| {
            let faults = &placed.tree.diagnostics;
            faults
                .iter()
                .any(|d| d.labels.first().is_some_and(|l| l.at == at))
        })
    }

    /// Takes where an arm leads that can stand but once.
    pub(super) fn only_arm(&mut self, way: &mut Option<OpId>, to: OpId, arm: &Arm) {
        if way.is_none() {
            *way = Some(to);
            return;
        }
        let written = self.sources.snippet(self.loc(arm.head_span)).to_owned();
        self.report(
            Diagnostic::error(
                "F0304",
                format!("a second `{written}` is never taken"),
                self.loc(arm.head_span),
            )
            .help("remove one of them"),
        );
    }

    pub(super) fn wrong_arm(&mut self, arm: &Arm, known: &str) {
        if self.unreadable(arm.head_span) {
            return;
        }
        let written = self.sources.snippet(self.loc(arm.head_span)).to_owned();
        self.report(
            Diagnostic::error(
                "F0201",
                format!("`{written}` is no way on from here"),
                self.loc(arm.head_span),
            )
            .help(format!("the ways on are {known}")),
        );
    }

    /// What `set`, `ask` and their like fill, with its type.
    pub(super) fn var(&mut self, path: &Path) -> Option<(Var, Type)> {
        match path.segments.as_slice() {
            [root, field] if root.text == "customer" => {
                let id = self.customer_field(field)?;
                Some((
                    Var::Customer(id),
                    self.env
                        .customer
                        .get(id.index())
                        .map_or(Type::Error, |f| f.ty.clone()),
                ))
            }
            [root, slot] if root.text == "slots" => {
                let id = self.named_word(Kind::Slot, slot)?;
                Some((Var::Slot(SlotId(id)), self.slot_type(id)))
            }
            [one]
                if self.env.lookup(self.scope, Kind::Slot, &one.text).is_none()
                    && self.env.customer_index.contains_key(&one.text) =>
            {
                let (written, at) = (format!("customer.{}", one.text), self.loc(one.span));
                self.report(
                    Diagnostic::error("F0201", format!("unknown slot `{}`", one.text), at)
                        .help(format!("did you mean `{written}`?"))
                        .fix(
                            format!("write `{written}`"),
                            false,
                            vec![flow_grammar::Edit {
                                at,
                                text: written.clone(),
                            }],
                        ),
                );
                None
            }
            [root, .., field]
                if self
                    .env
                    .lookup(self.scope, Kind::Alias, &root.text)
                    .is_none()
                    && let Some(id) = self.env.lookup(self.scope, Kind::Slot, &root.text) =>
            {
                self.refer(root.span, Kind::Slot.def(id));
                let written = self.sources.snippet(self.loc(path.span)).to_owned();
                self.report(
                    Diagnostic::error(
                        "F0201",
                        format!("`{written}` is no slot"),
                        self.loc(path.span),
                    )
                    .labelled(format!("a field of the slot `{}`", root.text))
                    .help(format!(
                        "a slot is filled as a whole: name `{}`, or keep `{}` in a slot of its own",
                        root.text, field.text
                    )),
                );
                None
            }
            _ => {
                let id = self.named(Kind::Slot, path)?;
                Some((Var::Slot(SlotId(id)), self.slot_type(id)))
            }
        }
    }

    fn slot_type(&self, id: u32) -> Type {
        self.env
            .slots
            .get(id as usize)
            .map_or(Type::Error, |s| s.ty.clone())
    }

    fn attachment(&mut self, attachment: &ast::Attachment) -> Attachment {
        match attachment {
            ast::Attachment::Image(url) => Attachment::Image(self.text_or_empty(url)),
            ast::Attachment::File(url) => Attachment::File(self.text_or_empty(url)),
            ast::Attachment::Card {
                title,
                text,
                image,
                link,
                ..
            } => Attachment::Card {
                title: self.text_opt(title.as_ref()),
                text: self.text_opt(text.as_ref()),
                image: self.text_opt(image.as_ref()),
                link: self.text_opt(link.as_ref()),
            },
        }
    }

    fn call(
        &mut self,
        webhook: &Path,
        args: &[ast::Expr],
        binding: Option<&Name>,
        arms: &[Arm],
        span: Span,
        next: OpId,
    ) -> OpId {
        let mut failed = None;
        for arm in arms {
            let to = self.then(arm.then.as_ref(), arm.span, next);
            match &arm.head {
                ArmHead::Keyword(k) if k.text == "failed" => self.only_arm(&mut failed, to, arm),
                _ => self.wrong_arm(arm, "`failed`"),
            }
        }
        let Some(id) = self.named(Kind::Webhook, webhook) else {
            for arg in args {
                self.expr(arg);
            }
            return self.failed_question(next, failed.into_iter().collect(), span);
        };
        let env = self.env;
        let args = match env.webhooks.get(id as usize) {
            Some(signature) => {
                let head = Span::new(
                    webhook.span.start,
                    args.last().map_or(webhook.span.end, |a| a.span.end),
                );
                self.arguments("webhook", signature, args, head)
            }
            None => Vec::new(),
        };
        let local = binding.and_then(|b| self.local(&b.text).map(|(id, _)| id));
        if let (Some(local), Some(binding)) = (local, binding) {
            self.refer_local(binding.span, local);
        }
        let failed = failed.unwrap_or_else(|| self.default_way_out(span, next));
        self.op(
            OpKind::Call {
                webhook: WebhookId(id),
                args,
                local,
                failed,
                next,
            },
            span,
        )
    }

    fn refer_local(&mut self, span: Span, local: LocalId) {
        self.refer(span, Def::Local(self.code, local));
    }

    fn match_step(&mut self, subject: &ast::Expr, arms: &[Arm], span: Span, next: OpId) -> OpId {
        let subject = self.expr(subject);
        let mut out = Vec::with_capacity(arms.len());
        let mut otherwise = None;
        let mut ways = Vec::new();
        for arm in arms {
            let to = self.then(arm.then.as_ref(), arm.span, next);
            let (patterns, pattern_locs) = match &arm.head {
                ArmHead::Values(cells) => self.cells(cells, &subject),
                ArmHead::Otherwise => {
                    otherwise.get_or_insert(to);
                    (
                        vec![crate::machine::CellPattern::Any],
                        vec![self.loc(arm.head_span)],
                    )
                }
                ArmHead::Label(text @ ast::TextRef::Lit(lit)) => {
                    let cell = ast::Cell::Value(ast::Expr {
                        kind: ast::ExprKind::Text(lit.clone()),
                        span: text.span(),
                    });
                    self.cells(std::slice::from_ref(&cell), &subject)
                }
                ArmHead::Label(ast::TextRef::Name(path)) => {
                    let cell = ast::Cell::Value(ast::Expr {
                        kind: ast::ExprKind::Path(path.clone()),
                        span: path.span,
                    });
                    self.cells(std::slice::from_ref(&cell), &subject)
                }
                // A value may have the name of a keyword.
                ArmHead::Keyword(name) => {
                    let path = Path {
                        segments: vec![name.clone()],
                        span: name.span,
                    };
                    let cell = ast::Cell::Value(ast::Expr {
                        kind: ast::ExprKind::Path(path),
                        span: name.span,
                    });
                    self.cells(std::slice::from_ref(&cell), &subject)
                }
                ArmHead::Intent(_) => {
                    self.wrong_arm(arm, "values and `otherwise`");
                    (Vec::new(), Vec::new())
                }
            };
            if otherwise.is_none() && patterns.contains(&crate::machine::CellPattern::Any) {
                otherwise = Some(to);
            }
            if patterns.is_empty() {
                // Reported; what it should have covered is not missing, and what it leads to is led to.
                ways.push(to);
                continue;
            }
            out.push(MatchArm {
                patterns,
                to,
                loc: self.loc(arm.head_span),
                pattern_locs,
            });
        }
        if subject.ty == Type::Error || !ways.is_empty() {
            // Behind `otherwise` it is never taken.
            let to = self.failed_question(next, ways, span);
            let patterns = match otherwise {
                Some(_) => Vec::new(),
                None => vec![crate::machine::CellPattern::Any],
            };
            otherwise.get_or_insert(to);
            out.push(MatchArm {
                patterns,
                to,
                loc: self.loc(span),
                pattern_locs: vec![self.loc(span)],
            });
        }
        super::cells::share_ends(out.iter_mut().map(|a| &mut a.patterns));
        // Without a catch-all the arms cover everything (F0303), so the last one is as good as any for what never comes.
        let otherwise = otherwise
            .or_else(|| out.last().map(|a| a.to))
            .unwrap_or(next);
        self.op(
            OpKind::Match {
                subject: Box::new(subject),
                arms: out,
                otherwise,
            },
            span,
        )
    }

    /// What is promised; nothing where the hours that count are unknown.
    pub(super) fn promise(&mut self, within: &Within) -> Option<Promise> {
        let of = match &within.of {
            Some(hours) => Some(HoursId(self.named(Kind::Hours, hours)?)),
            None => None,
        };
        Some(Promise {
            millis: within.millis.node,
            of,
            loc: self.loc(within.span),
        })
    }

    pub(super) fn offer(&mut self, offer: &ast::Offer) -> Offer {
        let when = offer.when.as_ref().map(|w| self.cond(w));
        let items = offer
            .items
            .iter()
            .filter_map(|item| {
                let kind = match &item.kind {
                    ast::OfferKind::Callback(within) => {
                        OfferKind::Callback(within.as_ref().and_then(|w| self.promise(w)))
                    }
                    ast::OfferKind::Ticket(within) => {
                        OfferKind::Ticket(within.as_ref().and_then(|w| self.promise(w)))
                    }
                    ast::OfferKind::Stay => OfferKind::Stay,
                    ast::OfferKind::ContinueWith(tier) => {
                        OfferKind::ContinueWith(self.tier_named(tier)?)
                    }
                    ast::OfferKind::Target(target) => OfferKind::Target(self.target(target)),
                };
                let label = self.text_opt(item.label.as_ref());
                Some(OfferItem {
                    kind,
                    label,
                    loc: self.loc(item.span),
                })
            })
            .collect();
        Offer {
            when,
            items,
            loc: self.loc(offer.span),
        }
    }
}
