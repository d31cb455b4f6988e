//! What a bot understands and says: intents, FAQs, nodes, texts, handlers.

use super::expr::{Expr, Path, TextLit, TextRef};
use super::step::{Body, Target};
use crate::span::{Name, Span, Spanned};

/// `intent NAME [regulated [when COND]] { .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `regulated`.
    pub regulated: bool,
    /// `when COND` after `regulated`.
    pub regulated_when: Option<Expr>,
    /// The examples. Interpolations name slots: `"has {order_id} shipped"`.
    pub examples: Vec<Example>,
}

/// An example message.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// `en` before it; absent: the bot's default language.
    pub language: Option<Name>,
    /// The message.
    pub text: TextLit,
}

/// `on EVENT ..`.
#[derive(Debug, Clone, PartialEq)]
pub struct OnDecl {
    /// What happens.
    pub event: OnEvent,
    /// Where the event is written.
    pub event_span: Span,
    /// What is done.
    pub then: Option<OnThen>,
}

/// What a handler waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum OnEvent {
    /// `intent X`.
    Intent(Path),
    /// `silence 10m`, milliseconds.
    Silence(Spanned<i64>),
    /// `file`.
    File,
    /// `escalate start resolve abandon ticket callback connected survey`.
    Lifecycle(Name),
    /// Could not be read; already reported.
    Error,
}

/// What a handler does.
#[derive(Debug, Clone, PartialEq)]
pub enum OnThen {
    /// `visit NODE`: comes back to the pending question.
    Visit(Path),
    /// `-> TARGET`: leaves the pending question.
    Target(Target),
    /// `{ steps }`.
    Body(Body),
}

/// `faq NAME { ask "..", ".."; answer TEXT; link "url" }`.
#[derive(Debug, Clone, PartialEq)]
pub struct FaqDecl {
    /// Its name.
    pub name: Option<Name>,
    /// The questions.
    pub ask: Vec<Example>,
    /// The answer.
    pub answer: Option<TextRef>,
    /// `link "url"`.
    pub link: Option<TextRef>,
}

/// `node NAME [was OLD] { steps }`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDecl {
    /// Its name.
    pub name: Option<Name>,
    /// `was OLD`.
    pub was: Option<Name>,
    /// Its steps.
    pub body: Body,
}

/// `text NAME { en ".."; en on whatsapp ".." }`.
#[derive(Debug, Clone, PartialEq)]
pub struct TextDecl {
    /// Its name.
    pub name: Option<Name>,
    /// Its variants.
    pub variants: Vec<TextVariant>,
}

/// One variant of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextVariant {
    /// The language.
    pub language: Name,
    /// `on CHANNEL`.
    pub channel: Option<Name>,
    /// The text.
    pub text: TextLit,
    /// The whole line.
    pub span: Span,
}

/// `threshold NAME = EXPR { VALUE when COND; .. }`.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdDecl {
    /// Its name.
    pub name: Option<Name>,
    /// The value otherwise.
    pub default: Option<Expr>,
    /// The first line whose condition holds decides.
    pub lines: Vec<(Expr, Expr)>,
}
