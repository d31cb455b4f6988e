//! Bare names that are values of the expected type.

use super::{Lower, suggest};
use crate::env::{Def, Kind, domain_name};
use crate::value::{Domain, Type, Value};
use flow_grammar::{Diagnostic, ast::Path};
use smol_str::SmolStr;

impl Lower<'_> {
    /// A bare name where a value of `ty` is expected. `None`: the type has no values by name, or the name is none of them.
    pub(crate) fn bare_value(&mut self, ty: &Type, path: &Path) -> Option<Value> {
        let last = path.segments.last()?;
        match ty {
            Type::Enum(id) if path.segments.len() == 1 => {
                let at = *self.env.enums.get(id.index())?.index.get(&last.text)?;
                self.refer(last.span, Def::EnumValue(*id, at));
                Some(Value::Enum(last.text.clone()))
            }
            Type::Domain(domain) => self.domain_value(*domain, path),
            _ => None,
        }
    }

    pub(super) fn domain_value(&mut self, domain: Domain, path: &Path) -> Option<Value> {
        let (last, folders) = path.segments.split_last()?;
        let kind = match domain {
            Domain::Intent if folders.is_empty() && last.text == "none" => {
                return Some(Value::Enum(last.text.clone()));
            }
            Domain::Intent => Kind::Intent,
            Domain::Team => Kind::Team,
            Domain::Tier => Kind::Tier,
            Domain::Rule => Kind::Rule,
            _ => {
                let known =
                    folders.is_empty() && self.env.domain_values(domain).contains(&last.text);
                return known.then(|| Value::Enum(last.text.clone()));
            }
        };
        let mut scope = self.scope;
        for folder in folders {
            scope = self.env.lookup(scope, Kind::Alias, &folder.text)?;
        }
        let id = self.env.lookup(scope, kind, &last.text)?;
        self.refer(last.span, kind.def(id));
        let items = match kind {
            Kind::Intent => &self.env.intents,
            Kind::Team => &self.env.teams,
            Kind::Rule => &self.env.rules,
            _ => return Some(Value::Enum(last.text.clone())),
        };
        Some(Value::Enum(
            items
                .get(id as usize)
                .map_or_else(|| last.text.clone(), |i| i.name.clone()),
        ))
    }

    /// Reports a bare name that is no value of the expected type.
    pub(crate) fn no_such_value(&mut self, ty: &Type, path: &Path) {
        let Some(last) = path.segments.last().cloned() else {
            return;
        };
        if last.text.is_empty() || self.poisoned(&last.text) {
            return;
        }
        let folder = path.segments.first().filter(|_| path.segments.len() > 1);
        if folder
            .is_some_and(|f| self.env.lookup(self.scope, Kind::Alias, &f.text) == Some(u32::MAX))
        {
            // The folder was not found; that is reported.
            return;
        }
        let at = self.loc(path.span);
        let slot = self
            .env
            .lookup(self.scope, Kind::Slot, &last.text)
            .filter(|_| path.segments.len() == 1 && !self.in_test);
        if let Some(slot) = slot {
            // It may be the slot that is meant.
            self.refer(last.span, Kind::Slot.def(slot));
        }
        let (code, what, values): (_, String, Vec<SmolStr>) = match ty {
            Type::Enum(id) => {
                let Some(info) = self.env.enums.get(id.index()) else {
                    return;
                };
                if crate::broken::broken(self.sources, info.item.decl) {
                    // It may be one that could not be read.
                    self.led_astray = true;
                    return;
                }
                (
                    "F0301",
                    format!("`{}` has no value `{}`", info.item.name, last.text),
                    info.values.iter().map(|v| v.0.clone()).collect(),
                )
            }
            Type::Domain(domain) => {
                let values = self.env.domain_values(*domain);
                match domain {
                    Domain::Intent | Domain::Team | Domain::Tier | Domain::Rule => {
                        if *domain == Domain::Tier && values.is_empty() {
                            return;
                        }
                        (
                            "F0201",
                            format!("unknown {} `{}`", domain_name(*domain), last.text),
                            values,
                        )
                    }
                    Domain::Language if self.env.languages.is_empty() => return,
                    Domain::Channel if self.env.channels.is_empty() => return,
                    _ => (
                        "F0301",
                        format!("`{}` is no {}", last.text, domain_name(*domain)),
                        values,
                    ),
                }
            }
            _ => return,
        };
        let same_type = slot
            .and_then(|s| self.env.slots.get(s as usize))
            .is_some_and(|s| crate::types::comparable(&s.ty, ty));
        if same_type {
            let written = format!("slots.{}", last.text);
            let finding = Diagnostic::error(code, what, at)
                .help(format!(
                    "a bare name is a value here; the slot is written `{written}`"
                ))
                .fix(
                    format!("write `{written}`"),
                    false,
                    vec![flow_grammar::Edit { at, text: written }],
                );
            self.report(finding);
            return;
        }
        // What can be unknown may be matched with `unknown`.
        let unknown = (code == "F0301").then_some("unknown");
        let found = suggest(
            Diagnostic::error(code, what, at),
            &last.text,
            at,
            values.iter().map(SmolStr::as_str).chain(unknown),
        );
        let found = if found.help.is_none() && !values.is_empty() && values.len() <= 12 {
            found.help(format!(
                "the values are {}",
                values
                    .iter()
                    .map(|v| format!("`{v}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))
        } else {
            found
        };
        self.report(found);
    }
}
