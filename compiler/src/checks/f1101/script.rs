//! What a compiled script calls and reads.

use super::Fault;
use crate::machine::{Hook, Machine};
use crate::value::Type;
use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Position, Stmt};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// What every script has beside what is registered.
const BUILT_IN: [&str; 3] = ["type_of", "is_def_fn", "is_def_var"];

/// Registered, and always refused: a hook does not wait.
const REFUSED: &str = "sleep";

/// The names of the functions that hooks have.
pub(super) fn functions(engine: &Engine) -> BTreeSet<String> {
    let mut out: BTreeSet<String> = engine
        .collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), true)
        .into_iter()
        .collect();
    out.remove(REFUSED);
    out.extend(BUILT_IN.map(str::to_owned));
    out
}

/// The first call of a function that neither the script declares nor hooks have, or of one of its own with more or fewer arguments
/// than it takes; and where it is.
pub(super) fn lost_call(ast: &AST, has: &BTreeSet<String>, path: &str) -> Option<Fault> {
    let functions: Vec<(&str, usize)> = ast
        .iter_functions()
        .map(|f| (f.name, f.params.len()))
        .collect();
    let own: Vec<&str> = functions.iter().map(|(name, _)| *name).collect();
    let mut lost: Option<(String, Position)> = None;
    let mut miscounted: Option<(String, usize, Position)> = None;
    let mut see = |call: &FnCallExpr, at: Position, method: bool| {
        let name = call.name.as_str();
        // Operators are calls, too.
        if call.op_token.is_none()
            && call.namespace.is_empty()
            && !own.contains(&name)
            && !has.contains(name)
        {
            lost.get_or_insert((name.to_owned(), at));
        } else if call.op_token.is_none()
            && own.contains(&name)
            && !has.contains(name)
            && !functions.contains(&(name, call.args.len()))
            && !(method && functions.contains(&(name, call.args.len() + 1)))
        {
            miscounted.get_or_insert((name.to_owned(), call.args.len(), at));
        }
    };
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, at))) => see(call, *at, false),
            // What stands before the dot may be an argument, too.
            Some(ASTNode::Expr(Expr::MethodCall(call, at))) => see(call, *at, true),
            Some(ASTNode::Stmt(Stmt::FnCall(call, at))) => see(call, *at, false),
            _ => {}
        }
        true
    });
    let Some((name, at)) = lost else {
        let (name, given, at) = miscounted?;
        let takes = functions.iter().find(|(own, _)| *own == name)?.1;
        return Some(Fault {
            message: format!(
                "{} calls `{name}` with {}, it takes {takes}",
                place(path, at),
                super::arguments(given)
            ),
            help: "give it what it takes".to_owned(),
            at,
            of_script: true,
            near: None,
        });
    };
    let near = crate::env::did_you_mean(
        &name,
        own.iter().copied().chain(has.iter().map(String::as_str)),
    );
    let mut help = "hooks only compute: no files, no network, no clock".to_owned();
    if let Some(near) = near {
        help = format!("did you mean `{near}`? {help}");
    }
    Some(Fault {
        message: format!(
            "{} calls `{name}`, which hooks do not have",
            place(path, at)
        ),
        help,
        at,
        of_script: true,
        near: near.map(str::to_owned),
    })
}

/// The first field that the hook's function reads of an argument whose type lacks it.
pub(super) fn lost_field(machine: &Machine, ast: &AST, hook: &Hook) -> Option<Fault> {
    let function = ast
        .iter_functions()
        .find(|f| f.name == hook.name && f.params.len() == hook.params.len())?;
    // Another function, or a variable, may give the name to something else.
    let mut taken: BTreeSet<String> = ast
        .iter_functions()
        .filter(|f| f.name != hook.name)
        .flat_map(|f| f.params)
        .map(str::to_owned)
        .collect();
    // A script may put fields of its own into a map.
    let mut written: BTreeSet<String> = BTreeSet::new();
    let mut reads: Vec<(String, String, Position)> = Vec::new();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(var, ..))) => {
                taken.insert(var.0.name.to_string());
            }
            Some(ASTNode::Stmt(Stmt::For(each, _))) => {
                taken.insert(each.0.name.to_string());
            }
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => match &assignment.1.lhs {
                Expr::Variable(var, ..) => {
                    taken.insert(var.1.to_string());
                }
                lhs => written.extend(field_of(lhs).map(|(_, field, _)| field)),
            },
            Some(ASTNode::Expr(expr)) => reads.extend(field_of(expr)),
            _ => {}
        }
        true
    });
    reads.into_iter().find_map(|(var, field, at)| {
        if taken.contains(&var) || written.contains(&field) {
            return None;
        }
        let position = function.params.iter().position(|p| *p == var)?;
        let fields = fields(machine, &hook.params.get(position)?.ty)?;
        if fields.iter().any(|f| *f == field) {
            return None;
        }
        let near = crate::env::did_you_mean(&field, fields.iter().map(SmolStr::as_str));
        let help = near.map_or_else(
            || "it would always be unknown, `()`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Some(Fault {
            message: format!(
                "{} reads `{var}.{field}`, which does not exist",
                place(&hook.path, at)
            ),
            help,
            at,
            of_script: false,
            near: near.map(str::to_owned),
        })
    })
}

/// Of `VARIABLE.FIELD..`, the two names.
fn field_of(expr: &Expr) -> Option<(String, String, Position)> {
    let Expr::Dot(parts, ..) = expr else {
        return None;
    };
    let Expr::Variable(var, ..) = &parts.lhs else {
        return None;
    };
    let first = match &parts.rhs {
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => &chain.lhs,
        other => other,
    };
    match first {
        Expr::Property(property, at) => Some((var.1.to_string(), property.2.to_string(), *at)),
        _ => None,
    }
}

/// The fields of a type, where it has a fixed set of them.
fn fields(machine: &Machine, ty: &Type) -> Option<Vec<SmolStr>> {
    match ty {
        Type::Customer => Some(machine.customer.iter().map(|f| f.name.clone()).collect()),
        Type::Record(id) => {
            let record = machine.record_def(*id)?;
            Some(record.fields.iter().map(|f| f.name.clone()).collect())
        }
        _ => None,
    }
}

fn place(path: &str, at: Position) -> String {
    match (at.line(), at.position()) {
        (Some(line), Some(column)) => format!("`{path}:{line}:{column}`"),
        _ => format!("`{path}`"),
    }
}
