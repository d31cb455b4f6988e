//! Patterns: cells of a matrix, values of a `match` arm, bands.

use super::Lower;
use crate::machine::{CellPattern, Expr, ExprKind, Signal};
use crate::value::{Type, Value};
use flow_grammar::{
    Diagnostic, Edit, Loc,
    ast::{self, BinaryOp, Cell},
};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

impl Lower<'_> {
    /// Patterns against what is looked at. A pattern that failed to check is left out; it was reported.
    pub(super) fn cells(&mut self, cells: &[Cell], subject: &Expr) -> (Vec<CellPattern>, Vec<Loc>) {
        let mut patterns = Vec::with_capacity(cells.len());
        let mut locs = Vec::with_capacity(cells.len());
        for cell in cells {
            if let Some(pattern) = self.cell(cell, subject) {
                patterns.push(pattern);
                locs.push(self.loc(cell.span()));
            }
        }
        (patterns, locs)
    }

    fn cell(&mut self, cell: &Cell, subject: &Expr) -> Option<CellPattern> {
        let ty = &subject.ty;
        match cell {
            Cell::Error(_) => None,
            Cell::Any(_) => Some(CellPattern::Any),
            Cell::Unknown(_) => Some(CellPattern::Unknown),
            Cell::Within(within) => {
                self.report(
                    Diagnostic::error(
                        "F0301",
                        "open time is counted only in the column `within`",
                        self.loc(within.span),
                    )
                    .help("compare with a duration alone, as `4h`"),
                );
                None
            }
            Cell::Value(e) => {
                let message = matches!(subject.kind, ExprKind::Signal(Signal::Message));
                if let (true, ast::ExprKind::Text(lit)) = (message, &e.kind) {
                    let Some(words) = lit.plain() else {
                        self.report(Diagnostic::error(
                            "F0301",
                            "words to find are plain text",
                            self.loc(lit.span),
                        ));
                        return None;
                    };
                    return Some(CellPattern::Words(SmolStr::new(words)));
                }
                self.cell_value(e, subject).map(CellPattern::Value)
            }
            Cell::Not(_, span) if matches!(subject.kind, ExprKind::Signal(Signal::Message)) => {
                self.report(
                    Diagnostic::error(
                        "F0301",
                        "`not` takes no words to find in a message",
                        self.loc(*span),
                    )
                    .help("the first row that matches decides: put the row that looks for them above this one, and write `_` here")
                    .fix("write `_`", false, vec![Edit { at: self.loc(*span), text: "_".into() }]),
                );
                None
            }
            Cell::Not(values, _) => {
                let known: Vec<Value> = values
                    .iter()
                    .filter_map(|e| self.cell_value(e, subject))
                    .collect();
                (known.len() == values.len()).then_some(CellPattern::Not(known))
            }
            Cell::Range(low, high, span) => {
                self.must_be_ordered(ty, *span);
                let (low, high) = self.ends(low, high, subject);
                let (low, high) = (low?, high?);
                if super::rules::value_cmp(&low, &high) == Some(std::cmp::Ordering::Greater) {
                    let written = self.sources.snippet(self.loc(*span)).to_owned();
                    self.report(
                        Diagnostic::error(
                            "F0301",
                            format!("the range `{written}` ends before it starts"),
                            self.loc(*span),
                        )
                        .help("swap its ends"),
                    );
                    return None;
                }
                Some(CellPattern::Range {
                    low: Some(low),
                    low_included: true,
                    high: Some(high),
                    high_included: true,
                })
            }
            Cell::Compare(op, value, span) => {
                self.must_be_ordered(ty, *span);
                let value = self.cell_value(value, subject)?;
                self.cell_beyond_range(*op, subject, &value, *span);
                let value = Some(value);
                Some(match op {
                    BinaryOp::Ge => CellPattern::Range {
                        low: value,
                        low_included: true,
                        high: None,
                        high_included: false,
                    },
                    BinaryOp::Gt => CellPattern::Range {
                        low: value,
                        low_included: false,
                        high: None,
                        high_included: false,
                    },
                    BinaryOp::Le => CellPattern::Range {
                        low: None,
                        low_included: false,
                        high: value,
                        high_included: true,
                    },
                    _ => CellPattern::Range {
                        low: None,
                        low_included: false,
                        high: value,
                        high_included: false,
                    },
                })
            }
        }
    }

    /// Both ends of a range; of another type than what is looked at they are one finding.
    fn ends(
        &mut self,
        low: &ast::Expr,
        high: &ast::Expr,
        subject: &Expr,
    ) -> (Option<Value>, Option<Value>) {
        let before = self.found.len();
        let low = self.cell_value(low, subject);
        let between = self.found.len();
        let high = self.cell_value(high, subject);
        let twice = between == before + 1 && self.found.len() == between + 1;
        let same = twice
            && matches!((self.found.get(before), self.found.get(between)), (Some(a), Some(b)) if a.code == b.code && a.message == b.message);
        if same
            && let Some(second) = self.found.pop()
            && let Some(first) = self.found.last_mut()
            && let (Some(fix), Some(more)) =
                (first.fixes.first_mut(), second.fixes.into_iter().next())
        {
            fix.title = format!(
                "{}..{}",
                fix.title.trim_end_matches('`'),
                more.title.trim_start_matches("write `")
            );
            first.help = Some(fix.title.clone());
            fix.edits.extend(more.edits);
        }
        (low, high)
    }

    fn cell_value(&mut self, e: &ast::Expr, subject: &Expr) -> Option<Value> {
        if subject.ty == Type::Error {
            return None;
        }
        let value = self.value_as(e, &subject.ty, "F0301")?;
        let expr = Expr {
            kind: ExprKind::Const(value.clone()),
            ty: subject.ty.clone(),
            loc: self.loc(e.span),
        };
        if let ExprKind::Signal(signal) = subject.kind {
            self.value_in_range(&expr, signal);
        }
        self.one_currency(subject, &expr).then_some(value)
    }

    fn must_be_ordered(&mut self, ty: &Type, span: flow_grammar::Span) {
        let ordered = matches!(
            ty,
            Type::Number
                | Type::Percent
                | Type::Duration
                | Type::Date
                | Type::Time
                | Type::DateTime
                | Type::Money
                | Type::Domain(_)
                | Type::Error
        );
        if !ordered {
            let name = self.env.type_name(ty);
            self.report(
                Diagnostic::error(
                    "F0301",
                    format!("values of type `{name}` have no order"),
                    self.loc(span),
                )
                .help("name the values"),
            );
        }
    }
}

