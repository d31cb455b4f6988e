//! One fault, one finding: what is not said because it only follows from something else that is.

use crate::env::Env;
use crate::sources::Sources;
use flow_grammar::Diagnostic;
use flow_grammar::ast::DeclKind;
use rustc_hash::{FxHashMap, FxHashSet};

/// Silences the findings that are consequences of others.
pub(crate) fn consequences(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    of_refusal(diagnostics, sources, env);
    of_syntax(diagnostics, sources, env);
    of_the_bot(diagnostics, sources, env);
    of_arms(diagnostics);
    of_types(diagnostics);
    of_rules(diagnostics, env);
    of_shares(diagnostics, sources);
}

/// A value of another type is also beyond every range of its signal.
fn of_types(diagnostics: &mut Vec<Diagnostic>) {
    if !diagnostics.iter().any(|d| d.code == "F0604") {
        return;
    }
    let wrong: FxHashSet<(u32, u32)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0301")
        .flat_map(|d| &d.labels)
        .map(|l| (l.at.decl, l.at.span.end))
        .collect();
    diagnostics.retain(|d| {
        let at = || d.labels.iter().map(|l| (l.at.decl, l.at.span.end));
        d.code != "F0604" || !at().any(|at| wrong.contains(&at))
    });
}

/// A misspelt `unknown` in an arm leaves `unknown` uncovered.
fn of_arms(diagnostics: &mut Vec<Diagnostic>) {
    let misspelt: FxHashSet<u32> = diagnostics
        .iter()
        .filter(|d| d.code == "F0301")
        .filter(|d| {
            d.fixes
                .iter()
                .flat_map(|f| &f.edits)
                .any(|e| e.text == "unknown")
        })
        .filter_map(|d| d.labels.first().map(|l| l.at.decl))
        .collect();
    if misspelt.is_empty() {
        return;
    }
    diagnostics.retain(|d| {
        d.code != "F0303"
            || !d.message.contains("leaves `unknown`")
            || d.labels
                .first()
                .is_none_or(|l| !misspelt.contains(&l.at.decl))
    });
}

/// What could not be read, or was refused, may lead to a node all the same.
fn of_refusal(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    diagnostics.retain(|d| {
        let node = d.labels.first().map(|l| sources.snippet(l.at));
        d.code != "F0401" || node.is_none_or(|name| !env.mentioned.contains(name))
    });
}

