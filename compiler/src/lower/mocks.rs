//! Values in tests: mocks and payloads, built to their types.

use super::{Lower, constants};
use crate::env::{Def, Kind};
use crate::machine::{MockAnswer, TestStepKind};
use crate::value::{FileValue, Type, Value};
use flow_grammar::{
    Diagnostic, Span,
    ast::{self, Datum, Fields, Path},
};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Lower<'_> {
    /// A value in a test.
    pub(super) fn test_value(&mut self, e: &ast::Expr, ty: &Type) -> Option<Value> {
        if let (ast::ExprKind::Text(lit), Type::File) = (&e.kind, ty) {
            let name = self.words_of(lit)?;
            return Some(Value::File(FileValue {
                name,
                url: SmolStr::default(),
                mime: SmolStr::default(),
                bytes: 0,
            }));
        }
        self.value_as(e, ty, "F1201")
    }

    /// The value of a field in a test.
    pub(super) fn datum(&mut self, datum: &Datum, ty: &Type) -> Option<Value> {
        match (datum, ty) {
            (Datum::Value(e), ty) => self.test_value(e, ty),
            (Datum::Record(fields), ty) => self.record(fields, ty),
            (Datum::List(items, _), Type::List(of)) => self.records(items, of),
            (Datum::List(_, at), ty) => self.no_list(*at, ty),
        }
    }

    fn records(&mut self, items: &[Fields], of: &Type) -> Option<Value> {
        // All are looked at, whatever is wrong with the first.
        let values: Vec<Option<Value>> = items.iter().map(|f| self.record(f, of)).collect();
        let values: Option<Vec<Value>> = values.into_iter().collect();
        Some(Value::List(Arc::new(values?)))
    }

    fn no_list(&mut self, at: Span, ty: &Type) -> Option<Value> {
        if *ty != Type::Error {
            let name = self.env.type_name(ty);
            self.report(Diagnostic::error(
                "F1201",
                format!("expected `{name}`, found a list"),
                self.loc(at),
            ));
        }
        None
    }

    pub(super) fn mock(
        &mut self,
        id: u32,
        answer: &ast::MockAnswer,
        span: Span,
    ) -> Option<MockAnswer> {
        let env = self.env;
        let signature = env.webhooks.get(id as usize)?;
        let returns = signature.returns.as_ref().map(|r| &r.0);
        Some(match (answer, returns) {
            (ast::MockAnswer::Ok, _) => MockAnswer::Ok,
            (ast::MockAnswer::Fails, _) => MockAnswer::Fails,
            (_, None) => {
                self.report(
                    Diagnostic::error(
                        "F1201",
                        format!("webhook `{}` answers nothing", signature.item.name),
                        self.loc(span),
                    )
                    .label(signature.item.name_loc, "declared without `-> TYPE`")
                    .help("write `mock .. ok`"),
                );
                return None;
            }
            (_, Some(Type::Error)) => return None,
            (ast::MockAnswer::Value(e), Some(ty)) => MockAnswer::Returns(self.test_value(e, ty)?),
            (ast::MockAnswer::Record(fields), Some(ty)) => {
                MockAnswer::Returns(self.record(fields, ty)?)
            }
            (ast::MockAnswer::List(items, _), Some(Type::List(of))) => {
                MockAnswer::Returns(self.records(items, of)?)
            }
            (ast::MockAnswer::List(_, at), Some(ty)) => MockAnswer::Returns(self.no_list(*at, ty)?),
        })
    }

    /// A value of a record from its fields; what is required must be there.
    pub(super) fn record(&mut self, fields: &Fields, ty: &Type) -> Option<Value> {
        let Type::Record(id) = ty else {
            if *ty != Type::Error {
                let name = self.env.type_name(ty);
                self.report(Diagnostic::error(
                    "F1201",
                    format!("expected `{name}`, found fields"),
                    self.loc(fields.span),
                ));
            }
            return None;
        };
        let env = self.env;
        let record = env.records.get(id.index())?;
        let mut out: BTreeMap<SmolStr, Value> = BTreeMap::new();
        let mut fine = true;
        for (name, e) in &fields.fields {
            let found = record
                .index
                .get(&name.text)
                .and_then(|i| Some((*i, record.fields.get(*i as usize)?)));
            if let Some((i, _)) = found {
                self.refer(name.span, Def::RecordField(*id, i));
            }
            let Some((_, info)) = found else {
                if !env.poisoned.contains(&name.text) {
                    let at = self.loc(name.span);
                    let found = Diagnostic::error(
                        "F1201",
                        format!("`{}` has no field `{}`", record.item.name, name.text),
                        at,
                    );
                    let found = super::suggest(
                        found,
                        &name.text,
                        at,
                        record.fields.iter().map(|f| f.name.as_str()),
                    );
                    self.report(found);
                }
                fine = false;
                continue;
            };
            match self.datum(e, &info.ty) {
                Some(value) => {
                    out.insert(name.text.clone(), value);
                }
                None => fine = false,
            }
        }
        for field in &record.fields {
            if out.contains_key(&field.name) {
                continue;
            }
            // A partial mock is enough: what it leaves out is unknown, or the default.
            let default = self
                .out
                .records
                .get(id.index())
                .and_then(|r| r.fields.iter().find(|f| f.name == field.name))
                .and_then(|f| f.default.as_ref());
            let value = default
                .and_then(constants::constant_of)
                .unwrap_or(Value::Unknown);
            out.insert(field.name.clone(), value);
        }
        fine.then(|| Value::Record(Arc::new(out)))
    }

    pub(super) fn test_trigger(&mut self, path: &Path, fields: &Fields) -> Option<TestStepKind> {
        let id = self.named(Kind::Trigger, path)?;
        let name = self.env.triggers.get(id as usize)?.name.clone();
        let Some(at) = self.out.triggers.iter().position(|t| t.name == name) else {
            let at = self.loc(path.span);
            self.report(
                Diagnostic::error("F1201", format!("trigger `{name}` does not act"), at)
                    .help("its folder is used but not included"),
            );
            return None;
        };
        let trigger_fields: Vec<(SmolStr, Type)> = self
            .out
            .triggers
            .get(at)?
            .payload
            .iter()
            .map(|f| (f.name.clone(), f.ty.clone()))
            .collect();
        let mut out = Vec::new();
        for (field, e) in &fields.fields {
            let Some((_, ty)) = trigger_fields.iter().find(|(n, _)| *n == field.text) else {
                let at = self.loc(field.span);
                let found = Diagnostic::error(
                    "F1201",
                    format!("the payload has no field `{}`", field.text),
                    at,
                );
                let found = super::suggest(
                    found,
                    &field.text,
                    at,
                    trigger_fields.iter().map(|(n, _)| n.as_str()),
                );
                self.report(found);
                continue;
            };
            if let Some(value) = self.datum(e, ty) {
                out.push((field.text.clone(), value));
            }
        }
        Some(TestStepKind::Trigger(super::index(at), out))
    }
}
