//! Defaults that read each other in a circle: none of them ever gives a value.

use crate::checks::support::analysis::Analysis;
use crate::checks::support::defaults::{circles, default_of};
use crate::checks::support::known::var_name;
use flow_grammar::Diagnostic;

pub(super) fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    for circle in circles(machine) {
        let Some((first, rest)) = circle.split_first() else {
            continue;
        };
        let Some(default) = default_of(machine, *first) else {
            continue;
        };
        let name = |var| var_name(machine, var);
        let message = match rest {
            [] => format!("the default of `{}` reads itself", name(*first)),
            [other] => format!(
                "the defaults of `{}` and `{}` read each other",
                name(*first),
                name(*other)
            ),
            _ => format!(
                "the defaults of `{}` and {} others read each other in a circle",
                name(*first),
                rest.len()
            ),
        };
        let mut finding = Diagnostic::error("F0501", message, default.loc)
            .labelled(format!("read where `{}` is unknown", name(*first)));
        for var in rest.iter().take(8) {
            if let Some(default) = default_of(machine, *var) {
                finding = finding.label(
                    default.loc,
                    format!("read where `{}` is unknown", name(*var)),
                );
            }
        }
        found.push(finding.help(
            "so none of them ever gives a value: write one out, or leave one without a default",
        ));
    }
}