/// Silences what only follows from a syntax error: what could not be read has no type, leads nowhere and fills nothing.
fn of_syntax(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    if env.incomplete {
        // What leads to a node, a person or a field may stand in the file that could not be read.
        diagnostics.retain(|d| !matches!(d.code, "F0401" | "F0404" | "F0705" | "F0801"));
    }
    let place = |d: &Diagnostic| {
        let at = d.labels.first()?.at;
        let (file, range) = sources.resolve(at)?;
        Some((
            at.decl,
            file.line_starts
                .partition_point(|s| *s as usize <= range.start),
        ))
    };
    let broken: FxHashSet<(u32, usize)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0101")
        .filter_map(place)
        .collect();
    if broken.is_empty() {
        return;
    }
    let decls: FxHashSet<u32> = broken.iter().map(|(decl, _)| *decl).collect();
    // `confirm E?`: what stands before the place of a syntax error is no name, but the beginning of what could not be read.
    let faults: FxHashSet<(u32, u32)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0101")
        .filter_map(|d| {
            // An arrow without a target takes the word before its last place.
            let arrow = d.message.ends_with("node after `->`") && d.labels.len() == 2;
            let place = d.labels.last().filter(|_| arrow);
            let unexpected = d.message.starts_with("unexpected");
            place.or_else(|| d.labels.first().filter(|_| unexpected))
        })
        .map(|l| (l.at.decl, l.at.span.start))
        .collect();
    let begins_a_fault = |d: &Diagnostic| {
        let at = d.labels.first().map(|l| l.at);
        // Where a text belongs, its words stand apart; so does what follows a misspelt `escalate` or the name that was left out.
        let apart = u32::from(
            ["unknown text", "unknown node", "unknown team"]
                .iter()
                .any(|what| d.message.starts_with(what)),
        );
        d.code == "F0201"
            && at.is_some_and(|at| {
                (0..=apart).any(|gap| faults.contains(&(at.decl, at.span.end + gap)))
            })
    };
    diagnostics.retain(|d| !begins_a_fault(d));
    // `USD 5` is no name and a number, but one thing that is written otherwise; what was found in another's place is no name either.
    let otherwise: FxHashSet<(u32, u32)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0101")
        .filter(|d| d.message.contains(" is written ") || d.message.contains(", found `"))
        .filter_map(|d| d.labels.first())
        .map(|l| (l.at.decl, l.at.span.start))
        .collect();
    let begins = |d: &Diagnostic| {
        let at = d.labels.first().map(|l| (l.at.decl, l.at.span.start));
        at.is_some_and(|at| otherwise.contains(&at))
    };
    diagnostics.retain(|d| d.code != "F0201" || !begins(d));
    // Of a webhook or hook whose head could not be read it is not known what it takes.
    let head = |decl: u32| {
        let (file, offset) = sources.decls.get(decl as usize)?;
        let kind = &crate::load::decl(sources, decl)?.kind;
        let file = sources.files.get(*file as usize)?;
        let start = offset + crate::load::decl(sources, decl)?.span.start;
        matches!(kind, DeclKind::Webhook(_) | DeclKind::Hook(_))
            .then(|| (decl, file.line_starts.partition_point(|s| *s <= start)))
    };
    let heads: FxHashSet<u32> = decls
        .iter()
        .filter(|decl| head(**decl).is_some_and(|head| broken.contains(&head)))
        .copied()
        .collect();
    diagnostics.retain(|d| match d.code {
        "F0201" if d.message.starts_with("the webhook has no parameter") => {
            d.labels.first().is_none_or(|l| !heads.contains(&l.at.decl))
        }
        "F0301" | "F0302" | "F1001" => d.labels.iter().all(|l| !heads.contains(&l.at.decl)),
        _ => true,
    });
    of_open_texts(diagnostics, sources, place);
    // `handoff human whn vip_eater` is not the tier's plain one.
    diagnostics.retain(|d| {
        d.code != "F0202"
            || !d.message.starts_with("the handoff of ")
            || d.labels.iter().all(|l| !decls.contains(&l.at.decl))
    });
    // `call f(x as y {`: the result has its name, though the call could not be read.
    let named: FxHashSet<(u32, &str)> = broken
        .iter()
        .filter_map(|(decl, line)| {
            let line = line_of(sources, *decl, *line);
            let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.find(|w| *w == "as")?;
            Some((*decl, words.find(|w| !w.is_empty())?))
        })
        .collect();
    diagnostics.retain(|d| {
        let about_a_name = d.code == "F0201" && d.message.starts_with("unknown name");
        let at = d.labels.first().map(|l| l.at).filter(|_| about_a_name);
        !at.is_some_and(|at| named.contains(&(at.decl, sources.snippet(at))))
    });
    // A slot or a field of the profile whose line could not be read to its end may have a default.
    let half_read = |d: &Diagnostic| {
        let Some(path) = d.message.split('`').nth(1) else {
            return false;
        };
        let field = match path.strip_prefix("customer.") {
            Some(field) => {
                let name = field.split('.').next().unwrap_or_default();
                let id = env.customer_index.get(name);
                id.and_then(|id| env.customer.get(id.index()))
            }
            None => {
                let name = path
                    .strip_prefix("slots.")
                    .unwrap_or(path)
                    .split('.')
                    .next();
                let id = name.and_then(|n| env.lookup(0, crate::env::Kind::Slot, n));
                id.and_then(|id| env.slots.get(id as usize))
            }
        };
        field.is_some_and(|f| {
            let line = sources.resolve(f.name_loc).map(|(file, range)| {
                let before = |s: &u32| *s as usize <= range.start;
                file.line_starts.partition_point(before)
            });
            line.is_some_and(|line| broken.contains(&(f.name_loc.decl, line)))
        })
    };
    diagnostics.retain(|d| {
        let Some((decl, line)) = place(d) else {
            return true;
        };
        match d.code {
            "F0301" | "F0302" | "F1201" => !broken.contains(&(decl, line)),
            "F0501" => !decls.contains(&decl) && !half_read(d),
            "F0303" | "F0402" | "F0405" | "F0408" => !decls.contains(&decl),
            _ => true,
        }
    });
}

/// So many lines behind an open text are taken for misread.
const MISREAD: usize = 40;

