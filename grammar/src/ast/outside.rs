//! What is outside of a bot, and tests: webhooks, hooks, triggers.

use super::decl::Field;
use super::expr::{Expr, Path, TextLit, TypeExpr};
use super::step::{Body, Within};
use super::testing::TestStep;
use crate::span::{Name, Span, Spanned};

/// A parameter: `order_id: text`, `customer` (the whole profile), `name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type; absent in `hook f(customer)`: the type of the thing of that name.
    pub ty: Option<TypeExpr>,
}

/// HTTP methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the methods speak for themselves")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// `webhook NAME(params) -> type { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// `-> type`.
    pub returns: Option<TypeExpr>,
    /// `get "url"`.
    pub request: Option<(Spanned<Method>, TextLit)>,
    /// `header "Name" "value"`.
    pub headers: Vec<(TextLit, TextLit)>,
    /// `send { email, why, key: EXPR }`: the name in the JSON and the value.
    pub send: Option<Vec<(Name, Expr)>>,
    /// `timeout 2s`, milliseconds.
    pub timeout: Option<Spanned<i64>>,
    /// `retry 3`.
    pub retry: Option<Spanned<u32>>,
    /// `idempotent`.
    pub idempotent: Option<Span>,
    /// `signed secret.X`: the request is signed.
    pub signed: Option<Path>,
    /// `shares customer.email`.
    pub shares: Vec<Path>,
    /// The block with its braces.
    pub span: Span,
}

/// `hook NAME(params) -> type from "file.rhai"`.
#[derive(Debug, Clone, PartialEq)]
pub struct HookDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// `-> type`.
    pub returns: Option<TypeExpr>,
    /// The script, relative to the file's folder.
    pub from: Option<TextLit>,
}

/// `trigger NAME from webhook "path" signed secret.X { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerDecl {
    /// Its name.
    pub name: Option<Name>,
    /// The path under the daemon's trigger endpoint.
    pub path: Option<TextLit>,
    /// `signed [SCHEME] secret.X`.
    pub signed: Option<Path>,
    /// The scheme's name (`github`, `stripe`, ..); absent: Standard Webhooks.
    pub scheme: Option<Name>,
    /// `payload { email: email, .. }`.
    pub payload: Vec<Field>,
    /// `find customer by FIELD`.
    pub find_by: Option<Path>,
    /// `when COND`.
    pub when: Option<Expr>,
    /// What happens: an escalate form or steps.
    pub then: Option<TriggerThen>,
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerThen {
    /// `escalate ..`.
    Escalate(super::step::Escalate),
    /// Other steps.
    Body(Body),
}

/// `test "title" { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TestDecl {
    /// What it shows.
    pub title: Option<TextLit>,
    /// The lines.
    pub steps: Vec<TestStep>,
}

/// `within 2h [of HOURS]`; re-exported for handoffs.
pub type Promise = Within;
