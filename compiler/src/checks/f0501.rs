//! F0501: a text, argument or `set` reads something that can be unknown there.
//!
//! Found by the analysis of what is surely known (`support::known`); the shortest way that leaves it unknown is shown. Texts
//! outside nodes (of rules, handoffs, FAQs) and handlers begin with nothing known.

mod circles;
mod doubts;
mod signals;
mod way;

use super::support::analysis::Analysis;
use super::support::flow::{RootKind, by_customer};
use super::support::known::FactId;
use crate::machine::{Expr, ExprKind, Machine, Op, OpKind, Transition, Var};
use crate::value::{CodeId, OpId};
use doubts::{Read, field};
use flow_grammar::{Diagnostic, Loc, Severity};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use way::Way;

pub(super) use doubts::{Doubt, doubts};

pub(super) const CHECK: super::Check = super::Check {
    code: "F0501",
    severity: Severity::Error,
    title: "a read of what can be unknown",
    run,
};

/// For so many findings the way is searched; further ones go without.
const EXPLAINED: usize = 25;

/// How many places of a way are shown.
const SHOWN: usize = 5;

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    // One finding per place, however many operations share its text.
    let mut told: FxHashSet<(Loc, Loc)> = FxHashSet::default();
    let mut explained = 0;
    let (inside, outside): (Vec<&Doubt<'_>>, _) = cx.doubts().iter().partition(|d| d.at.is_some());
    for Doubt { read, at } in inside {
        let Some((id, op)) = at.and_then(|(id, _)| Some((id, machine.op(id)?))) else {
            continue;
        };
        let at = if read.text.is_some() {
            cx.line(op.loc)
        } else {
            read.expr.loc
        };
        if !told.insert((at, read.expr.loc)) {
            continue;
        }
        let mut finding = describe(cx, read, Some(op.code), at);
        if let Some(fact) = read.fact
            && explained < EXPLAINED
        {
            explained += 1;
            finding = explain(cx, finding, id, read, op.code, fact);
        }
        if matches!(op.kind, OpKind::Escalate(_)) && op.loc.decl != read.expr.loc.decl {
            finding = finding.label(op.loc, "as a step, the rule's `when` is not asked");
        }
        found.push(finding);
    }
    signals::run(cx, &mut told, found);
    circles::run(cx, found);
    for Doubt { read, .. } in outside {
        let at = read.expr.loc;
        if told.insert((at, at)) {
            found.push(describe(cx, read, None, at).help("nothing is known for sure here: say what stands for it, as in `{customer.name ?? \"there\"}`"));
        }
    }
}

fn describe(cx: &Analysis<'_>, read: &Read<'_>, code: Option<CodeId>, at: Loc) -> Diagnostic {
    let fact_name = read
        .fact
        .map(|fact| cx.known().name(cx.machine, code, fact));
    let words = cx.words(read.expr.loc);
    let name = match &fact_name {
        // A signal hides the slot: `page` alone would be another thing.
        Some(name) if words == format!("slots.{name}") => words.clone(),
        Some(name) => name.clone(),
        None => words.clone(),
    };
    let mut finding = Diagnostic::error("F0501", format!("`{name}` can be unknown here"), at);
    if let Some(text) = &read.text
        && at != read.expr.loc
    {
        finding = finding
            .labelled(format!("the text `{text}` reads `{name}`"))
            .label(read.expr.loc, "read here");
    } else {
        finding = finding.labelled("read here");
    }
    if let ExprKind::Field(inner, field) = &read.expr.kind
        && let crate::value::Type::Record(id) = inner.ty
        && let Some(field) = cx
            .machine
            .record_def(id)
            .and_then(|r| r.fields.iter().find(|f| f.name == *field))
        && field.optional
    {
        finding = finding.label(field.loc, "may be unknown: declared with `?`");
    }
    if let Some(default) = default_of(cx.machine, read.expr) {
        finding = finding.label(default.loc, "its default reads what can be unknown itself");
    }
    if let Some(fact) = read.fact
        && cx.known().interrupts(fact)
        && let Some(at) = cleared_by_a_handler(cx, fact_name.as_deref().unwrap_or(&name))
    {
        finding = finding.label(at, "a handler may clear it while a question waits");
    }
    let finding = match read.expr.kind {
        ExprKind::Payload(_) => finding.help(format!("whoever sends it may leave it out: say what stands for it, `{name} ?? ..`, or test it in the trigger's `when`")),
        _ if read.fact.is_none() => finding.help(format!("say what stands for it: `{name} ?? ..`")),
        _ => finding.help(format!("ask for it before, test it with `if {name} is known`, or say what stands for it: `{name} ?? ..`")),
    };
    // A text stands for an email, a phone or a link only where it is said.
    let takes_text = match read.expr.ty {
        crate::value::Type::Text => true,
        crate::value::Type::Email | crate::value::Type::Phone | crate::value::Type::Url => {
            interpolated(cx, read.expr.loc)
        }
        _ => false,
    };
    if takes_text && words == name {
        return finding.fix(
            format!("write `{name} ?? \"..\"`"),
            false,
            vec![super::support::syntax::add_after(
                read.expr.loc,
                " ?? \"...\"",
            )],
        );
    }
    finding
}

/// Whether what stands at a place is all that the braces around it in a text hold.
fn interpolated(cx: &Analysis<'_>, at: Loc) -> bool {
    let Some((file, range)) = cx.sources.resolve(at) else {
        return false;
    };
    let before = file.text.get(..range.start).unwrap_or_default();
    let after = file.text.get(range.end..).unwrap_or_default();
    before.trim_end_matches(' ').ends_with('{') && after.trim_start_matches(' ').starts_with('}')
}

