//! From a project to a machine and its findings.

use crate::broken::remember_refused;
use crate::collect::{Collected, collect};
use crate::env::Env;
use crate::load::{Caches, load};
use crate::lower::{Kept, Lower, Output};
use crate::machine::{Bot, EnumDef, Machine, Names};
use crate::silence;
use crate::sources::{Project, Sources};
use crate::value::{NodeId, PlaceId, TierId};
use flow_grammar::{Diagnostic, Loc, Severity};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use std::sync::Arc;

/// What the compiler cannot know by itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// The day from which hours are checked (F0704, F0707).
    pub date: jiff::civil::Date,
}

/// The outcome.
#[derive(Debug, Clone)]
pub struct Compilation {
    /// The machine, as complete as the sources allow; only [`Compilation::runnable`] may run.
    pub machine: Arc<Machine>,
    /// Everything found, in the order of the sources.
    pub diagnostics: Vec<Diagnostic>,
    /// The sources with their trees.
    pub sources: Arc<Sources>,
    /// What is defined where, and what refers to it.
    pub index: Arc<crate::index::Index>,
}

impl Compilation {
    /// The machine if nothing found is an error.
    #[must_use]
    pub fn runnable(&self) -> Option<Arc<Machine>> {
        self.diagnostics
            .iter()
            .all(|d| d.severity != Severity::Error)
            .then(|| Arc::clone(&self.machine))
    }
}

/// Compiles projects, remembering what it parsed and what nodes became. One compiler is for one bot; another one is compiled as if
/// it were new.
#[derive(Debug, Default)]
pub struct Compiler {
    caches: Caches,
    pub(crate) kept: Option<Kept>,
}

impl Compiler {
    /// A compiler that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compiles a project and finds everything there is to say about it, in the order of the sources.
    pub fn compile(&mut self, project: &Project, options: &Options) -> Compilation {
        let mut caches = std::mem::take(&mut self.caches);
        let loaded = load(project, &mut caches);
        // What is no longer part of the program need not be remembered.
        caches.retain(|path, _| {
            project
                .flow_files
                .binary_search_by(|(p, _)| p.cmp(path))
                .is_ok()
                || project.flow_files.iter().any(|(p, _)| p == path)
        });
        self.caches = caches;
        let Collected {
            sources,
            mut env,
            mut diagnostics,
            mut refs,
            unnamed,
        } = collect(loaded);
        let mut lower = Lower::after(&env, &sources, project, self.kept.take());
        lower.all(&unnamed);
        let Lower {
            out,
            mut found,
            refs: mut more,
            mut parts,
            ..
        } = lower;
        for part in &mut parts {
            part.refs.start += refs.len();
            part.refs.end += refs.len();
        }
        diagnostics.append(&mut found);
        refs.append(&mut more);
        remember_refused(&sources, &diagnostics, &mut env);
        let contacts = crate::lower::contacts(&out.ops, &out.handoffs);
        crate::lower::unused(&env, &sources, &refs, &contacts, &mut diagnostics);
        let sources = Arc::new(sources);
        let machine = Arc::new(machine(project, &env, out, &sources));
        let refused: FxHashSet<u32> = diagnostics
            .iter()
            .filter(|d| matches!(d.code, "F0101" | "F0201" | "F0301"))
            .filter_map(|d| Some(d.labels.first()?.at.decl))
            .collect();
        diagnostics.extend(crate::checks::run(&crate::checks::Context {
            machine: &machine,
            sources: &sources,
            date: options.date,
            refused: Some(&refused),
        }));
        silence::consequences(&mut diagnostics, &sources, &env);
        let mut diagnostics = crate::checks::allow::apply(&sources, diagnostics);
        sort(&mut diagnostics, &sources);
        let refs = Arc::new(refs);
        self.kept = Some(Kept {
            machine: Arc::clone(&machine),
            sources: Arc::clone(&sources),
            refs: Arc::clone(&refs),
            parts,
        });
        let index = crate::index::Index::new(Arc::new(env), Arc::clone(&machine), refs);
        Compilation {
            machine,
            diagnostics,
            sources,
            index: Arc::new(index),
        }
    }
}

