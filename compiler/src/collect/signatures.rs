//! The types of fields, slots and parameters.

use super::Collector;
use crate::env::{Env, FieldInfo, Kind};
use crate::load::decl;
use crate::machine::ParamDef;
use crate::signals;
use crate::sources::Sources;
use crate::types::{TypeRefs, resolve, written_currency};
use crate::value::Type;
use flow_grammar::{
    Diagnostic, Loc,
    ast::{DeclKind, Param},
};
use smol_str::SmolStr;

/// Whether a syntax error begins right behind a place of a declaration.
fn unread(sources: &Sources, at: Loc, end: u32) -> bool {
    let file = sources.decls.get(at.decl as usize);
    let file = file.and_then(|(file, _)| sources.files.get(*file as usize));
    let placed = file.and_then(|f| {
        f.tree
            .decls
            .get(at.decl.checked_sub(f.first_decl)? as usize)
    });
    placed.is_some_and(|p| {
        let mut places = p
            .tree
            .diagnostics
            .iter()
            .filter_map(|d| d.labels.first())
            .take(64);
        places.any(|l| l.at.start == end)
    })
}

impl Collector<'_> {
    pub(super) fn types(&mut self) {
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
                let (of, optional) = resolve(env, info.scope, info.decl, ty, found, refs);
                // `sims: sim[]`: the type goes on, in a way that could not be read.
                let (end, loc) = (ty.span.end, Loc::new(info.decl, ty.span));
                match unread(sources, loc, end) {
                    true => (Type::Error, optional),
                    false => (of, optional),
                }
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
            for (i, param) in signature.params.iter().enumerate() {
                let first = signature
                    .params
                    .iter()
                    .take(i)
                    .find(|p| p.name == param.name && !p.name.is_empty());
                if let Some(first) = first {
                    found.push(
                        Diagnostic::error(
                            "F0202",
                            format!("parameter `{}` is declared twice", param.name),
                            param.loc,
                        )
                        .labelled("declared again")
                        .label(first.loc, "first declared here"),
                    );
                }
            }
            signature.returns =
                returns.map(|ty| resolve(&self.env, scope, id, ty, &mut found, &mut refs));
        }
        self.env.webhooks = webhooks;
        self.env.hooks = hooks;
        self.diagnostics.append(&mut found);
        self.refs.append(&mut refs);
    }

    /// A parameter without a type has that of the thing of its name.
    pub(super) fn param(
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
}
