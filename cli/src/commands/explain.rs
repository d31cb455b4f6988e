//! `flowc explain`.

use crate::args::ExplainArgs;
use crate::output::print;
use flow_compiler::checks::explain;
use std::process::ExitCode;

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let Some(code) = &args.code else {
        let mut out = String::new();
        for code in explain::CODES {
            out.push_str(&format!("{}  {}\n", code.code, code.title));
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
