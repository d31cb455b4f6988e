//! Expressions.

use super::Lower;
use crate::env::Kind;
use crate::machine::{Expr, ExprKind, Held, HoursOf, Pattern, Signal, Temporal};
use crate::value::{Domain, HoursId, Money, TeamId, TemporalId, TextId, Type, Value};
use flow_grammar::{
    Diagnostic, Span,
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

    /// A value where a type is expected: bare names may be values of that type. `code` is what a mismatch is.
    pub(crate) fn expr_as(&mut self, e: &ast::Expr, want: &Type, code: &'static str) -> Expr {
        let expr = self.expr_with(e, Bare::Either(want));
        self.must_fit(&expr, want, code);
        expr
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

    pub(super) fn make(&self, kind: ExprKind, ty: Type, span: Span) -> Expr {
        Expr {
            kind,
            ty,
            loc: self.loc(span),
        }
    }

    pub(super) fn constant(&self, value: Value, ty: Type, span: Span) -> Expr {
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
                let conds: Vec<Expr> = conds.iter().map(|c| self.cond(c)).collect();
                self.count_in_range(count, conds.len());
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
        let single = path.segments.len() == 1;
        let alias = |name: &flow_grammar::Name| {
            self.env
                .lookup(self.scope, Kind::Alias, &name.text)
                .is_some()
        };
        let foreign = !single && path.segments.first().is_some_and(alias);
        if *ty == Type::Error && (single || foreign) && !self.is_variable(path) {
            // It may be a value of the type that is missing.
            return self.error_expr(path.span);
        }
        if *ty == Type::Text
            && matches!(bare, Bare::Either(_))
            && self.names_a_text(path)
            && let Some(id) = self.named(Kind::Text, path)
        {
            return self.make(ExprKind::Text(TextId(id)), Type::Text, path.span);
        }
        if let Type::List(of) = ty
            && single
            && matches!(**of, Type::Enum(_))
            && !self.is_variable(path)
            && let Some(value) = self.bare_value(of, path)
        {
            // One value, where a list of them belongs.
            return self.constant(value, (**of).clone(), path.span);
        }
        if !matches!(ty, Type::Enum(_) | Type::Domain(_)) {
            let before = self.found.len();
            let expr = self.path(path);
            if crate::types::is_textual(ty) && single {
                self.perhaps_a_text(path, before);
            }
            return expr;
        }
        if let Some(value) = self.bare_value(ty, path) {
            return self.constant(value, ty.clone(), path.span);
        }
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

    /// Whether a name stands for a text that is declared. In a text itself it does not: there each language has its own words, and
    /// texts would name each other in a circle.
    fn names_a_text(&self, path: &Path) -> bool {
        if self.in_text
            || matches!(self.inside, super::Inside::Webhook(_))
            || self.is_variable(path)
        {
            return false;
        }
        let Some((last, folders)) = path.segments.split_last() else {
            return false;
        };
        let mut scope = self.scope;
        for folder in folders {
            match self.env.lookup(scope, Kind::Alias, &folder.text) {
                Some(next) => scope = next,
                None => return false,
            }
        }
        self.env.lookup(scope, Kind::Text, &last.text).is_some()
    }

    /// An unknown name where a text is expected: the quotes may be missing.
    fn perhaps_a_text(&mut self, path: &Path, before: usize) {
        let (at, written) = (self.loc(path.span), format!("\"{}\"", self.words_at(path)));
        if let Some(found) = self.found.get_mut(before)
            && found.help.is_none()
        {
            found.help = Some(format!("a text stands in quotes: `{written}`"));
            found.fixes.push(flow_grammar::Fix {
                title: format!("write `{written}`"),
                edits: vec![flow_grammar::Edit { at, text: written }],
                safe: false,
            });
        }
    }

    fn words_at(&self, path: &Path) -> String {
        self.sources.snippet(self.loc(path.span)).to_owned()
    }

    /// Whether a single word names something that has a value here.
    pub(super) fn is_variable(&self, path: &Path) -> bool {
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
        if self.put_off() {
            return self.error_expr(span);
        }
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
