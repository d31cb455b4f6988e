//! Constants: values that are known without a conversation.

use super::Lower;
use super::expr::Bare;
use crate::machine::{Expr, ExprKind};
use crate::value::{Money, Type, Value};
use flow_grammar::{Diagnostic, Span, ast};
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn instant(&mut self, e: &ast::Expr) -> Expr {
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

    pub(super) fn negative(&mut self, of: &ast::Expr, span: Span) -> Expr {
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
}

/// Whether a part of it failed to check.
pub(super) fn has_error(expr: &Expr) -> bool {
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
