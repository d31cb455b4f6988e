//! What holds for any text at all. The fuzz targets and the compiler's test of mutations share it.

use flow_compiler::mend::Mending;
use flow_compiler::sources::Project;
use flow_compiler::{Compilation, Compiler, Options, render};
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

/// The whole compiler takes every project; findings and repairs lie inside its files, and can be shown and carried out.
pub(crate) fn checks(compiler: &mut Compiler, files: &[(&str, &str)]) {
    let project = project(files);
    let compilation = compiler.compile(&project, &options());
    let sources = &compilation.sources;
    for found in &compilation.diagnostics {
        for label in &found.labels {
            let place = sources.resolve(label.at);
            assert!(
                place.is_none_or(|(file, range)| file.text.get(range).is_some()),
                "a finding outside its file: {found:?}"
            );
        }
    }
    // Of thousands of findings the first tell enough.
    let first = compilation.diagnostics.iter().take(40);
    for fix in first.flat_map(|d| &d.fixes) {
        let mut mending = Mending::default();
        assert!(mending.add(sources, fix), "a repair of no place: {fix:?}");
        for (file, text) in mending.files() {
            assert_ne!(*file.text, *text, "a repair of nothing: {fix:?}");
        }
    }
    let shown = compilation.diagnostics.get(..40);
    let shown = shown.unwrap_or(&compilation.diagnostics);
    let text = render::text(sources, shown, false);
    assert_eq!(text.is_empty(), shown.is_empty(), "nothing is shown");
    for data in [render::json(sources, shown), render::sarif(sources, shown)] {
        assert!(data.starts_with('{') && data.ends_with('}'), "{data}");
    }
}

/// What was compiled before changes nothing: after an edit the same is found as from cold.
pub(crate) fn remembers(compiler: &mut Compiler, before: &[(&str, &str)], after: &[(&str, &str)]) {
    compiler.compile(&project(before), &options());
    let project = project(after);
    let (warm, cold) = (
        compiler.compile(&project, &options()),
        Compiler::new().compile(&project, &options()),
    );
    let found = |c: &Compilation| render::json(&c.sources, &c.diagnostics);
    assert_eq!(found(&warm), found(&cold), "an edit is found otherwise");
    assert_eq!(warm.runnable().is_some(), cold.runnable().is_some());
}

fn options() -> Options {
    Options {
        date: jiff::civil::date(2026, 3, 2),
    }
}

fn project(files: &[(&str, &str)]) -> Project {
    let mut project = Project::default();
    for (path, text) in files {
        if !project.flow_files.iter().any(|(p, _)| p == path) {
            project.flow_files.push(((*path).into(), (*text).into()));
        }
    }
    project.flow_files.sort();
    project
}
