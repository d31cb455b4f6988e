//! Whether a value fits where it stands, and what to write if it does not.

use super::Lower;
use crate::load::decl as decl_of;
use crate::machine::{Expr, ExprKind};
use crate::types::fits;
use crate::value::{ThresholdId, Type, Value};
use flow_grammar::ast::{self, DeclKind};
use flow_grammar::{Diagnostic, Edit, Loc};

impl Lower<'_> {
    pub(super) fn must_be_bool(&mut self, expr: &Expr) {
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
            (ExprKind::Const(Value::Number(n)), Type::Percent) => percent(*n),
            (ExprKind::Const(Value::Number(_)), Type::Duration) => {
                return found.help(format!("write the unit: `{written}s` is seconds, `{written}m` minutes, `{written}h` hours, `{written}d` days"));
            }
            (ExprKind::Const(Value::Number(_)), Type::Money) => {
                return found.help(format!("write the currency, as in `{written} USD`"));
            }
            (ExprKind::Threshold(id), Type::Percent) if expr.ty == Type::Number => {
                return self.threshold_in_percent(found, *id);
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
            (ExprKind::Const(Value::Text(t)), Type::Number) if t.parse::<f64>().is_ok() => {
                (t.to_string(), false)
            }
            (ExprKind::Const(Value::Text(_)), _) => return found,
            (ExprKind::Const(Value::Number(_)), Type::Date) => {
                return found.help("a date is written `2026-12-25`");
            }
            (_, Type::List(of)) if fits(&expr.ty, of) => (format!("[{written}]"), false),
            (_, Type::Date) if expr.ty == Type::DateTime => {
                return found.help("a date is a whole day, as `today`; `now` is a moment");
            }
            (_, Type::DateTime) if expr.ty == Type::Date => {
                return found.help("a datetime is a moment, as `now`; `today` is a whole day");
            }
            (_, Type::Duration) if expr.ty == Type::DateTime => {
                return found.help(format!(
                    "the time between two moments is a duration: `now - {written}`"
                ));
            }
            (ExprKind::Const(_), Type::Text) => (format!("\"{written}\""), false),
            (_, Type::Text)
                if !matches!(
                    expr.ty,
                    Type::Record(_) | Type::List(_) | Type::Customer | Type::File
                ) =>
            {
                match &expr.kind {
                    // What is written out needs nothing filled in.
                    ExprKind::Const(_) => (format!("\"{written}\""), false),
                    _ => (format!("\"{{{written}}}\""), false),
                }
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
}

impl Lower<'_> {
    /// A threshold whose values are bare numbers is compared with a percentage: the repair stands where they are written.
    fn threshold_in_percent(&self, found: Diagnostic, id: ThresholdId) -> Diagnostic {
        let Some(item) = self.env.thresholds.get(id.index()).map(|t| &t.item) else {
            return found;
        };
        let Some(DeclKind::Threshold(tree)) = decl_of(self.sources, item.decl).map(|d| &d.kind)
        else {
            return found;
        };
        let values = tree.default.iter().chain(tree.lines.iter().map(|l| &l.0));
        let written: Option<Vec<(Edit, bool)>> = values
            .map(|value| {
                let n = match &value.kind {
                    ast::ExprKind::Number(n) => *n,
                    ast::ExprKind::Neg(of) => match &of.kind {
                        ast::ExprKind::Number(n) => -*n,
                        _ => return None,
                    },
                    _ => return None,
                };
                let (text, safe) = percent(n);
                let at = Loc::new(item.decl, value.span);
                Some((Edit { at, text }, safe))
            })
            .collect();
        let Some(written) = written.filter(|w| !w.is_empty()) else {
            return found.help(format!("let `{}` be a percentage", item.name));
        };
        let safe = written.iter().all(|(_, safe)| *safe);
        let edits: Vec<Edit> = written.into_iter().map(|(edit, _)| edit).collect();
        let first = edits.first().map_or("", |e| e.text.as_str()).to_owned();
        found
            .help(format!("write `threshold {} = {first}`", item.name))
            .fix(format!("let `{}` be a percentage", item.name), safe, edits)
    }
}

/// The percentage that a bare number was meant to be, and whether that is sure: a fraction is one of 1, not of 100.
fn percent(n: f64) -> (String, bool) {
    if n != 0.0 && n.abs() <= 1.0 {
        // Without the last digits, which the multiplication makes up.
        let hundredths = (n * 100_000_000.0).round() / 1_000_000.0;
        (format!("{hundredths}%"), false)
    } else {
        (format!("{n}%"), true)
    }
}
