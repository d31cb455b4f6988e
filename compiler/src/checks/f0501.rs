//! F0501: a text, argument or `set` reads something that can be unknown there.
//!
//! Found by the analysis of what is surely known (`support::known`); the shortest way that leaves it unknown is shown. Texts
//! outside nodes (of rules, handoffs, FAQs) and handlers begin with nothing known.

mod way;

use super::support::analysis::Analysis;
use super::support::flow::RootKind;
use super::support::known::{Bits, FactId};
use super::support::walk::{each_interpolation, has_interpolation, texts_of_op, texts_outside_ops};
use crate::machine::{
    CodeOwner, Expr, ExprKind, HandlerEvent, HandoffBlock, Machine, Op, OpKind, Signal, Transition,
    Var,
};
use crate::value::{CodeId, OpId, TextId};
use flow_grammar::{Diagnostic, Loc, Severity};
use rustc_hash::FxHashSet;
use way::Way;

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

struct Read<'a> {
    expr: &'a Expr,
    fact: FactId,
    /// The text's name, where the read stands in a named text.
    text: Option<String>,
}

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    // One finding per place, however many operations share its text.
    let mut told: FxHashSet<(Loc, Loc)> = FxHashSet::default();
    let mut explained = 0;
    for (id, op) in (0u32..).map(OpId).zip(&machine.ops) {
        let Some(bits) = cx.known().before(id) else {
            continue;
        };
        for read in reads_of(cx, op, bits) {
            let at = if read.text.is_some() {
                cx.line(op.loc)
            } else {
                read.expr.loc
            };
            if !told.insert((at, read.expr.loc)) {
                continue;
            }
            let mut finding = describe(cx, &read, Some(op.code), at);
            if explained < EXPLAINED {
                explained += 1;
                finding = explain(cx, finding, id, op.code, read.fact);
            }
            found.push(finding);
        }
    }
    signals(cx, &mut told, found);
    let nothing = cx.known().nothing();
    let conditional = conditional(machine);
    let own: FxHashSet<TextId> = conditional.iter().map(|(text, _)| *text).collect();
    let mut outside: Vec<(TextId, Bits)> = Vec::new();
    // The question of a slot is read where it is asked; only a handoff asks for what it requires at any time.
    let asked: FxHashSet<TextId> = machine
        .slots
        .iter()
        .chain(&machine.customer)
        .filter_map(|f| f.ask)
        .collect();
    texts_outside_ops(machine, &mut |text, _| {
        if !asked.contains(&text) && !own.contains(&text) {
            outside.push((text, nothing.clone()));
        }
    });
    for (text, when) in conditional {
        let mut bits = nothing.clone();
        if let Some(when) = when {
            cx.known().where_holds(machine, when, &mut bits);
        }
        outside.push((text, bits));
    }
    let required = machine.handoffs.iter().flat_map(|h| &h.require);
    outside.extend(
        required.filter_map(|(var, _)| Some((field(machine, *var)?.ask?, nothing.clone()))),
    );
    for (text, bits) in outside {
        for read in reads_of_text(cx, None, text, &bits) {
            let at = read.expr.loc;
            if told.insert((at, at)) {
                found.push(describe(cx, &read, None, at).help("nothing is known for sure here: say what stands for it, as in `{customer.name ?? \"there\"}`"));
            }
        }
    }
}

/// Texts of rules, handoffs and reminders with the condition under which they are said, if there is one.
fn conditional(machine: &Machine) -> Vec<(TextId, Option<&Expr>)> {
    let mut out = Vec::new();
    for rule in &machine.rules {
        out.extend(
            rule.say
                .iter()
                .chain(&rule.because)
                .map(|t| (*t, Some(&rule.when))),
        );
    }
    for handoff in &machine.handoffs {
        let updates = handoff.update.iter().filter_map(|(_, t)| t.as_ref());
        out.extend(
            handoff
                .say
                .iter()
                .chain(&handoff.connected)
                .chain(updates)
                .map(|t| (*t, handoff.when.as_ref())),
        );
    }
    for reminder in &machine.assist.reminders {
        out.push((reminder.text, reminder.when.as_ref()));
    }
    for (text, when) in &machine.assist.alerts {
        out.push((*text, when.as_ref()));
    }
    out
}

