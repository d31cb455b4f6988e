//! Comparisons of two changing things, and of what is counted with them.

use super::{Dnf, Formulas, Want};
use crate::checks::support::set::{Known, Set, Universe};
use crate::machine::{Expr, ExprKind};
use flow_grammar::ast::BinaryOp;
use smol_str::SmolStr;

/// Names of how two things stand to each other.
pub(super) const LESS: &str = "less";
pub(super) const EQUAL: &str = "equal";
pub(super) const MORE: &str = "more";

impl Formulas<'_, '_> {
    /// How two changing things stand to each other: the first is less, as much, or more. One key for either order of the two.
    pub(super) fn order(&mut self, a: &Expr, b: &Expr, which: &[&str], want: Want) -> Option<Dnf> {
        let (left, right) = (self.print(a), self.print(b));
        let turned = left > right;
        let name = if turned {
            format!("{right} <=> {left}")
        } else {
            format!("{left} <=> {right}")
        };
        let may = self.may_be_unknown(a) || self.may_be_unknown(b);
        let universe = Universe::Closed([LESS, EQUAL, MORE].map(SmolStr::from).to_vec());
        let key = self.key(name, universe, may);
        let names = which.iter().map(|w| match (*w, turned) {
            (LESS, true) => MORE.into(),
            (MORE, true) => LESS.into(),
            (same, _) => same.into(),
        });
        let set = Set {
            known: Known::Names {
                but: false,
                names: names.collect(),
            },
            unknown: false,
        };
        let out = self.literal(key, &set, want)?;
        let out = self.with_parts_known(a, out, want)?;
        self.with_parts_known(b, out, want)
    }

    /// Of what is unknown nothing is true or false: a comparison that is either tells that all that it counts with is known.
    pub(super) fn with_parts_known(&mut self, side: &Expr, cases: Dnf, want: Want) -> Option<Dnf> {
        if cases.is_empty() || !matches!(want, Want::True | Want::False) {
            return Some(cases);
        }
        match &side.kind {
            ExprKind::Binary(
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div,
                a,
                b,
            ) => {
                let cases = self.with_parts_known(a, cases, want)?;
                self.with_parts_known(b, cases, want)
            }
            ExprKind::Neg(inner) => self.with_parts_known(inner, cases, want),
            // With something in its place it is known, whatever it is.
            ExprKind::Const(_) | ExprKind::Binary(BinaryOp::Coalesce, ..) => Some(cases),
            _ => {
                let known = self.known(side, true)?;
                self.meet(&cases, &known)
            }
        }
    }
}