/// By file and place; of two findings at one place the one with the smaller code first.
fn sort(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    let place = |loc: Option<Loc>| {
        let loc = loc.unwrap_or_default();
        let (file, offset) = sources
            .decls
            .get(loc.decl as usize)
            .copied()
            .unwrap_or((u32::MAX, 0));
        (file, offset + loc.span.start, loc.span.end)
    };
    diagnostics.sort_by_cached_key(|d| {
        (
            place(d.labels.first().map(|l| l.at)),
            d.code,
            d.message.clone(),
        )
    });
    diagnostics.dedup();
}

/// Hex of the hash of all paths and texts.
fn version(project: &Project, sources: &Sources) -> SmolStr {
    let mut hasher = blake3::Hasher::new();
    let mut add = |path: &str, text: &str| {
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for file in &sources.files {
        add(&file.path, &file.text);
    }
    for (path, text) in &project.other_files {
        add(path, text);
    }
    SmolStr::new(hasher.finalize().to_hex().as_str())
}

fn machine(project: &Project, env: &Env, out: Output, sources: &Arc<Sources>) -> Machine {
    let ids = |i: usize| u32::try_from(i).unwrap_or(u32::MAX);
    let (graph, version) = rayon::join(
        || crate::graph::build(&out.ops, &out.nodes),
        || version(project, sources),
    );
    let mut names = Names::default();
    for (i, node) in out.nodes.iter().enumerate() {
        names.nodes.insert(node.name.clone(), NodeId(ids(i)));
    }
    for (i, slot) in out.slots.iter().enumerate() {
        names
            .slots
            .insert(slot.name.clone(), crate::value::SlotId(ids(i)));
    }
    for (i, field) in out.customer.iter().enumerate() {
        names
            .customer
            .insert(field.name.clone(), crate::value::FieldId(ids(i)));
    }
    for (i, tier) in out.tiers.iter().enumerate() {
        names.tiers.insert(tier.name.clone(), TierId(ids(i)));
    }
    for (i, team) in out.teams.iter().enumerate() {
        names
            .teams
            .insert(team.name.clone(), crate::value::TeamId(ids(i)));
    }
    for (i, rule) in out.rules.iter().enumerate() {
        names
            .rules
            .insert(rule.name.clone(), crate::value::RuleId(ids(i)));
    }
    for (i, text) in out.texts.iter().enumerate() {
        if let Some(name) = &text.name {
            names
                .texts
                .insert(name.clone(), crate::value::TextId(ids(i)));
        }
    }
    for (i, place) in out.places.iter().enumerate() {
        names.places.insert(place.key.clone(), PlaceId(ids(i)));
    }
    let whole = crate::load::whole(sources);
    let bot = out.bot.unwrap_or_else(|| Bot {
        name: SmolStr::default(),
        title: SmolStr::default(),
        languages: env.languages.clone(),
        channels: env.channels.clone(),
        timezone: SmolStr::new_static("UTC"),
        start: NodeId(0),
        start_lines: Vec::new(),
        menu: Vec::new(),
        discloses: None,
        reopen_within: None,
        abandon_after: None,
        understands_from: 0.8,
        loc: whole,
        name_loc: whole,
    });
    Machine {
        version,
        sources: Arc::clone(sources),
        bot,
        tiers: out.tiers,
        enums: env
            .enums
            .iter()
            .map(|e| EnumDef {
                name: e.item.name.clone(),
                values: e.values.iter().map(|v| v.0.clone()).collect(),
                loc: e.item.name_loc,
            })
            .collect(),
        records: out.records,
        customer: out.customer,
        profile: out.profile,
        slots: out.slots,
        segments: out.segments,
        thresholds: out.thresholds,
        temporals: out.temporals,
        intents: out.intents,
        faqs: out.faqs,
        nodes: out.nodes,
        texts: out.texts,
        codes: out.codes,
        ops: out.ops,
        graph,
        places: out.places,
        handlers: out.handlers,
        rules: out.rules,
        hours: out.hours,
        teams: out.teams,
        routes: out.routes,
        handoffs: out.handoffs,
        assist: out.assist,
        learn: out.learn,
        targets: out.targets,
        webhooks: out.webhooks,
        hooks: out.hooks,
        triggers: out.triggers,
        knowledge: out.knowledge,
        channels: out.channels,
        tests: out.tests,
        names,
    }
}
