//! The bots whose files are open: each compiled as a whole folder, from the editor's texts where it has them, else from disk.

use crate::position::{Encoding, to_offset};
use crate::uri;
use flow_compiler::sources::SourceFile;
use flow_compiler::{Compilation, Compiler, Options};
use gen_lsp_types::{TextDocumentContentChangeEvent, Uri};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A bot as last compiled.
pub(crate) struct Bot {
    compiler: Compiler,
    pub(crate) root: PathBuf,
    pub(crate) compilation: Compilation,
    /// Files for which something was published.
    pub(crate) published: BTreeSet<PathBuf>,
}

impl Bot {
    /// The file at a path.
    pub(crate) fn file(&self, path: &Path) -> Option<&SourceFile> {
        self.compilation
            .sources
            .files
            .iter()
            .find(|f| self.root.join(f.path.as_str()) == path)
    }
}

/// Open documents and their bots.
#[derive(Default)]
pub(crate) struct Bots {
    open: BTreeMap<PathBuf, Arc<str>>,
    versions: BTreeMap<PathBuf, i32>,
    bots: BTreeMap<PathBuf, Bot>,
    /// Folders without a bot whose users were looked for since a file of theirs was opened.
    looked: BTreeSet<PathBuf>,
}

/// In so many folders of a project the users of one without a bot are looked for.
const LOOKED_INTO: usize = 2_000;

impl Bots {
    /// A document was opened, with its whole text.
    pub(crate) fn open(&mut self, uri: &Uri, version: i32, text: String) -> Option<PathBuf> {
        let path = canonical(&uri::to_path(uri)?);
        if let Some(dir) = path.parent() {
            self.looked.remove(dir);
        }
        self.open.insert(path.clone(), text.into());
        self.versions.insert(path.clone(), version);
        Some(path)
    }

