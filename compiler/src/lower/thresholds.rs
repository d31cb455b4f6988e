//! Thresholds and segments.

use super::Lower;
use super::rules::walk;
use crate::env::Kind;
use crate::load::decl as decl_of;
use crate::machine::{Expr, ExprKind, Segment, Threshold};
use crate::value::Type;
use flow_grammar::{Diagnostic, Loc, ast::DeclKind};

/// How many expressions a segment or threshold may be with all that it names, each as often as it is named. Who looks at
/// a condition, the engine too, looks at all of them.
const MOST_UNFOLDED: usize = 10_000;

/// Why a segment or threshold is cut.
#[derive(Clone, Copy)]
enum Cut {
    Circle,
    Unfolds,
}

impl Lower<'_> {
    pub(super) fn thresholds_and_segments(&mut self) {
        let env = self.env;
        for info in &env.thresholds {
            let Some(DeclKind::Threshold(tree)) =
                decl_of(self.sources, info.item.decl).map(|d| &d.kind)
            else {
                continue;
            };
            self.enter(info.item.decl);
            let default = match &tree.default {
                // A bare number among percentages is meant to be one; nothing else is said of it.
                Some(e) if info.ty == Type::Percent => {
                    let value = self.expr_as(e, &Type::Percent, "F0301");
                    let kind = match value.ty {
                        Type::Percent => value.kind,
                        _ => ExprKind::Error,
                    };
                    Expr {
                        kind,
                        ty: Type::Percent,
                        ..value
                    }
                }
                Some(e) => self.expr(e),
                None => self.error_expr(info.item.name_loc.span),
            };
            let ty = default.ty.clone();
            if !matches!(
                ty,
                Type::Percent | Type::Number | Type::Duration | Type::Money | Type::Error
            ) {
                let name = self.env.type_name(&ty);
                self.report(Diagnostic::error(
                    "F0301",
                    format!(
                        "a threshold is a number, a percent, a duration or money; this is `{name}`"
                    ),
                    default.loc,
                ));
            }
            let mut lines = Vec::with_capacity(tree.lines.len());
            for (value, cond) in &tree.lines {
                let value = self.expr_as(value, &ty, "F0301");
                let cond = self.cond(cond);
                lines.push((value, cond));
            }
            self.out.thresholds.push(Threshold {
                name: info.item.name.clone(),
                default,
                lines,
                ty,
                loc: info.item.name_loc,
            });
        }
        for item in &env.segments {
            let Some(DeclKind::Segment(tree)) = decl_of(self.sources, item.decl).map(|d| &d.kind)
            else {
                continue;
            };
            self.enter(item.decl);
            let when = match &tree.when {
                Some(when) => self.cond(when),
                None => self.error_expr(item.name_loc.span),
            };
            self.out.segments.push(Segment {
                name: item.name.clone(),
                when,
                loc: item.name_loc,
            });
        }
        self.cut_circles();
    }

    /// Segments and thresholds that need themselves have no value, and what unfolds to too much takes too long to look at;
    /// reported, and cut so that nothing runs for ever.
    pub(super) fn cut_circles(&mut self) {
        let segments = self.out.segments.len();
        let count = segments + self.out.thresholds.len();
        let mut next: Vec<Vec<(usize, Loc)>> = Vec::with_capacity(count);
        // How many expressions each is, with all that it names.
        let mut sizes: Vec<usize> = Vec::with_capacity(count);
        for i in 0..count {
            let mut needs = Vec::new();
            let mut size = 0;
            let exprs: Vec<&Expr> = match self.out.segments.get(i) {
                Some(segment) => vec![&segment.when],
                None => self
                    .out
                    .thresholds
                    .get(i - segments)
                    .map_or_else(Vec::new, |t| {
                        std::iter::once(&t.default)
                            .chain(t.lines.iter().flat_map(|(v, c)| [v, c]))
                            .collect()
                    }),
            };
            for expr in exprs {
                walk(expr, &self.out.temporals, &mut |e| {
                    size += 1;
                    match &e.kind {
                        ExprKind::Segment(id) => needs.push((id.index(), e.loc)),
                        ExprKind::Threshold(id) => needs.push((segments + id.index(), e.loc)),
                        _ => {}
                    }
                });
            }
            next.push(needs);
            sizes.push(size);
        }
        let mut state = vec![0u8; count];
        let mut bad: Vec<(usize, Loc, Cut)> = Vec::new();
        for start in 0..count {
            if state.get(start) != Some(&0) {
                continue;
            }
            let mut path = vec![(start, 0usize)];
            set(&mut state, start, 1);
            while let Some((at, edge)) = path.last_mut() {
                let Some((to, loc)) = next.get(*at).and_then(|n| n.get(*edge)).copied() else {
                    let named = next.get(*at).into_iter().flatten();
                    let whole = named.fold(sizes.get(*at).copied().unwrap_or(1), |n, (to, _)| {
                        n.saturating_add(sizes.get(*to).copied().unwrap_or(1))
                    });
                    let too_large =
                        whole > MOST_UNFOLDED && next.get(*at).is_some_and(|n| !n.is_empty());
                    if too_large {
                        bad.push((*at, Loc::default(), Cut::Unfolds));
                    }
                    set(&mut sizes, *at, if too_large { 1 } else { whole });
                    set(&mut state, *at, 2);
                    path.pop();
                    continue;
                };
                *edge += 1;
                match state.get(to) {
                    Some(0) => {
                        set(&mut state, to, 1);
                        path.push((to, 0));
                    }
                    Some(1) => bad.push((*at, loc, Cut::Circle)),
                    _ => {}
                }
            }
        }
        for (at, edge, why) in bad {
            let (name, what, declared) = match self.out.segments.get(at) {
                Some(s) => (s.name.clone(), "segment", s.loc),
                None => {
                    let threshold = self.out.thresholds.get(at - segments);
                    let name = threshold.map(|t| t.name.clone()).unwrap_or_default();
                    (name, "threshold", threshold.map_or(edge, |t| t.loc))
                }
            };
            let (finding, loc) = match why {
                Cut::Circle => (
                    Diagnostic::error("F0301", format!("{what} `{name}` needs its own value"), edge)
                        .help("break the circle"),
                    edge,
                ),
                Cut::Unfolds => (
                    Diagnostic::error(
                        "F0301",
                        format!("{what} `{name}` unfolds to more than {MOST_UNFOLDED} conditions"),
                        declared,
                    )
                    .help("what it names counts with all that this names in turn, as often as it is named: name it once"),
                    declared,
                ),
            };
            self.found.push(finding);
            let cut = Expr {
                kind: ExprKind::Error,
                ty: Type::Error,
                loc,
            };
            if let Some(segment) = self.out.segments.get_mut(at) {
                segment.when = cut;
            } else if let Some(threshold) = self.out.thresholds.get_mut(at - segments) {
                threshold.lines.clear();
                threshold.default = cut;
            }
        }
    }

    /// Thresholds against the signals that they were compared with (F0604).
    pub(super) fn check_ranges(&mut self) {
        let mut ranged = std::mem::take(&mut self.ranged);
        ranged.sort_by_key(|(id, signal)| {
            (
                *id,
                crate::signals::range(*signal).map_or(0, |(low, _)| i8::from(low < 0.0)),
            )
        });
        ranged.dedup_by_key(|(id, _)| *id);
        for (id, signal) in ranged {
            let Some(threshold) = self.out.thresholds.get(id.index()) else {
                continue;
            };
            let values: Vec<Expr> = std::iter::once(&threshold.default)
                .chain(threshold.lines.iter().map(|(v, _)| v))
                // A value of another type was reported.
                .filter(|v| v.ty == threshold.ty)
                .cloned()
                .collect();
            self.in_test = false;
            for value in values {
                self.value_in_range(&value, signal);
            }
        }
    }

    pub(super) fn threshold_named(
        &mut self,
        path: &flow_grammar::ast::Path,
    ) -> Option<crate::value::ThresholdId> {
        self.named(Kind::Threshold, path)
            .map(crate::value::ThresholdId)
    }
}

pub(super) fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(x) = list.get_mut(at) {
        *x = value;
    }
}
