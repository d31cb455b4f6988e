//! F0801: a required field that nothing can collect. A customer can type a text, a number or a date, and press a value of an
//! enum; nobody can type a record.

use super::support::analysis::Analysis;
use crate::machine::Var;
use crate::types::can_be_typed;
use flow_grammar::{Diagnostic, Severity};
use rustc_hash::FxHashSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0801",
    severity: Severity::Error,
    title: "a required field that nothing can collect",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let mut told = FxHashSet::default();
    for handoff in &cx.machine.handoffs {
        for (var, loc) in &handoff.require {
            let Var::Slot(id) = var else { continue };
            let Some(slot) = cx.machine.slot(*id) else {
                continue;
            };
            if slot.ask.is_some()
                || slot.default.is_some()
                || can_be_typed(&slot.ty)
                || !told.insert(*loc)
            {
                continue;
            }
            found.push(
                Diagnostic::error("F0801", format!("nothing can collect `{}`", slot.name), *loc)
                    .labelled("required here")
                    .label(slot.name_loc, "nobody can type a value of this type")
                    .help("require a field that the customer can give, such as its number, and fill this one by a `call`"),
            );
        }
    }
}
