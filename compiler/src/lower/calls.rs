//! Calls of hooks, and arguments against parameters.

use super::Lower;
use super::expr::Bare;
use crate::env::Kind;
use crate::machine::{Expr, ExprKind, ParamDef};
use crate::value::{HookId, Type};
use flow_grammar::{
    Diagnostic, Edit, Span,
    ast::{self, Path},
};

impl Lower<'_> {
    pub(super) fn hook_call(&mut self, path: &Path, args: &[ast::Expr], span: Span) -> Expr {
        let known = match path.segments.as_slice() {
            [one] => self.env.lookup(self.scope, Kind::Hook, &one.text).is_some(),
            _ => true,
        };
        if !known
            && path.segments.last().is_some_and(|n| {
                self.env
                    .lookup(self.scope, Kind::Webhook, &n.text)
                    .is_some()
            })
        {
            let name = path.segments.last().map_or("", |n| n.as_str());
            self.report(
                Diagnostic::error(
                    "F0201",
                    format!("`{name}` is a webhook, not a hook"),
                    self.loc(path.span),
                )
                .help(format!(
                    "call it in a step before: `call {name}(..) as result {{ failed -> .. }}`"
                )),
            );
            return self.error_expr(span);
        }
        let Some(id) = self.named(Kind::Hook, path) else {
            for arg in args {
                self.expr(arg);
            }
            return self.error_expr(span);
        };
        let env = self.env;
        let Some(signature) = env.hooks.get(id as usize) else {
            return self.error_expr(span);
        };
        let args = self.arguments("hook", signature, args, span);
        let ty = signature
            .returns
            .as_ref()
            .map_or(Type::Error, |r| r.0.clone());
        self.make(ExprKind::Hook(HookId(id), args), ty, span)
    }

    /// Arguments against parameters (F0302).
    pub(crate) fn arguments(
        &mut self,
        what: &str,
        signature: &crate::env::Signature,
        args: &[ast::Expr],
        span: Span,
    ) -> Vec<Expr> {
        let params = &signature.params;
        // Of parameters with one name it is not known which are meant.
        let twice = || {
            let mut before = params.iter().enumerate();
            before.any(|(i, p)| params.iter().take(i).any(|first| first.name == p.name))
        };
        let miscounted = args.len() != params.len() && !twice();
        if miscounted {
            let list = params
                .iter()
                .map(|p| format!("{}: {}", p.name, self.env.type_name(&p.ty)))
                .collect::<Vec<_>>()
                .join(", ");
            let name = &signature.item.name;
            self.report(
                Diagnostic::error(
                    "F0302",
                    format!(
                        "{what} `{name}` takes {}, not {}",
                        count(params.len()),
                        args.len()
                    ),
                    self.loc(span),
                )
                .label(signature.item.name_loc, "declared here")
                .help(format!("write `{name}({list})`")),
            );
        }
        let before = self.found.len();
        if miscounted {
            return self.miscounted(params, args);
        }
        let lowered: Vec<Expr> = (0..)
            .zip(args)
            .map(|(i, arg)| match params.get(i) {
                Some(param) => {
                    if param.ty == Type::Customer {
                        let expr = self.expr(arg);
                        self.must_fit(&expr, &param.ty, "F0302");
                        expr
                    } else {
                        self.expr_as(arg, &param.ty, "F0302")
                    }
                }
                None => self.expr(arg),
            })
            .collect();
        self.swapped(before, params, args, &lowered);
        lowered
    }

    /// Too many or too few arguments: which of them is for which parameter is not known, so that only what fits is looked at further.
    fn miscounted(&mut self, params: &[ParamDef], args: &[ast::Expr]) -> Vec<Expr> {
        let before = self.found.len();
        let mut lowered: Vec<Expr> = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            let param = params.get(i).filter(|p| p.ty != Type::Customer);
            let expr = match param {
                Some(param) => self.expr_with(arg, Bare::Either(&param.ty)),
                None => self.expr(arg),
            };
            let fits = params
                .get(i)
                .is_some_and(|p| crate::types::fits(&expr.ty, &p.ty));
            if fits {
                lowered.push(expr);
            } else if i < params.len() {
                lowered.push(self.error_expr(arg.span));
            }
        }
        // A bare value may be one of another parameter's.
        let own = self.found.split_off(before.min(self.found.len()));
        self.found
            .extend(own.into_iter().filter(|d| d.code != "F0301"));
        lowered
    }

    /// Two arguments that do not fit, each of which fits in the other's place, are one finding: that of their order.
    fn swapped(
        &mut self,
        before: usize,
        params: &[ParamDef],
        args: &[ast::Expr],
        lowered: &[Expr],
    ) {
        if self.found.len() != before + 2 || args.len() != params.len() {
            return;
        }
        let own = self.found.get(before..).unwrap_or_default();
        if own.iter().any(|d| !matches!(d.code, "F0302" | "F1201")) {
            return;
        }
        let all = || params.iter().zip(args).zip(lowered);
        let misfits: Vec<_> = all()
            .filter(|((param, _), expr)| !crate::types::fits(&expr.ty, &param.ty))
            .collect();
        let [((first, a), x), ((second, b), y)] = misfits.as_slice() else {
            return;
        };
        if !crate::types::fits(&x.ty, &second.ty) || !crate::types::fits(&y.ty, &first.ty) {
            return;
        }
        let (at_a, at_b) = (self.loc(a.span), self.loc(b.span));
        let written = |at| self.sources.snippet(at).to_owned();
        let (text_a, text_b) = (written(at_a), written(at_b));
        let found = Diagnostic::error("F0302", "two arguments stand in each other's place", at_a)
            .labelled(format!("this fits `{}`", second.name))
            .label(at_b, format!("this fits `{}`", first.name))
            .help(format!("write `{text_b}` first, then `{text_a}`"))
            .fix(
                "swap them",
                false,
                vec![
                    Edit {
                        at: at_a,
                        text: text_b.clone(),
                    },
                    Edit {
                        at: at_b,
                        text: text_a.clone(),
                    },
                ],
            );
        self.found.truncate(before);
        self.report(found);
    }
}

/// "1 argument", "2 arguments".
pub(super) fn count(n: usize) -> String {
    match n {
        0 => "no argument".into(),
        1 => "1 argument".into(),
        n => format!("{n} arguments"),
    }
}
