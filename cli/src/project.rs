//! Loading and compiling a bot for a command.

use crate::output::{complain, print_error};
use flow_compiler::{Compilation, Compiler, Options};
use flow_simulator::Program;
use std::path::Path;
use std::sync::Arc;

/// Loads and compiles a folder as of today.
pub(crate) fn compile(
    folder: &Path,
    date: Option<jiff::civil::Date>,
) -> anyhow::Result<(flow_loader::Loaded, Compilation)> {
    let loaded = flow_loader::load(folder)?;
    let date = date.unwrap_or_else(|| jiff::Zoned::now().date());
    let compilation = Compiler::default().compile(&loaded.project, &Options { date });
    Ok((loaded, compilation))
}

/// Compiles a folder to run it; `None` after its findings were printed, because some are errors.
pub(crate) fn program(folder: &Path) -> anyhow::Result<Option<(Compilation, Arc<Program>)>> {
    let (_, compilation) = compile(folder, None)?;
    let Some(machine) = compilation.runnable() else {
        let errors: Vec<_> = compilation
            .diagnostics
            .iter()
            .filter(|d| d.severity == flow_grammar::Severity::Error)
            .cloned()
            .collect();
        print_error(&crate::commands::check::text(&compilation.sources, &errors));
        complain!(
            "flowc: {} must be mended before the bot can run",
            crate::output::count(errors.len(), "error")
        );
        return Ok(None);
    };
    let program = Program::new(machine).map_err(|e| anyhow::anyhow!(e))?;
    Ok(Some((compilation, Arc::new(program))))
}