/// Signals that are unknown where a text reads them: the queue before there is one, the agent before one is connected.
fn signals(cx: &Analysis<'_>, told: &mut FxHashSet<(Loc, Loc)>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut texts: Vec<(TextId, Stage)> = Vec::new();
    let outside = outside_of_handoffs(cx);
    for (at, op) in machine.ops.iter().enumerate() {
        let stage = match machine.code(op.code).map(|c| c.owner) {
            Some(CodeOwner::Handler(i)) => {
                match machine.handlers.get(i as usize).map(|h| h.event) {
                    Some(
                        HandlerEvent::Connected | HandlerEvent::Resolve | HandlerEvent::Survey,
                    ) => Stage::Connected,
                    _ => Stage::Before,
                }
            }
            Some(CodeOwner::Handoff(_, HandoffBlock::Resolved | HandoffBlock::Returned)) => {
                Stage::Connected
            }
            Some(CodeOwner::Handoff(..)) => Stage::Queued,
            Some(CodeOwner::Node(_)) if outside.get(at) == Some(&true) => Stage::Never,
            _ => Stage::Before,
        };
        texts_of_op(op, &mut |text, _| {
            if has_interpolation(machine, text) {
                texts.push((text, stage));
            }
        });
    }
    for handoff in &machine.handoffs {
        texts.extend(
            handoff
                .say
                .iter()
                .chain(handoff.update.iter().filter_map(|(_, t)| t.as_ref()))
                .map(|t| (*t, Stage::Queued)),
        );
        texts.extend(handoff.connected.iter().map(|t| (*t, Stage::Connected)));
    }
    for (text, stage) in texts {
        each_interpolation(machine, text, &mut |expr| {
            let ExprKind::Signal(signal) = expr.kind else {
                return;
            };
            let unknown = match signal {
                Signal::QueueWait => Some("nobody may be able to say how long it takes"),
                Signal::AgentName if stage != Stage::Connected => Some("no agent is connected yet"),
                Signal::QueuePosition | Signal::QueueLength
                    if matches!(stage, Stage::Before | Stage::Never) =>
                {
                    Some("there is no queue yet")
                }
                Signal::Priority
                | Signal::EscalationReason
                | Signal::EscalationRule
                | Signal::HandoffSummary
                | Signal::Team
                    if stage == Stage::Never =>
                {
                    Some(
                        "known only of a running handoff: in `handoff`, `assist` and `on escalate`",
                    )
                }
                _ => None,
            };
            let Some(why) = unknown else { return };
            if told.insert((expr.loc, expr.loc)) {
                let name = cx.words(expr.loc);
                let finding =
                    Diagnostic::error("F0501", format!("`{name}` can be unknown here"), expr.loc)
                        .labelled(why);
                if stage == Stage::Never
                    && !matches!(
                        signal,
                        Signal::QueueWait
                            | Signal::QueuePosition
                            | Signal::QueueLength
                            | Signal::AgentName
                    )
                {
                    found.push(finding.help("leave it out here; the people see it on the card"));
                    return;
                }
                found.push(
                    finding
                        .help(format!(
                            "say what stands for it, as in `{{{name} ?? \"{}\"}}`",
                            if signal == Signal::AgentName {
                                "a colleague"
                            } else {
                                "soon"
                            }
                        ))
                        .fix(
                            format!("write `{name} ?? \"..\"`"),
                            false,
                            vec![super::support::syntax::add_after(expr.loc, " ?? \"...\"")],
                        ),
                );
            }
        });
    }
}

/// By operation: whether it stands in a node that no handoff and no handler visits, and whose body asks of no signal whether it
/// is known.
fn outside_of_handoffs(cx: &Analysis<'_>) -> Vec<bool> {
    let machine = cx.machine;
    let mut out = vec![true; machine.ops.len()];
    let mut within = vec![false; machine.codes.len()];
    let mut todo: Vec<CodeId> = (0u32..)
        .zip(&machine.codes)
        .filter(|(_, code)| !matches!(code.owner, CodeOwner::Node(_) | CodeOwner::Menu))
        .map(|(i, _)| CodeId(i))
        .collect();
    for op in &machine.ops {
        let mut asks = false;
        super::support::walk::exprs_of_op(op, &mut |expr| {
            super::support::walk::each_expr(machine, expr, &mut |e| {
                asks |= matches!(&e.kind, ExprKind::Known { of, .. } if matches!(of.kind, ExprKind::Signal(_)));
            });
        });
        if asks {
            todo.push(op.code);
        }
    }
    while let Some(code) = todo.pop() {
        match within.get_mut(code.index()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        // A visit comes back to the handoff; `->` leaves it.
        for op in cx.flow().ops(code).iter().filter_map(|id| machine.op(*id)) {
            if let OpKind::Visit { node, .. } = &op.kind
                && let Some(node) = machine.node(*node)
            {
                todo.push(node.code);
            }
        }
    }
    for (op, free) in machine.ops.iter().zip(&mut out) {
        *free = within.get(op.code.index()) == Some(&false);
    }
    out
}

/// How far a handoff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No handoff runs for sure.
    Never,
    Before,
    Queued,
    Connected,
}