/// Shows the shortest way from where the thing is unknown to where it is read: of its turns only those that matter.
fn explain(
    cx: &Analysis<'_>,
    finding: Diagnostic,
    at: OpId,
    read: &Read<'_>,
    code: CodeId,
    fact: FactId,
) -> Diagnostic {
    let machine = cx.machine;
    let name = cx.known().name(machine, Some(code), fact);
    let way = Way::find(cx, at, fact);
    let mut steps = way.steps(machine, at);
    let begin = steps.first().map_or(at, |(id, _)| *id);
    // From the last place that cleared it on, if there is one.
    let cleared = steps
        .iter()
        .rposition(|(id, _)| machine.op(*id).is_some_and(|op| clears(op, &name, machine)));
    if let Some(cleared) = cleared {
        steps.drain(..cleared);
    }
    let mut labels: Vec<(Loc, String)> = steps
        .iter()
        .filter(|(id, how)| way.matters(machine, *id, how))
        .filter_map(|(id, how)| tell(cx, machine.op(*id)?, how, &name))
        .collect();
    if labels.len() > SHOWN {
        labels.drain(..labels.len() - SHOWN);
    }
    let mut finding = finding;
    let starts = cx
        .flow()
        .roots
        .iter()
        .find(|r| r.op == begin)
        .map(|r| r.kind);
    let begins = match starts {
        Some(RootKind::Start) => machine.node(machine.bot.start).map(|n| n.name_loc),
        Some(RootKind::Handler(i)) => machine.handlers.get(i as usize).map(|h| cx.line(h.loc)),
        _ => None,
    };
    if labels.is_empty() && cleared.is_none() {
        let words = cx.words(read.expr.loc);
        let name = if words == format!("slots.{name}") {
            &words
        } else {
            &name
        };
        if let Some(begins) = begins {
            finding = finding.label(
                begins,
                format!("`{name}` is not known here, and nothing on the way makes it known"),
            );
        }
        if matches!(
            starts,
            Some(RootKind::Handler(_) | RootKind::Handoff(_) | RootKind::Trigger(_))
        ) {
            finding = finding.help(format!("handlers and handoffs begin with nothing known: test it with `if {name} is known`, or write `{name} ?? ..`"));
        }
    }
    for (loc, text) in labels {
        finding = finding.label(loc, text);
    }
    finding
}

fn default_of<'m>(machine: &'m Machine, expr: &Expr) -> Option<&'m Expr> {
    let var = match expr.kind {
        ExprKind::Slot(id) => Var::Slot(id),
        ExprKind::Customer(id) => Var::Customer(id),
        _ => return None,
    };
    field(machine, var)?.default.as_ref()
}

/// Where a handler, or a node that it visits, clears a thing.
fn cleared_by_a_handler(cx: &Analysis<'_>, name: &str) -> Option<Loc> {
    let machine = cx.machine;
    let handlers = machine.handlers.iter().filter(|h| by_customer(h.event));
    let mut todo: VecDeque<CodeId> = handlers.map(|h| h.code).collect();
    let mut seen: FxHashSet<CodeId> = todo.iter().copied().collect();
    while let Some(code) = todo.pop_front() {
        for op in cx.flow().ops(code).iter().filter_map(|id| machine.op(*id)) {
            if clears(op, name, machine) {
                return Some(op.loc);
            }
            if let OpKind::Visit { node, .. } = op.kind
                && let Some(node) = machine.node(node)
                && seen.insert(node.code)
            {
                todo.push_back(node.code);
            }
        }
    }
    None
}

fn clears(op: &Op, name: &str, machine: &Machine) -> bool {
    match &op.kind {
        OpKind::Clear { slot, .. } => {
            name.split('.').next() == var_name(machine, *slot).split('.').next()
        }
        _ => false,
    }
}

fn var_name(machine: &Machine, var: Var) -> String {
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

/// What a step of the way has to do with it, if it is worth a word.
fn tell(cx: &Analysis<'_>, op: &Op, how: &Transition, name: &str) -> Option<(Loc, String)> {
    let machine = cx.machine;
    let text = match (&op.kind, how) {
        (OpKind::Clear { .. }, _) if clears(op, name, machine) => {
            format!("`{name}` is cleared here")
        }
        (OpKind::Branch { arms, .. }, Transition::Then(i)) => {
            let cond = arms.get(*i as usize)?;
            return Some((cond.0.loc, "when this holds".to_owned()));
        }
        (OpKind::Branch { arms, .. }, Transition::Else) => {
            return Some((arms.first()?.0.loc, "when this does not hold".to_owned()));
        }
        (OpKind::Match { arms, .. }, Transition::Arm(i)) => {
            return Some((arms.get(*i as usize)?.loc, "by this arm".to_owned()));
        }
        (OpKind::Choose { buttons, .. }, Transition::Label(label)) => {
            return Some((
                buttons.iter().find(|b| b.label == *label)?.loc,
                "by this button".to_owned(),
            ));
        }
        (
            OpKind::Call {
                local: Some(local), ..
            },
            Transition::Next,
        ) => {
            let result = machine.code(op.code)?.locals.get(local.index())?;
            if !result.optional || name.split('.').next() != Some(result.name.as_str()) {
                return None;
            }
            "may succeed without a result".to_owned()
        }
        (_, Transition::Failed) => "when this fails".to_owned(),
        (_, Transition::Otherwise) if super::support::flow::question(op).is_some() => {
            "when this is not answered".to_owned()
        }
        (OpKind::Goto { node }, _) => format!("goes to `{}` without it", machine.node(*node)?.name),
        (OpKind::Visit { node, .. }, Transition::Next) => {
            format!("`{}` may return without it", machine.node(*node)?.name)
        }
        _ => return None,
    };
    Some((cx.line(op.loc), text))
}
