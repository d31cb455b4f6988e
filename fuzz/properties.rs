//! What holds for any text at all. The fuzz targets and the compiler's test of mutations share it.

use flow_compiler::sources::Project;
use flow_compiler::{Compiler, Options};
use flow_grammar::{format, parse_uncached, same_meaning};

/// Parsing takes every text: between the declarations there is only blank space, and every finding lies inside its own.
pub(crate) fn parses(text: &str) {
    let tree = parse_uncached(text);
    let mut end = 0;
    for placed in &tree.decls {
        let start = placed.offset as usize;
        let gap = text.get(end..start);
        assert!(gap.is_some_and(|g| g.trim().is_empty()), "lost {gap:?}");
        end = start + placed.len as usize;
        let own = text.get(start..end);
        assert!(own.is_some(), "cut inside a character");
        for found in &placed.tree.diagnostics {
            for label in &found.labels {
                let range = label.at.start as usize..label.at.end as usize;
                assert!(
                    own.is_some_and(|t| t.get(range).is_some()),
                    "a finding outside its declaration: {found:?}"
                );
            }
        }
    }
    let rest = text.get(end..);
    assert!(rest.is_some_and(|r| r.trim().is_empty()), "lost {rest:?}");
}

/// Formatting twice gives the same as once, changes no meaning and loses no comment.
pub(crate) fn formats(text: &str) {
    let once = format(text);
    assert_eq!(format(&once), once, "formatting is not done at once");
    assert!(
        same_meaning(&parse_uncached(text), &parse_uncached(&once)),
        "formatting changed the meaning"
    );
}

/// The whole compiler takes every project; findings lie inside their sources, and remembering changes nothing.
pub(crate) fn checks(compiler: &mut Compiler, files: &[(&str, &str)]) {
    let mut project = Project::default();
    for (path, text) in files {
        if !project.flow_files.iter().any(|(p, _)| p == path) {
            project.flow_files.push(((*path).into(), (*text).into()));
        }
    }
    project.flow_files.sort();
    let options = Options {
        date: jiff::civil::date(2026, 3, 2),
    };
    let compilation = compiler.compile(&project, &options);
    for found in &compilation.diagnostics {
        for label in &found.labels {
            let place = compilation.sources.resolve(label.at);
            assert!(
                place.is_none_or(|(file, range)| file.text.get(range).is_some()),
                "a finding outside its file: {found:?}"
            );
        }
    }
}
