//! Expressions, texts and literals.

use crate::span::{Name, Span, Spanned};
use rust_decimal::Decimal;
use smol_str::SmolStr;

/// An expression with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// A dotted path: `order_id`, `customer.plan`, `common.find`, `queue.wait`, `env.SHOP_URL`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// At least one segment. `it.` with nothing after it has an empty last segment and has been reported.
    pub segments: Vec<Name>,
    /// The whole path.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `"text with {expr}"` or `"""block"""`.
    Text(TextLit),
    /// `42`, `3.5`, `100_000`.
    Number(f64),
    /// `70%`, as a fraction (0.7).
    Percent(f64),
    /// `90s 5m 2h 7d`, in milliseconds.
    Duration(i64),
    /// `120 USD`: the amount and the three-letter code.
    Money(Decimal, SmolStr),
    /// `2026-12-25`, as written; validity is checked later.
    Date(SmolStr),
    /// `09:30`.
    Time(SmolStr),
    /// `2026-12-25 09:30`.
    DateTime(SmolStr),
    /// `/regex/`, the text between the slashes.
    Regex(SmolStr),
    /// `true`, `false`.
    Bool(bool),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// A name or dotted path.
    Path(Path),
    /// `high_value(customer)`.
    Call(Path, Vec<Expr>),
    /// `time in tier` / `time in conversation`.
    TimeIn(TimeScope),
    /// `not x`.
    Not(Box<Expr>),
    /// `-x`.
    Neg(Box<Expr>),
    /// `a + b`, `a and b`, `a ?? b`, `a < b` ...
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `x is v` / `x is not v`.
    Is {
        negated: bool,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `x in [a, b]` / `x in list` / `x not in ..`.
    In {
        negated: bool,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `x is known` (`known: true`) / `x is unknown`.
    Known { known: bool, of: Box<Expr> },
    /// `during office` (`during: true`) / `outside office`.
    Hours { during: bool, hours: Path },
    /// `message contains "x"`.
    Contains { left: Box<Expr>, right: Box<Expr> },
    /// `message contains any ["x", "y"]`.
    ContainsAny { left: Box<Expr>, right: Box<Expr> },
    /// `message matches /re/`.
    Matches { left: Box<Expr>, right: Box<Expr> },
    /// `COND for 2 messages`.
    ForMessages {
        cond: Box<Expr>,
        count: Spanned<u32>,
    },
    /// `COND for 5m`; the duration in milliseconds.
    ForDuration {
        cond: Box<Expr>,
        millis: Spanned<i64>,
    },
    /// `2 of [COND, COND]`.
    AtLeast {
        count: Spanned<u32>,
        conds: Vec<Expr>,
    },
    /// Could not be read; already reported.
    Error,
}

/// What `time in` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeScope {
    /// The current stay in the tier.
    Tier,
    /// Since the conversation opened.
    Conversation,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the operators speak for themselves")]
pub enum BinaryOp {
    Coalesce,
    Mul,
    Div,
    Add,
    Sub,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

/// A text literal: pieces of text and interpolations.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLit {
    /// In order; escapes are resolved, a block's common indentation is removed.
    pub parts: Vec<TextPart>,
    /// With its quotes.
    pub span: Span,
}

impl TextLit {
    /// The text if it has no interpolation.
    #[must_use]
    pub fn plain(&self) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                TextPart::Str(s) => out.push_str(s),
                TextPart::Expr(_) => return None,
            }
        }
        Some(out)
    }
}

/// A piece of a text literal.
#[derive(Debug, Clone, PartialEq)]
pub enum TextPart {
    /// Text as the reader sees it.
    Str(SmolStr),
    /// `{expr}`.
    Expr(Expr),
}

/// Wherever a text may stand: a literal, or the name of a `text` declaration.
#[derive(Debug, Clone, PartialEq)]
pub enum TextRef {
    /// `"..."`.
    Lit(TextLit),
    /// `welcome`, `common.welcome`.
    Name(Path),
}

impl TextRef {
    /// Where it stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Self::Lit(lit) => lit.span,
            Self::Name(path) => path.span,
        }
    }
}

/// A type as written: `text`, `order?`, `list of issue`, `file of image, pdf at most 10 MB`.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// The base.
    pub kind: TypeKind,
    /// `?` was written.
    pub optional: bool,
    /// The whole type.
    pub span: Span,
}

/// The base of a written type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// A built-in, an enum or a record.
    Named(Path),
    /// `list of T`.
    List(Box<TypeExpr>),
    /// Could not be read; already reported.
    Error,
}
