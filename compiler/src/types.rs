//! Written types, and which of them fit where.

use crate::env::{Env, Kind};
use crate::value::{EnumId, RecordId, Type};
use flow_grammar::{
    Diagnostic, Loc,
    ast::{BinaryOp, Expr, ExprKind, TypeExpr, TypeKind},
};
use smol_str::SmolStr;

/// A built-in type by its word.
pub(crate) fn built_in(word: &str) -> Option<Type> {
    Some(match word {
        "text" => Type::Text,
        "number" => Type::Number,
        "bool" => Type::Bool,
        "percent" => Type::Percent,
        "duration" => Type::Duration,
        "date" => Type::Date,
        "time" => Type::Time,
        "datetime" => Type::DateTime,
        "money" => Type::Money,
        "email" => Type::Email,
        "phone" => Type::Phone,
        "url" => Type::Url,
        "file" => Type::File,
        _ => return None,
    })
}

pub(crate) const BUILT_IN: [&str; 13] = [
    "text", "number", "bool", "percent", "duration", "date", "time", "datetime", "money", "email",
    "phone", "url", "file",
];

/// A type that was named: where and what.
pub(crate) type TypeRefs = Vec<(Loc, crate::env::Def)>;

/// Resolves a written type; what is unknown is reported and becomes [`Type::Error`].
pub(crate) fn resolve(
    env: &Env,
    scope: u32,
    decl: u32,
    ty: &TypeExpr,
    found: &mut Vec<Diagnostic>,
    refs: &mut TypeRefs,
) -> (Type, bool) {
    match &ty.kind {
        TypeKind::Error => (Type::Error, ty.optional),
        TypeKind::List(of) => (
            Type::List(Box::new(resolve(env, scope, decl, of, found, refs).0)),
            ty.optional,
        ),
        TypeKind::Named(path) => {
            if let [only] = path.segments.as_slice()
                && let Some(ty_) = built_in(&only.text)
            {
                return (ty_, ty.optional);
            }
            let Some((last, folders)) = path.segments.split_last() else {
                return (Type::Error, ty.optional);
            };
            let mut at = Some(scope);
            for name in folders {
                at = at.and_then(|s| env.lookup(s, Kind::Alias, &name.text));
            }
            let Some(at) = at else {
                let name = folders.first().map_or("", |n| n.as_str());
                found.push(Diagnostic::error(
                    "F0201",
                    format!("unknown folder `{name}`"),
                    Loc::new(decl, path.span),
                ));
                return (Type::Error, ty.optional);
            };
            if at == u32::MAX {
                return (Type::Error, ty.optional);
            }
            if !env.ambiguous_types.is_empty()
                && env.ambiguous_types.contains(&(at, last.text.clone()))
            {
                return (Type::Error, ty.optional);
            }
            if let Some(id) = env.lookup(at, Kind::Enum, &last.text) {
                refs.push((Loc::new(decl, last.span), Kind::Enum.def(id)));
                return (Type::Enum(EnumId(id)), ty.optional);
            }
            if let Some(id) = env.lookup(at, Kind::Record, &last.text) {
                refs.push((Loc::new(decl, last.span), Kind::Record.def(id)));
                return (Type::Record(RecordId(id)), ty.optional);
            }
            if !env.poisoned.contains(&last.text) && !last.text.is_empty() {
                let names: Vec<&str> = env
                    .scope(at)
                    .into_iter()
                    .flat_map(|s| s.names.of(Kind::Enum).chain(s.names.of(Kind::Record)))
                    .map(|(name, _)| name.as_str())
                    .chain(BUILT_IN)
                    .collect();
                found.push(crate::env::unknown(
                    env,
                    at,
                    "type",
                    last.as_str(),
                    Loc::new(decl, last.span),
                    names,
                ));
            }
            (Type::Error, ty.optional)
        }
    }
}

/// Whether two types can be the two sides of a comparison, or the branches of `??`.
pub(crate) fn comparable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Error, _) | (_, Type::Error) => true,
        (a, b) if is_textual(a) && is_textual(b) => true,
        (Type::List(a), Type::List(b)) => comparable(a, b),
        _ => a == b,
    }
}

/// Whether a value of type `from` may stand where `to` is expected.
pub(crate) fn fits(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Error, _) | (_, Type::Error) => true,
        (Type::Email | Type::Phone | Type::Url | Type::Domain(_), Type::Text) => true,
        (Type::List(from), Type::List(to)) => fits(from, to),
        _ => from == to,
    }
}

/// Text and what is written like it.
pub(crate) const fn is_textual(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Email | Type::Phone | Type::Url)
}

/// Whether a customer can type or press a value; nobody can type a record.
pub(crate) fn can_be_typed(ty: &Type) -> bool {
    match ty {
        Type::Record(_) | Type::Customer => false,
        Type::List(of) => !matches!(**of, Type::Record(_) | Type::Customer | Type::List(_)),
        _ => true,
    }
}

/// The currency that a written expression surely has.
pub(crate) fn written_currency(expr: &Expr) -> Option<SmolStr> {
    match &expr.kind {
        ExprKind::Money(_, currency) => Some(currency.clone()),
        ExprKind::Neg(of) => written_currency(of),
        ExprKind::Binary(BinaryOp::Add | BinaryOp::Sub, a, b) => {
            written_currency(a).or_else(|| written_currency(b))
        }
        _ => None,
    }
}

/// The type of a literal.
pub(crate) fn of_literal(expr: &Expr) -> Option<Type> {
    Some(match &expr.kind {
        ExprKind::Text(_) => Type::Text,
        ExprKind::Number(_) => Type::Number,
        ExprKind::Percent(_) => Type::Percent,
        ExprKind::Duration(_) => Type::Duration,
        ExprKind::Money(..) => Type::Money,
        ExprKind::Date(_) => Type::Date,
        ExprKind::Time(_) => Type::Time,
        ExprKind::DateTime(_) => Type::DateTime,
        ExprKind::Bool(_) => Type::Bool,
        ExprKind::Neg(of) => return of_literal(of),
        _ => return None,
    })
}
