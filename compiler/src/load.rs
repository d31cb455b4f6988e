//! From the texts of a project to the folders that take part, their files and declarations.

use crate::env::{Kind, Scope};
use crate::paths::{folder_of, join};
use crate::sources::{Project, SourceFile, Sources, line_starts};
use flow_grammar::{
    Cache, Diagnostic, FileTree, Loc,
    ast::{Decl, DeclKind, Path, TextLit, UseDecl},
};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use std::sync::Arc;

/// What is remembered of a file: a declaration that did not change is not parsed again, a file that did not change not even cut.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    cache: Cache,
    parsed: Option<Parsed>,
}

#[derive(Debug, Clone)]
struct Parsed {
    text: Arc<str>,
    tree: FileTree,
    line_starts: Vec<u32>,
}

/// What is remembered, by path.
pub(crate) type Caches = FxHashMap<SmolStr, Remembered>;

impl Remembered {
    fn parse(&mut self, text: &Arc<str>) {
        if self.parsed.as_ref().is_some_and(|p| p.text == *text) {
            return;
        }
        let tree = flow_grammar::parse(text, &mut self.cache);
        // What was written a few states ago may be written again; older trees are let go.
        self.cache.sweep(8);
        self.parsed = Some(Parsed {
            text: Arc::clone(text),
            tree,
            line_starts: line_starts(text),
        });
    }
}

/// The folders and files of a program.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) sources: Sources,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) decl_scope: Vec<u32>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// A file of a folder that takes part could not be read.
    pub(crate) incomplete: bool,
}

/// A declaration of the program.
pub(crate) fn decl(sources: &Sources, id: u32) -> Option<&Decl> {
    let (file, _) = *sources.decls.get(id as usize)?;
    let file = sources.files.get(file as usize)?;
    Some(
        &file
            .tree
            .decls
            .get((id - file.first_decl) as usize)?
            .tree
            .decl,
    )
}

struct Loader<'p> {
    by_folder: FxHashMap<&'p str, Vec<&'p (SmolStr, Arc<str>)>>,
    caches: &'p mut Caches,
    loaded: Loaded,
    folders: FxHashMap<SmolStr, u32>,
    /// `(user, used, where)`, to find circles.
    uses: Vec<(u32, u32, Loc)>,
    includes: Vec<(u32, u32, Path)>,
    /// Where the names of used folders stand.
    aliases: FxHashMap<(u32, SmolStr), Loc>,
    /// What could not be read, and why; what was told of it where it is used.
    unreadable: &'p [(SmolStr, String)],
    told: FxHashSet<SmolStr>,
}

/// Parses what takes part, starting at the bot's folder.
pub(crate) fn load(project: &Project, caches: &mut Caches) -> Loaded {
    let mut by_folder: FxHashMap<&str, Vec<&(SmolStr, Arc<str>)>> = FxHashMap::default();
    for file in &project.flow_files {
        by_folder.entry(folder_of(&file.0)).or_default().push(file);
    }
    let mut loader = Loader {
        by_folder,
        caches,
        loaded: Loaded::default(),
        folders: FxHashMap::default(),
        uses: Vec::new(),
        includes: Vec::new(),
        aliases: FxHashMap::default(),
        unreadable: &project.unreadable,
        told: FxHashSet::default(),
    };
    let root = SmolStr::new(project.root.trim_matches('/'));
    loader.folders.insert(root.clone(), 0);
    loader.loaded.scopes.push(Scope {
        folder: root,
        included: true,
        ..Scope::default()
    });
    let mut next = 0;
    while next < loader.loaded.scopes.len() {
        loader.folder(u32::try_from(next).unwrap_or(u32::MAX));
        next += 1;
    }
    loader.report_circles();
    loader.include();
    let told = std::mem::take(&mut loader.told);
    let mut loaded = loader.loaded;
    report_unreadable(project, &told, &mut loaded);
    // A place for what concerns the program as a whole: the start of its first file.
    loaded.sources.decls.push((0, 0));
    loaded.decl_scope.push(0);
    let scripts = project.other_files.iter();
    loaded.sources.scripts = scripts
        .filter(|(path, _)| path.ends_with(".rhai"))
        .map(|(path, text)| SourceFile {
            path: path.clone(),
            text: Arc::clone(text),
            tree: flow_grammar::parse_uncached(""),
            line_starts: line_starts(text),
            first_decl: 0,
        })
        .collect();
    loaded
}

