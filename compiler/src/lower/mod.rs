//! From declarations to the machine: every name resolved, every type known, every body as operations.

mod bot;
mod calls;
mod cells;
mod constants;
mod escalate;
mod expr;
mod fields;
mod fit;
mod handoff;
mod hours;
mod kept;
mod locals;
mod mocks;
mod names;
mod operators;
mod parts;
mod places;
mod presses;
mod questions;
mod ranges;
mod routing;
mod rules;
mod shift;
mod steps;
mod testing;
mod text;
mod thresholds;
mod understanding;
mod usage;
mod values;
mod webhooks;

pub(crate) use fields::field_of;
pub(crate) use kept::{Kept, KeptPart};
pub(crate) use usage::{contacts, unused};

use crate::env::{Def, Env, Kind};
use crate::load::decl as decl_of;
use crate::machine::{
    Assist, Bot, Code, CodeOwner, Expr, ExprKind, Faq, Handler, Handoff, HandoffBlock, Hook,
    Knowledge, Learn, LocalDef, Op, OpKind, ParamDef, Place, Route, Segment, TargetLine, Team,
    Temporal, TestCase, Text, Threshold, Tier, Trigger, Webhook,
};
use crate::sources::{Project, Sources};
use crate::value::{CodeId, FieldId, LocalId, OpId, PlaceId, ThresholdId, Type};
use flow_grammar::{
    Diagnostic, Edit, Loc, Name, Span,
    ast::{DeclKind, Path},
};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// A threshold that is compared with a signal of limited range.
pub(crate) type Ranged = (ThresholdId, crate::machine::Signal);

/// A name that was resolved: where it is written, and what it names.
pub type Reference = (Loc, Def);

/// Everything that declarations become. In part the fields of the machine.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) bot: Option<Bot>,
    pub(crate) tiers: Vec<Tier>,
    pub(crate) profile: Option<crate::machine::ProfileSource>,
    pub(crate) customer: Vec<crate::machine::FieldDef>,
    pub(crate) slots: Vec<crate::machine::FieldDef>,
    pub(crate) records: Vec<crate::machine::RecordDef>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) temporals: Vec<Temporal>,
    pub(crate) intents: Vec<crate::machine::Intent>,
    pub(crate) faqs: Vec<Faq>,
    pub(crate) nodes: Vec<crate::machine::Node>,
    pub(crate) texts: Vec<Text>,
    pub(crate) codes: Vec<Code>,
    pub(crate) ops: Vec<Op>,
    pub(crate) places: Vec<Place>,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) rules: Vec<crate::machine::Rule>,
    pub(crate) hours: Vec<crate::machine::Hours>,
    pub(crate) teams: Vec<Team>,
    pub(crate) routes: Vec<Route>,
    pub(crate) handoffs: Vec<Handoff>,
    pub(crate) assist: Assist,
    pub(crate) learn: Option<Learn>,
    pub(crate) targets: Vec<TargetLine>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) knowledge: Vec<Knowledge>,
    pub(crate) channels: Vec<crate::machine::Channel>,
    pub(crate) tests: Vec<TestCase>,
}

/// What the names in a webhook's or trigger's declaration may also be.
#[derive(Debug, Clone, Default)]
pub(crate) enum Inside {
    /// An ordinary place.
    #[default]
    Plain,
    /// A webhook: its parameters, `env` and `secret`, nothing of the conversation.
    Webhook(Vec<ParamDef>),
    /// A trigger: `payload`.
    Trigger(Vec<(SmolStr, Type)>),
}

