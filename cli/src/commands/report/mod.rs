//! `flowc report`: what is proven of a bot.

mod html;
mod text;

use crate::args::{ReportArgs, ReportFormat};
use crate::output::{complain, count, print, print_error};
use crate::project;
use flow_compiler::report::report;
use flow_grammar::Severity;
use std::process::ExitCode;

pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let date = args.date.unwrap_or_else(|| jiff::Zoned::now().date());
    let (_, compilation) = project::compile(&args.folder, Some(date))?;
    let Some(machine) = compilation.runnable() else {
        let errors: Vec<_> = compilation
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .cloned()
            .collect();
        print_error(&super::check::text(&compilation.sources, &errors));
        complain!(
            "flowc: {} must be mended before anything is proven",
            count(errors.len(), "error")
        );
        return Ok(ExitCode::FAILURE);
    };
    let report = report(&machine, date);
    match args.format {
        ReportFormat::Text => print(&text::render(&report)),
        ReportFormat::Json => print(&format!("{}\n", serde_json::to_string_pretty(&report)?)),
        ReportFormat::Html => print(&html::render(&report)),
    }
    Ok(ExitCode::SUCCESS)
}

/// `09:00`, of minutes from midnight.
fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The open times of a day in words.
fn day(open: &[(u16, u16)]) -> String {
    match open {
        [] => "closed".to_owned(),
        [(0, 1440)] => "all day".to_owned(),
        spans => spans
            .iter()
            .map(|(a, b)| format!("{}-{}", clock(*a), clock(*b)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// `42h 30m`.
fn hours(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (h, 0) => format!("{h}h"),
        (h, m) => format!("{h}h {m}m"),
    }
}

/// A share in percent, at most one digit after the point.
fn percent(share: f64) -> String {
    let p = (share * 1000.0).round() / 10.0;
    format!("{p}%")
}
