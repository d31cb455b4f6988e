//! F1001: private data to a webhook or model that does not share it, through `set`, records, texts and reasons too.
//!
//! What a hook answers of them may tell them too; what a webhook answers is its own. That something holds (`customer.arr > 100 USD`) is not the thing itself.

mod model;

use super::support::analysis::Analysis;
use super::support::defaults::default_of;
use super::support::syntax;
use super::support::taint::{Holds, Taint};
use super::support::walk::each_interpolation;
use crate::machine::{Expr, Machine, OpKind, Shared, Var, Webhook};
use crate::value::{OpId, Type};
use flow_grammar::ast::DeclKind;
use flow_grammar::{Diagnostic, Edit, Loc, Severity};
use std::collections::BTreeSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F1001",
    severity: Severity::Error,
    title: "private data leaves without being shared",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    if !machine
        .slots
        .iter()
        .chain(&machine.customer)
        .any(|f| f.private)
    {
        return;
    }
    let taint = Taint::new(machine, cx.flow());
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        if let OpKind::Call { webhook, args, .. } = &op.kind
            && let Some(holds) = taint.before(id)
            && let Some(webhook) = machine.webhook(*webhook)
        {
            for arg in args {
                leak(cx, &taint, webhook, arg, holds, found);
            }
        }
    }
    if let Some(profile) = &machine.profile
        && let Some(webhook) = machine.webhook(profile.webhook)
    {
        for arg in &profile.args {
            leak(cx, &taint, webhook, arg, taint.anywhere(), found);
        }
    }
    for tier in &machine.tiers {
        let Some(persona) = tier.persona else {
            continue;
        };
        let mut exprs = Vec::new();
        each_interpolation(machine, persona, &mut |e| exprs.push(e));
        for expr in exprs {
            let missing = unshared(
                machine,
                &tier.shares,
                taint.of(machine, expr, taint.anywhere()),
            );
            let Some(first) = missing.first() else {
                continue;
            };
            let mut finding = Diagnostic::error(
                "F1001",
                format!(
                    "private {} goes to the model of tier `{}`, which does not share it",
                    list(&missing),
                    tier.name
                ),
                expr.loc,
            )
            .labelled("leaves the system here")
            .label(
                tier.name_loc,
                format!("add `shares {first}` here if it may"),
            )
            .help(format!(
                "name it in the tier (`shares {first}`), or leave it out"
            ));
            if let Some(edit) = let_share(cx, tier.name_loc.decl, &missing) {
                finding = finding.fix(
                    format!("let the model of `{}` have it", tier.name),
                    false,
                    vec![edit],
                );
            }
            found.push(finding);
        }
    }
    tools(cx, found);
    model::run(cx, &taint, found);
}

/// What a model was given it can pass on, where a tool asks for just such a value.
fn tools(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    for tier in &machine.tiers {
        for tool in &tier.tools {
            let Some(webhook) = machine.webhook(tool.webhook) else {
                continue;
            };
            for shared in &tier.shares {
                let (var, field) = match shared {
                    Shared::Customer(id) => (Var::Customer(*id), machine.customer_field(*id)),
                    Shared::Slot(id) => (Var::Slot(*id), machine.slot(*id)),
                };
                let Some(field) =
                    field.filter(|f| f.private && matches!(f.ty, Type::Email | Type::Phone))
                else {
                    continue;
                };
                let asks = webhook.params.iter().find(|p| p.ty == field.ty);
                let (Some(param), false) = (asks, webhook.shares.contains(shared)) else {
                    continue;
                };
                let name = name(machine, var);
                let mut finding =
                    Diagnostic::error("F1001", format!("the model of tier `{}` can pass private `{name}` to webhook `{}`, which does not share it", tier.name, webhook.name), tool.loc)
                        .labelled("a tool of a model that knows it")
                        .label(param.loc, "takes such a value")
                        .help(format!("name it in the webhook (`shares {name}`), or do not share it with the model"));
                if let Some(edit) = let_share(cx, webhook.loc.decl, std::slice::from_ref(&name)) {
                    finding = finding.fix(
                        format!("let `{}` share it", webhook.name),
                        false,
                        vec![edit],
                    );
                }
                found.push(finding);
            }
        }
    }
}

