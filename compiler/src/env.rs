//! The environment: every declared name with its type, before any body is looked at.
//!
//! A *scope* is a folder: the bot's own, or one brought in by `use`. Ids are those of the machine.

use crate::machine::ParamDef;
use crate::value::{
    CodeId, Domain, EnumId, FieldId, HookId, HoursId, IntentId, KnowledgeId, LocalId, NodeId,
    RecordId, RuleId, SegmentId, SlotId, TeamId, TextId, ThresholdId, TierId, Type, WebhookId,
};
use flow_grammar::{Diagnostic, Loc, ast::TierKind};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use std::sync::atomic::{AtomicU32, Ordering};

/// Anything that has a name and a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after what they define")]
pub enum Def {
    Node(NodeId),
    Slot(SlotId),
    CustomerField(FieldId),
    Enum(EnumId),
    EnumValue(EnumId, u32),
    Record(RecordId),
    RecordField(RecordId, u32),
    Tier(TierId),
    Intent(IntentId),
    Text(TextId),
    Rule(RuleId),
    Webhook(WebhookId),
    Hook(HookId),
    Hours(HoursId),
    Team(TeamId),
    Segment(SegmentId),
    Threshold(ThresholdId),
    Knowledge(KnowledgeId),
    Trigger(u32),
    Faq(u32),
    /// A folder brought in by `use`.
    Alias(u32),
    /// The result of a call.
    Local(CodeId, LocalId),
}

/// The namespaces. Slots, segments, thresholds, hooks, hours and teams are kept apart here so that the place that names one
/// says which it wants; that they share one namespace is checked when they are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Node,
    Slot,
    Segment,
    Threshold,
    Hook,
    Hours,
    Team,
    Intent,
    Text,
    Rule,
    Webhook,
    Enum,
    Record,
    Knowledge,
    Faq,
    Trigger,
    Tier,
    Alias,
}

impl Kind {
    pub(crate) const ALL: [Self; 18] = [
        Self::Node,
        Self::Slot,
        Self::Segment,
        Self::Threshold,
        Self::Hook,
        Self::Hours,
        Self::Team,
        Self::Intent,
        Self::Text,
        Self::Rule,
        Self::Webhook,
        Self::Enum,
        Self::Record,
        Self::Knowledge,
        Self::Faq,
        Self::Trigger,
        Self::Tier,
        Self::Alias,
    ];

    /// With its article.
    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::Node => "a node",
            Self::Slot => "a slot",
            Self::Segment => "a segment",
            Self::Threshold => "a threshold",
            Self::Hook => "a hook",
            Self::Hours => "hours",
            Self::Team => "a team",
            Self::Intent => "an intent",
            Self::Text => "a text",
            Self::Rule => "an escalation rule",
            Self::Webhook => "a webhook",
            Self::Enum => "an enum",
            Self::Record => "a record",
            Self::Knowledge => "knowledge",
            Self::Faq => "a faq",
            Self::Trigger => "a trigger",
            Self::Tier => "a tier",
            Self::Alias => "a used folder",
        }
    }

    /// Without article.
    pub(crate) fn word(self) -> &'static str {
        let words = self.with_article();
        words
            .strip_prefix("a ")
            .or_else(|| words.strip_prefix("an "))
            .unwrap_or(words)
    }

    pub(crate) const fn def(self, id: u32) -> Def {
        match self {
            Self::Node => Def::Node(NodeId(id)),
            Self::Slot => Def::Slot(SlotId(id)),
            Self::Segment => Def::Segment(SegmentId(id)),
            Self::Threshold => Def::Threshold(ThresholdId(id)),
            Self::Hook => Def::Hook(HookId(id)),
            Self::Hours => Def::Hours(HoursId(id)),
            Self::Team => Def::Team(TeamId(id)),
            Self::Intent => Def::Intent(IntentId(id)),
            Self::Text => Def::Text(TextId(id)),
            Self::Rule => Def::Rule(RuleId(id)),
            Self::Webhook => Def::Webhook(WebhookId(id)),
            Self::Enum => Def::Enum(EnumId(id)),
            Self::Record => Def::Record(RecordId(id)),
            Self::Knowledge => Def::Knowledge(KnowledgeId(id)),
            Self::Faq => Def::Faq(id),
            Self::Trigger => Def::Trigger(id),
            Self::Tier => Def::Tier(TierId(id)),
            Self::Alias => Def::Alias(id),
        }
    }
}

/// A folder.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Relative to the project root.
    pub(crate) folder: SmolStr,
    /// What stands before its names outside it: `common.`; empty for the bot's own folder.
    pub(crate) prefix: SmolStr,
    /// Whether its rules and handlers act.
    pub(crate) included: bool,
    /// Its names.
    pub(crate) names: NameTable,
    /// The shared namespace: who has the name first.
    pub(crate) shared: FxHashMap<SmolStr, (Kind, Loc)>,
}

