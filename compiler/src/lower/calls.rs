//! Calls of hooks, and arguments against parameters.

use super::Lower;
use crate::env::Kind;
use crate::machine::{Expr, ExprKind};
use crate::value::{HookId, Type};
use flow_grammar::{
    Diagnostic, Span,
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
        if args.len() != params.len() {
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
        (0..)
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
            .collect()
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
