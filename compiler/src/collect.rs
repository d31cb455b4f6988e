//! Collects every declared name, then the types of slots, fields and signatures.

use crate::env::{
    Def, EnumInfo, Env, FieldInfo, Item, Kind, RecordInfo, Signature, ThresholdInfo, TierInfo,
};
use crate::load::{Loaded, decl, remember_broken, whole};
use crate::machine::ParamDef;
use crate::signals;
use crate::sources::Sources;
use crate::types::{TypeRefs, resolve, written_currency};
use crate::value::{FieldId, HoursId, RuleId, TierId, Type};
use flow_grammar::{
    Diagnostic, Loc, Name,
    ast::{BotDecl, DeclKind, Field, Param, TierKind},
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
    } = loaded;
    let mut env = Env {
        scopes,
        decl_scope,
        hours: vec![None],
        timezone: SmolStr::new_static("UTC"),
        suggestions_left: std::cell::Cell::new(300),
        ..Env::default()
    };
    remember_broken(&sources, &mut env);
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
            .insert((Kind::Hours, SmolStr::new_static("always")), 0);
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
            match first {
                Some(first) => self.twice(kind.word(), name, decl, first),
                None => self.diagnostics.push(
                    Diagnostic::error("F0202", format!("`{}` is built in", name.text), name_loc)
                        .help("choose another name"),
                ),
            }
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
            } else if kind != Kind::Slot && signals::is_signal(&name.text) {
                self.diagnostics.push(
                    Diagnostic::error("F0202", format!("`{}` is a signal", name.text), name_loc)
                        .help("only a slot may have the name of a signal; choose another name"),
                );
            }
        }
        let scope = self.env.scopes.get_mut(scope_id as usize)?;
        if shared {
            scope
                .shared
                .entry(name.text.clone())
                .or_insert((kind, name_loc));
        }
        scope.names.insert((kind, name.text.clone()), id);
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

    fn item(&mut self, kind: Kind, decl: u32, name: Option<&Name>, id: usize) -> Option<Item> {
        let item = self.declare(kind, decl, name?, id);
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
                    let ty = d
                        .default
                        .as_ref()
                        .and_then(crate::types::of_literal)
                        .unwrap_or(Type::Error);
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

    fn found_bot(&mut self, id: u32, bot: &BotDecl) {
        let at = bot.name.as_ref().map_or(bot.span, |n| n.span);
        let at = Loc::new(id, at);
        if self.scope_of(id) != 0 {
            self.diagnostics.push(
                Diagnostic::error("F0203", "a used folder must not hold a `bot`", at)
                    .help("move what both bots need to a folder without one"),
            );
        } else if let Some(first) = self.env.bot {
            let first = Loc::new(
                first,
                decl(self.sources, first)
                    .map(|d| d.span)
                    .unwrap_or_default(),
            );
            self.diagnostics.push(
                Diagnostic::error("F0203", "a second `bot` in one folder", at)
                    .label(first, "the first one")
                    .help("a folder holds one bot; give the other its own folder"),
            );
        } else {
            self.env.bot = Some(id);
        }
    }

    fn customer_field(&mut self, id: u32, position: u32, field: &Field) {
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

    fn bot(&mut self) {
        let sources = self.sources;
        let Some(id) = self.env.bot else {
            let broken = sources.files.iter().flat_map(|f| &f.tree.decls).any(|d| {
                matches!(d.tree.decl.kind, DeclKind::Error) && !d.tree.diagnostics.is_empty()
            });
            if !(broken
                && self
                    .env
                    .poisoned
                    .iter()
                    .any(|_| self.env.mentioned.contains("bot")))
            {
                self.diagnostics.push(
                    Diagnostic::error("F0203", "no `bot` declaration", whole(sources))
                        .help("a bot is a folder with one declaration `bot NAME { languages ..; channels ..; tiers ..; start NODE }`"),
                );
            }
            self.tiers_without_a_ladder();
            return;
        };
        let Some(DeclKind::Bot(bot)) = decl(sources, id).map(|d| &d.kind) else {
            return;
        };
        self.env.languages = bot.languages.iter().map(|l| l.text.clone()).collect();
        let zone = bot
            .timezone
            .as_ref()
            .and_then(|t| t.plain())
            .filter(|t| jiff::tz::TimeZone::get(t).is_ok());
        self.env.timezone = zone.map_or(SmolStr::new_static("UTC"), SmolStr::new);
        self.env.channels = bot.channels.iter().map(|c| c.text.clone()).collect();
        for list in [&bot.languages, &bot.channels] {
            let mut known: FxHashMap<&SmolStr, Loc> = FxHashMap::default();
            for name in list {
                let at = Loc::new(id, name.span);
                if let Some(first) = known.insert(&name.text, at) {
                    self.twice("`bot` names this twice:", name, id, first);
                }
            }
        }
        for name in &bot.tiers {
            let at = Loc::new(id, name.span);
            if let Some(first) = self
                .env
                .tier_index
                .get(&name.text)
                .and_then(|t| self.env.tiers.get(t.index()))
                .map(|t| t.name_loc)
            {
                self.twice("tier", name, id, first);
                continue;
            }
            let declared = self.tier_decls.get(&name.text).copied();
            if declared.is_none() && !self.env.poisoned.contains(&name.text) {
                let found = crate::env::unknown(
                    &self.env,
                    0,
                    "tier",
                    &name.text,
                    at,
                    self.tier_decls
                        .keys()
                        .map(SmolStr::as_str)
                        .collect::<Vec<_>>(),
                );
                let found = if found.help.is_none() {
                    found.help(format!(
                        "declare it: `tier {}: scripted {{ }}` (or `model`, or `people`)",
                        name.text
                    ))
                } else {
                    found
                };
                self.diagnostics.push(found);
            }
            self.tier(
                name.text.clone(),
                declared.and_then(|d| d.1),
                declared.map(|d| d.0),
                declared.map_or(at, |d| d.2),
            );
        }
        if bot.tiers.is_empty() {
            self.tiers_without_a_ladder();
        } else {
            let mut off: Vec<(SmolStr, u32, Option<TierKind>, Loc)> = self
                .tier_decls
                .iter()
                .filter(|(n, _)| !self.env.tier_index.contains_key(*n))
                .map(|(n, d)| (n.clone(), d.0, d.1, d.2))
                .collect();
            off.sort_by_key(|t| t.1);
            for (name, decl_id, _, at) in off {
                self.diagnostics.push(
                    Diagnostic::error("F0201", format!("tier `{name}` is not on the ladder"), at)
                        .help(format!(
                            "add it to `tiers ..` in the bot, or remove the declaration of `{name}`"
                        )),
                );
                self.env.duplicates.push(decl_id);
            }
        }
    }

    fn tier(&mut self, name: SmolStr, kind: Option<TierKind>, decl: Option<u32>, name_loc: Loc) {
        let id = TierId(index(self.env.tiers.len()));
        self.env.tier_index.insert(name.clone(), id);
        for scope in &mut self.env.scopes {
            scope.names.insert((Kind::Tier, name.clone()), id.0);
        }
        self.env.tiers.push(TierInfo {
            name,
            kind: kind.unwrap_or(TierKind::Scripted),
            decl,
            name_loc,
        });
    }

    /// Without a ladder the declared tiers stand in their order, so that the rest can be looked at.
    fn tiers_without_a_ladder(&mut self) {
        let mut all: Vec<(u32, SmolStr, Option<TierKind>, Loc)> = self
            .tier_decls
            .iter()
            .map(|(n, d)| (d.0, n.clone(), d.1, d.2))
            .collect();
        all.sort_by_key(|t| t.0);
        for (id, name, kind, at) in all {
            self.tier(name, kind, Some(id), at);
        }
    }

    fn types(&mut self) {
        let sources = self.sources;
        let field = |env: &Env,
                     found: &mut Vec<Diagnostic>,
                     refs: &mut TypeRefs,
                     info: &FieldInfo|
         -> (Type, bool, Option<SmolStr>) {
            let Some(tree) = crate::lower::field_of(sources, info.decl, info.position) else {
                return (Type::Error, true, None);
            };
            let (ty, optional) = tree.ty.as_ref().map_or((Type::Error, true), |ty| {
                resolve(env, info.scope, info.decl, ty, found, refs)
            });
            (
                ty,
                optional,
                tree.default.as_ref().and_then(written_currency),
            )
        };
        let (mut found, mut refs) = (Vec::new(), Vec::new());
        let mut slots = std::mem::take(&mut self.env.slots);
        let mut customer = std::mem::take(&mut self.env.customer);
        let mut records = std::mem::take(&mut self.env.records);
        for info in slots
            .iter_mut()
            .chain(&mut customer)
            .chain(records.iter_mut().flat_map(|r| &mut r.fields))
        {
            (info.ty, info.optional, info.currency) = field(&self.env, &mut found, &mut refs, info);
        }
        self.env.slots = slots;
        self.env.customer = customer;
        self.env.records = records;
        let mut webhooks = std::mem::take(&mut self.env.webhooks);
        let mut hooks = std::mem::take(&mut self.env.hooks);
        for signature in webhooks.iter_mut().chain(&mut hooks) {
            let (id, scope) = (signature.item.decl, signature.item.scope);
            let (params, returns) = match decl(sources, id).map(|d| &d.kind) {
                Some(DeclKind::Webhook(w)) => (&w.params, w.returns.as_ref()),
                Some(DeclKind::Hook(h)) => (&h.params, h.returns.as_ref()),
                _ => continue,
            };
            signature.params = params
                .iter()
                .map(|p| self.param(id, scope, p, &mut found, &mut refs))
                .collect();
            signature.returns =
                returns.map(|ty| resolve(&self.env, scope, id, ty, &mut found, &mut refs));
        }
        self.env.webhooks = webhooks;
        self.env.hooks = hooks;
        self.diagnostics.append(&mut found);
        self.refs.append(&mut refs);
    }

    /// A parameter without a type has that of the thing of its name.
    fn param(
        &self,
        id: u32,
        scope: u32,
        param: &Param,
        found: &mut Vec<Diagnostic>,
        refs: &mut TypeRefs,
    ) -> ParamDef {
        let loc = Loc::new(id, param.name.span);
        let name = param.name.text.clone();
        if let Some(ty) = &param.ty {
            let (ty, optional) = resolve(&self.env, scope, id, ty, found, refs);
            return ParamDef {
                name,
                ty,
                optional,
                loc,
            };
        }
        if name == "payload" {
            // What a trigger brings; each trigger has its own fields.
            return ParamDef {
                name,
                ty: Type::Error,
                optional: false,
                loc,
            };
        }
        if name == "customer" {
            return ParamDef {
                name,
                ty: Type::Customer,
                optional: false,
                loc,
            };
        }
        if let Some((_, ty)) = signals::signal(&name, None) {
            return ParamDef {
                name,
                ty,
                optional: true,
                loc,
            };
        }
        if let Some(slot) = self
            .env
            .lookup(scope, Kind::Slot, &name)
            .and_then(|s| self.env.slots.get(s as usize))
        {
            return ParamDef {
                name,
                ty: slot.ty.clone(),
                optional: true,
                loc,
            };
        }
        if !self.env.poisoned.contains(&name) {
            found.push(
                Diagnostic::error("F0201", format!("unknown type of parameter `{name}`"), loc)
                    .help(format!("write its type: `{name}: text`")),
            );
        }
        ParamDef {
            name,
            ty: Type::Error,
            optional: true,
            loc,
        }
    }

    fn built_in_rules(&mut self) {
        if self.env.rules.iter().any(|r| r.name == "asked_for_human")
            || self.first_people().is_none()
        {
            return;
        }
        let id = RuleId(index(self.env.rules.len()));
        self.env.asked_for_human = Some(id);
        for scope in &mut self.env.scopes {
            scope
                .names
                .entry((Kind::Rule, SmolStr::new_static("asked_for_human")))
                .or_insert(id.0);
        }
    }

    fn first_people(&self) -> Option<TierId> {
        self.env
            .tiers
            .iter()
            .position(|t| t.kind == TierKind::People)
            .map(|i| TierId(index(i)))
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

impl Env {
    /// Where a definition's name stands; `None` for what is built in.
    pub(crate) fn place(&self, def: Def) -> Option<Loc> {
        let at = |items: &[Item], i: usize| items.get(i).map(|x| x.name_loc);
        match def {
            Def::Node(i) => at(&self.nodes, i.index()),
            Def::Slot(i) => self.slots.get(i.index()).map(|x| x.name_loc),
            Def::CustomerField(i) => self.customer.get(i.index()).map(|x| x.name_loc),
            Def::Enum(i) => self.enums.get(i.index()).map(|x| x.item.name_loc),
            Def::EnumValue(i, v) => self
                .enums
                .get(i.index())?
                .values
                .get(v as usize)
                .map(|x| x.1),
            Def::Record(i) => self.records.get(i.index()).map(|x| x.item.name_loc),
            Def::RecordField(i, f) => self
                .records
                .get(i.index())?
                .fields
                .get(f as usize)
                .map(|x| x.name_loc),
            Def::Tier(i) => self.tiers.get(i.index()).map(|x| x.name_loc),
            Def::Intent(i) => at(&self.intents, i.index()),
            Def::Text(i) => at(&self.texts, i.index()),
            Def::Rule(i) => at(&self.rules, i.index()),
            Def::Webhook(i) => self.webhooks.get(i.index()).map(|x| x.item.name_loc),
            Def::Hook(i) => self.hooks.get(i.index()).map(|x| x.item.name_loc),
            Def::Hours(HoursId(i)) => self.hours.get(i as usize)?.as_ref().map(|x| x.name_loc),
            Def::Team(i) => at(&self.teams, i.index()),
            Def::Segment(i) => at(&self.segments, i.index()),
            Def::Threshold(i) => self.thresholds.get(i.index()).map(|x| x.item.name_loc),
            Def::Knowledge(i) => at(&self.knowledge, i.index()),
            Def::Trigger(i) => at(&self.triggers, i as usize),
            Def::Faq(i) => at(&self.faqs, i as usize),
            Def::Alias(_) | Def::Local(..) => None,
        }
    }
}
