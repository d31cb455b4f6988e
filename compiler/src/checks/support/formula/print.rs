//! Expressions as text: things that are written alike are one.

use crate::machine::{Expr, ExprKind, Machine};

/// The same text for the same expression, wherever it stands.
pub(super) fn print(machine: &Machine, expr: &Expr, depth: u32) -> String {
    if depth > 100 {
        return format!("{:?}", expr.loc);
    }
    let p = |e: &Expr| print(machine, e, depth + 1);
    let list = |es: &[Expr]| es.iter().map(p).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Const(value) => format!("{value:?}"),
        ExprKind::Text(id) => machine.text(*id).map_or_else(String::new, |t| {
            t.variants
                .iter()
                .flat_map(|v| &v.parts)
                .map(|part| match part {
                    crate::machine::TextPart::Str(s) => format!("{s:?}"),
                    crate::machine::TextPart::Expr(e) => p(e),
                })
                .collect::<Vec<_>>()
                .join("+")
        }),
        ExprKind::Slot(id) => format!("slot {}", id.0),
        ExprKind::Customer(id) => format!("customer {}", id.0),
        ExprKind::Local(id) => format!("local {} of {}", id.0, expr.loc.decl),
        ExprKind::Field(inner, name) => format!("{}.{name}", p(inner)),
        ExprKind::Hook(id, args) => format!("hook {}({})", id.0, list(args)),
        ExprKind::List(items) => format!("[{}]", list(items)),
        ExprKind::Not(inner) => format!("not ({})", p(inner)),
        ExprKind::Neg(inner) => format!("-({})", p(inner)),
        ExprKind::Binary(op, a, b) => format!("({} {op:?} {})", p(a), p(b)),
        ExprKind::Is {
            negated,
            left,
            right,
        } => format!("({} is {negated} {})", p(left), p(right)),
        ExprKind::In {
            negated,
            left,
            right,
        } => format!("({} in {negated} {})", p(left), p(right)),
        ExprKind::Known { known, of } => format!("({} known {known})", p(of)),
        ExprKind::Contains { left, any } => format!("({} contains {})", p(left), list(any)),
        ExprKind::ListContains { left, right } => format!("({} has {})", p(left), p(right)),
        ExprKind::Matches { left, pattern } => {
            format!("({} matches /{}/)", p(left), pattern.source)
        }
        ExprKind::AtLeast { count, conds } => format!("{count} of [{}]", list(conds)),
        ExprKind::Error => format!("error at {:?}", expr.loc),
        other => format!("{other:?}"),
    }
}
