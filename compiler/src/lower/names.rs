//! Names in expressions.

use super::{Inside, Lower, or_list, suggest};
use crate::env::{Def, Kind};
use crate::machine::{Expr, ExprKind, HoursOf, HoursQuery};
use crate::signals;
use crate::value::{HoursId, SegmentId, SlotId, TeamId, ThresholdId, Type};
use flow_grammar::{Diagnostic, Name, Span, ast::Path};

/// Words that begin a path but are no names.
const ROOTS: [&str; 12] = [
    "customer",
    "slots",
    "env",
    "secret",
    "queue",
    "agent",
    "attempts",
    "escalation",
    "handoff",
    "payload",
    "it",
    "message",
];

impl Lower<'_> {
    /// A name or dotted path as a value.
    pub(crate) fn path(&mut self, path: &Path) -> Expr {
        let segments = path.segments.as_slice();
        let Some((first, rest)) = segments.split_first() else {
            return self.error_expr(path.span);
        };
        let root = first.text.as_str();
        if let Some(expr) = self.special(root, first, rest, path.span) {
            return expr;
        }
        if let Inside::Webhook(_) = self.inside {
            return self.not_in_a_webhook(first, path.span);
        }
        let second = rest.first().map(|n| n.text.as_str());
        if second.is_some()
            && let Some((signal, ty)) = signals::signal(root, second)
        {
            let base = Expr {
                kind: ExprKind::Signal(signal),
                ty,
                loc: self.loc(path.span),
            };
            return self.fields_of(base, rest.get(1..).unwrap_or_default());
        }
        if root == "team" && second.is_some() {
            return self.hours_query(HoursOf::RoutedTeam, rest, path.span);
        }
        if let Some((signal, ty)) = signals::signal(root, None) {
            let base = Expr {
                kind: ExprKind::Signal(signal),
                ty,
                loc: self.loc(first.span.to(path.span)),
            };
            return self.fields_of(base, rest);
        }
        // A result with the name of a slot was reported; before it stands, the name is the slot.
        let later = |at: flow_grammar::Loc| {
            at.span.start > first.span.start
                && self.env.lookup(self.scope, Kind::Slot, root).is_some()
        };
        if let Some((id, local)) = self
            .local(root)
            .filter(|(_, l)| !later(l.loc))
            .map(|(id, l)| (id, l.ty.clone()))
        {
            self.refer(first.span, Def::Local(self.code, id));
            let base = Expr {
                kind: ExprKind::Local(id),
                ty: local,
                loc: self.loc(if rest.is_empty() {
                    path.span
                } else {
                    first.span
                }),
            };
            return self.fields_of(base, rest);
        }
        if let Some(expr) = self.in_scope(self.scope, first, rest, path.span) {
            return expr;
        }
        if !rest.is_empty() && self.env.lookup(self.scope, Kind::Alias, root).is_some() {
            return self.through_folders(first, rest, path.span);
        }
        self.unknown_value(self.scope, first);
        self.error_expr(path.span)
    }

    fn special(&mut self, root: &str, first: &Name, rest: &[Name], span: Span) -> Option<Expr> {
        if let Some(ty) = self.it.clone().filter(|_| root == "it") {
            let base = Expr {
                kind: ExprKind::It,
                ty,
                loc: self.loc(if rest.is_empty() { span } else { first.span }),
            };
            return Some(self.fields_of(base, rest));
        }
        match &self.inside {
            Inside::Webhook(params) => {
                if let Some((i, ty)) = (0u32..)
                    .zip(params)
                    .find(|(_, p)| p.name == root)
                    .map(|(i, p)| (i, p.ty.clone()))
                {
                    let base = Expr {
                        kind: ExprKind::Param(i),
                        ty,
                        loc: self.loc(if rest.is_empty() { span } else { first.span }),
                    };
                    return Some(self.fields_of(base, rest));
                }
            }
            Inside::Trigger(fields) if root == "payload" => {
                let Some((field, further)) = rest.split_first() else {
                    return Some(Expr {
                        kind: ExprKind::Payload(None),
                        ty: Type::Error,
                        loc: self.loc(span),
                    });
                };
                let Some((name, ty)) = fields.iter().find(|(n, _)| *n == field.text).cloned()
                else {
                    let found = Diagnostic::error(
                        "F0201",
                        format!("the payload has no field `{}`", field.text),
                        self.loc(field.span),
                    );
                    let names: Vec<&str> = fields.iter().map(|(n, _)| n.as_str()).collect();
                    let found = suggest(found, &field.text, self.loc(field.span), names.clone());
                    self.report(or_list(found, "it has", names));
                    return Some(self.error_expr(span));
                };
                let base = Expr {
                    kind: ExprKind::Payload(Some(name)),
                    ty,
                    loc: self.loc(span),
                };
                return Some(self.fields_of(base, further));
            }
            _ => {}
        }
        match (root, rest) {
            ("env", [name]) => Some(Expr {
                kind: ExprKind::Env(name.text.clone()),
                ty: Type::Text,
                loc: self.loc(span),
            }),
            ("secret", [name]) => Some(Expr {
                kind: ExprKind::Secret(name.text.clone()),
                ty: Type::Text,
                loc: self.loc(span),
            }),
            _ if matches!(self.inside, Inside::Webhook(_)) => None,
            ("customer", []) => Some(Expr {
                kind: ExprKind::CustomerAll,
                ty: Type::Customer,
                loc: self.loc(span),
            }),
            ("customer", [field, further @ ..]) => {
                let Some(id) = self.customer_field(field) else {
                    return Some(self.error_expr(span));
                };
                let ty = self
                    .env
                    .customer
                    .get(id.index())
                    .map_or(Type::Error, |f| f.ty.clone());
                let base = Expr {
                    kind: ExprKind::Customer(id),
                    ty,
                    loc: self.loc(first.span.to(field.span)),
                };
                Some(self.fields_of(base, further))
            }
            ("slots", [slot, further @ ..]) => {
                let Some(id) = self.named_word(Kind::Slot, slot) else {
                    return Some(self.error_expr(span));
                };
                let base = self.slot_expr(SlotId(id), first.span.to(slot.span));
                Some(self.fields_of(base, further))
            }
            _ => None,
        }
    }

    pub(super) fn slot_expr(&self, id: SlotId, span: Span) -> Expr {
        let ty = self
            .env
            .slots
            .get(id.index())
            .map_or(Type::Error, |s| s.ty.clone());
        Expr {
            kind: ExprKind::Slot(id),
            ty,
            loc: self.loc(span),
        }
    }

    /// Slots, segments, thresholds, hours and teams of a folder.
    fn in_scope(&mut self, scope: u32, first: &Name, rest: &[Name], span: Span) -> Option<Expr> {
        let name = first.text.as_str();
        let at = if rest.is_empty() { span } else { first.span };
        if !self.env.ambiguous.is_empty()
            && self.env.ambiguous.contains(&(scope, first.text.clone()))
        {
            return Some(self.error_expr(span));
        }
        if let Some(id) = self.env.lookup(scope, Kind::Slot, name) {
            self.refer(first.span, Kind::Slot.def(id));
            let base = self.slot_expr(SlotId(id), at);
            return Some(self.fields_of(base, rest));
        }
        if let Some(id) = self.env.lookup(scope, Kind::Segment, name) {
            self.refer(first.span, Kind::Segment.def(id));
            let base = Expr {
                kind: ExprKind::Segment(SegmentId(id)),
                ty: Type::Bool,
                loc: self.loc(at),
            };
            return Some(self.fields_of(base, rest));
        }
        if let Some(id) = self.env.lookup(scope, Kind::Threshold, name) {
            self.refer(first.span, Kind::Threshold.def(id));
            let ty = self
                .env
                .thresholds
                .get(id as usize)
                .map_or(Type::Error, |t| t.ty.clone());
            let base = Expr {
                kind: ExprKind::Threshold(ThresholdId(id)),
                ty,
                loc: self.loc(at),
            };
            return Some(self.fields_of(base, rest));
        }
        let hours = self
            .env
            .lookup(scope, Kind::Hours, name)
            .map(|id| (Kind::Hours, id, HoursOf::Hours(HoursId(id))));
        let of = hours.or_else(|| {
            self.env
                .lookup(scope, Kind::Team, name)
                .map(|id| (Kind::Team, id, HoursOf::Team(TeamId(id))))
        })?;
        self.refer(first.span, of.0.def(of.1));
        Some(self.hours_query(of.2, rest, span))
    }

    fn through_folders(&mut self, first: &Name, rest: &[Name], span: Span) -> Expr {
        let Some(mut scope) = self.folder(self.scope, first) else {
            return self.error_expr(span);
        };
        let mut rest = rest;
        while let Some((name, further)) = rest.split_first() {
            if let Some(expr) = self.in_scope(scope, name, further, span) {
                return expr;
            }
            if further.is_empty() || self.env.lookup(scope, Kind::Alias, &name.text).is_none() {
                self.unknown_value(scope, name);
                return self.error_expr(span);
            }
            let Some(next) = self.folder(scope, name) else {
                return self.error_expr(span);
            };
            scope = next;
            rest = further;
        }
        self.error_expr(span)
    }

    fn hours_query(&mut self, of: HoursOf, rest: &[Name], span: Span) -> Expr {
        let (query, ty) = match rest {
            [query] => match (query.text.as_str(), of) {
                ("open", _) => (HoursQuery::Open, Type::Bool),
                ("text", HoursOf::Hours(_)) => (HoursQuery::Text, Type::Text),
                ("next_open", _) => (HoursQuery::NextOpen, Type::DateTime),
                _ => {
                    let known: &[&str] = match of {
                        HoursOf::Hours(_) => &["open", "text", "next_open"],
                        _ => &["open", "next_open"],
                    };
                    let at = self.loc(query.span);
                    let found = Diagnostic::error(
                        "F0201",
                        format!("unknown property `{}`", query.text),
                        at,
                    )
                    .help("hours have `open`, `text` and `next_open`; teams have `open` and `next_open`");
                    let found = super::suggest(found, &query.text, at, known.iter().copied());
                    if !query.text.is_empty() {
                        self.report(found);
                    }
                    return self.error_expr(span);
                }
            },
            _ => {
                self.report(
                    Diagnostic::error("F0301", "hours and teams are no values", self.loc(span))
                        .help("write `.open` for whether they are open, or `during HOURS`"),
                );
                return self.error_expr(span);
            }
        };
        Expr {
            kind: ExprKind::Hours(of, query),
            ty,
            loc: self.loc(span),
        }
    }

    /// Fields of a record, one inside the other.
    fn fields_of(&mut self, base: Expr, names: &[Name]) -> Expr {
        let mut expr = base;
        for name in names {
            let span = expr.loc.span.to(name.span);
            if name.text.is_empty() {
                return self.error_expr(span);
            }
            let ty = match &expr.ty {
                Type::Error => return self.error_expr(span),
                Type::Record(id) => {
                    let record = self.env.records.get(id.index());
                    let at = record.and_then(|r| r.index.get(&name.text)).copied();
                    match (record, at) {
                        (Some(record), Some(i)) => {
                            self.refer(name.span, Def::RecordField(*id, i));
                            record
                                .fields
                                .get(i as usize)
                                .map_or(Type::Error, |f| f.ty.clone())
                        }
                        (Some(record), None) => {
                            if !self.poisoned(&name.text) {
                                let found = Diagnostic::error(
                                    "F0201",
                                    format!("`{}` has no field `{}`", record.item.name, name.text),
                                    self.loc(name.span),
                                );
                                let names: Vec<&str> =
                                    record.fields.iter().map(|f| f.name.as_str()).collect();
                                let found =
                                    suggest(found, &name.text, self.loc(name.span), names.clone());
                                self.report(or_list(found, "it has", names));
                            }
                            return self.error_expr(span);
                        }
                        (None, _) => return self.error_expr(span),
                    }
                }
                other => {
                    let found = Diagnostic::error(
                        "F0201",
                        format!(
                            "a value of type `{}` has no field `{}`",
                            self.env.type_name(other),
                            name.text
                        ),
                        self.loc(name.span),
                    );
                    self.report(found);
                    return self.error_expr(span);
                }
            };
            expr = Expr {
                loc: self.loc(span),
                kind: ExprKind::Field(Box::new(expr), name.text.clone()),
                ty,
            };
        }
        expr
    }

    fn not_in_a_webhook(&mut self, name: &Name, span: Span) -> Expr {
        if !self.poisoned(&name.text) && !name.text.is_empty() {
            let names: Vec<&str> = match &self.inside {
                Inside::Webhook(params) => params.iter().map(|p| p.name.as_str()).collect(),
                _ => Vec::new(),
            };
            let found = Diagnostic::error(
                "F0201",
                format!("the webhook has no parameter `{}`", name.text),
                self.loc(name.span),
            );
            let mut found = suggest(found, &name.text, self.loc(name.span), names);
            if found.help.is_none() {
                found = found.help("a webhook sees its parameters, `env.NAME` and `secret.NAME`; pass what it needs as an argument");
            }
            self.report(found);
        }
        self.error_expr(span)
    }

    fn unknown_value(&mut self, scope: u32, name: &Name) {
        if name.text.is_empty() || self.poisoned(&name.text) || self.put_off() {
            return;
        }
        let kinds = [
            Kind::Slot,
            Kind::Segment,
            Kind::Threshold,
            Kind::Hours,
            Kind::Team,
            Kind::Alias,
        ];
        let declared = self
            .env
            .scope(scope)
            .into_iter()
            .flat_map(|s| kinds.into_iter().flat_map(|k| s.names.of(k)))
            .map(|(n, _)| n.as_str());
        let own = scope == self.scope;
        let names: Vec<&str> = declared
            .chain(self.locals.iter().filter(|_| own).map(|l| l.name.as_str()))
            .chain(signals::WORDS.into_iter().filter(|_| own))
            .chain(
                ROOTS
                    .into_iter()
                    .filter(|root| own && (*root != "it" || self.it.is_some())),
            )
            .collect();
        let at = self.loc(name.span);
        let truth = match name.text.as_str() {
            "yes" => Some("true"),
            "no" => Some("false"),
            _ => None,
        };
        let names = if truth.is_some() { Vec::new() } else { names };
        let mut found = crate::env::unknown(self.env, scope, "name", &name.text, at, names);
        if found.help.is_none() && matches!(name.text.as_str(), "null" | "nil" | "undefined") {
            found = found.help("what is not there is unknown: write `is unknown`, or `clear SLOT`");
        }
        if found.help.is_none()
            && let Some(truth) = truth
        {
            found = found
                .help(format!("a bool is `true` or `false`: write `{truth}`"))
                .fix(
                    format!("write `{truth}`"),
                    false,
                    vec![flow_grammar::Edit {
                        at,
                        text: truth.to_owned(),
                    }],
                );
        }
        if found.help.is_none() && self.env.customer_index.contains_key(&name.text) {
            found = found
                .help(format!("did you mean `customer.{}`?", name.text))
                .fix(
                    format!("write `customer.{}`", name.text),
                    false,
                    vec![flow_grammar::Edit {
                        at,
                        text: format!("customer.{}", name.text),
                    }],
                );
        }
        self.report(found);
    }
}