    /// A document was edited; the edits are applied in order.
    pub(crate) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Option<PathBuf> {
        let path = canonical(&uri::to_path(uri)?);
        let mut text = self.open.get(&path)?.to_string();
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                    text = whole.text
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    let start = to_offset(&text, part.range.start, encoding);
                    let end = to_offset(&text, part.range.end, encoding).max(start);
                    text.replace_range(start..end, &part.text);
                }
            }
        }
        self.open.insert(path.clone(), text.into());
        self.versions.insert(path.clone(), version);
        Some(path)
    }

    /// A document was closed; the disk counts again.
    pub(crate) fn close(&mut self, uri: &Uri) -> Option<PathBuf> {
        let path = canonical(&uri::to_path(uri)?);
        self.open.remove(&path);
        self.versions.remove(&path);
        Some(path)
    }

    pub(crate) fn version(&self, path: &Path) -> Option<i32> {
        self.versions.get(path).copied()
    }

    /// The text of an open document.
    pub(crate) fn text(&self, uri: &Uri) -> Option<Arc<str>> {
        self.open.get(&canonical(&uri::to_path(uri)?)).cloned()
    }

    /// All bots' folders that are known.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        self.bots.keys().cloned().collect()
    }

    pub(crate) fn bot_mut(&mut self, folder: &Path) -> Option<&mut Bot> {
        self.bots.get_mut(folder)
    }

    /// The bot that a file belongs to, and its path as the bot knows it: the one of its own folder, else one that uses its folder.
    pub(crate) fn of(&self, uri: &Uri) -> Option<(&Bot, PathBuf)> {
        let path = canonical(&uri::to_path(uri)?);
        let own = path
            .parent()
            .and_then(|dir| self.bots.get(dir))
            .filter(|b| b.file(&path).is_some());
        own.or_else(|| self.bots.values().find(|b| b.file(&path).is_some()))
            .map(|b| (b, path))
    }

    /// Whether a folder is one of the bots.
    pub(crate) fn is_bot(&self, folder: &Path) -> bool {
        self.bots.contains_key(folder)
    }

    /// Every bot that a file is a part of, by its folder.
    pub(crate) fn holding<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl Iterator<Item = (&'a Path, &'a Bot)> {
        let all = self.bots.iter();
        all.filter(|(_, bot)| bot.file(path).is_some())
            .map(|(folder, bot)| (folder.as_path(), bot))
    }

    /// A folder compiled as if some files read otherwise, and the project's root.
    pub(crate) fn compiled_with(
        &self,
        folder: &Path,
        texts: &BTreeMap<PathBuf, Arc<str>>,
        date: jiff::civil::Date,
    ) -> Option<(PathBuf, Compilation)> {
        let mut overlay = self.open.clone();
        overlay.extend(texts.iter().map(|(p, t)| (p.clone(), Arc::clone(t))));
        let loaded =
            flow_loader::load_with(folder, flow_loader::Limits::default(), &overlay).ok()?;
        let compilation = Compiler::default().compile(&loaded.project, &Options { date });
        Some((loaded.root, compilation))
    }

    /// The folders to compile again after a file changed: its own, and those of bots that use it.
    pub(crate) fn touched(&mut self, path: &Path) -> BTreeSet<PathBuf> {
        let mut out: BTreeSet<PathBuf> = self
            .bots
            .iter()
            .filter(|(_, bot)| bot.file(path).is_some())
            .map(|(folder, _)| folder.clone())
            .collect();
        if path.extension().is_some_and(|e| e == "flow") {
            let Some(dir) = path.parent() else {
                return out;
            };
            if self.has_bot(dir) {
                out.insert(dir.to_path_buf());
                return out;
            }
            // A folder without a bot is brought in by others and checked through them; alone only where there are none.
            out.remove(dir);
            if self.looked.insert(dir.to_path_buf()) {
                out.extend(self.users_of(dir));
            }
            if out.is_empty() {
                out.insert(dir.to_path_buf());
            } else {
                self.bots.remove(dir);
            }
        }
        out
    }

    /// The bots of the project that bring in a folder.
    pub(crate) fn users_of(&self, dir: &Path) -> Vec<PathBuf> {
        let mut users = Vec::new();
        let mut queue = VecDeque::from([flow_loader::project_root(dir)]);
        let mut left = LOOKED_INTO;
        while let Some(folder) = queue.pop_front() {
            left = left.saturating_sub(1);
            if folder != dir && self.has_bot(&folder) && self.brings_in(&folder, dir) {
                users.push(folder.clone());
            }
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            let mut below: Vec<PathBuf> = entries
                .flatten()
                .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
                .filter(|e| !e.file_name().to_string_lossy().starts_with('.'))
                .map(|e| e.path())
                .collect();
            below.sort_unstable();
            below.truncate(left.saturating_sub(queue.len()));
            queue.extend(below);
        }
        users
    }

    fn brings_in(&self, folder: &Path, dir: &Path) -> bool {
        let loaded = flow_loader::load_with(folder, flow_loader::Limits::default(), &self.open);
        loaded.is_ok_and(|loaded| {
            let mut files = loaded.project.flow_files.iter();
            files.any(|(path, _)| loaded.root.join(path.as_str()).parent() == Some(dir))
        })
    }

    fn has_bot(&self, dir: &Path) -> bool {
        let declares = |text: &str| {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            text.lines().any(|l| l.starts_with("bot "))
        };
        let opened = self
            .open
            .iter()
            .any(|(p, text)| p.parent() == Some(dir) && declares(text));
        opened
            || std::fs::read_dir(dir).is_ok_and(|entries| {
                entries
                    .flatten()
                    .map(|e| e.path())
                    .filter(|p| {
                        p.extension().is_some_and(|e| e == "flow") && !self.open.contains_key(p)
                    })
                    .any(|p| std::fs::read_to_string(p).is_ok_and(|text| declares(&text)))
            })
    }

    /// Compiles a folder.
    pub(crate) fn compile(&mut self, folder: &Path, date: jiff::civil::Date) -> Option<&Bot> {
        let loaded =
            flow_loader::load_with(folder, flow_loader::Limits::default(), &self.open).ok()?;
        let (mut compiler, published) = self.bots.remove(folder).map_or_else(
            || (Compiler::default(), BTreeSet::new()),
            |b| (b.compiler, b.published),
        );
        let compilation = compiler.compile(&loaded.project, &Options { date });
        self.bots.insert(
            folder.to_path_buf(),
            Bot {
                compiler,
                root: loaded.root,
                compilation,
                published,
            },
        );
        self.bots.get(folder)
    }
}

/// The path as the loader knows it; a file that is not on disk yet keeps its name in its real folder.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        match (
            path.parent().and_then(|p| p.canonicalize().ok()),
            path.file_name(),
        ) {
            (Some(dir), Some(name)) => dir.join(name),
            _ => path.to_path_buf(),
        }
    })
}
