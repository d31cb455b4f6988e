//! F1101: a hook script that does not compile, lacks the function, takes other arguments or names an unknown variable.
//!
//! The script is compiled as the runtime compiles it (`scripts`): no anonymous functions, no `eval`, bounded depth, and every variable must be
//! declared. A function that it calls has to be its own or one of those that hooks have, and a field that it reads of an argument
//! one that the argument's type has.

mod script;

use super::support::analysis::Analysis;
use crate::machine::{Hook, Machine};
use crate::scripts;
use flow_grammar::{Diagnostic, Edit, Severity};
use rhai::{Engine, LexError, ParseErrorType, Position};
use std::collections::BTreeSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F1101",
    severity: Severity::Error,
    title: "a hook script that cannot run",
    run,
};

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    if cx.machine.hooks.is_empty() {
        return;
    }
    let engine = scripts::engine();
    let has = script::functions(&engine);
    for hook in &cx.machine.hooks {
        // A script that is not there was reported before (F0204).
        if hook.script.is_empty() {
            continue;
        }
        if let Some(Fault {
            message,
            help,
            at,
            of_script,
            near,
        }) = fault(cx.machine, &engine, &has, hook)
        {
            // What is wrong with a script of several hooks is said once, of the hook whose function it is in.
            let line = at.line().unwrap_or(1);
            if of_script && !is_told(cx.machine, hook, line) {
                continue;
            }
            let finding =
                Diagnostic::error("F1101", message, hook.path_loc).labelled("this script");
            let place = at.position().filter(|_| !at.is_none());
            let place = place.and_then(|column| cx.sources.in_script(&hook.path, line, column));
            let finding = match (place, near) {
                (Some(place), Some(near)) => finding.label(place, "here").fix(
                    format!("write `{near}`"),
                    false,
                    vec![Edit {
                        at: place,
                        text: near,
                    }],
                ),
                (Some(place), None) => finding.label(place, "here"),
                (None, _) => finding.label(hook.loc, "the hook"),
            };
            found.push(finding.help(help));
        }
    }
}

/// What is wrong with a script.
struct Fault {
    message: String,
    help: String,
    /// Where in the script, if that can be said.
    at: Position,
    /// Whether all hooks of the script suffer from it.
    of_script: bool,
    /// The word that was probably meant there.
    near: Option<String>,
}

impl Fault {
    /// One of this hook alone, and of nowhere in the script.
    const fn of_hook(message: String, help: String) -> Self {
        Self {
            message,
            help,
            at: Position::NONE,
            of_script: false,
            near: None,
        }
    }
}

/// Whether a fault in a line of a script is told of this hook: the one whose function it is in, else the first of the script.
fn is_told(machine: &Machine, hook: &Hook, line: usize) -> bool {
    let function = hook
        .script
        .lines()
        .take(line)
        .filter_map(|l| {
            let l = l.trim_start();
            let l = l.strip_prefix("private ").map_or(l, str::trim_start);
            l.strip_prefix("fn ")?.split('(').next()
        })
        .last()
        .map(str::trim);
    let same = |other: &&Hook| other.path == hook.path;
    let mut of_script = machine.hooks.iter().filter(same);
    let owner = of_script
        .clone()
        .find(|other| Some(other.name.as_str()) == function);
    owner
        .or_else(|| of_script.next())
        .is_none_or(|told| told.name == hook.name)
}

fn fault(machine: &Machine, engine: &Engine, has: &BTreeSet<String>, hook: &Hook) -> Option<Fault> {
    let (name, path, wants) = (&hook.name, &hook.path, hook.params.len());
    let signature = format!(
        "fn {name}({})",
        hook.params
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    if hook.script.len() > scripts::SOURCE {
        return Some(Fault {
            message: format!("the script `{path}` is larger than 64 KiB"),
            help: "shorten it".to_owned(),
            at: Position::NONE,
            of_script: true,
            near: None,
        });
    }
    let ast = match engine.compile(&*hook.script) {
        Ok(ast) => ast,
        Err(error) => {
            let at = error.position();
            let at = match (at.line(), at.position()) {
                (Some(line), Some(column)) => format!("`{path}:{line}:{column}`"),
                (Some(line), None) => format!("`{path}:{line}`"),
                _ => format!("`{path}`"),
            };
            let (message, help) = match error.err_type() {
                // The hook gives it, but its function does not take it.
                ParseErrorType::VariableUndefined(variable)
                    if hook.params.iter().any(|p| p.name == *variable) =>
                {
                    (
                        format!("{at} names `{variable}`, which its function does not take"),
                        format!("declare it as `{signature}`"),
                    )
                }
                ParseErrorType::VariableUndefined(variable) => (
                    format!("{at} names `{variable}`, which nothing declares"),
                    format!(
                        "a hook sees only its arguments ({}) and what it declares with `let`",
                        hook.params
                            .iter()
                            .map(|p| format!("`{}`", p.name))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                ),
                ParseErrorType::BadInput(LexError::ImproperSymbol(symbol, _))
                    if scripts::ABSENT.contains(&symbol.as_str()) =>
                {
                    (
                        format!("{at} uses `{symbol}`, which hooks do not have"),
                        "hooks only compute: no files, no network, no output".to_owned(),
                    )
                }
                other => (
                    format!("{at} does not compile: {}", lower(&other.to_string())),
                    "correct the script".to_owned(),
                ),
            };
            return Some(Fault {
                message,
                help,
                at: error.position(),
                of_script: true,
                near: None,
            });
        }
    };
    let found: Vec<(String, usize)> = ast
        .iter_functions()
        .map(|f| (f.name.to_owned(), f.params.len()))
        .collect();
    if found.iter().any(|(n, count)| n == name && *count == wants) {
        return script::lost_call(&ast, has, path)
            .or_else(|| script::lost_field(machine, &ast, hook));
    }
    if let Some((_, count)) = found.iter().find(|(n, _)| n == name) {
        return Some(Fault::of_hook(
            format!(
                "`{name}` in `{path}` takes {}, the hook gives {wants}",
                arguments(*count)
            ),
            format!("declare it as `{signature}`"),
        ));
    }
    let like = found
        .iter()
        .map(|(n, _)| format!("`{n}`"))
        .collect::<Vec<_>>();
    Some(Fault::of_hook(
        format!("`{path}` has no function `{name}`"),
        if like.is_empty() {
            format!("add `{signature} {{ .. }}`")
        } else {
            format!(
                "it has {}; name one of them `{name}`, or add `{signature} {{ .. }}`",
                like.join(", ")
            )
        },
    ))
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}
