//! `// allow F0405: reason` - a finding that the author has looked at and wants kept.
//!
//! The comment covers findings whose primary place starts on its own line or on the next line of code; above a declaration, the
//! whole declaration. It needs a reason. One that covers nothing is itself reported (F0205). Syntax, names and types (F01xx,
//! F02xx, F0301, F0302) cannot be allowed: without them there is nothing to run.

use crate::broken::broken;
use crate::sources::{SourceFile, Sources};
use flow_grammar::{Diagnostic, Edit, Loc, Severity, Span, ast::DeclKind};
use rustc_hash::FxHashSet;

/// A suppression.
#[derive(Debug)]
struct Allow {
    codes: Vec<String>,
    /// Whether a reason was given.
    reasoned: bool,
    /// Its file, by index.
    file: u32,
    /// The bytes that it covers: primary places that start there.
    covers: std::ops::Range<usize>,
    /// The comment.
    loc: Loc,
    used: Vec<bool>,
}

/// Takes out what the author allows, and reports suppressions without a reason or without use.
#[must_use]
pub fn apply(sources: &Sources, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut allows = collect(sources);
    if allows.is_empty() {
        return found;
    }
    let (refused, everywhere) = refused(sources, &found);
    let mut out: Vec<Diagnostic> = Vec::with_capacity(found.len());
    for finding in found {
        if !suppressed(sources, &mut allows, &finding) {
            out.push(finding);
        }
    }
    for allow in &allows {
        // What a declaration with a syntax error would be found guilty of is not known.
        if broken(sources, allow.loc.decl) {
            continue;
        }
        if !allow.reasoned {
            out.push(
                Diagnostic::warning("F0205", "an `allow` needs a reason", allow.loc)
                    .labelled("without a reason it allows nothing")
                    .help(format!(
                        "say why: `// allow {}: REASON`",
                        allow.codes.join(", ")
                    )),
            );
            continue;
        }
        let idle: Vec<&str> = allow
            .codes
            .iter()
            .zip(&allow.used)
            .filter(|(_, used)| !**used)
            .map(|(code, _)| code.as_str())
            .collect();
        // Where something has no meaning, much is not looked at: what is allowed may be found once it has.
        let looked_at = !everywhere && !refused.contains(&allow.loc.decl);
        let beyond_doubt =
            |code: &&str| !can_be_allowed(code) || super::explain::explain(code).is_none();
        if idle.is_empty() || !(looked_at || idle.iter().any(beyond_doubt)) {
            continue;
        }
        let fixed: Vec<&str> = idle
            .iter()
            .copied()
            .filter(|c| !can_be_allowed(c))
            .collect();
        let mut finding = Diagnostic::warning(
            "F0205",
            format!("this allows {}, which is not found here", idle.join(", ")),
            allow.loc,
        )
        .labelled("allows nothing");
        let unheard: Vec<&str> = idle
            .iter()
            .copied()
            .filter(|c| super::explain::explain(c).is_none())
            .collect();
        finding = if !unheard.is_empty() {
            finding.help(format!("there is no finding {}", unheard.join(", ")))
        } else if fixed.is_empty() {
            finding.help("remove it")
        } else {
            finding.help(format!(
                "{} cannot be allowed; correct what it reports",
                fixed.join(", ")
            ))
        };
        if let Some(edit) = without(sources, allow) {
            let title = if idle.len() == allow.codes.len() {
                "remove the comment".to_owned()
            } else {
                format!("allow {} no longer", idle.join(", "))
            };
            finding = finding.fix(title, false, vec![edit]);
        }
        out.push(finding);
    }
    out
}

/// Takes what allows nothing out of a comment, and a comment of nothing else out of the file.
fn without(sources: &Sources, allow: &Allow) -> Option<Edit> {
    let (file, range) = sources.resolve(allow.loc)?;
    let codes = || allow.codes.iter().zip(&allow.used);
    let kept: Vec<&str> = codes()
        .filter(|(_, used)| **used)
        .map(|(code, _)| code.as_str())
        .collect();
    if !kept.is_empty() {
        let (_, reason) = file.text.get(range)?.split_once(':')?;
        let text = format!("// allow {}:{reason}", kept.join(", "));
        return Some(Edit {
            at: allow.loc,
            text,
        });
    }
    let before = file.text.get(..range.start)?;
    let start = before.trim_end_matches([' ', '\t']).len();
    let own_line = start == 0 || before.get(..start)?.ends_with('\n');
    let more = own_line && file.text.get(range.end..)?.starts_with('\n');
    let span = Span::new(
        (allow.loc.span.start).checked_sub(u32::try_from(range.start - start).ok()?)?,
        allow.loc.span.end + u32::from(more),
    );
    Some(Edit {
        at: Loc::new(allow.loc.decl, span),
        text: String::new(),
    })
}

/// The declarations in which syntax, a name or a type is wrong, and whether the bot's own is one of them.
fn refused(sources: &Sources, found: &[Diagnostic]) -> (FxHashSet<u32>, bool) {
    let wrong = found.iter().filter(|d| {
        d.severity == Severity::Error && (!can_be_allowed(d.code) || d.code == "F1201")
    });
    let decls: FxHashSet<u32> = wrong
        .filter_map(|d| d.labels.first())
        .map(|l| l.at.decl)
        .collect();
    let is_bot = |d: &flow_grammar::PlacedDecl| matches!(d.tree.decl.kind, DeclKind::Bot(_));
    if !sources
        .files
        .iter()
        .any(|f| f.tree.decls.iter().any(is_bot))
    {
        return (decls, true);
    }
    let of_the_bot = decls.iter().any(|decl| {
        crate::load::decl(sources, *decl).is_some_and(|d| matches!(d.kind, DeclKind::Bot(_)))
    });
    (decls, of_the_bot)
}

