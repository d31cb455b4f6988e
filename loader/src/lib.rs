//! From a folder on disk to the texts that the compiler is given.
//!
//! What lives here: finding the project root, reading `.flow` files, following `use`, and reading what `hook` and `knowledge` name; always
//! inside the root, only regular files, with limits. What does not: any meaning of what was read; what cannot be read is passed on as
//! such, so that the compiler reports it at the place that named it.
//!
//! The **project root** is the nearest folder above the bot that holds a `flow.toml` or a `.git`; where there is none, the folder that holds
//! the bot's folder.

mod read;
mod refs;

use flow_compiler::sources::Project;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What is read at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Files.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 16 << 20,
            total_bytes: 128 << 20,
            files: 20_000,
        }
    }
}

/// Why a folder cannot be a bot at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such folder.
    #[error("there is no folder `{0}`; name the folder that holds your `.flow` files")]
    Missing(String),
    /// It is a file.
    #[error("`{0}` is a file; a bot is a folder, so name the folder that holds it")]
    NotAFolder(String),
    /// The operating system refuses.
    #[error("cannot read `{0}`: {1}")]
    Unreadable(String, std::io::Error),
}

/// The texts of a bot and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The texts.
    pub project: Project,
    /// The project root on disk; paths in the project are relative to it.
    pub root: PathBuf,
    /// The bot's folder on disk.
    pub folder: PathBuf,
    /// Every folder that was read or looked into, to be watched.
    pub folders: BTreeSet<PathBuf>,
}

/// Reads a bot's folder with the usual limits.
///
/// # Errors
/// If the folder itself cannot be read. What is wrong inside is passed on in the project.
pub fn load(folder: &Path) -> Result<Loaded, LoadError> {
    load_with(folder, Limits::default(), &BTreeMap::new())
}

/// Reads a bot's folder; `overlay` replaces the texts of files (absolute paths), as an editor has them.
///
/// # Errors
/// If the folder itself cannot be read.
pub fn load_with(
    folder: &Path,
    limits: Limits,
    overlay: &BTreeMap<PathBuf, Arc<str>>,
) -> Result<Loaded, LoadError> {
    let shown = folder.display().to_string();
    let folder = match folder.canonicalize() {
        Ok(path) => path,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadError::Missing(shown));
        }
        Err(e) => return Err(LoadError::Unreadable(shown, e)),
    };
    if !folder.is_dir() {
        return Err(LoadError::NotAFolder(shown));
    }
    std::fs::read_dir(&folder).map_err(|e| LoadError::Unreadable(shown, e))?;
    let root = project_root(&folder);
    let mut reader = read::Reader::new(root.clone(), limits, overlay);
    let mut folders = BTreeSet::from([folder.clone()]);
    let mut queue = VecDeque::from([folder.clone()]);
    let mut seen = BTreeSet::from([folder.clone()]);
    while let Some(dir) = queue.pop_front() {
        for file in reader.flow_files(&dir) {
            let Some(text) = reader.flow(&file) else {
                continue;
            };
            for reference in refs::references(&text) {
                match reference {
                    refs::Reference::Use(path) => {
                        let Some(target) = reader.inside(&dir, &path) else {
                            continue;
                        };
                        match target.canonicalize() {
                            Ok(real) if real.starts_with(&root) && real.is_dir() => {
                                folders.insert(real.clone());
                                if seen.insert(real.clone()) {
                                    queue.push_back(real);
                                }
                            }
                            Ok(real) if real.is_dir() => {
                                reader.refuse(&target, "it leads out of the project")
                            }
                            Ok(_) => reader.refuse(&target, "it is a file; `use` names a folder"),
                            Err(_) => {}
                        }
                    }
                    refs::Reference::File(path) => {
                        if let Some(target) = reader.inside(&dir, &path) {
                            reader.other(&target);
                        }
                    }
                    refs::Reference::Glob(pattern) => folders.extend(reader.glob(&dir, &pattern)),
                }
            }
        }
    }
    let relative = relative(&root, &folder).unwrap_or_default();
    Ok(Loaded {
        project: reader.into_project(relative),
        root,
        folder,
        folders,
    })
}

/// The nearest folder above (or at) `folder` with a `flow.toml` or `.git`, else its parent.
#[must_use]
pub fn project_root(folder: &Path) -> PathBuf {
    folder
        .ancestors()
        .find(|dir| dir.join("flow.toml").is_file() || dir.join(".git").exists())
        .map_or_else(
            || folder.parent().unwrap_or(folder).to_path_buf(),
            Path::to_path_buf,
        )
}

/// `path` relative to `root`, with `/`; `None` if it is not below it.
fn relative(root: &Path, path: &Path) -> Option<SmolStr> {
    let rest = path.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = rest.components().map(|c| c.as_os_str().to_str()).collect();
    Some(SmolStr::new(parts?.join("/")))
}

/// `..` and `.` resolved by name alone; `None` if it climbs above the file system's root.
fn normalise(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            other => out.push(other),
        }
    }
    Some(out)
}