/// The key under which equal ends of ranges meet.
fn end_key(value: &Value) -> Option<(u8, u64)> {
    Some(match value {
        Value::Number(n) => (0, n.to_bits()),
        Value::Percent(p) => (1, p.to_bits()),
        Value::Duration(d) => (2, d.cast_unsigned()),
        Value::Money(m) => {
            let parts = m.amount.normalize();
            let folded = parts.mantissa().unsigned_abs()
                ^ (u128::from(parts.scale()) << 100)
                ^ (u128::from(parts.is_sign_negative()) << 127);
            let currency = m
                .currency
                .bytes()
                .fold(0u64, |a, b| a.wrapping_mul(257).wrapping_add(u64::from(b)));
            (
                3,
                u64::try_from(folded & u128::from(u64::MAX)).unwrap_or(0)
                    ^ u64::try_from(folded >> 64).unwrap_or(0)
                    ^ currency,
            )
        }
        Value::Date(d) => (
            4,
            u64::from(d.year().cast_unsigned()) << 16 | u64::from(d.day_of_year().cast_unsigned()),
        ),
        Value::Time(t) => (
            5,
            u64::from(t.hour().cast_unsigned()) * 60 + u64::from(t.minute().cast_unsigned()),
        ),
        Value::DateTime(t) => (6, t.as_millisecond().cast_unsigned()),
        _ => return None,
    })
}

/// An end that neighbours share belongs to the higher range.
pub(super) fn share_ends<'c>(lists: impl IntoIterator<Item = &'c mut Vec<CellPattern>>) {
    let lists: Vec<&mut Vec<CellPattern>> = lists.into_iter().collect();
    let mut starts: FxHashMap<(u8, u64), u32> = FxHashMap::default();
    for pattern in lists.iter().flat_map(|l| l.iter()) {
        if let CellPattern::Range {
            low: Some(low),
            low_included: true,
            high,
            ..
        } = pattern
            && high.as_ref() != Some(low)
            && let Some(key) = end_key(low)
        {
            *starts.entry(key).or_default() += 1;
        }
    }
    if starts.is_empty() {
        return;
    }
    for pattern in lists.into_iter().flatten() {
        if let CellPattern::Range {
            low,
            high: Some(high),
            high_included,
            ..
        } = pattern
            && *high_included
            && low.as_ref() != Some(high)
            && end_key(high).is_some_and(|k| starts.contains_key(&k))
        {
            *high_included = false;
        }
    }
}
