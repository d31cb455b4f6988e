//! Cells: patterns of matrices, arms and bands.

use super::question::{Parts, comparison};
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::{Diagnostic, Span, Spanned};

impl Builder<'_> {
    pub(super) fn cells(&mut self, pair: Pair) -> Vec<Cell> {
        let item = pair.clone();
        let mut parts = Parts::of(pair);
        let mut out = Vec::with_capacity(1);
        while let Some(part) = parts
            .row()
            .next_if(|p| matches!(p.as_rule(), Rule::c_not | Rule::c_cmp | Rule::c_val))
        {
            let cell = self.cell(part);
            out.push(cell);
        }
        self.list_end(
            &mut parts,
            false,
            "a value",
            &item,
            "separate values by commas",
        );
        if let Some(junk) = parts.get(Rule::cjunk) {
            self.junk(&junk);
        }
        out.shrink_to_fit();
        out
    }

    pub(super) fn cell(&mut self, pair: Pair) -> Cell {
        let item = pair.clone();
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::c_not => {
                let mut values = Vec::new();
                for part in parts {
                    let value = self.cell_value(part);
                    values.push(value);
                }
                Cell::Not(values, span)
            }
            Rule::c_cmp => {
                let op = parts
                    .next()
                    .map_or(BinaryOp::Ge, |p| comparison(p.as_str()));
                match parts.next() {
                    Some(value) => Cell::Compare(op, self.cell_value(value), span),
                    None => {
                        self.expected("a value", &item, "write `>= VALUE`");
                        Cell::Error(span)
                    }
                }
            }
            _ => {
                let Some(first) = parts.next() else {
                    return Cell::Error(span);
                };
                match first.as_str().trim_end() {
                    "_" => return Cell::Any(span),
                    "unknown" => return Cell::Unknown(span),
                    _ => {}
                }
                let value = self.cell_value(first);
                if let Some(of) = parts.get(Rule::within_of) {
                    return self.within_cell(&value, of, span);
                }
                if parts.get(Rule::dots).is_none() {
                    return Cell::Value(value);
                }
                match parts.next() {
                    Some(end) => Cell::Range(value, self.cell_value(end), span),
                    None => {
                        self.expected(
                            "the end of the range",
                            &item,
                            "a range is written `60%..80%`",
                        );
                        Cell::Error(span)
                    }
                }
            }
        }
    }

    /// `4h of office`.
    fn within_cell(&mut self, time: &Expr, of: Pair, span: Span) -> Cell {
        let ExprKind::Duration(millis) = time.kind else {
            self.push(
                Diagnostic::error("F0101", "expected a duration before `of`", time.span)
                    .help("only a duration counts open time: write `4h of HOURS`"),
            );
            return Cell::Error(span);
        };
        match self.within_of(of, "write `4h of HOURS`") {
            Some(of) => Cell::Within(Within {
                millis: Spanned::new(millis, time.span),
                of: Some(of),
                span,
            }),
            None => Cell::Error(span),
        }
    }

    pub(super) fn cell_value(&mut self, pair: Pair) -> Expr {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let negative = parts.get(Rule::neg).is_some();
        let Some(operand) = parts.next() else {
            return Expr {
                kind: ExprKind::Error,
                span,
            };
        };
        let value = self.operand(operand, parts.row());
        if negative {
            Expr {
                kind: ExprKind::Neg(Box::new(value)),
                span,
            }
        } else {
            value
        }
    }
}
