//! Collects every declared name, then the types of slots, fields and signatures.

mod ladder;
mod signatures;

use crate::broken::remember_broken;
use crate::env::{EnumInfo, Env, FieldInfo, Item, Kind, RecordInfo, Signature, ThresholdInfo};
use crate::load::{Loaded, decl};
use crate::signals;
use crate::sources::Sources;
use crate::types::{TypeRefs, written_currency};
use crate::value::{FieldId, Type};
use flow_grammar::{
    Diagnostic, Loc, Name,
    ast::{DeclKind, Field, TierKind},
};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// What was collected.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) sources: Sources,
    pub(crate) env: Env,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Names of types in signatures and fields.
    pub(crate) refs: TypeRefs,
    /// Declarations without a name of their own, and rules and handlers, by kind of work; in order.
    pub(crate) unnamed: Vec<u32>,
}

struct Collector<'s> {
    sources: &'s Sources,
    env: Env,
    diagnostics: Vec<Diagnostic>,
    refs: TypeRefs,
    unnamed: Vec<u32>,
    tier_decls: FxHashMap<SmolStr, (u32, Option<TierKind>, Loc)>,
    /// `(field's index, declaration, position)`; types come later.
    records: Vec<u32>,
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Collects the names of a program.
pub(crate) fn collect(loaded: Loaded) -> Collected {
    let Loaded {
        sources,
        scopes,
        decl_scope,
        diagnostics,
        incomplete,
    } = loaded;
    let mut env = Env {
        scopes,
        decl_scope,
        hours: vec![None],
        timezone: SmolStr::new_static("UTC"),
        suggestions_left: 300.into(),
        incomplete,
        ..Env::default()
    };
    remember_broken(&sources, &mut env);
    if incomplete {
        env.poisoned.take_all();
        env.mentioned.take_all();
    }
    let mut c = Collector {
        sources: &sources,
        env,
        diagnostics,
        refs: Vec::new(),
        unnamed: Vec::new(),
        tier_decls: FxHashMap::default(),
        records: Vec::new(),
    };
    for scope in &mut c.env.scopes {
        scope
            .names
            .insert(Kind::Hours, SmolStr::new_static("always"), 0);
    }
    let count = index(sources.decls.len().saturating_sub(1));
    for id in 0..count {
        c.name(id);
    }
    c.bot();
    c.types();
    c.built_in_rules();
    let Collector {
        env,
        diagnostics,
        refs,
        unnamed,
        ..
    } = c;
    Collected {
        sources,
        env,
        diagnostics,
        refs,
        unnamed,
    }
}

