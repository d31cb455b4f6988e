//! Handoffs, the agents' side panel, learning and targets.

use super::Lower;
use crate::env::Kind;
use crate::machine::{CodeOwner, Handoff, HandoffBlock, Learn, OpKind, Reminder, TargetLine};
use crate::value::{OpId, TeamId, TierId, Type, WebhookId};
use flow_grammar::{
    Diagnostic, Span,
    ast::{Arm, AssistDecl, AssistItem, Body, HandoffDecl, LearnDecl, TargetsDecl, Then, TierKind},
};

const ACCEPT_WITHIN: i64 = 30_000;
/// Marks what a handoff did not say, until it is completed.
const UNSAID: i64 = -1;

impl Lower<'_> {
    pub(super) fn handoff(&mut self, tree: &HandoffDecl) {
        if !self.included(self.scope) {
            return;
        }
        let Some(name) = &tree.tier else { return };
        let Some(tier) = self.tier_named(name) else {
            return;
        };
        if self
            .env
            .tiers
            .get(tier.index())
            .is_some_and(|t| t.kind != TierKind::People)
        {
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("`{}` is no tier of people", name.text),
                    self.loc(name.span),
                )
                .help("handoffs are for people"),
            );
            return;
        }
        let head = self.loc(name.span);
        let same = self
            .out
            .handoffs
            .iter()
            .find(|h| h.tier == tier && h.when.is_none() && tree.when.is_none())
            .map(|h| h.loc);
        if let Some(first) = same {
            self.report(
                Diagnostic::error(
                    "F0202",
                    format!("the handoff of `{}` is declared twice", name.text),
                    head,
                )
                .label(first, "first declared here")
                .help("give one of them a `when`, or remove it"),
            );
            return;
        }
        let me = super::index(self.out.handoffs.len());
        let when = tree.when.as_ref().map(|w| self.cond(w));
        let require = tree
            .require
            .iter()
            .filter_map(|p| self.var(p).map(|(v, _)| (v, self.loc(p.span))))
            .collect();
        let say = self.text_opt(tree.say.as_ref());
        let update = tree
            .update
            .as_ref()
            .map(|(every, text)| (every.node, self.text_opt(text.as_ref())));
        // The place is taken, so that the blocks' codes name it.
        self.out.handoffs.push(Handoff {
            tier,
            when,
            require,
            say,
            update,
            offers: Vec::new(),
            accept_within: tree.accept_within.as_ref().map_or(UNSAID, |a| a.node),
            review: tree.review.as_ref().map_or(UNSAID, |r| r.node),
            connected: None,
            full: None,
            closed: None,
            unstaffed: None,
            resolved: None,
            returned: None,
            loc: head,
            say_loc: self.loc(tree.say.as_ref().map_or(name.span, |s| s.span())),
        });
        let connected = self.text_opt(tree.connected.as_ref());
        let offers = if tree.offers.is_empty() {
            Vec::new()
        } else {
            let code = self.begin_code(CodeOwner::Handoff(me, HandoffBlock::Offer), tree.span);
            let finish = self.op(OpKind::Finish, tree.span);
            let offers = tree.offers.iter().map(|o| self.offer(o)).collect();
            self.end_code(code, finish);
            offers
        };
        let full = tree.full.as_ref().map(|(cond, body)| {
            let cond = self.cond(cond);
            (cond, self.block(me, HandoffBlock::Full, body))
        });
        let closed = tree
            .closed
            .as_ref()
            .map(|b| self.block(me, HandoffBlock::Closed, b));
        let unstaffed = tree
            .unstaffed
            .as_ref()
            .map(|b| self.block(me, HandoffBlock::Unstaffed, b));
        let resolved = tree
            .resolved
            .as_ref()
            .and_then(|a| self.handoff_arm(me, HandoffBlock::Resolved, a));
        let returned = tree
            .returned
            .as_ref()
            .and_then(|a| self.handoff_arm(me, HandoffBlock::Returned, a));
        if let Some(handoff) = self.out.handoffs.get_mut(me as usize) {
            handoff.connected = connected;
            handoff.offers = offers;
            handoff.full = full;
            handoff.closed = closed;
            handoff.unstaffed = unstaffed;
            handoff.resolved = resolved;
            handoff.returned = returned;
        }
    }

    fn block(&mut self, me: u32, block: HandoffBlock, body: &Body) -> OpId {
        self.body(CodeOwner::Handoff(me, block), body).1
    }

    fn handoff_arm(&mut self, me: u32, block: HandoffBlock, arm: &Arm) -> Option<OpId> {
        let owner = CodeOwner::Handoff(me, block);
        Some(match arm.then.as_ref()? {
            Then::Target(target) => self.target_code(owner, target, arm.span).1,
            Then::Body(body) => self.body(owner, body).1,
        })
    }

    /// A handoff with `when` takes what it does not say from the one without.
    pub(super) fn complete_handoffs(&mut self) {
        let plain: Vec<Handoff> = self
            .out
            .handoffs
            .iter()
            .filter(|h| h.when.is_none())
            .cloned()
            .collect();
        for handoff in &mut self.out.handoffs {
            if handoff.when.is_some()
                && let Some(from) = plain.iter().find(|p| p.tier == handoff.tier)
            {
                if handoff.require.is_empty() {
                    handoff.require.clone_from(&from.require);
                }
                if handoff.offers.is_empty() {
                    handoff.offers.clone_from(&from.offers);
                }
                if handoff.accept_within == UNSAID {
                    handoff.accept_within = from.accept_within;
                }
                if handoff.review == UNSAID {
                    handoff.review = from.review;
                }
                if handoff.say.is_none() {
                    handoff.say = from.say;
                    handoff.say_loc = from.say_loc;
                }
                if handoff.full.is_none() {
                    handoff.full.clone_from(&from.full);
                }
                handoff.update = handoff.update.or(from.update);
                handoff.connected = handoff.connected.or(from.connected);
                handoff.closed = handoff.closed.or(from.closed);
                handoff.unstaffed = handoff.unstaffed.or(from.unstaffed);
                handoff.resolved = handoff.resolved.or(from.resolved);
                handoff.returned = handoff.returned.or(from.returned);
            }
        }
        for handoff in &mut self.out.handoffs {
            if handoff.accept_within == UNSAID {
                handoff.accept_within = ACCEPT_WITHIN;
            }
            if handoff.review == UNSAID {
                handoff.review = 0;
            }
        }
    }

    pub(super) fn assist(&mut self, tree: &AssistDecl, span: Span) {
        if !self.included(self.scope) {
            return;
        }
        self.out.assist.loc = self.loc(span);
        for item in &tree.items {
            match item {
                AssistItem::Open(text) => {
                    let first = self.out.assist.open;
                    let first = first.and_then(|id| self.out.texts.get(id.index()));
                    if let Some(first) = first.map(|t| t.loc) {
                        let at = self.loc(text.span());
                        self.report(
                            Diagnostic::error("F0202", "`open` stands twice in `assist`", at)
                                .labelled("again here")
                                .label(first, "first here")
                                .help("keep one `open`"),
                        );
                        continue;
                    }
                    self.out.assist.open = self.text(text);
                }
                AssistItem::Remind {
                    text,
                    when,
                    before_resolve,
                } => {
                    let loc = self.loc(text.span());
                    let text = self.text_or_empty(text);
                    let when = when.as_ref().map(|w| self.cond(w));
                    self.out.assist.reminders.push(Reminder {
                        text,
                        when,
                        before_resolve: *before_resolve,
                        loc,
                    });
                }
                AssistItem::Alert { text, when } => {
                    let text = self.text_or_empty(text);
                    let when = when.as_ref().map(|w| self.cond(w));
                    self.out.assist.alerts.push((text, when));
                }
                AssistItem::Template(name, text) => {
                    let text = self.text_or_empty(text);
                    if self
                        .out
                        .assist
                        .templates
                        .iter()
                        .any(|(n, _)| *n == name.text)
                    {
                        self.report(Diagnostic::error(
                            "F0202",
                            format!("template `{}` is declared twice", name.text),
                            self.loc(name.span),
                        ));
                    } else {
                        self.out.assist.templates.push((name.text.clone(), text));
                    }
                }
                AssistItem::Count(name, count) => match name.text.as_str() {
                    "surface" => self.out.assist.surface = count.node,
                    "similar" => self.out.assist.similar = count.node,
                    _ => self.out.assist.suggest = count.node,
                },
            }
        }
    }

    pub(super) fn learn(&mut self, tree: &LearnDecl, span: Span) {
        if !self.included(self.scope) {
            return;
        }
        let from: Vec<TierId> = tree
            .from
            .iter()
            .filter_map(|t| self.tier_named(t))
            .collect();
        let review = tree
            .review
            .as_ref()
            .and_then(|r| self.named(Kind::Team, r))
            .map(TeamId);
        let tune = tree
            .tune
            .iter()
            .filter_map(|(path, step)| self.threshold_named(path).map(|id| (id, step.node)))
            .collect();
        self.out.learn = Some(Learn {
            from,
            review,
            tune,
            loc: self.loc(span),
        });
    }

    pub(super) fn targets(&mut self, tree: &TargetsDecl) {
        if !self.included(self.scope) {
            return;
        }
        for item in &tree.items {
            let alert = match &item.alert {
                Some(path) => match self.named(Kind::Webhook, path) {
                    Some(id) => {
                        self.alert_takes_nothing(id, path.span);
                        Some(WebhookId(id))
                    }
                    None => continue,
                },
                None => None,
            };
            let Some((ty, per_tier)) = metric(&item.metric.text) else {
                let at = self.loc(item.metric.span);
                let found = Diagnostic::error(
                    "F0201",
                    format!("unknown metric `{}`", item.metric.text),
                    at,
                );
                let mut found = super::suggest(found, &item.metric.text, at, METRICS.map(|m| m.0));
                if found.help.is_none() {
                    found = found.help(format!(
                        "metrics are {}",
                        METRICS.map(|m| format!("`{}`", m.0)).join(", ")
                    ));
                }
                self.report(found);
                continue;
            };
            let of = item.of.as_ref().and_then(|t| self.tier_named(t));
            if per_tier && item.of.is_none() {
                self.report(
                    Diagnostic::error(
                        "F0302",
                        format!("`{}` is measured per tier", item.metric.text),
                        self.loc(item.metric.span),
                    )
                    .help(format!("write `{} of TIER`", item.metric.text)),
                );
            } else if let (false, Some(tier)) = (per_tier, &item.of) {
                self.report(Diagnostic::error(
                    "F0302",
                    format!("`{}` is not measured per tier", item.metric.text),
                    self.loc(tier.span),
                ));
            }
            let value = self.expr_as(&item.value, &ty, "F0301");
            self.metric_in_range(&item.metric.text, item.op, &value);
            self.out.targets.push(TargetLine {
                alert,
                metric: item.metric.text.clone(),
                of,
                op: item.op,
                value,
                over: item.over.as_ref().map(|o| o.node),
                loc: self.loc(item.span),
            });
        }
    }

    fn alert_takes_nothing(&mut self, id: u32, span: Span) {
        let Some(signature) = self.env.webhooks.get(id as usize) else {
            return;
        };
        if !signature.params.is_empty() {
            let (name, at) = (signature.item.name.clone(), signature.item.name_loc);
            self.report(
                Diagnostic::error(
                    "F0302",
                    format!("webhook `{name}` takes arguments, an alert gives none"),
                    self.loc(span),
                )
                .label(at, "declared here")
                .help("alert a webhook without parameters"),
            );
        }
    }
}

/// The metrics of `targets`, and whether they are measured per tier.
const METRICS: [(&str, bool); 13] = [
    ("containment", true),
    ("resolution", true),
    ("handoff_rate", false),
    ("wait", true),
    ("first_reply", true),
    ("handle_time", true),
    ("abandonment", false),
    ("context_completeness", false),
    ("repeat_rate", false),
    ("csat", false),
    ("effort", false),
    ("handoff_score", false),
    ("cost", false),
];

fn metric(name: &str) -> Option<(Type, bool)> {
    let per_tier = METRICS.iter().find(|m| m.0 == name)?.1;
    let ty = match name {
        "wait" | "first_reply" | "handle_time" => Type::Duration,
        "csat" | "effort" | "handoff_score" => Type::Number,
        "cost" => Type::Money,
        _ => Type::Percent,
    };
    Some((ty, per_tier))
}