/// The names of a folder, by namespace.
#[derive(Debug, Default)]
pub(crate) struct NameTable([FxHashMap<SmolStr, u32>; Kind::ALL.len()]);

impl NameTable {
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Option<u32> {
        self.0.get(kind as usize)?.get(name).copied()
    }

    /// Gives a name to a definition; the one that had it before.
    pub(crate) fn insert(&mut self, kind: Kind, name: SmolStr, id: u32) -> Option<u32> {
        self.0.get_mut(kind as usize)?.insert(name, id)
    }

    /// All names of a namespace, in no order.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = (&SmolStr, u32)> {
        let names = self.0.get(kind as usize).into_iter().flatten();
        names.map(|(name, id)| (name, *id))
    }
}

impl Scope {
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Option<u32> {
        self.names.get(kind, name)
    }
}

/// A named thing of the program.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// The declaration.
    pub(crate) decl: u32,
    /// Its folder.
    pub(crate) scope: u32,
    /// Its name outside its folder.
    pub(crate) name: SmolStr,
    /// Where its name stands.
    pub(crate) name_loc: Loc,
}

/// A field of a record, of the profile, or a slot.
#[derive(Debug, Clone)]
pub(crate) struct FieldInfo {
    pub(crate) name: SmolStr,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
    /// The currency of its default.
    pub(crate) currency: Option<SmolStr>,
    /// The declaration and the position of the field in it.
    pub(crate) decl: u32,
    pub(crate) position: u32,
    pub(crate) scope: u32,
    pub(crate) name_loc: Loc,
}

#[derive(Debug, Clone)]
pub(crate) struct EnumInfo {
    pub(crate) item: Item,
    pub(crate) values: Vec<(SmolStr, Loc)>,
    pub(crate) index: FxHashMap<SmolStr, u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct RecordInfo {
    pub(crate) item: Item,
    pub(crate) fields: Vec<FieldInfo>,
    pub(crate) index: FxHashMap<SmolStr, u32>,
}

/// What a call of a webhook or hook takes and answers.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) item: Item,
    pub(crate) params: Vec<ParamDef>,
    pub(crate) returns: Option<(Type, bool)>,
}

#[derive(Debug, Clone)]
pub(crate) struct TierInfo {
    pub(crate) name: SmolStr,
    pub(crate) kind: TierKind,
    /// The declaration, if there is one.
    pub(crate) decl: Option<u32>,
    pub(crate) name_loc: Loc,
}

#[derive(Debug, Clone)]
pub(crate) struct ThresholdInfo {
    pub(crate) item: Item,
    pub(crate) ty: Type,
    pub(crate) currency: Option<SmolStr>,
}

/// All names.
#[derive(Debug, Default)]
pub(crate) struct Env {
    pub(crate) scopes: Vec<Scope>,
    /// The scope of every declaration.
    pub(crate) decl_scope: Vec<u32>,
    pub(crate) bot: Option<u32>,
    pub(crate) languages: Vec<SmolStr>,
    pub(crate) channels: Vec<SmolStr>,
    /// The bot's time zone; `UTC` where it names none that exists.
    pub(crate) timezone: SmolStr,
    pub(crate) tiers: Vec<TierInfo>,
    pub(crate) tier_index: FxHashMap<SmolStr, TierId>,
    pub(crate) enums: Vec<EnumInfo>,
    pub(crate) records: Vec<RecordInfo>,
    pub(crate) customer: Vec<FieldInfo>,
    pub(crate) customer_index: FxHashMap<SmolStr, FieldId>,
    pub(crate) slots: Vec<FieldInfo>,
    pub(crate) nodes: Vec<Item>,
    pub(crate) intents: Vec<Item>,
    pub(crate) texts: Vec<Item>,
    pub(crate) segments: Vec<Item>,
    pub(crate) thresholds: Vec<ThresholdInfo>,
    pub(crate) rules: Vec<Item>,
    /// The built-in rule's id, where no declaration replaces it.
    pub(crate) asked_for_human: Option<RuleId>,
    /// The first is the built-in `always`, which has no declaration.
    pub(crate) hours: Vec<Option<Item>>,
    pub(crate) teams: Vec<Item>,
    pub(crate) webhooks: Vec<Signature>,
    pub(crate) hooks: Vec<Signature>,
    pub(crate) triggers: Vec<Item>,
    pub(crate) knowledge: Vec<Item>,
    pub(crate) faqs: Vec<Item>,
    /// Nodes and slots that had another name before (`was`), by scope, kind and old name; fields of the profile
    /// as slots of [`Env::PROFILE`].
    pub(crate) renamed: FxHashMap<(u32, Kind, SmolStr), SmolStr>,
    /// Declarations whose name was taken: looked at, but not part of the machine.
    pub(crate) duplicates: Vec<u32>,
    /// Definitions that were declared twice; they are not reported as unused.
    pub(crate) duplicated: FxHashSet<Def>,
    /// The kinds of declarations that lack a name: it may be any.
    pub(crate) nameless: FxHashSet<Kind>,
    /// Names of a folder that were given to two things of the shared namespace: as a value such a name may mean either.
    pub(crate) ambiguous: FxHashSet<(u32, SmolStr)>,
    /// Names of a folder that were given to two enums or records: a field may be of either.
    pub(crate) ambiguous_types: FxHashSet<(u32, SmolStr)>,
    /// Names whose declaration could not be read: whoever uses them is not told that they are unknown.
    pub(crate) poisoned: Words,
    /// How many more unknown names are compared with all others.
    pub(crate) suggestions_left: AtomicU32,
    /// Words of declarations with syntax errors: who has such a name may be used there.
    pub(crate) mentioned: Words,
    /// A file could not be read: anything may stand in it.
    pub(crate) incomplete: bool,
}

