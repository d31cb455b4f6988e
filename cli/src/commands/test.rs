//! `flowc test`.

use crate::args::{PlainFormat, TestArgs};
use crate::output::{complain, count, paint, print};
use crate::project;
use flow_compiler::sources::Sources;
use flow_grammar::Loc;
use flow_simulator::{Coverage, Part, Share, TestResult, run_tests};
use owo_colors::Style;
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let Some((compilation, program)) = project::program(&args.folder)? else {
        return Ok(ExitCode::FAILURE);
    };
    if program.machine().tests.is_empty() {
        anyhow::bail!(
            "`{}` has no tests; write `test \"..\" {{ .. }}` in a flow file",
            args.folder.display()
        );
    }
    let results = run_tests(&program, &args.filter);
    if results.is_empty() {
        anyhow::bail!("no test has `{}` in its title", args.filter);
    }
    let mut coverage = Coverage::default();
    for result in &results {
        coverage.add(&result.coverage);
    }
    let shares = coverage.shares(program.machine());
    let sources = &compilation.sources;
    match args.format {
        PlainFormat::Text => print(&text(sources, &results, &shares, args)),
        PlainFormat::Json => print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&as_json(sources, &results, &shares))?
        )),
    }
    let failed = results.iter().any(|r| r.failure.is_some());
    let (hit, of) = shares
        .iter()
        .fold((0, 0), |(h, o), s| (h + s.hit, o + s.of));
    let too_little = args
        .min_coverage
        .is_some_and(|min| hit * 100 < usize::from(min) * of);
    if too_little {
        complain!(
            "flowc: {hit} of {of} exercised is less than the {}% that were asked for",
            args.min_coverage.unwrap_or_default()
        );
    }
    Ok(if failed || too_little {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn text(sources: &Sources, results: &[TestResult], shares: &[Share], args: &TestArgs) -> String {
    let mut out = String::new();
    let (green, red, dim) = (
        Style::new().green(),
        Style::new().red().bold(),
        Style::new().dimmed(),
    );
    for result in results {
        let Some(failure) = &result.failure else {
            out.push_str(&format!("{} {}\n", paint("pass", green), result.title));
            continue;
        };
        out.push_str(&format!("{} {}\n", paint("FAIL", red), result.title));
        let line = sources
            .snippet(failure.at)
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        out.push_str(&format!(
            "     {}  {}\n",
            paint(&place(sources, failure.at), dim),
            line
        ));
        out.push_str(&format!("     {}\n", failure.message));
        if !failure.said.is_empty() {
            out.push_str(&format!("     {}\n", paint("said so far:", dim)));
            for said in &failure.said {
                out.push_str(&format!("       {}\n", said.replace('\n', "\n       ")));
            }
        }
        if args.why {
            for decision in failure.why.iter().rev() {
                out.push_str(&format!("     {}\n", paint("why:", dim)));
                for line in super::run::explain(decision).lines() {
                    out.push_str(&format!("       {line}\n"));
                }
            }
        }
    }
    let failed = results.iter().filter(|r| r.failure.is_some()).count();
    out.push_str(&format!(
        "\n{} passed, {failed} failed\n",
        results.len() - failed
    ));
    let shown: Vec<String> = shares
        .iter()
        .map(|s| format!("{} {}/{}", words(s.part), s.hit, s.of))
        .collect();
    out.push_str(&format!("exercised: {}\n", shown.join(", ")));
    let missed: usize = shares.iter().map(|s| s.missed.len()).sum();
    if args.uncovered {
        for share in shares {
            for (name, loc) in &share.missed {
                out.push_str(&format!(
                    "  no test: {} {name}  {}\n",
                    words_one(share.part),
                    paint(&place(sources, *loc), dim)
                ));
            }
        }
    } else if missed > 0 {
        out.push_str(&format!(
            "{} that no test exercised; `--uncovered` lists them\n",
            count(missed, "thing")
        ));
    }
    out
}

fn as_json(sources: &Sources, results: &[TestResult], shares: &[Share]) -> serde_json::Value {
    let tests: Vec<_> = results
        .iter()
        .map(|r| {
            json!({
                "title": r.title,
                "at": place(sources, r.at),
                "passed": r.failure.is_none(),
                "failure": r.failure.as_ref().map(|f| json!({ "at": place(sources, f.at), "message": f.message, "said": f.said })),
            })
        })
        .collect();
    let coverage: serde_json::Map<String, serde_json::Value> = shares
        .iter()
        .map(|s| {
            let missed: Vec<_> = s
                .missed
                .iter()
                .map(|(name, loc)| json!({ "name": name, "at": place(sources, *loc) }))
                .collect();
            (
                words(s.part).to_owned(),
                json!({ "exercised": s.hit, "of": s.of, "missed": missed }),
            )
        })
        .collect();
    let failed = results.iter().filter(|r| r.failure.is_some()).count();
    json!({ "tests": tests, "passed": results.len() - failed, "failed": failed, "coverage": coverage })
}

fn place(sources: &Sources, loc: Loc) -> String {
    sources
        .position(loc)
        .map(|p| format!("{}:{}", p.file, p.line))
        .unwrap_or_default()
}

const fn words(part: Part) -> &'static str {
    match part {
        Part::Node => "nodes",
        Part::Transition => "transitions",
        Part::Rule => "rules",
        Part::Row => "rows",
    }
}

const fn words_one(part: Part) -> &'static str {
    match part {
        Part::Node => "node",
        Part::Transition => "transition",
        Part::Rule => "rule",
        Part::Row => "row",
    }
}
