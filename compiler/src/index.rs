//! What is defined where and what refers to it: the data behind go-to-definition, references and rename.

use crate::env::{Def, Env, Kind};
use crate::lower::Reference;
use crate::machine::Machine;
use crate::sources::Sources;
use crate::value::{CodeId, FieldId, LocalId};
use flow_grammar::Loc;
use rustc_hash::FxHashMap;
use std::sync::{Arc, OnceLock};

/// Definitions and references of a program. Sorted when somebody first asks: a check alone never does.
#[derive(Debug)]
pub struct Index {
    env: Arc<Env>,
    machine: Arc<Machine>,
    found: Arc<Vec<Reference>>,
    sorted: OnceLock<Sorted>,
}

#[derive(Debug)]
struct Sorted {
    /// Where every definition's name stands. What is built in has no entry.
    definitions: FxHashMap<Def, Loc>,
    /// Every name that was resolved, in the order of the declarations and the places in them.
    references: Vec<Reference>,
    /// The definitions in the same order.
    defined: Vec<Reference>,
}

impl Sorted {
    fn of(env: &Env, machine: &Machine, found: &[Reference]) -> Self {
        let mut references = found.to_vec();
        references.sort_unstable_by_key(|(at, _)| *at);
        references.dedup();
        references.shrink_to_fit();
        let mut defined: Vec<Reference> = Vec::new();
        let mut add = |def: Def| {
            if let Some(at) = env.place(def) {
                defined.push((at, def));
            }
        };
        for (kind, count) in counts(env) {
            (0..count).for_each(|i| add(kind.def(i)));
        }
        (0u32..)
            .zip(&env.customer)
            .for_each(|(i, _)| add(Def::CustomerField(FieldId(i))));
        for (i, info) in (0u32..).zip(&env.enums) {
            (0u32..)
                .zip(&info.values)
                .for_each(|(v, _)| add(Def::EnumValue(crate::value::EnumId(i), v)));
        }
        for (i, info) in (0u32..).zip(&env.records) {
            (0u32..)
                .zip(&info.fields)
                .for_each(|(f, _)| add(Def::RecordField(crate::value::RecordId(i), f)));
        }
        for (c, code) in (0u32..).zip(&machine.codes) {
            for (l, local) in (0u32..).zip(&code.locals) {
                defined.push((local.loc, Def::Local(CodeId(c), LocalId(l))));
            }
        }
        defined.sort_unstable_by_key(|(at, _)| *at);
        let definitions = defined.iter().map(|(at, def)| (*def, *at)).collect();
        Self {
            definitions,
            references,
            defined,
        }
    }
}

impl Index {
    pub(crate) const fn new(
        env: Arc<Env>,
        machine: Arc<Machine>,
        found: Arc<Vec<Reference>>,
    ) -> Self {
        Self {
            env,
            machine,
            found,
            sorted: OnceLock::new(),
        }
    }

    fn sorted(&self) -> &Sorted {
        self.sorted
            .get_or_init(|| Sorted::of(&self.env, &self.machine, &self.found))
    }

    /// Every name that was resolved, in the order of the declarations and the places in them.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.sorted().references
    }

    /// Where a definition's name stands. What is built in stands nowhere.
    #[must_use]
    pub fn definition(&self, def: Def) -> Option<Loc> {
        self.sorted().definitions.get(&def).copied()
    }

    /// What is named at a byte offset of a file, and where that name stands. `file` is a path relative to the project root.
    #[must_use]
    pub fn at(&self, sources: &Sources, file: &str, offset: usize) -> Option<Reference> {
        let source = sources.files.iter().find(|f| f.path == file)?;
        let before = source
            .tree
            .decls
            .partition_point(|d| d.offset as usize <= offset);
        let placed = source.tree.decls.get(before.checked_sub(1)?)?;
        let decl = source.first_decl + u32::try_from(before - 1).ok()?;
        let inside = u32::try_from(offset).ok()?.checked_sub(placed.offset)?;
        let of_decl = |list: &[Reference]| {
            let from = list.partition_point(|(at, _)| at.decl < decl);
            let to = list.partition_point(|(at, _)| at.decl <= decl);
            let held = list.get(from..to).unwrap_or_default().iter();
            held.filter(|(at, _)| at.span.start <= inside && inside <= at.span.end)
                .min_by_key(|(at, _)| at.span.end - at.span.start)
                .copied()
        };
        let sorted = self.sorted();
        of_decl(&sorted.references).or_else(|| of_decl(&sorted.defined))
    }

    /// Every place that names a definition, its own name aside.
    pub fn references_of(&self, def: Def) -> impl Iterator<Item = Loc> + '_ {
        let own = self.definition(def);
        self.sorted()
            .references
            .iter()
            .filter(move |(at, d)| *d == def && Some(*at) != own)
            .map(|(at, _)| *at)
    }

    /// The definitions of a file in its order, for an outline. `file` is a path relative to the project root.
    pub fn symbols<'i>(
        &'i self,
        sources: &'i Sources,
        file: &str,
    ) -> impl Iterator<Item = Reference> + 'i {
        let range = sources
            .files
            .iter()
            .find(|f| f.path == file)
            .map_or(0..0, |f| {
                f.first_decl..f.first_decl + u32::try_from(f.tree.decls.len()).unwrap_or(0)
            });
        let defined = &self.sorted().defined;
        let from = defined.partition_point(|(at, _)| at.decl < range.start);
        defined
            .iter()
            .skip(from)
            .take_while(move |(at, _)| at.decl < range.end)
            .copied()
    }
}