/// Silences what comes behind a text without its closing quote that has swallowed the end of a block: up to the end of the
/// declaration everything is read in the wrong place.
fn of_open_texts(
    diagnostics: &mut Vec<Diagnostic>,
    sources: &Sources,
    place: impl Fn(&Diagnostic) -> Option<(u32, usize)>,
) {
    let is_open = |d: &Diagnostic| {
        d.code == "F0101"
            && d.message == "this text has no closing quote"
            && d.labels
                .first()
                .is_some_and(|l| sources.snippet(l.at).contains('}'))
    };
    let mut open: FxHashMap<u32, usize> = FxHashMap::default();
    for (decl, line) in diagnostics.iter().filter(|d| is_open(d)).filter_map(&place) {
        let first = open.entry(decl).or_insert(line);
        *first = line.min(*first);
    }
    if open.is_empty() {
        return;
    }
    diagnostics.retain(|d| {
        let follows = matches!(d.code, "F0101" | "F0201" | "F0301" | "F0302" | "F1201")
            && place(d).is_some_and(|(decl, line)| {
                open.get(&decl)
                    .is_some_and(|first| (*first..*first + MISREAD).contains(&line))
            });
        !follows || is_open(d)
    });
}

/// A line, counted from 1, of the file that a declaration stands in.
fn line_of(sources: &Sources, decl: u32, line: usize) -> &str {
    let file = sources.decls.get(decl as usize);
    let file = file.and_then(|(file, _)| sources.files.get(*file as usize));
    file.and_then(|file| {
        let start = *file.line_starts.get(line.checked_sub(1)?)? as usize;
        file.text.get(start..)?.lines().next()
    })
    .unwrap_or_default()
}

/// Silences that a rule ties, is beaten or never fires where something in it has no meaning: it is not what its author means.
fn of_rules(diagnostics: &mut Vec<Diagnostic>, env: &Env) {
    let about_rules = |d: &Diagnostic| matches!(d.code, "F0601" | "F0602" | "F0605");
    if !diagnostics.iter().any(about_rules) {
        return;
    }
    if env.languages.is_empty() || env.channels.is_empty() {
        // What a rule asks of them cannot be told.
        diagnostics.retain(|d| !about_rules(d));
        return;
    }
    let meaningless: FxHashSet<u32> = diagnostics
        .iter()
        .filter(|d| matches!(d.code, "F0101" | "F0201" | "F0202" | "F0301" | "F0302"))
        .filter_map(|d| d.labels.first())
        .map(|label| label.at.decl)
        .collect();
    diagnostics
        .retain(|d| !about_rules(d) || d.labels.iter().all(|l| !meaningless.contains(&l.at.decl)));
}

/// Silences what a bot lacks where its declaration could not be read, and that it lacks a channel where one that it names does
/// not exist: that may be meant.
fn of_the_bot(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    if env
        .bot
        .is_none_or(|bot| crate::broken::broken(sources, bot))
    {
        diagnostics.retain(|d| {
            let lacking = d.message.starts_with("the bot has no ")
                || d.code == "F0301"
                    && (d.message.ends_with("is no channel")
                        || d.message.ends_with("is no language"));
            !lacking && d.code != "F0804"
        });
    }
    let misspelt = |d: &Diagnostic| {
        d.code == "F0201"
            && d.message.starts_with("unknown channel")
            && d.labels.first().map(|l| l.at.decl) == env.bot
    };
    if !diagnostics.iter().any(misspelt) {
        return;
    }
    diagnostics.retain(|d| {
        let lacking = d.message.starts_with("the bot has no channel")
            || d.code == "F0301" && d.message.ends_with("is no channel");
        !lacking
    });
}

/// Silences that a webhook or a tier is not allowed something where its `shares` names something unknown: that may be meant.
fn of_shares(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    if !diagnostics.iter().any(|d| d.code == "F1001") {
        return;
    }
    let shares = |decl: u32| match &crate::load::decl(sources, decl)?.kind {
        DeclKind::Tier(tier) => Some(tier.shares.as_slice()),
        DeclKind::Webhook(webhook) => Some(webhook.shares.as_slice()),
        _ => None,
    };
    let unsure: FxHashSet<u32> = diagnostics
        .iter()
        .filter(|d| d.code == "F0201")
        .filter_map(|d| d.labels.first())
        .filter(|l| {
            let named = shares(l.at.decl).unwrap_or_default();
            let within = |p: &flow_grammar::ast::Path| {
                p.span.start <= l.at.span.start && l.at.span.end <= p.span.end
            };
            named.iter().any(within)
        })
        .map(|l| l.at.decl)
        .collect();
    diagnostics
        .retain(|d| d.code != "F1001" || d.labels.iter().all(|l| !unsure.contains(&l.at.decl)));
}