/// Lowers declarations one after the other.
pub(crate) struct Lower<'a> {
    pub(crate) env: &'a Env,
    pub(crate) sources: &'a Sources,
    pub(crate) project: &'a Project,
    pub(crate) out: Output,
    pub(crate) found: Vec<Diagnostic>,
    pub(crate) refs: Vec<Reference>,
    /// Thresholds compared with a signal of limited range: to be checked when all values are known.
    pub(crate) ranged: Vec<Ranged>,
    scope: u32,
    decl: u32,
    in_test: bool,
    in_text: bool,
    inside: Inside,
    it: Option<Type>,
    code: CodeId,
    owner: CodeOwner,
    locals: Vec<LocalDef>,
    depth: u32,
    temporal_keys: FxHashMap<SmolStr, Vec<(u32, crate::value::TemporalId)>>,
    /// By folder and event, the first handler.
    handled: FxHashMap<(u32, crate::machine::HandlerEvent), Loc>,
    /// The number of the first text in its output: a part leaves room for the named ones, which it only refers to.
    first_text: u32,
    /// The labels that tests press.
    pressed: Vec<(SmolStr, Loc)>,
    /// It lowers a part of the nodes, beside others.
    in_part: bool,
    /// It met what depends on the order of the whole program.
    not_for_a_part: bool,
    /// It met a name whose declaration could not be read.
    led_astray: bool,
    /// What an earlier compilation made of nodes that did not change.
    before: Option<Kept>,
    /// What may be taken over by the next.
    pub(crate) parts: Vec<KeptPart>,
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// `key_accounts` as "Key accounts".
pub(crate) fn words(name: &str) -> SmolStr {
    let name = name.rsplit('.').next().unwrap_or(name);
    let mut out = String::with_capacity(name.len());
    for (i, c) in name.chars().enumerate() {
        match c {
            '_' => out.push(' '),
            c if i == 0 => out.extend(c.to_uppercase()),
            c => out.push(c),
        }
    }
    SmolStr::new(out)
}

impl<'a> Lower<'a> {
    pub(crate) fn new(env: &'a Env, sources: &'a Sources, project: &'a Project) -> Self {
        Self {
            env,
            sources,
            project,
            out: Output::default(),
            found: Vec::new(),
            refs: Vec::new(),
            ranged: Vec::new(),
            scope: 0,
            decl: 0,
            in_test: false,
            in_text: false,
            inside: Inside::Plain,
            it: None,
            code: CodeId(0),
            owner: CodeOwner::Menu,
            locals: Vec::new(),
            depth: 0,
            temporal_keys: FxHashMap::default(),
            handled: FxHashMap::default(),
            first_text: 0,
            pressed: Vec::new(),
            in_part: false,
            not_for_a_part: false,
            led_astray: false,
            before: None,
            parts: Vec::new(),
        }
    }

    /// As [`Self::new`], with what an earlier compilation of the same names made.
    pub(crate) fn after(
        env: &'a Env,
        sources: &'a Sources,
        project: &'a Project,
        before: Option<Kept>,
    ) -> Self {
        let before = before.and_then(|kept| {
            if kept.same_names(sources) {
                return Some(kept);
            }
            kept.let_go();
            None
        });
        Self {
            before,
            ..Self::new(env, sources, project)
        }
    }

    /// Lowers the whole program.
    pub(crate) fn all(&mut self, unnamed: &[u32]) {
        self.named_texts();
        self.hours();
        self.fields();
        self.thresholds_and_segments();
        self.bot_and_tiers();
        self.channels(unnamed);
        self.intents_and_faqs();
        self.nodes();
        self.handlers(unnamed);
        self.rules();
        self.teams();
        self.webhooks_and_hooks();
        self.profile(unnamed);
        self.triggers();
        self.knowledge();
        self.rest(unnamed);
        self.misspelt_labels();
        self.duplicates();
        self.check_ranges();
        self.name_places();
    }

    fn rest(&mut self, unnamed: &[u32]) {
        for &id in unnamed {
            let Some(tree) = decl_of(self.sources, id) else {
                continue;
            };
            self.enter(id);
            match &tree.kind {
                DeclKind::Route(d) => self.route(d),
                DeclKind::Handoff(d) => self.handoff(d),
                DeclKind::Assist(d) => self.assist(d, tree.span),
                DeclKind::Learn(d) => self.learn(d, tree.span),
                DeclKind::Targets(d) => self.targets(d),
                DeclKind::Test(d) => self.test(d),
                _ => {}
            }
        }
        self.complete_handoffs();
    }

    /// Looks at declarations whose name was taken for what else is wrong with them; nothing of them stays.
    fn duplicates(&mut self) {
        let env = self.env;
        for &id in &env.duplicates {
            let Some(tree) = decl_of(self.sources, id) else {
                continue;
            };
            self.enter(id);
            let (ops, codes, texts, places, temporals) = (
                self.out.ops.len(),
                self.out.codes.len(),
                self.out.texts.len(),
                self.out.places.len(),
                self.out.temporals.len(),
            );
            match &tree.kind {
                DeclKind::Node(d) => {
                    self.body(CodeOwner::Menu, &d.body);
                }
                DeclKind::EscalateRule(d) => self.rule_parts(d),
                _ => {}
            }
            self.out.ops.truncate(ops);
            self.out.codes.truncate(codes);
            self.out.texts.truncate(texts);
            self.out.places.truncate(places);
            self.out.temporals.truncate(temporals);
        }
    }