/// A set of words, or all words that there are.
#[derive(Debug, Default)]
pub(crate) struct Words {
    some: FxHashSet<SmolStr>,
    all: bool,
}

impl Words {
    pub(crate) fn contains(&self, word: &str) -> bool {
        self.all || self.some.contains(word)
    }

    pub(crate) fn insert(&mut self, word: SmolStr) {
        self.some.insert(word);
    }

    pub(crate) fn extend(&mut self, words: impl IntoIterator<Item = SmolStr>) {
        self.some.extend(words);
    }

    pub(crate) const fn take_all(&mut self) {
        self.all = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.some.is_empty()
    }
}

impl Env {
    pub(crate) fn scope(&self, id: u32) -> Option<&Scope> {
        self.scopes.get(id as usize)
    }

    pub(crate) fn lookup(&self, scope: u32, kind: Kind, name: &str) -> Option<u32> {
        self.scope(scope)?.get(kind, name)
    }

    /// The values of a built-in set, as an author of `scope` may write them.
    pub(crate) fn domain_values(&self, domain: Domain) -> Vec<SmolStr> {
        match domain {
            Domain::Intent => self
                .intents
                .iter()
                .map(|i| i.name.clone())
                .chain([SmolStr::new_static("none")])
                .collect(),
            Domain::Tier => self.tiers.iter().map(|t| t.name.clone()).collect(),
            Domain::Language => self
                .languages
                .iter()
                .cloned()
                .chain([SmolStr::new_static("other")])
                .collect(),
            Domain::Channel => self.channels.clone(),
            Domain::Team => self.teams.iter().map(|t| t.name.clone()).collect(),
            Domain::Priority => ["standard", "medium", "high", "immediate"]
                .map(SmolStr::new_static)
                .to_vec(),
            Domain::Complexity => ["low", "medium", "high"].map(SmolStr::new_static).to_vec(),
            Domain::Rule => {
                let mut names: Vec<SmolStr> = self.rules.iter().map(|r| r.name.clone()).collect();
                if self.asked_for_human.is_some() {
                    names.push(SmolStr::new_static("asked_for_human"));
                }
                names
            }
        }
    }

    /// A type in the author's words.
    pub(crate) fn type_name(&self, ty: &Type) -> String {
        match ty {
            Type::Text => "text".into(),
            Type::Number => "number".into(),
            Type::Bool => "bool".into(),
            Type::Percent => "percent".into(),
            Type::Duration => "duration".into(),
            Type::Date => "date".into(),
            Type::Time => "time".into(),
            Type::DateTime => "datetime".into(),
            Type::Money => "money".into(),
            Type::Email => "email".into(),
            Type::Phone => "phone".into(),
            Type::Url => "url".into(),
            Type::File => "file".into(),
            Type::Enum(id) => self
                .enums
                .get(id.index())
                .map_or_else(|| "enum".into(), |e| e.item.name.to_string()),
            Type::Record(id) => self
                .records
                .get(id.index())
                .map_or_else(|| "record".into(), |r| r.item.name.to_string()),
            Type::List(of) => format!("list of {}", self.type_name(of)),
            Type::Domain(domain) => domain_name(*domain).into(),
            Type::Customer => "customer".into(),
            Type::Error => "unknown".into(),
        }
    }
}

