//! Findings as text and as data.

use crate::render::{github, json, render, report, sarif};
use crate::testing::{HEAD, compile_files, with_head};

#[test]
fn a_finding_shows_its_line() {
    let c = with_head("escalate a to human { when confidence < 70 }\nnode greet { end resolved }");
    let text = render(&c.sources, &c.diagnostics, false, false);
    assert!(text.contains("F0301"), "{text}");
    assert!(
        text.contains("escalate a to human { when confidence < 70 }"),
        "{text}"
    );
    assert!(text.contains("write `70%`"), "{text}");
    assert!(text.is_ascii(), "{text}");
    assert!(render(&c.sources, &c.diagnostics, true, true).contains('\u{1b}'));
}

#[test]
fn labels_in_two_files_are_both_shown() {
    let bot = format!("{HEAD}node greet {{ end resolved }}\nnode bye {{ end resolved }}");
    let c = compile_files(
        &[
            ("bot.flow", &bot),
            ("more.flow", "\n\nnode bye { end unresolved }"),
        ],
        &[],
    );
    let text = render(&c.sources, &c.diagnostics, false, true);
    assert!(text.contains("bot.flow:13"), "{text}");
    assert!(text.contains("more.flow:3"), "{text}");
}

/// Two places of one file that are far apart are drawn without what lies between them.
#[test]
fn labels_far_apart_are_drawn_apart() {
    let mut text = String::from("intent a { \"where is it\", \"find it\" }\n");
    for n in 0..40 {
        text.push_str(&format!("// line {n}\n"));
    }
    text.push_str("intent b { \"where is it\", \"other\" }\n");
    let c = with_head(&format!("{text}node greet {{ end resolved }}\n"));
    let of: Vec<_> = c
        .diagnostics
        .iter()
        .filter(|d| d.code == "F0206")
        .cloned()
        .collect();
    let shown = render(&c.sources, &of, false, false);
    assert!(
        shown.contains("intent a") && shown.contains("intent b"),
        "{shown}"
    );
    assert!(
        shown.contains("// line 0") && shown.contains("// line 39"),
        "{shown}"
    );
    assert!(!shown.contains("// line 20"), "{shown}");
}

#[test]
fn data_forms_name_file_line_and_column() {
    let c = with_head(
        "// ünïcödé\nescalate a to human { when confidence < 70 }\nnode greet { end resolved }",
    );
    let r = report(&c.sources, &c.diagnostics);
    assert_eq!(
        (
            r.errors,
            r.findings[0].code,
            r.findings[0].at.line,
            r.findings[0].at.column
        ),
        (1, "F0301", 13, 41)
    );
    assert_eq!(r.findings[0].fixes[0].edits[0].text, "70%");
    let parsed: serde_json::Value =
        serde_json::from_str(&json(&c.sources, &c.diagnostics)).unwrap();
    assert_eq!(parsed["findings"][0]["file"], "bot.flow");
    let log: serde_json::Value = serde_json::from_str(&sarif(&c.sources, &c.diagnostics)).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    assert_eq!(
        result["locations"][0]["physicalLocation"]["region"]["startLine"],
        13
    );
    let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][at]["id"], "F0301");
    assert_eq!(
        result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"],
        "70%"
    );
    let lines = github(&c.sources, &c.diagnostics);
    assert!(
        lines.starts_with(
            "::error file=bot.flow,line=13,endLine=13,col=41,endColumn=43,title=F0301::"
        ),
        "{lines}"
    );
    assert!(lines.contains("70%25"), "{lines}");
}

#[test]
fn a_finding_without_a_place_is_still_said() {
    let c = compile_files(&[], &[]);
    assert!(render(&c.sources, &c.diagnostics, false, true).contains("no `bot` declaration"));
    assert!(github(&c.sources, &c.diagnostics).starts_with("::error title=F0203::"));
    assert!(sarif(&c.sources, &c.diagnostics).contains("\"locations\": []"));
}
