//! Webhooks, hooks and triggers.

use super::{Inside, Lower};
use crate::load::{decl as decl_of, path_of};
use crate::machine::{CodeOwner, FieldDef, Hook, OpKind, Trigger, Webhook};
use crate::paths::{folder_of, join};
use crate::value::{OpId, Type};
use flow_grammar::{
    Diagnostic, Span,
    ast::{DeclKind, HookDecl, Method, Path, TriggerDecl, TriggerThen, WebhookDecl},
};
use smol_str::SmolStr;
use std::sync::Arc;

/// What a webhook may take where nothing is said.
const TIMEOUT: i64 = 10_000;

impl Lower<'_> {
    pub(super) fn webhooks_and_hooks(&mut self) {
        let env = self.env;
        for signature in &env.webhooks {
            let Some(DeclKind::Webhook(tree)) =
                decl_of(self.sources, signature.item.decl).map(|d| &d.kind)
            else {
                continue;
            };
            self.enter(signature.item.decl);
            self.webhook(tree, signature);
        }
        for signature in &env.hooks {
            let Some(tree) = decl_of(self.sources, signature.item.decl) else {
                continue;
            };
            let DeclKind::Hook(hook) = &tree.kind else {
                continue;
            };
            self.enter(signature.item.decl);
            self.hook(hook, signature, tree.span);
        }
    }

    fn webhook(&mut self, tree: &WebhookDecl, signature: &crate::env::Signature) {
        self.inside = Inside::Webhook(signature.params.clone());
        let (method, url) = match &tree.request {
            Some((method, url)) => (method.node, self.text_lit(url)),
            None => (Method::Get, self.new_text(Vec::new(), tree.span)),
        };
        if let (Some((method, _)), Some(_)) = (&tree.request, &tree.send)
            && matches!(method.node, Method::Get)
        {
            self.report(
                Diagnostic::error(
                    "F0302",
                    "a `get` has no body to `send`",
                    self.loc(method.span),
                )
                .help("use `post`, or put the values into the URL"),
            );
        }
        let headers = tree
            .headers
            .iter()
            .map(|(name, value)| (self.text_lit(name), self.text_lit(value)))
            .collect();
        let send = tree.send.as_ref().map(|fields| {
            fields
                .iter()
                .map(|(name, value)| (name.text.clone(), self.expr(value)))
                .collect()
        });
        let signed = tree.signed.as_ref().and_then(|p| self.secret(p));
        self.inside = Inside::Plain;
        let shares = tree.shares.iter().filter_map(|p| self.shared(p)).collect();
        self.out.webhooks.push(Webhook {
            name: signature.item.name.clone(),
            params: signature.params.clone(),
            returns: signature.returns.clone(),
            method,
            url,
            headers,
            send,
            timeout: tree.timeout.as_ref().map_or(TIMEOUT, |t| t.node),
            retry: tree.retry.as_ref().map_or(0, |r| r.node),
            idempotent: tree.idempotent.is_some(),
            signed,
            shares,
            loc: self.loc(tree.span),
            name_loc: signature.item.name_loc,
        });
    }

    fn secret(&mut self, path: &Path) -> Option<SmolStr> {
        match path.segments.as_slice() {
            [root, name] if root.text == "secret" => Some(name.text.clone()),
            _ => {
                self.report(
                    Diagnostic::error(
                        "F0301",
                        "a signature is made with a secret",
                        self.loc(path.span),
                    )
                    .help("write `signed secret.NAME`"),
                );
                None
            }
        }
    }

    fn hook(&mut self, tree: &HookDecl, signature: &crate::env::Signature, span: Span) {
        let path_span = tree.from.as_ref().map_or(span, |f| f.span);
        let path_loc = self.loc(path_span);
        let (mut path, mut script): (SmolStr, Arc<str>) = (SmolStr::default(), Arc::from(""));
        if let Some(from) = &tree.from {
            let folder = folder_of(path_of(self.sources, signature.item.decl)).to_owned();
            let written = from.plain().unwrap_or_default();
            match join(&folder, &written) {
                None => self.report(
                    Diagnostic::error(
                        "F0204",
                        format!("`{written}` is outside the project"),
                        path_loc,
                    )
                    .help("keep scripts inside the project"),
                ),
                Some(full) => {
                    let files = &self.project.other_files;
                    let found = files
                        .binary_search_by(|(p, _)| p.as_str().cmp(&full))
                        .ok()
                        .and_then(|i| files.get(i));
                    let found = found.or_else(|| files.iter().find(|(p, _)| *p == full));
                    match found {
                        // A file without a byte is a script without functions; only a missing one has no text at all.
                        Some((_, text)) if text.is_empty() => script = Arc::from("\n"),
                        Some((_, text)) => script = Arc::clone(text),
                        None if self.project.unreadable.iter().any(|(p, _)| *p == full) => {}
                        None => {
                            let found = Diagnostic::error(
                                "F0204",
                                format!("no file `{written}`"),
                                path_loc,
                            );
                            let near = files
                                .iter()
                                .filter(|(p, _)| p.ends_with(".rhai"))
                                .map(|(p, _)| p.as_str());
                            let near = crate::env::did_you_mean(&full, near).map(str::to_owned);
                            let from_here = |n: &str| {
                                let below = n.strip_prefix(folder.as_str())?.strip_prefix('/');
                                below.map(str::to_owned)
                            };
                            let near = near.map(|n| from_here(&n).unwrap_or(n));
                            self.report(match near {
                                None => found.help("paths are relative to the folder of this file"),
                                Some(n) => found.help(format!("did you mean `{n}`?")).fix(
                                    format!("write `{n}`"),
                                    false,
                                    vec![flow_grammar::Edit {
                                        at: path_loc,
                                        text: format!("\"{n}\""),
                                    }],
                                ),
                            });
                        }
                    }
                    path = full;
                }
            }
        }
        let (returns, optional) = signature.returns.clone().unwrap_or((Type::Error, false));
        let name = signature
            .item
            .name
            .rsplit('.')
            .next()
            .map(SmolStr::new)
            .unwrap_or_default();
        self.out.hooks.push(Hook {
            name,
            params: signature.params.clone(),
            returns,
            optional,
            path,
            script,
            loc: self.loc(span),
            path_loc,
        });
    }

    pub(super) fn triggers(&mut self) {
        let env = self.env;
        for item in &env.triggers {
            let Some(tree) = decl_of(self.sources, item.decl) else {
                continue;
            };
            let DeclKind::Trigger(trigger) = &tree.kind else {
                continue;
            };
            if !self.included(item.scope) {
                continue;
            }
            self.enter(item.decl);
            self.trigger(trigger, item.name.clone(), tree.span);
        }
    }

    fn trigger(&mut self, tree: &TriggerDecl, name: SmolStr, span: Span) {
        let mut refs = Vec::new();
        let mut found = Vec::new();
        let mut payload: Vec<FieldDef> = Vec::new();
        for field in &tree.payload {
            let (ty, optional) = match &field.ty {
                Some(ty) => crate::types::resolve(
                    self.env, self.scope, self.decl, ty, &mut found, &mut refs,
                ),
                None => (Type::Error, true),
            };
            if let Some(first) = payload
                .iter()
                .find(|f| f.name == field.name.text)
                .map(|f| f.name_loc)
            {
                self.report(
                    Diagnostic::error(
                        "F0202",
                        format!("field `{}` is declared twice", field.name.text),
                        self.loc(field.name.span),
                    )
                    .label(first, "first declared here"),
                );
                continue;
            }
            payload.push(FieldDef {
                name: field.name.text.clone(),
                was: None,
                doc: field.doc.clone(),
                ty,
                optional,
                matching: None,
                file_kinds: Vec::new(),
                max_bytes: None,
                default: None,
                private: field.private,
                in_part: false,
                identifies: field.identifies,
                ask: None,
                loc: self.loc(field.span),
                name_loc: self.loc(field.name.span),
            });
        }
        self.refs.append(&mut refs);
        for f in found {
            self.report(f);
        }
        self.inside = Inside::Trigger(
            payload
                .iter()
                .map(|f| (f.name.clone(), f.ty.clone()))
                .collect(),
        );
        let find_by = tree.find_by.as_ref().and_then(|path| {
            let last = path.segments.last()?;
            let id = self.customer_field(last)?;
            if !payload.iter().any(|f| f.name == last.text) {
                self.report(
                    Diagnostic::error(
                        "F0201",
                        format!("the payload has no field `{}`", last.text),
                        self.loc(last.span),
                    )
                    .help("the customer is found by a field that the payload brings"),
                );
                return None;
            }
            Some(id)
        });
        let when = tree.when.as_ref().map(|w| self.cond(w));
        let owner = CodeOwner::Trigger(super::index(self.out.triggers.len()));
        let entry: OpId = match &tree.then {
            Some(TriggerThen::Escalate(escalate)) => {
                let code = self.begin_code(owner, escalate.span);
                let entry = self.escalate(escalate);
                self.end_code(code, entry);
                entry
            }
            Some(TriggerThen::Body(body)) => self.body(owner, body).1,
            None => {
                let code = self.begin_code(owner, span);
                let entry = self.op(OpKind::Finish, span);
                self.end_code(code, entry);
                entry
            }
        };
        let secret = tree.signed.as_ref().and_then(|p| self.secret(p));
        self.inside = Inside::Plain;
        self.out.triggers.push(Trigger {
            name,
            path: tree
                .path
                .as_ref()
                .and_then(flow_grammar::ast::TextLit::plain)
                .map(SmolStr::new)
                .unwrap_or_default(),
            secret,
            scheme: tree
                .scheme
                .as_ref()
                .map_or_else(|| SmolStr::new_static("standard"), |s| s.text.clone()),
            payload,
            find_by,
            when,
            entry,
            loc: self.loc(span),
        });
    }
}
