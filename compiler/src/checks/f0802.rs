//! F0802: a handoff without `say`, or one that promises what nobody knows ("right with you").
//!
//! Promises are known in English, Spanish, German, French, Italian, Portuguese and Dutch; of other languages nothing is said.

mod phrases;

use super::f0704::head;
use super::support::analysis::Analysis;
use super::support::syntax;
use crate::machine::{Handoff, TextPart};
use crate::value::TextId;
use flow_grammar::ast::DeclKind;
use flow_grammar::{Diagnostic, Loc, Severity};
use phrases::promise;
use rustc_hash::FxHashSet;

pub(super) const CHECK: super::Check = super::Check {
    code: "F0802",
    severity: Severity::Warning,
    title: "a handoff without words, or with a promise that nobody can keep",
    run,
};

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
            if !cx.whole(handoff.loc.decl) {
                // What it says may be what was refused.
                promises(cx, handoff, None, &mut told, found);
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
            promises(cx, handoff, None, &mut told, found);
            continue;
        };
        promises(cx, handoff, Some(say), &mut told, found);
    }
}

/// What a handoff says to who begins to wait and to who waits.
fn promises(
    cx: &Analysis<'_>,
    handoff: &Handoff,
    say: Option<TextId>,
    told: &mut FxHashSet<TextId>,
    found: &mut Vec<Diagnostic>,
) {
    let machine = cx.machine;
    let update = handoff.update.and_then(|(_, text)| text);
    for id in say.into_iter().chain(update) {
        let Some(text) = machine.text(id) else {
            continue;
        };
        if !told.insert(id) {
            continue;
        }
        for variant in &text.variants {
            // What is filled in is known; it stands between the words as something of its own.
            let words: String = variant
                .parts
                .iter()
                .map(|p| match p {
                    TextPart::Str(s) => s.to_lowercase(),
                    TextPart::Expr(_) => " … ".into(),
                })
                .collect();
            let language = variant.language.as_ref().or(machine.bot.languages.first());
            let Some(promise) = promise(language.map_or("en", |l| l.as_str()), &words) else {
                continue;
            };
            let inline = text.name.is_none();
            let mut finding = Diagnostic::warning(
                "F0802",
                format!("\"{promise}\" promises what nobody knows"),
                if inline || Some(id) != say {
                    variant.loc
                } else {
                    handoff.say_loc
                },
            )
            .labelled("nobody knows yet when a person is free");
            if !inline && Some(id) == say {
                finding = finding.label(variant.loc, "said here");
            }
            found.push(finding.help("say what is known, as in `{queue.wait ?? \"We'll be quick.\"}`, or only that a person comes"));
            break;
        }
    }
}
