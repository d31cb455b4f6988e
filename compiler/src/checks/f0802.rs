//! F0802: a handoff without `say`, or one that promises what nobody knows ("right with you").

use super::f0704::head;
use super::support::analysis::Analysis;
use super::support::syntax;
use crate::machine::TextPart;
use flow_grammar::ast::DeclKind;
use flow_grammar::{Diagnostic, Loc, Severity};
use rustc_hash::FxHashSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0802",
    severity: Severity::Warning,
    title: "a handoff without words, or with a promise that nobody can keep",
    run,
};

/// Phrases that promise a time which nobody knows.
const PROMISES: &[&str] = &[
    "right with you",
    "with you shortly",
    "with you in a moment",
    "with you in a minute",
    "with you in a second",
    "with you momentarily",
    "with you right away",
    "with you immediately",
    "with you any moment",
    "no time at all",
    "connect you immediately",
    "connecting you immediately",
    "connect you right away",
    "connecting you right away",
    "connect you straight away",
    "connect you instantly",
    "transfer you immediately",
    "transferring you immediately",
    "transfer you right away",
    "put you through immediately",
    "put you through right away",
    "enseguida te atiende",
    "te atenderá enseguida",
    "te atenderá de inmediato",
    "gleich für dich da",
    "sofort für dich da",
    "gleich für sie da",
    "sofort für sie da",
    "tout de suite à vous",
];

fn run(cx: &Analysis<'_>, found: &mut Vec<Diagnostic>) {
    let machine = cx.machine;
    let mut told = FxHashSet::default();
    for handoff in &machine.handoffs {
        let Some(say) = handoff.say else {
            // One with a condition takes over what the tier's plain handoff says; the plain one is told of it.
            let plain = machine
                .handoffs
                .iter()
                .any(|h| h.tier == handoff.tier && h.when.is_none());
            if handoff.when.is_some() && plain {
                continue;
            }
            let mut finding = Diagnostic::warning("F0802", "this handoff says nothing to the customer", head(cx, handoff))
                .labelled("the customer waits without a word")
                .help("tell the customer what happens: `say \"I'll get you to a person, with our whole chat.\"`");
            if let Some(DeclKind::Handoff(decl)) =
                syntax::decl(cx.sources, handoff.loc.decl).map(|d| &d.kind)
                && let Some(edit) = syntax::add_to_block(
                    cx.sources,
                    Loc::new(handoff.loc.decl, decl.span),
                    "say \"I'll get you to a person, with our whole chat.\"",
                )
            {
                finding = finding.fix("say that a person comes", false, vec![edit]);
            }
            found.push(finding);
            continue;
        };
        let Some(text) = machine.text(say) else {
            continue;
        };
        if !told.insert(say) {
            continue;
        }
        for variant in &text.variants {
            let words: String = variant
                .parts
                .iter()
                .map(|p| {
                    if let TextPart::Str(s) = p {
                        s.to_lowercase()
                    } else {
                        " ".into()
                    }
                })
                .collect();
            let Some(promise) = promise(&words) else {
                continue;
            };
            let inline = text.name.is_none();
            let mut finding = Diagnostic::warning(
                "F0802",
                format!("\"{promise}\" promises what nobody knows"),
                if inline { variant.loc } else { handoff.say_loc },
            )
            .labelled("nobody knows yet when a person is free");
            if !inline {
                finding = finding.label(variant.loc, "said here");
            }
            found.push(finding.help("say what is known, as in `{queue.wait ?? \"We'll be quick.\"}`, or only that a person comes"));
            break;
        }
    }
}

/// The words of a text (in lower case) that promise a time.
fn promise(words: &str) -> Option<String> {
    if let Some(phrase) = PROMISES.iter().find(|p| words.contains(**p)) {
        return Some((*phrase).to_owned());
    }
    let words: Vec<&str> = words
        .split(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | '!' | '?' | ';' | ':'))
        .filter(|w| !w.is_empty())
        .collect();
    words.windows(3).find_map(|w| match w {
        ["within", count, unit]
            if (count.parse::<u32>().is_ok()
                || matches!(*count, "a" | "one" | "two" | "five" | "ten"))
                && matches!(*unit, "second" | "seconds" | "minute" | "minutes" | "min") =>
        {
            Some(w.join(" "))
        }
        _ => None,
    })
}
