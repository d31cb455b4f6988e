//! `flowc diff`: two versions of a bot compared by meaning.

use crate::args::{DiffArgs, PlainFormat};
use crate::output::{complain, count, paint, print, print_error};
use crate::project;
use anyhow::{Context, anyhow, bail};
use flow_compiler::diff::{Case, Change, Diff, How, Move, diff};
use flow_compiler::machine::Machine;
use flow_compiler::sources::Position;
use flow_grammar::Severity;
use owo_colors::Style;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

/// How many texts, nodes and the like are listed with their lines; of more only the names.
const WITH_LINES: usize = 60;

pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let old = Version::find(&args.old, &args.new)?;
    let new = Version::find(&args.new, &args.old)?;
    let date = args.date.unwrap_or_else(|| jiff::Zoned::now().date());
    let diff = diff(&*old.machine(&args.old)?, &*new.machine(&args.new)?, date);
    match args.format {
        PlainFormat::Text => print(&text(&diff)),
        PlainFormat::Json => print(&format!("{}\n", serde_json::to_string_pretty(&diff)?)),
    }
    Ok(if diff.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A folder on disk, perhaps one that was taken out of git and goes away with this.
struct Version {
    folder: PathBuf,
    _kept: Option<tempfile::TempDir>,
}

impl Version {
    /// A folder, `REV:PATH`, or a revision of the folder that the other side names.
    fn find(what: &str, other: &str) -> anyhow::Result<Self> {
        let path = Path::new(what);
        if path.is_dir() {
            return Ok(Self {
                folder: path.to_path_buf(),
                _kept: None,
            });
        }
        let (rev, folder) = match what.split_once(':') {
            // As git reads it: from the top, or from here if it begins with `./`.
            Some((rev, path))
                if path == "." || path.starts_with("./") || path.starts_with("../") =>
            {
                (rev, inside(Path::new("."), Path::new(path))?)
            }
            Some((rev, path)) => (rev, (top(Path::new("."))?, PathBuf::from(path))),
            None => {
                let there = other.split_once(':').map_or(other, |(_, path)| path);
                let there = Path::new(there);
                if !there.is_dir() {
                    bail!(
                        "`{what}` is no folder; to compare two revisions name the folder in both, as in `{what}:my_bot`"
                    );
                }
                (what, inside(there, Path::new("."))?)
            }
        };
        Self::from_git(&folder.0, rev, &folder.1)
    }

    /// The repository at a revision, in a folder of its own: `use` and `knowledge` may lead out of the bot's folder.
    fn from_git(top: &Path, rev: &str, folder: &Path) -> anyhow::Result<Self> {
        let commit = git(
            top,
            &[
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &format!("{rev}^{{commit}}"),
            ],
        )
        .map_err(|error| {
            let what = format!("`{rev}` is neither a folder nor a git revision");
            // Git says nothing of a revision that there is not.
            if error.to_string().is_empty() {
                anyhow!(what)
            } else {
                error.context(what)
            }
        })?;
        let kept = tempfile::tempdir().context("no temporary folder")?;
        let mut archive = Command::new("git")
            .arg("-C")
            .arg(top)
            .args(["archive", "--format=tar", commit.trim()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run git")?;
        let tar = archive.stdout.take().context("git has no output")?;
        let unpacked = Command::new("tar")
            .arg("-x")
            .arg("-C")
            .arg(kept.path())
            .stdin(tar)
            .stderr(Stdio::null())
            .status()
            .context("cannot run tar")?;
        let out = archive.wait_with_output()?;
        if !out.status.success() || !unpacked.success() {
            bail!(
                "git cannot give the files of `{rev}`: {}",
                String::from_utf8_lossy(&out.stderr).trim()
            );
        }
        // The project's root is where the repository's was.
        std::fs::write(kept.path().join(".git"), "")?;
        let folder = kept.path().join(folder);
        if !folder.is_dir() {
            bail!(
                "`{rev}` has no folder `{}`",
                folder
                    .strip_prefix(kept.path())
                    .unwrap_or(&folder)
                    .display()
            );
        }
        Ok(Self {
            folder,
            _kept: Some(kept),
        })
    }

    fn machine(&self, name: &str) -> anyhow::Result<Arc<Machine>> {
        let (_, compilation) = project::compile(&self.folder, None)?;
        let errors = compilation.diagnostics.iter();
        let errors = errors.filter(|d| d.severity == Severity::Error).cloned();
        // What a test asserts is no part of what the bot means: one that names what was removed keeps nobody from comparing.
        let (of_tests, errors): (Vec<_>, Vec<_>) = errors.partition(|d| d.code == "F1201");
        if errors.is_empty() {
            if !of_tests.is_empty() {
                complain!(
                    "flowc: {} in the tests of `{name}` (F1201), which are not compared",
                    count(of_tests.len(), "error")
                );
            }
            return Ok(compilation.machine);
        }
        print_error(&super::check::text(&compilation.sources, &errors));
        bail!(
            "`{name}` has {}; only bots without errors can be compared",
            count(errors.len(), "error")
        )
    }
}

/// The repository of a folder and the path of `path`, seen from that folder, in it.
fn inside(from: &Path, path: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let top = top(from)?;
    let full = from.join(path);
    // The folder may be gone today; what is there of it says where it was.
    let full = full
        .canonicalize()
        .or_else(|_| std::path::absolute(&full))?;
    let inside = full
        .strip_prefix(&top)
        .with_context(|| format!("`{}` lies outside the repository", full.display()))?;
    Ok((top.clone(), inside.to_path_buf()))
}

fn top(folder: &Path) -> anyhow::Result<PathBuf> {
    let top = git(folder, &["rev-parse", "--show-toplevel"])
        .with_context(|| format!("`{}` is in no git repository", folder.display()))?;
    Ok(Path::new(top.trim_end_matches(['\r', '\n'])).canonicalize()?)
}

fn git(folder: &Path, args: &[&str]) -> anyhow::Result<String> {
    let out = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .output()
        .context("cannot run git")?;
    if !out.status.success() {
        bail!(
            "{}",
            String::from_utf8_lossy(&out.stderr)
                .trim()
                .trim_start_matches("fatal: ")
        );
    }
    Ok(String::from_utf8(out.stdout)?)
}

fn text(d: &Diff) -> String {
    let mut out = String::new();
    if d.is_empty() {
        line(&mut out, "no change in meaning");
        return out;
    }
    if !d.cases.is_empty() {
        head(&mut out, "Who escalates and goes where");
        let mut last = None;
        for case in &d.cases {
            let title = (case.kind, &case.name);
            if last != Some(title) {
                let at = case.new_at.as_ref().or(case.old_at.as_ref());
                line(
                    &mut out,
                    &format!("  {} {}{}", case.kind, case.name, place(at)),
                );
                last = Some(title);
            }
            cases(&mut out, case);
        }
    }
    if !d.times.is_empty() {
        head(&mut out, "When people are there");
        for t in &d.times {
            line(
                &mut out,
                &format!("  {} {}{}", t.kind, t.name, place(t.at.as_ref())),
            );
            for (what, times) in [("closed", &t.closes), ("open", &t.opens)] {
                if !times.is_empty() {
                    let now = paint(&format!("{what} now"), Style::new().bold());
                    line(&mut out, &format!("    {now}: {}", times.join("; ")));
                }
            }
            line(
                &mut out,
                &format!("    first on {}, in {}", t.first, t.timezone),
            );
        }
    }
    for limit in &d.limits {
        line(&mut out, &format!("  note: {limit}"));
    }
    if !d.changes.is_empty() {
        head(&mut out, "What changed");
        for (n, change) in d.changes.iter().enumerate() {
            changed(&mut out, change, n < WITH_LINES);
        }
    }
    head(&mut out, "Running conversations");
    let new = d.places.iter().filter(|p| p.what == Move::New).count();
    line(
        &mut out,
        &format!(
            "  {} kept as they are: who waits there moves",
            count(d.kept, "place")
        ),
    );
    for p in &d.places {
        let what = match p.what {
            Move::Moves => "moves",
            Move::Depends => "depends",
            Move::Stays => "stays",
            Move::New => continue,
        };
        line(
            &mut out,
            &format!("  {what:<8} {}: {}{}", p.place, p.why, place(p.at.as_ref())),
        );
    }
    for stay in &d.stays {
        line(&mut out, &format!("  {stay}"));
    }
    if new > 0 {
        let names: Vec<&str> = d
            .places
            .iter()
            .filter(|p| p.what == Move::New)
            .map(|p| p.place.as_str())
            .collect();
        line(
            &mut out,
            &format!(
                "  {} only in the new version: {}",
                count(new, "place"),
                names.join(", ")
            ),
        );
    }
    out
}

fn cases(out: &mut String, case: &Case) {
    let when = if case.when.is_empty() {
        "always"
    } else {
        &case.when
    };
    line(
        out,
        &format!(
            "    {when}: {} -> {}",
            case.old,
            paint(&case.new, Style::new().bold())
        ),
    );
    if let Some((old, new)) = &case.overall {
        line(
            out,
            &format!("      all rules together, everything else quiet: {old} -> {new}"),
        );
    }
}

fn changed(out: &mut String, c: &Change, with_lines: bool) {
    let (mark, style) = match c.how {
        How::Added => ("+", Style::new().green()),
        How::Removed => ("-", Style::new().red()),
        How::Renamed | How::Changed | How::Moved => ("~", Style::new().yellow()),
    };
    let how = match (c.how, &c.was) {
        (How::Renamed, Some(was)) => format!(", was {was}"),
        (How::Moved, _) => ", stands elsewhere among the rows".to_owned(),
        _ => String::new(),
    };
    let places = match (&c.old_at, &c.new_at) {
        (Some(a), Some(b)) if a.file != b.file || a.line != b.line => {
            format!("{} ->{}", place(Some(a)), place(Some(b)))
        }
        (a, b) => place(b.as_ref().or(a.as_ref())),
    };
    line(
        out,
        &format!(
            "  {} {}{how}{places}",
            paint(mark, style),
            // Of what there is only one the kind is its name.
            if c.kind == c.name {
                c.kind.to_owned()
            } else {
                format!("{} {}", c.kind, c.name)
            },
        ),
    );
    if with_lines {
        for l in &c.removed {
            line(out, &paint(&format!("      - {l}"), Style::new().red()));
        }
        for l in &c.added {
            line(out, &paint(&format!("      + {l}"), Style::new().green()));
        }
    }
}

fn place(at: Option<&Position>) -> String {
    at.map(|p| paint(&format!("  {}:{}", p.file, p.line), Style::new().dimmed()))
        .unwrap_or_default()
}

fn head(out: &mut String, title: &str) {
    if !out.is_empty() {
        line(out, "");
    }
    line(out, &paint(title, Style::new().bold()));
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