fn reads_of<'a>(cx: &Analysis<'a>, op: &'a Op, bits: &Bits) -> Vec<Read<'a>> {
    let machine = cx.machine;
    let mut out = Vec::new();
    let mut push = |expr: &'a Expr| {
        cx.known()
            .unknown_reads(machine, Some(op.code), expr, bits, &mut |expr, fact| {
                out.push(Read {
                    expr,
                    fact,
                    text: None,
                })
            });
    };
    match &op.kind {
        OpKind::Set { value, .. } => push(value),
        OpKind::Call { webhook, args, .. } => {
            for (i, arg) in args.iter().enumerate() {
                let optional = machine
                    .webhook(*webhook)
                    .and_then(|w| w.params.get(i))
                    .is_some_and(|p| p.optional);
                if !optional {
                    push(arg);
                }
            }
        }
        _ => {}
    }
    let mut texts = Vec::new();
    texts_of_op(op, &mut |text, _| {
        if has_interpolation(machine, text) {
            texts.push(text);
        }
    });
    match &op.kind {
        OpKind::Ask { var, question, .. } if question.text.is_none() => {
            texts.extend(field(machine, *var).and_then(|f| f.ask))
        }
        OpKind::Form { vars, .. } => {
            texts.extend(vars.iter().filter_map(|v| field(machine, *v)?.ask))
        }
        _ => {}
    }
    super::support::walk::exprs_of_op(op, &mut |expr| {
        if matches!(op.kind, OpKind::Set { .. } | OpKind::Call { .. }) {
            super::support::walk::each_expr(machine, expr, &mut |e| {
                if let ExprKind::Text(text) = e.kind {
                    texts.push(text);
                }
            });
        }
    });
    for text in texts {
        if has_interpolation(machine, text) {
            out.extend(reads_of_text(cx, Some(op.code), text, bits));
        }
    }
    out
}

fn field(machine: &Machine, var: Var) -> Option<&crate::machine::FieldDef> {
    match var {
        Var::Slot(id) => machine.slot(id),
        Var::Customer(id) => machine.customer_field(id),
    }
}

fn reads_of_text<'a>(
    cx: &Analysis<'a>,
    code: Option<CodeId>,
    text: TextId,
    bits: &Bits,
) -> Vec<Read<'a>> {
    let machine = cx.machine;
    let mut out = Vec::new();
    let name = machine
        .text(text)
        .and_then(|t| t.name.as_ref())
        .map(ToString::to_string);
    let mut seen = FxHashSet::default();
    let mut exprs = Vec::new();
    each_interpolation(machine, text, &mut |e| exprs.push(e));
    for expr in exprs {
        cx.known()
            .unknown_reads(machine, code, expr, bits, &mut |expr, fact| {
                // A named text reads the same thing in every language: once is enough.
                if name.is_none() || seen.insert(fact) {
                    out.push(Read {
                        expr,
                        fact,
                        text: name.clone(),
                    });
                }
            });
    }
    out
}

fn describe(cx: &Analysis<'_>, read: &Read<'_>, code: Option<CodeId>, at: Loc) -> Diagnostic {
    let name = cx.known().name(cx.machine, code, read.fact);
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
    let finding = finding.help(format!("ask for it before, test it with `if {name} is known`, or say what stands for it: `{name} ?? ..`"));
    let ty_is_text = matches!(
        read.expr.ty,
        crate::value::Type::Text
            | crate::value::Type::Email
            | crate::value::Type::Phone
            | crate::value::Type::Url
    );
    if ty_is_text && cx.words(read.expr.loc) == name {
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

/// Shows the shortest way from where the thing is unknown to where it is read: of its turns only those that matter.
fn explain(
    cx: &Analysis<'_>,
    finding: Diagnostic,
    at: OpId,
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