    /// Turns to a declaration.
    pub(crate) fn enter(&mut self, decl: u32) {
        self.decl = decl;
        self.scope = self.env.decl_scope.get(decl as usize).copied().unwrap_or(0);
        self.in_test = false;
        self.inside = Inside::Plain;
        self.it = None;
        self.locals.clear();
    }

    pub(crate) fn included(&self, scope: u32) -> bool {
        self.env.scope(scope).is_some_and(|s| s.included)
    }

    pub(crate) const fn loc(&self, span: Span) -> Loc {
        Loc::new(self.decl, span)
    }

    /// Reports; in a test every finding is F1201.
    pub(crate) fn report(&mut self, mut found: Diagnostic) {
        if self.in_test {
            found.code = "F1201";
        }
        self.found.push(found);
    }

    pub(crate) fn refer(&mut self, span: Span, def: Def) {
        self.refs.push((self.loc(span), def));
    }

    pub(crate) fn error_expr(&self, span: Span) -> Expr {
        Expr {
            kind: ExprKind::Error,
            ty: Type::Error,
            loc: self.loc(span),
        }
    }

    /// Looks a written path up in a namespace; what is unknown is reported.
    pub(crate) fn named(&mut self, kind: Kind, path: &Path) -> Option<u32> {
        self.named_in(kind, &path.segments, path.span)
    }

    /// As [`Self::named`], for one word.
    pub(crate) fn named_word(&mut self, kind: Kind, name: &Name) -> Option<u32> {
        self.named_in(kind, std::slice::from_ref(name), name.span)
    }

    fn named_in(&mut self, kind: Kind, segments: &[Name], span: Span) -> Option<u32> {
        let (last, folders) = segments.split_last()?;
        let mut scope = self.scope;
        for folder in folders {
            scope = self.folder(scope, folder)?;
        }
        if let Some(id) = self.env.lookup(scope, kind, &last.text) {
            self.refer(last.span, kind.def(id));
            return Some(id);
        }
        if last.text.is_empty()
            || self.poisoned(&last.text)
            || (kind == Kind::Tier && self.env.tiers.is_empty())
        {
            return None;
        }
        let at = self.loc(if folders.is_empty() { last.span } else { span });
        if self.env.nameless.contains(&kind) {
            self.led_astray = true;
            return None;
        }
        if self.put_off() {
            return None;
        }
        let env = self.env;
        let names = || {
            let all = env.scope(scope).into_iter();
            all.flat_map(|s| s.names.of(kind)).map(|(n, _)| n.as_str())
        };
        let mut found = crate::env::unknown(env, scope, kind.word(), &last.text, at, names());
        // Of what a bot has only a few, all are told.
        let few = matches!(
            kind,
            Kind::Tier | Kind::Team | Kind::Hours | Kind::Knowledge | Kind::Webhook | Kind::Trigger
        );
        if few {
            found = or_list(found, "declared:", names());
        }
        if kind == Kind::Intent && last.text == "none" {
            found = found.help("`otherwise` takes what has no intent");
        }
        if let Some(fix) = found.fixes.first_mut()
            && let Some(edit) = fix.edits.first_mut()
        {
            *edit = Edit {
                at: self.loc(last.span),
                text: edit.text.clone(),
            };
        }
        self.report(found);
        None
    }

    /// The folder that an alias names. Silent for one whose folder was not found.
    pub(crate) fn folder(&mut self, scope: u32, name: &Name) -> Option<u32> {
        match self.env.lookup(scope, Kind::Alias, &name.text) {
            Some(u32::MAX) => None,
            Some(id) => {
                self.refer(name.span, Def::Alias(id));
                Some(id)
            }
            None => {
                if !self.poisoned(&name.text) && !self.put_off() {
                    let names = self
                        .env
                        .scope(scope)
                        .into_iter()
                        .flat_map(|s| s.names.of(Kind::Alias))
                        .map(|(n, _)| n.as_str())
                        .chain(["customer", "slots"]);
                    let found = crate::env::unknown(
                        self.env,
                        scope,
                        "folder",
                        &name.text,
                        self.loc(name.span),
                        names,
                    );
                    self.report(found);
                }
                None
            }
        }
    }

