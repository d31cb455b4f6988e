//! Reading files inside the project root: regular ones only, within limits.

use crate::{Limits, normalise, relative};
use flow_compiler::sources::Project;
use globset::GlobBuilder;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deep a `**` looks.
const DEPTH: usize = 16;

pub(crate) struct Reader<'a> {
    root: PathBuf,
    limits: Limits,
    overlay: &'a BTreeMap<PathBuf, Arc<str>>,
    flow: BTreeMap<SmolStr, Arc<str>>,
    other: BTreeMap<SmolStr, Arc<str>>,
    unreadable: BTreeMap<SmolStr, String>,
    total: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        root: PathBuf,
        limits: Limits,
        overlay: &'a BTreeMap<PathBuf, Arc<str>>,
    ) -> Self {
        Self {
            root,
            limits,
            overlay,
            flow: BTreeMap::new(),
            other: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            total: 0,
        }
    }

    pub(crate) fn into_project(self, root: SmolStr) -> Project {
        Project {
            root,
            flow_files: self.flow.into_iter().collect(),
            other_files: self.other.into_iter().collect(),
            unreadable: self.unreadable.into_iter().collect(),
        }
    }

    /// Notes why a path was not read.
    pub(crate) fn refuse(&mut self, path: &Path, why: impl Into<String>) {
        let name =
            relative(&self.root, path).unwrap_or_else(|| SmolStr::new(path.to_string_lossy()));
        self.unreadable.insert(name, why.into());
    }

    /// The path that `reference` names from `dir`, if it stays inside the root by name. The compiler reports the others by itself.
    pub(crate) fn inside(&self, dir: &Path, reference: &str) -> Option<PathBuf> {
        if Path::new(reference).is_absolute() {
            return None;
        }
        normalise(&dir.join(reference)).filter(|p| p.starts_with(&self.root))
    }

    /// The `.flow` files directly in a folder, sorted; those that an editor has and the disk has not are among them.
    pub(crate) fn flow_files(&mut self, dir: &Path) -> Vec<PathBuf> {
        let mut files: BTreeSet<PathBuf> = self
            .overlay
            .keys()
            .filter(|p| p.parent() == Some(dir) && is_flow(p))
            .cloned()
            .collect();
        match std::fs::read_dir(dir) {
            Ok(entries) => files.extend(entries.flatten().map(|e| e.path()).filter(|p| is_flow(p))),
            Err(e) => self.refuse(dir, e.to_string()),
        }
        files.into_iter().collect()
    }

    /// Reads a flow file.
    pub(crate) fn flow(&mut self, path: &Path) -> Option<Arc<str>> {
        let name = relative(&self.root, path)?;
        if let Some(text) = self.flow.get(&name) {
            return Some(Arc::clone(text));
        }
        let text = self.text(path)?;
        self.flow.insert(name, Arc::clone(&text));
        Some(text)
    }

    /// Reads another file; one that is not there is not noted (the compiler knows that it is missing).
    pub(crate) fn other(&mut self, path: &Path) {
        let Some(name) = relative(&self.root, path) else {
            return;
        };
        if self.other.contains_key(&name) {
            return;
        }
        if let Some(text) = self.text(path) {
            self.other.insert(name, text);
        }
    }

    /// Reads all files that fit a pattern; returns the folders that were looked into.
    pub(crate) fn glob(&mut self, dir: &Path, pattern: &str) -> Vec<PathBuf> {
        let fixed: PathBuf = Path::new(pattern)
            .components()
            .take_while(|c| {
                !c.as_os_str()
                    .to_string_lossy()
                    .contains(['*', '?', '[', '{'])
            })
            .collect();
        let Some(full) = self.inside(dir, pattern) else {
            return Vec::new();
        };
        let Some(full) = full.to_str().map(str::to_owned) else {
            return Vec::new();
        };
        let Ok(glob) = GlobBuilder::new(&full).literal_separator(true).build() else {
            return Vec::new();
        };
        let glob = glob.compile_matcher();
        let Some(start) = self.inside(dir, &fixed.to_string_lossy()) else {
            return Vec::new();
        };
        if start.is_file() || (!start.is_dir() && start.symlink_metadata().is_ok()) {
            self.other(&start);
            return start.parent().map(Path::to_path_buf).into_iter().collect();
        }
        let mut folders = Vec::new();
        let mut stack = vec![(start, 0)];
        while let Some((folder, depth)) = stack.pop() {
            let Ok(real) = folder.canonicalize() else {
                continue;
            };
            if !real.starts_with(&self.root) {
                self.refuse(&folder, "it leads out of the project");
                continue;
            }
            let Ok(entries) = std::fs::read_dir(&real) else {
                continue;
            };
            folders.push(folder.clone());
            let mut paths: Vec<PathBuf> = entries
                .flatten()
                .map(|e| folder.join(e.file_name()))
                .collect();
            paths.sort();
            for path in paths {
                // A linked folder is not entered: it could lead in a circle.
                let is_dir = path.symlink_metadata().is_ok_and(|m| m.is_dir());
                if is_dir {
                    if depth < DEPTH && pattern.contains("**")
                        || depth == 0 && pattern.matches('/').count() > fixed.components().count()
                    {
                        stack.push((path, depth + 1));
                    }
                } else if glob.is_match(&path) {
                    self.other(&path);
                }
            }
        }
        folders
    }

    fn text(&mut self, path: &Path) -> Option<Arc<str>> {
        if let Some(text) = self.overlay.get(path) {
            return Some(Arc::clone(text));
        }
        match self.read(path) {
            Ok(text) => Some(text),
            Err(None) => None,
            Err(Some(why)) => {
                self.refuse(path, why);
                None
            }
        }
    }

    /// `Err(None)`: there is no such file.
    fn read(&mut self, path: &Path) -> Result<Arc<str>, Option<String>> {
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(e)
                if e.kind() == std::io::ErrorKind::NotFound && path.symlink_metadata().is_err() =>
            {
                return Err(None);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Some("it is a link to nothing".to_owned()));
            }
            // The numbers differ between systems, the text does not.
            Err(e) if e.to_string().contains("symbolic links") => {
                return Err(Some("its links lead in a circle".to_owned()));
            }
            Err(e) => return Err(Some(e.to_string())),
        };
        if !real.starts_with(&self.root) {
            return Err(Some("it leads out of the project".to_owned()));
        }
        let meta = real.metadata().map_err(|e| Some(e.to_string()))?;
        if meta.is_dir() {
            return Err(Some("it is a folder".to_owned()));
        }
        if !meta.is_file() {
            return Err(Some("it is not a regular file".to_owned()));
        }
        if self.flow.len() + self.other.len() >= self.limits.files {
            return Err(Some(format!(
                "the project has more than {} files",
                self.limits.files
            )));
        }
        let file = std::fs::File::open(&real).map_err(|e| Some(e.to_string()))?;
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).min(1 << 20));
        // The limit holds while reading: a file may grow meanwhile.
        file.take(self.limits.file_bytes + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| Some(e.to_string()))?;
        let size = bytes.len() as u64;
        if size > self.limits.file_bytes {
            return Err(Some(format!(
                "it is larger than {} MiB",
                self.limits.file_bytes >> 20
            )));
        }
        self.total += size;
        if self.total > self.limits.total_bytes {
            return Err(Some(format!(
                "the project is larger than {} MiB",
                self.limits.total_bytes >> 20
            )));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Arc::from(
                text.strip_prefix('\u{feff}').map_or(text.as_str(), |t| t),
            )),
            Err(e) => {
                let at = e.utf8_error().valid_up_to();
                let line = e
                    .as_bytes()
                    .get(..at)
                    .map_or(1, |b| b.iter().filter(|c| **c == b'\n').count() + 1);
                Err(Some(format!(
                    "it is not UTF-8 (line {line}); save it as UTF-8"
                )))
            }
        }
    }
}

fn is_flow(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "flow")
}
