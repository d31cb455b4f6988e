//! From a project to a machine and its findings.

use crate::collect::{Collected, collect};
use crate::env::Env;
use crate::load::{Caches, load, remember_refused};
use crate::lower::{Kept, Lower, Output};
use crate::machine::{Bot, EnumDef, Machine, Names};
use crate::sources::{Project, Sources};
use crate::value::{NodeId, PlaceId, TierId};
use flow_grammar::ast::DeclKind;
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
        crate::lower::unused(&env, &sources, &refs, &mut diagnostics);
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
        // What could not be read, or was refused, may lead to a node all the same.
        diagnostics.retain(|d| {
            let node = d.labels.first().map(|l| sources.snippet(l.at));
            d.code != "F0401" || node.is_none_or(|name| !env.mentioned.contains(name))
        });
        silence_after_syntax(&mut diagnostics, &sources, &env);
        silence_of_rules(&mut diagnostics);
        silence_of_shares(&mut diagnostics, &sources);
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

/// Silences what only follows from a syntax error: what could not be read has no type, leads nowhere and fills nothing.
fn silence_after_syntax(diagnostics: &mut Vec<Diagnostic>, sources: &Sources, env: &Env) {
    if env.incomplete {
        // What leads to a node, a person or a field may stand in the file that could not be read.
        diagnostics.retain(|d| !matches!(d.code, "F0401" | "F0404" | "F0705" | "F0801"));
    }
    let place = |d: &Diagnostic| {
        let at = d.labels.first()?.at;
        let (file, range) = sources.resolve(at)?;
        Some((
            at.decl,
            file.line_starts
                .partition_point(|s| *s as usize <= range.start),
        ))
    };
    let broken: FxHashSet<(u32, usize)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0101")
        .filter_map(place)
        .collect();
    if broken.is_empty() {
        return;
    }
    let decls: FxHashSet<u32> = broken.iter().map(|(decl, _)| *decl).collect();
    // `confirm E?`: what stands before the place of a syntax error is no name, but the beginning of what could not be read.
    let faults: FxHashSet<(u32, u32)> = diagnostics
        .iter()
        .filter(|d| d.code == "F0101" && d.message.starts_with("unexpected"))
        .filter_map(|d| d.labels.first())
        .map(|l| (l.at.decl, l.at.span.start))
        .collect();
    let begins_a_fault = |d: &Diagnostic| {
        let at = d.labels.first().map(|l| l.at);
        // Where a text belongs, its words stand apart; so does what follows a misspelt `escalate` or the name that was left out.
        let apart = u32::from(
            ["unknown text", "unknown node", "unknown team"]
                .iter()
                .any(|what| d.message.starts_with(what)),
        );
        d.code == "F0201"
            && at.is_some_and(|at| {
                (0..=apart).any(|gap| faults.contains(&(at.decl, at.span.end + gap)))
            })
    };
    diagnostics.retain(|d| !begins_a_fault(d));
    diagnostics.retain(|d| {
        let Some((decl, line)) = place(d) else {
            return true;
        };
        match d.code {
            "F0301" | "F0302" | "F1201" => !broken.contains(&(decl, line)),
            "F0303" | "F0402" | "F0405" | "F0408" | "F0501" => !decls.contains(&decl),
            _ => true,
        }
    });
}

/// Silences that a rule ties, is beaten or never fires where something in it has no meaning: it is not what its author means.
fn silence_of_rules(diagnostics: &mut Vec<Diagnostic>) {
    let about_rules = |d: &Diagnostic| matches!(d.code, "F0601" | "F0602" | "F0605");
    if !diagnostics.iter().any(about_rules) {
        return;
    }
    let meaningless: FxHashSet<u32> = diagnostics
        .iter()
        .filter(|d| matches!(d.code, "F0101" | "F0201" | "F0202" | "F0301" | "F0302"))
        .filter_map(|d| d.labels.first())
        .map(|label| label.at.decl)
        .collect();
    diagnostics
        .retain(|d| !about_rules(d) || d.labels.iter().all(|l| !meaningless.contains(&l.at.decl)));
}

/// Silences that a webhook or a tier is not allowed something where its `shares` names something unknown: that may be meant.
fn silence_of_shares(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    if !diagnostics.iter().any(|d| d.code == "F1001") {
        return;
    }
    let shares = |decl: u32| match &crate::load::decl(sources, decl)?.kind {
        DeclKind::Tier(tier) => Some(tier.shares.as_slice()),
        DeclKind::Webhook(webhook) => Some(webhook.shares.as_slice()),
        _ => None,
    };
    let unsure: FxHashSet<u32> = diagnostics
        .iter()
        .filter(|d| d.code == "F0201")
        .filter_map(|d| d.labels.first())
        .filter(|l| {
            let named = shares(l.at.decl).unwrap_or_default();
            let within = |p: &flow_grammar::ast::Path| {
                p.span.start <= l.at.span.start && l.at.span.end <= p.span.end
            };
            named.iter().any(within)
        })
        .map(|l| l.at.decl)
        .collect();
    diagnostics
        .retain(|d| d.code != "F1001" || d.labels.iter().all(|l| !unsure.contains(&l.at.decl)));
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