fn counts(env: &Env) -> [(Kind, u32); 17] {
    let n = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    [
        (Kind::Node, n(env.nodes.len())),
        (Kind::Slot, n(env.slots.len())),
        (Kind::Segment, n(env.segments.len())),
        (Kind::Threshold, n(env.thresholds.len())),
        (Kind::Hook, n(env.hooks.len())),
        (Kind::Hours, n(env.hours.len())),
        (Kind::Team, n(env.teams.len())),
        (Kind::Intent, n(env.intents.len())),
        (Kind::Text, n(env.texts.len())),
        (Kind::Rule, n(env.rules.len())),
        (Kind::Webhook, n(env.webhooks.len())),
        (Kind::Enum, n(env.enums.len())),
        (Kind::Record, n(env.records.len())),
        (Kind::Knowledge, n(env.knowledge.len())),
        (Kind::Faq, n(env.faqs.len())),
        (Kind::Trigger, n(env.triggers.len())),
        (Kind::Tier, n(env.tiers.len())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_head;

    #[test]
    fn what_a_mock_answers_names_the_fields_of_its_record() {
        let c = with_head(
            "record order { state: text }\nslots { last: order }\nwebhook find() -> order { get \"https://x.example\" }\n\
             node greet { call find() as got { failed -> escalate }; set last = got; say \"{last.state}\"; end resolved }\n\
             test \"t\" {\n  mock find returns { state \"sent\" }\n  customer \"hi\"\n}",
        );
        let text = &c.sources.files[0].text;
        let field = text.find("state: text").unwrap();
        let (_, def) = c.index.at(&c.sources, "bot.flow", field + 1).unwrap();
        let named: Vec<&str> = c
            .index
            .references_of(def)
            .map(|at| c.sources.snippet(at))
            .collect();
        assert_eq!(named.len(), 2, "{named:?}");
    }

    #[test]
    fn a_name_leads_to_its_definition_and_back() {
        let c = with_head(
            "enum plan { free, pro }\nslots { wanted: plan = free }\nwebhook w() -> plan { get \"https://x.example\" }\n\
             node greet { set wanted = pro; call w() as got { failed -> bye }; say \"{wanted} {got}\"; -> bye }\nnode bye { end resolved }",
        );
        let text = &c.sources.files[0].text;
        let place = |needle: &str, skip: usize| text.match_indices(needle).nth(skip).unwrap().0 + 1;
        let at = |needle: &str, skip: usize| {
            c.index
                .at(&c.sources, "bot.flow", place(needle, skip))
                .map(|(_, def)| def)
        };
        let bye = Def::Node(c.machine.names.nodes["bye"]);
        assert_eq!(at("bye", 0), Some(bye));
        assert_eq!(at("bye", 2), Some(bye), "its own name");
        assert_eq!(c.index.references_of(bye).count(), 2);
        assert_eq!(
            at("pro;", 0),
            Some(Def::EnumValue(crate::value::EnumId(0), 1))
        );
        assert!(matches!(at("got}", 0), Some(Def::Local(..))));
        assert!(matches!(at("plan =", 0), Some(Def::Enum(_))));
        assert_eq!(
            c.index
                .at(&c.sources, "bot.flow", text.find("set wanted").unwrap() + 1),
            None
        );
        let names: Vec<&str> = c
            .index
            .symbols(&c.sources, "bot.flow")
            .map(|(at, _)| c.sources.snippet(at))
            .collect();
        assert!(
            names.contains(&"greet") && names.contains(&"free") && names.contains(&"support"),
            "{names:?}"
        );
    }
}