impl Collector<'_> {
    fn scope_of(&self, decl: u32) -> u32 {
        self.env.decl_scope.get(decl as usize).copied().unwrap_or(0)
    }

    fn twice(&mut self, what: &str, name: &Name, decl: u32, first: Loc) {
        self.diagnostics.push(
            Diagnostic::error(
                "F0202",
                format!("{what} `{}` is declared twice", name.text),
                Loc::new(decl, name.span),
            )
            .labelled("declared again here")
            .label(first, "first declared here")
            .help("rename one of them, or remove it"),
        );
    }

    /// Takes a name in its namespace. `None`: another of its kind has it.
    fn declare(&mut self, kind: Kind, decl: u32, name: &Name, id: usize) -> Option<Item> {
        let scope_id = self.scope_of(decl);
        let name_loc = Loc::new(decl, name.span);
        let id = index(id);
        let taken = self
            .env
            .lookup(scope_id, kind, &name.text)
            .map(|old| self.env.place(kind.def(old)));
        if let Some(first) = taken {
            if matches!(kind, Kind::Enum | Kind::Record) {
                self.env
                    .ambiguous_types
                    .insert((scope_id, name.text.clone()));
            }
            match first {
                Some(first) => self.twice(kind.word(), name, decl, first),
                None => self.diagnostics.push(
                    Diagnostic::error("F0202", format!("`{}` is built in", name.text), name_loc)
                        .help("choose another name"),
                ),
            }
            return None;
        }
        if matches!(kind, Kind::Enum | Kind::Record)
            && !self.declare_type(kind, scope_id, name, name_loc)
        {
            return None;
        }
        let shared = matches!(
            kind,
            Kind::Slot | Kind::Segment | Kind::Threshold | Kind::Hook | Kind::Hours | Kind::Team
        );
        if shared {
            let first = self
                .env
                .scope(scope_id)
                .and_then(|s| s.shared.get(&name.text))
                .copied();
            if let Some((other, first)) = first {
                self.diagnostics.push(
                    Diagnostic::error("F0202", format!("`{}` is already {}", name.text, other.with_article()), name_loc)
                        .labelled(format!("declared as {} here", kind.with_article()))
                        .label(first, format!("declared as {} here", other.with_article()))
                        .help("slots, segments, thresholds, hooks, hours, teams and results share one namespace; rename one of them"),
                );
                self.env.duplicated.insert(kind.def(id));
                if let Some(other_id) = self.env.lookup(scope_id, other, &name.text) {
                    self.env.duplicated.insert(other.def(other_id));
                }
                self.env.ambiguous.insert((scope_id, name.text.clone()));
            } else if kind != Kind::Slot && signals::is_signal(&name.text) {
                self.diagnostics.push(
                    Diagnostic::error("F0202", format!("`{}` is a signal", name.text), name_loc)
                        .help("only a slot may have the name of a signal; choose another name"),
                );
                self.env.duplicated.insert(kind.def(id));
            }
        }
        let scope = self.env.scopes.get_mut(scope_id as usize)?;
        if shared {
            scope
                .shared
                .entry(name.text.clone())
                .or_insert((kind, name_loc));
        }
        scope.names.insert(kind, name.text.clone(), id);
        let full = if scope.prefix.is_empty() {
            name.text.clone()
        } else {
            SmolStr::new(format!("{}{}", scope.prefix, name.text))
        };
        Some(Item {
            decl,
            scope: scope_id,
            name: full,
            name_loc,
        })
    }

    /// Enums and records are both named where a type is written: they share that namespace with the built-in types.
    fn declare_type(&mut self, kind: Kind, scope: u32, name: &Name, at: Loc) -> bool {
        if crate::types::built_in(&name.text).is_some() {
            self.diagnostics.push(
                Diagnostic::error("F0202", format!("`{}` is a built-in type", name.text), at)
                    .help("choose another name"),
            );
            return false;
        }
        let other = if kind == Kind::Enum {
            Kind::Record
        } else {
            Kind::Enum
        };
        let Some(id) = self.env.lookup(scope, other, &name.text) else {
            return true;
        };
        self.env.ambiguous_types.insert((scope, name.text.clone()));
        let mut finding = Diagnostic::error(
            "F0202",
            format!("`{}` is already {}", name.text, other.with_article()),
            at,
        )
        .labelled(format!("declared as {} here", kind.with_article()))
        .help("enums and records are types and share one namespace; rename one of them");
        if let Some(first) = self.env.place(other.def(id)) {
            finding = finding.label(first, format!("declared as {} here", other.with_article()));
        }
        self.diagnostics.push(finding);
        false
    }

    fn item(&mut self, kind: Kind, decl: u32, name: Option<&Name>, id: usize) -> Option<Item> {
        let Some(name) = name else {
            self.env.nameless.insert(kind);
            return None;
        };
        let item = self.declare(kind, decl, name, id);
        if item.is_none() {
            self.env.duplicates.push(decl);
        }
        item
    }

    fn name(&mut self, id: u32) {
        let sources = self.sources;
        let Some(tree) = decl(sources, id) else {
            return;
        };
        match &tree.kind {
            DeclKind::Use(_) | DeclKind::Include(_) | DeclKind::Error => {}
            DeclKind::Bot(bot) => self.found_bot(id, bot),
            DeclKind::Tier(tier) => {
                let Some(name) = &tier.name else { return };
                let at = Loc::new(id, name.span);
                if let Some((_, _, first)) = self.tier_decls.get(&name.text).copied() {
                    self.twice("tier", name, id, first);
                    self.env.duplicates.push(id);
                } else {
                    self.tier_decls.insert(
                        name.text.clone(),
                        (id, tier.kind.as_ref().map(|k| k.node), at),
                    );
                }
            }
            DeclKind::Customer(customer) => {
                for (position, field) in (0..).zip(&customer.fields) {
                    self.customer_field(id, position, field);
                }
                self.unnamed.push(id);
            }
            DeclKind::Slots(slots) => {
                for (position, field) in (0..).zip(&slots.fields) {
                    let next = self.env.slots.len();
                    let scope = self.scope_of(id);
                    self.renamed(scope, Kind::Slot, &field.name, field.was.as_ref());
                    if let Some(item) = self.declare(Kind::Slot, id, &field.name, next) {
                        self.env.slots.push(untyped(&item, position, field));
                    }
                }
            }
            DeclKind::Enum(e) => {
                if let Some(item) = self.item(Kind::Enum, id, e.name.as_ref(), self.env.enums.len())
                {
                    let mut values = Vec::new();
                    let mut known: FxHashMap<SmolStr, u32> = FxHashMap::default();
                    for value in &e.values {
                        let at = Loc::new(id, value.span);
                        if let Some(first) = known
                            .get(&value.text)
                            .and_then(|i| values.get(*i as usize))
                            .map(|(_, l): &(SmolStr, Loc)| *l)
                        {
                            self.twice("value", value, id, first);
                        } else {
                            known.insert(value.text.clone(), index(values.len()));
                            values.push((value.text.clone(), at));
                        }
                    }
                    self.env.enums.push(EnumInfo {
                        item,
                        values,
                        index: known,
                    });
                }
            }
            DeclKind::Record(r) => {
                if let Some(item) =
                    self.item(Kind::Record, id, r.name.as_ref(), self.env.records.len())
                {
                    let mut fields: Vec<FieldInfo> = Vec::new();
                    let mut known: FxHashMap<SmolStr, u32> = FxHashMap::default();
                    for (position, field) in (0..).zip(&r.fields) {
                        if let Some(first) = known
                            .get(&field.name.text)
                            .and_then(|i| fields.get(*i as usize))
                            .map(|f| f.name_loc)
                        {
                            self.twice("field", &field.name, id, first);
                        } else {
                            known.insert(field.name.text.clone(), index(fields.len()));
                            let mut info = untyped(&item, position, field);
                            info.name = field.name.text.clone();
                            info.name_loc = Loc::new(id, field.name.span);
                            fields.push(info);
                        }
                    }
                    self.records.push(id);
                    self.env.records.push(RecordInfo {
                        item,
                        fields,
                        index: known,
                    });
                }
            }
            DeclKind::Segment(d) => {
                if let Some(item) =
                    self.item(Kind::Segment, id, d.name.as_ref(), self.env.segments.len())
                {
                    self.env.segments.push(item);
                }
            }
            DeclKind::Knowledge(d) => {
                if let Some(item) = self.item(
                    Kind::Knowledge,
                    id,
                    d.name.as_ref(),
                    self.env.knowledge.len(),
                ) {
                    self.env.knowledge.push(item);
                }
            }
            DeclKind::Intent(d) => {
                if let Some(item) =
                    self.item(Kind::Intent, id, d.name.as_ref(), self.env.intents.len())
                {
                    self.env.intents.push(item);
                }
            }
            DeclKind::Faq(d) => {
                if let Some(item) = self.item(Kind::Faq, id, d.name.as_ref(), self.env.faqs.len()) {
                    self.env.faqs.push(item);
                }
            }
            DeclKind::Node(d) => {
                if let Some(name) = &d.name {
                    let scope = self.scope_of(id);
                    self.renamed(scope, Kind::Node, name, d.was.as_ref());
                }
                if let Some(item) = self.item(Kind::Node, id, d.name.as_ref(), self.env.nodes.len())
                {
                    self.env.nodes.push(item);
                }
            }
            DeclKind::Text(d) => {
                if let Some(item) = self.item(Kind::Text, id, d.name.as_ref(), self.env.texts.len())
                {
                    self.env.texts.push(item);
                }
            }
            DeclKind::Threshold(d) => {
                if let Some(item) = self.item(
                    Kind::Threshold,
                    id,
                    d.name.as_ref(),
                    self.env.thresholds.len(),
                ) {
                    let mut ty = d
                        .default
                        .as_ref()
                        .and_then(crate::types::of_literal)
                        .unwrap_or(Type::Error);
                    // Percentages in the lines say what a bare number before them was meant to be.
                    let mut lines = d.lines.iter();
                    if ty == Type::Number
                        && lines.any(|(value, _)| {
                            crate::types::of_literal(value) == Some(Type::Percent)
                        })
                    {
                        ty = Type::Percent;
                    }
                    let currency = d.default.as_ref().and_then(written_currency);
                    self.env
                        .thresholds
                        .push(ThresholdInfo { item, ty, currency });
                }
            }
            DeclKind::EscalateRule(d) => {
                if let Some(item) = self.item(Kind::Rule, id, d.name.as_ref(), self.env.rules.len())
                {
                    self.env.rules.push(item);
                }
            }
            DeclKind::Hours(d) => {
                if let Some(item) =
                    self.item(Kind::Hours, id, d.name.as_ref(), self.env.hours.len())
                {
                    self.env.hours.push(Some(item));
                }
            }
            DeclKind::Team(d) => {
                if let Some(item) = self.item(Kind::Team, id, d.name.as_ref(), self.env.teams.len())
                {
                    self.env.teams.push(item);
                }
            }
            DeclKind::Webhook(d) => {
                if let Some(item) =
                    self.item(Kind::Webhook, id, d.name.as_ref(), self.env.webhooks.len())
                {
                    self.env.webhooks.push(Signature {
                        item,
                        params: Vec::new(),
                        returns: None,
                    });
                }
            }
            DeclKind::Hook(d) => {
                if let Some(item) = self.item(Kind::Hook, id, d.name.as_ref(), self.env.hooks.len())
                {
                    self.env.hooks.push(Signature {
                        item,
                        params: Vec::new(),
                        returns: None,
                    });
                }
            }
            DeclKind::Trigger(d) => {
                if let Some(item) =
                    self.item(Kind::Trigger, id, d.name.as_ref(), self.env.triggers.len())
                {
                    self.env.triggers.push(item);
                }
            }
            DeclKind::Channel(_)
            | DeclKind::On(_)
            | DeclKind::Route(_)
            | DeclKind::Handoff(_)
            | DeclKind::Assist(_)
            | DeclKind::Learn(_)
            | DeclKind::Targets(_)
            | DeclKind::Test(_) => self.unnamed.push(id),
        }
    }

    /// Remembers what a thing was called before, for those who still call it so.
    fn renamed(&mut self, scope: u32, kind: Kind, name: &Name, was: Option<&Name>) {
        if let Some(was) = was {
            self.env
                .renamed
                .insert((scope, kind, was.text.clone()), name.text.clone());
        }
    }

    fn customer_field(&mut self, id: u32, position: u32, field: &Field) {
        self.renamed(Env::PROFILE, Kind::Slot, &field.name, field.was.as_ref());
        let at = Loc::new(id, field.name.span);
        if let Some(first) = self
            .env
            .customer_index
            .get(&field.name.text)
            .and_then(|f| self.env.customer.get(f.index()))
            .map(|f| f.name_loc)
        {
            self.twice("field", &field.name, id, first);
            return;
        }
        let next = FieldId(index(self.env.customer.len()));
        self.env
            .customer_index
            .insert(field.name.text.clone(), next);
        let item = Item {
            decl: id,
            scope: self.scope_of(id),
            name: field.name.text.clone(),
            name_loc: at,
        };
        self.env.customer.push(untyped(&item, position, field));
    }
}

fn untyped(item: &Item, position: u32, field: &Field) -> FieldInfo {
    FieldInfo {
        name: item.name.clone(),
        ty: Type::Error,
        optional: field.ty.as_ref().is_some_and(|t| t.optional),
        currency: None,
        decl: item.decl,
        position,
        scope: item.scope,
        name_loc: item.name_loc,
    }
}
