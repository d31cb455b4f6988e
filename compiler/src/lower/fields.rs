//! Slots, fields of the profile, enums and records.

use super::Lower;
use crate::env::{FieldInfo, Kind};
use crate::load::decl as decl_of;
use crate::machine::{FieldDef, ProfileSource, RecordDef};
use crate::sources::Sources;
use crate::value::{Type, WebhookId};
use flow_grammar::{
    Diagnostic, Loc,
    ast::{DeclKind, Field},
};
use std::sync::Arc;

/// The field at a position of a `slots`, `customer` or `record` declaration.
pub(crate) fn field_of(sources: &Sources, decl: u32, position: u32) -> Option<&Field> {
    let fields = match &decl_of(sources, decl)?.kind {
        DeclKind::Slots(d) => &d.fields,
        DeclKind::Customer(d) => &d.fields,
        DeclKind::Record(d) => &d.fields,
        _ => return None,
    };
    fields.get(position as usize)
}

impl Lower<'_> {
    pub(super) fn fields(&mut self) {
        let env = self.env;
        for info in &env.slots {
            let field = self.field(info);
            self.out.slots.push(field);
        }
        for info in &env.customer {
            let field = self.field(info);
            self.out.customer.push(field);
        }
        for record in &env.records {
            let fields = record.fields.iter().map(|f| self.field(f)).collect();
            self.out.records.push(RecordDef {
                name: record.item.name.clone(),
                fields,
                loc: record.item.name_loc,
            });
        }
        self.private_parts();
    }

    /// What holds a record with a `private` field is private: records within records, and lists of them, too.
    fn private_parts(&mut self) {
        let mut holds: Vec<bool> = self
            .out
            .records
            .iter()
            .map(|record| record.fields.iter().any(|f| f.private))
            .collect();
        if !holds.contains(&true) {
            return;
        }
        let within = |ty: &Type, holds: &[bool]| {
            let mut ty = ty;
            while let Type::List(of) = ty {
                ty = of;
            }
            matches!(ty, Type::Record(id) if holds.get(id.index()) == Some(&true))
        };
        loop {
            let more: Vec<bool> = self
                .out
                .records
                .iter()
                .map(|record| {
                    let mut fields = record.fields.iter();
                    fields.any(|f| f.private || within(&f.ty, &holds))
                })
                .collect();
            if more == holds {
                break;
            }
            holds = more;
        }
        let records = self.out.records.iter_mut().flat_map(|r| &mut r.fields);
        let all = records
            .chain(&mut self.out.slots)
            .chain(&mut self.out.customer);
        for field in all {
            if !field.private && within(&field.ty, &holds) {
                field.private = true;
                field.in_part = true;
            }
        }
    }

    fn field(&mut self, info: &FieldInfo) -> FieldDef {
        let mut out = FieldDef {
            name: info.name.clone(),
            was: None,
            doc: None,
            ty: info.ty.clone(),
            optional: info.optional,
            matching: None,
            file_kinds: Vec::new(),
            max_bytes: None,
            default: None,
            private: false,
            in_part: false,
            identifies: false,
            ask: None,
            loc: info.name_loc,
            name_loc: info.name_loc,
        };
        let Some(tree) = field_of(self.sources, info.decl, info.position) else {
            return out;
        };
        self.enter(info.decl);
        out.was = tree.was.as_ref().map(|w| w.text.clone());
        out.doc.clone_from(&tree.doc);
        out.loc = self.loc(tree.span);
        out.file_kinds = tree.file_kinds.iter().map(|k| k.text.clone()).collect();
        out.max_bytes = tree.max_bytes.as_ref().map(|m| m.node);
        out.private = tree.private;
        out.identifies = tree.identifies;
        if let Some(matching) = &tree.matching {
            if crate::types::is_textual(&info.ty) || info.ty == Type::Error {
                // The whole answer must fit, not a part of it.
                if self.pattern(&matching.node, matching.span).is_some() {
                    let whole = smol_str::SmolStr::new(format!("^(?:{})$", matching.node));
                    out.matching = self.pattern(&whole, matching.span).map(|p| {
                        Arc::new(crate::machine::Pattern {
                            source: matching.node.clone(),
                            regex: p.regex.clone(),
                        })
                    });
                }
            } else {
                let name = self.env.type_name(&info.ty);
                self.report(Diagnostic::error(
                    "F0301",
                    format!("`matching` is for texts; this is `{name}`"),
                    self.loc(matching.span),
                ));
            }
        }
        if (!tree.file_kinds.is_empty() || tree.max_bytes.is_some())
            && !matches!(&info.ty, Type::File | Type::Error)
            && !is_files(&info.ty)
        {
            let name = self.env.type_name(&info.ty);
            self.report(Diagnostic::error(
                "F0301",
                format!("kinds and sizes are for files; this is `{name}`"),
                self.loc(tree.span),
            ));
        }
        // Of which enum a bare value is cannot be told where the type is not known.
        let bare =
            |e: &flow_grammar::ast::Expr| matches!(e.kind, flow_grammar::ast::ExprKind::Path(_));
        if let Some(default) = &tree.default {
            out.default = Some(if info.ty == Type::Error && bare(default) {
                crate::machine::Expr {
                    kind: crate::machine::ExprKind::Error,
                    ty: Type::Error,
                    loc: self.loc(default.span),
                }
            } else {
                self.expr_as(default, &info.ty, "F0301")
            });
        }
        out.ask = self.text_opt(tree.ask.as_ref());
        out
    }

    /// `customer from WEBHOOK(..)`.
    pub(super) fn profile(&mut self, unnamed: &[u32]) {
        for &id in unnamed {
            let Some(DeclKind::Customer(tree)) = decl_of(self.sources, id).map(|d| &d.kind) else {
                continue;
            };
            self.enter(id);
            let Some((webhook, args)) = &tree.from else {
                continue;
            };
            let span = flow_grammar::Span::new(
                webhook.span.start,
                args.last().map_or(webhook.span.end, |a| a.span.end),
            );
            let Some(id) = self.named(Kind::Webhook, webhook) else {
                for arg in args {
                    self.expr(arg);
                }
                continue;
            };
            let env = self.env;
            let Some(signature) = env.webhooks.get(id as usize) else {
                continue;
            };
            let args = self.arguments("webhook", signature, args, span);
            self.profile_fits(signature, webhook.span);
            let loc = self.loc(span);
            if self.out.profile.is_some() {
                self.report(
                    Diagnostic::error("F0202", "the profile is loaded from two webhooks", loc)
                        .help("name one webhook after `customer from`"),
                );
                continue;
            }
            self.out.profile = Some(ProfileSource {
                webhook: WebhookId(id),
                args,
                loc,
            });
        }
    }

    /// What the webhook answers must fit the fields of the same names.
    fn profile_fits(&mut self, signature: &crate::env::Signature, span: flow_grammar::Span) {
        let at: Loc = self.loc(span);
        let Some((Type::Record(id), _)) = &signature.returns else {
            if !matches!(signature.returns, Some((Type::Error, _))) {
                let name = &signature.item.name;
                self.report(
                    Diagnostic::error("F0301", format!("webhook `{name}` answers no record, so it cannot fill the profile"), at)
                        .label(signature.item.name_loc, "declared here")
                        .help("declare a record with the fields of the profile, and let the webhook answer it"),
                );
            }
            return;
        };
        let Some(record) = self.env.records.get(id.index()) else {
            return;
        };
        for field in &record.fields {
            let Some(own) = self
                .env
                .customer_index
                .get(&field.name)
                .and_then(|f| self.env.customer.get(f.index()))
            else {
                continue;
            };
            let textual = crate::types::is_textual(&field.ty) && crate::types::is_textual(&own.ty);
            if !crate::types::fits(&field.ty, &own.ty) && !textual {
                let (got, want) = (self.env.type_name(&field.ty), self.env.type_name(&own.ty));
                let found = Diagnostic::error(
                    "F0301",
                    format!(
                        "`{}` is `{want}` in the profile and `{got}` in what the webhook answers",
                        field.name
                    ),
                    at,
                )
                .label(own.name_loc, format!("`{want}` here"))
                .label(field.name_loc, format!("`{got}` here"));
                self.report(found);
            }
        }
    }
}

fn is_files(ty: &Type) -> bool {
    matches!(ty, Type::List(of) if **of == Type::File)
}