pub(crate) const fn domain_name(domain: Domain) -> &'static str {
    match domain {
        Domain::Intent => "intent",
        Domain::Tier => "tier",
        Domain::Language => "language",
        Domain::Channel => "channel",
        Domain::Team => "team",
        Domain::Priority => "priority",
        Domain::Complexity => "complexity",
        Domain::Rule => "rule",
    }
}

/// An unknown name: with the best match, and with what else has that name.
pub(crate) fn unknown<'n>(
    env: &Env,
    scope: u32,
    what: &str,
    name: &str,
    at: Loc,
    names: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    let found = Diagnostic::error("F0201", format!("unknown {what} `{name}`"), at);
    let kind = match what {
        "node" => Some(Kind::Node),
        // Where a value stands, a slot is meant.
        "slot" | "name" => Some(Kind::Slot),
        _ => None,
    };
    if let Some(new) = kind.and_then(|k| env.renamed.get(&(scope, k, name.into()))) {
        return renamed(found, name, new, at);
    }
    // In a program full of unknown names the first few hundred suggestions will do.
    let left = env.suggestions_left.load(Ordering::Relaxed);
    env.suggestions_left
        .store(left.saturating_sub(1), Ordering::Relaxed);
    if let Some(near) = (left > 0).then(|| did_you_mean(name, names)).flatten() {
        return found.help(format!("did you mean `{near}`?")).fix(
            format!("write `{near}`"),
            false,
            vec![flow_grammar::Edit {
                at,
                text: near.to_owned(),
            }],
        );
    }
    if let Some(kind) = Kind::ALL
        .into_iter()
        .find(|k| env.lookup(scope, *k, name).is_some())
    {
        return found.help(format!("`{name}` is {}", kind.with_article()));
    }
    // It may be one of a folder that was brought in.
    let brought = env
        .scope(scope)
        .into_iter()
        .flat_map(|s| s.names.of(Kind::Alias));
    let mut folders: Vec<&SmolStr> = brought
        .filter(|(_, id)| {
            Kind::ALL
                .into_iter()
                .filter(|k| *k != Kind::Alias)
                .any(|k| env.lookup(*id, k, name).is_some())
        })
        .map(|(alias, _)| alias)
        .collect();
    folders.sort_unstable();
    if let Some(folder) = folders.first() {
        return found.help(format!("did you mean `{folder}.{name}`?")).fix(
            format!("write `{folder}.{name}`"),
            false,
            vec![flow_grammar::Edit {
                at,
                text: format!("{folder}.{name}"),
            }],
        );
    }
    let owner = env.enums.iter().find(|e| e.index.contains_key(name));
    if let Some(owner) = owner {
        return found.help(format!(
            "`{name}` is a value of `{}`; a bare value stands only where that type is expected",
            owner.item.name
        ));
    }
    found
}

impl Env {
    /// Stands for a scope: that of the customer's profile.
    pub(crate) const PROFILE: u32 = u32::MAX;
}

/// A name that its declaration gave up (`was`): the new one is surely meant.
pub(crate) fn renamed(found: Diagnostic, name: &str, new: &str, at: Loc) -> Diagnostic {
    found.help(format!("`{name}` is called `{new}` now")).fix(
        format!("write `{new}`"),
        true,
        vec![flow_grammar::Edit {
            at,
            text: new.to_owned(),
        }],
    )
}

/// The best match for a misspelt name: at most a third of its letters differ.
pub(crate) fn did_you_mean<'n>(
    wrong: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let limit = (wrong.chars().count() / 3).clamp(1, 4);
    let letters = letters_of(wrong);
    let mut best: Option<(usize, &str)> = None;
    for name in names {
        // Most names are told apart by their length or letters, long before their distance is counted.
        let far = name.len().abs_diff(wrong.len()) > limit * 2
            || (letters_of(name) ^ letters).count_ones() as usize > limit * 2;
        if far || name.is_empty() || name == wrong {
            continue;
        }
        let distance = edit_distance(wrong, name);
        if distance <= limit && best.is_none_or(|(d, n)| (distance, name) < (d, n)) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Which bytes occur, as a set of 64.
fn letters_of(word: &str) -> u64 {
    word.bytes().fold(0, |set, b| set | 1 << (b & 63))
}

/// Insertions, deletions, replacements and swaps of neighbours.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let at = |v: &[usize], k: usize| v.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&last, j) + usize::from(x != y))
                .min(at(&last, j + 1) + 1)
                .min(at(&row, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_counts_once() {
        assert_eq!(edit_distance("thansk", "thanks"), 1);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(did_you_mean("plann", ["plan", "pro"]), Some("plan"));
        assert_eq!(did_you_mean("x", ["order_id"]), None);
    }
}
