//! Expressions.

use super::Lower;
use crate::env::Kind;
use crate::machine::{Expr, ExprKind, Held, HoursOf, Pattern, Signal, Temporal};
use crate::types::fits;
use crate::value::{Domain, HookId, HoursId, Money, TeamId, TemporalId, Type, Value};
use flow_grammar::{
    Diagnostic, Edit, Span,
    ast::{self, BinaryOp, Path, TimeScope},
};
use regex::RegexBuilder;
use smol_str::SmolStr;
use std::sync::Arc;

/// Expressions nested deeper than this are refused, so that no later stage runs out of stack.
const MAX_DEPTH: u32 = 200;

/// What a bare name right of an operator may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bare<'t> {
    /// A name in scope.
    Name,
    /// A value of this type, and nothing else.
    Value(&'t Type),
    /// A value of this type if it has it, else a name in scope.
    Either(&'t Type),
}

impl Lower<'_> {
    /// An expression on its own.
    pub(crate) fn expr(&mut self, e: &ast::Expr) -> Expr {
        self.expr_with(e, Bare::Name)
    }

    /// A condition.
    pub(crate) fn cond(&mut self, e: &ast::Expr) -> Expr {
        let expr = self.expr(e);
        self.must_be_bool(&expr);
        expr
    }

    fn must_be_bool(&mut self, expr: &Expr) {
        if !matches!(expr.ty, Type::Bool | Type::Error) {
            let name = self.env.type_name(&expr.ty);
            let mut found = Diagnostic::error(
                "F0301",
                format!("a condition is true or false; this is `{name}`"),
                expr.loc,
            );
            if matches!(
                expr.ty,
                Type::Number | Type::Percent | Type::Duration | Type::Money
            ) {
                found = found.help("compare it with a value, as in `>= 3`");
            }
            self.report(found);
        }
    }

    /// A value where a type is expected: bare names may be values of that type. `code` is what a mismatch is.
    pub(crate) fn expr_as(&mut self, e: &ast::Expr, want: &Type, code: &'static str) -> Expr {
        let expr = self.expr_with(e, Bare::Either(want));
        self.must_fit(&expr, want, code);
        expr
    }

    pub(crate) fn must_fit(&mut self, expr: &Expr, want: &Type, code: &'static str) {
        let literal_text = matches!(
            expr.kind,
            ExprKind::Text(_) | ExprKind::Const(Value::Text(_))
        ) && crate::types::is_textual(want);
        let empty_list = matches!(&expr.kind, ExprKind::List(items) if items.is_empty())
            && matches!(want, Type::List(_));
        if !fits(&expr.ty, want) && !literal_text && !empty_list {
            self.mismatch(expr, want, code);
        }
    }

    /// Reports a value of the wrong type.
    pub(crate) fn mismatch(&mut self, expr: &Expr, want: &Type, code: &'static str) {
        let (want_name, got) = (self.env.type_name(want), self.env.type_name(&expr.ty));
        let found = Diagnostic::error(
            code,
            format!("expected `{want_name}`, found `{got}`"),
            expr.loc,
        )
        .labelled(format!("this is `{got}`"));
        let found = self.explain(found, expr, want);
        self.report(found);
    }

    /// How to write what was probably meant.
    pub(super) fn explain(&self, found: Diagnostic, expr: &Expr, want: &Type) -> Diagnostic {
        let written = self.sources.snippet(expr.loc).to_owned();
        let (better, safe) = match (&expr.kind, want) {
            (ExprKind::Const(Value::Number(n)), Type::Percent) => (format!("{n}%"), true),
            (ExprKind::Const(Value::Number(_)), Type::Duration) => {
                return found.help(format!("write the unit: `{written}s` is seconds, `{written}m` minutes, `{written}h` hours, `{written}d` days"));
            }
            (ExprKind::Const(Value::Number(_)), Type::Money) => {
                return found.help(format!("write the currency, as in `{written} USD`"));
            }
            (ExprKind::Const(Value::Percent(_)), Type::Number) => {
                (written.trim_end_matches('%').to_owned(), false)
            }
            (ExprKind::Const(Value::Text(t)), Type::Enum(_) | Type::Domain(_)) => {
                let known = match want {
                    Type::Enum(id) => self
                        .env
                        .enums
                        .get(id.index())
                        .is_some_and(|e| e.index.contains_key(t)),
                    Type::Domain(domain) => self.env.domain_values(*domain).contains(t),
                    _ => false,
                };
                if !known {
                    return found.help("write a value by its bare name, without quotes");
                }
                (t.to_string(), true)
            }
            (ExprKind::Const(Value::Text(_)), _) => return found,
            (_, Type::Text)
                if !matches!(
                    expr.ty,
                    Type::Record(_) | Type::List(_) | Type::Customer | Type::File
                ) =>
            {
                (format!("\"{{{written}}}\""), false)
            }
            _ => return found,
        };
        found.help(format!("write `{better}`")).fix(
            format!("write `{better}`"),
            safe,
            vec![Edit {
                at: expr.loc,
                text: better,
            }],
        )
    }

    pub(super) fn expr_with(&mut self, e: &ast::Expr, bare: Bare<'_>) -> Expr {
        if self.depth >= MAX_DEPTH {
            self.report(
                Diagnostic::error(
                    "F0101",
                    "this expression is nested too deeply",
                    self.loc(e.span),
                )
                .help("name a part of it with `segment`"),
            );
            return self.error_expr(e.span);
        }
        self.depth += 1;
        let out = self.expr_inner(e, bare);
        self.depth -= 1;
        out
    }

    fn make(&self, kind: ExprKind, ty: Type, span: Span) -> Expr {
        Expr {
            kind,
            ty,
            loc: self.loc(span),
        }
    }

    fn constant(&self, value: Value, ty: Type, span: Span) -> Expr {
        self.make(ExprKind::Const(value), ty, span)
    }

    fn expr_inner(&mut self, e: &ast::Expr, bare: Bare<'_>) -> Expr {
        use ast::ExprKind as A;
        let span = e.span;
        match &e.kind {
            A::Error => self.error_expr(span),
            A::Text(lit) => match lit.plain() {
                Some(text) => self.constant(Value::text(text), Type::Text, span),
                None => {
                    let id = self.text_lit(lit);
                    self.make(ExprKind::Text(id), Type::Text, span)
                }
            },
            A::Number(n) => self.constant(Value::Number(*n), Type::Number, span),
            A::Percent(p) => self.constant(Value::Percent(*p), Type::Percent, span),
            A::Duration(ms) => self.constant(Value::Duration(*ms), Type::Duration, span),
            A::Money(amount, currency) => self.constant(
                Value::Money(Money {
                    amount: *amount,
                    currency: currency.clone(),
                }),
                Type::Money,
                span,
            ),
            A::Bool(b) => self.constant(Value::Bool(*b), Type::Bool, span),
            A::Date(_) | A::Time(_) | A::DateTime(_) => self.instant(e),
            A::Regex(_) => {
                self.report(
                    Diagnostic::error("F0301", "a pattern is no value", self.loc(span))
                        .help("patterns stand after `matches` and `matching`"),
                );
                self.error_expr(span)
            }
            A::List(items) => self.list(items, bare, span),
            A::Path(path) => self.name(path, bare),
            A::Call(path, args) => self.hook_call(path, args, span),
            A::TimeIn(scope) => {
                let signal = match scope {
                    TimeScope::Tier => Signal::TimeInTier,
                    TimeScope::Conversation => Signal::TimeInConversation,
                };
                self.make(ExprKind::Signal(signal), Type::Duration, span)
            }
            A::Not(of) => {
                let of = self.cond(of);
                self.make(ExprKind::Not(Box::new(of)), Type::Bool, span)
            }
            A::Neg(of) => self.negative(of, span),
            A::Binary(op, left, right) => self.binary(*op, left, right, span),
            A::Is {
                negated,
                left,
                right,
            } => {
                let (left, right) = self.two_sides(left, right);
                self.make(
                    ExprKind::Is {
                        negated: *negated,
                        left: Box::new(left),
                        right: Box::new(right),
                    },
                    Type::Bool,
                    span,
                )
            }
            A::In {
                negated,
                left,
                right,
            } => self.is_in(*negated, left, right, span),
            A::Known { known, of } => {
                let of = self.expr(of);
                self.make(
                    ExprKind::Known {
                        known: *known,
                        of: Box::new(of),
                    },
                    Type::Bool,
                    span,
                )
            }
            A::Hours { during, hours } => self.during(*during, hours, span),
            A::Contains { left, right } => self.contains(left, right, span),
            A::ContainsAny { left, right } => self.contains_any(left, right, span),
            A::Matches { left, right } => self.matches(left, right, span),
            A::ForMessages { cond, count } => {
                self.temporal(cond, Held::Messages(count.node.max(1)), span)
            }
            A::ForDuration { cond, millis } => self.temporal(cond, Held::Millis(millis.node), span),
            A::AtLeast { count, conds } => {
                let conds = conds.iter().map(|c| self.cond(c)).collect();
                self.make(
                    ExprKind::AtLeast {
                        count: count.node,
                        conds,
                    },
                    Type::Bool,
                    span,
                )
            }
        }
    }

    fn instant(&mut self, e: &ast::Expr) -> Expr {
        let parsed = match &e.kind {
            ast::ExprKind::Date(s) => date(s).map(|d| (Value::Date(d), Type::Date)),
            ast::ExprKind::Time(s) => time(s).map(|t| (Value::Time(t), Type::Time)),
            ast::ExprKind::DateTime(s) => date_time(s)
                .and_then(|dt| {
                    let zone = self.timezone();
                    dt.to_zoned(zone).ok().map(|z| z.timestamp())
                })
                .map(|t| (Value::DateTime(t), Type::DateTime)),
            _ => None,
        };
        if let Some((value, ty)) = parsed {
            return self.constant(value, ty, e.span);
        }
        let written = self.sources.snippet(self.loc(e.span)).to_owned();
        self.report(
            Diagnostic::error(
                "F0301",
                format!("`{written}` does not exist"),
                self.loc(e.span),
            )
            .help("dates are `2026-12-25`, times `09:30`"),
        );
        self.error_expr(e.span)
    }

    fn list(&mut self, items: &[ast::Expr], bare: Bare<'_>, span: Span) -> Expr {
        let item = match bare {
            Bare::Value(Type::List(of)) => Bare::Value(of),
            Bare::Either(Type::List(of)) => Bare::Either(of),
            other => other,
        };
        let items: Vec<Expr> = items.iter().map(|i| self.expr_with(i, item)).collect();
        let ty = items
            .iter()
            .find(|i| i.ty != Type::Error)
            .map_or(Type::Error, |i| i.ty.clone());
        for other in items.iter().skip(1) {
            if !crate::types::comparable(&ty, &other.ty) {
                self.mismatch(other, &ty, "F0301");
            }
        }
        let ty = if ty == Type::Error {
            Type::Error
        } else {
            Type::List(Box::new(ty))
        };
        self.make(ExprKind::List(items), ty, span)
    }

    fn name(&mut self, path: &Path, bare: Bare<'_>) -> Expr {
        let ty = match bare {
            Bare::Name => return self.path(path),
            Bare::Value(ty) | Bare::Either(ty) => ty,
        };
        if !matches!(ty, Type::Enum(_) | Type::Domain(_)) {
            return self.path(path);
        }
        if let Some(value) = self.bare_value(ty, path) {
            return self.constant(value, ty.clone(), path.span);
        }
        let single = path.segments.len() == 1;
        let is_name = !single || matches!(bare, Bare::Either(_)) && self.is_variable(path);
        let folder = path
            .segments
            .first()
            .is_some_and(|f| self.env.lookup(self.scope, Kind::Alias, &f.text).is_some());
        if is_name
            && !(folder && !single && matches!(ty, Type::Domain(Domain::Intent | Domain::Team)))
        {
            return self.path(path);
        }
        self.no_such_value(ty, path);
        Expr {
            kind: ExprKind::Error,
            ty: Type::Error,
            loc: self.loc(path.span),
        }
    }

    /// Whether a single word names something that has a value here.
    fn is_variable(&self, path: &Path) -> bool {
        let Some(first) = path.segments.first() else {
            return false;
        };
        let name = first.text.as_str();
        crate::signals::is_signal(name)
            || name == "customer"
            || (name == "it" && self.it.is_some())
            || self.local(name).is_some()
            || matches!(&self.inside, super::Inside::Webhook(params) if params.iter().any(|p| p.name == name))
            || [Kind::Slot, Kind::Segment, Kind::Threshold]
                .into_iter()
                .any(|k| self.env.lookup(self.scope, k, name).is_some())
    }

    fn hook_call(&mut self, path: &Path, args: &[ast::Expr], span: Span) -> Expr {
        let known = match path.segments.as_slice() {
            [one] => self.env.lookup(self.scope, Kind::Hook, &one.text).is_some(),
            _ => true,
        };
        if !known
            && path.segments.last().is_some_and(|n| {
                self.env
                    .lookup(self.scope, Kind::Webhook, &n.text)
                    .is_some()
            })
        {
            let name = path.segments.last().map_or("", |n| n.as_str());
            self.report(
                Diagnostic::error(
                    "F0201",
                    format!("`{name}` is a webhook, not a hook"),
                    self.loc(path.span),
                )
                .help(format!(
                    "call it in a step before: `call {name}(..) as result {{ failed -> .. }}`"
                )),
            );
            return self.error_expr(span);
        }
        let Some(id) = self.named(Kind::Hook, path) else {
            for arg in args {
                self.expr(arg);
            }
            return self.error_expr(span);
        };
        let env = self.env;
        let Some(signature) = env.hooks.get(id as usize) else {
            return self.error_expr(span);
        };
        let args = self.arguments("hook", signature, args, span);
        let ty = signature
            .returns
            .as_ref()
            .map_or(Type::Error, |r| r.0.clone());
        self.make(ExprKind::Hook(HookId(id), args), ty, span)
    }

    /// Arguments against parameters (F0302).
    pub(crate) fn arguments(
        &mut self,
        what: &str,
        signature: &crate::env::Signature,
        args: &[ast::Expr],
        span: Span,
    ) -> Vec<Expr> {
        let params = &signature.params;
        if args.len() != params.len() {
            let list = params
                .iter()
                .map(|p| format!("{}: {}", p.name, self.env.type_name(&p.ty)))
                .collect::<Vec<_>>()
                .join(", ");
            let name = &signature.item.name;
            self.report(
                Diagnostic::error(
                    "F0302",
                    format!(
                        "{what} `{name}` takes {}, not {}",
                        count(params.len()),
                        args.len()
                    ),
                    self.loc(span),
                )
                .label(signature.item.name_loc, "declared here")
                .help(format!("write `{name}({list})`")),
            );
        }
        (0..)
            .zip(args)
            .map(|(i, arg)| match params.get(i) {
                Some(param) => {
                    if param.ty == Type::Customer {
                        let expr = self.expr(arg);
                        self.must_fit(&expr, &param.ty, "F0302");
                        expr
                    } else {
                        self.expr_as(arg, &param.ty, "F0302")
                    }
                }
                None => self.expr(arg),
            })
            .collect()
    }

    fn during(&mut self, during: bool, hours: &Path, span: Span) -> Expr {
        if let [one] = hours.segments.as_slice() {
            if one.text == "team" {
                return self.make(
                    ExprKind::During {
                        during,
                        hours: HoursOf::RoutedTeam,
                    },
                    Type::Bool,
                    span,
                );
            }
            let is_hours = self
                .env
                .lookup(self.scope, Kind::Hours, &one.text)
                .is_some();
            if !is_hours && let Some(id) = self.env.lookup(self.scope, Kind::Team, &one.text) {
                self.refer(one.span, Kind::Team.def(id));
                return self.make(
                    ExprKind::During {
                        during,
                        hours: HoursOf::Team(TeamId(id)),
                    },
                    Type::Bool,
                    span,
                );
            }
        }
        match self.named(Kind::Hours, hours) {
            Some(id) => self.make(
                ExprKind::During {
                    during,
                    hours: HoursOf::Hours(HoursId(id)),
                },
                Type::Bool,
                span,
            ),
            None => Expr {
                kind: ExprKind::Error,
                ty: Type::Bool,
                loc: self.loc(span),
            },
        }
    }

    fn matches(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.expr(left);
        if !crate::types::fits(&left.ty, &Type::Text) {
            self.mismatch(&left, &Type::Text, "F0301");
        }
        let pattern = match &right.kind {
            ast::ExprKind::Regex(source) => self.pattern(source, right.span),
            ast::ExprKind::Error => None,
            _ => {
                self.report(
                    Diagnostic::error("F0301", "expected a pattern", self.loc(right.span))
                        .help("patterns stand between slashes: `/[A-Z]{2}/`"),
                );
                None
            }
        };
        match pattern {
            Some(pattern) => self.make(
                ExprKind::Matches {
                    left: Box::new(left),
                    pattern,
                },
                Type::Bool,
                span,
            ),
            None => Expr {
                kind: ExprKind::Error,
                ty: Type::Bool,
                loc: self.loc(span),
            },
        }
    }

    /// Compiles a pattern.
    pub(crate) fn pattern(&mut self, source: &SmolStr, span: Span) -> Option<Arc<Pattern>> {
        match RegexBuilder::new(source)
            .size_limit(1 << 20)
            .dfa_size_limit(1 << 20)
            .build()
        {
            Ok(regex) => Some(Arc::new(Pattern {
                source: source.clone(),
                regex,
            })),
            Err(error) => {
                let why = match error {
                    regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                    other => other
                        .to_string()
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim_start_matches("error: ")
                        .to_owned(),
                };
                self.report(Diagnostic::error(
                    "F0301",
                    format!("this pattern is not valid: {why}"),
                    self.loc(span),
                ));
                None
            }
        }
    }

    fn temporal(&mut self, cond: &ast::Expr, held: Held, span: Span) -> Expr {
        let cond = self.cond(cond);
        let source: Vec<&str> = self
            .sources
            .snippet(self.loc(span))
            .split_whitespace()
            .collect();
        let mut key = SmolStr::new(source.join(" "));
        let plain = self.locals.is_empty() && matches!(self.inside, super::Inside::Plain);
        let same = self.temporal_keys.entry(key.clone()).or_default();
        if let Some((_, id)) = same
            .iter()
            .find(|(scope, _)| *scope == self.scope)
            .filter(|_| plain)
        {
            let id = *id;
            return self.make(ExprKind::Temporal(id), Type::Bool, span);
        }
        let id = TemporalId(super::index(self.out.temporals.len()));
        if !same.is_empty() {
            key = SmolStr::new(format!("{key} #{}", same.len() + 1));
        }
        same.push((if plain { self.scope } else { u32::MAX }, id));
        self.out.temporals.push(Temporal { cond, held, key });
        self.make(ExprKind::Temporal(id), Type::Bool, span)
    }

    /// A constant value of a type, for defaults, cells and tests. `None` where it is none; reported.
    pub(crate) fn value_as(
        &mut self,
        e: &ast::Expr,
        want: &Type,
        code: &'static str,
    ) -> Option<Value> {
        let expr = self.expr_with(e, Bare::Value(want));
        if matches!(expr.kind, ExprKind::Error) {
            return None;
        }
        let found = self.found.len();
        self.must_fit(&expr, want, code);
        if self.found.len() > found {
            return None;
        }
        let value = constant_of(&expr);
        if value.is_none() && !has_error(&expr) {
            self.report(
                Diagnostic::error(code, "expected a plain value", expr.loc)
                    .help("write a literal or a name of a value"),
            );
        }
        value
    }

    pub(crate) fn timezone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.env.timezone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    fn negative(&mut self, of: &ast::Expr, span: Span) -> Expr {
        let of = self.expr(of);
        let folded = match &of.kind {
            ExprKind::Const(Value::Number(n)) => Some(Value::Number(-n)),
            ExprKind::Const(Value::Percent(p)) => Some(Value::Percent(-p)),
            ExprKind::Const(Value::Duration(d)) => Some(Value::Duration(d.saturating_neg())),
            ExprKind::Const(Value::Money(m)) => Some(Value::Money(Money {
                amount: -m.amount,
                currency: m.currency.clone(),
            })),
            _ => None,
        };
        if let Some(value) = folded {
            return self.constant(value, of.ty, span);
        }
        if !matches!(
            of.ty,
            Type::Number | Type::Percent | Type::Duration | Type::Money | Type::Error
        ) {
            self.mismatch(&of, &Type::Number, "F0301");
        }
        let ty = of.ty.clone();
        self.make(ExprKind::Neg(Box::new(of)), ty, span)
    }

    pub(super) fn binary_expr(
        &self,
        op: BinaryOp,
        left: Expr,
        right: Expr,
        ty: Type,
        span: Span,
    ) -> Expr {
        self.make(
            ExprKind::Binary(op, Box::new(left), Box::new(right)),
            ty,
            span,
        )
    }
}

/// "1 argument", "2 arguments".
fn count(n: usize) -> String {
    match n {
        0 => "no argument".into(),
        1 => "1 argument".into(),
        n => format!("{n} arguments"),
    }
}

/// Whether a part of it failed to check.
fn has_error(expr: &Expr) -> bool {
    let mut found = false;
    super::rules::walk(expr, &[], &mut |e| {
        found |= matches!(e.kind, ExprKind::Error)
    });
    found
}

/// The value of an expression that has one without a conversation.
pub(crate) fn constant_of(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Const(value) => Some(value.clone()),
        ExprKind::List(items) => items
            .iter()
            .map(constant_of)
            .collect::<Option<Vec<_>>>()
            .map(|v| Value::List(Arc::new(v))),
        _ => None,
    }
}

pub(crate) fn date(s: &str) -> Option<jiff::civil::Date> {
    s.parse().ok()
}

pub(crate) fn time(s: &str) -> Option<jiff::civil::Time> {
    let (h, m) = s.split_once(':')?;
    jiff::civil::Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok()
}

pub(crate) fn date_time(s: &str) -> Option<jiff::civil::DateTime> {
    let (d, t) = s.split_once([' ', 'T'])?;
    Some(date(d)?.to_datetime(time(t.trim())?))
}
