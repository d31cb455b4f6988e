//! `flowc explain`.

use crate::args::ExplainArgs;
use crate::output::print;
use flow_compiler::checks::explain;
use std::process::ExitCode;

pub fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let Some(code) = &args.code else {
        let mut out = String::new();
        for (code, page) in explain::all() {
            let title = page.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']);
            let title = title.trim_start_matches(code).trim_start_matches([':', ' ']);
            out.push_str(&format!("{code}  {title}\n"));
        }
        print(&out);
        return Ok(ExitCode::SUCCESS);
    };
    let wanted = code.to_uppercase();
    match explain::explain(&wanted) {
        Some(page) => {
            print(page);
            Ok(ExitCode::SUCCESS)
        }
        None => anyhow::bail!("there is no finding `{code}`; `flowc explain` lists all codes"),
    }
}
