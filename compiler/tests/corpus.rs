//! The diagnostics corpus: small bots with a fault, their near misses, and larger bots without one.
//!
//! A finding is expected where a line ends in `//~ CODE`. Beside a failing case stands `expected.txt`, its findings as people see
//! them; `UPDATE=1 cargo test -p flow-compiler --test corpus` writes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests read files and clocks"
)]

use flow_compiler::checks::{CHECKS, explain};
use flow_compiler::mend::Mending;
use flow_compiler::sources::{Project, Sources};
use flow_compiler::{Compilation, Compiler, Options};
use flow_grammar::{Diagnostic, Severity};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/diagnostics")
}

fn files(folder: &Path, root: &Path, out: &mut Vec<(String, PathBuf)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, root, out);
        } else {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            out.push((name, path));
        }
    }
}

fn project(folder: &Path) -> Project {
    let mut all = Vec::new();
    files(folder, folder, &mut all);
    let mut project = Project::default();
    for (name, path) in all {
        if name == "expected.txt" {
            continue;
        }
        let text: Arc<str> = std::fs::read_to_string(&path).unwrap().into();
        if name.ends_with(".flow") {
            project.flow_files.push((name.into(), text));
        } else {
            project.other_files.push((name.into(), text));
        }
    }
    project
}

fn compile(project: &Project) -> Compilation {
    Compiler::new().compile(
        project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    )
}

type Places = BTreeMap<(String, u32, String), usize>;

fn expected(project: &Project) -> Places {
    let mut out = Places::new();
    for (path, text) in &project.flow_files {
        for (line, text) in (1u32..).zip(text.lines()) {
            let Some((_, codes)) = text.rsplit_once("//~") else {
                continue;
            };
            for code in codes.split_whitespace() {
                *out.entry((path.to_string(), line, code.to_owned()))
                    .or_default() += 1;
            }
        }
    }
    out
}

fn found(compilation: &Compilation) -> Places {
    let mut out = Places::new();
    for diagnostic in &compilation.diagnostics {
        let place = diagnostic
            .labels
            .first()
            .and_then(|l| compilation.sources.position(l.at));
        let (file, line) =
            place.map_or_else(|| ("?".to_owned(), 0), |p| (p.file.to_string(), p.line));
        *out.entry((file, line, diagnostic.code.to_owned()))
            .or_default() += 1;
    }
    out
}

/// A finding as plain text: the sentence, every label with its line, help and fixes.
fn render(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let mut out = String::new();
    let severity = if diagnostic.severity == Severity::Error {
        "error"
    } else {
        "warning"
    };
    writeln!(
        out,
        "{severity}[{}]: {}",
        diagnostic.code, diagnostic.message
    )
    .unwrap();
    for label in &diagnostic.labels {
        let Some((file, range)) = sources.resolve(label.at) else {
            continue;
        };
        let position = file.position(range.start);
        let line = file
            .text
            .lines()
            .nth(position.line as usize - 1)
            .unwrap_or_default();
        let shown = line.split("   //~").next().unwrap_or_default();
        let column = position.column as usize - 1;
        let width = file
            .text
            .get(range.clone())
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .count();
        let width = width
            .min(shown.chars().count().saturating_sub(column))
            .max(1);
        writeln!(out, "  {position}").unwrap();
        writeln!(out, "    | {shown}").unwrap();
        writeln!(
            out,
            "    | {}{} {}",
            " ".repeat(column),
            "^".repeat(width),
            label.text
        )
        .unwrap();
    }
    if let Some(help) = &diagnostic.help {
        writeln!(out, "  help: {help}").unwrap();
    }
    for fix in &diagnostic.fixes {
        writeln!(
            out,
            "  fix{}: {}",
            if fix.safe { "" } else { " (look at it)" },
            fix.title
        )
        .unwrap();
        for edit in &fix.edits {
            writeln!(out, "    {:?} -> {:?}", sources.snippet(edit.at), edit.text).unwrap();
        }
    }
    out
}

fn rendered(compilation: &Compilation) -> String {
    compilation
        .diagnostics
        .iter()
        .map(|d| render(&compilation.sources, d))
        .collect::<Vec<_>>()
        .join("\n")
}

/// All cases: the code (or `clean`), the case's name and its folder.
fn cases() -> Vec<(String, String, PathBuf)> {
    let mut out = Vec::new();
    let mut codes: Vec<PathBuf> = std::fs::read_dir(corpus())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    codes.sort();
    for code in codes {
        let name = code.file_name().unwrap().to_str().unwrap().to_owned();
        let mut folders: Vec<PathBuf> = std::fs::read_dir(&code)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.is_dir())
            .collect();
        folders.sort();
        for folder in folders {
            out.push((
                name.clone(),
                folder.file_name().unwrap().to_str().unwrap().to_owned(),
                folder,
            ));
        }
    }
    out
}