fn leak(
    cx: &Analysis<'_>,
    taint: &Taint,
    webhook: &Webhook,
    arg: &Expr,
    holds: &Holds,
    found: &mut Vec<Diagnostic>,
) {
    let machine = cx.machine;
    let sources = taint.of(machine, arg, holds);
    let missing = unshared(machine, &webhook.shares, sources.clone());
    let Some(first) = missing.first() else { return };
    let mut finding = Diagnostic::error(
        "F1001",
        format!(
            "private {} goes to webhook `{}`, which does not share it",
            list(&missing),
            webhook.name
        ),
        arg.loc,
    )
    .labelled("leaves the system here");
    // A copy: show where it was made.
    for source in &sources {
        if let Some(at) = copied_at(machine, arg, *source, taint) {
            finding = finding.label(
                at,
                format!("a copy of `{}` is made here", name(machine, *source)),
            );
            break;
        }
    }
    finding = finding
        .label(
            webhook.name_loc,
            format!("add `shares {first}` here if it may"),
        )
        .help(format!(
            "name it in the webhook (`shares {first}`), or leave it out"
        ));
    if let Some(edit) = let_share(cx, webhook.loc.decl, &missing) {
        finding = finding.fix(
            format!("let `{}` share it", webhook.name),
            false,
            vec![edit],
        );
    }
    found.push(finding);
}

/// Names what is missing in the `shares` of a webhook or tier, which may have one already.
fn let_share(cx: &Analysis<'_>, decl: u32, missing: &[String]) -> Option<Edit> {
    let (shares, block) = match &syntax::decl(cx.sources, decl)?.kind {
        DeclKind::Webhook(webhook) => (&webhook.shares, webhook.span),
        DeclKind::Tier(tier) => (&tier.shares, tier.span),
        _ => return None,
    };
    let machine = cx.machine;
    let at = Loc::new(decl, block);
    let called = |name: &String| {
        let declared = machine.slots.iter().find(|slot| *slot.name == **name);
        match declared {
            Some(slot) => syntax::called_at(machine, name, slot.loc, at).map(str::to_owned),
            // The customer's fields are called so everywhere.
            None => Some(name.clone()),
        }
    };
    let names: Vec<String> = missing.iter().map(called).collect::<Option<_>>()?;
    let names = names.join(", ");
    match shares.last() {
        Some(last) => Some(syntax::add_after(
            Loc::new(decl, last.span),
            format!(", {names}"),
        )),
        None => syntax::add_to_block(cx.sources, at, &format!("shares {names}")),
    }
}

fn unshared(machine: &Machine, shares: &[Shared], sources: BTreeSet<Var>) -> Vec<String> {
    let shared = |var: &Var| {
        shares.iter().any(|s| match (s, var) {
            (Shared::Customer(a), Var::Customer(b)) => a == b,
            (Shared::Slot(a), Var::Slot(b)) => a == b,
            _ => false,
        })
    };
    sources
        .into_iter()
        .filter(|v| !shared(v))
        .map(|v| name(machine, v))
        .collect()
}

fn name(machine: &Machine, var: Var) -> String {
    match var {
        Var::Slot(id) => machine
            .slot(id)
            .map(|s| s.name.to_string())
            .unwrap_or_default(),
        Var::Customer(id) => machine
            .customer_field(id)
            .map(|f| format!("customer.{}", f.name))
            .unwrap_or_default(),
    }
}

fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|n| format!("`{n}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The `set` by which a slot in the argument came to hold a private value.
fn copied_at(machine: &Machine, arg: &Expr, source: Var, taint: &Taint) -> Option<Loc> {
    let mut reads = BTreeSet::new();
    super::support::walk::each_expr(machine, arg, &mut |e| match e.kind {
        crate::machine::ExprKind::Slot(id) => {
            reads.insert(Var::Slot(id));
        }
        crate::machine::ExprKind::Customer(id) => {
            reads.insert(Var::Customer(id));
        }
        _ => {}
    });
    if reads.contains(&source) {
        return None;
    }
    reads
        .into_iter()
        .find_map(|var| copy_of(machine, var, source, taint))
}

/// Where a slot or field comes to hold a private value: a `set`, a choice from a list, or its default.
fn copy_of(machine: &Machine, var: Var, source: Var, taint: &Taint) -> Option<Loc> {
    let holds = |value| taint.of(machine, value, taint.anywhere()).contains(&source);
    let made = machine.ops.iter().find_map(|op| match &op.kind {
        OpKind::Set { slot, value, .. } if *slot == var && holds(value) => Some(op.loc),
        OpKind::ChooseFrom {
            var: into, from, ..
        } if *into == var && holds(from) => Some(from.loc),
        _ => None,
    });
    made.or_else(|| {
        let default = default_of(machine, var)?;
        holds(default).then_some(default.loc)
    })
}
