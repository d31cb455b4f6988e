//! Operators: which types they take and give.

use super::Lower;
use super::expr::Bare;
use crate::machine::{Expr, ExprKind};
use crate::types::comparable;
use crate::value::{Domain, Type, Value};
use flow_grammar::{
    Diagnostic, Span,
    ast::{self, BinaryOp},
};
use smol_str::SmolStr;

/// Chains of one operator longer than this are refused.
const MAX_CHAIN: usize = 4_000;

const fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Coalesce => "??",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
    }
}

impl Lower<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Expr {
        match op {
            BinaryOp::And | BinaryOp::Or => self.chain(op, left, right, span),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                self.comparison(op, left, right, span)
            }
            BinaryOp::Coalesce => {
                let left = self.expr(left);
                let ty = left.ty.clone();
                let right = self.expr_with(right, Bare::Either(&ty));
                let ty = self.coalesced(&left, &right);
                self.binary_expr(op, left, right, ty, span)
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => {
                let (left, right) = (self.expr(left), self.expr(right));
                let ty = self.arithmetic(op, &left, &right, span);
                self.binary_expr(op, left, right, ty, span)
            }
        }
    }

    /// `a and b and c ..`, as a balanced tree: the order of evaluation stays, the depth does not grow with the length.
    fn chain(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let mut parts = vec![right];
        let mut rest = left;
        while let ast::ExprKind::Binary(same, a, b) = &rest.kind {
            if *same != op {
                break;
            }
            parts.push(b);
            rest = a;
        }
        parts.push(rest);
        if parts.len() > MAX_CHAIN {
            self.report(
                Diagnostic::error("F0101", "this condition is too long", self.loc(span))
                    .help("name parts of it with `segment`"),
            );
            return self.error_expr(span);
        }
        let mut conds: Vec<Expr> = parts.into_iter().rev().map(|p| self.cond(p)).collect();
        while conds.len() > 1 {
            let mut halves = Vec::with_capacity(conds.len().div_ceil(2));
            let mut pairs = conds.into_iter();
            while let Some(a) = pairs.next() {
                halves.push(match pairs.next() {
                    Some(b) => {
                        let span = a.loc.span.to(b.loc.span);
                        self.binary_expr(op, a, b, Type::Bool, span)
                    }
                    None => a,
                });
            }
            conds = halves;
        }
        conds.pop().unwrap_or_else(|| self.error_expr(span))
    }

    /// Both sides of `is`: a bare name right is a value of the left's type.
    pub(super) fn two_sides(&mut self, left: &ast::Expr, right: &ast::Expr) -> (Expr, Expr) {
        let left = self.expr(left);
        let ty = left.ty.clone();
        let right = self.expr_with(right, Bare::Value(&ty));
        let right = self.compared(&left, right);
        (left, right)
    }

    /// The right side of a comparison; one that does not compare is an error, so that nothing is concluded from it.
    fn compared(&mut self, left: &Expr, right: Expr) -> Expr {
        if self.must_compare(left, &right) {
            return right;
        }
        Expr {
            kind: ExprKind::Error,
            ty: Type::Error,
            loc: right.loc,
        }
    }

    fn must_compare(&mut self, left: &Expr, right: &Expr) -> bool {
        if !comparable(&left.ty, &right.ty) {
            let (a, b) = (self.env.type_name(&left.ty), self.env.type_name(&right.ty));
            let found = Diagnostic::error(
                "F0301",
                format!("`{a}` and `{b}` do not compare"),
                right.loc,
            )
            .labelled(format!("this is `{b}`"))
            .label(left.loc, format!("this is `{a}`"));
            let found = self.explain(found, right, &left.ty);
            self.report(found);
            return false;
        }
        self.one_currency(left, right);
        self.in_range(left, right);
        true
    }

    fn comparison(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Expr {
        let left = self.expr(left);
        let ty = left.ty.clone();
        let right = self.expr_with(right, Bare::Either(&ty));
        let right = self.compared(&left, right);
        self.beyond_range(op, &left, &right, span);
        let ordered = matches!(
            left.ty,
            Type::Number
                | Type::Percent
                | Type::Duration
                | Type::Date
                | Type::Time
                | Type::DateTime
                | Type::Money
                | Type::Domain(Domain::Priority | Domain::Complexity | Domain::Tier)
                | Type::Error
        );
        if !ordered && right.ty != Type::Error && comparable(&left.ty, &right.ty) {
            let name = self.env.type_name(&left.ty);
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("values of type `{name}` have no order"),
                    self.loc(span),
                )
                .help("compare them with `is` or `in`"),
            );
        }
        self.binary_expr(op, left, right, Type::Bool, span)
    }

    fn coalesced(&mut self, left: &Expr, right: &Expr) -> Type {
        if left.ty == Type::Error {
            return right.ty.clone();
        }
        if left.ty == right.ty || right.ty == Type::Error {
            self.one_currency(left, right);
            return left.ty.clone();
        }
        // `{order.eta ?? "soon"}`: what is shown is a text either way.
        if crate::types::is_textual(&right.ty)
            && !matches!(left.ty, Type::Record(_) | Type::Customer)
        {
            return Type::Text;
        }
        if comparable(&left.ty, &right.ty) {
            return left.ty.clone();
        }
        let want = left.ty.clone();
        self.mismatch(right, &want, "F0301");
        Type::Error
    }

    fn arithmetic(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Type {
        use BinaryOp::{Add, Div, Mul, Sub};
        use Type::{Date, DateTime, Duration, Money, Number, Percent, Time};
        match (op, &left.ty, &right.ty) {
            (_, Type::Error, _) | (_, _, Type::Error) => Type::Error,
            (_, Number, Number) | (Div, Percent, Percent) | (Div, Duration, Duration) => Number,
            (Mul, Number, Percent) | (Mul, Percent, Number) => Number,
            (Add | Sub | Mul, Percent, Percent) => Percent,
            (Div, Percent, Number) => Percent,
            (Add | Sub, Money, Money) => match self.one_currency(left, right) {
                true => Money,
                false => Type::Error,
            },
            (Div, Money, Money) => {
                self.one_currency(left, right);
                Number
            }
            (Mul | Div, Money, Number)
            | (Mul, Number, Money)
            | (Mul, Money, Percent)
            | (Mul, Percent, Money) => Money,
            (Add | Sub, Duration, Duration)
            | (Mul | Div, Duration, Number)
            | (Mul, Number, Duration) => Duration,
            (Mul, Duration, Percent) | (Mul, Percent, Duration) => Duration,
            (Sub, DateTime, DateTime) | (Sub, Date, Date) | (Sub, Time, Time) => Duration,
            (Add | Sub, DateTime, Duration) => DateTime,
            (Add | Sub, Date, Duration) => Date,
            (Add | Sub, Time, Duration) => Time,
            (_, a, b) => {
                let (a, b) = (self.env.type_name(a), self.env.type_name(b));
                let word = sign(op);
                let mut found = Diagnostic::error(
                    "F0301",
                    format!("`{a} {word} {b}` has no meaning"),
                    self.loc(span),
                );
                if op == Add && (left.ty == Type::Text || right.ty == Type::Text) {
                    let (l, r) = (
                        piece(self.sources.snippet(left.loc)),
                        piece(self.sources.snippet(right.loc)),
                    );
                    let joined = format!("\"{l}{r}\"");
                    found = found
                        .help(format!("texts are joined by interpolation: `{joined}`"))
                        .fix(
                            format!("write `{joined}`"),
                            false,
                            vec![flow_grammar::Edit {
                                at: self.loc(span),
                                text: joined.clone(),
                            }],
                        );
                } else if matches!(op, Add | Sub) {
                    // A bare number beside a percentage, a duration or an amount lacks its unit.
                    let bare = |e: &Expr| matches!(e.kind, ExprKind::Const(Value::Number(_)));
                    found = match (bare(left), bare(right)) {
                        (false, true) => self.explain(found, right, &left.ty),
                        (true, false) => self.explain(found, left, &right.ty),
                        _ => found,
                    };
                }
                self.report(found);
                Type::Error
            }
        }
    }

    /// Whether two amounts may be of one currency; reports it where they are surely not.
    pub(super) fn one_currency(&mut self, left: &Expr, right: &Expr) -> bool {
        if left.ty != Type::Money || right.ty != Type::Money {
            return true;
        }
        if let (Some(a), Some(b)) = (self.currency(left), self.currency(right))
            && a != b
        {
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("`{a}` and `{b}` are two currencies"),
                    right.loc,
                )
                .labelled(format!("in {b}"))
                .label(left.loc, format!("in {a}"))
                .help(format!(
                    "amounts compare and add only within one currency; write it in {a}"
                )),
            );
            return false;
        }
        true
    }

    /// The currency that an expression surely has.
    fn currency(&self, expr: &Expr) -> Option<SmolStr> {
        match &expr.kind {
            ExprKind::Const(Value::Money(money)) => Some(money.currency.clone()),
            ExprKind::Slot(id) => self.env.slots.get(id.index())?.currency.clone(),
            ExprKind::Customer(id) => self.env.customer.get(id.index())?.currency.clone(),
            ExprKind::Threshold(id) => self.env.thresholds.get(id.index())?.currency.clone(),
            ExprKind::Neg(of) => self.currency(of),
            ExprKind::Binary(_, a, b) => self.currency(a).or_else(|| self.currency(b)),
            ExprKind::Field(of, name) => {
                let Type::Record(id) = &of.ty else {
                    return None;
                };
                let record = self.env.records.get(id.index())?;
                record
                    .fields
                    .get(*record.index.get(name)? as usize)?
                    .currency
                    .clone()
            }
            _ => None,
        }
    }

    pub(super) fn is_in(
        &mut self,
        negated: bool,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Expr {
        let left = self.expr(left);
        let list = Type::List(Box::new(left.ty.clone()));
        let right = self.expr_with(right, Bare::Value(&list));
        match &right.ty {
            Type::Error => {}
            Type::List(of) => {
                if !comparable(&left.ty, of) {
                    let first = match &right.kind {
                        ExprKind::List(items) => items.first().unwrap_or(&right),
                        _ => &right,
                    };
                    self.must_compare(&left, first);
                    if first.ty == right.ty {
                        let want = list.clone();
                        self.mismatch(&right, &want, "F0301");
                    }
                } else if let ExprKind::List(items) = &right.kind {
                    for item in items {
                        self.one_currency(&left, item);
                        self.in_range(&left, item);
                    }
                }
            }
            _ => {
                let found = Diagnostic::error("F0301", "right of `in` stands a list", right.loc);
                let written = self.sources.snippet(right.loc).to_owned();
                self.report(found.help(format!("write `[{written}]`, or `is` for one value")));
            }
        }
        Expr {
            kind: ExprKind::In {
                negated,
                left: Box::new(left),
                right: Box::new(right),
            },
            ty: Type::Bool,
            loc: self.loc(span),
        }
    }

    pub(super) fn contains(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.expr(left);
        if let Type::List(of) = left.ty.clone() {
            let right = self.expr_with(right, Bare::Value(&of));
            if !comparable(&of, &right.ty) {
                self.mismatch(&right, &of, "F0301");
            }
            return Expr {
                kind: ExprKind::ListContains {
                    left: Box::new(left),
                    right: Box::new(right),
                },
                ty: Type::Bool,
                loc: self.loc(span),
            };
        }
        let right = self.expr(right);
        self.must_be_text(&left);
        self.must_be_text(&right);
        Expr {
            kind: ExprKind::Contains {
                left: Box::new(left),
                any: vec![right],
            },
            ty: Type::Bool,
            loc: self.loc(span),
        }
    }

    pub(super) fn contains_any(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.expr(left);
        self.must_be_text(&left);
        let ast::ExprKind::List(items) = &right.kind else {
            let right = self.expr(right);
            if right.ty != Type::Error {
                self.report(
                    Diagnostic::error(
                        "F0301",
                        "after `contains any` stands a list of texts",
                        right.loc,
                    )
                    .help("write `[\"one\", \"two\"]`"),
                );
            }
            return Expr {
                kind: ExprKind::Error,
                ty: Type::Bool,
                loc: self.loc(span),
            };
        };
        let any: Vec<Expr> = items
            .iter()
            .map(|item| {
                let item = self.expr(item);
                self.must_be_text(&item);
                item
            })
            .collect();
        Expr {
            kind: ExprKind::Contains {
                left: Box::new(left),
                any,
            },
            ty: Type::Bool,
            loc: self.loc(span),
        }
    }

    fn must_be_text(&mut self, expr: &Expr) {
        if !crate::types::fits(&expr.ty, &Type::Text) {
            self.mismatch(expr, &Type::Text, "F0301");
        }
    }
}

/// A side of `+` as a part of a text.
fn piece(written: &str) -> String {
    written
        .strip_prefix('"')
        .and_then(|w| w.strip_suffix('"'))
        .map_or_else(|| format!("{{{written}}}"), str::to_owned)
}
