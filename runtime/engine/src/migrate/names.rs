//! Old names and what they are called now (`was`).

use flow_compiler::machine::Machine;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

/// See the module.
#[derive(Debug)]
pub(super) struct Renames {
    nodes: FxHashMap<SmolStr, SmolStr>,
    slots: FxHashMap<SmolStr, SmolStr>,
    fields: FxHashMap<SmolStr, SmolStr>,
}

fn get(map: &FxHashMap<SmolStr, SmolStr>, name: &str) -> SmolStr {
    map.get(name).cloned().unwrap_or_else(|| SmolStr::new(name))
}

impl Renames {
    pub(super) fn new(new: &Machine) -> Self {
        // A name that is used again means the new thing.
        let was = |was: &Option<SmolStr>, name: &SmolStr, taken: bool| {
            was.clone()
                .filter(|_| !taken)
                .map(|was| (was, name.clone()))
        };
        Self {
            nodes: new
                .nodes
                .iter()
                .filter_map(|n| {
                    was(
                        &n.was,
                        &n.name,
                        n.was
                            .as_ref()
                            .is_some_and(|w| new.names.nodes.contains_key(w)),
                    )
                })
                .collect(),
            slots: new
                .slots
                .iter()
                .filter_map(|d| {
                    was(
                        &d.was,
                        &d.name,
                        d.was
                            .as_ref()
                            .is_some_and(|w| new.names.slots.contains_key(w)),
                    )
                })
                .collect(),
            fields: new
                .customer
                .iter()
                .filter_map(|d| {
                    was(
                        &d.was,
                        &d.name,
                        d.was
                            .as_ref()
                            .is_some_and(|w| new.names.customer.contains_key(w)),
                    )
                })
                .collect(),
        }
    }

    pub(super) fn node(&self, name: &str) -> SmolStr {
        get(&self.nodes, name)
    }

    pub(super) fn field(&self, name: &str) -> SmolStr {
        get(&self.fields, name)
    }

    /// A slot or `customer.field`.
    pub(super) fn var(&self, name: &str) -> SmolStr {
        match name.strip_prefix("customer.") {
            Some(field) => format_smolstr!("customer.{}", self.field(field)),
            None => get(&self.slots, name),
        }
    }

    /// The key of a place or visit: `node/kind subject#2`.
    pub(super) fn key(&self, key: &str) -> SmolStr {
        let Some((node, rest)) = key.split_once('/') else {
            return SmolStr::new(key);
        };
        let (kind, subject) = rest.split_once(' ').unwrap_or((rest, ""));
        let (subject, number) = subject
            .split_once('#')
            .map_or((subject, None), |(s, n)| (s, Some(n)));
        let subject = if kind == "visit" {
            self.node(subject)
        } else {
            let names: Vec<String> = subject
                .split(", ")
                .map(|name| self.var(name).to_string())
                .collect();
            SmolStr::new(names.join(", "))
        };
        let space = if subject.is_empty() { "" } else { " " };
        match number {
            Some(number) => format_smolstr!("{}/{kind}{space}{subject}#{number}", self.node(node)),
            None => format_smolstr!("{}/{kind}{space}{subject}", self.node(node)),
        }
    }
}