#[test]
fn every_case_yields_its_findings_and_no_other() {
    let mut failures = Vec::new();
    let only = std::env::var("CASE").unwrap_or_default();
    let cases: Vec<_> = cases()
        .into_iter()
        .filter(|(code, case, _)| format!("{code}/{case}").contains(&only))
        .collect();
    assert!(!cases.is_empty(), "no case");
    for (code, case, folder) in &cases {
        let project = project(folder);
        let compilation = compile(&project);
        let (expected, found) = (expected(&project), found(&compilation));
        if code != "clean" && case.starts_with("fail") != expected.keys().any(|(_, _, c)| c == code)
        {
            failures.push(format!(
                "{code}/{case}: its name and its `//~` comments disagree"
            ));
        }
        if expected == found {
            continue;
        }
        let mut text = format!("{code}/{case}\n");
        for (place, count) in &expected {
            let seen = found.get(place).copied().unwrap_or(0);
            if seen < *count {
                writeln!(text, "  missing {} at {}:{}", place.2, place.0, place.1).unwrap();
            }
        }
        for (place, count) in &found {
            let wanted = expected.get(place).copied().unwrap_or(0);
            if *count > wanted {
                writeln!(
                    text,
                    "  not expected {} at {}:{}",
                    place.2, place.0, place.1
                )
                .unwrap();
                for diagnostic in compilation.diagnostics.iter().filter(|d| d.code == place.2) {
                    writeln!(
                        text,
                        "{}",
                        render(&compilation.sources, diagnostic).replace('\n', "\n      ")
                    )
                    .unwrap();
                }
            }
        }
        failures.push(text);
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases differ:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn findings_read_as_they_did() {
    let update = std::env::var("UPDATE").is_ok();
    let mut failures = Vec::new();
    for (code, case, folder) in cases() {
        if !case.starts_with("fail") {
            continue;
        }
        let text = rendered(&compile(&project(&folder)));
        let path = folder.join("expected.txt");
        if update {
            std::fs::write(&path, &text).unwrap();
            continue;
        }
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        if before != text {
            failures.push(format!(
                "{code}/{case}\n--- expected.txt\n{before}\n--- now\n{text}"
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} differ (UPDATE=1 writes them anew):\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_code_has_a_failing_case_a_near_miss_and_a_page() {
    let cases = cases();
    for check in CHECKS {
        assert!(
            explain::CODES.iter().any(|c| c.code == check.code),
            "{} is not listed",
            check.code
        );
    }
    for code in explain::CODES {
        let of = |prefix: &str| {
            cases
                .iter()
                .any(|(c, case, _)| c == code.code && case.starts_with(prefix))
        };
        assert!(of("fail"), "{} has no failing case", code.code);
        assert!(of("ok"), "{} has no near miss", code.code);
        assert!(
            explain::explain(code.code).is_some_and(|page| page.contains(code.code)),
            "{} has no page",
            code.code
        );
    }
}

/// The `flow` blocks of a page, in order.
fn examples(page: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```flow\n") {
        let Some((example, after)) = after.split_once("```") else {
            break;
        };
        out.push(example.to_owned());
        rest = after;
    }
    out
}

/// What an example leaves unsaid: a bot, its tiers, its people.
fn whole(example: &str) -> String {
    let mut text = example.to_owned();
    let has = |word: &str| {
        example
            .lines()
            .any(|l| l.trim_start().starts_with(word) && !l.starts_with(' '))
    };
    let ladder = if has("tier ai") {
        "bot -> ai -> human"
    } else {
        "bot -> human"
    };
    if !has("bot ") && !has("// no bot") {
        writeln!(text, "bot demo {{ languages en; channels web; tiers {ladder}; start greet; discloses \"You're chatting with our AI assistant.\" }}").unwrap();
    }
    if !has("tier bot") {
        text.push_str("tier bot: scripted { cost 0.02 USD }\n");
    }
    if !has("tier human") && !example.contains("// no people") {
        text.push_str("tier human: people { cost 5 USD }\n");
    }
    if !has("team support") && !example.contains("// no people") {
        text.push_str("team support { hours always }\n");
    }
    if !has("route ") && !example.contains("// no people") {
        text.push_str("route human {\n  | intent | team    | priority |\n  | _      | support | standard |\n}\n");
    }
    if !has("handoff ") && !example.contains("// no people") {
        text.push_str("handoff human { say \"I'll get you to a person.\" }\n");
    }
    if !has("node greet") {
        text.push_str("node greet { choose \"What can I help with?\" { \"Talk to us\" -> escalate to human because \"Asked\"; \"Nothing\" -> end resolved } }\n");
    }
    text
}

#[test]
fn the_examples_of_every_page_do_what_it_says() {
    let mut failures = Vec::new();
    for code in explain::CODES {
        let page = explain::explain(code.code).unwrap_or_default();
        let examples = examples(page);
        if examples.len() != 2 {
            failures.push(format!(
                "{}: {} examples, wanted one that fails and one repaired",
                code.code,
                examples.len()
            ));
            continue;
        }
        for (i, example) in examples.iter().enumerate() {
            let mut project = Project::default();
            project
                .flow_files
                .push(("bot.flow".into(), whole(example).into()));
            // A hook's script stands in the page as a `rhai` block before its example.
            let scripts: Vec<&str> = page
                .split("```rhai\n")
                .skip(1)
                .filter_map(|s| s.split("```").next())
                .collect();
            if let Some(script) = scripts.get(i).or_else(|| scripts.first()) {
                project
                    .other_files
                    .push(("hooks/big.rhai".into(), (*script).into()));
            }
            project
                .other_files
                .push(("kb/help.md".into(), "# Help\n\nWe help.\n".into()));
            let compilation = compile(&project);
            let codes: Vec<&str> = compilation.diagnostics.iter().map(|d| d.code).collect();
            let right = if i == 0 {
                codes.contains(&code.code)
            } else {
                !codes.contains(&code.code)
                    && !compilation
                        .diagnostics
                        .iter()
                        .any(|d| d.severity == Severity::Error)
            };
            if !right {
                failures.push(format!(
                    "{} example {}: found {codes:?}\n{}",
                    code.code,
                    i + 1,
                    rendered(&compilation)
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The project after a fix.
fn mended(project: &Project, sources: &Sources, fix: &flow_grammar::Fix) -> Project {
    let mut project = project.clone();
    let mut mending = Mending::default();
    assert!(mending.add(sources, fix), "its edits have places");
    for (file, text) in mending.files() {
        let mut files = project
            .flow_files
            .iter_mut()
            .chain(&mut project.other_files);
        let (_, old) = files.find(|(p, _)| *p == file.path).unwrap();
        *old = text.into();
    }
    project
}

/// How often each code was found, errors first.
fn counts(c: &Compilation) -> BTreeMap<(bool, &'static str), usize> {
    let mut out = BTreeMap::new();
    for d in &c.diagnostics {
        *out.entry((d.severity == Severity::Warning, d.code))
            .or_default() += 1;
    }
    out
}

/// Looks at every fix of every case: it mends its finding, breaks nothing that was whole, and fits into what was formatted.
#[test]
fn every_fix_mends_its_finding_and_breaks_nothing() {
    let mut failures = Vec::new();
    let mut tried = BTreeMap::<&str, usize>::new();
    for (code, case, folder) in cases() {
        if !case.starts_with("fail") {
            continue;
        }
        let project = project(&folder);
        let before = compile(&project);
        for finding in &before.diagnostics {
            for fix in &finding.fixes {
                *tried.entry(finding.code).or_default() += 1;
                let mended = mended(&project, &before.sources, fix);
                let after = compile(&mended);
                let (old, new) = (counts(&before), counts(&after));
                let mut wrong = Vec::new();
                let of = |c: &BTreeMap<(bool, &str), usize>| {
                    c.iter()
                        .filter(|((_, code), _)| *code == finding.code)
                        .map(|(_, n)| n)
                        .sum::<usize>()
                };
                if of(&new) >= of(&old) {
                    wrong.push("it is still found".to_owned());
                }
                for ((warning, code), n) in &new {
                    if !warning && *n > old.get(&(false, *code)).copied().unwrap_or(0) {
                        wrong.push(format!("now there is {code}"));
                    }
                }
                for ((path, text), (_, now)) in project.flow_files.iter().zip(&mended.flow_files) {
                    if flow_grammar::format(text) == **text && flow_grammar::format(now) != **now {
                        wrong.push(format!("{path} is no longer formatted"));
                    }
                }
                if !wrong.is_empty() {
                    failures.push(format!(
                        "{code}/{case}: {} ({}): {}\n{}\n{}",
                        fix.title,
                        finding.code,
                        wrong.join(", "),
                        mended
                            .flow_files
                            .iter()
                            .map(|(_, t)| t.to_string())
                            .collect::<String>(),
                        rendered(&after)
                    ));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {tried:?} fixes:\n{}",
        failures.len(),
        failures.join("\n")
    );
    for code in [
        "F0101", "F0201", "F0301", "F0303", "F0408", "F0501", "F0701", "F0901", "F1001",
    ] {
        assert!(tried.contains_key(code), "no fix of {code}: {tried:?}");
    }
}