/// The place of findings about the program as a whole.
pub(crate) fn whole(sources: &Sources) -> Loc {
    Loc {
        decl: u32::try_from(sources.decls.len().saturating_sub(1)).unwrap_or(u32::MAX),
        span: flow_grammar::Span::default(),
    }
}

fn report_unreadable(project: &Project, told: &FxHashSet<SmolStr>, loaded: &mut Loaded) {
    // What nobody names is told at the start of the first file: the place of what concerns the program as a whole comes last.
    let mut elsewhere = Vec::new();
    for (path, why) in project.unreadable.iter().filter(|(p, _)| !told.contains(p)) {
        let mine = |s: &Scope| s.folder == folder_of(path);
        let scope = loaded.scopes.iter().position(mine);
        let message = format!("`{path}` cannot be read: {why}");
        match scope.filter(|_| path.ends_with(".flow")) {
            Some(scope) => {
                loaded.incomplete = true;
                let at = loaded.file_without_text(path, scope);
                let found = Diagnostic::error("F0204", message, at);
                loaded.diagnostics.push(found);
            }
            None => elsewhere.push(message),
        }
    }
    let at = Loc {
        decl: u32::try_from(loaded.sources.decls.len()).unwrap_or(u32::MAX),
        span: flow_grammar::Span::default(),
    };
    let found = elsewhere
        .into_iter()
        .map(|message| Diagnostic::error("F0204", message, at));
    loaded.diagnostics.extend(found);
}

impl Loaded {
    /// A file of which there is only the name, so that a finding has its place there: its start.
    fn file_without_text(&mut self, path: &SmolStr, scope: usize) -> Loc {
        let index = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let decl = index(self.sources.decls.len());
        let file = index(self.sources.files.len());
        self.sources.decls.push((file, 0));
        self.decl_scope.push(index(scope));
        self.sources.files.push(SourceFile {
            path: path.clone(),
            text: Arc::from(""),
            tree: flow_grammar::parse_uncached(""),
            line_starts: vec![0],
            first_decl: decl,
        });
        Loc {
            decl,
            span: flow_grammar::Span::default(),
        }
    }
}