/// Whether findings of a code can be allowed at all.
fn can_be_allowed(code: &str) -> bool {
    !(code.starts_with("F01")
        || code.starts_with("F02") && code != "F0205" && code != "F0206"
        || code == "F0301"
        || code == "F0302")
}

fn suppressed(sources: &Sources, allows: &mut [Allow], finding: &Diagnostic) -> bool {
    if !can_be_allowed(finding.code) {
        return false;
    }
    let Some(first) = finding.labels.first() else {
        return false;
    };
    let Some((file, _)) = sources.decls.get(first.at.decl as usize).copied() else {
        return false;
    };
    let Some((_, range)) = sources.resolve(first.at) else {
        return false;
    };
    let mut hit = false;
    for allow in allows
        .iter_mut()
        .filter(|a| a.reasoned && a.file == file && a.covers.contains(&range.start))
    {
        for (code, used) in allow.codes.iter().zip(allow.used.iter_mut()) {
            if code == finding.code {
                *used = true;
                hit = true;
            }
        }
    }
    hit
}

fn collect(sources: &Sources) -> Vec<Allow> {
    let mut out = Vec::new();
    for (index, source) in (0u32..).zip(&sources.files) {
        for (decl, placed) in (source.first_decl..).zip(&source.tree.decls) {
            for (span, text) in &placed.tree.comments {
                let Some((codes, reasoned)) = parse(text) else {
                    continue;
                };
                let at = (placed.offset + span.start) as usize;
                let head = (placed.offset + placed.tree.decl.span.start) as usize;
                let covers = if at < head && alone(source, at) {
                    // Above the keyword: the whole declaration.
                    let end = (placed.offset + placed.len) as usize;
                    at..end.max(head + 1)
                } else {
                    lines(source, at)
                };
                let used = vec![false; codes.len()];
                out.push(Allow {
                    codes,
                    reasoned,
                    file: index,
                    covers,
                    loc: Loc::new(decl, Span::new(span.start, span.end)),
                    used,
                });
            }
        }
    }
    out
}

/// `allow F0405, F0401: reason`: the codes, and whether there is a reason. What begins with a code is meant as one, whatever
/// follows.
fn parse(comment: &str) -> Option<(Vec<String>, bool)> {
    let mut rest = comment.trim().strip_prefix("allow ")?.trim_start();
    let mut codes = Vec::new();
    while let Some(code) = rest.get(..5).filter(|c| is_code(c)) {
        codes.push(code.to_ascii_uppercase());
        rest = rest.get(5..).unwrap_or_default().trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    let reason = rest.strip_prefix(':').unwrap_or_default();
    (!codes.is_empty()).then(|| (codes, !reason.trim().is_empty()))
}

/// `F0405`, or so in small letters.
fn is_code(word: &str) -> bool {
    word.starts_with(['F', 'f'])
        && word
            .get(1..)
            .is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether nothing but the comment stands on its line.
fn alone(source: &SourceFile, at: usize) -> bool {
    let before = source.text.get(..at).unwrap_or_default();
    let line = before
        .rfind('\n')
        .map_or(before, |i| before.get(i..).unwrap_or_default());
    line.trim().is_empty()
}

/// The line of a comment and, where the comment stands alone, the next line of code.
fn lines(source: &SourceFile, at: usize) -> std::ops::Range<usize> {
    let text = &source.text;
    let start = text
        .get(..at)
        .and_then(|s| s.rfind('\n'))
        .map_or(0, |i| i + 1);
    let mut end = text
        .get(at..)
        .and_then(|s| s.find('\n'))
        .map_or(text.len(), |i| at + i);
    if alone(source, at) {
        while end < text.len() {
            let next = end + 1;
            let stop = text
                .get(next..)
                .and_then(|s| s.find('\n'))
                .map_or(text.len(), |i| next + i);
            let line = text.get(next..stop).unwrap_or_default().trim();
            end = stop;
            if !line.is_empty() && !line.starts_with("//") {
                break;
            }
        }
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::{can_be_allowed, parse};

    #[test]
    fn an_allow_has_codes_and_a_reason() {
        assert_eq!(
            parse(" allow F0405: the cellar is meant so"),
            Some((vec!["F0405".to_owned()], true))
        );
        assert_eq!(
            parse("allow F0405, F0401: both"),
            Some((vec!["F0405".to_owned(), "F0401".to_owned()], true))
        );
        assert_eq!(
            parse("allow F0405"),
            Some((vec!["F0405".to_owned()], false))
        );
        assert_eq!(
            parse("allow F0405 because it is meant"),
            Some((vec!["F0405".to_owned()], false))
        );
        assert_eq!(
            parse("allow f0405,F0401: both"),
            Some((vec!["F0405".to_owned(), "F0401".to_owned()], true))
        );
        assert_eq!(parse("allow me to explain: this is prose"), None);
        assert_eq!(parse("we allow F0405: prose too"), None);
    }

    #[test]
    fn what_keeps_a_bot_from_meaning_anything_cannot_be_allowed() {
        assert!(can_be_allowed("F0405"));
        assert!(can_be_allowed("F0206"));
        for code in ["F0101", "F0201", "F0301", "F0302"] {
            assert!(!can_be_allowed(code), "{code}");
        }
    }
}
