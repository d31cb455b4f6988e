//! Helpers of the tests of this crate.

use crate::sources::Project;
use crate::{Compilation, Compiler, Options};

/// A small bot around which a test puts its own declarations.
pub(crate) const HEAD: &str = r#"
bot demo { languages en; channels web; tiers bot -> ai -> human; start greet; discloses "I am a machine." }
tier bot: scripted { cost 0.02 USD }
tier ai: model { turns at most 8 }
tier human: people { cost 5 USD }
team support { hours always }
route human {
  | intent | team    | priority |
  | _      | support | standard |
}
handoff human { say "I'll get you to a person." }
"#;

/// Compiles files; the first folder is the root.
pub(crate) fn compile_files(flow: &[(&str, &str)], other: &[(&str, &str)]) -> Compilation {
    let mut project = Project {
        flow_files: flow
            .iter()
            .map(|(p, t)| ((*p).into(), (*t).into()))
            .collect(),
        other_files: other
            .iter()
            .map(|(p, t)| ((*p).into(), (*t).into()))
            .collect(),
        ..Project::default()
    };
    project.flow_files.sort();
    project.other_files.sort();
    Compiler::new().compile(
        &project,
        &Options {
            date: jiff::civil::date(2026, 3, 2),
        },
    )
}

/// Compiles one file that stands alone.
pub(crate) fn compile(text: &str) -> Compilation {
    compile_files(&[("bot.flow", text)], &[])
}

/// Compiles declarations beside [`HEAD`].
pub(crate) fn with_head(text: &str) -> Compilation {
    compile(&format!("{HEAD}{text}"))
}

/// Codes with what their primary labels show, in order; codes of `F0205` and flow analyses aside unless asked for.
pub(crate) fn found<'c>(c: &'c Compilation, codes: &[&str]) -> Vec<(&'static str, &'c str)> {
    c.diagnostics
        .iter()
        .filter(|d| codes.is_empty() || codes.contains(&d.code))
        .map(|d| {
            (
                d.code,
                d.labels.first().map_or("", |l| c.sources.snippet(l.at)),
            )
        })
        .collect()
}