impl Loader<'_> {
    fn folder(&mut self, scope: u32) {
        let Some(folder) = self
            .loaded
            .scopes
            .get(scope as usize)
            .map(|s| s.folder.clone())
        else {
            return;
        };
        let files = self
            .by_folder
            .get(folder.as_str())
            .cloned()
            .unwrap_or_default();
        let mut work: Vec<(SmolStr, Arc<str>, Remembered)> = files
            .into_iter()
            .map(|(path, text)| {
                let known = self.caches.remove(path).unwrap_or_default();
                (path.clone(), Arc::clone(text), known)
            })
            .collect();
        if work.len() > 1 {
            work.par_iter_mut()
                .for_each(|(_, text, known)| known.parse(text));
        } else {
            work.iter_mut()
                .for_each(|(_, text, known)| known.parse(text));
        }
        for (path, text, known) in work {
            if let Some(parsed) = known.parsed.clone() {
                self.file(scope, path.clone(), text, parsed);
            }
            self.caches.insert(path, known);
        }
    }

    fn file(&mut self, scope: u32, path: SmolStr, text: Arc<str>, parsed: Parsed) {
        let Parsed {
            tree, line_starts, ..
        } = parsed;
        let sources = &mut self.loaded.sources;
        let file = u32::try_from(sources.files.len()).unwrap_or(u32::MAX);
        let first_decl = u32::try_from(sources.decls.len()).unwrap_or(u32::MAX);
        for placed in &tree.decls {
            sources.decls.push((file, placed.offset));
            self.loaded.decl_scope.push(scope);
        }
        for (decl, placed) in (first_decl..).zip(&tree.decls) {
            for found in &placed.tree.diagnostics {
                self.loaded.diagnostics.push(found.clone().in_decl(decl));
            }
            match &placed.tree.decl.kind {
                DeclKind::Use(used) => {
                    self.used(scope, decl, used, folder_of(&path), placed.tree.decl.span)
                }
                DeclKind::Include(name) => self.includes.push((scope, decl, name.clone())),
                _ => {}
            }
        }
        self.loaded.sources.files.push(SourceFile {
            path,
            text,
            tree,
            line_starts,
            first_decl,
        });
    }

    fn used(
        &mut self,
        scope: u32,
        decl: u32,
        used: &UseDecl,
        folder: &str,
        span: flow_grammar::Span,
    ) {
        let at = Loc::new(decl, used.path.span);
        let Some(text) = plain(&used.path) else {
            self.loaded.diagnostics.push(Diagnostic::error(
                "F0204",
                "the path of a used folder is plain text",
                at,
            ));
            return;
        };
        let Some(target) = join(folder, &text) else {
            self.loaded.diagnostics.push(
                Diagnostic::error("F0204", format!("`{text}` is outside the project"), at)
                    .help("use a folder inside the project"),
            );
            self.poison(scope, used);
            return;
        };
        if !self.by_folder.contains_key(target.as_str()) {
            let why = self.unreadable.iter().find(|(p, _)| *p == target);
            let mut found = Diagnostic::error(
                "F0204",
                match why {
                    Some((_, why)) => format!("`{text}` cannot be used: {why}"),
                    None => format!("no folder `{text}` with `.flow` files"),
                },
                at,
            );
            if why.is_some() {
                self.told.insert(SmolStr::new(&target));
            }
            if let Some(near) = crate::env::did_you_mean(&target, self.by_folder.keys().copied()) {
                found = found.help(format!("did you mean the folder `{near}` of the project?"));
            }
            self.loaded.diagnostics.push(found);
            self.poison(scope, used);
            return;
        }
        let id = if let Some(id) = self.folders.get(&target) {
            *id
        } else {
            let id = u32::try_from(self.loaded.scopes.len()).unwrap_or(u32::MAX);
            let parent = self
                .loaded
                .scopes
                .get(scope as usize)
                .map(|s| s.prefix.clone())
                .unwrap_or_default();
            let alias = used.alias.as_ref().map_or_else(
                || target.rsplit('/').next().unwrap_or("used"),
                |a| a.as_str(),
            );
            let prefix = SmolStr::new(format!("{parent}{alias}."));
            self.folders.insert(target.clone(), id);
            self.loaded.scopes.push(Scope {
                folder: target,
                prefix,
                ..Scope::default()
            });
            id
        };
        self.uses.push((scope, id, Loc::new(decl, span)));
        let Some(alias) = &used.alias else { return };
        if let Some(own) = self.loaded.scopes.get_mut(scope as usize) {
            let first = own.get(Kind::Alias, &alias.text);
            if first.is_none_or(|first| first == id) {
                own.names.insert(Kind::Alias, alias.text.clone(), id);
                self.aliases
                    .entry((scope, alias.text.clone()))
                    .or_insert(Loc::new(decl, alias.span));
                return;
            }
            let mut found = Diagnostic::error(
                "F0202",
                format!("`{}` already names another used folder", alias.text),
                Loc::new(decl, alias.span),
            )
            .help("give one of them another name");
            if let Some(first) = self.aliases.get(&(scope, alias.text.clone())) {
                found = found.label(*first, "first named here");
            }
            self.loaded.diagnostics.push(found);
        }
    }

    /// An alias whose folder was not found: what follows from it is silent.
    fn poison(&mut self, scope: u32, used: &UseDecl) {
        if let (Some(own), Some(alias)) = (self.loaded.scopes.get_mut(scope as usize), &used.alias)
        {
            own.names.insert(Kind::Alias, alias.text.clone(), u32::MAX);
        }
    }

    fn include(&mut self) {
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for (scope, decl, path) in std::mem::take(&mut self.includes) {
            let mut at = Some(scope);
            for name in &path.segments {
                at = at
                    .and_then(|s| self.loaded.scopes.get(s as usize))
                    .and_then(|s| s.get(Kind::Alias, &name.text));
            }
            match at {
                Some(id) => edges.push((scope, id)),
                None => {
                    let name = path.segments.last().map_or("", |n| n.as_str());
                    let at = Loc::new(decl, path.span);
                    let found = Diagnostic::error("F0201", format!("unknown folder `{name}`"), at);
                    let own = self.loaded.scopes.get(scope as usize).into_iter();
                    let known = own.flat_map(|s| s.names.of(Kind::Alias));
                    let near = crate::env::did_you_mean(name, known.map(|(n, _)| n.as_str()))
                        .filter(|_| path.segments.len() == 1);
                    let found = match near {
                        Some(near) => found.help(format!("did you mean `{near}`?")).fix(
                            format!("write `{near}`"),
                            false,
                            vec![flow_grammar::Edit {
                                at,
                                text: near.to_owned(),
                            }],
                        ),
                        None => found.help("bring it in with `use \"..\" as NAME` first"),
                    };
                    self.loaded.diagnostics.push(found);
                }
            }
        }
        let mut work = vec![0u32];
        while let Some(scope) = work.pop() {
            for (_, id) in edges.iter().filter(|(from, _)| *from == scope) {
                if let Some(s) = self
                    .loaded
                    .scopes
                    .get_mut(*id as usize)
                    .filter(|s| !s.included)
                {
                    s.included = true;
                    work.push(*id);
                }
            }
        }
    }

    /// Folders that use each other.
    fn report_circles(&mut self) {
        let count = self.loaded.scopes.len();
        let mut next: Vec<Vec<(u32, Loc)>> = vec![Vec::new(); count];
        for (from, to, at) in &self.uses {
            if let Some(list) = next.get_mut(*from as usize) {
                list.push((*to, *at));
            }
        }
        // 0: not seen, 1: on the path, 2: done.
        let mut state = vec![0u8; count];
        let mut path: Vec<(u32, usize)> = Vec::new();
        for start in 0..u32::try_from(count).unwrap_or(0) {
            if state.get(start as usize) != Some(&0) {
                continue;
            }
            path.push((start, 0));
            if let Some(s) = state.get_mut(start as usize) {
                *s = 1;
            }
            while let Some((scope, edge)) = path.last_mut() {
                let Some((to, at)) = next
                    .get(*scope as usize)
                    .and_then(|e| e.get(*edge))
                    .copied()
                else {
                    if let Some(s) = state.get_mut(*scope as usize) {
                        *s = 2;
                    }
                    path.pop();
                    continue;
                };
                *edge += 1;
                match state.get(to as usize) {
                    Some(0) => {
                        if let Some(s) = state.get_mut(to as usize) {
                            *s = 1;
                        }
                        path.push((to, 0));
                    }
                    Some(1) => {
                        let name = |id: u32| {
                            let folder = self
                                .loaded
                                .scopes
                                .get(id as usize)
                                .map(|s| s.folder.clone())
                                .unwrap_or_default();
                            if folder.is_empty() {
                                "the project's root".to_owned()
                            } else {
                                format!("`{folder}`")
                            }
                        };
                        let mut circle: Vec<String> = path
                            .iter()
                            .map(|(s, _)| *s)
                            .skip_while(|s| *s != to)
                            .map(name)
                            .collect();
                        circle.push(name(to));
                        self.loaded.diagnostics.push(
                            Diagnostic::error(
                                "F0204",
                                format!(
                                    "folders use each other in a circle: {}",
                                    circle.join(" -> ")
                                ),
                                at,
                            )
                            .help("move what both need to a third folder"),
                        );
                    }
                    _ => {}
                }
            }
        }
    }
}

/// A text without interpolations.
pub(crate) fn plain(lit: &TextLit) -> Option<String> {
    lit.plain()
}

/// The path of the file that a declaration stands in.
pub(crate) fn path_of(sources: &Sources, decl: u32) -> &str {
    sources
        .decls
        .get(decl as usize)
        .and_then(|(file, _)| sources.files.get(*file as usize))
        .map_or("", |f| f.path.as_str())
}