    /// Whether a name's declaration could not be read: whoever uses it is told nothing.
    pub(crate) fn poisoned(&mut self, name: &SmolStr) -> bool {
        let poisoned = self.env.poisoned.contains(name);
        self.led_astray |= poisoned;
        poisoned
    }

    /// Whether what comes depends on the order of the whole program, and is not for a part of it.
    pub(crate) const fn put_off(&mut self) -> bool {
        self.not_for_a_part |= self.in_part;
        self.in_part
    }

    /// A field of the profile.
    pub(crate) fn customer_field(&mut self, name: &Name) -> Option<FieldId> {
        if let Some(id) = self.env.customer_index.get(&name.text) {
            self.refer(name.span, Def::CustomerField(*id));
            return Some(*id);
        }
        if !self.poisoned(&name.text) && !name.text.is_empty() {
            let names: Vec<&str> = self.env.customer.iter().map(|f| f.name.as_str()).collect();
            let found = Diagnostic::error(
                "F0201",
                format!("`customer` has no field `{}`", name.text),
                self.loc(name.span),
            );
            let at = self.loc(name.span);
            let old = (Env::PROFILE, Kind::Slot, name.text.clone());
            let found = match self.env.renamed.get(&old) {
                Some(new) => crate::env::renamed(found, &name.text, new, at),
                None => suggest(found, &name.text, at, names.clone()),
            };
            self.report(or_list(found, "it has", names));
        }
        None
    }

    pub(crate) fn op(&mut self, kind: OpKind, span: Span) -> OpId {
        let id = OpId(index(self.out.ops.len()));
        self.out.ops.push(Op {
            kind,
            loc: self.loc(span),
            code: self.code,
        });
        id
    }

    /// A place of an operation that is made next.
    pub(crate) fn place(&mut self) -> PlaceId {
        let id = PlaceId(index(self.out.places.len()));
        self.out.places.push(Place {
            op: OpId(0),
            key: SmolStr::default(),
        });
        id
    }

    /// Begins a body.
    pub(crate) fn begin_code(&mut self, owner: CodeOwner, span: Span) -> CodeId {
        let id = CodeId(index(self.out.codes.len()));
        self.out.codes.push(Code {
            owner,
            entry: OpId(0),
            locals: Vec::new(),
            loc: self.loc(span),
        });
        self.code = id;
        self.owner = owner;
        self.locals = Vec::new();
        id
    }

    /// Ends a body whose first operation is known.
    pub(crate) fn end_code(&mut self, code: CodeId, entry: OpId) {
        let locals = std::mem::take(&mut self.locals);
        if let Some(c) = self.out.codes.get_mut(code.index()) {
            c.entry = entry;
            c.locals = locals;
        }
    }

    pub(crate) fn local(&self, name: &str) -> Option<(LocalId, &LocalDef)> {
        (0..)
            .zip(&self.locals)
            .find(|(_, l)| l.name == name)
            .map(|(i, l)| (LocalId(i), l))
    }

    /// Whether the body runs while people have the conversation: there is nobody further up to turn to.
    pub(crate) const fn with_people(&self) -> bool {
        matches!(
            self.owner,
            CodeOwner::Handoff(
                _,
                HandoffBlock::Full
                    | HandoffBlock::Closed
                    | HandoffBlock::Unstaffed
                    | HandoffBlock::Offer
            )
        )
    }
}

/// How many names are told where none of them is near.
const FEW: usize = 12;

/// Adds the few names that there are, where nothing else helps.
pub(crate) fn or_list<'n>(
    found: Diagnostic,
    which: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    if found.help.is_some() {
        return found;
    }
    let mut names: Vec<&str> = names.into_iter().take(FEW + 1).collect();
    if names.is_empty() || names.len() > FEW {
        return found;
    }
    names.sort_unstable();
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    found.help(format!("{which} {}", names.join(", ")))
}

/// Adds "did you mean".
pub(crate) fn suggest<'n>(
    found: Diagnostic,
    wrong: &str,
    at: Loc,
    names: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    match crate::env::did_you_mean(wrong, names) {
        Some(near) => {
            let edit = Edit {
                at,
                text: near.to_owned(),
            };
            found.help(format!("did you mean `{near}`?")).fix(
                format!("write `{near}`"),
                false,
                vec![edit],
            )
        }
        None => found,
    }
}
